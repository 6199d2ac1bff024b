//! A bundle as Microsoft Graph would take it, and what of it Graph cannot hold.
//!
//! [`super::graph`] renders what each object says; this file leaves out what would mean something else in Graph, and
//! tells it. A policy is never written without one of its conditions: it would apply to more requests than its author
//! meant. What is written loads again to the same decisions, for the policies that are written.
//!
//! Source: Microsoft Graph metadata and reference, v1.0 and beta; Entra documentation, service limits and network
//! assignment, read August 2026.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::graph;
use crate::limits;
use crate::model::bundle::{DefaultDecision, Eligibility};
use crate::model::location::LocationKind;
use crate::model::policy::{
    AuthenticationStrength, Conditions, LocationTarget, Policy, PrincipalTarget, ResourceTarget, UserTarget,
};
use crate::model::set::Word;
use crate::model::{Bundle, GuestType, Id, NamedLocation, SessionControls};
use crate::text::Diagnostics;

/// A bundle in Graph's shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Export {
    /// One object with the lists `namedLocations`, `authenticationStrengthPolicies` and `policies`, which is a bundle
    /// itself. Lists have bundle order; an empty one is left out.
    pub document: Value,
    /// What Graph cannot hold, or needs done first, in no order that means anything.
    pub notes: Vec<Note>,
}

/// Something that the document does not say as the bundle does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// How much it matters.
    pub weight: Weight,
    /// What it is about, such as "policy `Head office only`".
    pub about: String,
    /// What there is to know, a fragment without a final period.
    pub what: String,
}

/// How much a note matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// The document is not the whole bundle, or Entra refuses it as it is.
    Loss,
    /// The document is whole; something else is to be done in the tenant.
    Remark,
}

impl Export {
    /// Whether the document is not the whole bundle, or refused by Entra as it is.
    pub fn is_partial(&self) -> bool {
        self.notes.iter().any(|note| note.weight == Weight::Loss)
    }
}

/// Renders `bundle`; `diagnostics` are those of reading it. Cost: linear in the bundle.
pub fn graph(bundle: &Bundle, diagnostics: &Diagnostics) -> Export {
    let mut notes = Vec::new();
    let locations: Vec<_> = bundle
        .locations
        .iter()
        .zip(graph::locations(bundle))
        .map(|(location, object)| tidy(object, location.id.is_some()))
        .collect();
    let mut policies = Vec::new();
    for (policy, object) in bundle.policies.iter().zip(graph::policies(bundle)) {
        match (lost(bundle, policy), object) {
            (None, Some(object)) => {
                let object = tidy(object, policy.id.is_some());
                note_policy(bundle, policy, &object, &mut notes);
                policies.push(object);
            }
            (Some(what), _) => notes.push(left_out(policy, what)),
            (None, None) => notes.push(left_out(policy, "Graph would not list it")),
        }
    }
    bundle.locations.iter().for_each(|location| note_location(location, &mut notes));
    note_tenant((policies.len(), locations.len()), bundle, diagnostics, &mut notes);
    let strengths: Vec<_> = bundle.strengths.iter().map(strength).collect();
    let lists = [("namedLocations", locations), ("authenticationStrengthPolicies", strengths), ("policies", policies)];
    let document =
        lists.into_iter().filter(|(_, list)| !list.is_empty()).map(|(key, list)| (key.to_owned(), Value::Array(list)));
    Export { document: Value::Object(document.collect()), notes }
}

fn left_out(policy: &Policy, what: &str) -> Note {
    Note { weight: Weight::Loss, about: about(policy), what: format!("left out: {what}") }
}

fn about(policy: &Policy) -> String {
    format!("policy `{}`", policy.display_name.value)
}

/// Why Graph cannot hold the policy, if it cannot.
fn lost(bundle: &Bundle, policy: &Policy) -> Option<&'static str> {
    let users = &policy.conditions.users;
    let guests = [&users.include_guests, &users.exclude_guests];
    let is_personal =
        guests.into_iter().flatten().any(|guests| guests.types.contains(GuestType::PersonalMicrosoftAccount));
    if policy.is_deleted {
        Some("it is in the recycle bin")
    } else if bundle.settings.ignores(policy) {
        Some("`ignoredPolicies` names it: doorward does not represent all of it")
    } else if policy.when.is_some() {
        Some("Graph has no condition in Cedar")
    } else if policy.shaping.is_some() && !has_controls(policy) {
        Some("Graph has no words for `token` and `obligations`, and it has no other control")
    } else if is_personal {
        Some("Graph has no word for personal accounts")
    } else {
        None
    }
}

/// Whether it has a control that Graph knows.
fn has_controls(policy: &Policy) -> bool {
    policy.grant.as_ref().is_some_and(|grant| !grant.is_empty())
        || policy.session_controls != SessionControls::default()
        || policy.filtering_profile.is_some()
}

/// What is not a mistake, but has to be seen to.
fn note_policy(bundle: &Bundle, policy: &Policy, object: &Value, notes: &mut Vec<Note>) {
    if policy.shaping.is_some() {
        let what = "its `token` and `obligations` stay behind: Graph has no words for them".to_owned();
        notes.push(Note { weight: Weight::Loss, about: about(policy), what });
    }
    let mut remark = |what: String| notes.push(Note { weight: Weight::Remark, about: about(policy), what });
    if let Some(names) = listed(unidentified(bundle, &policy.conditions)) {
        remark(format!("Graph takes GUIDs, and these are none: {names}"));
    }
    if graph::to_v1(object.clone(), true).as_ref() != Some(object) {
        remark("v1.0 does not have all of it; create it with beta".to_owned());
    }
}

/// Names that stand where Graph wants a GUID.
fn unidentified(bundle: &Bundle, conditions: &Conditions) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut look = |id: &Id| {
        if !id.as_ref().is_guid() {
            names.insert(id.to_string());
        }
    };
    let users = &conditions.users;
    for target in users.include.iter().chain(&users.exclude) {
        if let UserTarget::Id(id) = &target.value {
            look(id);
        }
    }
    let lists = [&users.include_groups, &users.exclude_groups, &users.include_roles, &users.exclude_roles];
    lists.into_iter().flatten().for_each(|id| look(&id.value));
    for target in conditions.resources.include.iter().chain(&conditions.resources.exclude) {
        if let ResourceTarget::App(id) = &target.value {
            look(id);
        }
    }
    for scope in [&conditions.service_principals, &conditions.agent_identities] {
        for target in scope.include.iter().chain(&scope.exclude) {
            // A name of the catalogue is written as the id that it means.
            if let PrincipalTarget::Named(name) = &target.value
                && !bundle.principals.iter().any(|known| {
                    known.id.value.as_ref().is_guid()
                        && known.display_name.as_ref().is_some_and(|known| known.value == *name)
                })
            {
                look(&Id::new(name));
            }
        }
    }
    let without_guid = |name: &str| {
        let found = bundle.locations.iter().find(|location| is_called(location, name));
        found.is_some_and(|location| !location.id.as_ref().is_some_and(|id| id.value.as_ref().is_guid()))
    };
    for target in conditions.locations.include.iter().chain(&conditions.locations.exclude) {
        if let LocationTarget::Named(name) = &target.value
            && without_guid(name)
        {
            names.insert(name.to_string());
        }
    }
    names
}

fn is_called(location: &NamedLocation, name: &str) -> bool {
    location.display_name.value.as_ref() == name || location.id.as_ref().is_some_and(|id| id.value == Id::new(name))
}

fn listed(names: BTreeSet<String>) -> Option<String> {
    (!names.is_empty()).then(|| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
}

fn note_location(location: &NamedLocation, notes: &mut Vec<Note>) {
    let about = format!("named location `{}`", location.display_name.value);
    if let LocationKind::Ip { ranges, .. } = &location.kind
        && ranges.len() > limits::ENTRA_RANGES_MAX
    {
        let what =
            format!("it has {} ranges, and Entra takes {} in one location", ranges.len(), limits::ENTRA_RANGES_MAX);
        notes.push(Note { weight: Weight::Loss, about: about.clone(), what });
    }
    if location.id.is_none() {
        let what = "Graph gives it an id when it is created; put that id into the policies that name it".to_owned();
        notes.push(Note { weight: Weight::Remark, about, what });
    }
}

/// What is true of the tenant as a whole.
fn note_tenant(counts: (usize, usize), bundle: &Bundle, diagnostics: &Diagnostics, notes: &mut Vec<Note>) {
    let (policies, locations) = counts;
    let mut note = |weight, what: String| notes.push(Note { weight, about: "the bundle".to_owned(), what });
    for (count, most, noun) in [
        (policies, limits::ENTRA_POLICIES_MAX, "policies"),
        (locations, limits::ENTRA_LOCATIONS_MAX, "named locations"),
    ] {
        if count > most {
            note(Weight::Loss, format!("it has {count} {noun}, and Entra takes {most} in a tenant"));
        }
    }
    if diagnostics.iter().any(|diagnostic| diagnostic.rule.id == "strength-configuration") {
        let what =
            "combinations of authentication strengths that are restricted to certain keys or issuers are left out";
        note(Weight::Loss, what.to_owned());
    }
    let settings = &bundle.settings;
    if settings.default_decision == DefaultDecision::Block {
        note(Weight::Loss, "`defaultDecision: block` stays behind: Entra allows what no policy blocks".to_owned());
    }
    if settings.eligibility == Eligibility::All {
        let what = "`eligibility: all` stays behind: Entra skips managed identities and foreign service principals";
        note(Weight::Loss, what.to_owned());
    }
    if !settings.mfa_trusted_ips.is_empty() {
        let what = "`mfaTrustedIps` stay behind: they are set in the tenant's multifactor authentication settings";
        note(Weight::Remark, what.to_owned());
    }
    if settings.office365.is_some() || settings.microsoft_admin_portals.is_some() {
        note(Weight::Remark, "its own members of suites stay behind: in a tenant Microsoft decides them".to_owned());
    }
}

fn strength(strength: &AuthenticationStrength) -> Value {
    let mut object = Map::new();
    object.insert("@odata.type".to_owned(), json!("#microsoft.graph.authenticationStrengthPolicy"));
    object.insert("id".to_owned(), json!(strength.id.value));
    if let Some(name) = &strength.display_name {
        object.insert("displayName".to_owned(), json!(name));
    }
    if let Some(combinations) = &strength.allowed_combinations {
        let words = combinations.iter().map(|methods| methods.iter().map(Word::as_str).collect::<Vec<_>>().join(","));
        object.insert("allowedCombinations".to_owned(), words.collect());
    }
    Value::Object(object)
}

/// Without what says nothing or only doorward reads, and without an id that only rendering made up: Graph gives ids
/// itself.
fn tidy(mut object: Value, has_id: bool) -> Value {
    prune(&mut object);
    if let Value::Object(members) = &mut object {
        members.retain(|key, _| (has_id || key != "id") && !key.starts_with("@doorward."));
    }
    object
}

/// Takes out members that are null or an empty list, which mean the same as one that is missing.
fn prune(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.values_mut().for_each(prune);
            members.retain(|_, value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty()));
        }
        Value::Array(list) => list.iter_mut().for_each(prune),
        _ => {}
    }
}
