//! Bytes to text: UTF-8, or UTF-16 as Windows tools write exports.
//!
//! Must not know what the text says: control characters and NULs are left to the parsers. Start with [`read`].

use std::borrow::Cow;
use std::char;

use thiserror::Error;

use super::diagnostic::{Diagnostic, Diagnostics};
use super::rules;
use super::source::{self, FileId, RawFile, SourceFile, Sources, Span};
use crate::limits;

/// How many bytes after a place that cannot be decoded are kept, so that the place can be shown.
const BYTES_SHOWN: usize = 1_024;

/// Why bytes are not text. Offsets are bytes from the beginning of the file, byte order mark included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// More than [`limits::FILE_BYTES_MAX`].
    #[error("the file is {bytes} bytes long")]
    TooLarge {
        /// How many bytes there are.
        bytes: usize,
    },
    /// Bytes that are not UTF-8.
    #[error("byte {offset} of the file (0x{byte:02x}) is not UTF-8")]
    Utf8 {
        /// The first that is not.
        offset: usize,
        /// Its value.
        byte: u8,
    },
    /// Two bytes that are not UTF-16, or a last one without a second.
    #[error("byte {offset} of the file is not UTF-16")]
    Utf16 {
        /// The first that is not.
        offset: usize,
    },
}

/// The encodings a file may have, and how many bytes of byte order mark it begins with.
#[derive(Clone, Copy)]
enum Encoding {
    Utf8 { mark: usize },
    Utf16 { mark: usize, unit: fn([u8; 2]) -> u16 },
}

/// Decodes `raw` into `sources`. On failure reports [`rules::FILE_TOO_LARGE`], [`rules::INVALID_UTF8`] or
/// [`rules::INVALID_UTF16`]; the file is then added as far as it can be shown, and `None` returned.
pub fn read(raw: &RawFile, sources: &mut Sources, diagnostics: &mut Diagnostics) -> Option<FileId> {
    let error = match decode(&raw.bytes) {
        Ok(text) => return Some(sources.add(SourceFile::new(&*raw.name, text.into_owned()))),
        Err(error) => error,
    };
    let (before, after) = match error {
        DecodeError::TooLarge { .. } => Default::default(),
        DecodeError::Utf8 { offset, .. } | DecodeError::Utf16 { offset } => shown(&raw.bytes, offset),
    };
    let start = source::offset(before.len());
    let end = start + source::offset(after.chars().next().map_or(0, char::len_utf8));
    let file = sources.add(SourceFile::new(&*raw.name, before + &after));
    diagnostics.push(match error {
        DecodeError::TooLarge { .. } => {
            Diagnostic::new(&rules::FILE_TOO_LARGE, Span::whole(file), error.to_string()).help("split the file")
        }
        DecodeError::Utf8 { .. } => {
            Diagnostic::new(&rules::INVALID_UTF8, Span::new(file, start, end), error.to_string())
                .help("save the file as UTF-8")
        }
        DecodeError::Utf16 { .. } => {
            Diagnostic::new(&rules::INVALID_UTF16, Span::new(file, start, end), error.to_string())
                .help("save the file as UTF-8")
        }
    });
    None
}

/// The text of `bytes`, without a byte order mark: UTF-16 if it begins with the mark of one, or with an ASCII character
/// in UTF-16 as every JSON and almost every YAML file would; else UTF-8.
///
/// Errors: as [`DecodeError`] says. Cost: one pass; UTF-8 is borrowed.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, DecodeError> {
    if bytes.len() > limits::FILE_BYTES_MAX {
        return Err(DecodeError::TooLarge { bytes: bytes.len() });
    }
    match Encoding::of(bytes) {
        Encoding::Utf8 { mark } => match str::from_utf8(bytes.get(mark..).unwrap_or_default()) {
            Ok(text) => Ok(text.into()),
            Err(error) => {
                let offset = mark + error.valid_up_to();
                Err(DecodeError::Utf8 { offset, byte: bytes.get(offset).copied().unwrap_or_default() })
            }
        },
        Encoding::Utf16 { mark, unit } => {
            let (units, rest) = bytes.get(mark..).unwrap_or_default().as_chunks();
            let mut text = String::with_capacity(bytes.len() / 2);
            // Where the next character begins, should it be none.
            let mut offset = mark;
            for decoded in char::decode_utf16(units.iter().map(|pair| unit(*pair))) {
                let character = decoded.map_err(|_| DecodeError::Utf16 { offset })?;
                text.push(character);
                offset += 2 * character.len_utf16();
            }
            if rest.is_empty() { Ok(text.into()) } else { Err(DecodeError::Utf16 { offset }) }
        }
    }
}

/// The text before the byte at `offset`, which is the first that cannot be decoded, and a little of what follows.
fn shown(bytes: &[u8], offset: usize) -> (String, String) {
    let end = bytes.len().min(offset + BYTES_SHOWN);
    let before = bytes.get(..offset).unwrap_or_default();
    let after = bytes.get(offset..end).unwrap_or_default();
    match Encoding::of(bytes) {
        Encoding::Utf8 { mark } => (
            String::from_utf8_lossy(before.get(mark..).unwrap_or_default()).into_owned(),
            String::from_utf8_lossy(after).into_owned(),
        ),
        Encoding::Utf16 { mark, unit } => {
            let lossy = |part: &[u8]| -> String {
                let (units, rest) = part.as_chunks();
                char::decode_utf16(units.iter().map(|pair| unit(*pair)))
                    .map(|decoded| decoded.unwrap_or(char::REPLACEMENT_CHARACTER))
                    .chain((!rest.is_empty()).then_some(char::REPLACEMENT_CHARACTER))
                    .collect()
            };
            (lossy(before.get(mark..).unwrap_or_default()), lossy(after))
        }
    }
}

impl Encoding {
    /// A NUL as first or second character is in no file that either parser takes, so a guess harms nobody.
    fn of(bytes: &[u8]) -> Self {
        match bytes {
            [0xEF, 0xBB, 0xBF, ..] => Self::Utf8 { mark: 3 },
            [0xFF, 0xFE, ..] => Self::Utf16 { mark: 2, unit: u16::from_le_bytes },
            [0xFE, 0xFF, ..] => Self::Utf16 { mark: 2, unit: u16::from_be_bytes },
            [1..=0x7F, 0, 1..=0x7F, 0, ..] | [1..=0x7F, 0] => Self::Utf16 { mark: 0, unit: u16::from_le_bytes },
            [0, 1..=0x7F, 0, 1..=0x7F, ..] | [0, 1..=0x7F] => Self::Utf16 { mark: 0, unit: u16::from_be_bytes },
            _ => Self::Utf8 { mark: 0 },
        }
    }
}
