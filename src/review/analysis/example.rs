//! Objects that filter rules can tell apart: devices and custom security attributes.
//!
//! Where rules compare whole texts the examples stand for all objects. Where they compare parts of texts, or there are
//! too many, they are some objects, and whoever asks is told so.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::compile::{Attribute, CompiledFilter, DeviceAttribute};
use crate::limits;
use crate::model::request::Device;
use crate::model::{AttributeValue, Attributes};

/// Texts that an attribute may have: none is null.
type Texts = Vec<String>;

/// Registered devices and `None`, the unregistered one; and whether they stand for all devices.
pub fn devices(filters: &[&CompiledFilter]) -> (Vec<Option<Device<'static>>>, bool) {
    let mut attributes = Vec::<(DeviceAttribute, Vec<Texts>)>::new();
    let mut is_exact = true;
    for (attribute, cut) in cuts(filters) {
        let Attribute::Device(attribute) = attribute else { continue };
        let is_list = matches!(attribute, DeviceAttribute::PhysicalIds | DeviceAttribute::SystemLabels);
        let values = match attribute {
            DeviceAttribute::IsCompliant => vec![Vec::new(), vec!["false".to_owned()], vec!["true".to_owned()]],
            // WHY: elements of a list are compared whole, whatever the operator is called.
            _ => values(&cut.texts, is_list, cut.is_whole || is_list, &mut is_exact),
        };
        attributes.push((attribute, values));
    }
    show_extensions(&mut attributes);
    let sizes: Vec<_> = attributes.iter().map(|(_, values)| values.len()).collect();
    let mut devices = vec![None];
    for choice in combinations(&sizes, &mut is_exact) {
        let mut device = Device::default();
        for ((attribute, values), index) in attributes.iter().zip(choice) {
            set(&mut device, *attribute, values.get(index).map_or(&[], Vec::as_slice));
        }
        devices.push(Some(device));
    }
    (devices, is_exact)
}

/// Adds what makes extension attributes visible, where rules compare any: an attribute that no rule looks at if there is
/// one, so that a device of any kind can be visible; else every way there is.
fn show_extensions(attributes: &mut Vec<(DeviceAttribute, Vec<Texts>)>) {
    if !attributes.iter().any(|(attribute, _)| matches!(attribute, DeviceAttribute::ExtensionAttribute(_))) {
        return;
    }
    let ways = [
        (DeviceAttribute::IsCompliant, "true"),
        (DeviceAttribute::TrustType, "ServerAD"),
        (DeviceAttribute::MdmAppId, "0000000a-0000-0000-c000-000000000000"),
    ];
    let is_free = |way: &&(DeviceAttribute, &str)| !attributes.iter().any(|(attribute, _)| *attribute == way.0);
    if let Some((attribute, text)) = ways.iter().find(is_free) {
        attributes.push((*attribute, vec![Vec::new(), vec![(*text).to_owned()]]));
        return;
    }
    for (attribute, values) in attributes.iter_mut() {
        let way = ways.iter().find(|(way, _)| way == attribute);
        let is_there = |text: &str| values.iter().flatten().any(|known| known.eq_ignore_ascii_case(text));
        if let Some((_, text)) = way.filter(|(_, text)| !is_there(text)) {
            values.push(vec![(*text).to_owned()]);
        }
    }
}

/// Sets of custom security attributes; and whether they stand for all sets.
pub fn attributes(filters: &[&CompiledFilter]) -> (Vec<Attributes<'static>>, bool) {
    let mut is_exact = true;
    let mut names = Vec::new();
    for (attribute, cut) in cuts(filters) {
        if let Attribute::Custom(name) = attribute
            && let Some((set, rest)) = name.split_once('_')
        {
            names.push((set.to_owned(), rest.to_owned(), values(&cut.texts, true, cut.is_whole, &mut is_exact)));
        }
    }
    let sizes: Vec<_> = names.iter().map(|(_, _, values)| values.len()).collect();
    let mut examples = Vec::new();
    for choice in combinations(&sizes, &mut is_exact) {
        let mut attributes = Attributes::default();
        for ((set, name, values), index) in names.iter().zip(choice) {
            let value = match values.get(index).map(Vec::as_slice) {
                None | Some([]) => continue,
                Some([text]) => AttributeValue::Text(Cow::Owned(text.clone())),
                Some(texts) => AttributeValue::Texts(texts.iter().cloned().map(Cow::Owned).collect()),
            };
            attributes.insert(set, name, value);
        }
        examples.push(attributes);
    }
    (examples, is_exact)
}

struct Texted {
    texts: Vec<String>,
    is_whole: bool,
}

/// What all rules compare each attribute with.
fn cuts(filters: &[&CompiledFilter]) -> Vec<(Attribute, Texted)> {
    let mut cuts = BTreeMap::<String, (Attribute, Texted)>::new();
    for cut in filters.iter().flat_map(|filter| filter.rule.cuts()) {
        let key = cut.attribute.to_string().to_ascii_lowercase();
        let blank = || (cut.attribute.clone(), Texted { texts: Vec::new(), is_whole: true });
        let (_, all) = cuts.entry(key).or_insert_with(blank);
        for text in cut.texts {
            if !all.texts.iter().any(|known| folded(known) == folded(text)) {
                all.texts.push(text.to_owned());
            }
        }
        all.is_whole &= cut.is_whole;
    }
    cuts.into_values().collect()
}

/// As filters compare: character by character, which of some texts is not what lower case of the whole is.
fn folded(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

/// Most texts of which all sets are tried.
const SETS_MAX: usize = 4;

fn values(texts: &[String], may_be_list: bool, is_whole: bool, is_exact: &mut bool) -> Vec<Texts> {
    let mut other = "another value".to_owned();
    while texts.iter().any(|text| folded(text) == folded(&other)) {
        other.push('!');
    }
    let mut values = vec![Vec::new(), vec![other]];
    values.extend(texts.iter().map(|text| vec![text.clone()]));
    if !is_whole {
        *is_exact = false;
        for (one, two) in texts.iter().flat_map(|one| texts.iter().map(move |two| (one, two))) {
            values.push(vec![format!("{one}{two}")]);
        }
    }
    if may_be_list && texts.len() > 1 {
        if texts.len() > SETS_MAX {
            *is_exact = false;
            values.push(texts.to_vec());
        } else {
            for set in (0..1usize << texts.len()).filter(|set| set.count_ones() > 1) {
                let chosen = texts.iter().enumerate().filter(|(index, _)| set >> index & 1 == 1);
                values.push(chosen.map(|(_, text)| text.clone()).collect());
            }
        }
    }
    values
}

/// Every choice of one value for each attribute, or as many as are bearable.
fn combinations(sizes: &[usize], is_exact: &mut bool) -> Vec<Vec<usize>> {
    let all = sizes.iter().try_fold(1usize, |product, size| product.checked_mul(*size)).unwrap_or(usize::MAX);
    *is_exact &= all <= limits::ANALYSIS_EXAMPLES_MAX;
    (0..all.min(limits::ANALYSIS_EXAMPLES_MAX))
        .map(|number| {
            let mut rest = number;
            let digit = |size: &usize| {
                let digit = rest % (*size).max(1);
                rest /= (*size).max(1);
                digit
            };
            sizes.iter().map(digit).collect()
        })
        .collect()
}

fn set(device: &mut Device<'static>, attribute: DeviceAttribute, texts: &[String]) {
    use DeviceAttribute as D;
    let text = texts.first().cloned().map(Cow::Owned);
    let all = || texts.iter().cloned().map(Cow::Owned).collect();
    match attribute {
        D::DeviceId => device.device_id = text,
        D::DisplayName => device.display_name = text,
        D::DeviceOwnership => device.ownership = text,
        D::EnrollmentProfileName => device.enrollment_profile_name = text,
        D::IsCompliant => device.is_compliant = texts.first().map(|text| text == "true"),
        D::Manufacturer => device.manufacturer = text,
        D::MdmAppId => device.mdm_app_id = text,
        D::Model => device.model = text,
        D::OperatingSystem => device.operating_system = text,
        D::OperatingSystemVersion => device.operating_system_version = text,
        D::PhysicalIds => device.physical_ids = all(),
        D::ProfileType => device.profile_type = text,
        D::SystemLabels => device.system_labels = all(),
        D::TrustType => device.trust_type = text,
        D::ExtensionAttribute(number) => {
            let index = usize::from(number).saturating_sub(1);
            if let Some(place) = device.extension_attributes.get_mut(index) {
                *place = text;
            }
        }
    }
}
