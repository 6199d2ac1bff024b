//! The protobuf code under `src/serve/proto` is what `proto/` says.
//!
//! It is committed so that a build needs no protobuf compiler. Set `DOORWARD_REGENERATE=1` to write it anew.
//! The serde attributes that make the same types speak JSON are derived here from the descriptors, so that a new field
//! cannot be forgotten in one of the two protocols.
#![cfg(feature = "serve")]
#![allow(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

use std::fs;
use std::path::{Path, PathBuf};

use prost::Message;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet};

const PACKAGE: &str = "doorward.v1";
const CODE: &str = "doorward.v1.rs";
const DESCRIPTORS: &str = "doorward.v1.bin";
/// The protocol of somebody else, whose messages speak no JSON.
const ENVOY: &str = "envoy.service.auth.v3.rs";
/// Messages that callers send; these refuse fields that they do not know.
const RECEIVED: [&str; 10] = [
    "DecideRequest",
    "DecideBatchRequest",
    "Identity",
    "Resource",
    "Network",
    "Risk",
    "Device",
    "Credential",
    "Satisfied",
    "Target",
];

/// Lists of answers that are left out when they are empty, as few answers have them.
const SELDOM: [&str; 2] = ["trace", "obligations"];

#[test]
fn committed_protobuf_code_is_what_the_proto_files_say() {
    let folder = tempfile::tempdir().unwrap();
    generate(folder.path());
    let committed = root().join("src/serve/proto");
    if std::env::var_os("DOORWARD_REGENERATE").is_some() {
        for name in [CODE, DESCRIPTORS, ENVOY] {
            fs::copy(folder.path().join(name), committed.join(name)).unwrap();
        }
    }
    for name in [CODE, DESCRIPTORS, ENVOY] {
        let is_fresh = fs::read(committed.join(name)).ok() == Some(fs::read(folder.path().join(name)).unwrap());
        assert!(is_fresh, "src/serve/proto/{name} is stale: run DOORWARD_REGENERATE=1 cargo test --test generated");
    }
}

fn generate(out: &Path) {
    let include = root().join("proto");
    let compile = |file: &str, comments| {
        let mut compiler = protox::Compiler::new([&include]).unwrap();
        compiler.include_source_info(comments).include_imports(true).open_file(include.join(file)).unwrap();
        compiler.file_descriptor_set()
    };
    let decisions = "doorward/v1/decisions.proto";
    fs::write(out.join(DESCRIPTORS), compile(decisions, false).encode_to_vec()).unwrap();
    let descriptors = compile(decisions, true);
    let mut config = prost_build::Config::new();
    speak_json(&mut config, &descriptors);
    write_code(descriptors, config, out);
    write_code(compile("envoy/service/auth/v3/external_auth.proto", true), prost_build::Config::new(), out);
}

/// What its generator allows of the code, of which one thing alone occurs.
const ALLOWED: &str = "allow(
        unused_variables,
        dead_code,
        missing_docs,
        clippy::wildcard_imports,
        clippy::let_unit_value,
    )";
const EXPECTED: &str = r#"expect(missing_docs, reason = "generated")"#;

fn write_code(descriptors: FileDescriptorSet, config: prost_build::Config, out: &Path) {
    tonic_prost_build::configure()
        .build_client(true)
        .build_server(false)
        .build_transport(false)
        .out_dir(out)
        .compile_fds_with_config(descriptors, config)
        .unwrap();
    for name in [CODE, ENVOY].map(|name| out.join(name)).iter().filter(|path| path.exists()) {
        let code = fs::read_to_string(name).unwrap();
        assert!(code.contains(ALLOWED) || code.contains(EXPECTED), "the generator allows something else");
        fs::write(name, code.replace(ALLOWED, EXPECTED)).unwrap();
    }
}

fn speak_json(config: &mut prost_build::Config, descriptors: &FileDescriptorSet) {
    let file = descriptors.file.iter().find(|file| file.package() == PACKAGE).unwrap();
    for message in &file.message_type {
        let path = format!(".{PACKAGE}.{}", message.name());
        let is_transparent = matches!(message.name(), "IdSet" | "DecideResult");
        let style = if is_transparent { "transparent" } else { r#"rename_all = "camelCase", default"# };
        let strict = if RECEIVED.contains(&message.name()) { ", deny_unknown_fields" } else { "" };
        config.message_attribute(&path, "#[derive(serde::Serialize, serde::Deserialize)]");
        config.message_attribute(&path, format!("#[serde({style}{strict})]"));
        for field in &message.field {
            let field_path = format!("{path}.{}", field.name());
            match json_form(message, field) {
                Some(form) => config.field_attribute(&field_path, format!("#[serde({form})]")),
                None => config,
            };
        }
        for oneof in &message.oneof_decl {
            let path = format!("{path}.{}", oneof.name());
            config.enum_attribute(&path, "#[derive(serde::Serialize, serde::Deserialize)]");
            config.enum_attribute(&path, r#"#[serde(rename_all = "camelCase")]"#);
        }
    }
}

/// How serde treats a field: absent fields are left out, `null` is absent, enums are spelled.
fn json_form(message: &DescriptorProto, field: &FieldDescriptorProto) -> Option<String> {
    let is_oneof = field.oneof_index.is_some() && !field.proto3_optional();
    if message.name() == "IdSet" || is_oneof {
        return None;
    }
    let json = "crate::serve::wire::json";
    let is_list = field.label() == Label::Repeated;
    Some(match field.r#type() {
        Type::Enum if is_list => {
            format!(r#"with = "{json}::Words::<{}>", skip_serializing_if = "Vec::is_empty""#, word(field.type_name()))
        }
        Type::Enum => {
            format!(
                r#"with = "{json}::Word::<{}>", skip_serializing_if = "{json}::is_absent""#,
                word(field.type_name())
            )
        }
        // WHY: the lists of an answer are always there, so that callers can read them without asking first.
        _ if is_list && !RECEIVED.contains(&message.name()) && !SELDOM.contains(&field.name()) => return None,
        _ if is_list => format!(r#"deserialize_with = "{json}::list", skip_serializing_if = "Vec::is_empty""#),
        Type::Message if field.type_name() == ".google.protobuf.Struct" => {
            format!(r#"with = "{json}::structure", skip_serializing_if = "Option::is_none""#)
        }
        Type::Message => r#"skip_serializing_if = "Option::is_none""#.to_owned(),
        _ if field.proto3_optional() => r#"skip_serializing_if = "Option::is_none""#.to_owned(),
        Type::Bool => r#"skip_serializing_if = "std::ops::Not::not""#.to_owned(),
        _ => r#"skip_serializing_if = "String::is_empty""#.to_owned(),
    })
}

/// The model's vocabulary behind an enum.
fn word(type_name: &str) -> String {
    let word = match last(type_name) {
        "IdentityType" => "IdentityKind",
        "ResourceType" => "ResourceKind",
        "AuthenticationFlow" => "TransferMethod",
        same => same,
    };
    format!("crate::model::{word}")
}

fn last(type_name: &str) -> &str {
    type_name.rsplit('.').next().unwrap()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
