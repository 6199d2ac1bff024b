//! Reads the catalogue of entities: `entities: { subjects: [...], resources: [...], actions: [...] }`.
//!
//! Knows shapes alone; what types of subjects mean, and which entity there is twice, `compile::entity` says.

use super::super::bound::Kind;
use super::super::rules;
use super::object::{Context, Object, Path, wrong_type};
use crate::limits;
use crate::model::{Entities, Entity, Id, Property};
use crate::text::{Diagnostic, Node, Spanned, Value};

/// The three lists of `node`, and what is in them.
pub fn lists<'n>(node: &'n Node<'_>, context: &mut Context) -> [(List, &'n [Node<'n>]); 3] {
    let Some(mut object) = Object::new(node, Path::default().join("entities"), context) else {
        return [(SUBJECT, &[]), (RESOURCE, &[]), (ACTION, &[])];
    };
    let lists = [("subjects", SUBJECT), ("resources", RESOURCE), ("actions", ACTION)];
    let lists = lists.map(|(key, list)| (list, object.list(key, context)));
    object.finish(&rules::UNKNOWN_SETTING, context);
    lists
}

/// One of the three lists.
#[derive(Clone, Copy, Debug)]
pub struct List {
    /// What its properties are called by, and what messages call its members by.
    prefix: &'static str,
    /// How messages call one of them.
    name: &'static str,
    /// Whether it has a type and an id, or a name alone.
    has_type: bool,
    kind: Kind,
    of: fn(&mut Entities) -> &mut Vec<Entity>,
}

const SUBJECT: List = List {
    prefix: "subject",
    name: "a subject",
    has_type: true,
    kind: Kind::Subjects,
    of: |entities| &mut entities.subjects,
};
const RESOURCE: List = List {
    prefix: "resource",
    name: "a resource",
    has_type: true,
    kind: Kind::Resources,
    of: |entities| &mut entities.resources,
};
const ACTION: List = List {
    prefix: "action",
    name: "an action",
    has_type: false,
    kind: Kind::Actions,
    of: |entities| &mut entities.actions,
};

impl List {
    /// What it is a list of.
    pub fn kind(self) -> Kind {
        self.kind
    }

    /// The list in the model.
    pub fn of(self, entities: &mut Entities) -> &mut Vec<Entity> {
        (self.of)(entities)
    }

    /// Reads `node`, a member of the list.
    pub fn entity(self, node: &Node<'_>, context: &mut Context) -> Option<Entity> {
        let mut object = Object::new(node, Path::default().join(self.prefix), context)?;
        let mut required = |key, context: &mut Context| {
            let text = object.text(key, context).filter(|text| !Id::is_blank(text.value));
            if text.is_none() {
                let what = format!("{} without `{key}`", self.name);
                context.report(Diagnostic::new(&rules::MISSING_PROPERTY, node.span, what));
            }
            text.map(|text| Spanned::new(Box::from(text.value), text.span))
        };
        let (kind, id) = match self.has_type {
            true => (required("type", context), required("id", context)),
            false => (Some(Spanned::new("".into(), node.span)), required("name", context)),
        };
        let properties = object.member("properties").map(|node| self.properties(node, context)).unwrap_or_default();
        object.finish(&rules::UNKNOWN_PROPERTY, context);
        Some(Entity { kind: kind?, id: id?, properties })
    }

    fn properties(self, node: &Node<'_>, context: &mut Context) -> Vec<(Box<str>, Property)> {
        let Some(entries) = node.as_map() else {
            context.report(wrong_type(node, format!("{}.properties", self.prefix), "an object"));
            return Vec::new();
        };
        if entries.len() > limits::ENTITY_PROPERTIES_MAX {
            let what = format!("{} with more than {} properties", self.name, limits::ENTITY_PROPERTIES_MAX);
            context.report(Diagnostic::new(&rules::TOO_MANY, node.span, what));
        }
        let mut properties = Vec::with_capacity(entries.len());
        // What is null is as good as missing.
        for entry in entries.iter().filter(|entry| entry.node.value != Value::Null) {
            match property(&entry.node) {
                Some(value) => properties.push((format!("{}.{}", self.prefix, entry.key).into(), value)),
                None => context.report(wrong_type(
                    &entry.node,
                    format!("{}.properties.{}", self.prefix, entry.key),
                    "text, a whole number, a boolean or a list of text",
                )),
            }
        }
        properties
    }
}

fn property(node: &Node<'_>) -> Option<Property> {
    match &node.value {
        Value::String(text) => Some(Property::Text(text.as_ref().into())),
        Value::Bool(flag) => Some(Property::Flag(*flag)),
        // Numbers that JSON readers agree on: doubles have every whole one below 2^53.
        Value::Integer(number) => (number.unsigned_abs() < 1 << 53).then_some(Property::Number(*number)),
        Value::List(nodes) => {
            let texts: Option<Vec<_>> = nodes.iter().map(|node| node.as_str().map(Box::from)).collect();
            texts.map(Property::Texts)
        }
        _ => None,
    }
}
