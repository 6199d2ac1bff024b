//! What the claims of a verified token say about who holds it.
//!
//! Claims come here after somebody has verified the token that they are of: doorward itself, or a proxy that is trusted to.
//! Nothing here checks a signature, an audience or a time. Claims that are absent stay unknown; claims that are there and
//! cannot be used are refused, as are two that disagree. Knows no protocol. Start with [`Holder::new`].
//!
//! | claim | becomes |
//! |---|---|
//! | `oid`, else `uid` where `cid` is, else the client whose own token it is, else `sub` | `identity.id` |
//! | `idtyp`; without it, see [`Holder::new`] | `identity.type` |
//! | `appid`, `azp`, `client_id`, `cid` | `identity.appId`: the principal's own application, or the one that acts for the user |
//! | `azpacr`, `appidacr` | `credential.type` of a service principal |
//! | `amr` | `satisfied`, as far as it is sure what its values mean |
//! | `aud`, when all of it are GUIDs | `resource.appIds` |
//! | `iss`, `tid`, `iat`, `acrs`, `xms_cc`, `scp` | attributes `claims.iss`, ... |
//!
//! `tid` is the tenant that issued the token: neither the home of a guest nor the owner of an application, so it is
//! neither of these. `groups` is not read: tokens may carry some groups only, and a set that lacks one would lift the
//! policies of that group.
//!
//! Whoever asks for a token and whoever uses it is the same identity: that of a person of Okta is `uid`, not the login in
//! `sub`, and that of a client of Keycloak or Auth0 its client id, not what `sub` makes of it.
//! Sources: Microsoft identity platform documentation, access token claims reference; RFC 9068; RFC 8176; Okta
//! documentation, OpenID Connect & OAuth 2.0 API, access token payload; Keycloak documentation, Server Administration
//! Guide, service accounts; Auth0 documentation, access token profiles; read August 2026.

use prost_types::value::Kind;
use prost_types::{ListValue, Value};
use serde_json::{Map, Value as Json};

use super::amr;
use super::wire::v1;
use crate::model::IdRef;
use crate::model::decision::InputError;

/// Claims that only tokens of people have.
const OF_PEOPLE: [&str; 6] = ["preferred_username", "upn", "unique_name", "email", "given_name", "family_name"];
/// Claims of a sign-in, which in Keycloak only tokens of one have.
const OF_SESSIONS: [&str; 3] = ["sid", "session_state", "auth_time"];
/// Claims that custom conditions see as they are.
const SHOWN: [&str; 6] = ["iss", "tid", "iat", "acrs", "xms_cc", "scp"];
/// Those of them that are lists, even where an issuer writes a single text.
const LISTS: [&str; 2] = ["acrs", "xms_cc"];

/// The claims that are read, but for those that only tell people from applications.
const READ: [&str; 18] = [
    "oid",
    "uid",
    "sub",
    "idtyp",
    "appid",
    "azp",
    "client_id",
    "cid",
    "azpacr",
    "appidacr",
    "amr",
    "aud",
    "iss",
    "tid",
    "iat",
    "acrs",
    "xms_cc",
    "scp",
];

/// Whether a claim of this name says something about who holds the token.
pub fn is_read(name: &str) -> bool {
    READ.contains(&name)
}

/// Who holds a token, in the parts of a request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Holder {
    /// Who it is.
    pub identity: v1::Identity,
    /// What it proved itself with, if the token says so.
    pub credential: Option<v1::Credential>,
    /// What it has done already.
    pub satisfied: Option<v1::Satisfied>,
    /// The applications that the token is for, ascending by appearance; empty when it does not say so in app ids.
    pub app_ids: Vec<String>,
    /// Whether the client can handle claims challenges: `cp1` in `xms_cc`. Source: Entra documentation, claims challenges,
    /// claims requests and client capabilities, read August 2026.
    pub takes_challenges: bool,
    /// Facts for custom conditions, by name.
    pub attributes: Vec<(String, Value)>,
}

impl Holder {
    /// Reads verified claims.
    ///
    /// Whether a person holds the token: `idtyp` says `user` or `app`. Without it, one with a `uid` of Okta is a person's;
    /// one in which Keycloak or Auth0 says that it is the client's own is a service principal's. Of the others one with a
    /// claim that only people have is a person's; so is one that tells of a sign-in and names no client; so is one whose
    /// `sub` names somebody else than its `oid`, which only an application's token has twice, or than its client when it has
    /// no `oid`; so is one with `scp`, unless it has no `oid` and its `sub` is its client: Okta and Ory Hydra write the
    /// scopes of applications there, too. Any other is a service principal's.
    ///
    /// # Errors
    /// Neither `oid` nor `sub`; a claim of the wrong type; an `idtyp` that is neither; two names of the client, or of an
    /// application's own token, or two ways in which the client authenticated, that differ.
    pub fn new(claims: &Map<String, Json>) -> Result<Self, InputError> {
        let claims = Claims(claims);
        let (oid, uid, subject, client) = (claims.text("oid")?, claims.uid()?, claims.text("sub")?, claims.client()?);
        let own = match (oid, uid, claims.text("idtyp")?) {
            (None, None, None) => claims.of_client(subject, client),
            _ => None,
        };
        let Some(id) = oid.or(uid).or(own).or(subject) else {
            return Err(InputError::invalid("identity", "is required: the token has neither `oid` nor `sub`"));
        };
        let is_person = match claims.text("idtyp")? {
            Some("user") => true,
            Some("app") if subject.is_some_and(|subject| !is_same(id, subject)) => {
                return Err(InputError::conflict("identity.id", "the token of an application names two"));
            }
            Some("app") => false,
            Some(_) => return Err(invalid("idtyp", "must be `user` or `app`")),
            None => uid.is_some() || (own.is_none() && claims.is_persons(oid, subject, client)),
        };
        let app_id = client.map(str::to_owned);
        let mut identity = v1::Identity { id: Some(id.to_owned()), app_id, ..Default::default() };
        identity.set_type(if is_person { v1::IdentityType::User } else { v1::IdentityType::ServicePrincipal });
        Ok(Self {
            identity,
            credential: if is_person { None } else { claims.credential()? },
            satisfied: claims.satisfied()?,
            app_ids: claims.app_ids()?,
            takes_challenges: claims.texts("xms_cc")?.contains(&"cp1"),
            attributes: claims.shown()?,
        })
    }
}

/// Claims, read by type.
#[derive(Clone, Copy)]
struct Claims<'a>(&'a Map<String, Json>);

impl<'a> Claims<'a> {
    fn text(self, name: &str) -> Result<Option<&'a str>, InputError> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Json::String(text)) if !text.is_empty() => Ok(Some(text)),
            Some(_) => Err(invalid(name, "must be text")),
        }
    }

    /// A text or a list of texts.
    fn texts(self, name: &str) -> Result<Vec<&'a str>, InputError> {
        let texts = match self.0.get(name) {
            None => Some(Vec::new()),
            Some(Json::String(text)) => Some(vec![text.as_str()]),
            Some(Json::Array(list)) => list.iter().map(Json::as_str).collect(),
            Some(_) => None,
        };
        texts.ok_or_else(|| invalid(name, "must be text or a list of texts"))
    }

    /// Who a person of Okta is. Others may use the name for anything, so it counts beside Okta's name of the client.
    fn uid(self) -> Result<Option<&'a str>, InputError> {
        if self.0.contains_key("cid") { self.text("uid") } else { Ok(None) }
    }

    /// The client, if the token is its own and its issuer is one that calls its clients otherwise in `sub`.
    ///
    /// In Auth0 that is the client with a word behind it, which no user's id can end in. In Keycloak it is an account of
    /// the client's, known by its name. A person may have come by that name, but not by a token without a session; a
    /// client to which Keycloak is told to give refresh tokens has one as well, so it is taken for a user.
    fn of_client(self, subject: Option<&str>, client: Option<&'a str>) -> Option<&'a str> {
        let client = client?;
        let is_auth0s = subject.and_then(|subject| subject.strip_suffix("@clients")) == Some(client);
        // WHY: Keycloak writes names of accounts in small letters.
        let name = self.0.get("preferred_username").and_then(Json::as_str);
        let account = name.and_then(|name| name.strip_prefix("service-account-"));
        let is_keycloaks = account.is_some_and(|account| account == client.to_lowercase());
        let is_sign_in = OF_SESSIONS.iter().any(|claim| self.0.contains_key(*claim));
        (is_auth0s || (is_keycloaks && !is_sign_in)).then_some(client)
    }

    /// What claims say of a person when none says it outright.
    fn is_persons(self, oid: Option<&str>, subject: Option<&str>, client: Option<&str>) -> bool {
        let is_client = match (oid, subject, client) {
            (None, Some(subject), Some(client)) => Some(is_same(subject, client)),
            _ => None,
        };
        let has = |claims: &[&str]| claims.iter().any(|claim| self.0.contains_key(*claim));
        has(&OF_PEOPLE)
            // WHY: some issuers say of applications, too, when they were signed in; then the token names the client.
            || (client.is_none() && has(&OF_SESSIONS))
            || (self.0.contains_key("scp") && is_client != Some(true))
            || is_client == Some(false)
            || matches!((oid, subject), (Some(oid), Some(subject)) if !is_same(oid, subject))
    }

    /// The application that asked for the token.
    fn client(self) -> Result<Option<&'a str>, InputError> {
        let mut client = None;
        for name in ["appid", "azp", "client_id", "cid"] {
            match (client, self.text(name)?) {
                (Some(known), Some(other)) if !is_same(known, other) => {
                    return Err(InputError::conflict("identity.appId", "the token names two clients"));
                }
                (None, found) => client = found,
                _ => {}
            }
        }
        Ok(client)
    }

    /// How the client authenticated. Source: access token claims reference, `azpacr` and `appidacr`.
    fn credential(self) -> Result<Option<v1::Credential>, InputError> {
        let kind = match (self.text("azpacr")?, self.text("appidacr")?) {
            (Some(one), Some(other)) if one != other => {
                return Err(InputError::conflict("credential.type", "the token names two ways to authenticate"));
            }
            (one, other) => one.or(other),
        };
        let kind = match kind {
            Some("0") => v1::CredentialType::None,
            Some("1") => v1::CredentialType::ClientSecret,
            Some("2") => v1::CredentialType::Certificate,
            _ => return Ok(None),
        };
        Ok(Some(v1::Credential { r#type: kind.into(), ..Default::default() }))
    }

    fn satisfied(self) -> Result<Option<v1::Satisfied>, InputError> {
        let mut satisfied = v1::Satisfied::default();
        self.texts("amr")?.into_iter().for_each(|value| amr::prove(value, &mut satisfied));
        Ok((satisfied != v1::Satisfied::default()).then_some(satisfied))
    }

    /// App ids, and only these: a URI is another name of an application, which would be taken for another application.
    fn app_ids(self) -> Result<Vec<String>, InputError> {
        let audience = self.texts("aud")?;
        let is_id = |text: &&str| matches!(IdRef::new(text), IdRef::Guid(_));
        Ok(if audience.iter().all(is_id) { audience.into_iter().map(str::to_owned).collect() } else { Vec::new() })
    }

    fn shown(self) -> Result<Vec<(String, Value)>, InputError> {
        let present = SHOWN.iter().filter_map(|name| Some((*name, self.0.get(*name)?)));
        let attribute = |(name, value): (&str, &Json)| match value {
            Json::String(value) if !LISTS.contains(&name) => Ok((format!("claims.{name}"), text(value))),
            Json::Number(value) if name == "iat" => {
                let number = value.as_f64().ok_or_else(|| invalid(name, "must be a number of seconds"))?;
                Ok((format!("claims.{name}"), Value { kind: Some(Kind::NumberValue(number)) }))
            }
            _ => {
                let values = self.texts(name)?.into_iter().map(text).collect();
                Ok((format!("claims.{name}"), Value { kind: Some(Kind::ListValue(ListValue { values })) }))
            }
        };
        present.map(attribute).collect()
    }
}

/// Compared as ids are: GUIDs by value, others byte for byte.
pub fn is_same(one: &str, other: &str) -> bool {
    IdRef::new(one) == IdRef::new(other)
}

/// A text as attributes have it.
pub fn text(text: &str) -> Value {
    Value { kind: Some(Kind::StringValue(text.to_owned())) }
}

fn invalid(claim: &str, message: &str) -> InputError {
    InputError::invalid(format!("claims.{claim}"), message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const APP: &str = "aaaaaaaa-0000-4000-8000-000000000001";
    const OID: &str = "cccccccc-0000-4000-8000-000000000001";

    fn holder(claims: Json) -> Result<Holder, InputError> {
        Holder::new(claims.as_object().unwrap())
    }

    #[track_caller]
    fn check(claims: Json, kind: v1::IdentityType, id: &str, app_id: Option<&str>) -> Holder {
        let holder = holder(claims).unwrap();
        assert_eq!(holder.identity.r#type(), kind);
        assert_eq!((holder.identity.id(), holder.identity.app_id.as_deref()), (id, app_id));
        holder
    }

    #[test]
    fn an_application_that_acts_for_itself_is_a_service_principal() {
        let kind = v1::IdentityType::ServicePrincipal;
        check(json!({"idtyp": "app", "oid": OID, "sub": OID, "appid": APP, "scp": "x"}), kind, OID, Some(APP));
        check(json!({"oid": OID, "sub": OID, "azp": APP, "roles": ["a"]}), kind, OID, Some(APP));
        check(json!({"sub": APP, "client_id": APP.to_uppercase()}), kind, APP, Some(&APP.to_uppercase()));
        check(json!({"sub": "ledger", "client_id": "ledger", "scope": "a b"}), kind, "ledger", Some("ledger"));
        check(json!({"sub": "spiffe://corp.test/ledger"}), kind, "spiffe://corp.test/ledger", None);
    }

    /// Okta and Ory Hydra list the scopes of applications in `scp`. Such tokens were taken for a person's, so no policy
    /// for workloads was asked. Now `sub`, which is the client then, says whose they are.
    #[test]
    fn a_list_of_scopes_makes_no_person_of_an_application() {
        let (user, workload) = (v1::IdentityType::User, v1::IdentityType::ServicePrincipal);
        check(json!({"cid": "0oa1", "sub": "0oa1", "scp": ["read"]}), workload, "0oa1", Some("0oa1"));
        check(json!({"client_id": "x", "sub": "x", "scp": ["read"], "ext": {}}), workload, "x", Some("x"));
        check(json!({"sub": "x", "scp": ["read"]}), user, "x", None);
        check(json!({"oid": OID, "sub": OID, "azp": OID, "scp": ["read"]}), user, OID, Some(OID));
        let conflict = holder(json!({"sub": "x", "cid": "x", "client_id": "y"})).unwrap_err();
        assert_eq!(conflict.kind.as_str(), "input_conflict");
    }

    /// The hook names a person of Okta by `uid`, and so do policies; a gateway that goes by the login would not find them.
    #[test]
    fn a_person_of_okta_has_the_id_that_policies_and_the_hook_have() {
        let user = v1::IdentityType::User;
        for subject in ["a@b.test", "0oa1", "00u1", "0oa1@clients"] {
            let claims = json!({"cid": "0oa1", "uid": "00u1", "sub": subject, "scp": ["read"]});
            check(claims, user, "00u1", Some("0oa1"));
        }
        check(json!({"cid": "0oa1", "uid": "00u1"}), user, "00u1", Some("0oa1"));
        // What another issuer writes there may be anything.
        check(json!({"azp": "ledger", "uid": "alice", "sub": "u-1"}), user, "u-1", Some("ledger"));
        check(json!({"cid": "0oa1", "oid": OID, "uid": "00u1", "sub": "s"}), user, OID, Some("0oa1"));
        assert_eq!(holder(json!({"cid": "0oa1", "uid": 7, "sub": "x"})).unwrap_err().field, "claims.uid");
        let conflict = holder(json!({"idtyp": "app", "cid": "0oa1", "uid": "00u1", "sub": "0oa1"})).unwrap_err();
        assert_eq!(conflict.kind.as_str(), "input_conflict");
    }

    #[test]
    fn the_own_token_of_a_client_of_keycloak_or_auth0_is_the_clients() {
        let workload = v1::IdentityType::ServicePrincipal;
        let keycloak = |more: Json| {
            let mut claims = json!({"sub": OID, "azp": "Ledger", "preferred_username": "service-account-ledger"});
            claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            claims
        };
        check(keycloak(json!({})), workload, "Ledger", Some("Ledger"));
        check(
            keycloak(json!({"client_id": "Ledger", "clientAddress": "192.0.2.1"})),
            workload,
            "Ledger",
            Some("Ledger"),
        );
        let auth0 = json!({"sub": "abc@clients", "azp": "abc", "gty": "client-credentials"});
        check(auth0, workload, "abc", Some("abc"));
        check(json!({"sub": "abc@clients", "client_id": "abc", "scope": "read"}), workload, "abc", Some("abc"));

        let user = v1::IdentityType::User;
        for claim in OF_SESSIONS {
            check(keycloak(json!({claim: "x"})), user, OID, Some("Ledger"));
        }
        let others = |name: &str| json!({"preferred_username": name});
        for name in ["service-account-portal", "service-account-ledger2", "service-account-", "ledger"] {
            check(keycloak(others(name)), user, OID, Some("Ledger"));
        }
        check(json!({"sub": "abc@clients", "azp": "xyz"}), user, "abc@clients", Some("xyz"));
        check(json!({"sub": "auth0|abc@clients", "azp": "abc"}), user, "auth0|abc@clients", Some("abc"));
        check(json!({"sub": "abc@clients", "azp": "abc", "idtyp": "user"}), user, "abc@clients", Some("abc"));
    }

    #[test]
    fn a_token_with_a_person_behind_it_is_a_users_whatever_client_holds_it() {
        let kind = v1::IdentityType::User;
        check(json!({"idtyp": "user", "oid": OID, "sub": "p"}), kind, OID, None);
        check(json!({"sub": "u-1", "client_id": "portal"}), kind, "u-1", Some("portal"));
        check(json!({"oid": OID, "sub": "pairwise", "azp": APP, "roles": ["a"]}), kind, OID, Some(APP));
        for claim in OF_PEOPLE.into_iter().chain(["scp"]) {
            check(json!({"oid": OID, "sub": OID, "azp": APP, claim: "x"}), kind, OID, Some(APP));
        }
        // Of Firebase, among others. Nothing else said that it was a person's, and it was taken for a workload's.
        for claim in OF_SESSIONS {
            check(json!({"sub": "u-1", claim: "x"}), kind, "u-1", None);
            let own = json!({"sub": "ledger", "client_id": "ledger", claim: "x"});
            check(own, v1::IdentityType::ServicePrincipal, "ledger", Some("ledger"));
        }
    }

    #[test]
    fn claims_that_cannot_be_used_are_refused_by_name() {
        for (claims, field, kind) in [
            (json!({}), "identity", "input_invalid"),
            (json!({"appid": APP}), "identity", "input_invalid"),
            (json!({"sub": ""}), "claims.sub", "input_invalid"),
            (json!({"sub": "x", "oid": 7}), "claims.oid", "input_invalid"),
            (json!({"sub": "x", "oid": null}), "claims.oid", "input_invalid"),
            (json!({"sub": "x", "idtyp": "device"}), "claims.idtyp", "input_invalid"),
            (json!({"sub": "x", "azp": "a", "appid": "b"}), "identity.appId", "input_conflict"),
            (json!({"sub": "x", "azp": "a", "client_id": "A"}), "identity.appId", "input_conflict"),
            (json!({"sub": "a", "oid": "b", "idtyp": "app"}), "identity.id", "input_conflict"),
            (json!({"sub": "x", "azpacr": "2", "appidacr": "1"}), "credential.type", "input_conflict"),
            (json!({"sub": "x", "azpacr": "2", "appidacr": "9"}), "credential.type", "input_conflict"),
            (json!({"sub": "x", "azpacr": 2}), "claims.azpacr", "input_invalid"),
            (json!({"sub": "x", "amr": [1]}), "claims.amr", "input_invalid"),
            (json!({"sub": "x", "acrs": {}}), "claims.acrs", "input_invalid"),
            (json!({"sub": "x", "aud": 1}), "claims.aud", "input_invalid"),
        ] {
            let error = holder(claims.clone()).expect_err("it cannot be used");
            assert_eq!((error.field.as_str(), error.kind.as_str()), (field, kind), "{claims}");
        }
    }

    #[test]
    fn what_a_token_says_beside_the_identity_becomes_facts() {
        let claims = json!({
            "sub": OID, "appid": APP, "azp": APP, "azpacr": "2", "amr": ["pwd", "mfa"], "aud": [OID], "tid": "t-1",
            "iat": 1_700_000_000, "acrs": ["c1", "c2"], "xms_cc": "cp1", "iss": "https://issuer.test", "groups": ["g"],
            "idtyp": "app", "nonce": "n",
        });
        let holder = holder(claims).unwrap();
        assert_eq!(holder.credential.unwrap().r#type(), v1::CredentialType::Certificate);
        let satisfied = holder.satisfied.unwrap();
        assert_eq!(satisfied.built_in_controls, [v1::GrantControl::Mfa as i32]);
        assert_eq!(satisfied.authentication_methods, [v1::AuthenticationMethod::Password as i32]);
        assert_eq!(holder.app_ids, [OID]);
        assert_eq!(
            (holder.identity.groups, holder.identity.owner_tenant, holder.identity.home_tenant),
            (None, None, None)
        );
        let values = ["c1", "c2"].map(text).to_vec();
        assert_eq!(
            holder.attributes,
            [
                ("claims.iss".to_owned(), text("https://issuer.test")),
                ("claims.tid".to_owned(), text("t-1")),
                ("claims.iat".to_owned(), Value { kind: Some(Kind::NumberValue(1_700_000_000.0)) }),
                ("claims.acrs".to_owned(), Value { kind: Some(Kind::ListValue(ListValue { values })) }),
                (
                    "claims.xms_cc".to_owned(),
                    Value { kind: Some(Kind::ListValue(ListValue { values: vec![text("cp1")] })) }
                ),
            ]
        );
    }

    #[test]
    fn an_audience_that_is_no_app_id_leaves_the_resource_unknown() {
        for audience in [json!("api://ledger"), json!([OID, "https://graph.test"]), json!([])] {
            assert!(holder(json!({"sub": "x", "aud": audience})).unwrap().app_ids.is_empty());
        }
    }
}
