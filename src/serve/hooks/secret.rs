//! What a hook's caller is known by: a key that it sends under some name, or that it signs with.

use http::{HeaderMap, HeaderName};
use serde::Deserialize;

use crate::serve::callers::SecretHash;

/// The name of the header or cookie that a key is sent in. A name that none can have would shut out everybody.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct KeyName(String);

impl KeyName {
    /// As the settings write it: names of cookies are compared with their capital letters.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the header of this name is there once, with the key.
    pub(super) fn is_header_with(&self, key: &SecretHash, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(&self.0).iter();
        // WHY: of two values nobody knows which one a proxy in between has looked at.
        values.next().is_some_and(|value| key.is_of(value.as_bytes())) && values.next().is_none()
    }
}

impl TryFrom<String> for KeyName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        match HeaderName::from_bytes(text.as_bytes()) {
            Ok(_) => Ok(Self(text)),
            Err(_) => Err("must be the name of a header or cookie: letters, digits, `-` and `_`"),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_key_is_refused_and_none_is_told() {
        assert!(SigningKey::try_from(String::new()).is_err());
        assert_eq!(format!("{:?}", SigningKey::try_from("k".to_owned()).unwrap()), "SigningKey");
    }
}
