//! Everything that the Graph door tells instead of an answer, in the envelope of Graph's errors.
//!
//! `{"error": {"code", "message", "details"?, "innerError": {"date", "request-id", "client-request-id"?}}}`. Clients
//! must go by the status; codes are Graph's usual ones for it. Source: Microsoft Graph, error responses and resource
//! types, read August 2026.

use std::time::Duration;

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::wire;

/// Why a request has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: StatusCode,
    /// What is wrong, in words.
    pub message: String,
    /// Everything that is wrong, when that is more than one thing.
    pub details: Vec<String>,
    /// The method that the path takes, if it was called with another.
    pub allow: Option<Method>,
}

impl Refusal {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), details: Vec::new(), allow: None }
    }

    /// The caller's fault.
    pub fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// The caller's fault, several times.
    pub fn all_bad(mut problems: Vec<String>) -> Self {
        let message = problems.first().cloned().unwrap_or_else(|| "the request cannot be read".to_owned());
        if problems.len() < 2 {
            problems.clear();
        }
        Self { details: problems, ..Self::bad(message) }
    }

    /// There is nothing here.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// The path takes `method` only.
    pub fn method(method: &Method) -> Self {
        let message = format!("the method must be {method}");
        Self { allow: Some(method.clone()), ..Self::new(StatusCode::METHOD_NOT_ALLOWED, message) }
    }

    /// Too many answers are in the making.
    pub fn overloaded() -> Self {
        wire::Refusal::Overloaded.into()
    }

    /// No bundle has been activated yet.
    pub fn no_bundle() -> Self {
        wire::Refusal::NoBundle.into()
    }

    /// A bug of doorward.
    pub fn failed() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the answer could not be made")
    }

    /// How long to wait before the next attempt, if waiting helps.
    pub fn retry_after(&self) -> Option<Duration> {
        (self.status == StatusCode::SERVICE_UNAVAILABLE).then_some(wire::refusal::RETRY_AFTER)
    }

    fn code(&self) -> &'static str {
        match self.status {
            StatusCode::BAD_REQUEST => "BadRequest",
            StatusCode::NOT_FOUND => "ResourceNotFound",
            StatusCode::METHOD_NOT_ALLOWED => "MethodNotAllowed",
            StatusCode::REQUEST_TIMEOUT => "RequestTimeout",
            StatusCode::PAYLOAD_TOO_LARGE => "RequestEntityTooLarge",
            StatusCode::UNSUPPORTED_MEDIA_TYPE => "UnsupportedMediaType",
            StatusCode::SERVICE_UNAVAILABLE => "ServiceUnavailable",
            _ => "InternalServerError",
        }
    }

    /// The body; `request_id` is ours, `client_request_id` the caller's.
    pub fn to_json(&self, request_id: &str, client_request_id: Option<&str>) -> Vec<u8> {
        let mut error = Map::new();
        error.insert("code".to_owned(), self.code().into());
        error.insert("message".to_owned(), self.message.as_str().into());
        if !self.details.is_empty() {
            let detail = |message: &String| json!({ "code": self.code(), "message": message });
            error.insert("details".to_owned(), self.details.iter().map(detail).collect());
        }
        let mut inner = Map::new();
        inner.insert("date".to_owned(), Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S").to_string().into());
        inner.insert("request-id".to_owned(), request_id.into());
        if let Some(id) = client_request_id {
            inner.insert("client-request-id".to_owned(), id.into());
        }
        error.insert("innerError".to_owned(), Value::Object(inner));
        json!({ "error": error }).to_string().into_bytes()
    }
}

impl From<wire::Refusal> for Refusal {
    fn from(refusal: wire::Refusal) -> Self {
        Self::new(refusal.http_status(), refusal.message())
    }
}
