//! The words of a rule.
//!
//! Knows characters, quotes and brackets, and neither attributes nor operators. Never fails: what is not part of the
//! language becomes a [`Token::Symbol`], and a text without its closing quote ends with the rule.

use std::borrow::Cow;
use std::iter::Peekable;
use std::ops::Range;
use std::str::CharIndices;

use super::{Problem, rules};

/// A word of a rule.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'t> {
    /// `(`
    Open,
    /// `)`
    Close,
    /// `[`
    ListOpen,
    /// `]`
    ListClose,
    /// `,`
    Comma,
    /// Letters, digits, `_` and `.`, with the hyphen before them if there is one.
    Word(&'t str),
    /// A text in quotes, its escapes undone.
    Text(Cow<'t, str>),
    /// Anything else.
    Symbol(&'t str),
    /// After the last word.
    End,
}

/// A token and the bytes where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lexeme<'t> {
    pub(super) token: Token<'t>,
    pub(super) range: Range<usize>,
}

/// The words of `text`; the last one, and no other, is [`Token::End`].
pub(super) fn lex<'t>(text: &'t str, problems: &mut Vec<Problem>) -> Vec<Lexeme<'t>> {
    let mut lexer = Lexer { text, rest: text.char_indices().peekable(), problems };
    let mut lexemes = Vec::new();
    while let Some(lexeme) = lexer.next() {
        lexemes.push(lexeme);
    }
    lexemes.push(Lexeme { token: Token::End, range: text.len()..text.len() });
    lexemes
}

struct Lexer<'t, 'p> {
    text: &'t str,
    rest: Peekable<CharIndices<'t>>,
    problems: &'p mut Vec<Problem>,
}

impl<'t> Lexer<'t, '_> {
    fn next(&mut self) -> Option<Lexeme<'t>> {
        while self.rest.next_if(|(_, character)| character.is_whitespace()).is_some() {}
        let (start, first) = self.rest.next()?;
        let token = match first {
            '(' => Token::Open,
            ')' => Token::Close,
            '[' => Token::ListOpen,
            ']' => Token::ListClose,
            ',' => Token::Comma,
            '"' => self.text_until(start, '"', Some('`')),
            '\'' => self.text_until(start, '\'', Some('\'')),
            '\u{201c}' | '\u{201d}' => {
                self.curly_quote(start, first);
                self.text_until(start, '\u{201d}', None)
            }
            '\u{2018}' | '\u{2019}' => {
                self.curly_quote(start, first);
                self.text_until(start, '\u{2019}', None)
            }
            '-' if self.rest.peek().is_some_and(|(_, next)| is_word(*next)) => self.word(start),
            _ if is_word(first) => self.word(start),
            _ => {
                while self.rest.next_if(|(_, character)| is_symbol(*character)).is_some() {}
                Token::Symbol(self.since(start))
            }
        };
        Some(Lexeme { token, range: start..self.offset() })
    }

    fn word(&mut self, start: usize) -> Token<'t> {
        while self.rest.next_if(|(_, character)| is_word(*character)).is_some() {}
        Token::Word(self.since(start))
    }

    /// The text whose opening quote, at `start`, has been read. `escape` before `quote` makes it part of the text.
    fn text_until(&mut self, start: usize, quote: char, escape: Option<char>) -> Token<'t> {
        let begin = self.offset();
        let mut unescaped: Option<String> = None;
        while let Some((at, character)) = self.rest.next() {
            if Some(character) == escape && self.rest.next_if(|(_, next)| *next == quote).is_some() {
                unescaped.get_or_insert_with(|| self.text.get(begin..at).unwrap_or_default().to_owned()).push(quote);
            } else if character == quote {
                let text = self.text.get(begin..at).unwrap_or_default();
                return Token::Text(unescaped.map_or(Cow::Borrowed(text), Cow::Owned));
            } else if let Some(unescaped) = &mut unescaped {
                unescaped.push(character);
            }
        }
        let problem = Problem::new(&rules::SYNTAX, start..self.offset(), "this text has no closing quote");
        self.problems.push(problem.help(format!("end the text with `{quote}`")));
        Token::Text(unescaped.map_or_else(|| Cow::Borrowed(self.text.get(begin..).unwrap_or_default()), Cow::Owned))
    }

    fn curly_quote(&mut self, start: usize, quote: char) {
        let range = start..start + quote.len_utf8();
        let problem = Problem::new(&rules::SYNTAX, range, format!("`{quote}` does not quote a text"));
        self.problems.push(problem.help("use straight quotes, `\"`"));
    }

    fn since(&self, start: usize) -> &'t str {
        let end = self.rest.clone().peek().map_or(self.text.len(), |(offset, _)| *offset);
        self.text.get(start..end).unwrap_or_default()
    }

    fn offset(&mut self) -> usize {
        self.rest.peek().map_or(self.text.len(), |(offset, _)| *offset)
    }
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '.')
}

fn is_symbol(character: char) -> bool {
    !is_word(character)
        && !character.is_whitespace()
        && !matches!(character, '(' | ')' | '[' | ']' | ',' | '"' | '\'' | '-' | '\u{2018}'..='\u{201d}')
}
