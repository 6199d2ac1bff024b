//! Every policy with every condition's outcome, for people: the same conditions as the decision, none skipped.
//!
//! Names of outcomes and conditions are those of Entra's sign-in logs. Source: Microsoft Graph
//! `appliedConditionalAccessPolicy`, beta, read August 2026.

use super::condition;
use super::control;
use super::facts::{FactScratch, Facts};
use super::words;
use crate::compile::{By, CompiledBundle, CompiledControl, CompiledPolicy, Entry, Grant, Match, PolicyIndex, Suite};
use crate::model::decision::InputError;
use crate::model::{Condition, IdentityKind, TokenRequest, Truth};

/// How one policy came out, condition by condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyTrace {
    /// Which policy.
    pub policy: PolicyIndex,
    /// How it came out.
    pub outcome: Outcome,
    /// Its conditions in the order of evaluation; empty for a policy that takes no part.
    pub conditions: Vec<ConditionTrace>,
    /// Controls that it asks for and the request has not satisfied, as answers name them.
    pub unmet_controls: Vec<String>,
}

/// How a policy came out, in the words of Entra's sign-in logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It applies and its controls are satisfied.
    Success,
    /// It applies, and blocks or has unsatisfied controls.
    Failure,
    /// Some condition does not hold.
    NotApplied,
    /// It takes no part: disabled or deleted.
    NotEnabled,
    /// It is left out although it is enabled, because it cannot be represented: nobody can say.
    Unknown,
    /// Report-only: it would have succeeded.
    ReportOnlySuccess,
    /// Report-only: it would have blocked, or a control that cannot be asked for is not satisfied.
    ReportOnlyFailure,
    /// Report-only: some condition does not hold.
    ReportOnlyNotApplied,
    /// Report-only: the user would have been asked for something.
    ReportOnlyInterrupted,
}

impl Outcome {
    /// Entra's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::NotApplied => "notApplied",
            Self::NotEnabled => "notEnabled",
            Self::Unknown => "unknown",
            Self::ReportOnlySuccess => "reportOnlySuccess",
            Self::ReportOnlyFailure => "reportOnlyFailure",
            Self::ReportOnlyNotApplied => "reportOnlyNotApplied",
            Self::ReportOnlyInterrupted => "reportOnlyInterrupted",
        }
    }

    /// Whether the policy's conditions may all hold.
    pub const fn applies(self) -> bool {
        !matches!(self, Self::NotApplied | Self::NotEnabled | Self::Unknown | Self::ReportOnlyNotApplied)
    }
}

/// How one condition came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionTrace {
    /// Which one.
    pub condition: Condition,
    /// Whether it holds.
    pub holds: Truth,
    /// What decided, for example `exclude Head Office`.
    pub rule: String,
    /// Whether the policy configures it.
    pub is_configured: bool,
    /// The rule that decided: its side, and its kind in Entra's words, for example `allTrustedLocations`.
    pub decided_by: Option<(Side, &'static str)>,
}

/// A side of an assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Who and what is in scope.
    Include,
    /// Who and what is exempt.
    Exclude,
}

impl PolicyTrace {
    /// The conditions that the policy configures and that may hold, in order.
    pub fn conditions_satisfied(&self) -> impl Iterator<Item = Condition> {
        let held = self.conditions.iter().filter(|condition| condition.is_configured && condition.holds.is_possible());
        held.map(|condition| condition.condition)
    }

    /// The conditions that do not hold, in order.
    pub fn conditions_not_satisfied(&self) -> impl Iterator<Item = Condition> {
        self.conditions.iter().filter(|condition| !condition.holds.is_possible()).map(|condition| condition.condition)
    }

    /// Condition and kind of each rule on `side` that decided one, in order. The names of kinds are Entra's.
    pub fn rules_satisfied(&self, side: Side) -> impl Iterator<Item = (Condition, &'static str)> {
        self.conditions.iter().filter_map(move |condition| match condition.decided_by {
            Some((decided, rule)) if decided == side => Some((condition.condition, rule)),
            _ => None,
        })
    }
}

/// Traces every policy, in bundle order. Errors as [`super::evaluate`]. Cost: linear in the policies; allocates.
pub fn trace(bundle: &CompiledBundle, request: &TokenRequest<'_>) -> Result<Vec<PolicyTrace>, InputError> {
    let mut scratch = FactScratch::default();
    let facts = Facts::settle(bundle, request, &mut scratch)?;
    let mut traces: Vec<_> = bundle
        .indexed_policies()
        .map(|(policy, head)| PolicyTrace {
            policy,
            outcome: if head.is_ignored { Outcome::Unknown } else { Outcome::NotEnabled },
            conditions: Vec::new(),
            unmet_controls: Vec::new(),
        })
        .collect();
    for policy in bundle.compiled() {
        if let Some(place) = traces.get_mut(policy.index.as_usize()) {
            *place = trace_policy(bundle, policy, &facts);
        }
    }
    Ok(traces)
}

/// Traces the policy at `policy`; `None` when it takes no part. Errors as [`super::evaluate`]. Cost: linear in the policies
/// that take part, to find it, and in the conditions of that one; allocates.
pub fn trace_one(
    bundle: &CompiledBundle,
    request: &TokenRequest<'_>,
    policy: PolicyIndex,
) -> Result<Option<PolicyTrace>, InputError> {
    let Some(policy) = bundle.compiled().iter().find(|compiled| compiled.index == policy) else { return Ok(None) };
    let mut scratch = FactScratch::default();
    let facts = Facts::settle(bundle, request, &mut scratch)?;
    Ok(Some(trace_policy(bundle, policy, &facts)))
}

fn trace_policy(bundle: &CompiledBundle, policy: &CompiledPolicy, facts: &Facts<'_>) -> PolicyTrace {
    let matches = condition::every(policy, facts);
    let applies = matches.iter().all(|(_, found)| found.holds.is_possible());
    let request = facts.request;
    let unmet = unmet_controls(policy, request);
    PolicyTrace {
        policy: policy.index,
        outcome: outcome(policy, applies, request, &unmet),
        unmet_controls: unmet.iter().filter(|_| applies).map(|control| control.name().name()).collect(),
        conditions: matches
            .into_iter()
            .map(|(condition, found)| ConditionTrace {
                condition,
                holds: found.holds,
                rule: describe(bundle, facts, found),
                is_configured: found.by != By::NotConfigured,
                decided_by: decided_by(bundle, facts, condition, found),
            })
            .collect(),
    }
}

fn unmet_controls<'b>(policy: &'b CompiledPolicy, request: &TokenRequest<'_>) -> Vec<&'b CompiledControl> {
    if control::is_met(policy, request) {
        return Vec::new();
    }
    control::open(policy, request).map(|(_, control)| control).collect()
}

fn outcome(policy: &CompiledPolicy, applies: bool, request: &TokenRequest<'_>, unmet: &[&CompiledControl]) -> Outcome {
    let is_met = control::is_met(policy, request);
    match (policy.is_report_only, applies) {
        (false, false) => Outcome::NotApplied,
        (true, false) => Outcome::ReportOnlyNotApplied,
        (false, true) if is_met => Outcome::Success,
        (false, true) => Outcome::Failure,
        (true, true) if is_met => Outcome::ReportOnlySuccess,
        (true, true) if can_be_asked(policy, unmet) => Outcome::ReportOnlyInterrupted,
        (true, true) => Outcome::ReportOnlyFailure,
    }
}

/// Whether a user could still satisfy the policy on the spot: all open controls of AND, or one of OR, can be asked for.
fn can_be_asked(policy: &CompiledPolicy, unmet: &[&CompiledControl]) -> bool {
    match &policy.grant {
        Grant::Block => false,
        Grant::Require { operator: crate::model::Operator::And, .. } => {
            unmet.iter().all(|control| control.is_interactive())
        }
        Grant::Require { operator: crate::model::Operator::Or, .. } => {
            unmet.iter().any(|control| control.is_interactive())
        }
    }
}

fn decided_by(
    bundle: &CompiledBundle,
    facts: &Facts<'_>,
    condition: Condition,
    found: Match<'_>,
) -> Option<(Side, &'static str)> {
    let (side, entry) = match found.by {
        By::Include(entry) => (Side::Include, entry),
        By::Exclude(entry) => (Side::Exclude, entry),
        _ => return None,
    };
    words::rule(bundle, facts, condition, entry).map(|rule| (side, rule))
}

fn describe(bundle: &CompiledBundle, facts: &Facts<'_>, found: Match<'_>) -> String {
    let unknown = if found.holds == Truth::Unknown { "may " } else { "" };
    match found.by {
        By::NotConfigured => "not configured".to_owned(),
        By::NoScope => format!("targets no {}", subjects(facts)),
        By::NeverEvaluated => "never evaluated: the intermediate token exchange of an agent identity".to_owned(),
        By::NotEligible => "not eligible: Entra covers single-tenant applications of its own tenant only".to_owned(),
        By::Cedar(condition) => super::cedar::told(condition, found.holds, facts),
        By::NothingIncluded => "nothing included matches".to_owned(),
        By::Include(entry) => format!("{unknown}include {}", name(bundle, entry)),
        By::Exclude(entry) => format!("{unknown}exclude {}", name(bundle, entry)),
    }
}

fn subjects(facts: &Facts<'_>) -> &'static str {
    match facts.request.identity.kind {
        IdentityKind::User | IdentityKind::AgentUser => "users",
        IdentityKind::ServicePrincipal | IdentityKind::ManagedIdentity => "service principals",
        IdentityKind::AgentIdentity => "agent identities",
    }
}

fn name(bundle: &CompiledBundle, entry: Entry<'_>) -> String {
    match entry {
        Entry::Word(word) => word.to_owned(),
        Entry::Text(text) => text.to_owned(),
        Entry::Id(id) => id.to_string(),
        Entry::Group(number) | Entry::Role(number) => {
            bundle.directory_name(number).map(ToString::to_string).unwrap_or_default()
        }
        Entry::Suite(Suite::Office365) => "Office365".to_owned(),
        Entry::Suite(Suite::MicrosoftAdminPortals) => "MicrosoftAdminPortals".to_owned(),
        Entry::Filter => "filter".to_owned(),
        Entry::Location(location) => {
            let table = bundle.location_table();
            match table.names.get(usize::from(location)) {
                Some(name) => name.to_string(),
                None if location == table.all_trusted => "AllTrusted".to_owned(),
                None => "MFA trusted IPs".to_owned(),
            }
        }
    }
}
