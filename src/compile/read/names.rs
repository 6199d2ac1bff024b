//! What policies without an id go by.
//!
//! WHY: names are not unique in Graph, which gives each policy an id of its own; all of them are in force, and whoever
//! ignores one, tests it or reads of it in a log has to be able to say which. Start with [`Names::tell_apart`].

use std::collections::HashMap;

use super::super::rules;
use super::object::Context;
use crate::model::policy::Policy;
use crate::text::{Diagnostic, Span, Spanned};

/// The names that policies without an id have so far.
#[derive(Debug, Default)]
pub struct Names {
    /// How many have the name, and where the first stands.
    seen: HashMap<Box<str>, (u32, Span), foldhash::fast::RandomState>,
    /// Those that were added to what may be undone.
    added: Option<Vec<Box<str>>>,
}

impl Names {
    /// A policy without an id goes by its name, and each further one of that name by the name and a number.
    pub fn tell_apart(&mut self, policy: &mut Policy, context: &mut Context) {
        if policy.id.is_some() {
            return;
        }
        let Spanned { value: name, span } = &policy.display_name;
        if let Some(added) = &mut self.added {
            added.push(name.clone());
        }
        let Some((count, first)) = self.seen.get_mut(name) else {
            self.seen.insert(name.clone(), (1, *span));
            return;
        };
        *count += 1;
        let id = format!("{name} ({count})");
        let what = format!("a second policy is called `{name}`, and neither has an id");
        let help = format!("give each a name or an id of its own; this one goes by `{id}`");
        let diagnostic = Diagnostic::new(&rules::DUPLICATE_NAME, *span, what).help(help);
        context.report(diagnostic.related(*first, "the first"));
        policy.id = Some(Spanned::new(id.into(), *span));
    }

    /// From here on names are added that may have to be forgotten.
    pub fn begin(&mut self) {
        self.added = Some(Vec::new());
    }

    /// The names that were added since [`Names::begin`] stay, or are forgotten.
    pub fn end(&mut self, stay: bool) {
        for name in self.added.take().into_iter().flatten().filter(|_| !stay) {
            match self.seen.get_mut(&name) {
                Some((count, _)) if *count > 1 => *count -= 1,
                _ => drop(self.seen.remove(&name)),
            }
        }
    }
}
