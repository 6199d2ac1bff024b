//! The servers that are compared: doorward, and hello in the same libraries with an answer of the same size.
//!
//! Each runs in a process of its own on one core. It prints where it listens and serves until its input ends.

use std::convert::Infallible;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use doorward::reload::{self, Active, Status};
use doorward::serve::wire::v1;
use doorward::serve::{self, Running, Settings};
use doorward::source::Source;
use futures_util::{Stream, StreamExt};
use http::{HeaderValue, Request, Response, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tonic::{Status as Refused, Streaming};
use tonic_prost::ProstCodec;

/// Serves as `kind` until standard input ends.
pub fn serve(kind: &str, bundle: &Path, socket: PathBuf, answer_bytes: usize) {
    let doorward;
    let address = match kind {
        "doorward" => {
            doorward = self::doorward(bundle, socket);
            doorward.addresses().tcp.unwrap().to_string()
        }
        "hyper" => hello(socket, answer_bytes, Hello::Hyper),
        "tonic" => hello(socket, answer_bytes, Hello::Tonic),
        other => panic!("no server {other}"),
    };
    println!("{address}");
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

/// doorward with the bundle in force.
pub fn doorward(bundle: &Path, socket: PathBuf) -> Running {
    let (active, status) = (Arc::new(Active::empty()), Arc::new(Status::new()));
    let settings = Settings {
        listen: Some(([127, 0, 0, 1], 0).into()),
        unix: Some(socket),
        threads: 1.try_into().unwrap(),
        ..Settings::default()
    };
    let running = serve::start(settings, Arc::clone(&active), Arc::clone(&status)).unwrap();
    let loader = reload::start(Source::new(bundle), active, status, |_| {}).unwrap();
    loader.wait_first().unwrap();
    running
}

/// In which library hello is said.
#[derive(Clone, Copy)]
pub enum Hello {
    Hyper,
    Tonic,
}

/// Says hello on a thread of its own for as long as the process lives; gives the address.
pub fn hello(socket: PathBuf, answer_bytes: usize, kind: Hello) -> String {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let unix = UnixListener::bind(socket).unwrap();
            sender.send(tcp.local_addr().unwrap().to_string()).unwrap();
            let body = Bytes::from(vec![b'x'; answer_bytes]);
            match kind {
                Hello::Hyper => hyper_hello(tcp, unix, body).await,
                Hello::Tonic => tonic_hello(tcp, unix, body).await,
            }
        });
    });
    receiver.recv().unwrap()
}

async fn hyper_hello(tcp: TcpListener, unix: UnixListener, body: Bytes) {
    loop {
        tokio::select! {
            stream = tcp.accept() => {
                let (stream, _) = stream.unwrap();
                stream.set_nodelay(true).unwrap();
                hyper_connection(stream, body.clone());
            }
            stream = unix.accept() => hyper_connection(stream.unwrap().0, body.clone()),
        }
    }
}

fn hyper_connection(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, body: Bytes) {
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let body = body.clone();
        async move {
            request.into_body().collect().await.unwrap();
            let mut response = Response::new(Full::new(body));
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(header::CONTENT_TYPE, json);
            Ok::<_, Infallible>(response)
        }
    });
    let connection =
        hyper::server::conn::http1::Builder::new().pipeline_flush(true).serve_connection(TokioIo::new(stream), service);
    tokio::spawn(connection);
}

/// An answer of a given size that costs nothing to make.
#[derive(Clone, PartialEq, prost::Message)]
struct Greeting {
    #[prost(bytes = "bytes", tag = "15")]
    body: Bytes,
}

async fn tonic_hello(tcp: TcpListener, unix: UnixListener, body: Bytes) {
    let service = Greeter { greeting: Greeting { body: body.slice(2.min(body.len())..) } };
    let tcp = tokio_stream::wrappers::TcpListenerStream::new(tcp).inspect(|stream| {
        stream.as_ref().unwrap().set_nodelay(true).unwrap();
    });
    let unix = tokio_stream::wrappers::UnixListenerStream::new(unix);
    let over_tcp = tonic::transport::Server::builder().add_service(service.clone()).serve_with_incoming(tcp);
    let over_unix = tonic::transport::Server::builder().add_service(service).serve_with_incoming(unix);
    let _ = tokio::join!(over_tcp, over_unix);
}

/// What tonic generates for a service with one call and one stream, both of which only greet.
#[derive(Clone)]
struct Greeter {
    greeting: Greeting,
}

impl tonic::server::NamedService for Greeter {
    const NAME: &'static str = "doorward.v1.Decisions";
}

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

impl tower::Service<Request<tonic::body::Body>> for Greeter {
    type Response = Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = Boxed<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<tonic::body::Body>) -> Self::Future {
        let greeter = self.clone();
        Box::pin(async move {
            let mut server = tonic::server::Grpc::new(ProstCodec::default());
            Ok(match request.uri().path() {
                "/doorward.v1.Decisions/Decide" => server.unary(greeter, request).await,
                _ => server.streaming(greeter, request).await,
            })
        })
    }
}

impl tonic::server::UnaryService<v1::DecideRequest> for Greeter {
    type Response = Greeting;
    type Future = Boxed<Result<tonic::Response<Greeting>, Refused>>;

    fn call(&mut self, _: tonic::Request<v1::DecideRequest>) -> Self::Future {
        let greeting = self.greeting.clone();
        Box::pin(async move { Ok(tonic::Response::new(greeting)) })
    }
}

impl tonic::server::StreamingService<v1::DecideRequest> for Greeter {
    type Response = Greeting;
    type ResponseStream = Pin<Box<dyn Stream<Item = Result<Greeting, Refused>> + Send>>;
    type Future = Boxed<Result<tonic::Response<Self::ResponseStream>, Refused>>;

    fn call(&mut self, request: tonic::Request<Streaming<v1::DecideRequest>>) -> Self::Future {
        let greeting = self.greeting.clone();
        Box::pin(async move {
            let greetings = request.into_inner().map(move |request| request.map(|_| greeting.clone()));
            Ok(tonic::Response::new(Box::pin(greetings) as Self::ResponseStream))
        })
    }
}
