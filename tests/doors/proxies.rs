//! nginx, Caddy, HAProxy and Traefik themselves, with the configurations of `deploy`.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::program::{BALANCER, ELSEWHERE, OFFICE, Program, Upstream, deployed};
use crate::recipes;
use crate::server::{Doorward, PRINCIPAL, free_port, without_bundle};
use crate::support::PATIENCE;
use crate::support::found::{program, root};

/// A proxy before an upstream, asking doorward.
pub struct Proxied {
    pub program: Program,
    pub upstream: Upstream,
    _folder: tempfile::TempDir,
}

/// The headers in which proxies say what is asked for.
const METHODS: &str = "close, x-original-method, x-forwarded-method";
const URIS: &str = "close, x-original-uri, x-original-url, x-forwarded-uri";

pub type Start = fn(&Path, &Path, u16, u16, u16) -> Command;

/// Starts the proxy that asks doorward at a port.
pub fn proxied(binary: &Path, start: Start, doorward: u16) -> Proxied {
    let (folder, upstream, port) = (tempfile::tempdir().unwrap(), Upstream::start(), free_port());
    let mut command = start(binary, folder.path(), port, doorward, upstream.address.port());
    let program = Program::start(&mut command, folder.path(), port);
    // Traefik listens before it knows where anything is.
    let deadline = Instant::now() + PATIENCE;
    while program.ask(ELSEWHERE, "DELETE", "/", &[]).status == 404 {
        assert!(Instant::now() < deadline, "{command:?} has no routes");
    }
    Proxied { program, upstream, _folder: folder }
}

/// Where a configuration listens, asks and passes on to, replaced.
fn replaced(name: &str, listen: (&str, &str), doorward: u16, upstream: u16) -> String {
    let (doorward, upstream) = (format!("127.0.0.1:{doorward}"), format!("127.0.0.1:{upstream}"));
    deployed(name, &[listen, ("127.0.0.1:8480", &doorward), ("127.0.0.1:8080", &upstream)])
}

/// nginx with the headers that ingress-nginx generates for `auth-url`.
fn ingress(binary: &Path, folder: &Path, port: u16, doorward: u16, upstream: u16) -> Command {
    let command = nginx(binary, folder, port, doorward, upstream);
    let file = folder.join("doorward.conf");
    let text = std::fs::read_to_string(&file).unwrap();
    // What ours takes away beside the headers that doorward sets stays there.
    let text = ["X-Doorward-Identity", "Doorward-Authorization"].iter().fold(text, |text, name| {
        let line = format!("proxy_set_header {name} \"\";\n");
        assert_eq!(text.matches(&line).count(), 2, "{name} goes neither to the upstream nor to doorward");
        text.replace(&line, "\n")
    });
    // The first occurrence of `Host $host` is the upstream's, which gets what the client has called it.
    let text = text.replacen("Host $host;", "Host $http_host;", 1);
    // What the ConfigMap that we ship adds.
    let ours = recipes::documents("ingress-nginx/ingress.yaml");
    let ours = ours.iter().find_map(|document| document["data"].as_object()).unwrap();
    let ours: String = ours
        .iter()
        .map(|(name, value)| format!("proxy_set_header '{name}' '{}';\n", value.as_str().unwrap()))
        .collect();
    let (first, ask) = text.rsplit_once("proxy_set_header X-Original-Method").unwrap();
    let text = format!("{first}{ours}proxy_set_header X-Original-Method{ask}");
    let text = [
        ("/v1/forward-auth/nginx;", "/v1/forward-auth/ingress-nginx;"),
        ("X-Original-URI $request_uri;", "X-Original-URL $scheme://$http_host$request_uri;"),
        ("X-Forwarded-Host $host;", "X-Real-IP $remote_addr;"),
        ("X-Forwarded-For $proxy_add_x_forwarded_for;", "X-Forwarded-For $remote_addr;"),
    ]
    .iter()
    .fold(text, |text, (shipped, generated)| {
        assert!(text.contains(shipped), "there is no `{shipped}`");
        text.replace(shipped, generated)
    });
    std::fs::write(file, text).unwrap();
    command
}

pub fn nginx(binary: &Path, folder: &Path, port: u16, doorward: u16, upstream: u16) -> Command {
    let listen = format!("listen 127.0.0.1:{port};");
    std::fs::write(
        folder.join("doorward.conf"),
        replaced("nginx/doorward.conf", ("listen 8000;", &listen), doorward, upstream),
    )
    .unwrap();
    let place = folder.display();
    let temporary =
        ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(|kind| format!("{kind}_temp_path {place}/{kind};"));
    let main = format!(
        "daemon off; master_process off; pid {place}/pid; error_log stderr; events {{}}\n\
         http {{ access_log off; {} include {place}/doorward.conf; }}\n",
        temporary.join(" ")
    );
    std::fs::write(folder.join("nginx.conf"), main).unwrap();
    let mut command = Command::new(binary);
    command.arg("-p").arg(folder).arg("-c").arg(folder.join("nginx.conf")).args(["-e", "stderr"]);
    command
}

pub fn caddy(binary: &Path, folder: &Path, port: u16, doorward: u16, upstream: u16) -> Command {
    let site = format!("http://:{port} {{");
    // The balancer in front, as the comment says to name it.
    let place = "uri /v1/forward-auth/caddy\n";
    let text = replaced("caddy/Caddyfile", (":8000 {", &site), doorward, upstream);
    assert!(text.contains(place));
    let text = text.replace(place, &format!("{place}\t\t\ttrusted_proxies 127.0.0.7/32\n"));
    let text = format!("{{\n\tadmin off\n}}\n{text}");
    std::fs::write(folder.join("Caddyfile"), text).unwrap();
    let mut command = Command::new(binary);
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(folder.join("Caddyfile"));
    command.env("XDG_DATA_HOME", folder).env("XDG_CONFIG_HOME", folder).env("HOME", folder);
    command
}

pub fn haproxy(binary: &Path, folder: &Path, port: u16, doorward: u16, upstream: u16) -> Command {
    let bind = format!("bind 127.0.0.1:{port}");
    let text = replaced("haproxy/haproxy.cfg", ("bind :8000", &bind), doorward, upstream);
    let script = root().join("deploy/haproxy/doorward.lua");
    std::fs::write(folder.join("haproxy.cfg"), text.replace("/etc/haproxy/doorward.lua", script.to_str().unwrap()))
        .unwrap();
    let mut command = Command::new(binary);
    command.arg("-db").arg("-f").arg(folder.join("haproxy.cfg"));
    command
}

pub fn traefik(binary: &Path, folder: &Path, port: u16, doorward: u16, upstream: u16) -> Command {
    let router = ("PathPrefix(`/`)", "PathPrefix(`/`)");
    std::fs::write(folder.join("dynamic.yaml"), replaced("traefik/dynamic.yaml", router, doorward, upstream)).unwrap();
    let mut command = Command::new(binary);
    command.arg(format!("--entryPoints.web.address=127.0.0.1:{port}"));
    command.arg(format!("--providers.file.filename={}", folder.join("dynamic.yaml").display()));
    command.args(["--global.checkNewVersion=false", "--global.sendAnonymousUsage=false"]);
    command
}

/// The settings that we ship for a proxy, with one more trusted proxy, and decisions about requests of nobody.
fn settings(name: &str) -> String {
    let anonymous = format!("anonymous: {{ type: servicePrincipal, id: {PRINCIPAL} }}");
    let trusted = match name.starts_with("ingress-nginx") {
        _ if name.starts_with("traefik") => ("127.0.0.1/32", "127.0.0.1/32"),
        true => ("10.244.0.0/16", "127.0.0.1/32"),
        false => ("10.0.0.0/8", "127.0.0.7/32"),
    };
    deployed(name, &[trusted, ("anonymous: deny", &anonymous)])
}

/// Names that no client sends past the proxy: those that doorward sets, those that the configuration lists, and all that
/// begin as ours do.
const SET: &[&str] = &["x-ca-subject", "x-ca-decision-id", "x-ca-revision"];
const LISTED: &[&str] = &["x-doorward-identity", "doorward-authorization"];
const ALL: &[&str] = &["x-ca-role", "x-doorward-role", "doorward-role"];

/// What holds for every proxy; `kept` are the names that go no further, `down` is the status when doorward is down, `shut`
/// when it has no bundle.
fn check(folder: &str, start: (&Path, Start), kept: &[&[&str]], passes_chains: bool, (down, shut): (u16, u16)) {
    let (binary, start) = start;
    let doorward = Doorward::start(&settings(&format!("{folder}/doorward.yaml")));
    let proxy = proxied(binary, start, doorward.address().port());
    let ask = |from, method: &str, path: &str, headers: &[(&str, &str)]| proxy.program.ask(from, method, path, headers);

    let allowed = ask(OFFICE, "GET", "/orders?page=2", &[]);
    assert_eq!(allowed.status, 200, "{allowed:?}");
    let ours = format!("x-ca-subject: {PRINCIPAL}\n");
    assert!(allowed.body.contains(&ours) && allowed.body.contains("x-ca-revision: 7\n"), "{allowed:?}");
    assert!(allowed.body.starts_with("get /orders?page=2 "), "{allowed:?}");

    let (trace, parent) =
        ("4bf92f3577b34da6a3ce929d0e0e4736", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    let traced = ask(OFFICE, "GET", "/", &[("traceparent", parent)]);
    assert!(traced.body.contains(&format!("x-ca-decision-id: {trace}\n")), "found by its trace: {traced:?}");
    let forged: Vec<_> = kept.concat().into_iter().map(|name| (name, "admin")).collect();
    let passed = ask(OFFICE, "GET", "/", &forged);
    assert!(passed.status == 200 && passed.body.contains(&ours) && !passed.body.contains("admin"), "{passed:?}");
    // What a client says to end at the proxy does not take away what doorward says.
    let passed = ask(OFFICE, "GET", "/", &[("connection", "close, X-Ca-Subject")]);
    assert!(passed.status == 400 || (passed.status == 200 && passed.body.contains(&ours)), "{passed:?}");

    let count = proxy.upstream.count();
    for (claim, from, method, path, header) in [
        ("outside", ELSEWHERE, "GET", "/orders", ("x-a", "b")),
        ("a forged chain", ELSEWHERE, "GET", "/orders", ("x-forwarded-for", "198.51.100.7")),
        ("a forged address", ELSEWHERE, "GET", "/orders", ("x-real-ip", "198.51.100.7")),
        ("a forged standard header", ELSEWHERE, "GET", "/orders", ("forwarded", "for=198.51.100.7")),
        (
            "a protocol that is told everything with 200",
            ELSEWHERE,
            "GET",
            "/orders",
            ("content-type", "application/grpc"),
        ),
        ("a header that is said to end at the proxy", ELSEWHERE, "GET", "/orders", ("connection", "x-forwarded-for")),
        ("another such header", ELSEWHERE, "GET", "/orders", ("connection", "x-real-ip")),
        ("one that says what is asked for", OFFICE, "DELETE", "/orders", ("connection", METHODS)),
        ("another that does", OFFICE, "GET", "/admin", ("connection", URIS)),
        ("an action that is forbidden", OFFICE, "DELETE", "/orders", ("x-original-method", "GET")),
        ("the same, forged otherwise", OFFICE, "DELETE", "/orders", ("x-forwarded-method", "GET")),
        ("a path that is forbidden", OFFICE, "GET", "/admin", ("x-original-uri", "/")),
        ("the same, forged otherwise", OFFICE, "GET", "/admin", ("x-forwarded-uri", "/")),
        ("the same in other words", OFFICE, "GET", "/%61dmin", ("x-a", "b")),
        ("a path that servers read differently", OFFICE, "GET", "/orders/%2e%2e/admin", ("x-a", "b")),
        ("a parameter that upstreams may take away", OFFICE, "GET", "/orders;x=1", ("x-a", "b")),
        ("the same in other words", OFFICE, "GET", "/orders%3bx=1", ("x-a", "b")),
        ("a host that is forbidden", OFFICE, "GET", "/", ("host", "secret.test")),
        ("a query in the operator's words", OFFICE, "DELETE", "/orders?ca.action=GET&ca.target=x", ("x-a", "b")),
    ] {
        let answer = ask(from, method, path, &[header]);
        assert_eq!(answer.status, 403, "{claim}: {answer:?}");
    }
    // What a proxy itself may refuse, too.
    for (claim, path, host) in [
        ("a host that makes the path a query", "/admin", "api.test:80?"),
        ("a host that makes it a fragment", "/admin", "api.test#"),
        ("a host before the path", "http://secret.test/", "api.test"),
        ("a path behind its host", "http://api.test/admin", "api.test"),
        ("a path that begins twice", "//admin", "api.test"),
        ("a slash in other words", "/orders/..%2fadmin", "api.test"),
        ("a backslash", "/orders\\..\\admin", "api.test"),
        ("a path that goes up behind a parameter", "/orders/..;/admin", "api.test"),
    ] {
        let answer = ask(OFFICE, "GET", path, &[("host", host)]);
        assert!(matches!(answer.status, 400 | 403), "{claim}: {answer:?}");
    }
    let answer = ask(OFFICE, "GET", "/", &[("host", "api.test"), ("host", "secret.test")]);
    assert!(matches!(answer.status, 400 | 403), "two hosts: {answer:?}");
    if passes_chains {
        let behind = |chain: &str| ask(BALANCER, "GET", "/orders", &[("x-forwarded-for", chain)]).status;
        assert_eq!(behind("203.0.113.9, 198.51.100.7"), 200);
        assert_eq!(behind("198.51.100.7, 203.0.113.9"), 403);
        assert_eq!(behind("198.51.100.7, unknown"), 403);
    }
    drop(doorward);
    assert_eq!(ask(OFFICE, "GET", "/orders", &[]).status, down);
    assert_eq!(proxy.upstream.count(), count + usize::from(passes_chains), "nothing else went on");

    // No client speaks for the proxy.
    let known = "callers: { bearer: [{ name: proxy, sha256: ";
    let hash = "4104d36f8da2c254349f85836793ebe029e0c957063a34c91c2e9203187b5631";
    let doorward = Doorward::start(&format!("{}{known}{hash} }}] }}\n", settings(&format!("{folder}/doorward.yaml"))));
    let proxy = proxied(binary, start, doorward.address().port());
    let answer = proxy.program.ask(OFFICE, "GET", "/", &[("doorward-authorization", "Bearer correct horse")]);
    assert_eq!((answer.status, proxy.upstream.count()), (401, 0), "{answer:?}");

    // Nobody is told to be somebody, as shipped.
    let doorward = Doorward::start(&deployed(&format!("{folder}/doorward.yaml"), &[]));
    let proxy = proxied(binary, start, doorward.address().port());
    let answer = proxy.program.ask(OFFICE, "GET", "/", &[("x-doorward-identity", PRINCIPAL)]);
    assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer")));
    assert_eq!(proxy.upstream.count(), 0);

    let doorward = without_bundle("forwardAuth: { clientIp: { mode: xff, trustUnix: true } }");
    let proxy = proxied(binary, start, doorward.addresses().tcp.unwrap().port());
    assert_eq!(proxy.program.ask(OFFICE, "GET", "/", &[]).status, shut);
    assert_eq!(proxy.upstream.count(), 0);
}

#[test]
fn nginx_asks_with_auth_request() {
    let Some(binary) = program("DOORWARD_NGINX", "nginx") else { return };
    check("nginx", (&binary, nginx), &[SET, LISTED], true, (500, 500));
}

#[test]
fn ingress_nginx_asks_with_headers_of_its_own() {
    let Some(binary) = program("DOORWARD_NGINX", "nginx") else { return };
    check("ingress-nginx", (&binary, ingress), &[SET], false, (500, 500));
}

#[test]
fn caddy_asks_with_forward_auth() {
    let Some(binary) = program("DOORWARD_CADDY", "caddy") else { return };
    check("caddy", (&binary, caddy), &[SET, LISTED, ALL], true, (502, 503));
}

#[test]
fn haproxy_asks_with_a_script() {
    let Some(binary) = program("DOORWARD_HAPROXY", "haproxy") else { return };
    check("haproxy", (&binary, haproxy), &[SET, LISTED, ALL], true, (503, 503));
}

#[test]
fn traefik_asks_with_forward_auth() {
    let Some(binary) = program("DOORWARD_TRAEFIK", "traefik") else { return };
    check("traefik", (&binary, traefik), &[SET, LISTED], false, (500, 503));
}
