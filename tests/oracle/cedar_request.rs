//! A request as the published schema describes it, written down as JSON. A fact that nobody knows is left out.
//!
//! Read beside the schema (`doorward schema cedar`), attribute by attribute.

use serde_json::{Map, Value, json};

use doorward::model::location::CountryFact;
use doorward::model::policy::LocationTarget;
use doorward::model::set::Word;
use doorward::model::{
    AttributeValue, Attributes, Entities, Entity, FreeValue, GuestType, Id, IdRef, IdentityKind, ResourceKind,
    ServicePrincipalType, TransferMethod, Truth,
};

use super::resource::App;
use super::subject::consumers;
use super::{Case, condition, fact, place, resource};

/// A request in the words of Cedar.
pub struct Written {
    pub principal: Value,
    pub action: Value,
    pub resource: Value,
    pub context: Value,
    pub entities: Value,
}

/// Writes the request of `case` down.
pub fn written(case: &Case<'_>) -> Written {
    let identity = &case.request.identity;
    let kind = match identity.kind {
        IdentityKind::ServicePrincipal => "ServicePrincipal",
        IdentityKind::ManagedIdentity => "ManagedIdentity",
        IdentityKind::AgentIdentity => "AgentIdentity",
        IdentityKind::User => "User",
        IdentityKind::AgentUser => "AgentUser",
    };
    let uid = |kind: &str, id: &str| json!({ "type": kind, "id": id });
    let (principal, resource) = (uid(kind, &identity.id.to_string()), uid("Resource", "requested"));
    let mut entities = Vec::new();
    let principal_attributes = who(case, &mut entities);
    let resource_attributes = what(case, &mut entities);
    let context = how(case, &mut entities);
    entities.push(entity(&principal, principal_attributes, json!({})));
    entities.push(entity(&resource, resource_attributes, json!({})));
    Written { principal, action: uid("Action", "issueToken"), resource, context, entities: Value::Array(entities) }
}

fn entity(uid: &Value, attributes: Value, tags: Value) -> Value {
    json!({ "uid": uid, "attrs": attributes, "parents": [], "tags": tags })
}

/// The object of `facts`, those that are not known left out.
fn object<const COUNT: usize>(facts: [(&str, Option<Value>); COUNT]) -> Value {
    facts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect::<Map<_, _>>().into()
}

fn id(id: IdRef<'_>) -> Value {
    id.to_string().into()
}

fn ids(all: &[IdRef<'_>]) -> Value {
    all.iter().map(|one| id(*one)).collect()
}

fn word<T: Word>(word: T) -> Value {
    word.as_str().into()
}

fn who(case: &Case<'_>, entities: &mut Vec<Value>) -> Value {
    let identity = &case.request.identity;
    let entry = fact::catalogued(case.bundle, case.request);
    let app_id = entry.and_then(|entry| entry.app_id.as_ref()).map(Id::as_ref).or(identity.app_id);
    let attributes = fact::attributes(case).map(|attributes| custom("principal", attributes, entities));
    if matches!(identity.kind, IdentityKind::User | IdentityKind::AgentUser) {
        // Personal accounts all have the same home.
        let is_personal = identity.guest_type == Some(GuestType::PersonalMicrosoftAccount);
        let home = identity.home_tenant.map(id).or(is_personal.then(|| id(consumers().as_ref())));
        return object([
            ("id", Some(id(identity.id))),
            ("appId", app_id.map(id)),
            ("groups", identity.groups.as_deref().map(ids)),
            ("roles", identity.roles.as_deref().map(ids)),
            ("guestType", identity.guest_type.map(word)),
            ("homeTenant", home),
            ("customSecurityAttributes", attributes),
        ]);
    }
    let owner = entry.and_then(|entry| entry.owner_tenant.as_ref()).map(Id::as_ref).or(identity.owner_tenant);
    let audience = entry.and_then(|entry| entry.audience).or(identity.audience);
    let kind = entry.and_then(|entry| entry.kind).unwrap_or(match identity.kind {
        IdentityKind::ManagedIdentity => ServicePrincipalType::ManagedIdentity,
        IdentityKind::AgentIdentity => ServicePrincipalType::ServiceIdentity,
        _ => ServicePrincipalType::Application,
    });
    object([
        ("id", Some(id(identity.id))),
        ("appId", app_id.map(id)),
        ("ownerTenant", owner.map(id)),
        ("signInAudience", audience.map(word)),
        ("servicePrincipalType", Some(word(kind))),
        ("blueprint", identity.blueprint.map(id)),
        ("customSecurityAttributes", attributes),
    ])
}

fn what(case: &Case<'_>, entities: &mut Vec<Value>) -> Value {
    let asked = &case.request.resource;
    let audiences = resource::audiences(case.request);
    let is_said = !audiences.is_empty() || asked.user_action.is_some();
    let is_unsure = audiences.iter().any(|app| matches!(app, App::PerhapsDirectory));
    let app_ids: Vec<IdRef<'_>> = audiences.iter().filter_map(App::id).collect();
    let attributes = match audiences.as_slice() {
        [App::Id(one)] => fact::attributes_of_app(case, *one),
        [App::Directory] => {
            let entry = fact::catalogued_app(case.bundle, resource::directory());
            entry.and_then(|entry| entry.attributes.as_ref())
        }
        [] => asked.attributes.as_ref(),
        // Each of several has its own.
        _ => None,
    };
    // Several are of one kind, or nobody can say of which.
    let kind_of = |app: &App<'_>| match app {
        App::Id(one) => fact::kind_of_app(case, *one),
        _ => Some(ResourceKind::Application),
    };
    let kinds: Vec<Option<ResourceKind>> = audiences.iter().map(kind_of).collect();
    let kind = match kinds.as_slice() {
        [] => asked.kind,
        [first, rest @ ..] => first.filter(|_| rest.iter().all(|kind| kind == first)),
    };
    let or_none = |said: Option<&str>| said.or(is_said.then_some("none")).map(Value::from);
    object([
        ("appIds", (is_said && !is_unsure).then(|| ids(&app_ids))),
        ("type", kind.map(word)),
        ("userAction", or_none(asked.user_action.map(Word::as_str))),
        ("authenticationContext", or_none(asked.authentication_context.as_deref())),
        ("target", asked.target.map(|target| json!({ "type": target.kind, "id": target.id }))),
        ("customSecurityAttributes", attributes.map(|attributes| custom("resource", attributes, entities))),
    ])
}

fn how(case: &Case<'_>, entities: &mut Vec<Value>) -> Value {
    let request = case.request;
    let (network, risk, credential) = (&request.network, &request.risk, &request.credential);
    let extension = |function: &str, argument: String| json!({ "__extn": { "fn": function, "arg": argument } });
    let time = request.now.map(|now| extension("datetime", now.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()));
    let found = || (case.country_of)(network.ip_address?);
    let country = network.country.or_else(found).map(|country| match country {
        CountryFact::Known(country) => country.as_str().to_owned(),
        CountryFact::Unmapped => "ZZ".to_owned(),
    });
    let network = object([
        ("ipAddress", network.ip_address.map(|address| extension("ip", address.to_string()))),
        ("country", country.map(Value::from)),
        ("gpsCountry", network.gps_country.map(|country| country.as_str().into())),
        ("compliantNetwork", network.compliant_network.map(Value::from)),
        ("locations", locations(case)),
    ]);
    let risk = object([
        ("servicePrincipal", Some(word(risk.service_principal))),
        ("signIn", Some(word(risk.sign_in))),
        ("user", Some(word(risk.user))),
        ("agent", Some(word(risk.agent))),
        ("insider", Some(word(risk.insider))),
    ]);
    let credential = object([
        ("type", credential.kind.map(word)),
        ("keyId", credential.key_id.map(Value::from)),
        ("federatedIssuer", credential.federated_issuer.map(Value::from)),
        ("federatedSubject", credential.federated_subject.map(Value::from)),
    ]);
    object([
        ("time", time),
        ("action", request.action.map(Value::from)),
        ("clientApp", request.client_app.map(word)),
        ("platform", Some(request.platform.map_or_else(|| "unknown".into(), word))),
        ("authenticationFlow", Some(request.authentication_flow.map_or_else(|| "none".into(), word))),
        ("network", Some(network)),
        ("risk", Some(risk)),
        ("credential", Some(credential)),
        ("device", Some(device(case))),
        ("attributes", Some(free(case, entities))),
    ])
}

/// Every named location around the request, by name and by id; nothing if one of them cannot be told.
fn locations(case: &Case<'_>) -> Option<Value> {
    let mut names = Vec::new();
    let mut around = |target: LocationTarget, called: &mut dyn FnMut(&mut Vec<Value>)| {
        let is_in = place::is_in(case, &target);
        if is_in == Truth::True {
            called(&mut names);
        }
        is_in != Truth::Unknown
    };
    let mut are_known = around(LocationTarget::AllTrusted, &mut |names| names.push("AllTrusted".into()));
    are_known &= around(LocationTarget::MfaTrustedIps, &mut |names| names.push(id(Id::NIL.as_ref())));
    for location in &case.bundle.locations {
        let name = &location.display_name.value;
        are_known &= around(LocationTarget::Named(name.clone()), &mut |names| {
            names.push((**name).into());
            names.extend(location.id.as_ref().map(|own| id(own.value.as_ref())));
        });
    }
    are_known.then_some(Value::Array(names))
}

fn device(case: &Case<'_>) -> Value {
    let has_none = case.request.authentication_flow == Some(TransferMethod::DeviceCodeFlow);
    let Some(device) = case.request.device.as_ref().filter(|_| !has_none) else {
        return json!({ "isRegistered": false });
    };
    let mut written = Map::new();
    written.insert("isRegistered".to_owned(), true.into());
    for (name, text) in device.texts() {
        let name = if name == "ownership" { "deviceOwnership" } else { name };
        written.extend(text.map(|text| (name.to_owned(), text.to_lowercase().into())));
    }
    written.extend(device.is_compliant.map(|is_compliant| ("isCompliant".to_owned(), is_compliant.into())));
    for (name, texts) in [("physicalIds", &device.physical_ids), ("systemLabels", &device.system_labels)] {
        if !texts.is_empty() {
            written.insert(name.to_owned(), texts.iter().map(|text| text.to_lowercase()).collect());
        }
    }
    let are_shown = condition::shows_extension_attributes(device);
    for (number, text) in (1..).zip(&device.extension_attributes).filter(|_| are_shown) {
        written.extend(
            text.as_deref().map(|text| (format!("extensionAttribute{number}"), Value::from(text.to_lowercase()))),
        );
    }
    written.into()
}

/// The two entities that carry custom security attributes, single texts and lists of texts.
fn custom(of: &str, attributes: &Attributes<'_>, entities: &mut Vec<Value>) -> Value {
    let (mut single, mut lists) = (Map::new(), Map::new());
    for (name, value) in attributes.iter() {
        let name = name.to_lowercase();
        match value {
            AttributeValue::Text(text) => {
                single.insert(name, text.to_lowercase().into());
            }
            AttributeValue::Texts(texts) if !texts.is_empty() => {
                lists.insert(name, texts.iter().map(|text| text.to_lowercase()).collect());
            }
            AttributeValue::Texts(_) | AttributeValue::Other => {}
        }
    }
    let mut add = |kind: &str, tags: Map<String, Value>| {
        let uid = json!({ "type": kind, "id": of });
        entities.push(entity(&uid, json!({}), tags.into()));
        json!({ "__entity": uid })
    };
    json!({ "text": add("SecurityTexts", single), "texts": add("SecurityLists", lists) })
}

/// The entities of the bundle that the request names.
fn named<'a>(case: &Case<'a>) -> impl Iterator<Item = &'a Entity> {
    let (request, bundle) = (case.request, case.bundle);
    let Entities { subjects, resources, actions } = &bundle.entities;
    let is_identity = |entity: &&Entity| {
        bundle.settings.subject_types.kind(&entity.kind.value) == Some(request.identity.kind)
            && IdRef::new(&entity.id.value) == request.identity.id
    };
    let is_target = |entity: &&Entity| {
        request.resource.target.is_some_and(|it| *it.kind == *entity.kind.value && *it.id == *entity.id.value)
    };
    let is_action = |entity: &&Entity| request.action == Some(&*entity.id.value);
    let subject = subjects.iter().find(is_identity);
    [subject, resources.iter().find(is_target), actions.iter().find(is_action)].into_iter().flatten()
}

/// The four entities that carry free attributes, by their type.
fn free(case: &Case<'_>, entities: &mut Vec<Value>) -> Value {
    let mut tags = [("FreeTexts", "text"), ("FreeNumbers", "number"), ("FreeFlags", "flag"), ("FreeLists", "texts")]
        .map(|(kind, name)| (kind, name, Map::new()));
    let mut write = |name: &str, value: FreeValue<'_>| {
        let (kind, value) = match value {
            FreeValue::Text(text) => (0, text.into()),
            FreeValue::Number(number) => (1, number.into()),
            FreeValue::Flag(flag) => (2, flag.into()),
            FreeValue::Texts(texts) => (3, texts.into()),
        };
        tags[kind].2.insert(name.to_owned(), value);
    };
    let given = case.request.attributes;
    given.each(&mut write);
    // What the request gives itself, in whatever form, the bundle does not say.
    let known = named(case).flat_map(|entity| &entity.properties);
    known.filter(|(name, _)| !given.carries(name)).for_each(|(name, value)| write(name, value.as_free()));
    let mut written = Map::new();
    for (kind, name, tags) in tags {
        let uid = json!({ "type": kind, "id": "attributes" });
        entities.push(entity(&uid, json!({}), tags.into()));
        written.insert(name.to_owned(), json!({ "__entity": uid }));
    }
    written.into()
}
