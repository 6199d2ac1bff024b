//! Statements: policies that are claimed to follow from the others, in files of their own.
//!
//! Read by the reader of policies, from everything below `statements/`, and from files that somebody names. Reading
//! knows nothing of what a statement is for; `review::analysis` proves it.

use super::super::rules;
use super::fast::PackedRanges;
use super::object::Context;
use super::policy;
use super::reader::Reader;
use super::shape::ObjectKind;
use crate::model::State;
use crate::text::{self, Diagnostic, FileId, Node, Spanned};

/// Whether the file of this name holds statements.
pub fn is_below(name: &str) -> bool {
    name.starts_with("statements/")
}

impl Reader<'_> {
    /// Reads the files of statements. They are few and small, so always with spans: a proof tells where they stand.
    pub(super) fn statements(&mut self, files: &[FileId]) {
        self.is_in_statements = true;
        for file in files {
            if self.read.is_full() {
                break;
            }
            if let Some(node) = text::parse(self.sources, *file, &mut self.read.diagnostics) {
                self.document(&node, &mut PackedRanges::default());
            }
        }
        self.is_in_statements = false;
    }

    /// Reads one.
    pub(super) fn statement(&mut self, node: &Node<'_>, kind: Option<ObjectKind>, mut context: Context) {
        let Some(ObjectKind::Policy) = kind else {
            let help = "put it into a file outside of `statements/`; statements can name it from there";
            let what = "an object that is no policy";
            context.report(Diagnostic::new(&rules::UNUSABLE_STATEMENT, node.span, what).help(help));
            return context.flush(true, &mut self.read.diagnostics);
        };
        let statement = self.located(policy::policy(node, &mut context), node.span);
        if let Some(policy) = statement.as_ref().filter(|policy| policy.state == State::ReportOnly) {
            let Spanned { value: name, span } = &policy.display_name;
            let help = "write `state: enabled`, or `state: disabled` to have it not asked";
            let what = format!("`{name}` is report-only");
            context.report(Diagnostic::new(&rules::UNUSABLE_STATEMENT, *span, what).help(help));
        }
        let is_asked = statement.as_ref().is_none_or(|statement| self.settings.admits(statement));
        context.flush(is_asked, &mut self.read.diagnostics);
        if let Some(statement) = statement {
            self.read.statement(statement, node.span);
        }
    }
}
