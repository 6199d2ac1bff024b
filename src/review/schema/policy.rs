//! Policies, named locations and authentication strengths, in the shapes of Graph and as written by hand.

use serde_json::{Value, json};

use super::object::{Object, any_of, boolean, dispatch, flags, list, names, text, texts, word, words};
use super::{insert, integer, reference};
use crate::limits;
use crate::model::set::Word;
use crate::model::shaping::{NOTIFICATION, RESERVED_CLAIMS, SESSION_TERMINATION};
use crate::model::{
    AuthenticationMethod, ClientApp, CloudAppSecurity, ContinuousAccessEvaluation, FilterMode, FrequencyFactors,
    FrequencyInterval, FrequencyUnit, GrantControl, GuestType, InsiderRiskLevel, Operator, PersistentBrowser, Platform,
    RiskLevel, State, TransferMethod, UserAction,
};

const DATES: [&str; 2] = ["createdDateTime", "modifiedDateTime"];

/// A policy.
pub(super) fn policy() -> Value {
    Object::new()
        .member("id", "Graph's id.", text())
        .member("displayName", "The name people use.", text())
        .required("state", "Whether and how it takes part.", words::<State>(&[]))
        .required("conditions", "When it applies; all of them must hold.", conditions())
        .member("when", "One more condition, in Cedar: an expression over the token request.", text())
        .member("grantControls", "What must be satisfied.", grant())
        .member("sessionControls", "What a token comes with.", session())
        .member("token", "How a token is shaped.", token())
        .member("obligations", "What callers are obliged to.", list(obligation()))
        .kept(&["templateId", "description", "deletedDateTime", "partialEnablementStrategy"])
        .kept(&DATES)
        .schema()
}

/// A template of Microsoft, which is read as a disabled policy.
pub(super) fn template() -> Value {
    let details = Object::new()
        .required("conditions", "When it applies; all of them must hold.", conditions())
        .member("grantControls", "What must be satisfied.", grant())
        .member("sessionControls", "What a token comes with.", session());
    Object::new()
        .member("id", "Graph's id.", text())
        .member("name", "The name people use.", text())
        .member("displayName", "The same.", text())
        .member("details", "What a policy made of it says.", details.schema())
        .kept(&["description", "scenarios"])
        .schema()
}

fn conditions() -> Value {
    let platforms = Object::new().member("includePlatforms", "In scope.", list(words::<Platform>(&[]))).member(
        "excludePlatforms",
        "Exempt.",
        list(words::<Platform>(&[])),
    );
    let places = ["All", "AllTrusted"];
    let locations = Object::new().member("includeLocations", "In scope, by id or name.", names(&places)).member(
        "excludeLocations",
        "Exempt, by id or name.",
        names(&places),
    );
    let devices = Object::new().member("deviceFilter", "Devices by their attributes.", filter()).kept(&[
        "includeDevices",
        "excludeDevices",
        "includeDeviceStates",
        "excludeDeviceStates",
    ]);
    let flows = Object::new().member("transferMethods", "Flows, separated by commas.", flags::<TransferMethod>(&[]));
    Object::new()
        .member("users", "Which users, agents' user accounts too.", users())
        .member("applications", "Which resources; all if left out.", resources())
        .member("clientApplications", "Which workloads and agent identities.", workloads())
        .member("clientAppTypes", "Which kinds of client app.", list(words::<ClientApp>(&[])))
        .member("platforms", "Which platforms.", platforms.schema())
        .member("locations", "Which locations.", locations.schema())
        .member("devices", "Which devices.", devices.schema())
        .member("signInRiskLevels", "Which sign-in risk.", list(words::<RiskLevel>(&[])))
        .member("userRiskLevels", "Which user risk.", list(words::<RiskLevel>(&[])))
        .member("servicePrincipalRiskLevels", "Which service principal risk.", list(words::<RiskLevel>(&[])))
        .member("agentIdRiskLevels", "Which agent risk, separated by commas.", flags::<RiskLevel>(&[]))
        .member("insiderRiskLevels", "Which insider risk, separated by commas.", flags::<InsiderRiskLevel>(&[]))
        .member("authenticationFlows", "Which authentication flows.", flows.schema())
        .kept(&["deviceStates", "clients", "times", "signInRiskDetections"])
        .schema()
}

fn users() -> Value {
    let known = ["All", "None", "GuestsOrExternalUsers", "AllAgentIdUsers"];
    let tenants = Object::new()
        .member("membershipKind", "Whether all tenants or some.", word(&["all", "enumerated"]))
        .member("members", "Tenant ids.", texts());
    let guests = Object::new()
        .member("guestOrExternalUserTypes", "Kinds, separated by commas.", flags::<GuestType>(&[]))
        .member("externalTenants", "From which tenants.", tenants.schema())
        .schema();
    Object::new()
        .member("includeUsers", "Users in scope, by object id.", names(&known))
        .member("excludeUsers", "Users exempt, by object id.", names(&known))
        .member("includeGroups", "Groups in scope, by object id.", texts())
        .member("excludeGroups", "Groups exempt, by object id.", texts())
        .member("includeRoles", "Roles in scope, by template id.", texts())
        .member("excludeRoles", "Roles exempt, by template id.", texts())
        .member("includeGuestsOrExternalUsers", "Guests in scope.", guests.clone())
        .member("excludeGuestsOrExternalUsers", "Guests exempt.", guests)
        .schema()
}

fn resources() -> Value {
    let known = ["All", "None", "Office365", "MicrosoftAdminPortals", "AllAgentIdResources"];
    let urns: Vec<_> = UserAction::ALL.iter().map(|action| action.urn()).collect();
    let contexts = json!({ "type": "string", "pattern": "^c[1-9][0-9]?$" });
    Object::new()
        .member("includeApplications", "In scope, by app id.", names(&known))
        .member("excludeApplications", "Exempt, by app id.", names(&known))
        .member("includeUserActions", "User actions, in the place of applications.", list(word(&urns)))
        .member(
            "includeAuthenticationContextClassReferences",
            "Authentication contexts, `c1` to `c99`.",
            list(contexts),
        )
        .member("applicationFilter", "Applications by their attributes.", filter())
        .kept(&["networkAccess", "globalSecureAccess"])
        .schema()
}

fn workloads() -> Value {
    let (own, agents) = (["ServicePrincipalsInMyTenant", "None"], ["All", "None"]);
    Object::new()
        .member("includeServicePrincipals", "In scope, by object id or name.", names(&own))
        .member("excludeServicePrincipals", "Exempt, by object id or name.", names(&own))
        .member("servicePrincipalFilter", "Service principals by their attributes.", filter())
        .member("includeAgentIdServicePrincipals", "Agent identities in scope.", names(&agents))
        .member("excludeAgentIdServicePrincipals", "Agent identities exempt.", names(&agents))
        .member("agentIdServicePrincipalFilter", "Agent identities by their attributes.", filter())
        .schema()
}

fn filter() -> Value {
    Object::new()
        .required("mode", "Whether those are in scope or exempt that the rule matches.", words::<FilterMode>(&[]))
        .required("rule", "The rule.", text())
        .schema()
}

fn grant() -> Value {
    Object::new()
        .member("operator", "How the controls combine.", words::<Operator>(&[]))
        .member("builtInControls", "Built-in controls; `block` stands alone.", list(words::<GrantControl>(&[])))
        .member("authenticationStrength", "An authentication strength.", strength())
        .member("termsOfUse", "Agreements, by id.", texts())
        .member("customAuthenticationFactors", "Custom controls, by id.", texts())
        .schema()
}

/// An authentication strength.
pub(super) fn strength() -> Value {
    Object::new()
        .required("id", "Its id.", text())
        .member("displayName", "The name people use.", text())
        .member(
            "allowedCombinations",
            "Combinations of methods, any of which satisfies it.",
            list(flags::<AuthenticationMethod>(&[])),
        )
        .kept(&["description", "policyType", "requirementsSatisfied", "combinationConfigurations"])
        .kept(&DATES)
        .schema()
}

fn session() -> Value {
    let control = |object: Object| object.member("isEnabled", "Whether it has an effect.", boolean()).schema();
    let mode = |schema: Value| control(Object::new().member("mode", "How.", schema));
    let frequency = Object::new()
        .member("value", "How many.", integer(1))
        .member("type", "Of what.", words::<FrequencyUnit>(&[]))
        .member("frequencyInterval", "After some time, or every time.", words::<FrequencyInterval>(&[]))
        .member("authenticationType", "Which factors.", words::<FrequencyFactors>(&[]));
    let profile = Object::new().member("profileId", "The id of the profile.", text());
    let cloud_app = Object::new().member("cloudAppSecurityType", "How.", words::<CloudAppSecurity>(&[]));
    Object::new()
        .member("signInFrequency", "How often a sign-in must be repeated.", timed(control(frequency)))
        .member("persistentBrowser", "Whether a browser stays signed in.", mode(words::<PersistentBrowser>(&[])))
        .member("cloudAppSecurity", "What Defender for Cloud Apps does.", control(cloud_app))
        .member(
            "continuousAccessEvaluation",
            "How tokens are evaluated later.",
            mode(words::<ContinuousAccessEvaluation>(&[])),
        )
        .member("applicationEnforcedRestrictions", "Applications restrict sessions.", control(Object::new()))
        .member("secureSignInSession", "Tokens are bound to devices.", control(Object::new()))
        .member("disableResilienceDefaults", "No tokens in an outage.", boolean())
        .member("globalSecureAccessFilteringProfile", "A filtering profile.", control(profile))
        .kept(&["networkAccessSecurity"])
        .schema()
}

fn token() -> Value {
    let lifetime = json!({ "type": "integer", "minimum": 1, "maximum": limits::TOKEN_LIFETIME_SECONDS_MAX });
    let values = json!({ "type": "array", "minItems": 1, "items": { "type": "string" } });
    let claims = json!({
        "type": "object",
        "propertyNames": { "not": { "enum": RESERVED_CLAIMS }, "pattern": "^[!#-\\[\\]-~]{1,128}$" },
        "additionalProperties": any_of([text(), values]),
    });
    Object::new()
        .member("lifetime", "Longest life, seconds.", lifetime)
        .member("claims", "Claims, each a text or a list of texts.", claims)
        .member("critical", "Names out of `claims` without which no token is issued.", texts())
        .closed()
}

fn obligation() -> Value {
    let stated = |kind: Value| {
        Object::new().required("type", "Its type.", kind).member("id", "Its id; otherwise it is made up.", text())
    };
    let told = |one: &str| json!({ "required": [one], "properties": { one: { "type": "string" } } });
    let notification = stated(word(&[NOTIFICATION]))
        .member("to", "Whom to tell.", text())
        .member("body", "What to tell.", text())
        .member("topic", "What it is about.", text());
    let mut notification = notification.closed();
    insert(&mut notification, "anyOf", json!([told("to"), told("topic")]));
    let termination = stated(word(&[SESSION_TERMINATION])).member("subject", "Whose sessions.", text());
    let uri = json!({ "type": "string", "pattern": "^[A-Za-z][A-Za-z0-9+.-]*:[!-~]+$" });
    let own = stated(uri).member("properties", "Passed on as they are.", json!({ "type": "object" }));
    dispatch([(is_of(NOTIFICATION), notification), (is_of(SESSION_TERMINATION), termination.closed())], own.closed())
}

fn is_of(kind: &str) -> Value {
    json!({ "required": ["type"], "properties": { "type": { "const": kind } } })
}

/// A frequency that is one of time has a number and a unit, unless it is switched off.
fn timed(frequency: Value) -> Value {
    let says = |key: &str, value: Value| json!({ "required": [key], "properties": { key: { "const": value } } });
    let is_untimed = [says("frequencyInterval", json!("everyTime")), says("isEnabled", json!(false))];
    json!({
        "allOf": [frequency],
        "if": { "anyOf": is_untimed },
        "else": { "required": ["value", "type"] },
    })
}

/// A named location.
pub(super) fn location() -> Value {
    let country = json!({ "type": "string", "pattern": "^[A-Za-z]{2}$" });
    Object::new()
        .member("id", "Graph's id.", text())
        .required("displayName", "The name people use.", text())
        .member("isTrusted", "Whether `AllTrusted` includes it.", boolean())
        .member("ipRanges", "Its address ranges.", list(reference("range")))
        .member("countriesAndRegions", "Its countries, ISO 3166-1 alpha-2.", list(country))
        .member("includeUnknownCountriesAndRegions", "Whether unmapped addresses are inside.", boolean())
        .member(
            "countryLookupMethod",
            "Where the country comes from.",
            word(&["clientIpAddress", "authenticatorAppGps"]),
        )
        .member("compliantNetworkType", "The compliant network.", word(&["allTenantCompliantNetworks"]))
        .kept(&["deletedDateTime", "privateLinkResourcePolicyIds", "serviceTags"])
        .kept(&DATES)
        .schema()
}

/// A range: a prefix as plain text, or an object of Graph.
pub(super) fn range() -> Value {
    let prefix = json!({ "type": "string", "pattern": "^[0-9A-Fa-f.:]+/[0-9]{1,3}$", "description": "A prefix." });
    let cidr = Object::new().required("cidrAddress", "A prefix.", prefix.clone());
    let bounds =
        Object::new().required("lowerAddress", "The first one.", text()).required("upperAddress", "The last.", text());
    any_of([prefix, cidr.schema(), bounds.schema()])
}
