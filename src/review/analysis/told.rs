//! Small things in people's words: devices, attributes.

use crate::model::request::Device;
use crate::model::{AttributeValue, Attributes};

/// A registered device, by what is known of it.
pub fn device(device: &Device<'_>) -> String {
    let mut parts: Vec<_> =
        device.texts().iter().filter_map(|(name, text)| Some(format!("{name} {}", (*text)?))).collect();
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
