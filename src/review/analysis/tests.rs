//! The analysis against brute force: small bundles, and requests that do not come from it.
//!
//! For each pair of generated bundles every request of a small universe is decided by both, with several sets of
//! satisfied controls. A request is put into the space by asking what the policies make of each of its facts; one that
//! falls into no group means that the cut is not fine enough. Then: a decision changes exactly in the regions.

mod crowd;
mod device;
mod ids;
mod impact;
mod judge;
mod many;
mod prove;
mod rich;
mod shaping;
mod tenant;
pub mod whole;
mod wide;

use fastrand::Rng;

use super::network;
use super::space::{Spaces, spaces};
use super::start;
use super::universe::Universe;
use super::walk::{Found, Steps, Walk};
use crate::evaluate::{Evaluation, evaluate};
use judge::{SATISFIED, agree, contains, decide, is_of, place};
use tenant::{ADDRESSES, STRENGTHS, TENANT, bundle, compiled, policy, requests, settings, some};

#[test]
fn a_decision_changes_exactly_in_the_regions() {
    let (mut compared, mut changed, mut placed) = (0, 0, 0);
    for seed in 0..250 {
        let mut rng = Rng::with_seed(seed);
        let of_before = settings(&mut rng);
        let of_after = if rng.u8(..3) == 0 { settings(&mut rng) } else { of_before.clone() };
        let text = bundle(&mut rng);
        // Mostly an edit of one line, else another bundle.
        let edited = if rng.u8(..4) == 0 {
            bundle(&mut rng)
        } else {
            let lines: Vec<_> = text.lines().collect();
            let policies = lines.iter().position(|line| *line == "policies:").unwrap();
            let chosen = rng.usize(policies + 1..lines.len());
            let change = |(at, line): (usize, &&str)| {
                if at == chosen { policy(&mut rng, at - policies - 1) } else { format!("{line}\n") }
            };
            lines.iter().enumerate().map(change).collect()
        };
        let (before, after) = (compiled(&text, &of_before), compiled(&edited, &of_after));
        let found = agree(
            [&before, &after],
            &requests(&mut rng, 60),
            &format!("seed {seed}\n{of_before}{text}\n{of_after}{edited}"),
        );
        (compared, placed, changed) = (compared + 60, placed + found.0, changed + found.1);
    }
    assert!(compared == 15_000 && placed > 6_000 && changed > 2_000, "{compared} {placed} {changed}");
}

#[test]
fn a_policy_is_idle_exactly_when_no_decision_needs_it_and_a_request_is_open_exactly_where_none_applies() {
    let (mut idle, mut needed, mut unconstrained) = (0, 0, 0);
    for seed in 0..150 {
        let mut rng = Rng::with_seed(seed);
        let settings = settings(&mut rng).replace("defaultDecision: block\n", "");
        let text = bundle(&mut rng);
        let whole = compiled(&text, &settings);
        let gaps = super::gaps(&whole).unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}"));
        let requests = requests(&mut rng, 60);
        for (index, head) in whole.indexed_policies().filter(|(_, head)| head.takes_part) {
            let own = format!("displayName: {},", head.display_name);
            let rest: String =
                text.lines().filter(|line| !line.contains(&own)).map(|line| format!("{line}\n")).collect();
            let rest = if rest.ends_with("policies:\n") { rest.replace("policies:\n", "") } else { rest };
            let without = compiled(&rest, &settings);
            let changes = super::diff(&whole, &without).unwrap();
            let is_same = changes.regions.is_empty() && !changes.notes.iter().any(|note| note.leaves_out);
            assert_eq!(is_same, gaps.idle.contains(&index), "seed {seed}: {own}\n{text}");
            if gaps.idle.contains(&index) {
                idle += 1;
                for (witness, controls) in requests.iter().zip(SATISFIED.iter().cycle()) {
                    let decisions = [&whole, &without].map(|bundle| decide(bundle, witness, controls));
                    assert_eq!(decisions[0], decisions[1], "seed {seed}: {own} {witness:?}\n{text}");
                }
            } else {
                needed += 1;
            }
        }
        let universe = Universe::new(&whole, &whole);
        let Spaces { spaces, .. } = spaces(&universe, &|_| true);
        let rows = network::rows(&universe);
        for space in &spaces {
            let question = super::gaps::Nothing { words: universe.words };
            let start = start(&universe, space, false, |side, _| side == 0);
            let Found { paths, .. } = Walk::run(space, question, &start, &mut Steps::each());
            for witness in requests.iter().filter(|witness| is_of(space, witness)) {
                let Some(groups) = place(&universe, space, &rows, witness) else { continue };
                let mut evaluation = Evaluation::default();
                evaluate(&whole, &witness.request(), &mut evaluation).unwrap();
                let is_open = evaluation.reason() == crate::model::Reason::NoPolicyApplies;
                unconstrained += usize::from(is_open);
                let found = paths.iter().filter(|path| contains(path, &groups)).count();
                assert_eq!(found, usize::from(is_open), "seed {seed}: {witness:?}\n{text}");
            }
        }
    }
    assert!(idle > 20 && needed > 100 && unconstrained > 500, "{idle} {needed} {unconstrained}");
}

#[test]
fn policies_that_differ_in_name_only_are_identical_and_both_idle() {
    let block = "state: enabled, conditions: { clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] } }, grantControls: { builtInControls: [block] }";
    let text = format!("policies:\n  - {{ displayName: One, {block} }}\n  - {{ displayName: Two, {block} }}\n");
    let bundle = compiled(&text, "");
    let gaps = super::gaps(&bundle).unwrap();
    let both: Vec<_> = bundle.indexed_policies().map(|(index, _)| index).collect();
    assert_eq!((gaps.idle, gaps.identical), (both.clone(), vec![both]));
    let told: Vec<_> = gaps.open.iter().map(|open| (open.subjects, open.facets.is_empty())).collect();
    let whole = |subjects| (subjects, true);
    let others = ["agent identities", "agents' user accounts", "users"].map(whole);
    assert_eq!(told[0], ("workloads", false), "who is not eligible is covered by no policy");
    assert_eq!(told[1..], others, "nor is whom no policy targets");
}

// Of two strengths of one id only the stronger one's methods satisfy it alone, so `diff` took a region in which the
// weaker one came in its place for controls that no request can tell apart, and dropped it with whatever else changed.
#[test]
fn a_strength_that_admits_more_lets_somebody_in_and_one_that_admits_less_does_not() {
    let of = |controls: &str, allowed: &str| {
        let strength = format!("authenticationStrength: {{ id: {}, allowedCombinations: [{allowed}] }}", STRENGTHS[0]);
        let users = "users: { includeUsers: [All] }, applications: { includeApplications: [All] }";
        let grant = format!("operator: AND, builtInControls: [{controls}], {strength}");
        let text = format!(
            "policies:\n  - {{ displayName: P, state: enabled, conditions: {{ {users} }}, grantControls: {{ {grant} }} }}\n"
        );
        compiled(&text, "")
    };
    let strict = of("", "fido2");
    let wide = of("", "fido2, 'password,sms'");
    let both = of("compliantDevice", "fido2");
    let told = |before, after| -> Vec<bool> {
        let found = super::diff(before, after).unwrap();
        assert!(found.notes.is_empty() && !found.is_cut, "{:?}", found.notes);
        assert!(found.regions.iter().all(|region| region.witness.is_some()), "{:?}", found.regions);
        found.regions.iter().map(|region| region.loosens).collect()
    };
    let words = super::diff(&strict, &wide).unwrap().regions.remove(0);
    assert!(words.before.ends_with("(fido2)") && words.after.ends_with("(fido2, password+sms)"), "{words:?}");
    assert_eq!(told(&strict, &wide), [true]);
    assert_eq!(told(&wide, &strict), [false]);
    assert_eq!(told(&both, &wide), [true]);
    assert_eq!(told(&wide, &both), [false]);
    assert_eq!(told(&wide, &of("", "'password,sms', fido2")), Vec::<bool>::new(), "the same in other words");
}
