//! Several questions in one body: defaults, and when to stop.
//!
//! Defaults are whole objects: an item that has a resource of its own has nothing of the default one. Where the operator
//! asked for it, an item's entity that lacks its type, id or name takes that one member from the default.
//!
//! Source: OpenID Authorization API 1.0, section 6, read August 2026.

use prost_types::Value;
use prost_types::value::Kind;

use super::question::{Fields, Parts, Question, list, object, text, weight};
use super::{BatchDefaults, answer::Outcome};
use crate::limits;
use crate::model::TransferMethod;
use crate::model::decision::InputError;
use crate::serve::gate::{Gate, is_gate};

/// A question of a batch, or what is wrong with the item.
pub type Item = Result<Question, InputError>;

/// What a batch asks.
#[derive(Debug)]
pub enum Batch {
    /// One question: the body has no items.
    Single(Question),
    /// Items, in their order; and how many took a name from the defaults that an entity of their own lacks.
    Several(Vec<Item>, Semantic, u64),
}

/// When to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Semantic {
    /// Never.
    ExecuteAll,
    /// After the first deny.
    DenyOnFirstDeny,
    /// After the first permit.
    PermitOnFirstPermit,
}

impl Semantic {
    fn new(name: &str) -> Option<Self> {
        match name {
            "execute_all" => Some(Self::ExecuteAll),
            "deny_on_first_deny" => Some(Self::DenyOnFirstDeny),
            "permit_on_first_permit" => Some(Self::PermitOnFirstPermit),
            _ => None,
        }
    }

    /// Whether `outcome` is the last one.
    pub fn ends_with(self, outcome: &Outcome) -> bool {
        match self {
            Self::ExecuteAll => false,
            Self::DenyOnFirstDeny => !outcome.allows,
            Self::PermitOnFirstPermit => outcome.allows,
        }
    }
}

impl Batch {
    /// Reads a body.
    ///
    /// # Errors
    /// What concerns the body as a whole: a part, the items or the options of the wrong type, a semantic that nobody
    /// knows, more than [`limits::BATCH_MAX`] items, or than
    /// [`limits::BATCH_DEFAULTS_BYTES_MAX`] of defaults for all of them; a single question that is none.
    pub fn read(mut body: Fields, lenient: BatchDefaults) -> Result<Self, InputError> {
        let defaults = Parts::take(&mut body)?;
        let mut options = object(&mut body, "options", "options")?.unwrap_or_default();
        let semantic = text(&mut options, "evaluations_semantic", SEMANTIC)?;
        let semantic = match semantic.as_deref() {
            None => Semantic::ExecuteAll,
            Some(name) => Semantic::new(name).ok_or_else(|| InputError::invalid(SEMANTIC, "is not a known value"))?,
        };
        let items = list(&mut body, "evaluations", "evaluations")?.unwrap_or_default();
        if items.is_empty() {
            return defaults.question().map(Self::Single);
        }
        if items.len() > limits::BATCH_MAX {
            let most = limits::BATCH_MAX;
            return Err(InputError::invalid("evaluations", format!("must have at most {most} entries")));
        }
        // WHY: each item gets a copy, so that a small body could become work and memory for hundreds of large ones.
        let parts = [&defaults.subject, &defaults.action, &defaults.resource, &defaults.context];
        let repeated = parts.into_iter().flatten().map(weight).sum::<usize>() * items.len();
        if repeated > limits::BATCH_DEFAULTS_BYTES_MAX {
            let most = limits::BATCH_DEFAULTS_BYTES_MAX;
            let message = format!("would repeat more than {most} bytes of defaults; send fewer items in one call");
            return Err(InputError::invalid("evaluations", message));
        }
        let mut filled = 0;
        let items = items.into_iter().map(|value| item(value, &defaults, lenient, &mut filled)).collect();
        Ok(Self::Several(items, semantic, filled))
    }
}

const SEMANTIC: &str = "options.evaluations_semantic";

fn item(value: Value, defaults: &Parts, lenient: BatchDefaults, filled: &mut u64) -> Item {
    let Some(Kind::StructValue(value)) = value.kind else {
        return Err(InputError::invalid("evaluations", "must be objects"));
    };
    let mut fields = value.fields;
    let own = Parts::take(&mut fields)?;
    let mut is_filled = false;
    let mut part = |own: Option<Fields>, default: &Option<Fields>, keys: &[&str]| match (own, default) {
        (Some(own), Some(default)) if lenient == BatchDefaults::Lenient => {
            let members = own.len();
            let whole = fill(own, default, keys);
            is_filled |= whole.len() > members;
            Some(whole)
        }
        (own, default) => own.or_else(|| default.clone()),
    };
    let parts = Parts {
        subject: part(own.subject, &defaults.subject, &["type", "id"]),
        action: part(own.action, &defaults.action, &["name"]),
        resource: part(own.resource, &defaults.resource, &["type", "id"]),
        context: own.context.or_else(|| defaults.context.clone()),
    };
    *filled += u64::from(is_filled);
    parts.question()
}

/// Takes `keys` that are missing from `default`, and nothing else.
fn fill(mut own: Fields, default: &Fields, keys: &[&str]) -> Fields {
    for key in keys {
        if let (false, Some(value)) = (own.contains_key(*key), default.get(*key)) {
            own.insert((*key).to_owned(), value.clone());
        }
    }
    own
}

/// What a call as a whole says of the token that one of its questions is about.
#[derive(Clone, Debug, Default)]
pub struct Token {
    /// The scopes that it is asked for with; none when nobody said, or when the question is about no token.
    pub scopes: Vec<String>,
    /// The flow that it comes out of, if policies know it: of a scope the gate says it.
    pub flow: Option<TransferMethod>,
}

/// The token that the question at `place` is about. Of a gate it has the names of all items for the same resource that are
/// no gates themselves as scopes, of one of these its own name; [`super::open_id`] says what OpenID's have beside that.
///
/// Source: draft-gazitt-oauth-authzen-issuance, read August 2026.
pub fn token(items: &[Item], place: usize) -> Token {
    let is_gate = |question: &Question| is_gate(&question.action.name);
    let known = || items.iter().flatten();
    // Without a gate in front, names of actions are no scopes.
    let Some(Ok(this)) = items.get(place) else { return Token::default() };
    if !matches!(items.first(), Some(Ok(first)) if is_gate(first)) {
        return Token::default();
    }
    if !is_gate(this) {
        // A call is about one grant, which each of its gates names.
        let flow = known().find_map(|question| Gate::new(&*question.action.name)?.flow());
        return Token { scopes: vec![this.action.name.clone()], flow };
    }
    let of_this = |other: &&Question| !is_gate(other) && other.resource.is(&this.resource);
    Token { scopes: known().filter(of_this).map(|other| other.action.name.clone()).collect(), flow: None }
}
