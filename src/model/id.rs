//! Ids of directory objects.
//!
//! Ids are compared as Graph compares them: GUIDs by value, everything else byte for byte, never case-folded.

use std::fmt;

/// An id that owns its text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Id {
    /// A GUID, as the 128 bits it denotes.
    Guid(u128),
    /// Anything else, for directories that do not use GUIDs.
    Text(Box<str>),
}

/// An id that borrows its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdRef<'a> {
    /// A GUID.
    Guid(u128),
    /// Anything else. Readers of bundles and requests refuse blank ones, which name nothing.
    Text(&'a str),
}

impl Id {
    /// The nil GUID: as a location it denotes the MFA trusted IPs.
    pub const NIL: Self = Self::Guid(0);

    /// The id that `text` spells.
    pub fn new(text: &str) -> Self {
        IdRef::new(text).to_owned()
    }

    /// Whether `text` is empty or blank: it names nothing, and readers refuse it as an id. Cost: ends at the first
    /// character that is not blank.
    pub fn is_blank(text: &str) -> bool {
        text.trim_start().is_empty()
    }

    /// A borrowed view.
    pub fn as_ref(&self) -> IdRef<'_> {
        match self {
            Self::Guid(guid) => IdRef::Guid(*guid),
            Self::Text(text) => IdRef::Text(text),
        }
    }
}

impl<'a> IdRef<'a> {
    /// The tenant that personal Microsoft accounts call home, as the `tid` of their tokens says.
    /// Source: Microsoft identity platform documentation, ID token claims reference, read August 2026.
    pub const PERSONAL_ACCOUNTS: Self = Self::Guid(0x9188_040d_6c67_4c5b_b112_36a3_04b6_6dad);

    /// Microsoft Graph's app id, the same in every tenant.
    /// Source: Microsoft identity platform documentation, read August 2026.
    pub const GRAPH: Self = Self::Guid(0x0000_0003_0000_0000_c000_0000_0000_0000);

    /// The endpoint where agent identities exchange tokens on the way to the one they want.
    /// Source: Entra documentation, Conditional Access for agents, read August 2026.
    pub const TOKEN_EXCHANGE: Self = Self::Guid(0xfb60_f99c_7a34_4190_8149_302f_7746_9936);

    /// The id that `text` spells: a GUID if it has the hyphenated form, in any case, and text otherwise.
    /// Cost: about 15 ns, no allocation.
    pub fn new(text: &'a str) -> Self {
        // WHY: the parser also takes braced, URN and unhyphenated forms, which Graph treats as other strings.
        if text.len() == uuid::fmt::Hyphenated::LENGTH
            && let Ok(guid) = uuid::Uuid::try_parse(text)
        {
            return Self::Guid(guid.as_u128());
        }
        Self::Text(text)
    }

    /// An owned copy.
    pub fn to_owned(self) -> Id {
        match self {
            Self::Guid(guid) => Id::Guid(guid),
            Self::Text(text) => Id::Text(text.into()),
        }
    }

    /// Whether this is a GUID.
    pub const fn is_guid(self) -> bool {
        matches!(self, Self::Guid(_))
    }
}

impl fmt::Display for IdRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Guid(guid) => uuid::Uuid::from_u128(*guid).hyphenated().fmt(f),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guids_compare_by_value_and_text_byte_for_byte() {
        let lower = Id::new("0f8fad5b-d9cb-469f-a165-70867728950e");
        assert_eq!(lower, Id::new("0F8FAD5B-D9CB-469F-A165-70867728950E"));
        assert_eq!(lower.to_string(), "0f8fad5b-d9cb-469f-a165-70867728950e");
        assert_ne!(Id::new("billing"), Id::new("Billing"));
    }

    #[test]
    fn only_the_hyphenated_form_is_a_guid() {
        for text in ["{0f8fad5b-d9cb-469f-a165-70867728950e}", "0f8fad5bd9cb469fa16570867728950e", "", "x"] {
            assert_eq!(Id::new(text), Id::Text(text.into()));
        }
    }
}
