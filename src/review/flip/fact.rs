//! A fact of a request that can be changed: what it is called, what it is, and how to put it into a request.
//!
//! Knows requests and nothing of policies.

use std::net::IpAddr;

use crate::model::location::{Country, CountryFact};
use crate::model::request::Satisfied;
use crate::model::set::Word;
use crate::model::{
    AuthenticationMethod, ClientApp, Control, CredentialType, GrantControl, GuestType, Id, IdRef, InsiderRiskLevel,
    Platform, RiskLevel, Set, TokenRequest, TransferMethod, UserAction,
};

/// A change of one fact.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Fact {
    /// The address.
    Address(IpAddr),
    /// The country that the caller looked up.
    Country(CountryFact),
    /// The country that the Authenticator app reports.
    GpsCountry(Country),
    /// Whether it comes through the compliant network.
    CompliantNetwork(bool),
    /// A kind of risk.
    Risk(Risk, RiskLevel),
    /// Insider risk.
    InsiderRisk(InsiderRiskLevel),
    /// The kind of client app.
    ClientApp(ClientApp),
    /// The platform.
    Platform(Platform),
    /// The authentication flow.
    Flow(TransferMethod),
    /// Whether the device is compliant.
    CompliantDevice(bool),
    /// The kind of credential.
    Credential(CredentialType),
    /// A built-in control: whether it is satisfied.
    BuiltIn(GrantControl, bool),
    /// A method that was used, no longer used.
    WithoutMethod(AuthenticationMethod),
    /// An entry of a list: whether it is in it.
    Entry(List, Id, bool),
    /// The kind of guest.
    Guest(GuestType),
    /// The resource.
    Resource(Id),
    /// The user action, in the place of a resource.
    UserAction(UserAction),
    /// The authentication context.
    AuthenticationContext(Box<str>),
    /// This user action, no longer asked for.
    WithoutUserAction(UserAction),
    /// This authentication context, no longer asked for.
    WithoutAuthenticationContext(Box<str>),
}

/// Kinds of risk that have a [`RiskLevel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Risk {
    /// Of the service principal.
    ServicePrincipal,
    /// Of the sign-in.
    SignIn,
    /// Of the user.
    User,
    /// Of the agent.
    Agent,
}

/// Lists of ids in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum List {
    /// Groups of the user.
    Groups,
    /// Roles of the user.
    Roles,
    /// Authentication strengths that are satisfied.
    Strengths,
    /// Agreements that are accepted.
    TermsOfUse,
    /// Custom controls that are completed.
    CustomFactors,
}

impl Fact {
    /// That `control` is satisfied.
    pub(super) fn satisfied(control: &Control<'_>) -> Self {
        match control {
            Control::BuiltIn(control) => Self::BuiltIn(*control, true),
            Control::AuthenticationStrength(id) => Self::Entry(List::Strengths, Id::new(id), true),
            Control::TermsOfUse(id) => Self::Entry(List::TermsOfUse, Id::new(id), true),
            Control::CustomFactor(id) => Self::Entry(List::CustomFactors, Id::new(id), true),
        }
    }

    /// The field's path in a request document.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Address(_) => "network.ipAddress",
            Self::Country(_) => "network.country",
            Self::GpsCountry(_) => "network.gpsCountry",
            Self::CompliantNetwork(_) => "network.compliantNetwork",
            Self::Risk(Risk::ServicePrincipal, _) => "risk.servicePrincipal",
            Self::Risk(Risk::SignIn, _) => "risk.signIn",
            Self::Risk(Risk::User, _) => "risk.user",
            Self::Risk(Risk::Agent, _) => "risk.agent",
            Self::InsiderRisk(_) => "risk.insider",
            Self::ClientApp(_) => "clientApp",
            Self::Platform(_) => "platform",
            Self::Flow(_) => "authenticationFlow",
            Self::CompliantDevice(_) => "device.isCompliant",
            Self::Credential(_) => "credential.type",
            Self::BuiltIn(..) => "satisfied.builtInControls",
            Self::WithoutMethod(_) => "satisfied.authenticationMethods",
            Self::Entry(List::Groups, ..) => "identity.groups",
            Self::Entry(List::Roles, ..) => "identity.roles",
            Self::Entry(List::Strengths, ..) => "satisfied.authenticationStrengths",
            Self::Entry(List::TermsOfUse, ..) => "satisfied.termsOfUse",
            Self::Entry(List::CustomFactors, ..) => "satisfied.customAuthenticationFactors",
            Self::Guest(_) => "identity.guestType",
            Self::Resource(_) => "resource.appIds",
            Self::UserAction(_) | Self::WithoutUserAction(_) => "resource.userAction",
            Self::AuthenticationContext(_) | Self::WithoutAuthenticationContext(_) => "resource.authenticationContext",
        }
    }

    /// What it is changed to, as a request document writes it. Of a list, the entry that comes or goes.
    pub fn value(&self) -> String {
        match self {
            Self::Address(address) => address.to_string(),
            Self::Country(country) => country.as_str().to_owned(),
            Self::GpsCountry(country) => country.as_str().to_owned(),
            Self::CompliantNetwork(flag) | Self::CompliantDevice(flag) => flag.to_string(),
            Self::Risk(_, level) => level.as_str().to_owned(),
            Self::InsiderRisk(level) => level.as_str().to_owned(),
            Self::ClientApp(word) => word.as_str().to_owned(),
            Self::Platform(word) => word.as_str().to_owned(),
            Self::Flow(word) => word.as_str().to_owned(),
            Self::Credential(word) => word.as_str().to_owned(),
            Self::BuiltIn(word, _) => word.as_str().to_owned(),
            Self::WithoutMethod(word) => word.as_str().to_owned(),
            Self::Guest(word) => word.as_str().to_owned(),
            Self::UserAction(word) | Self::WithoutUserAction(word) => word.as_str().to_owned(),
            Self::Entry(_, id, _) | Self::Resource(id) => id.to_string(),
            Self::AuthenticationContext(name) | Self::WithoutAuthenticationContext(name) => name.to_string(),
        }
    }

    /// What is done with the value.
    pub const fn deed(&self) -> Deed {
        match self {
            Self::BuiltIn(_, true) | Self::Entry(_, _, true) => Deed::Add,
            Self::BuiltIn(_, false)
            | Self::Entry(_, _, false)
            | Self::WithoutMethod(_)
            | Self::WithoutUserAction(_)
            | Self::WithoutAuthenticationContext(_) => Deed::Remove,
            _ => Deed::Set,
        }
    }

    /// What the request says now, as a document writes it; `None` for nothing, and for an entry of a list.
    pub fn before(&self, request: &TokenRequest<'_>) -> Option<String> {
        fn text<T: Word>(word: T) -> String {
            word.as_str().to_owned()
        }
        match self {
            Self::Address(_) => request.network.ip_address.map(|address| address.to_string()),
            Self::Country(_) => request.network.country.map(|country| country.as_str().to_owned()),
            Self::GpsCountry(_) => request.network.gps_country.map(|country| country.as_str().to_owned()),
            Self::CompliantNetwork(_) => request.network.compliant_network.map(|flag| flag.to_string()),
            Self::Risk(kind, _) => Some(text(*level(request, *kind))),
            Self::InsiderRisk(_) => Some(text(request.risk.insider)),
            Self::ClientApp(_) => request.client_app.map(text),
            Self::Platform(_) => request.platform.map(text),
            Self::Flow(_) => request.authentication_flow.map(text),
            Self::CompliantDevice(_) => request.device.as_ref()?.is_compliant.map(|flag| flag.to_string()),
            Self::Credential(_) => request.credential.kind.map(text),
            Self::Guest(_) => request.identity.guest_type.map(text),
            Self::UserAction(_) | Self::WithoutUserAction(_) => request.resource.user_action.map(text),
            Self::AuthenticationContext(_) | Self::WithoutAuthenticationContext(_) => {
                request.resource.authentication_context.as_deref().map(str::to_owned)
            }
            Self::Resource(_) => match request.resource.app_ids.as_slice() {
                [] => None,
                ids => Some(ids.iter().map(|id| IdRef::to_owned(*id).to_string()).collect::<Vec<_>>().join(", ")),
            },
            Self::BuiltIn(..) | Self::WithoutMethod(_) | Self::Entry(..) => None,
        }
    }

    /// Changes the fact.
    pub fn apply<'a>(&'a self, request: &mut TokenRequest<'a>) {
        let network = &mut request.network;
        match self {
            Self::Address(address) => network.ip_address = Some(*address),
            Self::Country(country) => network.country = Some(*country),
            Self::GpsCountry(country) => network.gps_country = Some(*country),
            Self::CompliantNetwork(flag) => network.compliant_network = Some(*flag),
            Self::Risk(kind, level) => *level_mut(request, *kind) = *level,
            Self::InsiderRisk(level) => request.risk.insider = *level,
            Self::ClientApp(word) => request.client_app = Some(*word),
            Self::Platform(word) => request.platform = Some(*word),
            Self::Flow(word) => request.authentication_flow = Some(*word),
            Self::CompliantDevice(flag) => {
                request.device.get_or_insert_default().is_compliant = Some(*flag);
            }
            Self::Credential(word) => request.credential.kind = Some(*word),
            Self::BuiltIn(word, true) => request.satisfied.built_in.insert(*word),
            Self::BuiltIn(word, false) => request.satisfied.built_in = without(request.satisfied.built_in, *word),
            Self::WithoutMethod(word) => request.satisfied.methods = without(request.satisfied.methods, *word),
            Self::Entry(list, id, is_in) => {
                let list = list_mut(request, *list);
                match is_in {
                    true => list.push(id.as_ref()),
                    false => list.retain(|known| *known != id.as_ref()),
                }
            }
            Self::Guest(word) => request.identity.guest_type = Some(*word),
            Self::Resource(id) => request.resource.app_ids = vec![id.as_ref()],
            Self::UserAction(word) => request.resource.user_action = Some(*word),
            Self::AuthenticationContext(name) => {
                request.resource.authentication_context = Some(std::borrow::Cow::Borrowed(name));
            }
            Self::WithoutUserAction(_) => request.resource.user_action = None,
            Self::WithoutAuthenticationContext(_) => request.resource.authentication_context = None,
        }
    }

    /// Whether the request says so already.
    pub(super) fn is_true_of(&self, request: &TokenRequest<'_>) -> bool {
        match self {
            Self::BuiltIn(word, is_in) => request.satisfied.built_in.contains(*word) == *is_in,
            Self::WithoutMethod(word) => !request.satisfied.methods.contains(*word),
            Self::WithoutUserAction(_) => request.resource.user_action.is_none(),
            Self::WithoutAuthenticationContext(_) => request.resource.authentication_context.is_none(),
            Self::Entry(list, id, is_in) => list_of(request, *list).contains(&id.as_ref()) == *is_in,
            _ => self.before(request).is_some_and(|before| before == self.value()),
        }
    }

    /// Whether one of them would undo the other: a second value for the same field.
    pub(super) fn is_about_the_same_as(&self, other: &Self) -> bool {
        self.deed() == Deed::Set && self.field() == other.field()
    }

    /// Whether this is the opposite of `other`.
    pub(super) fn undoes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Entry(list, id, is_in), Self::Entry(other_list, other_id, other_is_in)) => {
                list == other_list && id == other_id && is_in != other_is_in
            }
            _ => false,
        }
    }
}

/// What a change does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deed {
    /// Puts a value in the place of another.
    Set,
    /// Adds an entry to a list.
    Add,
    /// Takes an entry out of a list.
    Remove,
}

impl Deed {
    /// `set`, `add` or `remove`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Add => "add",
            Self::Remove => "remove",
        }
    }
}

/// The controls and methods that the request has satisfied, each taken away.
pub(super) fn satisfied_by(request: &TokenRequest<'_>) -> Vec<Fact> {
    let Satisfied { built_in, methods, .. } = &request.satisfied;
    let lists = [List::Strengths, List::TermsOfUse, List::CustomFactors];
    let entries = lists
        .into_iter()
        .flat_map(|list| list_of(request, list).iter().map(move |id| Fact::Entry(list, IdRef::to_owned(*id), false)));
    let controls = built_in.iter().map(|word| Fact::BuiltIn(word, false));
    controls.chain(methods.iter().map(Fact::WithoutMethod)).chain(entries).collect()
}

/// What is asked for beside an application, no longer asked for.
pub(super) fn asked_by(request: &TokenRequest<'_>) -> impl Iterator<Item = Fact> {
    let resource = &request.resource;
    let context = resource.authentication_context.as_deref().map(Box::from).map(Fact::WithoutAuthenticationContext);
    context.into_iter().chain(resource.user_action.map(Fact::WithoutUserAction))
}

/// The groups and roles of the user, each left.
pub(super) fn memberships_of(request: &TokenRequest<'_>) -> impl Iterator<Item = Fact> {
    let left = |list: List| list_of(request, list).iter().map(move |id| Fact::Entry(list, IdRef::to_owned(*id), false));
    left(List::Groups).chain(left(List::Roles))
}

fn without<T: Word>(set: Set<T>, word: T) -> Set<T> {
    set.iter().filter(|known| *known != word).collect()
}

const fn level<'r>(request: &'r TokenRequest<'_>, kind: Risk) -> &'r RiskLevel {
    match kind {
        Risk::ServicePrincipal => &request.risk.service_principal,
        Risk::SignIn => &request.risk.sign_in,
        Risk::User => &request.risk.user,
        Risk::Agent => &request.risk.agent,
    }
}

const fn level_mut<'r>(request: &'r mut TokenRequest<'_>, kind: Risk) -> &'r mut RiskLevel {
    match kind {
        Risk::ServicePrincipal => &mut request.risk.service_principal,
        Risk::SignIn => &mut request.risk.sign_in,
        Risk::User => &mut request.risk.user,
        Risk::Agent => &mut request.risk.agent,
    }
}

fn list_of<'r, 'a>(request: &'r TokenRequest<'a>, list: List) -> &'r [IdRef<'a>] {
    match list {
        List::Groups => request.identity.groups.as_deref().unwrap_or_default(),
        List::Roles => request.identity.roles.as_deref().unwrap_or_default(),
        List::Strengths => &request.satisfied.authentication_strengths,
        List::TermsOfUse => &request.satisfied.terms_of_use,
        List::CustomFactors => &request.satisfied.custom_factors,
    }
}

fn list_mut<'r, 'a>(request: &'r mut TokenRequest<'a>, list: List) -> &'r mut Vec<IdRef<'a>> {
    match list {
        List::Groups => request.identity.groups.get_or_insert_default(),
        List::Roles => request.identity.roles.get_or_insert_default(),
        List::Strengths => &mut request.satisfied.authentication_strengths,
        List::TermsOfUse => &mut request.satisfied.terms_of_use,
        List::CustomFactors => &mut request.satisfied.custom_factors,
    }
}
