//! Tenants whose people are in many groups: what their policies come to together is not gone through.

use super::super::prove::prove_within;
use super::super::walk::Steps;
use super::super::{Verdict, diff, gaps};
use super::compiled;
use crate::compile::{compile, compile_stated};
use crate::written::raw;

const GROUPS: usize = 60;

fn policy(name: &str, users: &str, controls: &str) -> String {
    format!(
        "  - {{ displayName: {name}, state: enabled, conditions: {{ users: {{ {users} }}, applications: {{ includeApplications: [All] }} }}, grantControls: {{ operator: OR, builtInControls: [{controls}] }} }}\n"
    )
}

/// Policies for everybody but the members of two groups each, and of the group `emergency`.
fn policies() -> String {
    let one = |number: usize| {
        let (one, other) = (number, GROUPS + number);
        let users = format!("includeUsers: [All], excludeGroups: [emergency, group-{one}, group-{other}]");
        policy(&format!("Policy {number}"), &users, ["mfa", "compliantDevice"][number % 2])
    };
    (1..GROUPS).map(one).collect()
}

const BASE: &str = "includeUsers: [All], excludeGroups: [emergency]";

// Every combination of groups was a step, so that nothing was found in some minutes.
#[test]
fn statements_about_people_in_many_groups_are_decided_in_few_steps() {
    let base = policy("Base", BASE, "mfa");
    let claims = [
        policy("Without emergency", BASE, "mfa"),
        policy("Everybody", "includeUsers: [All]", "mfa"),
        policy("Everybody by device", BASE, "compliantDevice"),
        policy(
            "Some by device",
            "includeGroups: [group-1], excludeGroups: [emergency, group-2]",
            "compliantDevice, mfa",
        ),
    ];
    let raw = raw([
        ("all.yaml", format!("policies:\n{}{base}", policies())),
        ("statements/all.yaml", format!("policies:\n{}", claims.concat())),
    ]);
    let bundle = compile(&raw).bundle.unwrap();
    let proofs = prove_within(&bundle, compile_stated(&raw, &[]).unwrap(), Steps::together(200_000)).unwrap();
    let found: Vec<_> = proofs
        .proofs
        .iter()
        .map(|proof| match &proof.verdict {
            Verdict::Proved => "proved",
            Verdict::Refuted(regions) if regions.iter().all(|region| region.witness.is_some()) => "refuted",
            other => panic!("{}: {other:?}", proof.statement.name),
        })
        .collect();
    assert_eq!(found, ["proved", "refuted", "refuted", "proved"]);
}

#[test]
fn an_edit_that_concerns_people_in_many_groups_is_told_as_far_as_it_can_be() {
    let [before, after] = ["mfa", "block"]
        .map(|controls| compiled(&format!("policies:\n{}{}", policies(), policy("Base", BASE, controls)), ""));
    let found = diff(&before, &after).unwrap();
    assert!(found.regions.iter().all(|region| region.after == "block"));
    assert!(!found.regions.is_empty() && found.is_cut);
    let gaps = gaps(&before).unwrap();
    let idle: Vec<_> = gaps.idle.iter().map(|index| before.policy(*index).display_name.to_string()).collect();
    let mfa: Vec<_> = (2..GROUPS).step_by(2).map(|number| format!("Policy {number}")).collect();
    assert_eq!(idle, mfa, "who is in all other groups needs each of the rest");
}
