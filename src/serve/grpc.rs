//! The door that speaks gRPC: service `doorward.v1.Decisions`. What is Envoy's goes on to [`envoy`], health and reflection to
//! [`super::services`].
//!
//! Calls of one message are framed here: a five byte prefix each way, so that a decision pays for no stream. The
//! stream is tonic's. It decodes and encodes; what is decided is the decider's.

use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, Bytes};
use futures_util::Stream;
use http::header::HeaderValue;
use http::{HeaderMap, Request, Response, Version};
use hyper::body::Incoming;
use prost::Message;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder, Streaming};
use tonic::{Code, Status};

use super::api::ApiPath;
use super::body::Reply;
use super::callers::Lease;
use super::decider::Arrival;
use super::door::{Door, InFlight};
use super::http::reply_in;
use super::wire::{Encoding, Refusal, Refused};
use super::{envoy, services};
use crate::limits;
use crate::observe::metrics::Surface;

const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
/// A compression flag and the length of the message.
pub const PREFIX: usize = 5;
/// Room for a usual answer.
const ANSWER_BYTES: usize = 768;
/// Room for one message of a stream, and for the answers that are sent together.
const STREAM_BUFFERS: (usize, usize) = (2 << 10, 32 << 10);

/// Whether a content type is gRPC's.
pub fn is_grpc(kind: &[u8]) -> bool {
    kind.starts_with(b"application/grpc")
}

/// Answers one gRPC request that is no call of one message to `Decisions`; a stream for no longer than `lease`.
pub async fn answer(door: &Arc<Door>, lease: Option<Lease>, request: Request<Incoming>) -> Response<Reply> {
    let goes_on = services::goes_on(request.uri().path());
    match (ApiPath::of(request.uri().path()), request.uri().path()) {
        // WHY: gRPC is made for HTTP/2, and only there is it seen that a caller has gone while nothing is sent.
        _ if goes_on && request.version() < Version::HTTP_2 => refuse(door, Surface::Grpc, Refusal::NotFound),
        (Some(ApiPath::GrpcStream), _) => stream(door, lease, request).await,
        (_, envoy::CHECK) if let Some(settings) = &door.envoy => envoy::check(door, settings, request).await,
        _ => door.services.answer(door, lease, request).await,
    }
}

/// Decides a framed body and writes the answer, whose headers go to `room`, which has none.
pub fn decide(
    body: Bytes,
    room: HeaderMap,
    decide: impl FnOnce(Arrival<'_>, &mut Vec<u8>) -> Result<(), Refused>,
) -> Response<Reply> {
    let body = match unframe(body) {
        Ok(body) => body,
        Err(status) => return status.into_http(),
    };
    let mut answer = Vec::with_capacity(ANSWER_BYTES);
    answer.extend_from_slice(&[0; PREFIX]);
    match decide(Arrival { surface: Surface::Grpc, encoding: Encoding::Protobuf, body: &body }, &mut answer) {
        Ok(()) => framed(answer, room),
        Err(refused) => refused.to_status().into_http(),
    }
}

/// One message, framed, and success.
pub(super) fn answered(message: &impl Message) -> Response<Reply> {
    let mut answer = vec![0; PREFIX];
    // INVARIANT: a vector takes every write.
    let _ = message.encode(&mut answer);
    framed(answer, HeaderMap::new())
}

/// An answer that has room for its prefix.
fn framed(mut answer: Vec<u8>, room: HeaderMap) -> Response<Reply> {
    let length = u32::try_from(answer.len() - PREFIX).unwrap_or(u32::MAX);
    if let Some(place) = answer.get_mut(1..PREFIX) {
        place.copy_from_slice(&length.to_be_bytes());
    }
    reply_in(room, GRPC, Reply::unary(answer.into()))
}

/// The one message of a body.
pub(super) fn unframe(mut body: Bytes) -> Result<Bytes, Status> {
    let Some(([flag], [a, b, c, d])) =
        body.split_first_chunk::<1>().and_then(|(flag, rest)| rest.first_chunk::<4>().map(|length| (flag, length)))
    else {
        return Err(Status::internal("the request holds no message"));
    };
    let (flag, length) = (*flag, u32::from_be_bytes([*a, *b, *c, *d]));
    body.advance(PREFIX);
    match (flag, usize::try_from(length)) {
        (0, Ok(length)) if length == body.len() => Ok(body),
        (0, _) => Err(Status::internal("the request does not hold exactly one message")),
        _ => Err(Status::unimplemented("compressed messages are not supported")),
    }
}

/// Refuses a request before it is decided.
pub fn refuse(door: &Door, surface: Surface, refusal: Refusal) -> Response<Reply> {
    door.decider.refused(surface, refusal, None).to_status().into_http()
}

async fn stream(door: &Arc<Door>, lease: Option<Lease>, request: Request<Incoming>) -> Response<Reply> {
    let Some(in_flight) = InFlight::begin(Arc::clone(door), Surface::GrpcStream) else {
        return refuse(door, Surface::GrpcStream, Refusal::Overloaded);
    };
    if !door.decider.is_available() {
        return refuse(door, Surface::GrpcStream, Refusal::NoBundle);
    }
    let codec = StreamCodec(Arc::clone(door));
    let mut server = tonic::server::Grpc::new(codec).max_decoding_message_size(limits::REQUEST_BYTES_MAX);
    server.streaming(StreamService(Some(in_flight), lease), request).await.map(Reply::Tonic)
}

struct StreamService(Option<InFlight<Arc<Door>>>, Option<Lease>);

impl tonic::server::StreamingService<Vec<u8>> for StreamService {
    type Response = Vec<u8>;
    type ResponseStream = Results;
    type Future = Ready<Result<tonic::Response<Results>, Status>>;

    fn call(&mut self, request: tonic::Request<Streaming<Vec<u8>>>) -> Self::Future {
        let ended: Option<Ended> = self.1.take().map(|lease| Box::pin(lease.ended()) as Ended);
        let results = self.0.take().map(|in_flight| Results { results: request.into_inner(), in_flight, ended });
        ready(results.map(tonic::Response::new).ok_or_else(|| Status::internal("called twice")))
    }
}

/// The results of a stream, each decided when it is asked for.
struct Results {
    results: Streaming<Vec<u8>>,
    in_flight: InFlight<Arc<Door>>,
    /// When its caller's token ends, if it has one that does.
    ended: Option<Ended>,
}

type Ended = Pin<Box<dyn Future<Output = Refusal> + Send>>;

impl Stream for Results {
    type Item = Result<Vec<u8>, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // WHY: before the next message, which is decided as it is read.
        if let Some(Poll::Ready(refusal)) = self.ended.as_mut().map(|ended| ended.as_mut().poll(cx)) {
            self.ended = None;
            let refused = self.in_flight.door.decider.refused(Surface::GrpcStream, refusal, None);
            return Poll::Ready(Some(Err(refused.to_status())));
        }
        let next = ready!(Pin::new(&mut self.results).poll_next(cx));
        let decider = &self.in_flight.door.decider;
        Poll::Ready(next.map(|next| {
            next.map_err(|status| match status.code() {
                Code::OutOfRange => decider.refused(Surface::GrpcStream, Refusal::TooLarge, None).to_status(),
                _ => status,
            })
        }))
    }
}

/// Decides a message where it is decoded, so that it is never copied, and encodes the finished result.
struct StreamCodec(Arc<Door>);

impl Codec for StreamCodec {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = ResultEncoder;
    type Decoder = Self;

    fn encoder(&mut self) -> ResultEncoder {
        ResultEncoder
    }

    fn decoder(&mut self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl Decoder for StreamCodec {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, message: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        let mut result = Vec::with_capacity(ANSWER_BYTES);
        let length = message.remaining();
        let body = message.chunk().get(..length).ok_or_else(|| Status::internal("a message in pieces"))?;
        let arrival = Arrival { surface: Surface::GrpcStream, encoding: Encoding::Protobuf, body };
        self.0.decider.decide_item(arrival, &mut result);
        message.advance(length);
        Ok(Some(result))
    }

    fn buffer_settings(&self) -> BufferSettings {
        buffers()
    }
}

struct ResultEncoder;

impl Encoder for ResultEncoder {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, result: Vec<u8>, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.put_slice(&result);
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        buffers()
    }
}

fn buffers() -> BufferSettings {
    let (size, together) = STREAM_BUFFERS;
    BufferSettings::new(size, together)
}
