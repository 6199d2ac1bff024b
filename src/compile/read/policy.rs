//! Reads a policy: every property of Microsoft Graph's `conditionalAccessPolicy`, v1.0 and beta.
//!
//! Source: Microsoft Graph metadata and reference, read August 2026.

use super::super::rules;
use super::combination;
use super::object::{Context, Object, Path, parse_word};
use super::{guest, session, shaping, strength, target};
use crate::model::policy::{
    Conditions, Filter, GrantControls, Locations, Platforms, Policy, Resources, Scope, Users, When, WhenForm,
};
use crate::model::set::Word;
use crate::model::{
    ClientApp, GrantControl, InsiderRiskLevel, Operator, RiskLevel, Set, State, TransferMethod, UserAction,
};
use crate::text::{Diagnostic, Embedded, Node, Span, Spanned};

const RETIRED: &str = "use `devices.deviceFilter`, or name the policy in `ignoredPolicies`";
/// WHY neither `hidden` nor `none`: the flags that Graph writes have neither.
const AGENT_RISK: &[RiskLevel] = &[RiskLevel::Low, RiskLevel::Medium, RiskLevel::High];
const INSIDER_RISK: &[InsiderRiskLevel] =
    &[InsiderRiskLevel::Minor, InsiderRiskLevel::Moderate, InsiderRiskLevel::Elevated];
/// Client apps that Graph no longer has, and what to write for them. WHY they are not read as that: Graph gives the new
/// word of the second a wider meaning, which is for the author to choose.
/// Source: Microsoft Graph beta `conditionalAccessConditionSet`, read November 2026.
const FORMER_CLIENT_APPS: &[(&str, &str)] = &[
    ("modern", "write `mobileAppsAndDesktopClients`, or export the policy again"),
    ("easUnsupported", "write `exchangeActiveSync`, which covers supported platforms too, or export the policy again"),
];
const NO_MEANING: &str =
    "Microsoft Graph documents no meaning for it; name the policy in `ignoredPolicies` to leave it out";

/// Reads `node`; `None` when it has neither name nor id.
pub fn policy(node: &Node<'_>, context: &mut Context) -> Option<Policy> {
    let mut object = Object::new(node, Path::default(), context)?;
    let id = object.text("id", context).map(|id| Spanned::new(Box::from(id.value), id.span));
    let name = object.text("displayName", context);
    let state = state(&mut object, context);
    let deleted = deleted(&mut object, context);
    for key in ["templateId", "description", "createdDateTime", "modifiedDateTime", "partialEnablementStrategy"] {
        object.keep(key, context);
    }
    let when = object
        .text("when", context)
        .map(|text| When { form: WhenForm::Expression, text: Embedded::new(text.value, text.span) });
    let Body { conditions, grant, session } = body(&mut object, context);
    let shaping = shaping::shaping(&mut object, grant.as_ref(), context);
    // WHY: some exports have no names; the id then serves as one, so that messages can say which policy is meant.
    let display_name = name.map(|name| Spanned::new(Box::from(name.value), name.span)).or_else(|| id.clone());
    if display_name.is_none() {
        missing(&object, "displayName", "give the policy a name", context);
    }
    if let (Some(deleted), Some(name)) = (deleted, &display_name) {
        let what = format!("`{}` is in the recycle bin", name.value);
        context.report(
            Diagnostic::new(&rules::DELETED_POLICY, deleted, what).help("restore it, or take it out of the bundle"),
        );
    }
    // WHY: a control that could not be read has been reported, and is no missing one.
    let is_readable = !context.has_error();
    let has_effect = session.has_effect || shaping.is_some();
    if is_readable && !has_effect && grant.as_ref().is_none_or(GrantControls::is_empty) {
        let span = grant.as_ref().map_or(object.span(), |grant| grant.span);
        let help = "give it `grantControls`, for example `{ builtInControls: [block] }`";
        context.report(Diagnostic::new(&rules::NO_CONTROLS, span, "the policy has no control").help(help));
    }
    object.finish(&rules::UNKNOWN_PROPERTY, context);
    let kept = std::mem::take(&mut context.kept);
    let policy = Policy {
        id,
        display_name: display_name?,
        // WHY: with an unreadable state the bundle is refused; its other problems should show all the same.
        state: state.unwrap_or(State::Enabled),
        is_deleted: deleted.is_some(),
        conditions,
        grant,
        session_controls: session.controls,
        filtering_profile: session.filtering_profile,
        shaping,
        when,
        kept,
    };
    // WHY: of what could not be read nobody knows what it stands beside.
    if is_readable {
        combination::check(&policy, session.has_effect, node, context);
    }
    Some(policy)
}

/// Reads a template of Microsoft as the disabled policy that it would become; `None` when it has neither name nor id.
///
/// Source: Microsoft Graph `conditionalAccessTemplate`, read August 2026.
pub fn template(node: &Node<'_>, context: &mut Context) -> Option<Policy> {
    let mut object = Object::new(node, Path::default(), context)?;
    let id = object.text("id", context).map(|id| Spanned::new(Box::from(id.value), id.span));
    let name = object.text("name", context).or_else(|| object.text("displayName", context));
    for key in ["description", "scenarios"] {
        object.keep(key, context);
    }
    let body = match object.object("details", context) {
        Some(mut details) => {
            let body = body(&mut details, context);
            details.finish(&rules::UNKNOWN_PROPERTY, context);
            body
        }
        None => Body::default(),
    };
    object.finish(&rules::UNKNOWN_PROPERTY, context);
    let display_name = name.map(|name| Spanned::new(Box::from(name.value), name.span)).or_else(|| id.clone())?;
    Some(Policy {
        id,
        display_name,
        state: State::Disabled,
        is_deleted: false,
        conditions: body.conditions,
        grant: body.grant,
        session_controls: body.session.controls,
        filtering_profile: body.session.filtering_profile,
        shaping: None,
        when: None,
        kept: std::mem::take(&mut context.kept),
    })
}

/// What policies and templates have in common.
#[derive(Default)]
struct Body {
    conditions: Conditions,
    grant: Option<GrantControls>,
    session: session::Session,
}

fn body(object: &mut Object<'_, '_>, context: &mut Context) -> Body {
    let conditions = match object.object("conditions", context) {
        Some(conditions) => read_conditions(conditions, context),
        None => {
            missing(object, "conditions", "say who and what the policy is for", context);
            Conditions::default()
        }
    };
    let grant = object.object("grantControls", context).map(|controls| read_grant(controls, context));
    let session = session::session_controls(object, context);
    Body { conditions, grant, session }
}

/// Where the object says that it was deleted. Anything but a timestamp is an error: it must not drop a policy.
pub(super) fn deleted(object: &mut Object<'_, '_>, context: &mut Context) -> Option<Span> {
    let text = object.text("deletedDateTime", context)?;
    if text.value.parse::<jiff::Timestamp>().is_err() {
        let what = format!("`{}` is no timestamp", text.value);
        context.report(Diagnostic::new(&rules::TIMESTAMP, text.span, what));
        return None;
    }
    Some(text.span)
}

fn missing(object: &Object<'_, '_>, key: &str, help: &str, context: &mut Context) {
    let what = format!("`{key}` is missing");
    context.report(Diagnostic::new(&rules::MISSING_PROPERTY, object.span(), what).help(help));
}

fn state(object: &mut Object<'_, '_>, context: &mut Context) -> Option<State> {
    let before = context.diagnostics.len();
    let state = object.word::<State>("state", context);
    if state.is_none() && context.diagnostics.len() == before {
        let help = "write `enabled`, `disabled` or `enabledForReportingButNotEnforced`";
        missing(object, "state", help, context);
    }
    state
}

fn read_conditions(mut object: Object<'_, '_>, context: &mut Context) -> Conditions {
    let mut conditions = Conditions::default();
    if let Some(users) = object.object("users", context) {
        conditions.users = read_users(users, context);
    }
    if let Some(workloads) = object.object("clientApplications", context) {
        read_client_applications(workloads, &mut conditions, context);
    }
    conditions.resources = default_resources(&object);
    if let Some(applications) = object.object("applications", context) {
        let is_empty = applications.is_empty();
        let resources = read_resources(applications, context);
        if !is_empty {
            conditions.resources = resources;
        }
    }
    conditions.client_apps = client_apps(&mut object, context);
    if let Some(mut platforms) = object.object("platforms", context) {
        conditions.platforms = Platforms {
            include: platforms.words("includePlatforms", context),
            exclude: platforms.words("excludePlatforms", context),
        };
        platforms.finish(&rules::UNKNOWN_PROPERTY, context);
    }
    if let Some(locations) = object.object("locations", context) {
        conditions.locations = read_locations(locations, context);
    }
    if let Some(mut devices) = object.object("devices", context) {
        conditions.device_filter = read_filter(&mut devices, "deviceFilter", context);
        for key in ["includeDevices", "excludeDevices", "includeDeviceStates", "excludeDeviceStates"] {
            devices.refuse(key, RETIRED, context);
        }
        devices.finish(&rules::UNKNOWN_PROPERTY, context);
    }
    conditions.sign_in_risk = object.words("signInRiskLevels", context);
    conditions.user_risk = object.words("userRiskLevels", context);
    conditions.service_principal_risk = object.words("servicePrincipalRiskLevels", context);
    conditions.agent_risk = object.flags("agentIdRiskLevels", AGENT_RISK, context);
    conditions.insider_risk = object.flags("insiderRiskLevels", INSIDER_RISK, context);
    if let Some(mut flows) = object.object("authenticationFlows", context) {
        // WHY: `none` is how Graph writes that no flow is selected; it adds nothing to the others.
        let methods: Set<TransferMethod> = flows.flags("transferMethods", Word::ALL, context);
        conditions.flows = methods.iter().filter(|flow| *flow != TransferMethod::None).collect();
        flows.finish(&rules::UNKNOWN_PROPERTY, context);
    }
    object.refuse("deviceStates", RETIRED, context);
    for key in ["clients", "times", "signInRiskDetections"] {
        object.refuse(key, NO_MEANING, context);
    }
    object.finish(&rules::UNKNOWN_PROPERTY, context);
    conditions
}

/// Client apps; those of older exports are refused with the words that have taken their place.
fn client_apps(object: &mut Object<'_, '_>, context: &mut Context) -> Set<ClientApp> {
    let texts = object.texts("clientAppTypes", context).into_iter();
    let apps = texts.filter_map(|text| {
        let Some((word, help)) = FORMER_CLIENT_APPS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text.value))
        else {
            return parse_word(text, Path::default().join("conditions").join("clientAppTypes"), context);
        };
        let what = format!("`{word}` is a client app of older exports");
        context.report(Diagnostic::new(&rules::UNKNOWN_VALUE, text.span, what).help(*help));
        None
    });
    apps.collect()
}

/// `applications` left out, null or empty means All, the documented default of a policy written by hand.
fn default_resources(object: &Object<'_, '_>) -> Resources {
    Resources {
        include: vec![Spanned::new(crate::model::policy::ResourceTarget::All, object.span())],
        ..Resources::default()
    }
}

fn read_users(mut object: Object<'_, '_>, context: &mut Context) -> Users {
    let users = Users {
        include: target::users(object.texts("includeUsers", context), context),
        exclude: target::users(object.texts("excludeUsers", context), context),
        include_groups: target::ids(object.texts("includeGroups", context), context),
        exclude_groups: target::ids(object.texts("excludeGroups", context), context),
        include_roles: target::ids(object.texts("includeRoles", context), context),
        exclude_roles: target::ids(object.texts("excludeRoles", context), context),
        include_guests: guest::guests(&mut object, "includeGuestsOrExternalUsers", context),
        exclude_guests: guest::guests(&mut object, "excludeGuestsOrExternalUsers", context),
    };
    object.finish(&rules::UNKNOWN_PROPERTY, context);
    users
}

fn read_client_applications(mut object: Object<'_, '_>, conditions: &mut Conditions, context: &mut Context) {
    conditions.service_principals = Scope {
        include: target::principals(
            object.texts("includeServicePrincipals", context),
            "ServicePrincipalsInMyTenant",
            context,
        ),
        exclude: target::principals(
            object.texts("excludeServicePrincipals", context),
            "ServicePrincipalsInMyTenant",
            context,
        ),
        filter: read_filter(&mut object, "servicePrincipalFilter", context),
    };
    conditions.agent_identities = Scope {
        include: target::principals(object.texts("includeAgentIdServicePrincipals", context), "All", context),
        exclude: target::principals(object.texts("excludeAgentIdServicePrincipals", context), "All", context),
        filter: read_filter(&mut object, "agentIdServicePrincipalFilter", context),
    };
    object.finish(&rules::UNKNOWN_PROPERTY, context);
}

fn read_resources(mut object: Object<'_, '_>, context: &mut Context) -> Resources {
    let include = object.texts("includeApplications", context);
    let actions = object.texts("includeUserActions", context);
    let contexts = object.texts("includeAuthenticationContextClassReferences", context);
    let filter = read_filter(&mut object, "applicationFilter", context);
    let contexts = contexts.into_iter().filter_map(|reference| context_reference(reference, context)).collect();
    let resources = Resources {
        include: target::resources(include, context),
        exclude: target::resources(object.texts("excludeApplications", context), context),
        user_actions: actions.into_iter().filter_map(|action| user_action(action, context)).collect(),
        authentication_contexts: contexts,
        filter,
    };
    for key in ["networkAccess", "globalSecureAccess"] {
        object.refuse(key, NO_MEANING, context);
    }
    object.finish(&rules::UNKNOWN_PROPERTY, context);
    resources
}

/// `c1` to `c99`; requests can name no other.
fn context_reference(text: Spanned<&str>, context: &mut Context) -> Option<Box<str>> {
    if matches!(text.value.as_bytes(), [b'c', b'1'..=b'9'] | [b'c', b'1'..=b'9', b'0'..=b'9']) {
        return Some(text.value.into());
    }
    let what = format!("`{}` is no authentication context", text.value);
    context.report(Diagnostic::new(&rules::UNKNOWN_VALUE, text.span, what).help("they are `c1` to `c99`"));
    None
}

fn user_action(text: Spanned<&str>, context: &mut Context) -> Option<UserAction> {
    let action = UserAction::from_urn(text.value);
    if action.is_none() {
        let urns = UserAction::ALL.iter().map(|action| action.urn());
        let what = format!("`{}` is no user action", text.value);
        let help = format!("it is one of {}", urns.collect::<Vec<_>>().join(", "));
        context.report(Diagnostic::new(&rules::UNKNOWN_VALUE, text.span, what).help(help));
    }
    action
}

fn read_locations(mut object: Object<'_, '_>, context: &mut Context) -> Locations {
    let included = object.texts("includeLocations", context);
    let written = included.first().map(|text| text.span);
    let include = target::locations(included, context);
    if let Some(span) = written.filter(|_| include.is_empty()) {
        let what = "every placeholder of `includeLocations` stands for nothing";
        // WHY: a condition without locations is none, and the policy would then be for everywhere.
        let help = "let one of them stand for a location, or leave the policy out with `ignoredPolicies`";
        context.report(Diagnostic::new(&rules::PLACEHOLDER, span, what).help(help));
    }
    let locations =
        Locations { include, exclude: target::locations(object.texts("excludeLocations", context), context) };
    object.finish(&rules::UNKNOWN_PROPERTY, context);
    locations
}

fn read_filter(object: &mut Object<'_, '_>, key: &'static str, context: &mut Context) -> Option<Filter> {
    let mut filter = object.object(key, context)?;
    let is_missing = ["mode", "rule"].into_iter().any(|key| filter.member(key).is_none());
    let mode = filter.word("mode", context);
    let rule = filter.text("rule", context).map(|rule| Embedded::new(rule.value, rule.span));
    if is_missing {
        let what = format!("`{key}` needs a `mode` and a `rule`");
        let help = "write `mode: include` or `mode: exclude`, and the rule as text";
        context.report(Diagnostic::new(&rules::MISSING_PROPERTY, filter.span(), what).help(help));
    }
    filter.finish(&rules::UNKNOWN_PROPERTY, context);
    Some(Filter { mode: mode?, rule: rule? })
}

fn read_grant(mut object: Object<'_, '_>, context: &mut Context) -> GrantControls {
    let operator = object.word("operator", context);
    let texts = object.texts("builtInControls", context);
    let built_in = texts
        .into_iter()
        .filter_map(|text| {
            parse_word::<GrantControl>(text, Path::default().join("grantControls").join("builtInControls"), context)
        })
        .collect();
    let owned = |texts: Vec<Spanned<&str>>| texts.into_iter().map(|text| Box::from(text.value)).collect();
    let grant = GrantControls {
        operator: operator.unwrap_or(Operator::And),
        built_in,
        authentication_strength: object
            .object("authenticationStrength", context)
            .and_then(|object| strength::strength(object, context)),
        terms_of_use: owned(object.texts("termsOfUse", context)),
        custom_factors: owned(object.texts("customAuthenticationFactors", context)),
        span: object.span(),
    };
    if operator.is_none() && grant.len() > 1 {
        let help = "write `operator: AND` or `operator: OR`";
        context.report(Diagnostic::new(&rules::NO_OPERATOR, object.span(), "the controls have no operator").help(help));
    }
    object.finish(&rules::UNKNOWN_PROPERTY, context);
    grant
}
