//! Writes YAML as people do, at random.
//!
//! Knows nothing of the layout. Start with [`Author::write`].

use std::fmt::Write;

/// Documents as people write them: every style, comments everywhere, indentation as it comes.
pub struct Author {
    random: fastrand::Rng,
    text: String,
    comments: usize,
    keys: usize,
}

impl Author {
    const SCALARS: &[&str] = &[
        "no",
        "0o7",
        "1_000",
        "~",
        "null",
        "true",
        "007",
        "1e3",
        "-1.50",
        "plain text",
        "a:b",
        "2001:db8::/32",
        "x#y",
        "\"quoted\"",
        "'single'",
        "'it''s'",
        "\"a\\tb\"",
        "\"say 'x'\"",
        "'say \"x\"'",
        "\"\"",
        "''",
        "\"\\u00e9\"",
        "é漢字",
        "\"no\"",
        "'0x1F'",
        "!!str 5",
        "\"# none\"",
        "\"a: b\"",
        "203.0.113.0/24",
    ];

    /// A document; the same for the same seed.
    pub fn write(seed: u64) -> String {
        let mut author = Self { random: fastrand::Rng::with_seed(seed), text: String::new(), comments: 0, keys: 0 };
        author.lines(0);
        if author.random.bool() {
            author.map(0, 4);
        } else {
            author.list(0, 4);
        }
        author.lines(0);
        author.text
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.random.usize(0..n) == 0
    }

    /// Empty lines and comments on lines of their own.
    fn lines(&mut self, indent: usize) {
        for _ in 0..self.random.usize(0..4) {
            match self.random.usize(0..40) {
                0..8 => self.text += "\n",
                8 => self.text += "   \n",
                9..16 => {
                    self.comments += 1;
                    let _ = writeln!(self.text, "{}# only {}  ", " ".repeat(indent), self.comments);
                }
                _ => {}
            }
        }
    }

    /// The end of a line, perhaps with a comment.
    fn end(&mut self) {
        if self.one_in(5) {
            self.comments += 1;
            let spaces = " ".repeat(self.random.usize(1..4));
            let _ = write!(self.text, "{spaces}# c{}", self.comments);
        }
        let end = if self.one_in(9) { "  \n" } else { "\n" };
        self.text += end;
    }

    fn key(&mut self) -> String {
        self.keys += 1;
        match self.random.usize(0..6) {
            0 => format!("\"key {}\"", self.keys),
            1 => format!("'key:{}'", self.keys),
            _ => format!("key{}", self.keys),
        }
    }

    fn scalar(&mut self) -> &'static str {
        self.random.choice(Self::SCALARS).copied().unwrap_or_default()
    }

    fn map(&mut self, indent: usize, depth: usize) {
        for _ in 0..self.random.usize(1..4) {
            self.lines(indent);
            let key = self.key();
            let _ = write!(self.text, "{}{key}:", " ".repeat(indent));
            self.value(indent, depth, true);
        }
    }

    fn list(&mut self, indent: usize, depth: usize) {
        for _ in 0..self.random.usize(1..4) {
            self.lines(indent);
            let _ = write!(self.text, "{}-", " ".repeat(indent));
            self.value(indent, depth, false);
        }
    }

    /// What stands behind `key:` or `-`, to the end of its last line.
    fn value(&mut self, indent: usize, depth: usize, is_member: bool) {
        let inner = indent + self.random.usize(1..6);
        match self.random.usize(0..12) {
            0 if is_member || self.one_in(9) => self.end(),
            1 | 2 if depth > 0 => {
                self.end();
                self.map(inner, depth - 1);
            }
            3 | 4 if depth > 0 => {
                self.end();
                let below = if is_member && self.random.bool() { indent } else { inner };
                self.list(below, depth - 1);
            }
            5 if depth > 0 && !is_member => {
                // `- key: value`, the other members below the first.
                let dash = self.random.usize(1..4);
                self.text += &" ".repeat(dash);
                let key = self.key();
                let _ = write!(self.text, "{key}:");
                self.value(indent + 1 + dash, depth - 1, true);
                if self.random.bool() {
                    self.map(indent + 1 + dash, depth - 1);
                }
            }
            6 => {
                self.text += " ";
                self.flow(depth, inner);
                self.end();
            }
            7 => {
                let head =
                    self.random.choice(["|", ">", "|-", ">-", "|", ">", "|-", ">-", "|", "|-", "|+"]).unwrap_or("|");
                let _ = writeln!(self.text, " {head}");
                for _ in 0..self.random.usize(1..4) {
                    let line = self.random.choice(["text", "text   ", "  more", "", "# no comment", "- x", "é"]);
                    let _ = writeln!(self.text, "{}x{}", " ".repeat(inner), line.unwrap_or(""));
                }
            }
            8 => {
                let _ = writeln!(self.text, " several\n{}lines", " ".repeat(inner));
            }
            _ => {
                let spaces = " ".repeat(self.random.usize(1..4));
                let scalar = self.scalar();
                self.text += &spaces;
                self.text += scalar;
                self.end();
            }
        }
    }

    fn flow(&mut self, depth: usize, indent: usize) {
        let (is_map, count) = (self.random.bool(), self.random.usize(0..4));
        self.text.push(if is_map { '{' } else { '[' });
        for index in 0..count {
            self.space(indent);
            if is_map {
                let key = self.key();
                let _ = write!(self.text, "{key}: ");
            }
            if depth > 0 && self.one_in(3) {
                self.flow(depth - 1, indent);
            } else {
                let scalar = self.scalar();
                self.text += scalar;
            }
            if index + 1 < count || self.one_in(4) {
                self.text.push(',');
            }
        }
        self.space(indent);
        self.text.push(if is_map { '}' } else { ']' });
    }

    /// Space inside of brackets: none, some, or a line break with or without a comment.
    fn space(&mut self, indent: usize) {
        match self.random.usize(0..8) {
            0 => {
                let _ = write!(self.text, "\n{}", " ".repeat(indent));
            }
            1 => {
                self.comments += 1;
                let _ = write!(self.text, " # c{}\n{}", self.comments, " ".repeat(indent));
            }
            2..5 => self.text.push(' '),
            _ => {}
        }
    }
}
