//! What surprises: checks that need references resolved, or the whole bundle.
//!
//! Each is linear in what it looks at, and quiet about what could not be resolved, which has been reported. Policies that
//! take no part are not looked at. Start with [`policy`] for one policy, [`bundle`] for all; `super::read::combination`
//! has what Graph refuses in a policy as it is written.

mod break_glass;
mod control;
mod overlap;
mod place;
mod quiet;
mod risk;
mod scope;
mod suite;

pub use place::{Ranged, ranges};

use super::network::NetworkTable;
use super::policy::{CompiledPolicy, PolicyHead};
use super::resolve::Names;
use super::rules;
use crate::limits;
use crate::model::location::CountryLookup;
use crate::model::policy::{LocationTarget, Policy};
use crate::model::{Bundle, FilterMode, LocationKind, Platform};
use crate::text::{Diagnostic, Diagnostics, Severity, suggest};

/// Problems of one policy that takes part.
pub fn policy(policy: &Policy, compiled: &CompiledPolicy, problems: &mut Vec<Diagnostic>) {
    let is_empty = compiled.users.include.is_empty() && compiled.workloads.is_empty() && compiled.agents.is_empty();
    // WHY: a scope whose names led nowhere is no empty one; those have been reported.
    let is_resolved = problems.iter().all(|problem| problem.severity != Severity::Error);
    if is_empty && is_resolved {
        let what = format!("`{}` applies to nobody", policy.display_name.value);
        let help = "include users, service principals or agent identities";
        problems.push(Diagnostic::new(&rules::EMPTY_SCOPE, policy.display_name.span, what).help(help));
    }
    let resources = &policy.conditions.resources;
    let filter_includes = resources.filter.as_ref().is_some_and(|filter| filter.mode == FilterMode::Include);
    if resources.include.is_empty()
        && resources.user_actions.is_empty()
        && resources.authentication_contexts.is_empty()
        && !filter_includes
        && is_resolved
    {
        let what = format!("`{}` applies to no resource", policy.display_name.value);
        let help = "write `includeApplications: [All]`, or leave `applications` out";
        problems.push(Diagnostic::new(&rules::NO_RESOURCE, policy.display_name.span, what).help(help));
    }
    let excludes_all = [
        (compiled.locations.nowhere, "locations"),
        (compiled.resources.exclude.all, "resources"),
        (compiled.workloads.excludes_all, "service principals"),
        (compiled.agents.excludes_all, "agent identities"),
        (compiled.users.exclude.all, "users"),
        (compiled.platforms.exclude.contains(Platform::All), "platforms"),
    ];
    for (_, what) in excludes_all.into_iter().filter(|(is_all, _)| *is_all) {
        let what = format!("`{}` excludes all {what}", policy.display_name.value);
        problems.push(Diagnostic::new(&rules::EXCLUDES_ALL, policy.display_name.span, what));
    }
}

/// Problems of `bundle.yaml` and of the bundle as a whole.
pub fn settings(
    bundle: &Bundle,
    heads: &[PolicyHead],
    policies: &[CompiledPolicy],
    names: &Names<'_>,
    diagnostics: &mut Diagnostics,
) {
    ignored_policies(bundle, heads, diagnostics);
    break_glass::break_glass(bundle, heads, policies, names, diagnostics);
    country_database(bundle, diagnostics);
    mfa_trusted_ips(bundle, diagnostics);
    suite::suites(bundle, diagnostics);
}

/// What surprises in the policies and locations of a bundle, references resolved.
pub fn bundle(
    bundle: &Bundle,
    policies: &[CompiledPolicy],
    names: &Names<'_>,
    (ranged, network): (&Ranged, Option<&NetworkTable>),
    diagnostics: &mut Diagnostics,
) {
    let mut problems = Vec::new();
    for compiled in policies {
        let Some(policy) = bundle.policies.get(compiled.index.as_usize()) else { continue };
        each(bundle, policy, compiled, names, &mut problems);
        diagnostics.extend(problems.drain(..));
    }
    scope::attribute_types(bundle, policies, &mut problems);
    risk::gaps(bundle, policies, &mut problems);
    quiet::unknown_platforms(bundle, policies, &mut problems);
    place::no_trusted_location(bundle, policies, &mut problems);
    place::unjudgeable_trusted(bundle, policies, &mut problems);
    place::ipv4_only(bundle, policies, ranged, &mut problems);
    place::unknown_countries(bundle, policies, &mut problems);
    if let Some(network) = network {
        overlap::trusted_and_blocked(bundle, policies, network, &mut problems);
    }
    diagnostics.extend(problems);
    diagnostics.extend(ranged.problems.iter().cloned());
}

/// What surprises in the statements of a bundle, of which the first has the index `first`. How they go together with the
/// rest of the bundle is what a proof is about.
pub fn statements(
    bundle: &Bundle,
    first: usize,
    compiled: Option<&[CompiledPolicy]>,
    names: &Names<'_>,
    diagnostics: &mut Diagnostics,
) {
    let mut problems = Vec::new();
    for compiled in compiled.unwrap_or_default() {
        let place = compiled.index.as_usize().checked_sub(first);
        let Some(policy) = place.and_then(|place| bundle.statements.get(place)) else { continue };
        each(bundle, policy, compiled, names, &mut problems);
        diagnostics.extend(problems.drain(..));
    }
}

fn each(
    bundle: &Bundle,
    policy: &Policy,
    compiled: &CompiledPolicy,
    names: &Names<'_>,
    problems: &mut Vec<Diagnostic>,
) {
    control::controls(policy, problems);
    control::opening(bundle, policy, compiled, problems);
    scope::scopes(bundle, policy, compiled, names, problems);
    scope::conditions(policy, compiled, problems);
    scope::resources(bundle, policy, problems);
    quiet::policy(bundle, policy, compiled, problems);
    place::gps(bundle, policy, compiled, problems);
}

fn ignored_policies(bundle: &Bundle, heads: &[PolicyHead], diagnostics: &mut Diagnostics) {
    for (number, name) in bundle.settings.ignored_policies.iter().enumerate() {
        // WHY: whatever the name fits is left out, so that it must fit one policy only.
        match heads.iter().filter(|head| head.id == name.value || head.display_name == name.value).count() {
            0 => {}
            1 => continue,
            _ => {
                let what = format!("several policies are called `{}`", name.value);
                let help = "name the one you mean by its id";
                diagnostics.push(Diagnostic::new(&rules::AMBIGUOUS_NAME, name.span, what).help(help));
                continue;
            }
        }
        let what = format!("no policy is called `{}`", name.value);
        let mut diagnostic = Diagnostic::new(&rules::UNKNOWN_POLICY, name.span, what);
        if number < limits::NEAR_MISSES_MAX
            && let Some(near) = suggest::nearest(&name.value, heads.iter().map(|head| &*head.display_name))
        {
            diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
        }
        diagnostics.push(diagnostic);
    }
}

/// The pseudo-location of the MFA trusted IPs is named, and nobody said which they are.
fn mfa_trusted_ips(bundle: &Bundle, diagnostics: &mut Diagnostics) {
    if !bundle.settings.mfa_trusted_ips.is_empty() {
        return;
    }
    let named = bundle.policies.iter().chain(&bundle.statements).flat_map(|policy| {
        let locations = &policy.conditions.locations;
        locations.include.iter().chain(&locations.exclude).find(|target| target.value == LocationTarget::MfaTrustedIps)
    });
    for target in named {
        let what = "the MFA trusted IPs are not known";
        let help = "list them in `mfaTrustedIps` of bundle.yaml";
        diagnostics.push(Diagnostic::new(&rules::NO_MFA_TRUSTED_IPS, target.span, what).help(help));
    }
}

fn country_database(bundle: &Bundle, diagnostics: &mut Diagnostics) {
    if bundle.settings.country_database.is_some() {
        return;
    }
    let by_address = bundle.locations.iter().find(|location| {
        matches!(&location.kind, LocationKind::Country { lookup: CountryLookup::ClientIpAddress, .. })
    });
    if let Some(location) = by_address {
        let what = format!("`{}` needs the country of an address", location.display_name.value);
        let help = "put a MaxMind-format database into the bundle and name it in `countryDatabase` of bundle.yaml, \
                    or have callers send `network.country`";
        let span = location.display_name.span;
        diagnostics.push(Diagnostic::new(&rules::NO_COUNTRY_DATABASE, span, what).help(help));
    }
}
