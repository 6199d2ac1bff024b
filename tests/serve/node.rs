//! A certified OpenID provider and functions of token services, in Node, with the files of `deploy/`.
//!
//! `oidc-provider` is in the folder `DOORWARD_OIDC_PROVIDER`, or in `target/oidc-provider`, which `.ci/run` makes. Where
//! it or Node is missing, the tests say so and do nothing.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use http::Method;
use insta::assert_snapshot;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::support::found::{program, root};
use crate::support::http::{Answer, Http, request};
use crate::support::server::Server;

const OFFICE: &str = "198.51.100.7";
const ELSEWHERE: &str = "203.0.113.9";

fn node() -> Option<PathBuf> {
    program("DOORWARD_NODE", "node")
}

/// A running provider; killed when the test ends.
struct Provider {
    child: Child,
    address: String,
    /// Kept open: a write to a closed one ends the provider.
    _stdout: BufReader<ChildStdout>,
    _folder: tempfile::TempDir,
}

impl Provider {
    /// With the folder whose `node_modules` has `oidc-provider`.
    fn start(node: &Path, installed: &Path, doorward: &Server) -> Self {
        Self::start_for(node, installed, doorward, None)
    }

    /// With what tokens are for that name no audience.
    fn start_for(node: &Path, installed: &Path, doorward: &Server, audience: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("package.json"), r#"{"type":"module"}"#).unwrap();
        std::os::unix::fs::symlink(installed.join("node_modules"), folder.path().join("node_modules")).unwrap();
        for file in ["tests/serve/provider.mjs", "deploy/node-oidc-provider/doorward.js"] {
            let file = root().join(file);
            std::fs::copy(&file, folder.path().join(file.file_name().unwrap())).unwrap();
        }
        let mut child = Command::new(node)
            .arg("provider.mjs")
            .current_dir(&folder)
            .env("DOORWARD_URL", format!("http://{}", doorward.tcp()))
            .envs(audience.map(|audience| ("DOORWARD_AUDIENCE", audience)))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut address = String::new();
        while !address.starts_with("127.0.0.1:") {
            address.clear();
            assert_ne!(stdout.read_line(&mut address).unwrap(), 0, "the provider ended: {:?}", child.wait());
        }
        address.truncate(address.trim_end().len());
        Self { child, address, _stdout: stdout, _folder: folder }
    }

    async fn http(&self) -> Http {
        Http::over(TcpStream::connect(&*self.address).await.unwrap()).await
    }

    /// Asks for a token as `client` at `address`.
    async fn token(&self, client: &str, address: &str, form: &str) -> Answer {
        self.post("/token", client, address, form).await
    }

    async fn post(&self, path: &str, client: &str, address: &str, form: &str) -> Answer {
        let kind = Some("application/x-www-form-urlencoded");
        let body = format!("client_id={client}&client_secret=secret&{form}");
        let mut request = request(Method::POST, path, kind, &body);
        request.headers_mut().insert("x-forwarded-for", address.parse().unwrap());
        self.http().await.send(request).await
    }

    /// Asks for a token for a new code of a user who has signed in by `methods`.
    async fn exchange(&self, methods: &str) -> Answer {
        let code = self.http().await.get(&format!("/code/{methods}")).await.text;
        let form = format!("grant_type=authorization_code&redirect_uri=https://app.example/&code={code}");
        self.token("app", ELSEWHERE, &form).await
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_certified_provider_issues_what_doorward_allows_and_nothing_else() {
    let Some(node) = node() else { return };
    let Some(installed) = program("DOORWARD_OIDC_PROVIDER", "target/oidc-provider") else { return };
    let mut server = Server::start();
    let provider = Provider::start(&node, &installed, &server);
    const WORKLOAD: &str = "grant_type=client_credentials";

    let allowed = provider.token("workload", OFFICE, WORKLOAD).await;
    assert_eq!(allowed.status, 200, "{}", allowed.text);
    assert!(allowed.json()["access_token"].is_string());

    let blocked = provider.token("workload", ELSEWHERE, WORKLOAD).await;
    let claims =
        r#"{"access_token":{"capolids":{"essential":true,"values":["aaaaaaaa-0000-4000-8000-000000000001"]}}}"#;
    let expected = json!({
        "error": "invalid_grant", "error_codes": [53003], "suberror": "message_only", "claims": claims,
        "error_description": "AADSTS53003: Access has been blocked by Conditional Access policies.",
    });
    assert_eq!((blocked.status.as_u16(), blocked.json()), (400, expected));
    // A client that may not authenticate is the provider's to refuse; doorward is not asked.
    let stranger = provider.token("stranger", OFFICE, WORKLOAD).await;
    assert_eq!((stranger.status.as_u16(), &stranger.json()["error"]), (401, &json!("invalid_client")));

    let unmet = provider.exchange("pwd").await;
    let error = |answer: &Answer| {
        (answer.status.as_u16(), answer.json()["error"].clone(), answer.json()["error_codes"].clone())
    };
    assert_eq!(error(&unmet), (400, json!("interaction_required"), json!([50076])), "{}", unmet.text);

    let issued = provider.exchange("pwd,mfa").await;
    assert_eq!(issued.status, 200, "{}", issued.text);
    let refresh =
        format!("grant_type=refresh_token&refresh_token={}", issued.json()["refresh_token"].as_str().unwrap());
    // The provider replaces a refresh token with each use; one that was blocked has not been used.
    let users = std::fs::read_to_string(root().join("tests/serve/bundle/3-users.yaml")).unwrap();
    server.activate("2", [("3-users.yaml", &users.replace("[mfa]", "[block]"))]);
    let blocked = provider.token("app", ELSEWHERE, &refresh).await;
    assert_eq!(error(&blocked), (400, json!("invalid_grant"), json!([53003])), "{}", blocked.text);
    // It names no audience, and its scopes alone say nothing of what it is for.
    server.activate("payroll", [("3-users.yaml", &for_payroll(&users))]);
    let blocked = provider.token("app", ELSEWHERE, &refresh).await;
    assert_eq!(error(&blocked), (400, json!("invalid_grant"), json!([53003])), "{}", blocked.text);
    server.activate("3", [("3-users.yaml", &users)]);
    let refreshed = provider.token("app", ELSEWHERE, &refresh).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.text);
    let next =
        format!("grant_type=refresh_token&refresh_token={}", refreshed.json()["refresh_token"].as_str().unwrap());

    // A scope that is refused refuses the token; a policy about another client does not.
    let custom = |scope: &str| {
        format!(
            "@id(\"s\") forbid (principal, action, resource) when {{ context.action == \"{scope}\" }};\n\
             @id(\"k\") forbid (principal is User, action, resource) when {{ principal.appId == \"kiosk\" }};\n"
        )
    };
    server.activate("scope", [("3-users.yaml", &users), ("4-custom.cedar", &custom("openid"))]);
    let blocked = provider.token("app", ELSEWHERE, &next).await;
    assert_eq!(error(&blocked), (400, json!("invalid_scope"), json!([53003])), "{}", blocked.text);
    assert!(blocked.json().get("claims").is_none(), "{}", blocked.text);
    server.activate("another", [("3-users.yaml", &users), ("4-custom.cedar", &custom("email"))]);
    let refreshed = provider.token("app", ELSEWHERE, &next).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.text);
    let next =
        format!("grant_type=refresh_token&refresh_token={}", refreshed.json()["refresh_token"].as_str().unwrap());

    // A refresh that asks for less is about no more than that; and a token for one resource has no scope of another.
    server.activate("narrow", [("3-users.yaml", &users), ("4-custom.cedar", &custom("openid"))]);
    let narrow = provider.token("app", ELSEWHERE, &format!("{next}&scope=offline_access")).await;
    assert_eq!(narrow.status, 200, "{}", narrow.text);
    let next = format!("grant_type=refresh_token&refresh_token={}", narrow.json()["refresh_token"].as_str().unwrap());
    server.activate("write", [("3-users.yaml", &users), ("4-custom.cedar", &custom("write"))]);
    for (resource, status) in [("https://a.example", 200), ("https://b.example", 400)] {
        let path = "/code/pwd,mfa?https%3A%2F%2Fa.example=read&https%3A%2F%2Fb.example=write";
        let code = provider.http().await.get(path).await.text;
        let form =
            format!("grant_type=authorization_code&redirect_uri=https://app.example/&code={code}&resource={resource}");
        let answer = provider.token("app", ELSEWHERE, &form).await;
        assert_eq!(answer.status, status, "{resource}: {}", answer.text);
    }

    // Claims of policies are in the token, and what nobody would do keeps it from being issued.
    let workloads = |more: &str| {
        format!(
            "displayName: Workloads\nstate: enabled\nconditions: {{ clientApplications: {{ includeServicePrincipals: \
             [ServicePrincipalsInMyTenant] }} }}\n{more}\n"
        )
    };
    let critical = workloads("token: { claims: { ca_tags: [b, a] }, critical: [ca_tags] }");
    server.activate("4", [("3-users.yaml", &users), ("4-token.yaml", &critical)]);
    let issued = provider.token("workload", OFFICE, WORKLOAD).await;
    let form = format!("token={}", issued.json()["access_token"].as_str().unwrap());
    let told = provider.post("/token/introspection", "workload", OFFICE, &form).await;
    assert_eq!(told.json()["ca_tags"], json!(["a", "b"]), "{}", told.text);
    let owed = workloads("obligations: [{ type: notification, topic: sign-in }]");
    // Whoever looks the token up is told the provider's own.
    let own = workloads("token: { claims: { token_type: [x] }, critical: [token_type] }");
    for (revision, policy) in [("5", &owed), ("6", &own)] {
        server.activate(revision, [("3-users.yaml", &users), ("4-token.yaml", policy)]);
        let blocked = provider.token("workload", OFFICE, WORKLOAD).await;
        let expected = json!({ "error": "invalid_grant", "error_description": "Blocked by policy." });
        assert_eq!((blocked.status.as_u16(), blocked.json()), (400, expected), "{policy}");
    }

    server.stop();
    for (client, form) in [("workload", WORKLOAD), ("app", &*next)] {
        let undecided = provider.token(client, OFFICE, form).await;
        assert_eq!((undecided.status.as_u16(), &undecided.json()["error"]), (503, &json!("server_error")));
        assert!(undecided.json().get("access_token").is_none());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn tokens_of_a_certified_provider_that_name_no_audience_are_for_the_one_that_it_is_told() {
    let Some(node) = node() else { return };
    let Some(installed) = program("DOORWARD_OIDC_PROVIDER", "target/oidc-provider") else { return };
    let server = Server::start();
    let users = std::fs::read_to_string(root().join("tests/serve/bundle/3-users.yaml")).unwrap();
    server.activate("payroll", [("3-users.yaml", &for_payroll(&users))]);
    for (audience, status) in
        [(Some("https://api"), 200), (Some("eeeeeeee-0000-4000-8000-000000000001"), 400), (None, 400)]
    {
        let provider = Provider::start_for(&node, &installed, &server, audience);
        let answer = provider.exchange("pwd").await;
        assert_eq!(answer.status.as_u16(), status, "{audience:?}: {}", answer.text);
    }
}

/// What the functions of Cognito and Auth0 make of doorward's answers, a line each; `token` is how they authenticate
/// themselves.
fn told(node: &Path, server: &std::net::SocketAddr, token: Option<&str>) -> String {
    told_by("snippets.mjs", node, server, token)
}

fn told_by(script: &str, node: &Path, server: &std::net::SocketAddr, token: Option<&str>) -> String {
    let mut node = Command::new(node);
    node.arg(root().join("tests/serve").join(script)).arg(root().join("deploy")).arg(format!("http://{server}"));
    token.map(|token| node.env("DOORWARD_TOKEN", token));
    let output = node.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    told.as_object().unwrap().iter().map(|(name, outcome)| format!("{name}: {outcome}\n")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn functions_of_cognito_and_auth0_let_through_what_is_allowed_and_nothing_else() {
    let Some(node) = node() else { return };
    let mut server = Server::start();
    let users = std::fs::read_to_string(root().join("tests/serve/bundle/3-users.yaml")).unwrap();
    let users = users.replace("includeUsers: [All]", "includeUsers: [All], excludeUsers: [exempt]");
    server.activate("2", [("3-users.yaml", &users)]);
    let address = server.tcp();
    assert_snapshot!("functions", told(&node, &address, None));
    // Scopes of OpenID alone made Entra's directory of a token of which nobody had told what it is for.
    server.activate("3", [("3-users.yaml", &for_payroll(&users))]);
    assert_snapshot!("functions-payroll", told(&node, &address, None));
    // Groups go by the names that the user pool has for them, and only where that is said.
    server.activate("4", [("3-users.yaml", &users.replace("includeUsers: [All]", "includeGroups: [admins]"))]);
    let known = "cognito known to be of the staff: \"allowed\"\n";
    let (answers, unsaid) = (told(&node, &address, None), "cognito user: \"AADSTS50076");
    assert!(answers.contains(known) && answers.contains(unsaid), "{answers}");
    server.stop();
    assert!(!told(&node, &address, None).contains("allowed"), "nothing is allowed by a doorward that is down");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn functions_of_cognito_and_auth0_add_claims_and_refuse_what_they_cannot_pass_on() {
    let Some(node) = node() else { return };
    let policy = |more: &str| {
        format!(
            "displayName: P\nstate: enabled\nconditions: {{ users: {{ includeUsers: [All] }}, clientApplications: {{ \
             includeServicePrincipals: [ServicePrincipalsInMyTenant] }} }}\n{more}\n"
        )
    };
    let critical = "token: { claims: { ca_tags: [b, a] }, critical: [ca_tags] }";
    let advice = "token: { claims: { ca_tags: [b, a] } }";
    let obligation = "obligations: [{ type: notification, topic: sign-in }]";
    // Names that one of them keeps to itself: it left the claim out, and issued the token.
    let reserved = "token: { claims: { roles: [a], 'cognito:roles': [a], 'https://x.test/a': [a] } }";
    let of_auth0 = "token: { claims: { roles: [a] }, critical: [roles] }";
    let of_cognito = "token: { claims: { 'cognito:roles': [a] }, critical: ['cognito:roles'] }";
    let of_both = "token: { claims: { auth_time: [a] }, critical: [auth_time] }";
    let namespaced = "token: { claims: { 'https://x.test/a': [a] }, critical: ['https://x.test/a'] }";
    let told = [critical, advice, obligation, reserved, of_auth0, of_cognito, of_both, namespaced].map(|more| {
        let server = Server::of([("p.yaml", policy(more))], |_| ());
        format!("# {more}\n{}", told_by("shaping.mjs", &node, &server.tcp(), None))
    });
    assert_snapshot!("functions-shaping", told.concat());
}

/// Whoever logged in got the claims of a scope that they had only requested; and a token of a hundred scopes was none.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn claims_of_a_scope_are_in_no_token_of_auth0_that_may_lack_the_scope() {
    let Some(node) = node() else { return };
    let policy = |more: &str| {
        format!(
            "displayName: P\nstate: enabled\nconditions: {{ users: {{ includeUsers: [All] }}, clientApplications: {{ \
             includeServicePrincipals: [ServicePrincipalsInMyTenant] }} }}\nwhen: context.action == \"read\"\n{more}\n"
        )
    };
    for (critical, after_login) in [("", "{}"), (", critical: [ca_tags]", "Blocked by policy.")] {
        let policy = policy(&format!("token: {{ claims: {{ ca_tags: [admin] }}{critical} }}"));
        let server = Server::of([("p.yaml", policy)], |_| ());
        let told = told_by("shaping.mjs", &node, &server.tcp(), None);
        let granted = r#"{"ca_tags":["admin"]}"#;
        for (name, expected) in
            [("auth0", granted), ("auth0 with many scopes", granted), ("auth0 after a login", after_login)]
        {
            let line = format!("{name}: {}", json!(expected));
            assert!(told.lines().any(|told| told == line), "{line}\n{told}");
        }
    }
}

/// A gate was all that they asked about, so a policy about a scope refused nothing; and a policy about one client blocked
/// every user, for nobody knew whose client it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn functions_of_cognito_and_auth0_ask_about_each_scope_and_name_the_client() {
    let Some(node) = node() else { return };
    let server = Server::start();
    let users = std::fs::read_to_string(root().join("tests/serve/bundle/3-users.yaml")).unwrap();
    let users = users.replace("includeUsers: [All]", "includeUsers: [All], excludeUsers: [alice]");
    server.activate("2", [("3-users.yaml", &users)]);
    let before = told(&node, &server.tcp(), None);
    let kiosks =
        "@id(\"no-kiosks\") forbid (principal is User, action, resource) when { principal.appId == \"kiosk\" };";
    server.activate("3", [("3-users.yaml", &*users), ("4-custom.cedar", kiosks)]);
    assert_eq!(told(&node, &server.tcp(), None), before, "of another client");
    let reading = "@id(\"no-reading\") forbid (principal, action, resource) when { [\"read\", \"https://api/v1/read\"]\
                   .contains(context.action) };";
    server.activate("4", [("3-users.yaml", &*users), ("4-custom.cedar", reading)]);
    let after = told(&node, &server.tcp(), None);
    let lines = before.lines().zip(after.lines()).filter(|(before, after)| before != after);
    let changed: Vec<_> = lines.map(|(before, after)| format!("{before} -> {after}")).collect();
    assert_snapshot!("functions-scopes", changed.join("\n"));
}

/// A policy for users that blocks tokens for one application, and those of which nobody says what they are for.
fn for_payroll(users: &str) -> String {
    users
        .replace("includeApplications: [All]", "includeApplications: [eeeeeeee-0000-4000-8000-000000000001]")
        .replace("[mfa]", "[block]")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn functions_of_cognito_and_auth0_say_who_they_are() {
    let Some(node) = node() else { return };
    let hash = "4104d36f8da2c254349f85836793ebe029e0c957063a34c91c2e9203187b5631";
    let callers = crate::callers::callers(&format!("bearer: [{{ name: functions, sha256: {hash} }}]\n"));
    let (open, guarded) = (Server::start(), Server::with(|settings| settings.callers = callers));
    let expected = told(&node, &open.tcp(), None);
    assert!(expected.contains("allowed"), "{expected}");
    assert_eq!(told(&node, &guarded.tcp(), Some("correct horse")), expected);
    for stranger in [Some("another"), None] {
        assert!(!told(&node, &guarded.tcp(), stranger).contains("allowed"), "{stranger:?}");
    }
}
