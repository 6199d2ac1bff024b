//! What If and enforcement ask the same conditions and differ in their doubt alone.

use doorward::compile;
use doorward::evaluate::{trace, what_if};
use doorward::model::Truth;
use doorward::text::Diagnostics;
use proptest::prelude::*;

use crate::oracle::generate::scene;
use crate::oracle::generate_when::conditional;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_certainly_applies_is_enforced_and_where_nothing_is_unknown_both_say_the_same(scene in conditional(scene(false, 6))) {
        let mut diagnostics = Diagnostics::default();
        let Some(bundle) = compile::build(scene.bundle.clone(), "digest", None, &mut diagnostics) else {
            return Err(TestCaseError::reject("a bundle that does not compile"));
        };
        for request in &scene.requests {
            let (Ok(traces), Ok(results)) = (trace(&bundle, request), what_if(&bundle, request)) else { continue };
            for result in results {
                let trace = &traces[result.policy.as_usize()];
                prop_assert!(trace.outcome.applies() || !result.applies(), "{result:?} {trace:?}");
                if trace.conditions.iter().all(|condition| condition.holds != Truth::Unknown) {
                    prop_assert_eq!(trace.outcome.applies(), result.applies());
                }
                // The condition that is blamed does not certainly hold.
                let blamed = trace.conditions.iter().find(|condition| Some(condition.condition) == result.condition);
                prop_assert!(blamed.is_none_or(|blamed| blamed.holds != Truth::True), "{blamed:?}");
            }
        }
    }
}
