//! `serve`: from flags to a running server, and from signals to its end.
//!
//! Starts the listeners and the loader, waits for the first bundle, says how to ask, and then only listens for signals.

use std::io::Write;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Exit, Outcome, Stop, paint};
use crate::compile::CompiledBundle;
use crate::config::{self, Config};
use crate::model::{Id, ServicePrincipalType};
use crate::observe::{log, trace};
use crate::reload::{self, Active, FirstLoadError, KeptSequence, Loader, Rejection, Stage, Status};
use crate::serve::{self, Addresses, Doors, Running, Settings};
use crate::source::Source;

const LISTEN: &str = "127.0.0.1:8480";
pub(super) const OPS: &str = "127.0.0.1:8481";

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Example:
  $ doorward serve policies/workload

Changes of the bundle and of certificates are taken up by themselves, and at once on SIGHUP, which \
also opens the file of the decision log again, for those who move full ones away. SIGTERM and SIGINT let requests end \
that have begun, then the process ends with 0.

A first bundle that is invalid ends it with 3, one that fails its own tests with 4. A later one is refused and \
reported, and the one in force stays.")]
pub struct Args {
    /// Folder or `.tar.gz` of the bundle.
    bundle: PathBuf,
    /// Where to take requests, gRPC and HTTP alike; a TCP address and a Unix socket may both be given.
    #[arg(long, value_name = "ADDRESS|unix:PATH", default_value = LISTEN)]
    listen: Vec<Listen>,
    /// Let a TCP address other than loopback be listened on, for requests although the settings do not say who may ask,
    /// or for operators, who are not authenticated.
    #[arg(long)]
    allow_unauthenticated: bool,
    /// Where operators find probes, metrics and status.
    #[arg(long, value_name = "ADDRESS", default_value = OPS)]
    ops: SocketAddr,
    /// Write a record of each decision to a file, `-` for standard output.
    #[arg(long, value_name = "FILE")]
    decision_log: Option<PathBuf>,
    /// Keep the highest sequence of the bundles that were in force in this file, outside the bundle, and refuse lower ones
    /// after a restart too. Several processes may share it.
    #[arg(long, value_name = "FILE")]
    sequence_file: Option<PathBuf>,
    /// Threads that serve; by default one for each core.
    #[arg(long, value_name = "NUMBER")]
    threads: Option<NonZeroUsize>,
    /// How long to take requests after SIGTERM, so that load balancers notice the failing readiness probe.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    drain_delay: u64,
    /// Answer clients of Microsoft Graph below `/v1.0` and `/beta`: What If, and the policies and named locations in
    /// force. Whoever can reach the listener can then read them.
    #[arg(long)]
    graph: bool,
    /// Settings of doors, callers and issuers of tokens, in YAML.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How to write events to standard error.
    #[arg(long, value_enum, default_value_t)]
    log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum LogFormat {
    /// One line a person reads.
    #[default]
    Human,
    /// One JSON object a line.
    Json,
}

#[derive(Clone, Debug)]
enum Listen {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl std::str::FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("unix:") {
            Some("") => Err("a Unix socket has a path, as in `unix:/run/doorward.sock`".to_owned()),
            Some(path) => Ok(Self::Unix(path.into())),
            None => text.parse().map(Self::Tcp).map_err(|_| {
                "an address has an IP and a port, as in `127.0.0.1:8480`; a Unix socket is `unix:PATH`".to_owned()
            }),
        }
    }
}

/// Serves until a signal ends it.
pub fn run(args: &Args) -> Result<Outcome, Stop> {
    let settings = settings(args)?;
    let how = How { is_tls: settings.callers.tls.is_some(), takes_tokens: settings.callers.takes_tokens() };
    let is_in_the_clear = settings.callers.are_in_the_clear() && settings.listen.is_some_and(is_reachable);
    let has_graph = settings.doors.graph;
    let kept = args.sequence_file.as_deref().map(|path| kept(path, &args.bundle)).transpose()?;
    let without_address: Vec<_> = settings.doors.hooks.without_address().collect();
    let format = match args.log_format {
        LogFormat::Human => trace::Format::Human,
        LogFormat::Json => trace::Format::Json,
    };
    trace::start(format, "info").map_err(|error| anyhow!("cannot write events: {error}"))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start a runtime for signals")?;
    if is_in_the_clear {
        tracing::warn!("tokens of callers are not encrypted on their way here; configure `callers.tls`");
    }
    // WHY: before anything else, so that there is no moment in which a signal would end the process half-way.
    let mut signals = runtime.block_on(async { Signals::new() }).context("cannot listen for signals")?;

    let (active, status) = (Arc::new(Active::empty()), Arc::new(Status::new()));
    let running = serve::start(settings, Arc::clone(&active), Arc::clone(&status)).map_err(anyhow::Error::from)?;
    let source = Source::new(&args.bundle);
    let loader = reload::start_keeping(source, Arc::clone(&active), status, has_graph, kept, |_| {});
    let loader = loader.context("cannot start the loader")?;
    loader.wait_first().map_err(|error| refused(&args.bundle, error))?;
    warn_of_unknown_addresses(&without_address, &active);
    announce(args, &running, &active, how);

    runtime.block_on(signals.serve(&loader, &running));
    tracing::info!("stopping");
    running.stop();
    loader.stop();
    tracing::info!("stopped");
    Ok(Outcome { text: String::new(), exit: Exit::Success })
}

fn settings(args: &Args) -> Result<Settings, Stop> {
    let config = match &args.config {
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))?;
            config::read(path, &text).map_err(|error| Stop::usage(error.to_string()))?
        }
        None => Config::default(),
    };
    let is_refused = |address: SocketAddr| is_reachable(address) && !args.allow_unauthenticated;
    let is_open = |address: SocketAddr| is_refused(address) && !config.callers.authenticate_tcp();
    let (mut listen, mut unix) = (None, None);
    for place in &args.listen {
        let is_second = match place {
            Listen::Tcp(address) if is_open(*address) => {
                return Err(Stop::usage(format!(
                    "`{address}` can be reached from other machines, and nothing says who may ask: listen on a loopback \
                     address or a Unix socket, let callers be authenticated (`callers` in the file of `--config`: \
                     certificates, bearer tokens or access tokens), or add `--allow-unauthenticated`"
                )));
            }
            Listen::Tcp(address) => listen.replace(*address).is_some(),
            Listen::Unix(path) => unix.replace(path.clone()).is_some(),
        };
        if is_second {
            return Err(Stop::usage("`--listen` takes at most one TCP address and one Unix socket"));
        }
    }
    if is_refused(args.ops) {
        return Err(Stop::usage(format!(
            "`--ops {}` can be reached from other machines, operators are not authenticated, and the status page tells \
             what a bundle's files say: use a loopback address, or add `--allow-unauthenticated`",
            args.ops
        )));
    }
    Ok(Settings {
        listen,
        unix,
        ops: Some(args.ops),
        threads: args.threads.or_else(|| std::thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN),
        log: log_target(args.decision_log.as_deref()),
        drain_delay: Duration::from_secs(args.drain_delay),
        doors: Doors { graph: args.graph || config.doors.graph, ..config.doors },
        callers: config.callers,
        issuers: config.issuers,
        ..Settings::default()
    })
}

fn kept(path: &Path, bundle: &Path) -> Result<KeptSequence, Stop> {
    let kept = KeptSequence::open(path)
        .with_context(|| format!("cannot keep the sequence of bundles in `{}`", path.display()))?;
    if kept.is_part_of(bundle) {
        return Err(Stop::usage(format!(
            "`--sequence-file {}` is a part of the bundle, and whoever puts an older bundle back would put the number \
             back with it: use a file elsewhere",
            path.display()
        )));
    }
    Ok(kept)
}

/// Whether other machines can reach an address.
fn is_reachable(address: SocketAddr) -> bool {
    !address.ip().is_loopback()
}

/// Why there is nothing to serve.
pub fn refused(path: &Path, error: FirstLoadError) -> Stop {
    match error {
        FirstLoadError::Stopped => anyhow!("the loader has ended").into(),
        FirstLoadError::Rejected(Rejection { stage, message, findings }) => {
            let told = paint::findings(&findings);
            let label = paint::error_label();
            let message = format!("{told}{label} `{}` cannot come into force: {message}\n", path.display());
            let exit = match stage {
                Stage::Read => Exit::Failure,
                Stage::Tests => Exit::TestsFailed,
                Stage::Parse | Stage::Rollback | Stage::Expired => Exit::BundleInvalid,
            };
            Stop { message, exit }
        }
    }
}

/// The signals that the process understands.
struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Reloads when asked to; returns when asked to end.
    async fn serve(&mut self, loader: &Loader, running: &Running) {
        loop {
            tokio::select! {
                _ = self.hangup.recv() => {
                    running.reopen_log();
                    running.reload_certificates();
                    loader.reload();
                }
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
            }
        }
    }
}

/// Tells of hooks whose callers never say where a token is asked for from, if enabled policies look at that.
fn warn_of_unknown_addresses(hooks: &[&str], active: &Active) {
    let snapshot = active.load();
    let Some(snapshot) = snapshot.as_ref() else { return };
    let enforced = snapshot.bundle.compiled().iter().filter(|policy| !policy.is_report_only);
    let policies = enforced.filter(|policy| policy.locations.is_configured).count();
    for hook in hooks.iter().filter(|_| policies > 0) {
        tracing::warn!(
            hook,
            policies,
            "requests of this hook carry no address: `missingIp` of the bundle says what location policies make of that"
        );
    }
}

/// How the TCP address is asked.
#[derive(Clone, Copy)]
struct How {
    is_tls: bool,
    takes_tokens: bool,
}

/// Says that the server is ready: to people how to ask, to programs where.
fn announce(args: &Args, running: &Running, active: &Active, how: How) {
    let addresses = running.addresses();
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        tcp = addresses.tcp.map(|address| address.to_string()),
        unix = addresses.unix.as_ref().map(|path| path.display().to_string()),
        operators = addresses.ops.map(|address| address.to_string()),
        "ready"
    );
    let is_stdout_taken = args.decision_log.as_deref() == Some(Path::new("-"));
    if let Some(snapshot) = active.load().as_ref()
        && args.log_format == LogFormat::Human
        && !is_stdout_taken
    {
        // WHY: nobody may be reading, and that is no reason to end.
        let _ = anstream::stdout().write_all(paint::harmless(&greeting(addresses, &snapshot.bundle, how)).as_bytes());
    }
}

fn greeting(addresses: &Addresses, bundle: &CompiledBundle, how: How) -> String {
    let curl = match (addresses.tcp, &addresses.unix) {
        (Some(address), _) => {
            let scheme = if how.is_tls { "https" } else { "http" };
            let token = if how.takes_tokens { " -H \"authorization: Bearer $TOKEN\"" } else { "" };
            format!("curl -s {scheme}://{address}/v1/decide{token}")
        }
        (None, Some(path)) => format!("curl -s --unix-socket '{}' http://localhost/v1/decide", path.display()),
        (None, None) => return String::new(),
    };
    let body = format!(
        r#"{{"identity":{{"type":"servicePrincipal","id":"{}"}},"network":{{"ipAddress":"203.0.113.200"}}}}"#,
        somebody(bundle)
    );
    let name = format!("{} revision {}", bundle.name(), bundle.revision());
    let mut text = format!(
        "\nServing {}: {}. Ask for a first decision:\n\n  {curl} -H 'content-type: application/json' -d '{body}'\n\n",
        paint::styled(paint::STRONG, &name),
        paint::counted(bundle.policies().len(), "policy"),
    );
    if let Some(ops) = addresses.ops {
        text += &format!("Status   curl -s http://{ops}/v1/status\nMetrics  curl -s http://{ops}/metrics\n\n");
    }
    text
}

/// A service principal that policies may cover: of the catalogue, or made up. Only a GUID: what is told is a command to be
/// run, and any other id may say what a shell does.
fn somebody(bundle: &CompiledBundle) -> String {
    let principals = (0..).map_while(|index| bundle.principal(index));
    let is_workload = |kind| kind != Some(ServicePrincipalType::ManagedIdentity);
    principals
        .filter(|it| matches!(it.id.value, Id::Guid(_)))
        .find(|it| is_workload(it.kind))
        .map_or_else(|| "11111111-2222-4333-8444-555555555555".to_owned(), |principal| principal.id.value.to_string())
}

/// Where `--decision-log` writes.
pub(super) fn log_target(path: Option<&Path>) -> log::Target {
    match path {
        None => log::Target::Off,
        Some(path) if path == Path::new("-") => log::Target::Stdout,
        Some(path) => log::Target::File(path.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::compile;
    use crate::written::raw;

    // The id of the first service principal stood in single quotes in a command to be pasted, as it was written.
    #[test]
    fn nothing_that_a_bundle_says_becomes_part_of_the_command_that_is_told() {
        let bundle = |ids: &[&str]| {
            let entry = |id: &&str| format!("  - {{ id: \"{id}\", servicePrincipalType: Application }}\n");
            let text = format!("servicePrincipals:\n{}", ids.iter().map(entry).collect::<String>());
            compile(&raw([("all.yaml", text)])).bundle.unwrap()
        };
        let guid = "5b0f4a86-1f0e-4d55-8a77-2f6f3c9d1e02";
        let shell = "x'; touch /tmp/owned; echo '";
        assert_eq!(somebody(&bundle(&[shell, guid])), guid);
        assert_eq!(somebody(&bundle(&[shell])), somebody(&bundle(&[])));
    }
}
