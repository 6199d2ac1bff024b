//! Whatever a bundle holds, what is read of it stays within the bounds; and what is read twice is the same.

use super::*;
use crate::limits;
use crate::model::Id;
use crate::text::Spanned;
use crate::written::raw;

fn told(reading: &Reading) -> Vec<&str> {
    reading.diagnostics.iter().map(|diagnostic| diagnostic.rule.id).collect()
}

fn repeated(count: usize, of: impl Fn(usize) -> String) -> String {
    (0..count).map(of).collect::<Vec<_>>().join(",\n")
}

#[test]
fn reading_stops_at_a_bound_whatever_holds_the_objects() {
    const MOST: usize = limits::LOCATIONS_MAX;
    let locations =
        repeated(MOST * 3, |number| format!(r#"{{ "displayName": "L{number}", "ipRanges": ["192.0.2.0/24"] }}"#));
    let documents = [
        ("a list", format!("[{locations}]")),
        ("a list response", format!(r#"{{ "value": [{locations}] }}"#)),
        ("an object of lists", format!(r#"{{ "namedLocations": [{locations}] }}"#)),
    ];
    for (note, text) in documents {
        for (mode, name) in [(Mode::Fast, "a.json"), (Mode::Spanned, "a.json"), (Mode::Spanned, "a.yaml")] {
            let reading = read(&raw([(name, text.as_str()), ("b.json", "{ this is not read")]), mode);
            assert_eq!(reading.bundle.locations.len(), MOST + 1, "{note}, {name}");
            assert_eq!(told(&reading), ["too-many"], "{note}, {name}");
            assert!(!reading.is_complete, "{note}, {name}");
        }
    }
}

#[test]
fn every_kind_of_object_has_its_bound() {
    let strengths =
        repeated(limits::STRENGTHS_MAX * 2, |number| format!(r#"{{ "id": "s{number}", "allowedCombinations": [] }}"#));
    let reading = read(&raw([("a.json", format!("[{strengths}]"))]), Mode::Fast);
    assert_eq!((reading.bundle.strengths.len(), told(&reading)), (limits::STRENGTHS_MAX + 1, vec!["too-many"]));

    let entities = repeated(limits::ENTITIES_MAX + 10, |number| format!(r#"{{ "name": "a{number}" }}"#));
    let reading = read(&raw([("a.json", format!(r#"{{ "entities": {{ "actions": [{entities}] }} }}"#))]), Mode::Fast);
    assert_eq!((reading.bundle.entities.actions.len(), told(&reading)), (limits::ENTITIES_MAX + 1, vec!["too-many"]));

    let policy = r#"{ "displayName": "A", "state": "disabled", "conditions": {} }"#;
    let statements = repeated(limits::STATEMENTS_MAX * 2, |_| policy.to_owned());
    let reading = read(&raw([("statements/a.json", format!("[{statements}]"))]), Mode::Fast);
    assert_eq!(reading.bundle.statements.len(), limits::STATEMENTS_MAX + 1);
    assert!(!reading.is_complete);
}

/// A policy in Cedar that is hardly shorter than one may be.
fn long_statement(number: usize) -> String {
    let comment = "x".repeat(limits::CEDAR_BYTES_MAX - 100);
    format!("@id(\"p{number}\")\nforbid (principal, action, resource) // {comment}\n;\n")
}

#[test]
fn cedar_past_its_bound_is_not_parsed() {
    const MOST: usize = limits::CEDAR_BYTES_ALL_MAX / limits::CEDAR_BYTES_MAX;
    let text: String = (0..MOST * 3).map(long_statement).collect();
    let reading = read(&raw([("a.cedar", text.as_str())]), Mode::Spanned);
    assert_eq!((reading.bundle.policies.len(), told(&reading)), (MOST, vec!["too-many"]));

    // A condition of a policy counts beside them, whichever comes first.
    let when = "true || ".repeat(30_000 / 8) + "true";
    let policy =
        format!(r#"{{ "id": "w", "displayName": "W", "state": "disabled", "conditions": {{}}, "when": "{when}" }}"#);
    let policies = repeated(MOST * 6, |_| policy.clone());
    for mode in [Mode::Fast, Mode::Spanned] {
        let reading = read(&raw([("a.json", format!("[{policies}]")), ("b.cedar", text.clone())]), mode);
        let bytes: usize = reading
            .bundle
            .policies
            .iter()
            .filter_map(|policy| policy.when.as_ref())
            .map(|when| when.text.text.len())
            .sum();
        assert!(bytes <= limits::CEDAR_BYTES_ALL_MAX + when.len(), "{bytes}");
        assert!(!reading.is_complete && told(&reading).contains(&"too-many"));
    }
}

#[test]
fn a_file_that_is_read_twice_counts_once() {
    // Two addresses are no prefix, so that the fast reading gives up behind the first objects.
    let locations = repeated(limits::LOCATIONS_MAX - 1, |number| {
        format!(r#"{{ "displayName": "L{number}", "ipRanges": ["192.0.2.0/24"] }}"#)
    });
    let entities = r#"{ "entities": { "actions": [{ "name": "read" }] } }"#;
    let last =
        r#"{ "displayName": "last", "ipRanges": [{ "lowerAddress": "192.0.2.1", "upperAddress": "192.0.2.9" }] }"#;
    let policies = repeated(2, |_| r#"{ "displayName": "A", "state": "disabled", "conditions": {} }"#.to_owned());
    let text = format!("[{policies}, {locations}, {last}]");
    let reading = read(&raw([("a.json", entities), ("b.json", text.as_str())]), Mode::Fast);
    assert!(reading.is_complete);
    assert_eq!(reading.bundle.locations.len(), limits::LOCATIONS_MAX);
    assert_eq!(reading.bundle.entities.actions.len(), 1);
    let ids: Vec<_> = reading.bundle.policies.iter().map(|policy| policy.id.as_ref().map(|id| &*id.value)).collect();
    assert_eq!(ids, [None, Some("A (2)")]);
    assert_eq!(told(&reading).iter().filter(|id| **id == "duplicate-name").count(), 1);
}

#[test]
fn problems_of_one_object_are_counted_and_not_all_kept() {
    let flood = |of: &str| (0..limits::DIAGNOSTICS_MAX * 3).map(|_| of).collect::<Vec<_>>().join(",");
    // An error behind a flood of another kind refuses the bundle all the same.
    let users = format!(r#"{{ "includeUsers": [{}], "includeGuestsOrExternalUsers": {{}} }}"#, flood(r#""a@b""#));
    let policy = format!(r#"{{ "displayName": "A", "state": "enabled", "conditions": {{ "users": {users} }} }}"#);
    let mut context = object::Context::default();
    let node = text::json::parse_fast(&policy, &mut ()).unwrap();
    let _ = policy::policy(&node, &mut context);
    assert!(context.diagnostics.len() <= limits::DIAGNOSTICS_MAX && context.has_error());
    let mut diagnostics = Diagnostics::default();
    context.flush(true, &mut diagnostics);
    assert_eq!((diagnostics.errors(), diagnostics.warnings()), (1, limits::DIAGNOSTICS_MAX * 3));
}

#[test]
fn members_that_nothing_reads_are_bounded() {
    let members = repeated(limits::UNREAD_MEMBERS_MAX * 3, |number| format!(r#""k{number}": 0"#));
    let policy = format!(r#"{{ "displayName": "A", "state": "disabled", "conditions": {{}}, {members} }}"#);
    let reading = read(&raw([("a.json", policy.as_str())]), Mode::Fast);
    let kept = reading.bundle.policies.first().map(|policy| policy.kept.len());
    assert_eq!(kept, Some(limits::UNREAD_MEMBERS_MAX));
    assert!(reading.diagnostics.warnings() > limits::UNREAD_MEMBERS_MAX);
}

#[test]
fn lists_of_settings_that_all_else_is_held_against_are_bounded() {
    let most = limits::SETTING_ENTRIES_MAX;
    let settings = |key: &str, entry: &str, count: usize| {
        let end = if key.contains('{') { " }" } else { "" };
        let text = format!("{key}: [{}]{end}", vec![entry; count].join(", "));
        read(&raw([("bundle.yaml", text.as_str()), ("a.json", "[]")]), Mode::Fast)
    };
    for (key, entry, most) in [
        ("breakGlass", "a", most),
        ("ignoredPolicies", "a", most),
        ("ignoredFiles", "a", most),
        ("suites: { Office365", "a", most),
        ("placeholders: { <A>", "a", most),
        ("mfaTrustedIps", "192.0.2.7/32", limits::MFA_TRUSTED_IPS_MAX),
    ] {
        assert!(!told(&settings(key, entry, most)).contains(&"too-many"), "{key}");
        let over = settings(key, entry, most * 2);
        assert!(told(&over).contains(&"too-many") && over.diagnostics.errors() > 0, "{key}");
        let kept = over.bundle.settings;
        let suite = kept.office365.map_or(0, |members| members.len());
        let kept = [suite, kept.break_glass.len(), kept.ignored_policies.len(), kept.mfa_trusted_ips.len()];
        assert!(kept.iter().all(|kept| *kept <= most), "{key}: {kept:?}");
    }
}

/// A list of a list multiplies: a megabyte of settings and some kilobytes of policies took all memory.
#[test]
fn what_placeholders_stand_for_everywhere_together_is_bounded() {
    let id = "5b1d0c52-5d0e-4c53-8a5e-1f1c7a3a0001";
    let settings = format!("placeholders: {{ <A>: [{}] }}", vec![id; limits::SETTING_ENTRIES_MAX].join(", "));
    let policies = |count: usize, places: usize| {
        let places = repeated(places, |_| r#""<A>""#.to_owned());
        repeated(count, |number| {
            let users = format!(r#"{{ "includeUsers": ["All"], "excludeUsers": [{places}] }}"#);
            format!(
                r#"{{ "displayName": "P{number}", "state": "enabled", "grantControls": {{ "builtInControls": ["block"] }}, "conditions": {{ "users": {users} }} }}"#
            )
        })
    };
    let excluded = |policies: String, end: &str, mode| {
        let text = format!("[{policies}{end}]");
        let reading = read(&raw([("a.json", text.as_str()), ("bundle.yaml", settings.as_str())]), mode);
        let bundle = &reading.bundle;
        let count: usize = bundle.policies.iter().map(|policy| policy.conditions.users.exclude.len()).sum();
        (count, reading.diagnostics.iter().map(|diagnostic| diagnostic.rule.id).collect::<Vec<_>>())
    };
    let most = limits::PLACEHOLDER_BYTES_MAX / (limits::SETTING_ENTRIES_MAX * (id.len() + size_of::<Spanned<Id>>()));
    for mode in [Mode::Fast, Mode::Spanned] {
        assert_eq!(excluded(policies(most, 1), "", mode), (most * limits::SETTING_ENTRIES_MAX, vec![]), "{mode:?}");
        for (count, places) in [(1, 10_000), (1_000, 10)] {
            let (count, told) = excluded(policies(count, places), "", mode);
            assert!(
                count < limits::PLACEHOLDER_BYTES_MAX / id.len() && told.contains(&"too-many"),
                "{mode:?}: {count}"
            );
        }
    }
    // Two addresses are no prefix, so that the fast reading gives up behind the policies, and they are read again.
    let location =
        r#", { "displayName": "L", "ipRanges": [{ "lowerAddress": "192.0.2.1", "upperAddress": "192.0.2.9" }] }"#;
    let (count, told) = excluded(policies(most, 1), location, Mode::Fast);
    assert!(count == most * limits::SETTING_ENTRIES_MAX && !told.contains(&"too-many"), "{count}: {told:?}");
}
