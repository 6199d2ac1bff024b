//! What one comparison may say: which attributes exist, which operators and values each admits.
//!
//! Knows nothing of `-and`, `-or` and parentheses. Each function tells a problem and gives `None`, or gives the checked
//! part; near misses are suggested.

use std::borrow::Cow;
use std::ops::Range;

use super::attribute::{Admits, Attribute, DeviceAttribute};
use super::{Comparison, Literal, Problem, Root, Test, rules};
use crate::text::Mend;
use crate::text::suggest::nearest;

/// A value as it was written, and where.
pub(super) struct Value<'t> {
    pub(super) written: Written<'t>,
    pub(super) range: Range<usize>,
}

/// What a value can be.
pub(super) enum Written<'t> {
    Null,
    Bool(bool),
    Text(Cow<'t, str>),
    List(Vec<Cow<'t, str>>),
}

/// An operator: its name, the positive relation, and whether it is the negation of that.
#[derive(Clone, Copy)]
pub(super) struct Operator {
    name: &'static str,
    relation: Relation,
    is_negated: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Relation {
    Equals,
    StartsWith,
    EndsWith,
    Contains,
    In,
}

const OPERATORS: [Operator; 10] = [
    Operator { name: "eq", relation: Relation::Equals, is_negated: false },
    Operator { name: "ne", relation: Relation::Equals, is_negated: true },
    Operator { name: "startsWith", relation: Relation::StartsWith, is_negated: false },
    Operator { name: "notStartsWith", relation: Relation::StartsWith, is_negated: true },
    Operator { name: "endsWith", relation: Relation::EndsWith, is_negated: false },
    Operator { name: "notEndsWith", relation: Relation::EndsWith, is_negated: true },
    Operator { name: "contains", relation: Relation::Contains, is_negated: false },
    Operator { name: "notContains", relation: Relation::Contains, is_negated: true },
    Operator { name: "in", relation: Relation::In, is_negated: false },
    Operator { name: "notIn", relation: Relation::In, is_negated: true },
];

/// Author text in a message: in backticks, on one line, cut when long.
pub(super) fn shown(text: &str) -> String {
    const CHARS_MAX: usize = 60;
    let line = text.chars().map(|character| if character.is_control() { ' ' } else { character });
    let cut = if text.chars().nth(CHARS_MAX).is_some() { "..." } else { "" };
    format!("`{}{cut}`", line.take(CHARS_MAX).collect::<String>())
}

/// The attribute that `word` names.
pub(super) fn attribute(word: &str, range: Range<usize>, root: Root, problems: &mut Vec<Problem>) -> Option<Attribute> {
    let (object, name) = word.split_once('.').unwrap_or((word, ""));
    let wanted = match root {
        Root::Device => "device",
        Root::CustomSecurityAttributes => "CustomSecurityAttribute",
    };
    let (what, help) = if !object.eq_ignore_ascii_case(wanted) || name.is_empty() {
        unknown_object(word, object, wanted, root)
    } else {
        let found = match root {
            Root::Device => device_attribute(name),
            Root::CustomSecurityAttributes => custom_attribute(name),
        };
        match found {
            Ok(attribute) => return Some(attribute),
            Err(problem) => problem,
        }
    };
    problems.push(Problem::new(&rules::ATTRIBUTE, range, what).help(help));
    None
}

fn unknown_object(word: &str, object: &str, wanted: &str, root: Root) -> (String, String) {
    let what = format!("this filter has no attribute {}", shown(word));
    let help = match root {
        Root::Device if DeviceAttribute::parse(object).is_some() => format!("write `device.{object}`"),
        _ if nearest(object, [wanted]).is_some() => format!("did you mean `{wanted}.`?"),
        Root::Device => "device filters compare `device.` attributes, as in `device.isCompliant`".to_owned(),
        Root::CustomSecurityAttributes => {
            "this filter compares custom security attributes, as in `CustomSecurityAttribute.Set_Attribute`".to_owned()
        }
    };
    (what, help)
}

fn device_attribute(name: &str) -> Result<Attribute, (String, String)> {
    if let Some(attribute) = DeviceAttribute::parse(name) {
        return Ok(Attribute::Device(attribute));
    }
    let what = format!("devices have no attribute {}", shown(name));
    let help = match nearest(name, DeviceAttribute::all().map(DeviceAttribute::as_str)) {
        Some(near) => format!("did you mean `device.{near}`?"),
        None => {
            let names: Vec<_> = DeviceAttribute::all().take(14).map(DeviceAttribute::as_str).collect();
            format!("the attributes are {} and extensionAttribute1 to 15", names.join(", "))
        }
    };
    Err((what, help))
}

fn custom_attribute(name: &str) -> Result<Attribute, (String, String)> {
    if let Some((set, attribute)) = name.split_once('.') {
        let what = format!("{} joins set and attribute with a dot", shown(name));
        let joined = shown(&format!("CustomSecurityAttribute.{set}_{attribute}"));
        return Err((what, format!("join them with an underscore: {joined}")));
    }
    // WHY: a leading or trailing underscore alone names no set or no attribute.
    match name.char_indices().find(|(at, character)| *character == '_' && *at > 0) {
        Some((at, _)) if at + 1 < name.len() => Ok(Attribute::Custom(name.into())),
        _ => {
            let what = format!("{} does not name a set and an attribute", shown(name));
            Err((what, "join set and attribute with an underscore: `CustomSecurityAttribute.Set_Attribute`".to_owned()))
        }
    }
}

/// The operator that `word` names, with or without its hyphen.
pub(super) fn operator(word: &str, range: Range<usize>, problems: &mut Vec<Problem>) -> Option<Operator> {
    let name = word.strip_prefix('-').unwrap_or(word);
    if let Some(operator) = OPERATORS.iter().find(|operator| operator.name.eq_ignore_ascii_case(name)) {
        return Some(*operator);
    }
    let help = match name.to_ascii_lowercase().as_str() {
        "match" => "dynamic groups have it, filters do not; use `-startsWith`, `-endsWith` or `-contains`".to_owned(),
        "notmatch" => {
            "dynamic groups have it, filters do not; use `-notStartsWith`, `-notEndsWith` or `-notContains`".to_owned()
        }
        "any" | "all" => "dynamic groups have it, filters do not; `-contains` compares with each element".to_owned(),
        _ => match nearest(name, OPERATORS.map(|operator| operator.name)) {
            Some(near) => format!("did you mean `-{near}`?"),
            None => format!("the operators are {}", OPERATORS.map(|operator| format!("-{}", operator.name)).join(", ")),
        },
    };
    let what = format!("filters have no operator {}", shown(word));
    problems.push(Problem::new(&rules::OPERATOR, range, what).help(help));
    None
}

/// Tells that a symbol is no operator, and which operator it means in other languages.
pub(super) fn symbol(symbol: &str, range: Range<usize>, problems: &mut Vec<Problem>) -> Option<Operator> {
    let instead = match symbol {
        "=" | "==" | "===" => Some("-eq"),
        "!=" | "!==" | "<>" => Some("-ne"),
        _ => None,
    };
    let help = match instead {
        Some(operator) => format!("write `{operator}`"),
        None => format!("the operators are {}", OPERATORS.map(|operator| format!("-{}", operator.name)).join(", ")),
    };
    let what = format!("filters have no operator {}", shown(symbol));
    let mend = instead.map(|becomes| Box::new(Mend::Word { is: symbol.into(), becomes }));
    problems.push(Problem { mend, ..Problem::new(&rules::OPERATOR, range, what).help(help) });
    None
}

/// The value that `word`, without quotes, is: true, false or null in any case.
pub(super) fn bare(word: &str) -> Option<Written<'static>> {
    if word.eq_ignore_ascii_case("null") { Some(Written::Null) } else { parse_bool(word).map(Written::Bool) }
}

fn parse_bool(word: &str) -> Option<bool> {
    [("true", true), ("false", false)].iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
}

/// The comparison of these three, if they go together.
pub(super) fn comparison(
    attribute: Attribute,
    (operator, operator_range): (Operator, Range<usize>),
    value: Value<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Comparison> {
    let admits = attribute.admits();
    if !admits.relations().contains(&operator.relation) {
        let what = format!("`{attribute}` does not admit `-{}`", operator.name);
        let admitted = OPERATORS.iter().filter(|operator| admits.relations().contains(&operator.relation));
        let names: Vec<_> = admitted.map(|operator| format!("`-{}`", operator.name)).collect();
        problems.push(Problem::new(&rules::OPERATOR, operator_range, what).help(format!("use {}", names.join(", "))));
        return None;
    }
    match test(admits, operator, value.written) {
        Ok(test) => Some(Comparison { attribute, test, is_negated: operator.is_negated }),
        Err((what, help)) => {
            let what = format!("`{attribute}` {what}");
            problems.push(Problem::new(&rules::VALUE, value.range, what).help(help));
            None
        }
    }
}

impl Admits {
    fn relations(self) -> &'static [Relation] {
        match self {
            Self::Text => {
                &[Relation::Equals, Relation::StartsWith, Relation::EndsWith, Relation::Contains, Relation::In]
            }
            Self::Id => &[Relation::Equals, Relation::In],
            Self::Choice(_) | Self::Bool => &[Relation::Equals],
            Self::List => &[Relation::Contains],
        }
    }
}

/// The test of an admitted relation, or what the attribute cannot be compared with and what to write.
fn test(admits: Admits, operator: Operator, written: Written<'_>) -> Result<Test, (String, String)> {
    let name = operator.name;
    match (operator.relation, written) {
        (Relation::In, Written::List(texts)) if texts.is_empty() => {
            Err(("is compared with no text at all".to_owned(), "name at least one text in the list".to_owned()))
        }
        (Relation::In, Written::List(texts)) => Ok(Test::In(texts.iter().map(|text| Literal::new(text)).collect())),
        (Relation::In, _) => {
            let help = format!("write `-{name} [\"a\", \"b\"]`");
            Err((format!("is compared by `-{name}` with something else than a list"), help))
        }
        (_, Written::List(_)) => {
            let help = "compare with one text, or use `-in` or `-notIn` where the attribute admits them".to_owned();
            Err((format!("is compared by `-{name}` with a list"), help))
        }
        (Relation::Equals, Written::Null) => Ok(Test::IsNull),
        (_, Written::Null) => {
            let help = "only `-eq` and `-ne` compare with null; `\"null\"` in quotes is a text".to_owned();
            Err((format!("is compared by `-{name}` with null"), help))
        }
        (relation, written) => match admits {
            Admits::Bool => boolean(&written),
            Admits::Choice(choices) => choice(choices, &written),
            Admits::Text | Admits::Id | Admits::List => free_text(relation, written),
        },
    }
}

fn boolean(written: &Written<'_>) -> Result<Test, (String, String)> {
    let value = match written {
        Written::Bool(value) => Some(*value),
        Written::Text(text) => parse_bool(text),
        Written::Null | Written::List(_) => None,
    };
    value.map(Test::IsBool).ok_or_else(|| {
        ("is neither true nor false here".to_owned(), "compare with `True`, `False` or `null`".to_owned())
    })
}

fn choice(choices: &[&str], written: &Written<'_>) -> Result<Test, (String, String)> {
    let text = match written {
        Written::Text(text) => text.as_ref(),
        _ => "",
    };
    if choices.iter().any(|choice| choice.eq_ignore_ascii_case(text)) {
        return Ok(Test::Equals(Literal::new(text)));
    }
    let help = match nearest(text, choices.iter().copied()) {
        Some(near) => format!("did you mean `\"{near}\"`?"),
        None => format!(
            "the values are {}",
            choices.iter().map(|text| format!("`\"{text}\"`")).collect::<Vec<_>>().join(", ")
        ),
    };
    let what = if let Written::Text(text) = written { shown(text) } else { "a boolean".to_owned() };
    Err((format!("is never {what}"), help))
}

fn free_text(relation: Relation, written: Written<'_>) -> Result<Test, (String, String)> {
    let Written::Text(text) = written else {
        // WHY: booleans look right for a boolean custom security attribute, but filters cannot see those.
        let help = "write a text in quotes; filters do not see boolean custom security attributes".to_owned();
        return Err(("is a text, not a boolean".to_owned(), help));
    };
    let literal = Literal::new(&text);
    Ok(match relation {
        Relation::Equals => Test::Equals(literal),
        Relation::StartsWith => Test::StartsWith(literal),
        Relation::EndsWith => Test::EndsWith(literal),
        Relation::Contains => Test::Contains(literal),
        Relation::In => Test::In(vec![literal]),
    })
}
