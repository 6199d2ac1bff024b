//! `impact`: policies, requests and test cases that depend on something.

use serde_json::Value;

use super::run::{WORKLOAD, bundle, doorward, doorward_reading};

#[test]
fn what_depends_on_a_location_and_on_a_policy_is_told() {
    insta::assert_snapshot!("location", doorward(&["impact", WORKLOAD, "--location", "Data centre"]).told());
    let policy = doorward(&["impact", WORKLOAD, "--policy", "Payroll only from the data centre"]);
    insta::assert_snapshot!("policy", policy.told());
    let idle = doorward(&["impact", WORKLOAD, "--policy", "Freeze"]);
    assert_eq!(idle.code, 0);
    assert!(idle.stdout.contains("no decision changes"), "{}", idle.told());
}

#[test]
fn an_edit_is_told_by_what_it_touches_and_its_examples_decide_so() {
    let text = |range: &str| {
        format!(
            "namedLocations: [{{ displayName: Office, ipRanges: [{range}, \"2001:db8::/32\"] }}]
policies:
  - displayName: Only from the office
    state: enabled
    conditions:
      clientApplications: {{ includeServicePrincipals: [ServicePrincipalsInMyTenant] }}
      locations: {{ includeLocations: [All], excludeLocations: [Office] }}
    grantControls: {{ builtInControls: [block] }}
"
        )
    };
    let case = "cases: [{ name: next door, request: { identity: { type: servicePrincipal, id: a }, network: { ipAddress: 203.0.113.129 } }, expect: { decision: allow } }]";
    let before = bundle(&[("all.yaml", &text("203.0.113.0/24")), ("tests/all.yaml", case)]);
    let after = bundle(&[("all.yaml", &text("203.0.113.0/25"))]);
    let [before, after] = [&before, &after].map(|folder| folder.path().to_str().unwrap());
    insta::assert_snapshot!("edited", doorward(&["impact", before, after]).told());

    let json = doorward(&["impact", before, after, "--format", "json"]);
    let body: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(body["edits"][0]["namedBy"][0]["policy"], "Only from the office");
    assert_eq!(body["testCases"]["changed"][0]["after"]["passes"], false);
    let example = body["requests"]["regions"][0]["example"].to_string();
    assert_eq!(doorward_reading(&example, &["decide", before, "--request", "-"]).code, 0);
    assert_eq!(doorward_reading(&example, &["decide", after, "--request", "-"]).code, 6);
    assert!(doorward(&["impact", before, before]).stdout.contains("nothing was edited"));
}

#[test]
fn what_is_not_there_cannot_be_taken_out() {
    for (arguments, told) in [
        (vec!["impact", WORKLOAD, "--location", "Headquaters"], "did you mean `Headquarters`?"),
        (vec!["impact", WORKLOAD, "--policy", "Nothing of the kind at all"], "no policy is called"),
        (vec!["impact", WORKLOAD], "required"),
        (vec!["impact", WORKLOAD, WORKLOAD, "--policy", "Freeze"], "cannot be used with"),
    ] {
        let run = doorward(&arguments);
        assert_eq!(run.code, 2, "{}", run.told());
        assert!(run.stderr.contains(told), "{}", run.told());
    }
}

// Entities, strengths and types of subjects decide something too, but an edit of them was no edit.
#[test]
fn an_edit_of_entities_strengths_or_subject_types_is_an_edit() {
    let entities = "entities: { subjects: [{ type: client, id: x, properties: { role: author } }] }\n";
    let strength = "{ id: 11111111-0000-4000-8000-000000000004, displayName: Own, allowedCombinations: [fido2] }\n";
    let settings = "eligibility: all\n";
    let names = ["entities.yaml", "strength.yaml", "bundle.yaml"];
    let folder = |texts: [&str; 3]| bundle(&names.into_iter().zip(texts).collect::<Vec<_>>());
    let before = folder([entities, strength, settings]);
    for (after, told) in [
        (folder([&entities.replace("author", "admin"), strength, settings]), "catalogue: changed"),
        (folder([entities, &strength.replace("fido2", "sms"), settings]), "catalogue: changed"),
        (folder([entities, strength, "eligibility: all\nsubjectTypes: { robot: user }\n"]), "settings: changed"),
        (folder([entities, strength, settings]), "nothing was edited"),
    ] {
        let run = doorward(&["impact", before.path().to_str().unwrap(), after.path().to_str().unwrap()]);
        assert!(run.stdout.starts_with(told), "{told}: {}", run.told());
    }
}
