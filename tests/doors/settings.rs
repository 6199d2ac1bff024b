//! What operators may say to the doors of gateways, and what the gateways' logs and headers say of it.

use prost_types::value::Kind;
use serde_json::{Value as Json, json};

use crate::check::{SETTINGS, all_told, answer_headers, asked, asked_with, header};
use crate::server::{Doorward, ELSEWHERE, OFFICE, STEP_UP, envoy, told};
use crate::support::process::Process;
use crate::support::raw::get;

/// A service principal that a policy blocks by its id.
const NAMED: &str = "spiffe://corp.test/Named";

#[tokio::test]
async fn the_operator_may_have_a_block_answered_with_401() {
    let settings = format!(
        "{SETTINGS}    blockedStatus: 401\n  forwardAuth: {{ clientIp: {{ mode: xff, trustedProxies: [127.0.0.1/32] }}, blockedStatus: 401, anonymous: {{ type: servicePrincipal, id: nobody }} }}\n"
    );
    let doorward = Doorward::start(&settings);
    let mut client = doorward.envoy().await;
    let person = asked_with(OFFICE, json!({"oid": "u-1", "sub": "s", "scp": "x"}));
    for (request, expected, challenged) in [
        (asked(ELSEWHERE), "16 401", Some("Bearer")),
        (person, "16 401", Some(STEP_UP)),
        (asked(OFFICE), "0 ok", None),
        // What cannot be used is no block, and no other token helps.
        (asked("nowhere"), "7 403", None),
    ] {
        let response = client.check(request).await.unwrap().into_inner();
        let headers = answer_headers(&response);
        let told_challenge = headers.iter().find(|(name, ..)| name == "www-authenticate");
        let told_challenge = crate::server::challenge(told_challenge.map(|(_, value, _)| value.as_str()));
        assert_eq!((told(&response).as_str(), told_challenge.as_deref()), (expected, challenged));
    }
    for (from, status, challenged) in [(ELSEWHERE, 401, Some("Bearer")), (OFFICE, 200, None), ("nowhere", 403, None)] {
        let answer = get(doorward.address(), "/v1/forward-auth/envoy/", &[("x-forwarded-for", from)]);
        assert_eq!((answer.status, answer.header("www-authenticate")), (status, challenged), "{from}");
    }
    let error = serde_saphyr::from_str::<doorward::serve::Doors>("envoy: { blockedStatus: 200 }").expect_err("a yes");
    assert!(error.to_string().contains("403 or 401"), "{error}");
}

#[tokio::test]
async fn claims_are_read_under_the_names_that_the_operator_says() {
    let doorward = Doorward::start("doors: { envoy: { claimNames: { sub: login, client_id: app } } }");
    let own = |claims: Json| asked_with(OFFICE, claims);
    let cases = vec![
        ("one that is blocked", own(json!({"login": NAMED, "app": NAMED, "sub": "x"})), "7 403"),
        ("one that is not", own(json!({"login": "x", "app": "x", "sub": NAMED, "client_id": NAMED})), "0 ok"),
        ("a name that does not count", own(json!({"sub": "x", "client_id": "x"})), "16 401"),
    ];
    all_told(&doorward, cases).await;
}

#[tokio::test]
async fn a_request_without_an_id_is_found_by_its_trace() {
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let traced = |request| header(request, "traceparent", &format!("00-{trace}-00f067aa0ba902b7-01"));
    let doorward = Doorward::start(SETTINGS);
    let mut client = doorward.envoy().await;
    for (request, id) in [(traced(asked(OFFICE)), trace), (header(traced(asked(OFFICE)), "x-request-id", "r-1"), "r-1")]
    {
        let response = client.check(request).await.unwrap().into_inner();
        assert_eq!(answer_headers(&response)[0].1, id);
    }
    let from = ("x-forwarded-for", OFFICE);
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    let settings = "
doors:
  forwardAuth:
    clientIp: { mode: xff, trustedProxies: [127.0.0.1/32] }
    anonymous: { type: servicePrincipal, id: nobody }
";
    let doorward = Doorward::start(settings);
    let answer = get(doorward.address(), "/v1/forward-auth/envoy/", &[("traceparent", parent.as_str()), from]);
    assert_eq!(answer.header("x-ca-decision-id"), Some(trace));
    assert_eq!(doorward.log()[0]["requestId"], trace);
}

#[tokio::test]
async fn access_logs_tell_that_the_bundle_has_expired() {
    let (bundle, settings) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let end = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(5);
    std::fs::write(bundle.path().join("bundle.yaml"), format!("name: brief\nexpires: {end}\n")).unwrap();
    let config = settings.path().join("doorward.yaml");
    std::fs::write(&config, SETTINGS).unwrap();
    let process = Process::start(bundle.path(), &["--config", config.to_str().unwrap()]);
    let mut client = envoy(process.decisions).await;
    loop {
        let before = jiff::Timestamp::now();
        let fields = client.check(asked(OFFICE)).await.unwrap().into_inner().dynamic_metadata.unwrap().fields;
        let stale = fields["stale"].kind == Some(Kind::BoolValue(true));
        assert!(stale || before < end, "{fields:?}");
        assert!(!stale || jiff::Timestamp::now() >= end, "{fields:?}");
        if stale {
            break;
        }
    }
}
