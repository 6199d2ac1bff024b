//! The one request path: every door ends here, and every `if` about availability is here.
//!
//! A message is decided by exactly one snapshot; so is a whole batch. A stream takes a snapshot for each message. What
//! was decided is counted on this thread's counters and handed to the decision log. The decider knows no protocol, and
//! no policy either: that is `evaluate`.

use std::cell::RefCell;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use jiff::Timestamp;
use prost::Message;

use super::wire::{self, Refusal, Refused, v1};
use crate::compile::CompiledBundle;
use crate::evaluate::{self, Evaluation};
use crate::limits;
use crate::model::Reason;
use crate::model::decision::InputError;
use crate::observe::log::{self, Record};
use crate::observe::metrics::{Core, Surface};
use crate::reload::Active;

/// Decides the requests of one serving thread.
#[derive(Debug)]
pub struct Decider {
    active: Arc<Active>,
    core: Arc<Core>,
    log: Option<log::Sender<v1::DecideRequest>>,
    ids: RequestIds,
}

thread_local! {
    // WHY: deciding reuses its memory, so that it allocates nothing.
    static EVALUATION: RefCell<Evaluation> = RefCell::default();
}

impl Decider {
    /// A decider on the snapshots of `active` that counts into `core`.
    pub fn new(active: Arc<Active>, core: Arc<Core>, log: Option<log::Sender<v1::DecideRequest>>) -> Self {
        Self { active, core, log, ids: RequestIds::new() }
    }

    /// Decides one message.
    ///
    /// # Errors
    /// A field that cannot be used; no bundle.
    pub fn decide(&self, surface: Surface, message: v1::DecideRequest) -> Result<v1::DecideResponse, Refused> {
        let snapshot = self.active.load();
        match snapshot.as_ref() {
            Some(snapshot) => self.decide_with(&snapshot.bundle, surface, message),
            None => Err(self.refused(surface, Refusal::NoBundle, message.request_id)),
        }
    }

    /// Decides one message of a stream; an error is a result like any other.
    pub fn result(&self, surface: Surface, message: v1::DecideRequest) -> v1::DecideResult {
        result(self.decide(surface, message))
    }

    /// Decides all messages of a batch with one snapshot, in their order.
    ///
    /// # Errors
    /// More than [`limits::BATCH_MAX`] messages; no bundle. A message that cannot be used is a result.
    pub fn decide_batch(
        &self,
        surface: Surface,
        batch: v1::DecideBatchRequest,
    ) -> Result<v1::DecideBatchResponse, Refused> {
        if batch.requests.len() > limits::BATCH_MAX {
            let most = limits::BATCH_MAX;
            let error = InputError::invalid("requests", format!("must have at most {most} entries"));
            return Err(self.refused(surface, error.into(), None));
        }
        let snapshot = self.active.load();
        let Some(snapshot) = snapshot.as_ref() else {
            return Err(self.refused(surface, Refusal::NoBundle, None));
        };
        let decide = |message| result(self.decide_with(&snapshot.bundle, surface, message));
        Ok(v1::DecideBatchResponse {
            results: batch.requests.into_iter().map(decide).collect(),
            bundle: Some(wire::answer::bundle_name(&snapshot.bundle)),
        })
    }

    /// Whether there is a bundle to decide with.
    pub fn is_available(&self) -> bool {
        self.active.load().is_some()
    }

    /// Counts a request that is refused before or instead of a decision, and names it.
    pub fn refused(&self, surface: Surface, refusal: Refusal, request_id: Option<String>) -> Refused {
        self.core.refused(surface, refusal.reason());
        Refused { refusal, request_id: request_id.unwrap_or_else(|| self.ids.next()) }
    }

    /// This thread's counters.
    pub fn core(&self) -> &Core {
        &self.core
    }

    fn decide_with(
        &self,
        bundle: &CompiledBundle,
        surface: Surface,
        mut message: v1::DecideRequest,
    ) -> Result<v1::DecideResponse, Refused> {
        let started = Instant::now();
        let outcome = EVALUATION.with_borrow_mut(|evaluation| {
            let request = wire::token_request(&message)?;
            evaluate::evaluate(bundle, &request, evaluation)?;
            let mut answer = wire::answer::answer(bundle, evaluation, String::new());
            if message.explain == Some(true) {
                answer.trace = wire::answer::trace(bundle, evaluate::trace(bundle, &request)?);
            }
            for policy in evaluation.report_only() {
                self.core.report_only(&bundle.policy(*policy).id);
            }
            Ok((evaluation.reason(), request.network.ip_address, answer))
        });
        let took = started.elapsed();
        match outcome {
            Ok((reason, address, mut answer)) => {
                self.core.decided(surface, reason, took, address.is_none());
                answer.request_id = message.request_id.take().unwrap_or_else(|| self.ids.next());
                if let Some(log) = &self.log {
                    let country = address.and_then(|address| bundle.country(address));
                    let record = Record {
                        country: country.map(|country| country.as_str().to_owned()),
                        ..decided(bundle, surface, message, &answer, reason, started)
                    };
                    let bytes = record.input.encoded_len();
                    log.send(record, bytes);
                }
                Ok(answer)
            }
            Err(error) => {
                let error: InputError = error;
                // WHY: an id that cannot be used is not echoed.
                let request_id = message.request_id.take().filter(|_| error.field != "requestId");
                let refused = self.refused(surface, error.into(), request_id);
                if let Some(log) = &self.log {
                    let record = not_decided(bundle, surface, message, &refused, started);
                    let bytes = record.input.encoded_len();
                    log.send(record, bytes);
                }
                Err(refused)
            }
        }
    }
}

fn result(outcome: Result<v1::DecideResponse, Refused>) -> v1::DecideResult {
    let result = match outcome {
        Ok(answer) => v1::decide_result::Result::Answer(answer),
        Err(refused) => v1::decide_result::Result::Error(refused.to_message()),
    };
    v1::DecideResult { result: Some(result) }
}

fn decided(
    bundle: &CompiledBundle,
    surface: Surface,
    input: v1::DecideRequest,
    answer: &v1::DecideResponse,
    reason: Reason,
    started: Instant,
) -> Record<v1::DecideRequest> {
    let ids = |policies: &[v1::PolicyRef]| policies.iter().map(|policy| policy.id.clone()).collect();
    Record {
        time: Timestamp::now(),
        request_id: answer.request_id.clone(),
        surface: surface.as_str(),
        input,
        decision: reason.decision().as_str(),
        reason: reason.as_str(),
        field: None,
        policies: ids(&answer.policies),
        report_only: ids(&answer.report_only),
        unmet_controls: answer.unmet_controls.clone(),
        country: None,
        bundle: bundle_of(bundle),
        duration_ns: nanoseconds_since(started),
    }
}

fn not_decided(
    bundle: &CompiledBundle,
    surface: Surface,
    input: v1::DecideRequest,
    refused: &Refused,
    started: Instant,
) -> Record<v1::DecideRequest> {
    Record {
        time: Timestamp::now(),
        request_id: refused.request_id.clone(),
        surface: surface.as_str(),
        input,
        decision: "error",
        reason: refused.refusal.reason(),
        field: Some(refused.refusal.field()),
        policies: Vec::new(),
        report_only: Vec::new(),
        unmet_controls: Vec::new(),
        country: None,
        bundle: bundle_of(bundle),
        duration_ns: nanoseconds_since(started),
    }
}

fn bundle_of(bundle: &CompiledBundle) -> log::Bundle {
    log::Bundle {
        name: bundle.name().to_owned(),
        revision: bundle.revision().to_owned(),
        digest: bundle.digest().to_owned(),
    }
}

fn nanoseconds_since(started: Instant) -> u64 {
    u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Makes up ids for requests that bring none: unique, not secret.
#[derive(Debug)]
struct RequestIds {
    start: u64,
    count: AtomicU64,
}

impl RequestIds {
    fn new() -> Self {
        Self { start: RandomState::new().hash_one(Instant::now()), count: AtomicU64::new(0) }
    }

    /// The start of this thread and a count, 32 hex digits.
    fn next(&self) -> String {
        format!("{:016x}{:016x}", self.start, self.count.fetch_add(1, Relaxed))
    }
}
