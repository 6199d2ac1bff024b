//! The catalogue of entities that a bundle may carry: who asks, for what, and to do what, with the properties of each.
//!
//! They are what searches look through, and facts for custom conditions: a request that names an entity has its
//! properties as free attributes, called `subject.x`, `resource.x` and `action.x`, unless it gives them itself. Must not
//! know how they are asked for.

use super::free::FreeValue;
use super::vocabulary::IdentityKind;
use crate::text::Spanned;

/// The entities of a bundle, each list in bundle order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entities {
    /// Identities.
    pub subjects: Vec<Entity>,
    /// Things that are asked for.
    pub resources: Vec<Entity>,
    /// What can be done with them; the kind of each is empty.
    pub actions: Vec<Entity>,
}

/// An entity.
#[derive(Clone, Debug, PartialEq)]
pub struct Entity {
    /// Its type, as callers name it.
    pub kind: Spanned<Box<str>>,
    /// Its id, or the name of an action.
    pub id: Spanned<Box<str>>,
    /// Its properties by the names of the free attributes that they are, none twice.
    pub properties: Vec<(Box<str>, Property)>,
}

/// The value of a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Property {
    /// A text.
    Text(Box<str>),
    /// A whole number.
    Number(i64),
    /// A boolean.
    Flag(bool),
    /// A list of texts; order and repetition mean nothing.
    Texts(Vec<Box<str>>),
}

impl Property {
    /// As the value of a free attribute.
    pub fn as_free(&self) -> FreeValue<'_> {
        match self {
            Self::Text(text) => FreeValue::Text(text),
            Self::Number(number) => FreeValue::Number(*number),
            Self::Flag(flag) => FreeValue::Flag(*flag),
            Self::Texts(texts) => FreeValue::Texts(texts.iter().map(|text| &**text).collect()),
        }
    }
}

/// Which kind of identity callers mean by the type of a subject; types are compared byte for byte.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubjectTypes {
    own: Vec<(Box<str>, IdentityKind)>,
}

impl SubjectTypes {
    /// The types that every bundle has, unless it says otherwise: those of AuthZEN's profile for token issuance, and
    /// the kinds of identity by their own names.
    pub const USUAL: [(&'static str, IdentityKind); 7] = [
        ("user", IdentityKind::User),
        ("client", IdentityKind::ServicePrincipal),
        ("workload", IdentityKind::ServicePrincipal),
        ("servicePrincipal", IdentityKind::ServicePrincipal),
        ("managedIdentity", IdentityKind::ManagedIdentity),
        ("agentIdentity", IdentityKind::AgentIdentity),
        ("agentUser", IdentityKind::AgentUser),
    ];

    /// The usual types and `own`, which come first.
    pub fn new(own: Vec<(Box<str>, IdentityKind)>) -> Self {
        Self { own }
    }

    /// The kind of identity of a type; `None`: nobody said.
    pub fn kind(&self, name: &str) -> Option<IdentityKind> {
        self.all().find(|(known, _)| *known == name).map(|(_, kind)| kind)
    }

    /// Every type, the bundle's own first.
    pub fn all(&self) -> impl Iterator<Item = (&str, IdentityKind)> {
        self.own.iter().map(|(name, kind)| (&**name, *kind)).chain(Self::USUAL)
    }
}
