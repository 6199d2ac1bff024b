//! `authzen-selftest`: the questions that certification of AuthZEN checks by value, asked offline.
//!
//! Starts a server on a free loopback port with a built-in bundle, asks it over HTTP as any caller would, and compares.
//! Source: AuthZEN certification scenario, OpenID Authorization API 1.0, read August 2026.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use serde_json::{Value, json};

use super::run::folder;
use super::serve::refused;
use super::{Exit, Outcome, Stop};
use crate::limits;
use crate::reload::{self, Active, Status};
use crate::serve::{self, Doors, Settings, authzen};
use crate::source::Source;

/// Arguments of `authzen-selftest`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Example:
  $ doorward authzen-selftest

Ends with 4 when an answer is not the expected one. The bundle is `policies/authzen` of the sources.")]
pub struct Args {}

/// The built-in bundle.
const FILES: [(&str, &str); 3] = [
    ("bundle.yaml", include_str!("../../policies/authzen/bundle.yaml")),
    ("entities.yaml", include_str!("../../policies/authzen/entities.yaml")),
    ("records.cedar", include_str!("../../policies/authzen/policies/records.cedar")),
];

/// A question and its answer.
struct Row {
    number: &'static str,
    asked: &'static str,
    path: &'static str,
    body: Value,
    expected: Expected,
}

/// What the answer must be.
enum Expected {
    Decision(bool),
    /// Ids or names that must be among the results.
    Results(&'static [&'static str]),
}

/// Asks everything.
pub fn run(_: &Args) -> Result<Outcome, Stop> {
    let folder = folder().context("cannot make a folder for the bundle")?;
    for (name, text) in FILES {
        fs::write(folder.path().join(name), text).with_context(|| format!("cannot write `{name}`"))?;
    }
    let (active, status) = (Arc::new(Active::empty()), Arc::new(Status::new()));
    let settings = Settings {
        listen: Some(([127, 0, 0, 1], 0).into()),
        doors: Doors { authzen: Some(authzen::Settings::default()), ..Doors::default() },
        ..Settings::default()
    };
    let running = serve::start(settings, Arc::clone(&active), Arc::clone(&status)).map_err(anyhow::Error::from)?;
    let loader =
        reload::start(Source::new(folder.path()), active, status, |_| {}).context("cannot start the loader")?;
    loader.wait_first().map_err(|error| refused(Path::new("the built-in bundle"), error))?;
    let address = running.addresses().tcp.ok_or_else(|| anyhow!("nothing listens"))?;
    let outcome = table(address);
    running.stop();
    loader.stop();
    Ok(outcome?)
}

fn table(address: SocketAddr) -> anyhow::Result<Outcome> {
    let (mut text, mut failed) = (String::new(), 0);
    let rows = decisions().into_iter().chain(searches());
    for Row { number, asked, path, body, expected } in rows {
        let answer = post(address, path, &body).with_context(|| format!("row {number} has no answer"))?;
        let (is_met, expected, got) = compare(&expected, &answer);
        failed += usize::from(!is_met);
        let mark = if is_met { "ok" } else { "FAILED" };
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "{number:<3} {asked:<52} {mark:<7} expected {expected}, got {got}");
    }
    let (exit, last) = match failed {
        0 => (Exit::Success, "every answer is the expected one".to_owned()),
        failed => (Exit::TestsFailed, format!("{failed} answers are not the expected ones")),
    };
    let _ = writeln!(text, "{last}");
    Ok(Outcome { text, exit })
}

fn compare(expected: &Expected, answer: &Value) -> (bool, String, String) {
    let word = |allows: bool| if allows { "allow" } else { "deny" }.to_owned();
    match expected {
        Expected::Decision(expected) => {
            let decision = answer.get("decision").and_then(Value::as_bool);
            (decision == Some(*expected), word(*expected), decision.map_or_else(|| answer.to_string(), word))
        }
        Expected::Results(expected) => {
            let name =
                |result: &Value| ["id", "name"].iter().find_map(|key| Some(result.get(key)?.as_str()?.to_owned()));
            let results = answer.get("results").and_then(Value::as_array);
            let found: Vec<_> = results.into_iter().flatten().filter_map(name).collect();
            // WHY as sets: the order is free, and one too many lets somebody in who is to be kept out.
            let is_met =
                found.iter().map(String::as_str).collect::<BTreeSet<_>>() == expected.iter().copied().collect();
            (is_met, expected.join(" "), found.join(" "))
        }
    }
}

fn decisions() -> Vec<Row> {
    let rows: [(_, _, &str, &str, &str, Value, Value, Value, bool); 8] = [
        ("1", "alice read record-1", "alice", "read", "record-1", json!({}), json!({}), json!({}), true),
        ("2", "alice write record-1", "alice", "write", "record-1", json!({}), json!({}), json!({}), true),
        ("3", "bob read record-1", "bob", "read", "record-1", json!({}), json!({}), json!({}), true),
        ("4", "bob write record-1", "bob", "write", "record-1", json!({}), json!({}), json!({}), false),
        (
            "5",
            "alice write record-2, which is archived",
            "alice",
            "write",
            "record-2",
            json!({}),
            json!({}),
            archived(),
            false,
        ),
        (
            "6",
            "bob, an admin, write record-2, which is archived",
            "bob",
            "write",
            "record-2",
            admin(),
            json!({}),
            archived(),
            true,
        ),
        (
            "7",
            "alice delete record-1 softly",
            "alice",
            "delete",
            "record-1",
            json!({}),
            json!({ "soft": true }),
            json!({}),
            true,
        ),
        (
            "8",
            "alice delete record-1",
            "alice",
            "delete",
            "record-1",
            json!({}),
            json!({ "soft": false }),
            json!({}),
            false,
        ),
    ];
    let row = |(number, asked, who, action, what, of_subject, of_action, of_resource, expected)| Row {
        number,
        asked,
        path: "/access/v1/evaluation",
        body: json!({
            "subject": { "type": "user", "id": who, "properties": of_subject },
            "action": { "name": action, "properties": of_action },
            "resource": { "type": "record", "id": what, "properties": of_resource },
            "context": { "ip": "203.0.113.9" },
        }),
        expected: Expected::Decision(expected),
    };
    rows.into_iter().map(row).collect()
}

fn admin() -> Value {
    json!({ "role": "admin" })
}

fn archived() -> Value {
    json!({ "status": "archived" })
}

fn searches() -> Vec<Row> {
    let user = |id: &str| json!({ "type": "user", "id": id });
    let bob = || json!({ "type": "user", "id": "bob", "properties": admin() });
    let record_2 = || json!({ "type": "record", "id": "record-2", "properties": archived() });
    let record_1 = || json!({ "type": "record", "id": "record-1" });
    let search =
        |number, asked, path, body, expected| Row { number, asked, path, body, expected: Expected::Results(expected) };
    const SUBJECT: &str = "/access/v1/search/subject";
    const RESOURCE: &str = "/access/v1/search/resource";
    const ACTION: &str = "/access/v1/search/action";
    let (users, records) = (json!({ "type": "user" }), json!({ "type": "record" }));
    let named = |name: &str| json!({ "name": name });
    vec![
        search(
            "S1",
            "who reads record-1",
            SUBJECT,
            json!({ "subject": users, "action": named("read"), "resource": record_1() }),
            &["alice", "bob"],
        ),
        search(
            "S2",
            "what alice reads",
            RESOURCE,
            json!({ "subject": user("alice"), "action": named("read"), "resource": records }),
            &["record-1", "record-2"],
        ),
        search(
            "S3",
            "what alice does with record-1",
            ACTION,
            json!({ "subject": user("alice"), "resource": record_1() }),
            &["read", "write"],
        ),
        search(
            "S4",
            "who writes record-2, which is archived",
            SUBJECT,
            json!({ "subject": users, "action": named("write"), "resource": record_2() }),
            &["bob"],
        ),
        search(
            "S5",
            "what bob, an admin, writes",
            RESOURCE,
            json!({ "subject": bob(), "action": named("write"), "resource": records }),
            &["record-2"],
        ),
        search(
            "S6",
            "what bob, an admin, does with record-2",
            ACTION,
            json!({ "subject": bob(), "resource": record_2() }),
            &["read", "write"],
        ),
    ]
}

/// Posts over a connection of its own. WHY: one question at a time to our own server needs no client library.
fn post(address: SocketAddr, path: &str, body: &Value) -> anyhow::Result<Value> {
    let body = body.to_string();
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(limits::IDLE_TIME_MAX))?;
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(|| anyhow!("the answer has no head"))?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    if status != "200" {
        return Err(anyhow!("the status is {status}: {body}"));
    }
    serde_json::from_str(body).context("the answer is no JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_is_not_the_expected_one_is_told() {
        let is_met = |expected: &Expected, answer: Value| compare(expected, &answer).0;
        assert!(is_met(&Expected::Decision(true), json!({ "decision": true })));
        for other in [json!({ "decision": false }), json!({ "decision": "true" }), json!({}), json!([])] {
            assert!(!is_met(&Expected::Decision(true), other));
        }
        let both = Expected::Results(&["alice", "read"]);
        let (read, alice) = (json!({ "name": "read" }), json!({ "type": "user", "id": "alice" }));
        assert!(is_met(&both, json!({ "results": [read, alice] })));
        for other in [json!([read]), json!([]), json!([read, alice, { "id": "x" }])] {
            assert!(!is_met(&both, json!({ "results": other })), "{other}");
        }
        assert!(!is_met(&both, json!({ "decision": true })));
    }
}
