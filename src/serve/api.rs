//! The paths of the decision API, HTTP and gRPC: everything that must know them asks here.

/// A path of the decision API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiPath {
    /// One decision, HTTP.
    Decide,
    /// Several decisions, HTTP.
    Batch,
    /// One decision, gRPC.
    GrpcDecide,
    /// Several decisions, gRPC.
    GrpcBatch,
    /// A stream of decisions, gRPC.
    GrpcStream,
    /// What the HTTP part looks like.
    OpenApi,
}

impl ApiPath {
    /// Which of them `path` is, if any.
    pub fn of(path: &str) -> Option<Self> {
        Some(match path {
            "/v1/decide" => Self::Decide,
            "/v1/decide/batch" => Self::Batch,
            "/doorward.v1.Decisions/Decide" => Self::GrpcDecide,
            "/doorward.v1.Decisions/DecideBatch" => Self::GrpcBatch,
            "/doorward.v1.Decisions/DecideStream" => Self::GrpcStream,
            "/v1/openapi.json" => Self::OpenApi,
            _ => return None,
        })
    }
}
