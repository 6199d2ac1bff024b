//! Forward authentication by a client that says what each proxy would.

use std::net::TcpStream;

use doorward::serve::Bounds;

use crate::server::{Doorward, ELSEWHERE, OFFICE, PRINCIPAL, bounded, challenge, without_bundle};
use crate::support::raw::{Answer, ask, get};

const SETTINGS: &str = "
doors:
  forwardAuth:
    clientIp: { mode: xff, trustedProxies: [127.0.0.1/32] }
    identityHeader: { name: X-Client-Id, type: servicePrincipal }
";

type Headers = Vec<(&'static str, String)>;

/// Each flavour: its name, and how it describes a request for `GET https://HOST/PATH`.
fn flavours(method: &str, host: &str, path: &str) -> Vec<(String, Headers)> {
    let owned = |headers: &[(&'static str, &str)]| -> Headers {
        headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
    };
    let forwarded = owned(&[
        ("x-forwarded-method", method),
        ("x-forwarded-uri", path),
        ("x-forwarded-host", host),
        ("x-forwarded-proto", "https"),
    ]);
    let original = owned(&[("x-original-method", method), ("x-original-uri", path), ("host", host)]);
    let url = format!("https://{host}{path}");
    vec![
        ("traefik".to_owned(), forwarded.clone()),
        ("caddy".to_owned(), forwarded),
        ("nginx".to_owned(), original.clone()),
        ("haproxy".to_owned(), original),
        ("ingress-nginx".to_owned(), owned(&[("x-original-method", method), ("x-original-url", &url)])),
        (format!("envoy{path}"), owned(&[("host", host)])),
    ]
}

/// Asks in every flavour and gives the one answer; the Envoy flavour asks with the method itself.
pub fn asked(doorward: &Doorward, request: (&str, &str, &str), more: &[(&str, &str)]) -> Answer {
    let (method, host, path) = request;
    let mut answers = Vec::new();
    for (flavour, headers) in flavours(method, host, path) {
        let mut headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        headers.extend(more);
        let own = if flavour.starts_with("envoy") { method } else { "GET" };
        let stream = TcpStream::connect(doorward.address()).unwrap();
        let answer = ask(stream, own, &format!("/v1/forward-auth/{flavour}"), &headers);
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{flavour}: {answer:?}");
        answers.push((flavour, answer));
    }
    let (_, first) = answers[0].clone();
    for (flavour, answer) in answers {
        assert_eq!((answer.status, &answer.body), (first.status, &first.body), "{flavour} {request:?} {more:?}");
        let told = |answer: &Answer| challenge(answer.header("www-authenticate"));
        assert_eq!(told(&answer), told(&first), "{flavour}");
    }
    first
}

pub const ORDERS: (&str, &str, &str) = ("GET", "api.test", "/orders?page=2");

#[test]
fn every_flavour_gets_the_same_answer() {
    let doorward = Doorward::start(SETTINGS);
    let me = ("x-client-id", PRINCIPAL);
    for (claim, request, chain, expected) in [
        ("in the office", ORDERS, OFFICE, 200),
        ("outside", ORDERS, ELSEWHERE, 403),
        ("the client's own words do not count", ORDERS, "198.51.100.7, 203.0.113.9", 403),
        ("an entry that is no address", ORDERS, "198.51.100.7, unknown", 403),
        ("an action that is forbidden", ("DELETE", "api.test", "/"), OFFICE, 403),
        ("a path that is forbidden", ("GET", "api.test", "/admin"), OFFICE, 403),
        ("the same in another spelling", ("GET", "api.test", "/%61dmin?x"), OFFICE, 403),
        ("a path that servers read differently", ("GET", "api.test", "/x/%2e%2e/admin"), OFFICE, 403),
        ("a host that is forbidden", ("GET", "SECRET.test:443", "/"), OFFICE, 403),
    ] {
        assert_eq!(asked(&doorward, request, &[me, ("x-forwarded-for", chain)]).status, expected, "{claim}");
    }
}

#[test]
fn an_allowed_request_gets_an_empty_body_and_our_headers() {
    let doorward = Doorward::start(SETTINGS);
    let more =
        [("x-client-id", PRINCIPAL), ("x-forwarded-for", OFFICE), ("x-request-id", "r-1"), ("x-ca-role", "admin")];
    let answer = asked(&doorward, ORDERS, &more);
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert_eq!(answer.header("x-ca-decision-id"), Some("r-1"));
    assert_eq!(answer.header("x-ca-revision"), Some("7"));
    assert_eq!(answer.header("x-ca-subject"), Some(PRINCIPAL));
    assert_eq!(answer.header("x-envoy-auth-headers-to-remove"), Some("x-ca-role"));
}

/// Proxies pass on more than they say, so that a name which doorward cannot give is taken away unasked.
#[test]
fn an_id_that_no_header_can_carry_leaves_room_for_no_other() {
    for id in ["nobody (anonymous)", "a,b", "j\u{fc}rgen"] {
        let anonymous = format!("{SETTINGS}    anonymous: {{ type: servicePrincipal, id: '{id}' }}\n");
        let answer = asked(&Doorward::start(&anonymous), ORDERS, &[("x-forwarded-for", OFFICE)]);
        assert_eq!((answer.status, answer.header("x-ca-subject")), (200, None), "{id}");
        assert_eq!(answer.header("x-envoy-auth-headers-to-remove"), Some("x-ca-subject"), "{id}");
    }
}

#[test]
fn who_cannot_be_told_is_challenged_and_who_is_blocked_hears_no_reason() {
    let doorward = Doorward::start(SETTINGS);
    let nobody = asked(&doorward, ORDERS, &[("x-forwarded-for", OFFICE)]);
    assert_eq!((nobody.status, nobody.header("www-authenticate")), (401, Some("Bearer")));
    let blocked = asked(&doorward, ORDERS, &[("x-client-id", PRINCIPAL), ("x-forwarded-for", ELSEWHERE)]);
    assert_eq!((blocked.status, blocked.body.as_str()), (403, r#"{"error":"access_denied"}"#));
    assert_eq!(blocked.header("x-ca-subject"), None);
    // A client adds a name of its own to the proxy's.
    let two = [("x-client-id", PRINCIPAL), ("x-client-id", "other"), ("x-forwarded-for", OFFICE)];
    assert_eq!(asked(&doorward, ORDERS, &two).status, 403);
}

#[test]
fn a_description_that_is_missing_or_given_twice_is_refused() {
    let doorward = Doorward::start(SETTINGS);
    let base = [("x-client-id", PRINCIPAL), ("x-forwarded-for", OFFICE)];
    for (flavour, headers) in flavours("GET", "api.test", "/orders") {
        if flavour.starts_with("envoy") {
            continue;
        }
        for (left_out, _) in headers.iter().filter(|(name, _)| name.contains("method") || name.contains("-ur")) {
            let rest = headers.iter().filter(|(name, _)| name != left_out).map(|(name, value)| (*name, value.as_str()));
            let rest: Vec<_> = rest.chain(base).collect();
            let answer = get(doorward.address(), &format!("/v1/forward-auth/{flavour}"), &rest);
            assert_eq!(answer.status, 403, "{flavour} without {left_out}");
        }
        for (twice, _) in headers.iter().filter(|(name, _)| *name != "host") {
            let all = headers.iter().map(|(name, value)| (*name, value.as_str()));
            let all: Vec<_> = all.chain([(*twice, "/other")]).chain(base).collect();
            let answer = get(doorward.address(), &format!("/v1/forward-auth/{flavour}"), &all);
            assert_eq!(answer.status, 403, "{flavour} with two {twice}");
        }
    }
    let invalid = doorward
        .counter("doorward_decisions_total{surface=\"forward_auth\",decision=\"error\",reason=\"input_invalid\"}");
    assert_eq!(invalid, 10.0);
}

#[test]
fn forwarded_headers_and_names_of_somebody_who_is_not_trusted_do_not_count() {
    let settings = SETTINGS.replace("127.0.0.1/32", "10.0.0.0/8");
    let doorward = Doorward::start(&settings);
    let more = [("x-client-id", PRINCIPAL), ("x-forwarded-for", OFFICE)];
    assert_eq!(asked(&doorward, ORDERS, &more).status, 401, "the name does not count");
    assert_eq!(doorward.counter("doorward_untrusted_forwarded_header_total{surface=\"forward_auth\"}"), 6.0);
    let anonymous = format!("{settings}    anonymous: {{ type: servicePrincipal, id: anonymous }}\n");
    let doorward = Doorward::start(&anonymous);
    assert_eq!(asked(&doorward, ORDERS, &more).status, 403, "the address does not count");
}

#[test]
fn the_operator_says_behind_the_path_what_a_route_is() {
    let doorward = Doorward::start(SETTINGS);
    let nginx = |query: &str| {
        let headers = [
            ("x-original-method", "GET"),
            ("x-original-uri", "/orders"),
            ("x-client-id", PRINCIPAL),
            ("x-forwarded-for", OFFICE),
        ];
        get(doorward.address(), &format!("/v1/forward-auth/nginx{query}"), &headers).status
    };
    assert_eq!(nginx("?ca.target=orders&ca.target_type=service"), 200);
    assert_eq!(nginx("?ca.target=secret%2Etest"), 403);
    assert_eq!(nginx("?ca.action=DELETE"), 403);
    assert_eq!(nginx("?ca.acton=GET"), 403);
    // Envoy and Caddy pass the client's query on.
    let more = [("x-client-id", PRINCIPAL), ("x-forwarded-for", OFFICE)];
    let envoy = |path: &str| get(doorward.address(), &format!("/v1/forward-auth/envoy{path}"), &more).status;
    assert_eq!(envoy("/admin?ca.target=other&ca.action=GET"), 403);
    assert_eq!(envoy("/orders?ca.action=DELETE"), 200);
    let caddy = |method: &str, query: &str| {
        let described = [("x-forwarded-method", method), ("x-forwarded-uri", "/"), ("x-forwarded-host", "api.test")];
        let headers: Vec<_> = described.into_iter().chain(more).collect();
        get(doorward.address(), &format!("/v1/forward-auth/caddy{query}"), &headers).status
    };
    assert_eq!(caddy("DELETE", "?ca.action=GET"), 403);
    assert_eq!(caddy("GET", "?page=2"), 200);
}

#[test]
fn where_a_client_would_be_sent_is_never_said() {
    let doorward = Doorward::start(SETTINGS);
    let to = "https://elsewhere.test/";
    let said = ["x-auth-request-redirect", "x-original-redirect", "referer", "location"].map(|name| (name, to));
    let me = ("x-client-id", PRINCIPAL);
    for (more, status) in
        [(&[me, ("x-forwarded-for", OFFICE)][..], 200), (&[me], 403), (&[("x-forwarded-for", OFFICE)], 401)]
    {
        for query in ["", "?rd=https://elsewhere.test/"] {
            for (flavour, headers) in flavours("GET", "api.test", "/orders") {
                let headers = headers.iter().map(|(name, value)| (*name, value.as_str()));
                let headers: Vec<_> = headers.chain(said).chain(more.iter().copied()).collect();
                let answer = get(doorward.address(), &format!("/v1/forward-auth/{flavour}{query}"), &headers);
                let is_ours = matches!(flavour.split('/').next(), Some("envoy" | "caddy"));
                let expected = if query.is_empty() || is_ours { status } else { 403 };
                assert_eq!(answer.status, expected, "{flavour}{query}");
                let told = answer.headers.iter().find(|(_, value)| value.contains("elsewhere"));
                assert!(told.is_none() && !answer.body.contains("elsewhere"), "{flavour}{query}: {answer:?}");
            }
        }
    }
}

#[test]
fn the_unix_socket_is_a_proxy_where_the_operator_trusts_it() {
    let described = [("x-original-method", "GET"), ("x-original-uri", "/"), ("x-client-id", PRINCIPAL)];
    let from = |doorward: &Doorward, address: &str| {
        let headers: Vec<_> = described.into_iter().chain([("x-forwarded-for", address)]).collect();
        ask(doorward.unix(), "GET", "/v1/forward-auth/nginx", &headers).status
    };
    let doorward = Doorward::start(&SETTINGS.replace("trustedProxies: [127.0.0.1/32]", "trustUnix: true"));
    assert_eq!((from(&doorward, OFFICE), from(&doorward, ELSEWHERE)), (200, 403));
    let doorward = Doorward::start(SETTINGS);
    assert_eq!(from(&doorward, OFFICE), 401);
}

#[test]
fn what_was_decided_and_what_was_refused_is_in_the_decision_log() {
    let doorward = Doorward::start(SETTINGS);
    let me = [("x-client-id", PRINCIPAL), ("x-forwarded-for", OFFICE), ("x-request-id", "r-1")];
    get(doorward.address(), "/v1/forward-auth/envoy/orders", &me);
    get(doorward.address(), "/v1/forward-auth/envoy/a//b", &me);
    get(doorward.address(), "/v1/forward-auth/traefik", &me);
    get(doorward.address(), "/v1/forward-auth/envoy/orders", &[("x-forwarded-for", "unknown"), me[0]]);
    get(doorward.address(), "/v1/forward-auth/envoy/orders", &[]);
    let records = doorward.log();
    let told = |record: &serde_json::Value| {
        let text = |name: &str| record[name].as_str().unwrap_or("-").to_owned();
        [text("surface"), text("decision"), text("reason"), text("field"), record["input"]["action"].to_string()]
            .join(" ")
    };
    insta::assert_snapshot!(records.iter().map(told).collect::<Vec<_>>().join("\n"), @r#"
    forward_auth allow no_policy_applies - "GET"
    forward_auth error input_invalid attributes.http.path "GET"
    forward_auth error input_invalid header.x-forwarded-method null
    forward_auth error input_invalid network.ipAddress "GET"
    forward_auth error input_invalid identity "GET"
    "#);
    assert_eq!(records[0]["requestId"], "r-1");
    assert_eq!(records[0]["input"]["network"]["ipAddress"], OFFICE);
    assert_eq!(records[0]["input"]["attributes"]["http.path"], "/orders");
}

#[test]
fn what_is_no_flavour_is_not_found_and_lets_nothing_through() {
    let doorward = Doorward::start(SETTINGS);
    for path in ["", "apache", "traefik/", "traefik/x", "nginxx", "envoyx"] {
        let answer = get(doorward.address(), &format!("/v1/forward-auth/{path}"), &[]);
        assert_eq!((answer.status, answer.header("cache-control")), (404, Some("no-store")), "{path}");
    }
    // Nor does it matter who asks.
    let hash = "4104d36f8da2c254349f85836793ebe029e0c957063a34c91c2e9203187b5631";
    let guarded = Doorward::start(&format!("{SETTINGS}callers: {{ bearer: [{{ name: proxy, sha256: {hash} }}] }}\n"));
    for path in ["", "traefik", "envoy/orders"] {
        let answer = get(guarded.address(), &format!("/v1/forward-auth/{path}"), &[]);
        assert_eq!((answer.status, answer.header("cache-control")), (401, Some("no-store")), "{path}");
    }
    let shut = Doorward::start("doors: { envoy: {} }");
    assert_eq!(get(shut.address(), "/v1/forward-auth/nginx", &[]).status, 404);
}

#[test]
fn without_a_bundle_nothing_is_decided() {
    let running = without_bundle("forwardAuth: { clientIp: { mode: xff, trustUnix: true } }");
    let answer = get(running.addresses().tcp.unwrap(), "/v1/forward-auth/envoy/", &[]);
    assert_eq!((answer.status, answer.header("cache-control")), (503, Some("no-store")));
    let busy = bounded(
        "forwardAuth: { clientIp: { mode: xff, trustUnix: true } }",
        Bounds { in_flight_max: 0, ..Bounds::default() },
    );
    let answer = get(busy.addresses().tcp.unwrap(), "/v1/forward-auth/envoy/", &[]);
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
}

#[test]
fn settings_that_only_make_sense_elsewhere_are_refused() {
    let read = serde_saphyr::from_str::<doorward::serve::Doors>;
    let error = read("forwardAuth: { clientIp: { mode: external } }").expect_err("it is for Envoy").to_string();
    assert!(error.contains("sets on every request"), "{error}");
    let error = read("forwardAuth: { clientIp: {} }").expect_err("the peer is the proxy").to_string();
    assert!(error.contains("would take the proxy for the client"), "{error}");
    assert!(read("forwardAuth: {}").expect_err("the peer is the proxy").to_string().contains("clientIp"));
    assert!(read("envoy: { clientIp: { mode: external } }").is_ok());
    for mode in ["xff", "forwarded", "'header:x-real-ip'", "xff, hops: 1"] {
        let settings = format!("forwardAuth: {{ clientIp: {{ mode: {mode} }} }}");
        let error = serde_saphyr::from_str::<doorward::serve::Doors>(&settings).expect_err(mode).to_string();
        assert!(error.contains("`trustedProxies`"), "{error}");
    }
    let stray = read("forwardAuth: { clientIp: { mode: xff, trustUnix: true }, jwtPayload: x }").expect_err("no door");
    assert!(stray.to_string().contains("jwtPayload"), "{stray}");
}
