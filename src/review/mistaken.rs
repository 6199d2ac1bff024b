//! Ids of requests that are probably no object ids: names and app ids of the catalogue.
//!
//! A request names an identity by its object id alone, where a policy may use a name. A slip decides about somebody else,
//! whom no policy names. Start with [`identity`].

use crate::compile::CompiledBundle;
use crate::model::IdentityKind;
use crate::model::principal::ServicePrincipal;
use crate::model::request::Identity;

/// What an id is instead of an object id, and what to write, each without a final period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistaken {
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub help: String,
}

/// Whether the id of `identity`, a workload, is the name or the app id of another one in the catalogue of `bundle`. Cost:
/// linear in the catalogue, if it does not have the id.
pub fn identity(bundle: &CompiledBundle, identity: &Identity<'_>) -> Option<Mistaken> {
    let is_workload = matches!(identity.kind, IdentityKind::ServicePrincipal | IdentityKind::ManagedIdentity);
    if !is_workload || bundle.principal_of(identity.id).is_some() {
        return None;
    }
    let id = identity.id.to_string();
    let (what, principal) = match bundle.principal_of_app(identity.id) {
        Some(principal) => (format!("`{id}` is an app id"), principal),
        None => (format!("`{id}` is a name"), named(bundle, &id)?),
    };
    Some(Mistaken { what, help: format!("the object id of that service principal is {}", principal.id.value) })
}

fn named<'b>(bundle: &'b CompiledBundle, name: &str) -> Option<&'b ServicePrincipal> {
    let mut catalogue = (0..bundle.principals()).filter_map(|index| bundle.principal(index));
    catalogue.find(|principal| principal.display_name.as_ref().is_some_and(|other| *other.value == *name))
}
