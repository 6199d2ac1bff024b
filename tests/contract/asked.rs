//! A request in no words yet.

use std::collections::BTreeSet;

use doorward::model::{IdentityKind, RiskLevel};

use crate::bundle::{APP, LEDGER, OTHER_APP, TESTER};

/// A fact that not every door can carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fact {
    /// A kind of identity that is neither a user nor a service principal.
    Kind,
    /// That nobody knows the address.
    Nowhere,
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
}

/// A request; what every door can carry is always there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    pub kind: &'static str,
    pub id: &'static str,
    /// `None` when nobody knows it.
    pub address: Option<&'static str>,
    pub method: &'static str,
    pub host: &'static str,
    pub path: &'static str,
    pub country: Option<&'static str>,
    pub risk: Option<&'static str>,
    pub client: Option<&'static str>,
    pub has_mfa: bool,
    pub device: Option<&'static str>,
    pub app: Option<&'static str>,
}

const HOME: &str = "192.0.2.9";

impl Asked {
    pub fn random(random: &mut fastrand::Rng) -> Self {
        let mut of = |choices: &[&'static str]| choices[random.usize(..choices.len())];
        let (kind, ids): (_, &[_]) =
            match of(&["user", "user", "user", "servicePrincipal", "servicePrincipal", "other"]) {
                "other" => match of(&["managedIdentity", "agentIdentity", "agentUser"]) {
                    kind @ "agentUser" => (kind, &["helper"]),
                    kind => (kind, &["machine"]),
                },
                kind @ "user" => (kind, &["alice", "bob", "carol", "dora"]),
                kind => (kind, &[TESTER, LEDGER, LEDGER, "stranger"]),
            };
        let id = of(ids);
        let addresses = [HOME, "::ffff:192.0.2.77", "198.51.100.7", "2001:db8:6:1ab::1", "2001:db8:7::1"];
        let mut some = |often: usize, choices: &[&'static str]| {
            (random.usize(..10) < often).then(|| choices[random.usize(..choices.len())])
        };
        let is_user = kind == "user" || kind == "agentUser";
        Self {
            kind,
            id,
            address: some(9, &addresses),
            method: some(2, &["DELETE", "POST"]).unwrap_or("GET"),
            host: some(1, &["secret.test"]).unwrap_or("api.test"),
            path: some(1, &["/admin/users"]).unwrap_or("/orders"),
            country: some(7, &["FR", "NL", "NL", "ZZ"]),
            risk: some(6, &["none", "low", "medium", "high", "high"]),
            client: some(5, &["kiosk", "portal"]).filter(|_| is_user),
            has_mfa: some(5, &["mfa"]).is_some(),
            device: some(4, &["lost", "found"]),
            app: some(5, &[APP, OTHER_APP]),
        }
    }

    /// The same without the facts that are not among `says`; nothing when nothing is left to ask.
    pub fn only(&self, says: &BTreeSet<Fact>) -> Option<Self> {
        let has = |fact| says.contains(&fact);
        let is_common = self.kind == "user" || self.kind == "servicePrincipal";
        (is_common || has(Fact::Kind)).then(|| Self {
            address: self.address.or((!has(Fact::Nowhere)).then_some(HOME)),
            country: self.country.filter(|_| has(Fact::Country)),
            risk: self.risk.filter(|_| has(Fact::Risk)),
            client: self.client.filter(|_| has(Fact::Client)),
            has_mfa: self.has_mfa && has(Fact::Mfa),
            device: self.device.filter(|_| has(Fact::Device)),
            app: self.app.filter(|_| has(Fact::App)),
            ..self.clone()
        })
    }

    /// The kind and id of the thing that is asked for.
    pub fn target(&self) -> (&'static str, &'static str) {
        self.app.map_or(("service", self.host), |app| ("audience", app))
    }

    /// Facts for custom conditions.
    pub fn attributes(&self) -> [(&'static str, &'static str); 4] {
        [("http.method", self.method), ("http.scheme", "https"), ("http.host", self.host), ("http.path", self.path)]
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
