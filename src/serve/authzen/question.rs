//! What an AuthZEN body asks, by its shape: subject, action, resource, context, whatever they mean.
//!
//! A body that has not the shape is refused here, by the path of the member at fault; what nobody knows is ignored.
//! Strictness of the JSON itself (repeated keys, UTF-8, numbers, depth) is that of the decision API. Start with
//! [`Parts`].
//!
//! Source: OpenID Authorization API 1.0 (AuthZEN), sections 5 and 6, read August 2026.

use std::collections::BTreeMap;

use prost::Message;
use prost_types::Value;
use prost_types::value::Kind;

use super::exchange;
use crate::model::decision::InputError;
use crate::serve::wire::json;
use crate::serve::wire::message::Object;

/// The members of an object.
pub type Fields = BTreeMap<String, Value>;
type Result<T> = std::result::Result<T, InputError>;

/// The members of a body.
///
/// # Errors
/// No JSON, no object, or JSON that two readers could read in two ways.
pub fn body(bytes: &[u8]) -> Result<Fields> {
    json::read::<Object>(bytes).map(|object| object.into_struct().fields)
}

/// A subject or resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Entity {
    /// Its type.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its properties.
    pub properties: Fields,
}

impl Entity {
    /// Whether `other` is the same one, whatever is said of the two.
    pub fn is(&self, other: &Self) -> bool {
        self.kind == other.kind && self.id == other.id
    }
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// Its name.
    pub name: String,
    /// Its properties.
    pub properties: Fields,
}

/// One question.
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// Who.
    pub subject: Entity,
    /// What is to be done.
    pub action: Action,
    /// With what.
    pub resource: Entity,
    /// Under which circumstances.
    pub context: Fields,
}

/// The four parts of a question, as far as they are there.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    /// Who.
    pub subject: Option<Fields>,
    /// What is to be done.
    pub action: Option<Fields>,
    /// With what.
    pub resource: Option<Fields>,
    /// Under which circumstances.
    pub context: Option<Fields>,
}

impl Parts {
    /// Takes the parts out of a body or item.
    ///
    /// # Errors
    /// A part that is no object.
    pub fn take(fields: &mut Fields) -> Result<Self> {
        let mut part = |key| object(fields, key, key);
        Ok(Self {
            subject: part("subject")?,
            action: part("action")?,
            resource: part("resource")?,
            context: part("context")?,
        })
    }

    /// The whole question.
    ///
    /// # Errors
    /// A member that is missing or of the wrong type.
    pub fn question(self) -> Result<Question> {
        let mut context = self.context.unwrap_or_default();
        // What a call as a whole says is nothing that one question can say of itself.
        exchange::NAMES.iter().flatten().for_each(|name| drop(context.remove(*name)));
        Ok(Question {
            subject: entity(self.subject, "subject")?,
            action: action(self.action)?,
            resource: entity(self.resource, "resource")?,
            context,
        })
    }
}

/// Reads a subject or resource called `path`.
fn entity(fields: Option<Fields>, path: &str) -> Result<Entity> {
    let mut fields = fields.ok_or_else(|| missing(path))?;
    let (kind, id) = (required(&mut fields, path, "type")?, required(&mut fields, path, "id")?);
    Ok(Entity { kind, id, properties: properties(&mut fields, path)? })
}

fn action(fields: Option<Fields>) -> Result<Action> {
    let mut fields = fields.ok_or_else(|| missing("action"))?;
    Ok(Action { name: required(&mut fields, "action", "name")?, properties: properties(&mut fields, "action")? })
}

fn properties(fields: &mut Fields, path: &str) -> Result<Fields> {
    object(fields, "properties", &format!("{path}.properties")).map(Option::unwrap_or_default)
}

fn required(fields: &mut Fields, path: &str, key: &str) -> Result<String> {
    let path = format!("{path}.{key}");
    text(fields, key, &path)?.ok_or_else(|| missing(&path))
}

fn missing(path: &str) -> InputError {
    InputError::invalid(path, "is required")
}

/// How much is said, bytes: about what it takes as a message.
pub fn weight(fields: &Fields) -> usize {
    fields.iter().map(|(name, value)| name.len() + value.encoded_len()).sum()
}

/// Takes the member `key`, which messages call `path`; one that is null is missing.
pub fn member(fields: &mut Fields, key: &str) -> Option<Kind> {
    fields.remove(key)?.kind.filter(|kind| !matches!(kind, Kind::NullValue(_)))
}

/// Takes a text.
pub fn text(fields: &mut Fields, key: &str, path: &str) -> Result<Option<String>> {
    match member(fields, key) {
        None => Ok(None),
        Some(Kind::StringValue(text)) => Ok(Some(text)),
        Some(_) => Err(InputError::invalid(path, "must be a string")),
    }
}

/// Takes an object.
pub fn object(fields: &mut Fields, key: &str, path: &str) -> Result<Option<Fields>> {
    match member(fields, key) {
        None => Ok(None),
        Some(Kind::StructValue(object)) => Ok(Some(object.fields)),
        Some(_) => Err(InputError::invalid(path, "must be an object")),
    }
}

/// Takes a list.
pub fn list(fields: &mut Fields, key: &str, path: &str) -> Result<Option<Vec<Value>>> {
    match member(fields, key) {
        None => Ok(None),
        Some(Kind::ListValue(list)) => Ok(Some(list.values)),
        Some(_) => Err(InputError::invalid(path, "must be an array")),
    }
}

/// The texts of a list of nothing but texts.
pub fn texts(values: &[Value]) -> Option<Vec<&str>> {
    values
        .iter()
        .map(|value| match &value.kind {
            Some(Kind::StringValue(text)) => Some(text.as_str()),
            _ => None,
        })
        .collect()
}
