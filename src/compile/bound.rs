//! How much a bundle may hold of each kind: the one table by which reading stops, and building refuses.
//!
//! Knows kinds and numbers, and no document. Start with [`Counts`].

use crate::limits;
use crate::model::location::Ranges;
use crate::model::policy::When;
use crate::model::{Bundle, LocationKind, NamedLocation};

/// Something of which a bundle holds a bounded number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Policies, whether they take part or not.
    Policies,
    /// Statements, likewise.
    Statements,
    /// Named locations.
    Locations,
    /// Entries of the catalogue.
    Principals,
    /// Authentication strengths.
    Strengths,
    /// Entities that ask.
    Subjects,
    /// Entities that are asked for.
    Resources,
    /// Entities that say what for.
    Actions,
    /// Ranges of all locations.
    Ranges,
    /// Text of all conditions and policies in Cedar, bytes.
    CedarBytes,
}

impl Kind {
    const ALL: [Self; 10] = [
        Self::Policies,
        Self::Statements,
        Self::Locations,
        Self::Principals,
        Self::Strengths,
        Self::Subjects,
        Self::Resources,
        Self::Actions,
        Self::Ranges,
        Self::CedarBytes,
    ];

    /// The most of them.
    pub const fn most(self) -> usize {
        match self {
            Self::Policies => limits::POLICIES_MAX,
            Self::Statements => limits::STATEMENTS_MAX,
            Self::Locations => limits::LOCATIONS_MAX,
            Self::Principals => limits::CATALOGUE_MAX,
            Self::Strengths => limits::STRENGTHS_MAX,
            Self::Subjects | Self::Resources | Self::Actions => limits::ENTITIES_MAX,
            Self::Ranges => limits::RANGES_MAX,
            Self::CedarBytes => limits::CEDAR_BYTES_ALL_MAX,
        }
    }

    /// What messages call them.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Policies => "policies",
            Self::Statements => "statements",
            Self::Locations => "named locations",
            Self::Principals => "service principals",
            Self::Strengths => "authentication strengths",
            Self::Subjects => "subjects",
            Self::Resources => "resources",
            Self::Actions => "actions",
            Self::Ranges => "address ranges",
            Self::CedarBytes => "bytes of conditions in Cedar",
        }
    }
}

/// How many there are of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    of: [usize; Kind::ALL.len()],
}

impl Counts {
    /// What `bundle` holds. Cost: looks at every policy and location.
    pub fn of(bundle: &Bundle) -> Self {
        let policies = bundle.policies.iter().chain(&bundle.statements);
        let mut counts = Self::default();
        for (kind, count) in [
            (Kind::Policies, bundle.policies.len()),
            (Kind::Statements, bundle.statements.len()),
            (Kind::Locations, bundle.locations.len()),
            (Kind::Principals, bundle.principals.len()),
            (Kind::Strengths, bundle.strengths.len()),
            (Kind::Subjects, bundle.entities.subjects.len()),
            (Kind::Resources, bundle.entities.resources.len()),
            (Kind::Actions, bundle.entities.actions.len()),
            (Kind::Ranges, bundle.locations.iter().map(ranges).sum()),
            (Kind::CedarBytes, policies.filter_map(|policy| policy.when.as_ref()).map(cedar_bytes).sum()),
        ] {
            counts.add(kind, count);
        }
        counts
    }

    /// Counts `more` of `kind`.
    pub fn add(&mut self, kind: Kind, more: usize) {
        if let Some(count) = self.of.get_mut(kind as usize) {
            *count += more;
        }
    }

    /// How many there are of `kind`.
    pub fn count(&self, kind: Kind) -> usize {
        self.of.get(kind as usize).copied().unwrap_or_default()
    }

    /// The kinds of which there are too many.
    pub fn crossed(self) -> impl Iterator<Item = Kind> {
        Kind::ALL.into_iter().filter(move |kind| self.count(*kind) > kind.most())
    }
}

/// How many address ranges `location` has.
pub fn ranges(location: &NamedLocation) -> usize {
    match &location.kind {
        LocationKind::Ip { ranges, .. } => Ranges::len(ranges),
        _ => 0,
    }
}

/// How long the text in Cedar is, bytes.
pub fn cedar_bytes(when: &When) -> usize {
    when.text.text.len()
}
