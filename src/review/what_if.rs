//! A request of Microsoft Graph's What If, `POST /identity/conditionalAccess/evaluate`, as a token request.
//!
//! Reading is strict: a type, property or value that Graph does not have is an error that names the property, and all
//! of them are told. Enumerations are read in any case, as clients in use write them. What is omitted stays omitted;
//! `evaluate::what_if` says what that means.
//!
//! Graph looks groups, roles and blueprints up in its directory. A bundle has none, so a request may carry them as
//! annotations, which OData lets every other service pass over: `@doorward.groups` and `@doorward.roles` of a
//! `userSignIn`, `@doorward.blueprint` of an `agentSignIn`. Other annotations are passed over here too.
//!
//! Rulings on what the documentation leaves open: a `servicePrincipalId` may be the object id or the app id; and what
//! [`suppose`] says goes without saying, for every way to ask What If.
//!
//! Source: Microsoft Graph, conditionalAccessRoot: evaluate, signInConditions and related resources, v1.0 and beta,
//! read August 2026. Start with [`read`].

use super::graph::Version;
use super::members::Members;
use super::request::{device_members, id, ids, parsed, read_address, read_authentication_context, read_country};
use super::rules;
use crate::compile::CompiledBundle;
use crate::limits;
use crate::model::location::CountryFact;
use crate::model::request::{Device, Identity, Network, Resource, Risk};
use crate::model::set::Word;
use crate::model::{
    ClientApp, GuestType, IdRef, IdentityKind, InsiderRiskLevel, Platform, ResourceKind, RiskLevel,
    ServicePrincipalType, TokenRequest, TransferMethod, UserAction,
};
use crate::text::suggest::nearest;
use crate::text::{Diagnostic, Diagnostics, Node};

/// What a request of What If asks.
#[derive(Clone, Debug, PartialEq)]
pub struct WhatIfRequest<'n> {
    /// The supposed sign-in.
    pub request: TokenRequest<'n>,
    /// `appliedPoliciesOnly`: only policies that apply are wanted.
    pub is_applied_only: bool,
}

/// Reads a request. `bundle` is the one that it will be asked of; its catalogue tells what ids stand for.
///
/// Errors: `None`, and a diagnostic of [`rules`] for each problem.
/// Cost: linear in the document.
pub fn read<'n>(
    node: &'n Node<'n>,
    bundle: &'n CompiledBundle,
    version: Version,
    diagnostics: &mut Diagnostics,
) -> Option<WhatIfRequest<'n>> {
    let errors = diagnostics.errors();
    let mut fields = Members::new(node, "", diagnostics)?;
    let identity =
        required(&mut fields, "signInIdentity", diagnostics).and_then(|it| identity(it, bundle, version, diagnostics));
    let resource = required(&mut fields, "signInContext", diagnostics).map(|it| context(it, diagnostics));
    let conditions =
        required(&mut fields, "signInConditions", diagnostics).map(|it| conditions(it, version, diagnostics));
    let is_applied_only = fields.boolean("appliedPoliciesOnly", diagnostics).unwrap_or(false);
    fields.finish_odata(diagnostics);
    if diagnostics.errors() > errors {
        return None;
    }
    let conditions = conditions?;
    let mut request = TokenRequest {
        resource: resource?,
        network: conditions.network,
        risk: conditions.risk,
        client_app: conditions.client_app,
        platform: conditions.platform,
        device: conditions.device.map(Box::new),
        authentication_flow: conditions.flow,
        ..TokenRequest::new(identity?)
    };
    suppose(&mut request, bundle);
    Some(WhatIfRequest { request, is_applied_only })
}

/// Adds what of a supposed sign-in goes without saying: a user of whom neither kind of guest nor home tenant is said is no
/// guest, and is where GPS would say so too; a device is not compliant, as Graph documents; an application is what is
/// asked for, unless the catalogue knows it for an agent.
pub fn suppose(request: &mut TokenRequest<'_>, bundle: &CompiledBundle) {
    let (identity, network) = (&mut request.identity, &mut request.network);
    if identity.kind == IdentityKind::User {
        // WHY: somebody from another tenant is some kind of guest, and nobody said which.
        let member = identity.home_tenant.is_none().then_some(GuestType::None);
        identity.guest_type = identity.guest_type.or(member);
        if let (None, Some(CountryFact::Known(country))) = (network.gps_country, network.country) {
            network.gps_country = Some(country);
        }
    }
    if let Some(device) = &mut request.device {
        device.is_compliant.get_or_insert(false);
    }
    let resource = &mut request.resource;
    let is_known = |id: &IdRef<'_>| bundle.kind_of_resource(*id).is_some_and(|kind| kind != ResourceKind::Application);
    // WHY: one word for all of them; where the catalogue knows an agent among them it says what each is.
    if !resource.app_ids.is_empty() && !resource.app_ids.iter().any(is_known) {
        resource.kind.get_or_insert(ResourceKind::Application);
    }
}

/// An object that must be there.
fn required<'n>(fields: &mut Members<'n>, key: &'static str, diagnostics: &mut Diagnostics) -> Option<Members<'n>> {
    if fields.member(key).is_none() {
        fields.missing(key, "Graph requires it", diagnostics);
    }
    fields.object(key, diagnostics)
}

/// The type that `@odata.type` selects, without its namespace.
fn odata_type<'n>(fields: &mut Members<'n>, types: &[&'n str], diagnostics: &mut Diagnostics) -> Option<&'n str> {
    const KEY: &str = "@odata.type";
    let Some(node) = fields.member(KEY) else {
        let help = format!("it is one of {}", qualified(types));
        fields.missing(KEY, &help, diagnostics);
        return None;
    };
    let text = fields.text(KEY, diagnostics)?;
    let name = text.strip_prefix('#').unwrap_or(text).strip_prefix("microsoft.graph.");
    let found = name.and_then(|name| types.iter().copied().find(|known| *known == name));
    if found.is_none() {
        let what = format!("`{text}` is no type of `{}`", fields.path_of(KEY));
        let near = name.and_then(|name| nearest(name, types.iter().copied()));
        let help = near.map_or_else(
            || format!("it is one of {}", qualified(types)),
            |near| format!("did you mean `#microsoft.graph.{near}`?"),
        );
        diagnostics.push(Diagnostic::new(&rules::FIELD_VALUE, node.span, what).help(help));
    }
    found
}

fn qualified(types: &[&str]) -> String {
    types.iter().map(|name| format!("#microsoft.graph.{name}")).collect::<Vec<_>>().join(", ")
}

fn identity<'n>(
    mut fields: Members<'n>,
    bundle: &'n CompiledBundle,
    version: Version,
    diagnostics: &mut Diagnostics,
) -> Option<Identity<'n>> {
    let types: &[&str] = match version {
        Version::V1 => &["userSignIn", "servicePrincipalSignIn"],
        Version::Beta => &["userSignIn", "servicePrincipalSignIn", "agentSignIn"],
    };
    let identity = match odata_type(&mut fields, types, diagnostics)? {
        "userSignIn" => user(&mut fields, diagnostics),
        "servicePrincipalSignIn" => {
            required_id(&mut fields, "servicePrincipalId", diagnostics).map(|id| service_principal(id, bundle))
        }
        _ => {
            let blueprint = id(&mut fields, "@doorward.blueprint", diagnostics);
            let id = required_id(&mut fields, "agentServicePrincipalId", diagnostics);
            id.map(|id| Identity { blueprint, ..Identity::new(IdentityKind::AgentIdentity, id) })
        }
    };
    fields.finish_odata(diagnostics);
    identity
}

fn required_id<'n>(fields: &mut Members<'n>, key: &'static str, diagnostics: &mut Diagnostics) -> Option<IdRef<'n>> {
    if fields.member(key).is_none() {
        fields.missing(key, "write the object id", diagnostics);
    }
    id(fields, key, diagnostics)
}

fn user<'n>(fields: &mut Members<'n>, diagnostics: &mut Diagnostics) -> Option<Identity<'n>> {
    let groups = ids(fields, "@doorward.groups", limits::GROUPS_MAX, diagnostics);
    let roles = ids(fields, "@doorward.roles", limits::GROUPS_MAX, diagnostics);
    let home_tenant = id(fields, "externalTenantId", diagnostics);
    let expected = "one kind of guest or external user";
    let guest_type = parsed(fields, "externalUserType", expected, diagnostics, |text| GuestType::parse(text.trim()));
    let id = required_id(fields, "userId", diagnostics)?;
    Some(Identity { groups, roles, guest_type, home_tenant, ..Identity::new(IdentityKind::User, id) })
}

/// The service principal that `id`, an object id or an app id, stands for.
fn service_principal<'n>(id: IdRef<'n>, bundle: &'n CompiledBundle) -> Identity<'n> {
    let principal = bundle.principal_of(id).or_else(|| bundle.principal_of_app(id));
    let is_managed = principal.is_some_and(|principal| principal.kind == Some(ServicePrincipalType::ManagedIdentity));
    let kind = if is_managed { IdentityKind::ManagedIdentity } else { IdentityKind::ServicePrincipal };
    Identity::new(kind, principal.map_or(id, |principal| principal.id.value.as_ref()))
}

fn context<'n>(mut fields: Members<'n>, diagnostics: &mut Diagnostics) -> Resource<'n> {
    let mut resource = Resource::default();
    match odata_type(&mut fields, &["applicationContext", "userActionContext", "authContext"], diagnostics) {
        Some("applicationContext") => {
            let apps = ids(&mut fields, "includeApplications", limits::RESOURCES_MAX, diagnostics);
            resource.app_ids = apps.unwrap_or_default();
        }
        Some("userActionContext") => {
            resource.user_action = fields.word("userAction", &[UserAction::AccountRecovery], diagnostics);
            if fields.member("userAction").is_none() {
                fields.missing("userAction", "write the user action", diagnostics);
            }
        }
        Some(_) => {
            const KEY: &str = "authenticationContextValue";
            resource.authentication_context = read_authentication_context(KEY, &mut fields, diagnostics);
            if fields.member(KEY).is_none() {
                fields.missing(KEY, "write `c1` to `c99`", diagnostics);
            }
        }
        // Which members there can be depends on the type.
        None => return resource,
    }
    fields.finish_odata(diagnostics);
    resource
}

/// `signInConditions`.
struct Conditions<'n> {
    network: Network,
    risk: Risk,
    client_app: Option<ClientApp>,
    platform: Option<Platform>,
    device: Option<Device<'n>>,
    flow: Option<TransferMethod>,
}

fn conditions<'n>(mut fields: Members<'n>, version: Version, diagnostics: &mut Diagnostics) -> Conditions<'n> {
    let ip_address = read_address(&mut fields, diagnostics);
    let country = read_country(&mut fields, diagnostics);
    let mut level = |key, diagnostics: &mut Diagnostics| fields.word(key, &[], diagnostics).unwrap_or(RiskLevel::None);
    let mut risk = Risk {
        sign_in: level("signInRiskLevel", diagnostics),
        user: level("userRiskLevel", diagnostics),
        service_principal: level("servicePrincipalRiskLevel", diagnostics),
        ..Risk::default()
    };
    risk.insider = fields.word("insiderRiskLevel", &[], diagnostics).unwrap_or(InsiderRiskLevel::None);
    if version == Version::Beta {
        let agent = fields.word("agentIdRiskLevel", &[RiskLevel::Hidden], diagnostics);
        risk.agent = agent.unwrap_or(RiskLevel::None);
    }
    // `all` is Graph's word for a platform or client app that is not said.
    let platform = fields.word("devicePlatform", &[], diagnostics).filter(|platform| *platform != Platform::All);
    let client_app = fields.word("clientAppType", &[], diagnostics).filter(|app| *app != ClientApp::All);
    let flow = fields.object("authenticationFlow", diagnostics).and_then(|mut flow| {
        let method = flow.word("transferMethod", &[], diagnostics);
        flow.finish_odata(diagnostics);
        method
    });
    let device = fields.object("deviceInfo", diagnostics).map(|mut device| {
        let members = device_members(&mut device, diagnostics);
        device.finish_odata(diagnostics);
        members
    });
    fields.finish_odata(diagnostics);
    let network = Network { ip_address, country, ..Network::default() };
    Conditions { network, risk, client_app, platform, device, flow }
}
