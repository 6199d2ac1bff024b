//! The policies of two bundles under one numbering, so that sets of both are compared word by word.
//!
//! Policies that ask for the same and have one id or name share a number; the others have one of their own. Sharing is
//! no claim that they apply to the same requests: that is what the analysis finds out. A set of policies is kept for
//! each [`View`].

use super::bits::Bits;
use super::outcome::{Ask, Controls};
use crate::compile::{CompiledBundle, Slot};
use crate::model::IdRef;
use crate::model::bundle::DefaultDecision;

/// The policies of two bundles.
#[derive(Debug)]
pub struct Universe<'b> {
    /// The bundles, before and after.
    pub sides: [&'b CompiledBundle; 2],
    /// The numbers of each side's policies, by slot.
    pub bits: [Vec<usize>; 2],
    /// The slots behind each number.
    pub slots: Vec<[Option<Slot>; 2]>,
    /// What each asks for.
    pub asks: Vec<Ask<'b>>,
    /// By number, the policies that add nothing where that one applies on both sides.
    pub absorbed: Vec<Bits>,
    /// The policies that block, by number.
    pub blocking: Bits,
    /// Every grant control.
    pub controls: Controls,
    /// Words of a set of policies.
    pub words: usize,
    /// What each side decides when no policy applies.
    pub defaults: [DefaultDecision; 2],
    /// Whether it matters that a policy certainly applies: when a bundle blocks by default.
    pub has_certain: bool,
}

/// Which set of policies: those that may apply, or those that certainly apply, of one side.
#[derive(Clone, Copy, Debug)]
pub struct View;

impl View {
    /// The policies of `side` that may apply.
    pub const fn possible(side: usize) -> usize {
        side
    }

    /// Those that certainly do; kept only where that matters.
    pub const fn certain(side: usize) -> usize {
        2 + side
    }

    /// Where the words of a view begin.
    pub const fn offset(view: usize, words: usize) -> usize {
        view * words
    }
}

impl<'b> Universe<'b> {
    /// Numbers the policies of both.
    pub fn new(before: &'b CompiledBundle, after: &'b CompiledBundle) -> Self {
        let sides = [before, after];
        let mut controls = Controls::default();
        let (mut slots, mut asks) = (Vec::new(), Vec::new());
        let mut bits = [Vec::new(), Vec::new()];
        for (slot, policy) in (0..).zip(before.compiled()) {
            bits[0].push(slots.len());
            slots.push([Some(slot), None]);
            asks.push(controls.ask(policy));
        }
        let name = |bundle: &'b CompiledBundle, slot: Slot| bundle.policy(bundle.slot(slot).index);
        let mut numbers = std::collections::HashMap::<_, Vec<usize>, foldhash::fast::RandomState>::default();
        for slot in 0..Slot::try_from(before.compiled().len()).unwrap_or(0) {
            numbers.entry(IdRef::new(&name(before, slot).id)).or_default().push(slot as usize);
        }
        for (slot, policy) in (0..).zip(after.compiled()) {
            let ask = controls.ask(policy);
            let same = numbers.get(&IdRef::new(&name(after, slot).id)).into_iter().flatten().copied();
            let twin = same.into_iter().find(|bit| {
                slots.get(*bit).is_some_and(|slots: &[Option<Slot>; 2]| slots[1].is_none())
                    && asks.get(*bit) == Some(&ask)
            });
            match twin.and_then(|bit| slots.get_mut(bit).map(|slots| (bit, slots))) {
                Some((bit, slots)) => {
                    slots[1] = Some(slot);
                    bits[1].push(bit);
                }
                None => {
                    bits[1].push(slots.len());
                    slots.push([None, Some(slot)]);
                    asks.push(ask);
                }
            }
        }
        let words = slots.len().div_ceil(64).max(1);
        let defaults = sides.map(|bundle| bundle.identity().default_decision);
        let has_certain = defaults.contains(&DefaultDecision::Block);
        let (absorbed, blocking) = (Vec::new(), Bits::default());
        let mut universe =
            Self { sides, bits, slots, asks, absorbed, blocking, controls, words, defaults, has_certain };
        universe.blocking = universe.numbers(|ask| ask.blocks);
        universe.absorbed = universe.asks.iter().map(|ask| universe.numbers(|other| ask.absorbs(other))).collect();
        universe
    }

    /// As [`Self::new`], as if both allowed what no policy applies to.
    pub fn allowing(before: &'b CompiledBundle, after: &'b CompiledBundle) -> Self {
        Self { defaults: [DefaultDecision::Allow; 2], has_certain: false, ..Self::new(before, after) }
    }

    /// How many words all views of a set have.
    fn mask_words(&self) -> usize {
        self.words * if self.has_certain { 4 } else { 2 }
    }

    /// Words of a set that has no view.
    pub fn none(&self) -> Vec<u64> {
        vec![0; self.mask_words()]
    }

    /// Adds the policy at `slot` of `side` to what may apply, and if `is_certain` to what certainly does.
    pub fn add(&self, mask: &mut [u64], side: usize, slot: Slot, is_certain: bool) {
        let Some(bit) = self.bits.get(side).and_then(|bits| bits.get(slot as usize)).copied() else { return };
        let mut set = |view: usize| {
            if let Some(word) = mask.get_mut(View::offset(view, self.words) + bit / 64) {
                *word |= 1 << (bit % 64);
            }
        };
        set(View::possible(side));
        if is_certain && self.has_certain {
            set(View::certain(side));
        }
    }

    /// The policies of each side that `is_in` picks, in all views.
    pub fn chosen(&self, is_in: impl Fn(usize, usize) -> bool) -> Vec<u64> {
        let mut mask = self.none();
        for side in 0..2 {
            for (slot, bit) in (0..).zip(self.bits.get(side).into_iter().flatten()) {
                if is_in(side, *bit) {
                    self.add(&mut mask, side, slot, true);
                }
            }
        }
        mask
    }

    /// A set of numbers.
    pub fn numbers(&self, is_in: impl Fn(&Ask<'b>) -> bool) -> Bits {
        let mut bits = Bits::none(self.words * 64);
        self.asks.iter().enumerate().filter(|(_, ask)| is_in(ask)).for_each(|(bit, _)| bits.insert(bit));
        bits
    }
}
