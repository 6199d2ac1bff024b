//! Resolves references: names and ids to what they stand for, rules to parsed filters, suites to members.
//!
//! Every reference that leads nowhere is an error with a near miss; none is ever skipped silently.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::cedar::{self, CedarCondition};
use super::idmap::IdMap;
use super::location::{LocationSet, insert};
use super::network::LocationIndex;
use super::policy::{
    CompiledPolicy, LocationCondition, PolicyIndex, PrincipalScope, ResourceCondition, ResourceList, Suite, UserList,
    UserScope,
};
use super::strengths::Strengths;
use super::{filter, grant, rules, suites};
use crate::filter::Root;
use crate::limits;
use crate::model::bundle::Eligibility;
use crate::model::policy::{
    Guests, LocationTarget, Locations, Policy, PrincipalTarget, ResourceTarget, Resources, Scope, UserTarget, Users,
    When,
};
use crate::model::{Bundle, Id, IdRef, LocationKind, State};
use crate::text::{Diagnostic, Span, Spanned, suggest};

/// What references can lead to.
#[derive(Debug)]
pub struct Names<'b> {
    bundle: &'b Bundle,
    locations_by_id: IdMap<LocationIndex>,
    locations_by_name: HashMap<&'b str, Vec<LocationIndex>, RandomState>,
    principals_by_id: IdMap<usize>,
    principals_by_name: HashMap<&'b str, Vec<usize>, RandomState>,
    principals_by_app: IdMap<usize>,
    office365: Arc<[Id]>,
    admin_portals: Arc<[Id]>,
    strengths: Strengths,
    /// What most policies say of users, agents and resources; they share it.
    no_users: Arc<UserScope>,
    no_agents: Arc<PrincipalScope>,
    all_resources: Arc<ResourceCondition>,
    /// How many more unknown names are held against all known ones.
    near_misses_left: Cell<usize>,
    /// Groups and roles that policies name, numbered.
    pub directory_objects: IdMap<u32>,
}

impl<'b> Names<'b> {
    /// Indexes `bundle`; two objects with one id are reported.
    pub fn new(bundle: &'b Bundle, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let settings = &bundle.settings;
        let mut names = Self {
            bundle,
            locations_by_id: IdMap::default(),
            locations_by_name: HashMap::default(),
            principals_by_id: IdMap::default(),
            principals_by_name: HashMap::default(),
            principals_by_app: IdMap::default(),
            office365: sorted(settings.office365.clone().unwrap_or_else(|| suites::office365(&bundle.principals)))
                .into(),
            admin_portals: sorted(settings.microsoft_admin_portals.clone().unwrap_or_else(suites::admin_portals))
                .into(),
            strengths: Strengths::new(&bundle.strengths),
            no_users: Arc::default(),
            no_agents: Arc::default(),
            all_resources: Arc::new(ResourceCondition {
                include: ResourceList { all: true, ..ResourceList::default() },
                ..ResourceCondition::default()
            }),
            near_misses_left: Cell::new(limits::NEAR_MISSES_MAX),
            directory_objects: IdMap::default(),
        };
        names.index_locations(diagnostics);
        names.index_principals(diagnostics);
        super::strengths::check(bundle, diagnostics);
        names
    }

    fn index_locations(&mut self, diagnostics: &mut Vec<Diagnostic>) {
        for (index, location) in (0..).zip(&self.bundle.locations) {
            self.locations_by_name.entry(&location.display_name.value).or_default().push(index);
            let Some(id) = &location.id else { continue };
            let first = *self.locations_by_id.entry(id.value.as_ref(), || index);
            if first != index {
                let other = self.bundle.locations.get(usize::from(first)).and_then(|first| first.id.as_ref());
                diagnostics.push(rules::duplicate("location", &id.value.to_string(), id.span, other.map(|id| id.span)));
            }
        }
    }

    fn index_principals(&mut self, diagnostics: &mut Vec<Diagnostic>) {
        for (index, principal) in self.bundle.principals.iter().enumerate() {
            if let Some(name) = &principal.display_name {
                self.principals_by_name.entry(&name.value).or_default().push(index);
            }
            if let Some(app_id) = &principal.app_id {
                let first = *self.principals_by_app.entry(app_id.as_ref(), || index);
                if first != index {
                    let other = self.bundle.principals.get(first).map(|first| first.id.span);
                    diagnostics.push(rules::duplicate(
                        "service principal of the application with",
                        &app_id.to_string(),
                        principal.id.span,
                        other,
                    ));
                }
            }
            let id = &principal.id;
            let first = *self.principals_by_id.entry(id.value.as_ref(), || index);
            if first != index {
                let other = self.bundle.principals.get(first).map(|first| first.id.span);
                diagnostics.push(rules::duplicate("service principal", &id.value.to_string(), id.span, other));
            }
        }
    }

    /// Number of the MFA trusted IPs, behind the named locations.
    pub fn mfa_trusted_ips(&self) -> LocationIndex {
        mfa_trusted_ips(self.bundle)
    }

    /// Number of the set of all trusted locations.
    pub fn all_trusted(&self) -> LocationIndex {
        self.mfa_trusted_ips().saturating_add(1)
    }

    /// The catalogue's entry for an object id.
    pub fn principal(&self, id: &Id) -> Option<usize> {
        self.principals_by_id.value(id.as_ref()).copied()
    }

    /// The catalogue's entry that `name`, an object id or a display name, stands for; problems are not told.
    pub fn principal_named(&self, name: &str) -> Option<usize> {
        let by_id = self.principal(&Id::new(name));
        by_id.or_else(|| match self.principals_by_name.get(name).map(Vec::as_slice) {
            Some([index]) => Some(*index),
            _ => None,
        })
    }

    /// Whether `id` is the app id of an entry of the catalogue.
    pub fn is_app_id(&self, id: IdRef<'_>) -> bool {
        self.principals_by_app.value(id).is_some()
    }

    /// Resolves a policy, which stands at `index` in bundle order. Problems go to `diagnostics`; what they are about
    /// is missing from the result.
    pub fn policy(&mut self, policy: &Policy, index: PolicyIndex, diagnostics: &mut Vec<Diagnostic>) -> CompiledPolicy {
        let conditions = &policy.conditions;
        let users = if conditions.users == Users::default() {
            Arc::clone(&self.no_users)
        } else {
            Arc::new(self.users(&conditions.users))
        };
        let workloads = self.scope(&conditions.service_principals, diagnostics);
        let agents = if conditions.agent_identities.is_empty() {
            Arc::clone(&self.no_agents)
        } else {
            Arc::new(self.scope(&conditions.agent_identities, diagnostics))
        };
        let kinds = covered(&users, &workloads, &agents, self.bundle.settings.eligibility);
        CompiledPolicy {
            index,
            is_report_only: policy.state == State::ReportOnly,
            when: policy.when.as_ref().and_then(|when| self.condition(when, &kinds, diagnostics)).map(Box::new),
            users,
            workloads,
            agents,
            resources: if is_everything(&conditions.resources) {
                Arc::clone(&self.all_resources)
            } else {
                Arc::new(self.resources(&conditions.resources, diagnostics))
            },
            client_apps: conditions.client_apps,
            platforms: conditions.platforms,
            locations: self.locations(&conditions.locations, diagnostics),
            device_filter: conditions
                .device_filter
                .as_ref()
                .and_then(|filter| filter::compiled(filter, Root::Device, diagnostics)),
            sign_in_risk: conditions.sign_in_risk,
            user_risk: conditions.user_risk,
            service_principal_risk: conditions.service_principal_risk,
            agent_risk: conditions.agent_risk,
            insider_risk: conditions.insider_risk,
            flows: conditions.flows,
            grant: grant::grant(policy, &self.strengths, diagnostics),
            session: grant::session(policy).map(Box::new),
        }
    }

    fn condition(&self, when: &When, kinds: &[&str], diagnostics: &mut Vec<Diagnostic>) -> Option<CedarCondition> {
        let checked = cedar::condition(when, kinds, diagnostics)?;
        let before = diagnostics.len();
        let named = checked.locations.into_iter().filter(|(name, _)| LocationTarget::trusted(name).is_none());
        for (name, range) in named {
            self.location(&name, when.text.within(range), diagnostics);
        }
        (diagnostics.len() == before).then_some(checked.condition)
    }

    fn users(&mut self, users: &Users) -> UserScope {
        UserScope {
            include: self.user_list(
                &users.include,
                &users.include_groups,
                &users.include_roles,
                users.include_guests.as_ref(),
            ),
            exclude: self.user_list(
                &users.exclude,
                &users.exclude_groups,
                &users.exclude_roles,
                users.exclude_guests.as_ref(),
            ),
        }
    }

    fn user_list(
        &mut self,
        targets: &[Spanned<UserTarget>],
        groups: &[Spanned<Id>],
        roles: &[Spanned<Id>],
        guests: Option<&Guests>,
    ) -> UserList {
        let has = |target: &UserTarget| targets.iter().any(|entry| entry.value == *target);
        let ids = targets.iter().filter_map(|target| match &target.value {
            UserTarget::Id(id) => Some(id.clone()),
            _ => None,
        });
        UserList {
            all: has(&UserTarget::All),
            all_agent_users: has(&UserTarget::AllAgentUsers),
            all_guests: has(&UserTarget::GuestsOrExternalUsers),
            ids: sorted(ids.collect()),
            groups: groups.iter().map(|id| self.directory_object(&id.value)).collect(),
            roles: roles.iter().map(|id| self.directory_object(&id.value)).collect(),
            guests: guests.filter(|guests| !guests.types.is_empty()).cloned().map(Box::new),
        }
    }

    fn directory_object(&mut self, id: &Id) -> u32 {
        let next = u32::try_from(self.directory_objects.len()).unwrap_or(u32::MAX);
        *self.directory_objects.entry(id.as_ref(), || next)
    }

    fn scope(&self, scope: &Scope<PrincipalTarget>, diagnostics: &mut Vec<Diagnostic>) -> PrincipalScope {
        let mut ids = |targets: &[Spanned<PrincipalTarget>]| {
            let ids = targets.iter().filter_map(|target| match &target.value {
                PrincipalTarget::All => None,
                PrincipalTarget::Named(name) => self.principal_id(name, target.span, diagnostics),
            });
            sorted(ids.collect())
        };
        let has_all =
            |targets: &[Spanned<PrincipalTarget>]| targets.iter().any(|target| target.value == PrincipalTarget::All);
        PrincipalScope {
            includes_all: has_all(&scope.include),
            include: ids(&scope.include),
            excludes_all: has_all(&scope.exclude),
            exclude: ids(&scope.exclude),
            filter: scope
                .filter
                .as_ref()
                .and_then(|filter| filter::compiled(filter, Root::CustomSecurityAttributes, diagnostics)),
        }
    }

    /// A GUID stands for itself, in the catalogue or not; anything else must be an id or a name of the catalogue.
    pub fn principal_id(&self, name: &str, span: Span, diagnostics: &mut Vec<Diagnostic>) -> Option<Id> {
        let id = Id::new(name);
        if self.principal(&id).is_some() {
            return Some(id);
        }
        if id.as_ref().is_guid() {
            if let Some(other) =
                self.principals_by_app.value(id.as_ref()).and_then(|index| self.bundle.principals.get(*index))
            {
                let what = format!("`{name}` is an app id");
                let help = format!("the object id of that service principal is {}", other.id.value);
                diagnostics.push(
                    Diagnostic::new(&rules::APP_ID, span, what).help(help).related(other.id.span, "its object id"),
                );
            }
            return Some(id);
        }
        match self.principals_by_name.get(name).map(Vec::as_slice) {
            Some([index]) => self.bundle.principals.get(*index).map(|principal| principal.id.value.clone()),
            Some(_) => {
                diagnostics.push(ambiguous("service principals", name, span));
                None
            }
            None => {
                let what = format!("no service principal is called `{name}`");
                let names = self.principals_by_name.keys().copied();
                // WHY: the word of the one list, which comes to here in the other.
                let help = match name {
                    "All" => "write `ServicePrincipalsInMyTenant` for all service principals".to_owned(),
                    "ServicePrincipalsInMyTenant" => "write `All` for all agent identities".to_owned(),
                    _ => self.near_miss(name, names.chain(["ServicePrincipalsInMyTenant"])).map_or_else(
                        || "add it to the catalogue of the bundle, or name it by its object id".to_owned(),
                        |near| format!("did you mean `{near}`?"),
                    ),
                };
                diagnostics.push(Diagnostic::new(&rules::UNKNOWN_PRINCIPAL, span, what).help(help));
                None
            }
        }
    }

    fn resources(&self, resources: &Resources, diagnostics: &mut Vec<Diagnostic>) -> ResourceCondition {
        ResourceCondition {
            include: self.resource_list(&resources.include),
            exclude: self.resource_list(&resources.exclude),
            user_actions: resources.user_actions,
            authentication_contexts: resources.authentication_contexts.clone().into(),
            filter: resources
                .filter
                .as_ref()
                .and_then(|filter| filter::compiled(filter, Root::CustomSecurityAttributes, diagnostics)),
        }
    }

    fn resource_list(&self, targets: &[Spanned<ResourceTarget>]) -> ResourceList {
        let mut list = ResourceList::default();
        let (mut ids, mut suites) = (Vec::new(), Vec::new());
        for target in targets {
            match &target.value {
                ResourceTarget::All => list.all = true,
                ResourceTarget::AllAgentResources => list.all_agents = true,
                ResourceTarget::Office365 => suites.push((Suite::Office365, Arc::clone(&self.office365))),
                ResourceTarget::MicrosoftAdminPortals => {
                    suites.push((Suite::MicrosoftAdminPortals, Arc::clone(&self.admin_portals)));
                }
                ResourceTarget::App(id) => ids.push(id.clone()),
            }
        }
        list.ids = sorted(ids);
        list.suites = suites.into();
        list
    }

    fn locations(&self, locations: &Locations, diagnostics: &mut Vec<Diagnostic>) -> LocationCondition {
        let mut numbers = |targets: &[Spanned<LocationTarget>]| {
            let mut numbers: Vec<_> = targets
                .iter()
                .filter_map(|target| match &target.value {
                    LocationTarget::All => None,
                    LocationTarget::AllTrusted => Some(self.all_trusted()),
                    LocationTarget::MfaTrustedIps => Some(self.mfa_trusted_ips()),
                    LocationTarget::Named(name) => self.location(name, target.span, diagnostics),
                })
                .collect();
            numbers.sort_unstable();
            numbers.dedup();
            numbers.into_boxed_slice()
        };
        let has_all =
            |targets: &[Spanned<LocationTarget>]| targets.iter().any(|target| target.value == LocationTarget::All);
        LocationCondition {
            is_configured: !locations.include.is_empty() || !locations.exclude.is_empty(),
            // An empty include list is not configured, so it includes everywhere.
            everywhere: has_all(&locations.include) || locations.include.is_empty(),
            include: numbers(&locations.include),
            nowhere: has_all(&locations.exclude),
            exclude: numbers(&locations.exclude),
        }
    }

    /// The locations that `name` may stand for, several when it is ambiguous: an id comes before names.
    fn locations_called(&self, name: &str) -> &[LocationIndex] {
        match self.locations_by_id.value(Id::new(name).as_ref()) {
            Some(index) => std::slice::from_ref(index),
            None => self.locations_by_name.get(name).map_or(&[], Vec::as_slice),
        }
    }

    /// The locations that conditions in Cedar may call by their names: a word comes before ids and names.
    pub fn locations_with_names(&self) -> LocationSet {
        let mut named = LocationSet::default();
        for (index, location) in (0..).zip(&self.bundle.locations) {
            let name = &location.display_name.value;
            if LocationTarget::trusted(name).is_none() && self.locations_called(name).contains(&index) {
                insert(&mut named, index);
            }
        }
        named
    }

    fn location(&self, name: &str, span: Span, diagnostics: &mut Vec<Diagnostic>) -> Option<LocationIndex> {
        let index = match *self.locations_called(name) {
            [index] => index,
            [] => {
                diagnostics.push(self.unknown_location(name, span));
                return None;
            }
            _ => {
                diagnostics.push(ambiguous("named locations", name, span));
                return None;
            }
        };
        let location = self.bundle.locations.get(usize::from(index))?;
        if let LocationKind::Unjudgeable { kind, .. } = &location.kind {
            let what = format!("`{name}` is a {kind}");
            let help = "take the policy out, or name it in `ignoredPolicies` of bundle.yaml";
            diagnostics.push(
                Diagnostic::new(&rules::UNJUDGEABLE_LOCATION, span, what)
                    .help(help)
                    .related(location.display_name.span, "the location"),
            );
            return None;
        }
        Some(index)
    }

    /// The known name nearest to an unknown one. A bundle with thousands of unknown names is past helping one by one.
    fn near_miss(&self, name: &str, known: impl IntoIterator<Item = &'b str>) -> Option<&'b str> {
        let left = self.near_misses_left.get().checked_sub(1)?;
        self.near_misses_left.set(left);
        suggest::nearest(name, known)
    }

    fn unknown_location(&self, name: &str, span: Span) -> Diagnostic {
        let diagnostic =
            Diagnostic::new(&rules::UNKNOWN_LOCATION, span, format!("no named location is called `{name}`"));
        let near = self.near_miss(name, self.locations_by_name.keys().copied().chain(["AllTrusted"]));
        let index = near.and_then(|near| self.locations_by_name.get(near)?.first());
        let place = index.and_then(|index| self.bundle.locations.get(usize::from(*index)));
        let add = || "add the location to the bundle; an export of policies does not contain it".to_owned();
        let diagnostic = diagnostic.help(near.map_or_else(add, |near| format!("did you mean `{near}`?")));
        match (near, place) {
            (Some(near), Some(place)) => diagnostic.related(place.display_name.span, format!("`{near}`")),
            _ => diagnostic,
        }
    }
}

/// The entity types of those whom a policy may cover.
fn covered(
    users: &UserScope,
    workloads: &PrincipalScope,
    agents: &PrincipalScope,
    eligibility: Eligibility,
) -> Vec<&'static str> {
    let mut kinds = Vec::new();
    if !users.include.is_empty() {
        kinds.extend(["User", "AgentUser"]);
    }
    if !workloads.is_empty() {
        kinds.push("ServicePrincipal");
        kinds.extend((eligibility == Eligibility::All).then_some("ManagedIdentity"));
    }
    if !agents.is_empty() {
        kinds.push("AgentIdentity");
    }
    kinds
}

/// Number of the MFA trusted IPs of `bundle`.
pub fn mfa_trusted_ips(bundle: &Bundle) -> LocationIndex {
    LocationIndex::try_from(bundle.locations.len()).unwrap_or(LocationIndex::MAX)
}

/// Whether these are all resources and nothing else.
fn is_everything(resources: &Resources) -> bool {
    let Resources { include, exclude, user_actions, authentication_contexts, filter } = resources;
    matches!(include.as_slice(), [Spanned { value: ResourceTarget::All, .. }])
        && exclude.is_empty()
        && user_actions.is_empty()
        && authentication_contexts.is_empty()
        && filter.is_none()
}

fn ambiguous(kinds: &str, name: &str, span: Span) -> Diagnostic {
    let what = format!("several {kinds} are called `{name}`");
    Diagnostic::new(&rules::AMBIGUOUS_NAME, span, what).help("name the one you mean by its id")
}

fn sorted(mut ids: Vec<Id>) -> Box<[Id]> {
    ids.sort_unstable();
    ids.dedup();
    ids.into()
}
