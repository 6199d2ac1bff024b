//! What the search says when it finds nothing.

use super::{Mentions, Searched, flip};
use crate::compile::{Mode, compile, read};
use crate::review::suppose::{put, text, with_request};
use crate::text::{Node, RawBundle, RawFile, Value};

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
    let file = RawFile { name: "all.yaml".into(), bytes: policies.into() };
    let raw = RawBundle { files: vec![file], digest: "00".into() };
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
