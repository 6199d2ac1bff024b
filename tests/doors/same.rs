//! The same facts get the same decision through the decision API, from Envoy and from every other gateway.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::check;
use crate::support::{Doorward, ELSEWHERE, OFFICE, PRINCIPAL, SIGN_IN, ask, challenge, told};

const SETTINGS: &str = "
doors:
  envoy: {}
  forwardAuth:
    clientIp: { mode: xff, trustedProxies: [127.0.0.1/32] }
    identityHeader: { name: X-Client-Id, type: servicePrincipal }
";

/// The answer of the decision API.
fn decided(doorward: &Doorward, request: &Value) -> Value {
    let (mut stream, body) = (TcpStream::connect(doorward.address()).unwrap(), request.to_string());
    let head = "POST /v1/decide HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json";
    write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    serde_json::from_str(text.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[tokio::test]
async fn every_gateway_gets_the_decision_that_the_decision_api_gives() {
    let doorward = Doorward::start(SETTINGS);
    let mut envoy = doorward.envoy().await;
    for (address, method, host, path, expected) in [
        (OFFICE, "GET", "api.test", "/orders", "allow"),
        (ELSEWHERE, "GET", "api.test", "/orders", "block"),
        ("2001:db8:6::1", "POST", "api.test", "/orders", "allow"),
        ("2001:db8:7::1", "POST", "api.test", "/orders", "block"),
        (OFFICE, "DELETE", "api.test", "/orders", "block"),
        (OFFICE, "GET", "api.test", "/admin/users", "block"),
        (OFFICE, "GET", "secret.test", "/", "block"),
    ] {
        let native = json!({
            "identity": {"type": "servicePrincipal", "id": PRINCIPAL},
            "network": {"ipAddress": address},
            "action": method,
            "resource": {"target": {"type": "service", "id": host}},
            "attributes": {"http.method": method, "http.host": host, "http.path": path},
        });
        let case = native.to_string();
        assert_eq!(decided(&doorward, &native)["decision"], expected, "{case}");

        let request = check::with(check::asked(address), |http| {
            (http.method, http.host, http.path) = (method.to_owned(), host.to_owned(), path.to_owned());
        });
        let response = envoy.check(request).await.unwrap().into_inner();
        assert_eq!(told(&response), if expected == "allow" { "0 ok" } else { "7 403" }, "{case}");

        let url = format!("https://{host}{path}");
        let headers = [
            ("host", host),
            ("x-client-id", PRINCIPAL),
            ("x-forwarded-for", address),
            ("x-forwarded-method", method),
            ("x-original-method", method),
            ("x-forwarded-host", host),
            ("x-forwarded-uri", path),
            ("x-original-uri", path),
            ("x-original-url", &url),
        ];
        for flavour in ["traefik", "nginx", "ingress-nginx", "caddy", "haproxy", &format!("envoy{path}")] {
            let stream = TcpStream::connect(doorward.address()).unwrap();
            let answer = ask(stream, method, &format!("/v1/forward-auth/{flavour}"), &headers);
            assert_eq!(answer.status, if expected == "allow" { 200 } else { 403 }, "{flavour}: {case}");
        }
    }
}

#[tokio::test]
async fn a_client_is_challenged_with_the_error_that_the_decision_api_has_for_it() {
    let doorward = Doorward::start(SETTINGS);
    let native = json!({
        "identity": {"type": "user", "id": "u-1"}, "network": {"ipAddress": OFFICE}, "action": "GET",
    });
    let error = &decided(&doorward, &native)["oauthError"];
    let expected = format!("Bearer error={}, claims={}", error["error"], error["claims"]);
    let person = check::asked_with(OFFICE, json!({"oid": "u-1", "sub": "s", "idtyp": "user"}));
    let response = doorward.envoy().await.check(person).await.unwrap().into_inner();
    let headers = check::answer_headers(&response);
    let (_, told, _) = headers.iter().find(|(name, ..)| name == "www-authenticate").unwrap();
    let (told, expected) = (challenge(Some(told)).unwrap(), challenge(Some(&expected)).unwrap());
    assert_eq!(told, format!("{expected}, {SIGN_IN}"));
}
