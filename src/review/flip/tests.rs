//! What the search says when it finds nothing.

use super::{Mentions, Searched, flip};
use crate::compile::{Mode, compile, read};
use crate::review::suppose::{put, text, with_request};
use crate::text::{Node, Value};
use crate::written;

/// What is searched in a bundle that blocks everybody, whatever they do, and mentions so many groups and applications.
fn searched(groups: usize, apps: usize) -> Option<Searched> {
    let block = "grantControls: { builtInControls: [block] }";
    let all =
        |kind: &str, count: usize| (0..count).map(|number| format!("{kind}-{number}")).collect::<Vec<_>>().join(", ");
    let policies = format!(
        "policies:\n  - {{ displayName: Everybody, state: enabled, conditions: {{ users: {{ includeUsers: [All] }}, applications: {{ includeApplications: [All] }} }}, {block} }}\n  - {{ displayName: Some, state: enabled, conditions: {{ users: {{ includeGroups: [{}] }}, applications: {{ includeApplications: [{}] }} }}, {block} }}\n",
        all("group", groups),
        all("app", apps),
    );
    let raw = written::raw([("all.yaml", policies)]);
    let bundle = compile(&raw).bundle.unwrap();
    let mentions = Mentions::of(&read(&raw, Mode::Fast).bundle);
    let anybody = put(Node::unplaced(Value::Map(Vec::new())), "identity.type", text("user"));
    let somebody = put(anybody, "identity.id", text("ann"));
    with_request(&somebody, |request| flip(&bundle, request, &mentions)).flatten()
}

// It was told as if all had been tried.
#[test]
fn a_search_that_was_cut_does_not_say_that_there_is_nothing() {
    assert_eq!(searched(3, 3), Some(Searched::Nothing));
    assert_eq!(searched(300, 3), Some(Searched::Cut), "every two of three hundred facts are too many to try");
    assert_eq!(searched(3, 100), Some(Searched::Cut), "not all applications are tried");
}

fn bundle(text: &str) -> (crate::compile::CompiledBundle, Mentions) {
    let raw = written::raw([("all.yaml", text)]);
    let compilation = compile(&raw);
    let bundle = compilation.bundle.unwrap_or_else(|| panic!("{:?}", compilation.findings));
    (bundle, Mentions::of(&read(&raw, Mode::Fast).bundle))
}

// Of each location only the first range was tried, and what a request asks for was never left out; it was told that
// nothing turns the decision.
#[test]
fn every_range_is_tried_and_what_is_asked_for_can_be_left_out() {
    let all = "clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] }";
    let block = "grantControls: { builtInControls: [block] }";
    let (places, mentions) = bundle(&format!(
        "namedLocations:\n  - {{ displayName: Office, ipRanges: [10.0.0.0/24, 192.0.3.0/24] }}\n  - {{ displayName: Old, ipRanges: [10.0.0.0/23] }}\npolicies:\n  - {{ displayName: Outside, state: enabled, conditions: {{ {all}, locations: {{ includeLocations: [All], excludeLocations: [Office] }} }}, {block} }}\n  - {{ displayName: Old, state: enabled, conditions: {{ {all}, locations: {{ includeLocations: [Old] }} }}, {block} }}\n"
    ));
    let somebody = |path: &'static str, value: &'static str| {
        let workload = put(Node::unplaced(Value::Map(Vec::new())), "identity.type", text("servicePrincipal"));
        put(put(workload, "identity.id", text("build")), path, text(value))
    };
    let asked = somebody("network.ipAddress", "198.51.100.1");
    let found = with_request(&asked, |request| flip(&places, request, &mentions)).flatten().unwrap();
    let facts: Vec<_> = found.found().unwrap().facts.iter().map(super::Fact::value).collect();
    assert_eq!(facts, ["192.0.3.0"]);

    let (contexts, mentions) = bundle(&format!(
        "policies:\n  - {{ displayName: C1, state: enabled, conditions: {{ users: {{ includeUsers: [All] }}, applications: {{ includeAuthenticationContextClassReferences: [c1] }} }}, {block} }}\n"
    ));
    let person = put(Node::unplaced(Value::Map(Vec::new())), "identity.type", text("user"));
    let person = put(put(person, "identity.id", text("ann")), "resource.authenticationContext", text("c1"));
    let person = put(person, "resource.appIds", Node::unplaced(Value::List(vec![text("payroll")])));
    let found = with_request(&person, |request| flip(&contexts, request, &mentions)).flatten().unwrap();
    let facts: Vec<_> = found.found().unwrap().facts.iter().map(|fact| (fact.deed(), fact.value())).collect();
    assert_eq!(facts, [(super::Deed::Remove, "c1".to_owned())]);
}

#[test]
fn a_search_says_that_policies_look_at_what_it_does_not_try() {
    let conditions = "users: { includeUsers: [All] }, applications: { includeApplications: [All] }";
    let of = |more: &str| {
        let (bundle, mentions) = bundle(&format!(
            "policies:\n  - {{ displayName: All, state: enabled, conditions: {{ {conditions} }}, grantControls: {{ builtInControls: [block] }} }}\n  - {{ displayName: More, state: enabled, {more} grantControls: {{ builtInControls: [block] }} }}\n"
        ));
        let anybody = put(Node::unplaced(Value::Map(Vec::new())), "identity.type", text("user"));
        let somebody = put(anybody, "identity.id", text("ann"));
        with_request(&somebody, |request| flip(&bundle, request, &mentions)).flatten().unwrap()
    };
    assert_eq!(of(&format!("conditions: {{ {conditions} }},")), Searched::Nothing);
    for more in [
        format!("conditions: {{ {conditions} }}, when: 'context.credential.type == \"clientSecret\"',"),
        format!(
            "conditions: {{ {conditions}, devices: {{ deviceFilter: {{ mode: include, rule: 'device.model -eq \"x\"' }} }} }},"
        ),
    ] {
        assert_eq!(of(&more), Searched::Cut, "{more}");
    }
}
