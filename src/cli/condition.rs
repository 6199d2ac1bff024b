//! The conditions of a policy in lines, as `explain` and `test` tell them.
//!
//! Names come from bundles, so each is a part of its line and never more.

use super::paint;
use crate::evaluate::{ConditionTrace, PolicyTrace};
use crate::model::Truth;
use crate::model::set::Word;
use crate::text::plain;

/// A line for each condition that the policy sets, or with `all` for every one.
pub fn lines(trace: &PolicyTrace, all: bool) -> String {
    // A condition that is not configured says nothing about the request.
    let told: Vec<_> = trace.conditions.iter().filter(|condition| all || condition.is_configured).collect();
    let width = told.iter().map(|condition| condition.condition.as_str().len()).max().unwrap_or(0);
    let line = |condition: &ConditionTrace| {
        let name = paint::padded(condition.condition.as_str(), width);
        let holds = match condition.holds {
            Truth::True => "yes    ".to_owned(),
            Truth::False => "no     ".to_owned(),
            Truth::Unknown => paint::doubt("unknown"),
        };
        let counts = if condition.holds == Truth::Unknown { " (unknown counts as yes)" } else { "" };
        format!("  {name}  {holds}  {}{counts}\n", plain(&condition.rule))
    };
    told.into_iter().map(line).collect()
}

/// The first condition that keeps the policy from applying.
pub fn failing(trace: &PolicyTrace) -> Option<String> {
    let failing = trace.conditions.iter().find(|condition| !condition.holds.is_possible())?;
    Some(format!("{}: {}", failing.condition.as_str(), plain(&failing.rule)))
}
