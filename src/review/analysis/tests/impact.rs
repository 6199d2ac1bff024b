//! Impact against brute force: small bundles with something taken out of their text, and requests as test cases.

use fastrand::Rng;

use super::{SATISFIED, bundle, compiled, decide, requests, settings};
use crate::compile::{CompiledBundle, Mode, compile, read};
use crate::evaluate::{Evaluation, evaluate};
use crate::review::impact::{compiled as compiled_model, edits, impact, without_location, without_policy};
use crate::written::raw;

/// `text` without what lies in the location `name`, as somebody would write it.
fn emptied(text: &str, name: &str) -> String {
    let own = format!("displayName: {name},");
    let edit = |line: &str| {
        let Some(at) = line.find("ipRanges: [").or_else(|| line.find("countriesAndRegions: [")) else {
            return line.to_owned();
        };
        if !line.contains(&own) {
            return line.to_owned();
        }
        let (head, tail) = line.split_at(at);
        let (key, _) = tail.split_once('[').unwrap();
        format!("{head}{key}[] }}")
    };
    text.lines().map(|line| edit(line) + "\n").collect()
}

/// The decision and the policies that decide, by name.
fn answer(bundle: &CompiledBundle, request: &crate::model::TokenRequest<'_>) -> Option<(String, Vec<String>)> {
    let mut evaluation = Evaluation::default();
    evaluate(bundle, request, &mut evaluation).ok()?;
    let names = evaluation.policies().iter().map(|index| bundle.policy(*index).display_name.to_string());
    Some((evaluation.decision().as_str().to_owned(), names.collect()))
}

#[test]
fn taking_something_out_changes_the_requests_of_its_regions_and_the_test_cases_about_them() {
    let (mut changed, mut unchanged, mut cases) = (0, 0, 0);
    for seed in 0..150 {
        let mut rng = Rng::with_seed(seed);
        let settings = settings(&mut rng);
        let text = bundle(&mut rng);
        let requests = requests(&mut rng, 40);
        let case = |(index, witness): (usize, &crate::review::analysis::Witness)| serde_json::json!({ "name": format!("case {index}"), "request": witness.json(), "expect": { "decision": "allow" } });
        let tests =
            serde_json::json!({ "cases": requests.iter().enumerate().map(case).collect::<Vec<_>>() }).to_string();
        let raw = raw([("bundle.yaml", &settings), ("all.yaml", &text), ("tests/all.json", &tests)]);
        let model = read(&raw, Mode::Spanned).bundle;
        let plain = compile(&raw).bundle.unwrap();
        let own: Vec<_> = text.lines().filter(|line| line.contains("displayName: Policy ")).collect();
        for object in 0..2 {
            let ((edited, edit), edited_text) = if object == 0 {
                let name = ["Here", "There", "Land"][rng.usize(..3)];
                (without_location(&model, name).unwrap(), emptied(&text, name))
            } else {
                let line = own[rng.usize(..own.len())];
                let name = line.split_once("displayName: ").unwrap().1.split_once(',').unwrap().0;
                let rest: String =
                    text.lines().filter(|other| *other != line).map(|line| format!("{line}\n")).collect();
                let rest = if rest.ends_with("policies:\n") { rest.replace("policies:\n", "") } else { rest };
                (without_policy(&model, name).unwrap(), rest)
            };
            let told = format!("seed {seed}: {edit:?}\n{settings}{text}");
            let after = compiled_model(edited, &raw).unwrap();
            let again = compiled(&edited_text, &settings);
            let found = impact(&plain, &after, &raw, vec![edit]).unwrap_or_else(|error| panic!("{told}\n{error}"));
            let expected = requests.iter().enumerate().filter(|(_, witness)| {
                let request = witness.request();
                let alone = [&plain, &again].map(|bundle| answer(bundle, &request));
                assert_eq!(alone[1], answer(&after, &request), "{told}\n{witness:?}");
                alone[0] != alone[1]
            });
            let expected: Vec<_> = expected.map(|(index, _)| format!("case {index}")).collect();
            let named: Vec<_> = found.cases.iter().map(|case| case.name.clone()).collect();
            assert_eq!(named, expected, "{told}");
            cases += named.len();
            let is_enforced = |region: &&super::super::Region| !region.is_report_only;
            let has_regions = found.comparison.regions.iter().any(|region| is_enforced(&region));
            for witness in &requests {
                for controls in &SATISFIED {
                    let decisions = [&plain, &again].map(|bundle| decide(bundle, witness, controls));
                    if decisions[0] != decisions[1] {
                        assert!(has_regions, "{told}\n{witness:?}");
                    }
                }
            }
            changed += usize::from(has_regions);
            unchanged += usize::from(!has_regions);
        }
    }
    assert!(changed > 60 && unchanged > 50 && cases > 80, "{changed} {unchanged} {cases}");
}

#[test]
fn an_edit_of_one_object_is_told_with_the_policies_that_name_it() {
    let of = |text: &str| read(&raw([("all.yaml", text)]), Mode::Spanned).bundle;
    let text = "namedLocations:
  - { displayName: Here, isTrusted: true, ipRanges: [192.0.2.0/24] }
  - { displayName: There, ipRanges: [198.51.100.0/24] }
policies:
  - displayName: Named
    state: enabled
    conditions:
      users: { includeUsers: [All] }
      locations: { includeLocations: [All], excludeLocations: [Here] }
    grantControls: { builtInControls: [block] }
  - displayName: Trusted
    state: disabled
    conditions:
      users: { includeUsers: [All] }
      locations: { includeLocations: [AllTrusted, There] }
    grantControls: { builtInControls: [mfa] }
";
    let told = |edited: &str| -> Vec<String> {
        let by = |edit: &crate::review::impact::Edit| {
            let names: Vec<_> = edit.named_by.iter().map(|by| format!("{} {}", by.policy, by.how.join("+"))).collect();
            format!("{} {} {}: {}", edit.object.as_str(), edit.name, edit.kind.as_str(), names.join(", "))
        };
        edits(&of(text), &of(edited)).iter().map(by).collect()
    };
    assert_eq!(told(text), Vec::<String>::new());
    assert_eq!(told(&format!("# moved down\n\n{text}")), Vec::<String>::new());
    let widened = text.replace("192.0.2.0/24", "192.0.2.0/23");
    assert_eq!(told(&widened), ["location Here changed: Named excluded, Trusted included as trusted"]);
    let enabled = text.replace("disabled", "enabled");
    assert_eq!(told(&enabled), ["policy Trusted changed: "]);
    let tagged = text.replace("[block] }", "[mfa] }\n    token: { claims: { tags: [a] } }");
    assert_eq!(told(&tagged), ["policy Named changed: "]);
    assert_eq!(edits(&of(&tagged), &of(&tagged.replace("[a]", "[b]"))).len(), 1, "what shapes a token is a part of it");
    let renamed = text.replace("There", "Elsewhere");
    assert_eq!(
        told(&renamed),
        [
            "policy Trusted changed: ",
            "location Elsewhere added: Trusted included",
            "location There removed: Trusted included"
        ]
    );
}

// The content of a country database is in no model of a bundle, so nothing was edited although requests were decided
// otherwise; and what contradicts the one database or the other was not told to be left out.
#[test]
fn another_country_database_is_an_edit() {
    let settings = "countryDatabase: countries.mmdb\n";
    let land = "namedLocations: [{ displayName: Land, countriesAndRegions: [GB] }]\n";
    let text = format!(
        "{land}policies: [{{ displayName: P, state: enabled, conditions: {{ users: {{ includeUsers: [All] }}, applications: {{ includeApplications: [All] }}, locations: {{ includeLocations: [Land] }} }}, grantControls: {{ builtInControls: [block] }} }}]\n"
    );
    let raw = |is_other: bool| {
        let countries = super::whole::bundle::countries(is_other);
        raw([("bundle.yaml", settings.as_bytes()), ("all.yaml", text.as_bytes()), ("countries.mmdb", &countries)])
    };
    let [one, other] = [false, true].map(raw);
    let bundle = |raw: &crate::text::RawBundle| compile(raw).bundle.unwrap();
    let told = |edited: &crate::text::RawBundle| {
        let found = impact(&bundle(&one), &bundle(edited), &one, Vec::new()).unwrap();
        let edits: Vec<_> = found.edits.iter().map(|edit| edit.object.as_str()).collect();
        let kinds: Vec<_> = found.comparison.regions.iter().map(|region| region.kind.as_str()).collect();
        let is_refusal = |note: &&crate::review::analysis::Note| note.as_str().contains("country databases");
        (edits, kinds, found.comparison.notes.iter().filter(is_refusal).count())
    };
    assert_eq!(told(&other), (vec!["country database"], vec!["newly-allowed"], 1));
    assert_eq!(told(&one), (vec![], vec![], 0));
}
