//! What is read of a certificate: its names, its key, its end. Whether it is to be trusted was found before.

use std::time::Duration;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use x509_cert::Certificate;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::settings::Allowed;
use crate::limits;

/// The first of `allowed` that a certificate (DER) is; `None` if it is none of them or cannot be read.
pub fn find<'a>(certificate: &[u8], allowed: &'a [Allowed]) -> Option<&'a Allowed> {
    let certificate = Certificate::from_der(certificate).ok()?.tbs_certificate;
    let key = Sha256::digest(certificate.subject_public_key_info.to_der().ok()?);
    let names = certificate.get::<SubjectAltName>().ok()?.map(|(_, names)| names.0).unwrap_or_default();
    let is_its = |allowed: &&Allowed| match allowed {
        Allowed::Key(allowed) => *allowed == *key,
        Allowed::Uri(allowed) => names
            .iter()
            .any(|name| matches!(name, GeneralName::UniformResourceIdentifier(uri) if uri.as_str() == allowed)),
    };
    allowed.iter().find(is_its)
}

/// When a certificate (DER) ends, or the last moment that can be told before that; `None` if it cannot be read.
pub fn expires(certificate: &[u8]) -> Option<Timestamp> {
    let end = Certificate::from_der(certificate).ok()?.tbs_certificate.validity.not_after.to_unix_duration();
    // WHY: the end of one that is never to end is that of the year 9999 (RFC 5280, section 4.1.2.5), a day too late.
    Some(i64::try_from(end.as_secs()).ok().and_then(|end| Timestamp::from_second(end).ok()).unwrap_or(Timestamp::MAX))
}

/// Waits until `end` has come; forever when there is none. The clock may be set meanwhile, so it is looked at again and
/// again.
pub async fn ended(end: Option<Timestamp>) {
    let Some(end) = end else { return std::future::pending().await };
    while let Ok(left) = Duration::try_from(end.duration_since(Timestamp::now()))
        && !left.is_zero()
    {
        tokio::time::sleep(left.min(limits::CERTIFICATE_LOOK)).await;
    }
}
