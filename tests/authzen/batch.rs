//! Several questions at once: defaults, semantics, and items that are none.

use doorward::limits;
use serde_json::{Value, json};

use crate::server::{EVALUATION, EVALUATIONS, question};
use crate::support::http::changed;
use crate::support::server::Server;

fn answers(decisions: &[bool]) -> Value {
    json!({ "evaluations": decisions.iter().map(|decision| json!({ "decision": decision })).collect::<Vec<_>>() })
}

#[tokio::test]
async fn every_item_is_answered_in_its_order_and_twins_alike() {
    let server = Server::certification("{}");
    let (yes, no) = (question("alice", "write", "record-1"), question("bob", "write", "record-1"));
    let body = json!({ "evaluations": [yes, no, yes, no, no, yes] });
    assert_eq!(server.ask(EVALUATIONS, &body).await, answers(&[true, false, true, false, false, true]));
    let named = changed(body, "/options/evaluations_semantic", json!("execute_all"));
    assert_eq!(server.ask(EVALUATIONS, &named).await, answers(&[true, false, true, false, false, true]));
}

#[tokio::test]
async fn short_circuits_answer_the_prefix_up_to_and_with_what_ends_it() {
    let server = Server::certification("{}");
    let (yes, no) = (question("alice", "write", "record-1"), question("bob", "write", "record-1"));
    let broken = json!({ "subject": { "type": "user" } });
    for (semantic, items, expected) in [
        ("deny_on_first_deny", vec![&yes, &no, &yes], vec![true, false]),
        ("deny_on_first_deny", vec![&yes, &yes], vec![true, true]),
        ("permit_on_first_permit", vec![&no, &yes, &no], vec![false, true]),
        ("permit_on_first_permit", vec![&no, &no], vec![false, false]),
    ] {
        let body = json!({ "evaluations": items, "options": { "evaluations_semantic": semantic } });
        assert_eq!(server.ask(EVALUATIONS, &body).await, answers(&expected), "{semantic}");
    }
    for (semantic, count) in [("deny_on_first_deny", 1), ("permit_on_first_permit", 2)] {
        let body = json!({ "evaluations": [broken, yes, no], "options": { "evaluations_semantic": semantic } });
        let answer = server.ask(EVALUATIONS, &body).await;
        assert_eq!(answer["evaluations"].as_array().unwrap().len(), count, "what is no question is a deny: {semantic}");
    }
}

#[tokio::test]
async fn a_body_without_items_is_one_question() {
    let server = Server::certification("{}");
    let one = question("alice", "read", "record-1");
    for body in [
        one.clone(),
        changed(one.clone(), "/evaluations", json!([])),
        changed(one.clone(), "/evaluations", json!(null)),
        changed(
            changed(one.clone(), "/evaluations", json!([])),
            "/options/evaluations_semantic",
            json!("deny_on_first_deny"),
        ),
    ] {
        assert_eq!(server.ask(EVALUATIONS, &body).await, json!({ "decision": true }), "{body}");
    }
    assert_eq!(server.post(EVALUATIONS, &json!({ "evaluations": [] })).await.status, 400);
}

#[tokio::test]
async fn defaults_are_whole_objects() {
    let server = Server::certification("{}");
    let defaults =
        changed(question("bob", "write", "record-1"), "/resource/properties", json!({ "status": "archived" }));
    let body = changed(
        defaults,
        "/evaluations",
        json!([
            {},
            { "resource": { "type": "record", "id": "record-1" } },
            { "subject": { "type": "user", "id": "alice" } },
            { "subject": null, "action": { "name": "read" } },
        ]),
    );
    // The second item's record has no status but that of the catalogue.
    assert_eq!(server.ask(EVALUATIONS, &body).await, answers(&[true, false, false, true]));
    let context = json!({ "context": { "ip": "no address" }, "evaluations": [{}, { "context": {} }] });
    let mut body = question("alice", "read", "record-1");
    body.as_object_mut().unwrap().extend(context.as_object().unwrap().clone());
    let answer = server.ask(EVALUATIONS, &body).await;
    assert_eq!(
        (&answer["evaluations"][0]["decision"], &answer["evaluations"][1]["decision"]),
        (&json!(false), &json!(true))
    );
}

#[tokio::test]
async fn only_where_the_operator_says_so_an_item_takes_a_missing_name_from_the_default() {
    let body = changed(
        changed(question("alice", "write", "record-1"), "/resource/properties", json!({ "status": "archived" })),
        "/evaluations",
        json!([{ "resource": { "properties": {} } }, { "resource": { "type": "record" }, "action": {} }, { "subject": { "id": "bob" } }]),
    );
    let strict = Server::certification("{}").ask(EVALUATIONS, &body).await;
    for item in strict["evaluations"].as_array().unwrap() {
        assert_eq!((&item["decision"], &item["context"]["error"]["status"]), (&json!(false), &json!(400)), "{item}");
    }
    let server = Server::certification("{ batchDefaults: lenient }");
    // No property of the default is taken: what is archived there is active here. Bob's has the default's resource.
    assert_eq!(server.ask(EVALUATIONS, &body).await, answers(&[true, true, true]));
    let whole = json!({ "evaluations": [question("alice", "read", "record-1")] });
    assert_eq!(server.ask(EVALUATIONS, &whole).await, answers(&[true]));
    let metrics = server.operator().await.get("/metrics").await.text;
    assert!(metrics.contains(r#"doorward_batch_defaults_filled_total{surface="authzen"} 3"#), "{metrics}");
}

#[tokio::test]
async fn an_item_that_is_no_question_disturbs_no_other() {
    let server = Server::certification("{}");
    let fine = question("alice", "read", "record-1");
    let items = json!([
        fine,
        {},
        7,
        null,
        changed(fine.clone(), "/subject", json!("alice")),
        changed(fine.clone(), "/resource/id", json!(1)),
        changed(fine.clone(), "/context", json!([])),
        fine,
    ]);
    let answer = server.ask(EVALUATIONS, &json!({ "evaluations": items })).await;
    let answers = answer["evaluations"].as_array().unwrap();
    assert_eq!(answers.len(), 8);
    for (place, answer) in answers.iter().enumerate() {
        let is_fine = place == 0 || place == 7;
        assert_eq!(answer["decision"], json!(is_fine), "{place}");
        assert_eq!(answer["context"]["error"]["status"].as_u64(), (!is_fine).then_some(400), "{place}");
        assert_eq!(answer["context"]["error"]["message"].is_string(), !is_fine, "{place}");
    }
}

#[tokio::test]
async fn what_concerns_the_whole_batch_is_a_bad_request() {
    let server = Server::certification("{}");
    let fine = json!({ "evaluations": [question("alice", "read", "record-1")] });
    for (pointer, value) in [
        ("/evaluations", json!({})),
        ("/evaluations", json!("all")),
        ("/subject", json!("alice")),
        ("/context", json!([])),
        ("/options", json!([])),
        ("/options/evaluations_semantic", json!("all")),
        ("/options/evaluations_semantic", json!("EXECUTE_ALL")),
        ("/options/evaluations_semantic", json!(1)),
    ] {
        assert_eq!(server.post(EVALUATIONS, &changed(fine.clone(), pointer, value)).await.status, 400, "{pointer}");
    }
    let many = |count| json!({ "evaluations": vec![question("alice", "read", "record-1"); count] });
    assert_eq!(server.post(EVALUATIONS, &many(limits::BATCH_MAX + 1)).await.status, 400);
    let answer = server.ask(EVALUATIONS, &many(limits::BATCH_MAX)).await;
    assert_eq!(answer, answers(&[true; limits::BATCH_MAX]));
}

#[tokio::test]
async fn a_batch_says_what_single_questions_say() {
    let server = Server::certification("{ verbose: true }");
    let mut items = Vec::new();
    for subject in ["alice", "bob", "mallory"] {
        for action in ["read", "write", "delete", "fly"] {
            for resource in ["record-1", "record-2", "record-3"] {
                items.push(question(subject, action, resource));
            }
        }
    }
    let batch = server.ask(EVALUATIONS, &json!({ "evaluations": items })).await;
    for (place, item) in items.iter().enumerate() {
        assert_eq!(server.ask(EVALUATION, item).await, batch["evaluations"][place], "{item}");
    }
}

#[tokio::test]
async fn defaults_that_every_item_would_repeat_have_a_bound_of_their_own() {
    let server = Server::certification("{}");
    let batch = |items: usize, members: usize| {
        let context: serde_json::Map<_, _> = (0..members).map(|number| (format!("k{number}"), json!(1))).collect();
        let mut batch = question("alice", "read", "record-1");
        batch["context"] = context.into();
        batch["evaluations"] = vec![json!({}); items].into();
        batch
    };
    let answer = server.post(EVALUATIONS, &batch(limits::BATCH_MAX, 20_000)).await;
    assert_eq!(answer.status, 400);
    assert!(answer.text.contains("bytes of defaults"), "{}", answer.text);
    assert_eq!(server.ask(EVALUATIONS, &batch(limits::BATCH_MAX, 100)).await, answers(&[true; limits::BATCH_MAX]));
    assert_eq!(server.ask(EVALUATIONS, &batch(1, 20_000)).await, answers(&[true]));
}
