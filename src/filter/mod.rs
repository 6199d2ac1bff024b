//! The rule language of device, application, service principal and agent filters: parse, check, evaluate, print.
//!
//! A rule such as `device.isCompliant -eq True -or device.trustType -eq "ServerAD"` is parsed once, when a bundle is
//! loaded, into a [`Rule`] whose every comparison is known to make sense, and is evaluated on token requests against
//! [`Facts`] without allocating. The language is Entra's own and no library reads it, hence the parser written by hand
//! in [`parse`](mod@parse); it goes on after an error, so that an author sees all problems of a rule at once.
//!
//! # The language
//!
//! ```text
//! rule      := and ( -or and )*
//! and       := not ( -and not )*
//! not       := -not not | "(" rule ")" | attribute operator value
//! attribute := device.<name> | CustomSecurityAttribute.<set>_<attribute>
//! operator  := -eq -ne -startsWith -notStartsWith -endsWith -notEndsWith -contains -notContains -in -notIn
//! value     := text in double or single quotes | True | False | null | [ text, text, ... ]
//! ```
//!
//! The hyphen of an operator may be left out; operators, attributes and `True`, `False`, `null` are read in any case.
//! In double quotes `` `" `` is a quotation mark, in single quotes `''` is an apostrophe.
//!
//! # Meaning
//!
//! - Texts are compared without regard to case, character by character by Unicode's lower-case mapping.
//! - `-contains` looks for a part of a text, or for a whole element of a list. The other operators hold for a list
//!   when they hold for one of its elements; Entra documents none of them for lists.
//! - Null (an attribute that the object does not have, every attribute of an unregistered device, an empty list) fails
//!   every positive operator, and a negative operator is the negation of its positive one. `-eq null` holds for null.
//! - A fact that is *unknown* makes its comparison unknown, and `-and`, `-or`, `-not` follow Kleene's logic.
//!
//! This module must not know policies, modes or requests as a whole: what a filter includes or excludes is decided in
//! `evaluate`. Start with [`Rule`], then [`Facts`].
//!
//! Source: Entra documentation, "Filter for devices", "Filter for applications" and "Rules for dynamic membership
//! groups", read August 2026.

mod attribute;
mod cedar;
mod check;
mod cut;
mod evaluate;
mod fact;
mod lex;
mod parse;
mod print;
pub mod rules;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub use attribute::{Attribute, DeviceAttribute};
pub use cedar::{CedarText, quoted};
pub use cut::Cut;
pub use fact::{Fact, Facts, Undisclosed, Unregistered};

use crate::text::{self, Mend};

/// What the rules of a filter are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Root {
    /// Device filters: `device.` attributes.
    Device,
    /// Application, service principal and agent filters: `CustomSecurityAttribute.` attributes.
    CustomSecurityAttributes,
}

/// A rule, parsed and checked.
///
/// Invariants: every comparison pairs an attribute with an operator and a value that it admits; parentheses and `-not`
/// nest at most `limits::FILTER_DEPTH_MAX` deep. Its `Display` is the canonical form: one space between words,
/// hyphens on operators, attributes in Entra's spelling, and no parentheses but the needed ones. Parsing that form
/// gives an equal rule (or `filter-too-long`, as it can be longer than what was written).
///
/// ```
/// use doorward::filter::{Root, Rule, Unregistered, parse};
/// use doorward::model::Truth;
///
/// let rule: Rule = parse("(device.trusttype ne 'ServerAD')", Root::Device).unwrap();
/// assert_eq!(rule.to_string(), "device.trustType -ne \"ServerAD\"");
/// assert_eq!(rule.evaluate(&Unregistered), Truth::True);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    expression: Expression,
}

impl Rule {
    /// The custom security attributes that it compares, as `Set_Attribute`, in the order written.
    pub fn custom_attributes(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.expression.each(&mut |comparison| {
            if let Attribute::Custom(name) = &comparison.attribute {
                names.push(&**name);
            }
        });
        names
    }

    /// Whether it compares `extensionAttribute1` to `extensionAttribute15`, which not every device shows.
    pub fn compares_extension_attributes(&self) -> bool {
        let mut found = false;
        self.expression.each(&mut |comparison| {
            found |= matches!(comparison.attribute, Attribute::Device(DeviceAttribute::ExtensionAttribute(_)));
        });
        found
    }
}

/// One problem of a rule's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The kind of diagnostic, one of [`rules::ALL`].
    pub rule: &'static text::Rule,
    /// The bytes of the rule's text that are meant; on character boundaries, possibly empty.
    pub range: Range<usize>,
    /// What is wrong, as in `text::Diagnostic`.
    pub what: String,
    /// What to do about it.
    pub help: Option<String>,
    /// What to write in the place of the range, where nothing else can have been meant.
    pub mend: Option<Box<Mend>>,
}

/// Reads a rule.
///
/// Errors: all problems of the text in the order of their places, at least one. A text that is too long, or nested too
/// deep, is not read any further.
/// Cost: linear in the text; allocates the rule.
pub fn parse(text: &str, root: Root) -> Result<Rule, Vec<Problem>> {
    parse::rule(text, root).map(|expression| Rule { expression })
}

/// A parsed rule. `Or` and `And` hold at least two terms, and no term of the same kind.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Expression {
    Or(Vec<Expression>),
    And(Vec<Expression>),
    Not(Box<Expression>),
    Compare(Comparison),
}

impl Expression {
    fn each<'e>(&'e self, visit: &mut impl FnMut(&'e Comparison)) {
        match self {
            Self::Or(terms) | Self::And(terms) => terms.iter().for_each(|term| term.each(visit)),
            Self::Not(term) => term.each(visit),
            Self::Compare(comparison) => visit(comparison),
        }
    }
}

/// One comparison. A negative operator is its positive test with `is_negated`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Comparison {
    attribute: Attribute,
    test: Test,
    is_negated: bool,
}

/// The positive part of a comparison, its value included.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    IsNull,
    IsBool(bool),
    Equals(Literal),
    StartsWith(Literal),
    EndsWith(Literal),
    Contains(Literal),
    In(Vec<Literal>),
}

/// A text of a rule: as written, for printing, and folded, for comparing.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Literal {
    text: Box<str>,
    folded: Box<str>,
}

impl Problem {
    fn new(rule: &'static text::Rule, range: Range<usize>, what: impl Into<String>) -> Self {
        Self { rule, range, what: what.into(), help: None, mend: None }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
