//! The kinds of diagnostics that requests and test cases give. Ids are stable; each has a case that triggers it.

use crate::text::{Rule, Severity};

/// A field that does not exist.
pub static UNKNOWN_FIELD: Rule = error(
    "unknown-field",
    "a misspelt field would silently leave a fact out, and the answer would be about another request",
);
/// A field of the wrong type.
pub static FIELD_TYPE: Rule = error("field-type", "each field of a request or test case has one type");
/// A value that the field does not admit.
pub static FIELD_VALUE: Rule =
    error("field-value", "a fact that is present but cannot be used is refused, never treated as absent");
/// A required field that is missing.
pub static MISSING_FIELD: Rule = error("missing-field", "nothing can be decided without this field");
/// More values than a field admits.
pub static FIELD_LIMIT: Rule = error("field-limit", "requests and tests are bounded");
/// Two cases of a file with one name.
pub static CASE_NAME: Rule = error("case-name", "the name of a test case is unique in its file");
/// An expectation names a policy that the bundle does not have.
pub static CASE_POLICY: Rule =
    error("case-policy", "an expectation names policies of this bundle, by id or display name");
/// A matrix that cannot be laid over the request.
pub static CASE_MATRIX: Rule =
    error("case-matrix", "a matrix maps paths of request fields to lists of values, for example `network.ipAddress`");

/// All of them.
pub static ALL: [&Rule; 8] =
    [&UNKNOWN_FIELD, &FIELD_TYPE, &FIELD_VALUE, &MISSING_FIELD, &FIELD_LIMIT, &CASE_NAME, &CASE_POLICY, &CASE_MATRIX];

const fn error(id: &'static str, why: &'static str) -> Rule {
    Rule { id, severity: Severity::Error, why }
}
