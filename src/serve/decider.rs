//! The one request path: every door ends here, and every `if` about availability is here.
//!
//! A message is decided by exactly one snapshot; so is a whole batch. A stream takes a snapshot for each message. What
//! was decided is counted on this thread's counters and handed to the decision log. The decider knows no protocol, and
//! no policy either: that is `evaluate`.

use std::cell::RefCell;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use jiff::Timestamp;
use prost::Message;

use super::owed::{self, Carries};
use super::record::{self, Input};
use super::wire::message::{DecideBatchRequest, DecideRequest};
use super::wire::{self, Asked, Encoding, Refusal, Refused, answer, is_request_id, request, shaping, v1};
use crate::compile::CompiledBundle;
use crate::evaluate::{self, Evaluation};
use crate::limits;
use crate::model::decision::{Decision, InputError};
use crate::model::request::{Identity, TokenRequest};
use crate::observe::log::{self, Record};
use crate::observe::metrics::{Core, Surface};
use crate::reload::{Active, Snapshot};

/// Decides the requests of one serving thread.
#[derive(Debug)]
pub struct Decider {
    active: Arc<Active>,
    core: Arc<Core>,
    log: Option<log::Sender<Input>>,
    ids: RequestIds,
}

/// A message as it arrived: the door, how it is written, and its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Arrival<'a> {
    /// The door.
    pub surface: Surface,
    /// How it is written; the answer is written the same way.
    pub encoding: Encoding,
    /// The whole message.
    pub body: &'a [u8],
}

/// The field that is at fault when one message asks for too much to explain.
const EXPLAIN: &str = "explain";

thread_local! {
    // WHY: deciding reuses its memory, so that it allocates nothing.
    static EVALUATION: RefCell<Evaluation> = RefCell::default();
    static ANSWER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Decider {
    /// A decider on the snapshots of `active` that counts into `core`.
    pub fn new(active: Arc<Active>, core: Arc<Core>, log: Option<log::Sender<Input>>) -> Self {
        Self { active, core, log, ids: RequestIds::new() }
    }

    /// Decides one message and writes the answer after what `out` holds.
    ///
    /// # Errors
    /// A message or field that cannot be used; no bundle. Nothing is written then.
    pub fn decide(&self, arrival: Arrival<'_>, out: &mut Vec<u8>) -> Result<(), Refused> {
        let snapshot = self.active.load();
        match snapshot.as_ref() {
            Some(snapshot) => {
                let mut explainable = limits::EXPLAINED_POLICIES_MAX;
                self.decide_with(&snapshot.bundle, arrival, &mut explainable, out)
            }
            None => Err(self.no_bundle(arrival)),
        }
    }

    /// Decides one message of a stream and writes the result; an error is a result like any other.
    pub fn decide_item(&self, arrival: Arrival<'_>, out: &mut Vec<u8>) {
        ANSWER.with_borrow_mut(|bytes| {
            bytes.clear();
            let outcome = self.decide(arrival, bytes);
            answer::write_result(arrival.encoding, out, outcome.as_ref().map(|()| &**bytes));
        });
    }

    /// Decides all messages of a batch with one snapshot, in their order, and writes the results.
    ///
    /// # Errors
    /// No batch; more than [`limits::BATCH_MAX`] messages; no bundle. A message that cannot be used is a result; so is
    /// one whose explanation would exceed [`limits::EXPLAINED_POLICIES_MAX`] together with those before it.
    pub fn decide_batch(&self, arrival: Arrival<'_>, out: &mut Vec<u8>) -> Result<(), Refused> {
        let batch: DecideBatchRequest<'_> = wire::read(arrival.encoding, arrival.body)
            .map_err(|error| self.refused(arrival.surface, error.into(), None))?;
        if batch.requests().len() > limits::BATCH_MAX {
            let most = limits::BATCH_MAX;
            let error = InputError::invalid("requests", format!("must have at most {most} entries"));
            return Err(self.refused(arrival.surface, error.into(), None));
        }
        let snapshot = self.active.load();
        let Some(snapshot) = snapshot.as_ref() else {
            return Err(self.no_bundle(arrival));
        };
        let mut explainable = limits::EXPLAINED_POLICIES_MAX;
        let (mut answer, mut results) = (Vec::new(), Vec::new());
        let mut places: Vec<Range<usize>> = Vec::with_capacity(batch.requests().len());
        for request in batch.requests() {
            answer.clear();
            let arrival = Arrival { body: request.bytes(), ..arrival };
            let outcome = self.decide_with(&snapshot.bundle, arrival, &mut explainable, &mut answer);
            let start = results.len();
            answer::write_result(arrival.encoding, &mut results, outcome.as_ref().map(|()| &*answer));
            places.push(start..results.len());
        }
        let results = places.into_iter().filter_map(|place| results.get(place));
        answer::write_batch(arrival.encoding, out, &snapshot.bundle, results);
        Ok(())
    }

    /// Begins a call of a door that asks in words of its own: all that it asks is decided with one snapshot. Cost: a
    /// shared counter.
    ///
    /// # Errors
    /// No bundle.
    pub fn asking(&self, surface: Surface) -> Result<Asking<'_>, Refused> {
        match self.active.load_full() {
            Some(snapshot) => {
                Ok(Asking { decider: self, snapshot, surface, explainable: limits::EXPLAINED_POLICIES_MAX })
            }
            None => Err(self.refused(surface, Refusal::NoBundle, None)),
        }
    }

    /// Whether there is a bundle to decide with.
    pub fn is_available(&self) -> bool {
        self.active.load().is_some()
    }

    /// The snapshot to keep for an answer that takes longer than a decision. Cost: a shared counter.
    pub fn in_force(&self) -> Option<Arc<Snapshot>> {
        self.active.load_full()
    }

    /// An id for a request that brings none: 32 hex digits.
    pub fn next_request_id(&self) -> String {
        self.ids.next()
    }

    /// Counts a request that is refused before or instead of a decision, and names it.
    pub fn refused(&self, surface: Surface, refusal: Refusal, request_id: Option<String>) -> Refused {
        self.core.refused(surface, refusal.undecided());
        Refused { refusal, request_id: request_id.unwrap_or_else(|| self.ids.next()) }
    }

    /// This thread's counters.
    pub fn core(&self) -> &Core {
        &self.core
    }

    fn no_bundle(&self, arrival: Arrival<'_>) -> Refused {
        let message = wire::read::<DecideRequest<'_>>(arrival.encoding, arrival.body).ok();
        let request_id =
            message.and_then(|message| message.request_id().filter(|id| is_request_id(id)).map(str::to_owned));
        self.refused(arrival.surface, Refusal::NoBundle, request_id)
    }

    fn decide_with(
        &self,
        bundle: &CompiledBundle,
        arrival: Arrival<'_>,
        explainable: &mut usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Refused> {
        // WHY: read once, so that the record's time is the time it was decided for and deciding it again gives the same.
        let (started, now) = (Instant::now(), Timestamp::now());
        let mut message = DecideRequest::default();
        wire::read_into(arrival.encoding, arrival.body, &mut message)
            .map_err(|error| self.refused(arrival.surface, error.into(), None))?;
        EVALUATION.with_borrow_mut(|evaluation| {
            let (address, asked, trace) = match evaluated(bundle, &message, now, explainable, evaluation) {
                Ok(evaluated) => evaluated,
                Err(error) => {
                    let outside = error.field == EXPLAIN;
                    return Err(self.invalid(bundle, arrival, &message, (error, outside), (started, now)));
                }
            };
            let took = started.elapsed();
            self.core.decided(arrival.surface, evaluation.reason(), took, address.is_none());
            for policy in evaluation.report_only() {
                self.core.report_only(&bundle.policy(*policy).id);
            }
            let made_up;
            let request_id = match message.request_id() {
                Some(request_id) => request_id,
                None => {
                    made_up = self.ids.next();
                    &made_up
                }
            };
            answer::write(arrival.encoding, out, bundle, evaluation, asked, request_id, trace);
            if let Some(log) = &self.log {
                let country = address.and_then(|address| bundle.country(address));
                let record = record::decided(bundle, arrival, request_id, evaluation, (now, took));
                let record = Record { country: country.map(|country| country.as_str().to_owned()), ..record };
                log.send(record, arrival.body.len());
            }
            Ok(())
        })
    }

    fn invalid(
        &self,
        bundle: &CompiledBundle,
        arrival: Arrival<'_>,
        message: &DecideRequest<'_>,
        (error, outside): (InputError, bool),
        (started, now): (Instant, Timestamp),
    ) -> Refused {
        // WHY: an id that cannot be used is not echoed.
        let request_id = message.request_id().filter(|id| is_request_id(id));
        let refused = self.refused(arrival.surface, error.into(), request_id.map(str::to_owned));
        if let Some(log) = &self.log {
            let record = record::refused(bundle, arrival, (&refused, outside), (now, started.elapsed()));
            log.send(record, arrival.body.len());
        }
        refused
    }
}

/// What one call of a door asks in the words of the decision API, all of it decided with one snapshot.
#[derive(Debug)]
pub struct Asking<'d> {
    decider: &'d Decider,
    snapshot: Arc<Snapshot>,
    surface: Surface,
    explainable: usize,
}

impl Asking<'_> {
    /// Decides `request`: read, checked, counted and logged as if it had come in through the decision API.
    ///
    /// # Errors
    /// A field that cannot be used. Cost: besides the decision, the message is written and read once each way, some
    /// microseconds.
    pub fn decide(&mut self, request: &v1::DecideRequest) -> Result<v1::DecideResponse, Refused> {
        let body = request.encode_to_vec();
        let arrival = Arrival { surface: self.surface, encoding: Encoding::Protobuf, body: &body };
        let mut answer = Vec::new();
        self.decider.decide_with(&self.snapshot.bundle, arrival, &mut self.explainable, &mut answer)?;
        // What could not be read would be the empty answer, which allows nothing; a test holds both sides together.
        Ok(v1::DecideResponse::decode(&*answer).unwrap_or_default())
    }

    /// Refuses `request`, in which the door itself has found `error`: counted and logged as one that is refused by the
    /// decision API.
    pub fn refuse(&self, request: &v1::DecideRequest, error: InputError) -> Refused {
        let started = (Instant::now(), Timestamp::now());
        let body = request.encode_to_vec();
        let arrival = Arrival { surface: self.surface, encoding: Encoding::Protobuf, body: &body };
        match wire::read::<DecideRequest<'_>>(arrival.encoding, arrival.body) {
            Ok(message) => self.decider.invalid(&self.snapshot.bundle, arrival, &message, (error, true), started),
            Err(_) => self.decider.refused(self.surface, error.into(), None),
        }
    }

    /// The answer to one request, or a block where the door cannot pass on what is owed for an allow.
    pub fn settled(&self, answer: v1::DecideResponse, carries: Carries<'_>) -> v1::DecideResponse {
        owed::settled(answer, (&self.decider.core, self.surface), carries)
    }

    /// The bundle that decides.
    pub fn bundle(&self) -> &CompiledBundle {
        &self.snapshot.bundle
    }
}

/// What would be decided.
#[derive(Debug)]
pub struct Supposed {
    /// Whether it would be allowed.
    pub allows: bool,
    /// How the token would be shaped, as answers tell it.
    pub token: v1::Token,
    /// Ids of the obligations.
    pub owed: Vec<String>,
}

impl Supposed {
    /// Whether it would be allowed through a door that can pass on so much; `is_told` says of which ids of obligations the
    /// caller hears anyway.
    pub fn is_open(&self, carries: Carries<'_>, is_told: impl Fn(&str) -> bool) -> bool {
        self.allows && carries.takes(Some(&self.token), !self.owed.iter().all(|id| is_told(id))).is_ok()
    }
}

/// What would be decided of `request` at the time `now`: read and decided as any other, but neither counted nor logged, for
/// those who look through many.
///
/// # Errors
/// A field that cannot be used.
pub fn suppose(bundle: &CompiledBundle, request: &v1::DecideRequest, now: Timestamp) -> Result<Supposed, InputError> {
    let body = request.encode_to_vec();
    let message: DecideRequest<'_> = wire::read(Encoding::Protobuf, &body)?;
    EVALUATION.with_borrow_mut(|evaluation| {
        let (_, asked, _) = evaluated(bundle, &message, now, &mut 0, evaluation)?;
        let token = shaping::token(bundle, evaluation, evaluation.session(bundle).as_ref(), asked);
        Ok(Supposed {
            allows: evaluation.decision() == Decision::Allow,
            token: token.unwrap_or_default(),
            owed: evaluation.obligations(bundle).iter().map(|obligation| obligation.id.to_string()).collect(),
        })
    })
}

/// Evaluates; gives the request's address, what it asks for, and the trace if it wants one. A trace takes its policies off
/// `explainable`.
fn evaluated(
    bundle: &CompiledBundle,
    message: &DecideRequest<'_>,
    now: Timestamp,
    explainable: &mut usize,
    evaluation: &mut Evaluation,
) -> Result<(Option<IpAddr>, Asked, Vec<v1::PolicyTrace>), InputError> {
    let (kind, id) = request::who(message)?;
    let mut request = TokenRequest::new(Identity::new(kind, id));
    request::fill(message, &mut request)?;
    request.now = Some(now);
    if message.explains() {
        *explainable = explainable.checked_sub(bundle.policies().len()).ok_or_else(|| too_much_to_explain(bundle))?;
    }
    evaluate::evaluate(bundle, &request, evaluation)?;
    let trace = match message.explains() {
        true => answer::trace(bundle, evaluate::trace(bundle, &request)?),
        false => Vec::new(),
    };
    Ok((request.network.ip_address, Asked::of(&request), trace))
}

fn too_much_to_explain(bundle: &CompiledBundle) -> InputError {
    let (most, policies) = (limits::EXPLAINED_POLICIES_MAX, bundle.policies().len());
    let message = format!(
        "must not ask for more than {most} explained policies in one message; each explained request of this bundle \
         takes {policies}"
    );
    InputError::invalid(EXPLAIN, message)
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
