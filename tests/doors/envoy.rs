//! Envoy itself, with the configurations of `deploy/envoy`.

use std::path::PathBuf;
use std::process::Command;

use crate::program::{BALANCER, ELSEWHERE, OFFICE, Program, Upstream, deployed};
use crate::server::{Doorward, PRINCIPAL, STEP_UP, challenge, free_port, without_bundle};
use crate::support::found::{program, root};
use crate::support::raw::Answer;

fn token(name: &str) -> String {
    let file = root().join("tests/doors/token").join(name);
    format!("Bearer {}", std::fs::read_to_string(file).unwrap().trim())
}

fn keys() -> PathBuf {
    root().join("tests/doors/token/jwks.json")
}

/// Envoy with a configuration of ours, in which some parts are others, before `upstream`, asking doorward at a port.
fn envoy(
    binary: &std::path::Path,
    (configuration, changes): (&str, &[(&str, &str)]),
    doorward: u16,
    upstream: &Upstream,
) -> (Program, tempfile::TempDir) {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let address = |host: &str, port: u16| format!("address: {host}, port_value: {port}");
    let text = deployed(
        configuration,
        &[
            (&address("0.0.0.0", 8000), &address("127.0.0.1", port)),
            (&address("127.0.0.1", 8480), &address("127.0.0.1", doorward)),
            (&address("127.0.0.1", 8080), &address("127.0.0.1", upstream.address.port())),
        ],
    );
    let text = changes.iter().fold(text, |text, (shipped, other)| {
        assert!(text.contains(shipped), "{configuration} has no `{shipped}`");
        text.replace(shipped, other)
    });
    let text = text.replace("/etc/envoy/jwks.json", keys().to_str().unwrap());
    let file = folder.path().join("envoy.yaml");
    std::fs::write(&file, text).unwrap();
    let mut command = Command::new(binary);
    command.arg("--config-path").arg(&file).args([
        "--use-dynamic-base-id",
        "--concurrency",
        "1",
        "--log-level",
        "warning",
    ]);
    (Program::start(&mut command, folder.path(), port), folder)
}

/// The claims that hold whichever way Envoy asks.
fn common(envoy: &Program, upstream: &Upstream) {
    let workload = token("workload.jwt");
    let workload = ("authorization", workload.as_str());
    let ask = |from, headers: &[(&str, &str)]| envoy.ask(from, "GET", "/orders?page=2", headers);

    let allowed = ask(OFFICE, &[workload]);
    assert_eq!(allowed.status, 200, "{allowed:?}");
    assert!(
        allowed.body.contains(&format!("x-ca-subject: {PRINCIPAL}\n")) && allowed.body.contains("x-ca-revision: 7\n")
    );

    let ours = ["x-ca-subject", "x-ca-decision-id", "x-ca-role", "x-doorward-identity", "x-doorward-client-ip"];
    let ours = ours.into_iter().chain(["x-doorward-role", "doorward-authorization", "doorward-role"]);
    let forged: Vec<_> = ours.map(|name| (name, "forged")).chain([workload]).collect();
    let passed = ask(OFFICE, &forged);
    assert!(passed.status == 200 && !passed.body.contains("forged"), "{passed:?}");
    assert!(!passed.body.contains("doorward-"), "what Envoy says to doorward is not for the upstream: {passed:?}");

    // A person is never taken for an application.
    let person = envoy.ask(OFFICE, "GET", "/orders", &[("authorization", &token("person.jwt"))]);
    let told = challenge(person.header("www-authenticate"));
    assert_eq!((person.status, told.as_deref()), (401, Some(STEP_UP)));
    assert_eq!(person.header("cache-control"), Some("no-store"));

    let count = upstream.count();
    let refused: Vec<(&str, Answer, u16)> = vec![
        ("outside", ask(ELSEWHERE, &[workload]), 403),
        ("a forged X-Forwarded-For", ask(ELSEWHERE, &[workload, ("x-forwarded-for", "198.51.100.7")]), 403),
        ("a forged address of Envoy's", ask(ELSEWHERE, &[workload, ("x-envoy-external-address", "198.51.100.7")]), 403),
        ("a forged address of ours", ask(ELSEWHERE, &[workload, ("x-doorward-client-ip", "198.51.100.7")]), 403),
        ("no token", ask(OFFICE, &[]), 401),
        ("a forged identity", ask(OFFICE, &[("x-doorward-identity", PRINCIPAL)]), 401),
        ("a token of another issuer", ask(OFFICE, &[("authorization", "Bearer e30.e30.e30")]), 401),
        ("a path that is forbidden", envoy.ask(OFFICE, "GET", "/admin", &[workload]), 403),
        ("the same in other words", envoy.ask(OFFICE, "GET", "/orders/..//%61dmin", &[workload]), 403),
        ("a parameter that upstreams may take away", envoy.ask(OFFICE, "GET", "/orders;x=1", &[workload]), 403),
        ("a path behind its host", envoy.ask(OFFICE, "GET", "http://api.test/admin", &[workload]), 403),
        ("a slash in other words", envoy.ask(OFFICE, "GET", "/orders/..%2fadmin", &[workload]), 400),
        ("a path that goes up behind a parameter", envoy.ask(OFFICE, "GET", "/orders/..;/admin", &[workload]), 403),
        ("an action that is forbidden", envoy.ask(OFFICE, "DELETE", "/orders", &[workload]), 403),
        ("a header that is no UTF-8", envoy.ask(OFFICE, "DELETE", "/orders", &[workload, ("x-a", "\u{ff}")]), 403),
    ];
    for (claim, answer, expected) in refused {
        assert_eq!(answer.status, expected, "{claim}: {answer:?}");
    }
    assert_eq!(upstream.count(), count, "nothing went on");
}

#[test]
fn envoy_asks_over_grpc() {
    let Some(binary) = program("DOORWARD_ENVOY", "envoy") else { return };
    let settings = deployed("envoy/doorward.yaml", &[("10.0.0.0/8", "127.0.0.7/32")]);
    let (doorward, upstream) = (Doorward::start(&settings), Upstream::start());
    let (envoy, _folder) = envoy(&binary, ("envoy/envoy.yaml", &[]), doorward.address().port(), &upstream);
    common(&envoy, &upstream);

    let workload = token("workload.jwt");
    let behind = |chain: &str| {
        let headers = [("authorization", workload.as_str()), ("x-forwarded-for", chain)];
        envoy.ask(BALANCER, "GET", "/orders", &headers).status
    };
    assert_eq!(behind("203.0.113.9, 198.51.100.7"), 200);
    assert_eq!(behind("198.51.100.7, 203.0.113.9"), 403);
    assert_eq!(behind("198.51.100.7, unknown"), 403);

    drop(doorward);
    let count = upstream.count();
    assert_eq!(envoy.ask(OFFICE, "GET", "/orders", &[("authorization", &workload)]).status, 503);
    assert_eq!(upstream.count(), count);
}

#[test]
fn envoy_asks_over_http() {
    let Some(binary) = program("DOORWARD_ENVOY", "envoy") else { return };
    let settings = deployed("envoy/doorward-http.yaml", &[("https://issuer.test/keys", keys().to_str().unwrap())]);
    let (doorward, upstream) = (Doorward::start(&settings), Upstream::start());
    let (envoy, _folder) = envoy(&binary, ("envoy/envoy-http.yaml", &[]), doorward.address().port(), &upstream);
    common(&envoy, &upstream);

    drop(doorward);
    let count = upstream.count();
    assert_eq!(envoy.ask(OFFICE, "GET", "/orders", &[("authorization", &token("workload.jwt"))]).status, 503);
    assert_eq!(upstream.count(), count);
}

/// Envoy passes the header on as a client has sent it that it takes for an internal one, and that counted.
#[test]
fn no_client_that_envoy_takes_for_internal_says_where_it_is() {
    let Some(binary) = program("DOORWARD_ENVOY", "envoy") else { return };
    let shipped = "mode: xff, trustedProxies: [10.0.0.0/8]";
    let settings = deployed("envoy/doorward.yaml", &[(shipped, "mode: external, trustedProxies: [127.0.0.7/32]")]);
    let (doorward, upstream) = (Doorward::start(&settings), Upstream::start());
    let workload = token("workload.jwt");
    let workload = ("authorization", workload.as_str());
    let edge = "use_remote_address: true\n";
    let with = |more: &str| format!("{edge}{}{more}\n", " ".repeat(16));
    let hops = "xff_num_trusted_hops: 1";
    let internal = "internal_address_config: { cidr_ranges: [{ address_prefix: 127.0.0.0, prefix_len: 8 }] }";
    let both = format!("{internal}\n{}{hops}", " ".repeat(16));
    let (forged, chain) = (("x-envoy-external-address", "198.51.100.7"), "x-forwarded-for");
    let cases: [(String, &[_]); 4] = [
        (
            edge.to_owned(),
            &[(OFFICE, ("x-a", "b"), 200), (OFFICE, (chain, "203.0.113.9"), 200), (ELSEWHERE, ("x-a", "b"), 403)],
        ),
        (with(internal), &[(ELSEWHERE, (chain, "203.0.113.9"), 403), (ELSEWHERE, ("x-a", "b"), 403)]),
        (with(hops), &[(BALANCER, (chain, "198.51.100.7"), 200), (BALANCER, (chain, "203.0.113.9"), 403)]),
        (with(&both), &[(BALANCER, (chain, "198.51.100.7"), 200), (BALANCER, ("x-a", "b"), 403)]),
    ];
    for (settled, asked) in cases {
        let changes = [(edge, settled.as_str())];
        let (envoy, _folder) = envoy(&binary, ("envoy/envoy.yaml", &changes), doorward.address().port(), &upstream);
        for (from, more, status) in asked {
            let answer = envoy.ask(*from, "GET", "/orders", &[workload, *more, forged]);
            assert_eq!(answer.status, *status, "{settled} {more:?}: {answer:?}");
        }
    }
}

#[test]
fn nobody_is_somebody_behind_envoy_because_no_header_can_carry_who_it_is() {
    let Some(binary) = program("DOORWARD_ENVOY", "envoy") else { return };
    let nobody = "anonymous: { type: servicePrincipal, id: nobody (anonymous) }";
    // What the configuration takes away by itself is left to doorward here.
    let rest: &[(&str, &str)] = &[("key_matcher: { prefix: x-ca- }", "key_matcher: { prefix: x-other- }")];
    for (configuration, changes, settings) in [
        ("envoy/envoy.yaml", &[][..], "envoy/doorward.yaml"),
        ("envoy/envoy-http.yaml", rest, "envoy/doorward-http.yaml"),
    ] {
        let settings = deployed(settings, &[("anonymous: deny", nobody)]);
        let (doorward, upstream) = (Doorward::start(&settings), Upstream::start());
        let (envoy, _folder) = envoy(&binary, (configuration, changes), doorward.address().port(), &upstream);
        let passed = envoy.ask(OFFICE, "GET", "/orders", &[("x-ca-subject", "admin")]);
        assert!(passed.status == 200 && !passed.body.contains("x-ca-subject"), "{configuration}: {passed:?}");
    }
}

#[test]
fn envoy_lets_nothing_through_while_doorward_has_no_bundle() {
    let Some(binary) = program("DOORWARD_ENVOY", "envoy") else { return };
    for (configuration, doors) in [
        ("envoy/envoy.yaml", "envoy: {}"),
        ("envoy/envoy-http.yaml", "forwardAuth: { clientIp: { mode: xff, trustUnix: true } }"),
    ] {
        let (doorward, upstream) = (without_bundle(doors), Upstream::start());
        let port = doorward.addresses().tcp.unwrap().port();
        let (envoy, _folder) = envoy(&binary, (configuration, &[]), port, &upstream);
        assert_eq!(envoy.ask(OFFICE, "GET", "/", &[("authorization", &token("workload.jwt"))]).status, 503);
        assert_eq!(upstream.count(), 0, "{configuration}");
    }
}

#[test]
fn no_client_speaks_for_envoy() {
    let Some(binary) = program("DOORWARD_ENVOY", "envoy") else { return };
    let hash = "4104d36f8da2c254349f85836793ebe029e0c957063a34c91c2e9203187b5631";
    // What doorward refuses is a refusal to Envoy over HTTP, and over gRPC nothing that was decided.
    for (configuration, settings, status) in
        [("envoy/envoy.yaml", "envoy/doorward.yaml", 503), ("envoy/envoy-http.yaml", "envoy/doorward-http.yaml", 401)]
    {
        let known = format!("callers: {{ bearer: [{{ name: envoy, sha256: {hash} }}] }}\n");
        let (doorward, upstream) = (Doorward::start(&(deployed(settings, &[]) + &known)), Upstream::start());
        let (envoy, _folder) = envoy(&binary, (configuration, &[]), doorward.address().port(), &upstream);
        let headers = [("authorization", &*token("workload.jwt")), ("doorward-authorization", "Bearer correct horse")];
        assert_eq!(envoy.ask(OFFICE, "GET", "/orders", &headers).status, status);
        assert_eq!(upstream.count(), 0, "{configuration}");
    }
}
