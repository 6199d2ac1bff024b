//! Small bundles, each with a mistake: data, and how it is written down.

use doorward::compile::rules;
use doorward::text::Rule;

/// A bundle that breaks a rule.
pub struct Case {
    /// The rule.
    pub rule: &'static Rule,
    /// What the author did.
    pub note: &'static str,
    /// Its files.
    pub files: &'static [(&'static str, &'static str)],
}

const fn case(rule: &'static Rule, note: &'static str, files: &'static [(&'static str, &'static str)]) -> Case {
    Case { rule, note, files }
}

/// A policy without a mistake, for bundles whose mistake is elsewhere.
pub const SOUND: (&str, &str) = (
    "sound.yaml",
    "displayName: Sound\nstate: enabled\nconditions: { users: { includeUsers: [All] } }\ngrantControls: { builtInControls: [block] }\n",
);

/// A case for every rule, some with several.
pub const CASES: &[Case] = &[
    case(&rules::UNRECOGNISED_FILE, "a misspelt extension", &[SOUND, ("offices.ymal", "ipRanges: []\n")]),
    case(
        &rules::UNRECOGNISED_DOCUMENT,
        "some other file of the same repository",
        &[SOUND, ("pipeline.yaml", "trigger: main\nsteps: []\n")],
    ),
    case(&rules::UNRECOGNISED_DOCUMENT, "a list of text", &[SOUND, ("names.json", "[\"Head Office\"]")]),
    case(
        &rules::POLICY_TEMPLATE,
        "a template saved in the place of a policy",
        &[(
            "template.json",
            "{\"id\": \"c7503427-338e-4c5e-902d-abe252abfb43\", \"name\": \"Require MFA for admins\",\n \"details\": {\"conditions\": {}}}\n",
        )],
    ),
    case(&rules::EMPTY_DOCUMENT, "a file of comments", &[SOUND, ("later.yaml", "# to be written\n")]),
    case(
        &rules::INCOMPLETE_EXPORT,
        "the first page of an export",
        &[(
            "policies.json",
            "{\n  \"@odata.nextLink\": \"https://graph.microsoft.com/v1.0/identity/conditionalAccess/policies?$skiptoken=x\",\n  \"value\": []\n}\n",
        )],
    ),
    case(
        &rules::WRONG_TYPE,
        "one id in the place of a list",
        &[(
            "policy.yaml",
            "displayName: Block\nstate: enabled\nconditions:\n  users: { includeUsers: All }\ngrantControls: { builtInControls: [block] }\n",
        )],
    ),
    case(
        &rules::WRONG_TYPE,
        "policies that are no list",
        &[("policies.yaml", "policies:\n  displayName: Block\n  state: enabled\n")],
    ),
    case(
        &rules::MISSING_PROPERTY,
        "a policy without a state",
        &[(
            "policy.yaml",
            "displayName: Block\nconditions: { users: { includeUsers: [All] } }\ngrantControls: { builtInControls: [block] }\n",
        )],
    ),
    case(
        &rules::MISSING_PROPERTY,
        "a filter without a mode",
        &[(
            "policy.yaml",
            "displayName: Block\nstate: enabled\nconditions:\n  users: { includeUsers: [All] }\n  devices: { deviceFilter: { rule: device.isCompliant -eq True } }\ngrantControls: { builtInControls: [block] }\n",
        )],
    ),
    case(
        &rules::MISSING_PROPERTY,
        "a service principal without an id",
        &[
            SOUND,
            (
                "catalogue.yaml",
                "servicePrincipals:\n  - displayName: Payroll sync\n    appId: c1a4e2d0-8b3f-4c6a-9e57-0d1b2f3a4c01\n",
            ),
        ],
    ),
    case(
        &rules::UNKNOWN_PROPERTY,
        "a misspelt property of a policy",
        &[(
            "policy.yaml",
            "displayName: Block\nstate: enabled\nconditions:\n  users: { includeUsers: [All], exludeUsers: [0f8fad5b-d9cb-469f-a165-70867728950e] }\ngrantControls: { builtInControls: [block] }\n",
        )],
    ),
    case(
        &rules::UNKNOWN_SETTING,
        "a misspelt setting",
        &[SOUND, ("bundle.yaml", "name: main\ndefaultDecison: block\n")],
    ),
    case(
        &rules::UNKNOWN_VALUE,
        "a misspelt state",
        &[(
            "policy.yaml",
            "displayName: Block\nstate: enable\nconditions: { users: { includeUsers: [All] } }\ngrantControls: { builtInControls: [block] }\n",
        )],
    ),
    case(
        &rules::UNKNOWN_VALUE,
        "a control nobody knows",
        &[(
            "policy.yaml",
            "displayName: Block\nstate: enabled\nconditions: { users: { includeUsers: [All] } }\ngrantControls: { builtInControls: [deny] }\n",
        )],
    ),
    case(
        &rules::UNKNOWN_VALUE,
        "an export that hides newer values",
        &[(
            "policy.json",
            "{\"displayName\": \"Block\", \"state\": \"enabled\",\n \"conditions\": {\"users\": {\"includeUsers\": [\"All\"]}, \"clientAppTypes\": [\"unknownFutureValue\"]}}\n",
        )],
    ),
    case(
        &rules::CEDAR_SYNTAX,
        "one equals sign, in a literal block",
        &[(
            "policy.yaml",
            "displayName: Block\nstate: enabled\nwhen: |\n  context.platform == \"linux\" &&\n    context.clientApp = \"other\"\nconditions: { clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] } }\ngrantControls: { builtInControls: [block] }\n",
        )],
    ),
    case(
        &rules::CEDAR_SYNTAX,
        "a string that does not end, in JSON with escapes",
        &[(
            "policy.json",
            "{\n  \"displayName\": \"Block\", \"state\": \"enabled\", \"when\": \"context.clientApp == \\\"other\",\n  \"conditions\": {\"clientApplications\": {\"includeServicePrincipals\": [\"ServicePrincipalsInMyTenant\"]}},\n  \"grantControls\": {\"builtInControls\": [\"block\"]}\n}\n",
        )],
    ),
    case(
        &rules::CEDAR_SYNTAX,
        "a bracket too many, which could end the condition and begin another",
        &[(
            "policy.yaml",
            "displayName: Block\nstate: enabled\nwhen: 'true } unless { true'\nconditions: { clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] } }\ngrantControls: { builtInControls: [block] }\n",
        )],
    ),
    case(
        &rules::CEDAR_SYNTAX,
        "no policy at all",
        &[
            SOUND,
            ("night.cedar", "@id(\"night\")\nforbid (principal, action, resource) when { context.time }\nforbid\n"),
        ],
    ),
    case(
        &rules::CEDAR_TYPE,
        "a fact that does not exist, in a quoted scalar",
        &[(
            "policy.yaml",
            "displayName: Block\nstate: enabled\nwhen: \"context.credential.typ == \\\"clientSecret\\\"\"\nconditions: { clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] } }\ngrantControls: { builtInControls: [block] }\n",
        )],
    ),
    case(
        &rules::CEDAR_TYPE,
        "a risk compared with a number",
        &[(
            "policy.yaml",
            "displayName: Block\nstate: enabled\nwhen: context.risk.servicePrincipal > 3\nconditions: { clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] } }\ngrantControls: { builtInControls: [block] }\n",
        )],
    ),
    case(
        &rules::CEDAR_TYPE,
        "a fact of users in a policy for workloads, in folded text",
        &[(
            "policy.yaml",
            "displayName: Block\nstate: enabled\nwhen: >\n  principal.groups.contains(\"admins\") &&\n  context.platform == \"linux\"\nconditions: { clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] } }\ngrantControls: { builtInControls: [block] }\n",
        )],
    ),
    case(
        &rules::CEDAR_TYPE,
        "an attribute of a device that may not have it",
        &[(
            "night.cedar",
            "// Devices.\n@id(\"old\")\nforbid (principal, action, resource)\nwhen { context.device.operatingSystem like \"windows*\" };\n",
        )],
    ),
    case(
        &rules::CEDAR_UNKNOWN,
        "a condition that leaves out those who leave out a fact",
        &[(
            "policy.yaml",
            "displayName: Block\nstate: enabled\nwhen: context.credential has type && context.credential.type == \"clientSecret\"\nconditions: { clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] } }\ngrantControls: { builtInControls: [block] }\n",
        )],
    ),
    case(
        &rules::CEDAR_CASE,
        "an id in capital letters",
        &[(
            "policy.yaml",
            "displayName: Block\nstate: enabled\nwhen: principal.appId == \"C1A4E2D0-8B3F-4C6A-9E57-0D1B2F3A4C01\"\nconditions: { clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] } }\ngrantControls: { builtInControls: [block] }\n",
        )],
    ),
    case(
        &rules::CEDAR_SIZE,
        "brackets without end",
        &[(
            "policy.yaml",
            "displayName: Block\nstate: enabled\nwhen: (((((((((((((((((((((((((((((((((true)))))))))))))))))))))))))))))))))\nconditions: { clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] } }\ngrantControls: { builtInControls: [block] }\n",
        )],
    ),
    case(
        &rules::CEDAR_PERMIT,
        "a permit",
        &[SOUND, ("night.cedar", "@id(\"everybody\")\npermit (principal, action, resource);\n")],
    ),
    case(
        &rules::CEDAR_NEVER,
        "a kind of identity that the policy does not cover",
        &[(
            "policy.yaml",
            "displayName: Block\nstate: enabled\nwhen: principal is User\nconditions: { clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] } }\ngrantControls: { builtInControls: [block] }\n",
        )],
    ),
    case(
        &rules::CEDAR_NEVER,
        "identities that no policy covers",
        &[
            SOUND,
            ("night.cedar", "@id(\"night\")\nforbid (principal is ManagedIdentity, action, resource);\n"),
            (
                "policy.yaml",
                "displayName: Block\nstate: enabled\nwhen: principal is ManagedIdentity\nconditions: { clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] } }\ngrantControls: { builtInControls: [block] }\n",
            ),
        ],
    ),
    case(&rules::EMPTY_DOCUMENT, "a file of Cedar without a policy", &[SOUND, ("later.cedar", "// to be written\n")]),
    case(
        &rules::MISSING_PROPERTY,
        "a policy in Cedar without an id",
        &[SOUND, ("night.cedar", "forbid (principal, action, resource) when { context.platform == \"linux\" };\n")],
    ),
    case(
        &rules::UNKNOWN_VALUE,
        "a misspelt state in Cedar",
        &[
            SOUND,
            (
                "night.cedar",
                "@id(\"night\")\n@state(\"reportonly\")\nforbid (principal, action, resource) when { context.platform == \"linux\" };\n",
            ),
        ],
    ),
    case(
        &rules::UNKNOWN_PROPERTY,
        "a misspelt annotation in Cedar",
        &[
            SOUND,
            (
                "night.cedar",
                "@id(\"night\")\n@displayname(\"Night\")\nforbid (principal, action, resource) when { context.platform == \"linux\" };\n",
            ),
        ],
    ),
    case(
        &rules::UNKNOWN_LOCATION,
        "a location that a condition in Cedar names",
        &[
            ("locations.yaml", "{ displayName: Head Office, ipRanges: [192.0.2.0/24] }\n"),
            (
                "policy.yaml",
                "displayName: Block\nstate: enabled\nwhen: '!context.network.locations.contains(\"Head Ofice\")'\nconditions: { clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] } }\ngrantControls: { builtInControls: [block] }\n",
            ),
        ],
    ),
    case(
        &rules::DUPLICATE_ID,
        "two policies in Cedar with one id",
        &[(
            "night.cedar",
            "@id(\"night\")\nforbid (principal, action, resource) when { context.platform == \"linux\" };\n@id(\"night\")\nforbid (principal, action, resource) when { context.platform == \"windows\" };\n",
        )],
    ),
    case(
        &rules::UNKNOWN_VALUE,
        "a kind of credential that none is, in Cedar",
        &[(
            "policy.yaml",
            "displayName: Block\nstate: enabled\nwhen: context.credential.type == \"client_secret\"\nconditions: { clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] } }\ngrantControls: { builtInControls: [block] }\n",
        )],
    ),
    case(
        &rules::CEDAR_CASE,
        "a device model with its capitals",
        &[(
            "policy.yaml",
            "displayName: Block\nstate: enabled\nwhen: context.device has model && context.device.model like \"Surface*\"\nconditions: { clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] } }\ngrantControls: { builtInControls: [block] }\n",
        )],
    ),
    case(&rules::UNSUPPORTED, "a setting for later", &[SOUND, ("bundle.yaml", "maxAge: 3600\n")]),
    case(
        &rules::STRENGTH_CONFIGURATION,
        "a strength that only some keys satisfy",
        &[(
            "policy.yaml",
            "displayName: Keys\nstate: enabled\nconditions: { users: { includeUsers: [All] } }\ngrantControls:\n  operator: OR\n  authenticationStrength:\n    id: 34343434-0000-0000-0000-000000000000\n    allowedCombinations: [fido2]\n    combinationConfigurations:\n      - { appliesToCombinations: [fido2], allowedAAGUIDs: [9c835346-796b-4c27-8898-d6032f515cc5] }\n",
        )],
    ),
    case(
        &rules::UNKNOWN_STRENGTH,
        "a strength that nothing describes",
        &[(
            "policy.yaml",
            "displayName: Strong\nstate: enabled\nconditions: { users: { includeUsers: [All] } }\ngrantControls:\n  operator: OR\n  authenticationStrength: { id: 34343434-0000-0000-0000-000000000000 }\n",
        )],
    ),
    case(
        &rules::UNKNOWN_STRENGTH,
        "a strength of the bundle that does not say what it allows",
        &[
            (
                "policy.yaml",
                "displayName: Strong\nstate: enabled\nconditions: { users: { includeUsers: [All] } }\ngrantControls:\n  operator: OR\n  authenticationStrength: { id: 00000000-0000-0000-0000-000000000002 }\n",
            ),
            (
                "strengths.yaml",
                "authenticationStrengthPolicies:\n  - { id: 00000000-0000-0000-0000-000000000002, displayName: MFA }\n",
            ),
        ],
    ),
    case(
        &rules::DUPLICATE_ID,
        "two strengths with one id",
        &[
            SOUND,
            (
                "strengths.yaml",
                "authenticationStrengthPolicies:\n  - { id: keys, displayName: Keys, allowedCombinations: [fido2] }\n  - { id: keys, displayName: Codes, allowedCombinations: ['password,sms'] }\n",
            ),
        ],
    ),
    case(
        &rules::UNKNOWN_VALUE,
        "a combination with a method that nobody knows",
        &[SOUND, ("strength.yaml", "{ id: keys, displayName: Keys, allowedCombinations: ['password,smss'] }\n")],
    ),
    case(
        &rules::MISSING_PROPERTY,
        "a sign-in frequency without a unit",
        &[(
            "policy.yaml",
            "displayName: Sign in daily\nstate: enabled\nconditions: { users: { includeUsers: [All] } }\nsessionControls:\n  signInFrequency: { isEnabled: true, value: 1 }\n",
        )],
    ),
    case(
        &rules::WRONG_TYPE,
        "a sign-in frequency of no time",
        &[(
            "policy.yaml",
            "displayName: Sign in daily\nstate: enabled\nconditions: { users: { includeUsers: [All] } }\nsessionControls:\n  signInFrequency: { isEnabled: true, value: 0, type: hours }\n",
        )],
    ),
    case(
        &rules::PLACEHOLDER,
        "a template nobody filled in",
        &[(
            "policy.yaml",
            "displayName: Block\nstate: enabled\nconditions:\n  users: { includeUsers: [All], excludeGroups: ['<break-glass group id>'] }\ngrantControls: { builtInControls: [block] }\n",
        )],
    ),
    case(
        &rules::TEMPLATE_TEXT,
        "an instruction of Microsoft's templates",
        &[(
            "policy.yaml",
            "displayName: Block\nstate: enabled\nconditions:\n  users:\n    includeUsers: [All]\n    excludeUsers: [Current administrator will be excluded]\ngrantControls: { builtInControls: [block] }\n",
        )],
    ),
    case(
        &rules::ADDRESS_RANGE,
        "an address without a length, and one out of range",
        &[SOUND, ("office.yaml", "displayName: Office\nipRanges:\n  - 203.0.113.9\n  - 203.0.113.0/33\n")],
    ),
    case(
        &rules::ADDRESS_RANGE,
        "bounds in the wrong order",
        &[
            SOUND,
            (
                "office.json",
                "{\"displayName\": \"Office\", \"ipRanges\": [\n  {\"@odata.type\": \"#microsoft.graph.iPv4Range\", \"lowerAddress\": \"203.0.113.9\", \"upperAddress\": \"203.0.113.1\"}\n]}\n",
            ),
        ],
    ),
    case(
        &rules::HOST_BITS,
        "a prefix with bits behind its length",
        &[SOUND, ("office.yaml", "displayName: Office\nipRanges: [203.0.113.9/24]\n")],
    ),
    case(
        &rules::COUNTRY_CODE,
        "a name in the place of a code",
        &[SOUND, ("countries.yaml", "displayName: Abroad\ncountriesAndRegions: [Norway]\n")],
    ),
    case(
        &rules::UNKNOWN_VALUE,
        "a misspelt state beside other mistakes, all of them told",
        &[
            (
                "policy.yaml",
                "displayName: Block\nstate: enabld\nconditions:\n  clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant], excludeServicePrincipals: [payrol] }\n  locations: { includeLocations: [All], excludeLocations: [Head Ofice] }\n  devices: { deviceFilter: { mode: include, rule: device.isCompliantt -eq True } }\ngrantControls: { builtInControls: [block] }\n",
            ),
            ("office.yaml", "{ displayName: Head Office, '@odata.type': '#microsoft.graph.ipNamedLocatoin' }\n"),
        ],
    ),
    case(
        &rules::DELETED_LOCATION,
        "a location in the recycle bin",
        &[
            SOUND,
            (
                "office.yaml",
                "displayName: Office\ndeletedDateTime: '2026-02-01T08:00:00Z'\nipRanges: [203.0.113.0/24]\n",
            ),
        ],
    ),
    case(
        &rules::STRAY_MEMBER,
        "a policy beside a list",
        &[("policies.json", "{\"value\": [], \"policies\": [{\"displayName\": \"Block\"}]}\n")],
    ),
    case(
        &rules::SECOND_SETTINGS,
        "two settings files",
        &[SOUND, ("bundle.json", "{\"name\": \"main\"}\n"), ("bundle.yaml", "name: other\n")],
    ),
    case(
        &rules::DELETED_POLICY,
        "a policy in the recycle bin",
        &[(
            "policy.yaml",
            "displayName: Block\nstate: enabled\ndeletedDateTime: '2026-02-01T08:00:00Z'\nconditions: { clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] } }\ngrantControls: { builtInControls: [block] }\n",
        )],
    ),
    case(
        &rules::TIMESTAMP,
        "a policy that says it was deleted, but not when",
        &[(
            "policy.yaml",
            "displayName: Block\nstate: enabled\ndeletedDateTime: yes\nconditions: { clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] } }\ngrantControls: { builtInControls: [block] }\n",
        )],
    ),
    case(
        &rules::NO_CONTROLS,
        "a policy that asks for nothing",
        &[(
            "policy.yaml",
            "displayName: Block\nstate: enabled\nconditions: { clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] } }\n",
        )],
    ),
    case(
        &rules::NO_OPERATOR,
        "two controls and no operator",
        &[(
            "policy.yaml",
            "displayName: Block\nstate: enabled\nconditions: { users: { includeUsers: [All] } }\ngrantControls: { builtInControls: [mfa, compliantDevice] }\n",
        )],
    ),
    case(
        &rules::NO_RESOURCE,
        "a policy for no resource",
        &[(
            "policy.yaml",
            "displayName: Block\nstate: enabled\nconditions: { clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] }, applications: { includeApplications: [None] } }\ngrantControls: { builtInControls: [block] }\n",
        )],
    ),
    case(
        &rules::USER_NAME,
        "a sign-in name in the place of an id",
        &[(
            "policy.yaml",
            "displayName: Block\nstate: enabled\nconditions: { users: { includeUsers: [All], excludeUsers: [emergency@example.com] } }\ngrantControls: { builtInControls: [block] }\n",
        )],
    ),
    case(
        &rules::UNKNOWN_VALUE,
        "a well-known word in the wrong case",
        &[(
            "policy.yaml",
            "displayName: Block\nstate: enabled\nconditions: { users: { includeUsers: [all] }, applications: { includeApplications: [ALL] } }\ngrantControls: { builtInControls: [block] }\n",
        )],
    ),
    case(
        &rules::UNKNOWN_VALUE,
        "an authentication context that nobody can ask for",
        &[(
            "policy.yaml",
            "displayName: Block\nstate: enabled\nconditions: { clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] }, applications: { includeAuthenticationContextClassReferences: [C1] } }\ngrantControls: { builtInControls: [block] }\n",
        )],
    ),
    case(
        &rules::EXCLUDES_ALL,
        "everything excluded",
        &[(
            "policy.yaml",
            "displayName: Block\nstate: enabled\nconditions: { clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] }, locations: { includeLocations: [All], excludeLocations: [All] } }\ngrantControls: { builtInControls: [block] }\n",
        )],
    ),
    case(
        &rules::NO_MFA_TRUSTED_IPS,
        "MFA trusted IPs that nobody listed",
        &[(
            "policy.yaml",
            "displayName: Block\nstate: enabled\nconditions: { clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] }, locations: { includeLocations: [All], excludeLocations: [00000000-0000-0000-0000-000000000000] } }\ngrantControls: { builtInControls: [block] }\n",
        )],
    ),
    case(
        &rules::COUNTRY_CODE,
        "codes of no country",
        &[
            SOUND,
            ("country.yaml", "displayName: Abroad\ncountriesAndRegions: [UK, ZZ, XX]\n"),
            ("bundle.yaml", "name: main\n"),
        ],
    ),
    case(
        &rules::APP_REGISTRATION,
        "an export of app registrations",
        &[
            SOUND,
            (
                "applications.json",
                "{\"value\": [{\"id\": \"11111111-0000-4000-8000-000000000001\", \"appId\": \"11111111-0000-4000-8000-000000000002\", \"displayName\": \"Payroll\", \"publisherDomain\": \"example.com\"}]}\n",
            ),
        ],
    ),
    case(
        &rules::DUPLICATE_ATTRIBUTE,
        "two attributes that filters cannot tell apart",
        &[
            SOUND,
            (
                "payroll.yaml",
                "id: 11111111-0000-4000-8000-000000000001\nservicePrincipalType: Application\ncustomSecurityAttributes: { A: { B_C: one }, A_B: { C: two } }\n",
            ),
        ],
    ),
    case(
        &rules::AMBIGUOUS_NAME,
        "an ignored name that two policies have",
        &[
            (
                "policies.yaml",
                "- { id: a, displayName: P, state: enabled, conditions: { clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] } }, grantControls: { builtInControls: [block] } }\n- { id: b, displayName: P, state: enabled, conditions: { clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] } }, grantControls: { builtInControls: [block] } }\n",
            ),
            ("bundle.yaml", "ignoredPolicies: [P]\n"),
        ],
    ),
    case(
        &rules::BREAK_GLASS,
        "an agent exclusion that does not exempt a user",
        &[
            (
                "policy.yaml",
                "displayName: Block\nstate: enabled\nconditions: { users: { includeUsers: [All], excludeUsers: [AllAgentIdUsers] } }\ngrantControls: { builtInControls: [block] }\n",
            ),
            ("bundle.yaml", "breakGlass: [11111111-0000-4000-8000-00000000000f]\n"),
        ],
    ),
    case(
        &rules::BREAK_GLASS_DEFAULT,
        "a default that blocks everybody",
        &[SOUND, ("bundle.yaml", "breakGlass: [11111111-0000-4000-8000-00000000000f]\ndefaultDecision: block\n")],
    ),
    case(
        &rules::UNKNOWN_PRINCIPAL,
        "a break-glass identity that does not exist",
        &[SOUND, ("bundle.yaml", "breakGlass: [nobody at all]\n")],
    ),
    case(
        &rules::EMPTY_LOCATION,
        "a location without ranges",
        &[SOUND, ("office.yaml", "displayName: Office\nipRanges: []\n")],
    ),
    case(&rules::TIMESTAMP, "a date in the place of a timestamp", &[SOUND, ("bundle.yaml", "expires: 2026-12-31\n")]),
    case(
        &rules::DUPLICATE_NAME,
        "a policy that was copied and not renamed",
        &[("a.yaml", SOUND.1), ("b.yaml", SOUND.1)],
    ),
    case(
        &rules::DUPLICATE_ID,
        "a location in two exports",
        &[
            SOUND,
            (
                "locations.yaml",
                "namedLocations:\n  - id: 3e6d0a17-94c2-4b85-8f1e-6a0b7c2d5f01\n    displayName: Office\n    ipRanges: [192.0.2.0/24]\n  - id: 3e6d0a17-94c2-4b85-8f1e-6a0b7c2d5f01\n    displayName: Office again\n    ipRanges: [192.0.2.0/24]\n",
            ),
        ],
    ),
    case(
        &rules::UNKNOWN_LOCATION,
        "a misspelt location",
        &[
            ("locations.yaml", "displayName: Head Office\nipRanges: [192.0.2.0/24]\n"),
            (
                "policy.yaml",
                "displayName: Block\nstate: enabled\nconditions:\n  users: { includeUsers: [All] }\n  locations: { includeLocations: [All], excludeLocations: [Head Ofice] }\ngrantControls: { builtInControls: [block] }\n",
            ),
        ],
    ),
    case(
        &rules::UNKNOWN_LOCATION,
        "words that stand for locations and workloads, misspelt",
        &[
            SOUND,
            (
                "workloads.yaml",
                "displayName: Block workloads\nstate: enabled\nconditions:\n  clientApplications: { includeServicePrincipals: [ServicePrincipalInMyTenant] }\n  locations: { includeLocations: [All], excludeLocations: [AllTrused] }\ngrantControls: { builtInControls: [block] }\n",
            ),
        ],
    ),
    case(
        &rules::UNRECOGNISED_DOCUMENT,
        "tests and settings elsewhere than a bundle has them",
        &[
            ("test/cases.yaml", "cases:\n  - { name: a, expect: { decision: allow } }\n"),
            ("workload/bundle.yaml", "name: workload\nrevision: '1'\n"),
        ],
    ),
    case(
        &rules::UNKNOWN_LOCATION,
        "policies exported without their locations",
        &[(
            "policy.yaml",
            "displayName: Block\nstate: enabled\nconditions:\n  users: { includeUsers: [All] }\n  locations: { includeLocations: [3e6d0a17-94c2-4b85-8f1e-6a0b7c2d5f01] }\ngrantControls: { builtInControls: [block] }\n",
        )],
    ),
    case(
        &rules::UNKNOWN_LOCATION,
        "a disabled policy with a location that is gone, which is only warned of",
        &[(
            "policy.yaml",
            "displayName: Block\nstate: disabled\nconditions:\n  users: { includeUsers: [All] }\n  locations: { includeLocations: [Old office] }\ngrantControls: { builtInControls: [block] }\n",
        )],
    ),
    case(
        &rules::UNJUDGEABLE_LOCATION,
        "a private link",
        &[
            (
                "locations.json",
                "{\"@odata.type\": \"#microsoft.graph.privateLinkNamedLocation\", \"displayName\": \"Hub\", \"isTrusted\": true}\n",
            ),
            (
                "policy.yaml",
                "displayName: Block\nstate: enabled\nconditions:\n  users: { includeUsers: [All] }\n  locations: { includeLocations: [All], excludeLocations: [Hub] }\ngrantControls: { builtInControls: [block] }\n",
            ),
        ],
    ),
    case(
        &rules::UNKNOWN_PRINCIPAL,
        "a misspelt service principal",
        &[
            (
                "catalogue.yaml",
                "id: 5b0f4a86-1f0e-4d55-8a77-2f6f3c9d1e01\nappId: c1a4e2d0-8b3f-4c6a-9e57-0d1b2f3a4c01\ndisplayName: Payroll sync\n",
            ),
            (
                "policy.yaml",
                "displayName: Block\nstate: enabled\nconditions:\n  clientApplications: { includeServicePrincipals: [Payrol sync] }\ngrantControls: { builtInControls: [block] }\n",
            ),
        ],
    ),
    case(
        &rules::AMBIGUOUS_NAME,
        "two service principals of one name",
        &[
            (
                "catalogue.yaml",
                "servicePrincipals:\n  - { id: 5b0f4a86-1f0e-4d55-8a77-2f6f3c9d1e01, displayName: Sync }\n  - { id: 5b0f4a86-1f0e-4d55-8a77-2f6f3c9d1e02, displayName: Sync }\n",
            ),
            (
                "policy.yaml",
                "displayName: Block\nstate: enabled\nconditions:\n  clientApplications: { includeServicePrincipals: [Sync] }\ngrantControls: { builtInControls: [block] }\n",
            ),
        ],
    ),
    case(
        &rules::APP_ID,
        "an app id in the place of an object id",
        &[
            (
                "catalogue.yaml",
                "id: 5b0f4a86-1f0e-4d55-8a77-2f6f3c9d1e01\nappId: c1a4e2d0-8b3f-4c6a-9e57-0d1b2f3a4c01\ndisplayName: Payroll sync\n",
            ),
            (
                "policy.yaml",
                "displayName: Block\nstate: enabled\nconditions:\n  clientApplications: { includeServicePrincipals: [c1a4e2d0-8b3f-4c6a-9e57-0d1b2f3a4c01] }\ngrantControls: { builtInControls: [block] }\n",
            ),
        ],
    ),
    case(
        &rules::UNKNOWN_POLICY,
        "a setting that names a policy by a slip",
        &[SOUND, ("bundle.yaml", "ignoredPolicies: [Sond]\n")],
    ),
    case(&rules::IGNORED_POLICY, "a policy left out", &[SOUND, ("bundle.yaml", "ignoredPolicies: [Sound]\n")]),
    case(
        &rules::EMPTY_SCOPE,
        "a policy for nobody",
        &[(
            "policy.yaml",
            "displayName: Block\nstate: enabled\nconditions: { users: { includeUsers: [None] } }\ngrantControls: { builtInControls: [block] }\n",
        )],
    ),
    case(
        &rules::BREAK_GLASS,
        "an account that must always get in, and a policy that keeps it out",
        &[SOUND, ("bundle.yaml", "breakGlass: [0f8fad5b-d9cb-469f-a165-70867728950e]\n")],
    ),
    case(
        &rules::BREAK_GLASS_UNSURE,
        "an account that may be in a group that is kept out",
        &[
            (
                "policy.yaml",
                "displayName: Block contractors\nstate: enabled\nconditions:\n  users: { includeGroups: [7c9e6679-7425-40de-944b-e07fc1f90ae7] }\ngrantControls: { builtInControls: [block] }\n",
            ),
            ("bundle.yaml", "breakGlass: [0f8fad5b-d9cb-469f-a165-70867728950e]\n"),
        ],
    ),
    case(
        &rules::COUNTRY_DATABASE,
        "a database that is not in the bundle",
        &[SOUND, ("bundle.yaml", "countryDatabase: countries.mmdb\n")],
    ),
    case(
        &rules::COUNTRY_DATABASE,
        "a database that is none",
        &[SOUND, ("bundle.yaml", "countryDatabase: countries.mmdb\n"), ("countries.mmdb", "<html>not found</html>")],
    ),
    case(
        &rules::NO_COUNTRY_DATABASE,
        "a country location without a database",
        &[SOUND, ("countries.yaml", "displayName: Abroad\ncountriesAndRegions: [NO]\n")],
    ),
    case(
        &rules::UNUSABLE_STATEMENT,
        "a statement on trial",
        &[
            SOUND,
            (
                "statements/office.yaml",
                "displayName: Nobody\nstate: enabledForReportingButNotEnforced\nconditions: { users: { includeUsers: [All] } }\ngrantControls: { builtInControls: [block] }\n",
            ),
        ],
    ),
    case(
        &rules::PLACEHOLDER,
        "locations that all stand for nothing",
        &[
            ("bundle.yaml", "placeholders: { <Office>: [] }\n"),
            (
                "block.yaml",
                "displayName: Block\nstate: enabled\nconditions:\n  users: { includeUsers: [All] }\n  applications: { includeApplications: [All] }\n  locations: { includeLocations: [<Office>] }\ngrantControls: { builtInControls: [block] }\n",
            ),
        ],
    ),
    case(
        &rules::DUPLICATE_ENTITY,
        "a resource and an action twice, and an identity by two types",
        &[
            SOUND,
            (
                "entities.yaml",
                "entities:\n  subjects: [{ type: client, id: a }, { type: user, id: a }, { type: workload, id: a }]\n  resources: [{ type: r, id: a }, { type: s, id: a }, { type: r, id: a }]\n  actions: [{ name: a }, { name: b }, { name: a }]\n",
            ),
        ],
    ),
    case(
        &rules::DUPLICATE_ID,
        "a policy that is left out by the name of a statement",
        &[
            SOUND,
            ("bundle.yaml", "ignoredPolicies: [Nobody]\n"),
            (
                "left.yaml",
                "displayName: Nobody\nstate: enabled\nconditions: { users: { includeUsers: [All] }, applications: { includeApplications: [All] } }\ngrantControls: { builtInControls: [block] }\n",
            ),
            (
                "statements/office.yaml",
                "displayName: Nobody\nstate: enabled\nconditions: { users: { includeUsers: [All] }, applications: { includeApplications: [All] } }\ngrantControls: { builtInControls: [block] }\n",
            ),
        ],
    ),
    case(
        &rules::UNKNOWN_LOCATION,
        "a statement that names a location which does not exist",
        &[
            SOUND,
            (
                "statements/office.yaml",
                "displayName: Nobody\nstate: enabled\nconditions:\n  users: { includeUsers: [All] }\n  locations: { includeLocations: [Ofice] }\ngrantControls: { builtInControls: [block] }\n",
            ),
        ],
    ),
    case(
        &rules::UNKNOWN_VALUE,
        "a misspelt type of subject, and one that no bundle knows by itself",
        &[SOUND, ("entities.yaml", "entities:\n  subjects: [{ type: usr, id: a }, { type: identity, id: a }]\n")],
    ),
    case(
        &rules::UNKNOWN_VALUE,
        "a misspelt kind of identity",
        &[SOUND, ("bundle.yaml", "subjectTypes: { identity: usr, robot: agentIdentity }\n")],
    ),
    case(&rules::WRONG_TYPE, "types of subjects as a list", &[SOUND, ("bundle.yaml", "subjectTypes: [identity]\n")]),
    case(
        &rules::WRONG_TYPE,
        "properties of entities that no condition could read",
        &[
            SOUND,
            (
                "entities.yaml",
                "entities:\n  resources:\n    - { type: r, id: a, properties: { size: 1.5, owner: { id: b }, tags: [a, 1], none: null } }\n    - { type: r, id: b, properties: [a] }\n  actions: [read]\n",
            ),
        ],
    ),
    case(
        &rules::MISSING_PROPERTY,
        "entities without type, id or name",
        &[
            SOUND,
            (
                "entities.yaml",
                "entities:\n  subjects: [{ type: user }, { id: a }, { type: user, id: '' }]\n  actions: [{ properties: { a: b } }]\n",
            ),
        ],
    ),
    case(
        &rules::UNKNOWN_SETTING,
        "a list of entities that nobody knows",
        &[SOUND, ("entities.yaml", "entities: { subject: [{ type: user, id: a }] }\n")],
    ),
    case(
        &rules::UNKNOWN_PROPERTY,
        "a misspelt property of an entity",
        &[SOUND, ("entities.yaml", "entities: { resources: [{ type: r, id: a, propertys: { b: c } }] }\n")],
    ),
];
