//! The door that speaks gRPC: service `doorward.v1.Decisions`, health and reflection.
//!
//! Calls of one message are framed here: a five byte prefix each way, so that a decision pays for no stream. The
//! stream, health and reflection are tonic's. It decodes and encodes; what is decided is the decider's.

use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures_util::Stream;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{HeaderMap, Request, Response};
use hyper::body::Incoming;
use prost::Message;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, Streaming};
use tonic::{Code, Status};
use tonic_prost::{ProstCodec, ProstDecoder, ProstEncoder};
use tower::ServiceExt;

use super::body::Reply;
use super::door::{Door, InFlight};
use super::wire::{Refusal, Refused, v1};
use crate::limits;
use crate::model::decision::InputError;
use crate::observe::metrics::Surface;

const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");
/// A compression flag and the length of the message.
const PREFIX: usize = 5;
/// Room for one message of a stream, and for the answers that are sent together.
const STREAM_BUFFERS: (usize, usize) = (2 << 10, 32 << 10);

/// Whether a request is gRPC.
pub fn is_grpc(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// Answers one gRPC request.
pub async fn answer(door: &Arc<Door>, request: Request<Incoming>) -> Response<Reply> {
    let decider = &door.decider;
    match request.uri().path() {
        "/doorward.v1.Decisions/Decide" => unary(door, request, |message| decider.decide(Surface::Grpc, message)).await,
        "/doorward.v1.Decisions/DecideBatch" => {
            unary(door, request, |batch| decider.decide_batch(Surface::Grpc, batch)).await
        }
        "/doorward.v1.Decisions/DecideStream" => stream(door, request).await,
        _ => match door.services.clone().oneshot(request).await {
            Ok(response) => response.map(Reply::Tonic),
            Err(never) => match never {},
        },
    }
}

async fn unary<M: Message + Default, A: Message>(
    door: &Door,
    request: Request<Incoming>,
    decide: impl FnOnce(M) -> Result<A, Refused>,
) -> Response<Reply> {
    let Some(_in_flight) = InFlight::begin(door, Surface::Grpc) else {
        return refuse(door, Surface::Grpc, Refusal::Overloaded);
    };
    let body = match door.read(request.into_body(), PREFIX + limits::REQUEST_BYTES_MAX).await {
        Ok(body) => body,
        Err(refusal) => return refuse(door, Surface::Grpc, refusal),
    };
    let message = match unframe(body) {
        Ok(message) => message,
        Err(status) => return status.into_http(),
    };
    match M::decode(message).map(decide) {
        Ok(Ok(answer)) => {
            let mut response = Response::new(Reply::unary(frame(&answer)));
            response.headers_mut().insert(CONTENT_TYPE, GRPC);
            response
        }
        Ok(Err(refused)) => refused.to_status().into_http(),
        Err(_) => refuse(door, Surface::Grpc, malformed()),
    }
}

fn malformed() -> Refusal {
    InputError::invalid("request", "is not a valid protobuf message").into()
}

fn unframe(mut body: Bytes) -> Result<Bytes, Status> {
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

fn frame(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut frame = BytesMut::with_capacity(PREFIX + length);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    // INVARIANT: there is room for the whole message.
    let _ = message.encode(&mut frame);
    frame.freeze()
}

fn refuse(door: &Door, surface: Surface, refusal: Refusal) -> Response<Reply> {
    door.decider.refused(surface, refusal, None).to_status().into_http()
}

async fn stream(door: &Arc<Door>, request: Request<Incoming>) -> Response<Reply> {
    let Some(in_flight) = InFlight::begin(Arc::clone(door), Surface::GrpcStream) else {
        return refuse(door, Surface::GrpcStream, Refusal::Overloaded);
    };
    if !door.decider.is_available() {
        return refuse(door, Surface::GrpcStream, Refusal::NoBundle);
    }
    let service = StreamService(Some(in_flight));
    let mut server = tonic::server::Grpc::new(StreamCodec).max_decoding_message_size(limits::REQUEST_BYTES_MAX);
    server.streaming(service, request).await.map(Reply::Tonic)
}

struct StreamService(Option<InFlight<Arc<Door>>>);

impl tonic::server::StreamingService<v1::DecideRequest> for StreamService {
    type Response = v1::DecideResult;
    type ResponseStream = Answers;
    type Future = Ready<Result<tonic::Response<Answers>, Status>>;

    fn call(&mut self, request: tonic::Request<Streaming<v1::DecideRequest>>) -> Self::Future {
        let answers = self.0.take().map(|in_flight| Answers { requests: request.into_inner(), in_flight });
        ready(answers.map(tonic::Response::new).ok_or_else(|| Status::internal("called twice")))
    }
}

/// The answers of a stream, each decided when it is asked for.
struct Answers {
    requests: Streaming<v1::DecideRequest>,
    in_flight: InFlight<Arc<Door>>,
}

impl Stream for Answers {
    type Item = Result<v1::DecideResult, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(Pin::new(&mut self.requests).poll_next(cx));
        let decider = &self.in_flight.door.decider;
        Poll::Ready(next.map(|next| match next {
            Ok(message) => Ok(decider.result(Surface::GrpcStream, message)),
            Err(status) if status.code() == Code::OutOfRange => {
                Err(decider.refused(Surface::GrpcStream, Refusal::TooLarge, None).to_status())
            }
            Err(status) if status.code() == Code::InvalidArgument => {
                Err(decider.refused(Surface::GrpcStream, malformed(), None).to_status())
            }
            Err(status) => Err(status),
        }))
    }
}

/// Protobuf, with buffers for small messages, and malformed ones blamed on the caller.
struct StreamCodec;

struct StreamDecoder(ProstDecoder<v1::DecideRequest>);

impl Codec for StreamCodec {
    type Encode = v1::DecideResult;
    type Decode = v1::DecideRequest;
    type Encoder = ProstEncoder<v1::DecideResult>;
    type Decoder = StreamDecoder;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<Self::Encode, Self::Decode>::raw_encoder(buffers())
    }

    fn decoder(&mut self) -> Self::Decoder {
        StreamDecoder(ProstCodec::<Self::Encode, Self::Decode>::raw_decoder(buffers()))
    }
}

impl Decoder for StreamDecoder {
    type Item = v1::DecideRequest;
    type Error = Status;

    fn decode(&mut self, message: &mut DecodeBuf<'_>) -> Result<Option<v1::DecideRequest>, Status> {
        self.0.decode(message).map_err(|_| Status::invalid_argument("malformed"))
    }

    fn buffer_settings(&self) -> BufferSettings {
        buffers()
    }
}

fn buffers() -> BufferSettings {
    let (size, together) = STREAM_BUFFERS;
    BufferSettings::new(size, together)
}
