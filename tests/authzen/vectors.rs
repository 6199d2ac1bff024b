//! The interoperability vectors of the AuthZEN working group, against bundles that state their policies in Cedar.

use serde_json::{Value, json};

use crate::server::{ACTIONS, EVALUATION, EVALUATIONS, RESOURCES, SUBJECTS, corpus_json};
use crate::support::server::Server;

/// Names, ids of identities, mail addresses and roles.
const PEOPLE: [(&str, &str, &str); 5] = [
    ("A2", "rick@the-citadel.com", "admin"),
    ("E2", "morty@the-citadel.com", "editor"),
    ("I2", "summer@the-smiths.com", "editor"),
    ("M2", "beth@the-smiths.com", "viewer"),
    ("Q2", "jerry@the-smiths.com", "viewer"),
];

/// Of whom each todo is, by the last digit of its id.
const OWNERS: [(u8, &str); 5] = [
    (1, "morty@the-citadel.com"),
    (2, "rick@the-citadel.com"),
    (3, "summer@the-smiths.com"),
    (4, "beth@the-smiths.com"),
    (5, "jerry@the-smiths.com"),
];

fn identity(middle: &str) -> String {
    format!("CiRmZD{middle}MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs")
}

/// Everybody as subjects of a type; old shapes name them by mail address.
fn people(kind: &str) -> Vec<Value> {
    let both = |(middle, mail, role): (&str, &str, &str)| {
        [identity(middle), mail.to_owned()]
            .map(|id| json!({ "type": kind, "id": id, "properties": { "email": mail, "role": role } }))
    };
    PEOPLE.into_iter().flat_map(both).collect()
}

const TASKS: &str = r#"
@id("known")
forbid (principal, action, resource)
unless {
    context.attributes.text.hasTag("subject.role") &&
    ["can_read_user", "can_read_todos", "can_create_todo", "can_update_todo", "can_delete_todo"].contains(context.action)
};

@id("create")
forbid (principal, action, resource)
when { context.action == "can_create_todo" }
unless {
    context.attributes.text.hasTag("subject.role") &&
    ["admin", "editor"].contains(context.attributes.text.getTag("subject.role"))
};

@id("change")
forbid (principal, action, resource)
when { ["can_update_todo", "can_delete_todo"].contains(context.action) }
unless {
    context.attributes.text.hasTag("subject.role") && context.attributes.text.getTag("subject.role") == "admin"
}
unless {
    context.attributes.text.hasTag("subject.role") && context.attributes.text.getTag("subject.role") == "editor" &&
    context.attributes.text.hasTag("subject.email") && context.attributes.text.hasTag("resource.ownerID") &&
    context.attributes.text.getTag("subject.email") == context.attributes.text.getTag("resource.ownerID")
};
"#;

fn todo() -> Server {
    let todos = OWNERS.map(|(digit, owner)| {
        json!({
            "type": "todo", "id": format!("7240d0db-8ff0-41ec-98b2-34a096273b9{digit}"), "properties": { "ownerID": owner },
        })
    });
    let entities = json!({ "entities": { "subjects": people("user"), "resources": todos } });
    Server::start([("entities.json", entities.to_string()), ("todo.cedar", TASKS.to_owned())], "{}")
}

#[tokio::test]
async fn the_todo_application_gets_the_decisions_that_its_tests_expect() {
    let server = todo();
    let mut http = server.http().await;
    for (file, key) in [
        ("todo/decisions.json", "decisions"),
        ("todo/decisions-1_0-00.json", "evaluation"),
        ("todo/decisions-1_0-01.json", "evaluation"),
        ("todo/decisions-1_0-02.json", "evaluation"),
    ] {
        let Some(vectors) = corpus_json(file) else { return };
        let cases = vectors[key].as_array().unwrap();
        assert_eq!(cases.len(), 40, "{file}");
        for case in cases {
            let answer = http.post(EVALUATION, &case["request"].to_string()).await.json();
            assert_eq!(answer["decision"], case["expected"], "{file}: {}", case["request"]);
        }
    }
    let Some(vectors) = corpus_json("todo/decisions-1_0-02.json") else { return };
    let batches = vectors["evaluations"].as_array().unwrap();
    assert_eq!(batches.len(), 3);
    for batch in batches {
        let answer = http.post(EVALUATIONS, &batch["request"].to_string()).await.json();
        assert_eq!(answer, json!({ "evaluations": batch["expected"] }), "{}", batch["request"]);
    }
}

#[tokio::test]
async fn questions_and_answers_have_the_shapes_of_the_published_schemas() {
    let (Some(request), Some(response)) =
        (corpus_json("schemas/evaluation-request.schema.json"), corpus_json("schemas/evaluation-response.schema.json"))
    else {
        return;
    };
    let (request, response) =
        (jsonschema::validator_for(&request).unwrap(), jsonschema::validator_for(&response).unwrap());
    let server = todo();
    let verbose = Server::certification("{ verbose: true }");
    for case in corpus_json("todo/decisions-1_0-02.json").unwrap()["evaluation"].as_array().unwrap() {
        let question = &case["request"];
        assert!(request.is_valid(question), "{question}");
        for server in [&server, &verbose] {
            let answer = server.ask(EVALUATION, question).await;
            assert!(response.is_valid(&answer), "{answer}");
        }
    }
}

const GATEWAY: &str = r#"
@id("known")
forbid (principal, action, resource)
unless { resource.target.type == "route" && context.attributes.text.hasTag("subject.role") };

@id("change")
forbid (principal, action, resource)
unless { context.action == "GET" }
unless {
    ["POST", "PUT", "DELETE"].contains(context.action) &&
    context.attributes.text.hasTag("subject.role") &&
    ["admin", "editor"].contains(context.attributes.text.getTag("subject.role"))
};
"#;

#[tokio::test]
async fn gateways_get_the_decisions_that_their_tests_expect() {
    let Some(vectors) = corpus_json("gateway/decisions.json") else { return };
    let entities = json!({ "entities": { "subjects": people("identity") } });
    let files = [
        ("bundle.yaml", "subjectTypes: { identity: user }\n".to_owned()),
        ("entities.json", entities.to_string()),
        ("gateway.cedar", GATEWAY.to_owned()),
    ];
    let server = Server::start(files, "{}");
    let cases = vectors["evaluation"].as_array().unwrap();
    assert_eq!(cases.len(), 25);
    for case in cases {
        assert_eq!(json!(server.decision(&case["request"]).await), case["expected"], "{}", case["request"]);
    }
}

const RECORDS: &str = r#"
@id("view")
forbid (principal, action, resource)
when { context.action == "view" }
unless { context.attributes.text.hasTag("subject.role") && context.attributes.text.getTag("subject.role") == "manager" }
unless {
    context.attributes.text.hasTag("subject.department") && context.attributes.text.hasTag("resource.department") &&
    context.attributes.text.getTag("subject.department") == context.attributes.text.getTag("resource.department")
}
unless {
    context.attributes.text.hasTag("resource.owner") && context.attributes.text.getTag("resource.owner") == principal.id
};

@id("edit")
forbid (principal, action, resource)
when { context.action == "edit" }
unless {
    context.attributes.text.hasTag("subject.role") && context.attributes.text.getTag("subject.role") == "manager" &&
    context.attributes.text.hasTag("subject.department") && context.attributes.text.hasTag("resource.department") &&
    context.attributes.text.getTag("subject.department") == context.attributes.text.getTag("resource.department")
}
unless {
    context.attributes.text.hasTag("resource.owner") && context.attributes.text.getTag("resource.owner") == principal.id
};

@id("delete")
forbid (principal is User, action, resource)
when { context.action == "delete" }
unless {
    context.attributes.text.hasTag("resource.owner") && context.attributes.text.getTag("resource.owner") == principal.id
};

@id("known")
forbid (principal, action, resource)
unless {
    ["view", "edit", "delete"].contains(context.action) && resource.target.type == "record" &&
    context.attributes.text.hasTag("subject.role") && context.attributes.text.hasTag("resource.owner")
};
"#;

/// The people and records of a folder of vectors, as a catalogue.
fn catalogue(folder: &str) -> Option<Server> {
    let (records, users) = (corpus_json(&format!("{folder}/records.json"))?, corpus_json("search/users.json")?);
    let entity = |kind: &str, object: &Value| {
        let mut properties = object.as_object().unwrap().clone();
        let id = properties.remove("id").unwrap();
        let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        json!({ "type": kind, "id": id, "properties": properties })
    };
    let all = |kind: &str, objects: &Value| -> Vec<Value> {
        objects.as_array().unwrap().iter().map(|object| entity(kind, object)).collect()
    };
    let actions = ["view", "edit", "delete"].map(|name| json!({ "name": name }));
    let entities = json!({
        "entities": { "subjects": all("user", &users), "resources": all("record", &records), "actions": actions },
    });
    Some(Server::start([("entities.json", entities.to_string()), ("records.cedar", RECORDS.to_owned())], "{}"))
}

/// Results as texts that can be sorted.
fn sorted(results: &Value) -> Vec<String> {
    let mut all: Vec<_> = results.as_array().unwrap().iter().map(Value::to_string).collect();
    all.sort();
    all
}

async fn check(server: &Server, path: &str, cases: &Value, count: usize) {
    let cases = cases.as_array().unwrap();
    assert_eq!(cases.len(), count);
    for case in cases {
        let answer = server.ask(path, &case["request"]).await;
        assert_eq!(sorted(&answer["results"]), sorted(&case["expected"]["results"]), "{}", case["request"]);
        let count = answer["results"].as_array().unwrap().len();
        assert_eq!(answer["page"], json!({ "next_token": "", "count": count, "total": count }));
    }
}

#[tokio::test]
async fn searches_find_what_the_search_demo_expects() {
    let Some(server) = catalogue("search") else { return };
    for (path, file, count) in [
        (SUBJECTS, "search/subject-results.json", 60),
        (RESOURCES, "search/resource-results.json", 18),
        (ACTIONS, "search/action-results.json", 120),
    ] {
        check(&server, path, &corpus_json(file).unwrap()["evaluation"], count).await;
    }
}

#[tokio::test]
async fn an_identity_provider_finds_the_records_that_go_into_a_token() {
    let Some(server) = catalogue("idp") else { return };
    check(&server, RESOURCES, &corpus_json("idp/results.json").unwrap()["search"], 6).await;
}
