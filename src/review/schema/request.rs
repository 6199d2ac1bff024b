//! A token request as a test case writes it; what is left out may come from the defaults of the file.

use serde_json::{Value, json};

use super::object::{Object, any_of, attributes, boolean, list, text, texts, words};
use crate::limits;
use crate::model::{
    AuthenticationMethod, ClientApp, CredentialType, GrantControl, GuestType, IdentityKind, InsiderRiskLevel, Platform,
    ResourceKind, RiskLevel, SignInAudience, TransferMethod, UserAction,
};

/// The request.
pub(super) fn request() -> Value {
    fields().closed()
}

fn fields() -> Object {
    let timestamp = json!({ "type": "string", "format": "date-time" });
    let attributes = json!({ "type": "object" });
    Object::new()
        .member("use", "The fixture that this is laid over.", text())
        .member("identity", "Who asks, or the name of a fixture.", named(identity()))
        .member("resource", "What the token is for.", resource())
        .member("network", "Where the request comes from, or the name of a fixture.", named(network()))
        .member("risk", "How risky it is; none if left out.", risk())
        .member("clientApp", "The kind of client app.", words(&[ClientApp::All]))
        .member("platform", "The platform.", words(&[Platform::All]))
        .member("device", "The device, or the name of a fixture; unregistered if left out.", named(device()))
        .member("authenticationFlow", "The authentication flow.", words::<TransferMethod>(&[]))
        .member("credential", "What the identity proved itself with.", credential())
        .member("satisfied", "Controls that are satisfied.", satisfied())
        .member("attributes", "Facts for conditions in Cedar.", attributes)
        .member("action", "What is asked for, in the caller's words.", named_thing(limits::ACTION_BYTES_MAX))
        .member("time", "When the decision is made.", timestamp)
        .member("requestId", "The id of the request.", text())
        .member("explain", "Whether a trace is asked for.", boolean())
}

/// Values for paths of the request.
pub(super) fn matrix() -> Value {
    let fields: Vec<_> = fields().keys();
    let parts = [
        ("identity", named(identity())),
        ("resource", resource()),
        ("network", named(network())),
        ("risk", risk()),
        ("device", named(device())),
        ("credential", credential()),
        ("satisfied", satisfied()),
        ("identity.customSecurityAttributes", attributes()),
        ("resource.customSecurityAttributes", attributes()),
    ];
    let parts = parts.into_iter().map(|(key, part)| (key.to_owned(), list(any_of([part, json!({ "type": "null" })]))));
    json!({
        "type": "object",
        "properties": parts.collect::<serde_json::Map<_, _>>(),
        "propertyNames": { "pattern": format!("^({})([.]|$)", fields.join("|")) },
        "additionalProperties": { "type": "array" },
    })
}

/// A part of a request, or the name of the fixture that it is.
fn named(part: Value) -> Value {
    any_of([text(), part])
}

/// An identity.
pub(super) fn identity() -> Value {
    Object::new()
        .member("use", "The fixture that this is laid over.", text())
        .member("type", "What kind of identity.", words::<IdentityKind>(&[]))
        .member("id", "Its object id.", text())
        .member("appId", "The id of its application.", text())
        .member("ownerTenant", "The tenant that owns the application.", text())
        .member("audience", "Who may sign in to the application.", words::<SignInAudience>(&[]))
        .member("customSecurityAttributes", "Attributes, by set and name.", attributes())
        .member("groups", "All groups of a user.", texts())
        .member("roles", "All roles of a user, as template ids.", texts())
        .member("guestType", "What kind of guest a user is.", words::<GuestType>(&[]))
        .member("homeTenant", "The home tenant of an external user.", text())
        .member("blueprint", "The blueprint of an agent identity.", text())
        .closed()
}

fn resource() -> Value {
    let context = json!({ "type": "string", "pattern": "^[cC][1-9][0-9]?$" });
    let app_ids = json!({ "type": "array", "items": text(), "maxItems": limits::RESOURCES_MAX });
    let scopes = json!({ "type": "array", "items": text(), "maxItems": limits::SCOPES_MAX });
    Object::new()
        .member("appIds", "App ids of the resources.", app_ids)
        .member("type", "What kind of object they are.", words::<ResourceKind>(&[]))
        .member("userAction", "A user action, in their place.", words::<UserAction>(&[]))
        .member("authenticationContext", "The authentication context, `c1` to `c99`.", context)
        .member("customSecurityAttributes", "Attributes, by set and name.", attributes())
        .member("scopes", "All scopes that are asked for.", scopes)
        .member("target", "The thing itself, where it is finer than an application.", target())
        .closed()
}

fn target() -> Value {
    Object::new()
        .member("type", "Its kind, for example `route`.", named_thing(limits::TARGET_TYPE_BYTES_MAX))
        .member("id", "Which one.", named_thing(limits::TARGET_ID_BYTES_MAX))
        .closed()
}

/// A text that is not empty; JSON Schema counts characters, of which there are no more than bytes.
fn named_thing(most: usize) -> Value {
    json!({ "type": "string", "minLength": 1, "maxLength": most })
}

/// A network.
pub(super) fn network() -> Value {
    let country = || json!({ "type": "string", "pattern": "^[A-Za-z]{2}$" });
    Object::new()
        .member("use", "The fixture that this is laid over.", text())
        .member("ipAddress", "The address that the token service sees.", text())
        .member("country", "Its country, if the caller looked it up; `ZZ` for none.", country())
        .member("gpsCountry", "The country that the Authenticator app reports.", country())
        .member("compliantNetwork", "Whether it comes through the compliant network.", boolean())
        .closed()
}

fn risk() -> Value {
    Object::new()
        .member("servicePrincipal", "Of the service principal.", words::<RiskLevel>(&[]))
        .member("signIn", "Of the sign-in.", words::<RiskLevel>(&[]))
        .member("user", "Of the user.", words::<RiskLevel>(&[]))
        .member("agent", "Of the agent.", words::<RiskLevel>(&[]))
        .member("insider", "Insider risk.", words::<InsiderRiskLevel>(&[]))
        .closed()
}

/// A device.
pub(super) fn device() -> Value {
    let texts_of = [
        "deviceId",
        "displayName",
        "ownership",
        "enrollmentProfileName",
        "manufacturer",
        "model",
        "mdmAppId",
        "operatingSystem",
        "operatingSystemVersion",
        "profileType",
        "trustType",
    ];
    let device = texts_of.into_iter().chain(super::super::request::EXTENSION_ATTRIBUTES);
    device
        .fold(Object::new(), |object, key| object.member(key, "As `device.` of a filter rule has it.", text()))
        .member("use", "The fixture that this is laid over.", text())
        .member("isCompliant", "Whether it is compliant.", boolean())
        .member("physicalIds", "Physical ids.", texts())
        .member("systemLabels", "System labels.", texts())
        .closed()
}

fn credential() -> Value {
    Object::new()
        .member("type", "The kind.", words::<CredentialType>(&[]))
        .member("keyId", "Id of the key, secret or certificate.", text())
        .member("federatedIssuer", "Issuer of a federated credential.", text())
        .member("federatedSubject", "Subject of a federated credential.", text())
        .closed()
}

fn satisfied() -> Value {
    Object::new()
        .member("builtInControls", "Built-in controls.", list(words(&[GrantControl::Block])))
        .member("authenticationMethods", "Methods that were used.", list(words::<AuthenticationMethod>(&[])))
        .member("authenticationStrengths", "Authentication strengths, by id.", texts())
        .member("termsOfUse", "Agreements, by id.", texts())
        .member("customAuthenticationFactors", "Custom controls, by id.", texts())
        .closed()
}
