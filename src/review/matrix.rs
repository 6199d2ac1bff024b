//! Requests made of parts: defaults under a case, and a matrix of values over it.
//!
//! Knows documents, not what a request means.

use std::borrow::Cow;

use super::rules;
use crate::limits;
use crate::text::{Diagnostic, Entry, Node, Span, Value};

/// `over` laid on `under`, objects member by member; elsewhere `over` wins, also when it is null.
/// Recursion follows the nesting of documents, at most `limits::DOCUMENT_DEPTH_MAX` deep.
pub(super) fn merged<'n>(under: &Node<'n>, over: &Node<'n>) -> Node<'n> {
    let (Value::Map(below), Value::Map(above)) = (&under.value, &over.value) else { return over.clone() };
    let mut entries: Vec<_> = below
        .iter()
        .map(|entry| match above.iter().find(|other| other.key == entry.key) {
            Some(other) => Entry { node: merged(&entry.node, &other.node), ..other.clone() },
            None => entry.clone(),
        })
        .collect();
    entries.extend(above.iter().filter(|entry| !below.iter().any(|other| other.key == entry.key)).cloned());
    Node { span: over.span, value: Value::Map(entries) }
}

/// Values to put at paths of a request, in every combination.
#[derive(Clone, Debug, Default)]
pub(super) struct Matrix<'n> {
    axes: Vec<Axis<'n>>,
}

/// One path and its values, at least one.
#[derive(Clone, Debug)]
struct Axis<'n> {
    path: &'n str,
    path_span: Span,
    values: &'n [Node<'n>],
}

impl<'n> Matrix<'n> {
    /// Adds the values of `entry` at the path that is its key.
    ///
    /// Errors: the path or the list cannot be used.
    pub(super) fn add(&mut self, entry: &'n Entry<'n>) -> Result<(), Diagnostic> {
        let error = |span, what: String| Diagnostic::new(&rules::CASE_MATRIX, span, what);
        let parts = entry.key.split('.').count();
        if entry.key.split('.').any(str::is_empty) || parts > limits::REQUEST_DEPTH_MAX {
            return Err(error(entry.key_span, format!("`{}` is no path of a request field", entry.key)));
        }
        match entry.node.as_list() {
            None => Err(error(entry.node.span, format!("`{}` is {}, not a list", entry.key, entry.node.kind()))),
            Some([]) => Err(error(entry.node.span, format!("`{}` has no values", entry.key)).help("name at least one")),
            Some(values) => {
                self.axes.push(Axis { path: &entry.key, path_span: entry.key_span, values });
                Ok(())
            }
        }
    }

    /// How many combinations there are, at least 1; `usize::MAX` when that is too small.
    pub(super) fn cells(&self) -> usize {
        self.axes.iter().fold(1, |cells, axis| cells.saturating_mul(axis.values.len()))
    }

    /// Cells in which every value occurs: the first one, and those that differ from it in one value.
    pub(super) fn samples(&self) -> impl Iterator<Item = usize> {
        let mut step = 1_usize;
        let others = self.axes.iter().rev().flat_map(move |axis| {
            let (from, each) = (step, axis.values.len());
            step = step.saturating_mul(each);
            (1..each).map(move |index| index.saturating_mul(from))
        });
        std::iter::once(0).chain(others)
    }

    /// The values of cell number `cell`, the last axis running fastest, as ` [path=value, ...]`; empty without axes.
    pub(super) fn label(&self, cell: usize) -> String {
        if self.axes.is_empty() {
            return String::new();
        }
        let values: Vec<_> =
            self.values(cell).iter().map(|(axis, value)| format!("{}={}", axis.path, brief(value))).collect();
        format!(" [{}]", values.join(", "))
    }

    /// `request` with the values of cell number `cell`.
    ///
    /// Errors: a path leads through something that is no object.
    pub(super) fn lay(&self, cell: usize, request: &Node<'n>) -> Result<Node<'n>, Diagnostic> {
        let mut request = request.clone();
        for (axis, value) in self.values(cell) {
            axis.put(value, &mut request)?;
        }
        Ok(request)
    }

    fn values(&self, cell: usize) -> Vec<(&Axis<'n>, &'n Node<'n>)> {
        let mut rest = cell;
        let mut values: Vec<_> = self
            .axes
            .iter()
            .rev()
            .filter_map(|axis| {
                let index = rest.checked_rem(axis.values.len())?;
                rest /= axis.values.len();
                Some((axis, axis.values.get(index)?))
            })
            .collect();
        values.reverse();
        values
    }
}

impl<'n> Axis<'n> {
    fn put(&self, value: &Node<'n>, request: &mut Node<'n>) -> Result<(), Diagnostic> {
        let mut place = request;
        for key in self.path.split('.') {
            if place.value == Value::Null {
                place.value = Value::Map(Vec::new());
            }
            let kind = place.kind();
            let Value::Map(entries) = &mut place.value else {
                let what = format!("`{}` leads through {kind}, not an object", self.path);
                return Err(Diagnostic::new(&rules::CASE_MATRIX, self.path_span, what).related(place.span, "here"));
            };
            let found = entries.iter().position(|entry| entry.key == key);
            if found.is_none() {
                let node = Node { span: self.path_span, value: Value::Null };
                entries.push(Entry { key: Cow::Borrowed(key), key_span: self.path_span, node });
            }
            let index = found.unwrap_or(entries.len() - 1);
            // INVARIANT: the entry was found or has just been pushed.
            let Some(entry) = entries.get_mut(index) else { return Ok(()) };
            place = &mut entry.node;
        }
        *place = value.clone();
        Ok(())
    }
}

/// A value in a few characters.
fn brief(node: &Node<'_>) -> String {
    match &node.value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Float(value) => value.to_string(),
        Value::String(text) => text.to_string(),
        Value::List(nodes) => format!("[{}]", nodes.iter().map(brief).collect::<Vec<_>>().join(", ")),
        Value::Map(entries) => {
            let members: Vec<_> =
                entries.iter().map(|entry| format!("{}: {}", entry.key, brief(&entry.node))).collect();
            format!("{{{}}}", members.join(", "))
        }
        Value::Packed(_) => "[...]".to_owned(),
    }
}
