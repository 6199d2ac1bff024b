//! The door that speaks AuthZEN: one question, several, searches, and what the door says of itself.
//!
//! `POST /access/v1/evaluation`, `evaluations`, `search/subject`, `search/resource`, `search/action`, and
//! `GET /.well-known/authzen-configuration`. A body is read by its shape in [`question`] and [`batch`], becomes a request
//! of the decision API in [`request`], is decided there, and what was decided is put into AuthZEN's words by [`answer`];
//! [`open_id`] says which scopes OpenID's are decided together with, [`grant`] adds what scopes are left of a token that is
//! asked about without any.
//! [`search`] asks about everything in the bundle's catalogue of entities, on another thread than decisions, few at a
//! time. A call that cannot be read is refused by a status and a plain message; a question that can be read but not
//! decided is denied with the reason.
//!
//! Source: OpenID Authorization API 1.0 (AuthZEN), read August 2026.

mod answer;
mod audience;
mod batch;
mod exchange;
mod grant;
mod metadata;
mod open_id;
mod question;
mod request;
mod search;
mod settings;

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use jiff::Timestamp;
use tokio::sync::Semaphore;

use self::answer::Outcome;
use self::audience::Audiences;
use self::batch::{Batch, Semantic, Token};
use self::grant::Gates;
pub use self::metadata::MetadataError;
use self::open_id::OpenId;
use self::question::{Fields, Parts, Question};
use self::request::{Known, Mapping};
use self::search::{Search, Searched};
pub use self::settings::{BatchDefaults, PublicUrl, Settings, Signing, StepUp};
use super::body::Reply;
use super::decider::Asking;
use super::door::{Door, InFlight};
use super::http::{JSON, is_json, reply, told};
use super::owed::Carries;
use super::wire::{Refusal, is_request_id};
use crate::compile::CompiledBundle;
use crate::limits;
use crate::model::decision::InputError;
use crate::observe::metrics::Surface;

/// The profile for token issuance: whoever declares it looks at critical claims.
const ISSUANCE: &str = "urn:ietf:params:authzen:token-issuance";
const ROOT: &str = "/access/v1/";
const WELL_KNOWN: &str = "/.well-known/authzen-configuration";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The revision of the bundle that decided; not in bodies, so that equal questions have equal answers.
const REVISION: HeaderName = HeaderName::from_static("x-doorward-revision");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// What all serving threads have in common.
#[derive(Debug)]
pub struct Open {
    settings: Settings,
    metadata: Option<Bytes>,
}

impl Open {
    /// Opens the door.
    ///
    /// # Errors
    /// The metadata cannot be signed.
    pub fn new(settings: Settings) -> Result<Self, MetadataError> {
        let metadata = metadata::document(&settings)?.map(|document| document.to_string().into());
        Ok(Self { settings, metadata })
    }

    fn known<'k>(&'k self, bundle: &'k CompiledBundle, request_id: Option<&'k str>) -> Known<'k> {
        Known { types: bundle.entities().subject_types(), step_up: &self.settings.step_up, request_id }
    }
}

/// The open AuthZEN door of one serving thread.
#[derive(Debug)]
pub struct Authzen {
    open: Arc<Open>,
    /// One for each search that may be under way.
    permits: Arc<Semaphore>,
}

/// What a path is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    Evaluation,
    Evaluations,
    Search(Searched),
    Metadata,
}

impl Route {
    const fn method(self) -> Method {
        match self {
            Self::Metadata => Method::GET,
            _ => Method::POST,
        }
    }
}

/// Why there is no answer.
enum Failure {
    /// It is refused.
    Refused(Refusal),
    /// It is refused, and that has been counted.
    Counted(Refusal),
    /// It could not be made, which is our own fault.
    Bug,
}

impl<E: Into<Refusal>> From<E> for Failure {
    fn from(refusal: E) -> Self {
        Self::Refused(refusal.into())
    }
}

/// An answer: its body, and the revision of the bundle that it was made with.
type Answered = (Bytes, Option<HeaderValue>);

impl Authzen {
    /// With no search under way.
    pub fn new(open: Arc<Open>) -> Self {
        Self { open, permits: Arc::new(Semaphore::new(limits::SEARCH_IN_FLIGHT_MAX)) }
    }

    /// Whether `uri` is one of AuthZEN's, also where nothing is.
    pub fn leads_to(&self, uri: &Uri) -> bool {
        let path = uri.path();
        path.starts_with(ROOT) || path.starts_with(WELL_KNOWN) || self.route(path).is_some()
    }

    /// Paths below that of the public address are the same as those at the root: who stands in front may take it off.
    fn route(&self, path: &str) -> Option<Route> {
        let base = self.open.settings.url.as_ref().map_or("", PublicUrl::path);
        if let Some(tenant) = path.strip_prefix(WELL_KNOWN) {
            return (self.open.metadata.is_some() && tenant == base).then_some(Route::Metadata);
        }
        let below = path.strip_prefix(base).and_then(|path| path.strip_prefix(ROOT)).or(path.strip_prefix(ROOT))?;
        match below {
            "evaluation" => Some(Route::Evaluation),
            "evaluations" => Some(Route::Evaluations),
            "search/subject" => Some(Route::Search(Searched::Subject)),
            "search/resource" => Some(Route::Search(Searched::Resource)),
            "search/action" => Some(Route::Search(Searched::Action)),
            _ => None,
        }
    }

    /// Answers one request. Never fails: what goes wrong is an answer.
    pub async fn answer(&self, door: &Door, request: Request<Incoming>) -> Response<Reply> {
        let request_id = request_id(door, request.headers());
        let id = request_id.as_ref().map(|(_, id)| id);
        let mut response = match self.outcome(door, request, id).await {
            Ok((body, revision)) => {
                let mut response = reply(StatusCode::OK, JSON, body);
                response.headers_mut().extend(revision.map(|revision| (REVISION, revision)));
                response
            }
            Err(Failure::Refused(refusal)) => {
                door.decider.refused(Surface::Authzen, refusal.clone(), None);
                refused(&refusal)
            }
            Err(Failure::Counted(refusal)) => refused(&refusal),
            Err(Failure::Bug) => reply(StatusCode::INTERNAL_SERVER_ERROR, TEXT, "no answer was made"),
        };
        response.headers_mut().extend(request_id);
        response
    }

    async fn outcome(
        &self,
        door: &Door,
        request: Request<Incoming>,
        request_id: Option<&HeaderValue>,
    ) -> Result<Answered, Failure> {
        let route = self.route(request.uri().path()).ok_or(Refusal::NotFound)?;
        if *request.method() != route.method() {
            return Err(Refusal::Method(if route == Route::Metadata { "GET" } else { "POST" }).into());
        }
        if let (Route::Metadata, Some(metadata)) = (route, &self.open.metadata) {
            return Ok((metadata.clone(), None));
        }
        if !request.headers().get(CONTENT_TYPE).is_some_and(|kind| is_json(kind.as_bytes())) {
            return Err(Refusal::ContentType.into());
        }
        let Some(_in_flight) = InFlight::begin(door, Surface::Authzen) else {
            return Err(Refusal::Overloaded.into());
        };
        let body = question::body(&door.read(request.into_body(), limits::REQUEST_BYTES_MAX).await?)?;
        match route {
            Route::Search(searched) => self.search(door, Search::read(body, searched)?).await,
            Route::Evaluations => {
                self.evaluate(door, Batch::read(body, self.open.settings.batch_defaults)?, request_id)
            }
            _ => self.evaluate(door, single(body)?, request_id),
        }
    }

    fn evaluate(&self, door: &Door, batch: Batch, request_id: Option<&HeaderValue>) -> Result<Answered, Failure> {
        let asking = door.decider.asking(Surface::Authzen);
        let mut asking = asking.map_err(|refused| Failure::Counted(refused.refusal))?;
        let request_id = request_id.and_then(|id| id.to_str().ok()).filter(|id| is_request_id(id));
        let body = match batch {
            Batch::Single(question) => {
                let gates = Gates::of([Some(&question)], asking.bundle());
                let outcome = [self.decide(&mut asking, question, Token::default(), request_id)];
                let left = gates.left(&outcome, asking.bundle(), self.open.known(asking.bundle(), None));
                answer::single(outcome, left)
            }
            Batch::Several(items, semantic, filled) => {
                door.decider.core().filled_defaults(filled);
                self.several(&mut asking, items, semantic, request_id)
            }
        };
        Ok((body.to_string().into(), revision(asking.bundle())))
    }

    fn several(
        &self,
        asking: &mut Asking<'_>,
        mut items: Vec<batch::Item>,
        semantic: Semantic,
        request_id: Option<&str>,
    ) -> serde_json::Value {
        let tokens: Vec<_> = (0..items.len()).map(|place| batch::token(&items, place)).collect();
        let (audiences, open_id) = (Audiences::of(&items), OpenId::of(&items));
        exchange::tell(&mut items);
        let gates = Gates::of(items.iter().map(|item| item.as_ref().ok()), asking.bundle());
        let mut each: Vec<_> = items.into_iter().zip(tokens).enumerate().collect();
        if semantic == Semantic::ExecuteAll {
            // WHY: what is left beside them is known when all others are decided; who may stop early asks in order.
            each.sort_by_key(|(place, _)| open_id.is_one(*place));
        }
        let mut outcomes = BTreeMap::new();
        for (place, (item, mut token)) in each {
            token.scopes.extend(open_id.beside(place, &outcomes));
            let outcome = match item {
                Ok(question) => self.decide(asking, question, token, request_id),
                Err(error) => Outcome::malformed(&error),
            };
            let is_last = semantic.ends_with(&outcome);
            outcomes.insert(place, outcome);
            if is_last {
                break;
            }
        }
        let mut outcomes: Vec<_> = outcomes.into_values().collect();
        let audience = audiences.left(&mut outcomes).map(|left| serde_json::json!(left));
        let left = gates.left(&outcomes, asking.bundle(), self.open.known(asking.bundle(), None));
        answer::batch(outcomes, left, audience)
    }

    fn decide(&self, asking: &mut Asking<'_>, question: Question, token: Token, request_id: Option<&str>) -> Outcome {
        let mapping = Mapping::of(question, token, self.open.known(asking.bundle(), request_id));
        let Mapping { request, problem, manner } = mapping;
        let outcome = match problem {
            None => asking.decide(&request),
            Some(problem) => Err(asking.refuse(&request, problem)),
        };
        match outcome {
            Ok(response) => {
                let carries = Carries::of_caller(manner.carries_claims());
                Outcome::decided(asking.settled(response, carries), manner, &self.open)
            }
            Err(refused) => Outcome::unusable(&refused, manner.is_gate),
        }
    }

    async fn search(&self, door: &Door, search: Search) -> Result<Answered, Failure> {
        let permit = Arc::clone(&self.permits).try_acquire_owned().map_err(|_| Refusal::Overloaded)?;
        let in_force = door.decider.in_force().ok_or(Refusal::NoBundle)?;
        let open = Arc::clone(&self.open);
        let make = move || {
            // INVARIANT: who asks may leave, the permit stays with the work.
            let _permit = permit;
            let bundle = &in_force.bundle;
            let page = search.page(bundle, open.known(bundle, None), Timestamp::now())?;
            Ok::<_, InputError>((page.into(), revision(bundle)))
        };
        Ok(tokio::task::spawn_blocking(make).await.map_err(|_| Failure::Bug)??)
    }
}

/// What every answer to a call carries, refusals at the gate too: the caller's own id, or one that is made up.
pub fn request_id(door: &Door, headers: &HeaderMap) -> Option<(HeaderName, HeaderValue)> {
    let made_up = || HeaderValue::try_from(door.decider.next_request_id()).ok();
    headers.get(REQUEST_ID).cloned().or_else(made_up).map(|id| (REQUEST_ID, id))
}

fn single(mut body: Fields) -> Result<Batch, InputError> {
    Parts::take(&mut body)?.question().map(Batch::Single)
}

fn revision(bundle: &CompiledBundle) -> Option<HeaderValue> {
    HeaderValue::from_bytes(bundle.revision().as_bytes()).ok()
}

/// The status of a refusal in AuthZEN; of most it is that of the decision API.
fn status(refusal: &Refusal) -> StatusCode {
    match refusal {
        Refusal::ContentType => StatusCode::BAD_REQUEST,
        other => other.http_status(),
    }
}

fn refused(refusal: &Refusal) -> Response<Reply> {
    told(refusal, reply(status(refusal), TEXT, refusal.message()))
}
