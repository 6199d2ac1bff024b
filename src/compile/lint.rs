//! Checks that need the whole bundle: settings that name policies, break-glass identities, scopes that are empty.

use super::policy::{CompiledPolicy, Grant, PolicyHead};
use super::resolve::Names;
use super::rules;
use super::scope::{Blueprint, find};
use crate::model::location::CountryLookup;
use crate::model::policy::Policy;
use crate::model::{Bundle, Id, IdRef, LocationKind, Truth};
use crate::text::{Diagnostic, Diagnostics, suggest};

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
}

fn ignored_policies(bundle: &Bundle, heads: &[PolicyHead], diagnostics: &mut Diagnostics) {
    for name in &bundle.settings.ignored_policies {
        if heads.iter().any(|head| head.id == name.value || head.display_name == name.value) {
            continue;
        }
        let what = format!("no policy is called `{}`", name.value);
        let mut diagnostic = Diagnostic::new(&rules::UNKNOWN_POLICY, name.span, what);
        if let Some(near) = suggest::nearest(&name.value, heads.iter().map(|head| &*head.display_name)) {
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
        let id = Id::new(&identity.value);
        let attributes = names
            .principal(&id)
            .and_then(|index| bundle.principals.get(index))
            .and_then(|principal| principal.attributes.as_ref());
        let blocking = policies.iter().filter(|policy| !policy.is_report_only && matches!(policy.grant, Grant::Block));
        for policy in blocking {
            let scopes = [&policy.workloads, &policy.agents]
                .map(|scope| scope.covers("", id.as_ref(), Blueprint::Inapplicable, attributes).holds);
            // An id that is not in the catalogue may be a user's.
            let user = if names.principal(&id).is_some() { Truth::False } else { covers_user(policy, id.as_ref()) };
            let covered = scopes.into_iter().fold(user, |covered, scope| covered | scope);
            let rule = match covered {
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

/// Whether a policy covers the user `id`, of whom nothing else is known.
fn covers_user(policy: &CompiledPolicy, id: IdRef<'_>) -> Truth {
    let side = |list: &super::policy::UserList| {
        if list.all || list.all_agent_users || find(&list.ids, id).is_some() {
            Truth::True
        } else if list.all_guests || list.guests.is_some() || !list.groups.is_empty() || !list.roles.is_empty() {
            Truth::Unknown
        } else {
            Truth::False
        }
    };
    side(&policy.users.include) & !side(&policy.users.exclude)
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
