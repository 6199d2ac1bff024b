//! What Envoy is told.

use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, WWW_AUTHENTICATE};
use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value};
use tonic::Code;

use super::v3::check_response::HttpResponse;
use super::v3::{
    AppendAction, CheckResponse, DeniedHttpResponse, HeaderValue, HeaderValueOption, HttpStatus, OkHttpResponse, Status,
};
use crate::serve::claims;
use crate::serve::gateway::settings::BlockedStatus;
use crate::serve::gateway::{CHALLENGE, DENIED, Decided, INVALID_TOKEN, Outcome};
use crate::serve::wire::{Refused, v1};

/// The answer for one outcome, with the status of a block; `names` are those of the request's headers.
pub fn write<'n>(outcome: &Outcome, status: BlockedStatus, names: impl IntoIterator<Item = &'n str>) -> CheckResponse {
    match outcome {
        Outcome::Decided(decided) => {
            let challenge = decided.challenge(status);
            let mut response = match challenge.as_ref().and_then(|challenge| challenge.to_str().ok()) {
                _ if decided.is_allowed() => allowed(decided, names),
                Some(challenge) => denied(StatusCode::UNAUTHORIZED, Some(challenge)),
                None => denied(StatusCode::FORBIDDEN, None),
            };
            response.dynamic_metadata = Some(metadata(decided));
            response
        }
        Outcome::Unidentified(why) => refused(StatusCode::UNAUTHORIZED, Some(CHALLENGE), why),
        Outcome::InvalidToken(why) => refused(StatusCode::UNAUTHORIZED, Some(INVALID_TOKEN), why),
        Outcome::Invalid(why) | Outcome::Unavailable(why) => refused(StatusCode::FORBIDDEN, None, why),
    }
}

fn allowed<'n>(decided: &Decided, names: impl IntoIterator<Item = &'n str>) -> CheckResponse {
    let headers_to_remove = decided.removed(names).into_iter().map(str::to_owned).collect();
    let headers = decided.headers().iter().map(|(name, value)| header(name, value)).collect();
    CheckResponse {
        status: Some(Status { code: Code::Ok.into() }),
        http_response: Some(HttpResponse::OkResponse(OkHttpResponse { headers, headers_to_remove })),
        dynamic_metadata: None,
    }
}

/// For a request that was refused before it was decided.
fn refused(status: StatusCode, challenge: Option<&str>, why: &Refused) -> CheckResponse {
    let metadata = structure([
        ("decision", claims::text("block")),
        ("reason", claims::text(why.refusal.reason())),
        ("decision_id", claims::text(&why.request_id)),
    ]);
    CheckResponse { dynamic_metadata: Some(metadata), ..denied(status, challenge) }
}

fn denied(status: StatusCode, challenge: Option<&str>) -> CheckResponse {
    let code = if status == StatusCode::UNAUTHORIZED { Code::Unauthenticated } else { Code::PermissionDenied };
    let mut headers =
        vec![header(CONTENT_TYPE.as_str(), "application/json"), header(CACHE_CONTROL.as_str(), "no-store")];
    headers.extend(challenge.map(|challenge| header(WWW_AUTHENTICATE.as_str(), challenge)));
    let status = Some(HttpStatus { code: status.as_u16().into() });
    CheckResponse {
        status: Some(Status { code: code.into() }),
        http_response: Some(HttpResponse::DeniedResponse(DeniedHttpResponse {
            status,
            headers,
            body: DENIED.to_owned(),
        })),
        dynamic_metadata: None,
    }
}

/// Replaces what a client has sent under the same name.
fn header(name: &str, value: &str) -> HeaderValueOption {
    HeaderValueOption {
        header: Some(HeaderValue { key: name.to_owned(), value: value.to_owned(), raw_value: Vec::new() }),
        append_action: AppendAction::OverwriteIfExistsOrAdd.into(),
    }
}

/// For access logs and other filters, under the name of the filter that asked.
fn metadata(decided: &Decided) -> Struct {
    let answer = &decided.answer;
    let list = |values: Vec<Value>| Value { kind: Some(Kind::ListValue(ListValue { values })) };
    let ids = |policies: &[v1::PolicyRef]| list(policies.iter().map(|policy| claims::text(&policy.id)).collect());
    let revision = answer.bundle.as_ref().map(|bundle| bundle.revision.as_str()).unwrap_or_default();
    structure([
        ("decision", claims::text(if decided.is_allowed() { "allow" } else { "block" })),
        ("reason", claims::text(&answer.reason)),
        ("decision_id", claims::text(&answer.request_id)),
        ("revision", claims::text(revision)),
        ("policies", ids(&answer.policies)),
        ("report_only", ids(&answer.report_only)),
        ("stale", Value { kind: Some(Kind::BoolValue(answer.stale)) }),
        ("location", list(decided.locations.iter().map(|name| claims::text(name)).collect())),
    ])
}

fn structure<const N: usize>(fields: [(&str, Value); N]) -> Struct {
    Struct { fields: fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect() }
}
