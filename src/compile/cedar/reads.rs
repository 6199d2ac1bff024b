//! Which facts a condition may look at, by name.
//!
//! An analysis of two bundles must know whether a condition reads what they know differently. The names are those of the
//! parsed expression, so neither layout nor a text that happens to contain a name matters. A name too many is possible,
//! and so is `all of them` for what this does not know; one too few is not: records of facts are never values (`check`),
//! so whoever reads a fact names it. Start with [`Reads::of`].

use std::collections::BTreeSet;
use std::sync::Arc;

use cedar_policy::pst::{Expr, Var};

/// The names of variables and attributes in a condition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    names: BTreeSet<Box<str>>,
    /// Whether it may be any others too.
    is_more: bool,
}

impl Reads {
    /// What `expressions` read together. Cost: linear.
    pub(super) fn of(expressions: &[Arc<Expr>]) -> Self {
        let mut reads = Self::default();
        expressions.iter().for_each(|expression| reads.note(expression));
        reads
    }

    /// Whether one of `names` may be read: `principal`, `action`, `resource`, `context`, or an attribute of whatever.
    pub fn any_of(&self, names: &[&str]) -> bool {
        self.is_more || names.iter().any(|name| self.names.contains(*name))
    }

    fn note(&mut self, expression: &Expr) {
        match expression {
            Expr::Literal(_) => {}
            Expr::Var(Var::Principal) => self.name("principal"),
            Expr::Var(Var::Action) => self.name("action"),
            Expr::Var(Var::Resource) => self.name("resource"),
            Expr::Var(Var::Context) => self.name("context"),
            Expr::GetAttr { expr, attr } => {
                self.name(attr);
                self.note(expr);
            }
            Expr::HasAttr { expr, attrs } => {
                attrs.iter().for_each(|attr| self.name(attr));
                self.note(expr);
            }
            Expr::UnaryOp { expr, .. } | Expr::Like { expr, .. } => self.note(expr),
            Expr::BinaryOp { left, right, .. } => {
                self.note(left);
                self.note(right);
            }
            Expr::Is { expr, in_expr, .. } => {
                self.note(expr);
                in_expr.iter().for_each(|expr| self.note(expr));
            }
            Expr::IfThenElse { cond, then_expr, else_expr } => {
                [cond, then_expr, else_expr].into_iter().for_each(|expr| self.note(expr));
            }
            Expr::Set(parts) => parts.iter().for_each(|part| self.note(part)),
            Expr::Record(parts) => parts.values().for_each(|part| self.note(part)),
            _ => self.is_more = true,
        }
    }

    fn name(&mut self, name: &str) {
        self.names.insert(name.into());
    }
}
