//! Reads the test files of a bundle: `cases`, each a request and what is expected of its answer, and `defaults`.
//!
//! Every problem of every file is told. Knows nothing of the bundle that the cases will be asked of.

use super::super::matrix::{Matrix, weight};
use super::super::members::{Members, wrong_type};
use super::super::{request, rules};
use super::expectation::{self, Expectation};
use super::fixture::{Fixtures, empty, with_time};
use crate::limits;
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
    pub(super) tags: Vec<&'n str>,
    pub(super) parts: Parts<'n>,
    pub(super) matrix: Matrix<'n>,
    pub(super) expected: Expectation<'n>,
    pub(super) skip: Option<&'n str>,
}

impl<'n> Case<'n> {
    /// The request of cell number `cell`; `request` is what [`Parts::request`] gives.
    ///
    /// Errors: what this combination of values has wrong; every value alone has been read already.
    pub(super) fn lay(&self, cell: usize, request: &Node<'n>) -> Result<Node<'n>, Diagnostic> {
        self.parts.lay(&self.matrix, cell, request, &mut Vec::new())
    }
}

/// What a file says once for all of its cases.
#[derive(Clone, Copy, Debug)]
pub(super) struct Common<'n> {
    /// `defaults.request`.
    defaults: Option<&'n Node<'n>>,
    time: Option<&'n Node<'n>>,
    fixtures: &'n Fixtures<'n>,
}

/// What the request of a case is made of. The whole is made when it is needed: defaults may be large and cases many.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts<'n> {
    case: &'n Node<'n>,
    common: Common<'n>,
    time: Option<&'n Node<'n>>,
    own: Option<&'n Node<'n>>,
}

impl<'n> Parts<'n> {
    /// The defaults of the file with the case's own request laid on them. Names of fixtures that do not exist are left
    /// out; reading the case has told them.
    pub(super) fn request(self) -> Node<'n> {
        self.joined(&mut Vec::new())
    }

    fn joined(self, problems: &mut Vec<Diagnostic>) -> Node<'n> {
        let Common { defaults, time, fixtures } = self.common;
        let mut request = empty(self.case.span);
        for (time, over) in [(time, defaults), (self.time, self.own)] {
            if let Some(time) = time {
                request = with_time(request, time);
            }
            if let Some(over) = over {
                request = fixtures.lay(request, over, problems);
            }
        }
        request
    }

    fn lay(
        self,
        matrix: &Matrix<'n>,
        cell: usize,
        request: &Node<'n>,
        problems: &mut Vec<Diagnostic>,
    ) -> Result<Node<'n>, Diagnostic> {
        Ok(self.common.fixtures.resolve(matrix.lay(cell, request)?, problems))
    }
}

/// The cases of all `documents`, in order. A case with a problem is left out.
pub(super) fn cases<'n>(
    documents: &'n [Document<'n>],
    fixtures: &'n Fixtures<'n>,
    diagnostics: &mut Diagnostics,
) -> Vec<Case<'n>> {
    let mut cases = Vec::new();
    let mut requests = 0_usize;
    let mut budget = Budget { defaults: 0, bytes: limits::CASES_BYTES_MAX, is_spent: false };
    for document in documents {
        for case in suite(document, fixtures, &mut budget, diagnostics) {
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
            return cases;
        }
    }
    fixtures.tell_unused(diagnostics);
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
    fn spend(&mut self, parts: Parts<'_>, matrix: &Matrix<'_>, diagnostics: &mut Diagnostics) -> Option<()> {
        if matrix.cells() > limits::CASES_MAX {
            // They are too many already, and refused as such.
            return Some(());
        }
        let case = parts.case;
        let is_own = |key: &str| key != "matrix" && key != "request";
        let own = case.as_map().unwrap_or_default().iter().filter(|entry| is_own(&entry.key));
        let request = parts.own.map_or(0, |request| parts.common.fixtures.weight(request));
        let each = own.map(|entry| weight(&entry.node)).sum::<usize>() + request + self.defaults + matrix.weight();
        let named = matrix.named_weight(|value| parts.common.fixtures.named_weight(value));
        if let Some(left) = self.bytes.checked_sub((each + named).saturating_mul(matrix.cells())) {
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

fn suite<'n>(
    document: &'n Document<'n>,
    fixtures: &'n Fixtures<'n>,
    budget: &mut Budget,
    diagnostics: &mut Diagnostics,
) -> Vec<Case<'n>> {
    if document.node.as_map().is_none() {
        let diagnostic = wrong_type(&document.node, "", "an object");
        diagnostics.push(diagnostic.help("write `cases:`, and below it the list of cases"));
        return Vec::new();
    }
    let Some(mut fields) = Members::new(&document.node, "", diagnostics) else { return Vec::new() };
    let defaults = fields.object("defaults", diagnostics).and_then(|mut defaults| {
        let request = own_request(&mut defaults, diagnostics);
        defaults.finish(diagnostics);
        request
    });
    let common = Common { defaults, time: fields.member("time"), fixtures };
    let has_fixtures = fields.member("fixtures").is_some();
    if fields.member("cases").is_none() && !has_fixtures {
        fields.missing(
            "cases",
            "list the test cases, each with a `name`, a `request` and what to `expect`",
            diagnostics,
        );
    }
    budget.defaults = defaults.map_or(0, |defaults| fixtures.weight(defaults));
    let nodes = fields.list("cases", limits::CASES_MAX, diagnostics).unwrap_or_default();
    fields.finish(diagnostics);
    let mut cases: Vec<Case<'n>> = Vec::new();
    let mut names = std::collections::HashMap::new();
    for node in nodes {
        let case = case(node, common, budget, diagnostics);
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
    common: Common<'n>,
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
    let tags = fields.names("tags", limits::CASE_TAGS_MAX, diagnostics).unwrap_or_default();
    let skip = skip(&mut fields, diagnostics);
    let own = own_request(&mut fields, diagnostics);
    let parts = Parts { case: node, common, time: fields.member("time"), own };
    let matrix = matrix(&mut fields, diagnostics);
    let expected = expected(&mut fields, diagnostics);
    fields.finish(diagnostics);
    budget.spend(parts, &matrix, diagnostics)?;
    let is_readable = check_requests(parts, &matrix, diagnostics);
    let name = Spanned::new(name?, name_span?);
    let is_sound = is_readable && diagnostics.errors() == errors;
    is_sound.then_some(Case { name, note, tags, parts, matrix, expected, skip })
}

/// What must come. A word alone is told with what was meant by it.
fn expected<'n>(fields: &mut Members<'n>, diagnostics: &mut Diagnostics) -> Expectation<'n> {
    if let Some((node, word)) = fields.member("expect").and_then(|node| Some((node, node.as_str()?))) {
        let help = format!("write `expect: {{ decision: {word} }}`");
        diagnostics.push(wrong_type(node, &fields.path_of("expect"), "an object").help(help));
        return Expectation::default();
    }
    let expect = fields.object("expect", diagnostics);
    expect.map_or_else(Expectation::default, |expect| expectation::read(expect, diagnostics))
}

/// Why the case is not asked: a reason in words, for whoever finds the case skipped next year.
fn skip<'n>(fields: &mut Members<'n>, diagnostics: &mut Diagnostics) -> Option<&'n str> {
    let node = fields.member("skip")?;
    if let Value::Bool(_) = node.value {
        let help = "say why, as in `skip: users come next month`";
        diagnostics.push(wrong_type(node, &fields.path_of("skip"), "a reason in words").help(help));
        return None;
    }
    fields.name("skip", diagnostics)
}

/// A request, or the name of a fixture.
fn own_request<'n>(fields: &mut Members<'n>, diagnostics: &mut Diagnostics) -> Option<&'n Node<'n>> {
    let node = fields.member("request")?;
    if node.as_map().is_none() && node.as_str().is_none() {
        diagnostics.push(wrong_type(node, &fields.path_of("request"), "an object"));
        return None;
    }
    Some(node)
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

/// Tells the problems of the requests of a case, each once, and not again what another case has told of a part that
/// both use. Whether there is none.
fn check_requests<'n>(parts: Parts<'n>, matrix: &Matrix<'n>, diagnostics: &mut Diagnostics) -> bool {
    let mut told: Vec<Diagnostic> = Vec::new();
    if matrix.cells() > limits::CASES_MAX {
        return true;
    }
    let mut problems = Vec::new();
    let request = parts.joined(&mut problems);
    for cell in matrix.samples() {
        let mut found = Diagnostics::default();
        match parts.lay(matrix, cell, &request, &mut problems) {
            // WHY: without a part whose name is wrong the request lacks what it says, and that would be told too.
            Ok(request) if problems.is_empty() => drop(request::read(&request, &mut found)),
            Ok(_) => {}
            Err(diagnostic) => found.push(diagnostic),
        }
        found.extend(problems.drain(..));
        for diagnostic in found.iter().filter(|diagnostic| !told.contains(diagnostic)).cloned().collect::<Vec<_>>() {
            told.push(diagnostic);
        }
        if told.len() > limits::DIAGNOSTICS_MAX {
            break;
        }
    }
    let is_sound = told.is_empty();
    told.retain(|diagnostic| !diagnostics.iter().any(|other| other == diagnostic));
    diagnostics.extend(told);
    is_sound
}
