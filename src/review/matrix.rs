//! Requests made of parts: defaults under a case, and a matrix of values over it.
//!
//! Knows documents, not what a request means.

use std::collections::{HashMap, HashSet};

use super::rules;
use crate::limits;
use crate::text::{Diagnostic, Entry, Node, Span, Value};

/// `over` laid on `under`, objects member by member; elsewhere `over` wins, also when it is null.
/// Recursion follows the nesting of documents, at most `limits::DOCUMENT_DEPTH_MAX` deep.
pub(super) fn merged<'n>(under: &Node<'n>, over: &Node<'n>) -> Node<'n> {
    let (Value::Map(below), Value::Map(above)) = (&under.value, &over.value) else { return over.clone() };
    let by_key: HashMap<&str, &Entry<'n>> = above.iter().map(|entry| (&*entry.key, entry)).collect();
    let keys: HashSet<&str> = below.iter().map(|entry| &*entry.key).collect();
    let mut entries: Vec<_> = below
        .iter()
        .map(|entry| match by_key.get(&*entry.key) {
            Some(other) => Entry { node: merged(&entry.node, &other.node), ..(*other).clone() },
            None => entry.clone(),
        })
        .collect();
    entries.extend(above.iter().filter(|entry| !keys.contains(&*entry.key)).cloned());
    Node { span: over.span, value: Value::Map(entries) }
}

/// What a copy of `node` takes, about, bytes.
pub(super) fn weight(node: &Node<'_>) -> usize {
    const NODE_BYTES: usize = 32;
    NODE_BYTES
        + match &node.value {
            Value::String(text) => text.len(),
            Value::List(nodes) => nodes.iter().map(weight).sum(),
            Value::Map(entries) => entries.iter().map(|entry| entry.key.len() + weight(&entry.node)).sum(),
            _ => 0,
        }
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
            Some(_) if self.axes.len() == limits::MATRIX_PATHS_MAX => {
                Err(error(entry.key_span, format!("more than {} paths in one matrix", limits::MATRIX_PATHS_MAX)))
            }
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

    /// What one combination adds to a request and its name at most, about, bytes.
    pub(super) fn weight(&self) -> usize {
        let most = |values: &[Node<'_>]| values.iter().map(weight).max().unwrap_or(0);
        self.axes.iter().map(|axis| 2 * axis.path.len() + most(axis.values)).sum()
    }

    /// What the values of one combination stand for at most, by `weight` of one, bytes.
    pub(super) fn named_weight(&self, weight: impl Fn(&Node<'n>) -> usize) -> usize {
        self.axes.iter().map(|axis| axis.values.iter().map(&weight).max().unwrap_or(0)).sum()
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
            request.put(axis.path, value.clone(), axis.path_span).map_err(|(span, kind)| {
                let what = format!("`{}` leads through {kind}, not an object", axis.path);
                Diagnostic::new(&rules::CASE_MATRIX, axis.path_span, what).related(span, "here")
            })?;
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

/// A value in a few characters.
fn brief(node: &Node<'_>) -> String {
    let mut text = String::new();
    // One more than shown, so that it is known whether something is left out.
    write(node, limits::MATRIX_LABEL_CHARS_MAX + 1, &mut text);
    if let Some((end, _)) = text.char_indices().nth(limits::MATRIX_LABEL_CHARS_MAX) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Adds `node` to `text`; nothing more once that has `room` characters. A value may be as large as its file.
fn write(node: &Node<'_>, room: usize, text: &mut String) {
    let left = room.saturating_sub(text.chars().count());
    if left == 0 {
        return;
    }
    match &node.value {
        Value::Null => text.push_str("null"),
        Value::Bool(value) => text.push_str(&value.to_string()),
        Value::Integer(value) => text.push_str(&value.to_string()),
        Value::Float(value) => text.push_str(&value.to_string()),
        Value::String(value) => text.extend(value.chars().take(left)),
        Value::List(nodes) => {
            text.push('[');
            // Each has a character or more, but for empty text, and that is followed by a comma.
            for (index, node) in nodes.iter().take(left).enumerate() {
                text.push_str(if index == 0 { "" } else { ", " });
                write(node, room, text);
            }
            text.push(']');
        }
        Value::Map(entries) => {
            text.push('{');
            for (index, entry) in entries.iter().take(left).enumerate() {
                text.push_str(if index == 0 { "" } else { ", " });
                text.extend(entry.key.chars().take(left));
                text.push_str(": ");
                write(&entry.node, room, text);
            }
            text.push('}');
        }
        Value::Packed(_) => text.push_str("[...]"),
    }
}
