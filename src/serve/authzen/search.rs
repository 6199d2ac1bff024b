//! Searches: who may, what with, and what to do, among the entities that the bundle's catalogue lists.
//!
//! Each entity is put into the question and decided like any other; nothing else makes it a result. Work is bounded: a
//! page ends when it is full or when enough entities have been tried, and its token says where the next one begins. A
//! token is of one question and one bundle.
//!
//! Source: OpenID Authorization API 1.0, section 7, read August 2026.

use std::fmt::{Display, Write};

use jiff::Timestamp;
use prost::Message;
use prost_types::value::Kind;
use prost_types::{Struct, Value};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::batch::Token;
use super::question::{Fields, Parts, Question, member, object, text, weight};
use super::request::{Known, Mapping};
use crate::compile::CompiledBundle;
use crate::limits;
use crate::model::decision::InputError;
use crate::model::{Entities, Entity, IdRef, IdentityKind, ServicePrincipalType};
use crate::serve::decider::suppose;
use crate::serve::gate::is_gate;
use crate::serve::owed::Carries;

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Searched {
    /// Subjects of a type.
    Subject,
    /// Resources of a type.
    Resource,
    /// Actions.
    Action,
}

/// A search that has been read.
#[derive(Debug)]
pub struct Search {
    searched: Searched,
    /// What is searched has no id or name yet.
    question: Question,
    /// What tokens are bound to, besides the bundle.
    entities: Vec<u8>,
    token: Option<String>,
    limit: usize,
    /// How many entities are tried for one page.
    tries: usize,
}

impl Search {
    /// Reads a body.
    ///
    /// # Errors
    /// A member that is missing or of the wrong type.
    pub fn read(mut body: Fields, searched: Searched) -> Result<Self, InputError> {
        let tries = limits::SEARCH_BYTES_MAX / weight(&body).max(1);
        let tries = tries.clamp(1, limits::SEARCH_TRIED_MAX);
        let mut parts = Parts::take(&mut body)?;
        // What is searched needs no name, and one that it has is not looked at.
        let unnamed = || Value::from(String::new());
        match searched {
            Searched::Subject => {
                parts.subject.iter_mut().for_each(|part| drop(part.insert("id".to_owned(), unnamed())))
            }
            Searched::Resource => {
                parts.resource.iter_mut().for_each(|part| drop(part.insert("id".to_owned(), unnamed())));
            }
            Searched::Action => parts.action = Some(Fields::from([("name".to_owned(), unnamed())])),
        }
        let entities = [("subject", &parts.subject), ("action", &parts.action), ("resource", &parts.resource)];
        let part = |fields: &Fields| Value { kind: Some(Kind::StructValue(Struct { fields: fields.clone() })) };
        let entities = entities.map(|(key, fields)| Some((key.to_owned(), part(fields.as_ref()?))));
        let entities = Struct { fields: entities.into_iter().flatten().collect() }.encode_to_vec();
        let mut page = object(&mut body, "page", "page")?.unwrap_or_default();
        let limit = limit(&mut page)?;
        let token = text(&mut page, "token", TOKEN)?.filter(|token| !token.is_empty());
        Ok(Self { searched, question: parts.question()?, entities, token, limit, tries })
    }

    /// The page, with everything decided for the time `now`. Cost: a decision for each entity that is tried.
    ///
    /// # Errors
    /// A token that is not of this question and bundle.
    pub fn page(&self, bundle: &CompiledBundle, known: Known<'_>, now: Timestamp) -> Result<Vec<u8>, InputError> {
        let seal = self.seal(bundle);
        let start = match &self.token {
            None => 0,
            Some(token) => place(token, &seal).ok_or_else(|| {
                InputError::invalid(TOKEN, "is not of this question and the bundle in force; begin again without one")
            })?,
        };
        let candidates = if self.names_known(bundle) { self.candidates(bundle) } else { Vec::new() };
        let (mut results, mut next) = (Vec::new(), candidates.len());
        for (place, candidate) in candidates.iter().enumerate().skip(start) {
            if place - start >= self.tries {
                next = place;
                break;
            }
            let candidate = candidate.to_string();
            if !self.allows(bundle, known, &candidate, now) {
                continue;
            }
            // WHY: the page ends where the next result is known to be, so that a last page is known to be the last.
            if results.len() >= self.limit {
                next = place;
                break;
            }
            results.push(self.result(&candidate));
        }
        let is_whole = start == 0 && next >= candidates.len();
        let next_token = if next < candidates.len() { format!("{next}-{seal}") } else { String::new() };
        let count = results.len();
        let page = match is_whole {
            true => json!({ "next_token": next_token, "count": count, "total": count }),
            false => json!({ "next_token": next_token, "count": count }),
        };
        Ok(json!({ "page": page, "results": results }).to_string().into_bytes())
    }

    /// Whether the catalogue lists what the question names, where it lists any of the kind: what a search is about is what is
    /// known, whatever policies say of all others. A gate of token issuance is known by its name.
    fn names_known(&self, bundle: &CompiledBundle) -> bool {
        let (entities, Question { subject, action, resource, .. }) = (bundle.entities(), &self.question);
        let Entities { subjects, resources, actions } = entities.all();
        let is_subject = || {
            let (kind, id) = (entities.subject_types().kind(&subject.kind)?, IdRef::new(&subject.id));
            let is_listed = entities.subject(kind, id).is_some() || bundle.principal_of(id).is_some();
            let of_kind = |entity: &Entity| entities.subject_types().kind(&entity.kind.value) == Some(kind);
            let lists_any = subjects.iter().any(of_kind) || principals(bundle, &subject.kind).next().is_some();
            Some(is_listed || !lists_any)
        };
        let is_resource = |entity: &Entity| *entity.kind.value == *resource.kind && *entity.id.value == *resource.id;
        let is_action = |entity: &Entity| *entity.id.value == *action.name;
        (self.searched == Searched::Resource || resources.is_empty() || resources.iter().any(is_resource))
            && (self.searched == Searched::Action
                || is_gate(&action.name)
                || actions.is_empty()
                || actions.iter().any(is_action))
            && (self.searched == Searched::Subject || is_subject().unwrap_or_default())
    }

    /// Ids or names of everything that may be a result, in bundle order.
    /// WHY not texts: a page tries few of a catalogue that may have millions.
    fn candidates<'b>(&'b self, bundle: &'b CompiledBundle) -> Vec<&'b dyn Display> {
        let entities = bundle.entities().all();
        let of_type = |all: &'b [Entity], kind: &'b str| {
            all.iter().filter(move |entity| *entity.kind.value == *kind).map(|entity| &entity.id.value as &dyn Display)
        };
        match self.searched {
            Searched::Action => entities.actions.iter().map(|action| &action.id.value as &dyn Display).collect(),
            Searched::Resource => of_type(&entities.resources, &self.question.resource.kind).collect(),
            Searched::Subject => {
                let kind = &self.question.subject.kind;
                of_type(&entities.subjects, kind).chain(principals(bundle, kind)).collect()
            }
        }
    }

    fn allows(&self, bundle: &CompiledBundle, known: Known<'_>, candidate: &str, now: Timestamp) -> bool {
        let mut question = self.question.clone();
        match self.searched {
            Searched::Subject => candidate.clone_into(&mut question.subject.id),
            Searched::Resource => candidate.clone_into(&mut question.resource.id),
            Searched::Action => candidate.clone_into(&mut question.action.name),
        }
        let Mapping { request, problem, manner } = Mapping::of(question, Token::default(), known);
        // What cannot be decided is no result.
        let supposed = problem.is_none().then(|| suppose(bundle, &request, now).ok()).flatten();
        supposed.is_some_and(|it| it.is_open(Carries::of_caller(manner.carries_claims()), |_| false))
    }

    fn result(&self, candidate: &str) -> serde_json::Value {
        match self.searched {
            Searched::Subject => json!({ "type": self.question.subject.kind, "id": candidate }),
            Searched::Resource => json!({ "type": self.question.resource.kind, "id": candidate }),
            Searched::Action => json!({ "name": candidate }),
        }
    }

    /// Of the question and the bundle, hex.
    fn seal(&self, bundle: &CompiledBundle) -> String {
        let mut digest = Sha256::new();
        digest.update([self.searched as u8]);
        digest.update(bundle.digest().as_bytes());
        digest.update(&self.entities);
        digest.finalize().iter().take(16).fold(String::new(), |mut seal, byte| {
            // Writing to a `String` cannot fail.
            let _ = write!(seal, "{byte:02x}");
            seal
        })
    }
}

const TOKEN: &str = "page.token";

/// Where a page begins, if the token has this seal.
fn place(token: &str, seal: &str) -> Option<usize> {
    let token = Some(token).filter(|token| token.len() <= limits::SEARCH_TOKEN_BYTES_MAX)?;
    let (place, sealed) = token.split_once('-')?;
    if sealed == seal { place.parse().ok() } else { None }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole and in range, as the guard says")]
fn limit(page: &mut Fields) -> Result<usize, InputError> {
    match member(page, "limit") {
        None => Ok(limits::SEARCH_PAGE_MAX),
        Some(Kind::NumberValue(number)) if number.fract() == 0.0 && number >= 1.0 => {
            Ok(number.min(limits::SEARCH_PAGE_MAX as f64) as usize)
        }
        Some(_) => Err(InputError::invalid("page.limit", "must be a whole number from 1")),
    }
}

/// Service principals of the catalogue that callers call `name`, those aside that are entities of that name.
fn principals<'b>(bundle: &'b CompiledBundle, name: &'b str) -> impl Iterator<Item = &'b dyn Display> + use<'b> {
    let kind = bundle.entities().subject_types().kind(name);
    let of_kind = move |entry: &Option<ServicePrincipalType>| {
        let is = match entry {
            Some(ServicePrincipalType::ManagedIdentity) => IdentityKind::ManagedIdentity,
            Some(ServicePrincipalType::ServiceIdentity) => IdentityKind::AgentIdentity,
            _ => IdentityKind::ServicePrincipal,
        };
        kind == Some(is)
    };
    let all = bundle.catalogue().iter().filter(move |entry| of_kind(&entry.kind));
    let is_listed = move |id| {
        kind.and_then(|kind| bundle.entities().subject(kind, id)).is_some_and(|entity| *entity.kind.value == *name)
    };
    all.filter(move |entry| !is_listed(entry.id.value.as_ref())).map(|entry| &entry.id.value as &dyn Display)
}
