//! JSON in the shape of the protobuf messages.
//!
//! The generated types carry serde attributes that point here: enums are spelled as Microsoft Graph spells them, `null`
//! is absent, and free objects are `google.protobuf.Struct`. Reading is strict: unknown fields, repeated keys and deep
//! nesting are refused. A problem is first met on the fast way; only then is the body read again to name the field.
//! Nothing here knows what a field means.

use std::collections::btree_map::{BTreeMap, Entry};
use std::fmt;
use std::marker::PhantomData;

use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value};
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value as Json};

use super::spelling::Spelling;
use crate::limits;
use crate::model::decision::InputError;
use crate::text::suggest;

/// The field that errors name when the document as a whole is wrong.
const WHOLE: &str = "request";

/// Reads a message that borrows from `body`.
///
/// Errors name the field that cannot be used by its path in the document; they hold no values of it.
/// Cost: one pass; a second one only to say what is wrong.
pub fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, InputError> {
    // WHY: one look at the whole body is cheaper than one at each text in it.
    let text = std::str::from_utf8(body).map_err(|_| InputError::invalid(WHOLE, "is not valid UTF-8"))?;
    serde_json::from_str(text).map_err(|_| explain::<T>(body))
}

/// Writes a message.
pub fn write<T: Serialize>(message: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(512);
    // INVARIANT: messages have string keys and no fallible serializers, and a `Vec` takes every byte.
    let _ = serde_json::to_writer(&mut bytes, message);
    bytes
}

/// A free object as JSON.
pub fn to_map(object: &Struct) -> Map<String, Json> {
    match serde_json::to_value(FreeMap(&object.fields)) {
        Ok(Json::Object(map)) => map,
        // INVARIANT: an object is one, and has string keys.
        _ => Map::new(),
    }
}

fn explain<'a, T: Deserialize<'a>>(body: &'a [u8]) -> InputError {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let (path, error) = match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Ok(_) => (String::new(), deserializer.end().err()),
        Err(error) => (error.path().to_string(), Some(error.into_inner())),
    };
    let Some(error) = error else {
        return InputError::invalid(WHOLE, "cannot be read");
    };
    if !error.is_data() {
        let place = format!(" at line {} column {}", error.line(), error.column());
        return InputError::invalid(WHOLE, format!("is not valid JSON{place}"));
    }
    let path = if path == "." { String::new() } else { path };
    let (key, problem) = problem(&error.to_string());
    let field = match (path.is_empty(), key) {
        (true, None) => WHOLE.to_owned(),
        // WHY: JSON has a key without a character; a field is always named.
        (true, Some(key)) if key.is_empty() => WHOLE.to_owned(),
        (true, Some(key)) => key,
        (false, None) => path,
        (false, Some(key)) => format!("{path}.{key}"),
    };
    InputError::invalid(field, problem)
}

/// What a data error of serde says, without the values that it quotes, and the key it is about if that is missing in
/// the path.
fn problem(message: &str) -> (Option<String>, String) {
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
    // WHY: the last one, because what comes before it may quote the request.
    let expected = message.rfind("expected ").and_then(|start| message.get(start + "expected ".len()..));
    if message.starts_with("unknown field") {
        let quoted = message.rfind("`, expected ").and_then(|end| message.get("unknown field `".len()..end));
        let wanted = quoted.unwrap_or_default();
        let known = expected.unwrap_or_default().split('`').skip(1).step_by(2);
        let near = suggest::nearest(wanted, known);
        let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        return (Some(wanted.to_owned()), format!("is not a known field{hint}"));
    }
    if let Some(key) = message.strip_prefix(TWICE) {
        return (Some(key.trim_matches('`').to_owned()), "is given twice".to_owned());
    }
    let problem = match expected {
        Some("a sequence") => "must be a list".to_owned(),
        Some("a map") => "must be an object".to_owned(),
        Some(expected) if message.starts_with("invalid ") => format!("must be {expected}"),
        _ => message.to_owned(),
    };
    (None, problem)
}

/// How serde begins to tell of a key that an object holds twice.
const TWICE: &str = "duplicate field ";

/// Whether an enum field is not set.
pub(crate) const fn is_absent(number: &i32) -> bool {
    *number == 0
}

/// A list; `null` is the empty one.
pub(crate) fn list<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Option::<Vec<T>>::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// An enum field: the number in the message, the word in JSON.
pub(crate) struct Word<W>(PhantomData<W>);

impl<W: Spelling> Word<W> {
    pub(crate) fn serialize<S: Serializer>(number: &i32, serializer: S) -> Result<S::Ok, S::Error> {
        match W::of_number(*number) {
            Some(word) => serializer.serialize_str(word.text()),
            // WHY: a number that nobody knows is refused before it is decided, and the log must still show it.
            None => serializer.serialize_i32(*number),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
        deserializer.deserialize_option(Self(PhantomData))
    }
}

impl<'de, W: Spelling> Visitor<'de> for Word<W> {
    type Value = i32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_none<E: Error>(self) -> Result<i32, E> {
        Ok(0)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<i32, D::Error> {
        deserializer.deserialize_str(self)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<i32, E> {
        W::number_of(text).ok_or_else(|| {
            let known = W::MEMBERS.iter().map(|word| word.text());
            E::custom(match suggest::nearest(text, known.clone()) {
                Some(near) => format!("is not a known value; did you mean `{near}`?"),
                None => format!("must be one of {}", known.collect::<Vec<_>>().join(", ")),
            })
        })
    }
}

/// A list of enum values.
pub(crate) struct Words<W>(PhantomData<W>);

impl<W: Spelling> Words<W> {
    pub(crate) fn serialize<S: Serializer>(numbers: &[i32], serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(numbers.len()))?;
        for number in numbers {
            match W::of_number(*number) {
                Some(word) => list.serialize_element(word.text())?,
                None => list.serialize_element(number)?,
            }
        }
        list.end()
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<i32>, D::Error> {
        list::<Text<W>, D>(deserializer).map(|words| words.into_iter().map(|word| word.0).collect())
    }
}

struct Text<W>(i32, PhantomData<W>);

impl<'de, W: Spelling> Deserialize<'de> for Text<W> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Word::<W>(PhantomData)).map(|number| Self(number, PhantomData))
    }
}

/// A free object.
pub(crate) fn free<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Struct, D::Error> {
    Free::deserialize(deserializer).map(|object| object.0)
}

/// `google.protobuf.Struct` as an object.
pub(crate) mod structure {
    use super::{Deserialize, Deserializer, Free, FreeMap, Serialize, Serializer, Struct};

    pub(crate) fn serialize<S: Serializer>(value: &Option<Struct>, serializer: S) -> Result<S::Ok, S::Error> {
        value.as_ref().map(|value| FreeMap(&value.fields)).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Struct>, D::Error> {
        Option::<Free>::deserialize(deserializer).map(|value| value.map(|value| value.0))
    }
}

/// A whole object.
struct Free(Struct);

impl<'de> Deserialize<'de> for Free {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Nested { depth: 0, expected: "an object" }).and_then(|value| match value.kind {
            Some(Kind::StructValue(value)) => Ok(Self(value)),
            _ => Err(D::Error::custom("must be an object")),
        })
    }
}

/// A value below `depth` objects and lists.
#[derive(Clone, Copy)]
struct Nested {
    depth: usize,
    expected: &'static str,
}

impl Nested {
    fn below<E: Error>(self) -> Result<Self, E> {
        if self.depth >= limits::REQUEST_DEPTH_MAX {
            return Err(E::custom(too_deep()));
        }
        Ok(Self { depth: self.depth + 1, expected: "a value" })
    }
}

/// What is wrong with a document that nests too deep.
pub(super) fn too_deep() -> String {
    format!("is nested deeper than {} levels", limits::REQUEST_DEPTH_MAX)
}

impl<'de> DeserializeSeed<'de> for Nested {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Nested {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Kind::BoolValue(value).into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        self.visit_f64(value as f64)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        self.visit_f64(value as f64)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Kind::NumberValue(value).into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Kind::StringValue(value.to_owned()).into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Kind::StringValue(value).into())
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Kind::NullValue(0).into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(below)? {
            values.push(value);
        }
        Ok(Kind::ListValue(ListValue { values }).into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Value, A::Error> {
        let below = self.below()?;
        let mut fields = BTreeMap::new();
        while let Some(key) = object.next_key::<String>()? {
            let value = object.next_value_seed(below)?;
            match fields.entry(key) {
                Entry::Vacant(place) => place.insert(value),
                Entry::Occupied(taken) => return Err(A::Error::custom(format!("{TWICE}`{}`", taken.key()))),
            };
        }
        Ok(Kind::StructValue(Struct { fields }).into())
    }
}

struct FreeMap<'a>(&'a BTreeMap<String, Value>);

impl Serialize for FreeMap<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in self.0 {
            object.serialize_entry(key, &FreeValue(value))?;
        }
        object.end()
    }
}

struct FreeValue<'a>(&'a Value);

impl Serialize for FreeValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0.kind {
            None | Some(Kind::NullValue(_)) => serializer.serialize_unit(),
            Some(Kind::BoolValue(value)) => serializer.serialize_bool(*value),
            Some(Kind::NumberValue(value)) => serializer.serialize_f64(*value),
            Some(Kind::StringValue(value)) => serializer.serialize_str(value),
            Some(Kind::ListValue(list)) => serializer.collect_seq(list.values.iter().map(FreeValue)),
            Some(Kind::StructValue(value)) => FreeMap(&value.fields).serialize(serializer),
        }
    }
}
