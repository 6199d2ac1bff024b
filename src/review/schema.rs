//! JSON Schemas of the files of a bundle, for editors that complete and check while an author types.
//!
//! A schema knows shapes and words, and takes every word from the model's own vocabularies; what names refer to, and
//! what goes together, `check` says. A schema is stricter in one way: words are spelled as the documentation spells
//! them, where a bundle may write them in any case. [`bundle`] is for policies, locations and catalogues, [`settings`]
//! for `bundle.yaml`, [`tests`] for the cases below `tests/`.
//!
//! JSON Schema 2020-12, without references to anything outside.

mod object;
mod policy;
mod request;

use serde_json::{Value, json};

use self::object::{Object, any_of, attributes, dispatch, list, text, texts, word, words};
use crate::compile::rules;
use crate::model::set::Word;
use crate::model::{Decision, GrantControl, IdentityKind, Reason, ServicePrincipalType, SignInAudience};
use crate::text::Severity;

/// The dialect.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Files of policies, named locations, service principals and authentication strengths: one object, a list, a list
/// response of Graph, or an object of lists.
pub fn bundle() -> Value {
    let element = json!({ "$ref": "#/$defs/element" });
    let lists = Object::new()
        .member("policies", "Policies.", list(json!({ "$ref": "#/$defs/policy" })))
        .member("namedLocations", "Named locations.", list(json!({ "$ref": "#/$defs/location" })))
        .member("servicePrincipals", "The service principals catalogue.", list(json!({ "$ref": "#/$defs/principal" })))
        .member(
            "authenticationStrengthPolicies",
            "Authentication strengths.",
            list(json!({ "$ref": "#/$defs/strength" })),
        )
        .member("entities", "The catalogue of entities, for searches and custom conditions.", entities());
    let response = Object::new().required("value", "The objects of a list response of Graph.", list(element.clone()));
    let keys = lists.keys();
    let is_lists = json!({ "type": "object", "minProperties": 1, "propertyNames": { "enum": keys } });
    let document = dispatch(
        [
            (json!({ "type": "array" }), list(element.clone())),
            (json!({ "type": "object", "required": ["value"] }), response.schema()),
            (is_lists, lists.schema()),
        ],
        element,
    );
    let has = |keys: &[&str]| -> Value {
        json!({ "type": "object", "anyOf": keys.iter().map(|key| json!({ "required": [key] })).collect::<Vec<_>>() })
    };
    let of_type = |end: &str| json!({ "@odata.type": { "type": "string", "pattern": end } });
    let is_a = |end: &str| json!({ "required": ["@odata.type"], "properties": of_type(end) });
    let kind = |end: &str, keys: &[&str]| json!({ "anyOf": [is_a(end), has(keys)] });
    let no_policy = json!({ "not": has(&["state", "conditions", "grantControls", "sessionControls"]) });
    let of_conditions = json!({ "type": "object", "required": ["conditions"] });
    let is_template = json!({ "required": ["details"], "properties": { "details": of_conditions } });
    let element = dispatch(
        [
            (
                json!({ "type": "object", "allOf": [no_policy, any_of([is_a("conditionalAccessTemplate$"), is_template])] }),
                reference("template"),
            ),
            (
                kind("conditionalAccessPolicy$", &["conditions", "grantControls", "sessionControls"]),
                reference("policy"),
            ),
            (kind("authenticationStrengthPolicy$", &["allowedCombinations"]), reference("strength")),
            (
                kind("NamedLocation$", &["ipRanges", "countriesAndRegions", "compliantNetworkType"]),
                reference("location"),
            ),
            (kind(PRINCIPAL, &["servicePrincipalType", "appId", "signInAudience"]), reference("principal")),
        ],
        json!(false),
    );
    let mut schema = titled(document, "A file of a doorward bundle");
    insert(
        &mut schema,
        "$defs",
        json!({
            "element": element,
            "policy": policy::policy(),
            "template": policy::template(),
            "strength": policy::strength(),
            "location": policy::location(),
            "range": policy::range(),
            "principal": principal(),
        }),
    );
    schema
}

/// The types of service principals in Graph.
const PRINCIPAL: &str = "(servicePrincipal|agentIdentity(BlueprintPrincipal)?)$";

/// `bundle.yaml`.
pub fn settings() -> Value {
    let suites = Object::new().member("Office365", "App ids, in the place of the built-in list.", texts()).member(
        "MicrosoftAdminPortals",
        "App ids, in the place of the built-in list.",
        texts(),
    );
    let timestamp = json!({ "type": "string", "format": "date-time" });
    let placeholders = json!({ "type": "object", "additionalProperties": any_of([text(), texts()]) });
    let types = json!({ "type": "object", "additionalProperties": words::<IdentityKind>(&[]) });
    let settings = Object::new()
        .member("name", "Name in answers, logs and metrics.", text())
        .member("revision", "Label of this version; by default the digest of the files.", any_of([text(), integer(0)]))
        .member("sequence", "Strictly increasing number; a lower one than that in force is refused.", integer(0))
        .member("expires", "The bundle is refused from then on.", timestamp)
        .member("tenantId", "This tenant: tells own service principals from foreign ones.", text())
        .member("defaultDecision", "What is decided when no policy applies.", word(&["allow", "block"]))
        .member("missingIp", "What a request without an address means.", word(&["unknown", "outsideAll"]))
        .member("eligibility", "Which workloads policies can cover.", word(&["entra", "all"]))
        .member("breakGlass", "Identities that no enabled policy may block.", texts())
        .member("mfaTrustedIps", "The MFA trusted IPs of the tenant, as prefixes.", texts())
        .member("suites", "Members of suites.", suites.closed())
        .member("countryDatabase", "A MaxMind-format file of the bundle.", text())
        .member("ignoredPolicies", "Policies, by id or name, to leave out.", texts())
        .member("ignoredFiles", "Files, by path below the root, to leave unread.", texts())
        .member("placeholders", "What texts in brackets in lists of ids stand for.", placeholders)
        .member("subjectTypes", "Kinds of identity, by the types that callers give to subjects.", types);
    let warnings = rules::ALL.iter().filter(|rule| rule.severity == Severity::Warning);
    let lints =
        warnings.fold(Object::new(), |lints, rule| lints.member(rule.id, rule.why, word(&["allow", "warn", "error"])));
    let settings = settings.member("lints", "What becomes of warnings, by the id of the rule.", lints.closed());
    titled(any_of([settings.closed(), json!({ "type": "null" })]), "Settings of a doorward bundle")
}

/// Files below `tests/`.
pub fn tests() -> Value {
    let request = any_of([text(), json!({ "$ref": "#/$defs/request" })]);
    let timestamp = || json!({ "type": "string", "format": "date-time" });
    let named = |part: Value| json!({ "type": "object", "additionalProperties": part });
    let fixtures = Object::new()
        .member("identities", "Identities, by name.", named(request::identity()))
        .member("networks", "Networks, by name.", named(request::network()))
        .member("devices", "Devices, by name.", named(request::device()))
        .member("requests", "Whole requests, by name.", named(json!({ "$ref": "#/$defs/request" })));
    let outcomes = named(named(word(&["matched", "notMatched", "unknown"])));
    let one_of = |all: &[&str]| word(all);
    let decisions = [Decision::Allow, Decision::Block].map(Decision::as_str);
    let reasons = Reason::ALL.map(Reason::as_str);
    let with_id =
        json!({ "type": "string", "pattern": "^(authenticationStrength|termsOfUse|customAuthenticationFactor):." });
    let expect = Object::new()
        .member("decision", "The decision; block if left out.", one_of(&decisions))
        .member("reason", "Why.", one_of(&reasons))
        .member("policies", "The policies that decide, by name or id, all of them.", texts())
        .member("reportOnly", "The report-only policies that would have blocked or asked for more.", texts())
        .member("unmetControls", "Controls that are asked for.", list(any_of([words::<GrantControl>(&[]), with_id])))
        .member("sessionControls", "Session controls, lifetime and claims that the token comes with.", texts())
        .member("obligations", "What callers owe for the decision, by id.", texts())
        .member("message", "What the person who asks is told.", text())
        .member("conditions", "What single conditions come to, by policy and condition.", outcomes);
    let case = Object::new()
        .required("name", "What the case claims.", text())
        .member("note", "A sentence more.", text())
        .member("tags", "Words to choose cases by.", texts())
        .member("skip", "Why the case is not run.", text())
        .member("time", "When the decision is made.", timestamp())
        .member("request", "The request, on top of the defaults.", request.clone())
        .member("matrix", "Values for paths of the request; each combination is a case.", request::matrix())
        .member("expect", "What the answer must be.", expect.closed());
    let defaults = Object::new().member("request", "What lies under every request of the file.", request);
    let file = Object::new()
        .member("defaults", "What the cases of the file have in common.", defaults.closed())
        .member("fixtures", "What cases name: of this file if it has cases, else of all files.", fixtures.closed())
        .member("time", "When the decisions are made.", timestamp())
        .member("cases", "The cases.", list(case.closed()));
    let mut schema = titled(file.closed(), "Tests of a doorward bundle");
    insert(&mut schema, "$defs", json!({ "request": request::request() }));
    schema
}

fn principal() -> Value {
    let principal = Object::new()
        .required("id", "The object id.", text())
        .member("appId", "The id of its application.", text())
        .member("displayName", "The name people use.", text())
        .member("servicePrincipalType", "Its kind.", words::<ServicePrincipalType>(&[]))
        .member("appOwnerOrganizationId", "The tenant that owns the application.", text())
        .member("signInAudience", "Who may sign in to the application.", words::<SignInAudience>(&[]))
        .member("accountEnabled", "Whether it may sign in.", json!({ "type": "boolean" }))
        .member("customSecurityAttributes", "Attributes, by set and name.", attributes());
    // Graph's service principals have some forty more properties.
    principal.open()
}

fn entities() -> Value {
    let property = any_of([text(), json!({ "type": "integer" }), json!({ "type": "boolean" }), texts()]);
    let properties = json!({ "type": "object", "additionalProperties": any_of([property, json!({ "type": "null" })]) });
    let thing = Object::new()
        .required("type", "Its type, as callers name it.", text())
        .required("id", "Its id.", text())
        .member("properties", "What is known of it.", properties.clone());
    let action =
        Object::new().required("name", "Its name.", text()).member("properties", "What is known of it.", properties);
    let lists = Object::new()
        .member("subjects", "Who may ask.", list(thing.clone().schema()))
        .member("resources", "What may be asked for.", list(thing.schema()))
        .member("actions", "What may be done.", list(action.schema()));
    lists.schema()
}

fn titled(mut schema: Value, title: &str) -> Value {
    insert(&mut schema, "$schema", json!(DIALECT));
    insert(&mut schema, "title", json!(title));
    schema
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn integer(least: u32) -> Value {
    json!({ "type": "integer", "minimum": least })
}

fn insert(schema: &mut Value, key: &str, value: Value) {
    if let Value::Object(members) = schema {
        members.insert(key.to_owned(), value);
    }
}

/// Every word but a few.
fn spellings<T: Word>(except: &[T]) -> Vec<&'static str> {
    T::ALL.iter().filter(|word| !except.contains(word)).map(|word| word.as_str()).collect()
}
