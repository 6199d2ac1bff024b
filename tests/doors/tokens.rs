//! Tokens that clients bring to their gateways, verified by the keys of an issuer that a server gives out.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use doorward::serve::envoy::v3;
use jiff::Timestamp;
use jsonwebtoken::Algorithm;
use prost::Message;
use serde_json::{Value, json};

use crate::check;
use crate::forward::{ORDERS, asked as ask_every_flavour};
use crate::issuer::{Key, KeyServer};
use crate::program::{self, deployed};
use crate::proxies::{Start, caddy, haproxy, nginx, proxied, traefik};
use crate::server::{ANEW, Doorward, ELSEWHERE, OFFICE, PRINCIPAL, STEP_UP, files, told};
use crate::support::found::{corpus, program};
use crate::support::raw::{Answer, ask};

const CHALLENGE: &str = "Bearer";
const INVALID: &str = "Bearer error=\"invalid_token\"";

/// An issuer, its keys and the server of these.
struct Issuer {
    key: Key,
    server: KeyServer,
}

impl Issuer {
    async fn start() -> Self {
        let key = Key::new("one", Algorithm::ES256);
        let server = KeyServer::start(&[&key]).await;
        Self { key, server }
    }

    /// The settings of doorward with this issuer.
    fn settings(&self, doors: &str) -> String {
        let url = &self.server.url;
        format!("{doors}\nissuers: [{{ issuer: https://issuer.test, jwks: '{url}', audiences: ['api://orders'] }}]\n")
    }

    /// A token of a service principal, with some claims changed.
    fn token(&self, changes: Value) -> String {
        let now = Timestamp::now().as_second();
        let mut claims = json!({
            "iss": "https://issuer.test", "aud": "api://orders", "sub": PRINCIPAL, "oid": PRINCIPAL, "azp": "app",
            "idtyp": "app", "iat": now - 5, "exp": now + 300,
        });
        // A token of an application names it twice.
        if let (Some(oid), None) = (changes.get("oid"), changes.get("sub")) {
            claims["sub"] = oid.clone();
        }
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        format!("Bearer {}", self.key.sign(&claims))
    }

    /// Tokens that cannot be believed.
    fn bad(&self) -> Vec<(&'static str, String)> {
        let now = Timestamp::now().as_second();
        let stranger = Key::new("one", Algorithm::ES256);
        let signed_by = |key: &Key, claims: Value| format!("Bearer {}", key.sign(&claims));
        let forged = json!({"iss": "https://issuer.test", "aud": "api://orders", "sub": PRINCIPAL, "exp": now + 300});
        vec![
            ("expired", self.token(json!({"exp": now - 60}))),
            ("for others", self.token(json!({"aud": "api://payroll"}))),
            ("of another issuer", self.token(json!({"iss": "https://other.test"}))),
            ("not yet", self.token(json!({"nbf": now + 120}))),
            ("signed by somebody else", signed_by(&stranger, forged)),
            ("no token", "Bearer nonsense".to_owned()),
            ("nothing", "Bearer".to_owned()),
            ("two", format!("{}, {}", self.token(json!({})), self.token(json!({})))),
        ]
    }
}

const DOORS: &str = "
doors:
  envoy: { identityHeader: { name: X-Client-Id, type: servicePrincipal } }
  forwardAuth:
    clientIp: { mode: xff, trustedProxies: [127.0.0.1/32] }
    identityHeader: { name: X-Client-Id, type: servicePrincipal }
";

/// A service principal that a policy blocks by its id.
const NAMED: &str = "spiffe://corp.test/Named";

/// How the client is challenged.
fn told_challenge(answer: &Answer) -> Option<String> {
    crate::server::challenge(answer.header("www-authenticate"))
}

fn person(amr: &[&str]) -> Value {
    json!({"oid": "u-1", "sub": "s", "idtyp": "user", "amr": amr})
}

/// What is told of a request with each token: status and challenge.
fn cases(issuer: &Issuer) -> Vec<(&'static str, String, u16, Option<&'static str>)> {
    let mut cases = vec![
        ("a service principal", issuer.token(json!({})), 200, None),
        ("one that is blocked", issuer.token(json!({"oid": NAMED})), 403, None),
        ("one that takes challenges", issuer.token(json!({"oid": NAMED, "xms_cc": ["cp1"]})), 401, Some(ANEW)),
        ("one that takes others", issuer.token(json!({"oid": NAMED, "xms_cc": ["cp2"]})), 403, None),
        ("a context that is blocked", issuer.token(json!({"oid": "stepping-up", "acrs": ["c1", "c9"]})), 403, None),
        ("another context", issuer.token(json!({"oid": "stepping-up", "acrs": "c1"})), 200, None),
        ("a person with one factor", issuer.token(person(&["pwd"])), 401, Some(STEP_UP)),
        ("a person with several", issuer.token(person(&["pwd", "mfa"])), 200, None),
        ("claims that cannot be used", issuer.token(json!({"idtyp": "device"})), 403, None),
        ("another scheme", "Basic YTpi".to_owned(), 401, Some(CHALLENGE)),
    ];
    cases.extend(issuer.bad().into_iter().map(|(claim, token)| (claim, token, 401, Some(INVALID))));
    cases
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_flavour_verifies_the_token_of_the_client() {
    let issuer = Issuer::start().await;
    let doorward = Doorward::start(&issuer.settings(DOORS));
    for (claim, token, status, challenge) in cases(&issuer) {
        let headers = [("authorization", token.as_str()), ("x-forwarded-for", OFFICE)];
        let answer = ask_every_flavour(&doorward, ORDERS, &headers);
        assert_eq!((answer.status, told_challenge(&answer).as_deref()), (status, challenge), "{claim}");
    }
    let token = issuer.token(json!({}));
    let outside = [("authorization", token.as_str()), ("x-forwarded-for", ELSEWHERE)];
    assert_eq!(ask_every_flavour(&doorward, ORDERS, &outside).status, 403);
    let inside = ask_every_flavour(&doorward, ORDERS, &[outside[0], ("x-forwarded-for", OFFICE)]);
    assert_eq!(inside.header("x-ca-subject"), Some(PRINCIPAL));
    assert_eq!(issuer.server.fetched(), 1, "keys are kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_and_the_identity_header_agree_and_a_bad_token_is_never_the_same_as_none() {
    let issuer = Issuer::start().await;
    let anonymous = format!("{}    anonymous: {{ type: servicePrincipal, id: nobody }}", DOORS);
    let doorward = Doorward::start(&issuer.settings(&anonymous));
    let ask = |headers: &[(&str, &str)]| {
        let headers: Vec<_> = headers.iter().copied().chain([("x-forwarded-for", OFFICE)]).collect();
        let answer = ask_every_flavour(&doorward, ORDERS, &headers);
        (answer.status, answer.header("x-ca-subject").map(str::to_owned))
    };
    let (token, expired) = (issuer.token(json!({})), issuer.token(json!({"exp": 1})));
    let (named, other) = (("x-client-id", "ledger"), ("authorization", "Basic YTpi"));
    assert_eq!(ask(&[]), (200, Some("nobody".to_owned())));
    assert_eq!(ask(&[named, other]), (200, Some("ledger".to_owned())));
    let upper = PRINCIPAL.to_uppercase();
    for same in [PRINCIPAL, &upper, ""] {
        let answer = ask(&[("x-client-id", same), ("authorization", &token)]);
        assert_eq!(answer, (200, Some(PRINCIPAL.to_owned())), "{same:?}");
    }
    // An upstream may believe the header, and the token was good for somebody else; so may one line of two.
    let person = issuer.token(json!({"oid": PRINCIPAL, "sub": "s", "idtyp": "user", "amr": ["pwd", "mfa"]}));
    let me = ("x-client-id", PRINCIPAL);
    for disagreeing in [
        &[named, ("authorization", &token)][..],
        &[me, ("authorization", &person)],
        &[me, me, ("authorization", &token)],
        &[("x-client-id", ""), me, ("authorization", &token)],
    ] {
        assert_eq!(ask(disagreeing), (403, None), "{disagreeing:?}");
    }
    let flavours = doorward
        .counter("doorward_decisions_total{surface=\"forward_auth\",decision=\"error\",reason=\"input_conflict\"}");
    assert!(flavours >= 2.0, "{flavours}");
    assert_eq!(ask(&[("authorization", &expired)]), (401, None));
    assert_eq!(ask(&[named, ("authorization", &expired)]), (401, None));
    // Which of two lines counts is for nobody to guess.
    assert_eq!(ask(&[("authorization", &token), ("authorization", &token)]), (401, None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_issuers_no_token_says_who_asks() {
    let issuer = Issuer::start().await;
    let doorward = Doorward::start(DOORS);
    let (token, named) = (issuer.token(json!({})), ("x-client-id", PRINCIPAL));
    let (token, from) = (("authorization", token.as_str()), ("x-forwarded-for", OFFICE));
    assert_eq!(ask_every_flavour(&doorward, ORDERS, &[token, from]).header("www-authenticate"), Some(CHALLENGE));
    assert_eq!(ask_every_flavour(&doorward, ORDERS, &[token, from, named]).status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_keys_nothing_is_decided_and_nobody_is_anonymous() {
    let issuer = Issuer::start().await;
    issuer.server.fail();
    let doors = format!("{}    anonymous: {{ type: servicePrincipal, id: nobody }}", DOORS);
    let doorward = Doorward::start(&issuer.settings(&doors));
    let token = issuer.token(json!({}));
    let headers = [("authorization", token.as_str()), ("x-forwarded-for", OFFICE)];
    let answer = ask_envoy(&doorward, &headers);
    let body: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    assert_eq!(body["error"]["reason"], "no_keys");
    let status = doorward.envoy().await.check(with_token(&token)).await.expect_err("nothing was decided");
    assert_eq!(status.code(), tonic::Code::Unavailable);
    let series = |surface: &str| {
        format!("doorward_decisions_total{{surface=\"{surface}\",decision=\"error\",reason=\"no_keys\"}}")
    };
    assert_eq!((doorward.counter(&series("forward_auth")), doorward.counter(&series("envoy"))), (1.0, 1.0));
    // A token of an issuer that nobody knows is the client's fault all the same.
    let foreign = issuer.token(json!({"iss": "https://other.test"}));
    let headers = [("authorization", foreign.as_str()), ("x-forwarded-for", OFFICE)];
    assert_eq!(ask_every_flavour(&doorward, ORDERS, &headers).header("www-authenticate"), Some(INVALID));
}

/// A request of nobody to Envoy, with a token that Envoy has not looked at.
fn with_token(token: &str) -> v3::CheckRequest {
    check::header(check::of_nobody(OFFICE), "authorization", token)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn envoy_need_not_verify_tokens_itself() {
    let issuer = Issuer::start().await;
    let doorward = Doorward::start(&issuer.settings(DOORS));
    let mut client = doorward.envoy().await;
    for (claim, token, status, challenge) in cases(&issuer) {
        let response = client.check(with_token(&token)).await.unwrap().into_inner();
        let expected = match status {
            200 => "0 ok",
            401 => "16 401",
            _ => "7 403",
        };
        assert_eq!(told(&response), expected, "{claim}");
        let headers = check::answer_headers(&response);
        let told = headers.iter().find(|(name, ..)| name == "www-authenticate").map(|(_, value, _)| value.as_str());
        assert_eq!(crate::server::challenge(told).as_deref(), challenge, "{claim}");
    }
    // Claims that Envoy has verified come first, and whatever is beside them is not looked at.
    let verified = check::header(check::asked(OFFICE), "authorization", "Bearer nonsense");
    assert_eq!(told(&client.check(verified).await.unwrap().into_inner()), "0 ok");
    // A header that the route trusts agrees with the token, whoever has verified that.
    let named =
        |request, name| check::says(check::header(request, "x-client-id", name), "ca.trust_identity_header", "true");
    for request in [with_token(&issuer.token(json!({}))), check::asked(OFFICE)] {
        let untrusted = check::header(request.clone(), "x-client-id", "ledger");
        for (request, expected) in [
            (untrusted, "0 ok"),
            (named(request.clone(), PRINCIPAL), "0 ok"),
            (named(request.clone(), ""), "0 ok"),
            (named(request, "ledger"), "7 403"),
        ] {
            assert_eq!(told(&client.check(request).await.unwrap().into_inner()), expected);
        }
    }
    let conflicts = "doorward_decisions_total{surface=\"envoy\",decision=\"error\",reason=\"input_conflict\"}";
    assert_eq!(doorward.counter(conflicts), 2.0);
    // The client's token comes before the certificate of the proxy that it came through.
    let certified = check::shown(with_token(&issuer.token(json!({"oid": NAMED}))), "spiffe://corp.test/ledger");
    assert_eq!(told(&client.check(certified).await.unwrap().into_inner()), "7 403");
}

/// Names that the operator said counted where Envoy had verified the token, and where doorward did, somebody else was decided
/// about.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_of_claims_count_whoever_verifies_the_token() {
    let issuer = Issuer::start().await;
    let doors = "doors: { envoy: { claimNames: { oid: who, sub: who } } }";
    let doorward = Doorward::start(&issuer.settings(doors));
    let mut client = doorward.envoy().await;
    let own = |who: &str| issuer.token(json!({ "who": who }));
    for (token, expected) in [(own(NAMED), "7 403"), (own("x"), "0 ok"), (issuer.token(json!({})), "16 401")] {
        let response = client.check(with_token(&token)).await.unwrap().into_inner();
        assert_eq!(told(&response), expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_time_that_envoy_waits_bounds_the_wait_for_keys() {
    let issuer = Issuer::start().await;
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/keys", silent.local_addr().unwrap());
    let doorward = Doorward::start(&issuer.settings(DOORS).replace(&issuer.server.url, &url));
    let mut request = tonic::Request::new(with_token(&issuer.token(json!({}))));
    request.set_timeout(Duration::from_millis(400));
    let status = doorward.envoy().await.check(request).await.expect_err("nothing was decided");
    assert_eq!(status.code(), tonic::Code::Unavailable, "before the time is up: {status}");
}

/// A gateway may be told to let everything pass while doorward is in trouble, and a client could make it believe that: a key
/// with a made-up name was waited for, and then not known to be none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_a_client_makes_up_is_no_trouble() {
    let (issuer, stranger) = (Issuer::start().await, Key::new("made-up", Algorithm::ES256));
    let now = Timestamp::now().as_second();
    let claims = json!({"iss": "https://issuer.test", "aud": "api://orders", "sub": PRINCIPAL, "exp": now + 300});
    let (good, bad) = (issuer.token(json!({})), format!("Bearer {}", stranger.sign(&claims)));
    // One issuer answers with an error after its first keys, another one not at all.
    let failing = Doorward::start(&issuer.settings(DOORS));
    let url = silent_after(&json!({"keys": [issuer.key.public()]}).to_string());
    let hanging = Doorward::start(&issuer.settings(DOORS).replace(&issuer.server.url, &url));
    for doorward in [&failing, &hanging] {
        let ask = |token: &str| {
            let headers = [("authorization", token), ("x-forwarded-for", OFFICE)];
            let answer = ask_envoy(doorward, &headers);
            (answer.status, answer.header("www-authenticate").map(str::to_owned))
        };
        assert_eq!(ask(&good), (200, None));
        issuer.server.fail();
        let mut request = tonic::Request::new(with_token(&bad));
        request.set_timeout(Duration::from_millis(400));
        let response = doorward.envoy().await.check(request).await.unwrap().into_inner();
        assert_eq!(told(&response), "16 401");
        assert_eq!(ask(&bad), (401, Some(INVALID.to_owned())));
        assert_eq!(ask(&good), (200, None));
    }
}

/// The address of a key set that is given once; whoever asks again waits.
fn silent_after(keys: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{keys}", keys.len());
    // It ends with the process.
    std::thread::spawn(move || {
        let (mut first, _) = listener.accept().unwrap();
        // WHY: an answer that comes before the question is none.
        BufReader::new(&first).lines().map(Result::unwrap).find(String::is_empty).unwrap();
        first.write_all(answer.as_bytes()).unwrap();
        let _kept: Vec<_> = listener.incoming().collect();
    });
    url
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_of_a_real_envoy_are_decided_by_the_token_in_them() {
    let Some(folder) = corpus("envoy/checkrequests-grpc") else { return };
    let issuer = Issuer::start().await;
    let doors = "doors: { envoy: { clientIp: { mode: xff, trustedProxies: [127.0.0.0/8, 192.0.2.2] } } }";
    let doorward = Doorward::start(&issuer.settings(doors));
    let mut client = doorward.envoy().await;
    let tokens = [issuer.token(json!({})), issuer.token(json!({"exp": 1})), "Basic YTpi".to_owned()];
    let mut seen = Vec::new();
    for file in files(&folder, "pb") {
        let mut line = file.file_stem().unwrap().to_str().unwrap().to_owned();
        for token in &tokens {
            let request = v3::CheckRequest::decode(&*std::fs::read(&file).unwrap()).unwrap();
            let request = check::header(request, "authorization", token);
            line += &format!(", {}", told(&client.check(request).await.unwrap().into_inner()));
        }
        seen.push(line);
    }
    insta::assert_snapshot!(seen.join("\n"), @r"
    get-plain, 7 403, 16 401, 16 401
    mtls-h1, 7 403, 16 401, 7 403
    xff-trusted-hop, 0 ok, 16 401, 16 401
    xff, 0 ok, 16 401, 16 401
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_token_says_is_in_the_decision_log_and_the_token_is_not() {
    let issuer = Issuer::start().await;
    let doorward = Doorward::start(&issuer.settings(DOORS));
    let claims =
        json!({"iat": 1_700_000_000, "tid": "t-1", "xms_cc": ["cp1"], "acrs": "c1", "scope": "openid profile"});
    let (good, bad) = (issuer.token(claims), issuer.token(json!({"exp": 1})));
    for token in [&good, &bad] {
        let headers = [("authorization", token.as_str()), ("x-forwarded-for", OFFICE), ("host", "api.test")];
        let stream = TcpStream::connect(doorward.address()).unwrap();
        ask(stream, "GET", "/v1/forward-auth/envoy/orders", &headers);
    }
    let records = doorward.log();
    let attributes = &records[0]["input"]["attributes"];
    assert_eq!(records[0]["decision"], "allow");
    // Scopes of OpenID would say that the request is for Entra's directory.
    assert_eq!(records[0]["input"]["resource"], json!({"target": {"type": "service", "id": "api.test"}}));
    assert_eq!(attributes["claims.iat"], 1_700_000_000.0);
    assert_eq!((&attributes["claims.tid"], &attributes["claims.xms_cc"]), (&json!("t-1"), &json!(["cp1"])));
    assert_eq!(attributes["claims.acrs"], json!(["c1"]));
    assert_eq!((&records[1]["reason"], &records[1]["field"]), (&json!("input_invalid"), &json!("authorization")));
    let text = Value::from(records).to_string();
    for token in [good, bad] {
        let signature = token.rsplit('.').next().unwrap().to_owned();
        assert!(!text.contains(&signature), "{text}");
    }
}

/// A gateway that must say who it is does so beside the token of its client, which is never its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_token_of_the_proxy_is_not_that_of_its_client() {
    let issuer = Issuer::start().await;
    let hash = "4104d36f8da2c254349f85836793ebe029e0c957063a34c91c2e9203187b5631";
    let url = &issuer.server.url;
    let callers = format!(
        "callers:\n  bearer: [{{ name: gateway, sha256: {hash} }}]\n  jwt: [{{ issuer: https://issuer.test, jwks: '{url}', audiences: ['api://orders'], scope: decide, subjects: [proxy] }}]\n"
    );
    let doorward = Doorward::start(&(issuer.settings(DOORS) + &callers));
    let (own, client) = ("Bearer correct horse".to_owned(), issuer.token(json!({})));
    let proxy = issuer.token(json!({"sub": "proxy", "oid": "proxy", "scope": "decide"}));
    let ask = |headers: &[(&str, &str)]| {
        let headers: Vec<_> = headers.iter().copied().chain([("x-forwarded-for", OFFICE)]).collect();
        let answer = ask_envoy(&doorward, &headers);
        (answer.status, answer.header("www-authenticate").map(str::to_owned))
    };
    let both = |own: &str| ask(&[("doorward-authorization", own), ("authorization", &client)]);
    assert_eq!((both(&own), both(&proxy)), ((200, None), (200, None)));
    for alone in [&own, &proxy] {
        let nobody = Some(CHALLENGE.to_owned());
        assert_eq!(ask(&[("authorization", alone)]), (401, nobody), "its own token names no client");
    }
    assert_eq!(ask(&[("authorization", &client)]).0, 403, "a client is no caller");
    assert_eq!(both("Bearer wrong").0, 401);
}

/// In one flavour: what is refused before the door is asked lacks its headers, and refusals have ids of their own.
fn ask_envoy(doorward: &Doorward, headers: &[(&str, &str)]) -> Answer {
    ask(TcpStream::connect(doorward.address()).unwrap(), "GET", "/v1/forward-auth/envoy/orders", headers)
}

/// What holds for a proxy as it is shipped; `shut` is the status when the keys cannot be had.
async fn passes_tokens_on(binary: &Path, start: Start, shut: u16) {
    let issuer = Issuer::start().await;
    let url = &issuer.server.url;
    let settings = deployed("nginx/doorward-tokens.yaml", &[("https://issuer.test/keys", url)]);
    let doorward = Doorward::start(&settings);
    let proxy = proxied(binary, start, doorward.address().port());
    let ask = |from, token: &str| proxy.program.ask(from, "GET", "/orders", &[("authorization", token)]);
    for (claim, token, status, challenge) in cases(&issuer) {
        let count = proxy.upstream.count();
        let answer = ask(program::OFFICE, &token);
        assert_eq!((answer.status, told_challenge(&answer).as_deref()), (status, challenge), "{claim}");
        assert_eq!(proxy.upstream.count() - count, usize::from(status == 200), "{claim}");
    }
    let allowed = ask(program::OFFICE, &issuer.token(json!({})));
    assert!(allowed.body.contains(&format!("x-ca-subject: {PRINCIPAL}\n")), "{allowed:?}");
    assert_eq!(ask(program::ELSEWHERE, &issuer.token(json!({}))).status, 403);
    let nobody = proxy.program.ask(program::OFFICE, "GET", "/orders", &[]);
    assert_eq!((nobody.status, nobody.header("www-authenticate")), (401, Some(CHALLENGE)));

    // Its keys cannot be had: doorward answers 503, and the proxy makes of it what it does.
    issuer.server.fail();
    let doorward = Doorward::start(&settings);
    let proxy = proxied(binary, start, doorward.address().port());
    let answer = proxy.program.ask(program::OFFICE, "GET", "/", &[("authorization", &issuer.token(json!({})))]);
    assert_eq!((answer.status, proxy.upstream.count()), (shut, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nginx_passes_tokens_on() {
    let Some(binary) = program("DOORWARD_NGINX", "nginx") else { return };
    passes_tokens_on(&binary, nginx, 500).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn caddy_passes_tokens_on() {
    let Some(binary) = program("DOORWARD_CADDY", "caddy") else { return };
    passes_tokens_on(&binary, caddy, 503).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn traefik_passes_tokens_on() {
    let Some(binary) = program("DOORWARD_TRAEFIK", "traefik") else { return };
    passes_tokens_on(&binary, traefik, 503).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn haproxy_passes_tokens_on() {
    let Some(binary) = program("DOORWARD_HAPROXY", "haproxy") else { return };
    passes_tokens_on(&binary, haproxy, 503).await;
}
