//! Values and entities in the words of the schema.
//!
//! Shared by `evaluate`, which makes a whole request of them, and by the check whether a condition may hold for one
//! identity. What is `None` is left out, so that it is unknown. Knows facts one by one, and no request.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use cedar_policy::{
    Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, Request, RestrictedExpression as Value,
};

use crate::model::attribute::{AttributeValue, folded_name};
use crate::model::set::Word;
use crate::model::{Attributes, Id, IdRef, ServicePrincipal};

/// Attributes of an entity or record, by name. What is `None` is left out.
#[derive(Debug, Default)]
pub struct Fields(HashMap<String, Value>);

impl Fields {
    /// Sets an attribute.
    pub fn set(&mut self, name: &str, value: Option<Value>) {
        self.0.extend(value.map(|value| (name.to_owned(), value)));
    }

    /// Sets an attribute to an id, a GUID in lower case.
    pub fn id(&mut self, name: &str, id: Option<IdRef<'_>>) {
        self.set(name, id.map(|id| text(id.to_string())));
    }

    /// Sets an attribute to a word as Graph spells it.
    pub fn word<W: Word>(&mut self, name: &str, word: Option<W>) {
        self.set(name, word.map(|word| text(word.as_str())));
    }

    /// As a record.
    pub fn record(self) -> Option<Value> {
        Value::new_record(self.0).ok()
    }
}

/// A text.
pub fn text(text: impl Into<String>) -> Value {
    Value::new_string(text.into())
}

/// A set of texts.
pub fn texts<T: Into<String>>(all: impl IntoIterator<Item = T>) -> Value {
    Value::new_set(all.into_iter().map(text))
}

/// A set of ids.
pub fn ids(ids: &[IdRef<'_>]) -> Value {
    texts(ids.iter().map(ToString::to_string))
}

/// As filters compare: character by character.
pub fn folded(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

macro_rules! entity_types {
    ($($name:ident),+) => {
        /// An entity type of the schema.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind {
            $(#[doc = concat!("`", stringify!($name), "`.")] $name,)+
        }

        /// Their names, parsed once.
        static KINDS: LazyLock<Vec<EntityTypeName>> =
            LazyLock::new(|| [$(stringify!($name)),+].iter().filter_map(|name| name.parse().ok()).collect());
    };
}

entity_types! {
    ServicePrincipal, ManagedIdentity, AgentIdentity, User, AgentUser, Resource, SecurityTexts, SecurityLists, FreeTexts, FreeNumbers, FreeFlags, FreeLists, Action
}

/// The entity of a kind with an id.
pub fn uid(kind: Kind, id: &str) -> Option<EntityUid> {
    let name = KINDS.get(kind as usize)?.clone();
    Some(EntityUid::from_type_name_and_id(name, EntityId::new(id)))
}

/// Entities as they are made.
#[derive(Debug, Default)]
pub struct Store(Vec<Entity>);

impl Store {
    /// Adds an entity; gives its name as a value.
    pub fn add(&mut self, uid: EntityUid, fields: Fields, tags: Vec<(String, Value)>) -> Option<Value> {
        let value = Value::new_entity_uid(uid.clone());
        self.0.push(Entity::new_with_tags(uid, fields.0, HashSet::new(), tags).ok()?);
        Some(value)
    }

    /// All custom security attributes of an object; `None` when nobody said which it has. An empty list is null, as
    /// in filters.
    pub fn attributes(&mut self, of: &str, attributes: Option<&Attributes<'_>>) -> Option<Value> {
        let [mut single, mut lists] = [const { Vec::new() }; 2];
        for (name, value) in attributes?.iter() {
            let name = folded_name(name);
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

/// A token request in Cedar's terms.
#[derive(Debug)]
pub struct CedarRequest {
    /// Principal, action, resource and context.
    pub request: Request,
    /// The attributes of principal and resource, and the entities that carry attributes of free names.
    pub entities: Entities,
}

impl CedarRequest {
    /// Puts a request together. `None` never happens, as tests show.
    pub(crate) fn new(
        (kind, id): (Kind, IdRef<'_>),
        [principal, resource, context]: [Fields; 3],
        mut store: Store,
    ) -> Option<Self> {
        let who = uid(kind, &id.to_string())?;
        let what = uid(Kind::Resource, "requested")?;
        store.add(who.clone(), principal, Vec::new())?;
        store.add(what.clone(), resource, Vec::new())?;
        let context = Context::from_pairs(context.0).ok()?;
        let request = Request::new(who, uid(Kind::Action, "issueToken")?, what, context, None).ok()?;
        Some(Self { request, entities: Entities::from_entities(store.0, None).ok()? })
    }

    /// Any request of one identity: nothing is known but its id and its entry of the catalogue.
    pub(in crate::compile) fn of_anything_by(
        kind: Kind,
        id: IdRef<'_>,
        known: Option<&ServicePrincipal>,
    ) -> Option<Self> {
        let (mut store, mut principal) = (Store::default(), Fields::default());
        principal.id("id", Some(id));
        if let Some(known) = known {
            principal.id("appId", known.app_id.as_ref().map(Id::as_ref));
            principal.id("ownerTenant", known.owner_tenant.as_ref().map(Id::as_ref));
            principal.word("signInAudience", known.audience);
            principal.word("servicePrincipalType", known.kind);
            principal.set("customSecurityAttributes", store.attributes("principal", known.attributes.as_ref()));
        }
        Self::new((kind, id), [principal, Fields::default(), Fields::default()], store)
    }
}
