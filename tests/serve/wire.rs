//! The borrowed messages, the generated ones and the answers written without either say the same.

use std::path::Path;

use doorward::compile::{self, CompiledBundle};
use doorward::evaluate::{self, Evaluation};
use doorward::model::TokenRequest;
use doorward::serve::wire::message::DecideRequest;
use doorward::serve::wire::{self, Asked, Encoding, answer, json, v1};
use doorward::source::Source;
use doorward::text::RawFile;
use insta::assert_snapshot;
use proptest::prelude::*;
use prost::Message;
use serde_json::{Map, Value, json};

use crate::openapi::{document, sample};
use crate::server::outside;
use crate::support::http::changed;

const NOW: jiff::Timestamp = jiff::Timestamp::constant(1_787_000_000, 0);
/// When the bundle expires.
const END: jiff::Timestamp = jiff::Timestamp::constant(1_787_000_000, 1);

fn whole() -> Value {
    let document = document();
    sample(&document, &document["components"]["schemas"]["DecideRequest"], 1)
}

/// `value` with one leaf only, once for each leaf.
fn leaves(value: &Value) -> Vec<Value> {
    match value {
        Value::Object(fields) if fields.keys().all(|key| key != "Set") => {
            let one = |(key, value): (&String, &Value)| -> Vec<Value> {
                leaves(value).into_iter().map(|leaf| Map::from_iter([(key.clone(), leaf)]).into()).collect()
            };
            fields.iter().flat_map(one).collect()
        }
        leaf => vec![leaf.clone()],
    }
}

#[test]
fn every_field_means_the_same_in_both_protocols_and_in_both_sets_of_types() {
    let whole = whole();
    let mut requests = leaves(&whole);
    assert_eq!(requests.len(), 73);
    requests.push(whole);
    let bytes: Vec<(Vec<u8>, Vec<u8>)> = requests
        .iter()
        .map(|request| {
            let message: v1::DecideRequest = serde_json::from_value(request.clone()).unwrap();
            assert_eq!(serde_json::to_value(&message).unwrap(), *request);
            (request.to_string().into_bytes(), message.encode_to_vec())
        })
        .collect();
    let mut read: Vec<DecideRequest<'_>> = Vec::new();
    for (in_json, in_protobuf) in &bytes {
        let from_json = wire::read(Encoding::Json, in_json).unwrap();
        let from_protobuf = wire::read(Encoding::Protobuf, in_protobuf).unwrap();
        assert_eq!(from_json, from_protobuf);
        assert!(!read.contains(&from_json), "{}", String::from_utf8_lossy(in_json));
        read.push(from_json);
    }
    assert!(!read.contains(&DecideRequest::default()));
}

proptest! {
    #[test]
    fn bytes_that_are_no_message_are_refused_exactly_where_prost_refuses_them(
        place in any::<prop::sample::Index>(), byte in any::<u8>(), length in any::<prop::sample::Index>(),
    ) {
        let message: v1::DecideRequest = serde_json::from_value(whole()).unwrap();
        let mut bytes = message.encode_to_vec();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        bytes.truncate(length.index(2 * bytes.len()));
        let ours = wire::read::<DecideRequest<'_>>(Encoding::Protobuf, &bytes).is_ok();
        prop_assert_eq!(ours, v1::DecideRequest::decode(&*bytes).is_ok());
    }

    #[test]
    fn json_of_any_shape_is_read_or_refused(text in "[\\[\\]{}\":,0-9a-z\\\\]{0,40}") {
        let _ = wire::read::<DecideRequest<'_>>(Encoding::Json, text.as_bytes());
    }
}

#[test]
fn escaped_texts_are_read_as_what_they_mean() {
    let plain = wire::read::<DecideRequest<'_>>(Encoding::Json, br#"{"identity":{"id":"a/b"}}"#).unwrap();
    let escaped = wire::read(Encoding::Json, br#"{"identit\u0079":{"id":"a\/\u0062"}}"#).unwrap();
    assert_eq!(plain, escaped);
}

/// The sample bundle, and policies whose answers carry all that an answer can.
fn rich_bundle() -> CompiledBundle {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/serve/bundle");
    let mut raw = Source::new(&folder).read().unwrap().bundle;
    let more = [
        (
            "4-session.yaml",
            "displayName: Session\nstate: enabled\nconditions: { users: { includeUsers: [All] } }\nsessionControls: { signInFrequency: { value: 4, type: hours }, persistentBrowser: { mode: never }, cloudAppSecurity: { cloudAppSecurityType: monitorOnly }, continuousAccessEvaluation: { mode: strictLocation }, applicationEnforcedRestrictions: { isEnabled: true }, disableResilienceDefaults: true, secureSignInSession: { isEnabled: true }, globalSecureAccessFilteringProfile: { profileId: p1 } }\n",
        ),
        (
            "6-shaping.yaml",
            "displayName: Shaping\nid: s\nstate: enabled\nconditions: { users: { includeUsers: [All] } }\ntoken: { lifetime: 300, claims: { tags: ['\"b', é], level: high }, critical: [tags, level] }\nobligations: [{ type: notification, to: x, id: 'a\"b' }, { type: 'urn:x', properties: { n: 1, list: [true, null, { deep: 1.5 }] } }]\n",
        ),
        (
            "7-told.yaml",
            "displayName: Told\nstate: enabled\nconditions: { clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] }, servicePrincipalRiskLevels: [high] }\ngrantControls: { builtInControls: [block] }\nobligations: [{ type: session_termination }]\n",
        ),
        (
            "5-personal.yaml",
            "displayName: Personal\nstate: enabled\nconditions: { users: { includeGuestsOrExternalUsers: { guestOrExternalUserTypes: personalMicrosoftAccount } } }\ngrantControls: { builtInControls: [block] }\n",
        ),
    ];
    let settings = raw.files.iter_mut().find(|file| &*file.name == "bundle.yaml").unwrap();
    settings.bytes.extend(format!("expires: {END}\n").bytes());
    raw.files.extend(more.map(|(name, text)| RawFile { name: name.into(), bytes: text.as_bytes().to_vec() }));
    compile::compile(&raw).bundle.unwrap()
}

#[test]
fn answers_are_written_as_the_messages_would_be() {
    let bundle = rich_bundle();
    let mut evaluation = Evaluation::default();
    let user = json!({"identity": {"type": "user", "id": "u1"}, "requestId": "\"é"});
    let backslash = changed(user.clone(), "/requestId", json!("a\\b"));
    let member = changed(user.clone(), "/identity/guestType", json!("none"));
    let allowed = changed(member, "/satisfied/builtInControls", json!(["mfa"]));
    let personal = changed(user.clone(), "/identity/guestType", json!("personalMicrosoftAccount"));
    let risky = changed(outside(), "/risk/servicePrincipal", json!("high"));
    let used = changed(outside(), "/action", json!("GET"));
    let context = changed(user.clone(), "/action", json!("GET"));
    let context = changed(context, "/resource/authenticationContext", json!("c9"));
    let issued = changed(allowed.clone(), "/resource/authenticationContext", json!("c9"));
    let requests = [outside(), risky, user, backslash, allowed, personal, used, context, issued];
    for (request, now) in requests.iter().flat_map(|request| [(request, NOW), (request, END)]) {
        let body = request.to_string();
        let message: DecideRequest<'_> = wire::read(Encoding::Json, body.as_bytes()).unwrap();
        let id = message.request_id().unwrap();
        let request = TokenRequest { now: Some(now), ..wire::token_request(&message).unwrap() };
        let asked = Asked::of(&request);
        evaluate::evaluate(&bundle, &request, &mut evaluation).unwrap();
        for trace in [Vec::new(), answer::trace(&bundle, evaluate::trace(&bundle, &request).unwrap())] {
            let mut expected = answer::answer(&bundle, &evaluation, asked, id.to_owned());
            expected.trace = trace.clone();
            assert_eq!(expected.stale, now == END);
            let (mut in_json, mut in_protobuf) = (Vec::new(), Vec::new());
            answer::write(Encoding::Json, &mut in_json, &bundle, &evaluation, asked, id, trace.clone());
            answer::write(Encoding::Protobuf, &mut in_protobuf, &bundle, &evaluation, asked, id, trace);
            assert_eq!(String::from_utf8(in_json).unwrap(), String::from_utf8(json::write(&expected)).unwrap());
            assert_eq!(in_protobuf, expected.encode_to_vec());
        }
    }
}

#[test]
fn an_allowed_token_comes_with_its_session_and_a_refused_person_with_advice() {
    let bundle = rich_bundle();
    let told = |request: Value| {
        let body = request.to_string();
        let message: DecideRequest<'_> = wire::read(Encoding::Json, body.as_bytes()).unwrap();
        let request = wire::token_request(&message).unwrap();
        let mut evaluation = Evaluation::default();
        evaluate::evaluate(&bundle, &request, &mut evaluation).unwrap();
        let mut out = Vec::new();
        answer::write(Encoding::Json, &mut out, &bundle, &evaluation, Asked::of(&request), "r", Vec::new());
        serde_json::from_slice::<Value>(&out).unwrap()
    };
    let user = json!({"identity": {"type": "user", "id": "u1", "guestType": "none"}});
    let allowed = told(changed(user.clone(), "/satisfied/builtInControls", json!(["mfa"])));
    assert_snapshot!("session_controls", serde_json::to_string_pretty(&allowed["sessionControls"]).unwrap());
    assert_eq!(allowed.get("message"), None);
    let unmet = told(user.clone());
    assert_eq!((&unmet["reason"], unmet.get("sessionControls")), (&json!("controls_unmet"), None));
    let refused = told(changed(user, "/identity/guestType", json!("personalMicrosoftAccount")));
    assert_eq!(
        refused["message"],
        "Personal Microsoft accounts cannot be used here. Sign in with a work or school account."
    );
    assert_eq!(refused.get("sessionControls"), None);
}

/// Entra issues the contexts that were asked for as `acrs`; whoever uses a token asks for none.
#[test]
fn a_token_says_which_authentication_context_it_was_asked_for_with() {
    let bundle = rich_bundle();
    let token = |request: Value| {
        let body = request.to_string();
        let message: DecideRequest<'_> = wire::read(Encoding::Json, body.as_bytes()).unwrap();
        let request = wire::token_request(&message).unwrap();
        let mut evaluation = Evaluation::default();
        evaluate::evaluate(&bundle, &request, &mut evaluation).unwrap();
        let answer = answer::answer(&bundle, &evaluation, Asked::of(&request), String::new());
        (answer.decision().as_str_name().to_owned(), serde_json::to_value(answer.token).unwrap())
    };
    let managed =
        json!({"identity": {"type": "managedIdentity", "id": "m1"}, "resource": {"authenticationContext": "c9"}});
    let acrs = json!({"claims": {"acrs": ["c9"]}, "criticalClaims": []});
    assert_eq!(token(managed.clone()), ("DECISION_ALLOW".to_owned(), acrs.clone()));
    assert_eq!(token(changed(managed.clone(), "/action", json!("issue:access_token:device_code"))).1, acrs);
    assert_eq!(token(changed(managed, "/action", json!("GET"))).1, Value::Null);
    let user = json!({"identity": {"type": "user", "id": "u1", "guestType": "none"}, "satisfied": {"builtInControls": ["mfa"]}});
    let user = changed(user, "/resource/authenticationContext", json!("c9"));
    let claims = json!({"acrs": ["c9"], "level": ["high"], "tags": ["\"b", "é"]});
    let expected = json!({"lifetimeSeconds": 300, "claims": claims, "criticalClaims": ["level", "tags"]});
    assert_eq!(token(user.clone()).1, expected);
    let blocked = token(changed(user, "/satisfied", json!({})));
    assert_eq!(blocked, ("DECISION_BLOCK".to_owned(), Value::Null));
}

#[test]
fn a_trace_uses_the_words_of_sign_in_logs() {
    let bundle = rich_bundle();
    let body = changed(outside(), "/network/ipAddress", json!("198.51.100.7")).to_string();
    let message: DecideRequest<'_> = wire::read(Encoding::Json, body.as_bytes()).unwrap();
    let request = wire::token_request(&message).unwrap();
    let traces = answer::trace(&bundle, evaluate::trace(&bundle, &request).unwrap());
    assert_snapshot!("trace", serde_json::to_string_pretty(&traces[..2]).unwrap());
}
