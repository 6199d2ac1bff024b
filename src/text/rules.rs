//! Every rule of this module in one place: what the files themselves must be, whatever they say.
//!
//! Start with [`ALL`]. What a policy or a location must be is the business of `compile`.

use super::diagnostic::{Rule, Severity};

/// A file is larger than [`crate::limits::FILE_BYTES_MAX`].
pub const FILE_TOO_LARGE: Rule = error("file-too-large", "a file of a bundle holds at most 64 MiB");
/// A file is called neither `.json` nor `.yaml` nor `.yml`.
pub const FILE_FORMAT: Rule = error("file-format", "the extension of a file says whether it is JSON or YAML");
/// A file has bytes that are not UTF-8.
pub const INVALID_UTF8: Rule =
    error("invalid-utf8", "a file is UTF-8 text, or UTF-16 as its first bytes say, from beginning to end");
/// A file that begins as UTF-16 does not go on so.
pub const INVALID_UTF16: Rule = error("invalid-utf16", "a file that begins as UTF-16 text is UTF-16 to its end");
/// The text is not JSON.
pub const JSON_SYNTAX: Rule = error("json-syntax", "a `.json` file is one JSON value as RFC 8259 defines it");
/// The text is not YAML.
pub const YAML_SYNTAX: Rule = error("yaml-syntax", "a `.yaml` file is one document as YAML 1.2 defines it");
/// An object has a key twice.
pub const DUPLICATE_KEY: Rule =
    error("duplicate-key", "a key stands once in an object, because readers disagree which of two counts");
/// Lists and objects nest deeper than [`crate::limits::DOCUMENT_DEPTH_MAX`].
pub const DOCUMENT_DEPTH: Rule = error("document-depth", "lists and objects nest at most 48 deep");
/// A document has more values than [`crate::limits::DOCUMENT_NODES_MAX`].
pub const DOCUMENT_SIZE: Rule = error("document-size", "a document holds at most 8,000,000 values");
/// A number that a 64-bit float cannot hold.
pub const NUMBER_RANGE: Rule = error("number-range", "a number is finite and fits a 64-bit floating point number");
/// A YAML file with a second document.
pub const YAML_MANY_DOCUMENTS: Rule =
    error("yaml-many-documents", "a file holds one YAML document, so that its name and its content are one thing");
/// YAML aliases that repeat more than [`crate::limits::ALIAS_NODES_MAX`] values, or a value inside itself.
pub const YAML_ALIAS: Rule =
    error("yaml-alias", "aliases repeat at most 100,000 values and 16 MiB of text, and no value contains itself");
/// A YAML merge key.
pub const YAML_MERGE_KEY: Rule =
    error("yaml-merge-key", "`<<` is not part of YAML 1.2, and readers disagree which of two values it lets win");
/// A YAML tag that is not of the core schema, or does not fit its value.
pub const YAML_TAG: Rule =
    error("yaml-tag", "a tag is one of the YAML 1.2 core schema (`!!str`, `!!int`, ...) and fits its value");
/// A YAML key that is not text.
pub const YAML_KEY: Rule = error("yaml-key", "a key is text, as it is in JSON");

/// All of them, sorted by id.
pub const ALL: &[&Rule] = &[
    &DOCUMENT_DEPTH,
    &DOCUMENT_SIZE,
    &DUPLICATE_KEY,
    &FILE_FORMAT,
    &FILE_TOO_LARGE,
    &INVALID_UTF16,
    &INVALID_UTF8,
    &JSON_SYNTAX,
    &NUMBER_RANGE,
    &YAML_ALIAS,
    &YAML_KEY,
    &YAML_MANY_DOCUMENTS,
    &YAML_MERGE_KEY,
    &YAML_SYNTAX,
    &YAML_TAG,
];

// The texts above name these numbers.
const _: () = {
    use crate::limits;
    assert!(limits::FILE_BYTES_MAX == 64 << 20);
    assert!(limits::DOCUMENT_DEPTH_MAX == 48);
    assert!(limits::DOCUMENT_NODES_MAX == 8_000_000);
    assert!(limits::ALIAS_NODES_MAX == 100_000);
    assert!(limits::ALIAS_BYTES_MAX == 16 << 20);
};

const fn error(id: &'static str, why: &'static str) -> Rule {
    Rule { id, severity: Severity::Error, why }
}
