//! Members of the application suites that policies name as one.
//!
//! Microsoft publishes the names of the services in `Office365`, and the ids of some of its applications; who has both
//! names a member for certain. The ids of the others are in every tenant: a catalogue that holds Microsoft's own service
//! principals tells them by name. What is then still missing nobody covers, which `super::lint` says; `suites` in
//! `bundle.yaml` replaces what is here. An unknown member is none, and not unknown: or a policy for `Office365` would
//! cover every application that is not Microsoft's.
//!
//! Source: Entra documentation, "Office 365 App in Conditional Access reference", 5 June 2026, and "Targeting resources in
//! Conditional Access policies"; Microsoft, "Verify first-party Microsoft applications in sign-in reports", 8 March 2024;
//! all read August 2026.

use crate::model::{Id, ServicePrincipal};

/// When Microsoft said last what is in the suites.
pub const AS_OF: &str = "June 2026";

/// The tenant that owns Microsoft's services.
const MICROSOFT: &str = "f8cdef31-a31e-4b4a-93e4-5f571e91255a";

const OFFICE365: &[&str] = &[
    "00000002-0000-0ff1-ce00-000000000000", // Office 365 Exchange Online
    "00000003-0000-0ff1-ce00-000000000000", // Office 365 SharePoint Online
    "00000004-0000-0ff1-ce00-000000000000", // Skype for Business Online
    "00000005-0000-0ff1-ce00-000000000000", // Viva Engage, formerly Yammer
    "00000006-0000-0ff1-ce00-000000000000", // Microsoft Office 365 Portal
    "00000007-0000-0ff1-ce00-000000000000", // Microsoft Exchange Online Protection
    "0cd196ee-71bf-4fd6-a57c-b491ffd4fb1e", // Media Analysis and Transformation Service
    "944f0bd1-117b-4b1c-af26-804ed95e767e", // Media Analysis and Transformation Service
    "c9a559d2-7aab-4f13-a6ed-e7e9c52aec87", // Microsoft Forms
    "d3590ed6-52b3-4102-aeff-aad2292ab01c", // Microsoft Office
    "cf53fce8-def6-4aeb-8d30-b158e7b1cf83", // Microsoft Stream Portal
    "1fec8e78-bce4-4aaf-ab1b-5451cc387264", // Microsoft Teams
    "cc15fd57-2c6c-4117-a88c-83b1d56b4bbe", // Microsoft Teams Services
    "5e3ce6c0-2b1f-4285-8d4b-75ee78787346", // Microsoft Teams Web Client
    "95de633a-083e-42f5-b444-a4295d8e9314", // Microsoft Whiteboard Services
    "4345a7b9-9a63-4910-a426-35363201d503", // O365 Suite UX
    "66a88757-258c-4c72-893c-3e8bed4d6899", // Office 365 Search Service
    "94c63fef-13a3-47bc-8074-75af8c65887a", // Office Delve
    "93d53678-613d-4013-afc1-62e9e444a0a5", // Office Online Add-in SSO
    "243c63a3-247d-41c5-9d83-7788c43f1c43", // Office Online Core SSO
    "4b233688-031c-404b-9a80-a4f3f2351f90", // Office.com
    "89bee1f7-5e6e-4d8a-9f3d-ecd601259da7", // Office365 Shell WCSS-Client
    "0f698dd4-f011-4d23-a33e-b36416dcb1e6", // OfficeClientService
    "4765445b-32c6-49b0-83e6-1d93765276ca", // OfficeHome
    "ab9b8c07-8f02-4f72-87fa-80105867a763", // OneDrive SyncEngine
    "2d4d3d8e-2be3-4bef-9f87-7875a61c29de", // OneNote
    "08e18876-6177-487e-b8b5-cf950c1e598c", // SharePoint Online Web Client Extensibility
    "905fcf26-4eb7-48a0-9ff0-8dcc7194b5ba", // Sway
    "7557eb47-c689-4224-abcf-aef9bd7573df", // Skype Teams, which only the community counts in
];

/// Names of the services in `Office365`, in the order of their bytes.
const OFFICE365_NAMES: &[&str] = &[
    "AI Hub Services",
    "App Studio for Microsoft Teams",
    "Augmentation Loop",
    "Call Recorder",
    "Connectors",
    "Copilot Data Platform",
    "DataSecurityInvestigation",
    "Device Management Service",
    "EDU Assignments",
    "EnrichmentSvc",
    "Enterprise Copilot Platform",
    "Groups Service",
    "IC3 Gateway",
    "IC3 Gateway Non Cae",
    "INT Augmentation Loop 1P",
    "Insights Services",
    "Legacy Smart Compose",
    "Loop",
    "Loop Web Application",
    "Loop Web Service",
    "M365 Admin Services",
    "M365 Auditing Public Protected Web API app",
    "M365ChatClient",
    "MSAI Substrate Meeting Intelligence",
    "Media Analysis and Transformation Service",
    "Message Recall",
    "Messaging Async Media",
    "MessagingAsyncMediaProd",
    "Microsoft 365 Reporting Service",
    "Microsoft 365 eSignature",
    "Microsoft 365 eSignature PPE",
    "Microsoft Discovery Service",
    "Microsoft Exchange Online Protection",
    "Microsoft Flow Portal",
    "Microsoft Flow Portal GCC",
    "Microsoft Forms",
    "Microsoft Forms Web",
    "Microsoft Information Protection API",
    "Microsoft Office",
    "Microsoft Office 365 Portal",
    "Microsoft People Cards Service",
    "Microsoft Planner",
    "Microsoft Planner Client",
    "Microsoft SharePoint Online - SharePoint Home",
    "Microsoft Stream Portal",
    "Microsoft Stream Service",
    "Microsoft Teams",
    "Microsoft Teams - T4L Web Client",
    "Microsoft Teams - Teams And Channels Service",
    "Microsoft Teams Analytics",
    "Microsoft Teams Chat Aggregator",
    "Microsoft Teams Graph Service",
    "Microsoft Teams Mailhook",
    "Microsoft Teams Retail Service",
    "Microsoft Teams Services",
    "Microsoft Teams Targeting Application",
    "Microsoft Teams UIS",
    "Microsoft Teams Web Client",
    "Microsoft To-Do web app",
    "Microsoft Todo web app",
    "Microsoft Virtual Events Portal",
    "Microsoft Virtual Events Services",
    "Microsoft Visio Data Visualizer",
    "Microsoft Whiteboard Services",
    "Natural Language Editor",
    "O365 Diagnostic Service",
    "O365 Suite UX",
    "O365 Suite UX PathFinder",
    "OCPS Checkin Service",
    "OMEX External",
    "Office 365",
    "Office 365 Exchange Microservices",
    "Office 365 Exchange Online",
    "Office 365 Search Service",
    "Office 365 SharePoint Online",
    "Office Collab Actions",
    "Office Delve",
    "Office Hive",
    "Office Hive Fairfax",
    "Office MRO Device Manager Service",
    "Office Notification Service",
    "Office Online Add-in SSO",
    "Office Online Augmentation Loop SSO",
    "Office Online Core SSO",
    "Office Online Loki SSO",
    "Office Online Maker SSO",
    "Office Online Print SSO",
    "Office Online Search SSO",
    "Office Online Service",
    "Office Online Speech SSO",
    "Office Scripts Service",
    "Office Scripts Service - INT",
    "Office Scripts Service - Local",
    "Office Scripts Service - Test",
    "Office Shredding Service",
    "Office.com",
    "Office365 Shell DoD WCSS-Client",
    "Office365 Shell WCSS-Client",
    "OfficeClientService",
    "OfficeHome",
    "OfficePowerPointSGS",
    "OfficeServicesManager",
    "Olympus",
    "One Outlook Web",
    "OneDrive",
    "OneDrive SyncEngine",
    "OneNote",
    "OneOutlook",
    "Outlook Browser Extension",
    "Outlook Service for Exchange",
    "PowerApps Service",
    "Project for the web",
    "ProjectWorkManagement",
    "ProjectWorkManagement_AdminTools",
    "ProjectWorkManagement_USGov",
    "Protection Center",
    "Reply-At-Mention",
    "SharePoint Notification Services",
    "SharePoint Notification Services Fairfax",
    "SharePoint Online Web Client Extensibility",
    "SharePoint Online Web Client Extensibility Isolated",
    "Skype Presence Service",
    "Skype and Teams Tenant Admin API",
    "Skype for Business",
    "Skype for Business Online",
    "Sway",
    "Targeted Messaging Service",
    "Teams CMD Services Artifacts",
    "Teams Device Management Services",
    "Teams Walkie Talkie Service",
    "Teams Walkie Talkie Service - GCC",
    "Viva Engage",
    "make.gov.powerapps.us",
    "make.powerapps.com",
];

const ADMIN_PORTALS: &[&str] = &[
    "c44b4083-3bb0-49c1-b47d-974e53cbdf3c", // Azure portal, and the Microsoft Entra admin center
    "497effe9-df71-4043-a8bb-14cf78c4b63b", // Exchange admin center
    "00000006-0000-0ff1-ce00-000000000000", // Microsoft 365 admin center, which is the Office 365 portal
    "80ccca67-54bd-44ab-8625-4b79c4dc7775", // Microsoft 365 Security and Compliance Center: Defender and Purview
];

/// Members of `Office365`: those whose ids are known, and those of `catalogue` that are Microsoft's and have the name of
/// one. Cost: linear in the catalogue.
pub fn office365(catalogue: &[ServicePrincipal]) -> Vec<Id> {
    let microsoft = Id::new(MICROSOFT);
    let is_member = |principal: &&ServicePrincipal| {
        let name = principal.display_name.as_ref().map(|name| &*name.value);
        principal.owner_tenant.as_ref() == Some(&microsoft)
            && name.is_some_and(|name| OFFICE365_NAMES.binary_search(&name).is_ok())
    };
    let told = catalogue.iter().filter(is_member).filter_map(|principal| principal.app_id.clone());
    known(OFFICE365).chain(told).collect()
}

/// Members of `MicrosoftAdminPortals`.
pub fn admin_portals() -> Vec<Id> {
    known(ADMIN_PORTALS).collect()
}

fn known(ids: &'static [&'static str]) -> impl Iterator<Item = Id> {
    ids.iter().map(|id| Id::new(id))
}

#[cfg(test)]
mod tests {
    use super::super::{CompiledPolicy, Mode, compile, read};
    use super::*;
    use crate::written::raw;

    #[test]
    fn names_are_in_order_and_ids_are_ids() {
        assert!(OFFICE365_NAMES.is_sorted());
        assert!(known(OFFICE365).chain(known(ADMIN_PORTALS)).all(|id| matches!(id, Id::Guid(_))));
    }

    #[test]
    fn microsofts_own_applications_are_members_by_name_and_nobody_elses() {
        let entry = |app: &str, name: &str, owner: &str| {
            format!(
                "- {{ id: {app}, appId: {app}, displayName: '{name}', servicePrincipalType: Application, \
                 appOwnerOrganizationId: {owner} }}\n"
            )
        };
        let text = [
            entry("a0000000-0000-4000-8000-000000000001", "Microsoft Planner", MICROSOFT),
            entry("a0000000-0000-4000-8000-000000000002", "microsoft planner", MICROSOFT),
            entry("a0000000-0000-4000-8000-000000000003", "Microsoft Planner", "0a000000-0000-4000-8000-000000000011"),
            entry("a0000000-0000-4000-8000-000000000004", "Azure Portal", MICROSOFT),
            "- { id: a0000000-0000-4000-8000-000000000005, displayName: Loop }\n".to_owned(),
        ];
        let bundle = read(&raw([("catalogue.yaml", text.concat())]), Mode::Spanned).bundle;
        let told = office365(&bundle.principals).split_off(OFFICE365.len());
        assert_eq!(told, [Id::new("a0000000-0000-4000-8000-000000000001")]);
    }

    #[test]
    fn policies_that_name_a_suite_share_its_members() {
        let policy = |name: &str| {
            format!(
                "- {{ displayName: {name}, state: enabled, grantControls: {{ builtInControls: [block] }}, conditions: {{ \
                 users: {{ includeUsers: [All] }}, applications: {{ includeApplications: [Office365] }} }} }}\n"
            )
        };
        let bundle = compile(&raw([("a.yaml", policy("A") + &policy("B"))])).bundle.unwrap();
        let members = |policy: &CompiledPolicy| policy.resources.include.suites[0].1.as_ptr();
        let [a, b] = bundle.compiled() else { panic!("two policies") };
        assert_eq!(members(a), members(b));
    }

    #[test]
    fn the_long_form_lists_every_known_member_to_be_copied() {
        let long = super::super::rules::SUITE_MEMBERS.long;
        let missing: Vec<_> = OFFICE365.iter().chain(ADMIN_PORTALS).filter(|id| !long.contains(**id)).collect();
        assert!(missing.is_empty() && long.contains(AS_OF), "{missing:?}");
    }
}
