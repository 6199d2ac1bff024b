//! What Envoy says about a request, as the gateway's part of doorward asks it.
//!
//! Context extensions and the metadata of filters are the operator's and Envoy's own words; headers are the client's,
//! unless the route says otherwise.

use std::borrow::Cow;

use http::header::AUTHORIZATION;
use prost_types::Value;
use prost_types::value::Kind;
use serde_json::{Map, Value as Json};

use super::{Settings, v3};
use crate::model::decision::InputError;
use crate::serve::claims::{self, Holder};
use crate::serve::client_ip::{Client, Resolved};
use crate::serve::gateway::bearer::Unproven;
use crate::serve::gateway::{Asked, Route};
use crate::serve::wire::{self, v1};

/// The filter of Envoy that verifies tokens.
const JWT_FILTER: &str = "envoy.filters.http.jwt_authn";
/// What a route says when the header with the identity is Envoy's own.
const TRUST_HEADER: &str = "ca.trust_identity_header";

/// Says of a request that Envoy takes its client for an internal one; no client can set or remove it.
const INTERNAL: &str = "x-envoy-internal";

/// What Envoy says about a request.
#[derive(Clone, Copy, Debug)]
pub struct Attributes<'a> {
    all: Option<&'a v3::AttributeContext>,
    http: Option<&'a v3::HttpRequest>,
}

impl<'a> Attributes<'a> {
    /// Of a message.
    pub fn new(all: Option<&'a v3::AttributeContext>) -> Self {
        Self { all, http: all.and_then(|all| all.request.as_ref()?.http.as_ref()) }
    }

    /// What is asked with it; `bearer` is who holds the token that [`Attributes::authorization`] has.
    pub fn asked(self, settings: &Settings, bearer: Result<Option<Holder>, Unproven>) -> Asked<'a> {
        let said = |text: fn(&v3::HttpRequest) -> &String| {
            self.http.map(|http| text(http).as_str()).filter(|text| !text.is_empty())
        };
        let mut route = Route::default();
        for (name, value) in self.all.iter().flat_map(|all| &all.context_extensions) {
            route.say(name, Cow::Borrowed(value));
        }
        Asked {
            method: said(|http| &http.method),
            scheme: said(|http| &http.scheme),
            host: said(|http| &http.host),
            path: said(|http| &http.path),
            route,
            holder: self.holder(settings, bearer),
            from: self.client(settings),
            request_id: self.text("x-request-id"),
            traceparent: self.text("traceparent"),
        }
    }

    /// The names of the request's headers, as far as Envoy tells them.
    pub fn header_names(self) -> impl Iterator<Item = &'a str> {
        let names = self.http.into_iter().flat_map(|http| {
            let listed = http.header_map.iter().flat_map(|map| &map.headers);
            http.headers.keys().chain(listed.map(|header| &header.key))
        });
        names.map(String::as_str)
    }

    /// The lines of the header with the client's token, unless Envoy itself has verified it.
    pub fn authorization(self, settings: &Settings) -> impl Iterator<Item = &'a [u8]> {
        let is_verified = !matches!(self.payload(&settings.jwt_payload), Ok(None));
        self.lines(AUTHORIZATION.as_str()).filter(move |_| !is_verified)
    }

    /// Who asks: whose token Envoy has verified, or doorward, or who has shown a certificate with a SPIFFE id, or whom a
    /// header names that the route trusts. That header must not disagree with a token; the certificate may, which is often
    /// that of a proxy in between.
    fn holder(self, settings: &Settings, bearer: Result<Option<Holder>, Unproven>) -> Result<Option<Holder>, Unproven> {
        let principal = self.source().map(|source| source.principal.as_str()).filter(|name| !name.is_empty());
        let proven = match self.payload(&settings.jwt_payload)? {
            Some(payload) => Some(Holder::new(&settings.claim_names.read(&payload))?),
            None => bearer?,
        };
        let spiffe = principal.filter(|name| name.starts_with("spiffe://"));
        let header = settings.identity_header.as_ref().filter(|_| self.trusts_header());
        let mut holder = match (proven, spiffe, header) {
            (None, Some(name), _) => Some(workload(name)),
            (proven, _, Some(header)) => header.beside(proven, self.lines(header.name()))?,
            (proven, _, None) => proven,
        };
        if let (Some(holder), Some(name)) = (&mut holder, principal) {
            holder.attributes.push(("source.principal".to_owned(), claims::text(name)));
        }
        Ok(holder)
    }

    /// The first line of a header, if it is text.
    fn text(self, name: &str) -> Option<&'a str> {
        self.lines(name).next().and_then(|line| std::str::from_utf8(line).ok())
    }

    fn source(self) -> Option<&'a v3::Peer> {
        self.all?.source.as_ref()
    }

    fn trusts_header(self) -> bool {
        self.all.and_then(|all| all.context_extensions.get(TRUST_HEADER)).is_some_and(|value| value == "true")
    }

    /// The claims that Envoy's filter has verified.
    fn payload(self, key: &str) -> Result<Option<Map<String, Json>>, InputError> {
        let filters = self.all.and_then(|all| all.metadata_context.as_ref()).map(|metadata| &metadata.filter_metadata);
        match filters.and_then(|filters| filters.get(JWT_FILTER)?.fields.get(key)) {
            None => Ok(None),
            Some(Value { kind: Some(Kind::StructValue(payload)) }) => Ok(Some(wire::json::to_map(payload))),
            Some(_) => Err(InputError::invalid("claims", "must be an object")),
        }
    }

    fn client(self, settings: &Settings) -> Resolved {
        let address = self.source().and_then(|source| match source.address.as_ref()?.address.as_ref()? {
            v3::address::Address::SocketAddress(socket) => Some(socket.address.as_str()),
        });
        let peer = match address.map(str::parse).transpose() {
            Ok(peer) => peer,
            Err(_) => return Resolved { client: Client::Invalid, was_ignored: false, is_unsaid: false },
        };
        let rule = &settings.client_ip;
        let mut from = rule.resolve(peer, rule.header().into_iter().flat_map(|name| self.lines(name)));
        // WHY: Envoy passes what it has not found itself on as the client of the proxy before it has sent it.
        let is_found = self.lines(INTERNAL).next().is_none() || from.is_at(peer);
        if rule.is_external() && !is_found {
            from.client = Client::Invalid;
        }
        from
    }

    /// The lines of a header; Envoy joins them unless it encodes raw headers.
    fn lines(self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        let joined = self.http.and_then(|http| http.headers.get(name)).map(String::as_bytes);
        let listed = self.http.and_then(|http| http.header_map.as_ref()).map_or(&[][..], |map| &map.headers);
        let listed = listed.iter().filter(move |header| header.key == name);
        joined.into_iter().chain(listed.map(|header| match header.raw_value.as_slice() {
            [] => header.value.as_bytes(),
            raw => raw,
        }))
    }
}

fn workload(name: &str) -> Holder {
    let mut identity = v1::Identity { id: Some(name.to_owned()), ..Default::default() };
    identity.set_type(v1::IdentityType::ServicePrincipal);
    let mut credential = v1::Credential::default();
    credential.set_type(v1::CredentialType::Certificate);
    Holder { identity, credential: Some(credential), ..Holder::default() }
}
