//! Catalogues and policies that multiply.

use std::collections::BTreeSet;

use crate::compile::{Compilation, compile};
use crate::model::IdRef;
use crate::written::raw;

fn compiled(files: &[(&str, String)]) -> Compilation {
    compile(&raw(files.iter().cloned()))
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

fn policy(name: &str, filter: &str, exclude: &str) -> String {
    format!(
        r#"{{"displayName": "{name}", "state": "enabled", "grantControls": {{"builtInControls": ["block"]}},
        "conditions": {{"applications": {{"includeApplications": ["a"]}}, "clientApplications": {{
        "includeServicePrincipals": ["ServicePrincipalsInMyTenant"], "excludeServicePrincipals": [{exclude}]
        {filter}}}}}}}"#
    )
}

fn filter(value: &str) -> String {
    let rule = format!(r#"CustomSecurityAttribute.S_A -eq \"{value}\""#);
    format!(r#", "servicePrincipalFilter": {{"mode": "exclude", "rule": "{}"}}"#, rule)
}

fn principals(count: usize, attributes: impl Fn(usize) -> String) -> String {
    list(
        (0..count).map(|number| {
            format!(r#"{{"id": "p{number}", "servicePrincipalType": "Application"{}}}"#, attributes(number))
        }),
    )
}

fn attribute(value: usize) -> String {
    format!(r#", "customSecurityAttributes": {{"S": {{"A": "v{value}"}}}}"#)
}

#[track_caller]
fn refused(files: &[(&str, String)], expected: &str) {
    let compilation = compiled(files);
    let told: Vec<_> = compilation.findings.iter().map(|finding| format!("{}: {}", finding.id, finding.what)).collect();
    assert!(compilation.bundle.is_none());
    assert!(
        told.iter().any(|told| told.contains("too-many") && told.contains(expected)),
        "{:#?}",
        told.get(..5).unwrap_or(&told)
    );
}

#[test]
fn filters_are_asked_once_for_all_principals_with_the_same_attributes() {
    let policies = list((0..500).map(|number| policy(&format!("P{number}"), &filter("v1"), "")));
    // Asked one by one, these would be 20 times as many evaluations as there may be of different attributes.
    let compilation = compiled(&[("p.json", policies), ("c.json", principals(20_000, |number| attribute(number % 4)))]);
    let bundle = compilation.bundle.unwrap();
    // Strangers get all policies uncertainly, the four sets of attributes two classes: excluded from all, and in all.
    let class = |id: &str| bundle.workloads.class(IdRef::new(id));
    let known = (0..20_000).filter_map(|number| class(&format!("p{number}")).0.map(|known| known.class));
    assert_eq!(known.chain([0]).collect::<BTreeSet<_>>().len(), 3);
    let candidates = |id: &str| class(id).1.candidates().collect::<Vec<_>>();
    assert_eq!(candidates("p1").len(), 0);
    assert!(candidates("p2").len() == 500 && candidates("p2").iter().all(|candidate| candidate.is_certain()));
    assert!(candidates("x").len() == 500 && candidates("x").iter().all(|candidate| !candidate.is_certain()));
}

#[test]
fn more_filters_times_different_attributes_than_can_be_asked_are_refused() {
    let policies = list((0..4_000).map(|number| policy(&format!("P{number}"), &filter("v1"), "")));
    let files = [("p.json", policies), ("c.json", principals(9_000, attribute))];
    refused(&files, "4000 policies filter 9001 different sets of attributes");
}

#[test]
fn policies_that_each_exclude_somebody_else_are_refused_when_their_lists_grow_too_long() {
    let excluded = |number: usize| format!(r#""00000000-0000-4000-8000-{number:012x}""#);
    let policies = (0..12_000).map(|number| policy(&format!("P{number}"), &filter("v1"), &excluded(number)));
    refused(&[("p.json", list(policies))], "lists of more than 512 MiB");
}

#[test]
fn a_principal_with_more_attributes_than_are_kept_is_refused() {
    let attributes = (0..600).map(|number| format!(r#""A{number}": "x""#)).collect::<Vec<_>>().join(",");
    let catalogue = principals(1, |_| format!(r#", "customSecurityAttributes": {{"S": {{{attributes}}}}}"#));
    let files = [("p.json", policy("P", "", "")), ("c.json", catalogue)];
    refused(&files, "more than 512 custom security attributes on one object");
}
