//! From what was decided to the words of AuthZEN: a boolean, and around it what the caller can use.
//!
//! An answer is the same whenever the question, the bundle and the settings are; what is not lies in headers. Texts for
//! administrators are only told where the operator asked for it, but what is wrong with a request always is.
//!
//! Source: OpenID Authorization API 1.0, section 5.5; draft-gazitt-oauth-authzen-issuance; AuthZEN obligations profile;
//! all read August 2026.

use serde_json::{Map, Value, json};

use super::request::path;
use super::{Open, STEP_UP};
use crate::model::Decision;
use crate::model::decision::InputError;
use crate::serve::lifetime;
use crate::serve::wire::spelling::Spelling;
use crate::serve::wire::{Refusal, Refused, v1};

/// What became of one question.
#[derive(Debug)]
pub struct Outcome {
    /// Whether it may be.
    pub allows: bool,
    /// Whether the action was a gate of token issuance.
    pub is_gate: bool,
    /// Longest life of a token, seconds, if the policies say one.
    pub lifetime: Option<u64>,
    context: Map<String, Value>,
}

impl Outcome {
    /// Of a decision. `steps_up`: the caller can let people prove more.
    pub fn decided(response: &v1::DecideResponse, (is_gate, steps_up): (bool, bool), open: &Open) -> Self {
        let allows = response.decision == Decision::Allow.number();
        let mut context = Map::new();
        if steps_up && !allows {
            let obligations = obligations(&response.unmet_controls, open);
            context.extend(obligations.map(|obligations| ("obligations".to_owned(), obligations)));
        }
        if open.settings.verbose {
            explain(response, allows, &mut context);
        }
        let lifetime = lifetime::ceiling(response).filter(|_| allows && is_gate);
        Self { allows, is_gate, lifetime, context }
    }

    /// Of a question that cannot be decided as it is: a deny that says why.
    pub fn unusable(refused: &Refused, is_gate: bool) -> Self {
        let reason = refused.refusal.reason();
        let error = match &refused.refusal {
            Refusal::Input(error) => InputError { field: path(&refused.refusal.field()), ..error.clone() }.to_string(),
            other => other.message(),
        };
        let mut context = Map::new();
        context.insert("reasons".to_owned(), json!([{ "code": reason }]));
        context.insert("reason_admin".to_owned(), json!({ "400": format!("{reason}: {error}") }));
        Self { allows: false, is_gate, lifetime: None, context }
    }

    /// Of an item of a batch that is no question.
    pub fn malformed(error: &InputError) -> Self {
        let mut context = Map::new();
        context.insert("error".to_owned(), json!({ "status": 400, "message": error.to_string() }));
        Self { allows: false, is_gate: false, lifetime: None, context }
    }

    fn into_json(mut self, issuance: Map<String, Value>) -> Value {
        if !issuance.is_empty() {
            self.context.insert("issuance".to_owned(), issuance.into());
        }
        match self.context.is_empty() {
            true => json!({ "decision": self.allows }),
            false => json!({ "decision": self.allows, "context": self.context }),
        }
    }
}

/// The answer to one question; `scopes` are those that are left.
pub fn single([outcome]: [Outcome; 1], scopes: Option<String>) -> Value {
    let lifetime = outcome.lifetime;
    outcome.into_json(issuance(lifetime, scopes))
}

/// The answers to a batch. Shaping is on one item alone, the first gate that is open, and holds for all that are: a token
/// that several of them let through lives no longer than each allows.
pub fn batch(outcomes: Vec<Outcome>, scopes: Option<String>) -> Value {
    let lifetime = outcomes.iter().filter_map(|outcome| outcome.lifetime).min();
    let first = outcomes.iter().position(|outcome| outcome.is_gate && outcome.allows);
    let mut shaping = Some(issuance(lifetime, scopes));
    let mut shaped = |place| shaping.take_if(|_| Some(place) == first).unwrap_or_default();
    let each = outcomes.into_iter().enumerate();
    let answers: Vec<_> = each.map(|(place, outcome)| outcome.into_json(shaped(place))).collect();
    json!({ "evaluations": answers })
}

/// How the token is shaped. Nothing else is: a policy says neither claims (so `crit` names none), nor authorization
/// details; and an audience that it refuses is a gate that it refuses.
fn issuance(lifetime: Option<u64>, scopes: Option<String>) -> Map<String, Value> {
    let lifetime = lifetime.map(|seconds| ("token_lifetime".to_owned(), json!(seconds)));
    let scopes = scopes.map(|scopes| ("granted_scope".to_owned(), json!(scopes)));
    lifetime.into_iter().chain(scopes).collect()
}

/// What to prove so that all unmet controls are met; `None` when one of them cannot be met by signing in again.
fn obligations(unmet: &[String], open: &Open) -> Option<Value> {
    let obligation = |control: &String| {
        let acr = open.settings.step_up.acr(control)?;
        let properties = match control.as_str() {
            "mfa" => json!({ "acr_value": acr, "amr_values": ["mfa"] }),
            _ => json!({ "acr_value": acr }),
        };
        Some(json!({ "id": format!("{STEP_UP}:{control}"), "type": STEP_UP, "properties": properties }))
    };
    let all: Option<Vec<_>> = unmet.iter().map(obligation).collect();
    all.filter(|all| !all.is_empty()).map(Value::Array)
}

fn explain(response: &v1::DecideResponse, allows: bool, context: &mut Map<String, Value>) {
    let ids = |policies: &[v1::PolicyRef]| policies.iter().map(|policy| json!(policy.id)).collect::<Vec<_>>();
    if !allows {
        let names: Vec<_> = response.policies.iter().map(|policy| policy.display_name.as_str()).collect();
        let reason = match names.as_slice() {
            [] => response.reason.clone(),
            names => format!("{}: {}", response.reason, names.join(", ")),
        };
        let reasons = response.policies.iter().map(|policy| json!({ "policy": policy.id, "code": response.reason }));
        context.insert("reasons".to_owned(), reasons.collect());
        context.insert("reason_admin".to_owned(), json!({ "403": reason }));
        if !response.message.is_empty() {
            context.insert("reason_user".to_owned(), json!({ "403": response.message }));
        }
    }
    let mut ca = Map::new();
    ca.insert("policies".to_owned(), ids(&response.policies).into());
    ca.insert("report_only".to_owned(), ids(&response.report_only).into());
    if !response.unmet_controls.is_empty() {
        ca.insert("unmet_controls".to_owned(), json!(response.unmet_controls));
    }
    if let Some(session) = &response.session_controls {
        ca.insert("session_controls".to_owned(), json!(session));
    }
    context.insert("ca".to_owned(), ca.into());
}
