//! The workflow for GitHub Actions: each of its `run` steps, by `sh` as a runner would.
//!
//! What GitHub puts into the environment is given here; steps that use an action are passed over.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::repository::{CLOSES, Change, INVALID, OPENS, Repository, UNTESTED, UNTIDY, printed};

#[derive(Deserialize)]
struct Workflow {
    env: BTreeMap<String, String>,
    jobs: BTreeMap<String, Job>,
}

#[derive(Deserialize)]
struct Job {
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    name: Option<String>,
    run: Option<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
}

/// What a run of the workflow came to: the steps that failed, what was printed, and the repository.
struct Ran {
    failed: Vec<String>,
    told: String,
    summary: String,
    repository: Repository,
}

/// Runs the workflow for a pull request that makes `changes`; `is_meant` when it bears the label.
fn run(changes: &[Change], is_meant: bool) -> Option<Ran> {
    let recipe = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/recipes/github-workflow.yaml");
    let workflow: Workflow = serde_saphyr::from_str(&fs::read_to_string(recipe).unwrap()).unwrap();
    let repository = Repository::new()?;
    let upstream = repository.path().to_str().unwrap().to_owned();
    repository.git(&["remote", "add", "origin", &upstream]);
    repository.git(&["fetch", "--quiet", "origin"]);
    repository.git(&["switch", "--quiet", "--create", "change"]);
    for change in changes {
        repository.change(*change);
    }
    if !changes.is_empty() {
        repository.commit();
    }
    let temp = repository.beside("temp");
    let mut ran = Ran { failed: Vec::new(), told: String::new(), summary: String::new(), repository };
    let steps = workflow.jobs.values().flat_map(|job| &job.steps);
    for (step, script) in steps.filter_map(|step| step.run.as_ref().map(|script| (step, script))) {
        let mut command = ran.repository.command("sh");
        command.args(["-e", "-c", script]).envs(&workflow.env).env("RUNNER_TEMP", &temp);
        command.env("GITHUB_STEP_SUMMARY", temp.join("summary"));
        for name in step.env.keys() {
            command.env(name, given(name, is_meant));
        }
        let output = command.output().unwrap();
        ran.told += &printed(&output);
        if !output.status.success() {
            ran.failed.push(step.name.clone().unwrap());
        }
    }
    ran.summary = fs::read_to_string(temp.join("summary")).unwrap_or_default();
    Some(ran)
}

/// What GitHub fills in.
fn given(name: &str, is_meant: bool) -> &'static str {
    match (name, is_meant) {
        ("BASE", _) => "main",
        ("IS_MEANT", true) => "true",
        ("IS_MEANT", false) => "false",
        _ => panic!("nobody says what `{name}` is"),
    }
}

#[test]
fn a_pull_request_passes_or_fails_at_the_step_that_finds_what_is_wrong() {
    for (note, changes, is_meant, expected) in [
        ("nothing changes", &[][..], false, &[][..]),
        ("somebody is newly blocked", &[CLOSES], false, &[]),
        ("somebody is newly allowed", &[OPENS], false, &["Compare with the base branch"]),
        ("somebody is newly allowed, as is meant", &[OPENS], true, &[]),
        ("spaces", &[UNTIDY], false, &["Layout"]),
        ("no such location", &[INVALID], true, &["Check", "Test", "Compare with the base branch"]),
        ("a case fails", &[UNTESTED], true, &["Test"]),
    ] {
        let Some(ran) = run(changes, is_meant) else { return };
        assert_eq!(ran.failed, expected, "{note}: {}", ran.told);
    }
}

#[test]
fn reviewers_see_who_is_affected_and_what_is_wrong() {
    let Some(ran) = run(&[CLOSES], false) else { return };
    assert!(ran.summary.contains("newly blocked") && ran.summary.contains("2001:db8:10:"), "{}", ran.summary);
    let Some(ran) = run(&[INVALID], false) else { return };
    let log = fs::read_to_string(ran.repository.path().join("doorward.sarif")).unwrap();
    let log: Value = serde_json::from_str(&log).unwrap();
    let place = log.pointer("/runs/0/results/0/locations/0/physicalLocation/artifactLocation/uri").unwrap();
    assert!(log.to_string().contains("unknown-location"), "{log:#}");
    assert!(place.as_str().unwrap().starts_with("policies/"), "from the top of the repository: {place}");
    assert!(!ran.repository.path().join("base").exists());
}
