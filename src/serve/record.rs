//! Records of the decision log.
//!
//! A record keeps the request as a copy of the bytes it arrived in, which costs a request little; the log's own thread
//! reads them again and writes them as JSON.

use std::time::Duration;

use jiff::Timestamp;
use prost::Message;
use serde::{Serialize, Serializer};
use serde_json::value::to_raw_value;

use super::callers::pass;
use super::decider::Arrival;
use super::wire::{Encoding, Refused, is_request_id, shaping, v1};
use crate::compile::{CompiledBundle, PolicyIndex};
use crate::evaluate::Evaluation;
use crate::observe::log::{Bundle, Names, Record};

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Input {
    encoding: Encoding,
    bytes: Box<[u8]>,
}

impl Input {
    fn new(arrival: Arrival<'_>) -> Self {
        Self { encoding: arrival.encoding, bytes: arrival.body.into() }
    }

    fn message(&self) -> Option<v1::DecideRequest> {
        let message = match self.encoding {
            Encoding::Json => serde_json::from_slice(&self.bytes).ok(),
            Encoding::Protobuf => v1::DecideRequest::decode(&*self.bytes).ok(),
        };
        // The id has a place of its own in the record, unless it is what the request was refused for.
        message.map(|message: v1::DecideRequest| v1::DecideRequest {
            request_id: message.request_id.filter(|id| !is_request_id(id)),
            ..message
        })
    }
}

impl Serialize for Input {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.message().serialize(serializer)
    }
}

/// The record of a decision that was made for the time `now`.
pub(super) fn decided(
    bundle: &CompiledBundle,
    arrival: Arrival<'_>,
    request_id: &str,
    evaluation: &Evaluation,
    (now, took): (Timestamp, Duration),
) -> Record<Input> {
    let ids = |policies: &[PolicyIndex]| policies.iter().map(|policy| &bundle.policy(*policy).id).collect();
    let token = evaluation.session(bundle).as_ref().and_then(shaping::stated);
    let obligations = shaping::obligations(bundle, evaluation);
    Record {
        time: now,
        request_id: request_id.to_owned(),
        surface: arrival.surface.as_str(),
        pep: pass::caller().map(|caller| caller.as_ref().to_owned()),
        input: Input::new(arrival),
        decision: evaluation.decision().as_str(),
        reason: evaluation.reason().as_str(),
        field: None,
        outside: false,
        policies: ids(evaluation.policies()),
        report_only: ids(evaluation.report_only()),
        unmet_controls: evaluation.unmet(bundle).map(|control| control.name()).collect(),
        token: token.and_then(|token| to_raw_value(&token).ok()),
        obligations: (!obligations.is_empty()).then(|| to_raw_value(&obligations).ok()).flatten(),
        country: None,
        bundle: bundle_of(bundle),
        stale: bundle.has_expired(now),
        duration_ns: nanoseconds(took),
    }
}

/// The record of a request that was understood as a message and then refused, for what stands `outside` it or not.
pub(super) fn refused(
    bundle: &CompiledBundle,
    arrival: Arrival<'_>,
    (refused, outside): (&Refused, bool),
    (now, took): (Timestamp, Duration),
) -> Record<Input> {
    Record {
        time: now,
        request_id: refused.request_id.clone(),
        surface: arrival.surface.as_str(),
        pep: pass::caller().map(|caller| caller.as_ref().to_owned()),
        input: Input::new(arrival),
        decision: "error",
        reason: refused.refusal.reason(),
        field: Some(refused.refusal.field()),
        outside,
        policies: Names::default(),
        report_only: Names::default(),
        unmet_controls: Names::default(),
        token: None,
        obligations: None,
        country: None,
        bundle: bundle_of(bundle),
        stale: bundle.has_expired(now),
        duration_ns: nanoseconds(took),
    }
}

fn bundle_of(bundle: &CompiledBundle) -> Bundle {
    Bundle {
        name: bundle.name().to_owned(),
        revision: bundle.revision().to_owned(),
        digest: bundle.digest().to_owned(),
    }
}

fn nanoseconds(took: Duration) -> u64 {
    u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)
}
