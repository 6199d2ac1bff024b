//! A first look at Cedar text: where statements end, how deep it nests, how many operators it has.
//!
//! WHY: Cedar's own parser recurses, and bounds nothing. What passes here can be parsed, checked and evaluated on any
//! thread. Knows tokens, and no grammar.

use std::ops::Range;

use super::{Problem, rules};
use crate::limits;

/// Checks that `text` is one expression as far as brackets go, and within the bounds.
pub(super) fn expression(text: &str) -> Result<(), Problem> {
    let mut scan = Scan::new(text);
    while scan.statement()?.is_some() {}
    scan.end()
}

/// The statements of `text`, each with its semicolon and without what lies before its first token. What stands behind
/// the last semicolon is a statement as well.
pub(super) fn statements(text: &str) -> Result<Vec<Range<usize>>, Problem> {
    let mut scan = Scan::new(text);
    let mut statements = Vec::new();
    while let Some(range) = scan.statement()? {
        statements.push(range);
    }
    scan.end()?;
    Ok(statements)
}

struct Scan<'t> {
    text: &'t str,
    at: usize,
    /// Where each open bracket stands, and what closes it.
    open: Vec<(usize, u8)>,
}

/// Words that nest what follows them; each clause of a policy nests the ones before it.
const OPERATORS: [&str; 9] = ["if", "then", "else", "has", "like", "is", "in", "when", "unless"];
/// What ends a comment.
///
/// WHY: Cedar reads on behind either, and what this scan took for a comment would be neither counted nor in force.
const LINE_ENDS: [char; 2] = ['\n', '\r'];

impl<'t> Scan<'t> {
    fn new(text: &'t str) -> Self {
        Self { text, at: 0, open: Vec::new() }
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    /// Up to the next semicolon outside of brackets, or the end; `None` when no token is left.
    fn statement(&mut self) -> Result<Option<Range<usize>>, Problem> {
        let (mut start, mut operators) = (None, 0);
        while let Some(byte) = self.byte(self.at) {
            let token = self.at;
            match byte {
                _ if byte.is_ascii_whitespace() => {
                    self.at += 1;
                    continue;
                }
                b'/' if self.byte(token + 1) == Some(b'/') => {
                    self.at = self
                        .text
                        .get(token..)
                        .and_then(|rest| rest.find(LINE_ENDS))
                        .map_or(self.text.len(), |end| token + end);
                    continue;
                }
                b'"' => self.at = self.string(token),
                b'(' | b'[' | b'{' => {
                    self.open(token, byte)?;
                    self.at += 1;
                }
                b')' | b']' | b'}' => {
                    self.close(token, byte)?;
                    self.at += 1;
                }
                _ if byte.is_ascii_alphanumeric() || byte == b'_' => {
                    let is_part =
                        |at: &usize| self.byte(*at).is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                    self.at = (token..).find(|at| !is_part(at)).unwrap_or(self.text.len());
                    let word = self.text.get(token..self.at).unwrap_or_default();
                    operators += usize::from(OPERATORS.contains(&word));
                }
                _ => {
                    operators += usize::from(!matches!(byte, b',' | b':' | b';'));
                    self.at += 1;
                }
            }
            let start = *start.get_or_insert(token);
            bound(start..self.at, operators)?;
            if byte == b';' && self.open.is_empty() {
                return Ok(Some(start..self.at));
            }
        }
        Ok(start.map(|start| start..self.text.trim_end().len().max(start)))
    }

    /// Behind the closing quote of the string that begins at `start`, or the end.
    fn string(&self, start: usize) -> usize {
        let mut at = start + 1;
        while let Some(byte) = self.byte(at) {
            match byte {
                b'\\' => at += 2,
                b'"' => return at + 1,
                _ => at += 1,
            }
        }
        self.text.len()
    }

    fn open(&mut self, at: usize, bracket: u8) -> Result<(), Problem> {
        if self.open.len() == limits::CEDAR_DEPTH_MAX {
            let what = format!("brackets nest more than {} deep", limits::CEDAR_DEPTH_MAX);
            return Err(Problem::new(&rules::CEDAR_SIZE, at..at + 1, what));
        }
        let closing = match bracket {
            b'(' => b')',
            b'[' => b']',
            _ => b'}',
        };
        self.open.push((at, closing));
        Ok(())
    }

    fn close(&mut self, at: usize, bracket: u8) -> Result<(), Problem> {
        if self.open.pop().is_some_and(|(_, closing)| closing == bracket) {
            return Ok(());
        }
        let what = format!("`{}` closes nothing", char::from(bracket));
        Err(Problem::new(&rules::CEDAR_SYNTAX, at..at + 1, what))
    }

    fn end(&self) -> Result<(), Problem> {
        match self.open.last() {
            None => Ok(()),
            Some((at, closing)) => {
                let what = format!("the bracket is not closed by `{}`", char::from(*closing));
                Err(Problem::new(&rules::CEDAR_SYNTAX, *at..*at + 1, what))
            }
        }
    }
}

fn bound(range: Range<usize>, operators: usize) -> Result<(), Problem> {
    let what = if range.len() > limits::CEDAR_BYTES_MAX {
        format!("more than {} bytes", limits::CEDAR_BYTES_MAX)
    } else if operators > limits::CEDAR_OPERATORS_MAX {
        format!("more than {} operators", limits::CEDAR_OPERATORS_MAX)
    } else {
        return Ok(());
    };
    let help = "make several policies of it, or name many values in one set";
    Err(Problem::new(&rules::CEDAR_SIZE, range.end.saturating_sub(1)..range.end, what).help(help))
}
