//! From a message to a token request.
//!
//! A fact that is present and cannot be used is refused with the path of its field, never taken for absent. The request
//! borrows from the message; for one that carries ids, an address and risk only the list of resources is allocated.

use std::borrow::Cow;
use std::net::IpAddr;

use prost_types::value::Kind;
use prost_types::{Struct, Value};

use super::json::too_deep;
use super::message::{self, Object, Text, Word};
use super::spelling::Spelling;
use crate::compile::prefix;
use crate::limits;
use crate::model::attribute::{AttributeValue, Attributes, is_annotation};
use crate::model::decision::InputError;
use crate::model::location::{Country, CountryFact, canonical};
use crate::model::request::{
    Credential, Device, Identity, NO_SCOPE, Network, Resource, Risk, Satisfied, Target, TokenRequest, is_scope,
};
use crate::model::{FreeAttributes, Id, IdFlaw, IdRef, IdentityKind, InsiderRiskLevel, RiskLevel, Set};

type Result<T> = std::result::Result<T, InputError>;

/// The token request that `message` means.
///
/// Errors: a field that cannot be used, by its path in JSON spelling. Cost: linear in the message.
pub fn token_request<'a>(message: &'a message::DecideRequest<'_>) -> Result<TokenRequest<'a>> {
    let (kind, id) = who(message)?;
    let mut request = TokenRequest::new(Identity::new(kind, id));
    fill(message, &mut request)?;
    Ok(request)
}

/// The first part of [`token_request`]: kind and id of the identity, without which there is no request.
///
/// Errors: as [`token_request`].
pub fn who<'a>(message: &'a message::DecideRequest<'_>) -> Result<(IdentityKind, IdRef<'a>)> {
    if let Some(id) = &message.request_id {
        request_id(id)?;
    }
    if let Some(attributes) = &message.attributes {
        shape(&attributes.0, "attributes", 1)?;
    }
    let identity = message.identity.as_ref().ok_or_else(|| InputError::invalid("identity", "is required"))?;
    let kind = word(identity.kind, "identity.type")?;
    let kind = kind.ok_or_else(|| InputError::invalid("identity.type", "is required"))?;
    let id = identity.id.as_deref().ok_or_else(|| InputError::invalid("identity.id", "is required"))?;
    Ok((kind, self::id(id, "identity.id")?))
}

/// The rest of [`token_request`]: puts all else into `request`, of which only [`who`] is known.
///
/// WHY: most facts are absent, and moving a request about took longer than reading it.
///
/// Errors: as [`token_request`].
pub fn fill<'a>(message: &'a message::DecideRequest<'_>, request: &mut TokenRequest<'a>) -> Result<()> {
    if let Some(message) = &message.identity {
        identity(message, &mut request.identity)?;
    }
    request.client_app = word(message.client_app, "clientApp")?;
    request.platform = word(message.platform, "platform")?;
    request.authentication_flow = word(message.authentication_flow, "authenticationFlow")?;
    request.action = bounded_text(message.action.as_deref(), limits::ACTION_BYTES_MAX, "action")?;
    if let Some(message) = &message.resource {
        resource(message, &mut request.resource)?;
    }
    if let Some(message) = &message.network {
        network(message, &mut request.network)?;
    }
    if let Some(message) = &message.risk {
        request.risk = risk(message)?;
    }
    if let Some(message) = message.device.as_deref() {
        request.device = Some(Box::new(device(message)));
    }
    if let Some(message) = &message.credential {
        credential(message, &mut request.credential)?;
    }
    if let Some(message) = message.satisfied.as_deref() {
        request.satisfied = satisfied(message)?;
    }
    if let Some(free) = &message.attributes {
        request.attributes = FreeAttributes::new(free);
    }
    Ok(())
}

/// Whether a request id can be echoed and logged as it is.
pub fn is_request_id(id: &str) -> bool {
    // WHY: of most ids a look at all bytes at once is enough.
    let is_plain = id.bytes().fold(true, |plain, byte| plain & (b' '..=b'~').contains(&byte));
    id.len() <= limits::REQUEST_ID_BYTES_MAX && !Id::is_blank(id) && (is_plain || !id.chars().any(char::is_control))
}

fn request_id(id: &str) -> Result<()> {
    if !is_request_id(id) {
        let most = limits::REQUEST_ID_BYTES_MAX;
        return Err(InputError::invalid(
            "requestId",
            format!("must be 1 to {most} bytes, not blank and without control characters"),
        ));
    }
    Ok(())
}

fn identity<'a>(message: &'a message::Identity<'_>, identity: &mut Identity<'a>) -> Result<()> {
    set_id(&mut identity.app_id, &message.app_id, "identity.appId")?;
    set_id(&mut identity.owner_tenant, &message.owner_tenant, "identity.ownerTenant")?;
    set_id(&mut identity.home_tenant, &message.home_tenant, "identity.homeTenant")?;
    set_id(&mut identity.blueprint, &message.blueprint, "identity.blueprint")?;
    identity.audience = word(message.audience, "identity.audience")?;
    identity.guest_type = word(message.guest_type, "identity.guestType")?;
    if let Some(message) = &message.attributes {
        identity.attributes = Some(attributes(message, "identity.customSecurityAttributes")?);
    }
    if let Some(groups) = &message.groups {
        identity.groups = Some(ids(&groups.ids, limits::GROUPS_MAX, "identity.groups")?);
    }
    if let Some(roles) = &message.roles {
        identity.roles = Some(ids(&roles.ids, limits::GROUPS_MAX, "identity.roles")?);
    }
    Ok(())
}

fn resource<'a>(message: &'a message::Resource<'_>, resource: &mut Resource<'a>) -> Result<()> {
    resource.app_ids = ids(&message.app_ids, limits::RESOURCES_MAX, "resource.appIds")?;
    resource.kind = word(message.kind, "resource.type")?;
    resource.user_action = word(message.user_action, "resource.userAction")?;
    if let Some(text) = &message.authentication_context {
        resource.authentication_context = Some(authentication_context(text)?);
    }
    if let Some(message) = &message.attributes {
        resource.attributes = Some(attributes(message, "resource.customSecurityAttributes")?);
    }
    resource.scopes = scopes(&message.scopes)?;
    if let Some(message) = &message.target {
        resource.target = Some(target(message)?);
    }
    Ok(())
}

fn target<'a>(message: &'a message::Target<'_>) -> Result<Target<'a>> {
    let part = |text, most, field| match bounded_text(text, most, field) {
        Ok(None) => Err(InputError::invalid(field, "is required")),
        Ok(Some(text)) => Ok(text),
        Err(error) => Err(error),
    };
    Ok(Target {
        kind: part(message.kind.as_deref(), limits::TARGET_TYPE_BYTES_MAX, "resource.target.type")?,
        id: part(message.id.as_deref(), limits::TARGET_ID_BYTES_MAX, "resource.target.id")?,
    })
}

/// A text of 1 to `most` bytes, if there is one.
fn bounded_text<'a>(text: Option<&'a str>, most: usize, field: &str) -> Result<Option<&'a str>> {
    match text {
        Some(text) if text.is_empty() || text.len() > most => {
            Err(InputError::invalid(field, format!("must be 1 to {most} bytes")))
        }
        text => Ok(text),
    }
}

fn scopes<'a>(list: &'a [Text<'_>]) -> Result<Vec<&'a str>> {
    const FIELD: &str = "resource.scopes";
    bounded(list, limits::SCOPES_MAX, FIELD)?;
    if let Some(place) = list.iter().position(|text| !is_scope(text)) {
        return Err(InputError::invalid(format!("{FIELD}[{place}]"), NO_SCOPE));
    }
    Ok(list.iter().map(|text| &**text).collect())
}

/// `c1` to `c99`, in lower case.
fn authentication_context(text: &str) -> Result<Cow<'_, str>> {
    let is_valid = matches!(text.as_bytes(), [b'c' | b'C', b'1'..=b'9'] | [b'c' | b'C', b'1'..=b'9', b'0'..=b'9']);
    match is_valid {
        true if text.starts_with('C') => Ok(Cow::Owned(text.to_ascii_lowercase())),
        true => Ok(Cow::Borrowed(text)),
        false => Err(InputError::invalid("resource.authenticationContext", "must be `c1` to `c99`")),
    }
}

fn network(message: &message::Network<'_>, network: &mut Network) -> Result<()> {
    let country = |text: &str| CountryFact::new(text).ok_or_else(|| InputError::invalid("network.country", COUNTRY));
    let gps_country = |text: &str| Country::new(text).ok_or_else(|| InputError::invalid("network.gpsCountry", COUNTRY));
    network.ip_address = message.ip_address.as_deref().map(ip_address).transpose()?;
    network.country = message.country.as_deref().map(country).transpose()?;
    network.gps_country = message.gps_country.as_deref().map(gps_country).transpose()?;
    network.compliant_network = message.compliant_network;
    Ok(())
}

const COUNTRY: &str = "must be two letters, as ISO 3166-1 alpha-2 has them";

/// An address without zone, prefix length or port; an IPv4-mapped one is the IPv4 address.
fn ip_address(text: &str) -> Result<IpAddr> {
    let problem = "must be an IPv4 or IPv6 address without zone or port";
    prefix::address(text).map(canonical).ok_or_else(|| InputError::invalid("network.ipAddress", problem))
}

fn risk(message: &message::Risk) -> Result<Risk> {
    let level = |level, field| Ok::<_, InputError>(word(level, field)?.unwrap_or(RiskLevel::None));
    Ok(Risk {
        service_principal: level(message.service_principal, "risk.servicePrincipal")?,
        sign_in: level(message.sign_in, "risk.signIn")?,
        user: level(message.user, "risk.user")?,
        agent: level(message.agent, "risk.agent")?,
        insider: word(message.insider, "risk.insider")?.unwrap_or(InsiderRiskLevel::None),
    })
}

fn device<'a>(message: &'a message::Device<'_>) -> Device<'a> {
    fn borrowed<'a>(field: &'a Option<Text<'_>>) -> Option<Cow<'a, str>> {
        field.as_deref().map(Cow::Borrowed)
    }
    fn all<'a>(list: &'a [Text<'_>]) -> Vec<Cow<'a, str>> {
        list.iter().map(|text| Cow::Borrowed(&**text)).collect()
    }
    Device {
        device_id: borrowed(&message.device_id),
        display_name: borrowed(&message.display_name),
        ownership: borrowed(&message.ownership),
        enrollment_profile_name: borrowed(&message.enrollment_profile_name),
        is_compliant: message.is_compliant,
        manufacturer: borrowed(&message.manufacturer),
        model: borrowed(&message.model),
        mdm_app_id: borrowed(&message.mdm_app_id),
        operating_system: borrowed(&message.operating_system),
        operating_system_version: borrowed(&message.operating_system_version),
        physical_ids: all(&message.physical_ids),
        profile_type: borrowed(&message.profile_type),
        system_labels: all(&message.system_labels),
        trust_type: borrowed(&message.trust_type),
        extension_attributes: [
            borrowed(&message.extension_attribute1),
            borrowed(&message.extension_attribute2),
            borrowed(&message.extension_attribute3),
            borrowed(&message.extension_attribute4),
            borrowed(&message.extension_attribute5),
            borrowed(&message.extension_attribute6),
            borrowed(&message.extension_attribute7),
            borrowed(&message.extension_attribute8),
            borrowed(&message.extension_attribute9),
            borrowed(&message.extension_attribute10),
            borrowed(&message.extension_attribute11),
            borrowed(&message.extension_attribute12),
            borrowed(&message.extension_attribute13),
            borrowed(&message.extension_attribute14),
            borrowed(&message.extension_attribute15),
        ],
    }
}

fn credential<'a>(message: &'a message::Credential<'_>, credential: &mut Credential<'a>) -> Result<()> {
    credential.kind = word(message.kind, "credential.type")?;
    credential.key_id = message.key_id.as_deref();
    credential.federated_issuer = message.federated_issuer.as_deref();
    credential.federated_subject = message.federated_subject.as_deref();
    Ok(())
}

fn satisfied<'a>(message: &'a message::Satisfied<'_>) -> Result<Satisfied<'a>> {
    let ids = |list, field| ids(list, limits::GROUPS_MAX, field);
    Ok(Satisfied {
        built_in: words(&message.built_in_controls, "satisfied.builtInControls")?,
        methods: words(&message.authentication_methods, "satisfied.authenticationMethods")?,
        authentication_strengths: ids(&message.authentication_strengths, "satisfied.authenticationStrengths")?,
        terms_of_use: ids(&message.terms_of_use, "satisfied.termsOfUse")?,
        custom_factors: ids(&message.custom_authentication_factors, "satisfied.customAuthenticationFactors")?,
    })
}

fn words<W: Spelling + crate::model::set::Word>(list: &[Word<W>], field: &'static str) -> Result<Set<W>> {
    let mut set = Set::EMPTY;
    for (place, number) in list.iter().enumerate() {
        let found = word(*number, field).map_err(|error| InputError { field: format!("{field}[{place}]"), ..error })?;
        set.insert(found.ok_or_else(|| InputError::invalid(format!("{field}[{place}]"), "must not be empty"))?);
    }
    Ok(set)
}

/// The word of a number; 0 is absent.
#[inline]
fn word<W: Spelling>(word: Word<W>, field: &'static str) -> Result<Option<W>> {
    if word.number == 0 {
        return Ok(None);
    }
    let known = || InputError::invalid(field, format!("must be an enum number from 0 to {}", W::MEMBERS.len()));
    W::of_number(word.number).map(Some).ok_or_else(known)
}

fn id<'a>(text: &'a str, field: &str) -> Result<IdRef<'a>> {
    IdRef::read(text).map_err(|flaw| InputError::invalid(field, flaw.problem()))
}

/// Sets `id` if `text` is there.
#[inline]
fn set_id<'a>(id: &mut Option<IdRef<'a>>, text: &'a Option<Text<'_>>, field: &str) -> Result<()> {
    if let Some(text) = text {
        *id = Some(self::id(text, field)?);
    }
    Ok(())
}

fn ids<'a>(list: &'a [Text<'_>], most: usize, field: &str) -> Result<Vec<IdRef<'a>>> {
    bounded(list, most, field)?;
    let mut ids = Vec::with_capacity(list.len());
    for (place, text) in list.iter().enumerate() {
        let invalid = |flaw: IdFlaw| InputError::invalid(format!("{field}[{place}]"), flaw.problem());
        ids.push(IdRef::read(text).map_err(invalid)?);
    }
    Ok(ids)
}

/// At most so many texts.
fn bounded(list: &[Text<'_>], most: usize, field: &str) -> Result<()> {
    if list.len() > most {
        return Err(InputError::invalid(field, format!("must have at most {most} entries")));
    }
    Ok(())
}

/// Custom security attributes: set, attribute, value.
///
/// Graph's own form carries annotations of OData beside the values; they say nothing new and are passed over.
fn attributes<'a>(message: &'a Object, field: &str) -> Result<Attributes<'a>> {
    let mut attributes = Attributes::default();
    for (set, members) in message.0.fields.iter().filter(|(name, _)| !is_annotation(name)) {
        let Some(Kind::StructValue(members)) = &members.kind else {
            return Err(InputError::invalid(format!("{field}.{set}"), "must be an object of attributes"));
        };
        for (name, value) in members.fields.iter().filter(|(name, _)| !is_annotation(name)) {
            let problem = |text: String| InputError::invalid(format!("{field}.{set}.{name}"), text);
            let Some(value) = attribute(value).map_err(|text| problem(text.to_owned()))? else {
                continue;
            };
            if attributes.len() >= limits::ATTRIBUTES_MAX {
                let most = limits::ATTRIBUTES_MAX;
                return Err(InputError::invalid(field, format!("must have at most {most} attributes")));
            }
            if !attributes.insert(set, name, value) {
                return Err(problem("is given twice: names are compared without regard to case".to_owned()));
            }
        }
    }
    Ok(attributes)
}

/// `None` for null, which is how Graph writes an attribute that is not assigned.
fn attribute(value: &Value) -> std::result::Result<Option<AttributeValue<'_>>, &'static str> {
    const PROBLEM: &str = "must be text, a list of texts, a boolean or a number";
    match &value.kind {
        None | Some(Kind::NullValue(_)) => Ok(None),
        Some(Kind::StringValue(text)) => Ok(Some(AttributeValue::Text(Cow::Borrowed(text)))),
        Some(Kind::BoolValue(_) | Kind::NumberValue(_)) => Ok(Some(AttributeValue::Other)),
        Some(Kind::StructValue(_)) => Err(PROBLEM),
        Some(Kind::ListValue(list)) => {
            let kinds = || list.values.iter().map(|value| &value.kind);
            if !list.values.is_empty() && kinds().all(|kind| matches!(kind, Some(Kind::NumberValue(_)))) {
                return Ok(Some(AttributeValue::Other));
            }
            let texts: Option<Vec<_>> = kinds()
                .map(|kind| match kind {
                    Some(Kind::StringValue(text)) => Some(Cow::Borrowed(text.as_str())),
                    _ => None,
                })
                .collect();
            texts.map(|texts| Some(AttributeValue::Texts(texts))).ok_or(PROBLEM)
        }
    }
}

/// Checks a free object: depth, and numbers that JSON can write.
fn shape(object: &Struct, path: &str, depth: usize) -> Result<()> {
    if depth > limits::REQUEST_DEPTH_MAX {
        return Err(InputError::invalid(path, too_deep()));
    }
    object.fields.iter().try_for_each(|(name, value)| shape_of_value(value, &format!("{path}.{name}"), depth))
}

fn shape_of_value(value: &Value, path: &str, depth: usize) -> Result<()> {
    match &value.kind {
        Some(Kind::StructValue(object)) => shape(object, path, depth + 1),
        Some(Kind::ListValue(_)) if depth + 1 > limits::REQUEST_DEPTH_MAX => Err(InputError::invalid(path, too_deep())),
        Some(Kind::ListValue(list)) => (0..)
            .zip(&list.values)
            .try_for_each(|(place, value): (usize, _)| shape_of_value(value, &format!("{path}[{place}]"), depth + 1)),
        Some(Kind::NumberValue(number)) if !number.is_finite() => {
            Err(InputError::invalid(path, "must be a finite number"))
        }
        _ => Ok(()),
    }
}
