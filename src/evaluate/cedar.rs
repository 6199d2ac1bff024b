//! The token request as Cedar sees it: what `compile::cedar::SCHEMA` describes, filled from the facts of one request.
//!
//! Made at most once for a decision, and only when a policy with a condition in Cedar still stands; nothing else of a
//! decision allocates. A fact that is unknown is left out, never guessed. Start with [`CedarRequest`].

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use cedar_policy::{
    Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, Request, RestrictedExpression as Value,
};

use super::facts::{FactScratch, Facts};
use crate::compile::{By, CompiledBundle, CompiledPolicy, Match, contains};
use crate::filter::{Attribute, DeviceAttribute, Fact, Facts as _};
use crate::model::attribute::AttributeValue;
use crate::model::decision::InputError;
use crate::model::request::Device;
use crate::model::set::Word;
use crate::model::{
    Attributes, FreeValue, Id, IdRef, IdentityKind, ServicePrincipal, ServicePrincipalType, TokenRequest, Truth,
};

/// A token request in Cedar's terms.
#[derive(Debug)]
pub struct CedarRequest {
    /// Principal, action, resource and context.
    pub request: Request,
    /// The attributes of principal and resource, and the entities that carry attributes of free names.
    pub entities: Entities,
}

/// `request` in Cedar's terms, joined with what `bundle` knows. `None` never happens, as a test shows.
///
/// Errors as [`super::evaluate`]. Cost: some ten microseconds, and linear in groups and attributes; allocates.
pub fn cedar_request(bundle: &CompiledBundle, request: &TokenRequest<'_>) -> Result<Option<CedarRequest>, InputError> {
    let mut scratch = FactScratch::default();
    Ok(CedarRequest::new(&Facts::settle(bundle, request, &mut scratch)?))
}

/// Whether the condition in Cedar holds.
pub(super) fn when<'b>(policy: &'b CompiledPolicy, facts: &Facts<'_>) -> Match<'b> {
    let Some(condition) = &policy.when else { return Match::NOT_CONFIGURED };
    let holds = match facts.cedar.get_or_init(|| CedarRequest::new(facts).map(Box::new)) {
        Some(asked) => condition.holds(&asked.request, &asked.entities),
        None => Truth::Unknown,
    };
    Match { holds, by: By::Condition }
}

/// Attributes of an entity or record, by name. What is `None` is left out.
#[derive(Default)]
struct Fields(HashMap<String, Value>);

impl Fields {
    fn set(&mut self, name: &str, value: Option<Value>) {
        self.0.extend(value.map(|value| (name.to_owned(), value)));
    }

    fn id(&mut self, name: &str, id: Option<IdRef<'_>>) {
        self.set(name, id.map(|id| text(id.to_string())));
    }

    fn word<W: Word>(&mut self, name: &str, word: Option<W>) {
        self.set(name, word.map(|word| text(word.as_str())));
    }

    fn record(self) -> Option<Value> {
        Value::new_record(self.0).ok()
    }
}

fn text(text: impl Into<String>) -> Value {
    Value::new_string(text.into())
}

fn texts<T: Into<String>>(all: impl IntoIterator<Item = T>) -> Value {
    Value::new_set(all.into_iter().map(text))
}

fn ids(ids: &[IdRef<'_>]) -> Value {
    texts(ids.iter().map(ToString::to_string))
}

/// As filters compare: character by character.
fn folded(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// The names of the schema's entity types, parsed once.
#[derive(Clone, Copy)]
enum Kind {
    ServicePrincipal,
    ManagedIdentity,
    AgentIdentity,
    User,
    AgentUser,
    Resource,
    SecurityTexts,
    SecurityLists,
    FreeTexts,
    FreeNumbers,
    FreeFlags,
    FreeLists,
    Action,
}

static KINDS: LazyLock<Vec<EntityTypeName>> = LazyLock::new(|| {
    let names = [
        "ServicePrincipal",
        "ManagedIdentity",
        "AgentIdentity",
        "User",
        "AgentUser",
        "Resource",
        "SecurityTexts",
        "SecurityLists",
        "FreeTexts",
        "FreeNumbers",
        "FreeFlags",
        "FreeLists",
        "Action",
    ];
    names.iter().filter_map(|name| name.parse().ok()).collect()
});

fn uid(kind: Kind, id: &str) -> Option<EntityUid> {
    let name = KINDS.get(kind as usize)?.clone();
    Some(EntityUid::from_type_name_and_id(name, EntityId::new(id)))
}

/// Entities as they are made.
#[derive(Default)]
struct Store(Vec<Entity>);

impl Store {
    /// Adds an entity; gives its name as a value.
    fn add(&mut self, uid: EntityUid, fields: Fields, tags: Vec<(String, Value)>) -> Option<Value> {
        let value = Value::new_entity_uid(uid.clone());
        self.0.push(Entity::new_with_tags(uid, fields.0, HashSet::new(), tags).ok()?);
        Some(value)
    }

    /// All custom security attributes of an object; `None` when nobody said which it has. An empty list is null, as
    /// in filters.
    fn attributes(&mut self, of: &str, attributes: Option<&Attributes<'_>>) -> Option<Value> {
        let [mut single, mut lists] = [const { Vec::new() }; 2];
        for (name, value) in attributes?.iter() {
            let name = name.to_ascii_lowercase();
            match value {
                AttributeValue::Text(value) => single.push((name, text(folded(value)))),
                AttributeValue::Texts(all) if all.is_empty() => {}
                AttributeValue::Texts(all) => lists.push((name, texts(all.iter().map(|text| folded(text))))),
                AttributeValue::Other => {}
            }
        }
        let mut fields = Fields::default();
        fields.set("text", self.add(uid(Kind::SecurityTexts, of)?, Fields::default(), single));
        fields.set("texts", self.add(uid(Kind::SecurityLists, of)?, Fields::default(), lists));
        fields.record()
    }
}

impl CedarRequest {
    pub(super) fn new(facts: &Facts<'_>) -> Option<Self> {
        let mut store = Store::default();
        let identity = &facts.request.identity;
        let kind = match identity.kind {
            IdentityKind::ServicePrincipal => Kind::ServicePrincipal,
            IdentityKind::ManagedIdentity => Kind::ManagedIdentity,
            IdentityKind::AgentIdentity => Kind::AgentIdentity,
            IdentityKind::User => Kind::User,
            IdentityKind::AgentUser => Kind::AgentUser,
        };
        let principal = uid(kind, &identity.id.to_string())?;
        let fields = principal_fields(facts, &mut store);
        store.add(principal.clone(), fields, Vec::new())?;
        let resource = uid(Kind::Resource, "requested")?;
        let fields = resource_fields(facts, &mut store);
        store.add(resource.clone(), fields, Vec::new())?;
        let context = Context::from_pairs(context_fields(facts, &mut store)?.0).ok()?;
        let request = Request::new(principal, uid(Kind::Action, "issueToken")?, resource, context, None).ok()?;
        Some(Self { request, entities: Entities::from_entities(store.0, None).ok()? })
    }
}

fn principal_fields(facts: &Facts<'_>, store: &mut Store) -> Fields {
    let (identity, known) = (&facts.request.identity, facts.principal());
    let mut fields = Fields::default();
    fields.id("id", Some(identity.id));
    fields.id("appId", identity.app_id.or(known.and_then(|known| known.app_id.as_ref()).map(Id::as_ref)));
    fields.set("customSecurityAttributes", store.attributes("principal", facts.attributes()));
    if matches!(identity.kind, IdentityKind::User | IdentityKind::AgentUser) {
        fields.set("groups", identity.groups.as_deref().map(ids));
        fields.set("roles", identity.roles.as_deref().map(ids));
        fields.word("guestType", identity.guest_type);
        fields.id("homeTenant", identity.home_tenant);
    } else {
        let owner = known.and_then(|known| known.owner_tenant.as_ref()).map(Id::as_ref);
        fields.id("ownerTenant", identity.owner_tenant.or(owner));
        fields.set("servicePrincipalType", Some(text(service_principal_type(identity.kind, known))));
        fields.word("signInAudience", identity.audience.or(known.and_then(|known| known.audience)));
        fields.id("blueprint", identity.blueprint);
    }
    fields
}

/// A service principal of no stated type is an application: requests can state no other but managed identity.
fn service_principal_type(kind: IdentityKind, known: Option<&ServicePrincipal>) -> &'static str {
    let stated = if kind == IdentityKind::ManagedIdentity {
        ServicePrincipalType::ManagedIdentity
    } else {
        ServicePrincipalType::Application
    };
    known.and_then(|known| known.kind).unwrap_or(stated).as_str()
}

fn resource_fields(facts: &Facts<'_>, store: &mut Store) -> Fields {
    let resource = &facts.request.resource;
    // A request that names neither an application nor an action may be for anything.
    let is_said = !resource.app_ids.is_empty() || resource.user_action.is_some();
    let mut fields = Fields::default();
    fields.set("appIds", is_said.then(|| ids(&resource.app_ids)));
    fields.word("type", resource.kind);
    let or_none = |word: Option<&str>| word.or(is_said.then_some("none")).map(text);
    fields.set("userAction", or_none(resource.user_action.map(Word::as_str)));
    fields.set("authenticationContext", or_none(resource.authentication_context.as_deref()));
    let attributes = match resource.app_ids.as_slice() {
        [app_id] => facts.resource_attributes(*app_id),
        // WHY: of several applications each has its own, and the catalogue's cannot be joined.
        _ => resource.attributes.as_ref(),
    };
    fields.set("customSecurityAttributes", store.attributes("resource", attributes));
    fields
}

fn context_fields(facts: &Facts<'_>, store: &mut Store) -> Option<Fields> {
    let request = facts.request;
    let mut fields = Fields::default();
    let time = |now: jiff::Timestamp| Value::new_datetime(now.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string());
    fields.set("time", request.now.map(time));
    fields.word("clientApp", request.client_app);
    fields.set("platform", Some(text(request.platform.map_or("unknown", Word::as_str))));
    fields.set("authenticationFlow", Some(text(request.authentication_flow.map_or("none", Word::as_str))));
    fields.set("network", network(facts).record());
    let mut risk = Fields::default();
    risk.word("servicePrincipal", Some(request.risk.service_principal));
    risk.word("signIn", Some(request.risk.sign_in));
    risk.word("user", Some(request.risk.user));
    risk.word("agent", Some(request.risk.agent));
    risk.word("insider", Some(request.risk.insider));
    fields.set("risk", risk.record());
    let (credential, mut proof) = (&request.credential, Fields::default());
    proof.word("type", credential.kind);
    proof.set("keyId", credential.key_id.map(text));
    proof.set("federatedIssuer", credential.federated_issuer.map(text));
    proof.set("federatedSubject", credential.federated_subject.map(text));
    fields.set("credential", proof.record());
    fields.set("device", device(request.device.as_ref()).record());
    fields.set("attributes", free(request, store)?.record());
    Some(fields)
}

fn network(facts: &Facts<'_>) -> Fields {
    let network = &facts.request.network;
    let mut fields = Fields::default();
    fields.set("ipAddress", network.ip_address.map(|address| Value::new_ip(address.to_string())));
    let mapped = || facts.bundle.country(network.ip_address?);
    fields.set("country", network.country.or_else(mapped).map(|country| text(country.as_str())));
    fields.set("gpsCountry", network.gps_country.map(|country| text(country.as_str())));
    fields.set("compliantNetwork", network.compliant_network.map(Value::new_bool));
    let (table, mut names, mut is_known) = (facts.bundle.location_table(), Vec::new(), true);
    for location in 0..=table.all_trusted {
        if contains(&facts.locations.inside, location) {
            names.push(table.spelling(location));
            names.extend(table.names.get(usize::from(location)).map(ToString::to_string));
        } else if contains(&facts.locations.possible, location) {
            is_known = false;
        }
    }
    fields.set("locations", is_known.then(|| texts(names)));
    fields
}

fn device(device: Option<&Device<'_>>) -> Fields {
    let mut fields = Fields::default();
    fields.set("isRegistered", Some(Value::new_bool(device.is_some())));
    for attribute in DeviceAttribute::all() {
        let value = match device.map_or(Fact::Null, |device| device.fact(&Attribute::Device(attribute))) {
            Fact::Bool(value) => Value::new_bool(value),
            Fact::Text(value) => text(folded(value)),
            Fact::Texts(all) if !all.is_empty() => texts(all.iter().map(|text| folded(text))),
            Fact::Texts(_) | Fact::Null | Fact::Unknown => continue,
        };
        fields.set(attribute.as_str(), Some(value));
    }
    fields
}

/// The free attributes, each among those of its type.
fn free(request: &TokenRequest<'_>, store: &mut Store) -> Option<Fields> {
    let [mut single, mut numbers, mut flags, mut lists] = [const { Vec::new() }; 4];
    request.attributes.each(&mut |name, value| {
        let (tags, value) = match value {
            FreeValue::Text(value) => (&mut single, text(value)),
            FreeValue::Number(value) => (&mut numbers, Value::new_long(value)),
            FreeValue::Flag(value) => (&mut flags, Value::new_bool(value)),
            FreeValue::Texts(all) => (&mut lists, texts(all)),
        };
        tags.push((name.to_owned(), value));
    });
    let mut fields = Fields::default();
    let kinds = [Kind::FreeTexts, Kind::FreeNumbers, Kind::FreeFlags, Kind::FreeLists];
    for ((name, kind), tags) in
        ["text", "number", "flag", "texts"].into_iter().zip(kinds).zip([single, numbers, flags, lists])
    {
        fields.set(name, store.add(uid(kind, "attributes")?, Fields::default(), tags));
    }
    Some(fields)
}
