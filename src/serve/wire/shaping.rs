//! How an answer tells what shapes a token and what its caller owes.
//!
//! [`token`] is what answers have: what policies say, the time between sign-ins, and the authentication contexts that were
//! asked for. [`stated`] is what policies say alone, which records keep: the rest follows from the request.

use std::collections::{BTreeMap, BTreeSet};

use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value};

use super::message::Object;
use super::oauth::Asked;
use super::{json, v1};
use crate::compile::CompiledBundle;
use crate::evaluate::{Evaluation, MergedSession, MergedToken};
use crate::model::Decision;
use crate::model::shaping::{ACRS, Obligation};

/// Claims by name, each with its values.
pub type Claims = BTreeMap<String, BTreeSet<String>>;

impl v1::Token {
    /// Joins its claims to `all`.
    pub fn add_to(&self, all: &mut Claims) {
        for (name, value) in self.claims.iter().flat_map(|claims| &claims.fields) {
            let Some(Kind::ListValue(list)) = &value.kind else { continue };
            let texts = list.values.iter().filter_map(|value| match &value.kind {
                Some(Kind::StringValue(text)) => Some(text.clone()),
                _ => None,
            });
            all.entry(name.clone()).or_default().extend(texts);
        }
    }
}

/// How the token of an allow is shaped, which comes with `session`; `None` when it is left as it is. Allocates nothing
/// then.
pub fn token(
    bundle: &CompiledBundle,
    evaluation: &Evaluation,
    session: Option<&MergedSession<'_>>,
    asked: Asked,
) -> Option<v1::Token> {
    // WHY: who uses a token asks for none, so that none has anything to say of the contexts.
    let context = asked.issued_context().filter(|_| evaluation.decision() == Decision::Allow);
    if session.is_none() && context.is_none() {
        return None;
    }
    let mut token = session.and_then(stated).unwrap_or_default();
    let frequency = session.and_then(|_| evaluation.sign_in_hours(bundle)).map(seconds);
    token.lifetime_seconds = token.lifetime_seconds.into_iter().chain(frequency).min();
    if let Some(context) = context {
        let claims = token.claims.get_or_insert_default();
        claims.fields.insert(ACRS.to_owned(), list([format!("c{context}")]));
    }
    (token != v1::Token::default()).then_some(token)
}

/// What the policies say of the token that comes with `session`; `None` when they say nothing. Allocates nothing then.
pub fn stated(session: &MergedSession<'_>) -> Option<v1::Token> {
    if session.token.is_empty() {
        return None;
    }
    let MergedToken { lifetime, claims, critical } = &session.token;
    let texts = |values: &BTreeSet<&str>| list(values.iter().copied().map(str::to_owned));
    let fields = claims.iter().map(|(name, values)| ((*name).to_owned(), texts(values))).collect();
    Some(v1::Token {
        lifetime_seconds: *lifetime,
        claims: (!claims.is_empty()).then_some(Struct { fields }),
        critical_claims: critical.iter().copied().map(str::to_owned).collect(),
    })
}

/// What the caller owes. Allocates nothing when that is nothing.
pub fn obligations(bundle: &CompiledBundle, evaluation: &Evaluation) -> Vec<v1::Obligation> {
    let owed = evaluation.obligations(bundle);
    if owed.is_empty() {
        return Vec::new();
    }
    let message = |obligation: &Obligation| v1::Obligation {
        id: obligation.id.to_string(),
        r#type: obligation.kind.to_string(),
        // INVARIANT: it was written as JSON, and is less deep than messages may be.
        properties: json::read::<Object>(obligation.properties.as_bytes()).ok().map(Object::into_struct),
    };
    owed.into_iter().map(message).collect()
}

fn list(texts: impl IntoIterator<Item = String>) -> Value {
    let text = |text| Value { kind: Some(Kind::StringValue(text)) };
    Value { kind: Some(Kind::ListValue(ListValue { values: texts.into_iter().map(text).collect() })) }
}

/// Seconds of so many hours. What is longer than the field can say ends sooner.
pub(super) fn seconds(hours: u64) -> u32 {
    u32::try_from(hours.saturating_mul(3600)).unwrap_or(u32::MAX)
}
