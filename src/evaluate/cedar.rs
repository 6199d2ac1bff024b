//! The token request as Cedar sees it: what `compile::cedar::SCHEMA` describes, filled from the facts of one request.
//!
//! Made at most once for a decision, and only when a policy with a condition in Cedar still stands; nothing else of a
//! decision allocates. A fact that is unknown is left out, never guessed. Start with [`CedarRequest`].

use cedar_policy::RestrictedExpression as Value;

use super::facts::{FactScratch, Facts};
pub use crate::compile::cedar::CedarRequest;
use crate::compile::cedar::{CedarCondition, Fields, Kind, Store, folded, ids, text, texts, uid};
use crate::compile::{By, CompiledBundle, CompiledPolicy, Match, contains};
use crate::filter::{Attribute, DeviceAttribute, Fact, Facts as _};
use crate::limits;
use crate::model::decision::InputError;
use crate::model::request::Device;
use crate::model::set::Word;
use crate::model::{
    FreeValue, Id, IdRef, IdentityKind, ResourceKind, ServicePrincipal, ServicePrincipalType, TokenRequest, Truth,
};

/// `request` in Cedar's terms, joined with what `bundle` knows. `None` never happens, as a test shows.
///
/// Errors as [`super::evaluate`]. Cost: some ten microseconds, and linear in groups and attributes; allocates.
pub fn cedar_request(bundle: &CompiledBundle, request: &TokenRequest<'_>) -> Result<Option<CedarRequest>, InputError> {
    let mut scratch = FactScratch::default();
    Ok(asked(&Facts::settle(bundle, request, &mut scratch)?))
}

/// What decided a condition in Cedar: its text, or the comparisons of it that are unknown.
pub(super) fn told(condition: &CedarCondition, holds: Truth, facts: &Facts<'_>) -> String {
    let text = match facts.cedar.get().and_then(Option::as_deref).filter(|_| holds == Truth::Unknown) {
        Some(asked) => {
            let undecided: Vec<_> = condition.undecided(&asked.request, &asked.entities).collect();
            format!("cannot tell `{}`", undecided.join("`, `"))
        }
        None => condition.text().to_owned(),
    };
    text.chars().take(limits::MESSAGE_CHARS_MAX).collect()
}

/// Whether the condition in Cedar holds.
pub(super) fn when<'b>(policy: &'b CompiledPolicy, facts: &Facts<'_>) -> Match<'b> {
    let Some(condition) = &policy.when else { return Match::NOT_CONFIGURED };
    let holds = match facts.cedar.get_or_init(|| asked(facts).map(Box::new)) {
        Some(asked) => condition.holds(&asked.request, &asked.entities),
        None => Truth::Unknown,
    };
    Match { holds, by: By::Cedar(condition) }
}

fn asked(facts: &Facts<'_>) -> Option<CedarRequest> {
    let mut store = Store::default();
    let identity = &facts.request.identity;
    let kind = match identity.kind {
        IdentityKind::ServicePrincipal => Kind::ServicePrincipal,
        IdentityKind::ManagedIdentity => Kind::ManagedIdentity,
        IdentityKind::AgentIdentity => Kind::AgentIdentity,
        IdentityKind::User => Kind::User,
        IdentityKind::AgentUser => Kind::AgentUser,
    };
    let (principal, resource) = (principal_fields(facts, &mut store), resource_fields(facts, &mut store));
    let context = context_fields(facts, &mut store)?;
    CedarRequest::new((kind, identity.id), [principal, resource, context], store)
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
        fields.id("homeTenant", super::guest::home(identity));
    } else {
        let owner = known.and_then(|known| known.owner_tenant.as_ref()).map(Id::as_ref);
        fields.id("ownerTenant", identity.owner_tenant.or(owner));
        fields.word("servicePrincipalType", service_principal_type(identity.kind, known));
        fields.word("signInAudience", identity.audience.or(known.and_then(|known| known.audience)));
        fields.id("blueprint", identity.blueprint);
    }
    fields
}

/// The type that the catalogue says, or else that of the kind of identity.
///
/// WHY a service principal of no stated type is no unknown one: no request can state the type, so eligibility takes it
/// for an application, which policies cover. An exported policy asks Cedar for the same word, and must come out the same.
fn service_principal_type(kind: IdentityKind, known: Option<&ServicePrincipal>) -> Option<ServicePrincipalType> {
    known.and_then(|known| known.kind).or(match kind {
        IdentityKind::ManagedIdentity => Some(ServicePrincipalType::ManagedIdentity),
        IdentityKind::AgentIdentity => Some(ServicePrincipalType::ServiceIdentity),
        IdentityKind::ServicePrincipal => Some(ServicePrincipalType::Application),
        IdentityKind::User | IdentityKind::AgentUser => None,
    })
}

/// What kind of object the resource is, if there is one, or all of several are the same.
fn kind(facts: &Facts<'_>, audiences: &[(IdRef<'_>, bool)]) -> Option<ResourceKind> {
    let Some(((app_id, is_named), others)) = audiences.split_first() else { return facts.request.resource.kind };
    let kind = facts.resource_kind(*app_id, *is_named);
    kind.filter(|_| others.iter().all(|(app_id, is_named)| facts.resource_kind(*app_id, *is_named) == kind))
}

fn resource_fields(facts: &Facts<'_>, store: &mut Store) -> Fields {
    let resource = &facts.request.resource;
    // A request that names neither an application nor an action may be for anything.
    let audiences: Vec<_> = facts.audiences.iter().collect();
    let is_said = !audiences.is_empty() || resource.user_action.is_some();
    let mut fields = Fields::default();
    let app_ids: Vec<_> = audiences.iter().map(|(app_id, _)| *app_id).collect();
    let is_settled = facts.audiences.has_directory() != Truth::Unknown;
    fields.set("appIds", (is_said && is_settled).then(|| ids(&app_ids)));
    fields.word("type", kind(facts, &audiences));
    if let Some(target) = resource.target {
        let mut thing = Fields::default();
        thing.set("type", Some(text(target.kind)));
        thing.set("id", Some(text(target.id)));
        fields.set("target", thing.record());
    }
    let or_none = |word: Option<&str>| word.or(is_said.then_some("none")).map(text);
    fields.set("userAction", or_none(resource.user_action.map(Word::as_str)));
    fields.set("authenticationContext", or_none(resource.authentication_context.as_deref()));
    let attributes = match audiences.as_slice() {
        [(app_id, is_named)] => facts.resource_attributes(*app_id, *is_named),
        [] => resource.attributes.as_ref(),
        // WHY: of several applications each has its own, which cannot be joined.
        _ => None,
    };
    fields.set("customSecurityAttributes", store.attributes("resource", attributes));
    fields
}

fn context_fields(facts: &Facts<'_>, store: &mut Store) -> Option<Fields> {
    let request = facts.request;
    let mut fields = Fields::default();
    let time = |now: jiff::Timestamp| Value::new_datetime(now.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string());
    fields.set("time", request.now.map(time));
    fields.set("action", request.action.map(text));
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
    fields.set("device", device(request.own_device()).record());
    fields.set("attributes", free(facts, store)?.record());
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
        if contains(facts.locations.inside(), location) {
            names.push(table.spelling(location));
            let name = table.names.get(usize::from(location)).filter(|_| contains(&table.by_name, location));
            names.extend(name.map(ToString::to_string));
        } else if contains(facts.locations.possible(), location) {
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

/// The free attributes, each among those of its type: those of the request, and of the entities that it names those that
/// it does not give itself.
fn free(facts: &Facts<'_>, store: &mut Store) -> Option<Fields> {
    let given = facts.request.attributes;
    let [mut single, mut numbers, mut flags, mut lists] = [const { Vec::new() }; 4];
    let mut add = |name: &str, value: FreeValue<'_>| {
        let (tags, value) = match value {
            FreeValue::Text(value) => (&mut single, text(value)),
            FreeValue::Number(value) => (&mut numbers, Value::new_long(value)),
            FreeValue::Flag(value) => (&mut flags, Value::new_bool(value)),
            FreeValue::Texts(all) => (&mut lists, texts(all)),
        };
        tags.push((name.to_owned(), value));
    };
    given.each(&mut add);
    let named = facts.bundle.entities().named_by(facts.request);
    named.filter(|(name, _)| !given.carries(name)).for_each(|(name, value)| add(name, value.as_free()));
    let mut fields = Fields::default();
    let kinds = [Kind::FreeTexts, Kind::FreeNumbers, Kind::FreeFlags, Kind::FreeLists];
    for ((name, kind), tags) in
        ["text", "number", "flag", "texts"].into_iter().zip(kinds).zip([single, numbers, flags, lists])
    {
        fields.set(name, store.add(uid(kind, "attributes")?, Fields::default(), tags));
    }
    Some(fields)
}
