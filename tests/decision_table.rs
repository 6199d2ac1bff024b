//! The conformance table: what Entra decides, row by row, as bundles and token requests in their own words.
//!
//! The rows are data (`decision_table/*.yaml`); the numbers are those of the table. Each case goes the whole way: files,
//! compiler, request reader, engine, trace. The oracle, which shares only the readers, has to agree.

#![expect(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a row that cannot be run must fail")]

#[expect(dead_code, reason = "the generators are for properties")]
mod oracle;
#[path = "support/written.rs"]
mod written;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use doorward::compile::{self, Mode};
use doorward::evaluate::{self, Evaluation, Side};
use doorward::model::policy::Policy;
use doorward::model::set::Word;
use doorward::model::{Bundle, TokenRequest};
use doorward::review;
use doorward::text::{self, Diagnostics, RawBundle, SourceFile, Sources};

/// One file of the table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    /// Documents that every case has.
    files: BTreeMap<String, String>,
    cases: Vec<Case>,
}

/// `60` or `85a`.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Plain(u32),
    Lettered(String),
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Plain(number) => number.fmt(f),
            Self::Lettered(number) => number.fmt(f),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// The row; some have a letter.
    number: Number,
    /// What the row says, as a sentence.
    note: String,
    /// Documents beside the shared ones, or in their place.
    files: BTreeMap<String, String>,
    /// The token request, in the names of the wire.
    request: serde_json::Value,
    expect: Expectation,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Expectation {
    decision: String,
    reason: String,
    /// Display names of the policies that decide.
    policies: BTreeSet<String>,
    /// Display names of report-only policies that would have objected.
    #[serde(default)]
    report_only: BTreeSet<String>,
    #[serde(default)]
    unmet: Vec<String>,
    /// Policies that do not apply, with the first condition that does not hold.
    #[serde(default)]
    not_applied: BTreeMap<String, String>,
    /// What the token comes with, in words.
    #[serde(default)]
    session: Vec<String>,
    /// How policies came out, in the words of sign-in logs.
    #[serde(default)]
    results: BTreeMap<String, String>,
    /// Whether the person is told to use a work account.
    #[serde(default)]
    told_to_use_work_account: bool,
}

/// What a judge found, in the terms of [`Expectation`].
#[derive(Debug, PartialEq)]
struct Finding {
    decision: &'static str,
    reason: &'static str,
    policies: BTreeSet<String>,
    report_only: BTreeSet<String>,
    unmet: Vec<String>,
    not_applied: BTreeMap<String, String>,
    session: Vec<String>,
    results: BTreeMap<String, String>,
    told_to_use_work_account: bool,
}

/// The rows of the table.
const FILES: [(&str, &str); 7] = [
    ("scope", include_str!("decision_table/scope.yaml")),
    ("location", include_str!("decision_table/location.yaml")),
    ("risk", include_str!("decision_table/risk.yaml")),
    ("state", include_str!("decision_table/state.yaml")),
    ("user", include_str!("decision_table/user.yaml")),
    ("filter", include_str!("decision_table/filter.yaml")),
    ("agent", include_str!("decision_table/agent.yaml")),
];

/// What the rows leave out; their numbers are names.
const MORE: [(&str, &str); 6] = [
    ("identity", include_str!("decision_table/identity.yaml")),
    ("resource", include_str!("decision_table/resource.yaml")),
    ("grant", include_str!("decision_table/grant.yaml")),
    ("session", include_str!("decision_table/session.yaml")),
    ("result", include_str!("decision_table/result.yaml")),
    ("open", include_str!("decision_table/open.yaml")),
];

fn table(name: &str) -> Table {
    let (_, text) = FILES.iter().chain(&MORE).find(|(file, _)| *file == name).expect("the file is part of the table");
    serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn each_of_the_113_rows_has_a_case() {
    let numbers: BTreeSet<String> =
        FILES.iter().flat_map(|(name, _)| table(name).cases).map(|case| case.number.to_string()).collect();
    let letters = ["85a", "85b", "85c", "85d", "85e"].map(str::to_owned);
    let rows: BTreeSet<String> = (1..=108).map(|number: u32| number.to_string()).chain(letters).collect();
    assert_eq!(rows.len(), 113);
    assert_eq!(numbers, rows);
}

#[test]
fn rows_about_who_is_in_scope_hold() {
    check("scope");
}

#[test]
fn rows_about_locations_hold() {
    check("location");
}

#[test]
fn rows_about_risk_hold() {
    check("risk");
}

#[test]
fn rows_about_states_and_combination_hold() {
    check("state");
}

#[test]
fn rows_about_users_hold() {
    check("user");
}

#[test]
fn rows_about_filters_hold() {
    check("filter");
}

#[test]
fn rows_about_agents_hold() {
    check("agent");
}

#[test]
fn each_kind_of_identity_is_scoped_by_its_own_fields() {
    check("identity");
}

#[test]
fn resources_are_told_by_id_suite_filter_and_scope() {
    check("resource");
}

#[test]
fn grant_controls_are_judged_from_what_is_satisfied() {
    check("grant");
}

#[test]
fn session_controls_of_enforced_policies_are_merged() {
    check("session");
}

#[test]
fn policies_come_out_in_the_words_of_sign_in_logs() {
    check("result");
}

#[test]
fn what_is_left_open_is_ruled_on() {
    check("open");
}

/// Rulings name cases; a name that leads nowhere would be a promise that nothing holds.
#[test]
fn every_case_that_a_ruling_names_is_there() {
    let rulings = include_str!("../src/model/rulings.rs");
    let of =
        |file: &str| -> BTreeSet<String> { table(file).cases.iter().map(|case| case.number.to_string()).collect() };
    let all: BTreeSet<String> = MORE.iter().flat_map(|(file, _)| of(file)).collect();
    let open = of("open");
    let rows = rulings.lines().filter_map(|line| line.strip_prefix("//! | ")).filter_map(|row| {
        let number: u32 = row.split(" | ").next()?.parse().ok()?;
        Some((number, row.rsplit(" | ").next()?.trim_end_matches(" |")))
    });
    let rows: BTreeMap<u32, &str> = rows.collect();
    assert_eq!(rows.keys().copied().collect::<Vec<_>>(), (1..=24).collect::<Vec<_>>());
    for (number, held_by) in rows {
        assert_eq!(held_by.contains(&format!("open {number}")), open.contains(&number.to_string()), "{number}");
        let cases = held_by.split("; ").filter(|part| part.starts_with("case"));
        for name in cases.flat_map(|part| part.split('`').skip(1).step_by(2)) {
            assert!(all.contains(name), "{name}");
        }
    }
}

#[test]
fn all_of_4096_groups_are_considered() {
    let mut table = table("identity");
    let mut case =
        table.cases.remove(table.cases.iter().position(|case| case.number.to_string() == "group").expect("a case"));
    let group = case.request["identity"]["groups"][0].take();
    let others = (1..4096).map(|number| serde_json::Value::from(format!("c2000000-0000-4000-8000-{number:012x}")));
    case.request["identity"]["groups"] = others.chain([group]).collect();
    for found in [engine(&table, &case), oracle(&table, &case)] {
        assert!(found.agrees_with(&case.expect), "{found:?}");
    }
}

/// Every word that some case is explained with. Those of Graph's `conditionalAccessRule` are spelled as there.
#[test]
fn rules_that_decide_are_named_in_the_words_of_sign_in_logs() {
    let mut words = BTreeSet::new();
    for (name, _) in FILES.iter().chain(&MORE) {
        let table = table(name);
        for case in &table.cases {
            let bundle = compile::compile(&raw(&table, case)).bundle.expect("the case's bundle compiles");
            let traces = with_request(case, |request| evaluate::trace(&bundle, request)).expect("no contradiction");
            for (side, of) in [(Side::Include, "include"), (Side::Exclude, "exclude")] {
                let rules = traces.iter().flat_map(|policy| policy.rules_satisfied(side));
                words.extend(rules.map(|(condition, rule)| format!("{} {of} {rule}", condition.as_str())));
            }
        }
    }
    insta::assert_snapshot!(words.into_iter().collect::<Vec<_>>().join("\n"));
}

/// Runs every case of a file and reports all that fail, not only the first.
fn check(name: &str) {
    let table = table(name);
    let mut failures = Vec::new();
    for case in &table.cases {
        for (judge, found) in [("engine", engine(&table, case)), ("oracle", oracle(&table, case))] {
            let expected = &case.expect;
            if !found.agrees_with(expected) {
                failures.push(format!("row {} ({judge}): {}\n  {found:?}", case.number, case.note));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

impl Finding {
    fn agrees_with(&self, expected: &Expectation) -> bool {
        self.decision == expected.decision
            && self.reason == expected.reason
            && self.policies == expected.policies
            && self.report_only == expected.report_only
            && self.unmet == expected.unmet
            && self.session == expected.session
            && self.told_to_use_work_account == expected.told_to_use_work_account
            && expected.results.iter().all(|(policy, result)| self.results.get(policy) == Some(result))
            && expected.not_applied.iter().all(|(policy, condition)| self.not_applied.get(policy) == Some(condition))
    }
}

fn raw(table: &Table, case: &Case) -> RawBundle {
    let mut files = table.files.clone();
    files.extend(case.files.clone());
    written::raw(files)
}

/// Hands the case's request to `use_request`, read as the command line and the doors read it.
fn with_request<T>(case: &Case, use_request: impl FnOnce(&TokenRequest<'_>) -> T) -> T {
    let text = case.request.to_string();
    let mut sources = Sources::default();
    let file = sources.add(SourceFile::new("request.json", text));
    let mut diagnostics = Diagnostics::default();
    let node = text::parse(&sources, file, &mut diagnostics).expect("JSON that was just written can be read");
    let document = review::request::read(&node, &mut diagnostics);
    let document = document
        .unwrap_or_else(|| panic!("row {}: the request is refused: {:?}", case.number, diagnostics.findings(&sources)));
    use_request(&document.request)
}

fn engine(table: &Table, case: &Case) -> Finding {
    let compilation = compile::compile(&raw(table, case));
    let bundle = compilation
        .bundle
        .unwrap_or_else(|| panic!("row {}: the bundle is refused: {:#?}", case.number, compilation.findings));
    let names = |indices: &[compile::PolicyIndex]| {
        indices.iter().map(|index| bundle.policy(*index).display_name.to_string()).collect()
    };
    with_request(case, |request| {
        let mut evaluation = Evaluation::default();
        evaluate::evaluate(&bundle, request, &mut evaluation).expect("a row does not contradict itself");
        let trace = evaluate::trace(&bundle, request).expect("a row does not contradict itself");
        let failed = trace.iter().filter_map(|policy| {
            let condition = policy.conditions.iter().find(|condition| !condition.holds.is_possible())?;
            Some((bundle.policy(policy.policy).display_name.to_string(), condition.condition.as_str().to_owned()))
        });
        Finding {
            decision: evaluation.decision().as_str(),
            reason: evaluation.reason().as_str(),
            policies: names(evaluation.policies()),
            report_only: names(evaluation.report_only()),
            unmet: evaluation.unmet(&bundle).map(|control| control.name()).collect(),
            not_applied: failed.collect(),
            session: evaluation.session(&bundle).map(oracle::words::session_in_words).unwrap_or_default(),
            results: trace
                .iter()
                .map(|policy| {
                    (bundle.policy(policy.policy).display_name.to_string(), policy.outcome.as_str().to_owned())
                })
                .collect(),
            told_to_use_work_account: evaluation.message().is_some(),
        }
    })
}

fn oracle(table: &Table, case: &Case) -> Finding {
    let bundle: Bundle = compile::read(&raw(table, case), Mode::Spanned).bundle;
    let name = |policy: &Policy| policy.display_name.value.to_string();
    let names = |indices: &[usize]| indices.iter().map(|index| name(&bundle.policies[*index])).collect();
    with_request(case, |request| {
        let no_database = |_| None;
        let answer = oracle::decide(&bundle, &no_database, request).expect("a row does not contradict itself");
        let failed = bundle.policies.iter().filter(|policy| oracle::takes_part(&bundle, policy)).filter_map(|policy| {
            let conditions = oracle::conditions(&bundle, &no_database, request, policy);
            let (condition, _) = conditions.into_iter().find(|(_, holds)| !holds.is_possible())?;
            Some((name(policy), condition.to_owned()))
        });
        Finding {
            decision: answer.decision.as_str(),
            reason: answer.reason.as_str(),
            policies: names(&answer.policies),
            report_only: names(&answer.report_only),
            unmet: answer.unmet,
            not_applied: failed.collect(),
            session: answer.session,
            results: bundle.policies.iter().map(name).zip(answer.results.into_iter().map(str::to_owned)).collect(),
            told_to_use_work_account: answer.is_told_to_use_work_account,
        }
    })
}
