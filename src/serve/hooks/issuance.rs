//! A token that is to be issued, as requests of the decision API.
//!
//! One gate request for each audience, whose action is `issue:<token type>:<grant type>`; then one for each scope and
//! audience, whose action is the scope. All must be allowed. They say what the same token would be asked about in
//! AuthZEN, so a policy does not see which of the two asks; but each says all scopes, for the token has all of them or there
//! is none, while in AuthZEN it may be left with the one alone. Source: draft-gazitt-oauth-authzen-issuance, read August 2026.

use std::collections::BTreeMap;

use prost_types::value::Kind;
use prost_types::{ListValue, Struct, Value};
use serde_json::value::RawValue;

use super::super::decider::Asking;
use super::super::wire::spelling::Spelling;
use super::super::wire::{Refused, v1};
use super::Hook;
use crate::limits;
use crate::model::IdentityKind;
use crate::model::decision::InputError;
use crate::serve::amr;
use crate::serve::gate::{Gate, is_gate};
use crate::serve::owed::Carries;
use crate::serve::wire::shaping::Claims;

/// The kind of a target that is an audience.
const AUDIENCE: &str = "audience";

/// What a hook says of a token that is to be issued.
#[derive(Debug, Default)]
pub struct Issuance {
    user: Option<String>,
    workload: Option<String>,
    /// The client that asks.
    pub client_id: Option<String>,
    /// What the gate asks for; `None` when the hook does not tell the grant.
    pub gate: Option<Gate<'static>>,
    /// What the token is for; empty: not said.
    pub audiences: Vec<String>,
    /// Its scopes.
    pub scopes: Vec<String>,
    /// Whether each scope is asked about by itself, too.
    pub asks_scopes: bool,
    /// Where it is asked for from.
    pub ip_address: Option<String>,
    /// Authentication context class.
    pub acr: Option<String>,
    /// Authentication methods, by their names in RFC 8176.
    pub amr: Vec<String>,
    /// Who acts for the subject, as claims of RFC 8693 (`act.sub`, `act.iss`).
    pub act: Vec<(&'static str, String)>,
    /// What is known of the token as it is.
    pub present: Present,
}

/// Claims by name, with their values as they were written.
pub type RawClaims = BTreeMap<String, Box<RawValue>>;

/// What a token is before policies shape it, as far as a hook tells.
#[derive(Debug, Default)]
pub struct Present {
    /// The claims of the access token; `None`: there is no such token.
    pub access: Option<RawClaims>,
    /// Those of the ID token beside it.
    pub id: RawClaims,
    /// How long the access token is to live, seconds, if that is known and can be changed.
    pub lifetime: Option<u64>,
}

/// What becomes of a token.
#[derive(Debug)]
pub enum Decided {
    /// It may be issued.
    Allow(Box<Shape>),
    /// It may not.
    Block(Box<v1::DecideResponse>),
}

/// How a token is shaped that may be issued.
#[derive(Debug, Default)]
pub struct Shape {
    /// It may live so many seconds, which is less than it would.
    pub lifetime: Option<u64>,
    /// The claims to add, none of which the hook cannot add.
    pub claims: Claims,
    /// What it is without that.
    pub present: Present,
}

/// The gate of an access token for an OAuth grant type, of which the last segment counts.
pub fn gate(grant_type: &str) -> Result<Gate<'static>, InputError> {
    let grant = grant_type.rsplit(':').next().unwrap_or_default().replace('-', "_");
    let problem = || InputError::invalid("grant_type", "must end in a segment of `a` to `z`, digits and `_`");
    Gate::access_token(&grant).ok_or_else(problem)
}

impl Issuance {
    /// For a user.
    pub fn to_user(id: String) -> Self {
        Self { user: Some(id), ..Self::default() }
    }

    /// For a workload.
    pub fn to_workload(id: String) -> Self {
        Self { workload: Some(id), ..Self::default() }
    }

    /// It, if it can be asked about: at most [`limits::HOOK_REQUESTS_MAX`] requests, none of whose scopes could be
    /// mistaken for a gate.
    pub fn checked(self) -> Result<Self, InputError> {
        if self.scopes.iter().any(|scope| is_gate(scope)) {
            return Err(InputError::invalid("scopes", "must not begin with `issue:`"));
        }
        let scopes = if self.asks_scopes { self.scopes.len() } else { 0 };
        let requests = self.audiences.len().max(1).saturating_mul(1 + scopes);
        if requests > limits::HOOK_REQUESTS_MAX {
            let most = limits::HOOK_REQUESTS_MAX;
            let problem = format!("must not come to more than {most} requests, one for each audience and scope");
            return Err(InputError::invalid("scopes", problem));
        }
        Ok(self)
    }

    /// Decides. The first block ends it, and so does an allow with something that `hook` cannot pass on.
    ///
    /// # Errors
    /// A fact that cannot be used.
    pub fn decide(self, asking: &mut Asking<'_>, hook: &dyn Hook) -> Result<Decided, Refused> {
        let adds = |name: &str| hook.adds(name, &self.present);
        let keeps = |most| hook.keeps(most, &self.present);
        let carries = Carries { claim: &adds, lifetime: &keeps, obligations: false };
        let mut claims = Claims::new();
        let scopes = self.scopes.iter().filter(|_| self.asks_scopes).map(|scope| Some(scope.as_str()));
        let mut ceiling = None;
        for scope in std::iter::once(None).chain(scopes) {
            let audiences = self.audiences.iter().map(|audience| Some(audience.as_str()));
            for audience in audiences.chain(self.audiences.is_empty().then_some(None)) {
                let answer = asking.decide(&self.request(scope, audience))?;
                let mut answer = asking.settled(answer, carries);
                if answer.decision != crate::model::Decision::Allow.number() {
                    if scope.is_some() {
                        answer.oauth_error = answer.oauth_error.map(v1::OAuthError::of_scope);
                    }
                    return Ok(Decided::Block(Box::new(answer)));
                }
                let most = answer.token.as_ref().and_then(|token| token.lifetime_seconds);
                ceiling = [ceiling, most.map(u64::from)].into_iter().flatten().min();
                answer.token.iter().for_each(|token| token.add_to(&mut claims));
            }
        }
        claims.retain(|name, _| adds(name));
        let lifetime = ceiling.filter(|most| self.present.lifetime.is_some_and(|lifetime| lifetime > *most));
        Ok(Decided::Allow(Box::new(Shape { lifetime, claims, present: self.present })))
    }

    /// About the scope `scope`; about the gate without one.
    fn request(&self, scope: Option<&str>, audience: Option<&str>) -> v1::DecideRequest {
        let (kind, id, app_id) = match (&self.user, &self.workload) {
            (Some(user), _) => (IdentityKind::User, Some(user.clone()), self.client_id.clone()),
            (None, workload) => (IdentityKind::ServicePrincipal, workload.clone(), None),
        };
        let gate = self.gate.as_ref();
        let mut satisfied = v1::Satisfied::default();
        self.amr.iter().for_each(|method| amr::prove(method, &mut satisfied));
        // WHY: scopes without an application are taken for a request to Entra's directory, and policies about any other
        // application would not apply. Which one it is, nobody has said here. For the same reason `openid` is never told
        // without the other scopes of an application.
        let scopes = audience.map(|_| self.scopes.clone()).unwrap_or_default();
        v1::DecideRequest {
            identity: Some(v1::Identity { r#type: kind.number(), id, app_id, ..v1::Identity::default() }),
            resource: Some(v1::Resource {
                app_ids: audience.map(str::to_owned).into_iter().collect(),
                scopes,
                target: audience.map(|id| v1::Target { r#type: Some(AUDIENCE.to_owned()), id: Some(id.to_owned()) }),
                ..v1::Resource::default()
            }),
            network: self
                .ip_address
                .clone()
                .map(|address| v1::Network { ip_address: Some(address), ..v1::Network::default() }),
            authentication_flow: gate.and_then(Gate::flow).map_or(0, |flow| flow.number()),
            satisfied: (satisfied != v1::Satisfied::default()).then_some(satisfied),
            attributes: Some(self.attributes()),
            action: scope.map(str::to_owned).or_else(|| gate.map(|gate| gate.action().to_owned())),
            ..v1::DecideRequest::default()
        }
    }

    /// What custom conditions see as `context.attributes`, by the names that tokens have for it.
    fn attributes(&self) -> Struct {
        let text = |text: &String| Value { kind: Some(Kind::StringValue(text.clone())) };
        let list = |texts: &[String]| Value {
            kind: Some(Kind::ListValue(ListValue { values: texts.iter().map(text).collect() })),
        };
        let texts = [("client_id", &self.client_id), ("acr", &self.acr)];
        let mut fields: Vec<(String, Value)> = texts
            .into_iter()
            .filter_map(|(name, value)| value.as_ref().map(|value| (name.to_owned(), text(value))))
            .collect();
        fields.extend(self.act.iter().map(|(name, value)| ((*name).to_owned(), text(value))));
        if !self.amr.is_empty() {
            fields.push(("amr".to_owned(), list(&self.amr)));
        }
        Struct { fields: fields.into_iter().collect() }
    }
}

/// The one value that two places of a payload give; empty is absent.
pub fn agreed(one: Option<String>, other: Option<String>, field: &str) -> Result<Option<String>, InputError> {
    let present = |value: &String| !value.is_empty();
    match (one.filter(present), other.filter(present)) {
        (Some(one), Some(other)) if one != other => {
            Err(InputError::conflict(field, "is given twice, and not the same"))
        }
        (one, other) => Ok(one.or(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_is_named_by_the_last_segment_of_the_grant_type() {
        for (grant_type, action) in [
            ("client_credentials", "issue:access_token:client_credentials"),
            ("urn:ietf:params:oauth:grant-type:jwt-bearer", "issue:access_token:jwt_bearer"),
            ("urn:ietf:params:oauth:grant-type:token-exchange", "issue:access_token:token_exchange"),
            ("urn:ietf:params:oauth:grant-type:device_code", "issue:access_token:device_code"),
        ] {
            let gate = gate(grant_type).unwrap();
            assert_eq!(gate.action(), action);
            assert_eq!(gate.flow().is_some(), action.ends_with("device_code"));
        }
    }

    #[test]
    fn what_names_no_gate_is_refused() {
        for grant_type in ["", "x:", "Client", "1st", "a b", "a\"b", "é", &"a".repeat(32)] {
            assert_eq!(gate(grant_type).unwrap_err().field, "grant_type", "{grant_type}");
        }
    }
}
