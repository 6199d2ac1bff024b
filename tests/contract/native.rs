//! Requests in the words of the decision API: over HTTP, over gRPC, and on the command line.

use std::io::Write;
use std::process::{Command, Stdio};

use doorward::serve::wire::v1::decisions_client::DecisionsClient;
use doorward::serve::wire::v1::{self, decide_result};
use serde_json::{Map, Value, json};
use tokio_stream::StreamExt;

use crate::asked::Asked;
use crate::world::{Over, Told, World};

/// How many requests a batch has.
pub const TOGETHER: usize = 50;

/// The request as a document.
fn document(asked: &Asked) -> Value {
    let risk: Map<_, _> = asked
        .risk
        .iter()
        .flat_map(|level| asked.at_risk().iter().map(move |of| ((*of).to_owned(), json!(level))))
        .collect();
    let attributes: Map<_, _> =
        asked.attributes().into_iter().map(|(name, value)| (name.to_owned(), json!(value))).collect();
    let (kind, id) = asked.target();
    let mut document = json!({
        "identity": { "type": asked.kind, "id": asked.id },
        "resource": { "appIds": asked.app.as_slice(), "target": { "type": kind, "id": id } },
        "network": {},
        "risk": risk,
        "satisfied": { "builtInControls": if asked.has_mfa { &["mfa"][..] } else { &[] } },
        "attributes": attributes,
        "action": asked.action(),
    });
    let facts = [
        ("/identity", "appId", asked.client),
        ("/network", "ipAddress", asked.address),
        ("/network", "country", asked.country),
    ];
    for (place, name, value) in facts {
        if let Some(value) = value {
            document.pointer_mut(place).unwrap()[name] = value.into();
        }
    }
    document["resource"]["scopes"] = asked.each_scope().collect();
    if let Some(device) = asked.device {
        document["device"] = json!({ "deviceId": device });
    }
    document
}

fn message(asked: &Asked) -> v1::DecideRequest {
    serde_json::from_value(document(asked)).unwrap()
}

fn told(answer: &v1::DecideResponse) -> Told {
    Told::by(answer.decision() == v1::Decision::Allow, answer.policies.iter().map(|policy| policy.id.as_str()))
}

fn told_of(results: Vec<v1::DecideResult>) -> Vec<Told> {
    let told = |result: v1::DecideResult| match result.result.unwrap() {
        decide_result::Result::Answer(answer) => told(&answer),
        decide_result::Result::Error(error) => panic!("{error:?}"),
    };
    results.into_iter().map(told).collect()
}

fn read(answer: Value) -> Told {
    told(&serde_json::from_value(answer).unwrap())
}

pub fn http(world: &World, over: Over, all: &[Asked]) -> Vec<Told> {
    all.iter().map(|asked| read(world.post(over, "/v1/decide", &document(asked)))).collect()
}

pub fn http_batch(world: &World, over: Over, all: &[Asked]) -> Vec<Told> {
    let ask = |some: &[Asked]| {
        let requests: Vec<_> = some.iter().map(document).collect();
        let answer = world.post(over, "/v1/decide/batch", &json!({ "requests": requests }));
        told_of(serde_json::from_value::<v1::DecideBatchResponse>(answer).unwrap().results)
    };
    all.chunks(TOGETHER).flat_map(ask).collect()
}

pub fn grpc(world: &World, over: Over, all: &[Asked]) -> Vec<Told> {
    world.runtime.block_on(async {
        let mut client = DecisionsClient::new(world.channel(over).await);
        let mut answers = Vec::new();
        for asked in all {
            answers.push(told(&client.decide(message(asked)).await.unwrap().into_inner()));
        }
        answers
    })
}

pub fn grpc_batch(world: &World, over: Over, all: &[Asked]) -> Vec<Told> {
    world.runtime.block_on(async {
        let mut client = DecisionsClient::new(world.channel(over).await);
        let mut answers = Vec::new();
        for some in all.chunks(TOGETHER) {
            let requests = some.iter().map(message).collect();
            let answer = client.decide_batch(v1::DecideBatchRequest { requests }).await.unwrap();
            answers.extend(told_of(answer.into_inner().results));
        }
        answers
    })
}

pub fn grpc_stream(world: &World, over: Over, all: &[Asked]) -> Vec<Told> {
    let requests: Vec<_> = all.iter().map(message).collect();
    world.runtime.block_on(async {
        let mut client = DecisionsClient::new(world.channel(over).await);
        let results = client.decide_stream(tokio_stream::iter(requests)).await.unwrap().into_inner();
        told_of(results.map(Result::unwrap).collect().await)
    })
}

pub fn command_line(world: &World, _: Over, all: &[Asked]) -> Vec<Told> {
    let decide = |asked: &Asked| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_doorward"))
            .arg("decide")
            .arg(world.server.bundle())
            .args(["--format", "json", "--request", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(document(asked).to_string().as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let told = read(serde_json::from_slice(&output.stdout).unwrap());
        assert_eq!(output.status.code(), Some(if told.is_allowed { 0 } else { 6 }), "the exit code says the same");
        told
    };
    all.iter().map(decide).collect()
}
