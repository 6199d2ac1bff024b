//! Which controls to satisfy so that a request shows a change.
//!
//! Controls are independent of each other but for authentication strengths of one id: whoever has one of them by the id
//! has all, so only methods tell them apart, and whoever has the methods of the stronger one has the weaker one too.

use super::fact::Witness;
use super::outcome::{Clause, Controls};
use crate::compile::CompiledControl;
use crate::limits;
use crate::model::set::Word;
use crate::model::{AuthenticationMethod, Id, IdRef, Set};

type Methods = Set<AuthenticationMethod>;

/// Lets `witness` satisfy no control of `open` and, of the others, so many that every clause of `needed` is satisfied.
/// False when no request can; `None` when that is not known, because there are too many sets of methods.
pub fn satisfy(witness: &mut Witness, controls: &Controls, open: &[u32], needed: &[Clause]) -> Option<bool> {
    let control = |number: &u32| controls.0.get(*number as usize);
    let open_controls: Vec<_> = open.iter().filter_map(control).collect();
    witness.methods = Set::EMPTY;
    // What would satisfy an open control too is left out.
    let is_apart = |control: &&CompiledControl| !open_controls.iter().any(|open| is_one(open, control));
    for control in controls.0.iter().filter(is_apart) {
        match control {
            CompiledControl::BuiltIn(control) => witness.built_in.insert(*control),
            CompiledControl::TermsOfUse(id) => witness.terms_of_use.push(Id::new(id)),
            CompiledControl::CustomFactor(id) => witness.custom_factors.push(Id::new(id)),
            CompiledControl::AuthenticationStrength { id, .. } => witness.strengths.push(Id::new(id)),
        }
    }
    let base = witness.clone();
    let is_enough = |methods: Methods| {
        let witness = Witness { methods, ..base.clone() };
        let request = witness.request();
        needed.iter().all(|clause| clause.iter().filter_map(control).any(|control| control.is_met(&request)))
    };
    if is_enough(Set::EMPTY) {
        return Some(true);
    }
    let refused: Vec<Methods> = open_controls.iter().flat_map(|control| combinations(control)).copied().collect();
    let mut steps = limits::ANALYSIS_METHODS_MAX;
    let all: Methods = AuthenticationMethod::ALL.iter().copied().collect();
    let found = most(all, &refused, &is_enough, &mut steps)?;
    if let Some(methods) = found {
        // As few as are enough: they are told as an example.
        let fewer = |methods: Methods, method| Some(without(methods, method)).filter(|fewer| is_enough(*fewer));
        witness.methods = methods.iter().fold(methods, |left, method| fewer(left, method).unwrap_or(left));
    }
    Some(found.is_some())
}

/// The controls that no request with the facts of `witness` satisfies: those of the device, where that is known to be
/// otherwise or is not the one that the token is for.
pub fn impossible(witness: &Witness, controls: &Controls) -> Vec<u32> {
    let request = witness.request();
    let is_impossible = |control: &CompiledControl| match control {
        CompiledControl::BuiltIn(control) => request.refutes(*control),
        _ => false,
    };
    (0..).zip(&controls.0).filter(|(_, control)| is_impossible(control)).map(|(number, _)| number).collect()
}

/// Whether whoever names one of two controls in a request names the other.
fn is_one(one: &CompiledControl, other: &CompiledControl) -> bool {
    use CompiledControl as C;
    match (one, other) {
        (C::BuiltIn(one), C::BuiltIn(other)) => one == other,
        (C::TermsOfUse(one), C::TermsOfUse(other))
        | (C::CustomFactor(one), C::CustomFactor(other))
        | (C::AuthenticationStrength { id: one, .. }, C::AuthenticationStrength { id: other, .. }) => {
            IdRef::new(one) == IdRef::new(other)
        }
        _ => false,
    }
}

fn combinations(control: &CompiledControl) -> &[Methods] {
    match control {
        CompiledControl::AuthenticationStrength { combinations, .. } => combinations,
        _ => &[],
    }
}

fn without(methods: Methods, method: AuthenticationMethod) -> Methods {
    methods.iter().filter(|other| *other != method).collect()
}

/// A part of `methods` that is enough and has none of the combinations `refused`; `None` outside when `steps` are too few
/// to know. What is not enough has no part that is.
fn most(
    methods: Methods,
    refused: &[Methods],
    is_enough: &dyn Fn(Methods) -> bool,
    steps: &mut usize,
) -> Option<Option<Methods>> {
    *steps = steps.checked_sub(1)?;
    if !is_enough(methods) {
        return Some(None);
    }
    let Some(combination) = refused.iter().find(|combination| combination.is_subset_of(methods)) else {
        return Some(Some(methods));
    };
    for method in combination.iter() {
        if let Some(found) = most(without(methods, method), refused, is_enough, steps)? {
            return Some(Some(found));
        }
    }
    Some(None)
}
