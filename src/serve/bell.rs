//! Wakes the task of a connection, but not for nothing.
//!
//! WHY: over HTTP/1, to take a piece of a body wakes who sends it, for the next piece; and that is the connection, which is
//! at work this very moment. Of a body that has arrived whole there is no next piece, and the second look at the connection
//! took some nine hundred instructions for each decision, a twelfth of all that are not the library's own.

use std::cell::Cell;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

thread_local! {
    /// Whether a bell rang, while they are silent on this thread.
    static RANG: Cell<Option<bool>> = const { Cell::new(None) };
}

/// Wakes a task.
struct Bell(Waker);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        match RANG.get() {
            Some(_) => RANG.set(Some(true)),
            None => self.0.wake_by_ref(),
        }
    }
}

/// A waker that wakes `task` but where it is silent.
pub fn bell(task: &Waker) -> Waker {
    Arc::new(Bell(task.clone())).into()
}

/// Does `work`, in which bells are silent on this thread; whether one of them rang.
fn silently<T>(work: impl FnOnce() -> T) -> (T, bool) {
    struct Silence;

    impl Drop for Silence {
        fn drop(&mut self) {
            RANG.set(None);
        }
    }

    let _silence = Silence;
    RANG.set(Some(false));
    let done = work();
    (done, RANG.get() == Some(true))
}

/// The body of a request whose connection is polled with a [`bell()`].
#[derive(Debug)]
pub struct Quiet<B> {
    /// The body.
    pub body: B,
    /// Whether it came over HTTP/1. Over HTTP/2 a connection is woken to make room for more, of other requests too.
    pub is_http1: bool,
}

impl<B: Body<Data = Bytes> + Unpin> Body for Quiet<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if !self.is_http1 {
            return Pin::new(&mut self.body).poll_frame(cx);
        }
        let (frame, rang) = silently(|| Pin::new(&mut self.body).poll_frame(cx));
        if rang && !self.body.is_end_stream() {
            cx.waker().wake_by_ref();
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    /// A body of so many pieces, each of which wakes its sender when it is taken.
    struct Pieces(usize, Waker);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
            self.0 -= 1;
            self.1.wake_by_ref();
            Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"a piece")))))
        }

        fn is_end_stream(&self) -> bool {
            self.0 == 0
        }
    }

    #[track_caller]
    fn check(pieces: usize, is_http1: bool, expected: usize) {
        let count = Arc::new(Count::default());
        let bell = bell(&Waker::from(Arc::clone(&count)));
        let mut body = Quiet { body: Pieces(pieces, bell.clone()), is_http1 };
        while !body.is_end_stream() {
            assert!(Pin::new(&mut body).poll_frame(&mut Context::from_waker(&bell)).is_ready());
        }
        assert_eq!(count.0.load(Relaxed), expected);
        bell.wake_by_ref();
        assert_eq!(count.0.load(Relaxed), expected + 1, "silence ends");
    }

    #[test]
    fn only_the_last_piece_of_a_body_over_http1_wakes_nobody() {
        check(1, true, 0);
        check(3, true, 2);
        check(1, false, 1);
        check(3, false, 3);
    }
}
