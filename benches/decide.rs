//! How fast bundles are decided and compiled, beside cedar-policy on the same policies.
//!
//! Everything runs in one process and in turns, so that ratios mean something on a machine that others use too: the
//! absolute numbers are for orders of magnitude. Before anything is timed the decisions are compared. What is counted
//! and not timed (allocations, bytes) is in `count.rs`. `DOORWARD_BENCH=quick` runs a small part, to see that it runs;
//! `DOORWARD_BENCH=compile` only compiles, and leaves decisions out; `DOORWARD_BENCH=people` only decides about people;
//! `DOORWARD_BENCH=compare` times nothing and compares a million answers with cedar-policy's.
//! Run it with `cargo bench --bench decide`; start with [`main`].

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a bench that meets the unexpected must fail"
)]

mod cedar;
mod people;
mod policy_set;
mod report;
mod user_set;

use std::collections::{BTreeSet, HashMap};
use std::hint::black_box;
use std::net::IpAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use doorward::compile::{self, CompiledBundle};
use doorward::evaluate::{Evaluation, evaluate};
use doorward::model::{Decision, IdRef, TokenRequest};
use doorward::text::{RawBundle, RawFile};

use cedar::Cedar;
use policy_set::{PolicySet, RangeText, Size, W10, W240, W390K, W1000, W10000, WBIG};
use report::{Goal, Report, median, nanoseconds};

/// A policy set and its compiled bundle.
struct World {
    set: PolicySet,
    bundle: CompiledBundle,
}

impl World {
    fn new(size: Size) -> Self {
        let set = PolicySet::new(size);
        let bundle = compiled(&set.bundle(RangeText::Graph));
        Self { set, bundle }
    }
}

fn compiled(raw: &RawBundle) -> CompiledBundle {
    let compilation = compile::compile(raw);
    compilation.bundle.unwrap_or_else(|| panic!("the bundle compiles: {:#?}", compilation.findings.first()))
}

fn main() {
    if let Some(folder) = std::env::var_os("DOORWARD_BENCH_RESIDENT") {
        return report_resident(Path::new(&folder));
    }
    let part = std::env::var("DOORWARD_BENCH").unwrap_or_default();
    let mut report = Report::default();
    if part == "compile" {
        for size in [W240, WBIG] {
            loading(&mut report, size, 9);
        }
        return report.print();
    }
    if part == "compare" {
        return compare_a_million();
    }
    if part == "people" {
        people::people(&mut report, 101);
        return report.print();
    }
    let is_quick = part == "quick";
    let sizes: &[Size] = if is_quick { &[W10, W240] } else { &[W10, W240, W390K, W1000, W10000, WBIG] };
    // Many short rounds: what else runs on the machine then spoils few of them, and the median none.
    let rounds = if is_quick { 9 } else { 101 };
    for size in sizes {
        let world = World::new(*size);
        eprintln!("{}: {} policies, {} ranges", size.name, world.set.policies.len(), size.ranges);
        decide(&mut report, &world, rounds);
        if size.ranges < W390K.ranges {
            beside_cedar(&mut report, &world, if is_quick { 20 } else { 1_000 }, rounds);
        }
        drop(world);
        loading(&mut report, *size, rounds.min(5));
    }
    people::people(&mut report, rounds);
    if !is_quick {
        scaling(&mut report, rounds);
    }
    report.print();
}

/// Decision time from binary inputs, from text, and beside one hash lookup.
///
/// Decisions, and the lookups that they are divided by, wait for the answer before: so does who asks, and a decision is
/// itself a few such steps. How many lookups the processor has under way at once says nothing of that; it is told beside.
fn decide(report: &mut Report, world: &World, rounds: usize) {
    let name = world.set.size.name;
    let requests = world.set.token_requests();
    let mut from_text = world.set.token_requests();
    let calibrator = Calibrator::new(
        world.set.principals.iter().filter_map(|id| guid(&IdRef::new(id))),
        world.set.requests.iter().filter_map(|asked| guid(&IdRef::new(&asked.id))),
    );
    let mut evaluation = Evaluation::default();
    let (mut lookups, mut at_once, mut decisions, mut texts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        lookups.push(calibrator.one_after_another());
        at_once.push(calibrator.at_once());
        decisions.push(per_item(requests.len(), 1, || decide_all(&world.bundle, &requests, &mut evaluation)));
        texts.push(per_item(requests.len(), 1, || {
            for (request, asked) in from_text.iter_mut().zip(&world.set.requests) {
                request.identity.id = IdRef::new(black_box(&asked.id));
                request.network.ip_address = black_box(&asked.address_text).parse::<IpAddr>().ok();
                evaluate(&world.bundle, request, &mut evaluation).expect("nothing contradicts");
                black_box(evaluation.decision());
            }
        }));
    }
    let (lookup, at_once, decision, text) = (median(lookups), median(at_once), median(decisions), median(texts));
    let (most, most_from_text) = match name {
        "W10" | "W240" => (Goal::AtMost(60.0), Goal::AtMost(250.0)),
        "W390k" => (Goal::AtMost(150.0), Goal::None),
        "WBIG" => (Goal::AtMost(450.0), Goal::None),
        _ => (Goal::None, Goal::None),
    };
    report.add(&format!("{name}: one hash lookup, the calibrator"), lookup, "ns", Goal::None);
    report.add(&format!("{name}: one hash lookup of many at once"), at_once, "ns", Goal::None);
    report.add(&format!("{name}: decision, binary inputs"), decision, "ns", most);
    let ratio = if name == "W240" { Goal::AtMost(5.0) } else { Goal::None };
    report.add(&format!("{name}: decision / hash lookup"), decision / lookup, "x", ratio);
    report.add(&format!("{name}: decision, from id and address as text"), text, "ns", most_from_text);
}

fn decide_all(bundle: &CompiledBundle, requests: &[TokenRequest<'_>], evaluation: &mut Evaluation) {
    one_after_another(requests, |request| {
        evaluate(bundle, request, evaluation).expect("nothing contradicts");
        evaluation.decision() as usize
    });
}

/// Hash lookups of ids, to divide by.
struct Calibrator {
    by_id: HashMap<u128, usize, foldhash::fast::FixedState>,
    keys: Vec<u128>,
}

impl Calibrator {
    fn new(ids: impl Iterator<Item = u128>, keys: impl Iterator<Item = u128>) -> Self {
        Self { by_id: ids.zip(0..).collect(), keys: keys.collect() }
    }

    /// Nanoseconds of a lookup of which each waits for the one before.
    fn one_after_another(&self) -> f64 {
        per_item(self.keys.len(), 4, || {
            one_after_another(&self.keys, |key| self.by_id.get(key).copied().unwrap_or_default());
        })
    }

    /// Nanoseconds of a lookup among as many as the processor can have under way.
    fn at_once(&self) -> f64 {
        per_item(self.keys.len(), 4, || {
            for key in &self.keys {
                black_box(self.by_id.get(black_box(key)));
            }
        })
    }
}

/// Does `work` with each item, which is found with what came of the one before.
fn one_after_another<T>(items: &[T], mut work: impl FnMut(&T) -> usize) {
    let mut before = 0;
    for place in 0..items.len() {
        // Nothing is left of so small an answer, which only the reader knows.
        before = black_box(work(&items[black_box(place ^ before)])) >> 32;
    }
}

/// The same requests through cedar-policy, decisions and deciding policies compared.
///
/// Each side then runs over all of these requests by itself, so that neither finds its memory taken by the other.
fn beside_cedar(report: &mut Report, world: &World, most_requests: usize, rounds: usize) {
    let set = &world.set;
    let cedar = Cedar::new(set);
    let time_limit = Duration::from_secs(4);
    let requests = set.token_requests();
    let mut evaluation = Evaluation::default();
    let mut theirs = Vec::new();
    let started = Instant::now();
    for (asked, request) in set.requests.iter().zip(&requests).take(most_requests) {
        let prepared = cedar.request(set, asked);
        let before = Instant::now();
        let answer = black_box(cedar.decide(&prepared));
        theirs.push(nanoseconds(before.elapsed()));
        decide_all(&world.bundle, std::slice::from_ref(request), &mut evaluation);
        assert_eq!(blocking(&evaluation), answer, "{}: both must name the same policies for {asked:?}", set.size.name);
        if started.elapsed() > time_limit {
            break;
        }
    }
    let compared = theirs.len();
    let asked = &requests[..compared];
    let ours = (0..rounds).map(|_| per_item(compared, 1, || decide_all(&world.bundle, asked, &mut evaluation)));
    let (ours, theirs) = (median(ours.collect()), median(theirs));
    let name = set.size.name;
    let goal = match name {
        "W240" => Goal::AtLeast(1_000.0),
        "W10000" => Goal::AtLeast(50_000.0),
        _ => Goal::None,
    };
    report.add(&format!("{name}: cedar-policy, {compared} requests, equal answers"), theirs, "ns", Goal::None);
    report.add(&format!("{name}: cedar-policy / doorward"), theirs / ours, "x", goal);
}

/// The policies that block, by position.
fn blocking(evaluation: &Evaluation) -> BTreeSet<usize> {
    match evaluation.decision() {
        Decision::Block => evaluation.policies().iter().map(|policy| policy.as_usize()).collect(),
        Decision::Allow => BTreeSet::new(),
    }
}

/// A million requests of many small policy sets through both. `DOORWARD_BENCH=compare`.
fn compare_a_million() {
    let (mut compared, mut blocked) = (0, 0);
    for more in 0.. {
        let world = World::new(Size { policies: W10.policies + more % 30, ranges: W10.ranges + more, ..W10 });
        let cedar = Cedar::new(&world.set);
        let requests = world.set.token_requests();
        let mut evaluation = Evaluation::default();
        for (asked, request) in world.set.requests.iter().zip(&requests) {
            let answer = cedar.decide(&cedar.request(&world.set, asked));
            decide_all(&world.bundle, std::slice::from_ref(request), &mut evaluation);
            assert_eq!(blocking(&evaluation), answer, "set {more}: both must name the same policies for {asked:?}");
            compared += 1;
            blocked += usize::from(evaluation.decision() == Decision::Block);
        }
        if compared >= 1_000_000 {
            println!("{compared} requests of {} policy sets, {blocked} blocked: no difference", more + 1);
            return;
        }
    }
}

/// Time and memory of loading, of the largest set in both forms that ranges are written in.
fn loading(report: &mut Report, size: Size, rounds: usize) {
    let is_large = size.ranges == WBIG.ranges;
    for ranges in [RangeText::Graph, RangeText::Short].into_iter().take(1 + usize::from(is_large)) {
        compile_time(report, size, ranges, rounds);
        resident(report, size, ranges);
    }
}

/// From JSON to a bundle that decides.
fn compile_time(report: &mut Report, size: Size, ranges: RangeText, rounds: usize) {
    let raw = PolicySet::new(size).bundle(ranges);
    let bytes: usize = raw.files.iter().map(|file| file.bytes.len()).sum();
    let times = (0..rounds).map(|_| {
        let before = Instant::now();
        let bundle = black_box(compiled(&raw));
        let time = before.elapsed();
        drop(bundle);
        nanoseconds(time) / 1e6
    });
    let time = median(times.collect());
    let goal = match size.name {
        "W240" => Goal::AtMost(5.0),
        "WBIG" => Goal::AtMost(250.0),
        _ => Goal::None,
    };
    let what = format!("{}: compile {:.1} MB of JSON, {}", size.name, bytes as f64 / 1e6, form(ranges));
    report.add(&what, time, "ms", goal);
}

fn form(ranges: RangeText) -> &'static str {
    if ranges == RangeText::Short { "short ranges" } else { "Graph ranges" }
}

/// Memory of a process that holds nothing but the bundle.
fn resident(report: &mut Report, size: Size, ranges: RangeText) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let raw = PolicySet::new(size).bundle(ranges);
    let text = raw.files.iter().map(|file| file.bytes.len()).sum::<usize>() as f64 / f64::from(1 << 20);
    for file in raw.files {
        std::fs::write(folder.path().join(&*file.name), file.bytes).expect("the bundle is written");
    }
    let this = std::env::current_exe().expect("this program has a path");
    let child = std::process::Command::new(this).env("DOORWARD_BENCH_RESIDENT", folder.path()).output();
    let output = String::from_utf8(child.expect("this program runs again").stdout).unwrap();
    let numbers: Vec<f64> = output.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    let [now, peak, tables] = numbers[..] else {
        return eprintln!("{}: this system does not tell the memory of a process", size.name);
    };
    let (most_now, most_peak) = match size.name {
        "W240" => (Goal::AtMost(12.0), Goal::None),
        "WBIG" => (Goal::AtMost(64.0), Goal::AtMost((2.0 * tables + text + 16.0).floor())),
        _ => (Goal::None, Goal::None),
    };
    let (name, form) = (size.name, form(ranges));
    report.add(&format!("{name}: resident memory, {form}"), now, "MB", most_now);
    report.add(&format!("{name}: most resident memory, while compiling, {form}"), peak, "MB", most_peak);
}

/// In the child: compiles the bundle of `folder` and prints resident memory, most resident memory, and tables, MB.
fn report_resident(folder: &Path) {
    let mut files: Vec<RawFile> = std::fs::read_dir(folder)
        .expect("the folder is there")
        .map(|entry| {
            let entry = entry.expect("the folder can be listed");
            let bytes = std::fs::read(entry.path()).expect("the file is there");
            RawFile { name: entry.file_name().into_string().expect("a plain name").into(), bytes }
        })
        .collect();
    files.sort_by(|one, other| one.name.cmp(&other.name));
    let bundle = compiled(&RawBundle { files, digest: "resident".into() });
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let megabytes = |key: &str| {
        let line = status.lines().find(|line| line.starts_with(key))?;
        line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kilobytes| kilobytes / 1024.0)
    };
    if let (Some(now), Some(peak)) = (megabytes("VmRSS"), megabytes("VmHWM")) {
        println!("{now} {peak} {}", bundle.table_bytes() as f64 / f64::from(1 << 20));
    }
    black_box(bundle);
}

/// How cost grows with what does not concern the caller.
fn scaling(report: &mut Report, rounds: usize) {
    let base = Size::new("240 policies", 240, 50, 1_000);
    let few = Size { principals: 1_000, ..Size::new("100 policies, 1 k principals", 100, 50, 1_000) };
    let many = Size { principals: 100_000, ..Size::new("10 k policies, 100 k principals", 10_000, 50, 1_000) };
    let pairs = [
        ("10 k unrelated policies / none", Size { unrelated: 10_000, ..base }, base, 1.5),
        ("1,000 times the ranges", Size { ranges: 1_000_000, ..base }, base, 4.0),
        ("100 times the policies and principals", many, few, 2.0),
    ];
    for (what, larger, smaller, most) in pairs {
        let (larger, smaller) = (World::new(larger), World::new(smaller));
        let ratio = ratio(&larger, &smaller, rounds);
        report.add(what, ratio, "x", Goal::AtMost(most));
    }
    let wide = World::new(Size { tenant_wide: true, ..Size::new("tenant-wide", 10_000, 195, 5_300) });
    let requests = wide.set.token_requests();
    let mut evaluation = Evaluation::default();
    let times = (0..rounds)
        .map(|_| per_item(requests.len(), 1, || decide_all(&wide.bundle, &requests, &mut evaluation)))
        .collect();
    let mut reported = 0;
    for request in &requests {
        evaluate(&wide.bundle, request, &mut evaluation).expect("nothing contradicts");
        reported += evaluation.policies().len() + evaluation.report_only().len();
    }
    let reported = reported as f64 / requests.len() as f64;
    let what = format!("decision, 10 k tenant-wide policies, {reported:.0} reported");
    report.add(&what, median(times), "ns", Goal::AtMost(1_000.0));
}

/// How many times as long decisions take in one world as in another, in turns.
fn ratio(larger: &World, smaller: &World, rounds: usize) -> f64 {
    let mut evaluation = Evaluation::default();
    let (large, small) = (larger.set.token_requests(), smaller.set.token_requests());
    let ratios = (0..rounds).map(|_| {
        let one = per_item(large.len(), 1, || decide_all(&larger.bundle, &large, &mut evaluation));
        let other = per_item(small.len(), 1, || decide_all(&smaller.bundle, &small, &mut evaluation));
        one / other
    });
    median(ratios.collect())
}

/// Nanoseconds per item of `work`, which handles `items`, run `passes` times.
fn per_item(items: usize, passes: usize, mut work: impl FnMut()) -> f64 {
    let before = Instant::now();
    for _ in 0..passes {
        work();
    }
    nanoseconds(before.elapsed()) / (items * passes) as f64
}

fn guid(id: &IdRef<'_>) -> Option<u128> {
    match id {
        IdRef::Guid(guid) => Some(*guid),
        IdRef::Text(_) => None,
    }
}
