//! Callers with certificates, and what strangers meet at the TLS port.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use doorward::reload::{Active, Status};
use doorward::serve::callers::{CallerSettings, cryptography};
use doorward::serve::wire::v1;
use doorward::serve::wire::v1::decisions_client::DecisionsClient;
use doorward::serve::{self, Settings};
use http::Method;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};
use tonic::transport::Endpoint;

use crate::authority::{Authority, Identity};
use crate::server::outside;
use crate::support::PATIENCE;
use crate::support::found::program;
use crate::support::http::{Answer, Http, request};
use crate::support::server::Server;

const GATEWAY: &str = "spiffe://example.org/gateway";

/// An authority, files of a server that it certified, and the settings that name them.
struct Place {
    authority: Authority,
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { authority: Authority::new(), folder: tempfile::tempdir().unwrap() };
        place.write("ca.pem", &place.authority.certificate());
        place.certify(&place.authority.issue(&["localhost", "127.0.0.1"], |_| {}));
        place
    }

    fn certify(&self, server: &Identity) {
        self.write("server.pem", &server.certificate);
        self.write("server.key", &server.key);
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Settings that let in what `allow` says, nobody's certificate when it is empty; `rest` is beside `tls`.
    fn callers(&self, allow: &str, rest: &str) -> CallerSettings {
        let [certificate, key, ca] =
            ["server.pem", "server.key", "ca.pem"].map(|name| self.path(name).display().to_string());
        let clients = if allow.is_empty() { String::new() } else { format!(", clientCa: {ca}, allow: [{allow}]") };
        let text = format!("tls: {{ certificate: {certificate}, key: {key}{clients} }}\n{rest}\n");
        serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{error}"))
    }

    fn server(&self, allow: &str, rest: &str) -> Server {
        Server::with(|settings| settings.callers = self.callers(allow, rest))
    }

    /// A server whose connections do not end by being idle, and a gateway whose certificate ends in a few seconds, and when.
    fn short_lived(&self) -> (Server, Identity, i64) {
        let server = Server::with(|settings| {
            settings.callers = self.callers(&format!("'{GATEWAY}'"), "");
            settings.bounds.idle_time_max = Duration::from_secs(3600);
        });
        let end = Timestamp::now().as_second() + 4;
        let until = |params: &mut CertificateParams| {
            params.not_after = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(end.try_into().unwrap());
        };
        (server, self.authority.issue(&[GATEWAY], until), end)
    }

    /// A connection of a client that trusts the authority.
    async fn connect(
        &self,
        server: &Server,
        identity: Option<&Identity>,
        protocol: &str,
    ) -> Result<TlsStream<TcpStream>, String> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.authority.certificate().as_bytes()).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(cryptography()).with_safe_default_protocol_versions().unwrap();
        let config = config.with_root_certificates(roots);
        let mut config = match identity {
            None => config.with_no_client_auth(),
            Some(identity) => {
                let chain = vec![CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap()];
                let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
                config.with_client_auth_cert(chain, key).unwrap()
            }
        };
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let stream = TcpStream::connect(server.tcp()).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let stream =
            TlsConnector::from(Arc::new(config)).connect(name, stream).await.map_err(|error| error.to_string())?;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol.as_bytes()));
        Ok(stream)
    }

    /// Asks over HTTP/1.1. With TLS 1.3 a client learns only from its first read that it is not wanted.
    async fn ask(&self, server: &Server, identity: Option<&Identity>, token: Option<&str>) -> Result<Answer, String> {
        let mut connection = Http::over(self.connect(server, identity, "http/1.1").await?).await;
        let mut asked = request(Method::POST, "/v1/decide", Some("application/json"), &outside().to_string());
        if let Some(token) = token {
            asked.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        connection.try_send(asked).await.map_err(|error| error.to_string())
    }
}

async fn handshakes_failed(server: &Server) -> u64 {
    let metrics = server.operator().await.get("/metrics").await.text;
    let line = metrics.lines().find(|line| line.starts_with("doorward_tls_handshakes_failed_total")).unwrap();
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

/// Waits until the server has counted as many failed handshakes as that.
async fn wait_for_failures(server: &Server, count: u64) {
    let deadline = std::time::Instant::now() + PATIENCE;
    while handshakes_failed(server).await != count {
        assert!(std::time::Instant::now() < deadline, "{} of {count}", handshakes_failed(server).await);
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_certificate_lets_a_caller_in_by_its_uri_or_its_key() {
    let place = Place::new();
    let (gateway, pinned) =
        (place.authority.issue(&[GATEWAY], |_| {}), place.authority.issue(&["pinned.example"], |_| {}));
    let server = place.server(&format!("'{GATEWAY}', 'sha256:{}'", pinned.digest), "");
    for identity in [&gateway, &pinned] {
        let answer = place.ask(&server, Some(identity), None).await.unwrap();
        assert_eq!((answer.status.as_u16(), &answer.json()["decision"]), (200, &"block".into()));
        let stream = place.connect(&server, Some(identity), "h2").await.unwrap();
        let mut stream = Some(TokioIo::new(stream));
        let connector =
            tower::service_fn(move |_: http::Uri| std::future::ready(stream.take().ok_or("one connection")));
        let channel = Endpoint::from_static("http://localhost").connect_with_connector(connector).await.unwrap();
        let message: v1::DecideRequest = serde_json::from_value(outside()).unwrap();
        DecisionsClient::new(channel).decide(message).await.unwrap();
    }
    assert_eq!(handshakes_failed(&server).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn certificates_that_are_not_right_get_no_connection() {
    let place = Place::new();
    let server = place.server(&format!("'{GATEWAY}'"), "");
    let other = Authority::new();
    let past = |params: &mut CertificateParams| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    };
    let for_servers =
        |params: &mut CertificateParams| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let cases = [
        ("another authority", Some(other.issue(&[GATEWAY], |_| {}))),
        ("ended", Some(place.authority.issue(&[GATEWAY], past))),
        ("for servers", Some(place.authority.issue(&[GATEWAY], for_servers))),
        ("none", None),
    ];
    for (count, (name, identity)) in (1..).zip(cases) {
        assert!(place.ask(&server, identity.as_ref(), None).await.is_err(), "{name}");
        wait_for_failures(&server, count).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_certificate_that_is_not_listed_is_known_but_not_allowed() {
    let place = Place::new();
    let server = place.server(&format!("'{GATEWAY}'"), "");
    for names in [
        &["spiffe://example.org/other"][..],
        &["spiffe://example.org/gateway/more"],
        &["spiffe://example.org/Gateway"],
        // The same text as a name of another kind, or none at all.
        &["gateway"],
        &[],
    ] {
        let identity = place.authority.issue(names, |params| {
            params.distinguished_name.push(DnType::CommonName, GATEWAY);
        });
        let answer = place.ask(&server, Some(&identity), None).await.unwrap();
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["error"]["reason"]),
            (403, &"forbidden".into()),
            "{names:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn where_tokens_are_taken_too_a_certificate_is_not_needed_and_still_counts() {
    let place = Place::new();
    let digest: String = Sha256::digest("secret").iter().map(|byte| format!("{byte:02x}")).collect();
    let bearer = format!("bearer: [{{ name: hook, sha256: '{digest}' }}]");
    let gateway = place.authority.issue(&[GATEWAY], |_| {});
    let other = place.authority.issue(&["spiffe://example.org/other"], |_| {});
    let server = place.server(&format!("'{GATEWAY}'"), &bearer);
    let cases = [
        (Some(&gateway), None, 200),
        (Some(&gateway), Some("wrong"), 200),
        (Some(&other), None, 401),
        (Some(&other), Some("secret"), 200),
        (None, None, 401),
        (None, Some("wrong"), 401),
        (None, Some("secret"), 200),
    ];
    for (identity, token, status) in cases {
        let answer = place.ask(&server, identity, token).await.unwrap();
        assert_eq!(answer.status.as_u16(), status, "{token:?}");
    }
    // Without an authority nobody is asked for a certificate.
    let server = place.server("", &bearer);
    assert_eq!(place.ask(&server, None, Some("secret")).await.unwrap().status.as_u16(), 200);
    assert_eq!(place.ask(&server, None, None).await.unwrap().status.as_u16(), 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn plain_http_at_the_tls_port_gets_no_http_answer() {
    let place = Place::new();
    let server = place.server("", "");
    let mut stream = TcpStream::connect(server.tcp()).await.unwrap();
    stream.write_all(b"POST /v1/decide HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP/"), "{answer:?}");
    wait_for_failures(&server, 1).await;
    // The Unix socket has no TLS.
    assert_eq!(server.http_over_unix().await.decide(&outside()).await.status.as_u16(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn who_begins_no_handshake_is_cut_off() {
    let place = Place::new();
    let server = Server::with(|settings| {
        settings.callers = place.callers("", "");
        settings.bounds.request_time_max = std::time::Duration::from_millis(50);
    });
    let mut silent = TcpStream::connect(server.tcp()).await.unwrap();
    let closed = tokio::time::timeout(std::time::Duration::from_secs(30), silent.read(&mut [0; 16])).await;
    assert!(matches!(closed.unwrap(), Ok(0) | Err(_)));
    wait_for_failures(&server, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn changed_certificates_are_used_from_the_next_connection_on_and_broken_ones_never() {
    let place = Place::new();
    let server = place.server("", "");
    let expires = async |server: &Server| {
        let metrics = server.operator().await.get("/metrics").await.text;
        let name = "doorward_tls_cert_expiry_timestamp_seconds{listener=\"decisions\"} ";
        metrics.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned)).unwrap().parse::<f64>().unwrap()
    };
    let mut before = Http::over(place.connect(&server, None, "http/1.1").await.unwrap()).await;
    let until = |year| move |params: &mut CertificateParams| params.not_after = rcgen::date_time_ymd(year, 1, 1);
    let next = place.authority.issue(&["localhost"], until(2051));
    place.certify(&next);
    server.reload_certificates();
    assert_eq!(expires(&server).await, 2_556_144_000.0);
    let stream = place.connect(&server, None, "http/1.1").await.unwrap();
    let shown = stream.get_ref().1.peer_certificates().unwrap()[0].clone();
    assert_eq!(shown, CertificateDer::from_pem_slice(next.certificate.as_bytes()).unwrap());
    assert_eq!(before.decide(&outside()).await.status.as_u16(), 200, "the connection goes on");

    let later = place.authority.issue(&["localhost"], until(2052));
    for (name, text) in [("server.pem", later.certificate.as_str()), ("server.key", "no key"), ("server.pem", "")] {
        place.certify(&next);
        place.write(name, text);
        server.reload_certificates();
        assert_eq!(expires(&server).await, 2_556_144_000.0);
        place.connect(&server, None, "http/1.1").await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_connection_ends_with_the_certificate_that_opened_it() {
    let place = Place::new();
    let (server, gateway, end) = place.short_lived();
    let mut connection = place.connect(&server, Some(&gateway), "http/1.1").await.unwrap();
    connection.write_all(b"GET /v1/openapi.json HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut told = Vec::new();
    // Who is cut off hears no goodbye.
    let _ = tokio::time::timeout(Duration::from_secs(60), connection.read_to_end(&mut told)).await.expect("it ends");
    assert!(told.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&told));
    assert!(Timestamp::now().as_second() >= end, "and not before");
    assert!(place.ask(&server, Some(&gateway), None).await.is_err());
}

/// What was under way at the end of an hourly certificate was cut off each hour.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_request_that_is_under_way_when_the_certificate_ends_is_answered() {
    let place = Place::new();
    let (server, gateway, end) = place.short_lived();
    let mut idle = place.connect(&server, Some(&gateway), "http/1.1").await.unwrap();
    let mut busy = place.connect(&server, Some(&gateway), "http/1.1").await.unwrap();
    let body = outside().to_string();
    let (first, rest) = body.split_at(1);
    let head = format!(
        "POST /v1/decide HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    busy.write_all(head.as_bytes()).await.unwrap();
    let mut begun = [0; 25];
    busy.read_exact(&mut begun).await.unwrap();
    assert!(begun.starts_with(b"HTTP/1.1 100 "), "the request is under way");
    busy.write_all(first.as_bytes()).await.unwrap();
    let patience = Duration::from_secs(60);
    // Nothing is under way on the other connection, so that it ends with the certificate.
    let _ = tokio::time::timeout(patience, idle.read_to_end(&mut Vec::new())).await.expect("it ends");
    busy.write_all(rest.as_bytes()).await.unwrap();
    let mut told = Vec::new();
    let _ = tokio::time::timeout(patience, busy.read_to_end(&mut told)).await.expect("it ends too");
    assert!(told.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&told));
    assert!(Timestamp::now().as_second() >= end, "and not before");
}

/// RFC 5280, section 4.1.2.5: a certificate that is never to end ends with the year 9999.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn certificates_without_an_end_are_taken() {
    let place = Place::new();
    let never = |params: &mut CertificateParams| {
        params.not_after = rcgen::date_time_ymd(9999, 12, 31) + Duration::from_secs(24 * 3600 - 1);
    };
    place.certify(&place.authority.issue(&["localhost"], never));
    let server = place.server(&format!("'{GATEWAY}'"), "");
    let gateway = place.authority.issue(&[GATEWAY], never);
    assert_eq!(place.ask(&server, Some(&gateway), None).await.unwrap().status.as_u16(), 200);
}

#[test]
fn files_that_cannot_be_used_are_told_before_anything_is_served() {
    let start = |callers: CallerSettings| {
        let settings = Settings { callers, ..Settings::default() };
        let error = serve::start(settings, Arc::new(Active::empty()), Arc::new(Status::new())).unwrap_err();
        format!("{:#}", anyhow::Error::from(error))
    };
    let place = Place::new();
    let allow = format!("'{GATEWAY}'");
    let missing = CallerSettings { tls: place.callers(&allow, "").tls, ..CallerSettings::default() };
    std::fs::remove_file(place.path("ca.pem")).unwrap();
    assert!(start(missing.clone()).contains("ca.pem` of `clientCa` cannot be read"), "{}", start(missing));
    place.write("ca.pem", "-----BEGIN NOTHING-----\n");
    assert!(start(place.callers(&allow, "")).contains("`clientCa` holds no certificate"));
    place.write("server.key", &place.authority.issue(&["localhost"], |_| {}).key);
    assert!(start(place.callers("", "")).contains("cannot be used together"), "another certificate's key");
    place.write("server.key", "");
    assert!(start(place.callers("", "")).contains("`key` holds no private key"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn curl_is_let_in_with_its_certificate() {
    let Some(curl) = program("DOORWARD_CURL", "curl") else { return };
    let place = Place::new();
    let server = place.server(&format!("'{GATEWAY}'"), "");
    let gateway = place.authority.issue(&[GATEWAY], |_| {});
    place.write("gateway.pem", &gateway.certificate);
    place.write("gateway.key", &gateway.key);
    let url = format!("https://localhost:{}/v1/decide", server.tcp().port());
    let ask = |identity: &[&Path]| {
        let mut curl = Command::new(&curl);
        curl.args(["-sS", "--noproxy", "*", "--ipv4", "-w", "\n%{http_code} %{http_version}", "--cacert"])
            .arg(place.path("ca.pem"));
        for (flag, path) in ["--cert", "--key"].into_iter().zip(identity) {
            curl.arg(flag).arg(path);
        }
        curl.args(["-H", "content-type: application/json", "-d", &outside().to_string(), &url]);
        let output = curl.output().unwrap();
        String::from_utf8([output.stderr, output.stdout].concat()).unwrap()
    };
    let (certificate, key) = (place.path("gateway.pem"), place.path("gateway.key"));
    let answer = tokio::task::block_in_place(|| ask(&[&certificate, &key]));
    assert!(answer.contains("\"decision\":\"block\"") && answer.contains("\n200 "), "{answer}");
    let refused = tokio::task::block_in_place(|| ask(&[]));
    assert!(refused.ends_with("000 0"), "{refused}");
}
