//! A question asked in AuthZEN and the same request of the decision API are decided alike.

use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use serde_json::{Map, Value, json};

use crate::server::EVALUATION;
use crate::support::http::{Http, changed};
use crate::support::server::Server;

const OFFICE: &str = "192.0.2.0/24";

/// A bundle whose policies look at everything that the door fills in.
fn files() -> Vec<(&'static str, String)> {
    let policy = |name: &str, conditions: &str, controls: &str| {
        format!("- displayName: {name}\n  state: enabled\n  conditions: {{ {conditions} }}\n  {controls}\n")
    };
    let users = "users: { includeUsers: [All] }, applications: { includeApplications: [All] }";
    let workloads = "clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] }";
    let block = "grantControls: { operator: OR, builtInControls: [block] }";
    let mfa = "grantControls: { operator: OR, builtInControls: [mfa] }";
    let strong =
        "grantControls: { operator: OR, authenticationStrength: { id: 00000000-0000-0000-0000-000000000002 } }";
    let policies = [
        policy(
            "outside",
            &format!("{workloads}, locations: {{ includeLocations: [All], excludeLocations: [Office] }}"),
            block,
        ),
        policy("abroad", &format!("{users}, locations: {{ includeLocations: [Abroad] }}"), block),
        policy("risky", &format!("{users}, signInRiskLevels: [high]"), block),
        policy("risky-user", &format!("{users}, userRiskLevels: [low, medium]"), mfa),
        policy("risky-workload", &format!("{workloads}, servicePrincipalRiskLevels: [medium, high]"), block),
        policy("mail", "users: { includeUsers: [alice] }, applications: { includeApplications: [mail-app] }", strong),
        policy("code", &format!("{users}, authenticationFlows: {{ transferMethods: deviceCodeFlow }}"), block),
    ];
    let locations = format!(
        "namedLocations:\n- {{ displayName: Office, isTrusted: true, ipRanges: [{OFFICE}] }}\n- {{ displayName: Abroad, countriesAndRegions: [FR] }}\n"
    );
    let cedar = "@id(\"grade\")\nforbid (principal, action, resource)\nwhen { resource.target.type == \"record\" && context.attributes.number.hasTag(\"resource.grade\") && context.attributes.number.getTag(\"resource.grade\") > 3 }\nunless { context.action == \"read\" };\n\
        @id(\"tag\")\nforbid (principal is User, action, resource)\nwhen { context.attributes.text.hasTag(\"tag\") && context.attributes.text.getTag(\"tag\") == \"bad\" && principal.appId != \"trusted\" };\n";
    let entities = json!({ "entities": {
        "subjects": [{ "type": "user", "id": "alice", "properties": { "tag": "x" } }],
        "resources": [{ "type": "record", "id": "1", "properties": { "grade": 5 } }, { "type": "record", "id": "2", "properties": { "grade": 2 } }],
    } });
    vec![
        ("bundle.yaml", "tenantId: 8f3c2a51-6b7d-4e90-a1c4-3d5e7f9b0a12\neligibility: all\n".to_owned()),
        ("policies.yaml", format!("policies:\n{}", policies.concat())),
        ("locations.yaml", locations),
        ("custom.cedar", cedar.to_owned()),
        ("entities.json", entities.to_string()),
    ]
}

/// One request, in no words yet.
#[derive(Clone, Debug)]
struct Asked {
    subject: (&'static str, &'static str, &'static str),
    action: &'static str,
    resource: (&'static str, &'static str),
    ip: Option<(&'static str, &'static str)>,
    country: Option<&'static str>,
    risk: Option<&'static str>,
    client: Option<&'static str>,
    amr: Option<Vec<&'static str>>,
    grade: Option<i64>,
    tag: Option<&'static str>,
    device: Option<&'static str>,
}

fn asked() -> impl Strategy<Value = Asked> {
    let subject = select(vec![
        ("user", "user", "alice"),
        ("user", "user", "bob"),
        ("client", "servicePrincipal", "ledger"),
        ("workload", "servicePrincipal", "cccccccc-0000-4000-8000-000000000001"),
        ("managedIdentity", "managedIdentity", "vm"),
        ("agentIdentity", "agentIdentity", "agent"),
        ("agentUser", "agentUser", "helper"),
    ]);
    let action =
        select(vec!["read", "write", "issue:access_token:authorization_code", "issue:access_token:device_code"]);
    let resource = select(vec![
        ("record", "1"),
        ("record", "2"),
        ("audience", "mail-app"),
        ("application", "other-app"),
        ("route", "/x"),
    ]);
    let ip = select(vec![
        ("/context/ip", "192.0.2.9"),
        ("/context/ip_address", "::ffff:192.0.2.9"),
        ("/subject/properties/ip_address", "198.51.100.7"),
        ("/context/ip", "2001:db8::1"),
        ("/context/ip", "192.0.2.300"),
    ]);
    let amr = proptest::sample::subsequence(vec!["pwd", "sms", "tel", "mfa", "otp", "hwk"], 0..=4);
    let few = |values: &'static [&'static str]| option::of(select(values));
    (
        (subject, action, resource, option::of(ip), few(&["FR", "de", "ZZ", "France"])),
        (few(&["none", "low", "medium", "high", "severe"]), few(&["trusted", "other"]), option::of(amr)),
        (option::of(0_i64..8), few(&["bad", "good"]), few(&["d1"])),
    )
        .prop_map(|((subject, action, resource, ip, country), (risk, client, amr), (grade, tag, device))| Asked {
            subject,
            action,
            resource,
            ip,
            country,
            risk,
            client,
            amr,
            grade,
            tag,
            device,
        })
}

impl Asked {
    fn question(&self) -> Value {
        let mut body = json!({
            "subject": { "type": self.subject.0, "id": self.subject.2 },
            "action": { "name": self.action },
            "resource": { "type": self.resource.0, "id": self.resource.1 },
        });
        let mut set = |pointer: &str, value: Option<Value>| {
            if let Some(value) = value {
                body = changed(std::mem::take(&mut body), pointer, value);
            }
        };
        if let Some((pointer, address)) = self.ip {
            set(pointer, Some(json!(address)));
        }
        set("/context/network/country", self.country.map(|country| json!(country)));
        set("/context/risk/level", self.risk.map(|risk| json!(risk)));
        set("/context/client_id", self.client.map(|client| json!(client)));
        set("/context/amr", self.amr.as_ref().map(|amr| json!(amr)));
        set("/resource/properties/grade", self.grade.map(|grade| json!(grade)));
        set("/context/tag", self.tag.map(|tag| json!(tag)));
        set("/context/device_id", self.device.map(|device| json!(device)));
        body
    }

    fn request(&self) -> Value {
        let kind = self.subject.1;
        let is_user = kind == "user" || kind == "agentUser";
        let mut attributes = Map::new();
        attributes.extend(self.grade.map(|grade| ("resource.grade".to_owned(), json!(grade))));
        attributes.extend(self.tag.map(|tag| ("tag".to_owned(), json!(tag))));
        let risk: &[&str] = match kind {
            "user" => &["user", "signIn"],
            "agentUser" => &["user", "signIn", "agent"],
            "agentIdentity" => &["agent"],
            _ => &["servicePrincipal"],
        };
        let risk: Map<_, _> =
            self.risk.iter().flat_map(|level| risk.iter().map(move |of| ((*of).to_owned(), json!(level)))).collect();
        let amr = self.amr.clone().unwrap_or_default();
        let known = [("pwd", "password"), ("sms", "sms"), ("tel", "voice")];
        let methods: Vec<_> = known.iter().filter(|(value, _)| amr.contains(value)).map(|(_, method)| method).collect();
        let controls: &[&str] = if amr.contains(&"mfa") { &["mfa"] } else { &[] };
        let is_app = ["audience", "application"].contains(&self.resource.0);
        let app_ids: &[&str] = if is_app { &[self.resource.1] } else { &[] };
        json!({
            "identity": { "type": kind, "id": self.subject.2, "appId": self.client.filter(|_| is_user) },
            "action": self.action,
            "resource": { "appIds": app_ids, "target": { "type": self.resource.0, "id": self.resource.1 } },
            "network": { "ipAddress": self.ip.map(|(_, address)| address), "country": self.country },
            "risk": risk,
            "device": self.device.map(|id| json!({ "deviceId": id })),
            "authenticationFlow": self.action.ends_with("device_code").then_some("deviceCodeFlow"),
            "satisfied": { "builtInControls": controls, "authenticationMethods": methods },
            "attributes": attributes,
        })
    }
}

/// What was decided and by which policies, or the reason why nothing was.
async fn both(http: &mut Http, asked: &Asked) -> [(bool, Value); 2] {
    let answer = http.post(EVALUATION, &asked.question().to_string()).await.json();
    let context = &answer["context"];
    let why =
        if context["ca"].is_null() { context["reasons"][0]["code"].clone() } else { context["ca"]["policies"].clone() };
    let native = http.post("/v1/decide", &asked.request().to_string()).await.json();
    let policies =
        native["policies"].as_array().map(|all| all.iter().map(|policy| policy["id"].clone()).collect::<Vec<_>>());
    let reason = policies.map_or_else(|| native["error"]["reason"].clone(), |policies| json!(policies));
    [(answer["decision"] == true, why), (native["decision"] == "allow", reason)]
}

#[test]
fn a_question_is_decided_as_the_same_request_of_the_decision_api() {
    let server = Server::start(files(), "{ verbose: true }");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut http = runtime.block_on(server.http());
    let config = Config { cases: 1_000, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let (mut allowed, mut blocked, mut refused) = (0, 0, 0);
    let mut seen = std::collections::BTreeSet::new();
    let http = std::cell::RefCell::new(&mut http);
    let counts = std::cell::RefCell::new((&mut allowed, &mut blocked, &mut refused, &mut seen));
    runner
        .run(&asked(), |asked| {
            let [authzen, native] = runtime.block_on(both(&mut http.borrow_mut(), &asked));
            let (allowed, blocked, refused, seen) = &mut *counts.borrow_mut();
            match (&authzen.1, authzen.0) {
                (Value::String(_), _) => **refused += 1,
                (_, true) => **allowed += 1,
                (_, false) => **blocked += 1,
            }
            seen.extend(native.1.as_array().into_iter().flatten().map(Value::to_string));
            if authzen == native {
                return Ok(());
            }
            Err(TestCaseError::fail(format!("{authzen:?} is not {native:?}")))
        })
        .unwrap();
    // It would hold of a door that denies everything, and of a bundle that looks at nothing.
    assert!(allowed > 50 && blocked > 50 && refused > 50, "{allowed} {blocked} {refused}");
    assert_eq!(seen.len(), 9, "{seen:?}");
}
