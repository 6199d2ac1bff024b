//! What depends on one location or policy, or on everything that was edited between two bundles.
//!
//! An edit is looked at from three sides: the policies that name what was edited, the requests that are decided
//! differently (all of them, by [`analysis::diff`]), and the test cases of the bundle whose answer changes. What depends
//! on an object is what changes when it is not there ([`without_policy`], [`without_location`]), so there is one
//! question and one way to answer it. Start with [`impact`].

mod edit;

use super::analysis::{self, AnalysisError, Comparison};
use super::cases::{self, Asked, Selection};
use crate::compile::{CompiledBundle, rebuild};
use crate::evaluate::{Evaluation, evaluate, trace};
use crate::model::{Bundle, Decision};
use crate::text::RawBundle;

pub use edit::{Edit, EditKind, NamedBy, NoSuch, Object, edits, without_location, without_policy};

/// What an edit comes to.
#[derive(Debug)]
pub struct Impact {
    /// What was edited, and which policies name it.
    pub edits: Vec<Edit>,
    /// Which requests are decided differently.
    pub comparison: Comparison,
    /// The test cases whose answer changes, in their order.
    pub cases: Vec<ChangedCase>,
    /// How many requests the test cases make.
    pub asked: usize,
}

/// A test case whose answer changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedCase {
    /// The test file, below the bundle's root.
    pub file: String,
    /// The line of the case's name, from 1.
    pub line: u32,
    /// The case's name, and for a matrix the values in brackets.
    pub name: String,
    /// The answer before and after; `None` when the bundle refuses the request.
    pub answers: [Option<Answer>; 2],
}

/// What a bundle answers to a test case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The decision.
    pub decision: Decision,
    /// The policies that decide, by name.
    pub policies: Vec<String>,
    /// Whether it is what the case expects.
    pub passes: bool,
}

/// What `edits` come to, which lead from `before` to `after`. The test cases are those of `raw`, of which `before` was
/// compiled.
///
/// Errors: as [`analysis::diff`]. Cost: of that, and of the test cases twice.
pub fn impact(
    before: &CompiledBundle,
    after: &CompiledBundle,
    raw: &RawBundle,
    mut edits: Vec<Edit>,
) -> Result<Impact, AnalysisError> {
    if !analysis::has_one_atlas([before, after]) {
        let (object, kind) = (Object::Countries, EditKind::Changed);
        edits.push(Edit { object, name: String::new(), kind, named_by: Vec::new() });
    }
    let comparison = analysis::diff(before, after)?;
    let (mut cases, mut asked) = (Vec::new(), 0);
    let mut evaluation = Evaluation::default();
    cases::each(before, raw, &Selection::default(), |case| {
        if case.is_skipped() {
            return;
        }
        asked += 1;
        let answers = [before, after].map(|bundle| answer(&case, bundle, &mut evaluation));
        if answers[0] != answers[1] {
            cases.push(ChangedCase { file: case.file.to_owned(), line: case.line(), name: case.name, answers });
        }
    });
    Ok(Impact { edits, comparison, cases, asked })
}

fn answer(case: &Asked<'_>, bundle: &CompiledBundle, evaluation: &mut Evaluation) -> Option<Answer> {
    let request = case.request.as_ref().ok()?;
    evaluate(bundle, request, evaluation).ok()?;
    let traces = if case.needs_trace() { trace(bundle, request).ok()? } else { Vec::new() };
    let names = evaluation.policies().iter().map(|index| bundle.policy(*index).display_name.to_string());
    Some(Answer {
        decision: evaluation.decision(),
        policies: names.collect(),
        passes: case.passes(bundle, evaluation, &traces),
    })
}

/// Compiles an edited model of `raw`; `None` when it is too large.
///
/// It need not be a bundle that could be used: that an edit locks out who must always get in is part of its impact.
pub fn compiled(mut model: Bundle, raw: &RawBundle) -> Option<CompiledBundle> {
    model.settings.break_glass.clear();
    model.statements.clear();
    rebuild(model, raw)
}
