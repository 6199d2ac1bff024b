//! Names as a part of a line: they come from files, and must neither break nor command what is said about them.
//!
//! Must not know where the line is shown. Start with [`plain`].

use std::borrow::Cow;

/// `text` as a part of a line; what [`is_unprintable`] is spelled as in JSON. Cost: allocates only then.
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unprintable) {
        return Cow::Borrowed(text);
    }
    let mut told = String::with_capacity(text.len());
    for character in text.chars() {
        match is_unprintable(character) {
            true => told += &escaped(character),
            false => told.push(character),
        }
    }
    Cow::Owned(told)
}

/// Control characters, breaks of a line, characters that nobody sees, and those that make text read in another order than
/// it is written. Source: Unicode Standard Annex 9, section 2.
pub fn is_unprintable(character: char) -> bool {
    let is_hidden = matches!(character, '\u{200b}' | '\u{2060}' | '\u{feff}');
    let is_break = matches!(character, '\u{2028}' | '\u{2029}');
    let is_turning =
        matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    character.is_control() || is_hidden || is_break || is_turning
}

/// A character that [`is_unprintable`], as JSON spells it.
pub fn escaped(character: char) -> String {
    format!("\\u{:04x}", u32::from(character))
}
