//! `export`: what is written loads again, and what is not written is told.

use super::run::{BLOCK, WORKLOAD, bundle, doorward};

#[test]
fn a_graph_export_is_a_bundle_that_decides_the_same() {
    let run = doorward(&["export", WORKLOAD, "--format", "graph"]);
    assert_eq!(run.code, 0, "{}", run.told());
    let principals = std::fs::read_to_string(format!("{WORKLOAD}/service-principals.yaml")).unwrap();
    let settings = std::fs::read_to_string(format!("{WORKLOAD}/bundle.yaml")).unwrap();
    let mut files = vec![("graph.json".to_owned(), run.stdout.clone())];
    files.push(("service-principals.yaml".to_owned(), principals));
    files.push(("bundle.yaml".to_owned(), settings));
    for entry in std::fs::read_dir(format!("{WORKLOAD}/tests")).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("tests/{}", path.file_name().unwrap().to_str().unwrap());
        files.push((name, std::fs::read_to_string(path).unwrap()));
    }
    let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let folder = bundle(&files);
    let tested = doorward(&["test", folder.path().to_str().unwrap()]);
    assert_eq!(tested.code, 0, "{}", tested.told());
}

#[test]
fn what_graph_cannot_hold_is_told_and_ends_with_7() {
    let cedar = "displayName: Secrets\nstate: enabled\nconditions: { clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] } }\nwhen: context.credential.type == \"clientSecret\"\ngrantControls: { builtInControls: [block] }\n";
    let folder = bundle(&[BLOCK, ("secrets.yaml", cedar), ("bundle.yaml", "mfaTrustedIps: [192.0.2.0/24]\n")]);
    let run = doorward(&["export", folder.path().to_str().unwrap(), "--format", "graph"]);
    insta::assert_snapshot!(run.told());
}

#[test]
fn a_name_with_a_break_in_it_stays_in_its_line() {
    let policy = "displayName: \"Se\\ncrets\"\nstate: enabled\nconditions: { clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] } }\nwhen: context.credential.type == \"clientSecret\"\ngrantControls: { builtInControls: [block] }\n";
    let folder = bundle(&[("secrets.yaml", policy)]);
    let run = doorward(&["export", folder.path().to_str().unwrap(), "--format", "graph"]);
    assert!(run.stderr.contains("policy `Se\\u000acrets`: left out"), "{}", run.told());
}
