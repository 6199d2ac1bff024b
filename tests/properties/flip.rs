//! A proposed change of a request turns its decision around, always, and nothing smaller was there to propose.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use doorward::evaluate::{Evaluation, evaluate};
use doorward::model::{GrantControl, Reason, RiskLevel, TokenRequest};
use doorward::review::flip::{Flip, Mentions, flip};

use super::judge::{Bench, Judge};
use super::oracle::generate::{Scene, scene};
use super::oracle::generate_when::conditional;

/// For each request that can be decided: what it is decided, and the change.
fn flips(scene: &Scene) -> Vec<(&TokenRequest<'static>, Reason, Option<Flip>)> {
    let Bench::Engine(bundle) = Judge::Engine.bench(&scene.bundle, None) else { panic!("the engine was asked for") };
    let mentions = Mentions::of(&scene.bundle);
    let decided = scene.requests.iter().filter_map(|request| {
        let mut evaluation = Evaluation::default();
        evaluate(&bundle, request, &mut evaluation).ok()?;
        Some((
            request,
            evaluation.reason(),
            flip(&bundle, request, &mentions).and_then(|searched| searched.found().cloned()),
        ))
    });
    decided.collect()
}

/// Scenes of which some have conditions in Cedar, which are slow to try many changes on.
fn seldom_conditional() -> impl Strategy<Value = Scene> {
    prop_oneof![7 => scene(false, 4), 1 => conditional(scene(false, 4))]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 256, ..ProptestConfig::default() })]

    /// The oracle has a say too: both judges decide the changed request as promised.
    #[test]
    fn what_is_proposed_turns_the_decision_around(scene in seldom_conditional()) {
        for (request, reason, flip) in flips(&scene) {
            let decision = reason.decision();
            let Some(flip) = flip else { continue };
            prop_assert_ne!(flip.decision, decision);
            prop_assert!(!flip.facts.is_empty());
            let changed = flip.apply(request);
            for judge in super::JUDGES {
                let verdict = judge.bench(&scene.bundle, None).judge(&changed).expect("it contradicts nothing");
                prop_assert_eq!(verdict.decision, flip.decision, "{:?} {:?}", judge, flip.facts);
            }
        }
    }

    /// Each fact of a change is needed: with one of them left out the decision stays.
    #[test]
    fn nothing_is_proposed_in_vain(scene in seldom_conditional()) {
        for (request, reason, flip) in flips(&scene) {
            let decision = reason.decision();
            let Some(flip) = flip.filter(|flip| flip.facts.len() == 2) else { continue };
            for fact in &flip.facts {
                let alone = Flip { facts: vec![fact.clone()], ..flip.clone() };
                let verdict = Judge::Engine.bench(&scene.bundle, None).judge(&alone.apply(request));
                prop_assert!(verdict.is_err() || verdict.is_ok_and(|verdict| verdict.decision == decision));
            }
        }
    }
}

/// Or the properties above would hold of nothing.
#[test]
fn many_blocks_can_be_turned_around_and_in_many_ways() {
    let mut runner = TestRunner::deterministic();
    let (mut asked, mut found, mut fields) = (0, 0, std::collections::BTreeSet::new());
    for _ in 0..512 {
        let scene = scene(false, 4).new_tree(&mut runner).expect("a scene is generated").current();
        for (_, reason, flip) in flips(&scene) {
            // What no policy covers is blocked by default, and only another identity would be covered.
            let is_asked = matches!(reason, Reason::BlockedByPolicy | Reason::ControlsUnmet);
            asked += usize::from(is_asked);
            let Some(flip) = flip else { continue };
            found += usize::from(is_asked);
            fields.extend(flip.facts.iter().map(|fact| fact.field()));
        }
    }
    assert!(found * 3 > asked, "{found} of {asked}");
    for field in ["network.ipAddress", "satisfied.builtInControls", "risk.servicePrincipal", "resource.appIds"] {
        assert!(fields.contains(field), "{fields:?}");
    }
}

#[test]
fn one_fact_is_preferred_to_two() {
    let mut runner = TestRunner::deterministic();
    let mut ones = 0;
    for _ in 0..1024 {
        let scene = scene(false, 4).new_tree(&mut runner).expect("a scene is generated").current();
        for (request, reason, flip) in flips(&scene) {
            let decision = reason.decision();
            let bench = Judge::Engine.bench(&scene.bundle, None);
            let mut singles = Vec::new();
            let mut changed = request.clone();
            changed.satisfied.built_in.insert(GrantControl::Mfa);
            singles.push(changed);
            for level in [RiskLevel::None, RiskLevel::High] {
                let mut changed = request.clone();
                changed.risk.service_principal = level;
                singles.push(changed);
            }
            let turns = |changed: &TokenRequest<'_>| bench.judge(changed).is_ok_and(|it| it.decision != decision);
            if singles.iter().any(turns) {
                assert_eq!(flip.map(|flip| flip.facts.len()), Some(1));
                ones += 1;
            }
        }
    }
    assert!(ones > 0);
}
