//! Decides what a decision log recorded again, with another bundle, and says what changes.
//!
//! A record goes the way that its request went: the same reading, the same engine, the record's time as the clock. So
//! with the bundle of the record the answer is the recorded one. Reads no file: lines come as bytes. Start with
//! [`Replayer::replay`]; [`Report`] counts what it says.

mod report;
#[cfg(test)]
mod tests;

pub use report::{Counts, Group, Groups, Report, Unreadable};

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::wire::message::DecideRequest;
use super::wire::{self, Encoding, shaping, v1};
use crate::compile::CompiledBundle;
use crate::evaluate::{Evaluation, evaluate};
use crate::model::decision::InputError;
use crate::model::location::CountryFact;
use crate::model::{Decision, TokenRequest};

/// What is read of a line. Its other members do not matter here.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", expecting = "a record of a decision")]
struct Record<'a> {
    #[serde(borrow)]
    time: Cow<'a, str>,
    #[serde(borrow)]
    input: &'a RawValue,
    #[serde(borrow)]
    country: Option<Cow<'a, str>>,
    #[serde(borrow)]
    decision: Cow<'a, str>,
    #[serde(borrow)]
    reason: Cow<'a, str>,
    #[serde(default)]
    outside: bool,
    #[serde(borrow)]
    policies: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    unmet_controls: Vec<Cow<'a, str>>,
    #[serde(borrow)]
    token: Option<&'a RawValue>,
    #[serde(borrow)]
    obligations: Option<&'a RawValue>,
}

/// A decision, or a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// Allowed.
    Allow,
    /// Blocked.
    Block,
    /// Refused: a fact could not be used.
    Error,
}

impl Verdict {
    /// `allow`, `block` or `error`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Block => "block",
            Self::Error => "error",
        }
    }

    fn of(word: &str) -> Option<Self> {
        [Self::Allow, Self::Block, Self::Error].into_iter().find(|verdict| verdict.as_str() == word)
    }
}

impl From<Decision> for Verdict {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Allow => Self::Allow,
            Decision::Block => Self::Block,
        }
    }
}

/// What became of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// What was decided then.
    pub before: Verdict,
    /// What is decided now.
    pub after: Verdict,
    /// Whether reason, policies, unmet controls, obligations and what shapes the token are also those of the record.
    pub is_same: bool,
    /// What changed and for whom; `None` when the decision did not change.
    pub change: Option<Change>,
}

/// For whom a decision changes. Texts are those of the record or the bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Kind and id of the identity.
    pub identity: String,
    /// Policies that decide now, or, if none does, that decided then. Names where the bundle has them, else ids.
    pub policies: Vec<String>,
    /// Named locations of the address.
    pub locations: Vec<String>,
}

/// Decides records again. Keeps memory from one to the next.
#[derive(Debug)]
pub struct Replayer<'b> {
    bundle: &'b CompiledBundle,
    evaluation: Evaluation,
}

impl<'b> Replayer<'b> {
    /// With `bundle`.
    pub fn new(bundle: &'b CompiledBundle) -> Self {
        Self { bundle, evaluation: Evaluation::default() }
    }

    /// Decides the record in `line` again.
    ///
    /// # Errors
    /// The line is no record of a decision; the text says why.
    pub fn replay(&mut self, line: &[u8]) -> Result<Replayed, String> {
        // A record is one line, so that the column says it all.
        let unreadable = |error: serde_json::Error| error.to_string().replace(" at line 1 column", " at column");
        let line = line.trim_ascii_end();
        if line.is_empty() {
            return Err("it is empty".to_owned());
        }
        let record: Record<'_> = serde_json::from_slice(line).map_err(unreadable)?;
        let before =
            Verdict::of(&record.decision).ok_or_else(|| format!("no decision is called `{}`", record.decision))?;
        let time = record.time.parse().map_err(|_| format!("`{}` is no time", record.time))?;
        // WHY: no record holds what it was refused for; alone it would be decided.
        if before == Verdict::Error && record.outside {
            return Ok(Replayed { before, after: before, is_same: true, change: None });
        }
        let message = wire::read::<DecideRequest<'_>>(Encoding::Json, record.input.get().as_bytes());
        let request = message.as_ref().map_err(Clone::clone).and_then(|message| self.request(message, &record, time));
        let outcome = request.and_then(|request| {
            evaluate(self.bundle, &request, &mut self.evaluation)?;
            Ok(request)
        });
        let after = outcome.as_ref().map_or(Verdict::Error, |_| self.evaluation.decision().into());
        let is_same = match &outcome {
            Ok(_) => self.is_same(&record),
            Err(error) => before == after && error.kind.as_str() == record.reason,
        };
        let change = (before != after).then(|| self.change(&record, after, outcome.as_ref().ok()));
        Ok(Replayed { before, after, is_same: is_same && before == after, change })
    }

    /// The request of a record. Its country is what the record's bundle looked up, unless this one can look it up.
    fn request<'a>(
        &self,
        message: &'a DecideRequest<'_>,
        record: &Record<'_>,
        time: Timestamp,
    ) -> Result<TokenRequest<'a>, InputError> {
        let mut request = TokenRequest { now: Some(time), ..wire::token_request(message)? };
        let network = &mut request.network;
        let can_look_up = network.ip_address.is_some_and(|address| self.bundle.country(address).is_some());
        if network.country.is_none() && !can_look_up {
            network.country = record.country.as_deref().and_then(CountryFact::new);
        }
        Ok(request)
    }

    fn is_same(&self, record: &Record<'_>) -> bool {
        let (bundle, evaluation) = (self.bundle, &self.evaluation);
        let policies = evaluation.policies().iter().map(|policy| &*bundle.policy(*policy).id);
        *evaluation.reason().as_str() == *record.reason
            && policies.eq(record.policies.iter().map(|id| &**id))
            && evaluation
                .unmet(bundle)
                .map(|control| control.name())
                .eq(record.unmet_controls.iter().map(|name| &**name))
            && self.has_same_shape(record)
    }

    /// Whether the token is shaped as it was then, and the same is owed.
    fn has_same_shape(&self, record: &Record<'_>) -> bool {
        let (bundle, evaluation) = (self.bundle, &self.evaluation);
        let token = evaluation.session(bundle).as_ref().and_then(shaping::stated);
        let obligations = shaping::obligations(bundle, evaluation);
        recorded::<v1::Token>(record.token).is_some_and(|recorded| recorded == token)
            && recorded::<Vec<v1::Obligation>>(record.obligations)
                .is_some_and(|recorded| recorded.unwrap_or_default() == obligations)
    }

    fn change(&self, record: &Record<'_>, after: Verdict, request: Option<&TokenRequest<'_>>) -> Change {
        let name = |id: &str| {
            let known = self.bundle.policies().iter().find(|policy| *policy.id == *id);
            known.map_or_else(|| id.to_owned(), |policy| policy.display_name.to_string())
        };
        let deciding = if after == Verdict::Error { &[] } else { self.evaluation.policies() };
        let policies = match deciding {
            [] => record.policies.iter().map(|id| name(id)).collect(),
            now => now.iter().map(|policy| self.bundle.policy(*policy).display_name.to_string()).collect(),
        };
        let mut locations = Vec::new();
        if let Some(address) = request.and_then(|request| request.network.ip_address) {
            let names = &self.bundle.location_table().names;
            self.bundle.place(address).locations.each(|location| {
                locations.extend(names.get(usize::from(location)).map(ToString::to_string));
            });
        }
        Change { identity: identity(record), policies, locations }
    }
}

/// What a record has; `None` when that is something else.
fn recorded<T: serde::de::DeserializeOwned>(raw: Option<&RawValue>) -> Option<Option<T>> {
    raw.map(|raw| serde_json::from_str(raw.get())).transpose().ok()
}

/// Kind and id, also of a request that could not be used.
fn identity(record: &Record<'_>) -> String {
    let input: serde_json::Value = serde_json::from_str(record.input.get()).unwrap_or_default();
    let text = |pointer| input.pointer(pointer).and_then(serde_json::Value::as_str).unwrap_or("?");
    format!("{} {}", text("/identity/type"), text("/identity/id"))
}
