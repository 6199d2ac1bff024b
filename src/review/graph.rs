//! The policies and named locations of a bundle as Microsoft Graph writes them.
//!
//! Pure: from the model to JSON values. What a bundle leaves out has Graph's default, names stand as the ids that they
//! mean, properties that decide nothing come back as they were written, and what is rendered loads again to the same
//! decisions (a property test). What the model does not hold cannot come back: host bits of prefixes, the order and
//! spelling of words in a list, `None` beside other entries, and values that a disabled policy was warned about. Graph has
//! no custom conditions, and no words for claims and obligations: they come out as the annotations `@doorward.when`,
//! `@doorward.token` and `@doorward.obligations`, which are not read again.
//!
//! [`policies`] and [`locations`] render Graph's beta, which has everything; [`to_v1`] takes out what v1.0 does not have.
//! Enumerations are written in full, as Graph does for `Prefer: include-unknown-enum-members`.
//!
//! Source: Microsoft Graph metadata and reference, v1.0 and beta, read August 2026.

mod location;
mod policy;

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::model::location::Kept;
use crate::model::{Bundle, Id, NamedLocation};

/// A version of Microsoft Graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// v1.0.
    V1,
    /// beta.
    Beta,
}

impl Version {
    /// As paths have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1.0",
            Self::Beta => "beta",
        }
    }
}

/// Every policy in bundle order; `None` for one that Graph would not list: in the recycle bin, or ignored because
/// doorward cannot represent it. Cost: linear in the bundle.
pub fn policies(bundle: &Bundle) -> impl Iterator<Item = Option<Value>> {
    let names = Names::new(bundle);
    bundle.policies.iter().map(move |policy| {
        (!policy.is_deleted && !bundle.settings.ignores(policy)).then(|| policy::policy(policy, &names))
    })
}

/// Every named location in bundle order. Cost: linear in the bundle.
pub fn locations(bundle: &Bundle) -> impl Iterator<Item = Value> {
    let names = Names::new(bundle);
    bundle.locations.iter().enumerate().map(move |(index, location)| location::location(location, names.ids.get(index)))
}

/// The form in which ids of objects are compared: GUIDs in lower case, other texts as they are.
pub fn canonical(id: &str) -> String {
    Id::new(id).to_string()
}

/// What only beta has: members of policies and their parts.
const BETA_MEMBERS: &[(&str, &[&str])] = &[
    ("", &["partialEnablementStrategy"]),
    ("/conditions", &["agentIdRiskLevels", "deviceStates", "clients", "times", "signInRiskDetections"]),
    (
        "/conditions/clientApplications",
        &["includeAgentIdServicePrincipals", "excludeAgentIdServicePrincipals", "agentIdServicePrincipalFilter"],
    ),
    ("/conditions/applications", &["networkAccess", "globalSecureAccess"]),
    ("/conditions/devices", &["includeDevices", "excludeDevices", "includeDeviceStates", "excludeDeviceStates"]),
    (
        "/sessionControls",
        &["continuousAccessEvaluation", "globalSecureAccessFilteringProfile", "networkAccessSecurity"],
    ),
];

/// Takes out of a policy or location what v1.0 does not have; `None` when v1.0 has no such object at all: a kind of
/// named location that only beta knows. `keeps_nulls` leaves members in that say nothing, as Microsoft's examples of What
/// If on v1.0 do.
pub fn to_v1(mut object: Value, keeps_nulls: bool) -> Option<Value> {
    let odata_type = object.get("@odata.type").and_then(Value::as_str);
    let is_beta = odata_type.is_some_and(|odata_type| {
        odata_type.ends_with("NamedLocation")
            && !odata_type.ends_with(".ipNamedLocation")
            && !odata_type.ends_with(".countryNamedLocation")
    });
    if is_beta {
        return None;
    }
    for (part, members) in BETA_MEMBERS {
        if let Some(Value::Object(part)) = object.pointer_mut(part) {
            part.retain(|key, value| !members.contains(&key.as_str()) || (keeps_nulls && value.is_null()));
        }
    }
    Some(object)
}

/// What references mean.
struct Names<'b> {
    /// The id that each location has in Graph's shape; `None` for one that nothing could refer to by it.
    ids: Vec<Option<String>>,
    locations_by_id: HashSet<Id>,
    locations_by_name: HashMap<&'b str, usize>,
    principals_by_id: HashSet<&'b Id>,
    principals_by_name: HashMap<&'b str, &'b Id>,
}

impl<'b> Names<'b> {
    fn new(bundle: &'b Bundle) -> Self {
        let own = |location: &NamedLocation| location.id.as_ref().map(|id| id.value.clone());
        let mut taken: HashSet<Id> = bundle.locations.iter().filter_map(own).collect();
        let locations_by_id = taken.clone();
        // WHY: a location written without an id is known by its name, as a policy is. A second one of that name can be
        // referred to by nobody, and gets none: with it the bundle would not load again.
        let ids = bundle.locations.iter().map(|location| {
            let name = &location.display_name.value;
            own(location).map(|id| id.to_string()).or_else(|| taken.insert(Id::new(name)).then(|| name.to_string()))
        });
        let ids = ids.collect();
        let mut names = Self {
            ids,
            locations_by_id,
            locations_by_name: HashMap::new(),
            principals_by_id: bundle.principals.iter().map(|principal| &principal.id.value).collect(),
            principals_by_name: HashMap::new(),
        };
        for (index, location) in bundle.locations.iter().enumerate() {
            names.locations_by_name.entry(&location.display_name.value).or_insert(index);
        }
        for principal in &bundle.principals {
            if let Some(name) = &principal.display_name {
                names.principals_by_name.entry(&name.value).or_insert(&principal.id.value);
            }
        }
        names
    }

    /// The id of the location that a policy calls `name`.
    fn location(&self, name: &str) -> String {
        let id = Id::new(name);
        if self.locations_by_id.contains(&id) {
            return id.to_string();
        }
        let named = self.locations_by_name.get(name).and_then(|index| self.ids.get(*index)?.clone());
        named.unwrap_or_else(|| id.to_string())
    }

    /// The object id of the principal that a policy calls `name`.
    fn principal(&self, name: &str) -> String {
        let id = Id::new(name);
        if id.as_ref().is_guid() || self.principals_by_id.contains(&id) {
            return id.to_string();
        }
        self.principals_by_name.get(name).map_or(id.to_string(), |id| id.to_string())
    }
}

/// Puts kept properties back where they were written, unless something stands there.
fn lay(object: &mut Value, kept: &[Kept]) {
    for Kept { path, json, .. } in kept {
        // What told where a whole document came from is not true of its parts.
        if **path == *"@odata.context" {
            continue;
        }
        let Ok(value) = serde_json::from_str::<Value>(json) else { continue };
        let mut place = &mut *object;
        for key in keys(path) {
            if place.is_null() {
                *place = Value::Object(serde_json::Map::new());
            }
            // A part of a list's element has no place of its own.
            let Value::Object(members) = place else { break };
            place = members.entry(key).or_insert(Value::Null);
        }
        if place.is_null() {
            *place = value;
        }
    }
}

/// The keys of a path; an annotation such as `authenticationStrength@odata.context` is one key with its dots.
fn keys(path: &str) -> Vec<&str> {
    let annotation =
        path.find('@').map(|at| path.get(..at).and_then(|before| before.rfind('.')).map_or(0, |dot| dot + 1));
    match annotation.map(|start| path.split_at(start)) {
        Some((before, key)) => before.split('.').filter(|part| !part.is_empty()).chain([key]).collect(),
        None => path.split('.').collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_is_one_key() {
        assert_eq!(keys("conditions.times"), ["conditions", "times"]);
        assert_eq!(keys("@odata.type"), ["@odata.type"]);
        assert_eq!(keys("a.b@odata.context"), ["a", "b@odata.context"]);
        assert_eq!(keys("a.@microsoft.graph.tips"), ["a", "@microsoft.graph.tips"]);
    }
}
