//! A bundle with its statements in force, for proofs.
//!
//! A statement is a policy that is claimed to follow from the others. To prove it, a bundle is asked in which it is in
//! force beside them: with the same locations, principals and settings, so that it means what a policy would. That
//! bundle is never the one that decides. Start with [`compile_stated`].

use super::build::{Statements, build_with};
use super::read::{Mode, Reading, has_statements, read_with};
use super::{Compilation, PolicyIndex, conclude, database};
use crate::text::{RawBundle, RawFile, Sources, Span};

/// A statement, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The policy that it is in the bundle with statements.
    pub policy: PolicyIndex,
    /// Its name.
    pub name: Box<str>,
    /// Its file.
    pub file: Box<str>,
    /// The line of its name, from 1; 0 when it is not known.
    pub line: u32,
    /// Its name in the text.
    pub span: Span,
    /// Whether it is asked: its state is not disabled.
    pub is_asked: bool,
}

/// A bundle with its statements in force.
#[derive(Debug)]
pub struct Stated {
    /// The bundle, in which the statements are the last policies; and the problems, of the statements too.
    pub compilation: Compilation,
    /// The statements, by file name, then as written; those of named files last.
    pub statements: Vec<Statement>,
    /// What their spans are resolved with.
    pub sources: Sources,
}

/// Compiles `raw` with its statements, and those of `more`, in force; `None` when there are none.
///
/// Cost: as [`super::compile`].
pub fn compile_stated(raw: &RawBundle, more: &[RawFile]) -> Option<Stated> {
    if more.is_empty() && !raw.files.iter().any(|file| has_statements(&file.name)) {
        return None;
    }
    let stated = attempt(raw, more, Mode::Fast);
    let is_quiet = stated.compilation.findings.is_empty() && stated.compilation.bundle.is_some();
    Some(if is_quiet { stated } else { attempt(raw, more, Mode::Spanned) })
}

fn attempt(raw: &RawBundle, more: &[RawFile], mode: Mode) -> Stated {
    let Reading { bundle: model, sources, mut diagnostics, is_complete } = read_with(raw, more, mode);
    let policies = u32::try_from(model.policies.len()).unwrap_or(u32::MAX);
    let mut statements: Vec<_> = (policies..)
        .map(PolicyIndex)
        .zip(&model.statements)
        .map(|(policy, statement)| {
            let span = statement.display_name.span;
            Statement {
                policy,
                name: statement.display_name.value.clone(),
                file: sources.file(span.file).map_or("", |file| file.name()).into(),
                line: sources.position(span.file, span.start).map_or(0, |position| position.line),
                span,
                is_asked: false,
            }
        })
        .collect();
    let unread = diagnostics.errors() > 0;
    let database = database(raw, &model);
    let bundle = if is_complete {
        build_with(model, Statements::InForce, &raw.digest, database, &mut diagnostics).filter(|_| !unread)
    } else {
        None
    };
    for statement in &mut statements {
        let head = bundle.as_ref().and_then(|bundle| bundle.policies().get(statement.policy.as_usize()));
        statement.is_asked = head.is_some_and(|head| head.takes_part);
    }
    Stated { compilation: conclude(bundle, &diagnostics, diagnostics.findings(&sources)), statements, sources }
}
