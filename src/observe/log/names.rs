//! Lists of names in a record, in one piece each.
//!
//! WHY: a thousand policies may apply to one request, and whoever decides it should not ask for memory as often as that.

use serde::ser::{Serialize, SerializeSeq, Serializer};

/// What a name is taken to have at first, bytes: a GUID.
const USUAL_BYTES: usize = 36;

/// Names, in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    text: String,
    /// Where each name ends; it begins where the one before it ends.
    ends: Vec<u32>,
}

impl Names {
    /// Memory, bytes.
    pub const fn bytes(&self) -> usize {
        self.text.capacity() + self.ends.capacity() * size_of::<u32>()
    }

    fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).filter_map(|(start, end)| self.text.get(start as usize..*end as usize))
    }
}

/// Bundles have far less than four gigabytes of names; those that find no room are left out.
impl<T: AsRef<str>> FromIterator<T> for Names {
    fn from_iter<I: IntoIterator<Item = T>>(names: I) -> Self {
        let names = names.into_iter();
        let (count, _) = names.size_hint();
        let mut all = Self { text: String::with_capacity(count * USUAL_BYTES), ends: Vec::with_capacity(count) };
        for name in names {
            all.text.push_str(name.as_ref());
            let Ok(end) = u32::try_from(all.text.len()) else { break };
            all.ends.push(end);
        }
        all
    }
}

impl Serialize for Names {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.ends.len()))?;
        self.iter().try_for_each(|name| list.serialize_element(name))?;
        list.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_a_list_of_texts() {
        for names in [&[][..], &["a"], &["", "b", ""], &["é", "\"", "long enough to be no GUID, and not by little"]] {
            let all: Names = names.iter().collect();
            assert_eq!(serde_json::to_value(&all).unwrap(), serde_json::json!(names));
            assert!(all.bytes() >= names.iter().map(|name| name.len() + size_of::<u32>()).sum());
        }
    }
}
