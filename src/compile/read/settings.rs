//! Reads `bundle.yaml`. A setting nobody knows is an error here: misspelt, it would silently leave a default in force.

use super::super::rules;
use super::location::mfa_trusted_range;
use super::object::{Context, Object, Path, has_room, parse_word, wrong_type};
use super::target;
use crate::limits;
use crate::model::bundle::{BundleSettings, DefaultDecision, Eligibility, MissingIp};
use crate::model::{Id, IdentityKind, SubjectTypes};
use crate::text::{Diagnostic, Level, Mend, Node, Rule, Severity, Spanned, Value, suggest};

const LATER: &str = "staleness is not judged yet; take the setting out";

/// Reads `node`.
pub fn settings(node: &Node<'_>, context: &mut Context) -> BundleSettings {
    if node.value == Value::Null {
        return BundleSettings::default();
    }
    let Some(mut object) = Object::new(node, Path::default(), context) else { return BundleSettings::default() };
    let (office365, microsoft_admin_portals) = suites(&mut object, context);
    let settings = BundleSettings {
        name: object.text("name", context).map(|name| name.value.into()),
        revision: revision(&mut object, context),
        sequence: sequence(&mut object, context),
        expires: expires(&mut object, context),
        tenant_id: object.id("tenantId", context).map(|id| Id::new(id.value)),
        default_decision: choice(
            &mut object,
            "defaultDecision",
            &[("allow", DefaultDecision::Allow), ("block", DefaultDecision::Block)],
            context,
        ),
        missing_ip: choice(
            &mut object,
            "missingIp",
            &[("unknown", MissingIp::Unknown), ("outsideAll", MissingIp::OutsideAll)],
            context,
        ),
        eligibility: choice(
            &mut object,
            "eligibility",
            &[("entra", Eligibility::Entra), ("all", Eligibility::All)],
            context,
        ),
        break_glass: owned(object.texts_up_to(limits::SETTING_ENTRIES_MAX, "breakGlass", context)),
        mfa_trusted_ips: object
            .texts_up_to(limits::MFA_TRUSTED_IPS_MAX, "mfaTrustedIps", context)
            .into_iter()
            .filter_map(|range| mfa_trusted_range(range, context))
            .collect(),
        office365,
        microsoft_admin_portals,
        country_database: object
            .text("countryDatabase", context)
            .map(|name| Spanned::new(Box::from(name.value), name.span)),
        ignored_policies: owned(object.texts_up_to(limits::SETTING_ENTRIES_MAX, "ignoredPolicies", context)),
        subject_types: subject_types(object.member("subjectTypes"), context),
    };
    // What they say is for `levels`, `ignored_files` and `super::placeholder`.
    for key in ["lints", "ignoredFiles", "placeholders"] {
        let _ = object.member(key);
    }
    for key in ["maxAge", "whenStale"] {
        object.refuse(key, LATER, context);
    }
    object.finish(&rules::UNKNOWN_SETTING, context);
    settings
}

/// Reads `suites`: the members of `Office365` and of `MicrosoftAdminPortals`, of those that it names.
fn suites(object: &mut Object<'_, '_>, context: &mut Context) -> (Option<Vec<Id>>, Option<Vec<Id>>) {
    let Some(mut suites) = object.object("suites", context) else { return (None, None) };
    let mut suite = |key, context: &mut Context| {
        let node = suites.member(key)?;
        let told = context.diagnostics.len();
        let ids = target::ids(suites.texts_up_to(limits::SETTING_ENTRIES_MAX, key, context), context);
        // WHY not the members that are known: nobody knows which of the two the author meant.
        if ids.is_empty() && context.diagnostics.len() == told {
            let what = format!("`suites.{key}` has no member, and policies for it would cover nothing");
            let help = "list app ids, or take it out for the members that are known";
            context.report(Diagnostic::new(&rules::MISSING_PROPERTY, node.span, what).help(help));
        }
        Some(ids.into_iter().map(|id| id.value).collect())
    };
    let members = (suite("Office365", context), suite("MicrosoftAdminPortals", context));
    suites.finish(&rules::UNKNOWN_SETTING, context);
    members
}

/// Reads `ignoredFiles`: paths below the root of files that are not read.
pub fn ignored_files(node: &Node<'_>, context: &mut Context) -> Vec<Spanned<Box<str>>> {
    let Some(nodes) = node.member("ignoredFiles").filter(|nodes| nodes.value != Value::Null) else { return Vec::new() };
    has_room(nodes, limits::SETTING_ENTRIES_MAX, "ignoredFiles", context);
    let files = nodes.as_list().unwrap_or_default().iter().take(limits::SETTING_ENTRIES_MAX);
    let named = files.map(|node| Some(Spanned::new(node.as_str()?.into(), node.span)));
    match named.collect::<Option<Vec<_>>>().filter(|_| nodes.as_list().is_some()) {
        Some(names) => names,
        None => {
            context.report(wrong_type(nodes, "ignoredFiles", "a list of text"));
            Vec::new()
        }
    }
}

/// Reads `subjectTypes`: kinds of identity by the types that callers give to subjects.
fn subject_types(node: Option<&Node<'_>>, context: &mut Context) -> SubjectTypes {
    let Some(node) = node else { return SubjectTypes::default() };
    let path = Path::default().join("subjectTypes");
    let Some(entries) = node.as_map() else {
        context.report(wrong_type(node, path, "an object"));
        return SubjectTypes::default();
    };
    let mut types = Vec::with_capacity(entries.len());
    for entry in entries {
        match entry.node.as_str() {
            Some(text) => {
                let kind: Option<IdentityKind> = parse_word(Spanned::new(text, entry.node.span), path, context);
                types.extend(kind.map(|kind| (Box::from(entry.key.as_ref()), kind)));
            }
            None => context.report(wrong_type(&entry.node, format!("subjectTypes.{}", entry.key), "text")),
        }
    }
    SubjectTypes::new(types)
}

/// Reads `lints`: what the bundle makes of warnings, by the id of the rule. What is an error stays one.
pub fn levels(node: &Node<'_>, context: &mut Context) -> Vec<(&'static Rule, Level)> {
    const LEVELS: [(&str, Level); 3] = [("allow", Level::Allow), ("warn", Level::Warn), ("error", Level::Error)];
    let Some(lints) = node.member("lints").filter(|lints| lints.value != Value::Null) else { return Vec::new() };
    let Some(entries) = lints.as_map() else {
        context.report(wrong_type(lints, Path::default().join("lints"), "an object"));
        return Vec::new();
    };
    let known = || rules::ALL.iter().copied();
    let mut levels = Vec::new();
    for entry in entries {
        let level = LEVELS.iter().find(|(word, _)| entry.node.as_str() == Some(*word));
        let rule = known().find(|rule| rule.id == entry.key);
        match (rule, level) {
            (Some(rule), Some((_, level))) if rule.severity == Severity::Warning || *level == Level::Error => {
                levels.push((rule, *level));
            }
            (Some(rule), Some((word, _))) => {
                let what = format!("`{word}` for `{}`, which is an error", rule.id);
                let help = "take it out: what is an error stays one, or the bundle would mean something else";
                context.report(Diagnostic::new(&rules::UNKNOWN_VALUE, entry.node.span, what).help(help));
            }
            (Some(rule), None) => {
                let what = format!("no level for `{}`", rule.id);
                let help = "it is one of allow, warn, error";
                context.report(Diagnostic::new(&rules::UNKNOWN_VALUE, entry.node.span, what).help(help));
            }
            (None, _) => {
                let what = format!("no rule is called `{}`", entry.key);
                let near = suggest::nearest(&entry.key, known().map(|rule| rule.id));
                let help = match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "`doorward check --explain` lists all".to_owned(),
                };
                let mend = near.and_then(|near| Mend::spelling(&entry.key, near));
                context.report(Diagnostic::new(&rules::UNKNOWN_SETTING, entry.key_span, what).help(help).mend(mend));
            }
        }
    }
    levels
}

fn owned(texts: Vec<Spanned<&str>>) -> Vec<Spanned<Box<str>>> {
    texts.into_iter().map(|text| Spanned::new(Box::from(text.value), text.span)).collect()
}

/// A revision may be written as a number.
fn revision(object: &mut Object<'_, '_>, context: &mut Context) -> Option<Box<str>> {
    if let Some(Node { value: Value::Integer(number), .. }) = object.member("revision") {
        return Some(number.to_string().into());
    }
    object.text("revision", context).map(|text| text.value.into())
}

fn sequence(object: &mut Object<'_, '_>, context: &mut Context) -> Option<u64> {
    let node = object.member("sequence")?;
    if let Value::Integer(number) = node.value
        && let Ok(number) = u64::try_from(number)
    {
        return Some(number);
    }
    context.report(wrong_type(node, "sequence", "a whole number, zero or more"));
    None
}

fn expires(object: &mut Object<'_, '_>, context: &mut Context) -> Option<Spanned<jiff::Timestamp>> {
    let text = object.text("expires", context)?;
    match text.value.parse() {
        Ok(timestamp) => Some(Spanned::new(timestamp, text.span)),
        Err(_) => {
            let what = format!("`{}` is no timestamp", text.value);
            context.report(Diagnostic::new(&rules::TIMESTAMP, text.span, what));
            None
        }
    }
}

/// One of a few words, compared byte for byte; the default when the setting is left out.
fn choice<T: Copy + Default>(
    object: &mut Object<'_, '_>,
    key: &'static str,
    choices: &[(&'static str, T)],
    context: &mut Context,
) -> T {
    let Some(text) = object.text(key, context) else { return T::default() };
    if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text.value) {
        return *value;
    }
    let words = || choices.iter().map(|(word, _)| *word);
    let near = suggest::nearest(text.value, words());
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it is one of {}", words().collect::<Vec<_>>().join(", ")),
    };
    let what = format!("`{}` is no value of `{key}`", text.value);
    let mend = near.and_then(|near| Mend::spelling(text.value, near));
    context.report(Diagnostic::new(&rules::UNKNOWN_VALUE, text.span, what).help(help).mend(mend));
    T::default()
}
