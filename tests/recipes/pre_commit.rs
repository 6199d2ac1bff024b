//! The hooks, run by pre-commit itself.
//!
//! Its program is `DOORWARD_PRE_COMMIT`, or that of `target/pre-commit`, a virtual environment which `.ci/run` makes.
//! Where there is neither, the test says so and does nothing.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::found::program;
use super::repository::{Change, INVALID, OPENS, Repository, UNTESTED, UNTIDY, printed};

/// The hooks that fail after `changes`; none when the commit would be taken.
fn failing(program: &Path, changes: &[Change]) -> Option<BTreeSet<String>> {
    let policies = Repository::new()?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // A clone of doorward, as far as pre-commit looks at one.
    let hooks = Repository::new()?;
    fs::copy(root.join(".pre-commit-hooks.yaml"), hooks.path().join(".pre-commit-hooks.yaml")).unwrap();
    hooks.commit();
    hooks.git(&["tag", "v0.1.0"]);
    let recipe = fs::read_to_string(root.join("deploy/recipes/pre-commit-config.yaml")).unwrap();
    let recipe = recipe.replace("https://git.example.org/doorward", hooks.path().to_str().unwrap());
    policies.write(".pre-commit-config.yaml", &recipe);
    for change in changes {
        policies.change(*change);
    }
    policies.git(&["add", "--all"]);
    let mut run = policies.command(program);
    run.args(["run", "--all-files", "--color", "never"]).env("PRE_COMMIT_HOME", policies.beside("cache"));
    let output = run.output().unwrap();
    let told = printed(&output);
    let ids = ["doorward-fmt", "doorward-check", "doorward-test"];
    let failing = ids.into_iter().filter(|id| told.contains(&format!("- hook id: {id}\n"))).map(ToOwned::to_owned);
    let failing: BTreeSet<_> = failing.collect();
    assert_eq!(output.status.success(), failing.is_empty(), "{told}");
    assert_eq!(told.matches("Passed\n").count() + failing.len(), ids.len(), "{told}");
    Some(failing)
}

#[test]
fn a_commit_is_taken_when_all_is_well_and_refused_when_something_is_not() {
    let Some(program) = program("DOORWARD_PRE_COMMIT", "target/pre-commit/bin/pre-commit") else { return };
    for (note, changes, expected) in [
        ("nothing is wrong", &[][..], &[][..]),
        ("a network more is not wrong in itself", &[OPENS], &[]),
        ("spaces", &[UNTIDY], &["doorward-fmt"]),
        ("no such location", &[INVALID], &["doorward-check", "doorward-test"]),
        ("a case fails", &[UNTESTED], &["doorward-test"]),
    ] {
        let Some(failing) = failing(&program, changes) else { return };
        assert_eq!(failing, expected.iter().map(|id| (*id).to_owned()).collect(), "{note}");
    }
}
