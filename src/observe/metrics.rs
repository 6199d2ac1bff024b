//! Counters of requests.
//!
//! Each serving thread owns one [`Core`] and is the only one that writes it, so counting is a plain load and store on
//! memory that no other core touches. A scrape reads all of them and adds up; it takes no lock that a request could
//! wait for. How the sums become text is in [`exposition`].

pub mod exposition;

use std::hash::Hasher;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::limits;
use crate::model::Reason;

/// The door that a request came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// HTTP with JSON.
    Http,
    /// gRPC, one message a call.
    Grpc,
    /// gRPC, a stream of messages.
    GrpcStream,
    /// AuthZEN.
    Authzen,
    /// Envoy's external authorization, gRPC.
    Envoy,
    /// Forward authentication of HTTP proxies.
    ForwardAuth,
    /// Token hooks of authorization servers.
    Hook,
}

impl Surface {
    /// All doors, in the order of declaration.
    pub const ALL: [Self; 7] =
        [Self::Http, Self::Grpc, Self::GrpcStream, Self::Authzen, Self::Envoy, Self::ForwardAuth, Self::Hook];

    /// The value of the label `surface`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Grpc => "grpc",
            Self::GrpcStream => "grpc_stream",
            Self::Authzen => "authzen",
            Self::Envoy => "envoy",
            Self::ForwardAuth => "forward_auth",
            Self::Hook => "hook",
        }
    }
}

/// Why a request got no decision, as far as counters tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undecided {
    /// A field cannot be used.
    InputInvalid,
    /// Two sources of one fact disagree.
    InputConflict,
    /// There is no bundle.
    NoBundle,
    /// The message is too large.
    TooLarge,
    /// There are too many requests.
    Overloaded,
    /// The message did not arrive in time.
    TimedOut,
    /// The message ended early.
    Incomplete,
    /// The body is of another kind.
    ContentType,
    /// The path takes another method.
    Method,
    /// There is no such path.
    NotFound,
    /// Who asks is not known.
    Unauthenticated,
    /// Who asks may not.
    Forbidden,
    /// The keys of a token's issuer are not known.
    NoKeys,
}

impl Undecided {
    /// All of them, in the order of declaration.
    pub const ALL: [Self; 13] = [
        Self::InputInvalid,
        Self::InputConflict,
        Self::NoBundle,
        Self::TooLarge,
        Self::Overloaded,
        Self::TimedOut,
        Self::Incomplete,
        Self::ContentType,
        Self::Method,
        Self::NotFound,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NoKeys,
    ];

    /// The value of the label `reason`, which callers are told as well.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InputInvalid => "input_invalid",
            Self::InputConflict => "input_conflict",
            Self::NoBundle => "no_bundle",
            Self::TooLarge => "too_large",
            Self::Overloaded => "overloaded",
            Self::TimedOut => "timed_out",
            Self::Incomplete => "incomplete",
            Self::ContentType => "content_type",
            Self::Method => "method",
            Self::NotFound => "not_found",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NoKeys => "no_keys",
        }
    }
}

/// Upper bounds of the buckets of durations, nanoseconds.
pub const BUCKETS_NS: [u64; 14] = [
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    10_000_000,
    100_000_000,
    1_000_000_000,
];

/// The counters of one serving thread.
///
/// INVARIANT: only that thread calls the methods that take a step; everyone may read.
#[derive(Debug)]
#[repr(align(128))]
pub struct Core {
    doors: [Door; Surface::ALL.len()],
    connections_shed: AtomicU64,
    handshakes_failed: AtomicU64,
    defaults_filled: AtomicU64,
    report_only: Box<[Slot]>,
    report_only_others: AtomicU64,
}

/// The counters of one door.
#[derive(Debug, Default)]
struct Door {
    decided: [AtomicU64; Reason::ALL.len()],
    refused: [AtomicU64; Undecided::ALL.len()],
    durations: [AtomicU64; BUCKETS_NS.len() + 1],
    duration_ns_sum: AtomicU64,
    in_flight: AtomicU64,
    missing_ip: AtomicU64,
    untrusted_forwarded: AtomicU64,
    undeliverable: AtomicU64,
}

/// A report-only policy, by the hash of its id, and how often it would have blocked; hash 0 is a free slot.
#[derive(Debug, Default)]
struct Slot {
    hash: AtomicU64,
    count: AtomicU64,
}

const SLOTS: usize = (limits::REPORT_ONLY_SERIES_MAX * 2).next_power_of_two();

impl Default for Core {
    fn default() -> Self {
        Self {
            doors: Default::default(),
            connections_shed: AtomicU64::new(0),
            handshakes_failed: AtomicU64::new(0),
            defaults_filled: AtomicU64::new(0),
            report_only: (0..SLOTS).map(|_| Slot::default()).collect(),
            report_only_others: AtomicU64::new(0),
        }
    }
}

impl Core {
    /// A request was decided; `lacks_ip` if it carried no address.
    pub fn decided(&self, surface: Surface, reason: Reason, took: Duration, lacks_ip: bool) {
        let door = self.door(surface);
        step(door.decided.get(reason as usize));
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        step(door.durations.get(bucket(nanoseconds)));
        add(&door.duration_ns_sum, nanoseconds);
        if lacks_ip {
            step(Some(&door.missing_ip));
        }
    }

    /// A request got no decision.
    pub fn refused(&self, surface: Surface, why: Undecided) {
        step(self.door(surface).refused.get(why as usize));
    }

    /// A report-only policy would have blocked or asked for more.
    ///
    /// Policies beyond what the table takes are counted together.
    pub fn report_only(&self, policy: &str) {
        let hash = hash(policy);
        for slot in self.probe(hash) {
            let taken = slot.hash.load(Relaxed);
            if taken == 0 {
                slot.hash.store(hash, Relaxed);
            }
            if taken == 0 || taken == hash {
                return step(Some(&slot.count));
            }
        }
        step(Some(&self.report_only_others));
    }

    /// A forwarded header did not count, because who sent it is not trusted.
    pub fn untrusted_forwarded(&self, surface: Surface) {
        step(Some(&self.door(surface).untrusted_forwarded));
    }

    /// A request was allowed and then denied, because the door could not pass on what is owed for it.
    pub fn undeliverable(&self, surface: Surface) {
        step(Some(&self.door(surface).undeliverable));
    }

    /// A request or stream began.
    pub fn began(&self, surface: Surface) {
        step(Some(&self.door(surface).in_flight));
    }

    /// A request or stream ended.
    pub fn ended(&self, surface: Surface) {
        let in_flight = &self.door(surface).in_flight;
        in_flight.store(in_flight.load(Relaxed).saturating_sub(1), Relaxed);
    }

    /// Requests or streams of one door that began and have not ended.
    pub fn in_flight(&self, surface: Surface) -> u64 {
        self.door(surface).in_flight.load(Relaxed)
    }

    /// A connection was closed at once because there are too many.
    pub fn shed_connection(&self) {
        step(Some(&self.connections_shed));
    }

    /// So many items of a batch took names from the defaults that entities of their own lacked.
    pub fn filled_defaults(&self, items: u64) {
        add(&self.defaults_filled, items);
    }

    /// A connection was closed because its TLS handshake failed.
    pub fn failed_handshake(&self) {
        step(Some(&self.handshakes_failed));
    }

    #[expect(clippy::indexing_slicing, reason = "there is one door for each surface")]
    const fn door(&self, surface: Surface) -> &Door {
        &self.doors[surface as usize]
    }

    /// The slots that a policy may have, in the order of looking: a few, so that a full table costs little.
    fn probe(&self, hash: u64) -> impl Iterator<Item = &Slot> {
        let start = usize::try_from(hash % SLOTS as u64).unwrap_or(0);
        (0..8).filter_map(move |step| self.report_only.get((start + step) % SLOTS))
    }

    fn report_only_count(&self, policy: &str) -> u64 {
        let hash = hash(policy);
        self.probe(hash).find(|slot| slot.hash.load(Relaxed) == hash).map_or(0, |slot| slot.count.load(Relaxed))
    }
}

/// The sums over all cores at one instant.
#[derive(Debug)]
pub struct Totals<'a>(pub &'a [std::sync::Arc<Core>]);

impl Totals<'_> {
    fn sum(&self, of: impl Fn(&Core) -> u64) -> u64 {
        self.0.iter().map(|core| of(core)).sum()
    }

    fn at<const N: usize>(&self, surface: Surface, of: impl Fn(&Door) -> &[AtomicU64; N], place: usize) -> u64 {
        self.sum(|core| of(core.door(surface)).get(place).map_or(0, |counter| counter.load(Relaxed)))
    }

    /// Decisions of one door for one reason.
    pub fn decided(&self, surface: Surface, reason: Reason) -> u64 {
        self.at(surface, |door| &door.decided, reason as usize)
    }

    /// Requests of one door that got no decision.
    pub fn refused(&self, surface: Surface, why: Undecided) -> u64 {
        self.at(surface, |door| &door.refused, why as usize)
    }

    /// How many decisions of one door took at most a bucket's bound and more than the one before; the last is the rest.
    pub fn durations(&self, surface: Surface) -> [u64; BUCKETS_NS.len() + 1] {
        std::array::from_fn(|place| self.at(surface, |door| &door.durations, place))
    }

    /// Time that the decisions of one door took together.
    pub fn duration_sum(&self, surface: Surface) -> Duration {
        Duration::from_nanos(self.sum(|core| core.door(surface).duration_ns_sum.load(Relaxed)))
    }

    /// Requests and streams of one door that have not ended.
    pub fn in_flight(&self, surface: Surface) -> u64 {
        self.sum(|core| core.door(surface).in_flight.load(Relaxed))
    }

    /// Decided requests of one door that carried no address.
    pub fn missing_ip(&self, surface: Surface) -> u64 {
        self.sum(|core| core.door(surface).missing_ip.load(Relaxed))
    }

    /// Requests of one door with a forwarded header that did not count.
    pub fn untrusted_forwarded(&self, surface: Surface) -> u64 {
        self.sum(|core| core.door(surface).untrusted_forwarded.load(Relaxed))
    }

    /// Allowed requests of one door that it denied.
    pub fn undeliverable(&self, surface: Surface) -> u64 {
        self.sum(|core| core.door(surface).undeliverable.load(Relaxed))
    }

    /// Items of batches that took names from the defaults.
    pub fn defaults_filled(&self) -> u64 {
        self.sum(|core| core.defaults_filled.load(Relaxed))
    }

    /// Connections closed at once because there were too many.
    pub fn connections_shed(&self) -> u64 {
        self.sum(|core| core.connections_shed.load(Relaxed))
    }

    /// Connections closed because their TLS handshake failed.
    pub fn handshakes_failed(&self) -> u64 {
        self.sum(|core| core.handshakes_failed.load(Relaxed))
    }

    /// How often a report-only policy would have blocked or asked for more.
    pub fn report_only(&self, policy: &str) -> u64 {
        self.sum(|core| core.report_only_count(policy))
    }

    /// The same for all policies that found no place in the table.
    pub fn report_only_others(&self) -> u64 {
        self.sum(|core| core.report_only_others.load(Relaxed))
    }
}

fn step(counter: Option<&AtomicU64>) {
    if let Some(counter) = counter {
        add(counter, 1);
    }
}

/// WHY: a load and a store, not a locked addition: the counter has one writer.
fn add(counter: &AtomicU64, by: u64) {
    counter.store(counter.load(Relaxed).wrapping_add(by), Relaxed);
}

fn bucket(nanoseconds: u64) -> usize {
    BUCKETS_NS.iter().position(|bound| nanoseconds <= *bound).unwrap_or(BUCKETS_NS.len())
}

/// Never 0. The seed is fixed: policy ids come from the bundle, not from callers.
fn hash(policy: &str) -> u64 {
    let mut hasher = std::hash::BuildHasher::build_hasher(&foldhash::fast::FixedState::default());
    hasher.write(policy.as_bytes());
    hasher.finish().max(1)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn cores_are_counted_apart_and_read_together() {
        let cores = [Arc::new(Core::default()), Arc::new(Core::default())];
        cores[0].decided(Surface::Grpc, Reason::BlockedByPolicy, Duration::from_nanos(2_500), true);
        cores[1].decided(Surface::Grpc, Reason::BlockedByPolicy, Duration::from_nanos(2_501), false);
        cores[1].decided(Surface::Http, Reason::ControlsMet, Duration::from_secs(9), false);
        let totals = Totals(&cores);
        assert_eq!(totals.decided(Surface::Grpc, Reason::BlockedByPolicy), 2);
        assert_eq!(totals.decided(Surface::GrpcStream, Reason::BlockedByPolicy), 0);
        assert_eq!(totals.durations(Surface::Grpc)[..4], [0, 1, 1, 0]);
        assert_eq!(totals.durations(Surface::Http)[BUCKETS_NS.len()], 1);
        assert_eq!(totals.duration_sum(Surface::Grpc), Duration::from_nanos(5_001));
        assert_eq!(totals.missing_ip(Surface::Grpc), 1);
    }

    #[test]
    fn every_way_not_to_decide_is_counted_apart() {
        let cores = [Arc::new(Core::default())];
        for (place, why) in Undecided::ALL.into_iter().enumerate() {
            (0..=place).for_each(|_| cores[0].refused(Surface::Envoy, why));
        }
        let told = Undecided::ALL.map(|why| Totals(&cores).refused(Surface::Envoy, why));
        assert_eq!(told, std::array::from_fn(|place| place as u64 + 1));
    }

    #[test]
    fn no_report_only_policy_is_lost_when_the_table_is_full() {
        let core = Arc::new(Core::default());
        let policies: Vec<_> = (0..SLOTS * 2).map(|number| format!("policy-{number}")).collect();
        for policy in policies.iter().chain(&policies) {
            core.report_only(policy);
        }
        let totals = Totals(std::slice::from_ref(&core));
        let named: u64 = policies.iter().map(|policy| totals.report_only(policy)).sum();
        assert!(named > SLOTS as u64);
        assert_eq!(named + totals.report_only_others(), SLOTS as u64 * 4);
    }

    #[test]
    fn what_began_and_ended_is_not_in_flight() {
        let core = Core::default();
        core.began(Surface::Http);
        core.began(Surface::GrpcStream);
        core.ended(Surface::Http);
        for surface in Surface::ALL {
            assert_eq!(core.in_flight(surface), u64::from(surface == Surface::GrpcStream), "{surface:?}");
        }
    }
}
