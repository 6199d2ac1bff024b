//! Small tenants, drawn at random: their policies, and the requests that anybody could make of them.

use std::net::IpAddr;

use fastrand::Rng;

use crate::compile::{CompiledBundle, compile};
use crate::model::location::{Country, CountryFact};
use crate::model::{
    AttributeValue, Attributes, ClientApp, GuestType, Id, IdentityKind, Platform, RiskLevel, SignInAudience,
    TransferMethod,
};
use crate::review::analysis::{What, Who, Witness};
use crate::written::raw;

pub const TENANT: &str = "0a000000-0000-4000-8000-000000000001";
pub const OTHER_TENANT: &str = "0a000000-0000-4000-8000-000000000002";
const PEOPLE: [&str; 3] = ["alpha", "beta", "gamma"];
const GROUPS: [&str; 2] = ["staff", "admins"];
/// Enrolment with Intune, which no policy of these bundles names.
const ENROLMENT: &str = "d4ebce55-015a-49b5-a083-c84d1797ae8c";
const APPS: [&str; 2] = ["payroll", "mail"];
const RANGES: [&str; 4] = ["192.0.2.0/24", "192.0.2.128/25", "198.51.100.0/24", "2001:db8::/32"];
/// Authentication strengths, by id.
pub const STRENGTHS: [&str; 2] = ["0c000000-0000-4000-8000-000000000001", "0c000000-0000-4000-8000-000000000002"];
const COMBINATIONS: [&str; 5] = [
    "fido2",
    "fido2, 'password,sms'",
    "'password,sms'",
    "x509CertificateMultiFactor, fido2",
    "fido2, windowsHelloForBusiness",
];
pub const ADDRESSES: [&str; 5] = ["192.0.2.1", "192.0.2.200", "198.51.100.9", "2001:db8::1", "203.0.113.5"];

pub fn some<'a>(rng: &mut Rng, all: &[&'a str], chance: u8) -> Vec<&'a str> {
    all.iter().copied().filter(|_| rng.u8(..100) < chance).collect()
}

/// Settings of a bundle; those of two sides are drawn each for itself.
pub fn settings(rng: &mut Rng) -> String {
    let mut text = match rng.u8(..4) {
        0 => String::new(),
        1 => format!("tenantId: {OTHER_TENANT}\n"),
        _ => format!("tenantId: {TENANT}\n"),
    };
    text += &format!("defaultDecision: {}\n", ["allow", "allow", "block"][rng.usize(..3)]);
    text += &format!("missingIp: {}\n", ["unknown", "outsideAll"][rng.usize(..2)]);
    text += &format!("eligibility: {}\n", ["entra", "all"][rng.usize(..2)]);
    if rng.u8(..3) == 0 {
        text += &format!("mfaTrustedIps: [\"{}\"]\n", ["203.0.113.0/24", "192.0.2.0/25"][rng.usize(..2)]);
    }
    if rng.u8(..3) == 0 {
        text += &format!("suites: {{ Office365: [{}] }}\n", APPS[rng.usize(..2)]);
    }
    text
}

pub fn bundle(rng: &mut Rng) -> String {
    let mut text = String::from("namedLocations:\n");
    for name in ["Here", "There"] {
        let ranges = some(rng, &RANGES, 50);
        let ranges = if ranges.is_empty() { vec![RANGES[0]] } else { ranges };
        text += &format!("  - {{ displayName: {name}, isTrusted: {}, ipRanges: [{}] }}\n", rng.bool(), quoted(&ranges));
    }
    if rng.u8(..4) == 0 {
        text += &format!(
            "  - {{ displayName: Land, countriesAndRegions: [DE], includeUnknownCountriesAndRegions: {} }}\n",
            rng.bool()
        );
    } else {
        text += "  - { displayName: Land, ipRanges: [\"203.0.113.0/28\"] }\n";
    }
    text += "servicePrincipals:\n";
    for id in PEOPLE {
        let kind = if rng.u8(..4) == 0 { "ManagedIdentity" } else { "Application" };
        let facts = if rng.bool() {
            let owner = [TENANT, TENANT, OTHER_TENANT][rng.usize(..3)];
            [
                format!("appOwnerOrganizationId: {owner}, signInAudience: AzureADMyOrg"),
                format!("appOwnerOrganizationId: {owner}"),
                "signInAudience: AzureADMyOrg".to_owned(),
                "signInAudience: AzureADMultipleOrgs".to_owned(),
            ][rng.usize(..4)]
            .clone()
        } else {
            String::new()
        };
        let attributes = ["", "customSecurityAttributes: { Set: { stage: test } }"][rng.usize(..2)];
        text += &format!(
            "  - {{ id: {id}, servicePrincipalType: {kind}, {facts}{}{attributes} }}\n",
            if facts.is_empty() { "" } else { ", " }
        );
    }
    text += "policies:\n";
    for index in 0..rng.usize(1..6) {
        text += &policy(rng, index);
    }
    text
}

fn quoted(texts: &[&str]) -> String {
    texts.iter().map(|text| format!("\"{text}\"")).collect::<Vec<_>>().join(", ")
}

pub fn policy(rng: &mut Rng, index: usize) -> String {
    let state = ["enabled", "enabled", "enabled", "enabledForReportingButNotEnforced", "disabled"][rng.usize(..5)];
    let mut conditions = Vec::new();
    let is_workload = rng.bool();
    if is_workload {
        let all = ["ServicePrincipalsInMyTenant"];
        let include = if rng.bool() { all.to_vec() } else { vec![PEOPLE[rng.usize(..3)]] };
        let filter = match rng.u8(..6) {
            0 => ", servicePrincipalFilter: { mode: include, rule: 'CustomSecurityAttribute.Set_stage -eq \"test\"' }",
            1 => ", servicePrincipalFilter: { mode: exclude, rule: 'CustomSecurityAttribute.Set_stage -ne \"test\"' }",
            _ => "",
        };
        conditions.push(format!(
            "clientApplications: {{ includeServicePrincipals: [{}], excludeServicePrincipals: [{}]{filter} }}",
            include.join(", "),
            some(rng, &PEOPLE, 20).join(", ")
        ));
        if rng.u8(..3) == 0 {
            conditions.push("servicePrincipalRiskLevels: [high]".to_owned());
        }
    } else {
        let include = [["All"].as_slice(), &["ann"], &["GuestsOrExternalUsers"], &["None"]][rng.usize(..4)];
        conditions.push(format!(
            "users: {{ includeUsers: [{}], excludeUsers: [{}], includeGroups: [{}], excludeGroups: [{}] }}",
            include.join(", "),
            some(rng, &["ann"], 20).join(", "),
            some(rng, &GROUPS, 30).join(", "),
            some(rng, &GROUPS, 20).join(", ")
        ));
        if rng.u8(..4) == 0 {
            conditions.push("signInRiskLevels: [medium, high]".to_owned());
        }
        if rng.u8(..5) == 0 {
            conditions.push("platforms: { includePlatforms: [all], excludePlatforms: [iOS] }".to_owned());
        }
        if rng.u8(..5) == 0 {
            conditions.push("clientAppTypes: [browser]".to_owned());
        }
        if rng.u8(..5) == 0 {
            conditions
                .push("devices: { deviceFilter: { mode: exclude, rule: 'device.isCompliant -eq True' } }".to_owned());
        }
    }
    if rng.u8(..3) > 0 {
        let include = [["All"].as_slice(), &["Here"], &["There", "Land"], &["AllTrusted"]][rng.usize(..4)];
        let exclude = some(rng, &["Here", "AllTrusted", "Land"], 25);
        conditions.push(format!(
            "locations: {{ includeLocations: [{}], excludeLocations: [{}] }}",
            include.join(", "),
            exclude.join(", ")
        ));
    }
    conditions.push(match rng.u8(..6) {
        5 => format!(
            "applications: {{ includeApplications: [{}], excludeApplications: [{}] }}",
            ["Office365", "MicrosoftAdminPortals"][rng.usize(..2)],
            some(rng, &APPS, 20).join(", ")
        ),
        0 => format!("applications: {{ includeApplications: [{}] }}", APPS[rng.usize(..2)]),
        1 => format!("applications: {{ includeApplications: [All], excludeApplications: [{}] }}", APPS[rng.usize(..2)]),
        2 => "applications: { includeAuthenticationContextClassReferences: [c1] }".to_owned(),
        _ => "applications: { includeApplications: [All] }".to_owned(),
    });
    let controls = ["block", "block", "mfa", "mfa, compliantDevice", "compliantDevice"];
    let controls = controls[if is_workload { 0 } else { rng.usize(..5) }];
    let operator = if rng.bool() { "OR" } else { "AND" };
    let strength = if is_workload || controls == "block" || rng.u8(..3) > 0 {
        String::new()
    } else {
        format!(", {}", combinations(rng))
    };
    let session = if !is_workload && rng.u8(..4) == 0 { session(rng) } else { String::new() };
    format!(
        "  - {{ displayName: Policy {index}, state: {state}, conditions: {{ {} }}, grantControls: {{ operator: {operator}, builtInControls: [{controls}]{strength} }}{session} }}\n",
        conditions.join(", ")
    )
}

/// An authentication strength, of an id that others have too.
pub fn combinations(rng: &mut Rng) -> String {
    let allowed = COMBINATIONS[rng.usize(..COMBINATIONS.len())];
    format!("authenticationStrength: {{ id: {}, allowedCombinations: [{allowed}] }}", STRENGTHS[rng.usize(..2)])
}

fn session(rng: &mut Rng) -> String {
    let hours = rng.u8(1..3);
    let control = [
        format!("signInFrequency: {{ isEnabled: true, frequencyInterval: timeBased, type: hours, value: {hours}, authenticationType: primaryAndSecondaryAuthentication }}"),
        format!("signInFrequency: {{ isEnabled: true, frequencyInterval: timeBased, type: days, value: {hours}, authenticationType: primaryAndSecondaryAuthentication }}"),
        "signInFrequency: { isEnabled: true, frequencyInterval: everyTime, authenticationType: primaryAndSecondaryAuthentication }".to_owned(),
        "cloudAppSecurity: { isEnabled: true, cloudAppSecurityType: monitorOnly }".to_owned(),
        "cloudAppSecurity: { isEnabled: true, cloudAppSecurityType: blockDownloads }".to_owned(),
        "applicationEnforcedRestrictions: { isEnabled: true }".to_owned(),
        "disableResilienceDefaults: true".to_owned(),
    ];
    format!(", sessionControls: {{ {} }}", control[rng.usize(..control.len())])
}

pub fn compiled(text: &str, settings: &str) -> CompiledBundle {
    let raw = raw([("bundle.yaml", settings), ("all.yaml", text)]);
    let compilation = compile(&raw);
    compilation.bundle.unwrap_or_else(|| panic!("{:?}\n{text}", compilation.findings))
}

/// Every request of the small universe, one in `of`, chosen at random.
pub fn requests(rng: &mut Rng, of: usize) -> Vec<Witness> {
    let mut all = Vec::new();
    for _ in 0..of {
        let kind = [
            IdentityKind::ServicePrincipal,
            IdentityKind::ManagedIdentity,
            IdentityKind::User,
            IdentityKind::AgentIdentity,
            IdentityKind::AgentUser,
        ][rng.usize(..5)];
        let is_user = kind == IdentityKind::User;
        let id =
            if is_user { ["ann", "bob"][rng.usize(..2)] } else { ["alpha", "beta", "gamma", "nobody"][rng.usize(..4)] };
        let mut who = Who::new(kind, Id::new(id));
        if is_user {
            who.has_groups = rng.u8(..4) > 0;
            who.has_roles = rng.bool();
            who.guest_type = [None, Some(GuestType::None), Some(GuestType::B2bCollaborationGuest)][rng.usize(..3)];
        } else if rng.bool() {
            who.owner_tenant = [None, Some(Id::new(TENANT)), Some(Id::new(OTHER_TENANT)), Some(Id::new("elsewhere"))]
                [rng.usize(..4)]
            .clone();
            who.audience = [
                None,
                Some(SignInAudience::MyOrg),
                Some(SignInAudience::MyOrg),
                Some(SignInAudience::MultipleOrgs),
                Some(SignInAudience::Personal),
            ][rng.usize(..5)];
            let mut attributes = Attributes::default();
            attributes.insert("Set", "stage", AttributeValue::Text(["test", "live"][rng.usize(..2)].into()));
            who.attributes = (rng.u8(..3) == 0).then_some(attributes);
        }
        let mut witness = Witness::new(who);
        if witness.who.has_groups {
            witness.groups = some(rng, &GROUPS, 40).into_iter().map(Id::new).collect();
        }
        witness.what = What {
            app_id: [None, Some("payroll"), Some("mail"), Some("other"), Some(ENROLMENT)][rng.usize(..5)].map(Id::new),
            context: [None, None, Some("c1".into()), Some("c2".into())][rng.usize(..4)].clone(),
            is_baseline: rng.u8(..8) == 0,
            ..What::default()
        };
        witness.network.ip_address = [None]
            .into_iter()
            .chain(ADDRESSES.map(Some))
            .nth(rng.usize(..6))
            .flatten()
            .map(|text: &str| text.parse::<IpAddr>().unwrap());
        witness.network.country = match rng.u8(..5) {
            0 => Some(CountryFact::Unmapped),
            1 => Country::new("DE").map(CountryFact::Known),
            2 => Country::new("FR").map(CountryFact::Known),
            _ => None,
        };
        witness.risk.service_principal = [RiskLevel::None, RiskLevel::Low, RiskLevel::High][rng.usize(..3)];
        witness.risk.sign_in = [RiskLevel::None, RiskLevel::Medium, RiskLevel::Hidden][rng.usize(..3)];
        witness.platform = [None, Some(Platform::Ios), Some(Platform::Windows)][rng.usize(..3)];
        witness.client_app = [None, Some(ClientApp::Browser), Some(ClientApp::Other)][rng.usize(..3)];
        witness.flow = [TransferMethod::None, TransferMethod::DeviceCodeFlow][rng.usize(..2)];
        if rng.bool() {
            let is_compliant = [None, Some(false), Some(true)][rng.usize(..3)];
            witness.device = Some(crate::model::request::Device { is_compliant, ..Default::default() });
        }
        all.push(witness);
    }
    all
}
