//! What atoms say of a request, and the requests that are made of them: witnesses.

use std::borrow::Cow;

use crate::model::request::{Credential, Device, Identity, Network, Resource, Risk, Satisfied};
use crate::model::{
    Attributes, AuthenticationMethod, ClientApp, GrantControl, GuestType, Id, IdRef, IdentityKind, InsiderRiskLevel,
    Platform, ResourceKind, RiskLevel, Set, SignInAudience, TokenRequest, TransferMethod, UserAction,
};

/// One fact of a request, or several that belong together.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// Who asks.
    Identity(Box<Who>),
    /// Whether a user is in this group.
    Group(Id, bool),
    /// Whether a user holds this role.
    Role(Id, bool),
    /// What for.
    Resource(Box<What>),
    /// Where from.
    Network(Network),
    /// Service principal risk.
    ServicePrincipalRisk(RiskLevel),
    /// Sign-in risk.
    SignInRisk(RiskLevel),
    /// User risk.
    UserRisk(RiskLevel),
    /// Agent risk.
    AgentRisk(RiskLevel),
    /// Insider risk.
    InsiderRisk(InsiderRiskLevel),
    /// The kind of client app.
    ClientApp(Option<ClientApp>),
    /// The platform.
    Platform(Option<Platform>),
    /// The authentication flow.
    Flow(TransferMethod),
    /// The device; `None` is an unregistered one.
    Device(Option<Box<Device<'static>>>),
    /// What a condition in Cedar makes of the request.
    Condition {
        /// Its text.
        text: Box<str>,
        /// Whether it may hold.
        may_hold: bool,
        /// Of which bundle, in words behind the verb; empty: of both.
        side: &'static str,
    },
}

/// Who asks.
#[derive(Clone, Debug, PartialEq)]
pub struct Who {
    /// What kind of identity.
    pub kind: IdentityKind,
    /// Object id.
    pub id: Id,
    /// Whether some bundle names it.
    pub is_named: bool,
    /// The tenant that owns the application.
    pub owner_tenant: Option<Id>,
    /// Who may sign in to the application.
    pub audience: Option<SignInAudience>,
    /// Custom security attributes.
    pub attributes: Option<Attributes<'static>>,
    /// What kind of guest.
    pub guest_type: Option<GuestType>,
    /// The home tenant.
    pub home_tenant: Option<Id>,
    /// The blueprint of an agent identity.
    pub blueprint: Option<Id>,
    /// Whether it is known of which groups a user is a member.
    pub has_groups: bool,
    /// Whether it is known which roles a user holds.
    pub has_roles: bool,
}

impl Who {
    /// Somebody of whom only kind and id are known.
    pub fn new(kind: IdentityKind, id: Id) -> Self {
        Self {
            kind,
            id,
            is_named: true,
            owner_tenant: None,
            audience: None,
            attributes: None,
            guest_type: None,
            home_tenant: None,
            blueprint: None,
            has_groups: false,
            has_roles: false,
        }
    }
}

/// What for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct What {
    /// The application; `None`: not said.
    pub app_id: Option<Id>,
    /// Whether no bundle names the application.
    pub is_other: bool,
    /// What kind of object it is.
    pub kind: Option<ResourceKind>,
    /// The user action.
    pub user_action: Option<UserAction>,
    /// The authentication context.
    pub context: Option<Box<str>>,
    /// Custom security attributes of the application.
    pub attributes: Option<Attributes<'static>>,
    /// Whether only baseline scopes are asked for.
    pub is_baseline: bool,
    /// Whether the token exchange of agents is asked for too.
    pub has_exchange: bool,
}

/// A request that shows something.
#[derive(Clone, Debug, PartialEq)]
pub struct Witness {
    /// Who asks.
    pub who: Who,
    /// Groups of a user.
    pub groups: Vec<Id>,
    /// Roles of a user.
    pub roles: Vec<Id>,
    /// What for.
    pub what: What,
    /// Where from.
    pub network: Network,
    /// Risk.
    pub risk: Risk,
    /// Kind of client app.
    pub client_app: Option<ClientApp>,
    /// Platform.
    pub platform: Option<Platform>,
    /// Authentication flow.
    pub flow: TransferMethod,
    /// Device.
    pub device: Option<Device<'static>>,
    /// Built-in controls that are satisfied.
    pub built_in: Set<GrantControl>,
    /// Methods that were used.
    pub methods: Set<AuthenticationMethod>,
    /// Authentication strengths that are satisfied.
    pub strengths: Vec<Id>,
    /// Agreements that are accepted.
    pub terms_of_use: Vec<Id>,
    /// Custom controls that are completed.
    pub custom_factors: Vec<Id>,
}

impl Witness {
    /// A request of `who`, of which nothing else is known.
    pub fn new(who: Who) -> Self {
        Self {
            who,
            groups: Vec::new(),
            roles: Vec::new(),
            what: What::default(),
            network: Network::default(),
            risk: Risk::default(),
            client_app: None,
            platform: None,
            flow: TransferMethod::None,
            device: None,
            built_in: Set::EMPTY,
            methods: Set::EMPTY,
            strengths: Vec::new(),
            terms_of_use: Vec::new(),
            custom_factors: Vec::new(),
        }
    }

    /// Lets the request say `fact`.
    pub fn say(&mut self, fact: &Fact) {
        match fact {
            Fact::Identity(who) => self.who = (**who).clone(),
            Fact::Group(group, is_member) => self.groups.extend(is_member.then(|| group.clone())),
            Fact::Role(role, holds) => self.roles.extend(holds.then(|| role.clone())),
            Fact::Resource(what) => self.what = (**what).clone(),
            Fact::Network(network) => self.network = *network,
            Fact::ServicePrincipalRisk(level) => self.risk.service_principal = *level,
            Fact::SignInRisk(level) => self.risk.sign_in = *level,
            Fact::UserRisk(level) => self.risk.user = *level,
            Fact::AgentRisk(level) => self.risk.agent = *level,
            Fact::InsiderRisk(level) => self.risk.insider = *level,
            Fact::ClientApp(app) => self.client_app = *app,
            Fact::Platform(platform) => self.platform = *platform,
            Fact::Flow(flow) => self.flow = *flow,
            Fact::Device(device) => self.device = device.as_deref().cloned(),
            Fact::Condition { .. } => {}
        }
    }

    /// The request.
    pub fn request(&self) -> TokenRequest<'_> {
        let who = &self.who;
        let exchange = self.what.has_exchange.then_some(IdRef::TOKEN_EXCHANGE);
        TokenRequest {
            identity: Identity {
                owner_tenant: who.owner_tenant.as_ref().map(Id::as_ref),
                audience: who.audience,
                attributes: who.attributes.clone(),
                groups: who.has_groups.then(|| self.groups.iter().map(Id::as_ref).collect()),
                roles: who.has_roles.then(|| self.roles.iter().map(Id::as_ref).collect()),
                guest_type: who.guest_type,
                home_tenant: who.home_tenant.as_ref().map(Id::as_ref),
                blueprint: who.blueprint.as_ref().map(Id::as_ref),
                ..Identity::new(who.kind, who.id.as_ref())
            },
            resource: Resource {
                app_ids: self.what.app_id.iter().map(Id::as_ref).chain(exchange).collect(),
                kind: self.what.kind,
                user_action: self.what.user_action,
                authentication_context: self.what.context.as_deref().map(Cow::Borrowed),
                attributes: self.what.attributes.clone(),
                scopes: if self.what.is_baseline { vec!["User.Read"] } else { Vec::new() },
                target: None,
            },
            network: self.network,
            risk: self.risk,
            client_app: self.client_app,
            platform: self.platform,
            device: self.device.clone().map(Box::new),
            authentication_flow: Some(self.flow).filter(|flow| *flow != TransferMethod::None),
            credential: Credential::default(),
            satisfied: Satisfied {
                built_in: self.built_in,
                methods: self.methods,
                authentication_strengths: refs(&self.strengths),
                terms_of_use: refs(&self.terms_of_use),
                custom_factors: refs(&self.custom_factors),
            },
            attributes: Default::default(),
            action: None,
            now: None,
        }
    }
}

fn refs(ids: &[Id]) -> Vec<IdRef<'_>> {
    ids.iter().map(Id::as_ref).collect()
}
