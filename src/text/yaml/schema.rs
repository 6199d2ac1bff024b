//! The core schema of YAML 1.2: what an untagged plain scalar is, and what the few allowed tags make of it.
//!
//! Source: YAML Ain't Markup Language version 1.2.2, section 10.3. Two deviations, both so that nothing is read as a
//! number that a person would not: a decimal number with a needless leading zero (`012`) is text, and `.inf` and `.nan`
//! are refused. Start with [`value`].

use std::borrow::Cow;

use granit_parser::{ScalarStyle, Tag};

use crate::text::diagnostic::Diagnostic;
use crate::text::document::Value;
use crate::text::rules;
use crate::text::source::Span;

/// What a scalar is. `tag` comes with its place; `span` is that of the scalar.
///
/// Errors: [`rules::YAML_TAG`] if the tag is unknown or does not fit, [`rules::NUMBER_RANGE`].
pub(super) fn value<'a>(
    text: Cow<'a, str>,
    style: ScalarStyle,
    tag: Option<(&Tag, Span)>,
    span: Span,
) -> Result<Value<'a>, Diagnostic> {
    let Some((tag, tag_span)) = tag else {
        return if style == ScalarStyle::Plain { plain(text, span) } else { Ok(Value::String(text)) };
    };
    // `!` alone says that the value is not to be guessed from its looks.
    if tag.core_suffix() == Some("str") || tag.parts() == ("", "!") {
        return Ok(Value::String(text));
    }
    match (tag.core_suffix(), plain(text, span)?) {
        (Some("null"), Value::Null) => Ok(Value::Null),
        (Some("bool"), value @ Value::Bool(_)) => Ok(value),
        (Some("int"), value @ Value::Integer(_)) => Ok(value),
        (Some("float"), value @ Value::Float(_)) => Ok(value),
        (Some("float"), Value::Integer(whole)) => Ok(Value::Float(whole as f64)),
        _ => Err(wrong_tag(tag, tag_span)),
    }
}

/// Says that `tag` is unknown, or does not fit its value.
pub(super) fn wrong_tag(tag: &Tag, span: Span) -> Diagnostic {
    let what = match tag.is_yaml_core_schema() {
        true => format!("the value is not what the tag `{}` says", tag.original()),
        false => format!("the tag `{}` is unknown", tag.original()),
    };
    Diagnostic::new(&rules::YAML_TAG, span, what).help("remove the tag; quotes make a value text")
}

fn plain(text: Cow<'_, str>, span: Span) -> Result<Value<'_>, Diagnostic> {
    Ok(match &*text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => match number(&text) {
            Some(Value::Float(value)) if !value.is_finite() => {
                let what = format!("`{text}` is out of range");
                return Err(Diagnostic::new(&rules::NUMBER_RANGE, span, what).help("put it in quotes if it is text"));
            }
            Some(value) => value,
            None => Value::String(text),
        },
    })
}

/// The number that `text` is: decimal, `0o` octal, `0x` hexadecimal, or with a fraction or an exponent.
fn number(text: &str) -> Option<Value<'static>> {
    let (is_negative, digits) = match text.as_bytes() {
        [b'-', ..] => (true, text.get(1..)?),
        [b'+', ..] => (false, text.get(1..)?),
        _ => (false, text),
    };
    if matches!(digits, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Some(Value::Float(f64::INFINITY));
    }
    for (prefix, radix) in [("0o", 8), ("0x", 16)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            let is_number = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
            return is_number.then(|| match i64::from_str_radix(digits, radix) {
                Ok(value) => Value::Integer(value),
                Err(_) => Value::Float(f64::INFINITY),
            });
        }
    }
    let rest = digits.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let whole = digits.strip_suffix(rest)?;
    if whole.len() > 1 && whole.starts_with('0') {
        return None;
    }
    if rest.is_empty() && !whole.is_empty() {
        return Some(match text.parse::<i64>() {
            Ok(value) => Value::Integer(value),
            Err(_) => Value::Float(text.parse().ok()?),
        });
    }
    if !is_fraction(whole, rest) {
        return None;
    }
    let value: f64 = digits.parse().ok()?;
    Some(Value::Float(if is_negative { -value } else { value }))
}

/// Whether `rest` after the digits `whole` is `.`, digits, and an exponent, of which each may be missing but not all.
fn is_fraction(whole: &str, rest: &str) -> bool {
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (fraction, exponent) = match rest.split_once(['e', 'E']) {
        Some((fraction, exponent)) => (fraction, Some(exponent)),
        None => (rest, None),
    };
    let is_mantissa = match fraction.strip_prefix('.') {
        Some(decimals) => is_digits(decimals) && !(whole.is_empty() && decimals.is_empty()),
        None => fraction.is_empty() && !whole.is_empty(),
    };
    let is_exponent = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits.is_empty() && is_digits(digits)
    });
    is_mantissa && is_exponent
}
