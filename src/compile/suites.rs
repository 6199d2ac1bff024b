//! Members of the application suites that policies name as one.
//!
//! Microsoft publishes the names of the services, not their ids; these are the ids that the community has verified,
//! and `suites` in `bundle.yaml` replaces them.

use crate::model::Id;

const OFFICE365: &[&str] = &[
    "00000002-0000-0ff1-ce00-000000000000", // Exchange Online
    "00000003-0000-0ff1-ce00-000000000000", // SharePoint Online
    "00000004-0000-0ff1-ce00-000000000000", // Skype for Business Online
    "00000005-0000-0ff1-ce00-000000000000", // Yammer
    "00000006-0000-0ff1-ce00-000000000000", // Office portal
    "00000007-0000-0ff1-ce00-000000000000", // Exchange Online Protection
    "7557eb47-c689-4224-abcf-aef9bd7573df", // Skype Teams
    "905fcf26-4eb7-48a0-9ff0-8dcc7194b5ba", // Sway
    "c9a559d2-7aab-4f13-a6ed-e7e9c52aec87", // Forms
    "cc15fd57-2c6c-4117-a88c-83b1d56b4bbe", // Teams
];

const ADMIN_PORTALS: &[&str] = &[
    "c44b4083-3bb0-49c1-b47d-974e53cbdf3c", // Azure portal
    "80ccca67-54bd-44ab-8625-4b79c4dc7775", // Microsoft 365 security and compliance
];

/// Members of `Office365`.
pub fn office365() -> Vec<Id> {
    OFFICE365.iter().map(|id| Id::new(id)).collect()
}

/// Members of `MicrosoftAdminPortals`.
pub fn admin_portals() -> Vec<Id> {
    ADMIN_PORTALS.iter().map(|id| Id::new(id)).collect()
}
