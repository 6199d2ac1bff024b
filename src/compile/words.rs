//! Conditions that list words of a small vocabulary: risk, platform, client app, authentication flow.
//!
//! They lie in `compile` because tables over all words are made of them when a bundle is compiled; `evaluate` asks the
//! same functions, so that the two cannot disagree.

use super::scope::{Entry, Match};
use crate::model::policy::Platforms;
use crate::model::set::Word;
use crate::model::{ClientApp, Platform, Set, Truth};

/// A level is in the set or it is not: levels are no thresholds. An empty set is not configured.
pub fn listed<'b, T: Word>(levels: Set<T>, level: T) -> Match<'b> {
    if levels.is_empty() {
        return Match::NOT_CONFIGURED;
    }
    Match::of(levels.contains(level).then_some((Truth::True, Entry::Word(level.as_str()))), None)
}

/// An unknown platform is covered by `all` only, and never excluded.
pub fn platform<'b>(condition: Platforms, platform: Option<Platform>) -> Match<'b> {
    if condition.include.is_empty() && condition.exclude.is_empty() {
        return Match::NOT_CONFIGURED;
    }
    let side = |set: Set<Platform>, empty_is_all: bool| {
        let all = set.contains(Platform::All) || (empty_is_all && set.is_empty());
        let own = platform.filter(|platform| set.contains(*platform)).map(Word::as_str);
        all.then_some("all").or(own).map(|word| (Truth::True, Entry::Word(word)))
    };
    Match::of(side(condition.include, true), side(condition.exclude, false))
}

/// `exchangeActiveSync` covers the supported platforms too; an app that is not said may be any.
pub fn client_app<'b>(set: Set<ClientApp>, app: Option<ClientApp>) -> Match<'b> {
    if set.is_empty() || set.contains(ClientApp::All) {
        return Match::NOT_CONFIGURED;
    }
    let covers = |app: ClientApp| {
        set.contains(app) || (app == ClientApp::EasSupported && set.contains(ClientApp::ExchangeActiveSync))
    };
    let entry = match app {
        Some(app) => covers(app).then_some((Truth::True, Entry::Word(app.as_str()))),
        None => set.iter().next().map(|app| (Truth::Unknown, Entry::Word(app.as_str()))),
    };
    Match::of(entry, None)
}
