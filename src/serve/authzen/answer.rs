//! From what was decided to the words of AuthZEN: a boolean, and around it what the caller can use.
//!
//! An answer is the same whenever the question, the bundle and the settings are; what is not lies in headers. Texts for
//! administrators are only told where the operator asked for it, but what is wrong with a request always is.
//!
//! Source: OpenID Authorization API 1.0, section 5.5; draft-gazitt-oauth-authzen-issuance; AuthZEN obligations profile;
//! all read August 2026.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::Open;
use super::grant::Left;
use super::request::{Manner, path};
use crate::model::Decision;
use crate::model::decision::InputError;
use crate::model::shaping::STEP_UP;
use crate::serve::wire::oauth::OAuthError;
use crate::serve::wire::shaping::Claims;
use crate::serve::wire::spelling::Spelling;
use crate::serve::wire::{Refusal, Refused, json, v1};

/// What became of one question.
#[derive(Debug)]
pub struct Outcome {
    /// Whether it may be.
    pub allows: bool,
    /// Whether the token is what it says, if it is about one: it may be, and the token is good for what this was about.
    pub shapes: bool,
    /// Whether the action was a gate of token issuance.
    pub is_gate: bool,
    /// Ids of what the caller is obliged to.
    pub owed: Vec<String>,
    /// How the token is shaped that the question is about, if it is about one.
    token: v1::Token,
    context: Map<String, Value>,
}

impl Outcome {
    /// Of a decision about a question that is asked in this manner; the caller hears of all that is owed for it.
    pub fn decided(response: v1::DecideResponse, manner: Manner, open: &Open) -> Self {
        let allows = response.decision == Decision::Allow.number();
        let mut context = Map::new();
        let step_up = (manner.steps_up && !allows).then(|| step_up(&response.unmet_controls, open)).flatten();
        let obligations: Vec<_> =
            step_up.into_iter().flatten().chain(response.obligations.iter().map(obligation)).collect();
        if !obligations.is_empty() {
            context.insert("obligations".to_owned(), obligations.into());
        }
        if open.settings.verbose {
            explain(&response, manner, &mut context);
        }
        let owed = response.obligations.into_iter().map(|obligation| obligation.id).collect();
        let token = response.token.filter(|_| allows && manner.is_for_token).unwrap_or_default();
        Self { allows, shapes: allows, is_gate: manner.is_gate, owed, token, context }
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
        Self::denied(is_gate, context)
    }

    /// Of an item of a batch that is no question.
    pub fn malformed(error: &InputError) -> Self {
        let mut context = Map::new();
        context.insert("error".to_owned(), json!({ "status": 400, "message": error.to_string() }));
        Self::denied(false, context)
    }

    fn denied(is_gate: bool, context: Map<String, Value>) -> Self {
        Self { allows: false, shapes: false, is_gate, owed: Vec::new(), token: v1::Token::default(), context }
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

/// How a token is shaped that several questions are about: it lives no longer than each of them lets it, and has what each
/// adds to a claim, which are lists and never conflict.
#[derive(Debug, Default)]
pub struct Shape {
    lifetime: Option<u32>,
    claims: Claims,
    critical: BTreeSet<String>,
}

impl Shape {
    /// With what one more question says of it.
    pub fn add(&mut self, token: &v1::Token) {
        self.lifetime = self.lifetime.into_iter().chain(token.lifetime_seconds).min();
        token.add_to(&mut self.claims);
        self.critical.extend(token.critical_claims.iter().cloned());
    }
}

/// The answer to one question; `left` is of the scopes that nobody asked about.
pub fn single(outcomes: [Outcome; 1], left: Left) -> Value {
    let issuance = issuance(&outcomes, left, None);
    let [outcome] = outcomes;
    outcome.into_json(issuance)
}

/// The answers to a batch. Shaping is on one item alone, the first gate that is open, and holds for all that are, the scopes
/// behind them too: a token that several of them let through lives no longer than each allows, and has what each adds.
/// `audience` lists those that are left, if one is not; what is said of the others shapes nothing.
pub fn batch(outcomes: Vec<Outcome>, left: Left, audience: Option<Value>) -> Value {
    let first = outcomes.iter().position(|outcome| outcome.is_gate && outcome.allows);
    let mut shaping = Some(issuance(&outcomes, left, audience));
    let mut shaped = |place| shaping.take_if(|_| Some(place) == first).unwrap_or_default();
    let each = outcomes.into_iter().enumerate();
    let answers: Vec<_> = each.map(|(place, outcome)| outcome.into_json(shaped(place))).collect();
    json!({ "evaluations": answers })
}

/// How the token is shaped. Rich authorization requests no policy states.
fn issuance(outcomes: &[Outcome], Left { scopes, mut shape }: Left, audience: Option<Value>) -> Map<String, Value> {
    outcomes.iter().filter(|outcome| outcome.shapes).for_each(|outcome| shape.add(&outcome.token));
    let Shape { lifetime, claims, critical } = shape;
    let members = [
        ("token_lifetime", lifetime.map(|seconds| json!(seconds))),
        ("granted_scope", scopes.map(|scopes| json!(scopes))),
        ("audience", audience),
        ("claims", (!claims.is_empty()).then(|| json!(claims))),
        ("crit", (!critical.is_empty()).then(|| json!(critical))),
    ];
    members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

fn obligation(owed: &v1::Obligation) -> Value {
    let properties = owed.properties.as_ref().map(json::to_map).unwrap_or_default();
    json!({ "id": owed.id, "type": owed.r#type, "properties": properties })
}

/// What to prove so that all unmet controls are met; `None` when one of them cannot be met by signing in again.
fn step_up(unmet: &[String], open: &Open) -> Option<Vec<Value>> {
    let obligation = |control: &String| {
        let acr = open.settings.step_up.acr(control)?;
        let properties = match control.as_str() {
            "mfa" => json!({ "acr_value": acr, "amr_values": ["mfa"] }),
            _ => json!({ "acr_value": acr }),
        };
        Some(json!({ "id": format!("{STEP_UP}:{control}"), "type": STEP_UP, "properties": properties }))
    };
    unmet.iter().map(obligation).collect()
}

fn explain(response: &v1::DecideResponse, manner: Manner, context: &mut Map<String, Value>) {
    let ids = |policies: &[v1::PolicyRef]| policies.iter().map(|policy| json!(policy.id)).collect::<Vec<_>>();
    if response.decision != Decision::Allow.number() {
        let names: Vec<_> = response.policies.iter().map(|policy| policy.display_name.as_str()).collect();
        let reason = match names.as_slice() {
            [] => response.reason.clone(),
            names => format!("{}: {}", response.reason, names.join(", ")),
        };
        let reasons = response.policies.iter().map(|policy| json!({ "policy": policy.id, "code": response.reason }));
        context.insert("reasons".to_owned(), reasons.collect());
        context.insert("reason_admin".to_owned(), json!({ "403": reason }));
        if let Some(bundle) = &response.bundle {
            context.insert("revision".to_owned(), json!(format!("{}@{}", bundle.name, bundle.revision)));
        }
        if !response.message.is_empty() {
            context.insert("reason_user".to_owned(), json!({ "403": response.message }));
        }
    }
    let mut ca = Map::new();
    ca.insert("policies".to_owned(), ids(&response.policies).into());
    ca.insert("report_only".to_owned(), ids(&response.report_only).into());
    if response.stale {
        ca.insert("stale".to_owned(), json!(true));
    }
    if !response.unmet_controls.is_empty() {
        ca.insert("unmet_controls".to_owned(), json!(response.unmet_controls));
    }
    if let Some(session) = &response.session_controls {
        ca.insert("session_controls".to_owned(), json!(session));
    }
    // WHY: what the use of a token is told names the time, and equal questions have equal answers.
    if let Some(error) = response.oauth_error.clone().filter(|_| manner.is_for_token) {
        ca.insert("oauth_error".to_owned(), oauth_error(error, manner));
    }
    context.insert("ca".to_owned(), ca.into());
}

/// What to tell the OAuth client. Of an exchange nobody hears which of the two parties is refused.
fn oauth_error(error: v1::OAuthError, manner: Manner) -> Value {
    let told = match manner {
        Manner { is_exchange: true, .. } => v1::OAuthError {
            error: "invalid_request".to_owned(),
            suberror: String::new(),
            claims: String::new(),
            ..OAuthError::BLOCK.to_message()
        },
        Manner { is_gate: true, .. } => error,
        _ => error.of_scope(),
    };
    let v1::OAuthError { error, error_description, error_codes, suberror, claims } = told;
    let mut members = Map::new();
    members.insert("error".to_owned(), json!(error));
    members.insert("error_description".to_owned(), json!(error_description));
    members.insert("error_codes".to_owned(), json!(error_codes));
    let texts = [("suberror", suberror), ("claims", claims)].into_iter().filter(|(_, text)| !text.is_empty());
    members.extend(texts.map(|(name, text)| (name.to_owned(), json!(text))));
    members.into()
}
