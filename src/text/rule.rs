//! Kinds of diagnostics: what each always says, in one line and at length.
//!
//! A rule is declared once, with `rules!`, in the `rules.rs` of its module; its long form is the file
//! `rules/<id>.md` beside that, and a rule without one does not compile. A test runs the examples of all long forms.
//! Start with [`Rule`], then [`Rule::sections`] for what a long form holds.

use super::diagnostic::Severity;

/// What a kind of diagnostic always says. Ids are stable, kebab-case nouns.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Stable id, for example `unknown-location`.
    pub id: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// The rule that was broken, one sentence, no final period.
    pub why: &'static str,
    /// The long form, Markdown: what it means and whom it locks out or lets in, then the sections `Example`, `Fix` and
    /// `Source`.
    pub long: &'static str,
}

/// A part of a long form. The first has no title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// `Example`, `Fix` or `Source`; empty for what stands before them.
    pub title: &'static str,
    /// What it says, in order.
    pub blocks: Vec<Block>,
}

/// A paragraph or a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    /// A paragraph, line breaks as they were written.
    Text(&'static str),
    /// A file of a bundle. In the section `Fix` it takes the place of the example's file of the same name; without
    /// text it takes that file away.
    File {
        /// Its path below the bundle's root.
        name: &'static str,
        /// What is in it.
        text: &'static str,
    },
}

impl Rule {
    /// The long form, taken apart. Cost: linear in its text; meant for people who ask, not for diagnostics.
    pub fn sections(&self) -> Vec<Section> {
        let mut sections = vec![Section { title: "", blocks: Vec::new() }];
        let mut rest = self.long.trim_start();
        while !rest.is_empty() {
            let (block, after) = if let Some(titled) = rest.strip_prefix("## ") {
                let (title, after) = split_at(titled, "\n");
                sections.push(Section { title, blocks: Vec::new() });
                (None, after)
            } else if let Some(fenced) = rest.strip_prefix("```") {
                let (head, body) = split_at(fenced, "\n");
                let name = head.split_once(' ').map_or("", |(_, name)| name);
                let end =
                    if body.starts_with("```") { 0 } else { body.find("\n```").map_or(body.len(), |end| end + 1) };
                let (text, after) = body.split_at_checked(end).unwrap_or((body, ""));
                (Some(Block::File { name, text }), after.strip_prefix("```").unwrap_or(after))
            } else {
                let (text, after) = split_at(rest, "\n\n");
                (Some(Block::Text(text.trim_end())), after)
            };
            if let Some(section) = sections.last_mut() {
                section.blocks.extend(block);
            }
            rest = after.trim_start_matches('\n');
        }
        sections
    }
}

/// Before and after the first `separator`; all and nothing if there is none.
fn split_at(text: &'static str, separator: &str) -> (&'static str, &'static str) {
    text.split_once(separator).unwrap_or((text, ""))
}

/// Declares the rules of a module, each as `/// doc NAME: Severity, "id", "why";`, and `ALL` of them.
macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident: $severity:ident, $id:literal, $why:literal;)+) => {
        $(
            $(#[$doc])*
            pub const $name: $crate::text::Rule = $crate::text::Rule {
                id: $id,
                severity: $crate::text::Severity::$severity,
                why: $why,
                long: include_str!(concat!("rules/", $id, ".md")),
            };
        )+

        /// All of them, in the order of this file.
        pub const ALL: &[&$crate::text::Rule] = &[$(&$name,)+];
    };
}
pub(crate) use rules;

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: &str = "One.\nStill one.\n\nTwo.\n\n## Example\n\n```yaml a.yaml\nb: 1\n\nc: 2\n```\n\n## Fix\n\nTake it out.\n\n```yaml a.yaml\n```\n\n## Source\n\nA book.\n";

    #[test]
    fn a_long_form_is_paragraphs_and_files_in_sections() {
        let rule = Rule { id: "a", severity: Severity::Error, why: "b", long: LONG };
        let sections = rule.sections();
        let titles: Vec<_> = sections.iter().map(|section| section.title).collect();
        assert_eq!(titles, ["", "Example", "Fix", "Source"]);
        let blocks: Vec<_> = sections.into_iter().flat_map(|section| section.blocks).collect();
        assert_eq!(
            blocks,
            [
                Block::Text("One.\nStill one."),
                Block::Text("Two."),
                Block::File { name: "a.yaml", text: "b: 1\n\nc: 2\n" },
                Block::Text("Take it out."),
                Block::File { name: "a.yaml", text: "" },
                Block::Text("A book."),
            ]
        );
    }
}
