//! What operators say about the requests of gateways, whatever protocol these ask in.

use serde::Deserialize;

use crate::model::IdentityKind;
use crate::model::decision::InputError;
use crate::serve::claims::{self, Holder};
use crate::serve::wire::{json, v1};

/// A header in which the gateway says who asks.
///
/// It counts only from a gateway that is trusted, which must set it or take it away on every request. Beside a verified token
/// it must name who holds that: an upstream may believe the one, and the decision would be about the other.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IdentityHeader {
    #[serde(deserialize_with = "header_name")]
    name: String,
    #[serde(rename = "type", with = "json::Word::<IdentityKind>")]
    kind: i32,
}

fn header_name<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    match http::HeaderName::try_from(&text) {
        Ok(name) => Ok(name.as_str().to_owned()),
        Err(_) => Err(serde::de::Error::custom(format!("`{text}` is no name of a header"))),
    }
}

impl IdentityHeader {
    /// Its name, in lower case.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Who asks: `proven`, who holds a verified token, if there is one, else whom the lines of the header name.
    ///
    /// # Errors
    /// A header that is no single id; one that names somebody else than the token. Beside a token an empty one names nobody.
    pub fn beside<'h>(
        &self,
        proven: Option<Holder>,
        lines: impl IntoIterator<Item = &'h [u8]>,
    ) -> Result<Option<Holder>, InputError> {
        let Some(proven) = proven else { return self.read(lines) };
        let lines: Vec<&[u8]> = lines.into_iter().collect();
        let named = if lines == [b""] { None } else { self.read(lines)? };
        match named {
            Some(named) if !is_same(&named.identity, &proven.identity) => {
                let problem = format!("`{}` names somebody else than the token", self.name);
                Err(InputError::conflict("identity.id", problem))
            }
            _ => Ok(Some(proven)),
        }
    }

    /// Who the lines of the header say that asks; nobody when there is none.
    ///
    /// # Errors
    /// What is no single id: one that the client wrote may stand beside the gateway's.
    fn read<'h>(&self, lines: impl IntoIterator<Item = &'h [u8]>) -> Result<Option<Holder>, InputError> {
        let lines: Vec<&[u8]> = lines.into_iter().collect();
        let id = match lines.as_slice() {
            [] => return Ok(None),
            [line] => std::str::from_utf8(line).ok().filter(|id| is_id(id)),
            _ => None,
        };
        let id = id.ok_or_else(|| InputError::invalid("identity.id", format!("`{}` must have one id", self.name)))?;
        let identity = v1::Identity { r#type: self.kind, id: Some(id.to_owned()), ..Default::default() };
        Ok(Some(Holder { identity, ..Holder::default() }))
    }
}

/// Whether both are one identity. A token says of it whether it is a person, and no more of its type.
fn is_same(named: &v1::Identity, proven: &v1::Identity) -> bool {
    let is_person = |of: &v1::Identity| matches!(of.r#type(), v1::IdentityType::User | v1::IdentityType::AgentUser);
    is_person(named) == is_person(proven) && claims::is_same(named.id(), proven.id())
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',')
}

/// What becomes of a request when nobody trusted says who asks.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(try_from = "Written")]
pub enum Anonymous {
    /// It is refused with a challenge: 401.
    #[default]
    Deny,
    /// It is decided as one of this identity, which policies can name.
    Identity(Box<v1::Identity>),
}

/// `deny`, or an identity.
#[derive(Deserialize)]
#[serde(untagged, expecting = "must be `deny` or an identity with `type` and `id`")]
enum Written {
    Word(String),
    Identity(Box<v1::Identity>),
}

impl TryFrom<Written> for Anonymous {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, &'static str> {
        match written {
            Written::Word(word) if word == "deny" => Ok(Self::Deny),
            Written::Identity(identity) if identity.r#type != 0 && !identity.id().is_empty() => {
                Ok(Self::Identity(identity))
            }
            _ => Err("`anonymous` must be `deny` or an identity with `type` and `id`"),
        }
    }
}

/// The status of a block for which a client hears of no remedy; 403 by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u16")]
pub enum BlockedStatus {
    /// 403.
    #[default]
    Forbidden,
    /// 401, with a challenge that asks for a token and no more: for clients that drop their token on 401 alone.
    Unauthorized,
}

impl TryFrom<u16> for BlockedStatus {
    type Error = &'static str;

    fn try_from(status: u16) -> Result<Self, &'static str> {
        match status {
            403 => Ok(Self::Forbidden),
            401 => Ok(Self::Unauthorized),
            _ => Err("`blockedStatus` is 403 or 401"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::decision::InputErrorKind;

    #[test]
    fn requests_of_nobody_are_refused_unless_the_operator_names_somebody() {
        let read = |text: &str| serde_saphyr::from_str::<Anonymous>(text);
        assert_eq!(read("deny").unwrap(), Anonymous::Deny);
        let identity = v1::Identity {
            r#type: v1::IdentityType::User.into(),
            id: Some("anonymous".to_owned()),
            ..Default::default()
        };
        assert_eq!(read("{ type: user, id: anonymous }").unwrap(), Anonymous::Identity(Box::new(identity)));
        for text in
            ["allow", "{}", "{ type: user }", "{ id: anonymous }", "{ type: guest, id: x }", "{ typ: user }", "[]"]
        {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_header_names_one_identity_or_is_refused() {
        let header: IdentityHeader = serde_saphyr::from_str("{ name: X-Client-Id, type: servicePrincipal }").unwrap();
        assert_eq!(header.name(), "x-client-id");
        let read = |lines: &[&str]| header.read(lines.iter().map(|line| line.as_bytes()));
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&["ledger"]).unwrap().unwrap().identity.id(), "ledger");
        for lines in [&["", ""][..], &[""], &["a", "a"], &["a,b"], &["a b"], &["ä"]] {
            assert_eq!(read(lines).expect_err("it names nobody").field, "identity.id", "{lines:?}");
        }
    }

    #[test]
    fn a_header_beside_a_token_names_its_holder_or_is_refused() {
        let guid = "5b0f4a86-1f0e-4d55-8a77-2f6f3c9d1e01";
        let holder = |kind: v1::IdentityType, id: &str| {
            let identity = v1::Identity { r#type: kind.into(), id: Some(id.to_owned()), ..Default::default() };
            Holder { identity, takes_challenges: true, ..Holder::default() }
        };
        let (person, workload) = (v1::IdentityType::User, v1::IdentityType::ServicePrincipal);
        for (kind, proven, lines, expected) in [
            ("servicePrincipal", (workload, "ledger"), &["ledger"][..], None),
            ("managedIdentity", (workload, guid), &["5B0F4A86-1F0E-4D55-8A77-2F6F3C9D1E01"], None),
            ("agentUser", (person, "u-1"), &["u-1"], None),
            ("servicePrincipal", (workload, "ledger"), &[], None),
            ("servicePrincipal", (workload, "ledger"), &[""], None),
            ("servicePrincipal", (workload, "ledger"), &["Ledger"], Some(InputErrorKind::Conflict)),
            ("servicePrincipal", (person, "ledger"), &["ledger"], Some(InputErrorKind::Conflict)),
            ("user", (workload, "ledger"), &["ledger"], Some(InputErrorKind::Conflict)),
            ("servicePrincipal", (workload, "ledger"), &["ledger", "ledger"], Some(InputErrorKind::Invalid)),
            ("servicePrincipal", (workload, "ledger"), &["", "ledger"], Some(InputErrorKind::Invalid)),
        ] {
            let header: IdentityHeader = serde_saphyr::from_str(&format!("{{ name: X-Id, type: {kind} }}")).unwrap();
            let proven = holder(proven.0, proven.1);
            let told = header.beside(Some(proven.clone()), lines.iter().map(|line| line.as_bytes()));
            match expected {
                None => assert_eq!(told, Ok(Some(proven)), "{lines:?}"),
                Some(error) => assert_eq!(told.unwrap_err().kind, error, "{lines:?}"),
            }
        }
    }
}
