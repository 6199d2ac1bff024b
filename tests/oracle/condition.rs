//! The small conditions: platform, client app, device, risk, authentication flow.
//!
//! Source: Entra documentation, Conditional Access conditions; filter for devices; authentication flows; read August
//! 2026.

use std::borrow::Cow;

use doorward::model::policy::{Filter, Platforms};
use doorward::model::request::Device;
use doorward::model::set::{Set, Word};
use doorward::model::{ClientApp, FilterMode, Platform, TransferMethod, Truth};

use super::Case;
use super::rule::{self, Fact};

/// Risk: a set of levels, never a threshold; an empty set is no condition.
pub fn level<L: Word>(levels: Set<L>, actual: L) -> Truth {
    (levels.is_empty() || levels.contains(actual)).into()
}

/// An absent flow is no special flow.
pub fn flows(case: &Case<'_>, flows: Set<TransferMethod>) -> Truth {
    level(flows, case.request.authentication_flow.unwrap_or(TransferMethod::None))
}

/// An absent platform is the unknown platform: only `all` covers it, and only `all` exempts it.
pub fn platforms(case: &Case<'_>, platforms: Platforms) -> Truth {
    let any = platforms.include.is_empty() || platforms.include.contains(Platform::All);
    match case.request.platform {
        None => (any && !platforms.exclude.contains(Platform::All)).into(),
        Some(platform) => {
            let included = any || platforms.include.contains(platform);
            let excluded = platforms.exclude.contains(platform) || platforms.exclude.contains(Platform::All);
            (included && !excluded).into()
        }
    }
}

/// An absent client app is unknown. `exchangeActiveSync` covers `easSupported`, not the other way round.
pub fn client_apps(case: &Case<'_>, apps: Set<ClientApp>) -> Truth {
    if apps.is_empty() || apps.contains(ClientApp::All) {
        return Truth::True;
    }
    match case.request.client_app {
        None => Truth::Unknown,
        Some(ClientApp::EasSupported) => {
            (apps.contains(ClientApp::EasSupported) || apps.contains(ClientApp::ExchangeActiveSync)).into()
        }
        Some(app) => apps.contains(app).into(),
    }
}

/// An absent device is an unregistered one, whose attributes are all null; the rule is decided all the same. With the
/// device code flow the device is not the one that the token is for, and conditions about it are not supported.
pub fn device(case: &Case<'_>, filter: Option<&Filter>) -> Truth {
    let Some(filter) = filter else {
        return Truth::True;
    };
    let device = match case.request.authentication_flow {
        Some(TransferMethod::DeviceCodeFlow) => None,
        _ => case.request.device.as_ref(),
    };
    let holds =
        rule::parse(&filter.rule.text).holds(&|property| device.map_or(Fact::Null, |device| of(device, property)));
    match filter.mode {
        FilterMode::Include => holds.into(),
        FilterMode::Exclude => (!holds).into(),
    }
}

fn of<'a>(device: &'a Device<'_>, property: &str) -> Fact<'a> {
    let name = property.to_ascii_lowercase();
    let Some(name) = name.strip_prefix("device.") else {
        return Fact::Null;
    };
    let text = match name {
        "iscompliant" => return device.is_compliant.map_or(Fact::Null, Fact::Bool),
        "physicalids" => return Fact::texts(&device.physical_ids),
        "systemlabels" => return Fact::texts(&device.system_labels),
        "deviceid" => &device.device_id,
        "displayname" => &device.display_name,
        "deviceownership" => &device.ownership,
        "enrollmentprofilename" => &device.enrollment_profile_name,
        "manufacturer" => &device.manufacturer,
        "model" => &device.model,
        "mdmappid" => &device.mdm_app_id,
        "operatingsystem" => &device.operating_system,
        "operatingsystemversion" => &device.operating_system_version,
        "profiletype" => &device.profile_type,
        "trusttype" => &device.trust_type,
        _ => {
            let number: Option<usize> = name.strip_prefix("extensionattribute").and_then(|text| text.parse().ok());
            if !shows_extension_attributes(device) {
                return Fact::Null;
            }
            match number.and_then(|number| device.extension_attributes.get(number.wrapping_sub(1))) {
                Some(value) => value,
                None => return Fact::Null,
            }
        }
    };
    text.as_deref().map_or(Fact::Null, Fact::Text)
}

/// A device that Intune does not manage shows them only if it is compliant or hybrid joined.
pub fn shows_extension_attributes(device: &Device<'_>) -> bool {
    let is =
        |text: &Option<Cow<'_, str>>, wanted: &str| text.as_deref().is_some_and(|text| text.to_lowercase() == wanted);
    device.is_compliant == Some(true)
        || is(&device.trust_type, "serverad")
        || is(&device.mdm_app_id, "0000000a-0000-0000-c000-000000000000")
}
