//! What crosses the wire: one set of message types, spoken as protobuf and as JSON.
//!
//! The only module that knows wire types. [`message`] is what callers send, read from either protocol without copying;
//! [`token_request`] turns it into the request that `evaluate` understands and refuses what it cannot mean; [`answer`]
//! writes what was decided, [`oauth`] what OAuth clients hear of a block, [`shaping`] what comes with a token; [`refusal`] is everything a caller can be told instead. [`v1`] is generated from `proto/`:
//! clients, the log and the tests use it. Nothing here decides anything. Start with [`message`].

pub mod answer;
mod free;
pub mod json;
mod list;
pub mod message;
pub mod oauth;
pub mod protobuf;
pub mod refusal;
pub mod request;
pub mod scan;
pub mod shaping;
pub mod spelling;

use serde::Deserialize;

use crate::model::decision::InputError;

pub use oauth::Asked;
pub use refusal::{Challenge, Refusal, Refused};
pub use request::{is_request_id, token_request};

/// How a message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// JSON.
    Json,
    /// Protobuf.
    Protobuf,
}

/// Reads a message that borrows from `bytes`.
///
/// # Errors
/// A field that cannot be used, or the message as a whole.
pub fn read<'a, M>(encoding: Encoding, bytes: &'a [u8]) -> Result<M, InputError>
where
    M: Deserialize<'a> + scan::Scan<'a> + protobuf::Value<'a>,
{
    let mut message = M::default();
    read_into(encoding, bytes, &mut message)?;
    Ok(message)
}

/// Reads a message as [`read`] does, into one that is the default: large messages are then not moved about.
///
/// # Errors
/// As [`read`]; `message` then holds nothing of use.
pub fn read_into<'a, M>(encoding: Encoding, bytes: &'a [u8], message: &mut M) -> Result<(), InputError>
where
    M: Deserialize<'a> + scan::Scan<'a> + protobuf::Value<'a>,
{
    match encoding {
        Encoding::Json => {
            if scan::read(bytes, message).is_none() {
                *message = json::read(bytes)?;
            }
            Ok(())
        }
        Encoding::Protobuf => {
            message.merge_fields(bytes).map_err(|_| InputError::invalid("request", "is not a valid protobuf message"))
        }
    }
}

/// Package `doorward.v1`, generated from `proto/doorward/v1`.
#[expect(clippy::large_enum_variant, reason = "generated; a result is an answer far more often than an error")]
pub mod v1 {
    include!("../proto/doorward.v1.rs");
}

/// The compiled proto files, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!("../proto/doorward.v1.bin");
/// The API as OpenAPI 3.1.
pub const OPENAPI: &str = include_str!("../openapi.json");
