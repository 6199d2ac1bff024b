//! Proofs against brute force on what the other generators leave out: devices with extension attributes, values in
//! other cases, suites, trusted addresses, personal accounts, strengths, and requests for several resources.
//!
//! A proved statement is broken by no request that does not come from the analysis.

use fastrand::Rng;

use super::super::{Verdict, prove};
use super::ids::{BLUEPRINT, DIRECTORY, EXCHANGE, GRAPH, INTUNE, PERSONAL};
use super::{TENANT, some};
use crate::compile::{CompiledBundle, compile, compile_stated};
use crate::evaluate::{Evaluation, evaluate};
use crate::model::location::{Country, CountryFact};
use crate::model::request::{Device, Target};
use crate::model::set::Word;
use crate::model::{
    AttributeValue, Attributes, AuthenticationMethod, ClientApp, Decision, GrantControl, GuestType, Id, IdRef,
    IdentityKind, InsiderRiskLevel, Platform, ResourceKind, RiskLevel, SignInAudience, TokenRequest, TransferMethod,
    UserAction,
};
use crate::review::analysis::{What, Who, Witness};
use crate::written::raw;

const HEAD: &str = "namedLocations:
  - { displayName: Here, isTrusted: true, ipRanges: [\"192.0.2.0/24\", \"2001:db8::/32\"] }
  - { displayName: There, isTrusted: false, ipRanges: [\"192.0.2.128/25\", \"198.51.100.0/24\"] }
  - { displayName: Net, compliantNetworkType: allTenantCompliantNetworks, isTrusted: true }
  - { displayName: Gps, countriesAndRegions: [DE], countryLookupMethod: authenticatorAppGps, includeUnknownCountriesAndRegions: true }
  - { displayName: Land, countriesAndRegions: [DE, FR], includeUnknownCountriesAndRegions: true }
servicePrincipals:
  - { id: sp-app, appId: app-tagged, servicePrincipalType: Application, customSecurityAttributes: { Set: { stage: test } } }
  - { id: sp-bare, appId: app-bare, servicePrincipalType: Application, customSecurityAttributes: {} }
  - { id: sp-own, appId: app-own, servicePrincipalType: Application, appOwnerOrganizationId: 0a000000-0000-4000-8000-000000000001, signInAudience: AzureADMyOrg }
  - { id: sp-vm, servicePrincipalType: ManagedIdentity }
  - { id: agent-one, servicePrincipalType: ServiceIdentity, customSecurityAttributes: { Set: { stage: test } } }
policies:
";

fn pick<'a>(rng: &mut Rng, all: &[&'a str]) -> &'a str {
    all[rng.usize(..all.len())]
}

fn list(rng: &mut Rng, all: &[&str], chance: u8) -> String {
    some(rng, all, chance).iter().map(|text| format!("'{text}'")).collect::<Vec<_>>().join(", ")
}

const DEVICES: [&str; 8] = [
    "device.extensionAttribute1 -eq \"kiosk\" -and device.isCompliant -ne True",
    "device.extensionAttribute1 -eq \"kiosk\"",
    "device.isCompliant -eq True -or device.trustType -eq \"ServerAD\"",
    "device.extensionAttribute1 -ne \"kiosk\" -and device.trustType -ne \"AzureAD\" -and device.isCompliant -eq False",
    "device.model -ne \"Another Value\"",
    "device.physicalIds -contains \"[a]\" -and device.model -notIn [\"x\", \"y\"]",
    "device.extensionAttribute1 -ne \"kiosk\" -and device.mdmAppId -ne \"other\"",
    "device.isCompliant -ne False",
];

pub fn policy(rng: &mut Rng, index: usize) -> String {
    let mut conditions = Vec::new();
    let subject = rng.u8(..6);
    let mode = |rng: &mut Rng| pick(rng, &["include", "exclude"]).to_owned();
    let rule = |rng: &mut Rng| {
        pick(
            rng,
            &[
                "CustomSecurityAttribute.Set_stage -eq \"test\"",
                "CustomSecurityAttribute.Set_stage -ne \"Another Value\"",
                "CustomSecurityAttribute.Set_stage -in [\"test\", \"live\"]",
            ],
        )
        .to_owned()
    };
    match subject {
        0 => conditions.push(format!(
            "clientApplications: {{ includeAgentIdServicePrincipals: [{}], excludeAgentIdServicePrincipals: [{}] }}",
            pick(rng, &["All", "agent-one", BLUEPRINT]),
            list(rng, &["agent-one", BLUEPRINT], 20)
        )),
        1 => {
            let filter = match rng.u8(..3) {
                0 => format!(", servicePrincipalFilter: {{ mode: {}, rule: '{}' }}", mode(rng), rule(rng)),
                _ => String::new(),
            };
            conditions.push(format!(
                "clientApplications: {{ includeServicePrincipals: [{}], excludeServicePrincipals: [{}]{filter} }}",
                pick(rng, &["ServicePrincipalsInMyTenant", "ServicePrincipalsInMyTenant", "sp-app", "sp-own"]),
                list(rng, &["sp-app", "sp-own", "sp-bare"], 20)
            ));
            if rng.u8(..3) == 0 {
                conditions
                    .push(format!("servicePrincipalRiskLevels: [{}]", pick(rng, &["high", "low, medium", "none"])));
            }
        }
        _ => {
            let tenants = format!(
                ", externalTenants: {{ membershipKind: enumerated, members: [{}] }}",
                pick(rng, &["guests", PERSONAL])
            );
            let guests = format!(
                "GuestsOrExternalUsers: {{ guestOrExternalUserTypes: '{}'{} }}",
                pick(rng, &["b2bCollaborationGuest", "internalGuest,otherExternalUser", "b2bDirectConnectUser"]),
                if rng.bool() { tenants } else { String::new() }
            );
            let guests = match rng.u8(..4) {
                0 => format!(", include{guests}"),
                1 => format!(", exclude{guests}"),
                _ => String::new(),
            };
            conditions.push(format!(
                "users: {{ includeUsers: [{}], excludeUsers: [{}], includeRoles: [{}], excludeRoles: [{}], includeGroups: [{}], excludeGroups: [{}]{guests} }}",
                pick(rng, &["All", "All", "ann", "None", "AllAgentIdUsers", "GuestsOrExternalUsers"]),
                list(rng, &["ann", "GuestsOrExternalUsers"], 10),
                list(rng, &["reader"], 20),
                list(rng, &["reader"], 15),
                list(rng, &["staff"], 20),
                list(rng, &["staff", "admins"], 15),
            ));
            if rng.u8(..4) == 0 {
                conditions.push(format!(
                    "devices: {{ deviceFilter: {{ mode: {}, rule: '{}' }} }}",
                    mode(rng),
                    pick(rng, &DEVICES)
                ));
            }
            if rng.u8(..6) == 0 {
                conditions.push("userRiskLevels: [high]".to_owned());
            }
            if rng.u8(..6) == 0 {
                conditions.push("signInRiskLevels: [none, high]".to_owned());
            }
            if rng.u8(..6) == 0 {
                conditions.push("insiderRiskLevels: elevated".to_owned());
            }
            if rng.u8(..6) == 0 {
                conditions.push("authenticationFlows: { transferMethods: 'deviceCodeFlow' }".to_owned());
            }
            if rng.u8(..6) == 0 {
                conditions.push("clientAppTypes: [browser, exchangeActiveSync]".to_owned());
            }
            if rng.u8(..6) == 0 {
                conditions.push("platforms: { includePlatforms: [all], excludePlatforms: [iOS, linux] }".to_owned());
            }
        }
    }
    let filter = match rng.u8(..4) {
        0 if subject != 1 => format!(", applicationFilter: {{ mode: {}, rule: '{}' }}", mode(rng), rule(rng)),
        _ => String::new(),
    };
    conditions.push(match rng.u8(..9) {
        0 if subject > 1 => "applications: { includeUserActions: ['urn:user:registersecurityinfo'] }".to_owned(),
        1 if subject > 1 => "applications: { includeAuthenticationContextClassReferences: [c1, c99] }".to_owned(),
        2 => format!("applications: {{ includeApplications: [{}] }}", pick(rng, &[GRAPH, DIRECTORY, EXCHANGE, "mail"])),
        3 => "applications: { includeApplications: [Office365] }".to_owned(),
        4 if subject == 0 => "applications: { includeApplications: [AllAgentIdResources] }".to_owned(),
        5 => format!(
            "applications: {{ includeApplications: [All], excludeApplications: [{}]{filter} }}",
            list(rng, &["mail", GRAPH, EXCHANGE, "Office365"], 40)
        ),
        _ => "applications: { includeApplications: [All] }".to_owned(),
    });
    if rng.u8(..3) == 0 {
        let all = ["Here", "There", "Net", "Gps", "Land", "AllTrusted", "00000000-0000-0000-0000-000000000000"];
        let include = if rng.bool() { "All" } else { pick(rng, &all) };
        conditions.push(format!(
            "locations: {{ includeLocations: [{include}], excludeLocations: [{}] }}",
            list(rng, &all, 20)
        ));
    }
    let controls = match if subject < 2 { 0 } else { rng.u8(..8) } {
        3 => "operator: OR, builtInControls: [mfa], termsOfUse: [terms]",
        4 => "operator: AND, builtInControls: [compliantDevice, mfa], termsOfUse: [terms]",
        5 => "operator: AND, builtInControls: [], authenticationStrength: { id: 00000000-0000-0000-0000-000000000004 }",
        6 => {
            "operator: OR, builtInControls: [compliantDevice], authenticationStrength: { id: 00000000-0000-0000-0000-000000000002 }"
        }
        7 => "operator: OR, builtInControls: [mfa]",
        _ => "operator: OR, builtInControls: [block]",
    };
    let session = match rng.u8(..6) {
        0 if subject > 1 && !controls.contains("block") => {
            ", sessionControls: { persistentBrowser: { isEnabled: true, mode: never } }"
        }
        1 if subject > 1 && !controls.contains("block") => {
            ", sessionControls: { signInFrequency: { isEnabled: true, frequencyInterval: timeBased, type: days, value: 1, authenticationType: primaryAndSecondaryAuthentication } }"
        }
        _ => "",
    };
    let state =
        pick(rng, &["enabled", "enabled", "enabled", "enabled", "enabledForReportingButNotEnforced", "disabled"]);
    format!(
        "  - {{ displayName: Policy {index}, state: {state}, conditions: {{ {} }}, grantControls: {{ {controls} }}{session} }}\n",
        conditions.join(", ")
    )
}

pub fn statement(rng: &mut Rng, lines: &[String], index: usize) -> String {
    let from = rng.usize(..lines.len());
    let mut line = if rng.u8(..5) == 0 { policy(rng, 90) } else { lines[from].clone() };
    let start = line.find("displayName: ").unwrap();
    let end = line.find(", state").unwrap();
    line.replace_range(start..end, &format!("displayName: Statement {index}"));
    line = line.replace("enabledForReportingButNotEnforced", "enabled").replace("disabled", "enabled");
    let other = lines[rng.usize(..lines.len())].clone();
    let narrowed = narrowed(rng);
    let is_workload = line.contains("clientApplications");
    for (from, to) in narrowed {
        if rng.u8(..4) == 0 && !(is_workload && to.contains("mfa")) {
            line = line.replacen(from, &to, 1);
        }
    }
    // The devices of another policy.
    if let (Some(start), Some(from)) = (other.find("devices: {"), line.find("devices: {")) {
        let part = |text: &str, at: usize| text[at..].find("' } }").map(|end| at + end + 5);
        if let (Some(end), Some(till), true) = (part(&other, start), part(&line, from), rng.bool()) {
            line.replace_range(from..till, &other[start..end]);
        }
    }
    line
}

/// What policies can be narrowed by: texts, and what may stand in their place.
pub fn narrowed(rng: &mut Rng) -> [(&'static str, String); 9] {
    [
        ("includeLocations: [All]", "includeLocations: [There]".to_owned()),
        (
            "includeApplications: [All]",
            format!("includeApplications: [{}]", pick(rng, &["mail", EXCHANGE, GRAPH, "Office365"])),
        ),
        ("builtInControls: [block]", "builtInControls: [mfa]".to_owned()),
        ("includeUsers: [All]", "includeUsers: [GuestsOrExternalUsers]".to_owned()),
        ("[ServicePrincipalsInMyTenant]", "[sp-app, sp-own, sp-bare]".to_owned()),
        ("[high]", "[high, low]".to_owned()),
        ("AllTrusted", "Here".to_owned()),
        ("0000000000002", "0000000000004".to_owned()),
        ("0000000000004", "0000000000002".to_owned()),
    ]
}

struct Asked {
    witness: Witness,
    more: Vec<&'static str>,
    scopes: Vec<&'static str>,
    extra: bool,
}

/// Requests for one resource at most.
pub fn requests(rng: &mut Rng, of: usize) -> Vec<Witness> {
    (0..of).map(|_| asked(rng).witness).collect()
}

fn asked(rng: &mut Rng) -> Asked {
    let id = |text: &str| Some(Id::new(text));
    let kind = [
        IdentityKind::User,
        IdentityKind::User,
        IdentityKind::User,
        IdentityKind::AgentUser,
        IdentityKind::AgentIdentity,
        IdentityKind::ServicePrincipal,
        IdentityKind::ManagedIdentity,
    ][rng.usize(..7)];
    let stated = |rng: &mut Rng| {
        let mut attributes = Attributes::default();
        match rng.u8(..7) {
            0 => attributes.insert("Set", "stage", AttributeValue::Text("TEST".into())),
            1 => attributes.insert("Set", "stage", AttributeValue::Text("another value".into())),
            2 => attributes.insert("Set", "stage", AttributeValue::Texts(vec!["test".into(), "production".into()])),
            3 => true,
            4 => attributes.insert("Set", "stage", AttributeValue::Other),
            _ => return None,
        };
        Some(attributes)
    };
    let name = match kind {
        IdentityKind::AgentIdentity => pick(rng, &["agent-one", "agent-two", BLUEPRINT]),
        IdentityKind::ServicePrincipal => pick(rng, &["sp-app", "sp-bare", "sp-own", "nobody"]),
        IdentityKind::ManagedIdentity => pick(rng, &["sp-vm", "nobody"]),
        _ => pick(rng, &["ann", "bob"]),
    };
    let mut who = Who::new(kind, Id::new(name));
    match kind {
        IdentityKind::AgentIdentity => {
            who.blueprint = [None, id(BLUEPRINT), id("other")][rng.usize(..3)].clone();
            who.attributes = stated(rng);
        }
        IdentityKind::User | IdentityKind::AgentUser => {
            (who.has_groups, who.has_roles) = (rng.u8(..4) > 0, rng.u8(..4) > 0);
            if kind == IdentityKind::User {
                let at = rng.usize(..GuestType::ALL.len() + 1);
                who.guest_type = GuestType::ALL.get(at).copied();
                who.home_tenant = [None, None, id("guests"), id(PERSONAL), id(TENANT)][rng.usize(..5)].clone();
            }
        }
        _ => {
            who.attributes = stated(rng);
            who.owner_tenant = [None, Some(Id::new(TENANT)), id("elsewhere")][rng.usize(..3)].clone();
            who.audience = [None, Some(SignInAudience::MyOrg), Some(SignInAudience::MultipleOrgs)][rng.usize(..3)];
        }
    }
    let mut witness = Witness::new(who);
    if witness.who.has_groups {
        witness.groups = some(rng, &["staff", "admins", "others"], 40).into_iter().map(Id::new).collect();
    }
    if witness.who.has_roles {
        witness.roles = some(rng, &["reader", "writer"], 40).into_iter().map(Id::new).collect();
    }
    let apps = ["mail", GRAPH, DIRECTORY, EXCHANGE, "app-tagged", "app-bare", "new", "suite-app"];
    witness.what = What {
        app_id: if rng.u8(..5) == 0 { None } else { id(pick(rng, &apps)) },
        kind: [None, None, Some(ResourceKind::Application), Some(ResourceKind::AgentIdentity)][rng.usize(..4)],
        user_action: match rng.u8(..6) {
            0 => Some(UserAction::RegisterSecurityInformation),
            1 => UserAction::ALL.last().copied(),
            _ => None,
        },
        context: [None, None, None, Some("c1".into()), Some("c99".into()), Some("c7".into())][rng.usize(..6)].clone(),
        attributes: if rng.u8(..3) == 0 { stated(rng) } else { None },
        ..What::default()
    };
    let addresses = ["192.0.2.1", "192.0.2.200", "198.51.100.9", "2001:db8::1", "203.0.113.5", "::ffff:192.0.2.9"];
    witness.network.ip_address = if rng.u8(..5) == 0 { None } else { Some(pick(rng, &addresses).parse().unwrap()) };
    let country = |rng: &mut Rng| Country::new(pick(rng, &["DE", "FR", "US"]));
    witness.network.country = match rng.u8(..4) {
        0 => Some(CountryFact::Unmapped),
        1 => country(rng).map(CountryFact::Known),
        _ => None,
    };
    witness.network.gps_country = if rng.bool() { country(rng) } else { None };
    witness.network.compliant_network = [None, Some(false), Some(true)][rng.usize(..3)];
    let risk = |rng: &mut Rng| {
        [RiskLevel::None, RiskLevel::Low, RiskLevel::Medium, RiskLevel::High, RiskLevel::Hidden][rng.usize(..5)]
    };
    witness.risk.user = risk(rng);
    witness.risk.sign_in = risk(rng);
    witness.risk.agent = risk(rng);
    witness.risk.service_principal = risk(rng);
    witness.risk.insider = [InsiderRiskLevel::None, InsiderRiskLevel::Elevated][rng.usize(..2)];
    witness.flow = [TransferMethod::None, TransferMethod::DeviceCodeFlow][rng.usize(..2)];
    witness.platform = [None, Some(Platform::Ios), Some(Platform::Windows)][rng.usize(..3)];
    witness.client_app = [None, Some(ClientApp::Browser), Some(ClientApp::Other)][rng.usize(..3)];
    if rng.u8(..3) > 0 {
        let text = |rng: &mut Rng, all: &[&'static str]| {
            if rng.u8(..3) == 0 { None } else { Some(std::borrow::Cow::Borrowed(pick(rng, all))) }
        };
        let mut device = Device {
            is_compliant: [None, Some(false), Some(true)][rng.usize(..3)],
            trust_type: text(rng, &["ServerAD", "AzureAD", "Workplace"]),
            mdm_app_id: text(rng, &[INTUNE, "other"]),
            model: text(rng, &["another value", "x", "z"]),
            ..Device::default()
        };
        device.extension_attributes[0] = text(rng, &["Kiosk", "desk"]);
        device.physical_ids = some(rng, &["[a]", "[b]"], 40).into_iter().map(std::borrow::Cow::Borrowed).collect();
        witness.device = Some(device);
    }
    witness.built_in = [GrantControl::Mfa, GrantControl::CompliantDevice].into_iter().filter(|_| rng.bool()).collect();
    witness.methods = some_methods(rng);
    if rng.bool() {
        witness.terms_of_use.push(Id::new("terms"));
    }
    let more = if rng.u8(..3) == 0 { some(rng, &apps, 25) } else { Vec::new() };
    let scopes = match rng.u8(..6) {
        0 => vec!["openid", "profile"],
        1 => vec!["User.Read", "openid"],
        2 => vec!["Files.Read"],
        _ => Vec::new(),
    };
    Asked { witness, more, scopes, extra: rng.u8(..4) == 0 }
}

fn some_methods(rng: &mut Rng) -> crate::model::Set<AuthenticationMethod> {
    AuthenticationMethod::ALL.iter().copied().filter(|_| rng.u8(..3) == 0).collect()
}

/// Whether a token is issued, and with which session; refused is not issued.
fn outcome(bundle: &CompiledBundle, asked: &Asked) -> (bool, String) {
    let mut request: TokenRequest<'_> = asked.witness.request();
    request.resource.app_ids.extend(asked.more.iter().map(|id| IdRef::new(id)));
    request.resource.scopes.clone_from(&asked.scopes);
    if asked.extra {
        request.action = Some("read");
        request.resource.target = Some(Target { kind: "record", id: "1" });
    }
    let mut evaluation = Evaluation::default();
    if evaluate(bundle, &request, &mut evaluation).is_err() {
        return (false, String::new());
    }
    (evaluation.decision() == Decision::Allow, format!("{:?}", evaluation.session(bundle)))
}

fn hunt(seeds: std::ops::Range<u64>, requests: usize) -> (usize, usize, usize) {
    let (mut proved, mut refuted, mut undecided) = (0, 0, 0);
    for seed in seeds {
        let mut rng = Rng::with_seed(seed);
        let settings = format!(
            "tenantId: {TENANT}\ndefaultDecision: {}\nmissingIp: {}\neligibility: {}\nmfaTrustedIps: [\"203.0.113.0/24\"]\nsuites: {{ Office365: [suite-app] }}\n",
            pick(&mut rng, &["allow", "allow", "allow", "block"]),
            pick(&mut rng, &["unknown", "outsideAll"]),
            pick(&mut rng, &["entra", "all"]),
        );
        let lines: Vec<_> = (0..rng.usize(1..6)).map(|index| policy(&mut rng, index)).collect();
        let claims: Vec<_> = (0..3).map(|index| statement(&mut rng, &lines, index)).collect();
        let text = format!("{HEAD}{}", lines.concat());
        let statements = format!("policies:\n{}", claims.concat());
        let raw = raw([("bundle.yaml", &*settings), ("all.yaml", &*text), ("statements/all.yaml", &*statements)]);
        let compilation = compile(&raw);
        let told = || format!("seed {seed}\n{settings}{text}\n{statements}");
        let plain = compilation.bundle.unwrap_or_else(|| panic!("{:?}\n{}", compilation.findings, told()));
        let proofs =
            prove(&plain, compile_stated(&raw, &[]).unwrap()).unwrap_or_else(|error| panic!("{error} {}", told()));
        let asked: Vec<_> = (0..requests).map(|_| asked(&mut rng)).collect();
        for (proof, claim) in proofs.proofs.iter().zip(&claims) {
            match &proof.verdict {
                Verdict::Refuted(_) => refuted += 1,
                Verdict::Undecided(_) => undecided += 1,
                Verdict::NotAsked => panic!("{}", told()),
                Verdict::Proved => {
                    proved += 1;
                    let with = super::compiled(&format!("{text}{claim}"), &settings);
                    for one in &asked {
                        let [before, after] = [&plain, &with].map(|bundle| outcome(bundle, one));
                        assert!(
                            !before.0 || before == after,
                            "{}broken by {:?} {:?} {:?}\nclaim {claim}",
                            told(),
                            one.witness,
                            one.more,
                            one.scopes
                        );
                    }
                }
            }
        }
    }
    (proved, refuted, undecided)
}

#[test]
fn no_request_breaks_a_proved_statement() {
    let (proved, refuted, undecided) = hunt(0..120, 300);
    assert!(proved > 60 && refuted > 60, "{proved} {refuted} {undecided}");
}

// Devices whose extension attributes only their kind of join, or who manages them, makes visible were no examples; nor
// was a value that rules compare with in other capital letters told from one that they do not name.
#[test]
fn a_device_that_only_its_join_makes_visible_and_a_value_in_other_letters_break_a_statement() {
    let block = |name: &str, filter: &str| {
        format!(
            "  - {{ displayName: {name}, state: enabled, conditions: {{ users: {{ includeUsers: [All] }}, applications: {{ includeApplications: [All] }}{filter} }}, grantControls: {{ builtInControls: [block] }} }}\n"
        )
    };
    for rule in [
        "device.extensionAttribute1 -eq \"kiosk\" -and device.isCompliant -ne True",
        "device.extensionAttribute1 -eq \"kiosk\" -and device.isCompliant -ne True -and device.mdmAppId -ne \"x\"",
        "device.extensionAttribute1 -eq \"kiosk\" -and device.isCompliant -ne True -and device.mdmAppId -ne \"x\" -and device.trustType -ne \"Workplace\"",
        "device.model -ne \"Another Value\" -and device.model -ne null",
    ] {
        let filter = format!(", devices: {{ deviceFilter: {{ mode: exclude, rule: '{rule}' }} }}");
        let policies = format!("policies:\n{}", block("Everybody else", &filter));
        let claim = format!("policies:\n{}", block("Everybody", ""));
        let raw = raw([("all.yaml", &policies), ("statements/all.yaml", &claim)]);
        let plain = compile(&raw).bundle.unwrap();
        let proofs = prove(&plain, compile_stated(&raw, &[]).unwrap()).unwrap();
        assert!(matches!(proofs.proofs[0].verdict, Verdict::Refuted(_)), "{rule}: {:?}", proofs.proofs[0].verdict);
    }
}
