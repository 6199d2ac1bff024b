//! Whether the applications of a policy cover one, three-valued, and which entry said so.
//!
//! It lies in `compile` because tables over the applications that policies name are made of it when a bundle is
//! compiled; `evaluate` asks the same functions with what is known of a request.

use super::policy::{CompiledFilter, ResourceCondition, ResourceList};
use super::scope::{Entry, Match, find};
use crate::model::{Attributes, FilterMode, Id, IdRef, ResourceKind, Truth};

impl ResourceCondition {
    /// Whether it covers an application, or a [`STRANGER`](super::scope::STRANGER). `kind` is what kind of object that
    /// is, `attributes` all its custom security attributes; `None` is unknown.
    pub fn covers(
        &self,
        app_id: Option<IdRef<'_>>,
        kind: Option<ResourceKind>,
        attributes: Option<&Attributes<'_>>,
    ) -> Match<'_> {
        let side = |list, mode| {
            let rule = self.filter.as_ref().and_then(|filter| filter.entry(mode, attributes));
            app_side(list, app_id, kind).into_iter().flatten().chain(rule)
        };
        Match::of(side(&self.include, FilterMode::Include), side(&self.exclude, FilterMode::Exclude))
    }

    /// Whether it covers a request that names no application. With a user action, `is_action`, there is none; otherwise
    /// it may be any.
    pub fn covers_unsaid(&self, is_action: bool, kind: Option<ResourceKind>) -> Match<'_> {
        let app = UnsaidApp { is_action, kind };
        let rule = |mode| self.filter.as_ref().and_then(|filter| app.rule(filter, mode));
        Match::of(
            app.side(&self.include).chain(rule(FilterMode::Include)),
            app.side(&self.exclude).chain(rule(FilterMode::Exclude)),
        )
    }

    /// Whether what it covers depends on more than the id of an application.
    pub fn is_residual(&self) -> bool {
        self.filter.is_some() || self.include.all_agents || self.exclude.all_agents
    }
}

fn app_side<'b>(
    list: &'b ResourceList,
    app_id: Option<IdRef<'_>>,
    kind: Option<ResourceKind>,
) -> [Option<(Truth, Entry<'b>)>; 4] {
    let found = |ids: &'b [Id]| app_id.and_then(|app_id| find(ids, app_id));
    let suite = list.suites.iter().find(|(_, members)| found(members).is_some());
    [
        list.all.then_some((Truth::True, Entry::Word("All"))),
        found(&list.ids).map(|id| (Truth::True, Entry::Id(id))),
        suite.map(|(suite, _)| (Truth::True, Entry::Suite(*suite))),
        agents(list, kind),
    ]
}

fn agents<'b>(list: &ResourceList, kind: Option<ResourceKind>) -> Option<(Truth, Entry<'b>)> {
    let is_agent = kind.map_or(Truth::Unknown, |kind| Truth::from(kind != ResourceKind::Application));
    list.all_agents.then_some((is_agent, Entry::Word("AllAgentIdResources")))
}

/// A request that names no application.
#[derive(Clone, Copy)]
struct UnsaidApp {
    is_action: bool,
    kind: Option<ResourceKind>,
}

impl UnsaidApp {
    fn side<'b>(self, list: &'b ResourceList) -> impl Iterator<Item = (Truth, Entry<'b>)> + use<'b> {
        let all = list.all.then_some((Truth::True, Entry::Word("All")));
        let id = list.ids.first().map(|id| (Truth::Unknown, Entry::Id(id)));
        let suite = list.suites.first().map(|(suite, _)| (Truth::Unknown, Entry::Suite(*suite)));
        let some = [id, suite, agents(list, self.kind)].into_iter().flatten().filter(move |_| !self.is_action);
        all.into_iter().chain(some)
    }

    fn rule(self, filter: &CompiledFilter, mode: FilterMode) -> Option<(Truth, Entry<'static>)> {
        (!self.is_action && filter.mode == mode).then_some((Truth::Unknown, Entry::Filter))
    }
}
