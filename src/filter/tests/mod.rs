//! The language: what parses, how it prints, what is told about texts that do not parse.

mod meaning;
mod properties;

use super::*;
use crate::limits;

fn problems(text: &str, root: Root) -> String {
    let told = parse(text, root).expect_err(text).into_iter().map(|problem| {
        let help = problem.help.map(|help| format!(" ({help})")).unwrap_or_default();
        format!("{} at `{}`: {}{help}", problem.rule.id, &text[problem.range], problem.what)
    });
    told.collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn device_problem(text: &str, expected: &str) {
    assert_eq!(problems(text, Root::Device), expected);
}

#[track_caller]
fn custom_problem(text: &str, expected: &str) {
    assert_eq!(problems(text, Root::CustomSecurityAttributes), expected);
}

#[track_caller]
fn prints(text: &str, canonical: &str) {
    let root = if canonical.contains("device") { Root::Device } else { Root::CustomSecurityAttributes };
    let rule = parse(text, root).expect(text);
    assert_eq!(rule.to_string(), canonical);
    assert_eq!(parse(canonical, root).expect(canonical), rule);
}

#[test]
fn every_published_rule_parses_and_its_print_parses_to_the_same() {
    let Some(file) = crate::found::corpus("graph/filter-rules.jsonl") else { return };
    let lines = std::fs::read_to_string(file).unwrap();
    let mut parsed = 0;
    for line in lines.lines() {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = entry["rule"].as_str().unwrap();
        let root = if entry["kind"] == "device" { Root::Device } else { Root::CustomSecurityAttributes };
        match parse(text, root) {
            Ok(rule) => {
                assert_eq!(parse(&rule.to_string(), root).expect(text), rule);
                parsed += 1;
            }
            Err(_) => custom_problem(
                text,
                "filter-attribute at `CustomSecurityAttribute.AgentGov.AgentZone`: `AgentGov.AgentZone` joins set and \
                 attribute with a dot (join them with an underscore: `CustomSecurityAttribute.AgentGov_AgentZone`)",
            ),
        }
    }
    assert!(parsed >= 22, "{parsed}");
}

#[test]
fn case_hyphens_and_redundant_parentheses_do_not_matter() {
    prints("DEVICE.ISCOMPLIANT EQ true", "device.isCompliant -eq True");
    prints("((device.isCompliant -ne 'FALSE'))", "device.isCompliant -ne False");
    prints(
        "(device.model -CONTAINS 'surf' or (device.model notin ['a','B']))and(not device.trustType eq null)",
        "(device.model -contains \"surf\" -or device.model -notIn [\"a\", \"B\"]) -and -not device.trustType -eq null",
    );
    prints("customsecurityattribute.Eng_Tier startswith \"p\"", "CustomSecurityAttribute.Eng_Tier -startsWith \"p\"");
}

#[test]
fn and_binds_tighter_than_or_and_not_tighter_than_both() {
    prints(
        "device.model eq 'a' or device.model eq 'b' and not device.model eq 'c' and device.model eq 'd'",
        "device.model -eq \"a\" -or device.model -eq \"b\" -and -not device.model -eq \"c\" -and device.model -eq \"d\"",
    );
    let implicit = parse("device.model eq 'a' or device.model eq 'b' and device.model eq 'c'", Root::Device).unwrap();
    let explicit = parse("device.model eq 'a' or (device.model eq 'b' and device.model eq 'c')", Root::Device).unwrap();
    let other = parse("(device.model eq 'a' or device.model eq 'b') and device.model eq 'c'", Root::Device).unwrap();
    assert_eq!(implicit, explicit);
    assert_ne!(implicit, other);
}

#[test]
fn every_operator_is_read_with_and_without_its_hyphen() {
    for name in ["eq", "ne", "startsWith", "notStartsWith", "endsWith", "notEndsWith", "contains", "notContains"] {
        prints(&format!("device.model {name} 'x'"), &format!("device.model -{name} \"x\""));
        prints(&format!("device.model -{} 'x'", name.to_uppercase()), &format!("device.model -{name} \"x\""));
    }
    for name in ["in", "notIn"] {
        prints(&format!("device.deviceId {name} ['x']"), &format!("device.deviceId -{name} [\"x\"]"));
    }
}

#[test]
fn every_documented_device_attribute_is_read_in_any_case() {
    for attribute in DeviceAttribute::all() {
        let name = attribute.as_str();
        assert_eq!(DeviceAttribute::parse(&name.to_ascii_uppercase()), Some(attribute));
        let comparison = match Attribute::Device(attribute).admits() {
            attribute::Admits::List => "-contains \"x\"",
            _ => "-eq null",
        };
        prints(&format!("device.{} {comparison}", name.to_lowercase()), &format!("device.{name} {comparison}"));
    }
}

#[test]
fn quotes_escape_and_print_so_that_they_read_back() {
    prints("device.model eq \"say `\"hi`\"\"", "device.model -eq 'say \"hi\"'");
    prints("device.model eq 'it''s'", "device.model -eq \"it's\"");
    prints("device.model eq 'a`'", "device.model -eq 'a`'");
    prints("device.model eq '\"''`'", "device.model -eq '\"''`'");
    prints("device.model eq 'null'", "device.model -eq \"null\"");
    prints("device.physicalIds -contains \"[ZTDId]:x\"", "device.physicalIds -contains \"[ZTDId]:x\"");
}

#[test]
fn operators_of_other_languages_are_refused_with_the_right_one() {
    device_problem("device.model == 'x'", "filter-operator at `==`: filters have no operator `==` (write `-eq`)");
    device_problem("device.model != 'x'", "filter-operator at `!=`: filters have no operator `!=` (write `-ne`)");
    device_problem(
        "device.model -match 'x.*'",
        "filter-operator at `-match`: filters have no operator `-match` (dynamic groups have it, filters do not; use \
         `-startsWith`, `-endsWith` or `-contains`)",
    );
    device_problem(
        "device.systemLabels -any (_ -eq 'x') -or device.model -all 'y'",
        "filter-operator at `-any`: filters have no operator `-any` (dynamic groups have it, filters do not; \
         `-contains` compares with each element)\n\
         filter-syntax at `(`: expected a value, found `(`\n\
         filter-operator at `-all`: filters have no operator `-all` (dynamic groups have it, filters do not; \
         `-contains` compares with each element)",
    );
    device_problem(
        "!device.isCompliant -eq True && device.model -eq 'x' || device.model -eq 'y'",
        "filter-syntax at `!`: `!` is not an operator of filters (write `-not`)\n\
         filter-syntax at `&&`: `&&` is not an operator of filters (write `-and`)\n\
         filter-syntax at `||`: `||` is not an operator of filters (write `-or`)",
    );
}

#[test]
fn near_misses_of_attributes_operators_and_values_are_suggested() {
    device_problem(
        "device.isComplient -eq True -or device.trustType -equals 'ServerAD' -or device.trustType -ne 'ServerADD'",
        "filter-attribute at `device.isComplient`: devices have no attribute `isComplient` (did you mean \
         `device.isCompliant`?)\n\
         filter-operator at `-equals`: filters have no operator `-equals` (the operators are -eq, -ne, -startsWith, \
         -notStartsWith, -endsWith, -notEndsWith, -contains, -notContains, -in, -notIn)\n\
         filter-value at `'ServerADD'`: `device.trustType` is never `ServerADD` (did you mean `\"ServerAD\"`?)",
    );
    device_problem(
        "device.model -startWith 'a'",
        "filter-operator at `-startWith`: filters have no operator `-startWith` (did you mean `-startsWith`?)",
    );
    device_problem(
        "isCompliant -eq True",
        "filter-attribute at `isCompliant`: this filter has no attribute `isCompliant` (write `device.isCompliant`)",
    );
    custom_problem(
        "CustomSecurityAttributes.A_B -eq 'x'",
        "filter-attribute at `CustomSecurityAttributes.A_B`: this filter has no attribute \
         `CustomSecurityAttributes.A_B` (did you mean `CustomSecurityAttribute.`?)",
    );
    custom_problem(
        "CustomSecurityAttribute.Tier -eq 'x'",
        "filter-attribute at `CustomSecurityAttribute.Tier`: `Tier` does not name a set and an attribute (join set and \
         attribute with an underscore: `CustomSecurityAttribute.Set_Attribute`)",
    );
}

#[test]
fn each_root_refuses_the_attributes_of_the_other() {
    device_problem(
        "CustomSecurityAttribute.A_B -eq 'x'",
        "filter-attribute at `CustomSecurityAttribute.A_B`: this filter has no attribute \
         `CustomSecurityAttribute.A_B` (device filters compare `device.` attributes, as in `device.isCompliant`)",
    );
    custom_problem(
        "device.model -eq 'x'",
        "filter-attribute at `device.model`: this filter has no attribute `device.model` (this filter compares custom \
         security attributes, as in `CustomSecurityAttribute.Set_Attribute`)",
    );
}

#[test]
fn an_attribute_admits_only_its_documented_operators_and_values() {
    device_problem(
        "device.isCompliant -contains 'x' or device.physicalIds eq 'x' or device.deviceId startsWith 'x'",
        "filter-operator at `-contains`: `device.isCompliant` does not admit `-contains` (use `-eq`, `-ne`)\n\
         filter-operator at `eq`: `device.physicalIds` does not admit `-eq` (use `-contains`, `-notContains`)\n\
         filter-operator at `startsWith`: `device.deviceId` does not admit `-startsWith` (use `-eq`, `-ne`, `-in`, \
         `-notIn`)",
    );
    device_problem(
        "device.isCompliant eq 'yes' or device.model eq true or device.model in 'a' or device.model in []",
        "filter-value at `'yes'`: `device.isCompliant` is neither true nor false here (compare with `True`, `False` or \
         `null`)\n\
         filter-value at `true`: `device.model` is a text, not a boolean (write a text in quotes; filters do not see \
         boolean custom security attributes)\n\
         filter-value at `'a'`: `device.model` is compared by `-in` with something else than a list (write `-in \
         [\"a\", \"b\"]`)\n\
         filter-value at `[]`: `device.model` is compared with no text at all (name at least one text in the list)",
    );
    device_problem(
        "device.model contains null or device.model eq ['a'] or device.trustType eq Workplace",
        "filter-value at `null`: `device.model` is compared by `-contains` with null (only `-eq` and `-ne` compare with \
         null; `\"null\"` in quotes is a text)\n\
         filter-value at `['a']`: `device.model` is compared by `-eq` with a list (compare with one text, or use `-in` \
         or `-notIn` where the attribute admits them)\n\
         filter-value at `Workplace`: the text `Workplace` is not in quotes (write `\"Workplace\"`)",
    );
}

#[test]
fn broken_syntax_is_told_where_it_breaks() {
    device_problem("", "filter-syntax at ``: the rule is empty (compare an attribute, or leave the filter out)");
    device_problem(
        "(device.model -eq 'a' -and (device.model -eq 'b'",
        "filter-syntax at `(`: this parenthesis is never closed\nfilter-syntax at `(`: this parenthesis is never closed",
    );
    device_problem(
        "device.model -eq 'a') -or device.model -eq",
        "filter-syntax at `)`: this parenthesis closes nothing\n\
         filter-syntax at ``: expected a value, found the end of the rule",
    );
    device_problem(
        "device.model -eq 'a' device.model -eq 'b' -and -or",
        "filter-syntax at `device.model`: expected `-and`, `-or` or the end of the rule, found `device.model`\n\
         filter-syntax at `-or`: expected an attribute, found `-or` (write attribute, operator and value, as in \
         `device.isCompliant -eq True`)\n\
         filter-syntax at ``: expected an attribute, found the end of the rule (write attribute, operator and value, as \
         in `device.isCompliant -eq True`)",
    );
    device_problem(
        "device.model -eq \"a",
        "filter-syntax at `\"a`: this text has no closing quote (end the text with `\"`)",
    );
    device_problem(
        "device.model -eq \u{201c}a\u{201d}",
        "filter-syntax at `\u{201c}`: `\u{201c}` does not quote a text (use straight quotes, `\"`)",
    );
    device_problem(
        "device.model -in ['a' 'b'] or device.model in ['a',",
        "filter-syntax at `'b'`: expected `,` or `]`, found `'b'`\n\
         filter-syntax at ``: expected a text in quotes, found the end of the rule (write a list as in `[\"a\", \"b\"]`)",
    );
    device_problem(
        "device.isCompliant",
        "filter-syntax at ``: expected an operator, found the end of the rule (after an attribute comes an operator such \
         as `-eq` or `-contains`)",
    );
}

#[test]
fn a_rule_is_read_up_to_the_length_limit_in_characters_and_no_further() {
    let rule = |length: usize| format!("device.model -eq '{}'", "\u{e9}".repeat(length - "device.model -eq ''".len()));
    assert!(parse(&rule(limits::FILTER_CHARS_MAX), Root::Device).is_ok());
    let problems = parse(&rule(limits::FILTER_CHARS_MAX + 1), Root::Device).unwrap_err();
    assert_eq!(problems.iter().map(|problem| problem.rule.id).collect::<Vec<_>>(), ["filter-too-long"]);
}

#[test]
fn a_rule_is_read_up_to_the_depth_limit_and_no_further() {
    let nested = |depth: usize, open: &str, close: &str| {
        format!("{}device.model -eq 'a'{}", open.repeat(depth), close.repeat(depth))
    };
    for (open, close) in [("(", ")"), ("not ", "")] {
        assert!(parse(&nested(limits::FILTER_DEPTH_MAX, open, close), Root::Device).is_ok());
        let problems = parse(&nested(limits::FILTER_DEPTH_MAX + 1, open, close), Root::Device).unwrap_err();
        assert_eq!(problems.iter().map(|problem| problem.rule.id).collect::<Vec<_>>(), ["filter-too-deep"]);
    }
}

#[test]
fn the_diagnostics_name_the_limits_that_hold() {
    assert!(rules::TOO_LONG.why.contains(&limits::FILTER_CHARS_MAX.to_string()));
    assert!(rules::TOO_DEEP.why.contains(&limits::FILTER_DEPTH_MAX.to_string()));
}
