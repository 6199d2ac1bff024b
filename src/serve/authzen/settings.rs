//! What operators say of the AuthZEN door.

use std::collections::BTreeMap;
use std::path::PathBuf;

use http::Uri;
use serde::Deserialize;

use crate::model::{GrantControl, IdRef};
use crate::serve::jwt::SigningAlgorithm;
use crate::serve::wire::spelling::Spelling;
use crate::serve::wire::v1;

/// How the door answers; the default tells nothing about itself.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Settings {
    /// Where callers find the door; without it there is no metadata.
    pub url: Option<PublicUrl>,
    /// How to sign the metadata.
    pub signed_metadata: Option<Signing>,
    /// Whether answers say which policies decided, and what an OAuth client is told of a token that is refused.
    pub verbose: bool,
    /// What an item of a batch takes from the defaults.
    pub batch_defaults: BatchDefaults,
    /// What stronger authentication is called, by the controls that it meets.
    pub step_up: StepUp,
}

/// How to sign.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Signing {
    /// A file with a private key, PKCS #8 in PEM.
    pub key: PathBuf,
    /// The algorithm, which the key must be for.
    pub algorithm: SigningAlgorithm,
    /// The id of the key, for those who verify.
    pub key_id: Option<String>,
}

/// What an item of a batch takes from the defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum BatchDefaults {
    /// Whole objects.
    #[default]
    Strict,
    /// Whole objects; and a type, id or name that an object of its own lacks.
    Lenient,
}

/// An `https` address without query, fragment and final slash.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct PublicUrl(String);

impl PublicUrl {
    /// The whole address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its path; empty when there is none.
    pub fn path(&self) -> &str {
        let host = self.0.strip_prefix(SCHEME).unwrap_or(&self.0);
        host.find('/').and_then(|start| host.get(start..)).unwrap_or_default()
    }
}

const SCHEME: &str = "https://";

impl TryFrom<String> for PublicUrl {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let is_address =
            text.parse::<Uri>().is_ok_and(|uri| uri.authority().is_some_and(|host| !host.as_str().is_empty()));
        if is_address && text.starts_with(SCHEME) && !text.contains(['?', '#']) && !text.ends_with('/') {
            Ok(Self(text))
        } else {
            Err("must be an `https://` address without query, fragment and final `/`")
        }
    }
}

/// Authentication context class references by the names of the controls that they meet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "BTreeMap<String, String>")]
pub struct StepUp(BTreeMap<String, String>);

const STRENGTH: &str = "authenticationStrength:";

impl StepUp {
    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What to ask for so that `control` is met.
    pub fn acr(&self, control: &str) -> Option<&str> {
        self.0.get(control).map(String::as_str)
    }

    /// Adds the controls that `acr` meets.
    pub fn prove(&self, acr: &str, satisfied: &mut v1::Satisfied) {
        for (control, _) in self.0.iter().filter(|(_, known)| *known == acr) {
            match control.strip_prefix(STRENGTH) {
                Some(id) => satisfied.authentication_strengths.push(id.to_owned()),
                None => satisfied.built_in_controls.push(GrantControl::Mfa.number()),
            }
        }
    }
}

impl TryFrom<BTreeMap<String, String>> for StepUp {
    type Error = String;

    fn try_from(map: BTreeMap<String, String>) -> Result<Self, Self::Error> {
        let mut all = BTreeMap::new();
        for (control, acr) in map {
            // As answers name it: ids that are GUIDs in lower case.
            let name = match control.strip_prefix(STRENGTH) {
                Some(id) if !id.is_empty() => format!("{STRENGTH}{}", IdRef::new(id)),
                _ if control == "mfa" => control,
                _ => return Err(format!("`{control}` is neither `mfa` nor `{STRENGTH}<id>`")),
            };
            if acr.is_empty() {
                return Err(format!("`{name}` needs the acr that meets it"));
            }
            all.insert(name, acr);
        }
        Ok(Self(all))
    }
}
