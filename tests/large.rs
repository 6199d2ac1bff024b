//! Bundles larger than the scenes of `properties`: hundreds of locations, more wide policies than a word has bits, and
//! policies that name more locations than fit beside them.
//!
//! One memory of decisions serves all bundles in turn, as it does in a serving thread over reloads, and the oracle judges
//! every request.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that meets the unexpected must fail"
)]

#[expect(dead_code, reason = "shared with the properties, which need more of it")]
mod oracle;

use std::cell::{Cell, RefCell};

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};

use doorward::compile::{self, CompiledBundle};
use doorward::evaluate::{self, Evaluation};
use doorward::limits;
use doorward::model::location::{CountryLookup, Ranges};
use doorward::model::policy::{
    Conditions, LocationTarget, Locations, Policy, PrincipalTarget, ResourceTarget, Resources, Scope,
};
use doorward::model::{Bundle, LocationKind, NamedLocation, RiskLevel, Set};
use doorward::text::Diagnostics;

use oracle::generate::{Scene, placed, policy, scene};
use oracle::world::{self, COUNTRIES, PRINCIPALS, RANGES};

/// How a location or policy is made: by numbers, so that thousands cost the generator little.
type Seed = (Index, Index, Index, u8);

/// The scene, with so many locations and further policies that workloads meet.
fn enlarged(scene: Scene, locations: &[Seed], policies: Vec<(Policy, Vec<Index>, Vec<Index>, u8)>) -> Scene {
    let Scene { mut bundle, requests } = scene;
    for (number, seed) in locations.iter().enumerate() {
        bundle.locations.push(NamedLocation {
            id: None,
            display_name: placed(format!("More {number}").into()),
            kind: location(seed),
            kept: Vec::new(),
        });
    }
    let names: Vec<_> = bundle.locations.iter().map(|location| location.display_name.value.clone()).collect();
    let target = |index: &Index| match index.index(names.len() + 2) {
        0 => LocationTarget::AllTrusted,
        1 => LocationTarget::All,
        named => LocationTarget::Named(names[named - 2].clone()),
    };
    for (number, (policy, include, exclude, kind)) in policies.into_iter().enumerate() {
        let targets = |list: &[Index]| list.iter().map(|index| placed(target(index))).collect();
        let own = Locations { include: targets(&include), exclude: targets(&exclude) };
        let mut policy = Policy {
            id: Some(placed(format!("more-{number}").into())),
            display_name: placed(format!("More {number}").into()),
            ..policy
        };
        policy.conditions.locations = own;
        if kind % 4 > 0 {
            policy.conditions = plain(std::mem::take(&mut policy.conditions), kind);
        }
        bundle.policies.push(policy);
    }
    Scene { bundle, requests }
}

/// A policy for workloads with no other conditions than location and risk.
fn plain(conditions: Conditions, kind: u8) -> Conditions {
    let all = PrincipalTarget::All;
    let one = PrincipalTarget::Named(PRINCIPALS[usize::from(kind / 4) % 3].into());
    let (include, exclude) = match kind % 8 {
        1 | 2 => (vec![all], vec![]),
        3 | 5 => (vec![all], vec![one]),
        _ => (vec![one], vec![]),
    };
    let placed_all = |list: Vec<_>| list.into_iter().map(placed).collect();
    Conditions {
        service_principals: Scope { include: placed_all(include), exclude: placed_all(exclude), filter: None },
        locations: conditions.locations,
        resources: Resources { include: vec![placed(ResourceTarget::All)], ..Resources::default() },
        service_principal_risk: match kind / 8 % 4 {
            0 => Set::from_iter([RiskLevel::High, RiskLevel::None]),
            _ => Set::EMPTY,
        },
        ..Conditions::default()
    }
}

fn location((one, two, three, kind): &Seed) -> LocationKind {
    let countries = [one, two].map(|index| index.get(&COUNTRIES)).into_iter();
    let countries = countries.filter_map(|code| doorward::model::location::Country::new(code)).collect();
    match kind % 16 {
        0 | 1 => {
            LocationKind::Country { countries, include_unknown: *kind > 99, lookup: CountryLookup::ClientIpAddress }
        }
        2 => {
            LocationKind::Country { countries, include_unknown: *kind > 99, lookup: CountryLookup::AuthenticatorAppGps }
        }
        3 => LocationKind::CompliantNetwork { is_trusted: *kind > 99 },
        _ => {
            let mut ranges = Ranges::default();
            [one, two, three].into_iter().for_each(|index| ranges.push(world::range(*index.get(&RANGES))));
            LocationKind::Ip { ranges, is_trusted: *kind > 240 }
        }
    }
}

fn large_scene() -> impl Strategy<Value = Scene> {
    let most = limits::LOCATIONS_MAX - 5;
    let sizes = select(vec![(0, 8), (3, 80), (61, 130), (300, 70), (most, 200)]);
    let seed = || (any::<Index>(), any::<Index>(), any::<Index>(), any::<u8>());
    (scene(false, 12), sizes).prop_flat_map(move |(scene, (locations, policies))| {
        let names = |most| weighted(0.7, vec(any::<Index>(), 0..=most)).prop_map(Option::unwrap_or_default);
        let policy = (policy().boxed(), names(7), names(7), any::<u8>());
        (Just(scene), vec(seed(), locations), vec(policy, policies))
            .prop_map(|(scene, locations, policies)| enlarged(scene, &locations, policies))
    })
}

fn compiled(bundle: &Bundle) -> CompiledBundle {
    let mut diagnostics = Diagnostics::default();
    let compiled = compile::build(bundle.clone(), "digest", None, &mut diagnostics);
    let problems: Vec<_> = diagnostics.iter().map(|problem| (problem.rule.id, &problem.what)).collect();
    compiled.unwrap_or_else(|| panic!("the bundle compiles: {problems:?}"))
}

#[test]
fn large_bundles_decide_as_the_oracle_does_whatever_was_decided_before() {
    let config = Config { cases: 24, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let memory = RefCell::new(Evaluation::default());
    let decided = Cell::new(0);
    let outcome = runner.run(&large_scene(), |scene| {
        let bundle = compiled(&scene.bundle);
        let evaluation = &mut *memory.borrow_mut();
        for request in &scene.requests {
            let Ok(expected) = oracle::decide(&scene.bundle, &|_| None, request) else {
                prop_assert!(evaluate::evaluate(&bundle, request, evaluation).is_err());
                continue;
            };
            prop_assert!(evaluate::evaluate(&bundle, request, evaluation).is_ok());
            let places = |list: &[compile::PolicyIndex]| list.iter().map(|index| index.as_usize()).collect::<Vec<_>>();
            prop_assert_eq!(evaluation.reason(), expected.reason, "{:?}", request);
            prop_assert_eq!(places(evaluation.policies()), expected.policies, "{:?}", request);
            prop_assert_eq!(places(evaluation.report_only()), expected.report_only, "{:?}", request);
            decided.set(decided.get() + 1);
        }
        Ok(())
    });
    if let Err(problem) = outcome {
        panic!("{}", problem.to_string().chars().take(3_000).collect::<String>());
    }
    assert!(decided.get() > 0, "something was decided");
}
