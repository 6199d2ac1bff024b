//! What was read so far, of a file or of all of them: the model, its problems, and how much of each kind there is.
//!
//! A file that is read in one pass becomes a part of its own, which is added when the file has come to a sound end and
//! dropped when it has not. Knows nothing of documents. Start with [`Part::begin`].

use super::super::bound::{self, Counts, Kind};
use super::super::rules;
use super::entity::List;
use crate::model::policy::{AuthenticationStrength, Policy};
use crate::model::{Bundle, Entities, Entity, NamedLocation, ServicePrincipal};
use crate::text::{Diagnostic, Diagnostics, Span};

/// Everything that was read.
#[derive(Debug, Default)]
pub struct Part {
    /// The model, without settings.
    pub bundle: Bundle,
    /// The problems.
    pub diagnostics: Diagnostics,
    counts: Counts,
    is_full: bool,
}

impl Part {
    /// Nothing but `diagnostics`.
    pub fn new(diagnostics: Diagnostics) -> Self {
        Self { diagnostics, ..Self::default() }
    }

    /// An empty part, to be added to this one.
    pub fn begin(&self) -> Self {
        let Self { diagnostics, counts, is_full, .. } = self;
        Self { bundle: Bundle::default(), diagnostics: diagnostics.part(), counts: *counts, is_full: *is_full }
    }

    /// Adds what [`Part::begin`] has begun. Cost: none if this part is empty.
    pub fn append(&mut self, part: Self) {
        let Self { bundle, diagnostics, counts, is_full } = part;
        let Bundle { settings: _, policies, statements, locations, principals, strengths, entities } = bundle;
        let Entities { subjects, resources, actions } = entities;
        append(&mut self.bundle.policies, policies);
        append(&mut self.bundle.statements, statements);
        append(&mut self.bundle.locations, locations);
        append(&mut self.bundle.principals, principals);
        append(&mut self.bundle.strengths, strengths);
        append(&mut self.bundle.entities.subjects, subjects);
        append(&mut self.bundle.entities.resources, resources);
        append(&mut self.bundle.entities.actions, actions);
        self.diagnostics.append(diagnostics);
        (self.counts, self.is_full) = (counts, is_full);
    }

    /// Adds a policy that was read at `span`.
    pub fn policy(&mut self, policy: Policy, span: Span) {
        self.bundle.policies.push(policy);
        self.count(Kind::Policies, 1, span);
    }

    /// Adds a statement.
    pub fn statement(&mut self, statement: Policy, span: Span) {
        self.bundle.statements.push(statement);
        self.count(Kind::Statements, 1, span);
    }

    /// Adds a location, and counts its ranges.
    pub fn location(&mut self, location: NamedLocation, span: Span) {
        let ranges = bound::ranges(&location);
        self.bundle.locations.push(location);
        self.count(Kind::Locations, 1, span);
        self.count(Kind::Ranges, ranges, span);
    }

    /// Adds an entry of the catalogue.
    pub fn principal(&mut self, principal: ServicePrincipal, span: Span) {
        self.bundle.principals.push(principal);
        self.count(Kind::Principals, 1, span);
    }

    /// Adds an authentication strength.
    pub fn strength(&mut self, strength: AuthenticationStrength, span: Span) {
        self.bundle.strengths.push(strength);
        self.count(Kind::Strengths, 1, span);
    }

    /// Adds an entity of a list.
    pub fn entity(&mut self, entity: Entity, list: List, span: Span) {
        list.of(&mut self.bundle.entities).push(entity);
        self.count(list.kind(), 1, span);
    }

    /// Counts `more` of `kind`, read at `span`; the first bound that is crossed is told.
    pub fn count(&mut self, kind: Kind, more: usize, span: Span) {
        self.counts.add(kind, more);
        if !self.is_full && self.counts.count(kind) > kind.most() {
            self.is_full = true;
            let what = format!("from here on there are more than {} {}", kind.most(), kind.name());
            let diagnostic = Diagnostic::new(&rules::TOO_MANY, span, what);
            self.diagnostics.push(diagnostic.help("nothing behind this place was read"));
        }
    }

    /// Whether a bound is crossed: the bundle is refused, and reading on would only take memory.
    pub fn is_full(&self) -> bool {
        self.is_full
    }
}

/// WHY not always one by one: in most bundles one file holds nearly everything of its kind.
fn append<T>(all: &mut Vec<T>, mut more: Vec<T>) {
    if all.is_empty() {
        *all = more;
    } else {
        all.append(&mut more);
    }
}
