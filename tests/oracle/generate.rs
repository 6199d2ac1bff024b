//! Small worlds for properties: a bundle and requests that meet it often, with facts missing at random.
//!
//! A few principals, users, groups, applications and overlapping locations, so that includes, excludes and missing
//! facts collide all the time. Bundles are what Entra would accept where the documentation says what that is, and what
//! the loader refuses is left out: two kinds of target in one policy, guests of no kind.
//! Nothing carries a span. Start with [`scene`]; [`super::world`] has the cast.

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use doorward::model::bundle::{BundleSettings, DefaultDecision, Eligibility, MissingIp};
use doorward::model::location::{Country, CountryLookup};
use doorward::model::policy::{
    Conditions, Filter, Guests, LocationTarget, Locations, Platforms, Policy, PrincipalTarget, ResourceTarget,
    Resources, Scope, UserTarget, Users,
};
use doorward::model::principal::ServicePrincipal;
use doorward::model::set::{Set, Word};
use doorward::model::{
    Bundle, ClientApp, FilterMode, Id, IdentityKind, InsiderRiskLevel, LocationKind, NamedLocation, Platform,
    RiskLevel, ServicePrincipalType, SignInAudience, State, TokenRequest, TransferMethod, UserAction,
};
use doorward::text::{Embedded, Span, Spanned};

use super::generate_control as control;
use super::request::{self, Recipe};
use super::rule_text;
use super::world::{self, AGENTS, APPS, BLUEPRINTS, COUNTRIES, GROUPS, PRINCIPALS, RANGES, ROLES, TENANTS, USERS};

/// A bundle and requests for it.
#[derive(Debug, Clone)]
pub struct Scene {
    pub bundle: Bundle,
    pub requests: Vec<TokenRequest<'static>>,
}

/// A scene with up to `requests` requests; half of the bundles have a country database where `has_database`.
pub fn scene(has_database: bool, requests: usize) -> impl Strategy<Value = Scene> {
    (bundle(has_database), vec(request::recipe(), 1..=requests)).prop_map(|(bundle, recipes)| {
        let requests = recipes.into_iter().map(|recipe: Recipe| recipe.request(&bundle)).collect();
        Scene { bundle, requests }
    })
}

/// A bundle; what it names exists.
pub fn bundle(has_database: bool) -> impl Strategy<Value = Bundle> {
    bundle_of(has_database, 0..=7)
}

/// A bundle of so many policies.
pub fn bundle_of(has_database: bool, policies: std::ops::RangeInclusive<usize>) -> impl Strategy<Value = Bundle> {
    let catalogue = (
        vec(weighted(0.7, principal()), PRINCIPALS.len()),
        vec(weighted(0.5, principal()), AGENTS.len()),
        vec(weighted(0.5, principal()), APPS.len()),
    );
    let strengths = control::strengths();
    let ignored = vec(proptest::bool::weighted(0.05), *policies.end());
    let parts = (settings(has_database), vec(policy(), policies), ignored);
    (parts, vec(location_kind(), 5), catalogue, strengths).prop_map(
        |((mut settings, mut policies, ignored), kinds, (principals, agents, apps), strengths)| {
            for (index, policy) in policies.iter_mut().enumerate() {
                policy.id = Some(placed(format!("policy-{index}").into()));
                policy.display_name = placed(format!("Policy {index}").into());
                let own = if index % 2 == 0 { format!("policy-{index}") } else { format!("Policy {index}") };
                settings.ignored_policies.extend(ignored[index].then(|| placed(own.into())));
            }
            let entries = |ids: &'static [&'static str], name: &'static str, entries: Vec<Option<ServicePrincipal>>| {
                ids.iter().zip(entries).enumerate().filter_map(move |(index, (id, entry))| {
                    // WHY: `billing` is only ever named by a text that is no GUID, which must resolve in the catalogue.
                    let entry = if world::is_guid(id) { entry? } else { entry.unwrap_or_else(blank) };
                    let app_id = world::app_of(id).filter(|_| entry.app_id.is_some());
                    Some(ServicePrincipal {
                        id: placed(Id::new(id)),
                        app_id,
                        display_name: Some(placed(format!("{name} {index}").into())),
                        ..entry
                    })
                })
            };
            let mut catalogue: Vec<ServicePrincipal> = entries(&PRINCIPALS, "Principal", principals).collect();
            catalogue.extend(entries(&AGENTS, "Agent", agents));
            catalogue.extend(apps.into_iter().enumerate().filter_map(|(index, entry)| {
                Some(ServicePrincipal {
                    id: placed(Id::new(world::RESOURCE_PRINCIPALS[index])),
                    app_id: Some(Id::new(APPS[index])),
                    display_name: Some(placed(format!("App {index}").into())),
                    ..entry?
                })
            }));
            for policy in policies.iter_mut().step_by(2) {
                name_by_display_name(&mut policy.conditions, &catalogue);
            }
            let locations = kinds.into_iter().enumerate().map(|(index, kind)| NamedLocation {
                id: (index != 1).then(|| placed(Id::new(world::LOCATIONS[index]))),
                display_name: placed(format!("Location {index}").into()),
                kind,
                kept: Vec::new(),
            });
            let locations = locations.collect();
            Bundle { settings, policies, locations, principals: catalogue, strengths, ..Bundle::default() }
        },
    )
}

/// `value`, without a place.
pub fn placed<T>(value: T) -> Spanned<T> {
    Spanned::new(value, Span::NONE)
}

/// Puts display names in the place of ids, where the catalogue knows them.
fn name_by_display_name(conditions: &mut Conditions, catalogue: &[ServicePrincipal]) {
    for scope in [&mut conditions.service_principals, &mut conditions.agent_identities] {
        for target in scope.include.iter_mut().chain(&mut scope.exclude) {
            if let PrincipalTarget::Named(name) = &mut target.value
                && let Some(entry) = catalogue.iter().find(|entry| entry.id.value == Id::new(name))
                && let Some(display_name) = &entry.display_name
            {
                *name = display_name.value.clone();
            }
        }
    }
}

fn blank() -> ServicePrincipal {
    ServicePrincipal {
        id: placed(Id::NIL),
        app_id: None,
        display_name: None,
        kind: None,
        owner_tenant: None,
        audience: None,
        account_enabled: None,
        attributes: None,
    }
}

fn settings(has_database: bool) -> impl Strategy<Value = BundleSettings> {
    (
        weighted(0.8, Just(Id::new(TENANTS[0]))),
        prop_oneof![3 => Just(DefaultDecision::Allow), 1 => Just(DefaultDecision::Block)],
        prop_oneof![2 => Just(MissingIp::Unknown), 1 => Just(MissingIp::OutsideAll)],
        prop_oneof![3 => Just(Eligibility::Entra), 1 => Just(Eligibility::All)],
        subsequence(RANGES.to_vec(), 0..2),
        weighted(0.3, subsequence(APPS.to_vec(), 1..3)),
        weighted(0.3, subsequence(APPS.to_vec(), 1..3)),
        any::<bool>(),
    )
        .prop_map(move |(tenant_id, default_decision, missing_ip, eligibility, mfa, office, portals, database)| {
            let ids = |apps: Vec<&str>| apps.into_iter().map(Id::new).collect();
            BundleSettings {
                tenant_id,
                default_decision,
                missing_ip,
                eligibility,
                mfa_trusted_ips: mfa.into_iter().map(world::range).collect(),
                office365: office.map(ids),
                microsoft_admin_portals: portals.map(ids),
                country_database: (database && has_database).then(|| placed("countries.mmdb".into())),
                ..BundleSettings::default()
            }
        })
}

fn principal() -> impl Strategy<Value = ServicePrincipal> {
    (
        weighted(
            0.7,
            prop_oneof![4 => Just(ServicePrincipalType::Application), 1 => select(ServicePrincipalType::ALL)],
        ),
        any::<bool>(),
        weighted(0.6, prop_oneof![4 => Just(TENANTS[0]), 1 => Just(TENANTS[1])]),
        weighted(0.6, prop_oneof![4 => Just(SignInAudience::MyOrg), 1 => select(SignInAudience::ALL)]),
        weighted(0.6, request::attributes()),
    )
        .prop_map(|(kind, has_app_id, owner, audience, attributes)| ServicePrincipal {
            kind,
            app_id: has_app_id.then_some(Id::NIL),
            owner_tenant: owner.map(Id::new),
            audience,
            attributes,
            ..blank()
        })
}

fn location_kind() -> impl Strategy<Value = LocationKind> {
    let countries = subsequence(COUNTRIES.to_vec(), 1..4);
    let country = (
        countries,
        any::<bool>(),
        prop_oneof![3 => Just(CountryLookup::ClientIpAddress), 1 => Just(CountryLookup::AuthenticatorAppGps)],
    )
        .prop_map(|(countries, include_unknown, lookup)| LocationKind::Country {
            countries: countries.into_iter().filter_map(Country::new).collect(),
            include_unknown,
            lookup,
        });
    let ip = (subsequence(RANGES.to_vec(), 1..4), any::<bool>()).prop_map(|(ranges, is_trusted)| LocationKind::Ip {
        ranges: ranges.into_iter().map(world::range).collect(),
        is_trusted,
    });
    let compliant = any::<bool>().prop_map(|is_trusted| LocationKind::CompliantNetwork { is_trusted });
    prop_oneof![4 => ip, 2 => country, 1 => compliant]
}

/// A policy without name and id.
pub fn policy() -> impl Strategy<Value = Policy> {
    let state = prop_oneof![6 => Just(State::Enabled), 2 => Just(State::ReportOnly), 1 => Just(State::Disabled)];
    // WHY: boxed, so that the tree of strategies does not fill a thread's stack.
    let controls = (control::grant().boxed(), control::session().boxed(), control::shaping().boxed());
    (state, proptest::bool::weighted(0.05), conditions().boxed(), controls).prop_map(
        |(state, is_deleted, conditions, (grant, (session_controls, filtering_profile), shaping))| Policy {
            id: None,
            display_name: placed("".into()),
            state,
            is_deleted,
            session_controls,
            filtering_profile,
            shaping,
            conditions,
            when: None,
            grant,
            kept: Vec::new(),
        },
    )
}

fn conditions() -> impl Strategy<Value = Conditions> {
    let identity = prop_oneof![
        3 => users().prop_map(|users| Conditions { users, ..Conditions::default() }),
        4 => scope(&PRINCIPALS).prop_map(|service_principals| Conditions { service_principals, ..Conditions::default() }),
        2 => scope(&AGENTS_AND_BLUEPRINTS).prop_map(|agent_identities| Conditions { agent_identities, ..Conditions::default() }),
        1 => (users(), scope(&PRINCIPALS), scope(&AGENTS_AND_BLUEPRINTS))
            .prop_map(|(users, service_principals, agent_identities)| {
                Conditions { users, service_principals, agent_identities, ..Conditions::default() }
            }),
    ];
    // WHY: as Graph writes them, these two have words of their own.
    let agent = some_of(vec![RiskLevel::Low, RiskLevel::Medium, RiskLevel::High]);
    let insider = some_of(vec![InsiderRiskLevel::Minor, InsiderRiskLevel::Moderate, InsiderRiskLevel::Elevated]);
    let risks = (seldom(), seldom(), seldom(), agent, insider, seldom());
    (
        identity,
        resources(),
        locations(),
        weighted(0.15, filter(rule_text::device_rule().boxed())),
        weighted(0.15, platforms()),
        weighted(0.15, client_apps()),
        risks,
    )
        .prop_map(|(conditions, resources, locations, device_filter, platforms, client_apps, risks)| Conditions {
            resources,
            locations,
            device_filter,
            platforms: platforms.unwrap_or_default(),
            client_apps: client_apps.unwrap_or_default(),
            service_principal_risk: risks.0,
            sign_in_risk: risks.1,
            user_risk: risks.2,
            agent_risk: risks.3,
            insider_risk: risks.4,
            flows: risks.5,
            ..conditions
        })
}

const AGENTS_AND_BLUEPRINTS: [&str; 5] = [AGENTS[0], AGENTS[1], AGENTS[2], BLUEPRINTS[0], BLUEPRINTS[1]];

/// Mostly nothing, else one to three words.
fn seldom<T: Word>() -> impl Strategy<Value = Set<T>> {
    some_of(T::ALL.to_vec())
}

fn some_of<T: Word>(words: Vec<T>) -> impl Strategy<Value = Set<T>> {
    let words = subsequence(words, 1..=3).prop_map(Set::from_iter);
    weighted(0.1, words).prop_map(Option::unwrap_or_default)
}

fn users() -> impl Strategy<Value = Users> {
    let include = vec(
        prop_oneof![
            2 => Just(UserTarget::All),
            1 => Just(UserTarget::GuestsOrExternalUsers),
            1 => Just(UserTarget::AllAgentUsers),
            2 => select(&USERS).prop_map(|id| UserTarget::Id(Id::new(id))),
        ],
        0..3,
    );
    let exclude = vec(
        prop_oneof![
            1 => seldom_all(UserTarget::All, UserTarget::AllAgentUsers),
            1 => Just(UserTarget::GuestsOrExternalUsers),
            1 => Just(UserTarget::AllAgentUsers),
            2 => select(&USERS).prop_map(|id| UserTarget::Id(Id::new(id))),
        ],
        0..2,
    );
    (
        include,
        exclude,
        some_ids(&GROUPS),
        some_ids(&GROUPS),
        some_ids(&ROLES),
        some_ids(&ROLES),
        weighted(0.4, guests()),
        weighted(0.2, guests()),
    )
        .prop_map(|(include, exclude, groups, no_groups, roles, no_roles, guests, no_guests)| Users {
            include: include.into_iter().map(placed).collect(),
            exclude: exclude.into_iter().map(placed).collect(),
            include_groups: groups,
            exclude_groups: no_groups,
            include_roles: roles,
            exclude_roles: no_roles,
            include_guests: guests,
            exclude_guests: no_guests,
        })
}

fn guests() -> impl Strategy<Value = Guests> {
    use doorward::model::GuestType;
    let types = prop_oneof![
        2 => subsequence(GuestType::ALL[1..].to_vec(), 1..4).prop_map(Set::from_iter),
        1 => Just(Set::from_iter([GuestType::PersonalMicrosoftAccount])),
    ];
    let tenants = prop_oneof![4 => subsequence(TENANTS.to_vec(), 1..3), 1 => Just(vec![world::CONSUMERS])];
    let tenants = weighted(0.5, tenants);
    (types, tenants).prop_map(|(types, tenants)| Guests {
        types,
        tenants: tenants.map(|tenants| tenants.into_iter().map(Id::new).collect()),
    })
}

fn some_ids(ids: &'static [&'static str]) -> impl Strategy<Value = Vec<Spanned<Id>>> {
    weighted(0.25, subsequence(ids.to_vec(), 1..=2))
        .prop_map(|ids| ids.unwrap_or_default().into_iter().map(|id| placed(Id::new(id))).collect())
}

fn scope(ids: &'static [&'static str]) -> impl Strategy<Value = Scope<PrincipalTarget>> {
    let named = || select(ids).prop_map(|id| PrincipalTarget::Named(id.into()));
    let include = vec(prop_oneof![1 => Just(PrincipalTarget::All), 2 => named()], 0..3);
    let named_or_all = prop_oneof![1 => Just(PrincipalTarget::All), 9 => named()];
    (include, vec(named_or_all, 0..2), weighted(0.25, filter(rule_text::attribute_rule().boxed()))).prop_map(
        |(include, exclude, filter)| Scope {
            include: include.into_iter().map(placed).collect(),
            exclude: exclude.into_iter().map(placed).collect(),
            filter,
        },
    )
}

fn filter(rule: BoxedStrategy<String>) -> impl Strategy<Value = Filter> {
    (select(FilterMode::ALL), rule).prop_map(|(mode, rule)| Filter { mode, rule: Embedded::new(rule, Span::NONE) })
}

fn resources() -> impl Strategy<Value = Resources> {
    let app = || select(&APPS).prop_map(|id| ResourceTarget::App(Id::new(id)));
    let suite = || {
        select(&[ResourceTarget::Office365, ResourceTarget::MicrosoftAdminPortals, ResourceTarget::AllAgentResources])
    };
    let rule = || filter(rule_text::attribute_rule().boxed());
    let everything =
        (vec(prop_oneof![3 => app(), 1 => suite()], 0..2), weighted(0.1, rule())).prop_map(|(exclude, filter)| {
            Resources {
                include: vec![placed(ResourceTarget::All)],
                exclude: exclude.into_iter().map(placed).collect(),
                filter,
                ..Resources::default()
            }
        });
    let chosen = (
        vec(prop_oneof![3 => app(), 1 => suite()], 1..3),
        vec(prop_oneof![3 => app(), 1 => suite()], 0..2),
        weighted(0.25, rule()),
    )
        .prop_map(|(include, exclude, filter)| Resources {
            include: include.into_iter().map(placed).collect(),
            exclude: exclude.into_iter().map(placed).collect(),
            filter,
            ..Resources::default()
        });
    let filtered = rule().prop_map(|filter| Resources { filter: Some(filter), ..Resources::default() });
    let actions = subsequence(UserAction::ALL.to_vec(), 1..3)
        .prop_map(|actions| Resources { user_actions: actions.into_iter().collect(), ..Resources::default() });
    let contexts = subsequence(vec!["c1", "c2", "c37"], 1..3).prop_map(|contexts| Resources {
        authentication_contexts: contexts.into_iter().map(Into::into).collect(),
        ..Resources::default()
    });
    prop_oneof![6 => everything, 3 => chosen, 1 => filtered, 1 => actions, 1 => contexts]
}

fn locations() -> impl Strategy<Value = Locations> {
    let named = || {
        (0..5usize).prop_map(|index| {
            // Location 1 has no id; the others are named by id or by name.
            LocationTarget::Named(if index < 2 {
                format!("Location {index}").into()
            } else {
                world::LOCATIONS[index].into()
            })
        })
    };
    let include = vec(
        prop_oneof![2 => Just(LocationTarget::All), 1 => Just(LocationTarget::AllTrusted), 1 => Just(LocationTarget::MfaTrustedIps), 4 => named()],
        0..3,
    );
    let exclude = vec(
        prop_oneof![
            1 => seldom_all(LocationTarget::All, LocationTarget::AllTrusted),
            1 => Just(LocationTarget::MfaTrustedIps),
            4 => named(),
        ],
        0..3,
    );
    weighted(0.6, (include, exclude)).prop_map(|lists| {
        let (include, exclude) = lists.unwrap_or_default();
        Locations {
            include: include.into_iter().map(placed).collect(),
            exclude: exclude.into_iter().map(placed).collect(),
        }
    })
}

/// `All` now and then, where nobody means it.
fn seldom_all<T: Clone + std::fmt::Debug + 'static>(all: T, other: T) -> impl Strategy<Value = T> {
    prop_oneof![1 => Just(all), 4 => Just(other)]
}

fn platforms() -> impl Strategy<Value = Platforms> {
    let concrete = || Platform::ALL.iter().copied().filter(|platform| *platform != Platform::All).collect::<Vec<_>>();
    let include =
        prop_oneof![Just(Set::from_iter([Platform::All])), subsequence(concrete(), 1..4).prop_map(Set::from_iter)];
    (include, subsequence(Platform::ALL.to_vec(), 0..3))
        .prop_map(|(include, exclude)| Platforms { include, exclude: exclude.into_iter().collect() })
}

fn client_apps() -> impl Strategy<Value = Set<ClientApp>> {
    subsequence(ClientApp::ALL.to_vec(), 1..4).prop_map(Set::from_iter)
}

/// The flows that a request can have.
pub fn flow() -> impl Strategy<Value = TransferMethod> {
    select(TransferMethod::ALL)
}

/// The kinds of identity.
pub fn identity_kind() -> impl Strategy<Value = IdentityKind> {
    prop_oneof![
        8 => Just(IdentityKind::ServicePrincipal),
        2 => Just(IdentityKind::ManagedIdentity),
        6 => Just(IdentityKind::User),
        4 => Just(IdentityKind::AgentIdentity),
        2 => Just(IdentityKind::AgentUser),
    ]
}
