//! Files of a bundle and places in them.
//!
//! A [`Span`] is small and copied freely; only [`Sources`] can turn it into a file name, a line and a column.

use std::ops::Deref;
use std::sync::OnceLock;

/// A file as it arrived: a name relative to the bundle's root, `/` between its parts, and bytes nobody has read yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawFile {
    /// Path below the bundle's root, for example `locations/offices.yaml`.
    pub name: Box<str>,
    /// The content, undecoded.
    pub bytes: Vec<u8>,
}

/// The files of a bundle as one consistent set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawBundle {
    /// The files, sorted by name, no name twice.
    pub files: Vec<RawFile>,
    /// SHA-256 over names and contents, lower-case hex. Equal digests mean equal bundles.
    pub digest: Box<str>,
}

/// Which file of a [`Sources`] a span belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub(crate) u32);

/// A stretch of decoded text: byte offsets, `end` not included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// First byte.
    pub start: u32,
    /// One past the last byte; equal to `start` for a place between two characters.
    pub end: u32,
}

impl Span {
    /// No place: the value was read the fast way, without positions, or does not stem from a file.
    pub const NONE: Self = Self { file: FileId(u32::MAX), start: 0, end: 0 };

    /// A span of `file` from `start` to `end`, byte offsets.
    pub const fn new(file: FileId, start: u32, end: u32) -> Self {
        Self { file, start, end }
    }

    /// `file` as a whole: it has a name to tell, and no line.
    pub const fn whole(file: FileId) -> Self {
        Self { file, start: u32::MAX, end: u32::MAX }
    }

    /// Whether this is [`Span::NONE`].
    pub fn is_none(self) -> bool {
        self.file == Self::NONE.file
    }
}

/// A value and where it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it was written.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// `value`, written at `span`.
    pub const fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

impl<T> Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// A decoded file.
///
/// Lines are counted when a position is first asked for, so that a clean file never pays for it.
#[derive(Clone, Debug)]
pub struct SourceFile {
    name: Box<str>,
    text: String,
    marks: OnceLock<Box<[Mark]>>,
}

/// What is known about every [`MARK_BYTES`]th byte offset.
///
/// WHY: marks by offset, not by line, because an export may be one line of 30 MB or 30 million empty lines; both cost
/// the same here, in memory (12 bytes in 4,096) and per question.
#[derive(Clone, Copy, Debug)]
struct Mark {
    /// Line breaks before the offset.
    breaks: u32,
    /// Where the line of the offset begins.
    line_start: u32,
    /// Characters before the offset.
    characters: u32,
}

/// Bytes between two marks.
const MARK_BYTES: usize = 4_096;

impl SourceFile {
    /// A file called `name` that says `text`.
    pub fn new(name: impl Into<Box<str>>, text: String) -> Self {
        Self { name: name.into(), text, marks: OnceLock::new() }
    }

    /// Path below the bundle's root.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The decoded text, without a byte order mark.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Line and column of a byte offset; `None` past the end of the text. Cost: the first call of a file is linear in
    /// the file, every other constant.
    pub fn position(&self, offset: u32) -> Option<Position> {
        let mark = self.mark(offset)?;
        let line_start = mark.line_start;
        let column = mark.characters.checked_sub(self.mark(line_start)?.characters)?;
        Some(Position { line: mark.breaks + 1, column: column + 1 })
    }

    /// What a mark at `offset` would say.
    fn mark(&self, offset: u32) -> Option<Mark> {
        let offset = offset as usize;
        let block = offset / MARK_BYTES;
        let mark = *self.marks.get_or_init(|| marks(self.text.as_bytes())).get(block)?;
        Some(mark.advance(block * MARK_BYTES, self.text.as_bytes().get(block * MARK_BYTES..offset)?))
    }
}

impl Mark {
    /// This mark, moved from `start` over `bytes`.
    fn advance(self, start: usize, bytes: &[u8]) -> Self {
        let breaks = bytes.iter().filter(|byte| **byte == b'\n').count();
        let line_start = match bytes.iter().rposition(|byte| *byte == b'\n') {
            Some(newline) => offset(start + newline + 1),
            None => self.line_start,
        };
        // Every byte but a UTF-8 continuation begins a character.
        let characters = bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count();
        Self { breaks: self.breaks + offset(breaks), line_start, characters: self.characters + offset(characters) }
    }
}

fn marks(text: &[u8]) -> Box<[Mark]> {
    let mut mark = Mark { breaks: 0, line_start: 0, characters: 0 };
    let mut marks = vec![mark];
    for (index, block) in text.chunks_exact(MARK_BYTES).enumerate() {
        mark = mark.advance(index * MARK_BYTES, block);
        marks.push(mark);
    }
    marks.into_boxed_slice()
}

/// An offset as spans store it. Texts are bounded by [`crate::limits::FILE_BYTES_MAX`], so nothing is lost.
pub(super) fn offset(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// A line and a column, both counted from 1; the column counts characters, not bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// The decoded files of one bundle.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

impl Sources {
    /// Adds a file; the id is valid for this `Sources` only.
    pub fn add(&mut self, file: SourceFile) -> FileId {
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(file);
        id
    }

    /// The file of `id`; `None` for [`Span::NONE`].
    pub fn file(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(id.0 as usize)
    }

    /// Every file with its id, in the order of adding.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        (0u32..).map(FileId).zip(&self.files)
    }

    /// The text of a span; empty for [`Span::NONE`].
    pub fn slice(&self, span: Span) -> &str {
        self.file(span.file).and_then(|file| file.text.get(span.start as usize..span.end as usize)).unwrap_or("")
    }

    /// Line and column of a byte offset; `None` for [`Span::NONE`], for a file as a whole, and past the end of the text.
    /// Cost: as [`SourceFile::position`].
    pub fn position(&self, file: FileId, offset: u32) -> Option<Position> {
        self.file(file)?.position(offset)
    }
}
