//! The kinds of diagnostics that filter rules give. Ids are stable; each has a case that triggers it.

use crate::text::{Rule, Severity};

/// The text is not a rule.
pub static SYNTAX: Rule = Rule {
    id: "filter-syntax",
    severity: Severity::Error,
    why: "a filter rule is comparisons joined by `-and`, `-or`, `-not` and parentheses",
};

/// An attribute does not exist, or not in this kind of filter.
pub static ATTRIBUTE: Rule = Rule {
    id: "filter-attribute",
    severity: Severity::Error,
    why: "device filters compare the documented `device.` attributes, all others \
          `CustomSecurityAttribute.` with set and attribute joined by an underscore",
};

/// An operator does not exist, or the attribute does not admit it.
pub static OPERATOR: Rule = Rule {
    id: "filter-operator",
    severity: Severity::Error,
    why: "each attribute of a filter rule admits only its documented operators",
};

/// The operator or attribute does not admit the value.
pub static VALUE: Rule = Rule {
    id: "filter-value",
    severity: Severity::Error,
    why: "a filter rule compares an attribute with a value of the attribute's own type",
};

/// The text is longer than Entra stores.
pub static TOO_LONG: Rule =
    Rule { id: "filter-too-long", severity: Severity::Error, why: "a filter rule has at most 3072 characters" };

/// Parentheses and `-not` nest too deep.
pub static TOO_DEEP: Rule = Rule {
    id: "filter-too-deep",
    severity: Severity::Error,
    why: "parentheses and `-not` nest at most 64 deep in a filter rule",
};

/// All of them.
pub static ALL: [&Rule; 6] = [&SYNTAX, &ATTRIBUTE, &OPERATOR, &VALUE, &TOO_LONG, &TOO_DEEP];
