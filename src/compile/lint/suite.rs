//! Suites of applications whose members are not all known.

use super::super::{rules, suites};
use crate::model::Bundle;
use crate::model::policy::ResourceTarget;
use crate::text::{Diagnostic, Diagnostics, Span, Spanned};

/// Tells of each suite that policies name, once: where it is included first, or else where it is excluded first.
pub fn suites(bundle: &Bundle, diagnostics: &mut Diagnostics) {
    let settings = &bundle.settings;
    for (suite, name, said) in [
        (ResourceTarget::Office365, "Office365", &settings.office365),
        (ResourceTarget::MicrosoftAdminPortals, "MicrosoftAdminPortals", &settings.microsoft_admin_portals),
    ] {
        let Some((span, is_included)) = said.is_none().then(|| first(bundle, &suite)).flatten() else { continue };
        let as_of = suites::AS_OF;
        let then = if is_included { "gets past this policy" } else { "is not excluded" };
        let what = format!("not every application in `{name}` is known (as of {as_of}); one that is not {then}");
        let help = format!(
            "list the members in `suites.{name}` of bundle.yaml; `doorward check --explain suite-members` has those that \
             are known"
        );
        diagnostics.push(Diagnostic::new(&rules::SUITE_MEMBERS, span, what).help(help));
    }
}

/// Where `suite` is named first by a policy that takes part, and whether it is included there.
fn first(bundle: &Bundle, suite: &ResourceTarget) -> Option<(Span, bool)> {
    let policies = || bundle.policies.iter().filter(|policy| bundle.settings.admits(policy));
    let among = |targets: &[Spanned<ResourceTarget>]| {
        targets.iter().find(|target| target.value == *suite).map(|target| target.span)
    };
    let included = policies().find_map(|policy| among(&policy.conditions.resources.include));
    let excluded = || policies().find_map(|policy| among(&policy.conditions.resources.exclude));
    included.map(|span| (span, true)).or_else(|| excluded().map(|span| (span, false)))
}
