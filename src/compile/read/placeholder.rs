//! What stands for the placeholders of published policy sets, as `placeholders` of `bundle.yaml` says.
//!
//! Sets that others publish name groups and accounts as `<ExclusionGroup>` and leave the ids to whoever uses them. Knows
//! texts only: what an entry is read as, and whether it is an id at all, is for `target`. Start with [`Placeholders`].

use super::super::rules;
use super::object::{Context, wrong_type};
use crate::text::{Diagnostic, Node, Value};

const BRACKETS: [char; 6] = ['<', '>', '{', '}', '[', ']'];

/// Texts that stand for others, in the lists of ids of policies; no text twice.
#[derive(Debug, Default)]
pub struct Placeholders {
    entries: Vec<(Box<str>, Vec<Box<str>>)>,
}

impl Placeholders {
    /// Reads `placeholders` of the settings `node`: each is one text or a list of them, an empty list stands for nobody.
    ///
    /// Only what has brackets is a placeholder: no id and no well-known word can be made to stand for another.
    pub fn read(node: &Node<'_>, context: &mut Context) -> Option<Self> {
        let node = node.member("placeholders").filter(|node| node.value != Value::Null)?;
        let Some(entries) = node.as_map() else {
            context.report(wrong_type(node, "placeholders", "an object"));
            return None;
        };
        let mut placeholders = Self::default();
        for entry in entries {
            if !entry.key.contains(BRACKETS) {
                let what = format!("`{}` is no placeholder", entry.key);
                let help = "a placeholder holds brackets, as `<Group>`; an id names what it names";
                context.report(Diagnostic::new(&rules::UNKNOWN_VALUE, entry.key_span, what).help(help));
                continue;
            }
            let nodes = entry.node.as_list().unwrap_or(std::slice::from_ref(&entry.node));
            let texts = nodes.iter().filter_map(|node| {
                let text = node.as_str();
                if text.is_none() {
                    context.report(wrong_type(node, format!("placeholders.{}", entry.key), "text, or a list of text"));
                }
                text.map(Box::from)
            });
            let texts = texts.collect();
            placeholders.entries.push((entry.key.as_ref().into(), texts));
        }
        Some(placeholders)
    }

    /// What `text` stands for, if it is one of them.
    pub fn meaning(&self, text: &str) -> Option<&[Box<str>]> {
        self.entries.iter().find(|(key, _)| **key == *text).map(|(_, texts)| texts.as_slice())
    }
}

/// Ids of a directory hold no blanks and no brackets; templates mark what is to be filled in with them.
pub fn is_placeholder(text: &str) -> bool {
    text.is_empty()
        || text.contains(BRACKETS)
        || text.contains(|character: char| character.is_whitespace() || "()$%|".contains(character))
}
