//! Controls of the device where they mean something else: with the device code flow, and on the way to a compliant one.

use super::super::prove::prove;
use super::super::{Region, Verdict, What, diff};
use super::compiled;
use crate::compile::{compile, compile_stated};
use crate::written::raw;

fn policy(name: &str, apps: &str, more: &str, controls: &str) -> String {
    format!(
        "  - {{ displayName: {name}, state: enabled, conditions: {{ users: {{ includeUsers: [All] }}, applications: {{ {apps} }}{more} }}, grantControls: {{ operator: OR, builtInControls: [{controls}] }} }}\n"
    )
}

const ALL: &str = "includeApplications: [All]";
const FLOW: &str = ", authenticationFlows: { transferMethods: deviceCodeFlow }";

fn regions(before: &str, after: &str) -> usize {
    told(before, after).len()
}

fn told(before: &str, after: &str) -> Vec<Region> {
    let harmless = policy("Mail", "includeApplications: [mail]", "", "mfa");
    let [before, after] = [before, after].map(|text| compiled(&format!("policies:\n{harmless}{text}"), "name: Some\n"));
    let found = diff(&before, &after).unwrap();
    assert!(!found.notes.iter().any(|note| note.leaves_out), "{:?}", found.notes);
    found.regions
}

/// Such a change was said to let in whoever has a compliant device, which the decision did not confirm.
#[test]
fn what_no_device_code_flow_can_satisfy_is_a_block() {
    let [block, device, mfa] = ["block", "compliantDevice", "mfa"].map(|controls| policy("Flow", ALL, FLOW, controls));
    assert_eq!(regions(&block, &device), 0);
    assert_eq!(regions(&block, &mfa), 1);
    // Where mail asks for it anyway, and elsewhere.
    assert_eq!(regions(&device, &mfa), 2);
    let filter = ", devices: { deviceFilter: { mode: include, rule: 'device.isCompliant -eq True' } }";
    assert_eq!(regions(&policy("Flow", ALL, &format!("{FLOW}{filter}"), "block"), ""), 0);
}

// What is spared is not where an authentication context is asked for too, or another resource. No policy names one, so
// none was looked at: that the enrolment was no longer covered changed nothing, or had to do with strengths.
#[test]
fn exempting_the_way_to_a_compliant_device_changes_something_only_where_it_is_not_exempt() {
    let enrolment = "[d4ebce55-015a-49b5-a083-c84d1797ae8c]";
    let exempt = format!("{ALL}, excludeApplications: {enrolment}");
    let [all, some] = [ALL, &exempt].map(|apps| policy("Device", apps, "", "compliantDevice, mfa"));
    assert_eq!(regions(&all, &some), 1);
    let [all, some] = [ALL, &exempt].map(|apps| policy("Device", apps, "", "compliantDevice, domainJoinedDevice"));
    let own = policy("Device", &format!("includeApplications: {enrolment}"), "", "compliantDevice");
    for (before, after) in [(&*all, &*some), (&own, "")] {
        let told = told(before, after);
        let asked = told.iter().map(|region| &region.witness.as_ref().unwrap().witness.what);
        let is_it = |what: &&What| what.app_id.is_some() && (what.context.is_some() || what.is_baseline);
        assert_eq!(asked.filter(is_it).count(), 1, "{told:?}");
    }
}

/// Where a compliant device is spared, what would do beside it still is asked for: nobody else shows the difference.
#[test]
fn a_device_does_not_prove_what_is_asked_for_on_the_way_to_it() {
    let verdict = |apps: &str, own: &str| {
        let policies = format!("policies:\n{}", policy("Own", ALL, "", own));
        let claim = format!("policies:\n{}", policy("Claim", apps, "", "compliantDevice, mfa"));
        let raw = raw([("all.yaml", policies), ("statements/all.yaml", claim)]);
        let plain = compile(&raw).bundle.unwrap();
        let mut proofs = prove(&plain, compile_stated(&raw, &[]).unwrap()).unwrap();
        proofs.proofs.remove(0).verdict
    };
    assert!(matches!(verdict(ALL, "compliantDevice"), Verdict::Undecided(_)));
    assert!(matches!(verdict("includeApplications: [mail]", "compliantDevice"), Verdict::Proved));
    assert!(matches!(verdict(ALL, "mfa"), Verdict::Proved));
}
