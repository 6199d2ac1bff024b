//! Reads the session controls of a policy.
//!
//! A control that is null or switched off has no effect. Source: Microsoft Graph
//! `conditionalAccessSessionControls`, v1.0 and beta, read August 2026.

use super::super::rules;
use super::object::{Context, Object, wrong_type};
use crate::model::attribute::is_annotation;
use crate::model::session::{CONTROL_NAMES, Period, SessionControls, SignInFrequency};
use crate::model::set::Word;
use crate::model::{FrequencyFactors, FrequencyInterval};
use crate::text::{Diagnostic, Node, Value};

/// What a policy says of sessions.
#[derive(Debug, Default)]
pub struct Session {
    /// Whether any control has an effect, also one that nobody knows.
    pub has_effect: bool,
    /// The controls.
    pub controls: SessionControls,
    /// The filtering profile.
    pub filtering_profile: Option<Box<str>>,
}

/// Reads `sessionControls` of the policy `object`, and keeps them as written.
pub fn session_controls(object: &mut Object<'_, '_>, context: &mut Context) -> Session {
    let node = object.member("sessionControls");
    let mut session = match object.object("sessionControls", context) {
        Some(controls) => read(controls, context),
        None => Session::default(),
    };
    let entries = node.and_then(Node::as_map).unwrap_or_default().iter();
    let mut unread = entries.filter(|entry| !CONTROL_NAMES.contains(&&*entry.key) && !is_annotation(&entry.key));
    session.has_effect = session.controls != SessionControls::default()
        || session.filtering_profile.is_some()
        || unread.any(|entry| is_active(&entry.node));
    object.keep("sessionControls", context);
    session
}

fn read(mut object: Object<'_, '_>, context: &mut Context) -> Session {
    let controls = SessionControls {
        sign_in_frequency: active(&mut object, "signInFrequency", context)
            .and_then(|frequency| sign_in_frequency(frequency, context)),
        persistent_browser: word(&mut object, "persistentBrowser", "mode", context),
        cloud_app_security: word(&mut object, "cloudAppSecurity", "cloudAppSecurityType", context),
        continuous_access_evaluation: word(&mut object, "continuousAccessEvaluation", "mode", context),
        application_enforced_restrictions: switch(&mut object, "applicationEnforcedRestrictions", context),
        disable_resilience_defaults: object.boolean("disableResilienceDefaults", context) == Some(true),
        secure_sign_in_session: switch(&mut object, "secureSignInSession", context),
    };
    let filtering_profile =
        active(&mut object, "globalSecureAccessFilteringProfile", context).and_then(|mut profile| {
            let id = required(&mut profile, "profileId", context);
            profile.finish(&rules::UNKNOWN_PROPERTY, context);
            id
        });
    not_returned(&mut object, "networkAccessSecurity", context);
    object.finish(&rules::UNKNOWN_PROPERTY, context);
    Session { has_effect: false, controls, filtering_profile }
}

/// Whether a control that nobody reads has an effect: it is neither null nor switched off, as [`active`] has it.
fn is_active(node: &Node<'_>) -> bool {
    match &node.value {
        Value::Null => false,
        Value::Map(_) => node.member("isEnabled").is_none_or(|is_enabled| is_enabled.value != Value::Bool(false)),
        Value::Bool(value) => *value,
        _ => true,
    }
}

/// The control `key`, if it has an effect.
fn active<'n, 'a>(object: &mut Object<'n, 'a>, key: &'static str, context: &mut Context) -> Option<Object<'n, 'a>> {
    let mut control = object.object(key, context)?;
    (control.boolean("isEnabled", context) != Some(false)).then_some(control)
}

/// A control that Graph exports and documents no meaning for.
fn not_returned(object: &mut Object<'_, '_>, key: &'static str, context: &mut Context) {
    if let Some(node) = object.member(key).filter(|node| is_active(node)) {
        let what = format!("`sessionControls.{key}` is not returned with decisions");
        let help = "Microsoft Graph documents no meaning for it";
        context.report(Diagnostic::new(&rules::UNKNOWN_PROPERTY, node.span, what).help(help));
    }
}

/// A control that is on or off.
fn switch(object: &mut Object<'_, '_>, key: &'static str, context: &mut Context) -> bool {
    active(object, key, context).map(|control| control.finish(&rules::UNKNOWN_PROPERTY, context)).is_some()
}

/// A control with one word.
fn word<T: Word>(
    object: &mut Object<'_, '_>,
    key: &'static str,
    member: &'static str,
    context: &mut Context,
) -> Option<T> {
    let mut control = active(object, key, context)?;
    let word = control.word(member, context);
    if control.member(member).is_none() {
        missing(&control, member, context);
    }
    control.finish(&rules::UNKNOWN_PROPERTY, context);
    word
}

fn required(object: &mut Object<'_, '_>, key: &'static str, context: &mut Context) -> Option<Box<str>> {
    if object.member(key).is_none() {
        missing(object, key, context);
    }
    object.text(key, context).map(|text| text.value.into())
}

fn missing(object: &Object<'_, '_>, key: &str, context: &mut Context) {
    let what = format!("`{key}` is missing");
    context.report(Diagnostic::new(&rules::MISSING_PROPERTY, object.span(), what));
}

/// Older exports have neither an interval, which is then one of time, nor factors, which are then both.
fn sign_in_frequency(mut object: Object<'_, '_>, context: &mut Context) -> Option<SignInFrequency> {
    let interval = object.word("frequencyInterval", context).unwrap_or(FrequencyInterval::TimeBased);
    let factors = object.word("authenticationType", context).unwrap_or(FrequencyFactors::PrimaryAndSecondary);
    let value = count(&mut object, "value", context);
    let unit = object.word("type", context);
    let period = value.zip(unit).map(|(value, unit)| Period { value, unit });
    for key in ["value", "type"] {
        if interval == FrequencyInterval::TimeBased && object.member(key).is_none() {
            missing(&object, key, context);
        }
    }
    object.finish(&rules::UNKNOWN_PROPERTY, context);
    match interval {
        FrequencyInterval::EveryTime => Some(SignInFrequency { period: None, factors }),
        FrequencyInterval::TimeBased => Some(SignInFrequency { period: Some(period?), factors }),
    }
}

/// A whole number from one.
fn count(object: &mut Object<'_, '_>, key: &'static str, context: &mut Context) -> Option<u32> {
    let node = object.member(key)?;
    let number = match node.value {
        Value::Integer(number) => u32::try_from(number).ok().filter(|number| *number > 0),
        _ => None,
    };
    if number.is_none() {
        context.report(wrong_type(node, key, "a whole number, one or more"));
    }
    number
}
