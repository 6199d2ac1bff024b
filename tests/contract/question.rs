//! Requests in the words of AuthZEN.

use serde_json::{Value, json};

use crate::asked::Asked;
use crate::native::TOGETHER;
use crate::support::http::changed;
use crate::world::{Over, Told, World};

fn question(asked: &Asked) -> Value {
    let (kind, id) = asked.target();
    let subject = if asked.kind == "servicePrincipal" { "workload" } else { asked.kind };
    let mut context = json!({ "network": {}, "risk": {} });
    for (name, value) in asked.attributes() {
        context[name] = value.into();
    }
    let facts = [("ip", asked.address), ("client_id", asked.client), ("device_id", asked.device)];
    for (name, value) in facts {
        if let Some(value) = value {
            context[name] = value.into();
        }
    }
    if let Some(country) = asked.country {
        context["network"] = json!({ "country": country });
    }
    if let Some(level) = asked.risk {
        context["risk"] = json!({ "level": level });
    }
    if asked.has_mfa {
        context["amr"] = json!(["pwd", "mfa"]);
    }
    json!({
        "subject": { "type": subject, "id": asked.id },
        "action": { "name": asked.action() },
        "resource": { "type": kind, "id": id },
        "context": context,
    })
}

fn told(answer: &Value) -> Told {
    let policies = answer["context"]["ca"]["policies"].as_array().unwrap_or_else(|| panic!("{answer}"));
    Told::by(answer["decision"].as_bool().unwrap(), policies.iter().map(|id| id.as_str().unwrap()))
}

pub fn evaluation(world: &World, over: Over, all: &[Asked]) -> Vec<Told> {
    all.iter().map(|asked| told(&world.post(over, "/access/v1/evaluation", &question(asked)))).collect()
}

pub fn evaluations(world: &World, over: Over, all: &[Asked]) -> Vec<Told> {
    let answers = |evaluations: Vec<Value>| -> Vec<Told> {
        let answer = world.post(over, "/access/v1/evaluations", &json!({ "evaluations": evaluations }));
        answer["evaluations"].as_array().unwrap().iter().map(told).collect()
    };
    let ask = |some: &[Asked]| match some {
        [asked] if asked.scopes.is_some() => {
            let named = |name| changed(question(asked), "/action/name", json!(name));
            let scopes = asked.each_scope().map(named);
            let told = answers(std::iter::once(question(asked)).chain(scopes).collect());
            // The token is issued as it is asked for when its gate is open and no scope is refused.
            vec![Told { is_allowed: told.iter().all(|told| told.is_allowed), ..told[0].clone() }]
        }
        some => answers(some.iter().map(question).collect()),
    };
    // What has scopes is a call of its own.
    let are_plain = |one: &Asked, other: &Asked| one.scopes.or(other.scopes).is_none();
    all.chunks(TOGETHER).flat_map(|some| some.chunk_by(are_plain)).flat_map(ask).collect()
}
