//! What the project is built of: licences, registries, and a core that needs little.
//!
//! WHY here: a licence checker of its own costs minutes to install on every fresh machine, and this question is small.

use std::collections::BTreeSet;
use std::process::Command;

use super::tree::{none, root};

/// Licences that a dependency may have, one of its choices at least.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// A library that the product is built with.
#[derive(Clone)]
pub struct Library {
    pub name: String,
    /// Whether it is listed for the core.
    pub is_core: bool,
    pub is_optional: bool,
}

/// The libraries of `Cargo.toml`, by its sections.
pub fn libraries() -> Vec<Library> {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let (_, list) = manifest.split_once("\n[dependencies]\n").unwrap();
    let (core, edges) = list.split("\n[").next().unwrap().split_once("\n# -- the edges --\n").unwrap();
    let of = |lines: &str, is_core| -> Vec<_> {
        let library = |line: &str| {
            let (name, how) = line.split_once(" = ")?;
            Some(Library { name: name.to_owned(), is_core, is_optional: how.contains("optional = true") })
        };
        lines.lines().filter(|line| !line.starts_with('#')).filter_map(library).collect()
    };
    [of(core, true), of(edges, false)].concat()
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_dependency_comes_from_the_registry_under_a_licence_we_accept() {
    let tree =
        cargo(&["tree", "-e", "normal,build,dev", "--prefix", "none", "--format", "{p}|{l}", "--locked", "--offline"]);
    let mut findings = Vec::new();
    for line in tree.lines() {
        let (package, licence) = line.split_once('|').unwrap();
        if !is_accepted(licence.trim_end_matches(" (*)")) {
            findings.push(format!("{package}: licence `{licence}`"));
        }
        // What the registry provides has no place behind its name; procedural macros say that they are such.
        let place = package.split_once(" (").map(|(_, place)| place);
        if place.is_some_and(|place| place != "proc-macro)") && !package.starts_with("doorward ") {
            findings.push(format!("{package}: from elsewhere"));
        }
    }
    assert!(tree.lines().count() > 100, "the whole tree is looked at");
    none(&findings, "take another library, or add the licence to `LICENCES` if Apache-2.0 software may contain it");
}

#[test]
fn the_core_is_built_without_the_edges() {
    let core = |more: &[&str]| {
        let tree = ["tree", "--no-default-features", "-e", "normal", "--prefix", "none", "--locked", "--offline"];
        let tree = cargo(&[&tree, more].concat());
        tree.lines().skip(1).filter_map(|line| Some(line.split(' ').next()?.to_owned())).collect::<BTreeSet<_>>()
    };
    let (libraries, whole) = (libraries(), core(&[]));
    let edges = || libraries.iter().filter(|library| !library.is_core);
    let mut findings: Vec<_> = edges()
        .filter(|library| !library.is_optional || whole.contains(&library.name))
        .map(|library| format!("{} is of the edges, and the core is built with it", library.name))
        .collect();
    let listed: BTreeSet<_> = libraries.iter().filter(|library| library.is_core).map(|it| it.name.clone()).collect();
    let direct = core(&["--depth", "1"]);
    findings.extend(direct.symmetric_difference(&listed).map(|name| format!("{name} is of the core, or is it not?")));
    assert!(edges().count() > 30 && listed.len() > 10, "both sections are read");
    none(&findings, "list the dependency where it belongs, those of the edges optional and behind the feature `serve`");
}

#[test]
fn every_direct_dependency_says_what_it_is_for() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let mut is_list = false;
    let mut findings = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            is_list = line.ends_with("dependencies]");
        } else if is_list && line.contains(" = ") && !line.contains(" # ") {
            findings.push(line.to_owned());
        }
    }
    none(&findings, "add the reason as a comment on the same line");
}

#[test]
fn licence_expressions_are_understood() {
    for accepted in
        ["MIT", "MIT/GPL-3.0", "GPL-3.0 OR MIT", "(MIT OR GPL-3.0) AND ISC", "Apache-2.0 WITH LLVM-exception"]
    {
        assert!(is_accepted(accepted), "{accepted}");
    }
    for refused in ["", "GPL-3.0", "MIT AND GPL-3.0", "(GPL-3.0 OR AGPL-3.0) AND MIT", "Apache-2.0 WITH other"] {
        assert!(!is_accepted(refused), "{refused}");
    }
}

/// An SPDX expression, `/` read as OR as in old manifests.
fn is_accepted(expression: &str) -> bool {
    let spaced =
        expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ").replace(" WITH ", "\u{a0}WITH\u{a0}");
    any(&mut spaced.split(' ').filter(|word| !word.is_empty()).peekable())
}

fn any<'w, W: Iterator<Item = &'w str>>(words: &mut std::iter::Peekable<W>) -> bool {
    let mut accepted = every(words);
    while words.next_if_eq(&"OR").is_some() {
        accepted |= every(words);
    }
    accepted
}

fn every<'w, W: Iterator<Item = &'w str>>(words: &mut std::iter::Peekable<W>) -> bool {
    let mut accepted = one(words);
    while words.next_if_eq(&"AND").is_some() {
        accepted &= one(words);
    }
    accepted
}

fn one<'w, W: Iterator<Item = &'w str>>(words: &mut std::iter::Peekable<W>) -> bool {
    if words.next_if_eq(&"(").is_some() {
        let accepted = any(words);
        return accepted & words.next_if_eq(&")").is_some();
    }
    words.next().is_some_and(|word| LICENCES.contains(&word.replace('\u{a0}', " ").as_str()))
}
