//! Groups and roles of a user, as far as policies name them.

use crate::compile::CompiledBundle;
use crate::model::request::Identity;
use crate::model::{IdRef, Truth};

/// The groups and roles of one user. Memory is reused, so that the next user costs what that user's own take.
#[derive(Debug, Default)]
pub struct Memberships {
    groups: Members,
    roles: Members,
}

impl Memberships {
    /// Looks every group and role up once.
    pub(super) fn settle(&mut self, bundle: &CompiledBundle, identity: &Identity<'_>) {
        self.groups.settle(bundle, identity.groups.as_deref());
        self.roles.settle(bundle, identity.roles.as_deref());
    }

    /// The groups that policies name, none twice; `None`: nobody said which they are.
    pub fn groups(&self) -> Option<&[u32]> {
        self.groups.known()
    }

    /// The roles, likewise.
    pub fn roles(&self) -> Option<&[u32]> {
        self.roles.known()
    }

    /// Whether the user is in group `number`.
    pub fn is_in_group(&self, number: u32) -> Truth {
        self.groups.has(number)
    }

    /// Whether the user holds role `number`.
    pub fn has_role(&self, number: u32) -> Truth {
        self.roles.has(number)
    }
}

#[derive(Debug, Default)]
struct Members {
    /// The numbers in the order of the request.
    numbers: Vec<u32>,
    /// The same as a mask; all others are zeros.
    mask: Vec<u64>,
    are_known: bool,
}

impl Members {
    fn settle(&mut self, bundle: &CompiledBundle, ids: Option<&[IdRef<'_>]>) {
        // WHY: bundles may name very many groups, and clearing them all would cost more than the decision.
        for number in self.numbers.drain(..) {
            if let Some(word) = self.mask.get_mut(number as usize / 64) {
                *word = 0;
            }
        }
        let size = bundle.directory_size();
        if self.mask.len() < size.div_ceil(64) {
            self.mask.resize(size.div_ceil(64), 0);
        }
        self.numbers.reserve(size);
        self.are_known = ids.is_some();
        for number in ids.into_iter().flatten().filter_map(|id| bundle.directory_object(*id)) {
            let Some(word) = self.mask.get_mut(number as usize / 64) else { continue };
            let bit = 1 << (number % 64);
            if *word & bit == 0 {
                *word |= bit;
                self.numbers.push(number);
            }
        }
    }

    fn known(&self) -> Option<&[u32]> {
        self.are_known.then_some(self.numbers.as_slice())
    }

    fn has(&self, number: u32) -> Truth {
        match self.mask.get(number as usize / 64) {
            _ if !self.are_known => Truth::Unknown,
            Some(word) => Truth::from(word >> (number % 64) & 1 == 1),
            None => Truth::False,
        }
    }
}
