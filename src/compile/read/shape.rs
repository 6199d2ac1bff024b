//! What an object of a document is, told by its shape.
//!
//! Knows names of properties and what they give away, and reads none of them. Start with [`object_kind`].

use super::super::rules;
use crate::text::{Diagnostic, Entry, Node};

/// What an object of a document can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// A policy.
    Policy,
    /// A named location.
    Location,
    /// A service principal.
    Principal,
    /// An authentication strength.
    Strength,
    /// An application, which no policy names.
    AppRegistration,
    /// A template of a policy.
    Template,
}

/// What the members of the list `key` of a document written by hand are.
pub fn list_kind(key: &str) -> Option<ObjectKind> {
    match key {
        "policies" => Some(ObjectKind::Policy),
        "namedLocations" => Some(ObjectKind::Location),
        "servicePrincipals" => Some(ObjectKind::Principal),
        "authenticationStrengthPolicies" => Some(ObjectKind::Strength),
        _ => None,
    }
}

/// Whether a member of a document is the catalogue of entities.
pub fn is_entities(entry: &Entry<'_>) -> bool {
    entry.key == "entities"
}

/// What `node` is, by its type where Graph writes one, else by the properties that only one kind has.
pub fn object_kind(node: &Node<'_>) -> Option<ObjectKind> {
    let has = |key: &str| node.member(key).is_some();
    let is_policy = || has("conditions") || has("grantControls") || has("sessionControls");
    // WHY: what says a state of its own is meant to be in force, and must not pass for a template that is not.
    let is_template = || !has("state") && !is_policy();
    if let Some(odata_type) = node.member("@odata.type").and_then(Node::as_str) {
        let short = odata_type.trim_start_matches("#microsoft.graph.");
        match short {
            "conditionalAccessPolicy" => return Some(ObjectKind::Policy),
            "servicePrincipal" | "agentIdentity" | "agentIdentityBlueprintPrincipal" => {
                return Some(ObjectKind::Principal);
            }
            "authenticationStrengthPolicy" => return Some(ObjectKind::Strength),
            "conditionalAccessTemplate" if is_template() => return Some(ObjectKind::Template),
            _ if short.ends_with("NamedLocation") => return Some(ObjectKind::Location),
            _ => {}
        }
    }
    if node.member("details").is_some_and(|details| details.member("conditions").is_some()) {
        Some(if is_template() { ObjectKind::Template } else { ObjectKind::Policy })
    } else if is_policy() {
        Some(ObjectKind::Policy)
    } else if has("allowedCombinations") {
        Some(ObjectKind::Strength)
    } else if has("ipRanges") || has("countriesAndRegions") || has("compliantNetworkType") {
        Some(ObjectKind::Location)
    } else if !has("servicePrincipalType") && (has("publisherDomain") || has("identifierUris")) {
        Some(ObjectKind::AppRegistration)
    } else if has("servicePrincipalType") || has("appId") || has("signInAudience") {
        Some(ObjectKind::Principal)
    } else {
        None
    }
}

/// Says of an object of no kind what it has.
pub fn unrecognised(node: &Node<'_>) -> Diagnostic {
    let keys = node.as_map().unwrap_or_default().iter().take(4).map(|entry| format!("`{}`", entry.key));
    let keys = keys.collect::<Vec<_>>().join(", ");
    let what = match keys.as_str() {
        "" => format!("{} in the place of a policy or location", node.kind()),
        keys => format!("an object with {keys} is nothing that a bundle holds"),
    };
    Diagnostic::new(&rules::UNRECOGNISED_DOCUMENT, node.span, what).help(meant(node))
}

/// What to do about an object of no kind: what it was probably meant to be, and where that belongs.
fn meant(node: &Node<'_>) -> &'static str {
    let has = |key: &str| node.member(key).is_some();
    if has("cases") || has("fixtures") {
        "test cases belong below `tests/` at the root of the bundle"
    } else if ["tenantId", "revision", "defaultDecision", "breakGlass", "lints"].into_iter().any(has) {
        "settings belong into `bundle.yaml` at the root of the bundle"
    } else {
        "a policy has `conditions`, an IP location `ipRanges`, a service principal `servicePrincipalType`"
    }
}
