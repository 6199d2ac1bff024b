//! A rule as an expression of Cedar, for those who read policies in Cedar and for a third opinion in tests.
//!
//! Cedar compares texts exactly, so that both sides are in lower case: the literals here, the facts in the request that
//! `evaluate::cedar` makes. Cedar has no "some element of"; what that leaves unsaid is told, never dropped silently.

use std::fmt::Write;

use super::{Attribute, Comparison, DeviceAttribute, Expression, Literal, Rule, Test};
use crate::model::attribute::folded_name;

/// An expression of Cedar, and what it cannot say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CedarText {
    /// The expression.
    pub text: String,
    /// What the rule says and the expression does not, a sentence each.
    pub unsaid: Vec<String>,
}

impl Rule {
    /// The rule in Cedar. Custom security attributes are those of `object`, for example
    /// `principal.customSecurityAttributes`.
    pub fn to_cedar(&self, object: &str) -> CedarText {
        let mut cedar = CedarText::default();
        self.expression.write_cedar(object, &mut cedar);
        cedar
    }
}

impl Expression {
    fn write_cedar(&self, object: &str, cedar: &mut CedarText) {
        match self {
            Self::Or(terms) => join(terms, " || ", object, cedar),
            Self::And(terms) => join(terms, " && ", object, cedar),
            Self::Not(term) => {
                cedar.text.push('!');
                cedar.text.push('(');
                term.write_cedar(object, cedar);
                cedar.text.push(')');
            }
            Self::Compare(comparison) => {
                let text = comparison.cedar(object, cedar);
                let not = if comparison.is_negated { "!" } else { "" };
                let _ = write!(cedar.text, "{not}({text})");
            }
        }
    }
}

fn join(terms: &[Expression], between: &str, object: &str, cedar: &mut CedarText) {
    cedar.text.push('(');
    for (index, term) in terms.iter().enumerate() {
        cedar.text.push_str(if index > 0 { between } else { "" });
        term.write_cedar(object, cedar);
    }
    cedar.text.push(')');
}

impl Comparison {
    /// The positive comparison.
    fn cedar(&self, object: &str, cedar: &mut CedarText) -> String {
        match &self.attribute {
            Attribute::Device(attribute) => {
                let name = attribute.as_str();
                let (present, value) = (format!("context.device has {name}"), format!("context.device.{name}"));
                match &self.test {
                    Test::IsNull => format!("!({present})"),
                    Test::Contains(literal) if is_list(*attribute) => {
                        format!("{present} && {value}.contains({})", quoted(&literal.folded))
                    }
                    test => format!("{present} && {}", of_text(test, &value)),
                }
            }
            Attribute::Custom(name) => {
                let name = quoted(&folded_name(name));
                let part = |kind: &str| {
                    let of = format!("{object}.{kind}");
                    (format!("{of}.hasTag({name})"), format!("{of}.getTag({name})"))
                };
                let ((has_text, text), (has_list, list)) = (part("text"), part("texts"));
                let of_list = match &self.test {
                    Test::IsNull => return format!("!({has_text} || {has_list})"),
                    // Filters see no booleans among custom security attributes.
                    Test::IsBool(_) => return "false".to_owned(),
                    Test::Equals(literal) | Test::Contains(literal) => {
                        format!("{list}.contains({})", quoted(&literal.folded))
                    }
                    Test::In(literals) => format!("{list}.containsAny({})", set(literals)),
                    Test::StartsWith(_) | Test::EndsWith(_) => {
                        cedar.unsaid.push(format!("`{name}` is compared where it is one text, not where it is a list"));
                        "false".to_owned()
                    }
                };
                let of_text = of_text(&self.test, &text);
                format!("({has_text} && {of_text}) || ({has_list} && {of_list})")
            }
        }
    }
}

const fn is_list(attribute: DeviceAttribute) -> bool {
    matches!(attribute, DeviceAttribute::PhysicalIds | DeviceAttribute::SystemLabels)
}

fn of_text(test: &Test, value: &str) -> String {
    match test {
        Test::IsNull => "false".to_owned(),
        Test::IsBool(wanted) => format!("{value} == {wanted}"),
        Test::Equals(literal) => format!("{value} == {}", quoted(&literal.folded)),
        Test::StartsWith(literal) => format!("{value} like \"{}*\"", pattern(&literal.folded)),
        Test::EndsWith(literal) => format!("{value} like \"*{}\"", pattern(&literal.folded)),
        Test::Contains(literal) => format!("{value} like \"*{}*\"", pattern(&literal.folded)),
        Test::In(literals) => format!("{}.contains({value})", set(literals)),
    }
}

fn set(literals: &[Literal]) -> String {
    let texts: Vec<_> = literals.iter().map(|literal| quoted(&literal.folded)).collect();
    format!("[{}]", texts.join(", "))
}

/// `text` as a string of Cedar.
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.escape_debug())
}

/// `text` as a part of a pattern of Cedar, where an asterisk stands for anything unless it is escaped.
fn pattern(text: &str) -> String {
    text.escape_debug().to_string().replace('*', "\\*")
}
