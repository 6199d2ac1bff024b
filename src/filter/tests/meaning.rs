//! What rules say of devices and attributes: the documented cases.

use std::borrow::Cow;

use crate::filter::*;
use crate::model::request::Device;
use crate::model::{AttributeValue, Attributes, Truth};

#[track_caller]
fn holds(rule: &str, facts: &impl Facts, expected: Truth) {
    let root = if rule.contains("device.") { Root::Device } else { Root::CustomSecurityAttributes };
    assert_eq!(parse(rule, root).expect(rule).evaluate(facts), expected, "{rule}");
}

fn attributes(name: &str, value: AttributeValue<'static>) -> Attributes<'static> {
    let mut attributes = Attributes::default();
    let (set, attribute) = name.split_once('_').unwrap();
    assert!(attributes.insert(set, attribute, value));
    attributes
}

fn texts(texts: &[&'static str]) -> AttributeValue<'static> {
    AttributeValue::Texts(texts.iter().map(|text| Cow::Borrowed(*text)).collect())
}

fn compliant() -> Device<'static> {
    Device { is_compliant: Some(true), ..Device::default() }
}

fn saw() -> [Option<Cow<'static, str>>; 15] {
    std::array::from_fn(|index| (index == 0).then_some(Cow::Borrowed("SAW")))
}

const POSITIVE: [&str; 5] = ["eq 'x'", "startsWith 'x'", "endsWith 'x'", "contains 'x'", "in ['x']"];
const NEGATIVE: [&str; 5] = ["ne 'x'", "notStartsWith 'x'", "notEndsWith 'x'", "notContains 'x'", "notIn ['x']"];

#[test]
fn null_fails_positive_operators_and_passes_negative_ones() {
    let registered = Device::default();
    for (operators, expected) in [(POSITIVE, Truth::False), (NEGATIVE, Truth::True)] {
        for operator in operators {
            holds(&format!("device.model {operator}"), &Unregistered, expected);
            holds(&format!("device.model {operator}"), &registered, expected);
            holds(&format!("CustomSecurityAttribute.A_B {operator}"), &Attributes::default(), expected);
            holds(
                &format!("CustomSecurityAttribute.A_B {operator}"),
                &attributes("A_B", AttributeValue::Other),
                expected,
            );
            holds(&format!("CustomSecurityAttribute.A_B {operator}"), &attributes("A_B", texts(&[])), expected);
        }
    }
    for list in ["physicalIds", "systemLabels"] {
        holds(&format!("device.{list} contains 'x'"), &registered, Truth::False);
        holds(&format!("device.{list} notContains 'x'"), &registered, Truth::True);
    }
}

#[test]
fn comparing_with_null_asks_whether_there_is_a_value() {
    let named = Device { model: Some("null".into()), ..Device::default() };
    for (facts, is_null) in [(&Device::default(), true), (&named, false)] {
        holds("device.model eq null", facts, Truth::from(is_null));
        holds("device.model ne null", facts, Truth::from(!is_null));
    }
    holds("device.model eq 'null'", &named, Truth::True);
    holds("device.isCompliant eq null", &Unregistered, Truth::True);
}

#[test]
fn not_compliant_is_another_question_than_compliant_is_false() {
    holds("device.isCompliant -eq False", &Unregistered, Truth::False);
    holds("device.isCompliant -ne True", &Unregistered, Truth::True);
    holds("-not device.isCompliant -eq True", &Unregistered, Truth::True);
    holds("device.isCompliant -eq 'True'", &compliant(), Truth::True);
}

#[test]
fn unmanaged_rule_holds_for_unregistered_and_not_for_trusted_devices() {
    let rule = "device.trustType -ne \"ServerAD\" -or device.isCompliant -ne True";
    holds(rule, &Unregistered, Truth::True);
    holds(rule, &Device { trust_type: Some("ServerAD".into()), ..compliant() }, Truth::False);
    holds(rule, &compliant(), Truth::True);
}

#[test]
fn extension_attributes_are_visible_on_compliant_hybrid_joined_and_intune_managed_devices_only() {
    let tagged = Device { extension_attributes: saw(), ..Device::default() };
    let intune = Some(Cow::Borrowed("0000000A-0000-0000-C000-000000000000"));
    let visible = [
        Device { is_compliant: Some(true), ..tagged.clone() },
        Device { trust_type: Some("serverad".into()), ..tagged.clone() },
        Device { mdm_app_id: intune, ..tagged.clone() },
    ];
    let hidden = [
        tagged.clone(),
        Device { trust_type: Some("AzureAD".into()), is_compliant: Some(false), ..tagged.clone() },
        Device { mdm_app_id: Some("7add3ecd-5b01-452e-b4bf-cdaf9df1d097".into()), ..tagged },
    ];
    for (devices, sees) in [(&visible, true), (&hidden, false)] {
        for device in devices {
            holds("device.extensionAttribute1 -eq \"SAW\"", device, Truth::from(sees));
            holds("device.extensionAttribute1 -ne \"SAW\"", device, Truth::from(!sees));
            holds("device.extensionAttribute2 -eq null", device, Truth::True);
        }
    }
}

#[test]
fn secure_workstation_rules_decide_as_documented_for_unregistered_devices() {
    holds("device.extensionAttribute1 -eq \"SAW\"", &Unregistered, Truth::False);
    holds("device.extensionAttribute1 -ne \"SAW\"", &Unregistered, Truth::True);
}

#[test]
fn lists_of_values_match_any_of_them() {
    let device = |version: &'static str| Device { operating_system_version: Some(version.into()), ..Device::default() };
    let rule = "device.operatingSystemVersion -in [\"10.0.18363\",\"10.0.19041\"]";
    holds(rule, &device("10.0.19041"), Truth::True);
    holds(rule, &device("10.0.1904"), Truth::False);
    holds(&rule.replace("-in", "-notIn"), &device("10.0.1904"), Truth::True);
}

#[test]
fn contains_is_a_part_of_a_text_and_an_element_of_a_list() {
    holds(
        "device.model -contains \"surf\"",
        &Device { model: Some("Surface Pro".into()), ..Device::default() },
        Truth::True,
    );
    let labelled = Device { system_labels: vec!["M365Managed".into()], ..Device::default() };
    holds("device.systemLabels -contains \"M365\"", &labelled, Truth::False);
    holds("device.systemLabels -contains \"m365managed\"", &labelled, Truth::True);
    holds(
        "CustomSecurityAttribute.A_B -contains \"MFA\"",
        &attributes("A_B", AttributeValue::Text("requireMFA".into())),
        Truth::True,
    );
    holds("CustomSecurityAttribute.A_B -contains \"MFA\"", &attributes("A_B", texts(&["requireMFA"])), Truth::False);
}

#[test]
fn attribute_lists_match_as_documented_for_workloads_and_agents() {
    let tier = "CustomSecurityAttribute.Eng_Tier -contains \"prod\"";
    holds(tier, &attributes("Eng_Tier", texts(&["prod", "eu"])), Truth::True);
    holds(tier, &attributes("eng_tier", texts(&["PROD"])), Truth::True);
    holds(tier, &Attributes::default(), Truth::False);
    let agent = "CustomSecurityAttribute.AgentAttributes_AgentApprovalStatus -contains \"HR_Approved\"";
    holds(agent, &attributes("AgentAttributes_AgentApprovalStatus", texts(&["HR_Approved"])), Truth::True);
}

#[test]
fn other_operators_hold_for_a_list_when_they_hold_for_one_element() {
    let tier = attributes("Eng_Tier", texts(&["prod", "eu"]));
    holds("CustomSecurityAttribute.Eng_Tier -eq \"eu\"", &tier, Truth::True);
    holds("CustomSecurityAttribute.Eng_Tier -ne \"eu\"", &tier, Truth::False);
    holds("CustomSecurityAttribute.Eng_Tier -startsWith \"pr\"", &tier, Truth::True);
    holds("CustomSecurityAttribute.Eng_Tier -notIn [\"us\", \"EU\"]", &tier, Truth::False);
    holds("CustomSecurityAttribute.Eng_Tier -eq null", &tier, Truth::False);
}

#[test]
fn and_binds_tighter_than_or_in_meaning() {
    let rule = "device.displayName -startsWith \"A\" -or device.displayName -startsWith \"B\" -and device.isCompliant -eq True";
    holds(
        rule,
        &Device { display_name: Some("A1".into()), is_compliant: Some(false), ..Device::default() },
        Truth::True,
    );
    holds(
        rule,
        &Device { display_name: Some("B1".into()), is_compliant: Some(false), ..Device::default() },
        Truth::False,
    );
}

#[test]
fn texts_compare_without_case_beyond_ascii() {
    let device = Device { model: Some("STRASSE \u{dc}\u{3a3} \u{130}".into()), ..Device::default() };
    holds("device.model -startsWith \"strasse \u{fc}\"", &device, Truth::True);
    holds("device.model -contains \"\u{fc}\u{3c3}\"", &device, Truth::True);
    holds("device.model -endsWith \"\u{3c3} \u{130}\"", &device, Truth::True);
    holds("device.model -endsWith \"x\u{3c3} \u{130}\"", &device, Truth::False);
}

#[test]
fn unknown_facts_decide_only_what_they_can() {
    let agent = "CustomSecurityAttribute.A_B -eq \"x\"";
    holds(agent, &Undisclosed, Truth::Unknown);
    holds(&format!("-not {agent}"), &Undisclosed, Truth::Unknown);
    holds("CustomSecurityAttribute.A_B -eq null", &Undisclosed, Truth::Unknown);
    holds(&format!("{agent} -or -not {agent}"), &Undisclosed, Truth::Unknown);

    struct OnlyModel;
    impl Facts for OnlyModel {
        fn fact(&self, attribute: &Attribute) -> Fact<'_> {
            if *attribute == Attribute::Device(DeviceAttribute::Model) { Fact::Text("x") } else { Fact::Unknown }
        }
    }
    holds("device.manufacturer eq 'a' or device.model eq 'x'", &OnlyModel, Truth::True);
    holds("device.manufacturer eq 'a' and device.model eq 'x'", &OnlyModel, Truth::Unknown);
    holds("device.manufacturer eq 'a' and device.model eq 'y'", &OnlyModel, Truth::False);
    holds("device.manufacturer eq 'a' or device.model eq 'y'", &OnlyModel, Truth::Unknown);
}
