//! Which kind of rule decided a condition, in the words of Entra's sign-in logs.
//!
//! Source: Microsoft Graph `conditionalAccessRule`, beta, read August 2026. It has no words for workloads, agents and
//! user actions; theirs are made here in its manner. It has none for risk and client apps either, which have no rules.

use super::facts::Facts;
use crate::compile::{CompiledBundle, Entry, Suite};
use crate::model::set::Word;
use crate::model::{Condition, TransferMethod};

/// The kind of rule that `entry` of `condition` is; `None` for a condition without rules.
pub fn rule(
    bundle: &CompiledBundle,
    facts: &Facts<'_>,
    condition: Condition,
    entry: Entry<'_>,
) -> Option<&'static str> {
    match condition {
        Condition::Users => Some(user(facts, entry)),
        Condition::ServicePrincipals => {
            Some(principal(entry, ["allServicePrincipals", "servicePrincipalId", "servicePrincipalFilter"]))
        }
        Condition::AgentIdentities => {
            Some(principal(entry, ["allAgentIdentities", "agentIdentityId", "agentIdentityFilter"]))
        }
        Condition::Application => Some(application(entry)),
        Condition::Location => Some(location(bundle, entry)),
        Condition::DevicePlatform if entry == Entry::Word("all") => Some("allDevicePlatforms"),
        Condition::DevicePlatform => Some("devicePlatform"),
        Condition::DeviceState if entry == Entry::Filter => Some("deviceFilter"),
        Condition::DeviceState => Some("allDevices"),
        Condition::InsiderRisk => Some("insiderRisk"),
        Condition::AuthenticationFlows => match entry {
            Entry::Word(flow) => TransferMethod::parse(flow).map(Word::as_str),
            _ => None,
        },
        Condition::ServicePrincipalRisk
        | Condition::ClientType
        | Condition::SignInRisk
        | Condition::UserRisk
        | Condition::AgentIdRisk
        | Condition::When => None,
    }
}

fn user(facts: &Facts<'_>, entry: Entry<'_>) -> &'static str {
    match entry {
        Entry::Group(_) => "groupId",
        Entry::Role(_) => "roleId",
        Entry::Word("All") => "allUsers",
        Entry::Word("AllAgentIdUsers") => "allAgentUsers",
        Entry::Word("guestOrExternalUserTypes") => facts.request.identity.guest_type.map_or("guest", Word::as_str),
        Entry::Word(_) => "guest",
        _ => "userId",
    }
}

fn principal(entry: Entry<'_>, [all, id, filter]: [&'static str; 3]) -> &'static str {
    match entry {
        Entry::Word(_) => all,
        Entry::Filter => filter,
        _ => id,
    }
}

fn application(entry: Entry<'_>) -> &'static str {
    match entry {
        Entry::Word("All") => "allApps",
        Entry::Word("AllAgentIdResources") => "allAgentResources",
        Entry::Word(_) => "userAction",
        Entry::Suite(Suite::Office365) => "office365",
        Entry::Suite(Suite::MicrosoftAdminPortals) => "microsoftAdminPortals",
        Entry::Text(_) => "acr",
        Entry::Filter => "appFilter",
        _ => "appId",
    }
}

fn location(bundle: &CompiledBundle, entry: Entry<'_>) -> &'static str {
    let table = bundle.location_table();
    match entry {
        Entry::Location(location) if location == table.all_trusted => "allTrustedLocations",
        Entry::Location(_) => "locationId",
        _ => "allLocations",
    }
}
