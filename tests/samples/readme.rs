//! The README: every command that it shows prints what it shows, and a stranger who pastes its blocks gets there.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{SAMPLES, run};

const WALK: &str = "A first policy";

fn readme() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap()
}

/// The sections by heading, with their text.
fn sections(readme: &str) -> Vec<(&str, &str)> {
    let sections = readme.split("\n## ").skip(1);
    sections.map(|section| section.split_once('\n').unwrap()).collect()
}

/// The blocks of code in `text`: language and content.
fn blocks(text: &str) -> Vec<(&str, &str)> {
    let parts: Vec<_> = text.split("\n```").collect();
    assert_eq!(parts.len() % 2, 1, "a block of code does not end");
    parts.iter().skip(1).step_by(2).map(|block| block.split_once('\n').unwrap_or((block, ""))).collect()
}

/// The commands of a console block.
fn commands(block: &str) -> Vec<&str> {
    block.lines().filter_map(|line| line.strip_prefix("$ ")).collect()
}

/// What a terminal shows of `script`, where `doorward` is the binary of this build.
fn sh(script: &str, folder: &Path) -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_doorward")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS"] {
        shell.env_remove(name);
    }
    let shell = shell.args(["-c", &format!("exec 2>&1\n{script}")]).env("PATH", path).current_dir(folder);
    let output = shell.stdin(Stdio::null()).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Runs the commands of a console block, each shown as it is typed.
fn typed(block: &str, folder: &Path) -> String {
    let typed = commands(block).into_iter().map(|command| {
        let quoted = command.replace('\'', r"'\''");
        format!("printf '$ %s\\n' '{quoted}'\n{command}\n")
    });
    sh(&typed.collect::<String>(), folder)
}

/// Whoever begins with an empty folder and pastes block after block sees what the README shows.
#[test]
fn the_walk_of_the_readme_leads_from_an_empty_folder_to_a_proof() {
    let readme = readme();
    let walk = sections(&readme).into_iter().find(|(heading, _)| *heading == WALK).unwrap().1;
    let folder = tempfile::tempdir().unwrap();
    let mut verbs = Vec::new();
    for (language, block) in blocks(walk) {
        match language {
            "sh" => assert_eq!(sh(&format!("set -e\n{block}\necho done"), folder.path()), "done\n", "{block}"),
            "console" => {
                assert_eq!(typed(block, folder.path()), format!("{block}\n"));
                let words = commands(block).into_iter().filter_map(|command| command.strip_prefix("doorward "));
                verbs.extend(words.filter_map(|words| words.split(' ').next()));
            }
            _ => panic!("nobody runs this: {block}"),
        }
    }
    assert_eq!(verbs, ["test", "check", "test", "diff", "prove", "prove"]);
}

#[test]
fn readme_shows_what_the_commands_print() {
    let readme = readme();
    let mut verbs = Vec::new();
    for (_, text) in sections(&readme).into_iter().filter(|(heading, _)| *heading != WALK) {
        for (_, block) in blocks(text).into_iter().filter(|(language, _)| *language == "console") {
            let commands = commands(block);
            if commands.iter().all(|command| command.starts_with("doorward ")) && !commands.is_empty() {
                assert_eq!(typed(block, Path::new(env!("CARGO_MANIFEST_DIR"))), format!("{block}\n"));
                verbs.extend(commands.iter().filter_map(|command| command.split(' ').nth(1)));
            }
        }
    }
    assert_eq!(verbs, ["decide", "decide", "explain"]);
}

/// The suites that the README shows run with the bundle that they name.
#[test]
fn readme_shows_cases_that_pass() {
    let readme = readme();
    let suites = sections(&readme).into_iter().flat_map(|(_, text)| blocks(text));
    let suites: Vec<_> = suites.filter(|(language, block)| *language == "yaml" && block.contains("cases:")).collect();
    assert_eq!(suites.len(), 1);
    let folder = tempfile::tempdir().unwrap();
    sh(
        &format!("cp -R {} .; rm workload/tests/*", Path::new(env!("CARGO_MANIFEST_DIR")).join(SAMPLES[0]).display()),
        folder.path(),
    );
    fs::write(folder.path().join("workload/tests/suite.yaml"), suites[0].1).unwrap();
    assert_eq!(sh("doorward test workload", folder.path()), "tests/suite.yaml: 3 passed\nworkload: 3 passed\n");
}

/// The line to paste is made by the server that the test of `serve` runs; here its answer is compared.
#[test]
fn readme_shows_the_answer_to_the_line_to_paste() {
    let readme = readme();
    let block = sections(&readme).into_iter().flat_map(|(_, text)| blocks(text));
    let block = block.map(|(_, block)| block).find(|block| block.starts_with("$ curl")).unwrap();
    let (line, output) = block.split_once('\n').unwrap();
    assert!(line.starts_with("$ curl -s http://127.0.0.1:8480/v1/decide -H 'content-type: application/json' -d '"));
    let body = line.split("-d '").nth(1).unwrap().strip_suffix('\'').unwrap();
    let run = run::doorward_reading(body, &["decide", SAMPLES[0], "--request", "-", "--format", "json"]);
    let mut shown: serde_json::Value = serde_json::from_str(output).unwrap();
    assert!(shown.as_object_mut().unwrap().remove("requestId").is_some());
    assert_eq!(serde_json::from_str::<serde_json::Value>(&run.stdout).unwrap(), shown);
}

#[test]
fn readme_lists_every_exit_code() {
    let readme = readme();
    for (exit, meaning) in doorward::cli::Exit::ALL {
        assert!(readme.contains(&format!("| {} | {meaning}", exit as u8)), "{exit:?}");
    }
}

#[test]
fn readme_names_files_and_sections_that_exist() {
    let readme = readme();
    let anchor = |heading: &str| heading.to_lowercase().replace(' ', "-");
    let headings = readme.lines().filter(|line| line.starts_with("##"));
    let anchors: Vec<_> = headings.map(|heading| anchor(heading.trim_start_matches('#').trim_start())).collect();
    for link in readme.split("](").skip(1) {
        let target = link.split(')').next().unwrap();
        let is_there = match target.strip_prefix('#') {
            Some(section) => anchors.iter().any(|anchor| anchor == section),
            None => target.starts_with("http") || Path::new(env!("CARGO_MANIFEST_DIR")).join(target).exists(),
        };
        assert!(is_there, "{target}");
    }
}
