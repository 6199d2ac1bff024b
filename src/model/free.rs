//! Free attributes: facts that a token service sends for custom conditions, of names and types of its own.
//!
//! They stay in the message that they came with, and are looked at only when a condition in Cedar is evaluated; so a
//! request that carries them costs no more where no policy reads them. Must not know any format.

use std::fmt;

/// The value of a free attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FreeValue<'v> {
    /// A text.
    Text(&'v str),
    /// A whole number.
    Number(i64),
    /// A boolean.
    Flag(bool),
    /// A list of texts; order and repetition mean nothing.
    Texts(Vec<&'v str>),
}

/// Something that carries free attributes. A value of any other type is left out, so that it is unknown.
pub trait FreeFacts: Sync {
    /// Calls `found` with each attribute, in any order, no name twice.
    fn each(&self, found: &mut dyn FnMut(&str, FreeValue<'_>));

    /// Whether it carries an attribute of this name, also one whose value is left out: what is there and cannot be used
    /// is not absent.
    fn carries(&self, name: &str) -> bool {
        let mut is_there = false;
        self.each(&mut |found, _| is_there |= found == name);
        is_there
    }
}

/// The free attributes of one request.
#[derive(Clone, Copy, Default)]
pub struct FreeAttributes<'a> {
    carrier: Option<&'a dyn FreeFacts>,
}

impl<'a> FreeAttributes<'a> {
    /// What `carrier` carries.
    pub const fn new(carrier: &'a dyn FreeFacts) -> Self {
        Self { carrier: Some(carrier) }
    }

    /// Calls `found` with each attribute, in any order, no name twice.
    pub fn each(self, found: &mut dyn FnMut(&str, FreeValue<'_>)) {
        if let Some(carrier) = self.carrier {
            carrier.each(found);
        }
    }

    /// Whether they have one of this name, usable or not.
    pub fn carries(self, name: &str) -> bool {
        self.carrier.is_some_and(|carrier| carrier.carries(name))
    }
}

impl FreeFacts for [(&str, FreeValue<'_>)] {
    fn each(&self, found: &mut dyn FnMut(&str, FreeValue<'_>)) {
        self.iter().for_each(|(name, value)| found(name, value.clone()));
    }
}

impl<const COUNT: usize> FreeFacts for [(&str, FreeValue<'_>); COUNT] {
    fn each(&self, found: &mut dyn FnMut(&str, FreeValue<'_>)) {
        self.as_slice().each(found);
    }
}

impl fmt::Debug for FreeAttributes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        self.each(&mut |name, value| {
            map.entry(&name, &value);
        });
        map.finish()
    }
}

/// By what they carry, whatever carries it. Cost: allocates; for tests.
impl PartialEq for FreeAttributes<'_> {
    fn eq(&self, other: &Self) -> bool {
        let sorted = |attributes: &Self| {
            let mut all = Vec::new();
            attributes.each(&mut |name, value| all.push(format!("{name}={value:?}")));
            all.sort();
            all
        };
        sorted(self) == sorted(other)
    }
}
