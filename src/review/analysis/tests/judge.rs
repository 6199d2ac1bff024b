//! Holds what the analysis finds against what bundles decide, request by request.

use std::collections::HashMap;

use super::super::axis::{Axis, Meaning};
use super::super::bits::{restrict, subtract, unite};
use super::super::change::Change;
use super::super::fact::{Fact, Witness};
use super::super::maker::kept;
use super::super::outcome::Outcome;
use super::super::space::{Spaces, spaces};
use super::super::tell::{Teller, Told};
use super::super::universe::Universe;
use super::super::walk::{Found, Left, Path, Space, Steps, Walk};
use super::super::words::Places;
use super::super::{Pass, diff, identity, network, start};
use super::tenant::STRENGTHS;
use crate::compile::CompiledBundle;
use crate::evaluate::probe::{self, Probe};
use crate::evaluate::{Evaluation, evaluate};
use crate::model::{AuthenticationMethod as Method, Condition, GrantControl, Id, IdentityKind};

/// The group of `axis` that the policies take for what `meaning` says.
fn group(axis: &Axis, policies: &[u64], mut meaning: Meaning) -> Option<usize> {
    restrict(&mut meaning.keep, policies);
    (0..axis.groups.len()).find(|group| {
        let (mut keep, mut raise) = (policies.to_vec(), vec![0; policies.len()]);
        for column in &axis.columns {
            match column.row.contains(*group) {
                true => unite(&mut raise, &column.raise),
                false => subtract(&mut keep, &column.drop),
            }
        }
        (keep, raise) == (meaning.keep.clone(), meaning.raise.clone())
    })
}

/// The groups of `witness` in `space`; `None` when the request is not of this space or refused.
pub fn place(universe: &Universe<'_>, space: &Space, rows: &[network::Rows], witness: &Witness) -> Option<Vec<usize>> {
    let mut probe = Probe::default();
    let request = witness.request();
    let mut groups = Vec::new();
    for (depth, axis) in space.axes.iter().enumerate() {
        let plain = |keep| Meaning { keep, raise: universe.none() };
        let found = match (axis.condition, &axis.atoms[0]) {
            (Condition::Users, Fact::Identity(_)) if space.sides > 0 => {
                let mut alone = witness.clone();
                (alone.groups, alone.roles) = (Vec::new(), Vec::new());
                let (meaning, refused) = identity::sides(universe, &mut probe, &alone.request());
                if refused > 0 {
                    return None;
                }
                group(axis, &space.policies, meaning)
            }
            (Condition::Users, Fact::Group(id, _) | Fact::Role(id, _)) => {
                let atom = usize::from(witness.groups.contains(id) || witness.roles.contains(id));
                axis.groups.iter().position(|group| group.atoms.contains(&atom))
            }
            (condition, _) if condition.is_of_identity() => {
                let (keep, refused) = identity::covering(universe, &mut probe, &request);
                if refused > 0 {
                    return None;
                }
                group(axis, &space.policies, plain(keep))
            }
            (Condition::Location, _) => {
                group(axis, &space.policies, plain(network::keep(universe, rows, &witness.network, &mut probe)?))
            }
            (condition, _) => group(axis, &space.policies, plain(kept(universe, &mut probe, &request, condition)?)),
        };
        groups.push(
            found.unwrap_or_else(|| {
                panic!("axis {depth} {:?} is not cut finely enough for {witness:?}", axis.condition)
            }),
        );
    }
    Some(groups)
}

pub fn is_of(space: &Space, witness: &Witness) -> bool {
    let Fact::Identity(sample) = &space.axes[0].atoms[0] else { return false };
    let is_kind = match witness.who.kind {
        IdentityKind::ServicePrincipal | IdentityKind::ManagedIdentity => space.name == "workloads",
        IdentityKind::AgentIdentity => space.name == "agent identities",
        IdentityKind::AgentUser => space.name == "agents' user accounts",
        IdentityKind::User => space.name == "users",
    };
    // A space in which memberships are known has an axis for each group and role, if any policy names one.
    let names = |is_one: fn(&Fact) -> bool| space.axes.iter().any(|axis| axis.atoms.first().is_some_and(is_one));
    let names_groups = names(|fact| matches!(fact, Fact::Group(..)));
    let names_roles = names(|fact| matches!(fact, Fact::Role(..)));
    is_kind
        && (sample.kind != IdentityKind::User
            || ((witness.who.has_groups == sample.has_groups || (sample.has_groups && !names_groups))
                && (witness.who.has_roles == sample.has_roles || (sample.has_roles && !names_roles))))
}

pub fn contains(path: &Path, groups: &[usize]) -> bool {
    path.groups.iter().zip(groups).all(|(set, group)| set.as_ref().is_none_or(|set| set.contains(*group)))
}

/// What somebody has satisfied.
#[derive(Debug)]
pub struct Met {
    built_in: &'static [GrantControl],
    methods: &'static [Method],
    /// Authentication strengths, by id.
    strengths: &'static [&'static str],
}

impl Met {
    const fn new(
        built_in: &'static [GrantControl],
        methods: &'static [Method],
        strengths: &'static [&'static str],
    ) -> Self {
        Self { built_in, methods, strengths }
    }

    /// Whether `witness` may have: a device that is said not to be compliant satisfies nobody.
    fn fits(&self, witness: &Witness) -> bool {
        let device = witness.device.as_ref();
        !self.built_in.iter().any(|control| device.is_some_and(|device| device.contradicts(*control)))
    }

    /// `witness`, that has satisfied this.
    pub fn by(&self, witness: &Witness) -> Witness {
        Witness {
            built_in: self.built_in.iter().copied().collect(),
            methods: self.methods.iter().copied().collect(),
            strengths: self.strengths.iter().map(|id| Id::new(id)).collect(),
            ..witness.clone()
        }
    }
}

pub static SATISFIED: [Met; 9] = [
    Met::new(&[], &[], &[]),
    Met::new(&[GrantControl::Mfa], &[], &[]),
    Met::new(&[GrantControl::CompliantDevice], &[], &[]),
    Met::new(&[GrantControl::Mfa, GrantControl::CompliantDevice], &[], &[]),
    Met::new(&[GrantControl::CompliantDevice], &[Method::Fido2], &[]),
    Met::new(&[GrantControl::CompliantDevice], &[Method::Password, Method::Sms], &[]),
    Met::new(&[GrantControl::Mfa, GrantControl::CompliantDevice], &[Method::X509CertificateMultiFactor], &[]),
    Met::new(&[GrantControl::Mfa], &[], &[STRENGTHS[0]]),
    Met::new(&[GrantControl::CompliantDevice], &[Method::Fido2], &[STRENGTHS[1]]),
];

/// Whether `outcome` lets `witness` through, who has satisfied `met`.
fn lets(universe: &Universe<'_>, outcome: &Outcome, witness: &Witness, met: &Met) -> bool {
    let somebody = met.by(witness);
    let request = somebody.request();
    let is_met = |number: &u32| universe.controls.0[*number as usize].is_met(&request);
    let outcome = match probe::leads_to_compliance(&request.resource) {
        true => &outcome.on_the_way(&universe.controls),
        false => outcome,
    };
    match outcome {
        Outcome::Blocked => false,
        Outcome::Open { clauses, .. } => clauses.iter().all(|clause| clause.iter().any(is_met)),
    }
}

/// Holds the regions in which two bundles differ against what both decide. How many requests were looked at, and how
/// many, with some controls, change.
pub fn agree(bundles: [&CompiledBundle; 2], requests: &[Witness], told: &str) -> (usize, usize) {
    let (mut placed, mut changed) = (0, 0);
    let [before, after] = bundles;
    let told_by_diff = diff(before, after).unwrap_or_else(|error| panic!("{error}\n{told}"));
    // What is spared on the way to a compliant device can hide a difference there, which is then told as left out.
    let hides_the_way = told_by_diff.notes.iter().any(|note| note.leaves_out);
    let universe = Universe::new(before, after);
    let Spaces { spaces, ground, .. } = spaces(&universe, &|_| true);
    let rows = network::rows(&universe);
    let (mut places, mut known) = (Places::of(&ground), HashMap::new());
    let mut tell = |space, change, path: &Path| {
        let pass = Pass::of(&|_, _| true);
        let teller = Teller { universe: &universe, space, pass: &pass, change };
        *known.entry(std::ptr::from_ref(path)).or_insert_with(|| match teller.tell(path, &mut places) {
            Ok(Told::Region(region)) => Some(region.loosens),
            Ok(Told::Alike) => None,
            other => panic!("{other:?}\n{told}"),
        })
    };
    let walk = |space, is_report_only| {
        let question = Change::new(&universe, is_report_only, |_, _| true);
        let start = start(&universe, space, is_report_only, |_, _| true);
        Walk::run(space, question, &start, &mut Steps::each())
    };
    let walks: Vec<_> = spaces.iter().map(|space| [walk(space, false), walk(space, true)]).collect();
    for (space, of_space) in spaces.iter().zip(&walks) {
        of_space.iter().zip([false, true]).for_each(|(found, it)| sooner(&universe, space, found, it, told));
    }
    let is_hidden = |witness: &&Witness| hides_the_way && probe::leads_to_compliance(&witness.request().resource);
    for witness in requests.iter().filter(|witness| !is_hidden(witness)) {
        let Some((space, [Found { paths, left, question: change }, reported])) =
            spaces.iter().zip(&walks).find(|(space, _)| is_of(space, witness))
        else {
            // Nothing targets this kind of identity: nothing can change.
            let decisions = bundles.map(|bundle| decide(bundle, witness, &SATISFIED[0]));
            if decisions.iter().all(Option::is_some) {
                assert_eq!(decisions[0], decisions[1], "{witness:?}\n{told}");
            }
            continue;
        };
        assert_eq!(*left, Left::Nothing, "small bundles have few regions\n{told}");
        let Some(groups) = place(&universe, space, &rows, witness) else { continue };
        placed += 1;
        let found: Vec<_> = paths.iter().filter(|path| contains(path, &groups)).collect();
        assert!(found.len() <= 1, "regions are disjoint\n{told}");
        let reports: Vec<_> = reported.paths.iter().filter(|path| contains(path, &groups)).collect();
        for met in SATISFIED.iter().filter(|met| met.fits(witness)) {
            let decisions = bundles.map(|bundle| decide(bundle, witness, met));
            let silent = bundles.map(|bundle| reports_nothing(bundle, witness, met));
            match reports.first().and_then(|path| reported.question.outcomes(path.answer)) {
                None => assert_eq!(silent[0], silent[1], "report-only: {witness:?} with {met:?}\n{told}"),
                Some((one, other)) => {
                    let predicted = [one, other].map(|outcome| lets(&universe, outcome, witness, met));
                    assert_eq!(silent, predicted, "report-only: {witness:?} with {met:?}\n{told}");
                }
            }
            let told = format!("{witness:?} with {met:?}\n{told}");
            match found.first().and_then(|path| change.outcomes(path.answer)) {
                None => assert_eq!(decisions[0], decisions[1], "{told}"),
                Some((one, other)) => {
                    changed += 1;
                    let predicted = [one, other].map(|outcome| Some(lets(&universe, outcome, witness, met)));
                    let is_changed = decisions[0] != decisions[1];
                    let decided = decisions.map(|decision| decision.map(|(is_allowed, _)| is_allowed));
                    assert_eq!(decided, predicted, "{told}");
                    let loosens = tell(space, change, found[0]);
                    assert!(!is_changed || loosens.is_some(), "a change that is not told: {told}");
                    let is_let_in = decided == [Some(false), Some(true)];
                    assert!(!is_let_in || loosens == Some(true), "a loosening that is not told: {told}");
                }
            }
        }
    }
    (placed, changed)
}

/// A walk that looks for one region knows whether there is any, a cell of what it found has a region, and what a walk
/// without enough steps tells is part of what `found` has.
fn sooner(universe: &Universe<'_>, space: &Space, found: &Found<Change<'_, '_>>, is_report_only: bool, told: &str) {
    let question = || Change::new(universe, is_report_only, |_, _| true);
    let start = start(universe, space, is_report_only, |_, _| true);
    let first = Walk::first(space, question(), &start, &mut Steps::each());
    assert_eq!(first.is_nothing(), found.paths.is_empty(), "{told}");
    let outcomes = |found: &Found<Change<'_, '_>>, path: &Path| {
        let (before, after) = found.question.outcomes(path.answer).unwrap();
        [before.clone(), after.clone()].map(|outcome| match outcome {
            Outcome::Open { clauses, .. } => Outcome::Open { clauses, session: None },
            Outcome::Blocked => Outcome::Blocked,
        })
    };
    let is_part = |part: &Found<Change<'_, '_>>| {
        for path in &part.paths {
            let one = path.cell(space);
            let whole = found.paths.iter().find(|whole| contains(whole, &one));
            let whole = whole.unwrap_or_else(|| panic!("a region that is none\n{told}"));
            assert_eq!(outcomes(part, path), outcomes(found, whole), "{told}");
        }
    };
    if let Some(path) = first.paths.first() {
        let cell = Walk::within(space, question(), &start, path);
        assert_eq!(cell.paths.len(), 1, "{told}");
        is_part(&cell);
    }
    for steps in [0, 1, 3, 10, 30] {
        is_part(&Walk::run(space, question(), &start, &mut Steps::together(steps)));
    }
}

/// Whether a token is issued, and the session it comes with.
pub fn decide(bundle: &CompiledBundle, witness: &Witness, met: &Met) -> Option<(bool, String)> {
    let witness = met.by(witness);
    let mut evaluation = Evaluation::default();
    evaluate(bundle, &witness.request(), &mut evaluation).ok()?;
    let is_allowed = evaluation.decision() == crate::model::Decision::Allow;
    Some((is_allowed, format!("{:?}", evaluation.session(bundle))))
}

/// Whether no report-only policy would have kept the token back.
fn reports_nothing(bundle: &CompiledBundle, witness: &Witness, met: &Met) -> bool {
    let witness = met.by(witness);
    let mut evaluation = Evaluation::default();
    evaluate(bundle, &witness.request(), &mut evaluation).unwrap();
    evaluation.report_only().is_empty()
}
