//! Requests that a real Envoy has sent, and those of the tests of another authorization server for Envoy.

use std::collections::HashMap;

use doorward::serve::envoy::v3;
use prost::Message;
use serde_json::Value;

use crate::server::{Doorward, files, told};
use crate::support::found::corpus;

#[tokio::test]
async fn requests_that_a_real_envoy_has_sent_are_understood() {
    let Some(folder) = corpus("envoy/checkrequests-grpc") else { return };
    // The addresses of the recordings are loopback addresses, and the office is where the last trusted hop has seen one.
    let settings = "
doors:
  envoy:
    clientIp: { mode: xff, trustedProxies: [127.0.0.0/8, 192.0.2.2] }
    anonymous: { type: servicePrincipal, id: anonymous }
";
    let doorward = Doorward::start(settings);
    let mut client = doorward.envoy().await;
    let mut seen = Vec::new();
    for file in files(&folder, "pb") {
        let request = v3::CheckRequest::decode(&*std::fs::read(&file).unwrap()).unwrap();
        let document: Value =
            serde_json::from_str(&std::fs::read_to_string(file.with_extension("json")).unwrap()).unwrap();
        same(&request, &document["attributes"]);
        let response = client.check(request).await.unwrap().into_inner();
        seen.push(format!("{}: {}", file.file_stem().unwrap().to_str().unwrap(), told(&response)));
    }
    insta::assert_snapshot!(seen.join("\n"), @r"
    get-plain: 7 403
    mtls-h1: 7 403
    xff-trusted-hop: 0 ok
    xff: 0 ok
    ");
}

/// What is read is what the same message says as JSON.
fn same(request: &v3::CheckRequest, document: &Value) {
    let attributes = request.attributes.as_ref().unwrap();
    let http = attributes.request.as_ref().unwrap().http.as_ref().unwrap();
    let (source, said) = (attributes.source.as_ref().unwrap(), &document["request"]["http"]);
    for (read, said) in [
        (&http.method, &said["method"]),
        (&http.path, &said["path"]),
        (&http.host, &said["host"]),
        (&http.scheme, &said["scheme"]),
    ] {
        assert_eq!(read, said.as_str().unwrap());
    }
    let texts = |object: &Value| -> HashMap<String, String> { serde_json::from_value(object.clone()).unwrap() };
    assert_eq!(http.headers, texts(&said["headers"]));
    assert_eq!(attributes.context_extensions, texts(&document["contextExtensions"]));
    assert_eq!(source.principal, document["source"]["principal"].as_str().unwrap_or_default());
    let Some(v3::address::Address::SocketAddress(socket)) = &source.address.as_ref().unwrap().address else {
        panic!("{source:?}")
    };
    assert_eq!(socket.address, document["source"]["address"]["socketAddress"]["address"].as_str().unwrap());
}

#[tokio::test]
async fn requests_of_another_servers_tests_are_answered_not_failed() {
    let Some(folder) = corpus("envoy/opa-envoy-plugin") else { return };
    let doorward = Doorward::start("doors: { envoy: {} }");
    let mut client = doorward.envoy().await;
    let mut count = 0;
    for file in files(&folder, "json") {
        // Their reader takes a comma behind the last member.
        let text: String = std::fs::read_to_string(&file).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        let document: Value = serde_json::from_str(&text.replace(", }", " }")).unwrap();
        let said = &document["attributes"]["request"]["http"];
        let text = |name: &str| said[name].as_str().unwrap_or_default().to_owned();
        let headers = serde_json::from_value(said["headers"].clone()).unwrap_or_default();
        let http = v3::HttpRequest {
            method: text("method"),
            path: text("path"),
            host: text("host"),
            headers,
            ..Default::default()
        };
        let request = Some(v3::Request { http: Some(http) });
        let attributes = Some(v3::AttributeContext { request, ..Default::default() });
        // They say nothing that would tell who asks.
        let response = client.check(v3::CheckRequest { attributes }).await.unwrap().into_inner();
        assert_eq!(told(&response), "16 401", "{}", file.display());
        count += 1;
    }
    assert!(count > 0);
}
