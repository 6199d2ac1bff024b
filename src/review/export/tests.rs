//! What Graph cannot hold is left out whole and told; the rest loads again.

use super::*;
use crate::compile::{self, Mode};
use crate::written::raw;

fn export(files: &[(&str, &str)]) -> Export {
    let reading = compile::read(&raw(files.iter().copied()), Mode::Spanned);
    assert_eq!(reading.diagnostics.errors(), 0, "{:#?}", reading.diagnostics.findings(&reading.sources));
    graph(&reading.bundle, &reading.diagnostics)
}

fn policy(name: &str, rest: &str) -> String {
    format!("displayName: {name}\nstate: enabled\n{rest}\ngrantControls: {{ builtInControls: [block] }}\n")
}

const WORKLOADS: &str =
    "conditions: { clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] } }";

#[test]
fn a_policy_that_graph_cannot_hold_is_left_out_and_told() {
    let personal = "conditions: { users: { includeGuestsOrExternalUsers: { guestOrExternalUserTypes: personalMicrosoftAccount } } }";
    for (rest, told) in [
        (format!("{WORKLOADS}\nwhen: context.credential.type == \"clientSecret\""), "condition in Cedar"),
        (personal.to_owned(), "personal accounts"),
        (format!("{WORKLOADS}\ndeletedDateTime: 2026-01-01T00:00:00Z"), "recycle bin"),
    ] {
        let export = export(&[("a.yaml", &policy("Kept", WORKLOADS)), ("b.yaml", &policy("Lost", &rest))]);
        let names: Vec<_> =
            export.document["policies"].as_array().unwrap().iter().map(|it| &it["displayName"]).collect();
        assert_eq!(names, ["Kept"], "{rest}");
        assert!(export.is_partial(), "{rest}");
        let note = export.notes.iter().find(|note| note.weight == Weight::Loss).unwrap();
        assert_eq!(note.about, "policy `Lost`");
        assert!(note.what.contains(told), "{note:?}");
    }
}

/// What does not decide is left behind alone; a policy of nothing else Graph would refuse.
#[test]
fn tokens_and_obligations_stay_behind_and_are_told() {
    let owed = policy("Told", &format!("{WORKLOADS}\nobligations: [{{ type: session_termination }}]"));
    let short = format!("displayName: Short\nstate: enabled\n{WORKLOADS}\ntoken: {{ lifetime: 300 }}\n");
    let export = export(&[("a.yaml", &owed), ("b.yaml", &short)]);
    let policies = export.document["policies"].as_array().unwrap();
    assert_eq!((policies.len(), &policies[0]["displayName"]), (1, &json!("Told")));
    assert!(!export.document.to_string().contains("doorward"), "{}", export.document);
    let losses = export.notes.iter().filter(|note| note.weight == Weight::Loss);
    let told: Vec<_> = losses.map(|note| (note.about.as_str(), note.what.contains("left out"))).collect();
    assert_eq!(told, [("policy `Told`", false), ("policy `Short`", true)]);
}

#[test]
fn settings_that_a_tenant_does_not_have_are_told() {
    for (settings, told) in [("defaultDecision: block", "defaultDecision"), ("eligibility: all", "eligibility")] {
        let export = export(&[("bundle.yaml", settings), ("a.yaml", &policy("A", WORKLOADS))]);
        assert!(export.is_partial() && export.notes.iter().any(|note| note.what.contains(told)), "{export:?}");
    }
}

#[test]
fn names_in_the_place_of_ids_are_told_and_lose_nothing() {
    let rest = "conditions: { users: { includeUsers: [alice] }, locations: { includeLocations: [Office] } }";
    let export =
        export(&[("a.yaml", &policy("A", rest)), ("l.yaml", "displayName: Office\nipRanges: [192.0.2.0/24]\n")]);
    assert!(!export.is_partial(), "{export:?}");
    let told: Vec<_> = export.notes.iter().map(|note| format!("{}: {}", note.about, note.what)).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told.contains(&"policy `A`: Graph takes GUIDs, and these are none: `Office`, `alice`".to_owned()),
        "{told:?}"
    );
    assert_eq!(export.document["policies"][0]["conditions"]["locations"]["includeLocations"][0], "Office");
    assert_eq!(export.document["namedLocations"][0].get("id"), None);
}

#[test]
fn more_than_a_tenant_takes_is_told() {
    let many: Vec<_> =
        (0..=limits::ENTRA_POLICIES_MAX).map(|number| policy(&format!("P{number}"), WORKLOADS)).collect();
    let names: Vec<_> = (0..many.len()).map(|number| format!("p{number}.yaml")).collect();
    let range = |number: usize| format!("192.{}.{}.0/24", number / 256, number % 256);
    let ranges: Vec<_> = (0..=limits::ENTRA_RANGES_MAX).map(range).collect();
    let location =
        format!("displayName: Wide\nid: 0f8fad5b-d9cb-469f-a165-70867728950e\nipRanges: [{}]\n", ranges.join(", "));
    let mut files: Vec<_> = names.iter().zip(&many).map(|(name, text)| (name.as_str(), text.as_str())).collect();
    files.push(("wide.yaml", &location));
    let losses: Vec<_> = export(&files).notes.into_iter().filter(|note| note.weight == Weight::Loss).collect();
    assert_eq!(losses.len(), 2, "{losses:?}");
    assert!(losses.iter().any(|note| note.what.contains("2001 ranges")), "{losses:?}");
    assert!(losses.iter().any(|note| note.what.contains("241 policies")), "{losses:?}");
}

#[test]
fn restricted_combinations_are_told() {
    let strength = "id: 0f8fad5b-d9cb-469f-a165-70867728950e\ndisplayName: Keys\nallowedCombinations: [fido2, windowsHelloForBusiness]\ncombinationConfigurations: [{ appliesToCombinations: [fido2] }]\n";
    let export = export(&[("s.yaml", strength)]);
    assert!(export.is_partial(), "{export:?}");
    let kept = &export.document["authenticationStrengthPolicies"][0]["allowedCombinations"];
    assert_eq!(kept, &json!(["windowsHelloForBusiness"]));
}
