//! Serves decisions: one [`decider::Decider`] behind thin doors.
//!
//! [`start`] opens the listeners and gives [`Running`]; each serving thread has a runtime, listeners and counters of
//! its own ([`worker`]). A request comes through [`door`], which picks the protocol by content type: [`grpc`] or
//! [`http`] decode it, the decider decides, they encode; [`authzen`] asks the same in words of its own;
//! [`graph`] answers What If and shows the policies in force; [`hooks`] answers token hooks;
//! [`envoy`] and [`forward_auth`] answer proxies, in the words of [`gateway`]. [`callers`] says who may ask at all,
//! [`jwt`] verifies tokens, [`client_ip`] says where a request behind proxies comes from. [`wire`] is all that is known
//! of message types; [`ops`] is the listener for operators; [`replay`] decides what was recorded again. A door holds no
//! decision logic: the same facts get the same answer through every one.

mod amr;
mod api;
pub mod authzen;
mod bell;
mod body;
pub mod callers;
mod claims;
pub mod client_ip;
pub mod decider;
mod door;
pub mod envoy;
mod file;
pub mod forward_auth;
mod gate;
pub mod gateway;
mod graph;
mod grpc;
mod health;
pub mod hooks;
mod http;
pub mod jwt;
mod keeper;
mod leased;
mod listener;
mod ops;
mod owed;
mod peer;
mod plain;
mod record;
pub mod replay;
mod services;
mod turn;
pub mod wire;
mod worker;

use std::io;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::watch;

use self::authzen::Authzen;
use self::callers::{CallerSettings, CallersError, Tls};
use self::decider::Decider;
use self::door::Door;
use self::graph::Graph;
use self::health::Readiness;
use self::jwt::{IssuerSettings, SecondIssuer};
use self::keeper::Keeper;
use self::listener::UnixSocket;
use self::ops::Ops;
use self::services::Services;
use crate::limits;
use crate::observe::log::{self, Log};
use crate::observe::metrics::Core;
use crate::reload::{Active, Status};

/// How to serve.
#[derive(Debug)]
pub struct Settings {
    /// Where to take requests over TCP; port 0 is any free one.
    pub listen: Option<SocketAddr>,
    /// Where to take requests over a Unix socket.
    pub unix: Option<PathBuf>,
    /// Where operators find probes, metrics and status.
    pub ops: Option<SocketAddr>,
    /// How many threads serve; one for each core is best.
    pub threads: NonZeroUsize,
    /// Where the decision log goes.
    pub log: log::Target,
    /// How long to go on taking requests after the readiness probe began to fail, so that load balancers notice.
    pub drain_delay: Duration,
    /// How much is let in.
    pub bounds: Bounds,
    /// Which doors are open.
    pub doors: Doors,
    /// Who may ask.
    pub callers: CallerSettings,
    /// Whose tokens doors believe that get tokens of those who are decided about.
    pub issuers: Vec<IssuerSettings>,
}

/// The doors that are open; by default the decision API alone.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Doors {
    /// Whether the decision API is answered, HTTP and gRPC.
    pub api: OpenByDefault,
    /// Whether the paths of Microsoft Graph are answered; the loader must then keep bundles in Graph's shape, as
    /// [`crate::reload::start_with_graph`] does.
    pub graph: bool,
    /// Envoy's external authorization over gRPC.
    pub envoy: Option<envoy::Settings>,
    /// Forward authentication of HTTP proxies: Traefik, nginx, Caddy, HAProxy, and Envoy over HTTP.
    pub forward_auth: Option<forward_auth::Settings>,
    /// How AuthZEN is answered; shut if left out.
    pub authzen: Option<authzen::Settings>,
    /// Which token hooks are answered.
    pub hooks: hooks::Settings,
}

/// Whether a door is open that is unless it is shut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct OpenByDefault(pub bool);

impl Default for OpenByDefault {
    fn default() -> Self {
        Self(true)
    }
}

/// How much one serving thread lets in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Longest time that a request, or a TLS handshake, may take to arrive.
    pub request_time_max: Duration,
    /// Longest time without a complete request head.
    pub idle_time_max: Duration,
    /// Most requests in flight.
    pub in_flight_max: usize,
    /// Most open streams.
    pub streams_max: usize,
    /// Most open connections, over TCP and over the Unix socket each.
    pub connections_max: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            request_time_max: limits::REQUEST_TIME_MAX,
            idle_time_max: limits::IDLE_TIME_MAX,
            in_flight_max: limits::IN_FLIGHT_PER_CORE_MAX,
            streams_max: limits::STREAMS_PER_CORE_MAX,
            connections_max: limits::CONNECTIONS_PER_CORE_MAX,
        }
    }
}

impl Default for Settings {
    /// Nothing listens, one thread, no log, no other doors, everybody may ask.
    fn default() -> Self {
        Self {
            listen: None,
            unix: None,
            ops: None,
            threads: NonZeroUsize::MIN,
            log: log::Target::Off,
            drain_delay: Duration::ZERO,
            bounds: Bounds::default(),
            doors: Doors::default(),
            callers: CallerSettings::default(),
            issuers: Vec::new(),
        }
    }
}

/// Why serving could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address or path cannot be listened on.
    #[error("cannot listen on {place}")]
    Listen {
        /// The address or path.
        place: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The decision log cannot be opened.
    #[error("cannot open the decision log")]
    Log(#[source] io::Error),
    /// Callers cannot be authenticated as the settings say.
    #[error("callers cannot be authenticated as the settings say")]
    Callers(#[from] CallersError),
    /// An issuer is there twice.
    #[error(transparent)]
    Issuers(#[from] SecondIssuer),
    /// The system gives no thread.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
    /// The compiled proto files are damaged.
    #[error("cannot offer reflection")]
    Reflection(#[source] tonic_reflection::server::Error),
    /// The AuthZEN door cannot be opened as the settings want it.
    #[error("cannot open the AuthZEN door")]
    Authzen(#[source] authzen::MetadataError),
}

/// Starts serving the snapshots of `active`; `status` is what operators see of loading.
///
/// Requests are answered with unavailable until there is a snapshot.
///
/// # Errors
/// What the settings name cannot be opened. Nothing is left behind then.
pub fn start(settings: Settings, active: Arc<Active>, status: Arc<Status>) -> Result<Running, StartError> {
    let threads = settings.threads.get();
    let keeper = Keeper::new(settings.callers, settings.issuers)?;
    let tcp = settings.listen.map(|address| named(address, listener::tcp(address, threads))).transpose()?;
    let unix = settings.unix.as_deref().map(|path| named(path.display(), UnixSocket::bind(path))).transpose()?;
    let ops = settings.ops.map(|address| named(address, listener::tcp(address, 1))).transpose()?;
    let ops = ops.and_then(|mut listeners| listeners.pop());
    let address_of = |listener: &std::net::TcpListener| listener.local_addr().ok();
    let addresses = Addresses {
        tcp: tcp.as_ref().and_then(|listeners| listeners.first()).and_then(address_of),
        unix: settings.unix.clone(),
        ops: ops.as_ref().and_then(address_of),
    };
    let authzen = settings.doors.authzen.clone().map(authzen::Open::new).transpose().map_err(StartError::Authzen)?;
    let authzen = authzen.map(Arc::new);
    let (log, sender) = log::start(settings.log).map_err(StartError::Log)?.unzip();
    let cores: Arc<[Arc<Core>]> = (0..threads).map(|_| Arc::default()).collect();
    let readiness = Readiness::new(Arc::clone(&active));
    let (stop, stopped) = watch::channel(false);
    let mut running = Running {
        addresses,
        readiness: readiness.clone(),
        drain_delay: settings.drain_delay,
        stop,
        workers: Vec::new(),
        operators: None,
        log,
        unix,
        tls: keeper.tls(),
    };
    let hooks = Arc::new(settings.doors.hooks.clone());
    let mut tcp = tcp.into_iter().flatten();
    for core in cores.iter() {
        let door = Arc::new(Door {
            decider: Decider::new(Arc::clone(&active), Arc::clone(core), sender.clone()),
            services: Services::new(&readiness, &settings.doors).map_err(StartError::Reflection)?,
            bounds: settings.bounds,
            has_api: settings.doors.api.0,
            graph: settings.doors.graph.then(Graph::new),
            callers: keeper.callers.clone(),
            issuers: keeper.issuers.clone(),
            envoy: settings.doors.envoy.clone(),
            forward_auth: settings.doors.forward_auth.clone(),
            authzen: authzen.clone().map(Authzen::new),
            hooks: Arc::clone(&hooks),
        });
        let unix = running.unix.as_ref().map(|socket| named(socket.path().display(), socket.listener())).transpose()?;
        let listeners = worker::Listeners { tcp: tcp.next(), unix };
        let stopped = stopped.clone();
        running.workers.push(thread("serve", move || worker::run(listeners, door, stopped))?);
    }
    if keeper.has_work() {
        let stopped = stopped.clone();
        running.workers.push(thread("keeper", move || keeper.run(stopped))?);
    }
    if let Some(listener) = ops {
        let log = running.log.as_ref().map(Log::meter);
        let ops = Ops { readiness, active, status, cores, log, tls: running.tls.clone() };
        let idle_time = settings.bounds.idle_time_max;
        running.operators = Some(thread("operators", move || ops::run(listener, ops, idle_time, stopped))?);
    }
    Ok(running)
}

fn named<T>(place: impl std::fmt::Display, outcome: io::Result<T>) -> Result<T, StartError> {
    outcome.map_err(|source| StartError::Listen { place: place.to_string(), source })
}

fn thread(name: &str, run: impl FnOnce() -> io::Result<()> + Send + 'static) -> Result<JoinHandle<()>, StartError> {
    let run = move || {
        if let Err(error) = run() {
            tracing::error!(%error, "a serving thread ended");
        }
    };
    thread::Builder::new().name(name.to_owned()).spawn(run).map_err(StartError::Thread)
}

/// Where a running server listens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// Requests over TCP.
    pub tcp: Option<SocketAddr>,
    /// Requests over a Unix socket.
    pub unix: Option<PathBuf>,
    /// Operators.
    pub ops: Option<SocketAddr>,
}

/// A running server. Dropping it stops it as [`Running::stop`] does, without the delay.
#[derive(Debug)]
pub struct Running {
    addresses: Addresses,
    readiness: Readiness,
    drain_delay: Duration,
    stop: watch::Sender<bool>,
    workers: Vec<JoinHandle<()>>,
    operators: Option<JoinHandle<()>>,
    log: Option<Log>,
    unix: Option<UnixSocket>,
    tls: Option<Arc<Tls>>,
}

impl Running {
    /// Where it listens.
    pub const fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The path of the Unix socket, if there is one.
    pub fn unix(&self) -> Option<&Path> {
        self.addresses.unix.as_deref()
    }

    /// Uses changed certificates from the next connection on. Those that cannot be used are told and change nothing.
    pub fn reload_certificates(&self) {
        if let Some(tls) = &self.tls {
            tls.look(&mut false);
        }
    }

    /// Goes on with a new file of the decision log, if the one it writes to has been moved away.
    pub fn reopen_log(&self) {
        if let Some(log) = &self.log {
            log.reopen();
        }
    }

    /// Stops: fails the readiness probe, waits for the drain delay, accepts no more, lets what has begun end within
    /// [`limits::DRAIN_TIME_MAX`], writes the decision log for as long again at most. Returns when all of it is done.
    pub fn stop(self) {
        self.readiness.stop();
        thread::sleep(self.drain_delay);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.readiness.stop();
        let _ = self.stop.send(true);
        for worker in self.workers.drain(..).chain(self.operators.take()) {
            let _ = worker.join();
        }
        // WHY: with the serving threads their senders are gone, so the log can end.
        if let Some(log) = self.log.take() {
            log.finish(limits::DRAIN_TIME_MAX);
        }
        self.unix = None;
    }
}
