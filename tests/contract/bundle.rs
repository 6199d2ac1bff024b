//! Bundles whose policies look at everything that a door may carry, of routes and of tokens.

use std::collections::BTreeSet;

use crate::asked::Purpose;

/// The application that one of the policies names.
pub const APP: &str = "dddddddd-0000-4000-8000-000000000001";
/// One that none names but to exclude it.
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

/// Conditions on what tokens are asked for with. Each is about one user: what a door cannot say is unknown, and would
/// block everybody else's tokens as well.
const CEDAR_OF_TOKENS: &str = r#"
@id("kiosk")
forbid (principal is User, action, resource) when { principal.id == "dora" } when { principal.appId == "kiosk" };

@id("client")
forbid (principal is User, action, resource)
when { principal.id == "bob" && context.attributes.text.hasTag("client_id") }
when { context.attributes.text.getTag("client_id") == "portal" };

@id("grant")
forbid (principal is User, action, resource)
when { principal.id == "erin" && context.action == "issue:access_token:authorization_code" };

@id("audience")
forbid (principal is User, action, resource)
when { principal.id == "gina" && resource.target == { type: "audience", id: "dddddddd-0000-4000-8000-000000000001" } };
"#;

/// Ids of all policies.
pub fn policies(purpose: Purpose) -> BTreeSet<String> {
    const OF_TOKENS: [&str; 10] =
        ["outside", "lab", "locked", "app", "rest", "person", "kiosk", "client", "grant", "audience"];
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
    let ids: &[&str] = if purpose == Purpose::Use { &IDS } else { &OF_TOKENS };
    ids.iter().map(|id| (*id).to_owned()).collect()
}

fn policy(id: &str, conditions: &str, control: &str) -> String {
    let grant = format!("grantControls: {{ operator: OR, builtInControls: [{control}] }}");
    format!("- id: {id}\n  displayName: {id}\n  state: enabled\n  conditions: {{ {conditions} }}\n  {grant}\n")
}

const STAGE: &str = "clientApplications: { servicePrincipalFilter: { mode: include, rule: 'CustomSecurityAttribute.Ops_Stage -eq \"test\"' } }";
const OUTSIDE: &str = "locations: { includeLocations: [All], excludeLocations: [Office] }";
const REST: &str =
    "applications: { includeApplications: [All], excludeApplications: [dddddddd-0000-4000-8000-000000000002] }";
const ANY_APP: &str = "applications: { includeApplications: [All] }";

/// Policies about tokens.
fn of_tokens() -> String {
    let user = |name: &str| format!("users: {{ includeUsers: [{name}] }}");
    [
        policy(
            "outside",
            &format!("clientApplications: {{ includeServicePrincipals: [{LEDGER}] }}, {OUTSIDE}"),
            "block",
        ),
        policy("lab", &format!("{STAGE}, locations: {{ includeLocations: [Lab] }}"), "block"),
        policy("locked", &format!("{}, {ANY_APP}", user("fred")), "block"),
        policy("app", &format!("{}, applications: {{ includeApplications: [{APP}] }}", user("alice")), "block"),
        policy("rest", &format!("{}, {REST}", user("hugo")), "block"),
        policy("person", &format!("{}, {ANY_APP}, {OUTSIDE}", user("carol")), "mfa"),
    ]
    .concat()
}

/// Policies about routes.
fn of_routes() -> String {
    let users = "users: { includeUsers: [All] }, applications: { includeApplications: [All] }";
    let agents =
        "clientApplications: { includeAgentIdServicePrincipals: [All] }, applications: { includeApplications: [All] }";
    let workloads = "clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] }";
    let device = "devices: { deviceFilter: { mode: include, rule: 'device.deviceId -eq \"lost\"' } }";
    [
        policy("outside", &format!("{workloads}, {OUTSIDE}"), "block"),
        policy(
            "abroad",
            "users: { includeUsers: [bob] }, applications: { includeApplications: [All] }, locations: { includeLocations: [Abroad] }",
            "block",
        ),
        policy("lab", &format!("{STAGE}, locations: {{ includeLocations: [Lab] }}"), "block"),
        policy("risky-user", &format!("{users}, userRiskLevels: [high]"), "block"),
        policy("risky-workload", &format!("{workloads}, servicePrincipalRiskLevels: [medium, high]"), "block"),
        policy("risky-agent", &format!("{agents}, agentIdRiskLevels: high"), "block"),
        policy(
            "app",
            &format!("users: {{ includeUsers: [alice] }}, applications: {{ includeApplications: [{APP}] }}"),
            "block",
        ),
        policy("person", &format!("{users}, {OUTSIDE}"), "mfa"),
        policy("lost", &format!("{users}, {device}"), "block"),
    ]
    .concat()
}

/// The files, by name.
pub fn files(purpose: Purpose) -> Vec<(&'static str, String)> {
    let (policies, cedar) = match purpose {
        Purpose::Use => (of_routes(), CEDAR),
        Purpose::Issue => (of_tokens(), CEDAR_OF_TOKENS),
    };
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
        ("policies.yaml", format!("policies:\n{policies}")),
        ("locations.yaml", locations.to_owned()),
        ("service-principals.yaml", format!("servicePrincipals:\n{}", principals.concat())),
        ("custom.cedar", cedar.to_owned()),
    ]
}
