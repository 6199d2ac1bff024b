//! Ids of directory objects.
//!
//! Ids are compared as Graph compares them: GUIDs by value, everything else byte for byte, never case-folded. So a text
//! that only looks like an id is another one, and whoever it should have named goes free: readers of bundles and requests
//! ask [`IdRef::read`], which tells such texts.

use std::fmt;

use super::truth::Truth;

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
    /// Anything else. Readers of bundles and requests refuse what [`IdRef::read`] does.
    Text(&'a str),
}

/// Why a text is no id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdFlaw {
    /// It is empty or blank, and names nothing.
    Blank,
    /// It begins or ends with a blank.
    Padded,
    /// It holds a control character, or one that nobody sees.
    Hidden,
    /// It is a GUID, but not in the hyphenated form: this one.
    Spelling(u128),
}

impl IdFlaw {
    /// What is wrong, completing a sentence that begins with the field's name.
    pub const fn problem(self) -> &'static str {
        match self {
            Self::Blank => "must not be empty",
            Self::Padded => "must not begin or end with a blank",
            Self::Hidden => "must not hold control characters or characters that nobody sees",
            Self::Spelling(_) => "must be written as GUIDs are, 8-4-4-4-12 digits with hyphens and nothing around them",
        }
    }
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

    /// The id that `text` spells, as [`IdRef::new`]. Errors: what makes it an id of nobody. Cost: that of [`IdRef::new`] for
    /// a GUID, else linear in the text; no allocation.
    #[inline]
    pub fn read(text: &'a str) -> Result<Self, IdFlaw> {
        match Self::new(text) {
            Self::Text(text) => flaw(text).map_or(Ok(Self::Text(text)), Err),
            guid @ Self::Guid(_) => Ok(guid),
        }
    }

    /// Whether this and `other` are one object; unknown where one is a GUID and the other is not, such as the domain of
    /// a tenant and its id, which no look at the two can compare.
    pub fn is_same(self, other: IdRef<'_>) -> Truth {
        if self.is_guid() == other.is_guid() { Truth::from(self == other) } else { Truth::Unknown }
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

fn flaw(text: &str) -> Option<IdFlaw> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
    if Id::is_blank(text) {
        Some(IdFlaw::Blank)
    } else if !is_plain && text.contains(is_hidden) {
        Some(IdFlaw::Hidden)
    } else if !is_plain && text.trim() != text {
        Some(IdFlaw::Padded)
    } else {
        guid_meant(text).map(IdFlaw::Spelling)
    }
}

/// The GUID that `text` is, however it is punctuated: in brackets, as a URN, without hyphens.
pub fn guid_meant(text: &str) -> Option<u128> {
    const URN: &str = "urn:uuid:";
    let is_around = |character: char| {
        matches!(character, '-' | '{' | '}' | '(' | ')' | '[' | ']' | '<' | '>' | '"' | '\'' | '\u{2010}'..='\u{2015}')
            || character.is_whitespace()
            || is_hidden(character)
    };
    let text = text.trim_matches(is_around);
    let is_urn = text.get(..URN.len()).is_some_and(|start| start.eq_ignore_ascii_case(URN));
    let text = if is_urn { text.get(URN.len()..)? } else { text };
    let (mut guid, mut digits) = (0, 0);
    for character in text.chars().filter(|character| !is_around(*character)) {
        guid = guid << 4 | u128::from(character.to_digit(16)?);
        digits += 1;
    }
    (digits == 32).then_some(guid)
}

/// Control characters, and those that nobody sees. Source: Unicode, general categories Cc and Cf, and
/// `Default_Ignorable_Code_Point`.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}')
        || matches!(character, '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(character, '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}')
        || matches!(character, '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
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

    #[test]
    fn what_only_looks_like_an_id_is_none() {
        const GUID: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";
        let guid = uuid::Uuid::try_parse(GUID).unwrap().as_u128();
        let bare = GUID.replace('-', "");
        let cases = [
            (String::new(), IdFlaw::Blank),
            (" \t".to_owned(), IdFlaw::Blank),
            (format!("{GUID} "), IdFlaw::Padded),
            (format!(" {GUID}"), IdFlaw::Padded),
            ("y\u{a0}".to_owned(), IdFlaw::Padded),
            (format!("{GUID}\n"), IdFlaw::Hidden),
            ("y\0".to_owned(), IdFlaw::Hidden),
            (format!("{GUID}\u{200b}"), IdFlaw::Hidden),
            (format!("\u{feff}{GUID}"), IdFlaw::Hidden),
            ("Pay\u{ad}roll".to_owned(), IdFlaw::Hidden),
            (format!("{{{GUID}}}"), IdFlaw::Spelling(guid)),
            (format!("({GUID})"), IdFlaw::Spelling(guid)),
            (format!("urn:uuid:{GUID}"), IdFlaw::Spelling(guid)),
            (format!("URN:UUID:{bare}"), IdFlaw::Spelling(guid)),
            (bare.to_uppercase(), IdFlaw::Spelling(guid)),
            (GUID.replace('-', "\u{2011}"), IdFlaw::Spelling(guid)),
        ];
        for (text, flaw) in cases {
            assert_eq!(IdRef::read(&text), Err(flaw), "{text:?}");
        }
        let sound =
            [GUID, "y", "Payroll sync", "auth0|5f7c8ec7c33c6c004bbafe82", "spiffe://example.org/billing", "Übung"];
        for text in sound.into_iter().chain([&*format!("{bare}0"), "contoso.onmicrosoft.com", "日本"]) {
            assert_eq!(IdRef::read(text), Ok(IdRef::new(text)));
        }
    }

    #[test]
    fn an_id_and_a_name_of_another_kind_cannot_be_compared() {
        let guid = IdRef::new("0f8fad5b-d9cb-469f-a165-70867728950e");
        let (text, other) = (IdRef::new("contoso.example"), IdRef::new("fabrikam.example"));
        assert_eq!((guid.is_same(guid), guid.is_same(IdRef::Guid(1))), (Truth::True, Truth::False));
        assert_eq!((text.is_same(text), text.is_same(other)), (Truth::True, Truth::False));
        assert_eq!((guid.is_same(text), text.is_same(guid)), (Truth::Unknown, Truth::Unknown));
    }
}
