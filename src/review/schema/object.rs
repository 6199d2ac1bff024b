//! The parts that schemas are made of. Knows JSON Schema, and nothing of policies.

use serde_json::{Map, Value, json};

use super::{insert, spellings};
use crate::model::set::Word;

/// An object under construction. Its members may be null, which means the same as missing.
#[derive(Clone, Debug, Default)]
pub(super) struct Object {
    properties: Map<String, Value>,
    required: Vec<&'static str>,
}

impl Object {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// A member that may be left out or null, or, as exporters write an object of Graph without members, an empty list.
    pub(super) fn member(mut self, key: &'static str, description: &str, schema: Value) -> Self {
        let is_of_graph = schema.get("patternProperties").is_some();
        let mut forms = vec![schema, json!({ "type": "null" })];
        forms.extend(is_of_graph.then(|| json!({ "type": "array", "maxItems": 0 })));
        let schema = json!({ "description": description, "anyOf": forms });
        self.properties.insert(key.to_owned(), schema);
        self
    }

    /// A member that must be there.
    pub(super) fn required(mut self, key: &'static str, description: &str, schema: Value) -> Self {
        self.properties.insert(key.to_owned(), json!({ "description": description, "allOf": [schema] }));
        self.required.push(key);
        self
    }

    /// Members that are kept and decide nothing.
    pub(super) fn kept(mut self, keys: &[&str]) -> Self {
        self.properties
            .extend(keys.iter().map(|key| ((*key).to_owned(), json!({ "description": "Decides nothing." }))));
        self
    }

    /// The names of its members.
    pub(super) fn keys(&self) -> Vec<String> {
        self.properties.keys().cloned().collect()
    }

    /// The schema of an object of Graph; only annotations of OData may stand beside the members.
    pub(super) fn schema(self) -> Value {
        let mut schema = self.closed();
        insert(&mut schema, "patternProperties", json!({ "@odata[.]|^@microsoft[.]graph[.]": true }));
        schema
    }

    /// The schema; nothing may stand beside the members.
    pub(super) fn closed(self) -> Value {
        json!({
            "type": "object",
            "properties": self.properties,
            "required": self.required,
            "additionalProperties": false,
        })
    }

    /// The schema; anything may stand beside the members.
    pub(super) fn open(self) -> Value {
        json!({ "type": "object", "properties": self.properties, "required": self.required })
    }
}

/// Custom security attributes: sets of attributes by name.
pub(super) fn attributes() -> Value {
    let set = json!({ "type": ["object", "null"] });
    json!({ "type": "object", "patternProperties": { "@odata[.]": true }, "additionalProperties": set })
}

/// Any of `schemas`.
pub(super) fn any_of<const N: usize>(schemas: [Value; N]) -> Value {
    json!({ "anyOf": schemas.to_vec() })
}

/// The schema of the first condition that holds, so that an editor's complaint is about that one alone.
pub(super) fn dispatch<const N: usize>(cases: [(Value, Value); N], otherwise: Value) -> Value {
    cases
        .into_iter()
        .rev()
        .fold(otherwise, |otherwise, (condition, schema)| json!({ "if": condition, "then": schema, "else": otherwise }))
}

pub(super) fn text() -> Value {
    json!({ "type": "string" })
}

pub(super) fn boolean() -> Value {
    json!({ "type": "boolean" })
}

pub(super) fn list(element: Value) -> Value {
    json!({ "type": "array", "items": element })
}

pub(super) fn texts() -> Value {
    list(text())
}

/// One of a few words.
pub(super) fn word(all: &[&str]) -> Value {
    json!({ "type": "string", "enum": all })
}

/// One word of a vocabulary, but a few.
pub(super) fn words<T: Word>(except: &[T]) -> Value {
    word(&spellings(except))
}

/// Words of a vocabulary in one text, separated by commas.
pub(super) fn flags<T: Word>(except: &[T]) -> Value {
    let one = format!("({})", spellings(except).join("|"));
    any_of([words(except), json!({ "type": "string", "pattern": format!("^ *{one}( *, *{one})* *$") })])
}

/// Texts, some of which are known words: these are offered, any other is allowed.
pub(super) fn names(known: &[&str]) -> Value {
    list(any_of([word(known), text()]))
}
