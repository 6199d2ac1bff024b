//! Small things in people's words: ranges, controls, devices, attributes.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::compile::CompiledControl;
use crate::evaluate::MergedSession;
use crate::model::request::Device;
use crate::model::set::Word;
use crate::model::{AttributeValue, Attributes, IpRange};

/// A range as a prefix if it is one, else as its ends.
pub fn range(range: IpRange) -> String {
    match range {
        IpRange::V4(first, last) if first == last => Ipv4Addr::from(first).to_string(),
        IpRange::V4(first, last) => match length(u128::from(first), u128::from(last), 32) {
            Some(length) => format!("{}/{length}", Ipv4Addr::from(first)),
            None => range_ends(range),
        },
        IpRange::V6(first, last) if first == last => Ipv6Addr::from(first).to_string(),
        IpRange::V6(first, last) => match length(first, last, 128) {
            Some(length) => format!("{}/{length}", Ipv6Addr::from(first)),
            None => range_ends(range),
        },
    }
}

fn range_ends(range: IpRange) -> String {
    range.to_string()
}

/// The length of the prefix that a range is, of addresses of `bits` bits.
fn length(first: u128, last: u128, bits: u32) -> Option<u32> {
    let host = first ^ last;
    let is_prefix = host & host.wrapping_add(1) == 0 && first & host == 0;
    is_prefix.then(|| bits - (u128::BITS - host.leading_zeros()))
}

/// A grant control.
pub fn control(control: &CompiledControl) -> String {
    match control {
        CompiledControl::BuiltIn(control) => control.as_str().to_owned(),
        CompiledControl::AuthenticationStrength { id, .. } => format!("authenticationStrength:{id}"),
        CompiledControl::TermsOfUse(id) => format!("termsOfUse:{id}"),
        CompiledControl::CustomFactor(id) => format!("customAuthenticationFactor:{id}"),
    }
}

/// What a token comes with.
pub fn session(session: &MergedSession<'_>) -> String {
    let controls = session.controls;
    let frequency = controls.sign_in_frequency.map(|frequency| match frequency.period {
        Some(period) => format!("signInFrequency {} {}", period.value, period.unit.as_str()),
        None => format!("signInFrequency {}", frequency.interval().as_str()),
    });
    let named = |name: &str, word: Option<&'static str>| word.map(|word| format!("{name} {word}"));
    let on = |name: &str, is_on: bool| is_on.then(|| name.to_owned());
    let words = [
        frequency,
        named("persistentBrowser", controls.persistent_browser.map(Word::as_str)),
        named("cloudAppSecurity", controls.cloud_app_security.map(Word::as_str)),
        named("continuousAccessEvaluation", controls.continuous_access_evaluation.map(Word::as_str)),
        on("applicationEnforcedRestrictions", controls.application_enforced_restrictions),
        on("disableResilienceDefaults", controls.disable_resilience_defaults),
        on("secureSignInSession", controls.secure_sign_in_session),
    ];
    let profiles = session.filtering_profiles.iter().map(|id| format!("globalSecureAccessFilteringProfile {id}"));
    words.into_iter().flatten().chain(profiles).collect::<Vec<_>>().join(", ")
}

/// A registered device, by what is known of it.
pub fn device(device: &Device<'_>) -> String {
    let texts = [
        ("deviceId", &device.device_id),
        ("displayName", &device.display_name),
        ("ownership", &device.ownership),
        ("enrollmentProfileName", &device.enrollment_profile_name),
        ("manufacturer", &device.manufacturer),
        ("model", &device.model),
        ("mdmAppId", &device.mdm_app_id),
        ("operatingSystem", &device.operating_system),
        ("operatingSystemVersion", &device.operating_system_version),
        ("profileType", &device.profile_type),
        ("trustType", &device.trust_type),
    ];
    let mut parts: Vec<_> =
        texts.iter().filter_map(|(name, text)| Some(format!("{name} {}", text.as_deref()?))).collect();
    parts.extend(device.is_compliant.map(|is_compliant| format!("isCompliant {is_compliant}")));
    for (name, list) in [("physicalIds", &device.physical_ids), ("systemLabels", &device.system_labels)] {
        if !list.is_empty() {
            parts.push(format!("{name} {}", list.join("+")));
        }
    }
    for (index, text) in device.extension_attributes.iter().enumerate() {
        parts.extend(text.as_deref().map(|text| format!("extensionAttribute{} {text}", index + 1)));
    }
    if parts.is_empty() { "registered".to_owned() } else { parts.join(", ") }
}

/// Custom security attributes.
pub fn attributes(attributes: &Attributes<'_>) -> String {
    let one = |(name, value): (&str, &AttributeValue<'_>)| match value {
        AttributeValue::Text(text) => format!("{name} {text}"),
        AttributeValue::Texts(texts) => format!("{name} {}", texts.join("+")),
        AttributeValue::Other => format!("{name} no text"),
    };
    let all: Vec<_> = attributes.iter().map(one).collect();
    if all.is_empty() { "without attributes".to_owned() } else { all.join(", ") }
}
