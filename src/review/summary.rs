//! What a bundle contains, counted: which states, subjects, conditions, controls and locations its policies use.
//!
//! Looks at what was read, so that a bundle that is refused can be summed up too. Names are Microsoft Graph's where it has
//! one. Start with [`Summary::of`].

use std::collections::HashMap;
use std::fmt;

use crate::model::location::CountryLookup;
use crate::model::policy::{Conditions, Policy, ResourceTarget, UserTarget, Users};
use crate::model::set::Word;
use crate::model::{Bundle, ClientApp, IpRange, LocationKind, Platform, ServicePrincipal, Set};
use crate::text::Spanned;

/// Counts of what a bundle contains, in sections. One policy can count several times in a section but the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    sections: Vec<Section>,
}

/// What is counted together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// What it counts, for example `conditions`.
    pub name: &'static str,
    /// How many there are of each, those that occur, most frequent first.
    pub counts: Vec<(&'static str, usize)>,
}

impl Summary {
    /// Counts what is in `bundle`. Cost: linear.
    pub fn of(bundle: &Bundle) -> Self {
        let per_policy = |names: fn(&Policy) -> Vec<&'static str>| bundle.policies.iter().flat_map(names);
        let ranges = bundle.locations.iter().filter_map(|location| match &location.kind {
            LocationKind::Ip { ranges, .. } => Some(ranges.iter()),
            _ => None,
        });
        let strengths = bundle.strengths.iter().map(|_| "authenticationStrengths");
        Self {
            sections: vec![
                Section::of("policies", bundle.policies.iter().map(|policy| state(bundle, policy))),
                Section::of("subjects", per_policy(|policy| subjects(&policy.conditions))),
                Section::of("resources", per_policy(|policy| resources(&policy.conditions))),
                Section::of("conditions", per_policy(conditions)),
                Section::of("grantControls", per_policy(grant_controls)),
                Section::of("sessionControls", per_policy(session_controls)),
                Section::of("namedLocations", bundle.locations.iter().map(|location| kind(&location.kind))),
                Section::of("addressRanges", ranges.flatten().map(family)),
                Section::of("servicePrincipals", bundle.principals.iter().map(principal)),
                Section::of("authenticationStrengths", strengths),
            ],
        }
    }

    /// The sections, in a fixed order, also those that are empty.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }
}

impl Section {
    fn of(name: &'static str, names: impl Iterator<Item = &'static str>) -> Self {
        let mut counts = HashMap::new();
        names.for_each(|name| *counts.entry(name).or_insert(0) += 1);
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_unstable_by(|(name, count), (other, others)| others.cmp(count).then(name.cmp(other)));
        Self { name, counts }
    }
}

/// A line for each section that is not empty, or `nothing`.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = || self.sections.iter().filter(|section| !section.counts.is_empty());
        if told().next().is_none() {
            return writeln!(f, "nothing");
        }
        let width = told().map(|section| section.name.len()).max().unwrap_or(0);
        for section in told() {
            let counts = section.counts.iter().map(|(name, count)| format!("{count} {name}"));
            writeln!(f, "{:width$}  {}", section.name, counts.collect::<Vec<_>>().join(", "))?;
        }
        Ok(())
    }
}

fn state(bundle: &Bundle, policy: &Policy) -> &'static str {
    if policy.is_deleted {
        "deleted"
    } else if bundle.settings.ignores(policy) {
        "ignored"
    } else {
        policy.state.as_str()
    }
}

/// The names that are used.
fn used(names: impl IntoIterator<Item = (bool, &'static str)>) -> Vec<&'static str> {
    names.into_iter().filter(|(is_used, _)| *is_used).map(|(_, name)| name).collect()
}

fn has<T>(list: &[Spanned<T>], wanted: impl Fn(&T) -> bool) -> bool {
    list.iter().any(|entry| wanted(&entry.value))
}

/// Who is included.
fn subjects(conditions: &Conditions) -> Vec<&'static str> {
    let Users { include, include_groups, include_roles, include_guests, .. } = &conditions.users;
    let includes = |filter: &Option<crate::model::policy::Filter>| {
        filter.as_ref().is_some_and(|filter| filter.mode == crate::model::FilterMode::Include)
    };
    let (workloads, agents) = (&conditions.service_principals, &conditions.agent_identities);
    let mut subjects = used([
        (has(include, |target| *target == UserTarget::All), "allUsers"),
        (has(include, |target| matches!(target, UserTarget::Id(_))), "users"),
        (!include_groups.is_empty(), "groups"),
        (!include_roles.is_empty(), "roles"),
        (
            include_guests.is_some() || has(include, |target| *target == UserTarget::GuestsOrExternalUsers),
            "guestsOrExternalUsers",
        ),
        (has(include, |target| *target == UserTarget::AllAgentUsers), "agentUsers"),
        (!workloads.include.is_empty() || includes(&workloads.filter), "servicePrincipals"),
        (!agents.include.is_empty() || includes(&agents.filter), "agentIdentities"),
    ]);
    if subjects.is_empty() {
        subjects.push("nobody");
    }
    subjects
}

/// What is included.
fn resources(conditions: &Conditions) -> Vec<&'static str> {
    let resources = &conditions.resources;
    let includes = |wanted: ResourceTarget| has(&resources.include, |target| *target == wanted);
    let mut names = used([
        (includes(ResourceTarget::All), "all"),
        (has(&resources.include, |target| matches!(target, ResourceTarget::App(_))), "applications"),
        (includes(ResourceTarget::Office365), "Office365"),
        (includes(ResourceTarget::MicrosoftAdminPortals), "MicrosoftAdminPortals"),
        (includes(ResourceTarget::AllAgentResources), "AllAgentIdResources"),
        (!resources.user_actions.is_empty(), "userActions"),
        (!resources.authentication_contexts.is_empty(), "authenticationContexts"),
        (resources.filter.is_some(), "applicationFilter"),
    ]);
    if names.is_empty() {
        names.push("nothing");
    }
    names
}

/// Conditions that are configured, besides subjects and resources.
fn conditions(policy: &Policy) -> Vec<&'static str> {
    let conditions = &policy.conditions;
    let platforms: [Set<Platform>; 2] = [conditions.platforms.include, conditions.platforms.exclude];
    let locations = &conditions.locations;
    let client_apps = conditions.client_apps;
    used([
        (!locations.include.is_empty() || !locations.exclude.is_empty(), "locations"),
        (platforms.iter().any(|set| !set.is_empty()), "platforms"),
        (!client_apps.is_empty() && !client_apps.contains(ClientApp::All), "clientAppTypes"),
        (conditions.device_filter.is_some(), "deviceFilter"),
        (!conditions.sign_in_risk.is_empty(), "signInRiskLevels"),
        (!conditions.user_risk.is_empty(), "userRiskLevels"),
        (!conditions.service_principal_risk.is_empty(), "servicePrincipalRiskLevels"),
        (!conditions.agent_risk.is_empty(), "agentIdRiskLevels"),
        (!conditions.insider_risk.is_empty(), "insiderRiskLevels"),
        (!conditions.flows.is_empty(), "authenticationFlows"),
        (conditions.service_principals.filter.is_some(), "servicePrincipalFilter"),
        (conditions.agent_identities.filter.is_some(), "agentIdServicePrincipalFilter"),
        (policy.when.is_some(), "when"),
    ])
}

fn grant_controls(policy: &Policy) -> Vec<&'static str> {
    let Some(grant) = &policy.grant else { return Vec::new() };
    let mut names: Vec<_> = grant.built_in.iter().map(Word::as_str).collect();
    names.extend(used([
        (grant.authentication_strength.is_some(), "authenticationStrength"),
        (!grant.terms_of_use.is_empty(), "termsOfUse"),
        (!grant.custom_factors.is_empty(), "customAuthenticationFactors"),
    ]));
    names
}

fn session_controls(policy: &Policy) -> Vec<&'static str> {
    let controls = &policy.session_controls;
    used([
        (controls.sign_in_frequency.is_some(), "signInFrequency"),
        (controls.persistent_browser.is_some(), "persistentBrowser"),
        (controls.cloud_app_security.is_some(), "cloudAppSecurity"),
        (controls.continuous_access_evaluation.is_some(), "continuousAccessEvaluation"),
        (controls.application_enforced_restrictions, "applicationEnforcedRestrictions"),
        (controls.disable_resilience_defaults, "disableResilienceDefaults"),
        (controls.secure_sign_in_session, "secureSignInSession"),
        (policy.filtering_profile.is_some(), "globalSecureAccessFilteringProfile"),
        (policy.shaping.as_ref().is_some_and(|shaping| !shaping.token.is_empty()), "token"),
        (policy.shaping.as_ref().is_some_and(|shaping| !shaping.obligations.is_empty()), "obligations"),
    ])
}

fn kind(kind: &LocationKind) -> &'static str {
    match kind {
        LocationKind::Ip { is_trusted: true, .. } => "trustedIp",
        LocationKind::Ip { .. } => "ip",
        LocationKind::Country { lookup: CountryLookup::ClientIpAddress, .. } => "countryByAddress",
        LocationKind::Country { lookup: CountryLookup::AuthenticatorAppGps, .. } => "countryByGps",
        LocationKind::CompliantNetwork { .. } => "compliantNetwork",
        LocationKind::Unjudgeable { .. } => "other",
    }
}

const fn family(range: IpRange) -> &'static str {
    match range {
        IpRange::V4(..) => "IPv4",
        IpRange::V6(..) => "IPv6",
    }
}

fn principal(principal: &ServicePrincipal) -> &'static str {
    principal.kind.map_or("unknown", Word::as_str)
}
