//! The combining rule, alone: how the policies that apply become a decision.
//!
//! Any enforced block blocks. Otherwise the grant controls of all enforced policies must be met. Report-only policies
//! are kept apart from the first moment and never read by the rule.

use super::control;
use super::guest;
use super::session::{MergedSession, owed};
use crate::compile::{
    Applying, CompiledBundle, CompiledControl, CompiledSession, Gate, Member, PolicyIndex, Slot, WideMasks, ones,
};
use crate::model::bundle::DefaultDecision;
use crate::model::decision::{Control, Decision, Reason};
use crate::model::request::Identity;
use crate::model::session::Period;
use crate::model::shaping::Obligation;
use crate::model::{IdentityKind, TokenRequest, Truth};

/// The policies that apply, and what they come to.
#[derive(Debug)]
pub(super) struct Combination {
    reason: Reason,
    policies: List,
    report_only: List,
    /// Unmet controls: the policy, and the control's place in it.
    unmet: Vec<(Slot, usize)>,
    /// Enforced policies that apply and do not block.
    asking: Vec<Slot>,
    /// Report-only policies that apply and would not block.
    asking_reported: Vec<Slot>,
    message: Option<&'static str>,
}

impl Default for Combination {
    fn default() -> Self {
        Self {
            reason: Reason::DefaultDecision,
            policies: List::default(),
            report_only: List::default(),
            unmet: Vec::new(),
            asking: Vec::new(),
            asking_reported: Vec::new(),
            message: None,
        }
    }
}

impl Combination {
    pub(super) fn reason(&self) -> Reason {
        self.reason
    }

    pub(super) fn policies(&self) -> &[PolicyIndex] {
        self.policies.as_slice()
    }

    pub(super) fn report_only(&self) -> &[PolicyIndex] {
        self.report_only.as_slice()
    }

    pub(super) fn unmet<'b>(&'b self, bundle: &'b CompiledBundle) -> impl Iterator<Item = Control<'b>> {
        self.unmet
            .iter()
            .filter_map(|(slot, place)| control::all(bundle.slot(*slot)).get(*place))
            .map(CompiledControl::name)
    }

    /// The session controls of all enforced policies that apply, merged; `None` when there are none, or no token.
    pub(super) fn session<'b>(&self, bundle: &'b CompiledBundle) -> Option<MergedSession<'b>> {
        MergedSession::of(self.sessions(bundle))
    }

    /// The shortest time between sign-ins that any of these policies names, hours. Merged, it may be lost: every time is
    /// oftener, and names none.
    pub(super) fn sign_in_hours(&self, bundle: &CompiledBundle) -> Option<u64> {
        let frequencies = self.sessions(bundle).filter_map(|session| session.controls.sign_in_frequency);
        frequencies.filter_map(|frequency| frequency.period).map(Period::hours).min()
    }

    /// What the policies that decided oblige callers to.
    pub(super) fn obligations<'b>(&self, bundle: &'b CompiledBundle) -> Vec<&'b Obligation> {
        if bundle.obliging().is_empty() {
            return Vec::new();
        }
        let policies = bundle.obliging().iter().map(|slot| bundle.slot(*slot));
        let deciding = policies.filter(|policy| self.policies().binary_search(&policy.index).is_ok());
        owed(deciding.flat_map(|policy| policy.obligations()))
    }

    fn sessions<'b>(&self, bundle: &'b CompiledBundle) -> impl Iterator<Item = &'b CompiledSession> {
        let asking = self.asking.iter().filter(|slot| bundle.gates().gate(**slot).has_session());
        let sessions = asking.filter_map(|slot| bundle.slot(*slot).session.as_deref());
        sessions.filter(|_| self.reason.decision() == Decision::Allow)
    }

    /// Forgets the last decision. All memory that this bundle can need is taken at its first one.
    #[inline]
    pub(super) fn begin(&mut self, bundle: &CompiledBundle) {
        self.policies.clear();
        self.report_only.clear();
        self.unmet.clear();
        self.asking.clear();
        self.asking_reported.clear();
        self.message = None;
        let most = bundle.compiled().len();
        if self.policies.items.len() < most {
            self.grow(bundle);
        }
    }

    #[cold]
    fn grow(&mut self, bundle: &CompiledBundle) {
        let most = bundle.compiled().len();
        self.policies.items.resize(most, PolicyIndex(0));
        self.report_only.items.resize(most, PolicyIndex(0));
        self.asking.reserve(most);
        self.asking_reported.reserve(most);
        self.unmet.reserve(bundle.compiled().iter().map(|policy| control::all(policy).len()).sum());
    }

    /// Notes whether the policy of `slot`, whose gate is `gate`, applies.
    #[inline]
    pub(super) fn note(&mut self, slot: Slot, gate: Gate, applies: bool) {
        let is_report_only = gate.is_report_only();
        if gate.blocks() {
            let list = if is_report_only { &mut self.report_only } else { &mut self.policies };
            list.push_if(applies, gate.index);
        } else if applies {
            let list = if is_report_only { &mut self.asking_reported } else { &mut self.asking };
            list.push(slot);
        }
    }

    /// Notes policies that apply, in no order: those that block or do not, and are reported only or not.
    #[inline]
    pub(super) fn note_applying<I: Iterator<Item = Member>>(&mut self, policies: impl Fn(bool, bool) -> I) {
        self.policies.append(policies(true, false).map(|policy| policy.index));
        self.report_only.append(policies(true, true).map(|policy| policy.index));
        (self.policies.second_run, self.report_only.second_run) = (None, None);
        self.asking.extend(policies(false, false).map(|policy| policy.slot));
        self.asking_reported.extend(policies(false, true).map(|policy| policy.slot));
    }

    /// Notes the policies that `note` tells, in bundle order.
    ///
    /// WHY: where the lists end is then at hand for all of them, and not fetched for each.
    #[inline]
    pub(super) fn note_wide(&mut self, note: impl FnOnce(&mut WideNotes<'_>)) {
        let mut notes = WideNotes {
            enforced: self.policies.run(),
            reported: self.report_only.run(),
            asking: &mut self.asking,
            asking_reported: &mut self.asking_reported,
        };
        note(&mut notes);
        (self.policies.len, self.report_only.len) = (notes.enforced.len, notes.reported.len);
    }

    /// Notes policies that block, in bundle order.
    #[inline]
    pub(super) fn note_blocking(&mut self, policies: impl Iterator<Item = Blocking>) {
        let (mut enforced, mut reported) = (self.policies.run(), self.report_only.run());
        for Blocking { policy, is_report_only, applies } in policies {
            enforced.push_if(applies & !is_report_only, policy);
            reported.push_if(applies & is_report_only, policy);
        }
        (self.policies.len, self.report_only.len) = (enforced.len, reported.len);
    }

    /// Says that what is noted from here on begins with a second run in bundle order.
    #[inline]
    pub(super) fn begin_second_run(&mut self) {
        self.policies.second_run = Some(self.policies.len);
        self.report_only.second_run = Some(self.report_only.len);
    }

    /// Decides by what was noted.
    ///
    /// `is_certain` tells whether a policy applies whatever the missing facts are. Only such a policy lifts a default
    /// block: one that merely may apply would let missing evidence widen access.
    #[inline]
    pub(super) fn conclude(
        &mut self,
        bundle: &CompiledBundle,
        request: &TokenRequest<'_>,
        is_certain: impl Fn(Slot) -> bool,
    ) {
        let is_unmet = |slot: &Slot| !control::is_met(bundle.slot(*slot), request);
        let index = |slot: &Slot| bundle.slot(*slot).index;
        self.report_only.extend(self.asking_reported.iter().filter(|slot| is_unmet(slot)).map(index));
        if !self.policies.is_empty() {
            self.reason = Reason::BlockedByPolicy;
        } else {
            self.policies.extend(self.asking.iter().filter(|slot| is_unmet(slot)).map(index));
            let default = bundle.identity().default_decision;
            if !self.policies.is_empty() {
                self.reason = Reason::ControlsUnmet;
                self.note_unmet(bundle, request);
            } else if default == DefaultDecision::Block && !self.asking.iter().any(|slot| is_certain(*slot)) {
                self.reason = Reason::DefaultDecision;
            } else if self.asking.is_empty() {
                self.reason = Reason::NoPolicyApplies;
            } else {
                self.reason = Reason::ControlsMet;
                self.policies.extend(self.asking.iter().map(index));
            }
        }
        self.policies.sort();
        self.report_only.sort();
    }

    pub(super) fn message(&self) -> Option<&'static str> {
        self.message
    }

    /// Notes what somebody who is blocked can do: a personal account that a policy refuses as such has to be another.
    #[inline]
    pub(super) fn advise(&mut self, bundle: &CompiledBundle, identity: &Identity<'_>) {
        let is_blocked = self.reason == Reason::BlockedByPolicy;
        if !is_blocked || identity.kind != IdentityKind::User || guest::is_personal(identity) != Truth::True {
            return;
        }
        let refuses = |slot: &&Slot| {
            let policy = bundle.slot(**slot);
            let guests = policy.users.include.guests.as_ref();
            self.policies.as_slice().binary_search(&policy.index).is_ok()
                && guests.is_some_and(|guests| guest::is_among(guests, identity) == Truth::True)
        };
        self.message = bundle.users().naming_personal_accounts().iter().find(refuses).map(|_| USE_A_WORK_ACCOUNT);
    }

    fn note_unmet(&mut self, bundle: &CompiledBundle, request: &TokenRequest<'_>) {
        for slot in self.asking.iter().copied().filter(|slot| !control::is_met(bundle.slot(*slot), request)) {
            let open = control::open(bundle.slot(slot), request);
            self.unmet.extend(open.map(|(place, _)| (slot, place)));
        }
        let control = |(slot, place): &(Slot, usize)| control::all(bundle.slot(*slot)).get(*place);
        self.unmet.sort_unstable_by(|a, b| {
            control(a).map(CompiledControl::order).cmp(&control(b).map(CompiledControl::order))
        });
        // WHY: by name, because two policies may expand one strength differently.
        self.unmet.dedup_by(|a, b| control(a).map(CompiledControl::name) == control(b).map(CompiledControl::name));
    }
}

/// The ends of the lists, for wide policies.
pub(super) struct WideNotes<'c> {
    enforced: Run<'c>,
    reported: Run<'c>,
    asking: &'c mut Vec<Slot>,
    asking_reported: &'c mut Vec<Slot>,
}

impl WideNotes<'_> {
    /// Notes those of a block of `policies`.
    // WHY always: a call for each block would fetch where the lists end each time.
    #[inline(always)]
    pub(super) fn add(&mut self, policies: &WideMasks, block: Applying) {
        let Applying { first, blocking, asking, report_only } = block;
        let policy = |bit| policies.policy(first + bit);
        for bit in ones(blocking & !report_only) {
            self.enforced.push_if(true, policy(bit));
        }
        for bit in ones(blocking & report_only) {
            self.reported.push_if(true, policy(bit));
        }
        if asking != 0 {
            self.add_asking(first, asking & !report_only, asking & report_only);
        }
    }

    /// WHY apart: nearly all policies of workloads block.
    #[cold]
    fn add_asking(&mut self, first: Slot, enforced: u64, reported: u64) {
        self.asking.extend(ones(enforced).map(|bit| first + bit));
        self.asking_reported.extend(ones(reported).map(|bit| first + bit));
    }
}

/// A policy that blocks, or would, when it applies.
pub(super) struct Blocking {
    pub(super) policy: PolicyIndex,
    pub(super) is_report_only: bool,
    pub(super) applies: bool,
}

impl Blocking {
    #[inline]
    pub(super) fn of(gate: Gate, applies: bool) -> Self {
        Self { policy: gate.index, is_report_only: gate.is_report_only(), applies }
    }
}

/// Policies, in memory that holds all of a bundle.
#[derive(Debug, Default)]
struct List {
    items: Vec<PolicyIndex>,
    len: usize,
    /// What stands before and what from here on is in bundle order; `None`: nobody knows any order.
    second_run: Option<usize>,
}

/// The end of a [`List`], while policies are appended one after the other.
struct Run<'l> {
    items: &'l mut [PolicyIndex],
    len: usize,
}

impl Run<'_> {
    /// Appends `policy` if `is_in`, without a branch on it.
    #[inline]
    fn push_if(&mut self, is_in: bool, policy: PolicyIndex) {
        if let Some(place) = self.items.get_mut(self.len) {
            *place = policy;
        }
        self.len += usize::from(is_in);
    }
}

impl List {
    #[inline]
    fn as_slice(&self) -> &[PolicyIndex] {
        self.items.get(..self.len).unwrap_or_default()
    }

    fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn clear(&mut self) {
        self.len = 0;
        self.second_run = None;
    }

    #[inline]
    fn run(&mut self) -> Run<'_> {
        Run { items: &mut self.items, len: self.len }
    }

    /// Appends `policies`, which are in bundle order and in that of the run.
    #[inline]
    fn append(&mut self, policies: impl Iterator<Item = PolicyIndex>) {
        let mut run = self.run();
        policies.for_each(|policy| run.push_if(true, policy));
        self.len = run.len;
    }

    /// Appends `policy` if `is_in`, in no order.
    #[inline]
    fn push_if(&mut self, is_in: bool, policy: PolicyIndex) {
        let mut run = self.run();
        run.push_if(is_in, policy);
        (self.len, self.second_run) = (run.len, None);
    }

    fn extend(&mut self, policies: impl Iterator<Item = PolicyIndex>) {
        policies.for_each(|policy| self.push_if(true, policy));
    }

    /// Bundle order.
    #[inline]
    fn sort(&mut self) {
        // WHY asked here: most lists are short or in order, and a call that finds that out costs more than the question.
        if self.len > 1 && !self.is_in_order() {
            self.items.get_mut(..self.len).unwrap_or_default().sort_unstable();
        }
        debug_assert!(self.as_slice().is_sorted(), "both runs were in bundle order");
    }

    /// Whether it is known to be in order: two runs are when one is empty, or the second begins above the end of the first.
    ///
    /// WHY: without a branch, since nobody can predict which runs are empty.
    #[inline]
    fn is_in_order(&self) -> bool {
        self.second_run.is_some_and(|second| {
            let at = |place: usize| self.items.get(place).map_or(0, |policy| policy.0);
            (second == 0) | (second == self.len) | (at(second.wrapping_sub(1)) < at(second))
        })
    }
}

const USE_A_WORK_ACCOUNT: &str =
    "Personal Microsoft accounts cannot be used here. Sign in with a work or school account.";

impl CompiledControl {
    /// Place in the order of Entra's prompts; a strength stands where MFA does.
    fn order(&self) -> (usize, &str) {
        match self {
            Self::AuthenticationStrength { id, .. } => (1, id),
            Self::BuiltIn(control) => (2 + *control as usize, ""),
            Self::TermsOfUse(id) => (100, id),
            Self::CustomFactor(id) => (101, id),
        }
    }

    /// The control as answers name it.
    pub(crate) fn name(&self) -> Control<'_> {
        match self {
            Self::BuiltIn(control) => Control::BuiltIn(*control),
            Self::AuthenticationStrength { id, .. } => Control::AuthenticationStrength(id),
            Self::TermsOfUse(id) => Control::TermsOfUse(id),
            Self::CustomFactor(id) => Control::CustomFactor(id),
        }
    }
}
