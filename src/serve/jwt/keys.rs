//! The keys of an issuer: a JSON Web Key Set (RFC 7517), parsed once.

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::settings::Algorithm;
use crate::limits;

/// Keys that signatures can be checked with.
#[derive(Debug)]
pub struct KeySet(Vec<Key>);

struct Key {
    id: Option<String>,
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("id", &self.id).field("algorithms", &self.algorithms).finish_non_exhaustive()
    }
}

/// What was fetched is no key set.
#[derive(Debug, thiserror::Error)]
#[error("it is no JSON Web Key Set: {0}")]
pub struct KeySetError(#[from] serde_json::Error);

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

impl KeySet {
    /// Reads a key set of at most [`limits::KEY_SET_KEYS_MAX`] keys. A key that is not for signatures, that is secret,
    /// or of a kind that is not known is left out, as RFC 7517 (section 5) has it.
    ///
    /// # Errors
    /// What is no key set.
    pub fn read(json: &[u8]) -> Result<Self, KeySetError> {
        let document: Document<'_> = serde_json::from_slice(json)?;
        let keys = document.keys.into_iter().filter_map(|key| serde_json::from_str(key.get()).ok());
        Ok(Self(keys.filter_map(|key| Key::read(&key)).take(limits::KEY_SET_KEYS_MAX).collect()))
    }

    /// The key of a token: the one that it names, or if it names none the only one of its algorithm.
    pub fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<&DecodingKey> {
        let mut fitting = self.0.iter().filter(|key| key.algorithms.contains(&algorithm));
        match id {
            Some(id) => fitting.find(|key| key.id.as_deref() == Some(id)),
            None => fitting.next().filter(|_| fitting.next().is_none()),
        }
        .map(|key| &key.key)
    }

    /// How many keys there are.
    pub const fn len(&self) -> usize {
        self.0.len()
    }
}

impl Key {
    fn read(key: &Jwk) -> Option<Self> {
        use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
        let algorithms: &[Algorithm] = match &key.algorithm {
            AlgorithmParameters::RSA(_) => &[RS256, RS384, RS512, PS256, PS384, PS512],
            AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => &[ES256],
            AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P384 => &[ES384],
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => &[EdDSA],
            _ => return None,
        };
        let is_for_signatures = matches!(key.common.public_key_use, None | Some(PublicKeyUse::Signature));
        let operations = key.common.key_operations.as_ref();
        let verifies = operations.is_none_or(|operations| operations.contains(&KeyOperations::Verify));
        if !is_for_signatures || !verifies {
            return None;
        }
        let said = key.common.key_algorithm.map(|said| said.to_string());
        let is_said = |algorithm: &Algorithm| said.as_ref().is_none_or(|said| *said == format!("{algorithm:?}"));
        let algorithms: Vec<_> = algorithms.iter().copied().filter(is_said).collect();
        let decoding = DecodingKey::from_jwk(key).ok()?;
        (!algorithms.is_empty()).then(|| Self { id: key.common.key_id.clone(), algorithms, key: decoding })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EC: &str = r#""kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0""#;
    const RSA: &str = r#""kty":"RSA","n":"sXchDaQebHnPiGvyDOAT4saGEUetSyo9MKLOoWFsueri","e":"AQAB""#;

    fn set(keys: &[String]) -> KeySet {
        KeySet::read(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes()).unwrap()
    }

    fn key(parameters: &str, rest: &str) -> String {
        format!("{{{parameters},{rest}}}")
    }

    #[test]
    fn a_key_is_found_by_its_id_and_for_its_algorithms_alone() {
        let keys = set(&[key(EC, r#""kid":"a""#), key(RSA, r#""kid":"b","alg":"PS256""#)]);
        let found = [
            (Some("a"), Algorithm::ES256, true),
            (Some("a"), Algorithm::ES384, false),
            (Some("a"), Algorithm::RS256, false),
            (Some("b"), Algorithm::PS256, true),
            (Some("b"), Algorithm::RS256, false),
            (Some("A"), Algorithm::ES256, false),
            (None, Algorithm::ES256, true),
            (None, Algorithm::RS256, false),
        ];
        for (id, algorithm, is_there) in found {
            assert_eq!(keys.find(id, algorithm).is_some(), is_there, "{id:?} {algorithm:?}");
        }
    }

    #[test]
    fn a_token_that_names_no_key_gets_none_of_two() {
        let keys = set(&[key(EC, r#""kid":"a""#), key(EC, r#""kid":"b""#)]);
        assert!(keys.find(None, Algorithm::ES256).is_none());
        assert!(keys.find(Some("b"), Algorithm::ES256).is_some());
    }

    #[test]
    fn keys_for_other_purposes_secrets_and_unknown_kinds_are_left_out() {
        let keys = set(&[
            key(EC, r#""use":"enc""#),
            key(EC, r#""key_ops":["sign"]"#),
            key(EC, r#""alg":"ES384""#),
            key(RSA, r#""alg":"RSA-OAEP""#),
            r#"{"kty":"oct","k":"c2VjcmV0","alg":"HS256"}"#.to_owned(),
            r#"{"kty":"PQ","pub":"AA"}"#.to_owned(),
            r#"{"kty":"RSA","n":"not base64!","e":"AQAB"}"#.to_owned(),
            r#"{"kty":"EC","crv":"P-256"}"#.to_owned(),
            "7".to_owned(),
        ]);
        assert_eq!(keys.len(), 0, "{keys:?}");
    }

    #[test]
    fn what_is_no_key_set_is_an_error_and_a_huge_one_is_cut() {
        for text in ["", "[]", "{}", r#"{"keys":7}"#, "<html>"] {
            assert!(KeySet::read(text.as_bytes()).is_err(), "{text}");
        }
        let many: Vec<_> = (0..300).map(|id| key(EC, &format!(r#""kid":"{id}""#))).collect();
        assert_eq!(set(&many).len(), limits::KEY_SET_KEYS_MAX);
    }
}
