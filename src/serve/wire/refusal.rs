//! Everything a caller can be told instead of an answer, in one place for all protocols.
//!
//! | reason | HTTP | gRPC |
//! |---|---|---|
//! | `input_invalid`, `input_conflict` | 400 | INVALID_ARGUMENT |
//! | `no_bundle` | 503 | UNAVAILABLE |
//! | `too_large` | 413 | RESOURCE_EXHAUSTED |
//! | `overloaded` | 503 | RESOURCE_EXHAUSTED |
//! | `timed_out` | 408 | DEADLINE_EXCEEDED |
//! | `incomplete` | 400 | CANCELLED |
//! | `content_type` | 415 | - |
//! | `method` | 405 | - |
//! | `not_found` | 404 | UNIMPLEMENTED |
//! | `unauthenticated` | 401 | UNAUTHENTICATED |
//! | `forbidden` | 403 | PERMISSION_DENIED |
//! | `no_keys` | 503 | UNAVAILABLE |
//!
//! A refusal is never a decision: whoever gets one must not issue the token.

use std::time::Duration;

use http::StatusCode;
use serde::Serialize;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::json;
use super::v1::DecisionError;
use crate::limits;
use crate::model::decision::{InputError, InputErrorKind};
use crate::observe::metrics::Undecided;

/// How long an overloaded caller is asked to wait.
pub const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Longest field path in a refusal, characters: paths hold keys that the caller made up.
const FIELD_CHARS_MAX: usize = 200;

/// Why a request was not decided.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The caller's fault: a field cannot be used.
    #[error("{0}")]
    Input(InputError),
    /// No bundle has been activated yet.
    #[error("no bundle is active")]
    NoBundle,
    /// The message is larger than [`limits::REQUEST_BYTES_MAX`].
    #[error("the request is larger than {} bytes", limits::REQUEST_BYTES_MAX)]
    TooLarge,
    /// More requests are in flight than one core takes.
    #[error("too many requests are in flight")]
    Overloaded,
    /// The request did not arrive in time.
    #[error("the request did not arrive in time")]
    TimedOut,
    /// The connection ended before the request did.
    #[error("the request ended early")]
    Incomplete,
    /// The body is not declared to be JSON.
    #[error("the content type must be application/json")]
    ContentType,
    /// The path exists, for another method.
    #[error("the method must be {0}")]
    Method(&'static str),
    /// There is no such path.
    #[error("there is nothing at this path")]
    NotFound,
    /// The caller does not say who it is, or not so that it can be believed.
    #[error("the caller is not authenticated")]
    Unauthenticated(Challenge),
    /// The caller is known and may not ask; how it could, if it can.
    #[error("the caller may not ask for decisions")]
    Forbidden(Option<Challenge>),
    /// The keys are not there by which a token, the caller's or its client's, could be believed or not.
    #[error("the keys of the token's issuer are not known yet")]
    NoKeys,
}

/// What a caller is asked for (RFC 6750, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// A token.
    Token,
    /// Another token: this one is not good.
    InvalidToken,
    /// A token that was given more.
    InsufficientScope,
}

impl Challenge {
    /// The value of `WWW-Authenticate`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "Bearer realm=\"doorward\"",
            Self::InvalidToken => "Bearer realm=\"doorward\", error=\"invalid_token\"",
            Self::InsufficientScope => "Bearer realm=\"doorward\", error=\"insufficient_scope\"",
        }
    }
}

/// A refusal of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub refusal: Refusal,
    /// The request's id: the caller's own if it could be read.
    pub request_id: String,
}

impl Refusal {
    /// What it is counted as.
    pub const fn undecided(&self) -> Undecided {
        match self {
            Self::Input(InputError { kind: InputErrorKind::Invalid, .. }) => Undecided::InputInvalid,
            Self::Input(InputError { kind: InputErrorKind::Conflict, .. }) => Undecided::InputConflict,
            Self::NoBundle => Undecided::NoBundle,
            Self::TooLarge => Undecided::TooLarge,
            Self::Overloaded => Undecided::Overloaded,
            Self::TimedOut => Undecided::TimedOut,
            Self::Incomplete => Undecided::Incomplete,
            Self::ContentType => Undecided::ContentType,
            Self::Method(_) => Undecided::Method,
            Self::NotFound => Undecided::NotFound,
            Self::Unauthenticated(_) => Undecided::Unauthenticated,
            Self::Forbidden(_) => Undecided::Forbidden,
            Self::NoKeys => Undecided::NoKeys,
        }
    }

    /// The stable id.
    pub const fn reason(&self) -> &'static str {
        self.undecided().as_str()
    }

    /// Path of the field at fault; empty when there is none.
    pub fn field(&self) -> String {
        match self {
            Self::Input(error) => error.field.chars().take(FIELD_CHARS_MAX).collect(),
            _ => String::new(),
        }
    }

    /// What is wrong, in words.
    pub fn message(&self) -> String {
        match self {
            Self::Input(error) => InputError { field: self.field(), ..error.clone() }.to_string(),
            other => other.to_string(),
        }
    }

    /// The HTTP status.
    pub const fn http_status(&self) -> StatusCode {
        match self {
            Self::Input(_) | Self::Incomplete => StatusCode::BAD_REQUEST,
            Self::NoBundle | Self::Overloaded | Self::NoKeys => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TimedOut => StatusCode::REQUEST_TIMEOUT,
            Self::ContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
        }
    }

    /// The gRPC code.
    pub const fn grpc_code(&self) -> Code {
        match self {
            Self::Input(_) => Code::InvalidArgument,
            Self::NoBundle | Self::NoKeys => Code::Unavailable,
            Self::TooLarge | Self::Overloaded => Code::ResourceExhausted,
            Self::TimedOut => Code::DeadlineExceeded,
            Self::Incomplete => Code::Cancelled,
            Self::ContentType | Self::Method(_) | Self::NotFound => Code::Unimplemented,
            Self::Unauthenticated(_) => Code::Unauthenticated,
            Self::Forbidden(_) => Code::PermissionDenied,
        }
    }

    /// How long to wait before the next attempt, if waiting helps.
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::NoBundle | Self::Overloaded | Self::NoKeys => Some(RETRY_AFTER),
            _ => None,
        }
    }

    /// What the caller is asked for, if anything would help.
    pub const fn challenge(&self) -> Option<Challenge> {
        match self {
            Self::Unauthenticated(challenge) | Self::Forbidden(Some(challenge)) => Some(*challenge),
            _ => None,
        }
    }
}

impl From<InputError> for Refusal {
    fn from(error: InputError) -> Self {
        Self::Input(error)
    }
}

/// The body of an HTTP error.
#[derive(Serialize)]
struct Body {
    error: DecisionError,
}

impl Refused {
    /// As a result of a batch or stream.
    pub fn to_message(&self) -> DecisionError {
        DecisionError {
            reason: self.refusal.reason().to_owned(),
            field: self.refusal.field(),
            message: self.refusal.message(),
            request_id: self.request_id.clone(),
        }
    }

    /// As the body of an HTTP response.
    pub fn to_json(&self) -> Vec<u8> {
        json::write(&Body { error: self.to_message() })
    }

    /// As a gRPC status with `google.rpc` details: `ErrorInfo` always, `BadRequest` and `RetryInfo` where they apply.
    pub fn to_status(&self) -> Status {
        let message = self.refusal.message();
        let mut details = ErrorDetails::with_error_info(self.refusal.reason(), "doorward", []);
        details.set_request_info(self.request_id.as_str(), "");
        if let Refusal::Input(_) = &self.refusal {
            details.add_bad_request_violation(self.refusal.field(), message.as_str());
        }
        if let Some(delay) = self.refusal.retry_after() {
            details.set_retry_info(Some(delay));
        }
        Status::with_error_details(self.refusal.grpc_code(), message, details)
    }
}
