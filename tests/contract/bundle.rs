//! A bundle whose policies look at everything that a door may carry.

use std::collections::BTreeSet;

/// The application that one of the policies names.
pub const APP: &str = "dddddddd-0000-4000-8000-000000000001";
/// One that none names.
pub const OTHER_APP: &str = "dddddddd-0000-4000-8000-000000000002";
/// A service principal of the catalogue with the attribute that the filter asks for, and one without it.
pub const TESTER: &str = "cccccccc-0000-4000-8000-000000000001";
pub const LEDGER: &str = "cccccccc-0000-4000-8000-000000000002";

const CEDAR: &str = r#"
@id("admin")
forbid (principal, action, resource)
when { context.attributes.text.hasTag("http.path") && context.attributes.text.getTag("http.path") like "/admin*" };

@id("delete")
forbid (principal, action, resource) when { context.action == "DELETE" };

@id("secret")
forbid (principal, action, resource) when { resource.target == { type: "service", id: "secret.test" } };

@id("kiosk")
forbid (principal is User, action, resource) when { principal.id == "dora" } when { principal.appId == "kiosk" };
"#;

/// Ids of all policies.
pub fn policies() -> BTreeSet<String> {
    const IDS: [&str; 13] = [
        "outside",
        "abroad",
        "lab",
        "risky-user",
        "risky-workload",
        "risky-agent",
        "app",
        "person",
        "lost",
        "admin",
        "delete",
        "secret",
        "kiosk",
    ];
    IDS.iter().map(|id| (*id).to_owned()).collect()
}

/// The files, by name.
pub fn files() -> Vec<(&'static str, String)> {
    let policy = |id: &str, conditions: &str, control: &str| {
        let grant = format!("grantControls: {{ operator: OR, builtInControls: [{control}] }}");
        format!("- id: {id}\n  displayName: {id}\n  state: enabled\n  conditions: {{ {conditions} }}\n  {grant}\n")
    };
    let users = "users: { includeUsers: [All] }, applications: { includeApplications: [All] }";
    let agents =
        "clientApplications: { includeAgentIdServicePrincipals: [All] }, applications: { includeApplications: [All] }";
    let workloads = "clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] }";
    let stage = "clientApplications: { servicePrincipalFilter: { mode: include, rule: 'CustomSecurityAttribute.Ops_Stage -eq \"test\"' } }";
    let outside = "locations: { includeLocations: [All], excludeLocations: [Office] }";
    let device = "devices: { deviceFilter: { mode: include, rule: 'device.deviceId -eq \"lost\"' } }";
    let policies = [
        policy("outside", &format!("{workloads}, {outside}"), "block"),
        policy(
            "abroad",
            "users: { includeUsers: [bob] }, applications: { includeApplications: [All] }, locations: { includeLocations: [Abroad] }",
            "block",
        ),
        policy("lab", &format!("{stage}, locations: {{ includeLocations: [Lab] }}"), "block"),
        policy("risky-user", &format!("{users}, userRiskLevels: [high]"), "block"),
        policy("risky-workload", &format!("{workloads}, servicePrincipalRiskLevels: [medium, high]"), "block"),
        policy("risky-agent", &format!("{agents}, agentIdRiskLevels: high"), "block"),
        policy(
            "app",
            &format!("users: {{ includeUsers: [alice] }}, applications: {{ includeApplications: [{APP}] }}"),
            "block",
        ),
        policy("person", &format!("{users}, {outside}"), "mfa"),
        policy("lost", &format!("{users}, {device}"), "block"),
    ];
    let locations = "namedLocations:\n\
        - { displayName: Office, isTrusted: true, ipRanges: [192.0.2.0/24, '2001:db8:6::/48'] }\n\
        - { displayName: Lab, ipRanges: ['2001:db8:6:1ab::/64'] }\n\
        - { displayName: Abroad, countriesAndRegions: [FR] }\n";
    let principal = |id: &str, app: &str, stage: &str| {
        format!(
            "- {{ id: {id}, appId: {app}, displayName: {stage}, servicePrincipalType: Application, \
             appOwnerOrganizationId: 8f3c2a51-6b7d-4e90-a1c4-3d5e7f9b0a12, signInAudience: AzureADMyOrg, \
             customSecurityAttributes: {{ Ops: {{ Stage: {stage} }} }} }}\n"
        )
    };
    let principals = [
        principal(TESTER, "eeeeeeee-0000-4000-8000-000000000001", "test"),
        principal(LEDGER, "eeeeeeee-0000-4000-8000-000000000002", "production"),
    ];
    vec![
        ("bundle.yaml", "tenantId: 8f3c2a51-6b7d-4e90-a1c4-3d5e7f9b0a12\n".to_owned()),
        ("policies.yaml", format!("policies:\n{}", policies.concat())),
        ("locations.yaml", locations.to_owned()),
        ("service-principals.yaml", format!("servicePrincipals:\n{}", principals.concat())),
        ("custom.cedar", CEDAR.to_owned()),
    ]
}
