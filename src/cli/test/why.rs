//! Why an answer is not the expected one: of each policy that the difference is about, the conditions that decided it.

use crate::cli::{condition, paint};
use crate::compile::CompiledBundle;
use crate::evaluate::PolicyTrace;
use crate::model::State;

/// For a policy that applies, every condition that it sets; for one that does not, the first that fails.
pub fn told(bundle: &CompiledBundle, traces: &[PolicyTrace]) -> String {
    let lines = traces.iter().map(|trace| {
        let head = bundle.policy(trace.policy);
        let name = paint::styled(paint::STRONG, &head.display_name);
        let state = if head.state == State::ReportOnly { " (report-only)" } else { "" };
        if !trace.outcome.applies() {
            let why = condition::failing(trace).unwrap_or_else(|| "it takes no part".to_owned());
            return format!("{name}{state} does not apply: {why}\n");
        }
        format!("{name}{state} applies:\n{}", condition::lines(trace, false))
    });
    lines.collect()
}
