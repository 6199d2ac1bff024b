//! `prove`, and what `check` and a sidecar make of statements.

use serde_json::Value;

use super::run::{WORKLOAD, bundle, doorward, doorward_reading, write};

const POLICY: &str = "
namedLocations: [{ displayName: Office, ipRanges: [203.0.113.0/24, \"2001:db8::/32\"] }]
policies:
  - displayName: Only from the office
    state: enabled
    conditions:
      clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] }
      locations: { includeLocations: [All], excludeLocations: [Office] }
    grantControls: { builtInControls: [block] }
";

/// A statement about all workloads.
fn statement(name: &str, conditions: &str) -> String {
    format!(
        "displayName: {name}\nstate: enabled\nconditions:\n  clientApplications: \
         {{ includeServicePrincipals: [ServicePrincipalsInMyTenant] }}\n  {conditions}\n\
         grantControls: {{ builtInControls: [block] }}\n"
    )
}

#[test]
fn statements_of_the_sample_are_proved() {
    insta::assert_snapshot!("prove", doorward(&["prove", WORKLOAD]).told());
}

#[test]
fn a_refuted_statement_comes_with_a_request_that_decide_allows() {
    let folder = bundle(&[("policies.yaml", POLICY)]);
    let path = folder.path().to_str().unwrap();
    let kept = statement(
        "None without an address in the office",
        "locations: { includeLocations: [All], excludeLocations: [Office] }",
    );
    let broken = statement("None at high risk", "servicePrincipalRiskLevels: [high]");
    write(folder.path(), "statements/kept.yaml", &kept);
    write(folder.path(), "statements/risk.yaml", &broken);
    let told = |arguments: &[&str]| doorward(arguments).told().replace(path, "BUNDLE");
    insta::assert_snapshot!("refuted", told(&["prove", path]));
    insta::assert_snapshot!("refuted_check", told(&["check", path]));

    let json = doorward(&["prove", path, "--format", "json"]);
    assert_eq!(json.code, 5);
    let body: Value = serde_json::from_str(&json.stdout).unwrap();
    let verdicts: Vec<_> = body["statements"].as_array().unwrap().iter().map(|it| it["verdict"].clone()).collect();
    assert_eq!(verdicts, ["proved", "refuted"]);
    let example = body["statements"][1]["counterexamples"][0]["example"].to_string();
    assert_eq!(doorward_reading(&example, &["decide", path, "--request", "-"]).code, 0);

    let sidecar = doorward(&["run", path, "--", "true"]);
    assert_eq!(sidecar.code, 4, "{}", sidecar.told());
    assert!(sidecar.stderr.contains("refuted-statement"), "{}", sidecar.told());
}

#[test]
fn statements_in_files_of_their_own_are_proved_with_those_of_the_bundle() {
    let folder = bundle(&[("policies.yaml", POLICY)]);
    let path = folder.path().to_str().unwrap();
    let named = |text: &str| {
        let folder = bundle(&[("more.json", text)]);
        let file = folder.path().join("more.json");
        let run = doorward(&["prove", path, file.to_str().unwrap()]);
        (run.code, run.told().replace(folder.path().to_str().unwrap(), "FOLDER"))
    };
    let nobody = "{\"displayName\": \"Nobody\", \"state\": \"enabled\", \"conditions\": {\"users\": {\"includeUsers\": [\"All\"]}, \"locations\": {\"includeLocations\": [\"Office\"]}}, \"grantControls\": {\"builtInControls\": [\"block\"]}}";
    assert_eq!(named(nobody).0, 5);
    assert_eq!(named(&nobody.replace("\"enabled\"", "\"disabled\"")).0, 0);
    let (code, told) = named(&nobody.replace("Office", "Ofice"));
    assert_eq!(code, 3);
    insta::assert_snapshot!("unknown_location", told);
    let none = doorward(&["prove", path]);
    assert_eq!(none.code, 5, "nothing to prove is nothing proved: {}", none.told());
    assert!(none.stdout.starts_with("no statements: write one"), "{}", none.told());
    assert_eq!(doorward(&["check", path]).code, 0, "a bundle needs none");
    assert_eq!(doorward(&["prove", path, "Cargo.toml"]).code, 2);
}
