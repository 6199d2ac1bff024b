//! Generated filter rules, as text.
//!
//! Only operators that the documentation allows for an attribute are used on it.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::rule::{Literal, Operator, Rule, Test};

const WORDS: [&str; 6] = ["Alpha", "alpine", "Beta", "beta's \"best\"", "HR", "x`y"];
const EQUALITY: [Test; 1] = [Test::Equals];
const MEMBERSHIP: [Test; 2] = [Test::Equals, Test::In];
const ALL: [Test; 5] = [Test::Equals, Test::StartsWith, Test::EndsWith, Test::Contains, Test::In];
const COLLECTION: [Test; 1] = [Test::Contains];

/// A rule over device attributes.
pub fn device_rule() -> impl Strategy<Value = String> {
    let bools = || select(&["True", "False", "true"]);
    text(prop_oneof![
        4 => compare(&["device.displayName", "device.displayname", "device.model", "device.extensionAttribute1"], &ALL, &WORDS),
        1 => compare(&["device.deviceId"], &MEMBERSHIP, &["aaaaaaaa-0000-0000-0000-000000000000"]),
        1 => compare(&["device.operatingSystemVersion"], &ALL, &["10.0", "10.0.19041"]),
        1 => compare(&["device.trustType"], &EQUALITY, &["ServerAD", "AzureAD"]),
        1 => compare(&["device.physicalIds"], &COLLECTION, &["[ZTDId]:1", "M365"]),
        1 => compare(&["device.systemLabels"], &COLLECTION, &["M365Managed", "M365"]),
        2 => (any::<bool>(), bools()).prop_map(|(is_negated, value)| Rule::Compare {
            property: "device.isCompliant".into(),
            operator: Operator { test: Test::Equals, is_negated },
            literal: Literal::Text(value.into()),
        }),
        1 => any::<bool>().prop_map(|is_negated| Rule::Compare {
            property: "device.displayName".into(),
            operator: Operator { test: Test::Equals, is_negated },
            literal: Literal::Null,
        }),
    ])
}

/// A rule over custom security attributes.
pub fn attribute_rule() -> impl Strategy<Value = String> {
    text(prop_oneof![
        3 => compare(&["CustomSecurityAttribute.Eng_Tier"], &COLLECTION, &["prod", "PROD", "eu", "pro"]),
        1 => compare(&["CustomSecurityAttribute.Eng_Tier"], &ALL, &["prod", "PR", "eu", "o"]),
        3 => compare(&["CustomSecurityAttribute.Eng_Zone", "CustomSecurityAttribute.eng_zone"], &ALL, &WORDS),
        1 => compare(&["CustomSecurityAttribute.Eng_Flag", "CustomSecurityAttribute.Other_Missing"], &EQUALITY, &["true"]),
    ])
}

fn compare(
    properties: &'static [&'static str],
    tests: &'static [Test],
    values: &'static [&'static str],
) -> impl Strategy<Value = Rule> {
    let list = subsequence(values.to_vec(), 1..=values.len().min(3));
    (select(properties), select(tests), any::<bool>(), select(values), list).prop_map(
        |(property, test, is_negated, value, list)| Rule::Compare {
            property: property.into(),
            operator: Operator { test, is_negated },
            literal: match test {
                Test::In => Literal::List(list.into_iter().map(Into::into).collect()),
                _ => Literal::Text(value.into()),
            },
        },
    )
}

/// Rules made of `leaf`, printed in one of the spellings that are allowed.
fn text(leaf: impl Strategy<Value = Rule> + 'static) -> impl Strategy<Value = String> {
    let rule = leaf.prop_recursive(3, 6, 2, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            2 => pair.clone().prop_map(|(one, other)| Rule::Or(Box::new(one), Box::new(other))),
            2 => pair.prop_map(|(one, other)| Rule::And(Box::new(one), Box::new(other))),
            1 => inner.prop_map(|rule| Rule::Not(Box::new(rule))),
        ]
    });
    (rule, 0..3).prop_map(|(rule, spelling)| match spelling {
        0 => rule.to_string(),
        // The hyphen is optional. No value holds a blank before a hyphen.
        1 => rule.to_string().replace(" -", " "),
        _ => format!(" ({rule}) ").replace(" -and ", "  -AND\t").replace(" -eq ", " -EQ "),
    })
}
