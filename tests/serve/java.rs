//! What the executor for Keycloak asks with, run by a JDK where there is one.

use std::path::Path;
use std::process::Command;

use insta::assert_snapshot;

use crate::support::found::program;
use crate::support::server::Server;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn keycloak_is_told_to_issue_what_is_allowed_and_nothing_else() {
    let Some(javac) = program("DOORWARD_JAVAC", "javac") else { return };
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/keycloak/Doorward.java");
    let classes = tempfile::tempdir().unwrap();
    let compiled = Command::new(&javac).arg("-d").arg(classes.path()).arg(source).output().unwrap();
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    let mut server = Server::start();
    let url = format!("http://{}", server.tcp());
    let ask = |arguments: &str| {
        let mut java = Command::new(javac.with_file_name("java"));
        java.arg("-cp").arg(classes.path()).arg("Doorward").arg(&url).args(arguments.split(' '));
        let output = java.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let cases = [
        "servicePrincipal client client client_credentials 198.51.100.7 read",
        "servicePrincipal client client client_credentials 203.0.113.9 read",
        "user alice app authorization_code 203.0.113.9 openid",
        "user a\"\\b app urn:ietf:params:oauth:grant-type:jwt-bearer 203.0.113.9 openid",
        "user alice app authorization_code unknown openid",
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
