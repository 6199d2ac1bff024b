//! The long form of every rule is true: its example breaks the rule, and its fix mends that.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

#[path = "support/written.rs"]
mod written;

use std::collections::BTreeMap;

use doorward::review::analysis::prove;
use doorward::review::{cases, rules};
use doorward::text::{Block, Diagnostics, Finding, Rule, Severity, SourceFile, Sources, parse};
use doorward::{compile, limits};

use written::raw;

/// Breaks a rule, and gives what is found.
type Break = fn() -> Vec<Finding>;

/// Rules whose example a long form cannot show, why, and what breaks them.
const NOT_SHOWN: &[(&str, &str, Break)] = &[
    ("file-format", "about the name of a document, which a program gives", || {
        let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
        let file = sources.add(SourceFile::new("a.toml", "a = 1".into()));
        assert!(parse(&sources, file, &mut diagnostics).is_none());
        diagnostics.findings(&sources)
    }),
    ("file-too-large", "too large", || compiled("a.yaml", vec![b' '; limits::FILE_BYTES_MAX + 1])),
    ("invalid-utf16", "no text", || compiled("a.yaml", [0xff, 0xfe, 0x00, 0xd8, b'a', 0x00])),
    ("invalid-utf8", "no text", || compiled("a.yaml", b"displayName: \xff")),
    ("filter-too-long", "too long", || {
        let rule = format!("device.model -eq '{}'", "m".repeat(limits::FILTER_CHARS_MAX));
        compiled(
            "a.yaml",
            format!(
                "displayName: Long\nstate: enabled\nconditions: {{ users: {{ includeUsers: [All] }}, applications: {{ \
                 includeApplications: [All] }}, devices: {{ deviceFilter: {{ mode: include, rule: \"{rule}\" }} }} }}\n\
                 grantControls: {{ builtInControls: [block] }}\n"
            ),
        )
    }),
    ("field-limit", "too many", || {
        let tags = "tag,".repeat(limits::CASE_TAGS_MAX + 1);
        compiled(
            "tests/a.yaml",
            format!(
                "cases:\n- name: a\n  tags: [{tags}]\n  request: {{ identity: {{ type: user, id: u }} }}\n  \
                 expect: {{ decision: allow }}\n"
            ),
        )
    }),
    ("too-many", "too many", || {
        let location = |number| format!("- {{ displayName: L{number}, ipRanges: [192.0.2.0/24] }}\n");
        compiled("a.yaml", (0..=limits::LOCATIONS_MAX).map(location).collect::<String>())
    }),
];

/// The one rule of which an example takes minutes to read. Each reader breaks it with a smaller bound, beside its code.
const TOO_LARGE: &str = "document-size";

/// What is found in a bundle of one file.
fn compiled(name: &str, bytes: impl AsRef<[u8]>) -> Vec<Finding> {
    check([(name, bytes)])
}

#[test]
fn every_rule_has_a_long_form_with_an_example_a_fix_and_a_source() {
    let mut lacking = Vec::new();
    for rule in rules::every() {
        let sections = rule.sections();
        let titles: Vec<_> = sections.iter().map(|section| section.title).collect();
        if titles != ["", "Example", "Fix", "Source"] || sections.iter().any(|section| section.blocks.is_empty()) {
            lacking.push(format!("{}: the sections are {titles:?}", rule.id));
        }
        let is_shown = !files(rule, "Example").is_empty();
        if is_shown == is_not_shown(rule) {
            lacking.push(format!("{}: is its example shown, or not?", rule.id));
        }
        if rule.long.lines().any(|line| line.chars().count() > 120 && !line.contains(char::is_whitespace)) {
            lacking.push(format!("{}: a line that nobody can read", rule.id));
        }
    }
    assert!(lacking.is_empty(), "{lacking:#?}");
}

#[test]
fn every_example_breaks_its_rule() {
    let mut sound = Vec::new();
    for rule in rules::every().filter(|rule| rule.id != TOO_LARGE) {
        let findings = match NOT_SHOWN.iter().find(|(id, ..)| *id == rule.id) {
            Some((_, _, broken)) => broken(),
            None => check(files(rule, "Example")),
        };
        match findings.iter().find(|finding| finding.id == rule.id) {
            Some(finding) if finding.severity == rule.severity => {}
            Some(finding) => sound.push(format!("{}: told as {}", rule.id, finding.severity)),
            None => sound.push(format!("{}: {findings:#?}", rule.id)),
        }
    }
    assert!(sound.is_empty(), "examples that do not break their rules:\n{}", sound.join("\n"));
}

#[test]
fn every_fix_gives_a_bundle_that_loads_and_keeps_the_rule() {
    let mut broken = Vec::new();
    for rule in shown() {
        let mut files = files(rule, "Example");
        files.extend(self::files(rule, "Fix"));
        files.retain(|_, text| !text.is_empty());
        let findings = check(files);
        let is_left = |finding: &&Finding| finding.id == rule.id || finding.severity == Severity::Error;
        broken.extend(findings.iter().filter(is_left).map(|finding| format!("# {}\n{finding}", rule.id)));
    }
    assert!(broken.is_empty(), "fixes that do not mend:\n{}", broken.join("\n"));
}

/// What an example breaks besides its rule, because it must, would else teach two mistakes at once.
const UNAVOIDABLE: &[&str] = &["missing-field", "no-country-database"];

#[test]
fn examples_make_one_mistake_each() {
    let mut more = Vec::new();
    for rule in shown() {
        let findings = check(files(rule, "Example"));
        let is_more = |finding: &&Finding| finding.id != rule.id && !UNAVOIDABLE.contains(&finding.id);
        more.extend(findings.iter().filter(is_more).map(|finding| format!("# {}\n{finding}", rule.id)));
    }
    assert!(more.is_empty(), "{}", more.join("\n"));
}

#[test]
fn every_long_form_belongs_to_a_rule() {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut orphans = Vec::new();
    for module in ["text", "filter", "compile", "review"] {
        for entry in std::fs::read_dir(source.join(module).join("rules")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if !rules::every().any(|rule| name.strip_suffix(".md") == Some(rule.id)) {
                orphans.push(format!("{module}/rules/{name}"));
            }
        }
    }
    assert!(orphans.is_empty(), "{orphans:?}");
}

fn shown() -> impl Iterator<Item = &'static Rule> {
    rules::every().filter(|rule| !is_not_shown(rule))
}

fn is_not_shown(rule: &Rule) -> bool {
    rule.id == TOO_LARGE || NOT_SHOWN.iter().any(|(id, ..)| *id == rule.id)
}

fn files(rule: &Rule, title: &str) -> BTreeMap<&'static str, &'static str> {
    let sections = rule.sections();
    let section = sections.iter().find(|section| section.title == title).unwrap();
    let files = section.blocks.iter().filter_map(|block| match block {
        Block::File { name, text } => Some((*name, *text)),
        Block::Text(_) => None,
    });
    files.collect()
}

fn check<'f>(files: impl IntoIterator<Item = (&'f str, impl AsRef<[u8]>)>) -> Vec<Finding> {
    let raw = raw(files);
    let compilation = compile::compile(&raw);
    let mut findings = compilation.findings;
    findings.extend(cases::check(&raw));
    if let Some(bundle) = &compilation.bundle {
        findings.extend(cases::run(bundle, &raw).findings);
        let stated = compile::compile_stated(&raw, &[]);
        findings.extend(stated.into_iter().flat_map(|stated| prove(bundle, stated).unwrap().findings()));
    }
    findings
}
