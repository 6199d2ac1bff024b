//! Policy sets over users, generated the same way every time.
//!
//! What a tenant writes for people: most policies for everybody without some, the rest for groups, roles and accounts, with
//! the conditions that such tenants use in about their proportions. One [`UserSet`] gives the bundle's files and token
//! requests of people in as many groups as asked for. It must not know how anything is measured. Start with
//! [`UserSet::new`].

use std::fmt::Write as _;

use fastrand::Rng;

use doorward::model::request::{Device, Identity, Network, Resource, Risk, Satisfied};
use doorward::model::set::Word;
use doorward::model::{ClientApp, GrantControl, GuestType, IdRef, IdentityKind, Platform, RiskLevel, TokenRequest};
use doorward::text::{RawBundle, RawFile};

use super::policy_set::{Location, RangeText, Size, file, guid, inside, listed, locations};

/// How large a policy set is.
#[derive(Clone, Copy, Debug)]
pub struct UserSize {
    /// Name in reports.
    pub name: &'static str,
    /// Policies for people who ask.
    pub policies: usize,
    /// Further policies for groups, roles and accounts of people who never ask.
    pub unrelated: usize,
    /// Whether every policy is for everybody without some, in the place of two in five.
    pub tenant_wide: bool,
    /// Whether it is for agent identities in the place of people.
    pub agents: bool,
}

/// What Entra allows a tenant to have.
pub const U240: UserSize = UserSize { name: "U240", policies: 240, unrelated: 0, tenant_wide: false, agents: false };
/// The same number of policies for agent identities.
pub const A240: UserSize = UserSize { name: "A240", agents: true, ..U240 };

/// Everybody and everything that policies name.
#[derive(Debug)]
struct Cast {
    users: Vec<String>,
    groups: Vec<String>,
    roles: Vec<String>,
    apps: Vec<String>,
}

/// Who asks, in the text of ids.
#[derive(Debug)]
pub struct Asking {
    id: String,
    groups: Vec<String>,
    roles: Vec<String>,
    app: String,
    blueprint: String,
    seed: u64,
}

/// A generated policy set.
#[derive(Debug)]
pub struct UserSet {
    pub size: UserSize,
    policies: String,
    locations: Vec<Location>,
    cast: Cast,
}

const LOCATIONS: Size = Size::new("locations", 0, 50, 1_000);
const EXCHANGE: &str = "00000002-0000-0ff1-ce00-000000000000";
/// The group that every policy for everybody excludes.
const EMERGENCY: usize = 0;

impl UserSet {
    /// The policy set of this size; the same for the same size.
    pub fn new(size: UserSize) -> Self {
        Self::among(size, locations(&mut Rng::with_seed(0x0d00_05e2), LOCATIONS))
    }

    /// The same with locations of its own.
    pub fn among(size: UserSize, locations: Vec<Location>) -> Self {
        let mut rng = Rng::with_seed(0x0d00_05e3);
        let mut ids = |count: usize| -> Vec<String> { (0..count).map(|_| guid(&mut rng)).collect() };
        let cast = Cast { users: ids(10_000), groups: ids(500), roles: ids(30), apps: ids(100) };
        let strangers = Cast { users: ids(10_000), groups: ids(5_000), roles: ids(1_000), apps: cast.apps.clone() };
        let mut rng = Rng::with_seed(0x5eed);
        let mut policies = String::new();
        for index in 0..size.policies + size.unrelated {
            let (cast, share) = match index < size.policies {
                true if size.tenant_wide => (&cast, 0),
                true => (&cast, rng.u8(..100)),
                false => (&strangers, rng.u8(40..100)),
            };
            let subject = if size.agents { agents(&mut rng, cast, share) } else { users(&mut rng, cast, share) };
            write_policy(&mut rng, &mut policies, index, &subject, cast, &locations);
        }
        Self { size, policies, locations, cast }
    }

    /// The files of the bundle: JSON, as Graph exports them.
    pub fn bundle(&self) -> RawBundle {
        let mut locations = String::new();
        self.locations.iter().for_each(|location| location.write_json(&mut locations, RangeText::Graph));
        let files: Vec<RawFile> = vec![
            file("bundle.yaml", format!("name: {}\n", self.size.name)),
            file("locations.json", listed(&locations)),
            file("policies.json", listed(&self.policies)),
        ];
        RawBundle { files, digest: self.size.name.into() }
    }

    /// So many people, each in so many groups: one in ten of those is a group that policies may name.
    pub fn asking(&self, count: usize, groups: usize) -> Vec<Asking> {
        let mut rng = Rng::with_seed(0xa5c);
        let cast = &self.cast;
        (0..count)
            .map(|_| {
                let rng = &mut rng;
                let member = |rng: &mut Rng| match rng.u8(..10) {
                    0 => one(rng, &cast.groups[EMERGENCY + 1..]).to_owned(),
                    _ => guid(rng),
                };
                let roles = if rng.u8(..10) == 0 { rng.usize(1..=3) } else { 0 };
                Asking {
                    id: one(rng, &cast.users).to_owned(),
                    groups: (0..groups).map(|_| member(rng)).collect(),
                    roles: (0..roles).map(|_| one(rng, &cast.roles).to_owned()).collect(),
                    app: if rng.u8(..10) < 3 { EXCHANGE.to_owned() } else { one(rng, &cast.apps).to_owned() },
                    blueprint: one(rng, &cast.groups).to_owned(),
                    seed: rng.u64(..),
                }
            })
            .collect()
    }

    /// The token request of somebody.
    pub fn token_request<'a>(&self, asking: &'a Asking) -> TokenRequest<'a> {
        let rng = &mut Rng::with_seed(asking.seed);
        let ids = |ids: &'a [String]| ids.iter().map(|id| IdRef::new(id)).collect();
        let kind = if self.size.agents { IdentityKind::AgentIdentity } else { IdentityKind::User };
        let mut identity = Identity::new(kind, IdRef::new(&asking.id));
        if self.size.agents {
            identity.blueprint = Some(IdRef::new(&asking.blueprint));
        } else {
            identity.groups = Some(ids(&asking.groups));
            identity.roles = Some(ids(&asking.roles));
            identity.guest_type =
                Some(if rng.u8(..10) == 0 { GuestType::B2bCollaborationGuest } else { GuestType::None });
        }
        let location = &self.locations[rng.usize(..self.locations.len())];
        let range = location.ranges[rng.usize(..location.ranges.len())];
        let address = inside(rng, range);
        let risk = |rng: &mut Rng| match rng.u8(..100) {
            0..90 => RiskLevel::None,
            90..96 => RiskLevel::Low,
            96..98 => RiskLevel::Medium,
            _ => RiskLevel::High,
        };
        let mut built_in = vec![GrantControl::Mfa; usize::from(rng.u8(..10) < 8)];
        let is_compliant = rng.bool();
        built_in.extend(is_compliant.then_some(GrantControl::CompliantDevice));
        TokenRequest {
            resource: Resource { app_ids: vec![IdRef::new(&asking.app)], ..Resource::default() },
            network: Network { ip_address: Some(address), ..Network::default() },
            risk: Risk { sign_in: risk(rng), user: risk(rng), agent: risk(rng), ..Risk::default() },
            client_app: Some(ClientApp::ALL[rng.usize(1..3)]),
            platform: Some(Platform::ALL[rng.usize(..6)]),
            device: rng.bool().then(|| Box::new(device(rng, is_compliant))),
            satisfied: Satisfied { built_in: built_in.into_iter().collect(), ..Satisfied::default() },
            ..TokenRequest::new(identity)
        }
    }
}

fn device(rng: &mut Rng, is_compliant: bool) -> Device<'static> {
    Device {
        display_name: Some("LAPTOP-7".into()),
        model: Some("Surface Laptop".into()),
        is_compliant: Some(is_compliant),
        trust_type: Some(if rng.bool() { "AzureAD".into() } else { "ServerAD".into() }),
        operating_system_version: Some("10.0.22631".into()),
        ..Device::default()
    }
}

/// The `users` condition: everybody without some, groups, roles, accounts.
fn users(rng: &mut Rng, cast: &Cast, share: u8) -> String {
    let all = |rng: &mut Rng, list: &[String], most: usize| some(rng, list, 0, most);
    let (mut include, mut groups, mut roles) = (String::new(), String::new(), String::new());
    let (mut no_users, mut no_groups) = (String::new(), String::new());
    match share {
        0..40 => {
            include = r#""All""#.to_owned();
            no_users = all(rng, &cast.users, 2);
            no_groups = quoted(std::iter::once(&cast.groups[EMERGENCY]));
            for group in (0..rng.usize(..3)).map(|_| one(rng, &cast.groups)) {
                let _ = write!(no_groups, r#","{group}""#);
            }
        }
        40..70 => {
            groups = some(rng, &cast.groups, 1, 5);
            no_groups = all(rng, &cast.groups, 2);
        }
        70..80 => roles = some(rng, &cast.roles, 1, 10),
        _ => include = some(rng, &cast.users, 1, 20),
    }
    format!(
        r#""users":{{"includeUsers":[{include}],"excludeUsers":[{no_users}],"includeGroups":[{groups}],"excludeGroups":[{no_groups}],"includeRoles":[{roles}]}}"#
    )
}

/// The same for agent identities, who have blueprints in the place of groups.
fn agents(rng: &mut Rng, cast: &Cast, share: u8) -> String {
    let (include, exclude) = match share {
        0..40 => (r#""All""#.to_owned(), some(rng, &cast.users, 0, 4)),
        40..70 => (some(rng, &cast.groups, 1, 5), String::new()),
        _ => (some(rng, &cast.users, 1, 20), String::new()),
    };
    format!(
        r#""users":{{"includeUsers":["None"]}},"clientApplications":{{"includeAgentIdServicePrincipals":[{include}],"excludeAgentIdServicePrincipals":[{exclude}]}}"#
    )
}

fn write_policy(rng: &mut Rng, json: &mut String, index: usize, subject: &str, cast: &Cast, locations: &[Location]) {
    let state = if rng.u8(..100) < 20 { "enabledForReportingButNotEnforced" } else { "enabled" };
    let is_for_agents = subject.contains("AgentId");
    let places = |rng: &mut Rng, most: usize| -> String {
        let ids: Vec<&String> = (0..rng.usize(1..=most)).map(|_| &locations[rng.usize(..locations.len())].id).collect();
        quoted(ids.into_iter())
    };
    let place = match rng.u8(..100) {
        0..65 => "null".to_owned(),
        65..93 => format!(r#"{{"includeLocations":["All"],"excludeLocations":[{}]}}"#, places(rng, 5)),
        _ => format!(r#"{{"includeLocations":[{}]}}"#, places(rng, 3)),
    };
    let client_apps = match rng.u8(..100) {
        0..65 => r#""all""#,
        65..80 => r#""exchangeActiveSync","other""#,
        80..92 => r#""browser","mobileAppsAndDesktopClients""#,
        _ => r#""browser""#,
    };
    let platforms = match rng.u8(..100) {
        0..70 => "null",
        70..80 => r#"{"includePlatforms":["android","iOS"]}"#,
        80..90 => r#"{"includePlatforms":["all"],"excludePlatforms":["android","iOS","windows","macOS"]}"#,
        _ => r#"{"includePlatforms":["windows","macOS"]}"#,
    };
    let device = match rng.u8(..100) {
        _ if is_for_agents => "null",
        0..90 => "null",
        90..95 => {
            r#"{"deviceFilter":{"mode":"exclude","rule":"device.isCompliant -eq True -or device.trustType -eq \"ServerAD\""}}"#
        }
        _ => {
            r#"{"deviceFilter":{"mode":"include","rule":"device.trustType -ne \"AzureAD\" -and device.model -startsWith \"Surface\""}}"#
        }
    };
    let (sign_in, user) = match rng.u8(..100) {
        0..82 => ("", ""),
        82..92 => (r#""high","medium""#, ""),
        _ => ("", r#""high""#),
    };
    let risks = if is_for_agents {
        String::new()
    } else {
        format!(r#""signInRiskLevels":[{sign_in}],"userRiskLevels":[{user}],"#)
    };
    let grant = match rng.u8(..100) {
        _ if is_for_agents => r#""operator":"OR","builtInControls":["block"]"#,
        0..25 => r#""operator":"OR","builtInControls":["block"]"#,
        25..70 => r#""operator":"OR","builtInControls":["mfa"]"#,
        70..90 => r#""operator":"OR","builtInControls":["compliantDevice","domainJoinedDevice"]"#,
        _ => r#""operator":"AND","builtInControls":["mfa","compliantDevice"]"#,
    };
    let applications = applications(rng, cast);
    let _ = writeln!(
        json,
        r#"{{"id":"{}","displayName":"Policy {index}","state":"{state}","conditions":{{"clientAppTypes":[{client_apps}],"applications":{applications},{subject},{risks}"platforms":{platforms},"devices":{device},"locations":{place}}},"grantControls":{{{grant}}}}},"#,
        guid(rng),
    );
}

fn applications(rng: &mut Rng, cast: &Cast) -> String {
    match rng.u8(..100) {
        0..40 => r#"{"includeApplications":["All"]}"#.to_owned(),
        40..55 => {
            let but = some(rng, &cast.apps, 1, 3);
            format!(r#"{{"includeApplications":["All"],"excludeApplications":[{but}]}}"#)
        }
        55..70 => r#"{"includeApplications":["Office365"]}"#.to_owned(),
        70..95 => format!(r#"{{"includeApplications":[{}]}}"#, some(rng, &cast.apps, 1, 5)),
        95..98 => r#"{"includeUserActions":["urn:user:registersecurityinfo"]}"#.to_owned(),
        _ => r#"{"includeAuthenticationContextClassReferences":["c1"]}"#.to_owned(),
    }
}

fn one<'a>(rng: &mut Rng, ids: &'a [String]) -> &'a str {
    &ids[rng.usize(..ids.len())]
}

fn some(rng: &mut Rng, ids: &[String], least: usize, most: usize) -> String {
    let chosen: Vec<&String> = (0..rng.usize(least..=most)).map(|_| &ids[rng.usize(..ids.len())]).collect();
    quoted(chosen.into_iter())
}

fn quoted<'a>(ids: impl Iterator<Item = &'a String>) -> String {
    ids.map(|id| format!("\"{id}\"")).collect::<Vec<_>>().join(",")
}
