//! Reads `token` and `obligations` of a policy, which are doorward's own.
//!
//! WHY stricter than Graph's properties: a misspelt member would silently leave a token as it is, so that it is an error
//! here. What goes together with grant controls is looked at too. Start with [`shaping`].

use std::collections::{BTreeMap, BTreeSet};

use super::super::rules;
use super::object::{Context, Object, Path, to_json, wrong_type};
use crate::limits;
use crate::model::GrantControl;
use crate::model::policy::GrantControls;
use crate::model::shaping::{
    ACRS, NOTIFICATION, OBLIGATION_TYPES, RESERVED_CLAIMS, SESSION_TERMINATION, STEP_UP, Shaping, StatedObligation,
    TokenShape,
};
use crate::text::{Diagnostic, Entry, Mend, Node, Span, Spanned, Value, suggest};

/// Reads both properties of the policy `object`; `None` when it has neither.
pub fn shaping(
    object: &mut Object<'_, '_>,
    grant: Option<&GrantControls>,
    context: &mut Context,
) -> Option<Box<Shaping>> {
    let place = object.member("token").map(|node| node.span);
    let token = object.object("token", context).map(|token| read_token(token, context)).unwrap_or_default();
    let is_block = grant.is_some_and(|grant| grant.built_in.contains(GrantControl::Block));
    if let Some(span) = place.filter(|_| is_block && !token.is_empty()) {
        let what = "`token` in a policy that blocks";
        let help = "take it out, or make a policy of its own of it; `obligations` hold for a block too";
        context.report(Diagnostic::new(&rules::TOKEN_WITH_BLOCK, span, what).help(help));
    }
    let nodes = object.list("obligations", context);
    too_many(nodes.len(), limits::OBLIGATIONS_MAX, "obligations of one policy", nodes.first(), context);
    let obligations: Vec<_> =
        nodes.iter().take(limits::OBLIGATIONS_MAX).filter_map(|node| obligation(node, context)).collect();
    let shaping = Shaping { token, obligations };
    (!shaping.is_empty()).then(|| Box::new(shaping))
}

fn read_token(mut object: Object<'_, '_>, context: &mut Context) -> TokenShape {
    let lifetime = object.member("lifetime").and_then(|node| lifetime(node, context));
    let claims = object.member("claims").map(|node| claims(node, context)).unwrap_or_default();
    let mut critical = BTreeSet::new();
    for name in object.texts("critical", context) {
        if claims.values.contains_key(name.value) {
            critical.insert(Box::from(name.value));
        } else if !claims.written.contains(name.value) {
            let what = format!("`{}` is none of the policy's `token.claims`", name.value);
            let near = suggest::nearest(name.value, claims.values.keys().map(|name| &**name));
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("write it into `claims` too, as in `{}: [value]`", name.value),
            };
            let mend = near.and_then(|near| Mend::spelling(name.value, near));
            context.report(Diagnostic::new(&rules::UNKNOWN_VALUE, name.span, what).help(help).mend(mend));
        }
    }
    object.finish(&rules::UNKNOWN_SETTING, context);
    TokenShape { lifetime, claims: claims.values, critical }
}

fn lifetime(node: &Node<'_>, context: &mut Context) -> Option<u32> {
    let most = limits::TOKEN_LIFETIME_SECONDS_MAX;
    let Value::Integer(number) = node.value else {
        context.report(wrong_type(node, "token.lifetime", "a whole number of seconds"));
        return None;
    };
    let lifetime = u32::try_from(number).ok().filter(|seconds| (1..=most).contains(seconds));
    if lifetime.is_none() {
        let what = format!("`token.lifetime` of {number} seconds");
        let help = match number {
            0 => "write `grantControls: { builtInControls: [block] }` if there is to be no token".to_owned(),
            _ => format!("write a number of seconds from 1 to {most}"),
        };
        context.report(Diagnostic::new(&rules::TOKEN_LIFETIME, node.span, what).help(help));
    }
    lifetime
}

/// Claims as far as they can be stated, and all names that are written: a problem is told once.
#[derive(Default)]
struct Claims {
    values: BTreeMap<Box<str>, BTreeSet<Box<str>>>,
    written: BTreeSet<Box<str>>,
}

fn claims(node: &Node<'_>, context: &mut Context) -> Claims {
    let mut claims = Claims::default();
    let Some(entries) = node.as_map() else {
        context.report(wrong_type(node, "token.claims", "an object of lists of text"));
        return claims;
    };
    too_many(entries.len(), limits::TOKEN_CLAIMS_MAX, "claims of one policy", Some(node), context);
    for entry in entries.iter().take(limits::TOKEN_CLAIMS_MAX) {
        claims.written.insert(Box::from(&*entry.key));
        if let (true, Some(values)) = (is_claim(entry, context), claim(entry, context)) {
            claims.values.insert(Box::from(&*entry.key), values);
        }
    }
    claims
}

/// Whether the key of `entry` can be the name of a claim that policies state.
fn is_claim(entry: &Entry<'_>, context: &mut Context) -> bool {
    let name = &*entry.key;
    let mut refuse = |what: String, help: &'static str| {
        context.report(Diagnostic::new(&rules::RESERVED_CLAIM, entry.key_span, what).help(help));
        false
    };
    if RESERVED_CLAIMS.contains(&name) {
        let help = match name {
            ACRS => "take it out: whoever asks for an authentication context gets it in `acrs`",
            "exp" | "iat" | "nbf" => "take it out, or write `lifetime` for how long a token may live",
            _ => "take it out, or give the claim a name of its own",
        };
        return refuse(format!("`{name}` is a claim that no policy states"), help);
    }
    let is_name = !name.is_empty()
        && name.len() <= limits::CLAIM_NAME_BYTES_MAX
        && name.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
    let help = "write at most 128 visible ASCII characters without quotes and backslashes";
    is_name || refuse(format!("`{name}` is no name of a claim"), help)
}

/// One text or several; at least one.
fn claim(entry: &Entry<'_>, context: &mut Context) -> Option<BTreeSet<Box<str>>> {
    let path = format!("token.claims.{}", entry.key);
    let nodes = entry.node.as_list().unwrap_or(std::slice::from_ref(&entry.node));
    too_many(nodes.len(), limits::CLAIM_VALUES_MAX, "values of one claim", Some(&entry.node), context);
    let mut values = BTreeSet::new();
    let mut is_sound = true;
    for node in nodes.iter().take(limits::CLAIM_VALUES_MAX).filter(|node| node.value != Value::Null) {
        match node.as_str() {
            Some(text) if text.len() > limits::CLAIM_VALUE_BYTES_MAX => too_many(
                text.len(),
                limits::CLAIM_VALUE_BYTES_MAX,
                "bytes in one value of a claim",
                Some(node),
                context,
            ),
            Some(text) => drop(values.insert(Box::from(text))),
            None => {
                is_sound = false;
                context.report(wrong_type(node, &path, "text or a list of text"));
            }
        }
    }
    if values.is_empty() && is_sound {
        let what = format!("`{path}` has no value");
        let help = format!("write it as in `{}: [value]`, or take it out", entry.key);
        context.report(Diagnostic::new(&rules::MISSING_PROPERTY, entry.key_span, what).help(help));
    }
    (!values.is_empty()).then_some(values)
}

fn obligation(node: &Node<'_>, context: &mut Context) -> Option<StatedObligation> {
    let mut object = Object::new(node, Path::default().join("obligations"), context)?;
    let id = object.text("id", context).and_then(|id| obligation_id(id, context));
    if object.member("type").is_none() {
        missing(&object, "an obligation without `type`", "write `type: notification`, or another one", context);
    }
    let kind = object.text("type", context);
    let properties = match kind.map(|kind| kind.value) {
        Some(NOTIFICATION) => {
            let properties = texts(&mut object, ["to", "body", "topic"], context);
            if object.member("to").is_none() && object.member("topic").is_none() {
                let help = "say in `to` whom to tell, or in `topic` about what";
                missing(&object, "a notification without `to` and `topic`", help, context);
            }
            properties
        }
        Some(SESSION_TERMINATION) => texts(&mut object, ["subject"], context),
        _ => object.member("properties").map(|node| properties(node, context)).unwrap_or_default(),
    };
    let known = kind.filter(|kind| is_type(*kind, context));
    // WHY: of a type that nobody knows nobody knows which members it has.
    if known.is_some() {
        object.finish(&rules::UNKNOWN_SETTING, context);
    }
    let json = serde_json::Value::Object(properties).to_string();
    if json.len() > limits::OBLIGATION_BYTES_MAX {
        too_many(json.len(), limits::OBLIGATION_BYTES_MAX, "bytes in one obligation", Some(node), context);
        return None;
    }
    Some(StatedObligation { id, kind: known?.value.into(), properties: json.into() })
}

fn obligation_id(id: Spanned<&str>, context: &mut Context) -> Option<Spanned<Box<str>>> {
    if id.value.trim().is_empty() {
        let what = "the `id` of an obligation is empty";
        let help = "write one, or take the property out: it is then made of the policy's id";
        context.report(Diagnostic::new(&rules::MISSING_PROPERTY, id.span, what).help(help));
        return None;
    }
    Some(Spanned::new(id.value.into(), id.span))
}

/// Whether `kind` is a type of obligations that policies state.
fn is_type(kind: Spanned<&str>, context: &mut Context) -> bool {
    if OBLIGATION_TYPES.contains(&kind.value) || is_absolute_uri(kind.value) {
        return true;
    }
    let near = suggest::nearest(kind.value, OBLIGATION_TYPES);
    let help = match (kind.value, near) {
        (STEP_UP, _) => "ask for grant controls instead: whoever can step up is told what to prove".to_owned(),
        (_, Some(near)) => format!("did you mean `{near}`?"),
        (_, None) => format!("it is {}, or an absolute URI", OBLIGATION_TYPES.join(", ")),
    };
    let mend = near.and_then(|near| Mend::spelling(kind.value, near));
    let what = format!("`{}` is no type of obligations", kind.value);
    context.report(Diagnostic::new(&rules::UNKNOWN_VALUE, kind.span, what).help(help).mend(mend));
    false
}

/// A scheme, and something behind it. Source: RFC 3986, section 4.3, read November 2026.
fn is_absolute_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    is_scheme && !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic())
}

fn texts<const N: usize>(
    object: &mut Object<'_, '_>,
    keys: [&'static str; N],
    context: &mut Context,
) -> serde_json::Map<String, serde_json::Value> {
    let each = keys.into_iter().filter_map(|key| Some((key.to_owned(), object.text(key, context)?.value.into())));
    each.collect()
}

/// Properties of the author's own, which are passed on as they are.
fn properties(node: &Node<'_>, context: &mut Context) -> serde_json::Map<String, serde_json::Value> {
    if !is_shallow(node, limits::OBLIGATION_DEPTH_MAX) {
        let what = format!("`properties` nest deeper than {} levels", limits::OBLIGATION_DEPTH_MAX);
        context.report(Diagnostic::new(&rules::TOO_MANY, node.span, what));
        return serde_json::Map::new();
    }
    if let Some(number) = inexact(node) {
        let help = "write it as text: JSON readers agree on whole numbers below 2^53 only";
        let what = "a number that readers would not agree on";
        context.report(Diagnostic::new(&rules::UNKNOWN_VALUE, number, what).help(help));
    }
    match to_json(node) {
        serde_json::Value::Object(properties) => properties,
        _ => {
            context.report(wrong_type(node, "obligations.properties", "an object"));
            serde_json::Map::new()
        }
    }
}

fn is_shallow(node: &Node<'_>, levels: usize) -> bool {
    let below = || levels.checked_sub(1);
    match &node.value {
        Value::List(nodes) => below().is_some_and(|levels| nodes.iter().all(|node| is_shallow(node, levels))),
        Value::Map(entries) => {
            below().is_some_and(|levels| entries.iter().all(|entry| is_shallow(&entry.node, levels)))
        }
        _ => true,
    }
}

/// Where a number stands that doubles do not have.
fn inexact(node: &Node<'_>) -> Option<Span> {
    match &node.value {
        Value::Integer(number) => (number.unsigned_abs() >= 1 << 53).then_some(node.span),
        Value::Float(number) => (!number.is_finite()).then_some(node.span),
        Value::List(nodes) => nodes.iter().find_map(inexact),
        Value::Map(entries) => entries.iter().find_map(|entry| inexact(&entry.node)),
        _ => None,
    }
}

fn missing(object: &Object<'_, '_>, what: &str, help: &str, context: &mut Context) {
    context.report(Diagnostic::new(&rules::MISSING_PROPERTY, object.span(), what).help(help));
}

fn too_many(count: usize, most: usize, name: &str, node: Option<&Node<'_>>, context: &mut Context) {
    if count > most {
        let span = node.map_or(Span::NONE, |node| node.span);
        let what = format!("{count} {name}, {most} are the most");
        context.report(Diagnostic::new(&rules::TOO_MANY, span, what));
    }
}
