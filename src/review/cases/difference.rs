//! How an answer differs from what a case expects, and which policies show why.
//!
//! Compares; knows neither files nor how differences are printed.

use super::expectation::{Expectation, truth};
use crate::compile::{CompiledBundle, PolicyHead, PolicyIndex};
use crate::evaluate::{Evaluation, PolicyTrace};
use crate::model::set::Word;
use crate::model::{Decision, IdRef};
use crate::text::Spanned;

/// One part of an answer that differs from what is expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The member of `expect`, for example `decision`.
    pub field: &'static str,
    /// What is expected; names in a list are separated by commas, `none` is an empty list.
    pub expected: String,
    /// What the answer says, in the same form.
    pub actual: String,
}

/// What differs. `traces` is looked at for single conditions only, and may be empty if none is expected.
pub(super) fn differences(
    bundle: &CompiledBundle,
    expected: &Expectation<'_>,
    actual: &Evaluation,
    traces: &[PolicyTrace],
) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut differ = |field, expected: String, actual: String| found.push(Difference { field, expected, actual });
    if expected.decision != actual.decision() {
        differ("decision", expected.decision.as_str().to_owned(), actual.decision().as_str().to_owned());
    }
    if let Some(reason) = expected.reason.filter(|reason| *reason != actual.reason()) {
        differ("reason", reason.as_str().to_owned(), actual.reason().as_str().to_owned());
    }
    for (field, named, in_force) in lists(expected, actual) {
        if !agree(bundle, named, in_force) {
            let names = in_force.iter().map(|index| &*bundle.policy(*index).display_name);
            differ(field, list(named.iter().map(|name| name.value)), list(names));
        }
    }
    let unmet = || actual.unmet(bundle).map(|control| control.name()).collect::<Vec<_>>();
    let session = || actual.session(bundle).map(|session| session.words()).unwrap_or_default();
    let owed = || actual.obligations(bundle).iter().map(|obligation| obligation.id.to_string()).collect::<Vec<_>>();
    let mut sets = |field, wanted: &Option<Vec<&str>>, given: &dyn Fn() -> Vec<String>| {
        let Some(wanted) = wanted else { return };
        let given = given();
        let is_same = given.iter().all(|name| wanted.contains(&name.as_str()))
            && wanted.iter().all(|name| given.iter().any(|given| given == name));
        if !is_same {
            differ(field, list(wanted.iter().copied()), list(given.iter().map(String::as_str)));
        }
    };
    sets("unmetControls", &expected.unmet_controls, &unmet);
    sets("sessionControls", &expected.session_controls, &session);
    sets("obligations", &expected.obligations, &owed);
    let said = actual.message().unwrap_or_default();
    if let Some(message) = expected.message.filter(|message| *message != said) {
        let told = |text: &str| if text.is_empty() { "none".to_owned() } else { text.to_owned() };
        differ("message", told(message), told(said));
    }
    found.extend(conditions(bundle, expected, traces));
    found
}

fn lists<'e>(
    expected: &'e Expectation<'_>,
    actual: &'e Evaluation,
) -> impl Iterator<Item = (&'static str, &'e [Spanned<&'e str>], &'e [PolicyIndex])> {
    let lists = [
        ("policies", expected.policies.as_deref(), actual.policies()),
        ("reportOnly", expected.report_only.as_deref(), actual.report_only()),
    ];
    lists.into_iter().filter_map(|(field, named, in_force)| Some((field, named?, in_force)))
}

fn agree(bundle: &CompiledBundle, named: &[Spanned<&str>], in_force: &[PolicyIndex]) -> bool {
    let is_in = |name: &str, index: &PolicyIndex| is_called(bundle.policy(*index), name);
    in_force.iter().all(|index| named.iter().any(|name| is_in(name.value, index)))
        && named.iter().all(|name| in_force.iter().any(|index| is_in(name.value, index)))
}

fn conditions(bundle: &CompiledBundle, expected: &Expectation<'_>, traces: &[PolicyTrace]) -> Vec<Difference> {
    let mut found = Vec::new();
    for wanted in &expected.conditions {
        for trace in traces.iter().filter(|trace| is_called(bundle.policy(trace.policy), wanted.policy.value)) {
            let given = trace.conditions.iter().find(|condition| condition.condition == wanted.condition);
            if given.is_none_or(|given| given.holds != wanted.holds) {
                let told = |words: &str| format!("{} of {} {words}", wanted.condition.as_str(), wanted.policy.value);
                let actual = match given {
                    Some(given) => format!("{} ({})", told(truth(given.holds)), given.rule),
                    None => told("is no condition of this request"),
                };
                found.push(Difference { field: "conditions", expected: told(truth(wanted.holds)), actual });
            }
        }
    }
    found
}

/// Of `traces`, those that show why the answer differs: policies that are expected and absent, or there and not
/// expected, or with a condition that came out otherwise. When no policy is expected by name: those that decided, or, of
/// a block that did not come, all that are enforced.
pub(super) fn telling(
    bundle: &CompiledBundle,
    expected: &Expectation<'_>,
    actual: &Evaluation,
    mut traces: Vec<PolicyTrace>,
) -> Vec<PolicyTrace> {
    let is_named = |names: &[Spanned<&str>], index: PolicyIndex| {
        names.iter().any(|name| is_called(bundle.policy(index), name.value))
    };
    let differs_in_lists = |index: PolicyIndex| {
        lists(expected, actual).any(|(_, named, in_force)| is_named(named, index) != in_force.contains(&index))
    };
    let differs_in_conditions = |trace: &PolicyTrace| {
        let one = std::slice::from_ref(trace);
        !conditions(bundle, expected, one).is_empty()
    };
    let by_name: Vec<_> = traces
        .iter()
        .filter(|trace| differs_in_lists(trace.policy) || differs_in_conditions(trace))
        .map(|trace| trace.policy)
        .collect();
    let is_decision_open = expected.decision == Decision::Block && actual.decision() == Decision::Allow;
    traces.retain(|trace| match by_name.is_empty() {
        false => by_name.contains(&trace.policy),
        true if is_decision_open => bundle.policy(trace.policy).takes_part,
        true => actual.policies().contains(&trace.policy),
    });
    traces
}

/// Whether `name` is the policy's display name or id.
pub(super) fn is_called(policy: &PolicyHead, name: &str) -> bool {
    *policy.display_name == *name || IdRef::new(&policy.id) == IdRef::new(name)
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names = names.collect::<Vec<_>>().join(", ");
    if names.is_empty() { "none".to_owned() } else { names }
}
