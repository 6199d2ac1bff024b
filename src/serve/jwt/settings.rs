//! What is said about an issuer of tokens, checked as it is read.
//!
//! An audience is never optional: a token that is meant for somebody else would be good here.

use std::path::PathBuf;
use std::time::Duration;

use http::Uri;
use serde::Deserialize;

use crate::limits;

/// An issuer whose tokens are believed.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IssuerSettings {
    /// The value of `iss`, compared byte for byte.
    pub issuer: String,
    /// Where its keys are.
    pub jwks: KeySource,
    /// Whom tokens must be meant for: `aud` names at least one of these.
    pub audiences: Audiences,
    /// Algorithms that its tokens may be signed with.
    #[serde(default)]
    pub algorithms: Algorithms,
    /// How far its clock may be off, seconds, at most [`limits::TOKEN_LEEWAY_MAX`].
    #[serde(default)]
    pub leeway: Leeway,
}

/// The place of a JSON Web Key Set.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum KeySource {
    /// Fetched from there.
    Url(Uri),
    /// Read from this file.
    File(PathBuf),
}

impl TryFrom<String> for KeySource {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.is_empty() {
            return Err("`jwks` is a URL or the path of a file".to_owned());
        }
        if !text.contains("://") {
            return Ok(Self::File(text.into()));
        }
        let url: Uri = text.parse().map_err(|_| format!("`{text}` is no URL"))?;
        if url.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err("`jwks` holds a name or password; keys are public".to_owned());
        }
        match (url.scheme_str(), url.host()) {
            (Some("https"), Some(host)) if !host.is_empty() => Ok(Self::Url(url)),
            (Some("http"), Some("127.0.0.1" | "[::1]" | "localhost")) => Ok(Self::Url(url)),
            (Some("http"), _) => Err(format!("keys from `{text}` could be replaced on their way; use https or a file")),
            _ => Err(format!("`{text}` is no https URL; a file is given by its path alone")),
        }
    }
}

/// Audiences, at least one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct Audiences(Vec<String>);

impl Audiences {
    /// Whether `audience` is one of them, byte for byte.
    pub fn contain(&self, audience: &str) -> bool {
        self.0.iter().any(|known| known == audience)
    }
}

impl TryFrom<Vec<String>> for Audiences {
    type Error = &'static str;

    fn try_from(audiences: Vec<String>) -> Result<Self, &'static str> {
        match audiences.is_empty() || audiences.iter().any(String::is_empty) {
            true => Err("name at least one audience: without, tokens that are meant for others would be accepted"),
            false => Ok(Self(audiences)),
        }
    }
}

/// An algorithm that a token can be signed with. Those that work with a shared secret are not among them, nor is
/// `none`: a public key can then never be taken for a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Algorithm {
    /// RSA PKCS#1 with SHA-256.
    RS256,
    /// RSA PKCS#1 with SHA-384.
    RS384,
    /// RSA PKCS#1 with SHA-512.
    RS512,
    /// RSA PSS with SHA-256.
    PS256,
    /// RSA PSS with SHA-384.
    PS384,
    /// RSA PSS with SHA-512.
    PS512,
    /// ECDSA with P-256.
    ES256,
    /// ECDSA with P-384.
    ES384,
    /// Ed25519.
    EdDSA,
}

/// Allowed algorithms, at least one; by default RS256, PS256, ES256 and EdDSA.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<Algorithm>")]
pub struct Algorithms(Vec<Algorithm>);

impl Algorithms {
    /// Whether a token may be signed with this one.
    pub fn allow(&self, algorithm: Algorithm) -> bool {
        self.0.contains(&algorithm)
    }
}

impl Default for Algorithms {
    fn default() -> Self {
        Self(vec![Algorithm::RS256, Algorithm::PS256, Algorithm::ES256, Algorithm::EdDSA])
    }
}

impl TryFrom<Vec<Algorithm>> for Algorithms {
    type Error = &'static str;

    fn try_from(algorithms: Vec<Algorithm>) -> Result<Self, &'static str> {
        if algorithms.is_empty() {
            Err("name at least one algorithm, or leave `algorithms` out")
        } else {
            Ok(Self(algorithms))
        }
    }
}

/// How far an issuer's clock may be off; 30 seconds by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u64")]
pub struct Leeway(pub(in crate::serve) Duration);

impl Default for Leeway {
    fn default() -> Self {
        Self(Duration::from_secs(30))
    }
}

impl TryFrom<u64> for Leeway {
    type Error = String;

    fn try_from(seconds: u64) -> Result<Self, String> {
        let leeway = Duration::from_secs(seconds);
        let most = limits::TOKEN_LEEWAY_MAX;
        if leeway > most { Err(format!("at most {} seconds", most.as_secs())) } else { Ok(Self(leeway)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(rest: &str, expected: &str) {
        let text = format!("issuer: https://login.example\njwks: https://login.example/keys\n{rest}");
        let error = serde_saphyr::from_str::<IssuerSettings>(&text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn an_issuer_without_an_audience_is_refused() {
        refused("", "audiences");
        refused("audiences: []", "at least one audience");
        refused("audiences: ['']", "at least one audience");
    }

    #[test]
    fn algorithms_with_a_shared_secret_and_none_are_not_known() {
        for algorithm in ["none", "HS256", "HS384", "HS512", "rs256", "ES256K"] {
            refused(&format!("audiences: [a]\nalgorithms: [RS256, {algorithm}]"), algorithm);
        }
        refused("audiences: [a]\nalgorithms: []", "at least one algorithm");
    }

    #[test]
    fn a_leeway_has_a_bound() {
        refused("audiences: [a]\nleeway: 301", "at most 300 seconds");
        refused("audiences: [a]\nleeway: -1", "leeway");
    }

    #[test]
    fn keys_come_over_https_from_a_file_or_from_this_machine() {
        let read = |text: &str| KeySource::try_from(text.to_owned());
        for good in
            ["https://login.example/keys?v=2", "http://127.0.0.1:80/keys", "http://localhost/k", "http://[::1]/"]
        {
            assert!(matches!(read(good), Ok(KeySource::Url(_))), "{good}");
        }
        assert_eq!(read("/etc/doorward/keys.json"), Ok(KeySource::File("/etc/doorward/keys.json".into())));
        for bad in [
            "",
            "http://login.example/keys",
            "http://127.0.0.1.example/keys",
            "ftp://a/b",
            "file:///keys",
            "https://",
            "https://name:secret@login.example/keys",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
