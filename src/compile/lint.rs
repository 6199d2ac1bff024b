//! Checks that need the whole bundle: settings that name policies, break-glass identities, scopes that are empty.

use super::cedar::{CedarCondition, Kind};
use super::policy::{CompiledPolicy, Grant, PolicyHead, UserList};
use super::resolve::Names;
use super::rules;
use super::scope::{Blueprint, find};
use crate::limits;
use crate::model::bundle::DefaultDecision;
use crate::model::location::CountryLookup;
use crate::model::policy::{LocationTarget, Policy};
use crate::model::{Bundle, FilterMode, Id, IdRef, LocationKind, ServicePrincipal, Truth};
use crate::text::{Diagnostic, Diagnostics, Spanned, suggest};

/// Whether the author left `policy` out.
pub fn is_ignored(bundle: &Bundle, policy: &Policy) -> bool {
    let names = [policy.id.as_ref(), Some(&policy.display_name)];
    let ignored = &bundle.settings.ignored_policies;
    names.into_iter().flatten().any(|name| ignored.iter().any(|ignored| ignored.value == name.value))
}

/// Problems of one policy that takes part.
pub fn policy(policy: &Policy, compiled: &CompiledPolicy, problems: &mut Vec<Diagnostic>) {
    let is_empty = compiled.users.include.is_empty() && compiled.workloads.is_empty() && compiled.agents.is_empty();
    // WHY: a scope whose names led nowhere is no empty one; those have been reported.
    if is_empty && problems.is_empty() {
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
        && problems.is_empty()
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
    break_glass(bundle, heads, policies, names, diagnostics);
    country_database(bundle, diagnostics);
    mfa_trusted_ips(bundle, diagnostics);
}

fn ignored_policies(bundle: &Bundle, heads: &[PolicyHead], diagnostics: &mut Diagnostics) {
    for (number, name) in bundle.settings.ignored_policies.iter().enumerate() {
        if heads.iter().any(|head| head.id == name.value) {
            continue;
        }
        match heads.iter().filter(|head| head.display_name == name.value).count() {
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

/// Ruling: an identity listed as break-glass may not be blocked by an enabled policy, whatever its other conditions.
fn break_glass(
    bundle: &Bundle,
    heads: &[PolicyHead],
    policies: &[CompiledPolicy],
    names: &Names<'_>,
    diagnostics: &mut Diagnostics,
) {
    for identity in &bundle.settings.break_glass {
        if bundle.settings.default_decision == DefaultDecision::Block {
            let what = format!("the default decision blocks the break-glass identity `{}`", identity.value);
            diagnostics.push(Diagnostic::new(&rules::BREAK_GLASS_DEFAULT, identity.span, what));
        }
        let mut problems = Vec::new();
        let id = break_glass_id(identity, policies, names, &mut problems);
        diagnostics.extend(problems);
        let Some(id) = id else { continue };
        let principal = names.principal(&id).and_then(|index| bundle.principals.get(index));
        let blocking = policies.iter().filter(|policy| !policy.is_report_only && matches!(policy.grant, Grant::Block));
        for policy in blocking {
            let rule = match may_cover(policy, &id, principal) {
                Truth::True => &rules::BREAK_GLASS,
                Truth::Unknown => &rules::BREAK_GLASS_UNSURE,
                Truth::False => continue,
            };
            let name = heads.get(policy.index.as_usize()).map_or("", |head| &head.display_name);
            let what = format!("`{name}` can block the break-glass identity `{}`", identity.value);
            let mut diagnostic =
                Diagnostic::new(rule, identity.span, what).help("exclude the identity from that policy");
            if let Some(policy) = bundle.policies.get(policy.index.as_usize()) {
                diagnostic = diagnostic.related(policy.display_name.span, "the policy");
            }
            diagnostics.push(diagnostic);
        }
    }
}

/// Resolves a break-glass identity as policies resolve theirs; an id of no GUID must at least be one that a policy
/// names as a user.
fn break_glass_id(
    identity: &Spanned<Box<str>>,
    policies: &[CompiledPolicy],
    names: &Names<'_>,
    problems: &mut Vec<Diagnostic>,
) -> Option<Id> {
    let id = Id::new(&identity.value);
    let names_user = |policy: &CompiledPolicy| {
        [&policy.users.include, &policy.users.exclude].iter().any(|list| find(&list.ids, id.as_ref()).is_some())
    };
    if policies.iter().any(names_user) {
        return Some(id);
    }
    names.principal_id(&identity.value, identity.span, problems)
}

/// Whether a policy covers an identity of which nothing is known but its id and its entry of the catalogue. Without
/// an entry it may be of any kind; each kind is judged for itself.
fn may_cover(policy: &CompiledPolicy, id: &Id, principal: Option<&ServicePrincipal>) -> Truth {
    let attributes = principal.and_then(|principal| principal.attributes.as_ref());
    let id = id.as_ref();
    // WHY: a condition in Cedar may exempt by id what a list of a Graph policy would; of others it says nothing here.
    let when = |kinds: &[Kind]| {
        let may_hold =
            |condition: &CedarCondition| kinds.iter().any(|kind| condition.may_hold_for(*kind, id, principal));
        Truth::from(policy.when.as_deref().is_none_or(may_hold))
    };
    let workload = policy.workloads.covers("", id, Blueprint::Inapplicable, attributes).holds
        & when(&[Kind::ServicePrincipal, Kind::ManagedIdentity]);
    let agent = policy.agents.covers("", id, Blueprint::Unknown, attributes).holds & when(&[Kind::AgentIdentity]);
    match principal {
        Some(_) => workload | agent,
        None => {
            let user = covers_user(policy, id) & when(&[Kind::User]);
            workload | agent | user | covers_agent_user(policy, id) & when(&[Kind::AgentUser])
        }
    }
}

/// Whether a policy covers the user `id`, of whom nothing else is known.
fn covers_user(policy: &CompiledPolicy, id: IdRef<'_>) -> Truth {
    let side = |list: &UserList| {
        if list.all || find(&list.ids, id).is_some() {
            Truth::True
        } else if list.all_guests || list.guests.is_some() || !list.groups.is_empty() || !list.roles.is_empty() {
            Truth::Unknown
        } else {
            Truth::False
        }
    };
    side(&policy.users.include) & !side(&policy.users.exclude)
}

/// Whether a policy covers the agent's user account `id`.
fn covers_agent_user(policy: &CompiledPolicy, id: IdRef<'_>) -> Truth {
    let side = |list: &UserList| Truth::from(list.all_agent_users || find(&list.ids, id).is_some());
    side(&policy.users.include) & !side(&policy.users.exclude)
}

/// The pseudo-location of the MFA trusted IPs is named, and nobody said which they are.
fn mfa_trusted_ips(bundle: &Bundle, diagnostics: &mut Diagnostics) {
    if !bundle.settings.mfa_trusted_ips.is_empty() {
        return;
    }
    let named = bundle.policies.iter().flat_map(|policy| {
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
