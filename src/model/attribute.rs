//! Custom security attributes, as filters see them.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::limits;

/// The value of one attribute.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
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
/// to ASCII case. Invariants: no two names are equal in that sense, the first is kept; there are at most
/// `limits::ATTRIBUTES_MAX`; `order` has the position of every entry once, ascending by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Attributes<'a> {
    entries: Vec<(Cow<'a, str>, AttributeValue<'a>)>,
    order: Vec<u16>,
    is_cut: bool,
}

impl<'a> Attributes<'a> {
    /// Adds `set_attribute`; returns false and adds nothing when that name is taken or there is no room.
    pub fn insert(&mut self, set: &str, attribute: &str, value: AttributeValue<'a>) -> bool {
        let name = format!("{set}_{attribute}");
        let Err(place) = self.find(&name) else { return false };
        let position =
            u16::try_from(self.entries.len()).ok().filter(|next| usize::from(*next) < limits::ATTRIBUTES_MAX);
        let Some(position) = position else {
            self.is_cut = true;
            return false;
        };
        self.order.insert(place, position);
        self.entries.push((Cow::Owned(name), value));
        true
    }

    /// Whether an attribute was left out for want of room, so that these are not all of the object's.
    pub const fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// The value of `Set_Attribute`; `None` means the object does not have it. Cost: logarithmic in the attributes.
    pub fn value(&self, name: &str) -> Option<&AttributeValue<'a>> {
        let place = self.find(name).ok()?;
        self.entries.get(usize::from(*self.order.get(place)?)).map(|(_, value)| value)
    }

    /// Where `name` stands in `order`, or belongs.
    fn find(&self, name: &str) -> Result<usize, usize> {
        self.order.binary_search_by(|position| {
            self.entries.get(usize::from(*position)).map_or(Ordering::Less, |(key, _)| by_name(key, name))
        })
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

/// Whether a member beside attributes is an annotation of OData's, which says nothing of the object.
pub fn is_annotation(name: &str) -> bool {
    name.contains("@odata.")
}

/// The name of an attribute as all that are the same one share it: without differences of ASCII case. Other letters are
/// told apart.
pub fn folded_name(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// Names in the order of [`folded_name`], which this does not allocate.
fn by_name(a: &str, b: &str) -> Ordering {
    let folded = |text| str::bytes(text).map(|byte| byte.to_ascii_lowercase());
    folded(a).cmp(folded(b))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_case_and_kept_in_the_order_of_adding() {
        let mut attributes = Attributes::default();
        for name in ["Zone", "app", "Tier"] {
            assert!(attributes.insert("Set", name, AttributeValue::Text(name.into())));
        }
        assert!(!attributes.insert("SET", "APP", AttributeValue::Other), "taken");
        assert_eq!(attributes.value("set_APP"), Some(&AttributeValue::Text("app".into())));
        assert_eq!(attributes.value("set_ap"), None);
        assert_eq!(attributes.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["Set_Zone", "Set_app", "Set_Tier"]);
        assert!(!attributes.is_cut());
    }

    #[test]
    fn past_the_most_attributes_nothing_is_added_and_that_is_told() {
        let mut attributes = Attributes::default();
        let added =
            (0..400_000).filter(|name| attributes.insert("S", &name.to_string(), AttributeValue::Other)).count();
        assert_eq!((added, attributes.len()), (limits::ATTRIBUTES_MAX, limits::ATTRIBUTES_MAX));
        assert!(attributes.is_cut());
        assert!((0..added).all(|name| attributes.value(&format!("s_{name}")).is_some()));
    }
}
