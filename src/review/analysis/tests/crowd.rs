//! Large catalogues, and whom a tenant takes for its own.

use super::super::prove;
use super::super::space::{Spaces, spaces};
use super::super::universe::Universe;
use super::super::{ChangeKind, Verdict, diff, gaps};
use super::tenant::{OTHER_TENANT, TENANT, compiled};
use crate::compile::{CompiledBundle, compile, compile_stated};
use crate::limits;
use crate::written::raw;

const ALL: &str = "clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] }";

fn block(name: &str, conditions: &str) -> String {
    format!(
        "  - {{ displayName: {name}, state: enabled, conditions: {{ {conditions} }}, grantControls: {{ builtInControls: [block] }} }}\n"
    )
}

/// `count` service principals, of which the catalogue says `more`.
fn catalogue(count: usize, more: &str) -> String {
    let entry = |number: usize| format!("  - {{ id: sp-{number}{more} }}\n");
    format!("servicePrincipals:\n{}", (0..count).map(entry).collect::<String>())
}

// Who owns an application was said together with the tenants that bundles name, and no other: with the tenant named on
// one side only, what that side alone takes for foreign was no request.
#[test]
fn a_tenant_that_is_named_anew_lets_applications_of_others_through() {
    let policies = format!("policies:\n{}", block("All", ALL));
    let of = |settings: &str| compiled(&policies, settings);
    let none = of("");
    let [own, other] = [TENANT, OTHER_TENANT].map(|tenant| of(&format!("tenantId: {tenant}\n")));
    let told = |before: &CompiledBundle, after: &CompiledBundle| -> Vec<(ChangeKind, bool)> {
        diff(before, after).unwrap().regions.iter().map(|it| (it.kind, it.witness.is_some())).collect()
    };
    assert_eq!(told(&none, &own), [(ChangeKind::NewlyAllowed, true)]);
    assert_eq!(told(&own, &none), [(ChangeKind::NewlyBlocked, true)]);
    assert_eq!(told(&own, &other), [(ChangeKind::NewlyAllowed, true), (ChangeKind::NewlyBlocked, true)]);
    assert_eq!(told(&own, &own), []);
}

// Who owns an application may be known to one catalogue alone. A request that says so contradicts neither, and tells the
// other bundle something; only owners that one of them refuses were looked at.
#[test]
fn what_only_one_catalogue_says_can_be_said_to_both() {
    let of = |facts: &str, policies: &str| {
        let text = format!("servicePrincipals:\n  - {{ id: build{facts} }}\n{policies}");
        compiled(&text, "tenantId: 0a000000-0000-4000-8000-000000000001\n")
    };
    let all = format!("policies:\n{}", block("All", ALL));
    let filter = "clientApplications: { includeServicePrincipals: [build], servicePrincipalFilter: { mode: exclude, rule: 'CustomSecurityAttribute.Set_stage -eq \"test\"' } }";
    let filtered = format!("policies:\n{}", block("Filtered", filter));
    let (owner, audience) = (format!(", appOwnerOrganizationId: {TENANT}"), ", signInAudience: AzureADMyOrg");
    for (base, fact, policies) in [
        (audience.to_owned(), format!(", appOwnerOrganizationId: {OTHER_TENANT}"), &all),
        (owner.clone(), ", signInAudience: PersonalMicrosoftAccount".to_owned(), &all),
        (owner + audience, ", customSecurityAttributes: { Set: { stage: test } }".to_owned(), &filtered),
    ] {
        let base = format!(", servicePrincipalType: Application{base}");
        let (known, unknown) = (of(&format!("{base}{fact}"), policies), of(&base, policies));
        let universe = Universe::new(&unknown, &known);
        let Spaces { spaces, .. } = spaces(&universe, &|_| true);
        let axis = &spaces[0].axes[0];
        let is_build = |atom: &usize| format!("{:?}", axis.atoms[*atom]).contains("build");
        let groups = axis.groups.iter().filter(|group| group.atoms.iter().any(is_build));
        // Where it is not said only the one that knows exempts; where it is said both do.
        assert_eq!(groups.count(), 2, "{fact}: {axis:?}");
    }
}

// Attributes were said to be left out for want of room, although no filter asked for any; so every statement of a bundle
// with more than some thousand service principals was undecided, and the bundle refused.
#[test]
fn statements_about_thousands_of_service_principals_are_decided() {
    let filter = "clientApplications: { servicePrincipalFilter: { mode: include, rule: 'CustomSecurityAttribute.Set_stage -eq \"test\"' } }";
    let risk = "servicePrincipalRiskLevels: [high]";
    for (policy, claims) in [
        (ALL, [(format!("{ALL}, {risk}"), true), (ALL.to_owned(), true)]),
        (filter, [(format!("{filter}, {risk}"), true), (ALL.to_owned(), false)]),
    ] {
        let catalogue = catalogue(5_000, ", servicePrincipalType: Application");
        let text = format!("{catalogue}policies:\n{}", block("Own", policy));
        let claims_text: String =
            claims.iter().enumerate().map(|(at, (claim, _))| block(&format!("Claim {at}"), claim)).collect();
        let raw = raw([("all.yaml", &text), ("statements/all.yaml", &format!("policies:\n{claims_text}"))]);
        let bundle = compile(&raw).bundle.unwrap();
        let proofs = prove(&bundle, compile_stated(&raw, &[]).unwrap()).unwrap().proofs;
        for (proof, (claim, is_proved)) in proofs.iter().zip(&claims) {
            let found = matches!(proof.verdict, Verdict::Proved);
            let is_decided = !matches!(proof.verdict, Verdict::Undecided(_));
            assert!(found == *is_proved && is_decided, "{claim}: {:?}", proof.verdict);
        }
    }
}

// Every service principal of a catalogue was taken for every agent of every blueprint: 8,000 of them and 200 agents took
// more than a gigabyte.
#[test]
fn a_large_catalogue_does_not_multiply_with_agents() {
    let agents: Vec<_> = (0..200).map(|number| format!("0b000000-0000-4000-8000-{number:012}")).collect();
    let agents = format!("clientApplications: {{ includeAgentIdServicePrincipals: [{}] }}", agents.join(", "));
    let policies = format!("policies:\n{}{}", block("Agents", &agents), block("All", ALL));
    for kind in ["", ", servicePrincipalType: Application"] {
        let bundle = compiled(&format!("{}{policies}", catalogue(8_000, kind)), "");
        let universe = Universe::new(&bundle, &bundle);
        let Spaces { spaces, notes, .. } = spaces(&universe, &|_| true);
        let most = spaces.iter().flat_map(|space| &space.axes).map(|axis| axis.atoms.len()).max().unwrap();
        assert!(most <= limits::ANALYSIS_ATOMS_MAX, "{most}");
        assert!(!notes.iter().any(|note| note.leaves_out), "{notes:?}");
        let open = gaps(&bundle).unwrap().open;
        assert!(open.iter().any(|open| open.subjects == "agent identities"), "{open:?}");
    }
}
