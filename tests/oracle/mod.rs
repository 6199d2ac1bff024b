//! The oracle: Conditional Access evaluated the slow, obvious way, as a second opinion on the engine.
//!
//! Policy by policy, condition by condition, straight from the documented semantics. It shares the model with the
//! engine and nothing else: not the compiled form, not the filter parser, not how conditions in Cedar are taken apart
//! and asked, not the combining rule. It must stay so naive
//! that a reader can check it against the documentation line by line; speed is no concern.
//!
//! Start with [`decide`]; [`conditions`] lists what one policy needs, in the order in which Entra checks.

mod cedar;
mod cedar_request;
mod condition;
mod control;
pub mod crowd;
mod fact;
pub mod generate;
mod generate_control;
pub mod generate_when;
mod place;
mod request;
mod resource;
pub mod rule;
mod rule_text;
mod subject;
pub mod words;
pub mod world;

use std::net::IpAddr;

use doorward::model::bundle::DefaultDecision;
use doorward::model::decision::InputError;
use doorward::model::location::CountryFact;
use doorward::model::policy::Policy;
use doorward::model::{Bundle, Decision, Reason, State, TokenRequest, Truth};

pub use fact::conflicts;

/// Finds the country of an address; `None` when the bundle has no country database.
pub type CountryOf<'a> = &'a dyn Fn(IpAddr) -> Option<CountryFact>;

/// What the oracle answers. Policies are positions in `bundle.policies`, ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OracleAnswer {
    pub decision: Decision,
    pub reason: Reason,
    /// The policies that decided.
    pub policies: Vec<usize>,
    /// Report-only policies that would have blocked or asked for more.
    pub report_only: Vec<usize>,
    /// Names of the unmet controls behind `controls_unmet`; no duplicates.
    pub unmet: Vec<String>,
    /// Whether each policy applies; `False` for policies that take no part.
    pub applies: Vec<Truth>,
    /// What the token comes with, in words; empty without a token.
    pub session: Vec<String>,
    /// What is owed for the decision, in words.
    pub owed: Vec<String>,
    /// How each policy came out, in the words of sign-in logs.
    pub results: Vec<&'static str>,
    /// Whether the person is told to use a work account.
    pub is_told_to_use_work_account: bool,
}

/// Everything a condition may look at.
pub struct Case<'a> {
    pub bundle: &'a Bundle,
    pub country_of: CountryOf<'a>,
    pub request: &'a TokenRequest<'a>,
}

/// Decides, or refuses because two sources of one fact disagree.
pub fn decide(
    bundle: &Bundle,
    country_of: CountryOf<'_>,
    request: &TokenRequest<'_>,
) -> Result<OracleAnswer, InputError> {
    if let Some(conflict) = conflicts(bundle, country_of, request).into_iter().next() {
        return Err(conflict);
    }
    let applies: Vec<Truth> =
        bundle.policies.iter().map(|policy| applies(bundle, country_of, request, policy)).collect();
    let applying = |state: State| -> Vec<usize> {
        (0..applies.len())
            .filter(|&index| applies[index].is_possible() && bundle.policies[index].state == state)
            .collect()
    };
    let objects = |index: &usize| {
        let policy = &bundle.policies[*index];
        control::blocks(policy) || !control::unmet(bundle, policy, request).is_empty()
    };

    let enforced = applying(State::Enabled);
    let report_only = applying(State::ReportOnly).into_iter().filter(objects).collect();

    let blocking: Vec<usize> =
        enforced.iter().copied().filter(|&index| control::blocks(&bundle.policies[index])).collect();
    let unsatisfied: Vec<usize> = enforced.iter().copied().filter(objects).collect();
    let default_blocks = bundle.settings.default_decision == DefaultDecision::Block;
    // A policy that may or may not apply cannot lift a default block: missing evidence never widens access.
    let some_certainly_applies = enforced.iter().any(|&index| applies[index] == Truth::True);

    let session = control::session(enforced.iter().map(|&index| &bundle.policies[index]));
    let (reason, policies) = if !blocking.is_empty() {
        (Reason::BlockedByPolicy, blocking)
    } else if !unsatisfied.is_empty() {
        (Reason::ControlsUnmet, unsatisfied)
    } else if default_blocks && !some_certainly_applies {
        (Reason::DefaultDecision, Vec::new())
    } else if enforced.is_empty() {
        (Reason::NoPolicyApplies, Vec::new())
    } else {
        (Reason::ControlsMet, enforced)
    };
    let unmet = match reason {
        Reason::ControlsUnmet => {
            control::unmet_of_all(bundle, policies.iter().map(|&index| &bundle.policies[index]), request)
        }
        _ => Vec::new(),
    };
    let session = if reason.decision() == Decision::Allow { session } else { Vec::new() };
    let deciding: Vec<&Policy> = policies.iter().map(|&index| &bundle.policies[index]).collect();
    let owed = control::owed(deciding.iter().copied());
    let is_told_to_use_work_account = reason == Reason::BlockedByPolicy
        && control::refuses_personal(&Case { bundle, country_of, request }, &deciding);
    let decision = reason.decision();
    let results = bundle.policies.iter().zip(&applies);
    let results = results.map(|(policy, applies)| result(bundle, policy, *applies, request)).collect();
    Ok(OracleAnswer {
        decision,
        results,
        reason,
        policies,
        report_only,
        unmet,
        applies,
        session,
        owed,
        is_told_to_use_work_account,
    })
}

/// How a policy came out, in the words of sign-in logs.
fn result(bundle: &Bundle, policy: &Policy, applies: Truth, request: &TokenRequest<'_>) -> &'static str {
    let is_report_only = policy.state == State::ReportOnly;
    let missing = control::unmet(bundle, policy, request);
    if policy.state == State::Disabled || policy.is_deleted {
        "notEnabled"
    } else if !takes_part(bundle, policy) {
        "unknown"
    } else if !applies.is_possible() {
        if is_report_only { "reportOnlyNotApplied" } else { "notApplied" }
    } else if !control::blocks(policy) && missing.is_empty() {
        if is_report_only { "reportOnlySuccess" } else { "success" }
    } else if !is_report_only {
        "failure"
    } else if !control::blocks(policy) && control::can_be_asked_for(policy, &missing) {
        "reportOnlyInterrupted"
    } else {
        "reportOnlyFailure"
    }
}

/// Whether `policy` applies: every condition holds. Policies that take no part never do.
fn applies(bundle: &Bundle, country_of: CountryOf<'_>, request: &TokenRequest<'_>, policy: &Policy) -> Truth {
    if !takes_part(bundle, policy) {
        return Truth::False;
    }
    conditions(bundle, country_of, request, policy).into_iter().fold(Truth::True, |all, (_, holds)| all & holds)
}

/// Disabled, deleted and ignored policies do not.
pub fn takes_part(bundle: &Bundle, policy: &Policy) -> bool {
    let is_ignored = bundle.settings.ignored_policies.iter().any(|ignored| {
        policy.id.as_ref().is_some_and(|id| id.value == ignored.value) || policy.display_name.value == ignored.value
    });
    policy.state != State::Disabled && !policy.is_deleted && !is_ignored
}

/// Every condition of `policy` and whether it holds, in the order in which Entra looks for the first unsatisfied one.
/// The names are those of sign-in logs.
pub fn conditions(
    bundle: &Bundle,
    country_of: CountryOf<'_>,
    request: &TokenRequest<'_>,
    policy: &Policy,
) -> Vec<(&'static str, Truth)> {
    let case = Case { bundle, country_of, request };
    let conditions = &policy.conditions;
    let mut all = vec![
        (subject::name(&case), subject::matches(&case, conditions)),
        ("application", resource::matches(&case, &conditions.resources)),
        ("devicePlatform", condition::platforms(&case, conditions.platforms)),
        ("deviceState", condition::device(&case, conditions.device_filter.as_ref())),
        ("clientType", condition::client_apps(&case, conditions.client_apps)),
        ("location", place::matches(&case, &conditions.locations)),
        ("signInRisk", condition::level(conditions.sign_in_risk, request.risk.sign_in)),
        ("userRisk", condition::level(conditions.user_risk, request.risk.user)),
        ("servicePrincipalRisk", condition::level(conditions.service_principal_risk, request.risk.service_principal)),
        ("insiderRisk", condition::level(conditions.insider_risk, request.risk.insider)),
        ("authenticationFlows", condition::flows(&case, conditions.flows)),
        ("agentIdRisk", condition::level(conditions.agent_risk, request.risk.agent)),
    ];
    all.extend(policy.when.is_some().then(|| ("when", cedar::matches(&case, policy))));
    all
}
