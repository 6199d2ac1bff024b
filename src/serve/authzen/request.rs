//! From a question to the request of the decision API.
//!
//! | AuthZEN | decision API |
//! |---|---|
//! | `subject.type`, `subject.id` | `identity`; which kind a type means, the bundle says |
//! | `action.name` | `action`; `issue:...:device_code` is the device code flow, of the scopes in the call too |
//! | `resource.type`, `resource.id` | `resource.target`; of an `audience` or `application` `resource.appIds` as well |
//! | `context.ip`, `context.ip_address`, `subject.properties.ip_address` | `network.ipAddress` |
//! | `context.network.country` | `network.country` |
//! | `context.risk.level` | the risk of that kind of identity; of a user that of the sign-in too |
//! | `context.client_id` | an attribute; of a user `identity.appId` as well |
//! | `context.amr`, `context.acr` | `satisfied`, as far as it is sure what they mean |
//! | `context.device_id`, `subject.properties.device_id` | `device.deviceId` |
//! | other properties | attributes `subject.x`, `resource.x`, `action.x` |
//! | `context.act`, `may_act`, `subject_token`, `cnf` | attributes `act.sub`, `act.act.sub`, `subject_token.iss`, ... |
//! | both gates of an exchange | attributes `exchange.subject.id`, `exchange.party.id`, ... of each, see [`super::exchange`] |
//! | `context.issuance.capabilities`, `supported_obligations` | nothing: what the caller can do, see [`Manner`] |
//! | other members of `context` | attributes of the same name; of `network` and `risk` `network.x`, `risk.x` |
//!
//! Nothing here decides. A fact that is there and cannot be used, or two that disagree, is a problem that the answer
//! names. Start with [`Mapping::of`].

use std::collections::btree_map::Entry;
use std::net::IpAddr;

use prost_types::value::Kind;
use prost_types::{Struct, Value};

use super::StepUp;
use super::batch::Token;
use super::exchange::is_exchange;
use super::question::{Action, Entity, Fields, Question, object, text, texts};
use crate::limits;
use crate::model::decision::InputError;
use crate::model::location::canonical;
use crate::model::shaping::STEP_UP;
use crate::model::{IdentityKind, RiskLevel, SubjectTypes, TransferMethod};
use crate::serve::amr;
use crate::serve::gate::{Gate, is_gate};
use crate::serve::wire::spelling::Spelling;
use crate::serve::wire::v1;

type Result<T> = std::result::Result<T, InputError>;

/// What a question comes to.
#[derive(Debug)]
pub struct Mapping {
    /// The request; with a problem as far as it got.
    pub request: v1::DecideRequest,
    /// What cannot be used.
    pub problem: Option<InputError>,
    /// How it is asked.
    pub manner: Manner,
}

/// How a question is asked: what is no fact of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manner {
    /// Whether the action is a gate of token issuance.
    pub is_gate: bool,
    /// Whether the question is about a token that is to be issued: a gate, or a scope behind one.
    pub is_for_token: bool,
    /// Whether the action is a gate of an exchange.
    pub is_exchange: bool,
    /// Whether the caller says that it can let people prove more.
    pub steps_up: bool,
    /// Whether the caller says that it sees to critical claims.
    pub takes_claims: bool,
}

impl Manner {
    /// Whether a token that comes of it has its critical claims, or there is none.
    pub const fn carries_claims(self) -> bool {
        self.takes_claims || !self.is_for_token
    }
}

/// What is known beside the question.
#[derive(Clone, Copy, Debug)]
pub struct Known<'k> {
    /// Kinds of identity by types of subjects.
    pub types: &'k SubjectTypes,
    /// What stronger authentication is called.
    pub step_up: &'k StepUp,
    /// The id of the call, if it can be one of the decision API.
    pub request_id: Option<&'k str>,
}

impl Mapping {
    /// Maps `question`, which is about `token` as far as anybody said.
    pub fn of(question: Question, token: Token, known: Known<'_>) -> Self {
        let is_gate = is_gate(&question.action.name);
        let is_exchange = is_exchange(&question);
        let is_for_token = is_gate || !token.scopes.is_empty();
        let mut mapping = Self {
            manner: Manner { is_gate, is_for_token, is_exchange, ..Manner::default() },
            problem: None,
            request: v1::DecideRequest {
                request_id: known.request_id.map(str::to_owned),
                action: Some(question.action.name.clone()),
                ..v1::DecideRequest::default()
            },
        };
        mapping.problem = mapping.fill(question, token, known).err();
        mapping
    }

    fn fill(&mut self, question: Question, token: Token, known: Known<'_>) -> Result<()> {
        let Question { mut subject, action, resource, mut context } = question;
        let kind = known.types.kind(&subject.kind);
        let request = &mut self.request;
        request.identity = Some(v1::Identity {
            r#type: kind.map_or(0, Spelling::number),
            id: Some(std::mem::take(&mut subject.id)),
            ..v1::Identity::default()
        });
        request.resource = Some(target(&resource, token.scopes));
        let kind = kind.ok_or_else(|| InputError::invalid("subject.type", "is no type that the bundle knows"))?;
        request.authentication_flow = flow(&action, token.flow)?;
        request.network = network(&mut subject.properties, &mut context)?;
        request.risk = risk(kind, &mut context)?;
        request.device = device(&mut subject.properties, &mut context)?;
        request.satisfied = satisfied(&context, known.step_up)?;
        if let (Some(identity), IdentityKind::User | IdentityKind::AgentUser) = (&mut request.identity, kind) {
            identity.app_id = client(&context)?;
        }
        // What the caller can do is not for policies to see.
        typed(&context)?;
        self.manner.steps_up = takes_step_up(&mut context);
        self.manner.takes_claims = takes_claims(&mut context);
        spread(&mut context)?;
        let parts = [("subject", subject.properties), ("action", action.properties), ("resource", resource.properties)];
        self.request.attributes = Some(attributes(parts, context)?);
        Ok(())
    }
}

/// Members of the context that are texts, as the issuance profile and its binding for token exchange say, or we.
const TEXTS: [&str; 4] = ["client_id", "subject_token_type", "actor_token_type", "user_agent"];

/// Whether the members that stay attributes are of their types. WHY: a condition that asks whether there is a text `client_id`
/// would take a number for a client that nobody names.
fn typed(context: &Fields) -> Result<()> {
    let kind = |name: &str| context.get(name).and_then(|value| value.kind.as_ref());
    let invalid = |name: &str, problem| Err(InputError::invalid(format!("context.{name}"), problem));
    for name in TEXTS {
        if !matches!(kind(name), None | Some(Kind::NullValue(_) | Kind::StringValue(_))) {
            return invalid(name, "must be a string");
        }
    }
    match kind(AUTH_TIME) {
        None | Some(Kind::NullValue(_)) => Ok(()),
        Some(Kind::NumberValue(seconds)) if seconds.fract() == 0.0 => Ok(()),
        Some(_) => invalid(AUTH_TIME, "must be a whole number"),
    }
}

const AUTH_TIME: &str = "auth_time";

/// The client, which stays an attribute: a condition on it holds for whoever the client asks.
fn client(context: &Fields) -> Result<Option<String>> {
    match context.get("client_id").and_then(|value| value.kind.as_ref()) {
        None | Some(Kind::NullValue(_)) => Ok(None),
        Some(Kind::StringValue(client)) => Ok(Some(client.clone())),
        Some(_) => Err(InputError::invalid("context.client_id", "must be a string")),
    }
}

/// The flow that a gate action names; of what is no gate it is that of its `token`. The name decides which policies apply,
/// so one that is no name is a problem.
fn flow(action: &Action, token: Option<TransferMethod>) -> Result<i32> {
    let flow = match is_gate(&action.name) {
        true => Gate::new(&action.name)
            .ok_or_else(|| InputError::invalid("action.name", "must be `issue:<token type>:<grant type>`"))?
            .flow(),
        false => token,
    };
    Ok(flow.map_or(0, |flow| flow.number()))
}

fn target(resource: &Entity, scopes: Vec<String>) -> v1::Resource {
    // WHY: scopes without an application are taken for a request to Entra's directory, and policies about any other
    // application would not apply. Of another kind of resource nobody has said which one it is.
    let (app_ids, scopes) = match resource.kind.as_str() {
        "application" | "audience" => (vec![resource.id.clone()], scopes),
        _ => (Vec::new(), Vec::new()),
    };
    v1::Resource {
        app_ids,
        target: Some(v1::Target { r#type: Some(resource.kind.clone()), id: Some(resource.id.clone()) }),
        scopes,
        ..v1::Resource::default()
    }
}

fn network(properties: &mut Fields, context: &mut Fields) -> Result<Option<v1::Network>> {
    let said = [
        text(context, "ip", "context.ip")?,
        text(context, "ip_address", "context.ip_address")?,
        text(properties, "ip_address", "subject.properties.ip_address")?,
    ];
    let mut said = said.into_iter().flatten();
    let ip_address = said.next();
    let address = |text: &str| text.parse::<IpAddr>().map(canonical).ok();
    if let Some(first) = &ip_address
        && said.any(|other| other != *first && (address(&other).is_none() || address(&other) != address(first)))
    {
        return Err(InputError::conflict("context.ip", "is not the address that is said elsewhere in the request"));
    }
    let mut network = object(context, "network", "context.network")?;
    let country = match &mut network {
        Some(network) => text(network, "country", "context.network.country")?,
        None => None,
    };
    keep(context, "network", network)?;
    let is_said = ip_address.is_some() || country.is_some();
    Ok(is_said.then(|| v1::Network { ip_address, country, ..v1::Network::default() }))
}

/// Puts what is left of an object back as members of names like `network.asn`.
fn keep(context: &mut Fields, name: &str, rest: Option<Fields>) -> Result<()> {
    rest.unwrap_or_default().into_iter().try_for_each(|(key, value)| insert(context, format!("{name}.{key}"), value))
}

/// Objects of the context that the issuance profile and its binding for token exchange define.
const OBJECTS: [&str; 4] = ["act", "may_act", "subject_token", "cnf"];

/// Adds the members of [`OBJECTS`] by names like `act.sub`, however deep they are: conditions see no objects. The
/// objects stay, so that one without members is not absent.
fn spread(context: &mut Fields) -> Result<()> {
    for name in OBJECTS {
        match context.get(name).and_then(|value| value.kind.as_ref()) {
            None | Some(Kind::NullValue(_)) => {}
            Some(Kind::StructValue(object)) => members(&object.fields.clone(), name, context)?,
            Some(_) => return Err(InputError::invalid(format!("context.{name}"), "must be an object")),
        }
    }
    Ok(())
}

fn members(object: &Fields, path: &str, context: &mut Fields) -> Result<()> {
    for (key, value) in object {
        let name = format!("{path}.{key}");
        // WHY: every member repeats the names above it, which would make much of a small body.
        if name.len() > limits::ATTRIBUTE_PATH_BYTES_MAX {
            return Err(InputError::invalid(format!("context.{path}"), "has members of too long names"));
        }
        match &value.kind {
            Some(Kind::StructValue(inner)) => members(&inner.fields, &name, context)?,
            None | Some(Kind::NullValue(_)) => {}
            Some(_) => insert(context, name, value.clone())?,
        }
    }
    Ok(())
}

fn insert(fields: &mut Fields, name: String, value: Value) -> Result<()> {
    match fields.entry(name) {
        Entry::Vacant(place) => {
            place.insert(value);
            Ok(())
        }
        Entry::Occupied(taken) => Err(InputError::conflict(format!("context.{}", taken.key()), "is said twice")),
    }
}

/// A level that is said of no one in particular is that of everything that is asked of this kind of identity: more risk
/// never gets more.
fn risk(kind: IdentityKind, context: &mut Fields) -> Result<Option<v1::Risk>> {
    let Some(mut said) = object(context, "risk", "context.risk")? else { return Ok(None) };
    let level = text(&mut said, "level", "context.risk.level")?;
    keep(context, "risk", Some(said))?;
    let Some(level) = level else { return Ok(None) };
    let level = RiskLevel::number_of(&level)
        .ok_or_else(|| InputError::invalid("context.risk.level", "must be none, low, medium, high or hidden"))?;
    let mut risk = v1::Risk::default();
    match kind {
        IdentityKind::ServicePrincipal | IdentityKind::ManagedIdentity => risk.service_principal = level,
        IdentityKind::AgentIdentity => risk.agent = level,
        IdentityKind::User => (risk.user, risk.sign_in) = (level, level),
        IdentityKind::AgentUser => (risk.user, risk.sign_in, risk.agent) = (level, level, level),
    }
    Ok(Some(risk))
}

fn device(properties: &mut Fields, context: &mut Fields) -> Result<Option<v1::Device>> {
    let one = text(context, "device_id", "context.device_id")?;
    let other = text(properties, "device_id", "subject.properties.device_id")?;
    if one.as_ref().zip(other.as_ref()).is_some_and(|(one, other)| one != other) {
        return Err(InputError::conflict("context.device_id", "is not the device that is said of the subject"));
    }
    let device = |id| v1::Device { device_id: Some(id), ..v1::Device::default() };
    Ok(one.or(other).map(device))
}

/// What the identity has proved.
fn satisfied(context: &Fields, step_up: &StepUp) -> Result<Option<v1::Satisfied>> {
    let mut satisfied = v1::Satisfied::default();
    let values = match context.get("amr").and_then(|value| value.kind.as_ref()) {
        None | Some(Kind::NullValue(_)) => Some(Vec::new()),
        Some(Kind::ListValue(list)) => texts(&list.values),
        Some(_) => None,
    };
    for value in values.ok_or_else(|| InputError::invalid("context.amr", "must be an array of strings"))? {
        amr::prove(value, &mut satisfied);
    }
    match context.get("acr").and_then(|value| value.kind.as_ref()) {
        None | Some(Kind::NullValue(_)) => {}
        Some(Kind::StringValue(acr)) => step_up.prove(acr, &mut satisfied),
        Some(_) => return Err(InputError::invalid("context.acr", "must be a string")),
    }
    Ok((satisfied != v1::Satisfied::default()).then_some(satisfied))
}

/// Whether the caller lists step-up among the obligations that it can fulfil; advice that is no list is none.
fn takes_step_up(context: &mut Fields) -> bool {
    match context.remove("supported_obligations").and_then(|value| value.kind) {
        Some(Kind::ListValue(list)) => texts(&list.values).is_some_and(|all| all.contains(&STEP_UP)),
        _ => false,
    }
}

/// Whether the caller declares the capability of token issuance, which is to look at critical claims; what is no list of
/// capabilities declares none.
fn takes_claims(context: &mut Fields) -> bool {
    let Some(Kind::StructValue(mut issuance)) = context.remove("issuance").and_then(|value| value.kind) else {
        return false;
    };
    match issuance.fields.remove("capabilities").and_then(|value| value.kind) {
        Some(Kind::ListValue(list)) => texts(&list.values).is_some_and(|all| all.contains(&super::ISSUANCE)),
        _ => false,
    }
}

fn attributes(parts: [(&str, Fields); 3], mut context: Fields) -> Result<Struct> {
    for (part, properties) in parts {
        for (key, value) in properties {
            insert(&mut context, format!("{part}.{key}"), value)?;
        }
    }
    Ok(Struct { fields: context })
}

/// How an AuthZEN caller wrote a field that the decision API names.
pub fn path(field: &str) -> String {
    const SAME: [(&str, &str); 8] = [
        ("identity.type", "subject.type"),
        ("identity.id", "subject.id"),
        ("identity.appId", "context.client_id"),
        ("network.ipAddress", "context.ip"),
        ("network.country", "context.network.country"),
        ("resource.target.type", "resource.type"),
        ("resource.target.id", "resource.id"),
        ("action", "action.name"),
    ];
    SAME.iter().find(|(ours, _)| *ours == field).map_or_else(|| field.to_owned(), |(_, theirs)| (*theirs).to_owned())
}
