//! The attributes that rules compare, and what each may be compared with.
//!
//! Knows names only; values of attributes are facts ([`super::fact`]).
//! Source: Entra documentation, "Filter for devices", section "Supported operators and device properties for filters",
//! read August 2026.

use std::fmt;

/// An attribute that a rule names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// An attribute of the device.
    Device(DeviceAttribute),
    /// A custom security attribute, as `Set_Attribute`; at least one `_` has something on both sides. Written as in
    /// the rule; names are compared without regard to ASCII case.
    Custom(Box<str>),
}

/// A device attribute that filters can see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeviceAttribute {
    /// `deviceId`.
    DeviceId,
    /// `displayName`.
    DisplayName,
    /// `deviceOwnership`; the request's name for it is `ownership`.
    DeviceOwnership,
    /// `enrollmentProfileName`.
    EnrollmentProfileName,
    /// `isCompliant`, the only boolean.
    IsCompliant,
    /// `manufacturer`.
    Manufacturer,
    /// `mdmAppId`.
    MdmAppId,
    /// `model`.
    Model,
    /// `operatingSystem`.
    OperatingSystem,
    /// `operatingSystemVersion`.
    OperatingSystemVersion,
    /// `physicalIds`, a list.
    PhysicalIds,
    /// `profileType`.
    ProfileType,
    /// `systemLabels`, a list.
    SystemLabels,
    /// `trustType`.
    TrustType,
    /// `extensionAttribute1` to `extensionAttribute15`: the number, from 1.
    ExtensionAttribute(u8),
}

/// Which operators and values an attribute admits. `-eq null` and `-ne null` go wherever `-eq` goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admits {
    /// Every operator, any text.
    Text,
    /// `-eq -ne -in -notIn`, any text.
    Id,
    /// `-eq -ne`, one of these texts.
    Choice(&'static [&'static str]),
    /// `-eq -ne`, true or false.
    Bool,
    /// `-contains -notContains`, any text, compared with whole elements.
    List,
}

use DeviceAttribute as D;

const OWNERSHIPS: &[&str] = &["Company", "Personal"];
const PROFILE_TYPES: &[&str] = &["RegisteredDevice", "SecureVM", "Printer", "Shared", "IoT"];
const TRUST_TYPES: &[&str] = &["AzureAD", "ServerAD", "Workplace"];

const DEVICE: [(&str, DeviceAttribute, Admits); 29] = [
    ("deviceId", D::DeviceId, Admits::Id),
    ("displayName", D::DisplayName, Admits::Text),
    ("deviceOwnership", D::DeviceOwnership, Admits::Choice(OWNERSHIPS)),
    ("enrollmentProfileName", D::EnrollmentProfileName, Admits::Text),
    ("isCompliant", D::IsCompliant, Admits::Bool),
    ("manufacturer", D::Manufacturer, Admits::Text),
    ("mdmAppId", D::MdmAppId, Admits::Id),
    ("model", D::Model, Admits::Text),
    ("operatingSystem", D::OperatingSystem, Admits::Text),
    ("operatingSystemVersion", D::OperatingSystemVersion, Admits::Text),
    ("physicalIds", D::PhysicalIds, Admits::List),
    ("profileType", D::ProfileType, Admits::Choice(PROFILE_TYPES)),
    ("systemLabels", D::SystemLabels, Admits::List),
    ("trustType", D::TrustType, Admits::Choice(TRUST_TYPES)),
    ("extensionAttribute1", D::ExtensionAttribute(1), Admits::Text),
    ("extensionAttribute2", D::ExtensionAttribute(2), Admits::Text),
    ("extensionAttribute3", D::ExtensionAttribute(3), Admits::Text),
    ("extensionAttribute4", D::ExtensionAttribute(4), Admits::Text),
    ("extensionAttribute5", D::ExtensionAttribute(5), Admits::Text),
    ("extensionAttribute6", D::ExtensionAttribute(6), Admits::Text),
    ("extensionAttribute7", D::ExtensionAttribute(7), Admits::Text),
    ("extensionAttribute8", D::ExtensionAttribute(8), Admits::Text),
    ("extensionAttribute9", D::ExtensionAttribute(9), Admits::Text),
    ("extensionAttribute10", D::ExtensionAttribute(10), Admits::Text),
    ("extensionAttribute11", D::ExtensionAttribute(11), Admits::Text),
    ("extensionAttribute12", D::ExtensionAttribute(12), Admits::Text),
    ("extensionAttribute13", D::ExtensionAttribute(13), Admits::Text),
    ("extensionAttribute14", D::ExtensionAttribute(14), Admits::Text),
    ("extensionAttribute15", D::ExtensionAttribute(15), Admits::Text),
];

impl DeviceAttribute {
    /// Every device attribute, in the order of the documentation.
    pub fn all() -> impl Iterator<Item = Self> {
        DEVICE.iter().map(|(_, attribute, _)| *attribute)
    }

    /// Entra's spelling, without `device.`.
    pub fn as_str(self) -> &'static str {
        DEVICE.iter().find(|(_, attribute, _)| *attribute == self).map_or("extensionAttribute", |(name, ..)| name)
    }

    /// The attribute called `name`, in any case: the documentation itself writes both `deviceid` and `deviceId`.
    pub fn parse(name: &str) -> Option<Self> {
        DEVICE.iter().find(|(known, ..)| known.eq_ignore_ascii_case(name)).map(|(_, attribute, _)| *attribute)
    }
}

impl Attribute {
    pub(super) fn admits(&self) -> Admits {
        match self {
            Self::Device(device) => {
                DEVICE.iter().find(|(_, attribute, _)| attribute == device).map_or(Admits::Text, |(.., admits)| *admits)
            }
            Self::Custom(_) => Admits::Text,
        }
    }
}

/// As rules write it, `device.isCompliant` or `CustomSecurityAttribute.Set_Attribute`.
impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device(attribute) => write!(f, "device.{}", attribute.as_str()),
            Self::Custom(name) => write!(f, "CustomSecurityAttribute.{name}"),
        }
    }
}
