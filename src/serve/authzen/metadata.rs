//! What callers can find out about the door, made once when it is opened.
//!
//! Every address in it comes from the settings: one that followed the request could be made to say anything.
//!
//! Source: OpenID Authorization API 1.0, section 9, read August 2026.

use serde_json::{Map, Value, json};

use super::{ISSUANCE, Settings, Signing};
use crate::limits;
use crate::model::shaping::{OBLIGATION_TYPES, STEP_UP};
use crate::serve::file;
use crate::serve::jwt::{self, SignError};

/// Why a door cannot tell about itself as the settings want it.
#[derive(Debug, thiserror::Error)]
pub enum MetadataError {
    /// The key for signing cannot be read.
    #[error("cannot read the key `{0}`")]
    Key(String, #[source] std::io::Error),
    /// The key is none for the algorithm.
    #[error("cannot sign with the key `{0}`")]
    Sign(String, #[source] SignError),
    /// There is nothing to sign.
    #[error("signed metadata needs the `url` of the door")]
    NoUrl,
}

/// The document; `None` when the settings do not say where the door is.
pub fn document(settings: &Settings) -> Result<Option<Value>, MetadataError> {
    let Some(url) = &settings.url else {
        return if settings.signed_metadata.is_some() { Err(MetadataError::NoUrl) } else { Ok(None) };
    };
    let url = url.as_str();
    let endpoint = |path: &str| json!(format!("{url}/access/v1/{path}"));
    let mut document: Map<String, Value> = [
        ("policy_decision_point", json!(url)),
        ("access_evaluation_endpoint", endpoint("evaluation")),
        ("access_evaluations_endpoint", endpoint("evaluations")),
        ("search_subject_endpoint", endpoint("search/subject")),
        ("search_resource_endpoint", endpoint("search/resource")),
        ("search_action_endpoint", endpoint("search/action")),
        ("capabilities", json!([ISSUANCE])),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into_iter()
    .collect();
    // Types that are URIs are those of a bundle, which comes and goes; this document stays.
    let step_up = (!settings.step_up.is_empty()).then_some(STEP_UP);
    let obligations: Vec<_> = OBLIGATION_TYPES.into_iter().chain(step_up).collect();
    document.insert("supported_obligations".to_owned(), json!(obligations));
    if let Some(signing) = &settings.signed_metadata {
        let mut claims = document.clone();
        claims.insert("iss".to_owned(), json!(url));
        document.insert("signed_metadata".to_owned(), json!(sign(signing, &claims.into())?));
    }
    Ok(Some(document.into()))
}

fn sign(signing: &Signing, claims: &Value) -> Result<String, MetadataError> {
    let path = || signing.key.display().to_string();
    let pem =
        file::read(&signing.key, limits::CERTIFICATE_BYTES_MAX).map_err(|error| MetadataError::Key(path(), error))?;
    jwt::sign(&pem, signing.algorithm, signing.key_id.as_deref(), claims)
        .map_err(|error| MetadataError::Sign(path(), error))
}
