//! What Envoy's token filter tells the authorization server of a token that it has verified.

use std::collections::HashMap;

use doorward::serve::envoy::v3;
use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value};
use serde_json::Value as Json;

/// The metadata of a token with these claims.
pub fn verified(claims: &Json) -> v3::Metadata {
    let payload = Struct { fields: [("jwt_payload".to_owned(), value(claims))].into() };
    v3::Metadata { filter_metadata: HashMap::from([("envoy.filters.http.jwt_authn".to_owned(), payload)]) }
}

fn value(json: &Json) -> Value {
    let kind = match json {
        Json::String(text) => Kind::StringValue(text.clone()),
        Json::Number(number) => Kind::NumberValue(number.as_f64().unwrap()),
        Json::Array(list) => Kind::ListValue(ListValue { values: list.iter().map(value).collect() }),
        Json::Object(object) => Kind::StructValue(Struct {
            fields: object.iter().map(|(name, member)| (name.clone(), value(member))).collect(),
        }),
        other => panic!("{other}"),
    };
    Value { kind: Some(kind) }
}
