//! Conditions in Cedar: the engine and the oracle, which takes them apart in its own way, always agree.

use std::cell::Cell;

use proptest::test_runner::{Config, TestRunner};

use doorward::model::Truth;

use super::judge::Countries;
use super::oracle::generate::scene;
use super::oracle::generate_when::conditional;
use super::{config, judges_agree, seeds, traces_agree};
use crate::oracle;

#[test]
fn engine_and_oracle_agree_on_conditions_in_cedar() {
    let countries = Countries::few();
    let seen = [const { Cell::new(0) }; 3];
    let mut runner = TestRunner::new(Config { cases: seeds::cases(192), max_shrink_iters: 512, ..config() });
    let outcome = runner.run(&conditional(scene(true, 6)), |scene| {
        let held = Some(&countries).filter(|_| scene.bundle.settings.country_database.is_some());
        let country_of = |address| held.map(|countries| countries.of(address));
        for request in &scene.requests {
            for policy in scene.bundle.policies.iter().filter(|policy| policy.when.is_some()) {
                let conditions = oracle::conditions(&scene.bundle, &country_of, request, policy);
                let (_, holds) = conditions.into_iter().find(|(name, _)| *name == "when").expect("there is one");
                let count = &seen[match holds {
                    Truth::False => 0,
                    Truth::Unknown => 1,
                    Truth::True => 2,
                }];
                count.set(count.get() + 1);
            }
        }
        judges_agree(&scene, Some(&countries))?;
        traces_agree(&scene, Some(&countries))
    });
    if let Err(problem) = outcome {
        panic!("{}", problem.to_string().chars().take(8_000).collect::<String>());
    }
    assert!(seen.iter().all(|count| count.get() > 100), "{seen:?}: conditions come out in every way");
}
