//! The target resource condition.
//!
//! Source: Entra documentation, Targeting resources in Conditional Access policies; Filter for applications; Microsoft
//! Graph, conditionalAccessRoot: evaluate, example 3; read August 2026.

use doorward::model::bundle::BundleSettings;
use doorward::model::policy::{ResourceTarget, Resources};
use doorward::model::{
    Attributes, CredentialType, FilterMode, Id, IdRef, IdentityKind, ResourceKind, TokenRequest, Truth,
};
use doorward::text::Spanned;

use super::rule::{self, Fact};
use super::{Case, fact};

/// Members of `Office365` whose ids Microsoft has published, and one that the community counts in.
const OFFICE_365: [&str; 29] = [
    "00000002-0000-0ff1-ce00-000000000000",
    "00000003-0000-0ff1-ce00-000000000000",
    "00000004-0000-0ff1-ce00-000000000000",
    "00000005-0000-0ff1-ce00-000000000000",
    "00000006-0000-0ff1-ce00-000000000000",
    "00000007-0000-0ff1-ce00-000000000000",
    "0cd196ee-71bf-4fd6-a57c-b491ffd4fb1e",
    "944f0bd1-117b-4b1c-af26-804ed95e767e",
    "c9a559d2-7aab-4f13-a6ed-e7e9c52aec87",
    "d3590ed6-52b3-4102-aeff-aad2292ab01c",
    "cf53fce8-def6-4aeb-8d30-b158e7b1cf83",
    "1fec8e78-bce4-4aaf-ab1b-5451cc387264",
    "cc15fd57-2c6c-4117-a88c-83b1d56b4bbe",
    "5e3ce6c0-2b1f-4285-8d4b-75ee78787346",
    "95de633a-083e-42f5-b444-a4295d8e9314",
    "4345a7b9-9a63-4910-a426-35363201d503",
    "66a88757-258c-4c72-893c-3e8bed4d6899",
    "94c63fef-13a3-47bc-8074-75af8c65887a",
    "93d53678-613d-4013-afc1-62e9e444a0a5",
    "243c63a3-247d-41c5-9d83-7788c43f1c43",
    "4b233688-031c-404b-9a80-a4f3f2351f90",
    "89bee1f7-5e6e-4d8a-9f3d-ecd601259da7",
    "0f698dd4-f011-4d23-a33e-b36416dcb1e6",
    "4765445b-32c6-49b0-83e6-1d93765276ca",
    "ab9b8c07-8f02-4f72-87fa-80105867a763",
    "2d4d3d8e-2be3-4bef-9f87-7875a61c29de",
    "08e18876-6177-487e-b8b5-cf950c1e598c",
    "905fcf26-4eb7-48a0-9ff0-8dcc7194b5ba",
    "7557eb47-c689-4224-abcf-aef9bd7573df",
];
/// Members of `MicrosoftAdminPortals`, likewise.
const ADMIN_PORTALS: [&str; 4] = [
    "c44b4083-3bb0-49c1-b47d-974e53cbdf3c",
    "497effe9-df71-4043-a8bb-14cf78c4b63b",
    "00000006-0000-0ff1-ce00-000000000000",
    "80ccca67-54bd-44ab-8625-4b79c4dc7775",
];

/// Baseline scopes of the directory, in lower case.
pub const DIRECTORY: [&str; 7] = [
    "user.read",
    "user.read.all",
    "user.readbasic.all",
    "people.read",
    "people.read.all",
    "groupmember.read.all",
    "member.read.hidden",
];

/// An application, a user action or an authentication context; a policy uses one of the three.
pub fn matches(case: &Case<'_>, resources: &Resources) -> Truth {
    if is_token_exchange(case) {
        return Truth::False;
    }
    applications(case, resources) | user_action(case, resources) | authentication_context(case, resources)
}

/// The intermediate exchange of an agent identity is never evaluated.
fn is_token_exchange(case: &Case<'_>) -> bool {
    let exchange = IdRef::new("fb60f99c-7a34-4190-8149-302f77469936");
    let audiences = audiences(case.request);
    let is_exchange = |app: &App<'_>| matches!(app, App::Id(id) if *id == exchange);
    case.request.identity.kind == IdentityKind::AgentIdentity
        && case.request.resource.user_action.is_none()
        && !audiences.is_empty()
        && audiences.iter().all(is_exchange)
}

/// What the token is for. A request for nothing but baseline scopes is one for the directory; beside one resource that
/// asks for its own ID token alone, and proves itself, there is no directory.
pub fn audiences<'a>(request: &TokenRequest<'a>) -> Vec<App<'a>> {
    const OPEN_ID: [&str; 4] = ["openid", "profile", "email", "offline_access"];
    let graph = IdRef::new("00000003-0000-0000-c000-000000000000");
    let resource = &request.resource;
    let scopes: Vec<String> = resource
        .scopes
        .iter()
        .map(|scope| scope.strip_prefix("https://graph.microsoft.com/").unwrap_or(scope).to_lowercase())
        .collect();
    let open_id = scopes.iter().filter(|scope| OPEN_ID.contains(&scope.as_str())).count();
    let directory = scopes.iter().filter(|scope| DIRECTORY.contains(&scope.as_str())).count();
    let is_baseline = !scopes.is_empty() && open_id + directory == scopes.len() && resource.user_action.is_none();
    let named = || resource.app_ids.iter().copied();
    if !is_baseline {
        return named().map(App::Id).collect();
    }
    let mut audiences: Vec<App<'a>> = named().filter(|id| *id != graph).map(App::Id).collect();
    let may_be_own_token = directory == 0 && resource.app_ids.len() == 1 && audiences.len() == 1;
    match request.credential.kind {
        Some(CredentialType::None) => audiences.push(App::Directory),
        _ if !may_be_own_token => audiences.push(App::Directory),
        None => audiences.push(App::PerhapsDirectory),
        Some(_) => {}
    }
    audiences
}

fn user_action(case: &Case<'_>, resources: &Resources) -> Truth {
    let resource = &case.request.resource;
    if resources.user_actions.is_empty() {
        return Truth::False;
    }
    match resource.user_action {
        Some(action) => resources.user_actions.contains(action).into(),
        // What is asked for is not said at all: it may be any action.
        None if audiences(case.request).is_empty() => Truth::Unknown,
        None => Truth::False,
    }
}

fn authentication_context(case: &Case<'_>, resources: &Resources) -> Truth {
    let resource = &case.request.resource;
    if resources.authentication_contexts.is_empty() {
        return Truth::False;
    }
    match &resource.authentication_context {
        Some(asked) => resources.authentication_contexts.iter().any(|listed| **listed == **asked).into(),
        None if audiences(case.request).is_empty() && resource.user_action.is_none() => Truth::Unknown,
        None => Truth::False,
    }
}

/// Any of the requested applications is included and not excluded.
fn applications(case: &Case<'_>, resources: &Resources) -> Truth {
    let resource = &case.request.resource;
    let one = |app: App<'_>| {
        let included = any(&resources.include, |target| is_target(case, app, target))
            | by_filter(case, resources, app, FilterMode::Include);
        let excluded = any(&resources.exclude, |target| is_target(case, app, target))
            | by_filter(case, resources, app, FilterMode::Exclude);
        let is_asked_for = if matches!(app, App::PerhapsDirectory) { Truth::Unknown } else { Truth::True };
        included & !excluded & is_asked_for
    };
    let audiences = audiences(case.request);
    if !audiences.is_empty() {
        return audiences.into_iter().map(one).fold(Truth::False, |any, app| any | app);
    }
    one(if resource.user_action.is_some() { App::None } else { App::Unknown })
}

/// What is asked for, as far as applications go.
#[derive(Clone, Copy)]
pub enum App<'a> {
    /// This one.
    Id(IdRef<'a>),
    /// Windows Azure Active Directory, which the request did not name.
    Directory,
    /// The same, if it is asked for at all.
    PerhapsDirectory,
    /// None: it is a user action.
    None,
    /// The request does not say.
    Unknown,
}

fn is_target(case: &Case<'_>, app: App<'_>, target: &ResourceTarget) -> Truth {
    let settings = &case.bundle.settings;
    match target {
        ResourceTarget::All => Truth::True,
        ResourceTarget::AllAgentResources => {
            let kind = match app {
                App::None | App::Directory | App::PerhapsDirectory => return Truth::False,
                App::Id(id) => fact::kind_of_app(case, id),
                App::Unknown => case.request.resource.kind,
            };
            kind.map_or(Truth::Unknown, |kind| (kind != ResourceKind::Application).into())
        }
        ResourceTarget::App(id) => app.is(|app| id.as_ref() == app),
        ResourceTarget::Office365 => app.is(|app| is_office_365(settings, app)),
        ResourceTarget::MicrosoftAdminPortals => app.is(|app| is_admin_portal(settings, app)),
    }
}

impl<'a> App<'a> {
    /// Its app id, if it is one application.
    pub fn id(&self) -> Option<IdRef<'a>> {
        match self {
            App::Id(id) => Some(*id),
            App::Directory | App::PerhapsDirectory => Some(directory()),
            App::None | App::Unknown => None,
        }
    }

    fn is(self, test: impl Fn(IdRef<'_>) -> bool) -> Truth {
        match self {
            App::Id(id) => test(id).into(),
            App::Directory | App::PerhapsDirectory => test(directory()).into(),
            App::None => Truth::False,
            App::Unknown => Truth::Unknown,
        }
    }
}

fn is_office_365(settings: &BundleSettings, app: IdRef<'_>) -> bool {
    is_member(&settings.office365, &OFFICE_365, app)
}

fn is_admin_portal(settings: &BundleSettings, app: IdRef<'_>) -> bool {
    is_member(&settings.microsoft_admin_portals, &ADMIN_PORTALS, app)
}

fn is_member(own: &Option<Vec<Id>>, built_in: &[&str], app: IdRef<'_>) -> bool {
    match own {
        Some(members) => members.iter().any(|member| member.as_ref() == app),
        None => built_in.iter().any(|member| IdRef::new(member) == app),
    }
}

fn by_filter(case: &Case<'_>, resources: &Resources, app: App<'_>, mode: FilterMode) -> Truth {
    let Some(filter) = resources.filter.as_ref().filter(|filter| filter.mode == mode) else {
        return Truth::False;
    };
    match app {
        App::None => Truth::False,
        App::Unknown => Truth::Unknown,
        App::Id(id) => holds(&filter.rule.text, fact::attributes_of_app(case, id)),
        // The attributes that a request carries are those of what it names.
        App::Directory | App::PerhapsDirectory => {
            let entry = fact::catalogued_app(case.bundle, directory());
            holds(&filter.rule.text, entry.and_then(|entry| entry.attributes.as_ref()))
        }
    }
}

fn holds(rule: &str, attributes: Option<&Attributes<'_>>) -> Truth {
    attributes.map_or(Truth::Unknown, |attributes| {
        rule::parse(rule).holds(&|property| Fact::attribute(attributes, property)).into()
    })
}

/// Windows Azure Active Directory.
pub fn directory() -> IdRef<'static> {
    IdRef::new("00000002-0000-0000-c000-000000000000")
}

fn any<T>(items: &[Spanned<T>], holds: impl Fn(&T) -> Truth) -> Truth {
    items.iter().map(|item| holds(&item.value)).fold(Truth::False, |any, one| any | one)
}
