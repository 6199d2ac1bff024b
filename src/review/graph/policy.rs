//! A policy in Graph's shape.

use serde_json::{Map, Value, json};

use super::{Names, lay};
use crate::model::policy::{
    AuthenticationStrength, Conditions, Filter, GrantControls, Guests, LocationTarget, Policy, PrincipalTarget,
    ResourceTarget, Resources, Scope, UserTarget, Users,
};
use crate::model::set::Word;
use crate::model::shaping::{Shaping, StatedObligation};
use crate::model::{ClientApp, Id, Set};
use crate::text::Spanned;

/// The policy, every property of beta in it.
pub(super) fn policy(policy: &Policy, names: &Names<'_>) -> Value {
    let name = &policy.display_name.value;
    let mut object = json!({
        "id": policy.id.as_ref().map_or(name, |id| &id.value),
        "templateId": null,
        "displayName": name,
        "description": null,
        "createdDateTime": null,
        "modifiedDateTime": null,
        "deletedDateTime": null,
        "state": policy.state.as_str(),
        "partialEnablementStrategy": null,
        "conditions": conditions(&policy.conditions, names),
        "grantControls": policy.grant.as_ref().map(grant),
        "sessionControls": null,
    });
    lay(&mut object, &policy.kept);
    // WHY: Graph has no word for it, and clients pass over annotations they do not know.
    if let Value::Object(members) = &mut object {
        members.extend(policy.when.as_ref().map(|when| ("@doorward.when".to_owned(), json!(when.text.text))));
        members.extend(policy.shaping.iter().flat_map(|shaping| self::shaping(shaping)));
    }
    object
}

fn shaping(shaping: &Shaping) -> Vec<(String, Value)> {
    let Shaping { token, obligations } = shaping;
    let mut members = Vec::new();
    if !token.is_empty() {
        let token = json!({ "lifetime": token.lifetime, "claims": token.claims, "critical": token.critical });
        members.push(("@doorward.token".to_owned(), token));
    }
    let obligation = |stated: &StatedObligation| {
        // INVARIANT: it was written as JSON.
        let properties: Value = serde_json::from_str(&stated.properties).unwrap_or_default();
        json!({ "id": stated.id.as_ref().map(|id| &id.value), "type": stated.kind, "properties": properties })
    };
    if !obligations.is_empty() {
        members.push(("@doorward.obligations".to_owned(), obligations.iter().map(obligation).collect()));
    }
    members
}

fn conditions(conditions: &Conditions, names: &Names<'_>) -> Value {
    let platforms = conditions.platforms;
    let locations = &conditions.locations;
    let client_apps = match conditions.client_apps {
        any if any.is_empty() => words([ClientApp::All].into_iter().collect()),
        some => words(some),
    };
    json!({
        "users": users(&conditions.users),
        "applications": resources(&conditions.resources),
        "clientApplications": client_applications(conditions, names),
        "clientAppTypes": client_apps,
        "platforms": (!platforms.include.is_empty() || !platforms.exclude.is_empty()).then(|| json!({
            "includePlatforms": words(platforms.include),
            "excludePlatforms": words(platforms.exclude),
        })),
        "locations": (!locations.include.is_empty() || !locations.exclude.is_empty()).then(|| json!({
            "includeLocations": list(&locations.include, |target| location(target, names)),
            "excludeLocations": list(&locations.exclude, |target| location(target, names)),
        })),
        "devices": conditions.device_filter.as_ref().map(|filter| json!({ "deviceFilter": self::filter(filter) })),
        "signInRiskLevels": words(conditions.sign_in_risk),
        "userRiskLevels": words(conditions.user_risk),
        "servicePrincipalRiskLevels": words(conditions.service_principal_risk),
        "insiderRiskLevels": flags(conditions.insider_risk),
        "agentIdRiskLevels": flags(conditions.agent_risk),
        "authenticationFlows": flags(conditions.flows).map(|flows| json!({ "transferMethods": flows })),
        "deviceStates": null,
        "clients": null,
        "times": null,
        "signInRiskDetections": null,
    })
}

fn users(users: &Users) -> Value {
    let ids = |ids: &[Spanned<Id>]| list(ids, ToString::to_string);
    let is_nobody = users.include.is_empty()
        && users.include_groups.is_empty()
        && users.include_roles.is_empty()
        && users.include_guests.is_none();
    json!({
        "includeUsers": if is_nobody { none() } else { list(&users.include, user) },
        "excludeUsers": list(&users.exclude, user),
        "includeGroups": ids(&users.include_groups),
        "excludeGroups": ids(&users.exclude_groups),
        "includeRoles": ids(&users.include_roles),
        "excludeRoles": ids(&users.exclude_roles),
        "includeGuestsOrExternalUsers": users.include_guests.as_ref().map(guests),
        "excludeGuestsOrExternalUsers": users.exclude_guests.as_ref().map(guests),
    })
}

fn user(target: &UserTarget) -> String {
    match target {
        UserTarget::All => "All".to_owned(),
        UserTarget::GuestsOrExternalUsers => "GuestsOrExternalUsers".to_owned(),
        UserTarget::AllAgentUsers => "AllAgentIdUsers".to_owned(),
        UserTarget::Id(id) => id.to_string(),
    }
}

fn guests(guests: &Guests) -> Value {
    let tenants = match &guests.tenants {
        None => json!({
            "@odata.type": "#microsoft.graph.conditionalAccessAllExternalTenants",
            "membershipKind": "all",
        }),
        Some(members) => json!({
            "@odata.type": "#microsoft.graph.conditionalAccessEnumeratedExternalTenants",
            "membershipKind": "enumerated",
            "members": members.iter().map(ToString::to_string).collect::<Vec<_>>(),
        }),
    };
    json!({
        "guestOrExternalUserTypes": flags(guests.types).unwrap_or_else(|| "none".to_owned()),
        "externalTenants": tenants,
    })
}

fn client_applications(conditions: &Conditions, names: &Names<'_>) -> Value {
    let (workloads, agents) = (&conditions.service_principals, &conditions.agent_identities);
    if workloads.is_empty() && agents.is_empty() {
        return Value::Null;
    }
    let side = |targets: &[Spanned<PrincipalTarget>], all: &str| {
        list(targets, |target| match target {
            PrincipalTarget::All => all.to_owned(),
            PrincipalTarget::Named(name) => names.principal(name),
        })
    };
    let rule = |scope: &Scope<PrincipalTarget>| scope.filter.as_ref().map(filter);
    json!({
        "includeServicePrincipals": side(&workloads.include, "ServicePrincipalsInMyTenant"),
        "excludeServicePrincipals": side(&workloads.exclude, "ServicePrincipalsInMyTenant"),
        "servicePrincipalFilter": rule(workloads),
        "includeAgentIdServicePrincipals": side(&agents.include, "All"),
        "excludeAgentIdServicePrincipals": side(&agents.exclude, "All"),
        "agentIdServicePrincipalFilter": rule(agents),
    })
}

fn resources(resources: &Resources) -> Value {
    let is_nothing = resources.include.is_empty()
        && resources.user_actions.is_empty()
        && resources.authentication_contexts.is_empty()
        && resources.filter.is_none();
    let actions: Vec<_> = resources.user_actions.iter().map(|action| action.urn()).collect();
    json!({
        "includeApplications": if is_nothing { none() } else { list(&resources.include, resource) },
        "excludeApplications": list(&resources.exclude, resource),
        "includeUserActions": actions,
        "includeAuthenticationContextClassReferences": resources.authentication_contexts,
        "applicationFilter": resources.filter.as_ref().map(filter),
        "networkAccess": null,
        "globalSecureAccess": null,
    })
}

fn resource(target: &ResourceTarget) -> String {
    match target {
        ResourceTarget::All => "All".to_owned(),
        ResourceTarget::Office365 => "Office365".to_owned(),
        ResourceTarget::MicrosoftAdminPortals => "MicrosoftAdminPortals".to_owned(),
        ResourceTarget::AllAgentResources => "AllAgentIdResources".to_owned(),
        ResourceTarget::App(id) => id.to_string(),
    }
}

fn location(target: &LocationTarget, names: &Names<'_>) -> String {
    match target {
        LocationTarget::All => "All".to_owned(),
        LocationTarget::AllTrusted => "AllTrusted".to_owned(),
        LocationTarget::MfaTrustedIps => Id::NIL.to_string(),
        LocationTarget::Named(name) => names.location(name),
    }
}

fn filter(filter: &Filter) -> Value {
    json!({ "mode": filter.mode.as_str(), "rule": filter.rule.text })
}

fn grant(grant: &GrantControls) -> Value {
    json!({
        "operator": grant.operator.as_str(),
        "builtInControls": words(grant.built_in),
        "customAuthenticationFactors": grant.custom_factors,
        "termsOfUse": grant.terms_of_use,
        "authenticationStrength": grant.authentication_strength.as_ref().map(strength),
    })
}

fn strength(strength: &AuthenticationStrength) -> Value {
    let mut object = Map::new();
    object.insert("id".to_owned(), json!(strength.id.value));
    if let Some(name) = &strength.display_name {
        object.insert("displayName".to_owned(), json!(name));
    }
    if let Some(combinations) = &strength.allowed_combinations {
        let combinations = combinations.iter().map(|methods| flags(*methods)).collect();
        object.insert("allowedCombinations".to_owned(), combinations);
    }
    Value::Object(object)
}

fn none() -> Value {
    json!(["None"])
}

fn list<T>(entries: &[Spanned<T>], text: impl Fn(&T) -> String) -> Value {
    entries.iter().map(|entry| text(&entry.value)).collect()
}

fn words<T: Word>(set: Set<T>) -> Value {
    set.iter().map(Word::as_str).collect()
}

/// Several words in one text, as Graph writes flags; `None` for none.
fn flags<T: Word>(set: Set<T>) -> Option<String> {
    (!set.is_empty()).then(|| set.iter().map(Word::as_str).collect::<Vec<_>>().join(","))
}
