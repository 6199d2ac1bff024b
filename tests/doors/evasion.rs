//! What a client of a proxy may try so that its request is not decided as it is.

use std::net::TcpStream;

use crate::program::connect;
use crate::server::{Doorward, ELSEWHERE, OFFICE, PRINCIPAL, without_bundle};
use crate::support::raw::{ask, get};

const SETTINGS: &str = "
doors:
  forwardAuth:
    clientIp: { mode: xff, trustedProxies: [127.0.0.1/32] }
    identityHeader: { name: X-Client-Id, type: servicePrincipal }
";

/// Content types with which other doors, and other protocols, are meant.
const KINDS: [&str; 5] =
    ["application/grpc", "application/grpc+proto", "application/grpc-web", "application/grpc;x", "application/json"];
/// Where proxies ask, one of each form.
const PATHS: [&str; 4] = [
    "/v1/forward-auth/traefik",
    "/v1/forward-auth/envoy/orders",
    "/v1/forward-auth/envoy/doorward.v1.Decisions/Decide",
    "/v1/forward-auth/apache",
];

#[test]
fn the_content_type_of_a_client_chooses_no_other_protocol() {
    // WHY: gRPC tells everything with 200, and to a proxy 200 is yes; proxies pass the content type of clients on.
    let doorward = Doorward::start(SETTINGS);
    let described = [("x-forwarded-method", "GET"), ("x-forwarded-uri", "/orders"), ("x-forwarded-host", "api.test")];
    let status = |path: &str, method: &str, more: &[(&str, &str)]| {
        let headers: Vec<_> = described.iter().chain(more).copied().collect();
        ask(TcpStream::connect(doorward.address()).unwrap(), method, path, &headers).status
    };
    let me = ("x-client-id", PRINCIPAL);
    for kind in KINDS.map(|kind| ("content-type", kind)) {
        for method in ["GET", "POST"] {
            for path in PATHS {
                let is_there = !path.ends_with("apache");
                let told = |yes: u16| if is_there { yes } else { 404 };
                let claim = format!("{method} {path} {kind:?}");
                assert_eq!(status(path, method, &[kind]), told(401), "{claim}");
                let [inside, outside] = [OFFICE, ELSEWHERE].map(|from| [kind, me, ("x-forwarded-for", from)]);
                assert_eq!(status(path, method, &outside), told(403), "{claim}");
                assert_eq!(status(path, method, &inside), told(200), "{claim}");
            }
        }
    }
}

#[test]
fn the_content_type_of_a_client_opens_no_door_that_is_shut() {
    let running = without_bundle("forwardAuth: { clientIp: { mode: xff, trustUnix: true } }");
    let shut = without_bundle("api: true");
    let secret = "callers: { bearer: [{ name: proxy, sha256: ";
    let hash = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
    let guarded = Doorward::start(&format!("{secret}{hash} }}] }}{SETTINGS}"));
    for kind in KINDS.map(|kind| ("content-type", kind)) {
        for (address, expected) in
            [(running.addresses().tcp.unwrap(), 503), (shut.addresses().tcp.unwrap(), 404), (guarded.address(), 401)]
        {
            assert_eq!(get(address, "/v1/forward-auth/envoy/", &[kind]).status, expected, "{kind:?}");
        }
    }
}

#[test]
fn a_proxy_that_names_no_client_is_not_the_client() {
    // WHY: the proxy stands in the office, as proxies do; its client may stand anywhere.
    let proxy = [127, 0, 0, 6];
    let doorward = Doorward::start(&SETTINGS.replace("127.0.0.1/32", "127.0.0.6/32"));
    let status = |headers: &[(&str, &str)]| {
        let headers: Vec<_> = headers.iter().copied().chain([("x-client-id", PRINCIPAL)]).collect();
        let stream = connect(proxy, doorward.address());
        ask(stream, "GET", "/v1/forward-auth/envoy/orders", &headers).status
    };
    assert_eq!(status(&[("x-forwarded-for", OFFICE)]), 200);
    for headers in [&[][..], &[("x-forwarded-for", "")], &[("x-forwarded-for", ""), ("x-forwarded-for", " ")]] {
        assert_eq!(status(headers), 403, "{headers:?}");
    }
    assert_eq!(doorward.counter("doorward_missing_ip_total{surface=\"forward_auth\"}"), 3.0);
}

#[test]
fn no_name_of_a_host_changes_the_path_that_is_decided() {
    let doorward = Doorward::start(SETTINGS);
    let ask = |url: &str, host: Option<&str>| {
        let mut headers = vec![
            ("x-original-method", "GET"),
            ("x-original-url", url),
            ("x-client-id", PRINCIPAL),
            ("x-forwarded-for", OFFICE),
        ];
        headers.extend(host.map(|host| ("x-forwarded-host", host)));
        get(doorward.address(), "/v1/forward-auth/ingress-nginx", &headers).status
    };
    assert_eq!(ask("http://api.test:80/orders?x=//", None), 200);
    for url in [
        "http://api.test:80?/admin",
        "http://api.test?x/admin",
        "http://api.test#/admin",
        "http://api.test\\/admin",
        "http://x@api.test/orders",
        "http://api.test",
        "http://",
        "/orders",
    ] {
        assert_eq!(ask(url, None), 403, "{url}");
    }
    // What the proxy routes by is another host than the one that its client names.
    assert_eq!(ask("http://api.test/orders", Some("API.test:80")), 200);
    assert_eq!(ask("http://api.test/orders", Some("secret.test")), 403);
}
