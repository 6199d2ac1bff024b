//! Conditions in Cedar: `when` of a policy, and the policies of `.cedar` files.
//!
//! `text -> scan (bounds) -> cedar-policy (parse, check strictly against the schema) -> tree (three-valued)`
//!
//! Cedar answers one question, whether a condition holds; it never combines policies, for it denies by default and
//! skips policies that err, and Conditional Access does neither. [`SCHEMA`] says what a condition can see of a request;
//! `evaluate::cedar` fills it. Start with [`condition`], then `tree`, which says what unknown means.
//!
//! # Unknown facts
//!
//! A fact that the request lacks is left out of what Cedar sees, so that a comparison with it errs, and that is
//! unknown. Cedar's own partial evaluation is not used for it: it is experimental, leaves `unknown && false` open, and
//! costs a whole evaluation all the same. The three-valued logic over comparisons is exact where it matters: what is
//! false whatever the missing facts are stays false, and removing evidence never turns a match into no match.

mod check;
mod reads;
mod scan;
mod tree;
mod value;
mod words;

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use cedar_policy::{
    PolicyId, PolicySet, Schema, ValidationMode, ValidationWarning, Validator,
    pst::{self, BinaryOp, Clause, EntityOrSlot, EntityType, Expr, Literal, PrincipalConstraint, ResourceConstraint},
    pst::{UnaryOp, Var},
};

pub use reads::Reads;
pub use tree::CedarCondition;
pub use value::CedarRequest;
pub(crate) use value::{Fields, Kind, Store, folded, ids, text, texts, uid};

use super::rules;
use crate::limits;
use crate::model::IdRef;
use crate::model::policy::{When, WhenForm};
use crate::text::{Diagnostic, Embedded, Mend, Rule};

/// What conditions can see of a token request: a Cedar schema, strict and complete.
pub const SCHEMA: &str = include_str!("request.cedarschema");

/// Made once; `None` never happens, as a test shows.
static VALIDATOR: LazyLock<Option<Validator>> =
    LazyLock::new(|| Schema::from_cedarschema_str(SCHEMA).ok().map(|(schema, _)| Validator::new(schema)));

/// A problem at a part of a text.
#[derive(Debug, PartialEq, Eq)]
struct Problem {
    rule: &'static Rule,
    range: Range<usize>,
    what: String,
    help: Option<String>,
    /// What to write in the place of the range.
    instead: Option<String>,
}

impl Problem {
    fn new(rule: &'static Rule, range: Range<usize>, what: impl Into<String>) -> Self {
        Self { rule, range, what: what.into(), help: None, instead: None }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn at(self, text: &Embedded) -> Diagnostic {
        let is = text.text.get(self.range.clone()).unwrap_or_default();
        let mend = self.instead.map(|instead| Mend::write(is, instead));
        let mut diagnostic = Diagnostic::new(self.rule, text.within(self.range), self.what).mend(mend);
        diagnostic.help = self.help;
        diagnostic
    }
}

/// A problem of an expression that has lost its place; `words` say what to look for in the text.
#[derive(Debug)]
struct Refusal {
    rule: &'static Rule,
    what: String,
    help: Option<String>,
    words: String,
    /// What to write in the place of the words.
    instead: Option<String>,
}

impl Refusal {
    fn new(rule: &'static Rule, words: impl Into<String>, what: impl Into<String>) -> Self {
        Self { rule, what: what.into(), help: None, words: words.into(), instead: None }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn place(self, text: &str) -> Problem {
        let start = text.find(&self.words).unwrap_or(0);
        let end = text
            .get(start..)
            .map_or(0, |rest| if rest.starts_with(&self.words) { self.words.len() } else { rest.len() });
        // WHY: of several occurrences, nobody knows which is meant.
        let instead = self.instead.filter(|_| text.matches(&self.words).count() == 1);
        Problem { rule: self.rule, range: start..start + end, what: self.what, help: self.help, instead }
    }
}

/// A checked condition, and the named locations that it compares with.
#[derive(Debug)]
pub struct Checked {
    /// The condition.
    pub condition: CedarCondition,
    /// Names or ids of locations, each with where it stands.
    pub locations: Vec<(Box<str>, Range<usize>)>,
}

/// Parses and checks a condition. `kinds` are the entity types of those whom its policy covers; empty: all.
///
/// Problems go to `diagnostics`; `None` when there is an error. Cost: linear in the text, about a millisecond for the
/// first kilobyte.
pub fn condition(when: &When, kinds: &[&str], diagnostics: &mut Vec<Diagnostic>) -> Option<Checked> {
    let text = &when.text;
    let checked = with_room(|| match when.form {
        WhenForm::Expression => expression(&text.text, kinds),
        WhenForm::Statement => {
            parsed(&text.text).and_then(|policy| judge(PolicySet::from_policies([policy]).ok(), 0, &text.text, kinds))
        }
    });
    match checked {
        Ok((checked, warnings)) => {
            diagnostics.extend(warnings.into_iter().map(|problem| problem.at(text)));
            Some(checked)
        }
        Err(problems) => {
            diagnostics.extend(problems.into_iter().map(|problem| problem.at(text)));
            None
        }
    }
}

/// The policies of a `.cedar` file, each as the range of its text, or why it cannot be taken apart.
pub fn statements(text: &Embedded) -> Result<Vec<Range<usize>>, Diagnostic> {
    scan::statements(&text.text).map_err(|problem| problem.at(text))
}

/// A policy of a `.cedar` file, parsed but not checked.
pub fn statement(text: &Embedded, diagnostics: &mut Vec<Diagnostic>) -> Option<cedar_policy::Policy> {
    with_room(|| parsed(&text.text))
        .map_err(|problems| diagnostics.extend(problems.into_iter().map(|problem| problem.at(text))))
        .ok()
}

/// Runs `work` with enough stack for what the bounds of `scan` admit, whatever thread this is.
fn with_room<T>(work: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(limits::CEDAR_STACK_BYTES, limits::CEDAR_STACK_BYTES, work)
}

fn parsed(text: &str) -> Result<cedar_policy::Policy, Vec<Problem>> {
    scan::expression(text).map_err(|problem| vec![problem])?;
    parse(text, 0..text.len(), "policy")
}

type Outcome = Result<(Checked, Vec<Problem>), Vec<Problem>>;

fn expression(text: &str, kinds: &[&str]) -> Outcome {
    scan::expression(text).map_err(|problem| vec![problem])?;
    let unscoped: &[&str] = &[""];
    let kinds = if kinds.is_empty() { unscoped } else { kinds };
    // WHY: as long a head for every kind, so that places agree; a line break ends a comment of the author's.
    let head = |kind: &str| {
        let scope = if kind.is_empty() { String::new() } else { format!(" is {kind}") };
        format!("permit (principal{scope:<24}, action, resource) when {{\n")
    };
    let offset = head("").len();
    let mut policies = Vec::new();
    for kind in kinds {
        let written = format!("{}{text}\n}};", head(kind));
        let policy = parse(&written, offset..offset + text.len(), kind)?;
        policies.push(policy);
    }
    judge(PolicySet::from_policies(policies).ok(), offset, text, &[])
}

/// Parses a policy; ranges of problems are those of `text`, the author's part of `written`.
fn parse(written: &str, text: Range<usize>, id: &str) -> Result<cedar_policy::Policy, Vec<Problem>> {
    cedar_policy::Policy::parse(Some(PolicyId::new(id)), written).map_err(|errors| {
        let mut problems: Vec<_> = errors.iter().map(|error| tell(&rules::CEDAR_SYNTAX, error, &text)).collect();
        problems.dedup();
        problems
    })
}

/// Checks policies that differ in whom they cover only. `kinds` are those that their own scope may name; empty: any.
fn judge(policies: Option<PolicySet>, offset: usize, text: &str, kinds: &[&str]) -> Outcome {
    let range = offset..offset + text.len();
    let internal = || vec![Problem::new(&rules::CEDAR_SYNTAX, 0..text.len(), "the condition cannot be checked")];
    let (Some(policies), Some(validator)) = (policies, VALIDATOR.as_ref()) else { return Err(internal()) };
    let result = validator.validate(&policies, ValidationMode::Strict);
    let mut problems: Vec<_> =
        result.validation_errors().map(|error| tell(&rules::CEDAR_TYPE, error, &range)).collect();
    problems.sort_by(|a, b| (a.range.start, &a.what).cmp(&(b.range.start, &b.what)));
    // WHY: each kind of identity is told of for itself, and an author mends all of them at once.
    problems.dedup_by(|a, b| a.range == b.range);
    let first = policies.policies().next().and_then(|policy| policy.to_pst().ok());
    let Some(pst::Policy::Static(first)) = first else { return Err(internal()) };
    let tree = tree::CedarCondition::new(&parts(first.body(), offset > 0));
    let (condition, locations) = match tree {
        Ok(checked) if problems.is_empty() => checked,
        Ok(_) => return Err(problems),
        Err(refusals) => {
            problems.extend(refusals.into_iter().map(|refusal| refusal.place(text)));
            problems.dedup();
            return Err(problems);
        }
    };
    let impossible =
        result.validation_warnings().filter(|warning| matches!(warning, ValidationWarning::ImpossiblePolicy(_)));
    // WHY: the scope of a whole policy is its author's, and whom no policy covers the validator does not know.
    let is_covered = |kind: &String| kinds.is_empty() || kinds.contains(&kind.as_str());
    let uncovered = scope_kind(first.body()).filter(|kind| !is_covered(kind));
    let warning = |what: String| Problem::new(&rules::CEDAR_NEVER, 0..text.len(), what);
    let never = match uncovered {
        Some(kind) => Some(
            warning(format!("no policy of this bundle covers a `{kind}`"))
                .help("write `eligibility: all` in bundle.yaml, or take the policy out"),
        ),
        None => (impossible.count() == policies.num_of_policies())
            .then(|| warning("the condition is never true".to_owned())),
    };
    let place = |name: String| {
        let start = text.find(&name).unwrap_or(0);
        (name.as_str().into(), start..start + name.len())
    };
    let locations = locations.into_iter().map(place).collect();
    let warnings = never.into_iter().chain(graph(text)).collect();
    Ok((Checked { condition, locations }, warnings))
}

/// Requests for nothing but baseline scopes of Microsoft Graph are for the directory behind it.
fn graph(text: &str) -> Option<Problem> {
    let graph = IdRef::GRAPH.to_string();
    let start = text.find(&graph)?;
    let what = "Microsoft Graph is no resource of its own";
    let help = "name the directory `00000002-0000-0000-c000-000000000000` beside it, which stands for it in requests for \
                User.Read and the like";
    Some(Problem::new(&rules::GRAPH_RESOURCE, start..start + graph.len(), what).help(help))
}

/// The one entity type that a policy's scope admits, if it names one.
fn scope_kind(policy: &pst::Template) -> Option<String> {
    match &policy.principal {
        PrincipalConstraint::Is(kind) | PrincipalConstraint::IsIn(kind, _) => Some(kind.to_string()),
        PrincipalConstraint::Eq(EntityOrSlot::Entity(uid)) | PrincipalConstraint::In(EntityOrSlot::Entity(uid)) => {
            Some(uid.ty.to_string())
        }
        _ => None,
    }
}

/// The conditions that a policy is made of. The scope of an `expression` is ours, and its policy's assignments say the
/// same.
fn parts(policy: &pst::Template, is_expression: bool) -> Vec<Arc<Expr>> {
    let clause = |clause: &Clause| match clause {
        Clause::When(expression) => Arc::clone(expression),
        Clause::Unless(expression) => Arc::new(Expr::UnaryOp { op: UnaryOp::Not, expr: Arc::clone(expression) }),
    };
    let scope = if is_expression { Vec::new() } else { scope(policy) };
    scope.into_iter().map(Arc::new).chain(policy.clauses().iter().map(clause)).collect()
}

fn scope(policy: &pst::Template) -> Vec<Expr> {
    let compared = |op, var: Var, entity: &EntityOrSlot| match entity {
        EntityOrSlot::Entity(uid) => {
            let (left, right) = (Arc::new(Expr::Var(var)), Arc::new(Expr::Literal(Literal::EntityUID(uid.clone()))));
            Some(Expr::BinaryOp { op, left, right })
        }
        EntityOrSlot::Slot(_) => None,
    };
    let is =
        |var, kind: &EntityType| Expr::Is { expr: Arc::new(Expr::Var(var)), entity_type: kind.clone(), in_expr: None };
    let principal = match &policy.principal {
        PrincipalConstraint::Any => [None, None],
        PrincipalConstraint::Eq(entity) => [None, compared(BinaryOp::Eq, Var::Principal, entity)],
        PrincipalConstraint::In(entity) => [None, compared(BinaryOp::In, Var::Principal, entity)],
        PrincipalConstraint::Is(kind) => [Some(is(Var::Principal, kind)), None],
        PrincipalConstraint::IsIn(kind, entity) => {
            [Some(is(Var::Principal, kind)), compared(BinaryOp::In, Var::Principal, entity)]
        }
    };
    let resource = match &policy.resource {
        ResourceConstraint::Any => [None, None],
        ResourceConstraint::Eq(entity) => [None, compared(BinaryOp::Eq, Var::Resource, entity)],
        ResourceConstraint::In(entity) => [None, compared(BinaryOp::In, Var::Resource, entity)],
        ResourceConstraint::Is(kind) => [Some(is(Var::Resource, kind)), None],
        ResourceConstraint::IsIn(kind, entity) => {
            [Some(is(Var::Resource, kind)), compared(BinaryOp::In, Var::Resource, entity)]
        }
    };
    // The schema has one action, and a policy that names another is refused.
    principal.into_iter().chain(resource).flatten().collect()
}

/// What Cedar says, in the form of diagnostics. `text` is the author's part of what Cedar read.
fn tell(rule: &'static Rule, error: &dyn miette::Diagnostic, text: &Range<usize>) -> Problem {
    let label = error.labels().and_then(|mut labels| labels.next());
    let range = label.as_ref().map_or(0..text.len(), |label| {
        let start = label.offset().clamp(text.start, text.end);
        start - text.start..(label.offset() + label.len()).clamp(start, text.end) - text.start
    });
    // WHY: a name of the policy that only this module gave it.
    let anonymous = |text: String| match text.strip_prefix("for policy `").and_then(|rest| rest.split_once("`, ")) {
        Some((_, rest)) => rest.to_owned(),
        None => text,
    };
    let what = anonymous(error.to_string());
    let expected = label.and_then(|label| label.label().map(str::to_owned));
    let help = error.help().map(|help| anonymous(help.to_string())).or(expected);
    Problem { rule, range, what: what.trim_end_matches('.').replace('\n', " "), help, instead: None }
}

#[cfg(test)]
mod tests;
