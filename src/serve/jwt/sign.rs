//! Signing a document as a JWT, with a key of the operator's.

use jsonwebtoken::{EncodingKey, Header};
use serde::Deserialize;
use serde_json::Value;

/// An algorithm of signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum SigningAlgorithm {
    /// ECDSA with P-256.
    #[serde(rename = "ES256")]
    Es256,
    /// RSA.
    #[serde(rename = "RS256")]
    Rs256,
    /// Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

/// The key is none for the algorithm.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the key is none for the algorithm")]
pub struct SignError(#[from] jsonwebtoken::errors::Error);

/// Signs `claims` with the private key `pem`, which verifiers know as `key_id`.
///
/// # Errors
/// A key that is none for `algorithm`. Cost: one signature.
pub fn sign(
    pem: &[u8],
    algorithm: SigningAlgorithm,
    key_id: Option<&str>,
    claims: &Value,
) -> Result<String, SignError> {
    let (algorithm, key) = match algorithm {
        SigningAlgorithm::Es256 => (jsonwebtoken::Algorithm::ES256, EncodingKey::from_ec_pem(pem)),
        SigningAlgorithm::Rs256 => (jsonwebtoken::Algorithm::RS256, EncodingKey::from_rsa_pem(pem)),
        SigningAlgorithm::EdDsa => (jsonwebtoken::Algorithm::EdDSA, EncodingKey::from_ed_pem(pem)),
    };
    let header = Header { kid: key_id.map(str::to_owned), ..Header::new(algorithm) };
    Ok(jsonwebtoken::encode(&header, claims, &key?)?)
}
