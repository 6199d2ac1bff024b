//! The links of an answer lead back by the way that the caller came.

use std::sync::Arc;

use doorward::serve::callers::cryptography;
use http::{Method, Request};
use rcgen::{CertificateParams, KeyPair};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::support::http::{Http, request};
use crate::support::server::Server;

const POLICIES: &str = "/v1.0/identity/conditionalAccess/policies?$top=1";

/// A client that follows `@odata.nextLink` over HTTP/1.1, which has no scheme in its requests, left the encryption with the
/// second page, its token in hand.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn links_of_an_encrypted_connection_are_encrypted() {
    let (key, folder) = (KeyPair::generate().unwrap(), tempfile::tempdir().unwrap());
    let certificate = CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("server.pem"), certificate.pem()).unwrap();
    std::fs::write(path("server.key"), key.serialize_pem()).unwrap();
    let settings = format!("tls: {{ certificate: {}, key: {} }}", path("server.pem"), path("server.key"));
    let server = Server::of([("tenant.yaml", &include_bytes!("tenant.yaml")[..])], |server| {
        server.doors.graph = true;
        server.callers = serde_saphyr::from_str(&settings).unwrap();
    });
    let mut roots = RootCertStore::empty();
    roots.add(certificate.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(cryptography()).with_safe_default_protocol_versions().unwrap();
    let connector = TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()));
    let stream = TcpStream::connect(server.tcp()).await.unwrap();
    let stream = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
    check("https://doorward/", Http::over(stream).await, request(Method::GET, POLICIES, None, "")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn links_of_a_plain_connection_are_as_the_caller_says() {
    let server = Server::start([("tenant.yaml", &include_bytes!("tenant.yaml")[..])]);
    check("http://doorward/", server.http().await, request(Method::GET, POLICIES, None, "")).await;
    // As through a proxy that ends the encryption and passes the whole URL on.
    let whole = request(Method::GET, &format!("https://graph.example{POLICIES}"), None, "");
    check("https://graph.example/", server.http().await, whole).await;
}

async fn check(origin: &str, mut client: Http, request: Request<http_body_util::Full<bytes::Bytes>>) {
    let body = client.send(request).await.json();
    for link in ["@odata.context", "@odata.nextLink"] {
        assert!(
            body[link].as_str().is_some_and(|link| link.starts_with(origin)),
            "{link}: {}",
            Value::to_string(&body)
        );
    }
}
