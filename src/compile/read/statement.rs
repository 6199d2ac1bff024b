//! Statements: policies that are claimed to follow from the others, in files of their own.
//!
//! Read by the reader of policies, from everything below `statements/`, and from files that somebody names. Reading
//! knows nothing of what a statement is for; `review::analysis` proves it.

use super::super::rules;
use super::object::Context;
use super::{ObjectKind, Reader, policy};
use crate::model::State;
use crate::text::{self, Diagnostic, FileId, Node};

/// Whether the file of this name holds statements.
pub fn is_below(name: &str) -> bool {
    name.starts_with("statements/")
}

impl Reader<'_> {
    /// Reads the files of statements. They are few and small, so always with spans: a proof tells where they stand.
    pub(super) fn statements(&mut self, files: &[FileId]) {
        self.is_in_statements = true;
        for file in files {
            if let Some(node) = text::parse(self.sources, *file, &mut self.diagnostics) {
                self.document(&node, &mut super::PackedRanges::default());
            }
        }
        self.is_in_statements = false;
    }

    /// Reads one; whether it is asked.
    pub(super) fn statement(&mut self, node: &Node<'_>, kind: Option<ObjectKind>, context: &mut Context) -> bool {
        let Some(ObjectKind::Policy) = kind else {
            let help = "put it into a file outside of `statements/`; statements can name it from there";
            context.report(
                Diagnostic::new(&rules::UNUSABLE_STATEMENT, node.span, "an object that is no policy").help(help),
            );
            return true;
        };
        let mut policy = policy::policy(node, context);
        if let Some(when) = policy.as_mut().and_then(|policy| policy.when.as_mut()) {
            when.text.locate(self.sources);
        }
        if let Some(name) =
            policy.as_ref().filter(|policy| policy.state == State::ReportOnly).map(|policy| &policy.display_name)
        {
            let what = format!("`{}` is report-only", name.value);
            let help = "write `state: enabled`, or `state: disabled` to have it not asked";
            context.report(Diagnostic::new(&rules::UNUSABLE_STATEMENT, name.span, what).help(help));
        }
        let is_asked = policy.as_ref().is_none_or(|policy| policy.state != State::Disabled && !policy.is_deleted);
        self.bundle.statements.extend(policy);
        is_asked
    }
}
