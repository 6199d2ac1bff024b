//! What an issuer calls the claims that identities are read from, where it has names of its own for them.
//!
//! What claims mean is [`claims`]' matter. Start with [`ClaimNames::read`].

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::serve::claims;

/// Other names of claims: by the one that is read here, the one that the token has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>")]
pub struct ClaimNames(BTreeMap<String, String>);

impl TryFrom<BTreeMap<String, String>> for ClaimNames {
    type Error = String;

    fn try_from(names: BTreeMap<String, String>) -> Result<Self, String> {
        if let Some(name) = names.keys().find(|name| !claims::is_read(name)) {
            return Err(format!("`{name}` is no claim that an identity is read from"));
        }
        match names.iter().find(|(_, own)| own.is_empty()) {
            Some((name, _)) => Err(format!("`{name}` must have a name in the token")),
            None => Ok(Self(names)),
        }
    }
}

impl ClaimNames {
    /// The claims under the names that are read here. What the token itself has under a name for which it has another one
    /// does not count, even if it lacks that: it may be anything.
    pub fn read<'c>(&self, claims: &'c Map<String, Value>) -> Cow<'c, Map<String, Value>> {
        if self.0.is_empty() {
            return Cow::Borrowed(claims);
        }
        let mut read = claims.clone();
        for name in self.0.keys() {
            read.remove(name);
        }
        for (name, own) in &self.0 {
            read.extend(claims.get(own).map(|value| (name.clone(), value.clone())));
        }
        Cow::Owned(read)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_claim_is_read_under_the_name_that_the_issuer_has_for_it_and_no_other() {
        let names: ClaimNames = serde_saphyr::from_str("{ oid: user_id, sub: login, azp: sub }").unwrap();
        for (claims, expected) in [
            (json!({"user_id": "1", "login": "a", "sub": "app"}), json!({"oid": "1", "sub": "a", "azp": "app"})),
            (json!({"oid": "forged", "login": "a"}), json!({"sub": "a"})),
            (json!({"iss": "x"}), json!({"iss": "x"})),
        ] {
            let read = names.read(claims.as_object().unwrap()).into_owned();
            let known = read.into_iter().filter(|(name, _)| claims::is_read(name));
            assert_eq!(Value::Object(known.collect()), expected, "{claims}");
        }
        let none = ClaimNames::default();
        assert_eq!(*none.read(json!({"sub": "a"}).as_object().unwrap()), *json!({"sub": "a"}).as_object().unwrap());
    }

    #[test]
    fn a_name_that_nobody_reads_is_refused() {
        for (text, told) in
            [("{ groups: roles }", "`groups`"), ("{ Sub: x }", "`Sub`"), ("{ sub: '' }", "must have a name")]
        {
            let error = serde_saphyr::from_str::<ClaimNames>(text).expect_err(text).to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}
