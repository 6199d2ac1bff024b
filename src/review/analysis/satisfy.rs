//! Which controls to satisfy so that a request shows a change.

use super::fact::Witness;
use super::outcome::Controls;
use crate::compile::CompiledControl;
use crate::model::{AuthenticationMethod, Id, Set};

/// Lets `witness` satisfy every control but those of `open`. False when no request can satisfy just these.
pub fn satisfy(witness: &mut Witness, controls: &Controls, open: &[u32]) -> bool {
    let is_open = |number: usize| u32::try_from(number).is_ok_and(|number| open.contains(&number));
    let numbered = || controls.0.iter().enumerate();
    let open_ids: Vec<_> =
        numbered().filter(|(number, _)| is_open(*number)).filter_map(|(_, control)| strength(control)).collect();
    witness.methods = Set::EMPTY;
    let mut by_method = Vec::new();
    for (_, control) in numbered().filter(|(number, _)| !is_open(*number)) {
        match control {
            CompiledControl::BuiltIn(control) => witness.built_in.insert(*control),
            CompiledControl::TermsOfUse(id) => witness.terms_of_use.push(Id::new(id)),
            CompiledControl::CustomFactor(id) => witness.custom_factors.push(Id::new(id)),
            // A strength of the same id that must stay open is satisfied by the id too, so only methods tell them apart.
            CompiledControl::AuthenticationStrength { id, combinations } => {
                if open_ids.iter().any(|(open, _)| *open == &**id) {
                    by_method.push(combinations);
                } else {
                    witness.strengths.push(Id::new(id));
                }
            }
        }
    }
    let stays_open = |methods: Set<AuthenticationMethod>| {
        open_ids.iter().all(|(_, combinations)| combinations.iter().all(|needed| !needed.is_subset_of(methods)))
    };
    for combinations in by_method {
        let with = |more: Set<AuthenticationMethod>| witness.methods.iter().chain(more.iter()).collect::<Set<_>>();
        let Some(methods) = combinations.iter().map(|more| with(*more)).find(|methods| stays_open(*methods)) else {
            return false;
        };
        witness.methods = methods;
    }
    true
}

fn strength(control: &CompiledControl) -> Option<(&str, &[Set<AuthenticationMethod>])> {
    match control {
        CompiledControl::AuthenticationStrength { id, combinations } => Some((id, combinations)),
        _ => None,
    }
}
