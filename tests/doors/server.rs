//! doorward with the bundle of `tests/doors/bundle`, and plain clients.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use doorward::reload::{Active, Status};
use doorward::serve::envoy::v3;
use doorward::serve::envoy::v3::authorization_client::AuthorizationClient;
use doorward::serve::{self, Bounds, Doors, Running, Settings};
use tonic::transport::Channel;

use crate::support::found::root;
use crate::support::process::Process;
use crate::support::raw::get;
use crate::support::server::channel;

/// An address in the office, as the bundle has it.
pub const OFFICE: &str = "198.51.100.7";
/// One that is not.
pub const ELSEWHERE: &str = "203.0.113.9";
/// A service principal.
pub const PRINCIPAL: &str = "cccccccc-0000-4000-8000-000000000001";

/// doorward as a process.
pub struct Doorward {
    process: Process,
    folder: tempfile::TempDir,
}

impl Doorward {
    /// With this settings file.
    pub fn start(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(place("doorward.yaml"), settings).unwrap();
        let (socket, config, log) = (format!("unix:{}", place("socket")), place("doorward.yaml"), place("log"));
        let arguments = ["--listen", &socket, "--config", &config, "--decision-log", &log];
        let process = Process::start(&root().join("tests/doors/bundle"), &arguments);
        Self { process, folder }
    }

    /// Over the Unix socket.
    pub fn unix(&self) -> UnixStream {
        UnixStream::connect(self.folder.path().join("socket")).unwrap()
    }

    /// Ends it and gives what its decision log says.
    pub fn log(self) -> Vec<serde_json::Value> {
        self.process.signal("TERM");
        assert_eq!(self.process.end().0, Some(0));
        let text = std::fs::read_to_string(self.folder.path().join("log")).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub fn address(&self) -> SocketAddr {
        self.process.decisions
    }

    /// A counter, zero when there is no such series.
    pub fn counter(&self, series: &str) -> f64 {
        let text = get(self.process.operators, "/metrics", &[]).body;
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.map_or(0.0, |value| value.parse().unwrap())
    }

    pub async fn envoy(&self) -> AuthorizationClient<Channel> {
        envoy(self.address()).await
    }
}

pub async fn envoy(address: SocketAddr) -> AuthorizationClient<Channel> {
    AuthorizationClient::new(channel(address).await)
}

/// doorward in this process, that never gets a bundle.
pub fn without_bundle(settings: &str) -> Running {
    bounded(settings, Bounds::default())
}

/// The same, with bounds.
pub fn bounded(settings: &str, bounds: Bounds) -> Running {
    let doors: Doors = serde_saphyr::from_str(settings).unwrap();
    let listen = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    let settings = Settings { listen, doors, bounds, ..Settings::default() };
    serve::start(settings, Arc::new(Active::empty()), Arc::new(Status::new())).unwrap()
}

/// What a client that can get another token is told, as [`challenge`] shows it.
pub const STEP_UP: &str = r#"Bearer error="insufficient_claims", claims={"access_token":{"nbf":{"essential":true,"value":"NOW"}}}, Bearer error="insufficient_user_authentication", acr_values="mfa""#;
/// The same where a token is issued, so that no claims challenge is.
pub const SIGN_IN: &str = r#"Bearer error="insufficient_user_authentication", acr_values="mfa""#;
/// The same of a block without remedy.
pub const ANEW: &str =
    r#"Bearer error="insufficient_claims", claims={"access_token":{"nbf":{"essential":true,"value":"NOW"}}}"#;

/// A challenge with its claims in plain words, in which a moment of this minute is `NOW`.
pub fn challenge(header: Option<&str>) -> Option<String> {
    let header = header?;
    let Some((before, (claims, after))) =
        header.split_once("claims=\"").map(|(before, rest)| (before, rest.split_once('"').unwrap()))
    else {
        return Some(header.to_owned());
    };
    let claims = String::from_utf8(STANDARD.decode(claims).unwrap()).unwrap();
    let now = jiff::Timestamp::now().as_second();
    let is_now = |digits: &str| digits.parse().is_ok_and(|second: i64| (now - 60..=now).contains(&second));
    let plain: Vec<_> = claims.split('"').map(|part| if is_now(part) { "NOW" } else { part }).collect();
    Some(format!("{before}claims={}{after}", plain.join("\"")))
}

/// A port for a program to listen on: none of those that the system gives to others by itself.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = 20_000 + (std::process::id() % 10_000) as u16;
    std::iter::repeat_with(|| start + NEXT.fetch_add(1, Ordering::SeqCst))
        .find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
        .unwrap()
}

pub fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|own| own == extension));
    files.sort();
    files
}

/// What Envoy is told, in a line: the code, and the status that the client gets if it gets one.
pub fn told(response: &v3::CheckResponse) -> String {
    let code = response.status.as_ref().unwrap().code;
    match response.http_response.as_ref().unwrap() {
        v3::check_response::HttpResponse::OkResponse(_) => format!("{code} ok"),
        v3::check_response::HttpResponse::DeniedResponse(denied) => {
            format!("{code} {}", denied.status.as_ref().unwrap().code)
        }
    }
}
