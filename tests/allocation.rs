//! Deciding allocates nothing, and a usual bundle is small: claims that have no noise, so they are asserted.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test that meets the unexpected must fail")]

#[expect(dead_code, reason = "written for the benches, which use more of it")]
#[path = "../benches/policy_set.rs"]
mod policy_set;

use std::hint::black_box;

use allocation_counter::measure;

use doorward::compile::{self, CompiledBundle};
use doorward::evaluate::{Evaluation, evaluate};

use policy_set::{PolicySet, RangeText, Size, W240};

fn compiled(set: &PolicySet) -> CompiledBundle {
    compile::compile(&set.bundle(RangeText::Graph)).bundle.expect("the generated bundle compiles")
}

#[test]
fn a_decision_allocates_nothing() {
    let set = PolicySet::new(W240);
    let bundle = compiled(&set);
    let requests = set.token_requests();
    let mut evaluation = Evaluation::default();
    let mut decide_all = || {
        for request in &requests {
            evaluate(&bundle, request, &mut evaluation).expect("nothing contradicts");
            black_box((evaluation.decision(), evaluation.policies().len()));
        }
    };
    decide_all();
    assert_eq!(measure(decide_all).count_total, 0);
}

#[test]
fn the_bundle_of_a_usual_tenant_is_at_most_one_megabyte() {
    let set = PolicySet::new(W240);
    let raw = set.bundle(RangeText::Graph);
    let mut compilation = None;
    let compiling = measure(|| compilation = compile::compile(&raw).bundle);
    assert!(compilation.is_some());
    assert!(compiling.bytes_current <= 1_000_000, "{} bytes", compiling.bytes_current);
}

#[test]
fn an_address_range_takes_at_most_32_bytes() {
    let size = |ranges| Size::new("ranges", 10, 50, ranges);
    let bytes = |ranges| {
        let set = PolicySet::new(size(ranges));
        let raw = set.bundle(RangeText::Graph);
        let mut compilation = None;
        let compiling = measure(|| compilation = compile::compile(&raw).bundle);
        assert!(compilation.is_some());
        compiling.bytes_current
    };
    let (few, many) = (bytes(10_000), bytes(60_000));
    assert!(many - few <= 32 * 50_000, "{} bytes for 50,000 ranges", many - few);
}
