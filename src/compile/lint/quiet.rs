//! Policies that do less than they read as, or report less: devices, agents' user accounts, report-only.
//!
//! Source: Entra documentation, "Filter for devices", "Conditional Access: Conditions", "Conditional Access for agents"
//! and "Conditional Access report-only mode", read August 2026.

use super::super::policy::CompiledPolicy;
use super::super::rules;
use crate::filter::Unregistered;
use crate::model::location::CountryLookup;
use crate::model::policy::{Policy, ResourceTarget};
use crate::model::{Bundle, FilterMode, GrantControl, LocationKind, Platform, State, Truth};
use crate::text::Diagnostic;

/// Problems of one policy that takes part.
pub fn policy(bundle: &Bundle, policy: &Policy, compiled: &CompiledPolicy, problems: &mut Vec<Diagnostic>) {
    extension_attributes(policy, compiled, problems);
    groups_of_agent_users(policy, compiled, problems);
    persistent_browser(policy, problems);
    if policy.state == State::ReportOnly {
        report_only_action(policy, problems);
        report_only_position(bundle, policy, compiled, problems);
    }
}

/// A filter that includes by attributes that most devices do not show.
fn extension_attributes(policy: &Policy, compiled: &CompiledPolicy, problems: &mut Vec<Diagnostic>) {
    let (Some(filter), Some(written)) = (&compiled.device_filter, &policy.conditions.device_filter) else { return };
    // WHY: where the rule holds without attributes, or exempts by them, a device that hides them is covered all the same.
    if filter.mode == FilterMode::Include
        && filter.rule.compares_extension_attributes()
        && filter.rule.evaluate(&Unregistered) != Truth::True
    {
        let what = format!("`{}` does not reach devices that are registered only", policy.display_name.value);
        let help = "exclude the devices that are meant to be exempt, in the place of including the others";
        problems.push(Diagnostic::new(&rules::EXTENSION_ATTRIBUTE, written.rule.span, what).help(help));
    }
}

/// Groups and roles that are excluded from a policy for agents' user accounts alone.
fn groups_of_agent_users(policy: &Policy, compiled: &CompiledPolicy, problems: &mut Vec<Diagnostic>) {
    let include = &compiled.users.include;
    let is_for_agents_alone = include.all_agent_users
        && !include.all
        && !include.all_guests
        && include.ids.is_empty()
        && include.groups.is_empty()
        && include.roles.is_empty()
        && include.guests.is_none();
    let users = &policy.conditions.users;
    if let Some(target) = users.exclude_groups.first().or(users.exclude_roles.first()).filter(|_| is_for_agents_alone) {
        let what = format!("`{}` covers agents' user accounts of this group or role too", policy.display_name.value);
        let help = "exclude the user accounts by their ids, in `excludeUsers`";
        problems.push(Diagnostic::new(&rules::AGENT_USER_GROUP, target.span, what).help(help));
    }
}

fn persistent_browser(policy: &Policy, problems: &mut Vec<Diagnostic>) {
    let resources = &policy.conditions.resources;
    let is_for_all = resources.include.iter().any(|target| target.value == ResourceTarget::All);
    if policy.session_controls.persistent_browser.is_some() && !is_for_all {
        let what =
            format!("`{}` says of some applications how long a browser stays signed in", policy.display_name.value);
        let help = "write `includeApplications: [All]`";
        problems.push(Diagnostic::new(&rules::PERSISTENT_BROWSER, policy.display_name.span, what).help(help));
    }
}

fn report_only_action(policy: &Policy, problems: &mut Vec<Diagnostic>) {
    if !policy.conditions.resources.user_actions.is_empty() {
        let what = format!("Entra reports nothing of `{}`", policy.display_name.value);
        let help = "try it with What If, or enable it for a few people first";
        problems.push(Diagnostic::new(&rules::REPORT_ONLY_ACTION, policy.display_name.span, what).help(help));
    }
}

fn report_only_position(bundle: &Bundle, policy: &Policy, compiled: &CompiledPolicy, problems: &mut Vec<Diagnostic>) {
    let named = compiled.locations.include.iter().chain(&compiled.locations.exclude);
    let by_gps = named.filter_map(|index| bundle.locations.get(usize::from(*index))).find(|location| {
        matches!(location.kind, LocationKind::Country { lookup: CountryLookup::AuthenticatorAppGps, .. })
    });
    if let Some(location) = by_gps.filter(|_| !compiled.users.include.is_empty()) {
        let what = format!("`{}` asks people for their position although it only reports", policy.display_name.value);
        let help = "try it with a location by address first, or with a few people";
        problems.push(
            Diagnostic::new(&rules::REPORT_ONLY_POSITION, policy.display_name.span, what)
                .help(help)
                .related(location.display_name.span, "the location"),
        );
    }
}

/// Policies for listed platforms while no policy blocks the others; told once, at the first.
pub fn unknown_platforms(bundle: &Bundle, policies: &[CompiledPolicy], problems: &mut Vec<Diagnostic>) {
    let of = |policy: &CompiledPolicy| bundle.policies.get(policy.index.as_usize());
    let blocks = |policy: &CompiledPolicy| {
        let grant = of(policy).and_then(|policy| policy.grant.as_ref());
        grant.is_some_and(|grant| grant.built_in.contains(GrantControl::Block))
    };
    let is_block_of_others = |policy: &CompiledPolicy| {
        policy.platforms.include.contains(Platform::All) && !policy.platforms.exclude.is_empty() && blocks(policy)
    };
    // WHY: a policy of session controls alone keeps nobody out.
    let is_limited = |policy: &&CompiledPolicy| {
        let include = policy.platforms.include;
        !include.is_empty()
            && !include.contains(Platform::All)
            && of(policy).is_some_and(|policy| policy.grant.is_some())
    };
    let Some(first) = policies.iter().filter(is_limited).find_map(of) else { return };
    if !policies.iter().any(is_block_of_others) {
        let what = format!("`{}` is for some platforms, and no policy blocks the others", first.display_name.value);
        let help = "add a policy with `includePlatforms: [all]` that excludes the platforms you support, and blocks";
        problems.push(Diagnostic::new(&rules::UNKNOWN_PLATFORM, first.display_name.span, what).help(help));
    }
}
