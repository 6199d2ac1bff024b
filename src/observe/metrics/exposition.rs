//! The sums of all counters as OpenMetrics text, for one scrape.
//!
//! Labels are bounded: never an identity, an address or a path.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::metrics::{MetricType, TypedMetric};
use prometheus_client::registry::Registry;

use super::{BUCKETS_NS, Core, Surface, Totals, Undecided};
use crate::limits;
use crate::model::Reason;
use crate::observe::log;

/// The media type of [`text`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What a scrape tells beyond the counters of requests.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The bundle in force.
    pub bundle: Option<BundleFacts>,
    /// When the source of the bundle was last looked at, seconds since the epoch.
    pub checked: Option<f64>,
    /// When that was last found to hold what is in force, seconds since the epoch.
    pub confirmed: Option<f64>,
    /// How many loads came to which result.
    pub loads: Vec<(&'static str, u64)>,
    /// How long the stages of loads took.
    pub load_times: Vec<LoadTimes>,
    /// What became of the records of the decision log, if there is one.
    pub log: Option<log::Counts>,
    /// When the server's certificate ends, seconds since the epoch, if there is TLS.
    pub certificate_expires: Option<f64>,
}

/// The bundle in force.
#[derive(Clone, Debug, Default)]
pub struct BundleFacts {
    /// Its name.
    pub name: String,
    /// Its revision.
    pub revision: String,
    /// Its digest.
    pub digest: String,
    /// When it came into force, seconds since the epoch.
    pub activated: f64,
    /// For how long it has been in force, seconds.
    pub age: f64,
    /// When it expires, seconds since the epoch, if it does.
    pub expires: Option<f64>,
    /// How many policies it has.
    pub policies: usize,
    /// How many address ranges its locations have.
    pub ranges: usize,
    /// Ids of its report-only policies, in bundle order.
    pub report_only: Vec<String>,
}

/// How long one stage of all loads took.
#[derive(Clone, Debug)]
pub struct LoadTimes {
    /// The stage.
    pub stage: &'static str,
    /// Upper bounds, seconds, ascending, and how many took at most that and more than the one before.
    pub buckets: Vec<(f64, u64)>,
    /// All of them together, seconds.
    pub sum: f64,
}

/// The text of one scrape.
pub fn text(cores: &[Arc<Core>], facts: Facts) -> String {
    let mut registry = Registry::with_prefix("doorward");
    registry.register_collector(Box::new(Scrape { cores: cores.to_vec(), facts }));
    let mut text = String::with_capacity(16 << 10);
    // INVARIANT: a `String` takes every write.
    let _ = prometheus_client::encoding::text::encode(&mut text, &registry);
    text
}

#[derive(Debug)]
struct Scrape {
    cores: Vec<Arc<Core>>,
    facts: Facts,
}

type Labels<const N: usize> = [(&'static str, String); N];

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let totals = Totals(&self.cores);
        let version = Info::new(vec![("version", env!("CARGO_PKG_VERSION").to_owned())]);
        one(&mut encoder, "build", "The program", &version)?;
        requests(&totals, &mut encoder)?;
        durations(&totals, &mut encoder)?;
        if let Some(bundle) = &self.facts.bundle {
            bundle_in_force(bundle, &totals, &mut encoder)?;
        }
        if let Some(checked) = self.facts.checked {
            let help = "When the source of the bundle was last looked at";
            one(&mut encoder, "bundle_checked_timestamp_seconds", help, &ConstGauge::new(checked))?;
        }
        if let Some(confirmed) = self.facts.confirmed {
            let help = "When the source was last found to hold the bundle in force";
            one(&mut encoder, "bundle_last_success_timestamp_seconds", help, &ConstGauge::new(confirmed))?;
        }
        let loads = self.facts.loads.iter().map(|(result, count)| ([("result", (*result).to_owned())], *count));
        counters(&mut encoder, "bundle_loads", "Bundle loads by result", loads)?;
        load_times(&self.facts.load_times, &mut encoder)?;
        if let Some(expires) = self.facts.certificate_expires {
            tls(expires, totals.handshakes_failed(), &mut encoder)?;
        }
        if let Some(log) = self.facts.log {
            let entries = [("written", log.written), ("dropped", log.dropped), ("failed", log.failed)];
            let entries = entries.map(|(result, count)| ([("result", result.to_owned())], count));
            counters(&mut encoder, "log_entries", "Decision log records by what became of them", entries)?;
        }
        Ok(())
    }
}

fn requests(totals: &Totals<'_>, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let labels = |surface: Surface, decision: &str, reason: &str| {
        [("surface", surface.as_str().to_owned()), ("decision", decision.to_owned()), ("reason", reason.to_owned())]
    };
    let decisions = Surface::ALL.into_iter().flat_map(|surface| {
        let decided = Reason::ALL.into_iter().map(move |reason| {
            (labels(surface, reason.decision().as_str(), reason.as_str()), totals.decided(surface, reason))
        });
        let refused = Undecided::ALL
            .into_iter()
            .map(move |why| (labels(surface, "error", why.as_str()), totals.refused(surface, why)));
        decided.chain(refused)
    });
    counters(encoder, "decisions", "Requests by decision and reason", decisions)?;
    let by_surface = |of: &dyn Fn(Surface) -> u64| {
        Surface::ALL.map(|surface| ([("surface", surface.as_str().to_owned())], of(surface)))
    };
    let invalid = |surface| {
        [Undecided::InputInvalid, Undecided::InputConflict].map(|why| totals.refused(surface, why)).into_iter().sum()
    };
    counters(encoder, "invalid_input", "Requests with a field that cannot be used", by_surface(&invalid))?;
    let missing = |surface| totals.missing_ip(surface);
    counters(encoder, "missing_ip", "Decided requests without an address", by_surface(&missing))?;
    let untrusted = |surface| totals.untrusted_forwarded(surface);
    let help = "Requests with a forwarded header from somebody who is not trusted";
    counters(encoder, "untrusted_forwarded_header", help, by_surface(&untrusted))?;
    let undeliverable = |surface| totals.undeliverable(surface);
    let help = "Allowed requests that the door denied, because it cannot pass on a critical claim or an obligation";
    counters(encoder, "undeliverable_allows", help, by_surface(&undeliverable))?;
    let filled = [([("surface", Surface::Authzen.as_str().to_owned())], totals.defaults_filled())];
    let help = "Items of batches that took a type, id or name from the defaults";
    counters(encoder, "batch_defaults_filled", help, filled)?;
    let shed = by_surface(&|surface| totals.refused(surface, Undecided::Overloaded));
    let connections = ([("surface", "connection".to_owned())], totals.connections_shed());
    let help = "Requests and connections turned away because there were too many";
    counters(encoder, "requests_shed", help, shed.into_iter().chain([connections]))?;
    let help = "Requests and streams that have not ended";
    let mut family = encoder.encode_descriptor("inflight_requests", help, None, MetricType::Gauge)?;
    for (labels, count) in by_surface(&|surface| totals.in_flight(surface)) {
        ConstGauge::new(signed(count)).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

fn durations(totals: &Totals<'_>, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let help = "Time from a complete request to its decision";
    let mut family = encoder.encode_descriptor("decision_duration_seconds", help, None, MetricType::Histogram)?;
    for surface in Surface::ALL {
        let counts = totals.durations(surface);
        let bounds = BUCKETS_NS.iter().map(|bound| *bound as f64 / 1e9).chain([f64::INFINITY]);
        let buckets: Vec<_> = bounds.zip(counts).collect();
        let labels: Labels<1> = [("surface", surface.as_str().to_owned())];
        family.encode_family(&labels)?.encode_histogram::<Labels<0>>(
            totals.duration_sum(surface).as_secs_f64(),
            counts.iter().sum(),
            &buckets,
            None,
        )?;
    }
    Ok(())
}

fn load_times(stages: &[LoadTimes], encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let help = "Time that the stages of bundle loads took";
    let mut family = encoder.encode_descriptor("bundle_load_duration_seconds", help, None, MetricType::Histogram)?;
    for LoadTimes { stage, buckets, sum } in stages {
        let labels: Labels<1> = [("stage", (*stage).to_owned())];
        let count = buckets.iter().map(|(_, count)| count).sum();
        family.encode_family(&labels)?.encode_histogram::<Labels<0>>(*sum, count, buckets, None)?;
    }
    Ok(())
}

fn bundle_in_force(bundle: &BundleFacts, totals: &Totals<'_>, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let info = Info::new(vec![
        ("name", bundle.name.clone()),
        ("revision", bundle.revision.clone()),
        ("digest", bundle.digest.clone()),
    ]);
    one(encoder, "bundle", "The bundle in force", &info)?;
    let activated = ConstGauge::new(bundle.activated);
    one(encoder, "bundle_activation_timestamp_seconds", "When the bundle came into force", &activated)?;
    one(encoder, "bundle_age_seconds", "For how long the bundle has been in force", &ConstGauge::new(bundle.age))?;
    if let Some(expires) = bundle.expires {
        let help = "When the bundle in force expires";
        one(encoder, "bundle_expiry_timestamp_seconds", help, &ConstGauge::new(expires))?;
    }
    let policies = ConstGauge::new(signed(bundle.policies as u64));
    one(encoder, "policies", "Policies of the bundle in force", &policies)?;
    let ranges = ConstGauge::new(signed(bundle.ranges as u64));
    one(encoder, "named_location_prefixes", "Address ranges of the bundle in force", &ranges)?;
    let named = bundle.report_only.iter().take(limits::REPORT_ONLY_SERIES_MAX);
    let named = named.map(|policy| ([("policy", policy.clone())], totals.report_only(policy)));
    let others = ([("policy", "others".to_owned())], totals.report_only_others());
    let help = "Requests that a report-only policy would have blocked or asked more of";
    counters(encoder, "report_only_blocks", help, named.chain([others]))
}

fn tls(expires: f64, failed: u64, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let labels = [("listener", "decisions".to_owned())];
    let help = "When the certificate of a listener ends";
    let mut family = encoder.encode_descriptor("tls_cert_expiry_timestamp_seconds", help, None, MetricType::Gauge)?;
    ConstGauge::new(expires).encode(family.encode_family(&labels)?)?;
    let help = "Connections closed because their TLS handshake failed";
    counters(encoder, "tls_handshakes_failed", help, [(labels, failed)])
}

fn counters<const N: usize>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    series: impl IntoIterator<Item = (Labels<N>, u64)>,
) -> fmt::Result {
    let mut family: MetricEncoder<'_> = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (labels, count) in series {
        ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}

fn one<M: EncodeMetric + TypedMetric>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    metric: &M,
) -> fmt::Result {
    metric.encode(encoder.encode_descriptor(name, help, None, M::TYPE)?)
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
