//! What conditions in Cedar may say, where their mistakes stand, and what hostile ones cost.

use super::*;
use crate::text::{SourceFile, Sources, Span};

const KINDS: [&str; 2] = ["ServicePrincipal", "ManagedIdentity"];

fn when(form: WhenForm, text: &str) -> (Sources, When) {
    let mut sources = Sources::default();
    let file = sources.add(SourceFile::new("when", text.to_owned()));
    let span = Span::new(file, 0, u32::try_from(text.len()).unwrap());
    (sources, When { form, text: Embedded::new(text, span) })
}

/// The ids of all problems, and what each is about.
fn problems(form: WhenForm, text: &str) -> Vec<(&'static str, String)> {
    let (sources, when) = when(form, text);
    let mut diagnostics = Vec::new();
    let checked = condition(&when, &KINDS, &mut diagnostics);
    assert_eq!(
        checked.is_none(),
        diagnostics.iter().any(|problem| problem.rule.severity == crate::text::Severity::Error)
    );
    let meant = |span: Span| sources.file(span.file).unwrap().text()[span.start as usize..span.end as usize].to_owned();
    diagnostics.iter().map(|problem| (problem.rule.id, meant(problem.span))).collect()
}

fn check(text: &str, expected: &[(&str, &str)]) {
    let found = problems(WhenForm::Expression, text);
    let found: Vec<_> = found.iter().map(|(id, meant)| (*id, meant.as_str())).collect();
    assert_eq!(found, expected, "{text}");
}

#[test]
fn the_schema_is_one() {
    assert!(VALIDATOR.is_some(), "{:?}", Schema::from_cedarschema_str(SCHEMA).map(|_| ()).unwrap_err());
}

#[test]
fn every_fact_can_be_compared() {
    for text in [
        "context.credential.type == \"clientSecret\"",
        "context.credential.federatedIssuer like \"https://token.actions.*\" // GitHub",
        "context.credential.federatedSubject != \"repo:contoso/pipeline:ref:refs/heads/main\"",
        "principal.appId == \"c1a4e2d0-8b3f-4c6a-9e57-0d1b2f3a4c01\"",
        "resource.appIds.containsAny([\"a\", \"b\"])",
        "context.time < datetime(\"2026-12-24T00:00:00Z\") || context.time.toTime() > duration(\"18h\")",
        "context.attributes.text.hasTag(\"ring\") && context.attributes.text.getTag(\"ring\") == \"canary\"",
        "context.attributes.number.hasTag(\"age\") && context.attributes.number.getTag(\"age\") > 30",
        "context.attributes.flag.hasTag(\"x\") && context.attributes.flag.getTag(\"x\")",
        "context.attributes.texts.hasTag(\"x\") && context.attributes.texts.getTag(\"x\").contains(\"y\")",
        "principal.customSecurityAttributes.text.hasTag(\"a\") && principal.customSecurityAttributes.text.getTag(\"a\") == \"b\"",
        "resource.customSecurityAttributes.texts.hasTag(\"a\") && resource.customSecurityAttributes.texts.getTag(\"a\").contains(\"b\")",
        "context.network.ipAddress.isInRange(ip(\"10.0.0.0/8\")) && !context.network.locations.contains(\"HQ\")",
        "context.device has model && context.device.model == \"surface\"",
        "context.device has isCompliant && context.device.isCompliant",
        "principal is ServicePrincipal && context.risk.servicePrincipal != \"none\"",
        "if context.platform == \"unknown\" then true else context.clientApp == \"other\"",
    ] {
        check(text, &[]);
    }
}

#[test]
fn mistakes_are_told_at_their_place() {
    check("context.credential.kind == \"x\"", &[("cedar-type", "context.credential.kind")]);
    check("context.clientApp == 3", &[("cedar-type", "context.clientApp == 3")]);
    check("context.clientApp = \"x\"", &[("cedar-syntax", "context.clientApp = \"x\"")]);
    check("principal.groups.contains(\"x\")", &[("cedar-type", "principal.groups.contains(\"x\")")]);
    check("context.clientApp == \"other", &[("cedar-syntax", "")]);
    check("context.device.model == \"x\"", &[("cedar-type", "context.device.model")]);
    check("principal == User::\"x\"", &[("cedar-never", "principal == User::\"x\"")]);
    check("(true", &[("cedar-syntax", "(")]);
    check("true } unless { false", &[("cedar-syntax", "}")]);
    check("true }; permit (principal, action, resource) when { true", &[("cedar-syntax", "}")]);
    check("false", &[("cedar-never", "false")]);
}

#[test]
fn nothing_can_ask_whether_a_fact_is_known() {
    check("context.network has ipAddress", &[("cedar-unknown", "has ipAddress")]);
    check("principal has appId && true", &[("cedar-unknown", "has appId")]);
    check("context has device.model", &[("cedar-unknown", "has device.model")]);
    check("context has time", &[("cedar-unknown", "has time")]);
    check("context.credential == context.credential", &[("cedar-unknown", "context.credential")]);
    check("[context.risk].contains(context.risk)", &[("cedar-unknown", "context.risk")]);
    check("[context.attributes.flag.hasTag(\"x\")].contains(true)", &[("cedar-unknown", "hasTag")]);
    check("(if context.attributes.flag.hasTag(\"x\") then 1 else 2) == 1", &[("cedar-unknown", "hasTag")]);
    check(
        "context.network.locations.contains(if context.network has country then \"x\" else \"y\")",
        &[("cedar-unknown", "has country")],
    );
    check("FreeFlags::\"attributes\".hasTag(\"x\")", &[("cedar-unknown", "hasTag")]);
}

#[test]
fn a_comment_ends_with_its_line_however_lines_end() {
    for end in ["\n", "\r", "\r\n"] {
        let text = format!("// one{end}forbid (principal, action, resource);{end}// two{end}");
        let found = statements(&Embedded::new(text.as_str(), Span::NONE)).unwrap();
        assert_eq!(found.len(), 1, "{text:?}");
    }
}

#[test]
fn clauses_are_bounded_as_operators_are() {
    let statement = |clauses: usize| {
        problems(
            WhenForm::Statement,
            &format!("forbid (principal, action, resource) {};", "when { true }".repeat(clauses)),
        )
    };
    assert_eq!(statement(limits::CEDAR_OPERATORS_MAX), []);
    assert_eq!(statement(limits::CEDAR_OPERATORS_MAX + 1)[0].0, "cedar-size");
}

#[test]
fn words_that_a_fact_never_is_are_refused() {
    check("context.credential.type == \"client_secret\"", &[("unknown-value", "\"client_secret\"")]);
    check("[\"high\", \"severe\"].contains(context.risk.servicePrincipal)", &[("unknown-value", "\"severe\"")]);
    check("\"Linux\" != context.platform", &[("unknown-value", "\"Linux\"")]);
    check(
        "context.network.country == \"nl\" || context.network.gpsCountry == \"Holland\"",
        &[("unknown-value", "\"nl\""), ("unknown-value", "\"Holland\"")],
    );
    check(
        "context.platform == \"unknown\" && resource.userAction == \"none\" && context.risk.insider == \"none\"",
        &[],
    );
}

#[test]
fn texts_that_never_match_for_their_capitals_are_refused() {
    check("context.device has model && context.device.model == \"Surface\"", &[("cedar-case", "Surface")]);
    check("context.device has model && context.device.model like \"Sur*\"", &[("cedar-case", "Sur*")]);
    let custom = "principal.customSecurityAttributes.texts";
    check(&format!("{custom}.hasTag(\"Eng_Tier\")"), &[("cedar-case", "Eng_Tier")]);
    check(
        &format!("{custom}.hasTag(\"e_t\") && {custom}.getTag(\"e_t\").containsAny([\"x\", \"Prod\"])"),
        &[("cedar-case", "Prod")],
    );
    check("context.attributes.flag.hasTag(\"Ready\") && principal.id == \"Me\"", &[]);
    let guid = "C1A4E2D0-8B3F-4C6A-9E57-0D1B2F3A4C01";
    check(&format!("principal.appId == \"{guid}\""), &[("cedar-case", guid)]);
    check(&format!("principal == ServicePrincipal::\"{guid}\""), &[("cedar-case", guid)]);
    check(&format!("resource.appIds.containsAll([\"x\", \"{guid}\"])"), &[("cedar-case", guid)]);
}

#[test]
fn hostile_text_ends_soon_and_never_overflows_the_stack() {
    let long = |part: &str, count: usize| part.repeat(count);
    let bounded = limits::CEDAR_OPERATORS_MAX;
    for text in [
        long("(", 100_000),
        long("[", 100_000),
        long("{", 100_000),
        long("!", 100_000),
        long("-", 100_000),
        format!("1{} == 1", long("+1", 100_000)),
        format!("true{}", long("&&true", 100_000)),
        format!("context{}", long(".a", 100_000)),
        long("if true then ", 50_000),
        long("\"", 70_001),
        format!("{}true{}", long("(", limits::CEDAR_DEPTH_MAX), long(")", limits::CEDAR_DEPTH_MAX)),
        format!("true{}", long(" || true", bounded / 2)),
        format!("true{}", long(" && context.clientApp == \"other\"", bounded / 7)),
        format!("1{} == 1", long("+1", bounded - 2)),
        format!("context{}", long(".a", bounded)),
        format!("{}true{}", long("if true then (", 20), long(") else true", 20)),
        format!("context.clientApp == \"{}\"", long("x", 60_000)),
        long("if true then ", bounded / 2),
        // Cedar reads on where a carriage return ends a comment.
        format!("true //\r && {}true{}", long("(", 30_000), long(")", 30_000)),
        format!("true }} {} when {{ true", long("when { true }", 5_000)),
    ] {
        problems(WhenForm::Expression, &text);
        problems(WhenForm::Statement, &format!("@id(\"x\") forbid (principal, action, resource) when {{ {text} }};"));
    }
}

// A search through the text took a device called `locations` for the locations, and would have missed a name that is
// written with escapes.
#[test]
fn a_condition_reads_what_it_names_and_not_what_its_texts_say() {
    let reads = |text: &str| {
        let (_, when) = when(WhenForm::Expression, text);
        let checked = condition(&when, &KINDS, &mut Vec::new());
        checked.unwrap_or_else(|| panic!("{text}")).condition.reads().clone()
    };
    for (text, read, other) in [
        ("context.network.locations.contains(\"Office\")", "locations", "country"),
        ("context[\"network\"][\"loc\\u{61}tions\"].contains(\"Office\")", "locations", "country"),
        ("context.device has model && context.device.model == \"locations\"", "model", "locations"),
        ("!(if true then principal.id like \"a*\" else [\"b\"].contains(principal.appId))", "principal", "attributes"),
        ("context.attributes.text.hasTag(\"principal\")", "attributes", "principal"),
        ("context.device has model", "model", "isCompliant"),
        ("principal is ServicePrincipal", "principal", "resource"),
    ] {
        let reads = reads(text);
        assert!(reads.any_of(&[read]) && !reads.any_of(&[other]), "{text}: {reads:?}");
    }
}
