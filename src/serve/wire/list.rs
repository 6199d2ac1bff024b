//! The lists of a request.
//!
//! It knows nothing of what is in them. WHY not `Vec`: most lists are of one resource, and to take memory for that and to
//! give it back took as long as to read it.

use std::ops::Deref;

use serde::{Deserialize, Deserializer};

use super::json;

/// A list in its order; not set is empty. Cost: only what has two elements or more is allocated.
#[derive(Clone, Debug, Default)]
pub enum List<T> {
    /// Nothing.
    #[default]
    Empty,
    /// One element.
    One([T; 1]),
    /// Any number of elements.
    Many(Vec<T>),
}

impl<T> List<T> {
    /// Adds an element at the end.
    pub(super) fn push(&mut self, element: T) {
        if let Self::Many(elements) = self {
            return elements.push(element);
        }
        *self = match std::mem::take(self) {
            Self::One([first]) => Self::Many(vec![first, element]),
            _ => Self::One([element]),
        };
    }
}

impl<T> Deref for List<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Self::Empty => &[],
            Self::One(element) => element,
            Self::Many(elements) => elements,
        }
    }
}

impl<T: PartialEq> PartialEq for List<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T> From<Vec<T>> for List<T> {
    fn from(elements: Vec<T>) -> Self {
        Self::Many(elements)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        json::list(deserializer).map(Self::Many)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_holds_what_was_added_in_its_order() {
        let mut list = List::default();
        for count in 0..5 {
            assert_eq!(&*list, &[0, 1, 2, 3][..count]);
            assert_eq!(list, List::from(vec![0, 1, 2, 3][..count].to_vec()));
            list.push(count);
        }
    }
}
