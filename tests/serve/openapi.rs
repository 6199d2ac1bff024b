//! The OpenAPI document, the proto file and what the server accepts are one and the same.

use std::collections::BTreeSet;

use doorward::serve::wire::{DESCRIPTORS, OPENAPI, v1};
use prost::Message;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet};
use serde_json::{Map, Value, json};

use crate::support::server::Server;

pub fn document() -> Value {
    serde_json::from_str(OPENAPI).unwrap()
}

fn api() -> FileDescriptorProto {
    let set = FileDescriptorSet::decode(DESCRIPTORS).unwrap();
    set.file.into_iter().find(|file| file.package() == "doorward.v1").unwrap()
}

/// What the names of messages begin with that are not of the decision API.
const OF_OTHER_DOORS: [&str; 4] = ["Authzen", "Denied", "Graph", "Hook"];

fn last(type_name: &str) -> &str {
    type_name.rsplit('.').next().unwrap()
}

/// The schema that the document should have for a field, as far as types go.
fn schema_of(field: &FieldDescriptorProto) -> Value {
    let one = match field.r#type() {
        Type::String => json!({"type": "string"}),
        Type::Uint32 => json!({"type": "integer"}),
        Type::Bool => json!({"type": "boolean"}),
        Type::Message if field.type_name() == ".google.protobuf.Struct" => json!({"type": "object"}),
        Type::Message | Type::Enum => json!({"$ref": format!("#/components/schemas/{}", last(field.type_name()))}),
        other => panic!("{other:?}"),
    };
    if field.label() == Label::Repeated { json!({"type": "array", "items": one}) } else { one }
}

/// A schema without what it says beyond types.
fn types_of(schema: &Value) -> Value {
    let mut types = Map::new();
    for key in ["type", "$ref"] {
        if let Some(value) = schema.get(key) {
            types.insert(key.to_owned(), value.clone());
        }
    }
    if let Some(items) = schema.get("items") {
        types.insert("items".to_owned(), types_of(items));
    }
    Value::Object(types)
}

#[test]
fn every_message_and_field_is_documented_and_nothing_else() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let api = api();
    let names: BTreeSet<&str> = api
        .message_type
        .iter()
        .map(DescriptorProto::name)
        .chain(api.enum_type.iter().map(prost_types::EnumDescriptorProto::name))
        .chain(["ErrorBody"])
        .collect();
    let is_ours = |name: &&str| !OF_OTHER_DOORS.iter().any(|door| name.starts_with(door));
    assert_eq!(schemas.keys().map(String::as_str).filter(is_ours).collect::<BTreeSet<_>>(), names);
    for message in api.message_type.iter().filter(|message| message.name() != "IdSet") {
        let properties = schemas[message.name()]["properties"].as_object().unwrap();
        let fields: BTreeSet<&str> = message.field.iter().map(FieldDescriptorProto::json_name).collect();
        assert_eq!(properties.keys().map(String::as_str).collect::<BTreeSet<_>>(), fields, "{}", message.name());
        for field in &message.field {
            assert_eq!(types_of(&properties[field.json_name()]), schema_of(field), "{}", field.json_name());
        }
    }
    for words in &api.enum_type {
        let documented = schemas[words.name()]["enum"].as_array().unwrap();
        assert_eq!(documented.len(), words.value.len() - 1, "{}", words.name());
    }
}

/// A value that a schema describes; enums give their `pick`th word.
pub fn sample(document: &Value, schema: &Value, pick: usize) -> Value {
    if let Some(name) = schema["$ref"].as_str() {
        return sample(document, &document["components"]["schemas"][last(&name.replace('/', "."))], pick);
    }
    if let Some(words) = schema["enum"].as_array() {
        return words[pick % words.len()].clone();
    }
    match schema["type"].as_str().unwrap() {
        "string" => json!("c1"),
        "boolean" => json!(true),
        "array" => json!([sample(document, &schema["items"], pick)]),
        "object" => match schema["properties"].as_object() {
            Some(properties) => {
                properties.iter().map(|(name, schema)| (name.clone(), sample(document, schema, pick))).collect()
            }
            None => json!({"Set": {"Name": "text"}}),
        },
        other => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_documented_property_and_word_is_accepted() {
    let document = document();
    let server = Server::start();
    let mut http = server.http().await;
    for pick in 0..17 {
        let mut request = sample(&document, &document["components"]["schemas"]["DecideRequest"], pick);
        request["network"]["ipAddress"] = json!("2001:db8::1");
        request["network"]["country"] = json!("DE");
        request["network"]["gpsCountry"] = json!("fr");
        request["device"]["trustType"] = json!("ServerAD");
        if request["identity"]["guestType"] == "personalMicrosoftAccount" {
            request["identity"]["homeTenant"] = json!("9188040d-6c67-4c5b-b112-36a304b66dad");
        }
        let answer = http.decide(&request).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        // Whatever the words are read as, they are written as documented.
        let message: v1::DecideRequest = serde_json::from_value(request.clone()).unwrap();
        assert_eq!(serde_json::to_value(message).unwrap(), request);
    }
}

/// Okta would issue the token if a stranger were told a status of its own.
const ALWAYS_200: &str = "/v1/hooks/okta/token";

/// What a caller that is not let in is told has its place in the document, at every path.
#[test]
fn the_answers_to_strangers_are_documented() {
    let document = document();
    for (path, operations) in document["paths"].as_object().unwrap().iter().filter(|(path, _)| *path != ALWAYS_200) {
        for operation in operations.as_object().unwrap().values() {
            for (status, reason) in [("401", "unauthenticated"), ("403", "forbidden"), ("503", "no_keys")] {
                let response = &operation["responses"][status];
                let shared = response["$ref"].as_str().and_then(|place| document.pointer(place.strip_prefix('#')?));
                let description = shared.unwrap_or(response)["description"].as_str().unwrap();
                assert!(description.contains(&format!("`{reason}`")), "{path} {status}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_document_is_served() {
    let server = Server::start();
    let answer = server.http().await.get("/v1/openapi.json").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json(), document());
}
