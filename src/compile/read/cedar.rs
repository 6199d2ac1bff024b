//! Reads `.cedar` files: whole policies in Cedar, each an enabled block policy for whom its scope names.
//!
//! Knows annotations and effects; what a condition says is checked by `compile::cedar` once all files are read.

use super::super::{cedar, rules};
use super::object::Context;
use crate::model::policy::{
    Conditions, GrantControls, Policy, PrincipalTarget, ResourceTarget, Resources, Scope, UserTarget, Users, When,
    WhenForm,
};
use crate::model::set::Word;
use crate::model::{GrantControl, Operator, SessionControls, State};
use crate::text::{Diagnostic, Embedded, FileId, Sources, Span, Spanned, suggest};

/// Annotations that mean something.
const ANNOTATIONS: [&str; 3] = ["id", "displayName", "state"];

/// The texts of the policies of `file`, one after the other.
pub fn statements<'s>(
    sources: &'s Sources,
    file: FileId,
    context: &mut Context,
) -> impl Iterator<Item = Embedded> + use<'s> {
    let text = sources.file(file).map_or("", |file| file.text());
    let whole = Embedded::new(text, Span::new(file, 0, u32::try_from(text.len()).unwrap_or(u32::MAX)));
    let ranges = match cedar::statements(&whole) {
        Ok(ranges) if ranges.is_empty() => {
            context.report(Diagnostic::new(&rules::EMPTY_DOCUMENT, whole.span, "the file holds nothing"));
            ranges
        }
        Ok(ranges) => ranges,
        Err(diagnostic) => {
            context.report(diagnostic);
            Vec::new()
        }
    };
    ranges.into_iter().map(move |range| Embedded::new(text.get(range.clone()).unwrap_or_default(), whole.within(range)))
}

/// The policy that `text` states; `None` when it cannot be one.
pub fn policy(text: Embedded, context: &mut Context) -> Option<Policy> {
    let parsed = cedar::statement(&text, &mut context.diagnostics)?;
    let place = |words: &str| {
        let start = text.text.find(words);
        start.map_or(text.span, |start| text.within(start..start + words.len()))
    };
    if parsed.effect() == cedar_policy::Effect::Permit {
        let what = "a `permit` in a bundle";
        let help = "write what must not be as `forbid`; an exemption is an `unless { ... }` of it";
        context.report(Diagnostic::new(&rules::CEDAR_PERMIT, place("permit"), what).help(help));
        return None;
    }
    for (name, _) in parsed.annotations().filter(|(name, _)| !ANNOTATIONS.contains(name)) {
        let what = format!("no annotation is called `@{name}`");
        let near = suggest::nearest(name, ANNOTATIONS);
        let mut diagnostic = Diagnostic::new(&rules::UNKNOWN_PROPERTY, place(&format!("@{name}")), what);
        diagnostic.help = near.map(|near| format!("did you mean `@{near}`?"));
        context.report(diagnostic);
    }
    let annotated = |name: &str| {
        let value = parsed.annotation(name).filter(|value| !value.is_empty())?;
        Some(Spanned::new(Box::<str>::from(value), place(&format!("@{name}"))))
    };
    let state = annotated("state").map_or(Some(State::Enabled), |state| read_state(&state, context));
    let Some(id) = annotated("id") else {
        let help = "begin the policy with `@id(\"...\")`: answers and logs name it so";
        let what = "`@id` is missing";
        context.report(Diagnostic::new(&rules::MISSING_PROPERTY, place("forbid"), what).help(help));
        return None;
    };
    Some(Policy {
        display_name: annotated("displayName").unwrap_or_else(|| id.clone()),
        id: Some(id),
        // WHY: with an unreadable state the bundle is refused; its other problems should show all the same.
        state: state.unwrap_or(State::Enabled),
        is_deleted: false,
        conditions: everybody(text.span),
        grant: Some(block(text.span)),
        session_controls: SessionControls::default(),
        filtering_profile: None,
        shaping: None,
        when: Some(When { form: WhenForm::Statement, text }),
        kept: Vec::new(),
    })
}

fn read_state(state: &Spanned<Box<str>>, context: &mut Context) -> Option<State> {
    if &*state.value == "report-only" {
        return Some(State::ReportOnly);
    }
    let parsed = State::parse(&state.value);
    if parsed.is_none() {
        let what = format!("`{}` is no state", state.value);
        let help = "it is `enabled`, `report-only` or `disabled`";
        context.report(Diagnostic::new(&rules::UNKNOWN_VALUE, state.span, what).help(help));
    }
    parsed
}

/// All kinds of identity, for all resources; the policy's own scope is a part of its condition.
fn everybody(span: Span) -> Conditions {
    let all = || Scope { include: vec![Spanned::new(PrincipalTarget::All, span)], ..Scope::default() };
    let users = [UserTarget::All, UserTarget::AllAgentUsers].map(|target| Spanned::new(target, span));
    Conditions {
        users: Users { include: users.into(), ..Users::default() },
        service_principals: all(),
        agent_identities: all(),
        resources: Resources { include: vec![Spanned::new(ResourceTarget::All, span)], ..Resources::default() },
        ..Conditions::default()
    }
}

fn block(span: Span) -> GrantControls {
    GrantControls {
        operator: Operator::Or,
        built_in: std::iter::once(GrantControl::Block).collect(),
        authentication_strength: None,
        terms_of_use: Vec::new(),
        custom_factors: Vec::new(),
        span,
    }
}
