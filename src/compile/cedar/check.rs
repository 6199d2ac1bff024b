//! What a comparison may not say, although Cedar's types allow it.
//!
//! Unknown facts are left out of what Cedar sees, so a comparison must err where it depends on one: no `has` of such a
//! fact, no record of facts as a value. And what can never be equal is a mistake: a misspelt word, an id in capitals.
//! Start with [`Builder::check`].

use cedar_policy::pst::{BinaryOp, Expr, Literal, PatternElem, Var};

use super::tree::Builder;
use super::value::folded;
use super::words::{is_custom, is_folded, is_no_country, vocabulary};
use super::{Refusal, rules};
use crate::model::IdRef;
use crate::model::attribute::folded_name;
use crate::text::suggest;

/// Attributes of `context` that are records.
const RECORDS: [&str; 5] = ["network", "risk", "credential", "device", "attributes"];
/// The one of free attributes.
const FREE: &str = "attributes";
/// The one whose attributes may be asked for with `has`: a device is known not to have those that are missing.
const DEVICE: &str = "device";

impl Builder {
    /// Refuses what Cedar evaluates without an error although a fact that it depends on is left out: asking whether a
    /// fact is there, and taking a record of facts for a value.
    pub(super) fn check(&mut self, expression: &Expr) {
        match expression {
            Expr::Var(Var::Context) => self.refuse_record("context"),
            Expr::GetAttr { expr, attr } if is_context(expr) && RECORDS.contains(&&**attr) => {
                self.refuse_record(&format!("context.{attr}"));
            }
            Expr::GetAttr { expr, .. } => self.check_object(expr),
            Expr::HasAttr { expr, attrs } => {
                let attrs: Vec<&str> = attrs.iter().map(|attr| &**attr).collect();
                if is_device(expr) && attrs.len() == 1 {
                    self.check_object(expr);
                } else {
                    let words = format!("has {}", attrs.join("."));
                    let what = format!("`{words}` asks whether a fact is known");
                    let help = "compare the fact at once; what is unknown makes the condition unknown, which counts as matched";
                    self.refusals.push(Refusal::new(&rules::CEDAR_UNKNOWN, words, what).help(help));
                }
            }
            Expr::BinaryOp { op: BinaryOp::HasTag | BinaryOp::GetTag, left, right } => {
                let is_presence = matches!(expression, Expr::BinaryOp { op: BinaryOp::HasTag, .. });
                let word = if is_presence { "hasTag" } else { "getTag" };
                if !is_path(left) || is_presence && is_free(left) {
                    let what = format!("`{word}` hides here whether a fact is known");
                    let help =
                        "ask an attribute of `context.attributes` itself, and join `hasTag` to comparisons with `&&`";
                    self.refusals.push(Refusal::new(&rules::CEDAR_UNKNOWN, word, what).help(help));
                }
                if is_custom(left) {
                    outcomes(right)
                        .into_iter()
                        .filter_map(as_text)
                        .for_each(|name| self.refuse_capitals(name, folded_name));
                }
                self.check(left);
                self.check(right);
            }
            Expr::Literal(literal) => self.check_literal(literal),
            _ => {
                if let Expr::BinaryOp { left, right, .. } = expression {
                    let (left, right) = (outcomes(left), outcomes(right));
                    self.check_texts(&left, &right);
                    self.check_texts(&right, &left);
                }
                if let Expr::Like { expr, pattern } = expression
                    && outcomes(expr).into_iter().all(is_folded)
                {
                    self.refuse_capitals(&pattern.iter().map(character).collect::<String>(), folded);
                }
                each_part(expression, &mut |part| self.check(part));
            }
        }
    }

    /// Checks what an attribute is taken of; only there records may stand.
    fn check_object(&mut self, object: &Expr) {
        match object {
            Expr::Var(_) => {}
            Expr::GetAttr { expr, .. } => self.check_object(expr),
            _ => self.check(object),
        }
    }

    fn refuse_record(&mut self, name: &str) {
        let what = format!("`{name}` is compared as a whole");
        let help = "compare its facts one by one: some of them may be unknown";
        self.refusals.push(Refusal::new(&rules::CEDAR_UNKNOWN, name, what).help(help));
    }

    /// Ids are texts in Cedar, and a GUID that is not written as requests have it would never match.
    fn check_literal(&mut self, literal: &Literal) {
        let text = match literal {
            Literal::String(text) => text,
            Literal::EntityUID(uid) => &uid.eid,
            _ => return,
        };
        if IdRef::new(text).is_guid() {
            self.refuse_capitals(text, folded);
        }
    }

    /// Refuses a `text` that facts are never, for they come `folded`.
    fn refuse_capitals(&mut self, text: &str, folded: fn(&str) -> String) {
        let instead = folded(text);
        if instead != text {
            let what = format!("`{text}` has capital letters");
            let help = format!("write `{instead}`");
            let instead = Some(instead);
            self.refusals.push(Refusal { instead, ..Refusal::new(&rules::CEDAR_CASE, text, what).help(help) });
        }
    }

    /// Checks the texts among `with`, with which one of `facts` is compared.
    fn check_texts(&mut self, facts: &[&Expr], with: &[&Expr]) {
        for text in with.iter().copied().filter_map(as_text) {
            if facts.iter().copied().any(is_locations) {
                self.locations.push(text.to_owned());
            }
            if !facts.is_empty() && facts.iter().copied().all(is_folded) {
                self.refuse_capitals(text, folded);
            }
            self.check_word(facts, text);
        }
    }

    /// Facts of closed vocabularies are compared with a word that one of them can be.
    fn check_word(&mut self, facts: &[&Expr], text: &str) {
        let never = |fact: &&Expr| match vocabulary(fact) {
            Some(words) => !words.contains(&text),
            None => is_no_country(fact, text),
        };
        let Some(fact) = facts.first().filter(|_| facts.iter().all(never)) else { return };
        let help = match vocabulary(fact) {
            Some(words) => match suggest::nearest(text, words.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("it is one of {}", words.join(", ")),
            },
            None => "countries are two capital letters, and `ZZ` is none of them".to_owned(),
        };
        let what = format!("the fact is never `{text}`");
        self.refusals.push(Refusal::new(&rules::UNKNOWN_VALUE, format!("\"{text}\""), what).help(help));
    }
}

/// What `expression` can turn out to be, or to hold if it is a set: itself, unless its parts say.
fn outcomes(expression: &Expr) -> Vec<&Expr> {
    match expression {
        Expr::Set(parts) => parts.iter().flat_map(|part| outcomes(part)).collect(),
        Expr::IfThenElse { then_expr, else_expr, .. } => {
            [then_expr, else_expr].into_iter().flat_map(|part| outcomes(part)).collect()
        }
        _ => vec![expression],
    }
}

fn as_text(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::Literal(Literal::String(text)) => Some(text),
        _ => None,
    }
}

/// Whether this is `context.network.locations`.
fn is_locations(expression: &Expr) -> bool {
    let is_network = |of: &Expr| matches!(of, Expr::GetAttr { expr, attr } if is_context(expr) && attr == "network");
    matches!(expression, Expr::GetAttr { expr, attr } if attr == "locations" && is_network(expr))
}

/// An element of a pattern as it is written.
fn character(element: &PatternElem) -> char {
    match element {
        PatternElem::Char(character) => *character,
        PatternElem::Wildcard => '*',
    }
}

fn is_context(expression: &Expr) -> bool {
    matches!(expression, Expr::Var(Var::Context))
}

fn is_device(expression: &Expr) -> bool {
    matches!(expression, Expr::GetAttr { expr, attr } if is_context(expr) && attr == DEVICE)
}

/// Whether this is an attribute of `context.attributes`.
pub(super) fn is_free(expression: &Expr) -> bool {
    let is_record = |of: &Expr| matches!(of, Expr::GetAttr { expr, attr } if is_context(expr) && attr == FREE);
    matches!(expression, Expr::GetAttr { expr, .. } if is_record(expr))
}

/// Whether this is a variable, or an attribute of one, and so on.
fn is_path(expression: &Expr) -> bool {
    match expression {
        Expr::Var(_) => true,
        Expr::GetAttr { expr, .. } => is_path(expr),
        _ => false,
    }
}

fn each_part(expression: &Expr, found: &mut dyn FnMut(&Expr)) {
    match expression {
        Expr::UnaryOp { expr, .. } | Expr::Like { expr, .. } => found(expr),
        Expr::GetAttr { expr, .. } | Expr::HasAttr { expr, .. } => found(expr),
        Expr::BinaryOp { left, right, .. } => {
            found(left);
            found(right);
        }
        Expr::Is { expr, in_expr, .. } => {
            found(expr);
            in_expr.iter().for_each(|expr| found(expr));
        }
        Expr::IfThenElse { cond, then_expr, else_expr } => {
            [cond, then_expr, else_expr].into_iter().for_each(|expr| found(expr));
        }
        Expr::Set(parts) => parts.iter().for_each(|expr| found(expr)),
        Expr::Record(parts) => parts.values().for_each(|expr| found(expr)),
        _ => {}
    }
}
