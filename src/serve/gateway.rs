//! What a gateway asks for one of its requests, whatever protocol it asks in.
//!
//! The doors of gateways read their protocol into [`Asked`]; here it becomes a request of the decision API, is decided,
//! and comes out as one of few [`Outcome`]s, which each door answers in its own way. What is decided is the decider's;
//! an allow for which something is owed is denied by [`super::owed`], as no gateway hears of it. What the client of the gateway
//! could have made up is never a reason for an error of the gateway, only for a refusal:
//! a gateway may be told to let requests pass when doorward is in trouble. Start with [`decide`]; [`bearer`] verifies
//! tokens of clients, [`claim_names`] has other names of claims, [`path`] the spelling of paths and hosts, [`settings`]
//! what operators say.

pub mod bearer;
pub mod claim_names;
pub mod path;
pub mod settings;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;

use http::HeaderValue;
use prost_types::value::Kind;
use prost_types::{Struct, Value};

use self::bearer::Unproven;
use self::settings::{Anonymous, BlockedStatus};
use super::claims::{self, Holder};
use super::client_ip::{Client, Resolved};
use super::decider::Asking;
use super::door::Door;
use super::gate;
use super::jwt::TokenError;
use super::owed::Carries;
use super::wire::{Refusal, Refused, is_request_id, v1};
use crate::compile::CompiledBundle;
use crate::model::decision::InputError;
use crate::observe::metrics::Surface;

/// What both sides of a header of an allowed request are called.
const DECISION_ID: &str = "x-ca-decision-id";
/// The header with the revision of the bundle.
pub const REVISION: &str = "x-ca-revision";
/// The header with the id of the identity.
pub const SUBJECT: &str = "x-ca-subject";
/// What the names of all headers of doorward begin with; no client may send one on.
const OURS: [&str; 3] = ["x-ca-", "doorward-", "x-doorward-"];
/// The body of a request that is not let through.
pub const DENIED: &str = r#"{"error":"access_denied"}"#;
/// What a client hears that nobody knows (RFC 6750, section 3).
pub const CHALLENGE: &str = "Bearer";
/// What is wrong with a token whose holder could do more (RFC 9470, section 3).
const STEP_UP: &str = "insufficient_user_authentication";
/// What a client hears whose token cannot be believed (RFC 6750, section 3.1).
pub const INVALID_TOKEN: &str = "Bearer error=\"invalid_token\"";

/// One request that came to a gateway.
#[derive(Debug)]
pub struct Asked<'a> {
    /// Method.
    pub method: Option<&'a str>,
    /// `http` or `https`.
    pub scheme: Option<&'a str>,
    /// Host, with a port if the client wrote one.
    pub host: Option<&'a str>,
    /// Path and query, not decoded.
    pub path: Option<&'a str>,
    /// What the operator says about the route.
    pub route: Route<'a>,
    /// Who asks, as far as somebody trusted or a verified token says it.
    pub holder: Result<Option<Holder>, Unproven>,
    /// Where it comes from.
    pub from: Resolved,
    /// The id that the gateway has given it.
    pub request_id: Option<&'a str>,
    /// Its place in a trace, as `traceparent` has it; its id is that of the trace when it has no other.
    pub traceparent: Option<&'a str>,
}

/// What the operator says about a route.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route<'a> {
    /// `ca.action`: what is asked for; otherwise the method.
    pub action: Option<Cow<'a, str>>,
    /// `ca.target`: the thing that is asked for; otherwise the path when the kind is `route`, and the host when not.
    pub target: Option<Cow<'a, str>>,
    /// `ca.target_type`: its kind; otherwise `service`.
    pub target_type: Option<Cow<'a, str>>,
    /// `ca.app_id`: the application that policies name; otherwise what the token is for.
    pub app_id: Option<Cow<'a, str>>,
}

impl<'a> Route<'a> {
    /// Takes one fact; `false` when there is none of that name.
    pub fn say(&mut self, name: &str, value: Cow<'a, str>) -> bool {
        let place = match name {
            "ca.action" => &mut self.action,
            "ca.target" => &mut self.target,
            "ca.target_type" => &mut self.target_type,
            "ca.app_id" => &mut self.app_id,
            _ => return false,
        };
        *place = Some(value);
        true
    }
}

/// What a gateway is told.
#[derive(Debug)]
pub enum Outcome {
    /// What was decided.
    Decided(Box<Decided>),
    /// Nobody trusted says who asks.
    Unidentified(Refused),
    /// The token of the client cannot be believed.
    InvalidToken(Refused),
    /// Something in the request cannot be used.
    Invalid(Refused),
    /// Nothing can be decided now.
    Unavailable(Refused),
}

/// A decision.
#[derive(Debug)]
pub struct Decided {
    /// The answer.
    pub answer: v1::DecideResponse,
    /// The id of the identity.
    pub subject: String,
    /// Whether the client says that it can handle claims challenges.
    pub takes_challenges: bool,
    /// Names of the locations that the address is in; for Envoy alone.
    pub locations: Vec<String>,
}

impl Decided {
    /// Whether the request may go on.
    pub fn is_allowed(&self) -> bool {
        self.answer.decision() == v1::Decision::Allow
    }

    /// What a client is told that can be let through with another token, in one line, which every gateway passes on whole.
    ///
    /// Who is blocked for want of a control hears what RFC 9470 has for it (section 3), and before that the claims
    /// challenge that the answer has where a token is used. Of a block without remedy only those hear who say that they
    /// take such challenges; others would ask again and again, and hear what the operator says with `status`.
    pub fn challenge(&self, status: BlockedStatus) -> Option<HeaderValue> {
        let unmet = &self.answer.unmet_controls;
        let is_told = self.takes_challenges || !unmet.is_empty();
        let claims = self.answer.oauth_error.as_ref().filter(|_| is_told).and_then(v1::OAuthError::challenge);
        let controls: Vec<_> = unmet.iter().map(|control| plain(control)).collect();
        let step_up =
            (!unmet.is_empty()).then(|| format!("Bearer error=\"{STEP_UP}\", acr_values=\"{}\"", controls.join(" ")));
        let challenges: Vec<_> = claims.into_iter().chain(step_up).collect();
        match (challenges.as_slice(), status) {
            ([], BlockedStatus::Forbidden) => None,
            ([], BlockedStatus::Unauthorized) => Some(HeaderValue::from_static(CHALLENGE)),
            _ => challenges.join(", ").try_into().ok(),
        }
    }

    /// The headers that an allowed request goes on with. An id that no header can carry as it is is left out, lest it
    /// reads as somebody else's.
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let revision = self.answer.bundle.as_ref().map(|bundle| bundle.revision.as_str()).unwrap_or_default();
        let mut headers = vec![(DECISION_ID, plain(&self.answer.request_id)), (REVISION, plain(revision))];
        headers.extend((plain(&self.subject) == self.subject).then(|| (SUBJECT, self.subject.clone())));
        headers
    }

    /// The headers that an allowed request does not go on with: of those that the gateway says the client has sent, and of
    /// our own, whatever is ours and not among [`Self::headers`]. A gateway need not say everything that it passes on.
    pub fn removed<'n>(&self, sent: impl IntoIterator<Item = &'n str>) -> Vec<&'n str> {
        let set = self.headers();
        let ours = sent.into_iter().filter(|name| is_ours(name) && *name != SUBJECT).chain([SUBJECT]);
        ours.filter(|name| !set.iter().any(|(own, _)| own == name)).collect()
    }
}

/// Whether only doorward, or somebody who speaks to it, may set a header of this name, in lower case.
fn is_ours(name: &str) -> bool {
    OURS.iter().any(|prefix| name.starts_with(prefix))
}

/// As headers can have it: whatever is not visible ASCII, or would end a quoted string, is `_`.
fn plain(text: &str) -> String {
    let is_fine = |character: &char| character.is_ascii_graphic() && !matches!(character, '"' | '\\' | ',');
    text.chars().map(|character| if is_fine(&character) { character } else { '_' }).collect()
}

/// Decides a request that came to a gateway.
pub fn decide(door: &Door, surface: Surface, asked: Asked<'_>, anonymous: &Anonymous, is_normal: bool) -> Outcome {
    let mut asking = match door.decider.asking(surface) {
        Ok(asking) => asking,
        Err(refused) => return Outcome::Unavailable(refused),
    };
    if asked.from.was_ignored {
        door.decider.core().untrusted_forwarded(surface);
    }
    // WHY: of a token whose keys are not there nothing is known, so nothing is decided: the client is not at fault.
    if matches!(asked.holder, Err(Unproven::Token(TokenError::NoKeys))) {
        return Outcome::Unavailable(door.decider.refused(surface, Refusal::NoKeys, request_id(&asked)));
    }
    let client = asked.from.client;
    let mut outcome = ask(&mut asking, asked, anonymous, is_normal);
    // WHY: of all gateways Envoy alone is told.
    if let (Outcome::Decided(decided), Surface::Envoy, Client::Known { address, .. }) = (&mut outcome, surface, client)
    {
        decided.locations = locations(asking.bundle(), address);
    }
    outcome
}

fn locations(bundle: &CompiledBundle, address: IpAddr) -> Vec<String> {
    let mut names = Vec::new();
    bundle.place(address).locations.each(|location| {
        let name = bundle.location_table().names.get(usize::from(location));
        names.extend(name.map(ToString::to_string));
    });
    names
}

fn ask(asking: &mut Asking<'_>, asked: Asked<'_>, anonymous: &Anonymous, is_normal: bool) -> Outcome {
    let is_invalid_token = matches!(asked.holder, Err(Unproven::Token(_)));
    let takes_challenges = matches!(&asked.holder, Ok(Some(holder)) if holder.takes_challenges);
    let (request, problem) = request(asked, anonymous, is_normal);
    if let Some(error) = problem {
        let told = match error.field.as_str() {
            _ if is_invalid_token => Outcome::InvalidToken,
            "identity" => Outcome::Unidentified,
            _ => Outcome::Invalid,
        };
        return told(asking.refuse(&request, error));
    }
    match asking.decide(&request) {
        Ok(answer) => {
            // WHY: a route may be that of a token service.
            let carries = Carries::yes_or_no(gate::is_use(request.action.as_deref()));
            let answer = asking.settled(answer, carries);
            let subject = request.identity.and_then(|identity| identity.id).unwrap_or_default();
            let decided = Decided { answer, subject, takes_challenges, locations: Vec::new() };
            Outcome::Decided(Box::new(decided))
        }
        Err(refused @ Refused { refusal: Refusal::Input(_), .. }) => Outcome::Invalid(refused),
        Err(refused) => Outcome::Unavailable(refused),
    }
}

/// The request of the decision API, as far as it can be made, and the first thing that keeps it from being decided.
fn request(asked: Asked<'_>, anonymous: &Anonymous, is_normal: bool) -> (v1::DecideRequest, Option<InputError>) {
    let mut request = v1::DecideRequest { request_id: request_id(&asked), ..Default::default() };
    let mut problem = None;
    let mut attributes = BTreeMap::new();
    let mut resource = v1::Resource::default();
    match asked.holder {
        Ok(Some(holder)) => {
            request.identity = Some(holder.identity);
            request.credential = holder.credential;
            request.satisfied = holder.satisfied;
            resource.app_ids = holder.app_ids;
            attributes.extend(holder.attributes);
        }
        Ok(None) => match anonymous {
            Anonymous::Deny => problem = Some(InputError::invalid("identity", "is required")),
            Anonymous::Identity(identity) => request.identity = Some((**identity).clone()),
        },
        Err(error) => problem = Some(error.into()),
    }
    match asked.from.client {
        Client::Known { address, is_proxy } => {
            let flag = Value { kind: Some(Kind::BoolValue(is_proxy)) };
            attributes.insert("source.all_trusted".to_owned(), flag);
            request.network = Some(v1::Network { ip_address: Some(address.to_string()), ..Default::default() });
        }
        Client::Missing => {}
        Client::Invalid => {
            fail(&mut problem, InputError::invalid("network.ipAddress", "cannot be told from the headers"))
        }
    }
    let mut known = |name: &str, value: Result<Option<String>, InputError>| match value {
        Ok(value) => value.inspect(|value| drop(attributes.insert(name.to_owned(), claims::text(value)))),
        Err(error) => {
            fail(&mut problem, error);
            None
        }
    };
    known("http.method", Ok(asked.method.map(str::to_owned)));
    known("http.scheme", Ok(asked.scheme.map(str::to_ascii_lowercase)));
    let host = known("http.host", asked.host.map(path::host).transpose());
    let path = known("http.path", asked.path.map(|text| path::path(text, is_normal)).transpose());
    let Route { action, target, target_type, app_id } = asked.route;
    let kind = target_type.map_or_else(|| "service".to_owned(), Cow::into_owned);
    let id = target.map(Cow::into_owned).or(if kind == "route" { path } else { host });
    resource.target = id.map(|id| v1::Target { r#type: Some(kind), id: Some(id) });
    resource.app_ids = app_id.map_or(resource.app_ids, |app_id| vec![app_id.into_owned()]);
    request.resource = Some(resource);
    request.action = action.map(Cow::into_owned).or_else(|| asked.method.map(str::to_owned));
    request.attributes = Some(Struct { fields: attributes });
    (request, problem)
}

/// The first problem is the one that is told.
fn fail(problem: &mut Option<InputError>, error: InputError) {
    problem.get_or_insert(error);
}

/// An id is for finding a request again, no fact: one that cannot be told as it is is replaced.
fn request_id(asked: &Asked<'_>) -> Option<String> {
    let own = asked.request_id.filter(|id| is_request_id(id) && plain(id) == *id);
    own.or_else(|| asked.traceparent.and_then(trace_id)).map(str::to_owned)
}

/// The id of a trace (W3C Trace Context, section 3.2), of any version but the one that is none.
fn trace_id(traceparent: &str) -> Option<&str> {
    let mut parts = traceparent.split('-');
    let mut part = |length| parts.next().filter(|part| part.len() == length && part.bytes().all(is_digit));
    let (version, trace, parent, _flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
    let is_set = |id: &str| id.bytes().any(|digit| digit != b'0');
    let is_whole = version != "00" || parts.next().is_none();
    (version != "ff" && is_whole && is_set(trace) && is_set(parent)).then_some(trace)
}

/// A hexadecimal digit as traces have them.
fn is_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

#[cfg(test)]
mod tests {
    use super::trace_id;

    #[test]
    fn the_id_of_a_trace_is_read_as_the_standard_has_it() {
        let (trace, parent) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        for rest in ["01", "00"] {
            assert_eq!(trace_id(&format!("00-{trace}-{parent}-{rest}")), Some(trace));
        }
        assert_eq!(trace_id(&format!("01-{trace}-{parent}-01-more")), Some(trace));
        for text in [
            String::new(),
            trace.to_owned(),
            format!("00-{trace}-{parent}"),
            format!("00-{trace}-{parent}-01-more"),
            format!("00-{trace}-{parent}-1"),
            format!("ff-{trace}-{parent}-01"),
            format!("00-{}-{parent}-01", "0".repeat(32)),
            format!("00-{trace}-{}-01", "0".repeat(16)),
            format!("00-{}-{parent}-01", trace.to_uppercase()),
            format!("00-{trace}-{parent}é-01"),
        ] {
            assert_eq!(trace_id(&text), None, "{text}");
        }
    }
}
