//! What the tests of a bundle exercise: policies, conditions, named locations and risk levels; and for what they do not,
//! a case that does.
//!
//! A policy is exercised when it applies to some request and when it does not to another; a condition when it holds and
//! when it fails; a named location inside and outside; a risk level that a policy names when it makes that policy apply.
//! Conditions are looked at as far as evaluation gets: one behind a condition that fails decides nothing, and does not
//! count. What is unknown neither holds nor fails. Start with [`measure`].

#[cfg(test)]
mod tests;

use std::collections::HashSet;

use super::cases::{Selection, each};
use super::paste;
use super::suppose::{Supposed, owned, with_request};
use crate::compile::{CompiledBundle, CompiledPolicy, PolicyIndex, PrincipalScope, contains};
use crate::evaluate::{ConditionTrace, Evaluation, PolicyTrace, evaluate, locations, trace, trace_one};
use crate::limits;
use crate::model::bundle::Eligibility;
use crate::model::set::Word;
use crate::model::{
    Bundle, ClientApp, Condition, InsiderRiskLevel, RiskLevel, Set, TokenRequest, TransferMethod, Truth,
};
use crate::text::{Node, RawBundle};

/// What tests exercise of a bundle.
#[derive(Debug)]
pub struct Coverage {
    /// Everything that can be exercised: policies in bundle order, each with its conditions, then named locations.
    pub items: Vec<Item>,
}

/// One thing that tests can exercise.
#[derive(Debug)]
pub struct Item {
    /// What it is.
    pub subject: Subject,
    /// Whether a test exercises it.
    pub is_covered: bool,
    /// A case that would, as YAML for a list of `cases`; `None` when one does, or none was found.
    pub case: Option<String>,
}

/// What can be exercised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A policy applies, or does not.
    Policy {
        /// Which one.
        policy: PolicyIndex,
        /// Whether it applies.
        applies: bool,
    },
    /// A condition of a policy holds, or fails.
    Condition {
        /// Of which policy.
        policy: PolicyIndex,
        /// Which one.
        condition: Condition,
        /// Whether it holds.
        holds: bool,
    },
    /// A policy applies at a level of risk that it names.
    Risk {
        /// Which policy.
        policy: PolicyIndex,
        /// Which kind of risk.
        condition: Condition,
        /// The level.
        level: &'static str,
    },
    /// A request comes from inside a named location, or from outside.
    Location {
        /// Position in bundle order.
        location: usize,
        /// Whether from inside.
        is_inside: bool,
    },
}

impl Coverage {
    /// How many items there are, and how many are covered.
    pub fn counts(&self) -> (usize, usize) {
        (self.items.len(), self.items.iter().filter(|item| item.is_covered).count())
    }

    /// How much is covered, per cent, rounded down; 100 of nothing.
    pub fn percent(&self) -> u8 {
        let (all, covered) = self.counts();
        u8::try_from((covered * 100).checked_div(all).unwrap_or(100)).unwrap_or(100)
    }
}

impl Subject {
    /// In a few words, as they may follow a name: `Freeze applies`.
    pub fn told(self, bundle: &CompiledBundle) -> String {
        let name = |policy| paste::policy_name(bundle, policy);
        match self {
            Self::Policy { policy, applies: true } => format!("{} applies", name(policy)),
            Self::Policy { policy, applies: false } => format!("{} does not apply", name(policy)),
            Self::Condition { policy, condition, holds } => {
                let matches = if holds { "matches" } else { "does not match" };
                format!("{} {matches}: {}", name(policy), condition.as_str())
            }
            Self::Risk { policy, condition, level } => {
                format!("{} applies: {} {level}", name(policy), condition.as_str())
            }
            Self::Location { location, is_inside } => {
                let name = bundle.location_table().names.get(location).map_or("", |name| name);
                format!("{} {name}", if is_inside { "inside" } else { "outside" })
            }
        }
    }
}

/// Measures what the selected cases of `raw` exercise of `bundle`, which was compiled from it, and looks for cases for the
/// rest. `model` is what was compiled.
///
/// Cost: a trace for each request of the cases; for each uncovered item, at most `limits::CASES_PROPOSED_MAX` of them,
/// a search of some thousand conditions.
pub fn measure(bundle: &CompiledBundle, model: &Bundle, raw: &RawBundle, selection: &Selection) -> Coverage {
    let mut covered = HashSet::new();
    let mut asked = Vec::new();
    each(bundle, raw, selection, |case| {
        let (false, Ok(request)) = (case.is_skipped(), &case.request) else { return };
        exercised(bundle, request, &mut covered);
        let is_wanted = asked.len() < limits::SUPPOSED_STARTS_MAX;
        asked.extend(case.node.filter(|_| is_wanted).map(owned));
    });
    let mut items: Vec<_> = subjects(bundle)
        .into_iter()
        .map(|subject| Item { subject, is_covered: covered.contains(&subject), case: None })
        .collect();
    let supposed = Supposed::of(model, asked.into_iter());
    for item in items.iter_mut().filter(|item| !item.is_covered).take(limits::CASES_PROPOSED_MAX) {
        let search = |demand| supposed.find(|request| distance(bundle, request, item.subject, demand));
        // WHY: a case that says everything is the better one, but sometimes nothing can be known for certain.
        let found = search(Truth::True).or_else(|| search(Truth::Unknown));
        item.case = found.and_then(|request| proposal(bundle, &request, item.subject));
    }
    Coverage { items }
}

/// What can be exercised of `bundle`. What can come out in one way only, such as a location condition that is for
/// everywhere, is left out.
fn subjects(bundle: &CompiledBundle) -> Vec<Subject> {
    let mut policies: Vec<_> = bundle.compiled().iter().collect();
    policies.sort_by_key(|policy| policy.index);
    let identity = bundle.identity();
    // Without a tenant nobody can say whose application a workload is.
    let is_eligible = identity.eligibility == Eligibility::All || identity.tenant_id.is_some();
    let mut subjects = Vec::new();
    for compiled in policies {
        let policy = compiled.index;
        subjects.extend([true, false].map(|applies| Subject::Policy { policy, applies }));
        for &condition in Condition::ALL {
            let Some(can_fail) = can_fail(compiled, condition, identity.eligibility) else { continue };
            let can_hold = condition != Condition::ServicePrincipals || is_eligible;
            subjects.extend(can_hold.then_some(Subject::Condition { policy, condition, holds: true }));
            subjects.extend(can_fail.then_some(Subject::Condition { policy, condition, holds: false }));
        }
        for (condition, levels) in risks(compiled) {
            subjects.extend(levels.into_iter().map(|level| Subject::Risk { policy, condition, level }));
        }
    }
    let table = bundle.location_table();
    let judged = [&table.by_address, &table.by_country, &table.by_gps, &table.by_compliant_network];
    for (index, location) in (0..bundle.locations()).zip(0..) {
        if judged.iter().any(|set| contains(set, location)) {
            subjects.extend([true, false].map(|is_inside| Subject::Location { location: index, is_inside }));
        }
    }
    subjects
}

/// Whether `condition` of a policy can fail; `None` when the policy does not set it.
fn can_fail(policy: &CompiledPolicy, condition: Condition, eligibility: Eligibility) -> Option<bool> {
    let is_everybody = |scope: &PrincipalScope| {
        scope.includes_all && !scope.excludes_all && scope.exclude.is_empty() && scope.filter.is_none()
    };
    let whom = |scope: &PrincipalScope, others: bool| (!scope.is_empty()).then_some(!is_everybody(scope) || others);
    let users = &policy.users;
    let is_every_user = users.include.all && users.include.all_agent_users && users.exclude.is_empty();
    let locations = &policy.locations;
    let is_everywhere = locations.everywhere && locations.exclude.is_empty() && !locations.nowhere;
    let apps = policy.client_apps;
    let set = |is_set: bool| is_set.then_some(true);
    let levels = |count: usize, all: usize| (count > 0).then_some(count < all);
    match condition {
        Condition::Users => (!users.include.is_empty()).then_some(!is_every_user),
        Condition::ServicePrincipals => whom(&policy.workloads, eligibility == Eligibility::Entra),
        Condition::AgentIdentities => whom(&policy.agents, false),
        Condition::Application => set(!policy.resources.is_any()),
        Condition::Location => set(locations.is_configured && !is_everywhere),
        Condition::ServicePrincipalRisk => levels(policy.service_principal_risk.len(), RiskLevel::ALL.len()),
        Condition::DevicePlatform => set(!policy.platforms.include.is_empty() || !policy.platforms.exclude.is_empty()),
        Condition::DeviceState => set(policy.device_filter.is_some()),
        Condition::ClientType => set(!apps.is_empty() && !apps.contains(ClientApp::All)),
        Condition::SignInRisk => levels(policy.sign_in_risk.len(), RiskLevel::ALL.len()),
        Condition::UserRisk => levels(policy.user_risk.len(), RiskLevel::ALL.len()),
        Condition::InsiderRisk => levels(policy.insider_risk.len(), InsiderRiskLevel::ALL.len()),
        Condition::AuthenticationFlows => levels(policy.flows.len(), TransferMethod::ALL.len()),
        Condition::AgentIdRisk => levels(policy.agent_risk.len(), RiskLevel::ALL.len()),
        Condition::When => set(policy.when.is_some()),
    }
}

/// The kinds of risk: the levels that a policy names.
fn risks(policy: &CompiledPolicy) -> [(Condition, Vec<&'static str>); 5] {
    fn words<T: Word>(levels: Set<T>) -> Vec<&'static str> {
        levels.iter().map(Word::as_str).collect()
    }
    [
        (Condition::ServicePrincipalRisk, words(policy.service_principal_risk)),
        (Condition::SignInRisk, words(policy.sign_in_risk)),
        (Condition::UserRisk, words(policy.user_risk)),
        (Condition::InsiderRisk, words(policy.insider_risk)),
        (Condition::AgentIdRisk, words(policy.agent_risk)),
    ]
}

/// Adds what `request` exercises.
fn exercised(bundle: &CompiledBundle, request: &TokenRequest<'_>, covered: &mut HashSet<Subject>) {
    for trace in trace(bundle, request).unwrap_or_default() {
        let (policy, applies) = (trace.policy, trace.outcome.applies());
        if trace.conditions.is_empty() {
            continue;
        }
        covered.insert(Subject::Policy { policy, applies });
        for ConditionTrace { condition, holds, .. } in reached(&trace) {
            if *holds != Truth::Unknown {
                covered.insert(Subject::Condition { policy, condition: *condition, holds: *holds == Truth::True });
            }
            covered.extend(level(request, *condition).filter(|_| applies).map(|level| Subject::Risk {
                policy,
                condition: *condition,
                level,
            }));
        }
    }
    for (location, holds) in locations(bundle, request).unwrap_or_default().into_iter().enumerate() {
        if holds != Truth::Unknown {
            covered.insert(Subject::Location { location, is_inside: holds == Truth::True });
        }
    }
}

/// The conditions up to the first that fails.
fn reached(trace: &PolicyTrace) -> impl Iterator<Item = &ConditionTrace> {
    let failing = trace.conditions.iter().position(|condition| !condition.holds.is_possible());
    trace.conditions.iter().take(failing.map_or(usize::MAX, |failing| failing + 1))
}

/// The level of a kind of risk that a request has.
fn level(request: &TokenRequest<'_>, condition: Condition) -> Option<&'static str> {
    let risk = &request.risk;
    match condition {
        Condition::ServicePrincipalRisk => Some(risk.service_principal.as_str()),
        Condition::SignInRisk => Some(risk.sign_in.as_str()),
        Condition::UserRisk => Some(risk.user.as_str()),
        Condition::InsiderRisk => Some(risk.insider.as_str()),
        Condition::AgentIdRisk => Some(risk.agent.as_str()),
        _ => None,
    }
}

/// How many conditions of `request` must still come out otherwise for it to exercise `subject`. `demand` is how certain
/// the conditions must be that let it get that far.
pub(super) fn distance(
    bundle: &CompiledBundle,
    request: &TokenRequest<'_>,
    subject: Subject,
    demand: Truth,
) -> Option<usize> {
    let (policy, condition, wanted) = match subject {
        Subject::Location { location, is_inside } => {
            let holds = *locations(bundle, request).ok()?.get(location)?;
            return Some(usize::from(holds != Truth::from(is_inside)));
        }
        Subject::Policy { policy, applies } => (policy, None, applies),
        Subject::Condition { policy, condition, holds } => (policy, Some(condition), holds),
        Subject::Risk { policy, .. } => (policy, None, true),
    };
    let trace = trace_one(bundle, request, policy).ok()??;
    if condition.is_none() && !wanted {
        return Some(usize::from(trace.outcome.applies()));
    }
    let end = match condition {
        // A kind of identity that the policy is not about: its condition is not among those of this request.
        Some(condition) => trace.conditions.iter().position(|it| it.condition == condition).unwrap_or(usize::MAX),
        None => trace.conditions.len(),
    };
    if end == usize::MAX {
        return Some(end);
    }
    let missing = trace.conditions.iter().take(end).filter(|before| before.holds < demand).count();
    let itself = trace.conditions.get(end).map_or(0, |it| usize::from(it.holds != Truth::from(wanted)));
    let risk = match subject {
        Subject::Risk { condition, level: wanted, .. } => usize::from(level(request, condition) != Some(wanted)),
        _ => 0,
    };
    Some(missing + itself + risk)
}

/// `request` as a case that exercises `subject` and passes today.
fn proposal(bundle: &CompiledBundle, request: &Node<'_>, subject: Subject) -> Option<String> {
    let mut answer = Evaluation::default();
    with_request(request, |request| evaluate(bundle, request, &mut answer))?.ok()?;
    let conditions = match subject {
        Subject::Condition { policy, condition, holds } => {
            vec![(policy, condition, if holds { "matched" } else { "notMatched" })]
        }
        _ => Vec::new(),
    };
    Some(paste::case(&subject.told(bundle), request, bundle, &answer, &conditions))
}
