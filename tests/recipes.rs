//! The recipes of `deploy/recipes` do what they say: each runs as it is written, on a repository with a sample bundle.
#![cfg(feature = "serve")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic, its helpers too")]

#[path = "support/found.rs"]
#[allow(dead_code, reason = "shared with other tests; each uses a part")]
mod found;
#[path = "recipes/pre_commit.rs"]
mod pre_commit;
#[path = "recipes/repository.rs"]
mod repository;
#[path = "recipes/workflow.rs"]
mod workflow;

use std::path::Path;
use std::process::Command;

#[test]
fn recipes_are_laid_out_as_they_ask_of_others() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(env!("CARGO_BIN_EXE_doorward"))
        .args(["fmt", "--check", "deploy/recipes", ".pre-commit-hooks.yaml"])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
