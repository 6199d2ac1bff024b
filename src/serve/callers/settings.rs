//! Who may ask: what is said about it, checked as it is read. What only files can tell is found when serving starts.

use std::path::PathBuf;

use nix::unistd::{Group, User};
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::secret::{self, SecretHash};
use crate::serve::jwt::{Algorithms, Audiences, IssuerSettings, KeySource, Leeway};

/// Who may ask for decisions.
///
/// Over TCP each way that is configured is good by itself; when none is, whoever reaches the port may ask.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CallerSettings {
    /// TLS on the TCP listener, and whose certificates are let in.
    #[serde(deserialize_with = "something")]
    pub tls: Option<TlsSettings>,
    /// Secrets that callers send as bearer tokens; at least one, where they are spoken of.
    #[serde(deserialize_with = "at_least_one")]
    pub bearer: Vec<BearerSettings>,
    /// Issuers whose access tokens let callers in; at least one, where they are spoken of.
    #[serde(deserialize_with = "at_least_one")]
    pub jwt: Vec<TokenSettings>,
    /// Which processes are let in over the Unix socket; without it, its file mode alone decides.
    #[serde(deserialize_with = "something")]
    pub unix: Option<UnixSettings>,
}

/// WHY: who writes an empty list means that nobody is let in, and without a way in everybody would be.
fn at_least_one<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let list = Vec::deserialize(deserializer)?;
    if list.is_empty() { Err(D::Error::custom("name at least one, or leave the list out")) } else { Ok(list) }
}

/// WHY: who begins a section means that not everybody is let in; an empty one would be as if it were left out.
fn something<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    let said = Option::deserialize(deserializer)?;
    if said.is_none() { Err(D::Error::custom("say something, or leave the section out")) } else { Ok(said) }
}

impl CallerSettings {
    /// Whether nothing is said.
    pub const fn is_empty(&self) -> bool {
        self.tls.is_none() && self.bearer.is_empty() && self.jwt.is_empty() && self.unix.is_none()
    }

    /// Whether callers over TCP must say who they are.
    pub fn authenticate_tcp(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.clients.is_some()) || self.takes_tokens()
    }

    /// Whether a token can say who a caller is.
    pub fn takes_tokens(&self) -> bool {
        !self.bearer.is_empty() || !self.jwt.is_empty()
    }

    /// Whether tokens of callers travel unencrypted.
    pub fn are_in_the_clear(&self) -> bool {
        self.takes_tokens() && self.tls.is_none()
    }
}

/// TLS on the TCP listener.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "TlsText")]
pub struct TlsSettings {
    /// PEM file of the server's certificate and those between it and its root.
    pub certificate: PathBuf,
    /// PEM file of its private key.
    pub key: PathBuf,
    /// Which certificates of callers are let in, if any.
    pub clients: Option<ClientSettings>,
}

/// Whose certificates are let in.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// PEM file of the authorities that may have issued them.
    pub ca: PathBuf,
    /// Which of theirs; at least one.
    pub allow: Vec<Allowed>,
}

/// A certificate that is let in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Allowed {
    /// One that names this URI among its alternative names, byte for byte.
    Uri(String),
    /// One with the key whose `SubjectPublicKeyInfo` has this SHA-256.
    Key([u8; 32]),
}

impl TryFrom<String> for Allowed {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        match text.strip_prefix("sha256:") {
            Some(hash) => secret::read_hex(hash).map(Self::Key).ok_or("`sha256:` is followed by 64 hex digits"),
            None if is_uri(&text) => Ok(Self::Uri(text)),
            None => Err(
                "an entry of `allow` is a URI, as `spiffe://example.org/gateway`, or `sha256:` and the digest of a key",
            ),
        }
    }
}

/// A scheme (RFC 3986, section 3.1), a colon, and something behind it.
fn is_uri(text: &str) -> bool {
    text.split_once(':').is_some_and(|(scheme, rest)| {
        let is_part = |character: char| character.is_ascii_alphanumeric() || "+-.".contains(character);
        scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && scheme.chars().all(is_part) && !rest.is_empty()
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TlsText {
    certificate: PathBuf,
    key: PathBuf,
    #[serde(default, deserialize_with = "something")]
    client_ca: Option<PathBuf>,
    #[serde(default, deserialize_with = "at_least_one")]
    allow: Vec<Allowed>,
}

impl TryFrom<TlsText> for TlsSettings {
    type Error = &'static str;

    fn try_from(TlsText { certificate, key, client_ca, allow }: TlsText) -> Result<Self, &'static str> {
        let clients = match (client_ca, allow.is_empty()) {
            (Some(ca), false) => Some(ClientSettings { ca, allow }),
            (None, true) => None,
            (Some(_), true) => {
                return Err("`clientCa` needs `allow`: an authority issues more certificates than a caller has");
            }
            (None, false) => return Err("`allow` needs `clientCa`: nobody asks for a certificate otherwise"),
        };
        Ok(Self { certificate, key, clients })
    }
}

/// A caller with a secret.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BearerSettings {
    /// What the caller is called in the decision log.
    pub name: String,
    /// The SHA-256 of its secret.
    pub sha256: SecretHash,
}

/// Callers with access tokens of an issuer.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "TokenText")]
pub struct TokenSettings {
    /// The issuer, and the audiences that stand for doorward.
    pub issuer: IssuerSettings,
    /// The scope that a token must have. Tokens of people have other ones.
    pub scope: String,
    /// Values of `sub` that are let in; all if empty.
    pub subjects: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct TokenText {
    issuer: String,
    jwks: KeySource,
    audiences: Audiences,
    #[serde(default)]
    algorithms: Algorithms,
    #[serde(default)]
    leeway: Leeway,
    scope: String,
    #[serde(default)]
    subjects: Vec<String>,
}

impl TryFrom<TokenText> for TokenSettings {
    type Error = &'static str;

    fn try_from(text: TokenText) -> Result<Self, &'static str> {
        let TokenText { issuer, jwks, audiences, algorithms, leeway, scope, subjects } = text;
        if scope.is_empty() || scope.contains(char::is_whitespace) {
            return Err("`scope` is one scope: without, every token that a person holds would let them ask");
        }
        Ok(Self { issuer: IssuerSettings { issuer, jwks, audiences, algorithms, leeway }, scope, subjects })
    }
}

/// Which processes are let in over the Unix socket.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "UnixText")]
pub struct UnixSettings {
    users: Vec<u32>,
    groups: Vec<u32>,
}

impl UnixSettings {
    /// Whether a process of this user, with this group as its own, is let in.
    pub fn let_in(&self, user: u32, group: u32) -> bool {
        self.users.contains(&user) || self.groups.contains(&group)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct UnixText {
    users: Vec<Name>,
    groups: Vec<Name>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Name {
    Number(u32),
    Text(String),
}

impl Name {
    fn number(self, look_up: impl FnOnce(&str) -> Option<u32>) -> Result<u32, String> {
        match self {
            Self::Number(number) => Ok(number),
            Self::Text(name) => look_up(&name).ok_or_else(|| format!("this machine knows no `{name}`")),
        }
    }
}

impl TryFrom<UnixText> for UnixSettings {
    type Error = String;

    fn try_from(UnixText { users, groups }: UnixText) -> Result<Self, String> {
        if users.is_empty() && groups.is_empty() {
            return Err("name a user or a group, or leave `unix` out".to_owned());
        }
        let user = |name: &str| User::from_name(name).ok().flatten().map(|user| user.uid.as_raw());
        let group = |name: &str| Group::from_name(name).ok().flatten().map(|group| group.gid.as_raw());
        Ok(Self {
            users: users.into_iter().map(|name| name.number(user)).collect::<Result<_, _>>()?,
            groups: groups.into_iter().map(|name| name.number(group)).collect::<Result<_, _>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<CallerSettings, String> {
        serde_saphyr::from_str(text).map_err(|error| error.to_string())
    }

    #[track_caller]
    fn refused(text: &str, expected: &str) {
        let error = read(text).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn a_certificate_of_a_caller_needs_an_authority_and_a_name() {
        let tls = "tls: { certificate: a.pem, key: b.pem";
        refused(&format!("{tls}, clientCa: ca.pem }}"), "`clientCa` needs `allow`");
        refused(&format!("{tls}, allow: ['spiffe://a/b'] }}"), "`allow` needs `clientCa`");
        for name in ["*", "gateway", "https:", "://gateway", "a b:c"] {
            refused(&format!("{tls}, clientCa: ca.pem, allow: ['{name}'] }}"), "an entry of `allow`");
        }
        refused(&format!("{tls}, clientCa: ca.pem, allow: ['sha256:00'] }}"), "64 hex digits");
        let both =
            format!("{tls}, clientCa: ca.pem, allow: ['spiffe://a/b', 'urn:x:y', 'sha256:{}'] }}", "0".repeat(64));
        assert!(read(&both).unwrap().authenticate_tcp());
        assert!(!read(&format!("{tls} }}")).unwrap().authenticate_tcp(), "the server's own says nothing of callers");
    }

    #[test]
    fn a_token_of_a_caller_needs_an_audience_and_a_scope() {
        let jwt = "jwt: [{ issuer: 'https://login.example', jwks: keys.json";
        refused(&format!("{jwt}, scope: decide }}]"), "audiences");
        refused(&format!("{jwt}, audiences: [], scope: decide }}]"), "at least one audience");
        refused(&format!("{jwt}, audiences: [doorward] }}]"), "scope");
        refused(&format!("{jwt}, audiences: [doorward], scope: '' }}]"), "`scope` is one scope");
        refused(&format!("{jwt}, audiences: [doorward], scope: a b }}]"), "`scope` is one scope");
        assert!(read(&format!("{jwt}, audiences: [doorward], scope: decide }}]")).unwrap().authenticate_tcp());
    }

    #[test]
    fn a_secret_itself_is_refused_and_its_hash_is_taken() {
        refused("bearer: [{ name: gateway, sha256: hunter2 }]", "64 hex digits");
        refused("bearer: [{ name: gateway, secret: hunter2 }]", "secret");
        let settings = read(&format!("bearer: [{{ name: gateway, sha256: '{}' }}]", "0".repeat(64))).unwrap();
        assert!(settings.authenticate_tcp() && settings.are_in_the_clear());
    }

    #[test]
    fn an_empty_list_of_callers_lets_nobody_in_rather_than_everybody() {
        let tls = "tls: { certificate: a.pem, key: b.pem }\nbearer: []";
        let nobody = "tls: { certificate: a.pem, key: b.pem, allow: [] }";
        let by_nothing = "tls: { certificate: a.pem, key: b.pem, clientCa: }";
        for text in [
            "bearer: []",
            "jwt: []",
            tls,
            "bearer:",
            "jwt: null",
            "unix:",
            "unix: null",
            "tls:",
            "tls: ~",
            nobody,
            by_nothing,
        ] {
            let told = read(text).map(|settings| settings.authenticate_tcp());
            assert!(told.is_err(), "{text}: {told:?}");
        }
    }

    #[test]
    fn users_and_groups_are_numbers_or_names_that_the_machine_knows() {
        let settings = read("unix: { users: [0, 1000], groups: [root] }").unwrap();
        let unix = settings.unix.as_ref().unwrap();
        assert!(unix.let_in(1000, 7) && unix.let_in(7, 0) && !unix.let_in(7, 1000));
        assert!(!settings.authenticate_tcp());
        refused("unix: { users: [nobody-has-this-name] }", "`nobody-has-this-name`");
        refused("unix: {}", "name a user or a group");
    }
}
