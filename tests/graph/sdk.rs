//! Microsoft's own Graph SDK, in Python, pointed at doorward by its base URL.
//!
//! The interpreter that has `msgraph-sdk` is `DOORWARD_GRAPH_PYTHON`, or that of `target/graph-client`, a virtual
//! environment which `.ci/run` makes. Where there is neither, the test says so and does nothing.

use std::path::Path;
use std::process::Command;

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::found::program;
use crate::support::server::Server;

#[test]
fn a_client_written_for_graph_reads_the_tenant_and_asks_what_if() {
    let Some(python) = program("DOORWARD_GRAPH_PYTHON", "target/graph-client/bin/python") else { return };
    let bundle = include_bytes!("tenant.yaml");
    let server = Server::start([
        ("bundle.yaml", &b"tenantId: 0a000000-0000-4000-8000-000000000001"[..]),
        ("tenant.yaml", bundle),
    ]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/graph/client.py");
    let output = Command::new(python).arg(script).arg(format!("http://{}/v1.0", server.tcp())).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let told: Vec<_> = told.as_object().unwrap().iter().map(|(part, told)| lines(part, told)).collect();
    assert_snapshot!(told.concat());
}

/// A part of what the client told, each element of a list or object on a line.
fn lines(part: &str, told: &Value) -> String {
    match told {
        Value::Array(elements) => elements.iter().map(|element| format!("{part}: {element}\n")).collect(),
        Value::Object(members) => members.iter().map(|(key, value)| format!("{part}.{key}: {value}\n")).collect(),
        other => format!("{part}: {other}\n"),
    }
}
