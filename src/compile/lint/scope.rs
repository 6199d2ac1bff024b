//! Who and what is in scope: identities that a policy names and never covers, conditions that nobody meets.
//!
//! Source: Entra documentation, "Conditional Access for workload identities", "Conditional Access: Users and groups",
//! "Filter for devices" and "Filter for applications", read August 2026.

use std::collections::BTreeMap;

use super::super::eligibility::eligible;
use super::super::policy::{CompiledFilter, CompiledPolicy, PrincipalScope};
use super::super::resolve::Names;
use super::super::rules;
use crate::filter::Unregistered;
use crate::model::attribute::folded_name;
use crate::model::policy::{Policy, PrincipalTarget, ResourceTarget, Scope, UserTarget};
use crate::model::{
    AttributeValue, Bundle, ClientApp, FilterMode, Id, IdRef, Platform, RiskLevel, ServicePrincipal,
    ServicePrincipalType, SignInAudience, Truth,
};
use crate::text::{Diagnostic, Span, Spanned};

/// Identities that are named in vain.
pub fn scopes(
    bundle: &Bundle,
    policy: &Policy,
    compiled: &CompiledPolicy,
    names: &Names<'_>,
    problems: &mut Vec<Diagnostic>,
) {
    let conditions = &policy.conditions;
    pointless(&conditions.service_principals, &compiled.workloads, false, problems);
    pointless(&conditions.agent_identities, &compiled.agents, true, problems);
    agent_users(policy, compiled, problems);
    if bundle.principals.is_empty() {
        return;
    }
    uncovered(bundle, &conditions.service_principals.include, names, problems);
    let workloads = &conditions.service_principals;
    for target in workloads.include.iter().chain(&workloads.exclude) {
        unlisted(target, names, problems);
    }
    let users = &conditions.users;
    let accounts = users.include.iter().chain(&users.exclude).filter_map(|target| match &target.value {
        UserTarget::Id(id) => Some((id, target.span)),
        _ => None,
    });
    let groups = users.include_groups.iter().chain(&users.exclude_groups).map(|group| (&group.value, group.span));
    for (id, span) in accounts.chain(groups) {
        let Some(principal) = names.principal(id).and_then(|index| bundle.principals.get(index)) else { continue };
        let what = format!("`{id}` is the service principal {}", name_of(principal));
        let help = "name it in `clientApplications` of a policy for workloads";
        problems.push(
            Diagnostic::new(&rules::PRINCIPAL_AS_USER, span, what)
                .help(help)
                .related(principal.id.span, "its entry in the catalogue"),
        );
    }
}

/// Exclusions where only listed identities are included, and none of them is excluded. Of agents a blueprint may stand
/// for the agent that is listed, so there only an exclusion from nothing is pointless.
fn pointless(
    scope: &Scope<PrincipalTarget>,
    compiled: &PrincipalScope,
    can_be_related: bool,
    problems: &mut Vec<Diagnostic>,
) {
    let includes_by_filter = compiled.filter.as_ref().is_some_and(|filter| filter.mode == FilterMode::Include);
    let may_matter = |id: &Id| can_be_related || compiled.include.binary_search(id).is_ok();
    if compiled.includes_all
        || includes_by_filter
        || !compiled.include.is_empty() && compiled.exclude.iter().any(may_matter)
        || compiled.exclude.is_empty()
    {
        return;
    }
    let named = scope.exclude.iter().find_map(|target| match &target.value {
        PrincipalTarget::Named(name) => Some((name, target.span)),
        PrincipalTarget::All => None,
    });
    if let Some((name, span)) = named {
        let what = format!("`{name}` is excluded and was never included");
        let help = "take it out, or include `ServicePrincipalsInMyTenant` (agent identities: `All`)";
        problems.push(Diagnostic::new(&rules::POINTLESS_EXCLUSION, span, what).help(help));
    }
}

/// Agents that are excluded while their user accounts stay in.
fn agent_users(policy: &Policy, compiled: &CompiledPolicy, problems: &mut Vec<Diagnostic>) {
    let users = &compiled.users;
    if !users.include.all_agent_users || compiled.agents.exclude.is_empty() || !users.exclude.ids.is_empty() {
        return;
    }
    if let Some(target) = policy.conditions.agent_identities.exclude.first() {
        let what = format!("`{}` still covers the user account of this agent", policy.display_name.value);
        let help = "exclude the user account too, in `excludeUsers`";
        problems.push(Diagnostic::new(&rules::AGENT_USER_EXCLUSION, target.span, what).help(help));
    }
}

fn uncovered(bundle: &Bundle, targets: &[Spanned<PrincipalTarget>], names: &Names<'_>, problems: &mut Vec<Diagnostic>) {
    let settings = &bundle.settings;
    for target in targets {
        let PrincipalTarget::Named(name) = &target.value else { continue };
        let Some(principal) = names.principal_named(name).and_then(|index| bundle.principals.get(index)) else {
            continue;
        };
        if eligible(settings.eligibility, settings.tenant_id.as_ref(), principal) != Truth::False {
            continue;
        }
        let (is, help) = match (principal.kind, principal.audience) {
            (Some(ServicePrincipalType::ManagedIdentity), _) => {
                ("a managed identity", "take it out, or write `eligibility: all` in bundle.yaml")
            }
            (Some(ServicePrincipalType::ServiceIdentity), _) => {
                ("an agent identity", "name it in `includeAgentIdServicePrincipals`")
            }
            (Some(ServicePrincipalType::AgentBlueprint), _) => (
                "the principal of an agent identity blueprint",
                "name it in `includeAgentIdServicePrincipals`, which covers the agents that are made of it",
            ),
            (Some(kind), _) if kind != ServicePrincipalType::Application => {
                ("no application", "take it out, or write `eligibility: all` in bundle.yaml")
            }
            (_, Some(audience)) if audience != SignInAudience::MyOrg => {
                ("not for this tenant alone", "take it out, or write `eligibility: all` in bundle.yaml")
            }
            _ => ("an application of another tenant", "take it out, or write `eligibility: all` in bundle.yaml"),
        };
        let what = format!("{} is {is}, so this policy never covers it", name_of(principal));
        problems.push(
            Diagnostic::new(&rules::UNCOVERED_PRINCIPAL, target.span, what)
                .help(help)
                .related(principal.id.span, "its entry in the catalogue"),
        );
    }
}

/// A GUID that the catalogue knows neither as an object id nor as an app id, of which another rule speaks.
fn unlisted(target: &Spanned<PrincipalTarget>, names: &Names<'_>, problems: &mut Vec<Diagnostic>) {
    let PrincipalTarget::Named(name) = &target.value else { return };
    let id = Id::new(name);
    if !id.as_ref().is_guid() || names.principal(&id).is_some() || names.is_app_id(id.as_ref()) {
        return;
    }
    let what = format!("the catalogue has no service principal with the object id `{name}`");
    let help = "take the object id from the enterprise application, not from the app registration, and add the service \
                principal to the catalogue";
    problems.push(Diagnostic::new(&rules::UNLISTED_PRINCIPAL, target.span, what).help(help));
}

fn name_of(principal: &ServicePrincipal) -> String {
    match &principal.display_name {
        Some(name) => format!("`{}`", name.value),
        None => format!("`{}`", principal.id.value),
    }
}

/// Conditions about what a kind of identity in scope does not have, and filters that exempt more than they say.
pub fn conditions(policy: &Policy, compiled: &CompiledPolicy, problems: &mut Vec<Diagnostic>) {
    let conditions = &policy.conditions;
    let is_set = |levels: crate::model::Set<RiskLevel>| !levels.is_empty() && !levels.contains(RiskLevel::None);
    let platforms = conditions.platforms.include;
    let of_users = [
        (is_set(conditions.sign_in_risk), "signInRiskLevels"),
        (is_set(conditions.user_risk), "userRiskLevels"),
        (!conditions.insider_risk.is_empty(), "insiderRiskLevels"),
        (!platforms.is_empty() && !platforms.contains(Platform::All), "platforms"),
        (!conditions.flows.is_empty(), "authenticationFlows"),
        (compiled.device_filter.as_ref().is_some_and(|filter| !matches_unregistered(filter)), "deviceFilter"),
    ];
    let of_users: Vec<_> = of_users.into_iter().filter(|(is_set, _)| *is_set).map(|(_, name)| name).collect();
    let workload_risk = is_set(conditions.service_principal_risk).then_some("servicePrincipalRiskLevels");
    let agent_risk = is_set(conditions.agent_risk).then_some("agentIdRiskLevels");
    let kinds = [
        (!compiled.users.include.is_empty(), "users", workload_risk.into_iter().collect::<Vec<_>>()),
        (!compiled.workloads.is_empty(), "service principals", of_users.iter().copied().chain(agent_risk).collect()),
        (!compiled.agents.is_empty(), "agent identities", of_users.iter().copied().chain(workload_risk).collect()),
    ];
    for (_, kind, foreign) in kinds.into_iter().filter(|(is_in_scope, _, foreign)| *is_in_scope && !foreign.is_empty())
    {
        // WHY not that it never applies: a caller may send the fact all the same, and then the condition can hold.
        let what = format!(
            "`{}` applies to {kind} only if a request says what is asked by {}, as none of Entra's does",
            policy.display_name.value,
            listed(&foreign)
        );
        foreign_condition(policy, what, problems);
    }
    let kind = if compiled.workloads.is_empty() { "agent identities" } else { "service principals" };
    let is_for_workloads = !compiled.workloads.is_empty() || !compiled.agents.is_empty();
    if is_for_workloads && !conditions.client_apps.is_empty() && !conditions.client_apps.contains(ClientApp::All) {
        let what = format!(
            "`{}` applies to {kind} whatever `clientAppTypes` lists, unless a request says another client app",
            policy.display_name.value
        );
        foreign_condition(policy, what, problems);
    }
    if let (Some(filter), Some(written)) = (&compiled.device_filter, &conditions.device_filter)
        && filter.mode == FilterMode::Exclude
        && !matches_unregistered(filter)
    {
        let what = format!("this filter exempts every unregistered device from `{}`", policy.display_name.value);
        let help = "write the rule with positive operators, or `mode: include` with its opposite";
        problems.push(Diagnostic::new(&rules::FILTER_UNREGISTERED, written.rule.span, what).help(help));
    }
}

fn foreign_condition(policy: &Policy, what: String, problems: &mut Vec<Diagnostic>) {
    let help = "make it a policy of its own, without the condition, or take them out of its scope";
    problems.push(Diagnostic::new(&rules::FOREIGN_CONDITION, policy.display_name.span, what).help(help));
}

/// Whether the condition holds for a device of which there is nothing to know.
fn matches_unregistered(filter: &CompiledFilter) -> bool {
    (filter.rule.evaluate(&Unregistered) == Truth::True) == (filter.mode == FilterMode::Include)
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" and ")
}

/// Resources that are named in vain.
pub fn resources(bundle: &Bundle, policy: &Policy, problems: &mut Vec<Diagnostic>) {
    filter_beside_word(policy, problems);
    let resources = &policy.conditions.resources;
    let is_agents = |target: &&Spanned<ResourceTarget>| target.value == ResourceTarget::AllAgentResources;
    if let Some(target) = resources.include.iter().find(is_agents).filter(|_| bundle.principals.is_empty()) {
        let what =
            format!("nothing here says what is no agent: `{}` may cover every resource", policy.display_name.value);
        let help = "add an export of the service principals to the bundle, or have callers send `resource.type`";
        problems.push(Diagnostic::new(&rules::AGENT_RESOURCES, target.span, what).help(help));
    }
    let graph = IdRef::GRAPH.to_owned();
    let is_graph = |target: &&Spanned<ResourceTarget>| matches!(&target.value, ResourceTarget::App(id) if *id == graph);
    if let Some(target) = resources.include.iter().chain(&resources.exclude).find(is_graph) {
        let help = "name the services behind the permissions, or all resources";
        let what = "Microsoft Graph is no resource of its own";
        problems.push(Diagnostic::new(&rules::GRAPH_RESOURCE, target.span, what).help(help));
    }
}

/// A filter that includes, beside a word that is no app. Graph stores it, and the filter then decides nothing.
/// Source: hashicorp/terraform-provider-azuread, issue 1882, read August 2026.
fn filter_beside_word(policy: &Policy, problems: &mut Vec<Diagnostic>) {
    let resources = &policy.conditions.resources;
    if resources.filter.as_ref().is_none_or(|filter| filter.mode == FilterMode::Exclude) {
        return;
    }
    let words = [(ResourceTarget::All, "All"), (ResourceTarget::AllAgentResources, "AllAgentIdResources")];
    let of = |target: &Spanned<ResourceTarget>| words.iter().find(|(word, _)| *word == target.value);
    if let Some((target, (_, word))) = resources.include.iter().find_map(|target| Some((target, of(target)?))) {
        let what = format!("`{word}` stands beside a filter that includes");
        let help = "leave the word out, and list app ids beside the filter if need be";
        problems.push(Diagnostic::new(&rules::RESOURCE_FILTER, target.span, what).help(help));
    }
}

/// Attributes that a filter compares and the catalogue has as something else than text; told once for each attribute.
pub fn attribute_types(bundle: &Bundle, policies: &[CompiledPolicy], problems: &mut Vec<Diagnostic>) {
    let mut compared = BTreeMap::new();
    for policy in policies {
        let filters = [&policy.workloads.filter, &policy.agents.filter, &policy.resources.filter];
        for name in filters.into_iter().flatten().flat_map(|filter| filter.rule.custom_attributes()) {
            compared.entry(folded_name(name)).or_insert((name, policy.index));
        }
    }
    let mut holders: BTreeMap<String, (&ServicePrincipal, usize)> = BTreeMap::new();
    for principal in &bundle.principals {
        let attributes = principal.attributes.iter().flat_map(|attributes| attributes.iter());
        for (name, _) in attributes.filter(|(_, value)| matches!(value, AttributeValue::Other)) {
            let name = folded_name(name);
            if compared.contains_key(&name) {
                holders.entry(name).or_insert((principal, 0)).1 += 1;
            }
        }
    }
    for (folded, (name, index)) in compared {
        let Some((first, count)) = holders.get(&folded) else { continue };
        let more = match count - 1 {
            0 => String::new(),
            more => format!(", nor of {more} more"),
        };
        let what = format!("`{name}` of {} is no text{more}", name_of(first));
        let help = "store it as text, in an attribute of type String";
        let span = bundle.policies.get(index.as_usize()).map_or(Span::NONE, |policy| policy.display_name.span);
        problems.push(
            Diagnostic::new(&rules::ATTRIBUTE_TYPE, first.id.span, what)
                .help(help)
                .related(span, "a filter of this policy compares it"),
        );
    }
}
