//! Keys of callers: how they are kept, and compared without telling by the time how much of a guess is right.

use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The SHA-256 of a secret, written as 64 hex digits.
///
/// INVARIANT: the only comparison is in constant time. The secret must be long and random, 32 bytes are: a hash keeps a
/// guessable one from nobody.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Whether it is the hash of `secret`. Takes the same time whatever the answer.
    pub fn is_of(&self, secret: &[u8]) -> bool {
        let other: [u8; 32] = Sha256::digest(secret).into();
        self.0.ct_eq(&other).into()
    }
}

impl std::fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretHash")
    }
}

impl TryFrom<String> for SecretHash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        read_hex(&text)
            .map(Self)
            .ok_or("a SHA-256 is 64 hex digits, as `printf %s \"$SECRET\" | sha256sum` prints them")
    }
}

/// A key that signatures are made with.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct SigningKey(Box<[u8]>);

impl SigningKey {
    /// The key.
    pub(super) const fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey")
    }
}

impl TryFrom<String> for SigningKey {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        match text.is_empty() {
            true => Err("a signing key is not empty: anybody could sign"),
            false => Ok(Self(text.into_bytes().into())),
        }
    }
}

/// 32 bytes from 64 hex digits.
pub(super) fn read_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let mut digits = pair.iter().map(|digit| char::from(*digit).to_digit(16));
        let (high, low) = (digits.next()??, digits.next()??);
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_by_its_hash_alone() {
        let hash = "2BB80D537B1DA3E38BD30361AA855686BDE0EACD7162FEF6A25FE97BF527A25B".to_owned();
        let known = SecretHash::try_from(hash).unwrap();
        assert!(known.is_of(b"secret"));
        for other in ["", "Secret", "secret ", "secre"] {
            assert!(!known.is_of(other.as_bytes()), "{other}");
        }
        assert_eq!(format!("{known:?}"), "SecretHash", "it is not for logs");
    }

    #[test]
    fn what_is_no_hash_or_key_is_refused() {
        for text in ["", "secret", &"g".repeat(64), &"a".repeat(63), &"a".repeat(65), &"é".repeat(32)] {
            assert!(SecretHash::try_from(text.to_owned()).is_err(), "{text}");
        }
        assert!(SigningKey::try_from(String::new()).is_err());
        assert_eq!(format!("{:?}", SigningKey::try_from("k".to_owned()).unwrap()), "SigningKey");
    }
}
