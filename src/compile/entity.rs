//! The catalogue of entities in its compiled form: found by what requests name.
//!
//! An identity is one entity whatever type a caller gives it, so two types of one kind share their ids. What properties
//! decide, conditions in Cedar say.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::idmap::IdMap;
use super::rules;
use crate::model::bundle::Bundle;
use crate::model::request::{Target, TokenRequest};
use crate::model::set::Word;
use crate::model::{Entities, Entity, IdRef, IdentityKind, Property, SubjectTypes};
use crate::text::{Diagnostic, Diagnostics, Spanned, suggest};

/// Places in a list, by a text.
type Places = HashMap<Box<str>, u32, RandomState>;

/// The entities of a bundle.
#[derive(Debug, Default)]
pub struct EntityTable {
    types: SubjectTypes,
    entities: Entities,
    /// By the index of the kind of identity.
    subjects: Vec<IdMap<u32>>,
    resources: HashMap<Box<str>, Places, RandomState>,
    actions: Places,
}

impl EntityTable {
    /// Tabulates the entities of `bundle`; of two that are one the first stands. What is wrong goes to `diagnostics`.
    pub(super) fn new(bundle: &mut Bundle, diagnostics: &mut Diagnostics) -> Self {
        let mut table = Self {
            types: std::mem::take(&mut bundle.settings.subject_types),
            entities: std::mem::take(&mut bundle.entities),
            subjects: IdentityKind::ALL.iter().map(|_| IdMap::default()).collect(),
            ..Self::default()
        };
        for (place, entity) in (0..).zip(&table.entities.subjects) {
            let Some(kind) = table.types.kind(&entity.kind.value) else {
                diagnostics.push(unknown_type(&entity.kind, &table.types));
                continue;
            };
            let Some(ids) = table.subjects.get_mut(kind.index()) else { continue };
            let first = *ids.entry(IdRef::new(&entity.id.value), || place);
            told_twice(&table.entities.subjects, (first, place), entity, diagnostics);
        }
        for (place, entity) in (0..).zip(&table.entities.resources) {
            let ids = table.resources.entry(entity.kind.value.clone()).or_default();
            let first = *ids.entry(entity.id.value.clone()).or_insert(place);
            told_twice(&table.entities.resources, (first, place), entity, diagnostics);
        }
        for (place, entity) in (0..).zip(&table.entities.actions) {
            let first = *table.actions.entry(entity.id.value.clone()).or_insert(place);
            told_twice(&table.entities.actions, (first, place), entity, diagnostics);
        }
        table
    }

    /// Which kind of identity callers mean by the type of a subject.
    pub fn subject_types(&self) -> &SubjectTypes {
        &self.types
    }

    /// All of them, in bundle order.
    pub fn all(&self) -> &Entities {
        &self.entities
    }

    /// The entity of an identity.
    pub fn subject(&self, kind: IdentityKind, id: IdRef<'_>) -> Option<&Entity> {
        let place = *self.subjects.get(kind.index())?.value(id)?;
        self.entities.subjects.get(place as usize)
    }

    /// The properties of all entities that `request` names: its identity, target and action. Cost: three look-ups.
    pub(crate) fn named_by<'t>(
        &'t self,
        request: &TokenRequest<'_>,
    ) -> impl Iterator<Item = (&'t str, &'t Property)> + use<'t> {
        let subject = self.subject(request.identity.kind, request.identity.id);
        let resource = request.resource.target.and_then(|target| self.resource(target));
        let action = request.action.and_then(|name| self.entities.actions.get(*self.actions.get(name)? as usize));
        let named = [subject, resource, action].into_iter().flatten();
        named.flat_map(|entity| entity.properties.iter().map(|(name, value)| (&**name, value)))
    }

    fn resource(&self, target: Target<'_>) -> Option<&Entity> {
        let place = *self.resources.get(target.kind)?.get(target.id)?;
        self.entities.resources.get(place as usize)
    }
}

fn told_twice(all: &[Entity], (first, place): (u32, u32), entity: &Entity, diagnostics: &mut Diagnostics) {
    if first != place {
        let what = format!("a second entity `{}`", entity.id.value);
        let help = "keep one of them, with all properties";
        let mut diagnostic = Diagnostic::new(&rules::DUPLICATE_ENTITY, entity.id.span, what).help(help);
        if let Some(first) = all.get(first as usize) {
            diagnostic = diagnostic.related(first.id.span, "the first");
        }
        diagnostics.push(diagnostic);
    }
}

fn unknown_type(kind: &Spanned<Box<str>>, types: &SubjectTypes) -> Diagnostic {
    let what = format!("`{}` is no type of subject", kind.value);
    let help = match suggest::nearest(&kind.value, types.all().map(|(name, _)| name)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("write `subjectTypes: {{ {}: user }}` in bundle.yaml, or another kind of identity", kind.value),
    };
    Diagnostic::new(&rules::UNKNOWN_VALUE, kind.span, what).help(help)
}
