//! Reads kinds of guests: which, and from which tenants they come.
//!
//! Here a missing list of tenants means all of them, and an empty one none: who leaves a list empty has to say which is
//! meant. Knows shapes; who is a guest is for `compile::guest`. Source: Microsoft Graph
//! `conditionalAccessGuestsOrExternalUsers`, v1.0, read August 2026.

use super::super::rules;
use super::object::{Context, Object, Path};
use super::target;
use crate::model::policy::Guests;
use crate::model::set::Word;
use crate::model::{GuestType, Id, Set};
use crate::text::{Diagnostic, Node, Rule, Span};

/// Reads the member `key` of the users of a policy.
pub fn guests(object: &mut Object<'_, '_>, key: &'static str, context: &mut Context) -> Option<Guests> {
    let mut guests = object.object(key, context)?;
    // WHY: `none` is Graph's zero; as a kind of guest it would mean every member of the tenant.
    let types: Set<GuestType> = guests.flags("guestOrExternalUserTypes", Word::ALL, context);
    let types = types.iter().filter(|kind| *kind != GuestType::None).collect();
    let written = guests.member("guestOrExternalUserTypes").and_then(Node::as_str);
    if written.is_none_or(|text| text.trim().is_empty()) {
        let help = "name the kinds of guests, separated by commas; `none` is nobody";
        report(&rules::MISSING_PROPERTY, guests.span(), "`guestOrExternalUserTypes` is missing", help, context);
    }
    // WHY not an empty list for nothing: here nothing means every tenant, and who is meant may be exempt.
    let tenants = guests.member("externalTenants").and_then(|node| tenants(node, context));
    guests.finish(&rules::UNKNOWN_PROPERTY, context);
    Some(Guests { types, tenants })
}

/// The tenants that `node` lists; `None`: all.
fn tenants(node: &Node<'_>, context: &mut Context) -> Option<Vec<Id>> {
    let mut tenants = Object::new(node, Path::default().join("externalTenants"), context)?;
    let odata_type = tenants.text("@odata.type", context);
    let kind = tenants.text("membershipKind", context);
    let told = context.diagnostics.len();
    let written = tenants.texts("members", context);
    tenants.finish(&rules::UNKNOWN_PROPERTY, context);
    let first = written.first().map(|text| text.span);
    let members: Vec<_> = target::ids(written, context).into_iter().map(|member| member.value).collect();
    let is_all = match kind {
        Some(kind) if kind.value.eq_ignore_ascii_case("all") => true,
        Some(kind) if !kind.value.eq_ignore_ascii_case("enumerated") => {
            let what = format!("`{}` is no membership kind", kind.value);
            report(&rules::UNKNOWN_VALUE, kind.span, what, "it is `all` or `enumerated`", context);
            return None;
        }
        Some(_) => false,
        None => odata_type.is_some_and(|text| text.value.ends_with("AllExternalTenants")),
    };
    match first {
        Some(span) if is_all => {
            let help = "write `membershipKind: enumerated`, or take `members` out";
            report(&rules::UNKNOWN_VALUE, span, "`members` stands beside all tenants", help, context);
        }
        _ if is_all => return None,
        // WHY: a policy for guests from nowhere covers nobody, and one that exempts them nobody knows whom.
        _ if !members.is_empty() || context.diagnostics.len() > told => {}
        Some(span) => {
            let help = "let one of them stand for a tenant, or leave the policy out with `ignoredPolicies`";
            report(&rules::PLACEHOLDER, span, "every placeholder of `members` stands for nothing", help, context);
        }
        None => {
            let help = "write `membershipKind: all`, or `membershipKind: enumerated` and tenant ids in `members`";
            report(&rules::MISSING_PROPERTY, node.span, "`externalTenants` names no tenant", help, context);
        }
    }
    Some(members)
}

fn report(rule: &'static Rule, span: Span, what: impl Into<String>, help: &str, context: &mut Context) {
    context.report(Diagnostic::new(rule, span, what).help(help));
}
