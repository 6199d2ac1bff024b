//! What Graph refuses in a policy as it is written: parts that are sound each for itself and not together.
//!
//! Looks at one policy, its document for places and its model for meaning, and resolves no reference; what only
//! surprises is for `lint`. An export cannot hold what is refused here, so that every export still loads.
//! Sources: Entra documentation, "Conditional Access: Grant", "Target resources", "Session" and "Conditional Access for
//! workload identities", and answers of Microsoft Graph that others have published; read August 2026.

use super::super::rules;
use super::object::Context;
use crate::model::policy::{Conditions, GrantControls, Platforms, Policy, ResourceTarget};
use crate::model::{ClientApp, FilterMode, GrantControl, Operator, UserAction};
use crate::text::{Diagnostic, Node, Rule, Span, Value};

/// Reports what does not go together in `policy`, which was read from `node`; `has_session` says whether one of its session
/// controls has an effect.
pub fn check(policy: &Policy, has_session: bool, node: &Node<'_>, context: &mut Context) {
    let place = Place { node, name: policy.display_name.span };
    if let Some(grant) = &policy.grant {
        block_alone(grant, place, context);
        password_change(policy, grant, place, context);
    }
    workload_control(policy, has_session, place, context);
    resources(&policy.conditions, place, context);
    register_device(policy, place, context);
    if let Some(session) = node.member("sessionControls") {
        sign_in_frequency(session, context);
        cae_disabled(policy, session, context);
    }
}

/// Where the properties of a policy stand.
#[derive(Clone, Copy)]
struct Place<'n, 'a> {
    node: &'n Node<'a>,
    name: Span,
}

impl Place<'_, '_> {
    /// The span of the value at the end of `path`; that of the name if there is none.
    fn of(self, path: &[&str]) -> Span {
        let found = path.iter().try_fold(self.node, |node, key| node.member(key));
        found.map_or(self.name, |node| node.span)
    }
}

const CONTROLS: [&str; 2] = ["grantControls", "builtInControls"];

fn block_alone(grant: &GrantControls, place: Place<'_, '_>, context: &mut Context) {
    if grant.built_in.contains(GrantControl::Block) && grant.len() > 1 {
        let what = "`block` stands beside other controls";
        let help = "keep `block` alone, or take it out to ask for the others";
        context.report(Diagnostic::new(&rules::BLOCK_WITH_CONTROLS, place.of(&CONTROLS), what).help(help));
    }
}

/// Source: Microsoft Graph reference, `conditionalAccessGrantControls`, section "Special considerations when using
/// passwordChange as a control", read August 2026.
fn password_change(policy: &Policy, grant: &GrantControls, place: Place<'_, '_>, context: &mut Context) {
    if !grant.built_in.contains(GrantControl::PasswordChange) {
        return;
    }
    let conditions = &policy.conditions;
    let mut report = |span: Span, what: &str, help: &str| {
        context.report(Diagnostic::new(&rules::PASSWORD_CHANGE, span, what).help(help));
    };
    let is_other = |control| !matches!(control, GrantControl::PasswordChange | GrantControl::Mfa);
    if grant.built_in.iter().any(is_other) || !grant.terms_of_use.is_empty() || !grant.custom_factors.is_empty() {
        report(place.of(&CONTROLS), "`passwordChange` stands beside a control that is not MFA", "keep `mfa` alone");
    } else if grant.len() == 1 {
        let help = "write `builtInControls: [mfa, passwordChange]` and `operator: AND`";
        report(place.of(&CONTROLS), "`passwordChange` without MFA", help);
    } else if grant.operator == Operator::Or {
        let span = place.of(&["grantControls", "operator"]);
        report(span, "`passwordChange` is joined to MFA by OR", "write `operator: AND`");
    }
    let resources = &conditions.resources;
    if !resources.include.iter().any(|target| target.value == ResourceTarget::All) || !resources.exclude.is_empty() {
        let span = place.of(&["conditions", "applications"]);
        report(span, "`passwordChange` without all resources", "write `includeApplications: [All]`, and exclude none");
    }
    if conditions.user_risk.is_empty() {
        let help = "write `userRiskLevels: [high]`";
        report(place.of(&["conditions"]), "`passwordChange` without user risk", help);
    }
    for (_, property) in beyond_scope(conditions).into_iter().filter(|(is_set, _)| *is_set) {
        let what = format!("`passwordChange` with `{property}`");
        report(place.of(&["conditions", property]), &what, "keep `userRiskLevels` as the only condition");
    }
}

/// The conditions besides who, which resources and user risk, and whether they are set.
fn beyond_scope(conditions: &Conditions) -> [(bool, &'static str); 9] {
    let locations = &conditions.locations;
    [
        (has_client_apps(conditions), "clientAppTypes"),
        (conditions.platforms != Platforms::default(), "platforms"),
        (!locations.include.is_empty() || !locations.exclude.is_empty(), "locations"),
        (conditions.device_filter.is_some(), "devices"),
        (!conditions.sign_in_risk.is_empty(), "signInRiskLevels"),
        (!conditions.service_principal_risk.is_empty(), "servicePrincipalRiskLevels"),
        (!conditions.agent_risk.is_empty(), "agentIdRiskLevels"),
        (!conditions.insider_risk.is_empty(), "insiderRiskLevels"),
        (!conditions.flows.is_empty(), "authenticationFlows"),
    ]
}

fn has_client_apps(conditions: &Conditions) -> bool {
    !conditions.client_apps.is_empty() && !conditions.client_apps.contains(ClientApp::All)
}

fn workload_control(policy: &Policy, has_session: bool, place: Place<'_, '_>, context: &mut Context) {
    let conditions = &policy.conditions;
    let by_filter = |filter: &Option<crate::model::policy::Filter>| {
        filter.as_ref().is_some_and(|filter| filter.mode == FilterMode::Include)
    };
    let (workloads, agents) = (&conditions.service_principals, &conditions.agent_identities);
    let subject = if !workloads.include.is_empty() || by_filter(&workloads.filter) {
        "service principals"
    } else if !agents.include.is_empty() || by_filter(&agents.filter) {
        "agent identities"
    } else {
        return;
    };
    let is_block = |grant: &GrantControls| grant.built_in.contains(GrantControl::Block);
    let help = "write `builtInControls: [block]`, and make what users must meet a policy of its own";
    if let Some(grant) = policy.grant.as_ref().filter(|grant| !is_block(grant) && !grant.is_empty()) {
        let what = format!("{subject} are asked for a control that nobody can meet for them");
        context.report(Diagnostic::new(&rules::WORKLOAD_CONTROL, grant.span, what).help(help));
    } else if has_session {
        let what = format!("{subject} have no session that could be controlled");
        let span = place.of(&["sessionControls"]);
        context.report(Diagnostic::new(&rules::WORKLOAD_CONTROL, span, what).help(help));
    }
}

/// Source: Microsoft Graph reference, `conditionalAccessApplications`, read August 2026.
fn resources(conditions: &Conditions, place: Place<'_, '_>, context: &mut Context) {
    let resources = &conditions.resources;
    let kinds = [
        (!resources.include.is_empty() || resources.filter.is_some(), "includeApplications"),
        (!resources.user_actions.is_empty(), "includeUserActions"),
        (!resources.authentication_contexts.is_empty(), "includeAuthenticationContextClassReferences"),
    ];
    let mut set = kinds.into_iter().filter(|(is_set, _)| *is_set).map(|(_, property)| property);
    if let (Some(first), Some(second)) = (set.next(), set.next()) {
        let what = format!("`{second}` stands beside `{first}`");
        let help = "make two policies of it";
        let span = place.of(&["conditions", "applications", second]);
        context.report(Diagnostic::new(&rules::RESOURCE_KINDS, span, what).help(help));
    }
}

/// Source: Entra documentation, "Conditional Access: Target resources", section "User actions", read August 2026.
fn register_device(policy: &Policy, place: Place<'_, '_>, context: &mut Context) {
    let conditions = &policy.conditions;
    if !conditions.resources.user_actions.contains(UserAction::RegisterOrJoinDevices) {
        return;
    }
    let mut report = |path: &[&str], what: &str, help: &str| {
        context.report(Diagnostic::new(&rules::REGISTER_DEVICE, place.of(path), what).help(help));
    };
    let is_only_mfa = |grant: &GrantControls| {
        grant.built_in.iter().all(|control| control == GrantControl::Mfa)
            && grant.terms_of_use.is_empty()
            && grant.custom_factors.is_empty()
    };
    if policy.grant.as_ref().is_some_and(|grant| !is_only_mfa(grant)) {
        let what = "device registration with a control that is not MFA";
        report(&CONTROLS, what, "write `builtInControls: [mfa]`, or name an authentication strength");
    }
    if has_client_apps(conditions) {
        let what = "device registration with client apps";
        report(&["conditions", "clientAppTypes"], what, "write `clientAppTypes: [all]`");
    }
    if conditions.device_filter.is_some() {
        let what = "device registration with a device filter";
        report(&["conditions", "devices"], what, "take the filter out: the device is not registered yet");
    }
}

fn sign_in_frequency(session: &Node<'_>, context: &mut Context) {
    let Some(frequency) = session.member("signInFrequency") else { return };
    let is_every_time = |node: &Node<'_>| node.as_str().is_some_and(|text| text.eq_ignore_ascii_case("everyTime"));
    if !frequency.member("frequencyInterval").is_some_and(is_every_time) {
        return;
    }
    let numbers = ["value", "type"].into_iter().filter_map(|key| Some((key, frequency.member(key)?)));
    if let Some((key, node)) = numbers.into_iter().find(|(_, node)| node.value != Value::Null) {
        let help = format!("take `{key}` out, or write `frequencyInterval: timeBased`");
        let what = format!("`{key}` beside `everyTime`");
        context.report(Diagnostic::new(&rules::SIGN_IN_FREQUENCY, node.span, what).help(help));
    }
}

/// Source: Entra documentation, "Continuous access evaluation", read August 2026.
fn cae_disabled(policy: &Policy, session: &Node<'_>, context: &mut Context) {
    let Some(mode) = session.member("continuousAccessEvaluation").and_then(|control| control.member("mode")) else {
        return;
    };
    if !mode.as_str().is_some_and(|text| text.eq_ignore_ascii_case("disabled")) {
        return;
    }
    let conditions = &policy.conditions;
    let resources = &conditions.resources;
    let is_all = resources.include.iter().any(|target| target.value == ResourceTarget::All)
        && resources.exclude.is_empty()
        && resources.filter.is_none();
    let set = beyond_scope(conditions).into_iter().chain([(!conditions.user_risk.is_empty(), "userRiskLevels")]);
    let mut set = set.filter(|(is_set, _)| *is_set).map(|(_, property)| property);
    let rule: &'static Rule = &rules::CAE_DISABLED;
    if !is_all {
        let what = "continuous access evaluation is disabled for some resources";
        context.report(
            Diagnostic::new(rule, mode.span, what).help("write `includeApplications: [All]`, and exclude none"),
        );
    } else if let Some(property) = set.next() {
        let what = format!("continuous access evaluation is disabled under `{property}`");
        context.report(Diagnostic::new(rule, mode.span, what).help("take the condition out"));
    }
}
