//! Grant controls that cannot be met, that say the same twice, or that are missed.
//!
//! Source: Entra documentation, "Conditional Access: Grant" and "Conditional Access: Conditions", read August 2026.

use super::super::policy::{CompiledPolicy, Grant};
use super::super::rules;
use crate::model::bundle::DefaultDecision;
use crate::model::policy::{GrantControls, Policy, UserTarget};
use crate::model::{Bundle, ClientApp, GrantControl, Operator, Platform, Set, TransferMethod};
use crate::text::Diagnostic;

const OF_DEVICES: [GrantControl; 2] = [GrantControl::CompliantDevice, GrantControl::DomainJoinedDevice];
const OF_APPS: [GrantControl; 2] = [GrantControl::ApprovedApplication, GrantControl::CompliantApplication];

/// A policy that asks for nothing, in a bundle that blocks what no policy applies to.
pub fn opening(bundle: &Bundle, policy: &Policy, compiled: &CompiledPolicy, problems: &mut Vec<Diagnostic>) {
    let asks_for_nothing = matches!(&compiled.grant, Grant::Require { controls, .. } if controls.is_empty());
    if bundle.settings.default_decision == DefaultDecision::Block && !compiled.is_report_only && asks_for_nothing {
        let what = format!("`{}` lets through all that it covers", policy.display_name.value);
        let help = "say in `grantControls` what has to be satisfied, or keep it if all of this is to be let through";
        problems.push(Diagnostic::new(&rules::OPENING_POLICY, policy.display_name.span, what).help(help));
    }
}

/// Problems of the grant controls of a policy.
pub fn controls(policy: &Policy, problems: &mut Vec<Diagnostic>) {
    let Some(grant) = policy.grant.as_ref().filter(|grant| !grant.built_in.contains(GrantControl::Block)) else {
        return;
    };
    if grant.authentication_strength.is_some() && grant.built_in.contains(GrantControl::Mfa) {
        let what = format!("`{}` names both `mfa` and an authentication strength", policy.display_name.value);
        let help = "take `mfa` out: the strength asks for at least as much";
        problems.push(Diagnostic::new(&rules::STRENGTH_WITH_MFA, grant.span, what).help(help));
    }
    let conditions = &policy.conditions;
    if conditions.users.include.iter().any(|target| target.value == UserTarget::AllAgentUsers)
        && !can_be_met_by_agent(grant)
    {
        let what = "an agent's user account can show a compliant device and nothing else";
        let help =
            "write `builtInControls: [block]` or `[compliantDevice]` in a policy of its own for `AllAgentIdUsers`";
        problems.push(Diagnostic::new(&rules::UNMEETABLE_CONTROL, grant.span, what).help(help));
    }
    if conditions.flows == Set::from_iter([TransferMethod::DeviceCodeFlow])
        && !can_be_met(grant, |control| OF_DEVICES.contains(&control))
    {
        let what = "with the device code flow no device control can be met";
        let help = "write `builtInControls: [block]` if nobody is to use the flow";
        problems.push(Diagnostic::new(&rules::UNMEETABLE_CONTROL, grant.span, what).help(help));
    }
    let is_legacy = |app| matches!(app, ClientApp::ExchangeActiveSync | ClientApp::EasSupported | ClientApp::Other);
    let apps = conditions.client_apps;
    if !apps.is_empty() && apps.iter().all(is_legacy) && !can_be_met(grant, GrantControl::is_interactive) {
        let what = "legacy clients cannot be asked for anything";
        let help = "write `builtInControls: [block]` if nobody is to use them";
        problems.push(Diagnostic::new(&rules::UNMEETABLE_CONTROL, grant.span, what).help(help));
    }
    let platforms = conditions.platforms;
    let lacking = [Platform::MacOs, Platform::Linux]
        .into_iter()
        .find(|platform| platforms.include.contains(*platform) && !platforms.exclude.contains(*platform));
    if let Some(platform) = lacking.filter(|_| !can_be_met(grant, |control| OF_APPS.contains(&control))) {
        let name = crate::model::set::Word::as_str(platform);
        let what = format!("on {name} no app can be approved or protected");
        let help = format!("take {name} out of `includePlatforms`, or add a control and `operator: OR`");
        problems.push(Diagnostic::new(&rules::UNMEETABLE_CONTROL, grant.span, what).help(help));
    }
}

fn can_be_met_by_agent(grant: &GrantControls) -> bool {
    let has_device = grant.built_in.contains(GrantControl::CompliantDevice);
    match grant.operator {
        Operator::And => grant.len() == usize::from(has_device),
        Operator::Or => grant.is_empty() || has_device,
    }
}

/// Whether the controls can be met when the missing ones cannot. A strength is met where MFA is.
fn can_be_met(grant: &GrantControls, is_missing: impl Fn(GrantControl) -> bool) -> bool {
    let strength = grant.authentication_strength.iter().map(|_| !is_missing(GrantControl::Mfa));
    let others = grant.terms_of_use.iter().chain(&grant.custom_factors).map(|_| true);
    let built_in: Vec<_> = grant.built_in.iter().map(|control| !is_missing(control)).collect();
    let mut each = built_in.into_iter().chain(strength).chain(others);
    match grant.operator {
        Operator::And => each.all(|can| can),
        Operator::Or => each.any(|can| can),
    }
}
