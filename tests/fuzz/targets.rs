//! What must hold of any bytes: the claims behind the fuzz targets.
//!
//! Each function takes what a fuzzer made up and panics where a claim is broken. The targets beside this file hand them
//! to libFuzzer (`cargo +nightly fuzz run --fuzz-dir tests/fuzz bundle tests/fuzz/corpus/bundle policies`), and
//! `tests/fuzz_smoke.rs` runs the same functions on a few thousand mutated inputs in every `cargo test`. Start with the
//! functions that are `pub`.

#[path = "../oracle/mod.rs"]
#[allow(dead_code, reason = "the oracle serves other tests too")]
mod oracle;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use doorward::compile::{self, CompiledBundle, Mode};
use doorward::evaluate::{self, Evaluation};
use doorward::filter::{self, Root, Undisclosed, Unregistered};
use doorward::limits;
use doorward::model::{Bundle, TokenRequest};
use doorward::review;
use doorward::review::graph::{self, Version};
use doorward::serve::wire::message::DecideRequest;
use doorward::serve::wire::{self, Encoding, v1};
use doorward::text::{self, Diagnostics, Finding, RawBundle, RawFile, Sources};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use prost::Message;

/// Locations and service principals for policies to name.
const LOCATIONS: &str = include_str!("../../policies/workload/locations.yaml");
const PRINCIPALS: &str = include_str!("../../policies/workload/service-principals.yaml");
/// A bundle for cases to ask.
const POLICY: &str = include_str!("../../policies/workload/policies/trusted-networks.yaml");
/// Requests that every bundle can be asked.
const REQUESTS: [&str; 6] = [
    r#"{"identity":{"type":"servicePrincipal","id":"5b0f4a86-1f0e-4d55-8a77-2f6f3c9d1e01"},"network":{"ipAddress":"192.0.2.7","country":"NL"},"risk":{"servicePrincipal":"high"}}"#,
    r#"{"identity":{"type":"servicePrincipal","id":"5b0f4a86-1f0e-4d55-8a77-2f6f3c9d1e02","audience":"AzureADMyOrg"}}"#,
    r#"{"identity":{"type":"user","id":"alice"},"clientApp":"browser","platform":"windows","device":{},"resource":{"appIds":["x"]}}"#,
    r#"{"identity":{"type":"user","id":"bob","groups":[],"roles":["62e90394-69f5-4237-9190-012177145e10"],"guestType":"none"},"network":{"ipAddress":"203.0.113.9","country":"ZZ"},"risk":{"signIn":"high","user":"medium"},"clientApp":"other","authenticationFlow":"deviceCodeFlow","satisfied":{"builtInControls":["mfa"]},"resource":{"appIds":["00000003-0000-0ff1-ce00-000000000000"],"customSecurityAttributes":{}}}"#,
    r#"{"identity":{"type":"user","id":"carol","guestType":"internalGuest"},"resource":{"userAction":"registerSecurityInformation"}}"#,
    r#"{"identity":{"type":"agentIdentity","id":"a","customSecurityAttributes":{}},"network":{"ipAddress":"2001:db8:10::1"},"risk":{"agent":"high"}}"#,
];

/// Bundle text, as JSON and YAML, as policies and as settings, alone and beside what policies may name.
///
/// It is read or refused with a place in the file; both readings of JSON come to the same; an accepted bundle decides as
/// the oracle does.
pub fn bundle(data: &[u8]) {
    let known = [("locations.yaml", LOCATIONS.as_bytes()), ("principals.yaml", PRINCIPALS.as_bytes())];
    for name in ["a.json", "a.yaml", "a.cedar", "bundle.json", "bundle.yaml"] {
        check_bundle(&raw_bundle(&[(name, data)]));
        check_bundle(&raw_bundle(&[(name, data), known[0], known[1]]));
    }
}

/// The tests of a bundle, as JSON and YAML: they are asked or refused with a place in the file.
pub fn cases(data: &[u8]) {
    for name in ["tests/a.json", "tests/a.yaml"] {
        let raw = raw_bundle(&[
            ("locations.yaml", LOCATIONS.as_bytes()),
            ("policy.yaml", POLICY.as_bytes()),
            ("principals.yaml", PRINCIPALS.as_bytes()),
            (name, data),
        ]);
        let compiled = compile::compile(&raw).bundle.expect("the bundle without its tests is sound");
        let report = review::cases::run(&compiled, &raw);
        check_findings(&raw, &report.findings);
        check_findings(&raw, &review::cases::check(&raw));
        for result in &report.results {
            assert!(result.line > 0 && &*result.file == name, "{result:?}");
        }
    }
    if let Ok(text) = text::decode::decode(data) {
        request_document(&text);
    }
}

/// Scenes from the oracle's generator, one for each 32 bytes, which are the seed of its dice: engine and oracle give the
/// same answers.
pub fn decision(data: &[u8]) {
    let (seeds, _) = data.as_chunks();
    seeds.iter().for_each(scene);
}

fn scene(seed: &[u8; 32]) {
    // WHY: not `PassThrough`, which halves the bytes for every part that is made apart and then only gives zeros.
    let dice = TestRng::from_seed(RngAlgorithm::ChaCha, seed);
    let config = Config { failure_persistence: None, ..Config::default() };
    let scenes = oracle::generate_when::conditional(oracle::generate::scene(false, 8));
    let Ok(tree) = scenes.new_tree(&mut TestRunner::new_with_rng(config, dice)) else {
        return;
    };
    let scene = tree.current();
    let mut diagnostics = Diagnostics::default();
    let compiled = compile::build(scene.bundle.clone(), "digest", None, &mut diagnostics);
    let problems: Vec<_> = diagnostics.iter().map(|problem| (problem.rule.id, &problem.what)).collect();
    let compiled = compiled.unwrap_or_else(|| panic!("the bundle compiles: {problems:?}"));
    for request in &scene.requests {
        same_answer(&scene.bundle, &compiled, request);
    }
}

/// A filter rule of either root: it is parsed or refused with places on character boundaries, and what is printed is
/// the same rule.
pub fn filter(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    for root in [Root::Device, Root::CustomSecurityAttributes] {
        match filter::parse(text, root) {
            Err(problems) => {
                assert!(!problems.is_empty(), "a refused rule has a problem");
                for problem in &problems {
                    assert!(text.get(problem.range.clone()).is_some(), "{problem:?} lies in the rule");
                }
                assert!(problems.is_sorted_by_key(|problem| problem.range.start), "{problems:?}");
            }
            Ok(rule) => {
                let printed = rule.to_string();
                match filter::parse(&printed, root) {
                    Ok(again) => {
                        assert_eq!(again, rule, "{printed}");
                        assert_eq!(again.to_string(), printed);
                        assert_eq!(again.evaluate(&Unregistered), rule.evaluate(&Unregistered));
                        assert_eq!(again.evaluate(&Undisclosed), rule.evaluate(&Undisclosed));
                    }
                    Err(problems) => {
                        let is_longer = printed.chars().count() > limits::FILTER_CHARS_MAX;
                        assert!(is_longer, "{printed}: {problems:?}");
                    }
                }
            }
        }
    }
}

/// A request body, as JSON and as protobuf: it is refused with a field, or it is the same request after it was written
/// and read again, and the same one as JSON as it is as protobuf.
pub fn request(data: &[u8]) {
    match wire::json::read::<v1::DecideRequest>(data) {
        Err(error) => assert!(!error.field.is_empty() && !error.problem.is_empty(), "{error:?}"),
        Ok(message) => {
            assert_eq!(wire::json::read::<v1::DecideRequest>(&wire::json::write(&message)).as_ref(), Ok(&message));
            check_message(&message);
        }
    }
    if let Ok(message) = v1::DecideRequest::decode(data) {
        check_message(&message);
    }
    let _ = wire::json::read::<v1::DecideBatchRequest>(data);
    let _ = v1::DecideBatchRequest::decode(data);
    if let Ok(text) = std::str::from_utf8(data) {
        supposed(text);
    }
}

/// A request of What If is answered for every policy, or refused with a reason.
fn supposed(text: &str) {
    static BUNDLE: OnceLock<CompiledBundle> = OnceLock::new();
    let bundle = BUNDLE.get_or_init(|| {
        let files = [("a.yaml", POLICY), ("b.yaml", LOCATIONS), ("c.yaml", PRINCIPALS)];
        compile::compile(&raw_bundle(&files.map(|(name, text)| (name, text.as_bytes())))).bundle.expect("it is valid")
    });
    let mut sources = Sources::default();
    let file = sources.add(text::SourceFile::new("request.json", text.to_owned()));
    let Some(node) = text::json::parse(text, file, &mut Diagnostics::default()) else { return };
    for version in [Version::V1, Version::Beta] {
        let mut diagnostics = Diagnostics::default();
        let read = review::what_if::read(&node, bundle, version, &mut diagnostics);
        assert_eq!(read.is_none(), diagnostics.errors() > 0, "{text}");
        if let Some(Ok(results)) = read.map(|read| evaluate::what_if(bundle, &read.request)) {
            assert_eq!(results.len(), bundle.policies().len(), "{text}");
        }
    }
}

fn check_message(message: &v1::DecideRequest) {
    // Compared as bytes, because NaN is not equal to itself.
    let bytes = message.encode_to_vec();
    assert_eq!(bytes.len(), message.encoded_len());
    let again = v1::DecideRequest::decode(&*bytes).expect("what was encoded decodes");
    assert_eq!(again.encode_to_vec(), bytes, "{message:?}");
    let read: DecideRequest<'_> = wire::read(Encoding::Protobuf, &bytes).expect("what was encoded is read");
    match wire::token_request(&read) {
        Err(error) => assert!(!error.field.is_empty() && !error.problem.is_empty(), "{error:?}"),
        Ok(request) => {
            let json = wire::json::write(message);
            let told = String::from_utf8_lossy(&json);
            let again: Result<DecideRequest<'_>, _> = wire::read(Encoding::Json, &json);
            let again = again.unwrap_or_else(|error| panic!("{error:?}: {told}"));
            assert_eq!(wire::token_request(&again).as_ref(), Ok(&request), "{told}");
        }
    }
}

/// A request as the command line and test cases read it, which must be how the server reads it.
fn request_document(text: &str) {
    let message: Result<DecideRequest<'_>, _> = wire::read(Encoding::Json, text.as_bytes());
    let request = message.as_ref().map_err(Clone::clone).and_then(wire::token_request);
    with_document(text, |document, findings| {
        assert_eq!(document.is_some(), request.is_ok(), "{text}\nthe document: {findings:?}\nthe body: {request:?}");
    });
    let generated = wire::json::read::<v1::DecideRequest>(text.as_bytes());
    if let (Ok(message), Ok(request)) = (&generated, &request) {
        // As the generated types write it, because they put attributes in order.
        let text = String::from_utf8(wire::json::write(message)).expect("JSON is UTF-8");
        with_document(&text, |document, findings| assert_eq!(document, Some(request), "{text}\n{findings:?}"));
    }
}

fn with_document(text: &str, check: impl FnOnce(Option<&TokenRequest<'_>>, &[Finding])) {
    let mut sources = Sources::default();
    let mut diagnostics = Diagnostics::default();
    let file = sources.add(text::SourceFile::new("request.json", text.to_owned()));
    let node = text::parse(&sources, file, &mut diagnostics);
    let document = node.as_ref().and_then(|node| review::request::read(node, &mut diagnostics));
    assert_eq!(document.is_none(), diagnostics.errors() > 0);
    check(document.as_ref().map(|document| &document.request), &diagnostics.findings(&sources));
}

fn raw_bundle(files: &[(&str, &[u8])]) -> RawBundle {
    let mut files: Vec<_> =
        files.iter().map(|(name, bytes)| RawFile { name: (*name).into(), bytes: bytes.to_vec() }).collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    RawBundle { files, digest: "digest".into() }
}

fn check_bundle(raw: &RawBundle) {
    let compilation = compile::compile(raw);
    check_findings(raw, &compilation.findings);
    assert_eq!(compilation.bundle.is_some(), compilation.errors == 0, "{:?}", compilation.findings);
    if raw.files.iter().any(|file| file.name.ends_with(".json")) {
        assert_eq!(reading(raw, Mode::Fast), reading(raw, Mode::Spanned));
    }
    if let Some(compiled) = &compilation.bundle {
        check_rendering(raw, compiled);
        let mut evaluation = Evaluation::default();
        for request in REQUESTS {
            let message: DecideRequest<'_> = wire::read(Encoding::Json, request.as_bytes()).expect("a request");
            let request = wire::token_request(&message).expect("a request");
            let decided = evaluate::evaluate(compiled, &request, &mut evaluation).is_ok();
            assert_eq!(evaluate::trace(compiled, &request).is_ok(), decided);
            let bundle = compile::read(raw, Mode::Spanned).bundle;
            // The oracle leaves Cedar to Cedar; `tests/cedar.rs` holds the engine to that.
            if bundle.policies.iter().all(|policy| policy.when.is_none()) {
                same_answer(&bundle, compiled, &request);
            }
        }
    }
}

/// What is rendered in Graph's shape compiles again, and decides the same.
fn check_rendering(raw: &RawBundle, compiled: &CompiledBundle) {
    let model = compile::read(raw, Mode::Spanned).bundle;
    // Graph has no conditions in Cedar, no claims and no obligations; they are rendered as annotations, which are not read
    // again.
    if model.policies.iter().any(|policy| policy.when.is_some() || policy.shaping.is_some()) {
        return;
    }
    let document = |objects: Vec<_>| serde_json::json!({ "value": objects }).to_string();
    let policies = document(graph::policies(&model).flatten().collect());
    let locations = document(graph::locations(&model).collect());
    let files = [("p.json", policies.as_bytes()), ("l.json", locations.as_bytes())];
    let reading = compile::read(&raw_bundle(&files), Mode::Spanned);
    assert_eq!(reading.diagnostics.errors(), 0, "{:?}", reading.diagnostics.findings(&reading.sources));
    let again = Bundle { settings: model.settings, principals: model.principals, ..reading.bundle };
    let mut diagnostics = Diagnostics::default();
    let again = compile::build(again, "digest", None, &mut diagnostics);
    let again =
        again.unwrap_or_else(|| panic!("{:?}\n{policies}\n{locations}", diagnostics.iter().collect::<Vec<_>>()));
    let (mut before, mut after) = (Evaluation::default(), Evaluation::default());
    for request in REQUESTS {
        let message: DecideRequest<'_> = wire::read(Encoding::Json, request.as_bytes()).expect("a request");
        let request = wire::token_request(&message).expect("a request");
        let outcomes = [(compiled, &mut before), (&again, &mut after)].map(|(bundle, evaluation)| {
            evaluate::evaluate(bundle, &request, evaluation).map(|()| (evaluation.decision(), evaluation.reason()))
        });
        assert_eq!(outcomes[0], outcomes[1], "{policies}\n{locations}");
    }
}

/// What a reading comes to: errors, warnings, and the model without places.
fn reading(raw: &RawBundle, mode: Mode) -> (usize, usize, bool, String) {
    let reading = compile::read(raw, mode);
    let mut diagnostics = reading.diagnostics;
    let is_read = diagnostics.errors() == 0;
    let model = if is_read { without_places(&format!("{:?}", reading.bundle)) } else { String::new() };
    let is_built = compile::build(reading.bundle, "digest", None, &mut diagnostics).is_some() && is_read;
    (diagnostics.errors(), diagnostics.warnings(), is_built, model)
}

/// `told` without what `Span` shows of itself.
fn without_places(told: &str) -> String {
    let mut parts = told.split("Span { file: FileId(");
    let mut rest = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        rest.push_str(part.split_once(" }").map_or("", |(_, after)| after));
    }
    rest
}

/// Findings lie in the files they name, on a line and a character that the file has.
fn check_findings(raw: &RawBundle, findings: &[Finding]) {
    let mut sources = Sources::default();
    for file in &raw.files {
        text::decode::read(file, &mut sources, &mut Diagnostics::default());
    }
    let texts: BTreeMap<&str, &str> = sources.iter().map(|(_, source)| (source.name(), source.text())).collect();
    for finding in findings {
        let text = if finding.file.is_empty() { Some(&"") } else { texts.get(&*finding.file) };
        let text = text.unwrap_or_else(|| panic!("no such file: {finding}"));
        match finding.line.checked_sub(1) {
            None => assert_eq!(finding.column, 0, "{finding}"),
            Some(line) => {
                let line = text.split('\n').nth(line as usize).unwrap_or_else(|| panic!("no such line: {finding}"));
                let columns = 1..=line.chars().count() as u32 + 1;
                assert!(columns.contains(&finding.column), "no such column: {finding}");
            }
        }
        let told = finding.to_string();
        assert!(!told.chars().any(|character| character.is_control() && character != '\n'), "{told:?}");
        assert!(!finding.what.contains('\n') && !finding.what.is_empty(), "{told:?}");
    }
}

fn same_answer(bundle: &Bundle, compiled: &CompiledBundle, request: &TokenRequest<'_>) {
    let mut evaluation = Evaluation::default();
    let engine = evaluate::evaluate(compiled, request, &mut evaluation);
    let answer = match (oracle::decide(bundle, &|_| None, request), engine) {
        (Ok(answer), Ok(())) => answer,
        (Err(_), Err(error)) => {
            // Of several contradictions either may be named.
            let conflicts = oracle::conflicts(bundle, &|_| None, request);
            assert!(conflicts.iter().any(|one| one.field == error.field), "{error:?} is none of {conflicts:?}");
            return;
        }
        (oracle, engine) => panic!("{oracle:?}, but {engine:?}: {request:?}"),
    };
    let named = |indices: &[usize]| -> Vec<_> {
        let policies = indices.iter().map(|index| &bundle.policies[*index]);
        // A policy without an id goes by its name.
        policies.map(|policy| policy.id.as_ref().unwrap_or(&policy.display_name).value.to_string()).collect()
    };
    let ids = |indices: &[compile::PolicyIndex]| -> Vec<_> {
        indices.iter().map(|index| compiled.policy(*index).id.to_string()).collect()
    };
    assert_eq!((answer.decision, answer.reason), (evaluation.decision(), evaluation.reason()), "{request:?}");
    assert_eq!(named(&answer.policies), ids(evaluation.policies()), "{request:?}");
    assert_eq!(named(&answer.report_only), ids(evaluation.report_only()), "{request:?}");
    let mut unmet: Vec<_> = evaluation.unmet(compiled).map(|control| control.name()).collect();
    let mut expected = answer.unmet;
    unmet.sort();
    expected.sort();
    assert_eq!(expected, unmet, "{request:?}");
    let session = evaluation.session(compiled).map(oracle::words::session_in_words).unwrap_or_default();
    assert_eq!(answer.session, session, "{request:?}");
    assert_eq!(answer.owed, oracle::words::owed_in_words(&evaluation.obligations(compiled)), "{request:?}");
    assert_eq!(answer.is_told_to_use_work_account, evaluation.message().is_some(), "{request:?}");
}
