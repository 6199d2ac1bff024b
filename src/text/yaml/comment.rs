//! The comments of a YAML file, and what each of them stands beside.
//!
//! The document tree has no place for them; who rewrites a file asks here whether all of them are still there. Start with
//! [`comments`].

use granit_parser::{Event, Parser};

use crate::limits;

/// A comment and its place among the values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// What it says, without the `#` and the space around it.
    pub text: String,
    /// How many scalars and aliases are written before it.
    pub after: usize,
    /// Whether it stands behind something on its line, other than what opens a list or an object or begins an element.
    pub is_trailing: bool,
}

/// All comments of `text`, in the order they are written in; `None` if `text` is no YAML. Cost: linear.
pub fn comments(text: &str) -> Option<Vec<Comment>> {
    let options = granit_parser::options! {
        emit_comments: true,
        max_buffered_comment_events: usize::MAX,
        flow_nesting_limit: limits::DOCUMENT_DEPTH_MAX,
        block_nesting_limit: limits::DOCUMENT_DEPTH_MAX,
    };
    let (mut values, mut comments) = (Vec::new(), Vec::new());
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) = event.ok()?;
        let range = span.byte_range()?;
        match event {
            Event::Comment(words, _) => comments.push((range.start, words.trim().to_owned())),
            // WHY: a value that is left out has no place of its own.
            Event::Scalar(..) | Event::Alias(_) if !range.is_empty() => values.push((range.start, range.end)),
            _ => {}
        }
    }
    values.sort_unstable();
    comments.sort_unstable();
    let placed = comments.into_iter().map(|(start, words)| {
        let after = values.partition_point(|value| value.0 < start);
        let line = text.get(..start).and_then(|before| before.rsplit('\n').next()).unwrap_or_default();
        let last = line.trim_end().chars().next_back();
        let value_end = after.checked_sub(1).and_then(|last| values.get(last)).map_or(0, |value| value.1);
        let is_of_value = value_end >= start - (line.len() - line.trim_end().len());
        let is_trailing = last.is_some_and(|last| is_of_value || !matches!(last, '[' | '{' | '-'));
        Comment { text: words, after, is_trailing }
    });
    Some(placed.collect())
}
