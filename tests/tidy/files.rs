//! The form of files: length, first line, what may lie at the top, and what no file says.

use super::tree::{File, none, root, rust};

const LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;

/// What may lie at the top of the project, beside what version control ignores.
const TOP: &[&str] = &[
    ".ci",
    ".git",
    ".gitignore",
    ".pre-commit-hooks.yaml",
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "benches",
    "clippy.toml",
    "deploy",
    "policies",
    "proto",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "src",
    "target",
    "tests",
];

fn written() -> impl Iterator<Item = File> {
    rust(&["src", "tests", "benches"]).into_iter().filter(|file| !file.is_generated())
}

#[test]
fn files_are_short() {
    let length = |file: &File| file.text.lines().count();
    let long = written().filter(|file| length(file) > LINES_MAX);
    let findings: Vec<_> =
        long.map(|file| format!("{}: {} lines, at most {LINES_MAX}", file.name, length(&file))).collect();
    none(&findings, "split the file along its ideas");
}

/// Relies on the formatter: a function ends at the first closing brace that is indented as it is.
#[test]
fn functions_are_short() {
    let mut findings = Vec::new();
    for file in written().filter(|file| !file.is_test()) {
        let lines: Vec<_> = file.text.lines().collect();
        for (start, line) in lines.iter().enumerate() {
            let code = line.trim_start();
            if !is_function(code) || line.trim_end().ends_with([';', '}']) {
                continue;
            }
            let end = format!("{}}}", " ".repeat(line.len() - code.len()));
            let length = lines.iter().skip(start).position(|line| *line == end).map_or(0, |length| length + 1);
            if length > FUNCTION_LINES_MAX {
                findings.push(format!("{}:{}: {length} lines, at most {FUNCTION_LINES_MAX}", file.name, start + 1));
            }
        }
    }
    none(&findings, "name the steps and make functions of them");
}

fn is_function(code: &str) -> bool {
    let mut words =
        code.split(' ').skip_while(|word| ["pub", "pub(super)", "pub(crate)", "const", "async"].contains(word));
    words.next() == Some("fn")
}

#[test]
fn files_say_what_they_are_for() {
    let silent = written().filter(|file| !file.text.starts_with("//! "));
    let findings: Vec<_> = silent.map(|file| file.name).collect();
    none(&findings, "begin the file with `//!`: why it exists, what it must not know, where to start reading");
}

#[test]
fn nothing_is_left_to_be_done() {
    // In two parts, so that this file does not find itself.
    let bans = [
        (concat!("TO", "DO"), "do it, or say in the documentation what is not there"),
        (concat!("FIX", "ME"), "fix it"),
        (concat!("todo", "!("), "write it"),
        (concat!("unimplemented", "!("), "write it"),
        (concat!("dbg", "!("), "take it out"),
        (concat!("#[ig", "nore"), "assert what holds today, and say why it is wrong"),
    ];
    for (banned, instead) in bans {
        let mut findings = Vec::new();
        for file in written() {
            let lines = file.text.lines().enumerate().filter(|(_, line)| line.contains(banned));
            findings.extend(lines.map(|(index, line)| format!("{}:{}: {}", file.name, index + 1, line.trim())));
        }
        none(&findings, instead);
    }
}

#[test]
fn every_exception_from_a_lint_says_why() {
    let mut findings = Vec::new();
    for file in written() {
        for (at, start) in ["[allow(", "[expect("].iter().flat_map(|start| file.text.match_indices(start)) {
            let attribute =
                file.text.get(at..).and_then(|rest| rest.split_once(")]")).map_or("", |(attribute, _)| attribute);
            let is_attribute = file.text.get(..at).is_some_and(|before| before.ends_with(['#', '!']));
            let line = file.text.get(..at).unwrap_or("").lines().count();
            if is_attribute && !attribute.contains("reason = ") {
                findings.push(format!("{}:{line}: an exception without a reason", file.name));
            }
            // Helpers of tests and benches may or may not need what their users need.
            if is_attribute && *start == *"[allow(" && file.name.starts_with("src/") && !file.is_test() {
                findings.push(format!("{}:{line}: `allow` stays when it is needed no longer", file.name));
            }
        }
    }
    none(&findings, "write `#[expect(lint, reason = \"...\")]`");
}

#[test]
fn the_top_of_the_project_holds_only_what_it_must() {
    let entries = std::fs::read_dir(root()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let findings: Vec<_> = names.filter(|name| !TOP.contains(&name.as_str())).collect();
    none(&findings, "put it into the folder it belongs to");
}
