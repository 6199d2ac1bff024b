//! The process with a settings file: when it starts, whom it lets in, what SIGHUP does.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use doorward::serve::callers::cryptography;
use http::Method;
use jiff::Timestamp;
use jsonwebtoken::Algorithm;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::authority::{Authority, Identity};
use crate::issuer::Key;
use crate::server::outside;
use crate::support::PATIENCE;
use crate::support::http::{Http, request};
use crate::support::process::{Process, serve};

fn command(folder: &Path, config: &str, listen: &str) -> Command {
    let path = folder.join("doorward.yaml");
    std::fs::write(&path, config).unwrap();
    let mut command = serve(Path::new("tests/serve/bundle"), listen);
    command.args(["--threads", "1", "--config"]).arg(path);
    command
}

/// The status of a request with this token.
async fn ask(process: &Process, token: Option<&str>) -> u16 {
    let mut asked = request(Method::POST, "/v1/decide", Some("application/json"), &outside().to_string());
    if let Some(token) = token {
        asked.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    }
    Http::connect(process.decisions).await.send(asked).await.status.as_u16()
}

/// Writes a certificate and its key as `server.pem` and `server.key`.
fn write(folder: &Path, identity: &Identity) -> [PathBuf; 2] {
    let paths = [folder.join("server.pem"), folder.join("server.key")];
    std::fs::write(&paths[0], &identity.certificate).unwrap();
    std::fs::write(&paths[1], &identity.key).unwrap();
    paths
}

fn tls(folder: &Path, identity: &Identity) -> String {
    let [certificate, key] = write(folder, identity);
    format!("tls: {{ certificate: {}, key: {} }}", certificate.display(), key.display())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_address_that_others_can_reach_needs_callers_that_say_who_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let server = tls(folder.path(), &Authority::new().issue(&["localhost"], |_| {}));
    for (settings, why) in [
        ("doors: {}".to_owned(), "nothing says who may ask"),
        ("callers: {}".to_owned(), "say who may ask, or leave `callers` out"),
        ("callers: { unix: { users: [0] } }".to_owned(), "nothing says who may ask"),
        (format!("callers: {{ {server} }}"), "nothing says who may ask"),
    ] {
        let output = command(folder.path(), &settings, "0.0.0.0:0").output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{settings}: {told}");
        assert!(told.contains(why), "{told}");
    }
    let hash = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
    let bearer = format!("callers: {{ bearer: [{{ name: gateway, sha256: {hash} }}] }}");
    // Callers that are named in the settings are asked for, whatever else is let pass.
    let mut excepted = command(folder.path(), &bearer, "0.0.0.0:0");
    excepted.arg("--allow-unauthenticated");
    assert_eq!(ask(&Process::of(&mut excepted), None).await, 401);
    let process = Process::of(&mut command(folder.path(), &bearer, "0.0.0.0:0"));
    assert!(process.greeting.contains("-H \"authorization: Bearer $TOKEN\""), "{}", process.greeting);
    assert_eq!((ask(&process, None).await, ask(&process, Some("secret")).await), (401, 200));
    let told = process.kill();
    assert!(told.contains("tokens of callers are not encrypted"), "{told}");
}

#[test]
fn settings_that_cannot_be_used_are_told_with_their_place() {
    let folder = tempfile::tempdir().unwrap();
    let cases = [
        ("issuers:\n- issuer: https://login.example\n  jwks: keys.json\n", "audiences"),
        ("callers:\n  bearer:\n  - name: gateway\n    sha256: secret\n", "line 4"),
        (
            "callers:\n  jwt:\n  - issuer: https://a\n    jwks: http://a.example/k\n    audiences: [a]\n    scope: b\n",
            "use https",
        ),
    ];
    for (config, expected) in cases {
        let output = command(folder.path(), config, "127.0.0.1:0").output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains("doorward.yaml") && told.contains(expected), "{told}");
    }
}

/// Serves a key set over HTTPS; gives its URL.
async fn serve_keys(identity: &Identity, key: &Key) -> String {
    let chain = vec![CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap()];
    let private = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(cryptography()).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(chain, private).unwrap();
    let (acceptor, listener) = (TlsAcceptor::from(Arc::new(config)), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let url = format!("https://localhost:{}/keys", listener.local_addr().unwrap().port());
    let set = json!({"keys": [key.public()]}).to_string();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let _ = stream.read(&mut [0; 4096]).await;
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", set.len());
            let _ = stream.write_all(format!("{head}{set}").as_bytes()).await;
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_come_over_https_from_a_server_that_the_system_trusts_and_from_no_other() {
    let (authority, key) = (Authority::new(), Key::new("one", Algorithm::ES256));
    let right = serve_keys(&authority.issue(&["localhost"], |_| {}), &key).await;
    let another_name = serve_keys(&authority.issue(&["login.example"], |_| {}), &key).await;
    let another_authority = serve_keys(&Authority::new().issue(&["localhost"], |_| {}), &key).await;
    let folder = tempfile::tempdir().unwrap();
    let trusted = folder.path().join("ca.pem");
    std::fs::write(&trusted, authority.certificate()).unwrap();
    let claims = json!({
        "iss": "https://login.example", "aud": "doorward", "sub": "gateway", "client_id": "gateway", "scope": "decide",
        "exp": Timestamp::now().as_second() + 300,
    });
    let token = key.sign(&claims);
    for (url, status) in [(right, 200), (another_name, 503), (another_authority, 503)] {
        let config = format!(
            "callers: {{ jwt: [{{ issuer: 'https://login.example', jwks: '{url}', audiences: [doorward], scope: decide }}] }}"
        );
        let mut command = command(folder.path(), &config, "127.0.0.1:0");
        command.env("SSL_CERT_FILE", &trusted);
        let process = Process::of(&mut command);
        // WHY: a slow machine may need longer for the first fetch than a request waits.
        let deadline = Instant::now() + if status == 200 { PATIENCE } else { Duration::ZERO };
        let mut told = ask(&process, Some(&token)).await;
        while told != status && Instant::now() < deadline {
            told = ask(&process, Some(&token)).await;
        }
        let events = process.kill();
        assert_eq!(told, status, "{url}: {events}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn sighup_takes_up_changed_certificates() {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
    let first = authority.issue(&["localhost"], |_| {});
    let config = format!("callers: {{ {} }}", tls(folder.path(), &first));
    let process = Process::of(&mut command(folder.path(), &config, "127.0.0.1:0"));
    assert!(process.greeting.contains("curl -s https://"), "{}", process.greeting);
    assert_eq!(shown(&authority, &process).await, der(&first));
    let second = authority.issue(&["localhost"], |_| {});
    write(folder.path(), &second);
    process.signal("HUP");
    let deadline = Instant::now() + PATIENCE;
    while shown(&authority, &process).await != der(&second) {
        assert!(Instant::now() < deadline, "the old certificate stays");
    }
}

fn der(identity: &Identity) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap()
}

/// The certificate that a new connection is shown.
async fn shown(authority: &Authority, process: &Process) -> CertificateDer<'static> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.certificate().as_bytes()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(cryptography()).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_root_certificates(roots).with_no_client_auth());
    let stream = TcpStream::connect(process.decisions).await.unwrap();
    let name = rustls::pki_types::ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(config).connect(name, stream).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].clone()
}
