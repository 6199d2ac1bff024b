//! The same facts get the same answer through every door.

use doorward::serve::wire::v1::{self, decide_result};
use insta::assert_snapshot;
use serde_json::{Value, json};
use tokio_stream::StreamExt;
use tonic::transport::Channel;

use crate::server::outside;
use crate::support::http::changed;
use crate::support::server::Server;

/// Sends the same requests through every door and compares all answers with those of HTTP over TCP.
async fn answers(server: &Server, requests: &[Value]) -> Vec<v1::DecideResponse> {
    let mut http = server.http().await;
    let mut expected = Vec::new();
    for request in requests {
        let answer = http.decide(request).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        expected.push(serde_json::from_str::<v1::DecideResponse>(&answer.text).unwrap());
    }
    let batch = json!({ "requests": requests });
    let batch = http.post("/v1/decide/batch", &batch.to_string()).await;
    let batch: v1::DecideBatchResponse = serde_json::from_str(&batch.text).unwrap();
    assert_eq!(batch.bundle, expected[0].bundle);
    assert_eq!(answers_of(batch.results), expected);
    let mut unix = server.http_over_unix().await;
    for (request, expected) in requests.iter().zip(&expected) {
        let answer = unix.decide(request).await;
        assert_eq!(serde_json::from_str::<v1::DecideResponse>(&answer.text).unwrap(), *expected);
    }
    let messages: Vec<v1::DecideRequest> =
        requests.iter().map(|request| serde_json::from_value(request.clone()).unwrap()).collect();
    for client in [server.grpc().await, server.grpc_over_unix().await] {
        same_over_grpc(client, &messages, &expected).await;
    }
    expected
}

async fn same_over_grpc(
    mut client: v1::decisions_client::DecisionsClient<Channel>,
    messages: &[v1::DecideRequest],
    expected: &[v1::DecideResponse],
) {
    for (message, expected) in messages.iter().zip(expected) {
        assert_eq!(client.decide(message.clone()).await.unwrap().into_inner(), *expected);
    }
    let batch = client.decide_batch(v1::DecideBatchRequest { requests: messages.to_vec() }).await.unwrap();
    assert_eq!(answers_of(batch.into_inner().results), expected);
    let stream = client.decide_stream(tokio_stream::iter(messages.to_vec())).await.unwrap().into_inner();
    let results: Vec<_> = stream.map(Result::unwrap).collect().await;
    assert_eq!(answers_of(results), expected);
}

fn answers_of(results: Vec<v1::DecideResult>) -> Vec<v1::DecideResponse> {
    let answer = |result: v1::DecideResult| match result.result.unwrap() {
        decide_result::Result::Answer(answer) => answer,
        decide_result::Result::Error(error) => panic!("{error:?}"),
    };
    results.into_iter().map(answer).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_door_gives_the_same_answer() {
    let user = json!({"identity": {"type": "user", "id": "u1"}, "requestId": "r-2"});
    let requests = [
        outside(),
        changed(outside(), "/network/ipAddress", json!("198.51.100.7")),
        changed(outside(), "/network/ipAddress", json!("::ffff:198.51.100.7")),
        changed(outside(), "/network", json!({})),
        changed(outside(), "/risk/servicePrincipal", json!("HIGH")),
        changed(outside(), "/explain", json!(true)),
        user.clone(),
        changed(user, "/satisfied/builtInControls", json!(["mfa"])),
    ];
    let server = Server::start();
    let answers = answers(&server, &requests).await;
    let told: Vec<String> = answers
        .iter()
        .map(|answer| {
            let names = |policies: &[v1::PolicyRef]| {
                policies.iter().map(|policy| policy.display_name.as_str()).collect::<Vec<_>>().join(", ")
            };
            let (policies, report_only) = (names(&answer.policies), names(&answer.report_only));
            format!("{:<17} [{policies}] [{report_only}] {}", answer.reason, answer.unmet_controls.join(", "))
        })
        .collect();
    assert_snapshot!(told.join("\n"), @r"
    blocked_by_policy [Block workloads outside the office] [] 
    no_policy_applies [] [] 
    no_policy_applies [] [] 
    blocked_by_policy [Block workloads outside the office] [] 
    blocked_by_policy [Block workloads outside the office] [Block risky workloads] 
    blocked_by_policy [Block workloads outside the office] [] 
    controls_unmet    [Ask users for MFA] [] mfa
    controls_met      [Ask users for MFA] [] 
    ");
    assert_eq!(answers[5].trace.len(), 3);
    assert!(answers[0].trace.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn answer_in_json_reads_as_documented() {
    let server = Server::start();
    let answer = server.http().await.decide(&outside()).await;
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_snapshot!(answer.text, @r#"{"decision":"block","reason":"blocked_by_policy","policies":[{"id":"aaaaaaaa-0000-4000-8000-000000000001","displayName":"Block workloads outside the office"}],"reportOnly":[],"unmetControls":[],"bundle":{"name":"corp","revision":"1"},"requestId":"r-1","oauthError":{"error":"invalid_grant","errorDescription":"AADSTS53003: Access has been blocked by Conditional Access policies.","errorCodes":[53003],"suberror":"message_only","claims":"{\"access_token\":{\"capolids\":{\"essential\":true,\"values\":[\"aaaaaaaa-0000-4000-8000-000000000001\"]}}}"}}"#);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn requests_without_an_id_get_one_each() {
    let server = Server::start();
    let mut http = server.http().await;
    let request = json!({"identity": {"type": "user", "id": "u1"}});
    let first = http.decide(&request).await.json()["requestId"].as_str().unwrap().to_owned();
    let second = http.decide(&request).await.json()["requestId"].as_str().unwrap().to_owned();
    assert_eq!(first.len(), 32);
    assert_ne!(first, second);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn each_message_of_a_stream_is_decided_by_the_bundle_of_that_moment() {
    let server = Server::start();
    let message: v1::DecideRequest = serde_json::from_value(outside()).unwrap();
    let (sender, messages) = tokio::sync::mpsc::channel(1);
    let messages = tokio_stream::wrappers::ReceiverStream::new(messages);
    let mut stream = server.grpc().await.decide_stream(messages).await.unwrap().into_inner();
    for revision in ["1", "2", "3"] {
        server.activate::<&str>(revision, []);
        sender.send(message.clone()).await.unwrap();
        let result = stream.next().await.unwrap().unwrap();
        assert_eq!(answers_of(vec![result])[0].bundle.as_ref().unwrap().revision, revision);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_invalid_message_is_an_error_item_and_disturbs_no_other() {
    let server = Server::start();
    let good: v1::DecideRequest = serde_json::from_value(outside()).unwrap();
    let bad = changed(outside(), "/network/ipAddress", json!("203.0.113.9.1"));
    let bad: v1::DecideRequest = serde_json::from_value(bad).unwrap();
    let messages = vec![good.clone(), bad, good];
    let mut client = server.grpc().await;
    let batch = client.decide_batch(v1::DecideBatchRequest { requests: messages.clone() }).await.unwrap();
    let stream = client.decide_stream(tokio_stream::iter(messages)).await.unwrap().into_inner();
    let stream: Vec<_> = stream.map(Result::unwrap).collect().await;
    for results in [batch.into_inner().results, stream] {
        let kinds: Vec<_> = results
            .into_iter()
            .map(|result| match result.result.unwrap() {
                decide_result::Result::Answer(answer) => answer.reason,
                decide_result::Result::Error(error) => format!("{} {} {}", error.reason, error.field, error.request_id),
            })
            .collect();
        assert_eq!(kinds, ["blocked_by_policy", "input_invalid network.ipAddress r-1", "blocked_by_policy"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_empty_batch_names_the_bundle() {
    let server = Server::start();
    let answer = server.http().await.post("/v1/decide/batch", r#"{"requests":[]}"#).await;
    assert_snapshot!(answer.text, @r#"{"results":[],"bundle":{"name":"corp","revision":"1"}}"#);
}

/// Each policy is about one fact, and would be listed too if the fact were unknown; so both lists tell that it arrived.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn conditions_in_cedar_see_the_same_facts_through_every_door() {
    let free = "context.attributes";
    let conditions = [
        ("text", format!("{free}.text.hasTag(\"ring\") && {free}.text.getTag(\"ring\") == \"canary\"")),
        ("number", format!("{free}.number.hasTag(\"age\") && {free}.number.getTag(\"age\") == 3")),
        ("flag", format!("{free}.flag.hasTag(\"on\") && {free}.flag.getTag(\"on\")")),
        ("texts", format!("{free}.texts.hasTag(\"all\") && {free}.texts.getTag(\"all\").contains(\"a\")")),
        ("subject", "context.credential.federatedSubject == \"repo:a\"".to_owned()),
        ("client", "principal.appId == \"a\"".to_owned()),
    ];
    let policy = |name: &str, when: &str| {
        format!("@id(\"{name}\") @state(\"report-only\") forbid (principal, action, resource) when {{ {when} }};\n")
    };
    let mut policies: String = conditions.iter().map(|(name, when)| policy(name, when)).collect();
    policies += &policy("time", "context.time < datetime(\"2020-01-01\")");
    let server = Server::start();
    server.activate("2", [("4-custom.cedar", policies)]);
    let with = json!({
        "identity": {"type": "agentIdentity", "id": "agent", "appId": "a"},
        "credential": {"type": "federatedIdentityCredential", "federatedSubject": "repo:a"},
        "attributes": {"ring": "canary", "age": 3, "on": true, "all": ["a", "b"]},
        "requestId": "r-1",
    });
    let other = json!({"ring": "broad", "age": 4, "on": false, "all": []});
    let without = changed(changed(with.clone(), "/attributes", other), "/identity/appId", json!("b"));
    let without = changed(without, "/credential/federatedSubject", json!("repo:b"));
    let answers = answers(&server, &[with, without]).await;
    let told = answers.iter().map(|answer| {
        answer.report_only.iter().map(|policy| policy.display_name.as_str()).collect::<Vec<_>>().join(" ")
    });
    assert_eq!(told.collect::<Vec<_>>(), ["text number flag texts subject client", ""]);
}
