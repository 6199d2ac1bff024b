//! Free attributes as a message carries them: a `google.protobuf.Struct`, read where it lies.

use prost_types::Value;
use prost_types::value::Kind;

use super::message::Object;
use crate::model::{FreeFacts, FreeValue};

/// Below this size a whole double is the number that was written.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

impl FreeFacts for Object {
    fn each(&self, found: &mut dyn FnMut(&str, FreeValue<'_>)) {
        for (name, value) in &self.0.fields {
            let value = match &value.kind {
                Some(Kind::StringValue(text)) => Some(FreeValue::Text(text)),
                Some(Kind::NumberValue(number)) => whole(*number).map(FreeValue::Number),
                Some(Kind::BoolValue(flag)) => Some(FreeValue::Flag(*flag)),
                Some(Kind::ListValue(list)) => {
                    list.values.iter().map(text).collect::<Option<_>>().map(FreeValue::Texts)
                }
                _ => None,
            };
            if let Some(value) = value {
                found(name, value);
            }
        }
    }

    fn carries(&self, name: &str) -> bool {
        self.0.fields.contains_key(name)
    }
}

fn text(value: &Value) -> Option<&str> {
    match &value.kind {
        Some(Kind::StringValue(text)) => Some(text),
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "whole and in range, as the condition says")]
fn whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < WHOLE_MAX).then_some(number as i64)
}
