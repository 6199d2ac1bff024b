//! The kinds of diagnostics that filter rules give. Ids are stable; each has a case that triggers it.

crate::text::declare_rules! {
    /// The text is not a rule.
    SYNTAX: Error, "filter-syntax", "a filter rule is comparisons joined by `-and`, `-or`, `-not` and parentheses";

    /// An attribute does not exist, or not in this kind of filter.
    ATTRIBUTE: Error, "filter-attribute", "device filters compare the documented `device.` attributes, all others `CustomSecurityAttribute.` with set and attribute joined by an underscore";

    /// An operator does not exist, or the attribute does not admit it.
    OPERATOR: Error, "filter-operator", "each attribute of a filter rule admits only its documented operators";

    /// The operator or attribute does not admit the value.
    VALUE: Error, "filter-value", "a filter rule compares an attribute with a value of the attribute's own type";

    /// The text is longer than Entra stores.
    TOO_LONG: Error, "filter-too-long", "a filter rule has at most 3072 characters";

    /// Parentheses and `-not` nest too deep.
    TOO_DEEP: Error, "filter-too-deep", "parentheses and `-not` nest at most 64 deep in a filter rule";
}

// The texts above name these numbers.
const _: () = {
    use crate::limits;
    assert!(limits::FILTER_CHARS_MAX == 3072);
    assert!(limits::FILTER_DEPTH_MAX == 64);
};
