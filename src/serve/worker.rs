//! One serving thread: a runtime of its own, its own listeners, and the connections that came to it.
//!
//! Nothing here is shared with another thread but the snapshot and the Unix socket's queue. A connection is watched by
//! one timer: whoever sends no complete request head for a while is asked to leave and then cut off.

use std::convert::Infallible;
use std::error::Error;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::Either;
use http::Request;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use jiff::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsAcceptor;

use super::bell;
use super::body::Reply;
use super::callers::{self, Gate, pass};
use super::door::{self, Decision, Door};
use super::peer::Peer;
use super::plain::Plain;
use super::turn;
use crate::limits;

/// What a serving thread accepts from.
#[derive(Debug, Default)]
pub struct Listeners {
    /// Its own TCP listener.
    pub tcp: Option<std::net::TcpListener>,
    /// The Unix socket, shared with the other threads.
    pub unix: Option<std::os::unix::net::UnixListener>,
}

/// Serves until `stop` is true, then lets what has begun end within [`limits::DRAIN_TIME_MAX`].
///
/// # Errors
/// The system gives no runtime or refuses a listener.
pub fn run(listeners: Listeners, door: Arc<Door>, stop: watch::Receiver<bool>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    runtime.block_on(serve(listeners, door, stop))
}

async fn serve(listeners: Listeners, door: Arc<Door>, mut stop: watch::Receiver<bool>) -> io::Result<()> {
    // WHY: each listener has its own, so that a flood on one keeps nobody out of the other.
    let ((tcp_open, mut tcp_closed), (unix_open, mut unix_closed)) = (mpsc::channel(1), mpsc::channel(1));
    let connections = |open| Connections { door: Arc::clone(&door), stop: stop.clone(), open };
    let (over_tcp, over_unix) = (connections(tcp_open), connections(unix_open));
    let tcp = listeners.tcp.map(TcpListener::from_std).transpose()?;
    let unix = listeners.unix.map(UnixListener::from_std).transpose()?;
    {
        let tcp = accept_tcp(tcp, &over_tcp);
        let unix = accept_unix(unix, &over_unix);
        let mut accepting = pin!(async { tokio::join!(tcp, unix) });
        let mut stopping = pin!(stop.wait_for(|stop| *stop));
        poll_fn(|cx| match stopping.as_mut().poll(cx) {
            Poll::Ready(_) => Poll::Ready(()),
            Poll::Pending => accepting.as_mut().poll(cx).map(|_| ()),
        })
        .await;
    }
    drop((over_tcp, over_unix));
    // WHY: every connection holds a sender, so a channel closes when the last one is gone.
    let closed = async { tokio::join!(tcp_closed.recv(), unix_closed.recv()) };
    let _ = tokio::time::timeout(limits::DRAIN_TIME_MAX, closed).await;
    Ok(())
}

async fn accept_tcp(listener: Option<TcpListener>, connections: &Connections) {
    let Some(listener) = listener else { return };
    loop {
        match listener.accept().await {
            Ok((stream, address)) => {
                // WHY: answers are written whole; waiting to fill a segment would only add delay.
                let _ = stream.set_nodelay(true);
                connections.start_tcp(stream, address);
            }
            Err(error) => pause(&error).await,
        }
    }
}

async fn accept_unix(listener: Option<UnixListener>, connections: &Connections) {
    let Some(listener) = listener else { return };
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let peer = Peer::Unix(stream.peer_cred().ok());
                connections.start(|door, stop| async move {
                    let gate = gate(&door, &peer, None);
                    connection(stream, peer, gate, door, stop).await;
                });
            }
            Err(error) => pause(&error).await,
        }
    }
}

/// Keeps a failing `accept` (no file descriptors, usually) from spinning.
pub(super) async fn pause(error: &io::Error) {
    let is_one_connection = matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    );
    if !is_one_connection {
        tracing::warn!(%error, "a connection could not be accepted");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The connections of one listener.
struct Connections {
    door: Arc<Door>,
    stop: watch::Receiver<bool>,
    open: mpsc::Sender<()>,
}

impl Connections {
    fn start_tcp(&self, stream: TcpStream, address: SocketAddr) {
        let tls = self.door.callers.as_ref().and_then(|callers| callers.tls()).map(|tls| tls.config());
        let peer = Peer::Tcp { address, is_encrypted: tls.is_some() };
        match tls {
            None => self.start(move |door, stop| async move {
                let gate = gate(&door, &peer, None);
                connection(stream, peer, gate, door, stop).await;
            }),
            Some(tls) => self.start(move |door, stop| async move {
                let handshake = TlsAcceptor::from(tls).accept(stream);
                let stream = match tokio::time::timeout(door.bounds.request_time_max, handshake).await {
                    Ok(Ok(stream)) => stream,
                    failed => {
                        tracing::debug!(error = ?failed.map(Result::err), "a TLS handshake failed");
                        door.decider.core().failed_handshake();
                        return;
                    }
                };
                let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
                let gate = gate(&door, &peer, certificate.map(AsRef::as_ref));
                // One that cannot be read lets nobody in.
                let end = certificate.and_then(|certificate| callers::expires(certificate));
                let (leave, leaving) = watch::channel(false);
                tokio::select! {
                    () = connection(stream, peer, gate, door, leaving) => {}
                    () = leave_in_time(&leave, stop, end) => {}
                }
            }),
        }
    }

    fn start<F: Future<Output = ()> + Send + 'static>(
        &self,
        serve: impl FnOnce(Arc<Door>, watch::Receiver<bool>) -> F,
    ) {
        if self.open.strong_count() > self.door.bounds.connections_max {
            self.door.decider.core().shed_connection();
            return;
        }
        let open = self.open.clone();
        let serving = serve(Arc::clone(&self.door), self.stop.clone());
        tokio::spawn(async move {
            serving.await;
            drop(open);
        });
    }
}

/// Tells a connection to `leave` with the end of its certificate or of the server, whichever comes first, and lets what it
/// has begun end within [`limits::DRAIN_TIME_MAX`].
async fn leave_in_time(leave: &watch::Sender<bool>, mut stop: watch::Receiver<bool>, end: Option<Timestamp>) {
    tokio::select! {
        _ = stop.wait_for(|stop| *stop) => {}
        () = callers::ended(end) => tracing::debug!("the certificate of a connected caller has ended"),
    }
    leave.send_replace(true);
    tokio::time::sleep(limits::DRAIN_TIME_MAX).await;
}

/// The gate of a connection, unless everybody may ask.
fn gate(door: &Door, peer: &Peer, certificate: Option<&[u8]>) -> Option<Gate> {
    door.callers.as_ref().map(|callers| callers.meet(peer, certificate))
}

/// What a connection's requests share: the door, what stands before it, and how many of them have begun and ended.
#[derive(Debug)]
struct Shared {
    door: Arc<Door>,
    gate: Option<Gate>,
    begun: AtomicU64,
    ended: AtomicU64,
}

/// A request that has begun. It ends when this is dropped: with its answer's last byte, or when the caller gives it up.
#[derive(Debug)]
struct Begun(Arc<Shared>);

impl Begun {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.begun.store(shared.begun.load(Relaxed) + 1, Relaxed);
        Self(Arc::clone(shared))
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.0.ended.store(self.0.ended.load(Relaxed) + 1, Relaxed);
    }
}

/// An answer that ends its request when it has been sent: a stream's goes on long after its head.
#[derive(Debug)]
struct Answer {
    reply: Reply,
    /// Who is answered, if it has a name: a stream decides while it is answered.
    caller: Option<Arc<str>>,
    _begun: Begun,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Box<dyn Error + Send + Sync>>>> {
        match self.caller.clone() {
            None => Pin::new(&mut self.reply).poll_frame(cx),
            caller => pass::with_sync(caller, || Pin::new(&mut self.reply).poll_frame(cx)),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.reply.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.reply.size_hint()
    }
}

async fn connection<S>(stream: S, peer: Peer, gate: Option<Gate>, door: Arc<Door>, mut stop: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let idle_time = door.bounds.idle_time_max;
    let passes_freely = gate.is_none() && door.has_api;
    let shared = Arc::new(Shared { door, gate, begun: AtomicU64::new(0), ended: AtomicU64::new(0) });
    let theirs = Arc::clone(&shared);
    let service = service_fn(move |request: Request<Incoming>| {
        let (begun, version) = (Begun::new(&theirs), request.version());
        // WHY: hyper moves the future of a request about, so that of a decision is kept small; the others are boxed.
        match if passes_freely { Decision::of(&request) } else { None } {
            Some(decision) => {
                let opened = door::open(request);
                Either::Left(async move {
                    let response = door::decide(&begun.0.door, decision, opened).await;
                    turn::after_the_others(version).await;
                    Ok::<_, Infallible>(response.map(|reply| Answer { reply, caller: None, _begun: begun }))
                })
            }
            None => Either::Right(Box::pin(async move {
                let shared = &begun.0;
                let (response, caller) = door::pass(&shared.door, shared.gate.as_ref(), peer, request).await;
                turn::after_the_others(version).await;
                Ok::<_, Infallible>(response.map(|reply| Answer { reply, caller, _begun: begun }))
            })),
        }
    });
    let server = server();
    let mut connection = pin!(server.serve_connection(TokioIo::new(Plain(stream)), service));
    let has_stopped = stop.clone();
    let mut stopping = pin!(stop.wait_for(|stop| *stop));
    let mut idle = pin!(tokio::time::sleep(idle_time));
    let mut bell = None;
    let (mut must_register, mut is_told, mut is_stopping, mut is_leaving, mut seen) = (true, false, false, false, 0);
    poll_fn(|cx| {
        // WHY: once polled, both wake this task; from then on it is enough to look at them. They come first, because
        // a task that has used up its turn could not register.
        if std::mem::take(&mut must_register) {
            is_told = is_told || stopping.as_mut().poll(cx).is_ready();
            let _ = idle.as_mut().poll(cx);
        }
        // WHY once: a connection stays with its task.
        let bell = bell.get_or_insert_with(|| bell::bell(cx.waker()));
        if connection.as_mut().poll(&mut Context::from_waker(bell)).is_ready() {
            return Poll::Ready(());
        }
        if !is_stopping && has_stopped.has_changed().unwrap_or(true) {
            is_stopping = true;
            connection.as_mut().graceful_shutdown();
            return connection.as_mut().poll(cx).map(|_| ());
        }
        if idle.is_elapsed() {
            let (begun, ended) = (shared.begun.load(Relaxed), shared.ended.load(Relaxed));
            if begun == seen && begun == ended {
                if is_leaving {
                    return Poll::Ready(());
                }
                is_leaving = true;
                connection.as_mut().graceful_shutdown();
            }
            seen = begun;
            idle.as_mut().reset(tokio::time::Instant::now() + idle_time);
            must_register = true;
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    })
    .await;
}

fn server() -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    // WHY: the timer of `connection` watches for slow heads without a timer for each request.
    // WHY half: whoever has said all that it has to say is answered like others, and whether it is still there is not
    // looked at, with another buffer, while it is being answered.
    server.http1().header_read_timeout(None).half_close(true).max_buf_size(limits::REQUEST_HEAD_BYTES_MAX);
    server
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(limits::IDLE_TIME_MAX)
        .max_concurrent_streams(limits::STREAMS_PER_CONNECTION_MAX)
        .max_header_list_size(limits::REQUEST_HEAD_BYTES_MAX as u32);
    server
}
