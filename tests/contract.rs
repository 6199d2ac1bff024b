//! The contract of all doors: the same facts get the same decision through every one, the one that evaluation gives.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic, its helpers too")]

#[path = "contract/asked.rs"]
mod asked;
#[path = "contract/bundle.rs"]
mod bundle;
#[path = "contract/door.rs"]
mod door;
#[path = "contract/gateway.rs"]
mod gateway;
#[path = "serve/issuer.rs"]
#[allow(dead_code, reason = "shared with another test, which uses all of it")]
mod issuer;
#[path = "contract/native.rs"]
mod native;
#[path = "contract/question.rs"]
mod question;
#[path = "contract/world.rs"]
mod world;

use std::collections::BTreeSet;

use doorward::observe::metrics::Surface;

use crate::asked::{Asked, Fact};
use crate::door::DOORS;
use crate::world::{Over, Told, World};

/// How many requests are made up, before those are left out whose facts too few doors can carry.
const REQUESTS: usize = 200;

/// How many of them are asked of a door that is a process each time.
const PROCESSES: usize = 25;

/// Doors that decide and have no row.
const NOT_HERE: [&str; 1] = ["hook"];

/// The facts that each door can say, and those that all of them can.
fn vocabularies() -> BTreeSet<BTreeSet<Fact>> {
    let of_doors = DOORS.iter().map(|door| door.says.iter().copied().collect::<BTreeSet<_>>());
    let common = of_doors.clone().reduce(|one, other| one.intersection(&other).copied().collect()).unwrap();
    of_doors.chain([common]).collect()
}

/// What a door can be told is asked of every door that can be told it: facts that one of them cannot carry are left out
/// for all. Doors that name policies must name those of evaluation.
#[test]
fn every_door_gives_the_decision_of_evaluation() {
    let world = World::start();
    let mut random = fastrand::Rng::with_seed(1);
    let all: Vec<Asked> = (0..REQUESTS).map(|_| Asked::random(&mut random)).collect();
    let (mut seen, mut is_common) = (BTreeSet::new(), true);
    let mut vocabularies: Vec<_> = vocabularies().into_iter().collect();
    vocabularies.sort_by_key(BTreeSet::len);
    for says in vocabularies {
        let mut known = BTreeSet::new();
        let cases = all.iter().filter_map(|asked| asked.only(&says)).filter(|asked| known.insert(asked.clone()));
        let cases: Vec<Asked> = cases.collect();
        let expected: Vec<Told> = cases.iter().map(|case| world.evaluate(case)).collect();
        let allowed = expected.iter().filter(|told| told.is_allowed).count();
        // It would hold of doors that say one thing to everybody.
        assert!(allowed > 10 && expected.len() - allowed > 10, "{allowed} of {} with {says:?}", expected.len());
        for fact in says.iter().filter(|fact| **fact != Fact::Kind) {
            let fewer = says.iter().copied().filter(|other| other != fact).collect();
            let allows = |case: &Asked| world.evaluate(case).is_allowed;
            let is_decided = |case: &&Asked| case.only(&fewer).is_some_and(|without| allows(&without) != allows(case));
            assert!(cases.iter().any(|case| is_decided(&case)), "{fact:?} decides something with {says:?}");
        }
        seen.extend(expected.iter().flat_map(|told| told.policies.iter().flatten().cloned()));
        let doors: Vec<_> = DOORS.iter().filter(|door| says.iter().all(|fact| door.says.contains(fact))).collect();
        assert!(!is_common || doors.len() == DOORS.len(), "the fewest facts go through all doors");
        is_common = false;
        for door in doors {
            for over in door.over {
                // A process each takes its time.
                let cases = if *over == Over::Process { &cases[..cases.len().min(PROCESSES)] } else { &cases };
                let told = (door.ask)(&world, *over, cases);
                assert_eq!(told.len(), cases.len(), "{} {over:?}", door.name);
                for ((case, expected), told) in cases.iter().zip(&expected).zip(told) {
                    let expected =
                        Told { policies: told.policies.as_ref().and(expected.policies.clone()), ..*expected };
                    assert_eq!(told, expected, "{} {over:?} asked {case:?}", door.name);
                }
            }
        }
    }
    assert_eq!(seen, bundle::policies(), "every policy decides something");
    let asked = world.surfaces();
    let left_out: Vec<_> =
        Surface::ALL.map(Surface::as_str).into_iter().filter(|name| !asked.contains(*name)).collect();
    assert_eq!(left_out, NOT_HERE, "a door that decides has a row in the table");
}
