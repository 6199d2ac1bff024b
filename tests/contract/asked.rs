//! A request in no words yet.

use std::collections::BTreeSet;

use doorward::model::{IdentityKind, RiskLevel};

use crate::bundle::{APP, LEDGER, OTHER_APP, TESTER};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// To use a token at a route.
    Use,
    /// To have one.
    Issue,
}

/// A fact that not every door can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// A kind of identity that is neither a user nor a service principal.
    Kind,
    /// That nobody knows the address.
    Nowhere,
    /// The address.
    Somewhere,
    /// The grant, which is in the name of the gate.
    Grant,
    /// The country.
    Country,
    /// How risky the identity is.
    Risk,
    /// The client that acts for a user.
    Client,
    /// That several factors were asked for.
    Mfa,
    /// The device.
    Device,
    /// The application that it is for.
    App,
    /// The scopes of a token.
    Scopes,
}

/// A request; what every door can carry is always there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    pub purpose: Purpose,
    pub kind: &'static str,
    pub id: &'static str,
    /// `None` when nobody knows it.
    pub address: Option<&'static str>,
    /// Of a token that is to be issued.
    pub grant: &'static str,
    pub method: &'static str,
    pub host: &'static str,
    pub path: &'static str,
    pub country: Option<&'static str>,
    pub risk: Option<&'static str>,
    pub client: Option<&'static str>,
    pub has_mfa: bool,
    pub device: Option<&'static str>,
    pub app: Option<&'static str>,
    /// Of a token that is to be issued, separated by spaces.
    pub scopes: Option<&'static str>,
}

const CODE: &str = "authorization_code";
const HOME: &str = "192.0.2.9";
/// The user of whom a policy looks at the grant. A door that does not tell it cannot ask about her as others do: no other
/// door can leave it out.
const BY_GRANT: &str = "erin";
/// The user for whom one application is excluded from all resources.
const EXEMPT: &str = "hugo";
/// Scopes of OpenID, of an application, and both.
const SCOPES: &[&str] = &["openid", "openid profile", "read", "openid read", "read email write"];

impl Asked {
    pub fn random(random: &mut fastrand::Rng, purpose: Purpose) -> Self {
        let mut of = |choices: &[&'static str]| choices[random.usize(..choices.len())];
        let users: &[_] = match purpose {
            Purpose::Use => &["alice", "bob", "carol", "dora"],
            Purpose::Issue => &["alice", "bob", "carol", "dora", BY_GRANT, "fred", "gina", EXEMPT],
        };
        let (kind, ids): (_, &[_]) =
            match of(&["user", "user", "user", "servicePrincipal", "servicePrincipal", "other"]) {
                "other" => match of(&["managedIdentity", "agentIdentity", "agentUser"]) {
                    kind @ "agentUser" => (kind, &["helper"]),
                    kind => (kind, &["machine"]),
                },
                kind @ "user" => (kind, users),
                kind => (kind, &[TESTER, LEDGER, LEDGER, "stranger"]),
            };
        let id = of(ids);
        let is_user = kind == "user" || kind == "agentUser";
        let grant = if is_user { of(&[CODE, "jwt_bearer"]) } else { "client_credentials" };
        let addresses = [HOME, "::ffff:192.0.2.77", "198.51.100.7", "2001:db8:6:1ab::1", "2001:db8:7::1"];
        let clients: &[_] = match purpose {
            Purpose::Use => &["kiosk", "portal"],
            Purpose::Issue => &["kiosk", "portal", "tablet"],
        };
        let mut some = |often: usize, choices: &[&'static str]| {
            (random.usize(..10) < often).then(|| choices[random.usize(..choices.len())])
        };
        Self {
            purpose,
            kind,
            id,
            address: some(9, &addresses),
            grant,
            method: some(2, &["DELETE", "POST"]).unwrap_or("GET"),
            host: some(1, &["secret.test"]).unwrap_or("api.test"),
            path: some(1, &["/admin/users"]).unwrap_or("/orders"),
            country: some(7, &["FR", "NL", "NL", "ZZ"]),
            risk: some(6, &["none", "low", "medium", "high", "high"]),
            client: some(6, clients).filter(|_| is_user),
            has_mfa: some(5, &["mfa"]).is_some(),
            device: some(4, &["lost", "found"]),
            app: some(5, &[APP, OTHER_APP]),
            scopes: some(6, SCOPES).filter(|_| purpose == Purpose::Issue),
        }
    }

    /// Tokens of the user of whom a policy excludes an application, with all kinds of scopes.
    pub fn with_scopes(random: &mut fastrand::Rng) -> Vec<Self> {
        let apps = [APP, OTHER_APP].into_iter();
        let cases = apps.flat_map(|app| SCOPES.iter().map(move |scopes| (Some(app), Some(*scopes))));
        let token = |(app, scopes)| Self {
            kind: "user",
            id: EXEMPT,
            grant: CODE,
            app,
            scopes,
            ..Self::random(random, Purpose::Issue)
        };
        cases.map(token).collect()
    }

    /// The same without the facts that are not among `says`; nothing when nothing is left to ask.
    pub fn only(&self, says: &BTreeSet<Fact>) -> Option<Self> {
        let has = |fact| says.contains(&fact);
        let is_common = self.kind == "user" || self.kind == "servicePrincipal";
        let (is_issue, has_grant) = (self.purpose == Purpose::Issue, has(Fact::Grant));
        let is_said = (is_common || has(Fact::Kind)) && (!is_issue || has_grant || self.id != BY_GRANT);
        is_said.then(|| Self {
            address: self.address.or((!has(Fact::Nowhere)).then_some(HOME)).filter(|_| has(Fact::Somewhere)),
            grant: if has_grant || self.grant != "jwt_bearer" { self.grant } else { CODE },
            country: self.country.filter(|_| has(Fact::Country)),
            risk: self.risk.filter(|_| has(Fact::Risk)),
            client: self.client.filter(|_| has(Fact::Client)),
            has_mfa: self.has_mfa && has(Fact::Mfa),
            device: self.device.filter(|_| has(Fact::Device)),
            // A token is for something, of a door that does not say what, for what the operator says.
            app: self.app.filter(|_| has(Fact::App)).or(is_issue.then_some(OTHER_APP)),
            scopes: self.scopes.filter(|_| has(Fact::Scopes)),
            // What is only said of routes tells no two tokens apart.
            method: if is_issue { "" } else { self.method },
            host: if is_issue { "" } else { self.host },
            path: if is_issue { "" } else { self.path },
            ..self.clone()
        })
    }

    /// The scopes, one by one.
    pub fn each_scope(&self) -> impl Iterator<Item = &'static str> {
        self.scopes.into_iter().flat_map(str::split_whitespace)
    }

    /// The kind and id of the thing that is asked for.
    pub fn target(&self) -> (&'static str, &'static str) {
        self.app.map_or(("service", self.host), |app| ("audience", app))
    }

    /// What is to be done with it.
    pub fn action(&self) -> String {
        match self.purpose {
            Purpose::Use => self.method.to_owned(),
            Purpose::Issue => format!("issue:access_token:{}", self.grant),
        }
    }

    /// The client that asks for a token: of one that is for a workload, itself.
    pub fn issued_to(&self) -> Option<&'static str> {
        let is_user = matches!(self.identity_kind(), IdentityKind::User | IdentityKind::AgentUser);
        if is_user { self.client } else { Some(self.id) }
    }

    /// Facts for custom conditions.
    pub fn attributes(&self) -> Vec<(&'static str, &'static str)> {
        match self.purpose {
            Purpose::Use => vec![
                ("http.method", self.method),
                ("http.scheme", "https"),
                ("http.host", self.host),
                ("http.path", self.path),
            ],
            Purpose::Issue => self.issued_to().map(|client| ("client_id", client)).into_iter().collect(),
        }
    }

    pub fn identity_kind(&self) -> IdentityKind {
        match self.kind {
            "user" => IdentityKind::User,
            "servicePrincipal" => IdentityKind::ServicePrincipal,
            "managedIdentity" => IdentityKind::ManagedIdentity,
            "agentIdentity" => IdentityKind::AgentIdentity,
            _ => IdentityKind::AgentUser,
        }
    }

    pub fn risk_level(&self) -> RiskLevel {
        match self.risk {
            Some("high") => RiskLevel::High,
            Some("medium") => RiskLevel::Medium,
            Some("low") => RiskLevel::Low,
            _ => RiskLevel::None,
        }
    }

    /// What the one level of risk is the risk of.
    pub fn at_risk(&self) -> &'static [&'static str] {
        match self.kind {
            "user" => &["user", "signIn"],
            "agentUser" => &["user", "signIn", "agent"],
            "agentIdentity" => &["agent"],
            _ => &["servicePrincipal"],
        }
    }
}
