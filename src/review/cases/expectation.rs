//! What a case expects of an answer.
//!
//! Reads `expect`; whether an answer is as expected is for `difference` to say.

use super::super::members::{Members, text, unknown_value, wrong_type};
use super::super::rules;
use crate::limits;
use crate::model::session::CONTROL_NAMES;
use crate::model::set::Word;
use crate::model::{Condition, Decision, GrantControl, Reason, Truth};
use crate::text::{Diagnostic, Diagnostics, Node, Spanned};

/// What is expected of an answer. What is `None` is not compared.
#[derive(Debug)]
pub(super) struct Expectation<'n> {
    pub(super) decision: Decision,
    pub(super) reason: Option<Reason>,
    pub(super) policies: Option<Vec<Spanned<&'n str>>>,
    pub(super) report_only: Option<Vec<Spanned<&'n str>>>,
    pub(super) unmet_controls: Option<Vec<&'n str>>,
    pub(super) session_controls: Option<Vec<&'n str>>,
    /// Ids of obligations.
    pub(super) obligations: Option<Vec<&'n str>>,
    /// Empty: there is nothing to say.
    pub(super) message: Option<&'n str>,
    pub(super) conditions: Vec<ExpectedCondition<'n>>,
}

/// How one condition of one policy must come out.
#[derive(Debug)]
pub(super) struct ExpectedCondition<'n> {
    pub(super) policy: Spanned<&'n str>,
    pub(super) condition: Condition,
    pub(super) holds: Truth,
}

impl Default for Expectation<'_> {
    /// Block: a case that says nothing of the decision must not pass because a door stands open.
    fn default() -> Self {
        Self {
            decision: Decision::Block,
            reason: None,
            policies: None,
            report_only: None,
            unmet_controls: None,
            session_controls: None,
            obligations: None,
            message: None,
            conditions: Vec::new(),
        }
    }
}

impl<'n> Expectation<'n> {
    /// Every policy that is named, once for each time.
    pub(super) fn names(&self) -> impl Iterator<Item = Spanned<&'n str>> {
        let lists = [&self.policies, &self.report_only].into_iter().flatten().flatten().copied();
        lists.chain(self.conditions.iter().map(|expected| expected.policy))
    }
}

/// How cases write whether a condition holds.
pub(super) const fn truth(holds: Truth) -> &'static str {
    match holds {
        Truth::True => "matched",
        Truth::False => "notMatched",
        Truth::Unknown => "unknown",
    }
}

/// Reads `expect`.
pub(super) fn read<'n>(mut fields: Members<'n>, diagnostics: &mut Diagnostics) -> Expectation<'n> {
    let decision_node = fields.member("decision");
    let decision = decision_node.and_then(|node| {
        let decisions = [Decision::Allow, Decision::Block];
        one_of(node, &fields.path_of("decision"), &decisions, Decision::as_str, diagnostics)
    });
    let reason_node = fields.member("reason");
    let reason =
        reason_node.and_then(|node| one_of(node, &fields.path_of("reason"), &Reason::ALL, Reason::as_str, diagnostics));
    let expected = decision.unwrap_or(Decision::Block);
    if let (Some(node), Some(reason)) = (reason_node, reason)
        && reason.decision() != expected
    {
        let what = format!("`{}` is a reason to {}", reason.as_str(), reason.decision().as_str());
        let help = match decision_node {
            Some(_) => "make `decision` and `reason` agree".to_owned(),
            None => format!("add `decision: {}`; without it block is expected", reason.decision().as_str()),
        };
        diagnostics.push(Diagnostic::new(&rules::FIELD_VALUE, node.span, what).help(help));
    }
    let policies = policies(&mut fields, "policies", diagnostics);
    let report_only = self::policies(&mut fields, "reportOnly", diagnostics);
    let unmet_controls = unmet_controls(&mut fields, diagnostics);
    let session_controls = session_controls(&mut fields, diagnostics);
    let obligations = obligations(&mut fields, diagnostics);
    let message = fields.text("message", diagnostics);
    let conditions = conditions(&mut fields, diagnostics);
    fields.finish(diagnostics);
    Expectation {
        decision: expected,
        reason,
        policies,
        report_only,
        unmet_controls,
        session_controls,
        obligations,
        message,
        conditions,
    }
}

fn one_of<T: Copy>(
    node: &Node<'_>,
    path: &str,
    known: &[T],
    name: fn(T) -> &'static str,
    diagnostics: &mut Diagnostics,
) -> Option<T> {
    let text = text(node, path, diagnostics)?;
    let found = known.iter().copied().find(|member| name(*member).eq_ignore_ascii_case(text));
    if found.is_none() {
        diagnostics.push(unknown_value(node, path, text, || known.iter().map(|member| name(*member))));
    }
    found
}

fn policies<'n>(
    fields: &mut Members<'n>,
    key: &'static str,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<Spanned<&'n str>>> {
    let nodes = fields.list(key, limits::POLICIES_MAX, diagnostics)?;
    let path = fields.path_of(key);
    let spanned = |node: &'n Node<'n>| Some(Spanned::new(text(node, &path, diagnostics)?, node.span));
    Some(nodes.iter().filter_map(spanned).collect())
}

/// Names of controls as answers write them: a built-in one, or `authenticationStrength:`, `termsOfUse:` or
/// `customAuthenticationFactor:` and an id.
fn unmet_controls<'n>(fields: &mut Members<'n>, diagnostics: &mut Diagnostics) -> Option<Vec<&'n str>> {
    let nodes = fields.list("unmetControls", limits::POLICIES_MAX, diagnostics)?;
    let path = fields.path_of("unmetControls");
    let mut controls = Vec::with_capacity(nodes.len());
    for node in nodes {
        let Some(text) = text(node, &path, diagnostics) else { continue };
        let known = || GrantControl::ALL.iter().map(|control| control.as_str()).chain(WITH_ID);
        let is_with_id = text.split_once(':').is_some_and(|(kind, id)| WITH_ID.contains(&kind) && !id.is_empty());
        match GrantControl::parse(text) {
            Some(control) => controls.push(control.as_str()),
            None if is_with_id => controls.push(text),
            None => diagnostics.push(unknown_value(node, &path, text, known)),
        }
    }
    Some(controls)
}

const WITH_ID: [&str; 3] = ["authenticationStrength", "termsOfUse", "customAuthenticationFactor"];

fn session_controls<'n>(fields: &mut Members<'n>, diagnostics: &mut Diagnostics) -> Option<Vec<&'n str>> {
    let nodes = fields.list("sessionControls", limits::POLICIES_MAX, diagnostics)?;
    let path = fields.path_of("sessionControls");
    let mut controls = Vec::with_capacity(nodes.len());
    for node in nodes {
        let Some(text) = text(node, &path, diagnostics) else { continue };
        let name = text.split(' ').next().unwrap_or(text);
        let mut known = CONTROL_NAMES.into_iter().chain(TOKEN_WORDS);
        if known.any(|known| known == name) {
            controls.push(text);
        } else {
            let known = || CONTROL_NAMES.into_iter().chain(TOKEN_WORDS);
            diagnostics.push(unknown_value(node, &path, name, known));
        }
    }
    Some(controls)
}

/// What texts about the shape of a token begin with.
const TOKEN_WORDS: [&str; 3] = ["tokenLifetime", "tokenClaim", "criticalTokenClaim"];

/// Ids of obligations, as answers have them.
fn obligations<'n>(fields: &mut Members<'n>, diagnostics: &mut Diagnostics) -> Option<Vec<&'n str>> {
    let nodes = fields.list("obligations", limits::POLICIES_MAX, diagnostics)?;
    let path = fields.path_of("obligations");
    Some(nodes.iter().filter_map(|node| text(node, &path, diagnostics)).collect())
}

/// An object of policies, each an object of conditions.
fn conditions<'n>(fields: &mut Members<'n>, diagnostics: &mut Diagnostics) -> Vec<ExpectedCondition<'n>> {
    let mut expected = Vec::new();
    let (Some(node), path) = (fields.member("conditions"), fields.path_of("conditions")) else { return expected };
    let Some(policies) = node.as_map() else {
        diagnostics.push(wrong_type(node, &path, "an object of policies"));
        return expected;
    };
    for policy in policies {
        let path = format!("{path}.{}", policy.key);
        let Some(entries) = policy.node.as_map() else {
            let help = "as in `location: matched`";
            diagnostics.push(wrong_type(&policy.node, &path, "an object of conditions").help(help));
            continue;
        };
        for entry in entries {
            let known = Condition::ALL.iter().find(|condition| condition.as_str() == entry.key);
            let Some(&condition) = known else {
                let key = Node { span: entry.key_span, value: entry.node.value.clone() };
                diagnostics
                    .push(unknown_value(&key, &path, &entry.key, || Condition::ALL.iter().map(|known| known.as_str())));
                continue;
            };
            let known = [Truth::True, Truth::False, Truth::Unknown];
            let path = format!("{path}.{}", entry.key);
            if let Some(holds) = one_of(&entry.node, &path, &known, truth, diagnostics) {
                expected.push(ExpectedCondition {
                    policy: Spanned::new(&*policy.key, policy.key_span),
                    condition,
                    holds,
                });
            }
        }
    }
    expected
}
