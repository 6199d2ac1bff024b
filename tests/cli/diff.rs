//! `diff` and `gaps`: regions in words, gates, and examples that `decide` takes.

use serde_json::Value;

use super::run::{WORKLOAD, bundle, doorward, doorward_reading};

const LOCATIONS: &str = "namedLocations: [{ displayName: Office, ipRanges: [203.0.113.0/24] }]\n";
const POLICY: &str = "
displayName: Only from the office
state: enabled
conditions:
  clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] }
  locations: { includeLocations: [All], excludeLocations: [Office] }
grantControls: { builtInControls: [block] }
";

#[test]
fn a_wider_location_is_told_as_the_range_that_is_newly_allowed_and_its_example_decides_so() {
    let before = bundle(&[("locations.yaml", LOCATIONS), ("policy.yaml", POLICY)]);
    let after = bundle(&[("locations.yaml", &LOCATIONS.replace("/24", "/23")), ("policy.yaml", POLICY)]);
    let [before, after] = [&before, &after].map(|folder| folder.path().to_str().unwrap());
    insta::assert_snapshot!("wider", doorward(&["diff", before, after]).told());
    let gate = |what: &str, one: &str, other: &str| doorward(&["diff", one, other, "--fail-on", what]).code;
    assert_eq!(gate("newly-allowed", before, after), 5);
    assert_eq!(gate("newly-blocked", before, after), 0);
    assert_eq!(gate("newly-blocked", after, before), 5);
    assert_eq!(gate("any", before, before), 0);

    let json = doorward(&["diff", before, after, "--format", "json"]);
    let body: Value = serde_json::from_str(&json.stdout).unwrap();
    let example = body["regions"][0]["example"].to_string();
    assert_eq!(doorward_reading(&example, &["decide", before, "--request", "-"]).code, 6);
    assert_eq!(doorward_reading(&example, &["decide", after, "--request", "-"]).code, 0);
}

#[test]
fn gaps_are_told_with_an_example_each() {
    insta::assert_snapshot!("gaps", doorward(&["gaps", WORKLOAD]).told());
}
