//! Why an answer is not the expected one: of each policy that the difference is about, the conditions that decided it.

use crate::cli::paint;
use crate::compile::CompiledBundle;
use crate::evaluate::{ConditionTrace, PolicyTrace};
use crate::model::{State, Truth};

/// For a policy that applies, every condition that it sets; for one that does not, the first that fails.
pub fn told(bundle: &CompiledBundle, traces: &[PolicyTrace]) -> String {
    let lines = traces.iter().map(|trace| {
        let head = bundle.policy(trace.policy);
        let name = paint::styled(paint::STRONG, &head.display_name);
        let state = if head.state == State::ReportOnly { " (report-only)" } else { "" };
        if !trace.outcome.applies() {
            let failing = trace.conditions.iter().find(|condition| !condition.holds.is_possible());
            let why = failing.map_or_else(|| "it takes no part".to_owned(), reason);
            return format!("{name}{state} does not apply: {why}\n");
        }
        let set: Vec<_> = trace.conditions.iter().filter(|condition| condition.is_configured).collect();
        let width = set.iter().map(|condition| condition.condition.len()).max().unwrap_or(0);
        let conditions = set.into_iter().map(|condition| {
            let holds = match condition.holds {
                Truth::True => "yes    ".to_owned(),
                Truth::False => "no     ".to_owned(),
                Truth::Unknown => paint::doubt("unknown"),
            };
            let counts = if condition.holds == Truth::Unknown { " (unknown counts as yes)" } else { "" };
            format!("  {}  {holds}  {}{counts}\n", paint::padded(condition.condition, width), condition.rule)
        });
        format!("{name}{state} applies:\n{}", conditions.collect::<String>())
    });
    lines.collect()
}

fn reason(failing: &ConditionTrace) -> String {
    format!("{}: {}", failing.condition, failing.rule)
}
