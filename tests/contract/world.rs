//! doorward with every door open, its bundle evaluated beside it, and plain clients.

use std::collections::BTreeSet;
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use doorward::compile::{self, CompiledBundle};
use doorward::config::Config;
use doorward::evaluate::{Evaluation, evaluate};
use doorward::model::location::CountryFact;
use doorward::model::request::{Device, Identity, Network, Resource, Risk, Satisfied, Target, TokenRequest};
use doorward::model::{Decision, FreeAttributes, FreeFacts, FreeValue, GrantControl, IdRef, RiskLevel};
use doorward::source::Source;
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::runtime::Runtime;
use tonic::transport::Channel;

use crate::asked::{Asked, Purpose};
use crate::issuer::Key;
use crate::support::raw::{self, Answer};
use crate::support::server::Server;
use crate::{bundle, hook};

/// How to be connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    Tcp,
    Unix,
    /// Not at all: a process for each request.
    Process,
}

/// What a door tells, as far as it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub is_allowed: bool,
    /// Ids of the policies that decided, ascending; `None` when the door names none.
    pub policies: Option<Vec<String>>,
}

impl Told {
    pub fn new(is_allowed: bool) -> Self {
        Self { is_allowed, policies: None }
    }

    /// With the policies that decided.
    pub fn by<'p>(is_allowed: bool, policies: impl IntoIterator<Item = &'p str>) -> Self {
        let mut policies: Vec<_> = policies.into_iter().map(str::to_owned).collect();
        policies.sort();
        Self { is_allowed, policies: Some(policies) }
    }
}

/// Everything that is asked; it ends when it is dropped.
pub struct World {
    pub runtime: Runtime,
    pub key: Key,
    pub server: Server,
    bundle: CompiledBundle,
    /// The keys of the issuer.
    _folder: tempfile::TempDir,
}

const SETTINGS: &str = "
doors:
  authzen: { verbose: true }
  envoy: {}
  forwardAuth: { clientIp: { mode: xff, trustedProxies: [127.0.0.1/32], trustUnix: true } }
  hooks:
    hydra: { ipClaim: ip, defaultAudience: AUDIENCE }
    okta: { header: x-key, sha256: HASH }
    zitadel: { signingKey: contract, defaultAudience: AUDIENCE }
issuers: [{ issuer: https://issuer.test, jwks: KEYS, audiences: ['api://contract'] }]
";

impl World {
    pub fn start(purpose: Purpose) -> Self {
        Self::of(bundle::files(purpose))
    }

    /// With a bundle of these files.
    pub fn of(files: Vec<(&str, String)>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (key, keys) = (Key::new("one", Algorithm::ES256), folder.path().join("keys.json"));
        std::fs::write(&keys, json!({ "keys": [key.public()] }).to_string()).unwrap();
        let hash: String = Sha256::digest(hook::KEY).iter().map(|byte| format!("{byte:02x}")).collect();
        let settings = SETTINGS.replace("KEYS", keys.to_str().unwrap()).replace("HASH", &hash);
        let config: Config = serde_saphyr::from_str(&settings.replace("AUDIENCE", bundle::OTHER_APP)).unwrap();
        let server = Server::of(files, |settings| {
            settings.doors = config.doors;
            settings.issuers = config.issuers;
        });
        let compilation = compile::compile(&Source::new(server.bundle()).read().unwrap().bundle);
        let bundle = compilation.bundle.unwrap_or_else(|| panic!("{:#?}", compilation.findings));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Self { runtime, key, server, bundle, _folder: folder }
    }

    /// What evaluation decides, asked for in its own words.
    pub fn evaluate(&self, asked: &Asked) -> Told {
        let of = |name: &str| if asked.at_risk().contains(&name) { asked.risk_level() } else { RiskLevel::None };
        let attributes = Attributes(asked.attributes());
        let action = asked.action();
        let (kind, id) = asked.target();
        let request = TokenRequest {
            resource: Resource {
                app_ids: asked.app.map(IdRef::new).into_iter().collect(),
                target: Some(Target { kind, id }),
                scopes: asked.each_scope().collect(),
                ..Resource::default()
            },
            network: Network {
                ip_address: asked.address.map(|text| text.parse::<std::net::IpAddr>().unwrap().to_canonical()),
                country: asked.country.map(|text| CountryFact::new(text).unwrap()),
                ..Network::default()
            },
            risk: Risk {
                service_principal: of("servicePrincipal"),
                sign_in: of("signIn"),
                user: of("user"),
                agent: of("agent"),
                ..Risk::default()
            },
            device: asked.device.map(|id| Box::new(Device { device_id: Some(id.into()), ..Device::default() })),
            satisfied: Satisfied {
                built_in: asked.has_mfa.then_some(GrantControl::Mfa).into_iter().collect(),
                ..Satisfied::default()
            },
            attributes: FreeAttributes::new(&attributes),
            action: Some(&action),
            now: Some(jiff::Timestamp::now()),
            ..TokenRequest::new(Identity {
                app_id: asked.client.map(IdRef::new),
                ..Identity::new(asked.identity_kind(), IdRef::new(asked.id))
            })
        };
        let mut evaluation = Evaluation::default();
        evaluate(&self.bundle, &request, &mut evaluation).unwrap();
        let policies = evaluation.policies().iter().map(|index| &*self.bundle.policy(*index).id);
        Told::by(evaluation.decision() == Decision::Allow, policies)
    }

    /// The doors through which something was decided, by the names that operators know.
    pub fn surfaces(&self) -> BTreeSet<String> {
        let text = raw::get(self.server.ops(), "/metrics", &[]).body;
        let lines = text.lines().filter_map(|line| line.strip_prefix("doorward_decisions_total{surface=\""));
        lines.filter(|line| !line.ends_with(" 0")).map(|line| line.split('"').next().unwrap().to_owned()).collect()
    }

    /// A token of who asks, as a gateway's client brings it.
    pub fn claims(&self, asked: &Asked) -> Value {
        let now = jiff::Timestamp::now().as_second();
        let mut claims = json!({
            "iss": "https://issuer.test", "aud": "api://contract", "sub": asked.id, "oid": asked.id, "iat": now,
            "exp": now + 300, "idtyp": if asked.kind == "user" { "user" } else { "app" },
            "amr": if asked.has_mfa { vec!["pwd", "mfa"] } else { vec!["pwd"] },
        });
        if let Some(client) = asked.client {
            claims["azp"] = client.into();
        }
        claims
    }

    /// One request of HTTP/1.1 on a connection of its own.
    pub fn http(&self, over: Over, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        match over {
            Over::Unix => raw::send(UnixStream::connect(self.server.unix()).unwrap(), method, path, headers, body),
            _ => raw::send(TcpStream::connect(self.server.tcp()).unwrap(), method, path, headers, body),
        }
    }

    /// A question in JSON, which must be answered.
    pub fn post(&self, over: Over, path: &str, body: &Value) -> Value {
        let headers = [("content-type", "application/json")];
        let answer = self.http(over, "POST", path, &headers, &body.to_string());
        assert_eq!(answer.status, 200, "{path} {body}: {}", answer.body);
        answer.json()
    }

    pub async fn channel(&self, over: Over) -> Channel {
        match over {
            Over::Unix => self.server.channel_over_unix().await,
            _ => self.server.channel().await,
        }
    }
}

/// Attributes as a request carries them.
struct Attributes(Vec<(&'static str, &'static str)>);

impl FreeFacts for Attributes {
    fn each(&self, found: &mut dyn FnMut(&str, FreeValue<'_>)) {
        self.0.iter().for_each(|(name, value)| found(name, FreeValue::Text(value)));
    }
}
