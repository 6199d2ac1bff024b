//! Bodies: reading a bounded one, and writing the few kinds that doors answer with.

use std::convert::Infallible;
use std::error::Error;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue};
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;

use super::wire::Refusal;

/// Reads a whole body of at most `most` bytes.
///
/// # Errors
/// [`Refusal::TooLarge`], as soon as that is known; [`Refusal::Incomplete`]. Cost: a body that arrives in one piece is
/// not copied.
pub async fn read<B>(body: B, most: usize) -> Result<Bytes, Refusal>
where
    B: Body<Data = Bytes> + Unpin,
{
    if body.size_hint().lower() > most as u64 {
        return Err(Refusal::TooLarge);
    }
    let mut body = body;
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while !body.is_end_stream()
        && let Some(frame) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await
    {
        let Ok(data) = frame.map_err(|_| Refusal::Incomplete)?.into_data() else {
            continue;
        };
        if first.len() + all.len() + data.len() > most {
            return Err(Refusal::TooLarge);
        }
        if first.is_empty() && all.is_empty() {
            first = data;
        } else {
            all.extend_from_slice(&std::mem::take(&mut first));
            all.extend_from_slice(&data);
        }
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

/// The body of an answer.
#[derive(Debug)]
pub enum Reply {
    /// One piece; empty when it has been sent.
    Whole(Bytes),
    /// One gRPC message, and whether the trailers of success are still to be sent.
    Unary(Option<Bytes>, bool),
    /// Whatever tonic says.
    Tonic(tonic::body::Body),
    /// The same, and the place that it takes until it has been sent or given up.
    Held(tonic::body::Body, OwnedSemaphorePermit),
}

impl Reply {
    /// One gRPC message, framed, and success.
    pub const fn unary(frame: Bytes) -> Self {
        Self::Unary(Some(frame), true)
    }
}

impl Default for Reply {
    fn default() -> Self {
        Self::Whole(Bytes::new())
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Box<dyn Error + Send + Sync>>>> {
        let frame = match self.get_mut() {
            Self::Whole(bytes) if bytes.is_empty() => None,
            Self::Whole(bytes) => Some(Frame::data(std::mem::take(bytes))),
            Self::Unary(data, trailers) => match data.take() {
                Some(data) => Some(Frame::data(data)),
                None => std::mem::take(trailers).then(|| Frame::trailers(success())),
            },
            Self::Tonic(body) | Self::Held(body, _) => {
                let frame = ready!(Pin::new(body).poll_frame(cx));
                return Poll::Ready(frame.map(|frame| frame.map_err(Into::into)));
            }
        };
        Poll::Ready(frame.map(Ok::<_, Infallible>).map(|frame| frame.map_err(|never| match never {})))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Unary(data, trailers) => data.is_none() && !trailers,
            Self::Tonic(body) | Self::Held(body, _) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Unary(data, _) => SizeHint::with_exact(data.as_ref().map_or(0, |data| data.len() as u64)),
            Self::Tonic(body) | Self::Held(body, _) => body.size_hint(),
        }
    }
}

/// The trailers of a gRPC call that succeeded.
fn success() -> HeaderMap {
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    trailers
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::future::Future;
    use std::task::Waker;

    use super::*;

    struct Pieces(VecDeque<&'static str>);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(Bytes::from_static(piece.as_bytes())))))
        }
    }

    #[track_caller]
    fn check(pieces: &[&'static str], most: usize, expected: Result<&str, Refusal>) {
        let mut reading = std::pin::pin!(read(Pieces(pieces.iter().copied().collect()), most));
        let outcome = reading.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let expected = expected.map(|text| Bytes::copy_from_slice(text.as_bytes()));
        assert_eq!(outcome, Poll::Ready(expected));
    }

    #[test]
    fn a_body_is_read_whole_or_refused_as_soon_as_it_is_too_large() {
        check(&[], 4, Ok(""));
        check(&["abcd"], 4, Ok("abcd"));
        check(&["", "ab", "", "c", "d"], 4, Ok("abcd"));
        check(&["abcde"], 4, Err(Refusal::TooLarge));
        check(&["ab", "cd", "e"], 4, Err(Refusal::TooLarge));
    }
}
