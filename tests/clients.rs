//! Clients that others have written, which learn what to ask from doorward itself: an OpenAPI fuzzer over HTTP, and a
//! client in Python over gRPC.
//!
//! They live in virtual environments which `.ci/run` makes. Where one is missing, its test says so and does nothing.
#![cfg(feature = "serve")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic, its helpers too")]

#[allow(dead_code, reason = "shared with other tests; each uses a part")]
mod support;

use std::path::Path;
use std::process::Command;

use insta::assert_snapshot;
use serde_json::Value;

use crate::support::found::{program, root};
use crate::support::process::Process;
use crate::support::raw;

/// All doors, of which most decide about nobody.
const SETTINGS: &str = "
doors:
  graph: true
  authzen: { url: 'https://pdp.test', verbose: true }
  envoy: {}
  forwardAuth:
    clientIp: { mode: xff, trustedProxies: [127.0.0.1/32] }
    anonymous: { type: user, id: nobody }
  hooks:
    hydra: { ipClaim: ip }
    okta: { header: x-key, sha256: 425b824e2cf09c3870112ecea73fbb50f568d8f7d9ef8d45ef54caf6d3c71c24 }
    zitadel: { signingKey: fuzzer }
issuers: [{ issuer: 'https://issuer.test', jwks: keys.json, audiences: ['api://orders'] }]
";
/// Requests of each operation that are drawn at random, beside those at the edges of its schema.
const EXAMPLES: &str = "20";
/// What every answer must be: documented, and no fault of doorward.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance";

fn doorward(folder: &Path, more: &[&str]) -> Process {
    let config = folder.join("doorward.yaml");
    let keys = folder.join("keys.json");
    std::fs::write(&keys, r#"{"keys":[]}"#).unwrap();
    std::fs::write(&config, SETTINGS.replace("keys.json", keys.to_str().unwrap())).unwrap();
    let args = [&["--config", config.to_str().unwrap()], more].concat();
    Process::start(&root().join("policies/authzen"), &args)
}

#[test]
fn nothing_that_the_openapi_document_tells_to_send_gets_an_answer_that_it_does_not_tell() {
    let Some(fuzzer) = program("DOORWARD_HTTP_FUZZER", "target/http-fuzzer/bin/schemathesis") else { return };
    let folder = tempfile::tempdir().unwrap();
    let doorward = doorward(folder.path(), &[]);
    let operations: usize = {
        let document: Value = serde_json::from_str(doorward::serve::wire::OPENAPI).unwrap();
        document["paths"].as_object().unwrap().values().map(|path| path.as_object().unwrap().len()).sum()
    };
    let output = Command::new(fuzzer)
        .arg("run")
        // WHY not from doorward: the place that a document was read from is not tested then.
        .arg(root().join("src/serve/openapi.json"))
        .args(["--url", &format!("http://{}", doorward.decisions)])
        .args(["--checks", CHECKS, "--max-examples", EXAMPLES, "--seed", "1", "--phases", "examples,coverage,fuzzing"])
        .args(["--workers", "1", "--generation-database", "none", "--warnings", "off", "--no-color"])
        .env("SCHEMATHESIS_HOOKS", "hooks")
        .env("PYTHONPATH", root().join("tests/clients"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(folder.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(told.contains(&format!("Tested: {operations}\n")), "every operation is asked: {told}");
    let cases = told.lines().find_map(|line| line.trim().split_once(" generated, ")?.0.parse::<usize>().ok());
    assert!(cases.is_some_and(|cases| cases > 1_000), "{told}");
    // Hooks have decided, not only asked who calls.
    let metrics = raw::get(doorward.operators, "/metrics", &[]).body;
    let mut counted = metrics.lines().filter(|line| line.starts_with("doorward_decisions_total{surface=\"hook\""));
    assert!(counted.any(|line| !line.contains("decision=\"error\"") && !line.ends_with(" 0")), "{metrics}");
}

#[test]
fn a_client_without_generated_code_asks_what_reflection_tells() {
    let Some(python) = program("DOORWARD_GRPC_PYTHON", "target/grpc-client/bin/python") else { return };
    let folder = tempfile::tempdir().unwrap();
    let socket = format!("unix:{}", folder.path().join("socket").display());
    let doorward = doorward(folder.path(), &["--listen", &socket]);
    let told = [doorward.decisions.to_string(), socket].map(|address| {
        let script = root().join("tests/clients/reflection.py");
        let output = Command::new(&python).arg(script).arg(address).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    });
    assert_eq!(told[0], told[1], "over TCP and over a Unix socket");
    assert_snapshot!(told[0], @r"
    services: doorward.v1.Decisions grpc.health.v1.Health grpc.reflection.v1alpha.ServerReflection
    health: SERVING
    alice-read: DECISION_ALLOW no_policy_applies []
    batch alice-read: DECISION_ALLOW no_policy_applies []
    batch mallory-read: DECISION_BLOCK blocked_by_policy ['known']
    batch input_invalid identity
    StatusCode.INVALID_ARGUMENT `identity.id` is required
    ");
}
