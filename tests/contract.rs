//! The contract of all doors: the same facts get the same decision through every one, the one that evaluation gives.
#![cfg(feature = "serve")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic, its helpers too")]

#[path = "contract/asked.rs"]
mod asked;
#[path = "contract/bundle.rs"]
mod bundle;
#[path = "contract/door.rs"]
mod door;
#[path = "contract/gateway.rs"]
mod gateway;
#[path = "contract/hook.rs"]
mod hook;
#[path = "serve/issuer.rs"]
#[allow(dead_code, reason = "shared with another test, which uses all of it")]
mod issuer;
#[path = "contract/native.rs"]
mod native;
#[path = "contract/question.rs"]
mod question;
#[allow(dead_code, reason = "shared with other tests; each uses a part")]
mod support;
#[path = "contract/world.rs"]
mod world;

use std::collections::BTreeSet;

use doorward::observe::metrics::Surface;

use crate::asked::{Asked, Fact, Purpose};
use crate::door::{DOORS, Door};
use crate::world::{Over, Told, World};

/// How many requests are made up, before those are left out whose facts too few doors can carry.
const REQUESTS: usize = 200;

/// How many of them are asked of a door that is a process each time.
const PROCESSES: usize = 25;

/// Facts that can only be said of one purpose.
const fn is_of(fact: Fact, purpose: Purpose) -> bool {
    match purpose {
        Purpose::Use => !matches!(fact, Fact::Grant | Fact::Scopes),
        Purpose::Issue => !matches!(fact, Fact::Kind | Fact::Country | Fact::Risk | Fact::Device),
    }
}

/// The facts that each of the doors can say, and those that all of them can; the fewest first.
fn vocabularies(doors: &[&Door], purpose: Purpose) -> Vec<BTreeSet<Fact>> {
    let says = |door: &&Door| door.says.iter().copied().filter(|fact| is_of(*fact, purpose)).collect::<BTreeSet<_>>();
    let of_doors = doors.iter().map(says);
    let common = of_doors.clone().reduce(|one, other| one.intersection(&other).copied().collect()).unwrap();
    let all: BTreeSet<_> = of_doors.chain([common]).collect();
    let mut all: Vec<_> = all.into_iter().collect();
    all.sort_by_key(BTreeSet::len);
    all
}

/// What a door can be told is asked of every door that can be told it: facts that one of them cannot carry are left out
/// for all. Doors that name policies must name those of evaluation.
#[test]
fn every_door_gives_the_decision_of_evaluation() {
    let mut asked = BTreeSet::new();
    for purpose in [Purpose::Use, Purpose::Issue] {
        let world = World::start(purpose);
        let mut random = fastrand::Rng::with_seed(1);
        let mut all: Vec<Asked> = (0..REQUESTS).map(|_| Asked::random(&mut random, purpose)).collect();
        if purpose == Purpose::Issue {
            all.extend(Asked::with_scopes(&mut random));
        }
        let doors: Vec<_> = DOORS.iter().filter(|door| door.asks.contains(&purpose)).collect();
        let (mut seen, mut is_common) = (BTreeSet::new(), true);
        for says in vocabularies(&doors, purpose) {
            let (cases, expected) = cases(&world, &all, &says);
            seen.extend(expected.iter().flat_map(|told| told.policies.iter().flatten().cloned()));
            let able = || doors.iter().filter(|door| says.iter().all(|fact| door.says.contains(fact)));
            assert!(!is_common || able().count() == doors.len(), "the fewest facts go through all doors");
            is_common = false;
            able().for_each(|door| compare(&world, door, &cases, &expected));
        }
        assert_eq!(seen, bundle::policies(purpose), "every policy decides something");
        asked.extend(world.surfaces());
    }
    let doors: BTreeSet<_> = Surface::ALL.iter().map(|surface| surface.as_str().to_owned()).collect();
    assert_eq!(asked, doors, "a door that decides has a row in the table");
}

/// A policy that applies to everybody and obliges callers to something. What is blocked is not any less.
#[test]
fn an_allow_for_which_something_is_owed_goes_through_no_door_that_cannot_pass_that_on() {
    let owed = "policies:\n- id: owed\n  displayName: owed\n  state: enabled\n  conditions: { users: { includeUsers: [All, \
                AllAgentIdUsers] }, clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] } }\n  \
                obligations: [{ type: notification, topic: sign-in }]\n";
    for purpose in [Purpose::Use, Purpose::Issue] {
        let files = bundle::files(purpose).into_iter().chain([("owed.yaml", owed.to_owned())]);
        let world = World::of(files.collect());
        let mut random = fastrand::Rng::with_seed(1);
        let all: Vec<Asked> = (0..REQUESTS).map(|_| Asked::random(&mut random, purpose)).collect();
        let doors: Vec<_> = DOORS.iter().filter(|door| door.asks.contains(&purpose)).collect();
        let says = vocabularies(&doors, purpose).swap_remove(0);
        let covered =
            |asked: &Asked| world.evaluate(asked).policies.is_some_and(|ids| ids.contains(&"owed".to_owned()));
        let cases: Vec<_> = all.iter().filter_map(|asked| asked.only(&says)).filter(covered).take(PROCESSES).collect();
        assert!(cases.iter().all(|case| world.evaluate(case).is_allowed) && !cases.is_empty(), "{purpose:?}");
        for door in doors {
            let told = (door.ask)(&world, door.over[0], &cases);
            assert!(told.iter().all(|told| told.is_allowed == door.passes_on), "{} {purpose:?}", door.name);
        }
    }
}

/// A route of a gateway can be that of a token service, and say so: what comes of it is a token, and nobody would see to
/// the claim that must be in it. It was taken for the use of a token.
#[test]
fn a_gateway_before_a_token_service_lets_no_critical_claim_fall_away() {
    let policy = "policies:\n- displayName: tagged\n  state: enabled\n  conditions: { users: { includeUsers: [All, \
                  AllAgentIdUsers] }, clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] } }\n  \
                  token: { claims: { tags: [a] }, critical: [tags] }\n";
    let files = bundle::files(Purpose::Use).into_iter().chain([("tagged.yaml", policy.to_owned())]);
    let world = World::of(files.collect());
    let mut random = fastrand::Rng::with_seed(1);
    let gateway = DOORS.iter().find(|door| door.name == "Traefik").unwrap();
    let says = gateway.says.iter().copied().collect();
    let all = std::iter::repeat_with(|| Asked::random(&mut random, Purpose::Use)).take(REQUESTS);
    let allowed = all.filter_map(|asked| asked.only(&says)).filter(|asked| world.evaluate(asked).is_allowed);
    let asked = allowed.into_iter().next().unwrap();
    for (action, is_allowed) in
        [("GET", true), ("reissue:now", true), ("issue:access_token:client_credentials", false), ("issue:", false)]
    {
        let told = gateway::for_action(&world, &asked, action);
        assert!(told.iter().all(|told| told.is_allowed == is_allowed), "{action}: {told:?}");
    }
}

/// What can be asked with the facts `says`, each once, and what evaluation decides of it. Each fact decides something.
fn cases(world: &World, all: &[Asked], says: &BTreeSet<Fact>) -> (Vec<Asked>, Vec<Told>) {
    let mut known = BTreeSet::new();
    let cases = all.iter().filter_map(|asked| asked.only(says)).filter(|asked| known.insert(asked.clone()));
    let cases: Vec<Asked> = cases.collect();
    let expected: Vec<Told> = cases.iter().map(|case| world.evaluate(case)).collect();
    let allowed = expected.iter().filter(|told| told.is_allowed).count();
    // It would hold of doors that say one thing to everybody.
    assert!(allowed > 10 && expected.len() - allowed > 10, "{allowed} of {} with {says:?}", expected.len());
    // Whom nobody can ask about without a fact shows that it counts; and who never tells an address always tells none.
    let is_said = |fact: &&Fact| match fact {
        Fact::Kind | Fact::Grant => false,
        Fact::Nowhere => says.contains(&Fact::Somewhere),
        _ => true,
    };
    for fact in says.iter().filter(is_said) {
        let fewer = says.iter().copied().filter(|other| other != fact).collect();
        let allows = |case: &Asked| world.evaluate(case).is_allowed;
        let is_decided = |case: &&Asked| case.only(&fewer).is_some_and(|without| allows(&without) != allows(case));
        assert!(cases.iter().any(|case| is_decided(&case)), "{fact:?} decides something with {says:?}");
    }
    (cases, expected)
}

fn compare(world: &World, door: &Door, cases: &[Asked], expected: &[Told]) {
    for over in door.over {
        // A process each takes its time.
        let cases = if *over == Over::Process { &cases[..cases.len().min(PROCESSES)] } else { cases };
        let told = (door.ask)(world, *over, cases);
        assert_eq!(told.len(), cases.len(), "{} {over:?}", door.name);
        for ((case, expected), told) in cases.iter().zip(expected).zip(told) {
            let expected = Told { policies: told.policies.as_ref().and(expected.policies.clone()), ..*expected };
            assert_eq!(told, expected, "{} {over:?} asked {case:?}", door.name);
        }
    }
}
