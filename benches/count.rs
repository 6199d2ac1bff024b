//! What is counted and not timed: allocations per decision, bytes of a compiled bundle.
//!
//! Its own program, because counting replaces the allocator and would cost time in `decide.rs`. The numbers are the
//! same on every run. `DOORWARD_BENCH=quick` leaves the large policy sets out.

#![expect(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    reason = "a bench that meets the unexpected must fail"
)]

#[expect(dead_code, reason = "each bench uses a part")]
mod policy_set;
#[expect(dead_code, reason = "each bench uses a part")]
mod report;
mod user_set;

use std::hint::black_box;

use allocation_counter::measure;

use doorward::compile;
use doorward::evaluate::{Evaluation, evaluate};

use policy_set::{PolicySet, RangeText, Size, W10, W240, W10000, WBIG};
use report::{Goal, Report};
use user_set::{A240, U240, UserSet, UserSize};

fn main() {
    let is_quick = std::env::var("DOORWARD_BENCH").is_ok_and(|value| value == "quick");
    let sizes: &[Size] = if is_quick { &[W10, W240] } else { &[W10, W240, W10000, WBIG] };
    let mut report = Report::default();
    for size in sizes {
        count(&mut report, *size);
    }
    for (size, groups) in [(U240, 20), (U240, 4_096), (A240, 0)] {
        count_people(&mut report, size, groups);
    }
    report.print();
}

fn count(report: &mut Report, size: Size) {
    let set = PolicySet::new(size);
    let raw = set.bundle(RangeText::Graph);
    let mut bundle = None;
    let compiling = measure(|| bundle = compile::compile(&raw).bundle);
    let bundle = bundle.unwrap_or_else(|| panic!("{} compiles", size.name));
    let requests = set.token_requests();
    let mut evaluation = Evaluation::default();
    let mut decide_all = || {
        for request in &requests {
            evaluate(&bundle, request, &mut evaluation).expect("nothing contradicts");
            black_box(evaluation.decision());
        }
    };
    decide_all();
    let deciding = measure(decide_all);

    let name = size.name;
    let table_mb = compiling.bytes_current as f64 / 1e6;
    let allocations = deciding.count_total as f64 / requests.len() as f64;
    let (tables, per_range) = match name {
        "W240" => (Goal::AtMost(1.0), Goal::None),
        "WBIG" => (Goal::AtMost(32.0), Goal::AtMost(32.0)),
        _ => (Goal::None, Goal::None),
    };
    report.add(&format!("{name}: allocations per decision"), allocations, "", Goal::AtMost(0.0));
    report.add(&format!("{name}: compiled bundle"), table_mb, "MB", tables);
    report.add(&format!("{name}: compiled bundle per range"), table_mb * 1e6 / size.ranges as f64, "B", per_range);
    let extra = compiling.bytes_max as f64 / 1e6;
    let most = if name == "WBIG" { Goal::AtMost(2.0 * table_mb + 16.0) } else { Goal::None };
    report.add(&format!("{name}: most memory while compiling, beside the files"), extra, "MB", most);
}

fn count_people(report: &mut Report, size: UserSize, groups: usize) {
    let set = UserSet::new(size);
    let raw = set.bundle();
    let mut bundle = None;
    let compiling = measure(|| bundle = compile::compile(&raw).bundle);
    let bundle = bundle.unwrap_or_else(|| panic!("{} compiles", size.name));
    let asking = set.asking(64, groups);
    let requests: Vec<_> = asking.iter().map(|asking| set.token_request(asking)).collect();
    let mut evaluation = Evaluation::default();
    let mut decide_all = || {
        for request in &requests {
            evaluate(&bundle, request, &mut evaluation).expect("nothing contradicts");
            black_box(evaluation.decision());
        }
    };
    decide_all();
    let allocations = measure(decide_all).count_total as f64 / requests.len() as f64;
    let name = size.name;
    report.add(&format!("{name}: allocations per decision, {groups} groups"), allocations, "", Goal::AtMost(0.0));
    if groups <= 20 {
        report.add(&format!("{name}: compiled bundle"), compiling.bytes_current as f64 / 1e6, "MB", Goal::AtMost(1.0));
    }
}
