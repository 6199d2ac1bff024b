//! Custom security attributes, as filters see them.

use std::borrow::Cow;

/// The value of one attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum AttributeValue<'a> {
    /// One text.
    Text(Cow<'a, str>),
    /// Several texts; order and repetition mean nothing.
    Texts(Vec<Cow<'a, str>>),
    /// A boolean or number. Conditional Access can use text only, so filters see null.
    /// Source: Entra documentation, filter for applications, read August 2026.
    Other,
}

/// The custom security attributes of one object, known to be all of them.
///
/// Each is stored under the name that filters use: set and attribute joined by `_`. Names are compared without regard
/// to ASCII case. Invariant: no two names are equal in that sense; the constructor keeps the first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attributes<'a> {
    entries: Vec<(Cow<'a, str>, AttributeValue<'a>)>,
}

impl<'a> Attributes<'a> {
    /// Adds `set_attribute`; returns false and changes nothing when that name is taken.
    pub fn insert(&mut self, set: &str, attribute: &str, value: AttributeValue<'a>) -> bool {
        let name = format!("{set}_{attribute}");
        if self.value(&name).is_some() {
            return false;
        }
        self.entries.push((Cow::Owned(name), value));
        true
    }

    /// The value of `Set_Attribute`; `None` means the object does not have it. Cost: linear in the attributes.
    pub fn value(&self, name: &str) -> Option<&AttributeValue<'a>> {
        self.entries.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Name and value of each, in the order of adding.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &AttributeValue<'a>)> {
        self.entries.iter().map(|(name, value)| (&**name, value))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether the object has none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether both say the same: the same names with the same values, lists compared as sets.
    pub fn agrees_with(&self, other: &Attributes<'_>) -> bool {
        self.len() == other.len()
            && self.iter().all(|(name, value)| other.value(name).is_some_and(|theirs| value.agrees_with(theirs)))
    }
}

impl AttributeValue<'_> {
    fn texts(&self) -> &[Cow<'_, str>] {
        match self {
            Self::Text(text) => std::slice::from_ref(text),
            Self::Texts(texts) => texts,
            Self::Other => &[],
        }
    }

    fn agrees_with(&self, other: &AttributeValue<'_>) -> bool {
        let (ours, theirs) = (self.texts(), other.texts());
        matches!(self, Self::Other) == matches!(other, AttributeValue::Other)
            && ours.iter().all(|text| theirs.iter().any(|their| their == text))
            && theirs.iter().all(|text| ours.iter().any(|our| our == text))
    }
}
