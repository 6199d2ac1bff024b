//! Reads the test files of a bundle: `cases`, each a request and what is expected of its answer, and `defaults`.
//!
//! Every problem of every file is told. Knows nothing of the bundle that the cases will be asked of.

use super::super::matrix::{Matrix, merged, weight};
use super::super::members::{Members, text, unknown_value, wrong_type};
use super::super::{request, rules};
use crate::limits;
use crate::model::set::Word;
use crate::model::{Decision, GrantControl, Reason};
use crate::text::{Diagnostic, Diagnostics, Node, Spanned, Value};

/// A parsed test file.
#[derive(Debug)]
pub(super) struct Document<'s> {
    pub(super) node: Node<'s>,
}

/// One test case; with a matrix it stands for several.
#[derive(Debug)]
pub(super) struct Case<'n> {
    pub(super) name: Spanned<&'n str>,
    pub(super) note: Option<&'n str>,
    pub(super) parts: Parts<'n>,
    pub(super) matrix: Matrix<'n>,
    pub(super) expected: Expectation<'n>,
    pub(super) skip: Option<&'n str>,
}

/// What the request of a case is made of. The whole is made when it is needed: defaults may be large and cases many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts<'n> {
    case: &'n Node<'n>,
    defaults: Option<&'n Node<'n>>,
    own: Option<&'n Node<'n>>,
}

impl<'n> Parts<'n> {
    /// The defaults of the file with the case's own request laid on them.
    pub(super) fn request(self) -> Node<'n> {
        match (self.defaults, self.own) {
            (Some(defaults), Some(own)) => merged(defaults, own),
            (Some(only), None) | (None, Some(only)) => only.clone(),
            (None, None) => Node { span: self.case.span, value: Value::Map(Vec::new()) },
        }
    }
}

/// What is expected of an answer. What is `None` is not compared.
#[derive(Debug)]
pub(super) struct Expectation<'n> {
    pub(super) decision: Decision,
    pub(super) reason: Option<Reason>,
    pub(super) policies: Option<Vec<Spanned<&'n str>>>,
    pub(super) report_only: Option<Vec<Spanned<&'n str>>>,
    pub(super) unmet_controls: Option<Vec<&'n str>>,
}

/// The cases of all `documents`, in order. A case with a problem is left out.
pub(super) fn cases<'n>(documents: &'n [Document<'n>], diagnostics: &mut Diagnostics) -> Vec<Case<'n>> {
    let mut cases = Vec::new();
    let mut requests = 0_usize;
    let mut budget = Budget { defaults: 0, bytes: limits::CASES_BYTES_MAX, is_spent: false };
    for document in documents {
        for case in suite(document, &mut budget, diagnostics) {
            requests = requests.saturating_add(case.matrix.cells());
            if requests > limits::CASES_MAX {
                let what = "the tests of this bundle ask for more requests than this from here on";
                let help = format!("at most {} in all, matrices multiplied out", limits::CASES_MAX);
                diagnostics.push(Diagnostic::new(&rules::FIELD_LIMIT, case.name.span, what).help(help));
                return cases;
            }
            cases.push(case);
        }
        if budget.is_spent {
            break;
        }
    }
    cases
}

/// What the requests of all cases may still come to.
struct Budget {
    /// What the defaults of the file come to, bytes.
    defaults: usize,
    bytes: usize,
    is_spent: bool,
}

impl Budget {
    /// Takes what the requests of `case` come to, with all that a result repeats; tells and gives `None` when that is
    /// too much. Done before the first request is made.
    fn spend(&mut self, case: &Node<'_>, matrix: &Matrix<'_>, diagnostics: &mut Diagnostics) -> Option<()> {
        if matrix.cells() > limits::CASES_MAX {
            // They are too many already, and refused as such.
            return Some(());
        }
        let own = case.as_map().unwrap_or_default().iter().filter(|entry| entry.key != "matrix");
        let each = own.map(|entry| weight(&entry.node)).sum::<usize>() + self.defaults + matrix.weight();
        if let Some(left) = self.bytes.checked_sub(each.saturating_mul(matrix.cells())) {
            self.bytes = left;
            return Some(());
        }
        self.is_spent = true;
        let what = "the requests of the tests of this bundle come to more than this from here on";
        let help = format!(
            "at most {} MiB in all; keep `defaults`, and values that a matrix repeats, small",
            limits::CASES_BYTES_MAX >> 20
        );
        diagnostics.push(Diagnostic::new(&rules::FIELD_LIMIT, case.span, what).help(help));
        None
    }
}

fn suite<'n>(document: &'n Document<'n>, budget: &mut Budget, diagnostics: &mut Diagnostics) -> Vec<Case<'n>> {
    let Some(mut fields) = Members::new(&document.node, "", diagnostics) else { return Vec::new() };
    let defaults = fields.object("defaults", diagnostics).and_then(|mut defaults| {
        let request = object(&mut defaults, "request", diagnostics);
        defaults.finish(diagnostics);
        request
    });
    if fields.member("cases").is_none() {
        fields.missing(
            "cases",
            "list the test cases, each with a `name`, a `request` and what to `expect`",
            diagnostics,
        );
    }
    budget.defaults = defaults.map_or(0, weight);
    let nodes = fields.list("cases", limits::CASES_MAX, diagnostics).unwrap_or_default();
    fields.finish(diagnostics);
    let mut cases: Vec<Case<'n>> = Vec::new();
    let mut names = std::collections::HashMap::new();
    for node in nodes {
        let case = case(node, defaults, budget, diagnostics);
        if budget.is_spent {
            break;
        }
        let Some(case) = case else { continue };
        match names.insert(case.name.value, case.name.span) {
            None => cases.push(case),
            Some(first) => {
                let what = format!("a second case is called `{}`", case.name.value);
                diagnostics.push(
                    Diagnostic::new(&rules::CASE_NAME, case.name.span, what)
                        .help("name it after what it claims")
                        .related(first, "the first one"),
                );
            }
        }
    }
    cases
}

fn case<'n>(
    node: &'n Node<'n>,
    defaults: Option<&'n Node<'n>>,
    budget: &mut Budget,
    diagnostics: &mut Diagnostics,
) -> Option<Case<'n>> {
    let errors = diagnostics.errors();
    if node.as_map().is_none() {
        diagnostics.push(wrong_type(node, "cases", "a list of objects"));
        return None;
    }
    let mut fields = Members::new(node, "", diagnostics)?;
    let name = fields.name("name", diagnostics);
    let name_span = fields.member("name").map(|name| name.span);
    if name_span.is_none() {
        fields.missing("name", "name the case after what it claims", diagnostics);
    }
    let note = fields.text("note", diagnostics);
    let skip = fields.name("skip", diagnostics);
    let own = object(&mut fields, "request", diagnostics);
    let parts = Parts { case: node, defaults, own };
    let matrix = matrix(&mut fields, diagnostics);
    let expected = match fields.object("expect", diagnostics) {
        Some(expect) => expectation(expect, diagnostics),
        None => Expectation {
            decision: Decision::Block,
            reason: None,
            policies: None,
            report_only: None,
            unmet_controls: None,
        },
    };
    fields.finish(diagnostics);
    budget.spend(node, &matrix, diagnostics)?;
    check_requests(parts, &matrix, diagnostics);
    let name = Spanned::new(name?, name_span?);
    (diagnostics.errors() == errors).then_some(Case { name, note, parts, matrix, expected, skip })
}

fn object<'n>(fields: &mut Members<'n>, key: &'static str, diagnostics: &mut Diagnostics) -> Option<&'n Node<'n>> {
    let node = fields.member(key)?;
    if node.as_map().is_none() {
        diagnostics.push(wrong_type(node, &fields.path_of(key), "an object"));
        return None;
    }
    Some(node)
}

fn matrix<'n>(fields: &mut Members<'n>, diagnostics: &mut Diagnostics) -> Matrix<'n> {
    let mut matrix = Matrix::default();
    let entries = object(fields, "matrix", diagnostics).and_then(Node::as_map).unwrap_or_default();
    for entry in entries {
        if let Err(diagnostic) = matrix.add(entry) {
            diagnostics.push(diagnostic);
        }
    }
    matrix
}

/// Tells the problems of the requests of a case, each once.
fn check_requests<'n>(parts: Parts<'n>, matrix: &Matrix<'n>, diagnostics: &mut Diagnostics) {
    let mut told: Vec<Diagnostic> = Vec::new();
    if matrix.cells() > limits::CASES_MAX {
        return;
    }
    let request = parts.request();
    for cell in matrix.samples() {
        let mut found = Diagnostics::default();
        match matrix.lay(cell, &request) {
            Ok(request) => drop(request::read(&request, &mut found)),
            Err(diagnostic) => found.push(diagnostic),
        }
        for diagnostic in found.iter().filter(|diagnostic| !told.contains(diagnostic)).cloned().collect::<Vec<_>>() {
            told.push(diagnostic);
        }
        if told.len() > limits::DIAGNOSTICS_MAX {
            break;
        }
    }
    diagnostics.extend(told);
}

fn expectation<'n>(mut fields: Members<'n>, diagnostics: &mut Diagnostics) -> Expectation<'n> {
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
    fields.finish(diagnostics);
    Expectation { decision: expected, reason, policies, report_only, unmet_controls }
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
