//! What rules are evaluated against: the attributes of one object.
//!
//! Says what is null and what is unknown, and compares nothing.

use std::borrow::Cow;

use super::attribute::{Attribute, DeviceAttribute};
use crate::model::request::Device;
use crate::model::{AttributeValue, Attributes};

/// The value of one attribute of one object.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fact<'a> {
    /// Nobody said; it may be anything.
    Unknown,
    /// The object is known not to have it.
    Null,
    /// A boolean.
    Bool(bool),
    /// One text.
    Text(&'a str),
    /// Several texts, in no order; none at all is null.
    Texts(&'a [Cow<'a, str>]),
}

/// An object whose attributes rules compare.
pub trait Facts {
    /// The value of `attribute`. An attribute of another kind of object is [`Fact::Unknown`].
    fn fact(&self, attribute: &Attribute) -> Fact<'_>;
}

/// An unregistered device: every attribute is null.
/// Source: Entra documentation, "Filter for devices", section "Policy behavior with filter for devices", read August
/// 2026.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unregistered;

/// An object whose attributes nobody disclosed: every attribute is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Undisclosed;

/// The app id of Microsoft Intune, as `mdmAppId` of the devices that it manages.
const INTUNE: &str = "0000000a-0000-0000-c000-000000000000";

impl Facts for Unregistered {
    fn fact(&self, attribute: &Attribute) -> Fact<'_> {
        match attribute {
            Attribute::Device(_) => Fact::Null,
            Attribute::Custom(_) => Fact::Unknown,
        }
    }
}

impl Facts for Undisclosed {
    fn fact(&self, _attribute: &Attribute) -> Fact<'_> {
        Fact::Unknown
    }
}

/// A registered device. The extension attributes of a device that Intune does not manage are null unless the device
/// is compliant or hybrid joined.
///
/// The documentation says when these attributes can be used; that they are null otherwise, and that managed by Intune
/// means Intune's own app id in `mdmAppId` and not another manager's, is our reading of it.
/// Source: Entra documentation, "Filter for devices", section "Policy behavior with filter for devices", read August
/// 2026.
impl Facts for Device<'_> {
    fn fact(&self, attribute: &Attribute) -> Fact<'_> {
        let Attribute::Device(attribute) = attribute else { return Fact::Unknown };
        let text = match attribute {
            DeviceAttribute::IsCompliant => return self.is_compliant.map_or(Fact::Null, Fact::Bool),
            DeviceAttribute::PhysicalIds => return Fact::Texts(&self.physical_ids),
            DeviceAttribute::SystemLabels => return Fact::Texts(&self.system_labels),
            DeviceAttribute::ExtensionAttribute(_) if !has_visible_extension_attributes(self) => return Fact::Null,
            DeviceAttribute::ExtensionAttribute(number) => {
                usize::from(*number).checked_sub(1).and_then(|index| self.extension_attributes.get(index)?.as_deref())
            }
            DeviceAttribute::DeviceId => self.device_id.as_deref(),
            DeviceAttribute::DisplayName => self.display_name.as_deref(),
            DeviceAttribute::DeviceOwnership => self.ownership.as_deref(),
            DeviceAttribute::EnrollmentProfileName => self.enrollment_profile_name.as_deref(),
            DeviceAttribute::Manufacturer => self.manufacturer.as_deref(),
            DeviceAttribute::MdmAppId => self.mdm_app_id.as_deref(),
            DeviceAttribute::Model => self.model.as_deref(),
            DeviceAttribute::OperatingSystem => self.operating_system.as_deref(),
            DeviceAttribute::OperatingSystemVersion => self.operating_system_version.as_deref(),
            DeviceAttribute::ProfileType => self.profile_type.as_deref(),
            DeviceAttribute::TrustType => self.trust_type.as_deref(),
        };
        text.map_or(Fact::Null, Fact::Text)
    }
}

fn has_visible_extension_attributes(device: &Device<'_>) -> bool {
    let says = |text: &Option<Cow<'_, str>>, wanted: &str| {
        text.as_deref().is_some_and(|text| text.eq_ignore_ascii_case(wanted))
    };
    device.is_compliant == Some(true) || says(&device.trust_type, "ServerAD") || says(&device.mdm_app_id, INTUNE)
}

/// All custom security attributes of an object: one that is missing, a boolean or a number is null.
impl Facts for Attributes<'_> {
    fn fact(&self, attribute: &Attribute) -> Fact<'_> {
        let Attribute::Custom(name) = attribute else { return Fact::Unknown };
        match self.value(name) {
            Some(AttributeValue::Text(text)) => Fact::Text(text),
            Some(AttributeValue::Texts(texts)) => Fact::Texts(texts),
            Some(AttributeValue::Other) | None => Fact::Null,
        }
    }
}
