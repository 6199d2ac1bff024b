//! A body that ends with the access token of whom it is for.
//!
//! Whoever watches health, or keeps reflection open, has shown a token once; what it is told after that token has ended it
//! is told without one. Knows what ends a body, not why: [`super::callers::Lease`] does.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use hyper::body::{Body, Frame};
use tonic::Status;

type Ended = Pin<Box<dyn Future<Output = Status> + Send>>;

/// The body of a gRPC stream, until its caller's token ends.
pub struct Leased {
    /// `None` when it has ended.
    body: Option<tonic::body::Body>,
    ended: Ended,
}

impl Leased {
    /// `body` until `ended` gives the status with which it ends.
    pub fn new(body: tonic::body::Body, ended: impl Future<Output = Status> + Send + 'static) -> Self {
        Self { body: Some(body), ended: Box::pin(ended) }
    }
}

impl Body for Leased {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let Self { body, ended } = &mut *self;
        let Some(stream) = body else { return Poll::Ready(None) };
        // WHY: before the next message, or one that always has something to say would never end.
        if let Poll::Ready(status) = ended.as_mut().poll(cx) {
            *body = None;
            let mut trailers = HeaderMap::with_capacity(3);
            return Poll::Ready(Some(status.add_header(&mut trailers).map(|()| Frame::trailers(trailers))));
        }
        Pin::new(stream).poll_frame(cx)
    }
}
