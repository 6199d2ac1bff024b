//! Break-glass identities: no enabled policy may block them.
//!
//! Judged from the bundle alone, on the safe side: whatever the other conditions of a policy are, and whatever groups,
//! roles or attributes the identity may turn out to have.

use super::super::cedar::{CedarCondition, Kind};
use super::super::eligibility::eligible;
use super::super::policy::{CompiledPolicy, Grant, PolicyHead, UserList};
use super::super::resolve::Names;
use super::super::rules;
use super::super::scope::{Blueprint, find};
use crate::model::bundle::DefaultDecision;
use crate::model::{Bundle, Id, IdRef, ServicePrincipal, Truth};
use crate::text::{Diagnostic, Diagnostics, Spanned};

/// Ruling: an identity listed as break-glass may not be blocked by an enabled policy, whatever its other conditions.
pub fn break_glass(
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
        let is_eligible = |principal| {
            let settings = &bundle.settings;
            eligible(settings.eligibility, settings.tenant_id.as_ref(), principal) != Truth::False
        };
        let is_workload = principal.is_none_or(is_eligible);
        let blocks = |policy: &&CompiledPolicy| {
            !policy.is_report_only && matches!(policy.grant, Grant::Block) && !policy.resources.is_nothing()
        };
        let blocking = policies.iter().filter(blocks);
        for policy in blocking {
            let rule = match may_cover(policy, &id, principal, is_workload) {
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
/// an entry it may be of any kind; each kind is judged for itself. `is_workload`: whether policies may cover it as one.
fn may_cover(policy: &CompiledPolicy, id: &Id, principal: Option<&ServicePrincipal>, is_workload: bool) -> Truth {
    let attributes = principal.and_then(|principal| principal.attributes.as_ref());
    let id = id.as_ref();
    // WHY: a condition in Cedar may exempt by id what a list of a Graph policy would; of others it says nothing here.
    let when = |kinds: &[Kind]| {
        let may_hold =
            |condition: &CedarCondition| kinds.iter().any(|kind| condition.may_hold_for(*kind, id, principal));
        Truth::from(policy.when.as_deref().is_none_or(may_hold))
    };
    let workload = policy.workloads.covers("", Some(id), Blueprint::Inapplicable, attributes).holds
        & when(&[Kind::ServicePrincipal, Kind::ManagedIdentity])
        & Truth::from(is_workload);
    let agent = policy.agents.covers("", Some(id), Blueprint::Unknown, attributes).holds & when(&[Kind::AgentIdentity]);
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
