//! Edits of a bundle's model: those that somebody made, and those that take one object away.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::location::Ranges;
use crate::model::policy::{LocationTarget, Policy};
use crate::model::{Bundle, Entities, Id, LocationKind, NamedLocation, State};
use crate::review::graph;
use crate::text::Spanned;
use crate::text::suggest::nearest;

/// What was edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Object {
    /// A policy.
    Policy,
    /// A named location.
    Location,
    /// Service principals, authentication strengths and entities of the bundle, taken together.
    Catalogue,
    /// `bundle.yaml`.
    Settings,
    /// The content of the country database, which no model holds.
    Countries,
}

impl Object {
    /// In people's words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Location => "location",
            Self::Catalogue => "catalogue",
            Self::Settings => "settings",
            Self::Countries => "country database",
        }
    }
}

/// How it was edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EditKind {
    /// It is new.
    Added,
    /// It is there no more.
    Removed,
    /// It says something else.
    Changed,
}

impl EditKind {
    /// In a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
        }
    }
}

/// One edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What was edited.
    pub object: Object,
    /// Its name; empty for catalogue and settings.
    pub name: String,
    /// How.
    pub kind: EditKind,
    /// The policies that name it, before or after, in bundle order, none twice; of a location only.
    pub named_by: Vec<NamedBy>,
}

/// A policy that names a location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedBy {
    /// Its name.
    pub policy: String,
    /// Its state.
    pub state: State,
    /// How it names the location: `included`, `excluded`, and the same `as trusted` where it names `AllTrusted`.
    pub how: Vec<&'static str>,
}

/// Nothing, or more than one object, has the name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSuch {
    /// Nothing has it.
    #[error("no {} is called `{name}`{}", object.as_str(), near.as_ref().map_or(String::new(), |near| format!("; did you mean `{near}`?")))]
    Unknown {
        /// What was looked for.
        object: Object,
        /// The name.
        name: String,
        /// A name that is near.
        near: Option<String>,
    },
    /// Several have it.
    #[error("several have the name `{name}` ({}); use the id", object.as_str())]
    Ambiguous {
        /// What was looked for.
        object: Object,
        /// The name.
        name: String,
    },
}

/// `model` as if the policy `name`, by id or name, was not there: it is disabled, so that test cases can still name it.
///
/// Errors: no policy, or more than one, is called so.
pub fn without_policy(model: &Bundle, name: &str) -> Result<(Bundle, Edit), NoSuch> {
    let names =
        model.policies.iter().map(|policy| (policy.id.as_ref().map(|id| &*id.value), &*policy.display_name.value));
    let place = find(Object::Policy, names, name)?;
    let mut model = model.clone();
    let mut edit = Edit { object: Object::Policy, name: String::new(), kind: EditKind::Removed, named_by: Vec::new() };
    if let Some(policy) = model.policies.get_mut(place) {
        policy.state = State::Disabled;
        edit.name = policy.display_name.value.to_string();
    }
    Ok((model, edit))
}

/// `model` as if nothing was known to lie in the location `name`, by id or name: its ranges or countries are emptied, and
/// the compliant network becomes a location without ranges. Policies name it as before, so what excludes it excludes
/// nobody and what includes it includes nobody; of a request without an address it is as unknown as before whether it
/// comes from there.
///
/// Errors: no location, or more than one, is called so.
pub fn without_location(model: &Bundle, name: &str) -> Result<(Bundle, Edit), NoSuch> {
    let ids: Vec<_> = model.locations.iter().map(|it| it.id.as_ref().map(|id| id.value.to_string())).collect();
    let names = model.locations.iter().zip(&ids).map(|(it, id)| (id.as_deref(), &*it.display_name.value));
    let place = find(Object::Location, names, name)?;
    let mut edited = model.clone();
    let mut edit =
        Edit { object: Object::Location, name: String::new(), kind: EditKind::Removed, named_by: Vec::new() };
    if let (Some(location), Some(emptied)) = (model.locations.get(place), edited.locations.get_mut(place)) {
        edit.name = location.display_name.value.to_string();
        edit.named_by = model.policies.iter().filter_map(|policy| named_by(policy, location)).collect();
        match &mut emptied.kind {
            LocationKind::Ip { ranges, .. } => *ranges = Ranges::default(),
            LocationKind::Country { countries, include_unknown, .. } => {
                countries.clear();
                *include_unknown = false;
            }
            LocationKind::CompliantNetwork { is_trusted } => {
                emptied.kind = LocationKind::Ip { ranges: Ranges::default(), is_trusted: *is_trusted };
            }
            LocationKind::Unjudgeable { .. } => {}
        }
    }
    Ok((edited, edit))
}

/// The place of the object called `name`, among ids and names: an id goes before a name.
fn find<'n>(
    object: Object,
    names: impl Iterator<Item = (Option<&'n str>, &'n str)> + Clone,
    name: &str,
) -> Result<usize, NoSuch> {
    let wanted = Id::new(name);
    let has_id = |(_, (id, _)): &(usize, (Option<&str>, &str))| id.is_some_and(|id| Id::new(id) == wanted);
    let by_name: Vec<_> = names.clone().enumerate().filter(|(_, (_, other))| *other == name).collect();
    match (names.clone().enumerate().find(has_id), by_name.as_slice()) {
        (Some((place, _)), _) => Ok(place),
        (None, [(place, _)]) => Ok(*place),
        (None, []) => {
            let near = nearest(name, names.map(|(_, other)| other)).map(str::to_owned);
            Err(NoSuch::Unknown { object, name: name.to_owned(), near })
        }
        (None, _) => Err(NoSuch::Ambiguous { object, name: name.to_owned() }),
    }
}

/// Everything that differs between two models, as far as it means something: policies, then locations, by name.
pub fn edits(before: &Bundle, after: &Bundle) -> Vec<Edit> {
    let mut edits = Vec::new();
    let policies = |bundle: &Bundle| {
        let named = bundle.policies.iter().zip(graph::policies(bundle));
        keyed(named.map(|(policy, shape)| {
            let key = policy.id.as_ref().unwrap_or(&policy.display_name);
            (key.value.to_string(), policy.display_name.value.to_string(), shape.unwrap_or_default())
        }))
    };
    edits.extend(differing(Object::Policy, policies(before), policies(after)));
    let locations = |bundle: &Bundle| {
        keyed(bundle.locations.iter().zip(graph::locations(bundle)).map(|(location, shape)| {
            let name = location.display_name.value.to_string();
            (location.id.as_ref().map_or_else(|| name.clone(), |id| id.value.to_string()), name, shape)
        }))
    };
    let mut of_locations = differing(Object::Location, locations(before), locations(after));
    for edit in &mut of_locations {
        for bundle in [before, after] {
            let named = bundle.locations.iter().filter(|location| *location.display_name.value == *edit.name);
            for location in named {
                let found = bundle.policies.iter().filter_map(|policy| named_by(policy, location));
                let is_new = |by: &NamedBy| !edit.named_by.iter().any(|known| known.policy == by.policy);
                let found: Vec<_> = found.filter(is_new).collect();
                edit.named_by.extend(found);
            }
        }
    }
    edits.extend(of_locations);
    let other = |object| Edit { object, name: String::new(), kind: EditKind::Changed, named_by: Vec::new() };
    edits.extend((catalogue(before) != catalogue(after)).then(|| other(Object::Catalogue)));
    edits.extend((settings(before) != settings(after)).then(|| other(Object::Settings)));
    edits
}

/// Objects by what makes them the same, with name and content.
type Keyed = BTreeMap<String, (String, Vec<Value>)>;

fn keyed(objects: impl Iterator<Item = (String, String, Value)>) -> Keyed {
    let mut all = Keyed::new();
    for (key, name, shape) in objects {
        all.entry(key).or_insert_with(|| (name, Vec::new())).1.push(shape);
    }
    all
}

fn differing(object: Object, before: Keyed, mut after: Keyed) -> Vec<Edit> {
    let edit = |name: String, kind| Edit { object, name, kind, named_by: Vec::new() };
    let mut edits = Vec::new();
    for (key, (name, shapes)) in before {
        match after.remove(&key) {
            None => edits.push(edit(name, EditKind::Removed)),
            Some((_, others)) if others == shapes => {}
            Some((name, _)) => edits.push(edit(name, EditKind::Changed)),
        }
    }
    edits.extend(after.into_values().map(|(name, _)| edit(name, EditKind::Added)));
    edits.sort_by(|one, other| one.name.cmp(&other.name));
    edits
}

fn catalogue(bundle: &Bundle) -> Vec<String> {
    let told = |entry: &crate::model::ServicePrincipal| {
        let crate::model::ServicePrincipal {
            id, app_id, display_name, kind, owner_tenant, audience, attributes, ..
        } = entry;
        let name = display_name.as_ref().map(|name| &name.value);
        format!("{} {app_id:?} {name:?} {kind:?} {owner_tenant:?} {audience:?} {attributes:?}", id.value)
    };
    let mut all: Vec<_> = bundle.principals.iter().map(told).collect();
    all.extend(
        bundle.strengths.iter().map(|strength| format!("{} {:?}", strength.id.value, strength.allowed_combinations)),
    );
    let Entities { subjects, resources, actions } = &bundle.entities;
    for (list, entities) in [("subject", subjects), ("resource", resources), ("action", actions)] {
        all.extend(
            entities
                .iter()
                .map(|entity| format!("{list} {} {} {:?}", entity.kind.value, entity.id.value, entity.properties)),
        );
    }
    all.sort();
    all
}

/// The settings that decide something.
fn settings(bundle: &Bundle) -> String {
    let own = &bundle.settings;
    let database = own.country_database.as_ref().map(|name| &name.value);
    format!(
        "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {database:?}",
        own.tenant_id,
        own.default_decision,
        own.missing_ip,
        own.eligibility,
        own.mfa_trusted_ips,
        own.office365,
        own.microsoft_admin_portals,
        own.subject_types
    )
}

/// How `policy` names `location`; `None` when it does not.
fn named_by(policy: &Policy, location: &NamedLocation) -> Option<NamedBy> {
    let is_trusted = matches!(
        &location.kind,
        LocationKind::Ip { is_trusted: true, .. } | LocationKind::CompliantNetwork { is_trusted: true }
    );
    let is_own = |target: &LocationTarget| {
        matches!(target, LocationTarget::Named(name) if **name == *location.display_name.value
            || location.id.as_ref().is_some_and(|id| id.value == Id::new(name)))
    };
    let locations = &policy.conditions.locations;
    let lists: [(&[Spanned<LocationTarget>], &str, &str); 2] = [
        (&locations.include, "included", "included as trusted"),
        (&locations.exclude, "excluded", "excluded as trusted"),
    ];
    let mut how = Vec::new();
    for (list, by_name, as_trusted) in lists {
        how.extend(list.iter().any(|target| is_own(&target.value)).then_some(by_name));
        let all_trusted = || list.iter().any(|target| target.value == LocationTarget::AllTrusted);
        how.extend((is_trusted && all_trusted()).then_some(as_trusted));
    }
    let policy = || NamedBy { policy: policy.display_name.value.to_string(), state: policy.state, how: how.clone() };
    (!how.is_empty()).then(policy)
}
