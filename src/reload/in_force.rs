//! A bundle that can be in force: compiled, and as Microsoft Graph writes it where that is wanted.

use std::ops::Deref;

use super::outcome::{Facts, Loaded};
use super::shelf::GraphView;
use crate::compile::CompiledBundle;

/// A compiled bundle, which it can be used as, and what else a door may need of it.
#[derive(Debug)]
pub struct InForce {
    bundle: CompiledBundle,
    graph: Option<GraphView>,
}

impl InForce {
    /// Puts both together.
    pub const fn new(bundle: CompiledBundle, graph: Option<GraphView>) -> Self {
        Self { bundle, graph }
    }

    /// Its policies and named locations in Graph's shape, if they are kept.
    pub const fn graph(&self) -> Option<&GraphView> {
        self.graph.as_ref()
    }
}

impl Deref for InForce {
    type Target = CompiledBundle;

    fn deref(&self) -> &CompiledBundle {
        &self.bundle
    }
}

impl Loaded for InForce {
    fn facts(&self) -> Facts {
        Facts {
            name: self.name().into(),
            revision: self.revision().into(),
            digest: self.digest().into(),
            sequence: self.sequence(),
            expires: self.expires(),
            policies: self.policies().len(),
            locations: self.locations(),
            ranges: self.ranges(),
        }
    }
}
