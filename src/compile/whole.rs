//! What analyses of whole bundles ask of a compiled bundle, and no decision does.

use super::bundle::CompiledBundle;
use super::network::NetworkTable;
use crate::model::ServicePrincipal;

impl CompiledBundle {
    /// Where each location and country lies.
    pub(crate) fn network(&self) -> &NetworkTable {
        &self.network
    }

    /// Every service principal of the catalogue, in bundle order.
    pub(crate) fn catalogue(&self) -> &[ServicePrincipal] {
        &self.catalogue
    }
}
