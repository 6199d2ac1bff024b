//! Envoy's external authorization over gRPC, by a client that says what Envoy would.

use std::net::TcpStream;

use doorward::serve::Bounds;
use doorward::serve::envoy::v3;
use doorward::serve::envoy::v3::check_response::HttpResponse;
use prost::Message;
use prost_types::Value;
use prost_types::value::Kind;
use serde_json::{Value as Json, json};
use tonic::Code;

use crate::server::{Doorward, ELSEWHERE, OFFICE, PRINCIPAL, SIGN_IN, STEP_UP, bounded, envoy, told, without_bundle};
use crate::support::metadata::verified;
use crate::support::raw::ask;

pub const SETTINGS: &str = "
doors:
  envoy:
    clientIp: { mode: xff, trustedProxies: [10.0.0.0/8] }
    identityHeader: { name: X-Client-Id, type: servicePrincipal }
";

/// A request of the principal of a verified token, from `address`.
pub fn asked(address: &str) -> v3::CheckRequest {
    asked_with(address, json!({"oid": PRINCIPAL, "sub": PRINCIPAL, "azp": "app", "idtyp": "app"}))
}

pub fn asked_with(address: &str, claims: Json) -> v3::CheckRequest {
    let mut request = of_nobody(address);
    request.attributes.as_mut().unwrap().metadata_context = Some(verified(&claims));
    request
}

pub fn of_nobody(address: &str) -> v3::CheckRequest {
    let socket = v3::address::Address::SocketAddress(v3::SocketAddress { address: address.to_owned() });
    let http = v3::HttpRequest {
        method: "GET".to_owned(),
        path: "/orders?page=2".to_owned(),
        host: "api.test:8443".to_owned(),
        scheme: "https".to_owned(),
        ..Default::default()
    };
    v3::CheckRequest {
        attributes: Some(v3::AttributeContext {
            source: Some(v3::Peer { address: Some(v3::Address { address: Some(socket) }), principal: String::new() }),
            request: Some(v3::Request { http: Some(http) }),
            ..Default::default()
        }),
    }
}

fn http(request: &mut v3::CheckRequest) -> &mut v3::HttpRequest {
    request.attributes.as_mut().unwrap().request.as_mut().unwrap().http.as_mut().unwrap()
}

pub fn with(mut request: v3::CheckRequest, change: impl FnOnce(&mut v3::HttpRequest)) -> v3::CheckRequest {
    change(http(&mut request));
    request
}

pub fn header(request: v3::CheckRequest, name: &str, value: &str) -> v3::CheckRequest {
    with(request, |http| drop(http.headers.insert(name.to_owned(), value.to_owned())))
}

pub fn says(mut request: v3::CheckRequest, name: &str, value: &str) -> v3::CheckRequest {
    let attributes = request.attributes.as_mut().unwrap();
    attributes.context_extensions.insert(name.to_owned(), value.to_owned());
    request
}

pub fn shown(mut request: v3::CheckRequest, principal: &str) -> v3::CheckRequest {
    request.attributes.as_mut().unwrap().source.as_mut().unwrap().principal = principal.to_owned();
    request
}

pub async fn all_told(doorward: &Doorward, cases: Vec<(&str, v3::CheckRequest, &str)>) {
    let mut client = doorward.envoy().await;
    for (claim, request, expected) in cases {
        let response = client.check(request).await.unwrap_or_else(|status| panic!("{claim}: {status}")).into_inner();
        assert_eq!(told(&response), expected, "{claim}");
    }
}

pub fn answer_headers(response: &v3::CheckResponse) -> Vec<(String, String, i32)> {
    let headers = match response.http_response.as_ref().unwrap() {
        HttpResponse::OkResponse(ok) => &ok.headers,
        HttpResponse::DeniedResponse(denied) => &denied.headers,
    };
    let each = |option: &v3::HeaderValueOption| {
        let header = option.header.as_ref().unwrap();
        (header.key.clone(), header.value.clone(), option.append_action)
    };
    headers.iter().map(each).collect()
}

#[tokio::test]
async fn what_policies_say_is_what_envoy_is_told() {
    let person = |amr: Json| asked_with(OFFICE, json!({"oid": "u-1", "sub": "s", "scp": "x", "amr": amr}));
    let doorward = Doorward::start(SETTINGS);
    let cases = vec![
        ("in the office", asked(OFFICE), "0 ok"),
        ("outside", asked(ELSEWHERE), "7 403"),
        ("a workload by its certificate", shown(of_nobody(OFFICE), "spiffe://corp.test/ledger"), "0 ok"),
        ("the same, outside", shown(of_nobody(ELSEWHERE), "spiffe://corp.test/ledger"), "7 403"),
        ("a workload that is named", shown(of_nobody(OFFICE), "spiffe://corp.test/Named"), "7 403"),
        ("ids are compared byte for byte", shown(of_nobody(OFFICE), "spiffe://corp.test/named"), "0 ok"),
        ("a person who can do more", person(json!(["pwd"])), "16 401"),
        ("and has", person(json!(["pwd", "mfa"])), "0 ok"),
        ("nobody", of_nobody(OFFICE), "16 401"),
        ("a certificate without a SPIFFE id", shown(of_nobody(OFFICE), "client.test"), "16 401"),
        ("an action that is forbidden", with(asked(OFFICE), |http| http.method = "DELETE".to_owned()), "7 403"),
        ("an action that the route names", says(asked(OFFICE), "ca.action", "DELETE"), "7 403"),
        ("a path that is forbidden", with(asked(OFFICE), |http| http.path = "/admin?x".to_owned()), "7 403"),
        ("the same in another spelling", with(asked(OFFICE), |http| http.path = "/%61dmin".to_owned()), "7 403"),
        ("a host that is forbidden", with(asked(OFFICE), |http| http.host = "SECRET.test.:443".to_owned()), "7 403"),
        ("a target that the route names", says(asked(OFFICE), "ca.target", "secret.test"), "7 403"),
        (
            "the same name of another kind",
            says(says(asked(OFFICE), "ca.target", "secret.test"), "ca.target_type", "route"),
            "0 ok",
        ),
    ];
    all_told(&doorward, cases).await;
}

#[tokio::test]
async fn the_client_is_found_behind_trusted_proxies_and_nowhere_else() {
    let from = |source: &str, chain: &str| header(asked(source), "x-forwarded-for", chain);
    let listed = |chain: &[&str]| {
        with(asked("10.0.0.1"), |http| {
            let header = |value: &&str| v3::HeaderValue {
                key: "x-forwarded-for".to_owned(),
                raw_value: value.as_bytes().to_vec(),
                ..Default::default()
            };
            http.header_map = Some(v3::HeaderMap { headers: chain.iter().map(header).collect() });
        })
    };
    let doorward = Doorward::start(SETTINGS);
    let cases = vec![
        ("behind a trusted proxy", from("10.0.0.1", &format!("{ELSEWHERE}, {OFFICE}")), "0 ok"),
        ("the client's own words do not count", from("10.0.0.1", &format!("{OFFICE}, {ELSEWHERE}")), "7 403"),
        ("an untrusted peer says nothing about others", from(ELSEWHERE, OFFICE), "7 403"),
        ("an IPv4-mapped address", from("::ffff:10.0.0.1", "::ffff:198.51.100.7"), "0 ok"),
        ("an entry that is no address", from("10.0.0.1", &format!("{OFFICE}, unknown")), "7 403"),
        ("an empty entry", from("10.0.0.1", &format!("{OFFICE},")), "7 403"),
        ("raw headers, line by line", listed(&[ELSEWHERE, OFFICE]), "0 ok"),
        ("the last line counts", listed(&[OFFICE, ELSEWHERE]), "7 403"),
        ("a source that is no address", asked("localhost"), "7 403"),
    ];
    all_told(&doorward, cases).await;
    assert_eq!(doorward.counter("doorward_untrusted_forwarded_header_total{surface=\"envoy\"}"), 1.0);
    assert_eq!(doorward.counter("doorward_invalid_input_total{surface=\"envoy\"}"), 3.0);
    // A pipe has no address.
    let mut nowhere = asked(OFFICE);
    nowhere.attributes.as_mut().unwrap().source = None;
    all_told(&doorward, vec![("a policy about addresses blocks a request without one", nowhere, "7 403")]).await;
    assert_eq!(doorward.counter("doorward_missing_ip_total{surface=\"envoy\"}"), 1.0);
}

#[tokio::test]
async fn a_header_names_the_identity_only_where_the_route_trusts_it() {
    let named = |name: &str| header(of_nobody(OFFICE), "x-client-id", name);
    let trusted = |request| says(request, "ca.trust_identity_header", "true");
    let doorward = Doorward::start(SETTINGS);
    let cases = vec![
        ("untrusted", named(PRINCIPAL), "16 401"),
        ("trusted in other words", says(named(PRINCIPAL), "ca.trust_identity_header", "yes"), "16 401"),
        ("trusted", trusted(named(PRINCIPAL)), "0 ok"),
        ("two names", trusted(named("a,b")), "7 403"),
        ("an empty name", trusted(named("")), "7 403"),
        ("no name", trusted(of_nobody(OFFICE)), "16 401"),
    ];
    all_told(&doorward, cases).await;
}

#[tokio::test]
async fn nothing_that_a_client_can_send_makes_the_call_fail() {
    let path = |path: &str| with(asked(OFFICE), |http| http.path = path.to_owned());
    let doorward = Doorward::start(SETTINGS);
    let cases = vec![
        ("a dot segment", path("/orders/../admin"), "7 403"),
        ("an encoded slash", path("/orders%2fadmin"), "7 403"),
        ("a double slash", path("//admin"), "7 403"),
        ("a host that is none", with(asked(OFFICE), |http| http.host = "a b".to_owned()), "7 403"),
        ("a long method", with(asked(OFFICE), |http| http.method = "X".repeat(1000)), "7 403"),
        ("claims that name nobody", asked_with(OFFICE, json!({"iss": "x"})), "16 401"),
        ("claims that cannot be used", asked_with(OFFICE, json!({"oid": 7})), "7 403"),
        ("no attributes", v3::CheckRequest::default(), "16 401"),
        ("more than there is room for", header(asked(OFFICE), "cookie", &"x".repeat(300 << 10)), "7 403"),
        ("an id that cannot be echoed", header(asked(OFFICE), "x-request-id", "\u{7f}"), "0 ok"),
    ];
    all_told(&doorward, cases).await;
    // Envoy copies bytes that are no UTF-8 into a field that must be; no client library would send that.
    let mut bytes = path("/aaaa").encode_to_vec();
    let place = bytes.windows(5).position(|window| window == b"/aaaa").unwrap();
    bytes[place + 1] = 0xff;
    assert!(v3::CheckRequest::decode(&*bytes).is_err());
    let response = raw(&doorward, bytes).await.unwrap();
    assert_eq!(told(&v3::CheckResponse::decode(&*response).unwrap()), "7 403");
}

#[tokio::test]
async fn a_message_with_any_bytes_changed_is_answered() {
    let doorward = Doorward::start(SETTINGS);
    let whole = header(asked(OFFICE), "x-forwarded-for", ELSEWHERE).encode_to_vec();
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..300 {
        let mut bytes = whole.clone();
        for _ in 0..random.usize(1..4) {
            let place = random.usize(..bytes.len());
            bytes[place] = random.u8(..);
        }
        let response = raw(&doorward, bytes.clone()).await.unwrap_or_else(|status| panic!("{bytes:?}: {status}"));
        v3::CheckResponse::decode(&*response).unwrap();
    }
}

/// Sends bytes as the message of a call.
async fn raw(doorward: &Doorward, bytes: Vec<u8>) -> Result<Vec<u8>, tonic::Status> {
    use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

    #[derive(Default)]
    struct Bytes;
    impl Codec for Bytes {
        type Encode = Vec<u8>;
        type Decode = Vec<u8>;
        type Encoder = Self;
        type Decoder = Self;
        fn encoder(&mut self) -> Self {
            Self
        }
        fn decoder(&mut self) -> Self {
            Self
        }
    }
    impl Encoder for Bytes {
        type Item = Vec<u8>;
        type Error = tonic::Status;
        fn encode(&mut self, item: Vec<u8>, out: &mut EncodeBuf<'_>) -> Result<(), tonic::Status> {
            bytes::BufMut::put_slice(out, &item);
            Ok(())
        }
    }
    impl Decoder for Bytes {
        type Item = Vec<u8>;
        type Error = tonic::Status;
        fn decode(&mut self, message: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, tonic::Status> {
            let length = bytes::Buf::remaining(message);
            Ok(Some(bytes::Buf::copy_to_bytes(message, length).to_vec()))
        }
    }

    let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{}", doorward.address())).unwrap();
    let mut client = tonic::client::Grpc::new(endpoint.connect().await.unwrap());
    client.ready().await.unwrap();
    let path = http::uri::PathAndQuery::from_static("/envoy.service.auth.v3.Authorization/Check");
    client.unary(tonic::Request::new(bytes), path, Bytes).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn an_allowed_request_goes_on_with_our_headers_and_none_that_a_client_made_up() {
    let forged = header(header(asked(OFFICE), "x-ca-subject", "admin"), "x-ca-role", "admin");
    let forged = header(header(forged, "doorward-authorization", "Bearer x"), "x-doorward-identity", "admin");
    let request = header(forged, "x-request-id", "r-1");
    let doorward = Doorward::start(SETTINGS);
    let response = doorward.envoy().await.check(request).await.unwrap().into_inner();
    // Two is overwrite-or-add.
    let ours = [("x-ca-decision-id", "r-1", 2), ("x-ca-revision", "7", 2), ("x-ca-subject", PRINCIPAL, 2)];
    assert_eq!(
        answer_headers(&response),
        ours.map(|(name, value, action)| (name.to_owned(), value.to_owned(), action))
    );
    let Some(HttpResponse::OkResponse(ok)) = &response.http_response else { panic!("{response:?}") };
    let mut removed = ok.headers_to_remove.clone();
    removed.sort();
    assert_eq!(removed, ["doorward-authorization", "x-ca-role", "x-doorward-identity"]);
}

#[tokio::test]
async fn a_client_is_told_no_reasons_and_what_it_can_do() {
    let doorward = Doorward::start(SETTINGS);
    let mut client = doorward.envoy().await;
    let person = asked_with(OFFICE, json!({"oid": "u-1", "sub": "s", "scp": "x"}));
    let token = says(person.clone(), "ca.action", "issue:access_token:refresh_token");
    for (request, expected) in
        [(asked(ELSEWHERE), None), (of_nobody(OFFICE), Some("Bearer")), (person, Some(STEP_UP)), (token, Some(SIGN_IN))]
    {
        let response = client.check(request).await.unwrap().into_inner();
        let headers = answer_headers(&response);
        let challenge =
            headers.iter().find(|(name, ..)| name == "www-authenticate").map(|(_, value, _)| value.as_str());
        assert_eq!(crate::server::challenge(challenge).as_deref(), expected);
        let Some(HttpResponse::DeniedResponse(denied)) = response.http_response else { panic!("{headers:?}") };
        assert_eq!(denied.body, r#"{"error":"access_denied"}"#);
    }
}

#[tokio::test]
async fn access_logs_get_what_decided() {
    let doorward = Doorward::start(SETTINGS);
    let mut client = doorward.envoy().await;
    let mut metadata = Vec::new();
    let two_clients = asked_with(OFFICE, json!({"oid": PRINCIPAL, "azp": "one", "client_id": "other"}));
    for request in [asked(OFFICE), asked(ELSEWHERE), of_nobody(OFFICE), asked("nowhere"), two_clients] {
        let request = header(request, "x-request-id", "r-1");
        let fields = client.check(request).await.unwrap().into_inner().dynamic_metadata.unwrap().fields;
        let text = |value: &Value| match &value.kind {
            Some(Kind::StringValue(text)) => text.clone(),
            other => panic!("{other:?}"),
        };
        let told = |value: &Value| match &value.kind {
            Some(Kind::ListValue(list)) => format!("{:?}", list.values.iter().map(text).collect::<Vec<_>>()),
            Some(Kind::BoolValue(is_so)) => is_so.to_string(),
            _ => text(value),
        };
        let all: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", told(value))).collect();
        metadata.push(all.join(" "));
    }
    insta::assert_snapshot!(metadata.join("\n"), @r#"
    decision=allow decision_id=r-1 location=["Office"] policies=[] reason=no_policy_applies report_only=[] revision=7 stale=false
    decision=block decision_id=r-1 location=[] policies=["aaaaaaaa-0000-4000-8000-000000000001"] reason=blocked_by_policy report_only=[] revision=7 stale=false
    decision=block decision_id=r-1 reason=input_invalid
    decision=block decision_id=r-1 reason=input_invalid
    decision=block decision_id=r-1 reason=input_conflict
    "#);
}

#[tokio::test]
async fn without_a_bundle_the_call_fails_so_that_envoy_does_what_it_was_told_for_that() {
    let running = without_bundle("envoy: {}");
    let mut client = envoy(running.addresses().tcp.unwrap()).await;
    assert_eq!(client.check(asked(OFFICE)).await.unwrap_err().code(), Code::Unavailable);
    assert_eq!(client.check(of_nobody(OFFICE)).await.unwrap_err().code(), Code::Unavailable);
}

#[tokio::test]
async fn a_call_that_is_one_too_many_fails() {
    let running = bounded("envoy: {}", Bounds { in_flight_max: 0, ..Bounds::default() });
    let mut client = envoy(running.addresses().tcp.unwrap()).await;
    assert_eq!(client.check(asked(OFFICE)).await.unwrap_err().code(), Code::Unavailable);
}

#[tokio::test]
async fn an_id_that_no_header_can_carry_is_nobodys_in_the_header() {
    let doorward = Doorward::start(SETTINGS);
    let mut client = doorward.envoy().await;
    for id in ["a b", "a,b", "\u{e4}", "a\"b"] {
        // Envoy may be told to say some headers only, and passes all of them on.
        let unsaid = asked_with(OFFICE, json!({"oid": id, "idtyp": "app"}));
        for request in [header(unsaid.clone(), "x-ca-subject", "forged"), unsaid] {
            let response = client.check(request).await.unwrap().into_inner();
            assert_eq!(answer_headers(&response).len(), 2, "{id}");
            let Some(HttpResponse::OkResponse(ok)) = &response.http_response else { panic!("{response:?}") };
            assert_eq!(ok.headers_to_remove, ["x-ca-subject"]);
        }
    }
}

#[tokio::test]
async fn a_call_whose_time_is_up_is_not_decided() {
    let doorward = Doorward::start(SETTINGS);
    // A client library would give the call up by itself.
    let headers = [("content-type", "application/grpc"), ("grpc-timeout", "1n")];
    let path = "/envoy.service.auth.v3.Authorization/Check";
    let answer = ask(TcpStream::connect(doorward.address()).unwrap(), "POST", path, &headers);
    assert_eq!(answer.header("grpc-status"), Some("4"), "{answer:?}");
    let series = "doorward_decisions_total{surface=\"envoy\",decision=\"error\",reason=\"timed_out\"}";
    assert_eq!(doorward.counter(series), 1.0);
    let mut request = tonic::Request::new(asked(OFFICE));
    request.set_timeout(std::time::Duration::from_secs(60));
    assert_eq!(told(&doorward.envoy().await.check(request).await.unwrap().into_inner()), "0 ok");
}

#[tokio::test]
async fn the_door_is_shut_unless_it_is_opened() {
    let doorward = Doorward::start("doors: { forwardAuth: { clientIp: { mode: xff, trustUnix: true } } }");
    assert_eq!(doorward.envoy().await.check(asked(OFFICE)).await.unwrap_err().code(), Code::Unimplemented);
    assert_eq!(health(&doorward).await, Err(Code::NotFound));
}

#[tokio::test]
async fn health_knows_the_service_of_an_open_door() {
    assert_eq!(health(&Doorward::start(SETTINGS)).await, Ok(1));
}

async fn health(doorward: &Doorward) -> Result<i32, Code> {
    let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{}", doorward.address())).unwrap();
    let mut client = tonic_health::pb::health_client::HealthClient::new(endpoint.connect().await.unwrap());
    let service = "envoy.service.auth.v3.Authorization".to_owned();
    let answer = client.check(tonic_health::pb::HealthCheckRequest { service }).await;
    answer.map(|answer| answer.into_inner().status).map_err(|status| status.code())
}

#[tokio::test]
async fn the_operator_may_let_requests_of_nobody_be_decided() {
    let settings = "doors: { envoy: { anonymous: { type: servicePrincipal, id: anonymous }, pathsAreNormal: true } }";
    let doorward = Doorward::start(settings);
    let odd = with(of_nobody(OFFICE), |http| http.path = "/a//b%2Fc".to_owned());
    let cases = vec![
        ("in the office", of_nobody(OFFICE), "0 ok"),
        ("outside", of_nobody(ELSEWHERE), "7 403"),
        ("paths that Envoy has settled are taken as they are", odd, "0 ok"),
    ];
    all_told(&doorward, cases).await;
}
