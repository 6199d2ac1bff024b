//! The executor for Keycloak, run by a JDK where there is one, with stand-ins for what it uses of Keycloak.

use std::path::{Path, PathBuf};
use std::process::Command;

use doorward::observe::log::Target;
use insta::assert_snapshot;
use serde_json::Value;

use crate::log::Lines;
use crate::support::found::{program, root};
use crate::support::server::Server;

/// Compiled classes.
struct Classes {
    folder: tempfile::TempDir,
    java: PathBuf,
}

impl Classes {
    /// Of these files of `deploy/keycloak`, and of `others`; `None` without a JDK.
    fn compiled(files: &[&str], others: &[PathBuf]) -> Option<Self> {
        let compiler = program("DOORWARD_JAVAC", "javac")?;
        let (shipped, folder) = (root().join("deploy/keycloak"), tempfile::tempdir().unwrap());
        let mut javac = Command::new(&compiler);
        javac.arg("-d").arg(folder.path()).args(files.iter().map(|file| shipped.join(file))).args(others);
        let output = javac.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(Self { folder, java: compiler.with_file_name("java") })
    }

    /// What `class` prints; `token` is how it authenticates itself.
    fn run(&self, class: &str, url: &str, token: Option<&str>, arguments: &[&str]) -> String {
        let mut java = Command::new(&self.java);
        java.arg("-cp").arg(self.folder.path()).arg(class).args(arguments).env("DOORWARD_URL", url);
        token.map(|token| java.env("DOORWARD_TOKEN", token));
        let output = java.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

/// Puts policies into force that tell an unknown application from a known one, and a device code from other grants.
fn activate(server: &Server) {
    let users = |more: &str| {
        format!(
            "displayName: Users\nstate: enabled\nconditions: {{ users: {{ includeUsers: [All] }}, {more} }}\n\
             grantControls: {{ operator: OR, builtInControls: [block] }}\n"
        )
    };
    let payroll = "applications: { includeApplications: [eeeeeeee-0000-4000-8000-000000000001] }";
    let device =
        "applications: { includeApplications: [All] }, authenticationFlows: { transferMethods: deviceCodeFlow }";
    server.activate("2", [("3-users.yaml", users(payroll)), ("4-device-code.yaml", users(device))]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn keycloak_is_told_to_issue_what_is_allowed_and_nothing_else() {
    let Some(classes) = Classes::compiled(&["Doorward.java"], &[]) else { return };
    let mut server = Server::start();
    let url = format!("http://{}", server.tcp());
    let ask = |arguments: &str| {
        let arguments: Vec<_> = std::iter::once(&*url).chain(arguments.split(' ')).collect();
        classes.run("Doorward", &url, None, &arguments)
    };
    let cases = [
        "servicePrincipal client client client_credentials 198.51.100.7 - read",
        "servicePrincipal client client client_credentials 203.0.113.9 - read",
        "user alice app authorization_code 203.0.113.9 - openid",
        "user a\"\\b app urn:ietf:params:oauth:grant-type:jwt-bearer 203.0.113.9 https://a,b\"\\c openid",
        "user alice app authorization_code unknown - openid",
    ];
    let told = cases.map(ask).concat();
    server.stop();
    let told = told + &ask(cases[0]);
    assert_snapshot!(told, @r"
    allowed
    invalid_grant: AADSTS53003: Access has been blocked by Conditional Access policies.
    interaction_required: AADSTS50076: Conditional Access asks for multifactor authentication.
    interaction_required: AADSTS50076: Conditional Access asks for multifactor authentication.
    temporarily_unavailable: No access decision.
    temporarily_unavailable: No access decision.
    ");
}

/// An answer is read without a parser, and texts of policies cannot pass for parts of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn keycloak_issues_no_token_with_a_critical_claim_or_an_obligation() {
    let Some(classes) = Classes::compiled(&["Doorward.java"], &[]) else { return };
    let policy = |more: &str| {
        format!(
            "displayName: '\"criticalClaims\":[\"\"obligations\":[{{'\nstate: enabled\nconditions: {{ users: {{ includeUsers: \
             [All] }} }}\n{more}\n"
        )
    };
    for (more, is_allowed) in [
        ("token: { lifetime: 300, claims: { ca_tags: [a] } }", true),
        ("token: { claims: { ca_tags: [a] }, critical: [ca_tags] }", false),
        ("obligations: [{ type: session_termination }]", false),
    ] {
        let server = Server::of([("p.yaml", policy(more))], |_| ());
        let url = format!("http://{}", server.tcp());
        let arguments = [&url, "user", "alice", "app", "authorization_code", "198.51.100.7", "-", "openid"];
        let told = classes.run("Doorward", &url, None, &arguments);
        let refused = "invalid_grant: Blocked by policy.\n";
        assert_eq!(told, if is_allowed { "allowed\n" } else { refused }, "{more}");
    }
}

/// The gate was all that Keycloak asked about, and whose client it was nobody knew.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_scope_that_is_refused_refuses_the_token_of_keycloak_and_a_policy_knows_the_client() {
    let Some(classes) = Classes::compiled(&["Doorward.java"], &[]) else { return };
    let custom = "@id(\"s\") forbid (principal, action, resource) when { context.action == \"write\" };\n\
                  @id(\"k\") forbid (principal is User, action, resource) when { principal.appId == \"kiosk\" };\n";
    let server = Server::of([("p.cedar", custom.to_owned())], |_| ());
    let url = format!("http://{}", server.tcp());
    let scope = "invalid_scope: AADSTS53003: Access has been blocked by Conditional Access policies.\n";
    let client = "invalid_grant: AADSTS53003: Access has been blocked by Conditional Access policies.\n";
    for (rest, expected) in [
        ("app authorization_code 203.0.113.9 https://api read", "allowed\n"),
        ("app authorization_code 203.0.113.9 https://api", "allowed\n"),
        ("app authorization_code 203.0.113.9 https://api read write", scope),
        ("app authorization_code 203.0.113.9 - write", scope),
        ("kiosk authorization_code 203.0.113.9 https://api write", client),
    ] {
        let arguments = format!("{url} user alice {rest}");
        assert_eq!(classes.run("Doorward", &url, None, &arguments.split(' ').collect::<Vec<_>>()), expected, "{rest}");
    }
}

/// Keycloak named no audience, and scopes of OpenID alone made Entra's directory of that, so no policy about an application
/// blocked a token.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_token_of_keycloak_without_an_audience_is_for_any_application() {
    let Some(classes) = Classes::compiled(&["Doorward.java"], &[]) else { return };
    let server = Server::start();
    activate(&server);
    let url = format!("http://{}", server.tcp());
    for (rest, is_allowed) in [
        ("-", false),
        ("- read", false),
        ("- openid profile email", false),
        ("account openid profile email", true),
        ("account,other openid", true),
        ("account,eeeeeeee-0000-4000-8000-000000000001 openid", false),
    ] {
        let arguments = format!("{url} user alice app authorization_code 203.0.113.9 {rest}");
        let told = classes.run("Doorward", &url, None, &arguments.split(' ').collect::<Vec<_>>());
        assert_eq!(told == "allowed\n", is_allowed, "{rest}: {told}");
    }
}

/// `openid` is never asked about without the other scopes, as if it were a request for Entra's directory.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_application_that_is_excluded_stays_so_with_openid_beside_its_own_scopes() {
    let Some(classes) = Classes::compiled(&["Doorward.java"], &[]) else { return };
    let policy = "displayName: Nothing else\nstate: enabled\nconditions: { users: { includeUsers: [All] }, applications: \
                  { includeApplications: [All], excludeApplications: [eeeeeeee-0000-4000-8000-000000000001] } }\n\
                  grantControls: { operator: OR, builtInControls: [block] }\n";
    let server = Server::of([("p.yaml", policy.to_owned())], |_| ());
    let url = format!("http://{}", server.tcp());
    for (scopes, is_allowed) in [("openid read", true), ("openid", false)] {
        let audience = "eeeeeeee-0000-4000-8000-000000000001";
        let arguments = format!("{url} user alice app authorization_code 203.0.113.9 {audience} {scopes}");
        let told = classes.run("Doorward", &url, None, &arguments.split(' ').collect::<Vec<_>>());
        assert_eq!(told == "allowed\n", is_allowed, "{scopes}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn keycloak_says_who_it_is_where_it_is_asked() {
    let Some(classes) = Classes::compiled(&["Doorward.java"], &[]) else { return };
    let hash = "4104d36f8da2c254349f85836793ebe029e0c957063a34c91c2e9203187b5631";
    let callers = crate::callers::callers(&format!("bearer: [{{ name: keycloak, sha256: {hash} }}]\n"));
    let server = Server::with(|settings| settings.callers = callers);
    let url = format!("http://{}", server.tcp());
    let arguments = [&*url, "servicePrincipal", "client", "client", "client_credentials", "198.51.100.7", "-"];
    for (token, told) in [
        (Some("correct horse"), "allowed\n"),
        (Some("another"), "temporarily_unavailable: No access decision.\n"),
        (None, "temporarily_unavailable: No access decision.\n"),
    ] {
        assert_eq!(classes.run("Doorward", &url, token, &arguments), told, "{token:?}");
    }
}

/// The parts of `keycloak.txt` as files in `folder`.
fn stand_ins(folder: &Path) -> Vec<PathBuf> {
    let text = include_str!("keycloak.txt");
    let part = |part: &str| {
        let (name, source) = part.split_once('\n').unwrap();
        let file = folder.join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, source).unwrap();
        file
    };
    text.split("\n// ").skip(1).map(part).collect()
}

/// Keycloak issued tokens of four kinds without asking: those of implicit and hybrid flows, device codes, passwords, CIBA.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn keycloak_asks_about_every_grant_and_refuses_those_that_nobody_decides() {
    let sources = tempfile::tempdir().unwrap();
    let files = ["Doorward.java", "DoorwardExecutor.java"];
    let Some(classes) = Classes::compiled(&files, &stand_ins(sources.path())) else { return };
    let lines = Lines::default();
    let sink = Box::new(lines.clone());
    let mut server = Server::with(|settings| settings.log = Target::Writer(sink));
    activate(&server);
    let url = format!("http://{}", server.tcp());
    let told = classes.run(
        "Fire",
        &url,
        None,
        &[
            "TOKEN_RESPONSE user account openid email",
            "TOKEN_RESPONSE user - openid email",
            "IMPLICIT_HYBRID_TOKEN_RESPONSE user account openid",
            "TOKEN_REFRESH_RESPONSE user account openid",
            "TOKEN_REFRESH_RESPONSE client account",
            "TOKEN_REFRESH_RESPONSE stranger account openid",
            "SERVICE_ACCOUNT_TOKEN_RESPONSE client account,other",
            "DEVICE_TOKEN_RESPONSE user account openid",
            "RESOURCE_OWNER_PASSWORD_CREDENTIALS_RESPONSE user account openid",
            "BACKCHANNEL_TOKEN_RESPONSE user account openid",
            "TOKEN_EXCHANGE_REQUEST user account openid",
            "JWT_AUTHORIZATION_GRANT user account openid",
            "A_LATER_TOKEN_RESPONSE user account openid",
            "UPDATE user -",
            "AUTHORIZATION_REQUEST user -",
            "TOKEN_REQUEST user -",
            "SERVICE_ACCOUNT_TOKEN_REQUEST user -",
            "RESOURCE_OWNER_PASSWORD_CREDENTIALS_REQUEST user -",
            "TOKEN_REVOKE_RESPONSE user -",
        ],
    );
    assert_snapshot!("events", told);
    server.stop();
    let asked = lines.read().into_iter().map(|line| line["input"].clone()).collect::<Vec<Value>>();
    let asked: String = asked.iter().map(|input| format!("{input}\n")).collect();
    assert_snapshot!("asked", asked);
    let down = classes.run("Fire", &url, None, &["TOKEN_RESPONSE user account openid"]);
    assert!(down.ends_with("temporarily_unavailable: No access decision.\n"), "{down}");
}
