//! Bundles with everything that a bundle can say, and edits of them.

use std::hash::BuildHasher;

use fastrand::Rng;

use super::super::tenant::OTHER_TENANT;
use super::super::{TENANT, rich, some, tenant, wide};
use crate::compile::{Compilation, CompiledBundle, compile};
use crate::text::{Finding, RawBundle, RawFile, Severity};

/// What somebody asks for whose device is to be compliant.
pub const REGISTRATION: &str = "01cb2876-7ebd-4aa4-9cc9-d28bd4d359a9";
pub const ENROLMENT: &str = "d4ebce55-015a-49b5-a083-c84d1797ae8c";

pub fn pick<'a>(rng: &mut Rng, all: &[&'a str]) -> &'a str {
    all[rng.usize(..all.len())]
}

/// Texts for the head of a bundle, of each place the usual one first.
const HEADS: [(&str, &[&str]); 9] = [
    (
        "HERE",
        &[
            "true, ipRanges: [\"192.0.2.0/24\", \"2001:db8::/32\"]",
            "false, ipRanges: [\"192.0.2.0/24\"]",
            "true, ipRanges: [\"192.0.2.0/25\"]",
        ],
    ),
    ("THERE", &["ipRanges: [\"192.0.2.128/25\", \"198.51.100.0/24\"]", "ipRanges: [\"203.0.113.16/28\"]"]),
    ("NET", &["isTrusted: true", "isTrusted: false"]),
    ("GPS", &["[DE]", "[FR, US]"]),
    (
        "LAND",
        &[
            "[DE, FR], includeUnknownCountriesAndRegions: true",
            "[DE, US], includeUnknownCountriesAndRegions: false",
            "[GB], includeUnknownCountriesAndRegions: true",
        ],
    ),
    ("APP", &["test", "live"]),
    ("OWN", &["AzureADMyOrg", "AzureADMultipleOrgs"]),
    ("ROLE", &["admin", "author"]),
    ("AGE", &["1", "9"]),
];

const HEAD: &str = "namedLocations:
  - { displayName: Here, isTrusted: HERE }
  - { displayName: There, isTrusted: false, THERE }
  - { displayName: Net, compliantNetworkType: allTenantCompliantNetworks, NET }
  - { displayName: Gps, countriesAndRegions: GPS, countryLookupMethod: authenticatorAppGps, includeUnknownCountriesAndRegions: true }
  - { displayName: Land, countriesAndRegions: LAND }
servicePrincipals:
  - { id: sp-app, appId: app-tagged, servicePrincipalType: Application, customSecurityAttributes: { Set: { stage: APP } } }
  - { id: sp-bare, appId: app-bare, servicePrincipalType: Application, customSecurityAttributes: {} }
  - { id: sp-own, appId: app-own, servicePrincipalType: Application, appOwnerOrganizationId: 0a000000-0000-4000-8000-000000000001, signInAudience: OWN }
  - { id: sp-vm, servicePrincipalType: ManagedIdentity }
  - { id: alpha, appId: app-alpha }
  - { id: beta, servicePrincipalType: Application, signInAudience: AzureADMyOrg }
  - { id: gamma, servicePrincipalType: ManagedIdentity, customSecurityAttributes: { Set: { stage: test } } }
  - { id: agent-one, servicePrincipalType: ServiceIdentity, customSecurityAttributes: { Set: { stage: test } } }
entities:
  subjects:
    - { type: user, id: ann, properties: { role: ROLE, age: AGE } }
    - { type: robot, id: sp-app, properties: { role: reader } }
  resources:
    - { type: record, id: \"1\", properties: { owners: [ann, bob], open: true } }
  actions:
    - { name: read, properties: { harmless: true } }
policies:
";

/// Parts of lines that not every head has.
const LEFT_OUT: [&str; 7] =
    ["id: alpha", "id: beta", "id: gamma", "id: sp-bare", "id: sp-vm", "type: robot", "type: user, id: ann"];

/// Comparisons that the schema admits for every kind of identity.
const COMPARISONS: [&str; 34] = [
    "context.credential.type == \"clientSecret\"",
    "context.credential.federatedIssuer like \"https://a*\"",
    "principal.id == \"ann\"",
    "principal.id like \"sp-*\"",
    "principal.appId == \"app-own\"",
    "principal is User",
    "principal is User && principal.groups.contains(\"staff\")",
    "principal is User && principal.roles.isEmpty()",
    "principal is User && principal.guestType == \"none\"",
    "principal is User && principal.homeTenant == \"guests\"",
    "principal is ServicePrincipal && principal.signInAudience == \"AzureADMyOrg\"",
    "principal is AgentIdentity && principal.blueprint like \"0b*\"",
    "principal.customSecurityAttributes.text.hasTag(\"set_stage\")",
    "resource.appIds.contains(\"mail\")",
    "resource.appIds.isEmpty()",
    "resource.userAction == \"none\"",
    "resource.customSecurityAttributes.text.hasTag(\"set_stage\")",
    "resource.target.type == \"record\"",
    "context.action == \"read\"",
    "context.time < datetime(\"2026-06-01T00:00:00Z\")",
    "context.clientApp == \"browser\"",
    "context.authenticationFlow == \"deviceCodeFlow\"",
    "context.network.country == \"DE\"",
    "context.network.ipAddress.isInRange(ip(\"192.0.2.0/25\"))",
    "context.network.locations.contains(\"Here\")",
    "context.network.locations.contains(\"AllTrusted\")",
    "context.risk.user == \"high\"",
    "context.device.isRegistered",
    "context.attributes.text.hasTag(\"ring\") && context.attributes.text.getTag(\"ring\") == \"canary\"",
    "context.attributes.text.hasTag(\"subject.role\") && context.attributes.text.getTag(\"subject.role\") == \"admin\"",
    "context.attributes.number.hasTag(\"subject.age\") && context.attributes.number.getTag(\"subject.age\") < 5",
    "context.attributes.texts.hasTag(\"resource.owners\") && context.attributes.texts.getTag(\"resource.owners\").contains(\"ann\")",
    "context.attributes.flag.hasTag(\"resource.open\") && context.attributes.flag.getTag(\"resource.open\")",
    "context.attributes.flag.hasTag(\"action.harmless\") && context.attributes.flag.getTag(\"action.harmless\")",
];

fn condition(rng: &mut Rng) -> String {
    let one = |rng: &mut Rng| format!("({})", pick(rng, &COMPARISONS));
    match rng.u8(..8) {
        0 => format!("!{}", one(rng)),
        1 => format!("{} && {}", one(rng), one(rng)),
        2 => format!("{} || !{}", one(rng), one(rng)),
        3 => format!("if {} then {} else {}", one(rng), one(rng), one(rng)),
        _ => pick(rng, &COMPARISONS).to_owned(),
    }
}

/// A country database, or one in which Britain lies in Germany.
pub fn countries(is_other: bool) -> Vec<u8> {
    let mut database = super::countries::database();
    if is_other {
        let place = database.windows(2).position(|two| two == b"GB").unwrap();
        database[place..place + 2].copy_from_slice(b"DE");
    }
    database
}

/// A policy of a `.cedar` file.
fn forbid(rng: &mut Rng, index: usize) -> String {
    let state = pick(rng, &["", "", "", "@state(\"report-only\")\n", "@state(\"disabled\")\n"]);
    let who = pick(rng, &["", "", " is User", " is ServicePrincipal", " == User::\"ann\"", " is AgentIdentity"]);
    let clauses = match rng.u8(..4) {
        0 => format!(" when {{ {} }} unless {{ {} }}", condition(rng), condition(rng)),
        1 => format!(" unless {{ {} }}", condition(rng)),
        _ => format!(" when {{ {} }}", condition(rng)),
    };
    format!("@id(\"cedar-{index}\")\n{state}forbid (principal{who}, action, resource){clauses};\n")
}

fn policy(rng: &mut Rng, index: usize) -> String {
    let line = match rng.u8(..4) {
        0 => rich::policy(rng, index),
        1 => tenant::policy(rng, index),
        _ => wide::policy(rng, index),
    };
    let line = match rng.u8(..8) {
        0 => line.replace("mail", ENROLMENT),
        1 => line.replace("includeApplications: [All]", &format!("includeApplications: [{ENROLMENT}, payroll]")),
        2 => line
            .replace("excludeApplications: [", &format!("excludeApplications: [{REGISTRATION}, "))
            .replace(", ]", "]"),
        _ => line,
    };
    if rng.u8(..4) > 0 {
        return line;
    }
    format!("{}, when: '{}' }}\n", line.trim_end().strip_suffix(" }").unwrap(), condition(rng))
}

fn settings(rng: &mut Rng) -> Vec<String> {
    let tenant = pick(rng, &[TENANT, TENANT, TENANT, OTHER_TENANT, ""]);
    let mut lines: Vec<_> = (!tenant.is_empty()).then(|| format!("tenantId: {tenant}")).into_iter().collect();
    lines.push(format!("defaultDecision: {}", pick(rng, &["allow", "allow", "allow", "block"])));
    lines.push(format!("missingIp: {}", pick(rng, &["unknown", "outsideAll"])));
    lines.push(format!("eligibility: {}", pick(rng, &["entra", "entra", "all"])));
    lines.push(format!("mfaTrustedIps: [\"{}\"]", pick(rng, &["203.0.113.0/24", "192.0.2.0/25"])));
    lines.push(format!("suites: {{ Office365: [{}] }}", pick(rng, &["suite-app", "mail", "suite-app, app-tagged"])));
    lines.push(format!("subjectTypes: {{ robot: {} }}", pick(rng, &["servicePrincipal", "servicePrincipal", "user"])));
    lines.push(format!("ignoredPolicies: [{}]", some(rng, &["Policy 1", "Policy 3", "cedar-0"], 10).join(", ")));
    lines.extend((rng.u8(..3) == 0).then(|| "countryDatabase: countries.mmdb".to_owned()));
    lines
}

/// A bundle, in parts that can be edited.
#[derive(Clone, Debug)]
pub struct Draw {
    pub settings: Vec<String>,
    head: Vec<usize>,
    pub policies: Vec<String>,
    pub cedar: Vec<String>,
    /// Lines of the head that are left out, by a part of each.
    left_out: Vec<&'static str>,
    /// Whether the locations stand in another order.
    has_other_order: bool,
    /// Which of two databases.
    has_other_countries: bool,
    /// What is claimed of it.
    pub statements: Vec<String>,
}

impl Draw {
    /// A bundle that can be used.
    pub fn new(rng: &mut Rng) -> (Self, CompiledBundle) {
        loop {
            let mut draw = Self {
                settings: settings(rng),
                head: HEADS
                    .iter()
                    .map(|(_, texts)| if rng.u8(..3) == 0 { rng.usize(..texts.len()) } else { 0 })
                    .collect(),
                policies: (0..rng.usize(1..6)).map(|index| policy(rng, index)).collect(),
                cedar: (0..rng.usize(..6).saturating_sub(3)).map(|index| forbid(rng, index)).collect(),
                left_out: some(rng, &LEFT_OUT, 5),
                has_other_order: false,
                has_other_countries: false,
                statements: Vec::new(),
            };
            if rng.u8(..3) == 0 {
                draw.copy(rng);
            }
            if let Some(bundle) = draw.compiled() {
                return (draw, bundle);
            }
        }
    }

    /// The same with one or two things changed.
    pub fn edited(&self, rng: &mut Rng) -> (Self, CompiledBundle) {
        loop {
            let mut edited = self.clone();
            for _ in 0..1 + usize::from(rng.u8(..4) == 0) {
                edited.edit(rng);
            }
            if let Some(bundle) = edited.compiled() {
                return (edited, bundle);
            }
        }
    }

    /// A bundle without conditions in Cedar.
    pub fn plain(rng: &mut Rng) -> (Self, CompiledBundle) {
        let (mut draw, _) = Self::new(rng);
        loop {
            draw.without_cedar();
            if let Some(bundle) = draw.compiled() {
                return (draw, bundle);
            }
            draw = Self::new(rng).0;
        }
    }

    /// As [`Self::edited`], of one without conditions in Cedar.
    pub fn edited_plainly(&self, rng: &mut Rng) -> (Self, CompiledBundle) {
        loop {
            let (mut edited, _) = self.edited(rng);
            edited.without_cedar();
            if let Some(bundle) = edited.compiled() {
                return (edited, bundle);
            }
        }
    }

    fn without_cedar(&mut self) {
        self.cedar.clear();
        for line in &mut self.policies {
            if let Some(from) = line.find(", when: '") {
                line.replace_range(from.., " }\n");
            }
        }
    }

    /// A bundle of which some policies exclude everything, and what is told of it.
    pub fn with_exclusions(rng: &mut Rng) -> (Self, CompiledBundle, Vec<Finding>) {
        let exclusions = [
            ("excludeLocations: [", "excludeLocations: [All, "),
            ("excludeUsers: [", "excludeUsers: [All, "),
            ("excludeApplications: [", "excludeApplications: [All, "),
            ("includeApplications: [All]", "includeApplications: [None]"),
            ("when: '", "when: 'false && "),
            ("when: '", "when: 'principal is AgentUser && "),
        ];
        loop {
            let (mut draw, _) = Self::new(rng);
            for line in &mut draw.policies {
                let (from, to) = exclusions[rng.usize(..exclusions.len())];
                if rng.bool() {
                    *line = line.replacen(from, to, 1).replace(", ]", "]");
                }
            }
            let Compilation { bundle, findings, .. } = compile(&draw.raw());
            if let Some(bundle) = bundle {
                return (draw, bundle, findings);
            }
        }
    }

    /// The policy that `finding` is about, by name.
    pub fn policy_at(&self, finding: &Finding) -> Option<String> {
        let text = self.text();
        let line = text.lines().nth(usize::try_from(finding.line).ok()?.checked_sub(1)?)?;
        let name = line.split_once("displayName: ")?.1.split_once(',')?.0;
        (&*finding.file == "all.yaml" && line.contains("state: ")).then(|| name.to_owned())
    }

    /// One of the policies once more, by another name.
    fn copy(&mut self, rng: &mut Rng) {
        let line = &self.policies[rng.usize(..self.policies.len())];
        let (name, rest) = line.split_once(',').unwrap();
        self.policies.push(format!("{name} again,{rest}"));
    }

    fn edit(&mut self, rng: &mut Rng) {
        let place = rng.usize(..self.policies.len());
        match rng.u8(..18) {
            0 => {
                let other = settings(rng);
                let line = &other[rng.usize(..other.len())];
                let key = line.split_once(':').unwrap().0;
                self.settings.retain(|own| !own.starts_with(key));
                self.settings.push(line.clone());
            }
            1 => match self.settings.iter().position(|line| line.starts_with("countryDatabase")) {
                Some(_) if rng.bool() => self.has_other_countries = !self.has_other_countries,
                Some(place) => drop(self.settings.remove(place)),
                None => self.settings.push("countryDatabase: countries.mmdb".to_owned()),
            },
            2..4 => {
                let place = rng.usize(..HEADS.len());
                self.head[place] = rng.usize(..HEADS[place].1.len());
            }
            4 => self.policies.push(policy(rng, self.policies.len())),
            13 => self.copy(rng),
            14 => match rng.u8(..4) {
                0 => self.has_other_order = !self.has_other_order,
                1 => self.left_out = some(rng, &LEFT_OUT, 10),
                2 => self.policies.rotate_left(1),
                _ => self.policies[place] = self.policies[place].replacen(", state", " renamed, state", 1),
            },
            5 if self.policies.len() > 1 => drop(self.policies.remove(place)),
            6 => {
                let line = &mut self.policies[place];
                let state = line.find("state: ").unwrap() + 7;
                let end = state + line[state..].find(',').unwrap();
                let states = ["enabled", "enabledForReportingButNotEnforced", "disabled"];
                line.replace_range(state..end, pick(rng, &states));
            }
            7 | 8 if self.policies[place].contains(", when: '") => {
                let line = &mut self.policies[place];
                let from = line.find(", when: '").unwrap();
                let rest = if rng.bool() { String::new() } else { format!(", when: '{}'", condition(rng)) };
                line.replace_range(from.., &format!("{rest} }}\n"));
            }
            9 => self.cedar.push(forbid(rng, self.cedar.len())),
            10 if !self.cedar.is_empty() => drop(self.cedar.pop()),
            11..13 => {
                let narrowed = wide::narrowed(rng);
                let line = &mut self.policies[place];
                for (from, to) in narrowed {
                    if rng.u8(..3) == 0 && !(line.contains("clientApplications") && to.contains("mfa")) {
                        *line = line.replacen(from, &to, 1);
                    }
                }
            }
            _ => self.policies[place] = policy(rng, place),
        }
    }

    /// The same without the policy `name`.
    pub fn without(&self, name: &str) -> Self {
        let mut rest = self.clone();
        rest.policies.retain(|line| !line.contains(&format!("displayName: {name},")));
        rest.cedar.retain(|text| !text.contains(&format!("@id(\"{name}\")")));
        rest
    }

    /// Exempts `who` by id from most policies whose lists have room for it.
    pub fn exempt(&mut self, rng: &mut Rng, who: &str) {
        for line in &mut self.policies {
            for list in ["excludeUsers: [", "excludeServicePrincipals: [", "excludeAgentIdServicePrincipals: ["] {
                if rng.u8(..8) > 0 {
                    *line = line.replace(list, &format!("{list}{who}, ")).replace(", ]", "]");
                }
            }
        }
    }

    /// The files.
    pub fn raw(&self) -> RawBundle {
        let mut files = vec![
            ("bundle.yaml", self.settings.join("\n").into_bytes()),
            ("all.yaml", self.text().into_bytes()),
            ("own.cedar", self.cedar.concat().into_bytes()),
            ("countries.mmdb", countries(self.has_other_countries)),
        ];
        if !self.statements.is_empty() {
            files.push(("statements/all.yaml", format!("policies:\n{}", self.statements.concat()).into_bytes()));
        }
        let file = |(name, bytes): (&str, Vec<u8>)| RawFile { name: name.into(), bytes };
        let digest = format!("{:016x}", foldhash::fast::FixedState::default().hash_one(&files));
        RawBundle { files: files.into_iter().map(file).collect(), digest: digest.into() }
    }

    fn text(&self) -> String {
        let head = HEADS
            .iter()
            .zip(&self.head)
            .fold(HEAD.to_owned(), |head, ((name, texts), place)| head.replacen(name, texts[*place], 1));
        let mut lines: Vec<_> =
            head.lines().filter(|line| !self.left_out.iter().any(|part| line.contains(part))).collect();
        if self.has_other_order {
            lines.swap(1, 2);
        }
        format!("{}\n{}", lines.join("\n"), self.policies.concat())
    }

    /// As it is used; `None` if it cannot be.
    pub fn compiled(&self) -> Option<CompiledBundle> {
        let Compilation { bundle, findings, .. } = compile(&self.raw());
        // Not every condition suits whom its policy covers, and not everything that is named is there. Whatever else is wrong is
        // a mistake of this file.
        let is_known = |id: &str| id.starts_with("cedar") || id.starts_with("unknown-");
        let is_error = |finding: &&Finding| finding.severity == Severity::Error;
        let unknown = findings.iter().filter(is_error).find(|finding| !is_known(finding.id));
        assert!(unknown.is_none(), "{unknown:?}\n{}", self.told());
        bundle
    }

    /// As it is used; `None` if anything is wrong with it.
    pub fn accepted(&self) -> Option<CompiledBundle> {
        compile(&self.raw()).bundle
    }

    /// For people.
    pub fn told(&self) -> String {
        let Self { settings, cedar, statements, has_other_countries, .. } = self;
        format!(
            "{}\n{}{}{}other countries: {has_other_countries}\n",
            settings.join("\n"),
            self.text(),
            cedar.concat(),
            statements.concat()
        )
    }
}
