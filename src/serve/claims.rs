//! What the claims of a verified token say about who holds it.
//!
//! Claims come here after somebody has verified the token that they are of: doorward itself, or a proxy that is trusted to.
//! Nothing here checks a signature, an audience or a time. Claims that are absent stay unknown; claims that are there and
//! cannot be used are refused, as are two that disagree. Knows no protocol. Start with [`Holder::new`].
//!
//! | claim | becomes |
//! |---|---|
//! | `oid`, else `sub` | `identity.id` |
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
//! Source: Microsoft identity platform documentation, access token claims reference, read August 2026; RFC 9068; RFC 8176;
//! Okta documentation, OpenID Connect & OAuth 2.0 API, access token payload, read August 2026.

use prost_types::value::Kind;
use prost_types::{ListValue, Value};
use serde_json::{Map, Value as Json};

use super::amr;
use super::wire::v1;
use crate::model::IdRef;
use crate::model::decision::InputError;

/// Claims that only tokens of people have.
const OF_PEOPLE: [&str; 6] = ["preferred_username", "upn", "unique_name", "email", "given_name", "family_name"];
/// Claims that custom conditions see as they are.
const SHOWN: [&str; 6] = ["iss", "tid", "iat", "acrs", "xms_cc", "scp"];
/// Those of them that are lists, even where an issuer writes a single text.
const LISTS: [&str; 2] = ["acrs", "xms_cc"];

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
    /// Whether a person holds the token: `idtyp` says `user` or `app`. Without it, one with a claim that only people
    /// have is a person's; so is one whose `sub` names somebody else than its `oid`, which only an application's token has
    /// twice, or than its client when it has no `oid`; so is one with `scp`, unless it has no `oid` and its `sub` is its
    /// client: Okta and Ory Hydra write the scopes of applications there, too. Any other is a service principal's.
    ///
    /// # Errors
    /// Neither `oid` nor `sub`; a claim of the wrong type; an `idtyp` that is neither; two names of the client, or of an
    /// application's own token, or two ways in which the client authenticated, that differ.
    pub fn new(claims: &Map<String, Json>) -> Result<Self, InputError> {
        let claims = Claims(claims);
        let (oid, subject) = (claims.text("oid")?, claims.text("sub")?);
        let Some(id) = oid.or(subject) else {
            return Err(InputError::invalid("identity", "is required: the token has neither `oid` nor `sub`"));
        };
        let client = claims.client()?;
        let is_person = match claims.text("idtyp")? {
            Some("user") => true,
            Some("app") if matches!((oid, subject), (Some(oid), Some(subject)) if !is_same(oid, subject)) => {
                return Err(InputError::conflict("identity.id", "the token of an application names two"));
            }
            Some("app") => false,
            Some(_) => return Err(invalid("idtyp", "must be `user` or `app`")),
            None => {
                let is_client = match (oid, subject, client) {
                    (None, Some(subject), Some(client)) => Some(is_same(subject, client)),
                    _ => None,
                };
                OF_PEOPLE.iter().any(|claim| claims.0.contains_key(*claim))
                    || (claims.0.contains_key("scp") && is_client != Some(true))
                    || is_client == Some(false)
                    || matches!((oid, subject), (Some(oid), Some(subject)) if !is_same(oid, subject))
            }
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
fn is_same(one: &str, other: &str) -> bool {
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
        check(
            json!({"cid": "0oa1", "uid": "00u1", "sub": "a@b.test", "scp": ["read"]}),
            user,
            "a@b.test",
            Some("0oa1"),
        );
        check(json!({"sub": "x", "scp": ["read"]}), user, "x", None);
        check(json!({"oid": OID, "sub": OID, "azp": OID, "scp": ["read"]}), user, OID, Some(OID));
        let conflict = holder(json!({"sub": "x", "cid": "x", "client_id": "y"})).unwrap_err();
        assert_eq!(conflict.kind.as_str(), "input_conflict");
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
