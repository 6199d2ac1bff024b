//! Filters of policies with their rules parsed.
//!
//! What a rule means, [`crate::filter`] knows; here its problems are put at their places in the bundle.

use super::policy::CompiledFilter;
use crate::filter::{self, Root};
use crate::model::policy::Filter;
use crate::text::{Diagnostic, Span, Spanned};

/// The filter with its rule parsed; its problems are told where they stand in the text of the rule.
pub fn compiled(filter: &Filter, root: Root, diagnostics: &mut Vec<Diagnostic>) -> Option<Box<CompiledFilter>> {
    match filter::parse(&filter.rule.value, root) {
        Ok(rule) => Some(Box::new(CompiledFilter { mode: filter.mode, rule })),
        Err(problems) => {
            for problem in problems {
                let mut diagnostic = Diagnostic::new(problem.rule, within(&filter.rule, problem.range), problem.what);
                (diagnostic.help, diagnostic.mend) = (problem.help, problem.mend);
                diagnostics.push(diagnostic);
            }
            None
        }
    }
}

/// The part of the source that a part of the rule was read from. Where escapes or folding make the written text
/// differ in length from the rule, the whole rule is meant.
fn within(rule: &Spanned<Box<str>>, range: std::ops::Range<usize>) -> Span {
    let span = rule.span;
    let written = (span.end - span.start) as usize;
    let quotes = match written.checked_sub(rule.value.len()) {
        Some(0) => 0,
        Some(2) => 1,
        _ => return span,
    };
    let offset = |at: usize| span.start + u32::try_from(at + quotes).unwrap_or(0);
    Span::new(span.file, offset(range.start), offset(range.end))
}
