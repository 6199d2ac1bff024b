//! What for, cut into what the policies of two bundles tell apart.
//!
//! Application, authentication context, user action and kind are one dimension, for a policy takes any of them. Start
//! with [`facts`].

use std::collections::{BTreeSet, HashMap};

use foldhash::fast::RandomState;

use super::crowd::Crowd;
use super::fact::{Fact, What};
use super::maker::{Maker, stranger_id};
use crate::compile::CompiledFilter;
use crate::evaluate::probe::leads_to_compliance;
use crate::model::request::Resource;
use crate::model::set::Word;
use crate::model::{Id, IdRef, IdentityKind, ResourceKind, UserAction};

/// What the policies of both sides say of resources.
#[derive(Default)]
struct Named<'b> {
    /// By application, the lists that it is in.
    apps: HashMap<&'b Id, Vec<usize>, RandomState>,
    contexts: BTreeSet<Box<str>>,
    has_actions: bool,
    has_agents: bool,
    filters: Vec<&'b CompiledFilter>,
}

impl<'b> Named<'b> {
    fn of(maker: &Maker<'_, 'b>) -> Self {
        let mut named = Self::default();
        let mut lists = 0;
        for condition in maker.policies().map(|policy| &policy.resources) {
            for list in [&condition.include, &condition.exclude] {
                let suites = list.suites.iter().map(|(_, members)| &**members);
                for ids in std::iter::once(&*list.ids).chain(suites) {
                    ids.iter().for_each(|id| named.apps.entry(id).or_default().push(lists));
                    lists += 1;
                }
                named.has_agents |= list.all_agents;
            }
            named.contexts.extend(condition.authentication_contexts.iter().cloned());
            named.has_actions |= condition.user_actions.iter().next().is_some();
            named.filters.extend(condition.filter.as_deref());
        }
        named
    }
}

/// Every combination of what a request of `kind` may say of its resource, as far as they fit.
pub fn facts(maker: &mut Maker<'_, '_>, kind: IdentityKind) -> Vec<Fact> {
    let sides = maker.universe.sides;
    let named = Named::of(maker);
    let mut apps: BTreeSet<Id> = named.apps.keys().map(|id| (*id).clone()).collect();
    if !named.filters.is_empty() {
        let catalogue = sides.iter().flat_map(|bundle| bundle.catalogue());
        apps.extend(catalogue.filter_map(|principal| principal.app_id.clone()));
    }
    // What is never evaluated, and what baseline scopes stand for, are applications like others.
    let is_agent = kind == IdentityKind::AgentIdentity;
    let own = [Some(IdRef::GRAPH.to_owned()), is_agent.then(|| IdRef::TOKEN_EXCHANGE.to_owned())];
    apps.extend(own.iter().flatten().cloned());
    let other = stranger_id(maker.universe, |id| apps.contains(id));
    let has_filters = !named.filters.is_empty();
    let attributes = maker.attributes(&named.filters, "application filters");
    let leads = |id: &Id| leads_to_compliance(&Resource { app_ids: vec![id.as_ref()], ..Resource::default() });
    let leads = apps.iter().any(leads);
    let combined = combined(&named, is_agent, leads);
    let disclosed = |id: &Id| sides.map(|bundle| bundle.attributes_of_app(id.as_ref()));
    // What a request says of an application that a catalogue has is what that says, or it is refused.
    let kinds = |id: &Id| sides.map(|bundle| bundle.kind_of_resource(id.as_ref()).filter(|_| named.has_agents));
    let key = |(id, _): &(Option<Id>, bool)| {
        let own = own.iter().flatten().find(|own| id.as_ref() == Some(*own));
        let known = id.as_ref().filter(|_| has_filters).map(disclosed);
        (id.is_some(), own, id.as_ref().and_then(|id| named.apps.get(id)), known, id.as_ref().map(kinds))
    };
    // What the catalogue knows goes without saying.
    let is_known =
        |(id, _): &(Option<Id>, bool)| id.as_ref().is_none_or(|id| disclosed(id).iter().any(Option::is_some));
    let targets = std::iter::once((Some(other), true)).chain(apps.into_iter().map(|app| (Some(app), false)));
    let targets = targets.chain([(None, false)]);
    let size = (combined.len(), attributes.len());
    let crowd = Crowd::fit(targets, size, key, is_known, "applications", &mut maker.notes);
    let mut facts = Vec::new();
    // The token exchange of an agent beside another resource is more than what each of them comes to.
    for has_exchange in [false, true] {
        for (target, says_all) in &crowd.members {
            let (app_id, is_other) = target;
            let is_exchange = app_id.as_ref().is_none_or(|id| id.as_ref() == IdRef::TOKEN_EXCHANGE);
            let stateable = if is_known(target) { 1 } else { crowd.attributes };
            let (stateable, count) = if *says_all { (stateable, crowd.facts) } else { (1, 1) };
            // What one catalogue knows and the other does not, a request may say to both.
            let disputed = match app_id.as_ref().map(disclosed) {
                Some([Some(known), None] | [None, Some(known)]) if *says_all && has_filters => {
                    Some(Some(known.clone()))
                }
                _ => None,
            };
            let known = app_id.as_ref().map(kinds);
            let agrees = |kind: ResourceKind| known.iter().flatten().flatten().all(|known| *known == kind);
            for attributes in attributes.iter().take(stateable).chain(&disputed) {
                let said = combined.iter().take(count).filter(|what| what.has_exchange == has_exchange);
                let said = said.filter(|what| what.kind.is_none_or(agrees));
                facts.extend(said.filter(|_| !has_exchange || !is_exchange).map(|what| What {
                    app_id: app_id.clone(),
                    is_other: *is_other,
                    attributes: attributes.clone(),
                    ..what.clone()
                }));
            }
        }
    }
    facts.into_iter().map(|what| Fact::Resource(Box::new(what))).collect()
}

/// What may be said beside the application, least first. `leads`: whether an application is one that leads to a compliant
/// device.
fn combined(named: &Named<'_>, is_agent: bool, leads: bool) -> Vec<What> {
    let contexts = &named.contexts;
    // WHY: what leads to a compliant device does not with a context, whether policies name the context or not.
    let has_other = leads || !contexts.is_empty();
    let contexts: Vec<Option<Box<str>>> = std::iter::once(None)
        .chain(contexts.iter().cloned().map(Some))
        .chain(
            (1..100)
                .rev()
                .map(|number| format!("c{number}").into())
                .find(|it| has_other && !contexts.contains(it))
                .map(Some),
        )
        .collect();
    // With a user action an agent's token exchange is evaluated, whether policies name the action or not.
    let actions: Vec<_> = std::iter::once(None)
        .chain(UserAction::ALL.iter().map(|action| Some(*action)).filter(|_| is_agent || named.has_actions))
        .collect();
    let kinds: &[Option<ResourceKind>] = if named.has_agents {
        &[None, Some(ResourceKind::Application), Some(ResourceKind::AgentIdentity)]
    } else {
        &[None]
    };
    let mut combined = Vec::new();
    for has_exchange in [false, true].into_iter().filter(|has_exchange| is_agent || !has_exchange) {
        for context in &contexts {
            for user_action in &actions {
                for kind in kinds {
                    combined.extend([false, true].map(|is_baseline| What {
                        kind: *kind,
                        user_action: *user_action,
                        context: context.clone(),
                        is_baseline,
                        has_exchange,
                        ..What::default()
                    }));
                }
            }
        }
    }
    combined
}
