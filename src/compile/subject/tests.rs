//! What a decision never touches, and how much memory there is.

use super::{Dimension, Population};
use crate::compile::{CompiledBundle, compile};
use crate::model::IdRef;
use crate::written::raw;

/// A bundle of `everybody` policies for all users and of `others`, each for a group of its own.
fn compiled(everybody: usize, others: usize) -> CompiledBundle {
    let policy = |name: usize, users: String| {
        format!(
            r#"{{"displayName": "P{name}", "state": "enabled", "grantControls": {{"builtInControls": ["mfa"]}}, "conditions":
            {{"applications": {{"includeApplications": ["All"]}}, "users": {{{users}}}}}}}"#
        )
    };
    let groups = (0..others).map(|group| policy(group, format!(r#""includeGroups": ["g{group}"]"#)));
    let all = (0..everybody).map(|name| policy(others + name, r#""includeUsers": ["All"]"#.to_owned()));
    let text = format!("[{}]", groups.chain(all).collect::<Vec<_>>().join(","));
    compile(&raw([("p.json", text)])).bundle.unwrap()
}

fn touched(bundle: &CompiledBundle, groups: Option<&[u32]>) -> Vec<u32> {
    let population: &Population = bundle.users();
    let mut standing = vec![0; population.sizes().0];
    let mut touched = Vec::new();
    population.include(Dimension::Group, groups, &mut standing, &mut touched);
    touched
}

#[test]
fn policies_that_name_others_are_never_touched() {
    let bundle = compiled(70, 1_000);
    assert_eq!(bundle.users().sizes(), (17, 2));
    assert!(touched(&bundle, Some(&[])).is_empty());
    let own = bundle.directory_object(IdRef::new("g500")).unwrap();
    // The first 58 policies for groups share a block with those for everybody.
    assert_eq!(touched(&bundle, Some(&[own])), [8]);
    assert_eq!(touched(&bundle, None).len(), 15);
}

#[test]
fn a_policy_takes_few_bytes_of_tables() {
    let bytes = compiled(1, 2_000).users().bytes() - compiled(1, 1_000).users().bytes();
    assert!(bytes < 1_000 * 100, "{bytes}");
}
