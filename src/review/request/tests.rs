//! What documents say, and what is told about documents that cannot be used.

use super::*;
use crate::model::{
    AuthenticationMethod, CredentialType, GuestType, IdentityKind, ResourceKind, SignInAudience, TransferMethod,
    UserAction,
};
use crate::text::{self, SourceFile, Sources};

/// Reads `yaml`, and hands what was read or the problems in the words of the author to `check`.
fn with(yaml: &str, check: impl FnOnce(Result<RequestDocument<'_>, String>)) {
    let mut sources = Sources::default();
    let file = sources.add(SourceFile::new("request.yaml", yaml.to_owned()));
    let mut diagnostics = Diagnostics::default();
    let node = text::parse(&sources, file, &mut diagnostics).expect("YAML");
    let document = read(&node, &mut diagnostics);
    let findings = diagnostics.findings(&sources).into_iter().map(|finding| {
        let help = finding.help.map(|help| format!(" ({help})")).unwrap_or_default();
        format!("{}:{} {}: {}{help}", finding.line, finding.column, finding.id, finding.what)
    });
    let findings: Vec<_> = findings.collect();
    assert_eq!(document.is_some(), findings.is_empty(), "{findings:?}");
    check(document.ok_or(findings.join("\n")));
}

#[track_caller]
fn refused(yaml: &str, expected: &str) {
    with(yaml, |document| assert_eq!(document.expect_err("a problem"), expected));
}

const IDENTITY: &str = "identity: {type: servicePrincipal, id: x}\n";

#[track_caller]
fn refused_beside_identity(yaml: &str, expected: &str) {
    refused(&format!("{IDENTITY}{yaml}"), expected);
}

#[test]
fn every_field_is_read() {
    let yaml = r##"
identity:
  type: agentUser
  id: 0F8FAD5B-D9CB-469F-A165-70867728950E
  appId: app
  ownerTenant: tenant
  audience: AzureADMyOrg
  customSecurityAttributes:
    Project@odata.type: "#microsoft.graph.customSecurityAttributeValue"
    "Project@odata.context": "https://graph.microsoft.com/v1.0/$metadata"
    Project: {Names@odata.type: "#Collection(String)", Names: [a, b], Lead: me, Budget: 5, Open: true, Gone: null}
  groups: [g]
  roles: []
  guestType: internalGuest
  homeTenant: home
  blueprint: blue
resource:
  appIds: [r1, r2]
  type: agentBlueprint
  userAction: registerOrJoinDevices
  authenticationContext: c99
  customSecurityAttributes: {}
  scopes: [openid, User.Read]
  target: {type: route, id: /todos}
network: {ipAddress: "::ffff:203.0.113.9", country: de, gpsCountry: FR, compliantNetwork: false}
risk: {servicePrincipal: High, signIn: low, user: medium, insider: elevated, agent: hidden}
clientApp: browser
platform: macOS
device:
  deviceId: d1
  displayName: d2
  ownership: d3
  enrollmentProfileName: d4
  isCompliant: true
  manufacturer: d5
  model: d6
  mdmAppId: d7
  operatingSystem: d8
  operatingSystemVersion: d9
  physicalIds: [p]
  profileType: d10
  systemLabels: [l]
  trustType: d11
  extensionAttribute1: e1
  extensionAttribute15: e15
authenticationFlow: deviceCodeFlow
credential: {type: certificate, keyId: k, federatedIssuer: i, federatedSubject: s}
satisfied:
  builtInControls: [mfa, compliantDevice]
  authenticationMethods: [password, sms]
  authenticationStrengths: [strength]
  termsOfUse: [terms]
  customAuthenticationFactors: [factor]
requestId: r-1
action: issue:access_token:client_credentials
attributes: {any: {thing: [1]}}
explain: true
"##;
    let text = |text: &'static str| Some(Cow::Borrowed(text));
    let mut attributes = Attributes::default();
    attributes.insert("Project", "Names", AttributeValue::Texts(vec!["a".into(), "b".into()]));
    attributes.insert("Project", "Lead", AttributeValue::Text("me".into()));
    attributes.insert("Project", "Budget", AttributeValue::Other);
    attributes.insert("Project", "Open", AttributeValue::Other);
    let mut extension_attributes = [const { None }; 15];
    extension_attributes[0] = text("e1");
    extension_attributes[14] = text("e15");
    let request = TokenRequest {
        identity: Identity {
            kind: IdentityKind::AgentUser,
            id: IdRef::new("0f8fad5b-d9cb-469f-a165-70867728950e"),
            app_id: Some(IdRef::new("app")),
            owner_tenant: Some(IdRef::new("tenant")),
            audience: Some(SignInAudience::MyOrg),
            attributes: Some(attributes),
            groups: Some(vec![IdRef::new("g")]),
            roles: Some(vec![]),
            guest_type: Some(GuestType::InternalGuest),
            home_tenant: Some(IdRef::new("home")),
            blueprint: Some(IdRef::new("blue")),
        },
        resource: Resource {
            app_ids: vec![IdRef::new("r1"), IdRef::new("r2")],
            kind: Some(ResourceKind::AgentBlueprint),
            user_action: Some(UserAction::RegisterOrJoinDevices),
            authentication_context: text("c99"),
            attributes: Some(Attributes::default()),
            scopes: vec!["openid", "User.Read"],
            target: Some(Target { kind: "route", id: "/todos" }),
        },
        network: Network {
            ip_address: Some("203.0.113.9".parse().unwrap()),
            country: CountryFact::new("DE"),
            gps_country: Country::new("FR"),
            compliant_network: Some(false),
        },
        risk: Risk {
            service_principal: RiskLevel::High,
            sign_in: RiskLevel::Low,
            user: RiskLevel::Medium,
            agent: RiskLevel::Hidden,
            insider: InsiderRiskLevel::Elevated,
        },
        client_app: Some(ClientApp::Browser),
        platform: Some(Platform::MacOs),
        device: Some(Box::new(Device {
            device_id: text("d1"),
            display_name: text("d2"),
            ownership: text("d3"),
            enrollment_profile_name: text("d4"),
            is_compliant: Some(true),
            manufacturer: text("d5"),
            model: text("d6"),
            mdm_app_id: text("d7"),
            operating_system: text("d8"),
            operating_system_version: text("d9"),
            physical_ids: vec!["p".into()],
            profile_type: text("d10"),
            system_labels: vec!["l".into()],
            trust_type: text("d11"),
            extension_attributes,
        })),
        authentication_flow: Some(TransferMethod::DeviceCodeFlow),
        credential: Credential {
            kind: Some(CredentialType::Certificate),
            key_id: Some("k"),
            federated_issuer: Some("i"),
            federated_subject: Some("s"),
        },
        satisfied: Satisfied {
            built_in: [GrantControl::Mfa, GrantControl::CompliantDevice].into_iter().collect(),
            methods: [AuthenticationMethod::Password, AuthenticationMethod::Sms].into_iter().collect(),
            authentication_strengths: vec![IdRef::new("strength")],
            terms_of_use: vec![IdRef::new("terms")],
            custom_factors: vec![IdRef::new("factor")],
        },
        attributes: Default::default(),
        action: Some("issue:access_token:client_credentials"),
        now: None,
    };
    with(yaml, |document| {
        assert_eq!(document, Ok(RequestDocument { request, request_id: Some("r-1") }));
    });
}

#[test]
fn what_is_left_out_or_null_is_not_said() {
    let expected = TokenRequest::new(Identity::new(IdentityKind::ServicePrincipal, IdRef::new("x")));
    let nulls = "network: {ipAddress: null}\ndevice: null\nplatform: null\nsatisfied: {builtInControls: null}\n";
    for yaml in [IDENTITY.to_owned(), format!("{IDENTITY}{nulls}")] {
        let expected = RequestDocument { request: expected.clone(), request_id: None };
        with(&yaml, |document| assert_eq!(document, Ok(expected)));
    }
}

#[test]
fn an_empty_device_is_registered_and_an_empty_group_list_is_known_to_be_empty() {
    with("identity: {type: user, id: x, groups: []}\ndevice: {}", |document| {
        let request = document.unwrap().request;
        assert_eq!(request.device, Some(Box::default()));
        assert_eq!(request.identity.groups, Some(vec![]));
        assert_eq!(request.identity.roles, None);
    });
}

#[test]
fn an_identity_of_kind_and_id_is_required() {
    refused(
        "network: {}",
        "1:1 missing-field: `identity` is missing (say who asks, as in `identity: { type: servicePrincipal, id: ... }`)",
    );
    refused(
        "identity: {}",
        "1:11 missing-field: `identity.id` is missing (write the object id)\n\
         1:11 missing-field: `identity.type` is missing (write `servicePrincipal`, `user` or another kind of identity)",
    );
    refused("identity: x", "1:11 field-type: `identity` is text, not an object");
    refused("[]", "1:1 field-type: the document is a list, not an object");
}

#[test]
fn misspelt_fields_and_values_are_errors_with_near_misses_all_at_once() {
    refused(
        "identity: {type: servicePrincipals, id: '', ap_id: x}\nnetwrk: {}\nrisk: {servicePrincipal: hgh}",
        "1:18 field-value: `servicePrincipals` is no value of `identity.type` (did you mean `servicePrincipal`?)\n\
         1:41 field-value: `identity.id` is empty (write a text, or leave it out)\n\
         1:45 unknown-field: there is no field `identity.ap_id` (did you mean `appId`?)\n\
         2:1 unknown-field: there is no field `netwrk` (did you mean `network`?)\n\
         3:26 field-value: `hgh` is no value of `risk.servicePrincipal` (did you mean `high`?)",
    );
}

#[test]
fn facts_that_cannot_be_used_are_refused_and_never_absent() {
    for address in ["203.0.113.256", "203.0.113.09", "fe80::1%eth0", "203.0.113.9/32", "[::1]", "", " ::1"] {
        refused_beside_identity(
            &format!("network: {{ipAddress: '{address}'}}"),
            &format!(
                "2:22 field-value: `network.ipAddress` of `{address}` is not an IPv4 or IPv6 address without a zone"
            ),
        );
    }
    for scope in ["openid User.Read", "User.Read ", "a\\tb", "übung"] {
        refused_beside_identity(
            &format!("resource: {{scopes: [\"{scope}\"]}}"),
            "2:21 field-value: `resource.scopes` must be one scope: printable ASCII without blanks, quotes and backslashes",
        );
    }
    let guid = "0f8fad5b-d9cb-469f-a165-70867728950e";
    let spelling = "must be written as GUIDs are, 8-4-4-4-12 digits with hyphens and nothing around them";
    for (id, problem) in [
        (format!("{guid} "), "must not begin or end with a blank"),
        (format!("{guid}\\u200b"), "must not hold control characters or characters that nobody sees"),
        (format!("{{{guid}}}"), spelling),
        (guid.replace('-', ""), spelling),
    ] {
        let told = format!("2:21 field-value: `resource.appIds` {problem}");
        refused_beside_identity(&format!("resource: {{appIds: [\"{id}\"]}}"), &told);
    }
    for country in ["DEU", "D", "4A", ""] {
        refused_beside_identity(
            &format!("network: {{country: '{country}'}}"),
            &format!(
                "2:20 field-value: `network.country` of `{country}` is not a country of two letters, ISO 3166-1 \
                 alpha-2"
            ),
        );
    }
    for context in ["c0", "c100", "c01", "c+1", "99", "C100", ""] {
        refused_beside_identity(
            &format!("resource: {{authenticationContext: '{context}'}}"),
            &format!(
                "2:35 field-value: `resource.authenticationContext` of `{context}` is not an authentication context, \
                 `c1` to `c99`"
            ),
        );
    }
}

#[test]
fn types_are_never_converted() {
    refused_beside_identity(
        "device: {operatingSystemVersion: 10.0, isCompliant: 'true'}\nsatisfied: {builtInControls: mfa}",
        "2:34 field-type: `device.operatingSystemVersion` is a number, not text (put it in quotes)\n\
         2:53 field-type: `device.isCompliant` is text, not a boolean\n\
         3:30 field-type: `satisfied.builtInControls` is text, not a list",
    );
}

#[test]
fn words_that_only_policies_use_are_no_facts() {
    refused_beside_identity(
        "clientApp: all\nplatform: all\nsatisfied: {builtInControls: [block]}",
        "2:12 field-value: `all` is no value of `clientApp` (the values are browser, mobileAppsAndDesktopClients, \
         exchangeActiveSync, easSupported, other)\n\
         3:11 field-value: `all` is no value of `platform` (the values are android, iOS, windows, windowsPhone, \
         macOS, linux)\n\
         4:31 field-value: `block` is no value of `satisfied.builtInControls` (the values are mfa, compliantDevice, \
         domainJoinedDevice, approvedApplication, compliantApplication, passwordChange, riskRemediation, \
         verifiedID)",
    );
}

#[test]
fn security_attributes_have_two_levels_and_distinct_names() {
    refused(
        "identity: {type: user, id: x, customSecurityAttributes: {A: {b_c: x}, A_b: {C: y}, D: text, E: {f: {}}}}",
        "1:77 field-value: two attributes are called `A_b_C` (filters join set and attribute with an underscore, in \
         any case; name them apart)\n\
         1:87 field-type: `identity.customSecurityAttributes.D` is text, not an object of attributes\n\
         1:100 field-type: `identity.customSecurityAttributes.E.f` is an object, not text, a list of text, a \
         boolean or a number",
    );
}

#[test]
fn lists_and_ids_are_bounded() {
    let list = |length: usize| vec!["x"; length].join(", ");
    refused(
        &format!("identity: {{type: user, id: x, groups: [{}]}}", list(limits::GROUPS_MAX + 1)),
        "1:39 field-limit: `identity.groups` has 4097 elements (at most 4096)",
    );
    refused_beside_identity(
        &format!("resource: {{appIds: [{}]}}", list(limits::RESOURCES_MAX + 1)),
        "2:20 field-limit: `resource.appIds` has 65 elements (at most 64)",
    );
    refused_beside_identity(
        &format!("requestId: {}", "x".repeat(limits::REQUEST_ID_BYTES_MAX + 1)),
        "2:12 field-limit: `requestId` has 257 bytes (at most 256)",
    );
    let attributes: Vec<_> = (0..=limits::ATTRIBUTES_MAX).map(|index| format!("a{index}: x")).collect();
    refused(
        &format!(
            "identity:\n  type: user\n  id: x\n  customSecurityAttributes:\n    A: {{\n{}}}",
            attributes.join(",\n")
        ),
        "518:1 field-limit: `identity.customSecurityAttributes` has more than 512 attributes",
    );
}
