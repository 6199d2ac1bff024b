//! One token: read, then checked against a key and what its issuer's settings say. Pure: `now` is a parameter.
//!
//! JSON Web Token (RFC 7519), as a compact JWS (RFC 7515), checked as RFC 8725 advises. Signatures are checked by
//! `jsonwebtoken`; what claims say is checked here, because there the clock is not a parameter.

use jiff::Timestamp;
use jsonwebtoken::dangerous::insecure_decode_claims;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{DecodingKey, Validation};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::settings::{Algorithm, IssuerSettings};
use crate::limits;

/// What a token may say that it is (`typ`), lower case: access tokens, and what says nothing more. Tokens that are made
/// for other purposes with the same keys say so.
const TYPES: [&str; 4] = ["jwt", "application/jwt", "at+jwt", "application/at+jwt"];

/// Why a token is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is no token, or larger than [`limits::TOKEN_BYTES_MAX`].
    #[error("it is no signed JSON Web Token")]
    Malformed,
    /// It is signed with an algorithm that its issuer may not use.
    #[error("its algorithm is not allowed")]
    Algorithm,
    /// It is not signed, says that it is made for another purpose, or that something must be understood that is not.
    #[error("its header asks for what is not supported")]
    Header,
    /// Its issuer is not one of those that are believed.
    #[error("its issuer is not known")]
    Issuer,
    /// Its issuer has no such key: its keys have just been fetched.
    #[error("its key is not known")]
    Key,
    /// Its key is not among those of its issuer that are known, and they cannot be fetched again just now: it may be a new
    /// one, or made up.
    #[error("its key is not known yet")]
    KeyUnsure,
    /// No keys of its issuer are known, so nothing can be said about any of its tokens.
    #[error("the keys of its issuer are not known yet")]
    NoKeys,
    /// It was not signed with that key, or was changed since.
    #[error("its signature is wrong")]
    Signature,
    /// It is meant for somebody else, or does not say for whom.
    #[error("it is meant for another audience")]
    Audience,
    /// Its time is over, or it does not say when that will be.
    #[error("it has expired")]
    Expired,
    /// Its time has not come.
    #[error("it is not valid yet")]
    NotYet,
}

/// What a believed token says.
#[derive(Clone, Debug, PartialEq)]
pub struct Claims(Map<String, Value>);

impl Claims {
    /// All claims.
    pub const fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// A claim that is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// When it ends, seconds since the epoch.
    pub fn expires(&self) -> f64 {
        self.seconds("exp").unwrap_or(0.0)
    }

    fn seconds(&self, name: &str) -> Option<f64> {
        self.0.get(name)?.as_f64()
    }
}

/// A token that was read and is not believed yet.
#[derive(Debug)]
pub struct Token<'t> {
    text: &'t str,
    /// The key it names.
    pub key_id: Option<String>,
    /// The algorithm it names.
    pub algorithm: Algorithm,
    /// The issuer it names.
    pub issuer: String,
}

impl<'t> Token<'t> {
    /// Reads a token.
    ///
    /// # Errors
    /// [`TokenError::Malformed`], [`TokenError::Algorithm`], [`TokenError::Header`].
    pub fn read(text: &'t str) -> Result<Self, TokenError> {
        #[derive(Deserialize)]
        struct Named {
            iss: String,
        }
        if text.len() > limits::TOKEN_BYTES_MAX || text.split('.').count() != 3 {
            return Err(TokenError::Malformed);
        }
        // WHY: to the library what names an unknown algorithm, `none` before all, is no header.
        let header = jsonwebtoken::decode_header(text).map_err(|error| match error.kind() {
            ErrorKind::Json(_) => TokenError::Header,
            _ => TokenError::Malformed,
        })?;
        let algorithm = algorithm(header.alg).ok_or(TokenError::Algorithm)?;
        let is_meant = header.typ.as_deref().is_none_or(|kind| TYPES.contains(&kind.to_ascii_lowercase().as_str()));
        if header.crit.is_some() || !is_meant {
            return Err(TokenError::Header);
        }
        let named: Named = insecure_decode_claims(text).map_err(|_| TokenError::Malformed)?;
        Ok(Self { text, key_id: header.kid, algorithm, issuer: named.iss })
    }

    /// Checks the token with a key of its issuer at `now`.
    ///
    /// # Errors
    /// [`TokenError::Algorithm`], [`TokenError::Issuer`], [`TokenError::Signature`], [`TokenError::Audience`],
    /// [`TokenError::Expired`], [`TokenError::NotYet`]; the first that applies. Cost: the check of one signature, some
    /// ten microseconds.
    pub fn check(&self, key: &DecodingKey, issuer: &IssuerSettings, now: Timestamp) -> Result<Claims, TokenError> {
        if !issuer.algorithms.allow(self.algorithm) {
            return Err(TokenError::Algorithm);
        }
        let mut signature_alone = Validation::new(library(self.algorithm));
        signature_alone.validate_exp = false;
        signature_alone.validate_aud = false;
        signature_alone.required_spec_claims.clear();
        let decoded = jsonwebtoken::decode(self.text, key, &signature_alone).map_err(|_| TokenError::Signature)?;
        let claims = Claims(decoded.claims);
        if claims.text("iss") != Some(issuer.issuer.as_str()) {
            return Err(TokenError::Issuer);
        }
        let is_meant = match claims.0.get("aud") {
            Some(Value::String(audience)) => issuer.audiences.contain(audience),
            Some(Value::Array(audiences)) => {
                audiences.iter().any(|audience| audience.as_str().is_some_and(|text| issuer.audiences.contain(text)))
            }
            _ => false,
        };
        if !is_meant {
            return Err(TokenError::Audience);
        }
        let (now, leeway) = (now.as_duration().as_secs_f64(), issuer.leeway.0.as_secs_f64());
        if claims.seconds("exp").is_none_or(|end| now >= end + leeway) {
            return Err(TokenError::Expired);
        }
        let has_begun =
            claims.0.get("nbf").is_none_or(|start| start.as_f64().is_some_and(|start| now + leeway >= start));
        if has_begun { Ok(claims) } else { Err(TokenError::NotYet) }
    }
}

fn algorithm(theirs: jsonwebtoken::Algorithm) -> Option<Algorithm> {
    use jsonwebtoken::Algorithm as Theirs;
    Some(match theirs {
        Theirs::RS256 => Algorithm::RS256,
        Theirs::RS384 => Algorithm::RS384,
        Theirs::RS512 => Algorithm::RS512,
        Theirs::PS256 => Algorithm::PS256,
        Theirs::PS384 => Algorithm::PS384,
        Theirs::PS512 => Algorithm::PS512,
        Theirs::ES256 => Algorithm::ES256,
        Theirs::ES384 => Algorithm::ES384,
        Theirs::EdDSA => Algorithm::EdDSA,
        _ => return None,
    })
}

const fn library(ours: Algorithm) -> jsonwebtoken::Algorithm {
    use jsonwebtoken::Algorithm as Theirs;
    match ours {
        Algorithm::RS256 => Theirs::RS256,
        Algorithm::RS384 => Theirs::RS384,
        Algorithm::RS512 => Theirs::RS512,
        Algorithm::PS256 => Theirs::PS256,
        Algorithm::PS384 => Theirs::PS384,
        Algorithm::PS512 => Theirs::PS512,
        Algorithm::ES256 => Theirs::ES256,
        Algorithm::ES384 => Theirs::ES384,
        Algorithm::EdDSA => Theirs::EdDSA,
    }
}
