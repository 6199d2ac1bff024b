//! The key that a hook's caller signs with.

use serde::Deserialize;

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
