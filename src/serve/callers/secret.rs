//! Secrets of callers, known by their hashes alone.

use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The SHA-256 of a secret, written as 64 hex digits.
///
/// INVARIANT: the only comparison is in constant time; `==` does not compile:
///
/// ```compile_fail,E0369
/// # use doorward::serve::callers::SecretHash;
/// fn same(one: SecretHash, other: SecretHash) -> bool { one == other }
/// ```
///
/// The secret must be long and random, 32 bytes are: a hash keeps a guessable one from nobody.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// The hash of `secret`.
    pub fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// Whether it is the hash of `secret`. Takes the same time whatever the answer.
    pub fn is_of(&self, secret: &[u8]) -> bool {
        self.matches(&Self::of(secret))
    }

    /// Whether both are the hash of one secret. Takes the same time whatever the answer.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
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
        let hash = read_hex(&text)
            .map(Self)
            .ok_or("a SHA-256 is 64 hex digits, as `printf %s \"$SECRET\" | sha256sum` prints them")?;
        // WHY: a variable that is not set has one, too.
        if hash.matches(&Self::of(b"")) { Err("this is the SHA-256 of nothing: there was no secret") } else { Ok(hash) }
    }
}

/// 32 bytes from 64 hex digits.
pub(in crate::serve) fn read_hex(text: &str) -> Option<[u8; 32]> {
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
        assert!(known.matches(&SecretHash::of(b"secret")));
        for other in ["", "Secret", "secret ", "secre"] {
            assert!(!known.matches(&SecretHash::of(other.as_bytes())), "{other}");
        }
        assert_eq!(format!("{known:?}"), "SecretHash", "it is not for logs");
    }

    #[test]
    fn the_hash_of_no_secret_is_refused() {
        let nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let error = SecretHash::try_from(nothing.to_owned()).expect_err("anybody has it");
        assert!(error.contains("there was no secret"), "{error}");
    }

    #[test]
    fn what_is_no_hash_is_refused() {
        for text in ["", "secret", &"g".repeat(64), &"a".repeat(63), &"a".repeat(65), &"é".repeat(32)] {
            assert!(SecretHash::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
