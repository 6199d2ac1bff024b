//! Reads an authentication strength: expanded in a policy, or an object of its own.
//!
//! Source: Microsoft Graph `authenticationStrengthPolicy`, read August 2026.

use super::super::rules;
use super::object::{Context, Object, Path, parse_word};
use crate::model::policy::AuthenticationStrength;
use crate::model::{AuthenticationMethod, Id, Set};
use crate::text::{Diagnostic, Node, Spanned};

/// Reads `object`; `None` when it has no id.
pub fn strength(mut object: Object<'_, '_>, context: &mut Context) -> Option<AuthenticationStrength> {
    let id = object.text("id", context).filter(|id| !Id::is_blank(id.value));
    let display_name = object.text("displayName", context).map(|name| Box::from(name.value));
    let combinations = object.texts("allowedCombinations", context);
    let restricted = restricted(&mut object, context);
    for key in ["description", "createdDateTime", "modifiedDateTime", "policyType", "requirementsSatisfied"] {
        object.keep(key, context);
    }
    if id.is_none() {
        let what = "the authentication strength has no `id`";
        context.report(Diagnostic::new(&rules::MISSING_PROPERTY, object.span(), what));
    }
    object.keep("combinationConfigurations", context);
    object.finish(&rules::UNKNOWN_PROPERTY, context);
    let combinations: Vec<_> =
        combinations.into_iter().filter_map(|combination| methods(combination, context)).collect();
    let is_judged = |combination: &Set<AuthenticationMethod>| match &restricted {
        Restricted::These(sets) => !sets.contains(combination),
        Restricted::All => false,
    };
    Some(AuthenticationStrength {
        id: id.map(|id| Spanned::new(Box::from(id.value), id.span))?,
        display_name,
        allowed_combinations: (!combinations.is_empty()).then(|| combinations.into_iter().filter(is_judged).collect()),
    })
}

/// The methods of a combination, all of which must be used; `None` if one is not known, which is an error.
fn methods(combination: Spanned<&str>, context: &mut Context) -> Option<Set<AuthenticationMethod>> {
    let path = Path::default().join("allowedCombinations");
    let words = combination.value.split(',').map(str::trim);
    let methods: Option<Set<_>> =
        words.map(|word| parse_word(Spanned::new(word, combination.span), path, context)).collect();
    methods.filter(|methods| !methods.is_empty())
}

/// Combinations that are restricted further: to certain keys, or certificates of certain issuers.
enum Restricted {
    These(Vec<Set<AuthenticationMethod>>),
    All,
}

fn restricted<'n, 'a>(object: &mut Object<'n, 'a>, context: &mut Context) -> Restricted {
    const KEY: &str = "combinationConfigurations";
    let nodes = object.list(KEY, context);
    let mut restricted = Vec::new();
    for node in nodes {
        let what = "which keys and issuers may be used is not judged";
        let help = "have the token service say by id when this strength is satisfied";
        context.report(Diagnostic::new(&rules::STRENGTH_CONFIGURATION, node.span, what).help(help));
        let applies_to = node.member("appliesToCombinations").and_then(Node::as_list).unwrap_or_default();
        let text = |node: &'n Node<'a>| Some(Spanned::new(node.as_str()?, node.span));
        match applies_to.iter().map(text).collect::<Option<Vec<_>>>() {
            Some(texts) if !texts.is_empty() => {
                restricted.extend(texts.into_iter().filter_map(|text| methods(text, context)));
            }
            // WHY: of what cannot be read nobody knows which combinations are free of it.
            _ => return Restricted::All,
        }
    }
    Restricted::These(restricted)
}
