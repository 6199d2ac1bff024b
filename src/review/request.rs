//! A token request written as a document, for test cases and the command line.
//!
//! The fields are those of the JSON request that the decision API takes, under the same names, and a JSON document is
//! read or refused exactly as the API would: a test case that passes must not be a request that the server refuses.
//! Reading is strict: an unknown field, a value of the wrong type and a fact that cannot be used are errors, and all of
//! them are told. What an absent fact means is for `evaluate` to say. Start with [`read`].

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::net::IpAddr;

use super::members::{Members, name, text, word, wrong_type};
use super::rules;
use crate::limits;
use crate::model::attribute::is_annotation;
use crate::model::location::{Country, CountryFact, canonical};
use crate::model::request::{
    Credential, Device, Identity, NO_SCOPE, Network, Resource, Risk, Satisfied, Target, is_scope,
};
use crate::model::{
    AttributeValue, Attributes, ClientApp, FreeAttributes, FreeFacts, FreeValue, GrantControl, IdRef, InsiderRiskLevel,
    Platform, RiskLevel, Set, TokenRequest,
};
use crate::text::{Diagnostic, Diagnostics, Entry, Node, Value};

/// A token request and what its document says beside it. Borrows its texts from the document.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestDocument<'n> {
    /// The request.
    pub request: TokenRequest<'n>,
    /// `requestId`: at most `limits::REQUEST_ID_BYTES_MAX` bytes.
    pub request_id: Option<&'n str>,
}

/// Reads a request.
///
/// Errors: `None`, and a diagnostic of [`rules`] for each problem of the document.
/// Cost: linear in the document.
pub fn read<'n>(node: &'n Node<'n>, diagnostics: &mut Diagnostics) -> Option<RequestDocument<'n>> {
    let errors = diagnostics.errors();
    let mut fields = Members::new(node, "", diagnostics)?;
    let identity = match fields.object("identity", diagnostics) {
        Some(identity) => read_identity(identity, diagnostics),
        None => {
            // One that is no object has been told already.
            if fields.member("identity").is_none() {
                let help = "say who asks, as in `identity: { type: servicePrincipal, id: ... }`";
                fields.missing("identity", help, diagnostics);
            }
            None
        }
    };
    let resource = fields.object("resource", diagnostics).map(|fields| read_resource(fields, diagnostics));
    let network = fields.object("network", diagnostics).map(|fields| read_network(fields, diagnostics));
    let risk = fields.object("risk", diagnostics).map(|fields| read_risk(fields, diagnostics));
    let client_app = fields.word("clientApp", &[ClientApp::All], diagnostics);
    let platform = fields.word("platform", &[Platform::All], diagnostics);
    let device = fields.object("device", diagnostics).map(|fields| read_device(fields, diagnostics));
    let authentication_flow = fields.word("authenticationFlow", &[], diagnostics);
    let credential = fields.object("credential", diagnostics).map(|fields| read_credential(fields, diagnostics));
    let satisfied = fields.object("satisfied", diagnostics).map(|fields| read_satisfied(fields, diagnostics));
    let request_id = read_request_id(&mut fields, diagnostics);
    let attributes = read_free_attributes(&mut fields, diagnostics);
    let action = bounded_text("action", limits::ACTION_BYTES_MAX, &mut fields, diagnostics);
    let now =
        parsed(&mut fields, "time", "a timestamp such as 2026-05-01T00:00:00Z", diagnostics, |text| text.parse().ok());
    // Requests of the server may ask for a trace; here it is only checked.
    let _ = fields.boolean("explain", diagnostics);
    fields.finish(diagnostics);
    let request = TokenRequest {
        identity: identity?,
        resource: resource.unwrap_or_default(),
        network: network.unwrap_or_default(),
        risk: risk.unwrap_or_default(),
        client_app,
        platform,
        device: device.map(Box::new),
        authentication_flow,
        credential: credential.unwrap_or_default(),
        satisfied: satisfied.unwrap_or_default(),
        attributes,
        action,
        now,
    };
    (diagnostics.errors() == errors).then_some(RequestDocument { request, request_id })
}

fn read_identity<'n>(mut fields: Members<'n>, diagnostics: &mut Diagnostics) -> Option<Identity<'n>> {
    let kind = fields.word("type", &[], diagnostics);
    let id = id(&mut fields, "id", diagnostics);
    if fields.member("type").is_none() {
        fields.missing("type", "write `servicePrincipal`, `user` or another kind of identity", diagnostics);
    }
    if fields.member("id").is_none() {
        fields.missing("id", "write the object id", diagnostics);
    }
    let identity = kind.zip(id).map(|(kind, id)| Identity::new(kind, id));
    let app_id = self::id(&mut fields, "appId", diagnostics);
    let owner_tenant = self::id(&mut fields, "ownerTenant", diagnostics);
    let audience = fields.word("audience", &[], diagnostics);
    let attributes = read_attributes(&mut fields, diagnostics);
    let groups = ids(&mut fields, "groups", limits::GROUPS_MAX, diagnostics);
    let roles = ids(&mut fields, "roles", limits::GROUPS_MAX, diagnostics);
    let guest_type = fields.word("guestType", &[], diagnostics);
    let home_tenant = self::id(&mut fields, "homeTenant", diagnostics);
    let blueprint = self::id(&mut fields, "blueprint", diagnostics);
    fields.finish(diagnostics);
    Some(Identity {
        app_id,
        owner_tenant,
        audience,
        attributes,
        groups,
        roles,
        guest_type,
        home_tenant,
        blueprint,
        ..identity?
    })
}

fn read_resource<'n>(mut fields: Members<'n>, diagnostics: &mut Diagnostics) -> Resource<'n> {
    let resource = Resource {
        app_ids: ids(&mut fields, "appIds", limits::RESOURCES_MAX, diagnostics).unwrap_or_default(),
        kind: fields.word("type", &[], diagnostics),
        user_action: fields.word("userAction", &[], diagnostics),
        authentication_context: read_authentication_context("authenticationContext", &mut fields, diagnostics),
        attributes: read_attributes(&mut fields, diagnostics),
        scopes: read_scopes(&mut fields, diagnostics),
        target: fields.object("target", diagnostics).and_then(|fields| read_target(fields, diagnostics)),
    };
    fields.finish(diagnostics);
    resource
}

/// An authentication context, `c1` to `c99`, in either case.
pub(super) fn read_authentication_context<'n>(
    key: &'static str,
    fields: &mut Members<'n>,
    diagnostics: &mut Diagnostics,
) -> Option<Cow<'n, str>> {
    let number = |text: &str| text.strip_prefix('c').filter(|digits| !digits.starts_with(['0', '+']))?.parse().ok();
    let is_context = |text: &Cow<'_, str>| number(text).is_some_and(|number: u8| number <= 99);
    parsed(fields, key, "an authentication context, `c1` to `c99`", diagnostics, |text| {
        let lower = if text.starts_with('C') { Cow::Owned(text.to_ascii_lowercase()) } else { Cow::Borrowed(text) };
        Some(lower).filter(is_context)
    })
}

fn read_scopes<'n>(fields: &mut Members<'n>, diagnostics: &mut Diagnostics) -> Vec<&'n str> {
    let nodes = fields.list("scopes", limits::SCOPES_MAX, diagnostics).unwrap_or_default();
    let path = fields.path_of("scopes");
    let mut scope = |node: &'n Node<'n>| {
        let scope = name(node, &path, diagnostics)?;
        if !is_scope(scope) {
            diagnostics.push(Diagnostic::new(&rules::FIELD_VALUE, node.span, format!("`{path}` {NO_SCOPE}")));
        }
        Some(scope)
    };
    nodes.iter().filter_map(&mut scope).collect()
}

fn read_target<'n>(mut fields: Members<'n>, diagnostics: &mut Diagnostics) -> Option<Target<'n>> {
    for key in ["type", "id"] {
        if fields.member(key).is_none() {
            fields.missing(key, "a target has a `type` and an `id`", diagnostics);
        }
    }
    let kind = bounded_text("type", limits::TARGET_TYPE_BYTES_MAX, &mut fields, diagnostics);
    let id = bounded_text("id", limits::TARGET_ID_BYTES_MAX, &mut fields, diagnostics);
    fields.finish(diagnostics);
    kind.zip(id).map(|(kind, id)| Target { kind, id })
}

/// A text that is not empty and has at most `most` bytes.
fn bounded_text<'n>(
    key: &'static str,
    most: usize,
    fields: &mut Members<'n>,
    diagnostics: &mut Diagnostics,
) -> Option<&'n str> {
    let node = fields.member(key)?;
    let text = fields.name(key, diagnostics)?;
    if text.len() > most {
        let what = format!("`{}` has {} bytes", fields.path_of(key), text.len());
        diagnostics.push(Diagnostic::new(&rules::FIELD_LIMIT, node.span, what).help(format!("at most {most}")));
        return None;
    }
    Some(text)
}

fn read_network(mut fields: Members<'_>, diagnostics: &mut Diagnostics) -> Network {
    let network = Network {
        ip_address: read_address(&mut fields, diagnostics),
        country: read_country(&mut fields, diagnostics),
        gps_country: parsed(&mut fields, "gpsCountry", COUNTRY, diagnostics, Country::new),
        compliant_network: fields.boolean("compliantNetwork", diagnostics),
    };
    fields.finish(diagnostics);
    network
}

/// `ipAddress`. The parser takes neither zone ids nor leading zeros, which other programs read as octal.
pub(super) fn read_address(fields: &mut Members<'_>, diagnostics: &mut Diagnostics) -> Option<IpAddr> {
    let address = |text: &str| text.parse::<IpAddr>().ok().map(canonical);
    parsed(fields, "ipAddress", "an IPv4 or IPv6 address without a zone", diagnostics, address)
}

/// `country`.
pub(super) fn read_country(fields: &mut Members<'_>, diagnostics: &mut Diagnostics) -> Option<CountryFact> {
    parsed(fields, "country", COUNTRY, diagnostics, CountryFact::new)
}

const COUNTRY: &str = "a country of two letters, ISO 3166-1 alpha-2";

fn read_risk(mut fields: Members<'_>, diagnostics: &mut Diagnostics) -> Risk {
    let mut level = |key, diagnostics: &mut Diagnostics| fields.word(key, &[], diagnostics).unwrap_or(RiskLevel::None);
    let mut risk = Risk {
        service_principal: level("servicePrincipal", diagnostics),
        sign_in: level("signIn", diagnostics),
        user: level("user", diagnostics),
        agent: level("agent", diagnostics),
        insider: InsiderRiskLevel::None,
    };
    if let Some(insider) = fields.word("insider", &[], diagnostics) {
        risk.insider = insider;
    }
    fields.finish(diagnostics);
    risk
}

pub(super) const EXTENSION_ATTRIBUTES: [&str; 15] = [
    "extensionAttribute1",
    "extensionAttribute2",
    "extensionAttribute3",
    "extensionAttribute4",
    "extensionAttribute5",
    "extensionAttribute6",
    "extensionAttribute7",
    "extensionAttribute8",
    "extensionAttribute9",
    "extensionAttribute10",
    "extensionAttribute11",
    "extensionAttribute12",
    "extensionAttribute13",
    "extensionAttribute14",
    "extensionAttribute15",
];

fn read_device<'n>(mut fields: Members<'n>, diagnostics: &mut Diagnostics) -> Device<'n> {
    let device = device_members(&mut fields, diagnostics);
    fields.finish(diagnostics);
    device
}

/// A device, in the names that Graph's `deviceInfo` has too.
pub(super) fn device_members<'n>(fields: &mut Members<'n>, diagnostics: &mut Diagnostics) -> Device<'n> {
    let mut text = |key, diagnostics: &mut Diagnostics| fields.text(key, diagnostics).map(Cow::Borrowed);
    Device {
        device_id: text("deviceId", diagnostics),
        display_name: text("displayName", diagnostics),
        ownership: text("ownership", diagnostics),
        enrollment_profile_name: text("enrollmentProfileName", diagnostics),
        manufacturer: text("manufacturer", diagnostics),
        model: text("model", diagnostics),
        mdm_app_id: text("mdmAppId", diagnostics),
        operating_system: text("operatingSystem", diagnostics),
        operating_system_version: text("operatingSystemVersion", diagnostics),
        profile_type: text("profileType", diagnostics),
        trust_type: text("trustType", diagnostics),
        extension_attributes: EXTENSION_ATTRIBUTES.map(|key| text(key, diagnostics)),
        is_compliant: fields.boolean("isCompliant", diagnostics),
        physical_ids: texts(fields, "physicalIds", diagnostics),
        system_labels: texts(fields, "systemLabels", diagnostics),
    }
}

fn read_credential<'n>(mut fields: Members<'n>, diagnostics: &mut Diagnostics) -> Credential<'n> {
    let credential = Credential {
        kind: fields.word("type", &[], diagnostics),
        key_id: fields.text("keyId", diagnostics),
        federated_issuer: fields.text("federatedIssuer", diagnostics),
        federated_subject: fields.text("federatedSubject", diagnostics),
    };
    fields.finish(diagnostics);
    credential
}

fn read_satisfied<'n>(mut fields: Members<'n>, diagnostics: &mut Diagnostics) -> Satisfied<'n> {
    let controls = fields.list("builtInControls", usize::MAX, diagnostics).unwrap_or_default();
    let path = fields.path_of("builtInControls");
    let built_in: Set<_> =
        controls.iter().filter_map(|node| word(node, &path, &[GrantControl::Block], diagnostics)).collect();
    let methods = fields.list("authenticationMethods", usize::MAX, diagnostics).unwrap_or_default();
    let path = fields.path_of("authenticationMethods");
    let methods = methods.iter().filter_map(|node| word(node, &path, &[], diagnostics)).collect();
    let mut ids = |key, diagnostics: &mut Diagnostics| ids(&mut fields, key, limits::GROUPS_MAX, diagnostics);
    let satisfied = Satisfied {
        built_in,
        methods,
        authentication_strengths: ids("authenticationStrengths", diagnostics).unwrap_or_default(),
        terms_of_use: ids("termsOfUse", diagnostics).unwrap_or_default(),
        custom_factors: ids("customAuthenticationFactors", diagnostics).unwrap_or_default(),
    };
    fields.finish(diagnostics);
    satisfied
}

fn read_request_id<'n>(fields: &mut Members<'n>, diagnostics: &mut Diagnostics) -> Option<&'n str> {
    let node = fields.member("requestId")?;
    let id = bounded_text("requestId", limits::REQUEST_ID_BYTES_MAX, fields, diagnostics)?;
    if id.chars().any(char::is_control) {
        diagnostics.push(Diagnostic::new(&rules::FIELD_VALUE, node.span, "`requestId` has control characters"));
        return None;
    }
    Some(id)
}

/// Facts for custom conditions: an object of any shape, but not of any depth.
fn read_free_attributes<'n>(fields: &mut Members<'n>, diagnostics: &mut Diagnostics) -> FreeAttributes<'n> {
    const KEY: &str = "attributes";
    let node = fields.member(KEY);
    if fields.object(KEY, diagnostics).is_none() {
        return FreeAttributes::default();
    }
    let Some(node) = node else { return FreeAttributes::default() };
    if is_deeper(node, limits::REQUEST_DEPTH_MAX) {
        let what = format!("`{KEY}` is nested deeper than {} levels", limits::REQUEST_DEPTH_MAX);
        diagnostics.push(Diagnostic::new(&rules::FIELD_LIMIT, node.span, what));
    }
    FreeAttributes::new(node)
}

/// A number that JSON readers agree on: doubles have every whole one below 2^53.
fn whole(number: i64) -> Option<FreeValue<'static>> {
    (number.unsigned_abs() < 1 << 53).then_some(FreeValue::Number(number))
}

impl FreeFacts for Node<'_> {
    fn each(&self, found: &mut dyn FnMut(&str, FreeValue<'_>)) {
        for entry in self.as_map().unwrap_or_default() {
            let value = match &entry.node.value {
                Value::String(text) => Some(FreeValue::Text(text)),
                Value::Integer(number) => whole(*number),
                #[expect(clippy::cast_possible_truncation, reason = "whole; what is too large is left out")]
                Value::Float(number) if number.fract() == 0.0 => whole(*number as i64),
                Value::Bool(flag) => Some(FreeValue::Flag(*flag)),
                Value::List(nodes) => nodes.iter().map(Node::as_str).collect::<Option<_>>().map(FreeValue::Texts),
                _ => None,
            };
            if let Some(value) = value {
                found(&entry.key, value);
            }
        }
    }

    fn carries(&self, name: &str) -> bool {
        self.member(name).is_some()
    }
}

/// Whether `node` nests objects and lists more than `levels` deep.
fn is_deeper(node: &Node<'_>, levels: usize) -> bool {
    let is_deeper_below = |inner: &Node<'_>| is_deeper(inner, levels.saturating_sub(1));
    match &node.value {
        Value::Map(_) | Value::List(_) if levels == 0 => true,
        Value::Map(entries) => entries.iter().any(|entry| is_deeper_below(&entry.node)),
        Value::List(nodes) => nodes.iter().any(is_deeper_below),
        _ => false,
    }
}

/// Custom security attributes: an object of sets, each an object of attributes. As Graph exports them, with their
/// OData annotations, or written by hand.
fn read_attributes<'n>(fields: &mut Members<'n>, diagnostics: &mut Diagnostics) -> Option<Attributes<'n>> {
    const KEY: &str = "customSecurityAttributes";
    let node = fields.member(KEY)?;
    let path = fields.path_of(KEY);
    let Some(sets) = node.as_map() else {
        diagnostics.push(wrong_type(node, &path, "an object of attribute sets"));
        return None;
    };
    let mut attributes = Attributes::default();
    for set in without_annotations(sets) {
        let Some(entries) = set.node.as_map() else {
            diagnostics.push(wrong_type(&set.node, &format!("{path}.{}", set.key), "an object of attributes"));
            continue;
        };
        for entry in without_annotations(entries).filter(|entry| entry.node.value != Value::Null) {
            if attributes.len() == limits::ATTRIBUTES_MAX {
                let what = format!("`{path}` has more than {} attributes", limits::ATTRIBUTES_MAX);
                diagnostics.push(Diagnostic::new(&rules::FIELD_LIMIT, entry.key_span, what));
                return None;
            }
            let Some(value) = attribute_value(&entry.node) else {
                let expected = "text, a list of text, a boolean or a number";
                diagnostics.push(wrong_type(&entry.node, &format!("{path}.{}.{}", set.key, entry.key), expected));
                continue;
            };
            if !attributes.insert(&set.key, &entry.key, value) {
                let what = format!("two attributes are called `{}_{}`", set.key, entry.key);
                let help = "filters join set and attribute with an underscore, in any case; name them apart";
                diagnostics.push(Diagnostic::new(&rules::FIELD_VALUE, entry.key_span, what).help(help));
            }
        }
    }
    Some(attributes)
}

fn without_annotations<'n>(entries: &'n [Entry<'n>]) -> impl Iterator<Item = &'n Entry<'n>> {
    entries.iter().filter(|entry| !is_annotation(&entry.key))
}

fn attribute_value<'n>(node: &'n Node<'n>) -> Option<AttributeValue<'n>> {
    match &node.value {
        Value::String(text) => Some(AttributeValue::Text(Cow::Borrowed(text))),
        Value::List(nodes) if !nodes.is_empty() && nodes.iter().all(is_number) => Some(AttributeValue::Other),
        Value::List(nodes) => {
            let texts: Option<Vec<_>> = nodes.iter().map(|node| node.as_str().map(Cow::Borrowed)).collect();
            texts.map(AttributeValue::Texts)
        }
        Value::Bool(_) | Value::Integer(_) | Value::Float(_) => Some(AttributeValue::Other),
        Value::Null | Value::Map(_) | Value::Packed(_) => None,
    }
}

fn is_number(node: &Node<'_>) -> bool {
    matches!(node.value, Value::Integer(_) | Value::Float(_))
}

/// An id.
pub(super) fn id<'n>(fields: &mut Members<'n>, key: &'static str, diagnostics: &mut Diagnostics) -> Option<IdRef<'n>> {
    let node = fields.member(key)?;
    id_of(node, &fields.path_of(key), diagnostics)
}

/// At most `max` ids.
pub(super) fn ids<'n>(
    fields: &mut Members<'n>,
    key: &'static str,
    max: usize,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<IdRef<'n>>> {
    let nodes = fields.list(key, max, diagnostics)?;
    let path = fields.path_of(key);
    Some(nodes.iter().filter_map(|node| id_of(node, &path, diagnostics)).collect())
}

fn id_of<'n>(node: &'n Node<'n>, path: &str, diagnostics: &mut Diagnostics) -> Option<IdRef<'n>> {
    let text = name(node, path, diagnostics)?;
    let id = IdRef::read(text);
    if let Err(flaw) = id {
        let what = format!("`{path}` {}", flaw.problem());
        diagnostics.push(Diagnostic::new(&rules::FIELD_VALUE, node.span, what));
    }
    id.ok()
}

fn texts<'n>(fields: &mut Members<'n>, key: &'static str, diagnostics: &mut Diagnostics) -> Vec<Cow<'n, str>> {
    let nodes = fields.list(key, usize::MAX, diagnostics).unwrap_or_default();
    let path = fields.path_of(key);
    nodes.iter().filter_map(|node| text(node, &path, diagnostics)).map(Cow::Borrowed).collect()
}

/// A text that `parse` understands; `expected` says what that is.
pub(super) fn parsed<'n, T>(
    fields: &mut Members<'n>,
    key: &'static str,
    expected: &str,
    diagnostics: &mut Diagnostics,
    parse: impl FnOnce(&'n str) -> Option<T>,
) -> Option<T> {
    let node = fields.member(key)?;
    let text = fields.text(key, diagnostics)?;
    let value = parse(text);
    if value.is_none() {
        let what = format!("`{}` of `{text}` is not {expected}", fields.path_of(key));
        diagnostics.push(Diagnostic::new(&rules::FIELD_VALUE, node.span, what));
    }
    value
}
