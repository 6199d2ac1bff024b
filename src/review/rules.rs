//! The kinds of diagnostics that requests and test cases give. Ids are stable; each has a case that triggers it.
//!
//! [`every`] has the rules of all modules.

use crate::compile;
use crate::text::{self, Rule, suggest};

text::declare_rules! {
    /// A field that does not exist.
    UNKNOWN_FIELD: Error, "unknown-field", "a misspelt field would silently leave a fact out, and the answer would be about another request";
    /// A field of the wrong type.
    FIELD_TYPE: Error, "field-type", "each field of a request or test case has one type";
    /// A value that the field does not admit.
    FIELD_VALUE: Error, "field-value", "a fact that is present but cannot be used is refused, never treated as absent";
    /// A required field that is missing.
    MISSING_FIELD: Error, "missing-field", "nothing can be decided without this field";
    /// More values than a field admits.
    FIELD_LIMIT: Error, "field-limit", "requests and tests are bounded";
    /// Two cases of a file with one name.
    CASE_NAME: Error, "case-name", "the name of a test case is unique in its file";
    /// An expectation names a policy that the bundle does not have.
    CASE_POLICY: Error, "case-policy", "an expectation names policies of this bundle, by id or display name";
    /// A case names an identity by what is no object id.
    CASE_IDENTITY: Warning, "case-identity", "a token service sends object ids, and whoever has none of these is somebody else";
    /// A matrix that cannot be laid over the request.
    CASE_MATRIX: Error, "case-matrix", "a matrix maps paths of request fields to lists of values, for example `network.ipAddress`";
    /// A case uses a fixture that does not exist, or two share a name.
    CASE_FIXTURE: Error, "case-fixture", "a fixture is named once, in the file of the case or in a file without cases";
    /// A statement that does not hold.
    REFUTED_STATEMENT: Error, "refuted-statement", "a statement follows from the policies of its bundle: they hold back every request that it names";
    /// A statement of which nobody knows whether it holds.
    UNDECIDED_STATEMENT: Error, "undecided-statement", "a statement is proved for every request, or it is not proved";
    /// A fixture that no case uses.
    UNUSED_FIXTURE: Warning, "unused-fixture", "a fixture that nothing uses proves nothing, and its mistakes show nowhere";
}

/// Every rule of doorward: those of files, filters, bundles, and tests, each in the order of its module.
pub fn every() -> impl Iterator<Item = &'static Rule> {
    [text::rules::ALL, compile::rules::FILTERS, compile::rules::ALL, ALL].into_iter().flatten().copied()
}

/// The rule with this id.
///
/// Errors: none has it; then the nearest id, if one is near.
pub fn find(id: &str) -> Result<&'static Rule, Option<&'static str>> {
    every().find(|rule| rule.id == id).ok_or_else(|| suggest::nearest(id, every().map(|rule| rule.id)))
}
