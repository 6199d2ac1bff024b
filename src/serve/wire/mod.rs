//! What crosses the wire: one set of message types, spoken as protobuf and as JSON.
//!
//! The only module that knows wire types. [`v1`] is generated from `proto/`; [`json`] makes the same types JSON;
//! [`token_request`] turns a message into the request that `evaluate` understands and refuses what it cannot mean;
//! [`answer`] turns what was decided back into a message; [`refusal`] is everything a caller can be told instead.
//! Nothing here decides anything. Start with [`request`].

pub mod answer;
pub mod json;
pub mod refusal;
pub mod request;
pub mod spelling;

pub use refusal::{Refusal, Refused};
pub use request::token_request;

/// Package `doorward.v1`, generated from `proto/doorward/v1`.
pub mod v1 {
    include!("../proto/doorward.v1.rs");
}

/// The compiled proto files, for reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!("../proto/doorward.v1.bin");
/// The API as OpenAPI 3.1.
pub const OPENAPI: &str = include_str!("../openapi.json");
