//! Conditions in Cedar: `when` of a policy, and whole policies of `.cedar` files.
//!
//! The text is taken apart here, by brackets and words alone, into what `&&`, `||`, `!` and `if` join; cedar-policy is asked
//! for nothing but the comparisons between them, each alone, about a request that [`super::cedar_request`] writes down as
//! the published schema describes it. A comparison that errs lacks a fact, and is unknown.

use cedar_policy::{Authorizer, Context, Decision, Entities, EntityUid, PolicySet, Request};
use serde_json::Value;

use doorward::model::Truth;
use doorward::model::policy::{Policy, When, WhenForm};

use super::{Case, cedar_request};

/// Whether the condition of `policy` holds; a policy without one has none that could fail.
pub fn matches(case: &Case<'_>, policy: &Policy) -> Truth {
    let Some(When { form, text }) = &policy.when else { return Truth::True };
    let asked = Asked::of(case);
    match form {
        WhenForm::Expression => asked.holds(&text.text),
        WhenForm::Statement => asked.statement(&text.text),
    }
}

/// A request in the words of Cedar.
struct Asked {
    request: Request,
    entities: Entities,
}

impl Asked {
    fn of(case: &Case<'_>) -> Self {
        let written = cedar_request::written(case);
        let uid = |value: Value| EntityUid::from_json(value).expect("an entity");
        let context = Context::from_json_value(written.context, None).expect("a context");
        let request = Request::new(uid(written.principal), uid(written.action), uid(written.resource), context, None);
        Self {
            request: request.expect("a request"),
            entities: Entities::from_json_value(written.entities, None).expect("entities"),
        }
    }

    /// `forbid (principal ..., action ..., resource ...) when { ... } unless { ... };`, annotations before it.
    fn statement(&self, text: &str) -> Truth {
        let effect = find(text, "forbid").expect("a policy of a bundle forbids");
        let text = &text[effect..];
        let open = text.find('(').expect("a scope");
        let close = open + closing(&text[open..]);
        let scope = text[open + 1..close].split(',').map(str::trim);
        // A part of the scope that names anybody is a comparison as it stands.
        let named = scope.filter(|part| !matches!(*part, "principal" | "action" | "resource"));
        let mut holds = named.map(|part| self.holds(part)).fold(Truth::True, |all, one| all & one);
        let mut rest = text[close + 1..].trim_start();
        while let Some(open) = rest.find('{') {
            let close = open + closing(&rest[open..]);
            let clause = self.holds(&rest[open + 1..close]);
            holds = holds & if rest.starts_with("unless") { !clause } else { clause };
            rest = rest[close + 1..].trim_start();
        }
        holds
    }

    fn holds(&self, text: &str) -> Truth {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix("if ") {
            let (then, or) = (find(rest, " then ").expect("a then"), find(rest, " else ").expect("an else"));
            let condition = self.holds(&rest[..then]);
            let (then, or) = (self.holds(&rest[then + 6..or]), self.holds(&rest[or + 6..]));
            return (condition & then) | (!condition & or) | (then & or);
        }
        for (word, join) in [("||", (|a, b| a | b) as fn(Truth, Truth) -> Truth), ("&&", |a, b| a & b)] {
            if let Some(at) = find(text, word) {
                return join(self.holds(&text[..at]), self.holds(&text[at + 2..]));
            }
        }
        if let Some(rest) = text.strip_prefix('!') {
            return !self.holds(rest);
        }
        if text.starts_with('(') && closing(text) == text.len() - 1 {
            return self.holds(&text[1..text.len() - 1]);
        }
        self.compare(text)
    }

    fn compare(&self, text: &str) -> Truth {
        let policy = format!("permit (principal, action, resource) when {{ {text} }};");
        let policies: PolicySet = policy.parse().unwrap_or_else(|error| panic!("{error}: {text}"));
        let response = Authorizer::new().is_authorized(&self.request, &policies, &self.entities);
        let is_there = response.decision() == Decision::Allow;
        // A free attribute that is not there is unknown; nobody says which ones there are.
        let asks_for_free = text.starts_with("context.attributes.") && text.contains(".hasTag(");
        if response.diagnostics().errors().next().is_some() || asks_for_free && !is_there {
            Truth::Unknown
        } else {
            is_there.into()
        }
    }
}

/// Where `word` stands first outside of brackets and texts, and outside of other conditions with `if`.
fn find(text: &str, word: &str) -> Option<usize> {
    let (mut depth, mut is_text, mut is_escaped, mut ifs) = (0, false, false, 0);
    for (at, character) in text.char_indices() {
        if is_text {
            (is_text, is_escaped) = (character != '"' || is_escaped, character == '\\' && !is_escaped);
            continue;
        }
        let rest = &text[at..];
        if depth == 0 && ifs == 0 && rest.starts_with(word) {
            return Some(at);
        }
        match character {
            '"' => is_text = true,
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            'i' if depth == 0 && rest.starts_with("if ") => ifs += 1,
            ' ' if depth == 0 && rest.starts_with(" else ") => ifs -= 1,
            _ => {}
        }
    }
    None
}

/// Where the bracket that `text` begins with is closed.
fn closing(text: &str) -> usize {
    let open = text.chars().next().expect("a bracket");
    let close = if open == '(' { ")" } else { "}" };
    1 + find(&text[1..], close).expect("a bracket is closed")
}
