//! What stands for the placeholders of published policy sets, as `placeholders` of `bundle.yaml` says.
//!
//! Sets that others publish name groups and accounts as `<ExclusionGroup>` and leave the ids to whoever uses them. Knows
//! texts only: what an entry is read as, and whether it is an id at all, is for `target`. Start with [`Placeholders`].

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use foldhash::fast::RandomState;

use super::super::rules;
use super::object::{Context, has_room, wrong_type};
use crate::limits;
use crate::model::Id;
use crate::text::{Diagnostic, Entry, Node, Spanned, Value};

const BRACKETS: [char; 6] = ['<', '>', '{', '}', '[', ']'];

/// Texts that stand for others, in the lists of ids of policies; no text twice.
#[derive(Debug, Default)]
pub struct Placeholders {
    entries: HashMap<Box<str>, Meaning, RandomState>,
    /// What they come to so far, each as often as it stands, bytes.
    spent: AtomicUsize,
}

#[derive(Debug)]
struct Meaning {
    texts: Vec<Box<str>>,
    /// What they take wherever they stand.
    bytes: usize,
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
        if entries.len() > limits::SETTING_ENTRIES_MAX {
            let what = format!("`placeholders` has more than {} entries", limits::SETTING_ENTRIES_MAX);
            context.report(Diagnostic::new(&rules::TOO_MANY, node.span, what));
        }
        for entry in entries.iter().take(limits::SETTING_ENTRIES_MAX) {
            if !entry.key.contains(BRACKETS) {
                let what = format!("`{}` is no placeholder", entry.key);
                let help = "a placeholder holds brackets, as `<Group>`; an id names what it names";
                context.report(Diagnostic::new(&rules::UNKNOWN_VALUE, entry.key_span, what).help(help));
                continue;
            }
            placeholders.entries.insert(entry.key.as_ref().into(), Meaning::read(entry, context));
        }
        Some(placeholders)
    }

    /// What `text` stands for, if it is one of them. Past [`limits::PLACEHOLDER_BYTES_MAX`] that is nobody, and an error.
    pub fn meaning(&self, text: Spanned<&str>, context: &mut Context) -> Option<&[Box<str>]> {
        // WHY asked first: nearly every text is an id, and a large bundle has hundreds of thousands.
        let meaning = if text.value.contains(BRACKETS) { self.entries.get(text.value)? } else { return None };
        let spent = self.spent.fetch_add(meaning.bytes, Ordering::Relaxed).saturating_add(meaning.bytes);
        if spent <= limits::PLACEHOLDER_BYTES_MAX {
            return Some(&meaning.texts);
        }
        let most = limits::PLACEHOLDER_BYTES_MAX >> 20;
        let what = format!("from here on placeholders stand for more than {most} MiB of ids");
        let help = "let a group stand for its members, or put the ids into fewer policies";
        context.report(Diagnostic::new(&rules::TOO_MANY, text.span, what).help(help));
        Some(&[])
    }

    /// What they come to so far, bytes, for [`Placeholders::forget`].
    pub fn spent(&self) -> usize {
        self.spent.load(Ordering::Relaxed)
    }

    /// What they came to since they came to `spent` was read in vain, and is read again.
    pub fn forget(&self, spent: usize) {
        self.spent.store(spent, Ordering::Relaxed);
    }
}

impl Meaning {
    fn read(entry: &Entry<'_>, context: &mut Context) -> Self {
        let path = format!("placeholders.{}", entry.key);
        has_room(&entry.node, limits::SETTING_ENTRIES_MAX, &path, context);
        let nodes = entry.node.as_list().unwrap_or(std::slice::from_ref(&entry.node));
        let texts = nodes.iter().take(limits::SETTING_ENTRIES_MAX).filter_map(|node| {
            let text = node.as_str();
            if text.is_none() {
                context.report(wrong_type(node, &path, "text, or a list of text"));
            }
            text.map(Box::from)
        });
        let texts: Vec<Box<str>> = texts.collect();
        let bytes = texts.iter().map(|text| text.len() + size_of::<Spanned<Id>>()).sum();
        Self { texts, bytes }
    }
}

/// Ids of a directory hold no blanks and no brackets; templates mark what is to be filled in with them.
pub fn is_placeholder(text: &str) -> bool {
    text.is_empty()
        || text.contains(BRACKETS)
        || text.contains(|character: char| character.is_whitespace() || "()$%|".contains(character))
}
