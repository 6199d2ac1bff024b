//! In which named locations a request is, for reviews; decisions ask only for those that policies name.

use super::facts::{FactScratch, Facts};
use crate::compile::CompiledBundle;
use crate::model::decision::InputError;
use crate::model::{TokenRequest, Truth};

/// For each named location in bundle order whether `request` is in it. Errors as [`super::evaluate`]. Cost: linear in the
/// locations; allocates.
pub fn locations(bundle: &CompiledBundle, request: &TokenRequest<'_>) -> Result<Vec<Truth>, InputError> {
    let mut scratch = FactScratch::default();
    let facts = Facts::settle(bundle, request, &mut scratch)?;
    let indexes = (0..).take(bundle.locations());
    Ok(indexes.map(|location| facts.locations.is_in(location)).collect())
}
