//! From what was decided to the bytes of an answer, or to a message for those who want one.
//!
//! [`write()`] goes straight to the bytes; [`answer`] and [`trace`] make messages. Both say the same, a property.

use prost::Message;

use super::oauth::{Asked, OAuthError};
use super::protobuf::{text_length, write_length, write_number, write_text};
use super::spelling::Spelling;
use super::{Encoding, Refused, shaping, v1};
use crate::compile::{CompiledBundle, PolicyHead, PolicyIndex};
use crate::evaluate::{ConditionTrace, Evaluation, MergedSession, PolicyTrace, Side};
use crate::model::Condition;
use crate::model::session::SignInFrequency;
use crate::model::set::Word;

/// Writes the answer of one evaluation after what `out` holds.
///
/// Cost: no allocation but `out`'s growth, unless controls are unmet.
pub fn write(
    encoding: Encoding,
    out: &mut Vec<u8>,
    bundle: &CompiledBundle,
    evaluation: &Evaluation,
    asked: Asked,
    request_id: &str,
    trace: Vec<v1::PolicyTrace>,
) {
    match encoding {
        Encoding::Json => write_json(out, bundle, evaluation, asked, request_id, &trace),
        Encoding::Protobuf => write_protobuf(out, bundle, evaluation, asked, request_id, trace),
    }
}

fn write_protobuf(
    out: &mut Vec<u8>,
    bundle: &CompiledBundle,
    evaluation: &Evaluation,
    asked: Asked,
    request_id: &str,
    trace: Vec<v1::PolicyTrace>,
) {
    write_number(out, 1, evaluation.decision().number());
    write_text(out, 2, evaluation.reason().as_str());
    for (field, policies) in [(3, evaluation.policies()), (4, evaluation.report_only())] {
        for policy in policies {
            let policy = bundle.policy(*policy);
            write_pair(out, field, &policy.id, &policy.display_name);
        }
    }
    for control in evaluation.unmet(bundle) {
        write_text(out, 5, &control.name());
    }
    write_pair(out, 6, bundle.name(), bundle.revision());
    write_text(out, 7, request_id);
    let session = evaluation.session(bundle);
    let (session_controls, message) = (session_controls(bundle, evaluation, session.as_ref()), message(evaluation));
    if !trace.is_empty() || session_controls.is_some() || !message.is_empty() {
        // WHY: fields of a message may come in pieces; a `Vec` takes every byte.
        let _ = v1::DecideResponse { trace, session_controls, message, ..v1::DecideResponse::default() }.encode(out);
    }
    if let Some(error) = OAuthError::of(bundle, evaluation, asked) {
        error.write_protobuf(out);
    }
    let token = shaping::token(bundle, evaluation, session.as_ref(), asked);
    let obligations = shaping::obligations(bundle, evaluation);
    if token.is_some() || !obligations.is_empty() {
        // WHY: as above.
        let _ = v1::DecideResponse { token, obligations, ..v1::DecideResponse::default() }.encode(out);
    }
    if asked.is_stale(bundle) {
        write_number(out, 14, 1);
    }
}

/// A message of two texts.
fn write_pair(out: &mut Vec<u8>, field: u32, first: &str, second: &str) {
    write_length(out, field, text_length(first) + text_length(second));
    write_text(out, 1, first);
    write_text(out, 2, second);
}

/// Writes a result of a batch or stream: an answer that [`write()`] wrote, or why there is none.
pub fn write_result(encoding: Encoding, out: &mut Vec<u8>, outcome: Result<&[u8], &Refused>) {
    match (encoding, outcome) {
        (Encoding::Json, Ok(answer)) => {
            out.extend_from_slice(br#"{"answer":"#);
            out.extend_from_slice(answer);
            out.push(b'}');
        }
        (Encoding::Json, Err(refused)) => out.extend_from_slice(&refused.to_json()),
        (Encoding::Protobuf, Ok(answer)) => {
            write_length(out, 1, answer.len());
            out.extend_from_slice(answer);
        }
        (Encoding::Protobuf, Err(refused)) => {
            let error = refused.to_message().encode_to_vec();
            write_length(out, 2, error.len());
            out.extend_from_slice(&error);
        }
    }
}

/// Writes the answer to a batch of results that [`write_result`] wrote.
pub fn write_batch<'r>(
    encoding: Encoding,
    out: &mut Vec<u8>,
    bundle: &CompiledBundle,
    results: impl Iterator<Item = &'r [u8]>,
) {
    match encoding {
        Encoding::Json => {
            out.extend_from_slice(br#"{"results":["#);
            write_items(out, results, |out, result| out.extend_from_slice(result));
            out.extend_from_slice(br#"],"bundle":"#);
            write_bundle(out, bundle);
            out.push(b'}');
        }
        Encoding::Protobuf => {
            for result in results {
                write_length(out, 1, result.len());
                out.extend_from_slice(result);
            }
            write_pair(out, 2, bundle.name(), bundle.revision());
        }
    }
}

/// WHY: most of the cost of an answer in JSON was a serializer looking at each character.
fn write_json(
    out: &mut Vec<u8>,
    bundle: &CompiledBundle,
    evaluation: &Evaluation,
    asked: Asked,
    request_id: &str,
    trace: &[v1::PolicyTrace],
) {
    out.extend_from_slice(br#"{"decision":""#);
    out.extend_from_slice(evaluation.decision().as_str().as_bytes());
    out.extend_from_slice(br#"","reason":""#);
    out.extend_from_slice(evaluation.reason().as_str().as_bytes());
    out.extend_from_slice(br#"","policies":["#);
    write_items(out, evaluation.policies(), |out, policy| write_name(out, bundle.policy(*policy)));
    out.extend_from_slice(br#"],"reportOnly":["#);
    write_items(out, evaluation.report_only(), |out, policy| write_name(out, bundle.policy(*policy)));
    out.extend_from_slice(br#"],"unmetControls":["#);
    write_items(out, evaluation.unmet(bundle), |out, control| write_json_text(out, &control.name()));
    out.extend_from_slice(br#"],"bundle":"#);
    write_bundle(out, bundle);
    out.extend_from_slice(br#","requestId":"#);
    write_json_text(out, request_id);
    if !trace.is_empty() {
        out.extend_from_slice(br#","trace":"#);
        // INVARIANT: it has no keys but strings, and a `Vec` takes every byte.
        let _ = serde_json::to_writer(&mut *out, trace);
    }
    let session = evaluation.session(bundle);
    if let Some(session) = session_controls(bundle, evaluation, session.as_ref()) {
        out.extend_from_slice(br#","sessionControls":"#);
        // INVARIANT: as above.
        let _ = serde_json::to_writer(&mut *out, &session);
    }
    if let Some(message) = evaluation.message() {
        out.extend_from_slice(br#","message":"#);
        write_json_text(out, message);
    }
    if let Some(error) = OAuthError::of(bundle, evaluation, asked) {
        out.extend_from_slice(br#","oauthError":"#);
        error.write_json(out);
    }
    if let Some(token) = shaping::token(bundle, evaluation, session.as_ref(), asked) {
        out.extend_from_slice(br#","token":"#);
        // INVARIANT: as above.
        let _ = serde_json::to_writer(&mut *out, &token);
    }
    let obligations = shaping::obligations(bundle, evaluation);
    if !obligations.is_empty() {
        out.extend_from_slice(br#","obligations":"#);
        // INVARIANT: as above.
        let _ = serde_json::to_writer(&mut *out, &obligations);
    }
    if asked.is_stale(bundle) {
        out.extend_from_slice(br#","stale":true"#);
    }
    out.push(b'}');
}

fn write_items<T>(out: &mut Vec<u8>, items: impl IntoIterator<Item = T>, write: impl Fn(&mut Vec<u8>, T)) {
    for (place, item) in items.into_iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        write(out, item);
    }
}

fn write_name(out: &mut Vec<u8>, policy: &PolicyHead) {
    out.extend_from_slice(br#"{"id":"#);
    write_json_text(out, &policy.id);
    out.extend_from_slice(br#","displayName":"#);
    write_json_text(out, &policy.display_name);
    out.push(b'}');
}

fn write_bundle(out: &mut Vec<u8>, bundle: &CompiledBundle) {
    out.extend_from_slice(br#"{"name":"#);
    write_json_text(out, bundle.name());
    out.extend_from_slice(br#","revision":"#);
    write_json_text(out, bundle.revision());
    out.push(b'}');
}

/// Writes a text in quotes, as it is if nothing in it needs an escape.
fn write_json_text(out: &mut Vec<u8>, text: &str) {
    if needs_escape(text) {
        // INVARIANT: a `Vec` takes every byte.
        let _ = serde_json::to_writer(out, text);
        return;
    }
    out.push(b'"');
    out.extend_from_slice(text.as_bytes());
    out.push(b'"');
}

/// Whether something in a text cannot stand in JSON as it is.
pub(super) fn needs_escape(text: &str) -> bool {
    // WHY: without an early end the loop looks at many bytes at once.
    text.bytes().fold(false, |found, byte| found | (byte < b' ') | (byte == b'"') | (byte == b'\\'))
}

/// The answer of one evaluation as a message; `trace` is left for [`trace`].
pub fn answer(
    bundle: &CompiledBundle,
    evaluation: &Evaluation,
    asked: Asked,
    request_id: String,
) -> v1::DecideResponse {
    let names = |policies: &[PolicyIndex]| policies.iter().map(|policy| name(bundle.policy(*policy))).collect();
    let session = evaluation.session(bundle);
    v1::DecideResponse {
        decision: evaluation.decision().number(),
        reason: evaluation.reason().as_str().to_owned(),
        policies: names(evaluation.policies()),
        report_only: names(evaluation.report_only()),
        unmet_controls: evaluation.unmet(bundle).map(|control| control.name()).collect(),
        bundle: Some(bundle_name(bundle)),
        request_id,
        trace: Vec::new(),
        session_controls: session_controls(bundle, evaluation, session.as_ref()),
        message: message(evaluation),
        oauth_error: OAuthError::of(bundle, evaluation, asked).map(OAuthError::to_message),
        token: shaping::token(bundle, evaluation, session.as_ref(), asked),
        obligations: shaping::obligations(bundle, evaluation),
        stale: asked.is_stale(bundle),
    }
}

fn message(evaluation: &Evaluation) -> String {
    evaluation.message().unwrap_or_default().to_owned()
}

fn session_controls(
    bundle: &CompiledBundle,
    evaluation: &Evaluation,
    session: Option<&MergedSession<'_>>,
) -> Option<v1::SessionControls> {
    let MergedSession { controls, filtering_profiles, .. } = session.filter(|session| session.has_controls())?;
    Some(v1::SessionControls {
        sign_in_frequency: controls.sign_in_frequency.map(sign_in_frequency),
        persistent_browser: spelled(controls.persistent_browser),
        cloud_app_security: spelled(controls.cloud_app_security),
        continuous_access_evaluation: spelled(controls.continuous_access_evaluation),
        application_enforced_restrictions: controls.application_enforced_restrictions.then_some(true),
        disable_resilience_defaults: controls.disable_resilience_defaults.then_some(true),
        secure_sign_in_session: controls.secure_sign_in_session.then_some(true),
        global_secure_access_filtering_profiles: filtering_profiles.iter().copied().map(str::to_owned).collect(),
        token_lifetime_seconds: evaluation.sign_in_hours(bundle).map(shaping::seconds),
    })
}

fn sign_in_frequency(frequency: SignInFrequency) -> v1::SignInFrequency {
    v1::SignInFrequency {
        frequency_interval: frequency.interval().as_str().to_owned(),
        value: frequency.period.map(|period| period.value),
        r#type: spelled(frequency.period.map(|period| period.unit)),
        authentication_type: frequency.factors.as_str().to_owned(),
    }
}

/// The word, or nothing.
fn spelled(word: Option<impl Word>) -> String {
    word.map(Word::as_str).unwrap_or_default().to_owned()
}

/// Every policy of a trace, in its order.
pub fn trace(bundle: &CompiledBundle, policies: Vec<PolicyTrace>) -> Vec<v1::PolicyTrace> {
    let each = |policy: PolicyTrace| {
        let head = bundle.policy(policy.policy);
        let names = |conditions: Vec<Condition>| conditions.into_iter().map(|it| it.as_str().to_owned()).collect();
        v1::PolicyTrace {
            policy: Some(name(head)),
            state: head.state.as_str().to_owned(),
            outcome: policy.outcome.as_str().to_owned(),
            conditions_satisfied: names(policy.conditions_satisfied().collect()),
            conditions_not_satisfied: names(policy.conditions_not_satisfied().collect()),
            include_rules_satisfied: policy.rules_satisfied(Side::Include).map(rule).collect(),
            exclude_rules_satisfied: policy.rules_satisfied(Side::Exclude).map(rule).collect(),
            conditions: policy.conditions.into_iter().map(condition).collect(),
            unmet_controls: policy.unmet_controls,
        }
    };
    policies.into_iter().map(each).collect()
}

fn condition(condition: ConditionTrace) -> v1::ConditionTrace {
    v1::ConditionTrace {
        condition: condition.condition.as_str().to_owned(),
        holds: condition.holds.number(),
        rule: condition.rule,
    }
}

fn rule((condition, rule): (Condition, &'static str)) -> v1::RuleSatisfied {
    v1::RuleSatisfied { conditional_access_condition: condition.as_str().to_owned(), rule_satisfied: rule.to_owned() }
}

/// How answers name a bundle.
pub fn bundle_name(bundle: &CompiledBundle) -> v1::BundleRef {
    v1::BundleRef { name: bundle.name().to_owned(), revision: bundle.revision().to_owned() }
}

fn name(policy: &PolicyHead) -> v1::PolicyRef {
    v1::PolicyRef { id: policy.id.as_ref().to_owned(), display_name: policy.display_name.as_ref().to_owned() }
}
