//! Every rule of this module in one place: what the files themselves must be, whatever they say.
//!
//! Start with [`ALL`], which is sorted by id. What a policy or a location must be is the business of `compile`.

crate::text::declare_rules! {
    /// Lists and objects nest deeper than [`crate::limits::DOCUMENT_DEPTH_MAX`].
    DOCUMENT_DEPTH: Error, "document-depth", "lists and objects nest at most 48 deep";
    /// A document has more values than [`crate::limits::DOCUMENT_NODES_MAX`].
    DOCUMENT_SIZE: Error, "document-size", "a document holds at most 8,000,000 values";
    /// An object has a key twice.
    DUPLICATE_KEY: Error, "duplicate-key", "a key stands once in an object, because readers disagree which of two counts";
    /// A file is called neither `.json` nor `.yaml` nor `.yml`.
    FILE_FORMAT: Error, "file-format", "the extension of a file says whether it is JSON or YAML";
    /// A file is larger than [`crate::limits::FILE_BYTES_MAX`].
    FILE_TOO_LARGE: Error, "file-too-large", "a file of a bundle holds at most 64 MiB";
    /// A file that begins as UTF-16 does not go on so.
    INVALID_UTF16: Error, "invalid-utf16", "a file that begins as UTF-16 text is UTF-16 to its end";
    /// A file has bytes that are not UTF-8.
    INVALID_UTF8: Error, "invalid-utf8", "a file is UTF-8 text, or UTF-16 as its first bytes say, from beginning to end";
    /// The text is not JSON.
    JSON_SYNTAX: Error, "json-syntax", "a `.json` file is one JSON value as RFC 8259 defines it";
    /// A number that a 64-bit float cannot hold.
    NUMBER_RANGE: Error, "number-range", "a number is finite and fits a 64-bit floating point number";
    /// YAML aliases that repeat more than [`crate::limits::ALIAS_NODES_MAX`] values, or a value inside itself.
    YAML_ALIAS: Error, "yaml-alias", "aliases repeat at most 100,000 values and 16 MiB of text, and no value contains itself";
    /// A YAML key that is not text.
    YAML_KEY: Error, "yaml-key", "a key is text, as it is in JSON";
    /// A YAML file with a second document.
    YAML_MANY_DOCUMENTS: Error, "yaml-many-documents", "a file holds one YAML document, so that its name and its content are one thing";
    /// A YAML merge key.
    YAML_MERGE_KEY: Error, "yaml-merge-key", "`<<` is not part of YAML 1.2, and readers disagree which of two values it lets win";
    /// The text is not YAML.
    YAML_SYNTAX: Error, "yaml-syntax", "a `.yaml` file is one document as YAML 1.2 defines it";
    /// A YAML tag that is not of the core schema, or does not fit its value.
    YAML_TAG: Error, "yaml-tag", "a tag is one of the YAML 1.2 core schema (`!!str`, `!!int`, ...) and fits its value";
}

// The texts above name these numbers.
const _: () = {
    use crate::limits;
    assert!(limits::FILE_BYTES_MAX == 64 << 20);
    assert!(limits::DOCUMENT_DEPTH_MAX == 48);
    assert!(limits::DOCUMENT_NODES_MAX == 8_000_000);
    assert!(limits::ALIAS_NODES_MAX == 100_000);
    assert!(limits::ALIAS_BYTES_MAX == 16 << 20);
};
