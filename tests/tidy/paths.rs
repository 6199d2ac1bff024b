//! The paths that Rust code names, braces and `super` resolved: what a file depends on, however it says so.

/// A path with the line that it is on; a macro ends with `!`.
#[derive(Debug, PartialEq, Eq)]
pub struct Named {
    pub line: usize,
    pub path: String,
}

/// Every path in `text`, a file at `name` below `src`. Comments, strings and the unit tests at the end name nothing.
///
/// Not resolved: names that an import gave another name, and what a macro makes of its arguments.
pub fn named(name: &str, text: &str) -> Vec<Named> {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    let code: Vec<char> = blank(text.get(..end).unwrap_or(""));
    let mut reader = Reader { code: &code, at: 0, found: Vec::new() };
    while reader.at < code.len() {
        if starts_identifier(code[reader.at]) { reader.path("") } else { reader.at += 1 }
    }
    let module = module(name);
    let starts: Vec<_> = (0..code.len()).filter(|at| code[*at] == '\n').collect();
    let absolute = |(at, path): (usize, String)| Named {
        line: starts.partition_point(|start| *start < at) + 1,
        path: resolved(&module, &path),
    };
    reader.found.into_iter().map(absolute).collect()
}

/// Whether `path` has `wanted` in it, from the start of a name to the end of one; to no end where `wanted` has a `*`.
pub fn names(path: &str, wanted: &str) -> bool {
    let (wanted, is_open) = wanted.strip_suffix('*').map_or((wanted, false), |wanted| (wanted, true));
    path.match_indices(wanted).any(|(at, _)| {
        let (before, after) = (&path[..at], &path[at + wanted.len()..]);
        (before.is_empty() || before.ends_with("::")) && (is_open || after.is_empty() || after.starts_with("::"))
    })
}

struct Reader<'c> {
    code: &'c [char],
    at: usize,
    found: Vec<(usize, String)>,
}

impl Reader<'_> {
    /// Reads a path, of which `before` has been read, and all that its braces hold.
    fn path(&mut self, before: &str) {
        let (start, mut path) = (self.at, before.to_owned());
        loop {
            path.extend(self.take(|character| character.is_alphanumeric() || character == '_'));
            if !self.eat("::") {
                break;
            }
            path += "::";
            self.take(char::is_whitespace);
            if self.eat("{") {
                return self.group(&path);
            }
            if !self.code.get(self.at).is_some_and(|character| starts_identifier(*character)) {
                path.truncate(path.len() - 2);
                break;
            }
        }
        if self.code.get(self.at) == Some(&'!') && self.code.get(self.at + 1) != Some(&'=') {
            path.push('!');
        }
        self.found.push((start, path));
    }

    fn group(&mut self, before: &str) {
        loop {
            self.take(|character| character.is_whitespace() || character == ',');
            match self.code.get(self.at) {
                Some(character) if starts_identifier(*character) => self.path(before),
                _ => break,
            }
            if self.eat(" as ") {
                self.take(|character| character.is_alphanumeric() || character == '_');
            }
        }
        self.eat("}");
    }

    fn take(&mut self, is_part: impl Fn(char) -> bool) -> Vec<char> {
        let taken: Vec<_> = self.code[self.at..].iter().copied().take_while(|character| is_part(*character)).collect();
        self.at += taken.len();
        taken
    }

    fn eat(&mut self, wanted: &str) -> bool {
        let is_next =
            self.code[self.at..].iter().copied().zip(wanted.chars()).filter(|(one, other)| one == other).count();
        let is_next = is_next == wanted.chars().count();
        self.at += if is_next { wanted.chars().count() } else { 0 };
        is_next
    }
}

const fn starts_identifier(character: char) -> bool {
    character.is_ascii_alphabetic() || character == '_'
}

/// The module of a file, from `crate`.
fn module(name: &str) -> Vec<&str> {
    let path = name.strip_prefix("src/").unwrap_or(name);
    let mut parts: Vec<_> = std::iter::once("crate").chain(path.trim_end_matches(".rs").split('/')).collect();
    if parts.last().is_some_and(|last| ["mod", "lib", "main"].contains(last)) {
        parts.pop();
    }
    parts
}

fn resolved(module: &[&str], path: &str) -> String {
    let (mut parents, mut rest, mut is_relative) = (0, path, false);
    while let Some((first @ ("self" | "super"), after)) = rest.split_once("::") {
        parents += usize::from(first == "super");
        (rest, is_relative) = (after, true);
    }
    let base = &module[..module.len().saturating_sub(parents).max(1)];
    if is_relative { format!("{}::{rest}", base.join("::")) } else { path.to_owned() }
}

/// `text` with a space in the place of every character of a comment or a literal; lines stay.
fn blank(text: &str) -> Vec<char> {
    let code: Vec<char> = text.chars().collect();
    let mut blank = code.clone();
    let mut at = 0;
    while at < code.len() {
        let end = literal(&code, at).unwrap_or(at);
        blank[at..end].iter_mut().filter(|character| **character != '\n').for_each(|character| *character = ' ');
        at = end.max(at + 1);
    }
    blank
}

/// The end of the comment or literal that begins at `at`.
fn literal(code: &[char], at: usize) -> Option<usize> {
    let is = |at: usize, wanted: char| code.get(at) == Some(&wanted);
    let find = |from: usize, wanted: &str| {
        let wanted: Vec<_> = wanted.chars().collect();
        (from..code.len()).find(|at| code[*at..].starts_with(&wanted)).map_or(code.len(), |at| at + wanted.len())
    };
    let is_within_name = at > 0 && (code[at - 1].is_alphanumeric() || code[at - 1] == '_');
    match code[at] {
        '/' if is(at + 1, '/') => Some(find(at, "\n")),
        'r' if !is_within_name || is(at - 1, 'b') => {
            let hashes = code[at + 1..].iter().take_while(|character| **character == '#').count();
            is(at + 1 + hashes, '"').then(|| find(at + 2 + hashes, &format!("\"{}", "#".repeat(hashes))))
        }
        '"' => {
            let mut end = at + 1;
            while end < code.len() && code[end] != '"' {
                end += if code[end] == '\\' { 2 } else { 1 };
            }
            Some((end + 1).min(code.len()))
        }
        '\'' if is(at + 1, '\\') => Some(find(at + 3, "'")),
        '\'' if is(at + 2, '\'') => Some(at + 3),
        _ => None,
    }
}

#[test]
fn paths_are_found_however_they_are_written() {
    for (code, expected) in [
        ("use crate::{limits, serve::Door};", &["crate::limits", "crate::serve::Door"][..]),
        ("use super::super::serve;", &["crate::serve"]),
        (
            "use super::{super::serve::{Door, http}, read};",
            &["crate::serve::Door", "crate::serve::http", "crate::compile::read"],
        ),
        ("use self::policy as it;", &["crate::compile::read::policy"]),
        (
            "use std::{\n    io::{self as io, Write as _},\n    net::TcpStream,\n};",
            &["std::io::self", "std::io::Write", "std::net::TcpStream"],
        ),
        ("use std::net::{IpAddr, TcpStream};", &["std::net::IpAddr", "std::net::TcpStream"]),
        ("std::io::stderr()", &["std::io::stderr"]),
        ("eprintln!(\"crate::serve {}\", 1 != 2)", &["eprintln!"]),
        ("b'\"', '\\'', r#\"std::fs\"#, // std::env\nstd::fs::read", &["std::fs::read"]),
        ("Vec::<crate::serve::Door>::new()", &["Vec", "crate::serve::Door", "new"]),
        ("let is_other = one!=two;", &["is_other", "one", "two"]),
    ] {
        let found: Vec<_> = named("src/compile/read/mod.rs", code).into_iter().map(|named| named.path).collect();
        let found: Vec<_> =
            found.iter().map(String::as_str).filter(|path| !["use", "let", "as", "it", "b"].contains(path)).collect();
        assert_eq!(found, expected, "{code}");
    }
}

#[test]
fn a_name_is_no_part_of_another() {
    for (path, wanted, expected) in [
        ("eprintln!", "println!", false),
        ("std::eprintln!", "eprintln!", true),
        ("std::net::TcpStream", "std::net::Tcp*", true),
        ("std::net::IpAddr", "std::net::Tcp*", false),
        ("std::fs::read", "std::fs", true),
        ("std::fsync", "std::fs", false),
        ("jiff::Zoned::now", "Zoned::now", true),
        ("Unzoned::now", "Zoned::now", false),
    ] {
        assert_eq!(names(path, wanted), expected, "{path} {wanted}");
    }
}
