//! Generated token requests.
//!
//! A [`Recipe`] becomes a request only beside a bundle: where the catalogue knows a fact, the request mostly repeats it,
//! because requests that contradict the catalogue are refused and prove nothing else.

use std::borrow::Cow;

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use doorward::model::location::{Country, CountryFact};
use doorward::model::principal::ServicePrincipal;
use doorward::model::request::{Credential, Device, Identity, Network, Resource, Risk, Satisfied};
use doorward::model::set::{Set, Word};
use doorward::model::{
    AttributeValue, Attributes, AuthenticationMethod, Bundle, ClientApp, CredentialType, GrantControl, GuestType, Id,
    IdRef, IdentityKind, InsiderRiskLevel, Platform, ResourceKind, RiskLevel, ServicePrincipalType, SignInAudience,
    TokenRequest, UserAction,
};

use super::generate::{flow, identity_kind};
use super::world::{
    ADDRESSES, AGENTS, APPS, BLUEPRINTS, CONSUMERS, COUNTRIES, GROUPS, ON_THE_WAY, PRINCIPALS, ROLES, STRENGTHS,
    TENANTS, TOKEN_EXCHANGE, USERS,
};

/// A request before it has been brought into agreement with a bundle.
#[derive(Debug, Clone)]
pub struct Recipe {
    request: TokenRequest<'static>,
    /// Keep what contradicts the catalogue.
    contradicts: bool,
}

impl Recipe {
    /// The request, for `bundle`.
    pub fn request(self, bundle: &Bundle) -> TokenRequest<'static> {
        let mut request = self.request;
        if self.contradicts {
            return request;
        }
        let id = request.identity.id;
        if let Some(entry) = bundle.principals.iter().find(|entry| entry.id.as_ref() == id) {
            agree(&mut request.identity, entry);
        }
        live(&mut request.identity, bundle.settings.tenant_id.as_ref());
        if let Some(device) = &request.device {
            let is_hybrid = device.trust_type.as_deref().is_none_or(|kind| kind == "ServerAD");
            let agrees = |control: &GrantControl| match control {
                GrantControl::CompliantDevice => device.is_compliant != Some(false),
                GrantControl::DomainJoinedDevice => is_hybrid,
                _ => true,
            };
            request.satisfied.built_in = request.satisfied.built_in.iter().filter(agrees).collect();
        }
        let resource = &mut request.resource;
        for app in &resource.app_ids {
            let entry = bundle.principals.iter().find(|entry| entry.app_id.as_ref().map(Id::as_ref) == Some(*app));
            let by_object = || bundle.principals.iter().find(|entry| entry.id.value.as_ref() == *app);
            if let Some(known) = entry.and_then(|entry| entry.attributes.as_ref())
                && resource.attributes.is_some()
            {
                resource.attributes = Some(known.clone());
            }
            // Of what the catalogue knows, requests mostly leave the kind to it.
            if entry.or_else(by_object).is_some_and(|entry| entry.kind.is_some()) {
                resource.kind = None;
            }
        }
        request
    }
}

/// Brings home who lives in `tenant`, and sends away who does not.
fn live(identity: &mut Identity<'static>, tenant: Option<&Id>) {
    let Some(Id::Guid(tenant)) = tenant else { return };
    match identity.guest_type {
        Some(GuestType::None | GuestType::InternalGuest) => {
            identity.home_tenant = identity.home_tenant.and(Some(IdRef::Guid(*tenant)));
        }
        Some(GuestType::PersonalMicrosoftAccount) | None => {}
        Some(_) if identity.home_tenant == Some(IdRef::Guid(*tenant)) => {
            identity.home_tenant = TENANTS.into_iter().map(IdRef::new).find(|other| *other != IdRef::Guid(*tenant));
        }
        Some(_) => {}
    }
}

/// Repeats what the catalogue says wherever the request says something.
fn agree(identity: &mut Identity<'static>, entry: &ServicePrincipal) {
    match (identity.kind, entry.kind) {
        (IdentityKind::ServicePrincipal, Some(ServicePrincipalType::ManagedIdentity)) => {
            identity.kind = IdentityKind::ManagedIdentity;
        }
        (IdentityKind::ManagedIdentity, Some(kind)) if kind != ServicePrincipalType::ManagedIdentity => {
            identity.kind = IdentityKind::ServicePrincipal;
        }
        _ => {}
    }
    let guid = |id: &Id| match id {
        Id::Guid(guid) => Some(IdRef::Guid(*guid)),
        Id::Text(_) => None,
    };
    identity.app_id = identity.app_id.and(entry.app_id.as_ref().and_then(guid)).or(identity.app_id);
    identity.owner_tenant =
        identity.owner_tenant.and(entry.owner_tenant.as_ref().and_then(guid)).or(identity.owner_tenant);
    identity.audience = identity.audience.and(entry.audience).or(identity.audience);
    if let (Some(own), Some(known)) = (&mut identity.attributes, &entry.attributes) {
        *own = known.clone();
    }
}

/// Any request of the world.
pub fn recipe() -> impl Strategy<Value = Recipe> {
    let parts = (identity(), resource(), network(), risk(), satisfied());
    let rest = (
        weighted(0.6, select(&ClientApp::ALL[1..])),
        weighted(0.6, select(&Platform::ALL[..6])),
        weighted(0.5, device()),
        weighted(0.4, flow()),
        weighted(0.6, select(CredentialType::ALL)),
        proptest::bool::weighted(0.05),
    );
    (parts, rest).prop_map(
        |(
            (identity, resource, network, risk, satisfied),
            (client_app, platform, device, flow, credential, contradicts),
        )| Recipe {
            request: TokenRequest {
                identity,
                resource,
                network,
                risk,
                client_app,
                platform,
                device: device.map(Box::new),
                authentication_flow: flow,
                credential: Credential { kind: credential, ..Credential::default() },
                satisfied,
                attributes: Default::default(),
                action: None,
                now: None,
            },
            contradicts,
        },
    )
}

/// Custom security attributes: one collection, one text, one that filters cannot use.
pub fn attributes() -> impl Strategy<Value = Attributes<'static>> {
    let tier = weighted(0.7, subsequence(vec!["prod", "eu", "test"], 1..=2));
    let zone = weighted(0.7, select(&["alpha", "ALPINE", "beta's \"best\"", "x`y", "human HR"]));
    (tier, zone, any::<bool>()).prop_map(|(tier, zone, has_flag)| {
        let mut attributes = Attributes::default();
        if let Some(tier) = tier {
            let texts = tier.into_iter().map(Cow::Borrowed).collect();
            attributes.insert("Eng", "Tier", AttributeValue::Texts(texts));
        }
        if let Some(zone) = zone {
            attributes.insert("Eng", "Zone", AttributeValue::Text(zone.into()));
        }
        if has_flag {
            attributes.insert("Eng", "Flag", AttributeValue::Other);
        }
        attributes
    })
}

fn identity() -> impl Strategy<Value = Identity<'static>> {
    let workload = (
        weighted(0.4, select(&APPS).prop_map(IdRef::new)),
        weighted(0.5, prop_oneof![4 => Just(TENANTS[0]), 1 => Just(TENANTS[1])].prop_map(IdRef::new)),
        weighted(0.5, prop_oneof![4 => Just(SignInAudience::MyOrg), 1 => select(SignInAudience::ALL)]),
        weighted(0.5, attributes()),
        weighted(0.6, select(&BLUEPRINTS).prop_map(IdRef::new)),
    );
    let user = (
        weighted(0.6, subsequence(GROUPS.to_vec(), 0..=3)),
        weighted(0.6, subsequence(ROLES.to_vec(), 0..=2)),
        weighted(
            0.7,
            prop_oneof![3 => Just(GuestType::None), 4 => select(GuestType::ALL), 1 => Just(GuestType::PersonalMicrosoftAccount)],
        ),
        weighted(0.5, prop_oneof![3 => select(&TENANTS), 1 => Just(CONSUMERS)].prop_map(IdRef::new)),
    );
    (identity_kind(), 0..12usize, workload, user).prop_map(
        |(kind, index, (app_id, owner_tenant, audience, attributes, blueprint), (groups, roles, guest_type, home))| {
            let refs = |ids: Vec<&'static str>| ids.into_iter().map(IdRef::new).collect();
            let (id, is_workload) = match kind {
                IdentityKind::ServicePrincipal | IdentityKind::ManagedIdentity => (PRINCIPALS[index % 4], true),
                IdentityKind::AgentIdentity => (AGENTS[index % 3], true),
                IdentityKind::User | IdentityKind::AgentUser => (USERS[index % 3], false),
            };
            Identity {
                app_id,
                owner_tenant: owner_tenant.filter(|_| is_workload),
                audience: audience.filter(|_| is_workload),
                attributes,
                blueprint: blueprint.filter(|_| kind == IdentityKind::AgentIdentity),
                // Also said of workloads, where it must mean nothing.
                groups: groups.map(refs),
                roles: roles.map(refs),
                guest_type,
                // Seldom a home that is not theirs: such a request is refused.
                home_tenant: match guest_type {
                    Some(GuestType::PersonalMicrosoftAccount) if index > 0 => home.and(Some(IdRef::new(CONSUMERS))),
                    _ => home,
                },
                ..Identity::new(kind, IdRef::new(id))
            }
        },
    )
}

fn resource() -> impl Strategy<Value = Resource<'static>> {
    let apps = || {
        prop_oneof![
            6 => subsequence(APPS.to_vec(), 1..=1),
            1 => subsequence(APPS.to_vec(), 2..=3),
            1 => select(&APPS).prop_map(|app| vec![TOKEN_EXCHANGE, app]),
            1 => Just(vec![TOKEN_EXCHANGE]),
            1 => select(&AGENTS).prop_map(|agent| vec![agent]),
            1 => subsequence(ON_THE_WAY.to_vec(), 1..=2),
            1 => (select(&ON_THE_WAY), select(&APPS)).prop_map(|(one, app)| vec![one, app]),
        ]
    };
    let asked = prop_oneof![
        8 => apps().prop_map(|apps| (apps, None)),
        1 => select(UserAction::ALL).prop_map(|action| (Vec::new(), Some(action))),
        1 => (apps(), select(UserAction::ALL)).prop_map(|(apps, action)| (apps, Some(action))),
        1 => Just((Vec::new(), None)),
    ];
    let context = select(&["c1", "c2", "c37", "c99"]);
    let scopes = vec(
        prop_oneof![
            4 => select(&["openid", "offline_access", "PROFILE"]),
            1 => select(&["User.Read", "https://graph.microsoft.com/People.Read"]),
            1 => Just("Mail.Read"),
            1 => Just("UserAuthenticationMethod.Read"),
        ],
        1..=2,
    );
    (
        asked,
        weighted(0.6, select(ResourceKind::ALL)),
        weighted(0.25, context),
        weighted(0.4, attributes()),
        weighted(0.2, scopes),
    )
        .prop_map(|((apps, user_action), kind, context, attributes, scopes)| Resource {
            scopes: scopes.unwrap_or_default(),
            target: None,
            kind,
            user_action,
            authentication_context: context.map(Cow::Borrowed),
            attributes,
            app_ids: apps.into_iter().map(IdRef::new).collect(),
        })
}

fn network() -> impl Strategy<Value = Network> {
    let country = prop_oneof![4 => select(&COUNTRIES), 1 => Just("ZZ")];
    (
        weighted(0.8, select(&ADDRESSES)),
        weighted(0.3, country),
        weighted(0.5, select(&COUNTRIES)),
        weighted(0.6, any::<bool>()),
    )
        .prop_map(|(address, country, gps, compliant_network)| Network {
            ip_address: address.map(|address| address.parse().expect("an address")),
            country: country.and_then(CountryFact::new),
            gps_country: gps.and_then(Country::new),
            compliant_network,
        })
}

fn risk() -> impl Strategy<Value = Risk> {
    let level = || prop_oneof![2 => Just(RiskLevel::None), 3 => select(RiskLevel::ALL)];
    (level(), level(), level(), level(), select(InsiderRiskLevel::ALL)).prop_map(
        |(service_principal, sign_in, user, agent, insider)| Risk { service_principal, sign_in, user, agent, insider },
    )
}

fn device() -> impl Strategy<Value = Device<'static>> {
    let name =
        || weighted(0.7, select(&["Alpha 1", "ALPINE", "the beta's \"best\"", "HR", "x`y"]).prop_map(Cow::Borrowed));
    (
        name(),
        name(),
        weighted(0.7, any::<bool>()),
        weighted(0.7, select(&["ServerAD", "AzureAD", "Workplace"]).prop_map(Cow::Borrowed)),
        weighted(0.7, select(&["10.0.19041", "10.0.18363", "11"]).prop_map(Cow::Borrowed)),
        subsequence(vec!["[ZTDId]:1", "[GID]:2"], 0..=2),
        subsequence(vec!["M365Managed", "m365"], 0..=2),
        name(),
        (
            any::<bool>(),
            weighted(0.5, select(&["0000000A-0000-0000-C000-000000000000", "other"]).prop_map(Cow::Borrowed)),
        ),
    )
        .prop_map(
            |(
                display_name,
                model,
                is_compliant,
                trust_type,
                version,
                physical,
                labels,
                extension,
                (has_id, manager),
            )| {
                let mut device = Device {
                    device_id: has_id.then_some("AAAAAAAA-0000-0000-0000-000000000000".into()),
                    display_name,
                    model,
                    mdm_app_id: manager,
                    is_compliant,
                    trust_type,
                    operating_system_version: version,
                    physical_ids: physical.into_iter().map(Cow::Borrowed).collect(),
                    system_labels: labels.into_iter().map(Cow::Borrowed).collect(),
                    ..Device::default()
                };
                device.extension_attributes[0] = extension;
                device
            },
        )
}

fn satisfied() -> impl Strategy<Value = Satisfied<'static>> {
    (
        subsequence(GrantControl::ALL[1..].to_vec(), 0..=5).prop_map(Set::from_iter),
        subsequence(STRENGTHS.to_vec(), 0..=1),
        subsequence(AuthenticationMethod::ALL.to_vec(), 0..=5).prop_map(Set::from_iter),
        vec(select(&["terms-1", "terms-2"]), 0..3),
        subsequence(vec!["factor-1"], 0..=1),
    )
        .prop_map(|(built_in, strengths, methods, terms, factors)| {
            let refs = |ids: Vec<&'static str>| ids.into_iter().map(IdRef::new).collect();
            Satisfied {
                built_in,
                methods,
                authentication_strengths: refs(strengths),
                terms_of_use: refs(terms),
                custom_factors: refs(factors),
            }
        })
}
