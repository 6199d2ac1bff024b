//! Mends: what to write in the place of what is wrong, where nothing else can have been meant.
//!
//! Whoever reports a problem may add a [`Mend`] under one of two conditions: of a warning, that the bundle decides the
//! same afterwards; of an error, which refuses the bundle, that the author has written the same word in another way (its
//! case, its quotes, another language's sign). A slip of a letter may be any of two words, so it gets a hint and no mend.
//! Knows how scalars are spelt and nothing of what they mean. Start with [`Mend`]; [`Fix`] is one with its place.

use std::ops::Range;

use serde::Serialize;

use super::diagnostic::Diagnostics;
use super::document::{Node, Value};
use super::source::{SourceFile, Sources, Span};
use super::{Format, yaml};

/// How to mend what a diagnostic points at. It applies only where that is written as expected: not to an alias, and not
/// to a text in a block or over several lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mend {
    /// A text or a key that says `is` says `becomes`, in the same quotes.
    Say {
        /// What it says.
        is: Box<str>,
        /// What it is to say.
        becomes: Box<str>,
    },
    /// The characters `is` become `becomes`, whatever they are part of.
    Write {
        /// What stands there.
        is: Box<str>,
        /// What is to stand there: no character that quotes of any kind would change.
        becomes: Box<str>,
    },
    /// The characters `is` become a word, apart from what stands beside it.
    Word {
        /// What stands there.
        is: Box<str>,
        /// The word, of which the same holds.
        becomes: &'static str,
    },
    /// A text that says `is` becomes the word, without quotes.
    Bare {
        /// What it says.
        is: Box<str>,
        /// `true` or `false`.
        becomes: &'static str,
    },
    /// A text that says this becomes the only element of a list.
    List(Box<str>),
    /// A value that is no text becomes one that reads the same.
    Quote,
}

/// A mend with its place. Lines and columns as in [`super::Finding`]; the end is the first character not meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Fix {
    /// Line of the first character, from 1.
    pub start_line: u32,
    /// Column of the first character, from 1.
    pub start_column: u32,
    /// Line of the end, from 1.
    pub end_line: u32,
    /// Column of the end, from 1.
    pub end_column: u32,
    /// What stands there.
    #[serde(skip)]
    pub written: String,
    /// What is to stand there; on one line.
    pub replacement: String,
    /// The same place in bytes of the decoded file.
    #[serde(skip)]
    pub bytes: Range<usize>,
}

impl Mend {
    /// A mend of a text that says `is`.
    pub fn say(is: impl Into<Box<str>>, becomes: impl Into<Box<str>>) -> Self {
        Self::Say { is: is.into(), becomes: becomes.into() }
    }

    /// A mend of the characters `is`.
    pub fn write(is: impl Into<Box<str>>, becomes: impl Into<Box<str>>) -> Self {
        Self::Write { is: is.into(), becomes: becomes.into() }
    }

    /// A mend of `is`, if it is `word` but for capital letters, hyphens and underscores.
    pub fn spelling(is: &str, word: &str) -> Option<Self> {
        let letters = |text: &str| -> String {
            text.chars().filter(|letter| !matches!(letter, '-' | '_')).flat_map(char::to_lowercase).collect()
        };
        (letters(is) == letters(word)).then(|| Self::say(is, word))
    }

    /// The fix of what stands at `span`; `None` where it is not written as expected.
    pub(super) fn fix(&self, span: Span, sources: &Sources) -> Option<Fix> {
        let file = sources.file(span.file)?;
        let bytes = span.start as usize..span.end as usize;
        let written = file.text().get(bytes.clone()).filter(|written| !written.is_empty())?;
        let mut replacement = self.replacement(written, Format::of(file.name()))?;
        if let Self::Word { .. } = self {
            let is_apart = |beside: Option<char>| beside.is_some_and(char::is_whitespace);
            let before = file.text().get(..bytes.start)?.chars().next_back();
            let after = file.text().get(bytes.end..)?.chars().next();
            replacement = format!(
                "{}{replacement}{}",
                if is_apart(before) { "" } else { " " },
                if is_apart(after) { "" } else { " " },
            );
        }
        let ((start_line, start_column), (end_line, end_column)) = (place(file, span.start)?, place(file, span.end)?);
        let written = written.to_owned();
        Some(Fix { start_line, start_column, end_line, end_column, written, replacement, bytes })
    }

    /// `format` is that of the file; none for a file of another language.
    fn replacement(&self, written: &str, format: Option<Format>) -> Option<String> {
        match self {
            Self::Write { is, becomes } => (written == &**is).then(|| becomes.to_string()),
            Self::Word { is, becomes } => (written == &**is).then(|| (*becomes).to_owned()),
            Self::Say { is, becomes } => said(written, is)?.write(becomes),
            Self::Bare { is, becomes } => said(written, is).map(|_| (*becomes).to_owned()),
            Self::List(is) => Some(format!("[{}]", said(written, is)?.write(is)?)),
            Self::Quote => {
                let is_word = |character: char| character.is_ascii_alphanumeric() || "+-._~".contains(character);
                (format.is_some() && written.chars().all(is_word)).then(|| format!("\"{written}\""))
            }
        }
    }
}

/// The mend of a value that is of another type than `expected`, in the words of diagnostics: `text`, `a list of text`, ...
pub fn of_type(node: &Node<'_>, expected: &str) -> Option<Mend> {
    match (&node.value, expected) {
        (Value::Bool(_) | Value::Integer(_) | Value::Float(_), "text" | "a list of text") => Some(Mend::Quote),
        (Value::String(text), "a boolean") => {
            let word = ["true", "false"].into_iter().find(|word| text.eq_ignore_ascii_case(word))?;
            Some(Mend::Bare { is: (**text).into(), becomes: word })
        }
        // WHY: what a list was written as, with commas or spaces, is several elements to its author.
        (Value::String(text), "a list") if !text.contains([',', ';', ' ', '\t', '\n']) => {
            Some(Mend::List((**text).into()))
        }
        _ => None,
    }
}

fn place(file: &SourceFile, offset: u32) -> Option<(u32, u32)> {
    file.position(offset).map(|position| (position.line, position.column))
}

/// The quotes that a scalar is written in.
#[derive(Clone, Copy)]
enum Quotes {
    None,
    Single,
    Double,
}

/// How `text` is quoted, if `written` is a scalar on one line that says it.
fn said(written: &str, text: &str) -> Option<Quotes> {
    let within = |quote: char| written.strip_prefix(quote)?.strip_suffix(quote);
    if written == text {
        return Some(Quotes::None);
    }
    if within('\'').is_some_and(|inner| !inner.contains('\n') && inner.replace("''", "'") == text) {
        return Some(Quotes::Single);
    }
    serde_json::from_str::<String>(written).is_ok_and(|said| said == text).then_some(Quotes::Double)
}

/// Whether YAML reads these characters, without quotes, as the text that they are: not as a number, say.
fn is_text(plain: &str) -> bool {
    let read = yaml::parse(plain, Span::NONE.file, &mut Diagnostics::default());
    read.is_some_and(|node| node.as_str() == Some(plain))
}

impl Quotes {
    /// `text` in these quotes, or in double ones where it needs some.
    fn write(self, text: &str) -> Option<String> {
        let is_harmless = |text: &str| {
            text.starts_with(|first: char| first.is_ascii_alphanumeric())
                && text.ends_with(|last: char| last.is_ascii_alphanumeric())
                && text.chars().all(|it| it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '.' | '/' | ':' | ' '))
                && !text.contains(": ")
                && is_text(text)
        };
        match self {
            Self::Single => Some(format!("'{}'", text.replace('\'', "''"))),
            Self::None if is_harmless(text) => Some(text.to_owned()),
            Self::None | Self::Double => serde_json::to_string(text).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::parse;

    fn read(name: &str, text: &str) -> Vec<(String, Span, Sources)> {
        let (mut sources, mut diagnostics) = (Sources::default(), Diagnostics::default());
        let file = sources.add(SourceFile::new(name, text.to_owned()));
        let tree = parse(&sources, file, &mut diagnostics).unwrap();
        let parts = tree.as_list().unwrap().iter();
        parts.map(|node| (node.as_str().unwrap().to_owned(), node.span, sources.clone())).collect()
    }

    proptest! {
        #[test]
        fn a_text_says_what_it_was_to_say_in_any_quotes_and_its_neighbours_do_not_change(
            becomes in "[ -~é]{0,10}", style in 0..5,
        ) {
            let (name, before) = match style {
                0 => ("a.yaml", "[a, all, b] # c\n"),
                1 => ("a.yaml", "[a, 'all', b] # c\n"),
                2 => ("a.yaml", "[a, \"all\", b] # c\n"),
                3 => ("a.yaml", "- a\n- all # c\n- b\n"),
                _ => ("a.json", "[\"a\", \"all\", \"b\"]"),
            };
            let (_, span, sources) = read(name, before).swap_remove(1);
            let fix = Mend::say("all", becomes.as_str()).fix(span, &sources).unwrap();
            let mut after = before.to_owned();
            after.replace_range(fix.bytes, &fix.replacement);
            let said: Vec<_> = read(name, &after).into_iter().map(|(text, ..)| text).collect();
            prop_assert_eq!(said, ["a", becomes.as_str(), "b"]);
        }
    }

    #[test]
    fn a_word_is_the_same_but_for_capital_letters_hyphens_and_underscores() {
        let is_same = |is, word| Mend::spelling(is, word).is_some();
        assert!(is_same("Default_decision", "defaultDecision") && is_same("ALL", "All"));
        assert!(!is_same("defaultDecison", "defaultDecision") && !is_same("All ", "All"));
    }
}
