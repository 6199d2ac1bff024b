//! `run`: a sidecar around a command, for integration tests of programs that ask one.
//!
//! Listens in a folder of its own and on a free loopback port, tells the command where, and ends with it.

use std::ffi::OsString;
use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::sync::Arc;

use anyhow::{Context, anyhow};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::signal::unix::{self, SignalKind, signal};
use tokio::sync::oneshot;

use super::Stop;
use super::serve::{log_target, refused};
use crate::observe::trace;
use crate::reload::{self, Active, Status};
use crate::serve::{self, Addresses, Doors, Settings};
use crate::source::Source;

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Example:
  $ doorward run policies/workload -- printenv DOORWARD_URL

The command finds the sidecar by its environment:
  DOORWARD_URL      http://127.0.0.1:PORT, for gRPC and HTTP
  DOORWARD_SOCKET   path of a Unix socket, for the same
  DOORWARD_OPS_URL  http://127.0.0.1:PORT, for probes, metrics and status

It starts when the bundle is in force. Ends with the command's own exit code, or 128 and the number of the signal \
that ended it; before the command starts with 3 or 4 when the bundle is invalid or fails its tests, and with 1 when \
something cannot be read or started. SIGTERM and SIGHUP are passed on, unless they are \
ignored from the start, as by nohup.")]
pub struct Args {
    /// Folder or `.tar.gz` of the bundle.
    bundle: PathBuf,
    /// Write a record of each decision to a file, `-` for standard output.
    #[arg(long, value_name = "FILE")]
    decision_log: Option<PathBuf>,
    /// The command and its arguments.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Runs the command; its exit code is the result.
pub fn run(args: &Args) -> Result<ExitCode, Stop> {
    trace::start(trace::Format::Human, "warn").map_err(|error| anyhow!("cannot write events: {error}"))?;
    let folder = folder().context("cannot make a folder for the socket")?;
    let settings = Settings {
        listen: Some(([127, 0, 0, 1], 0).into()),
        unix: Some(folder.path().join("doorward.sock")),
        ops: Some(([127, 0, 0, 1], 0).into()),
        log: log_target(args.decision_log.as_deref()),
        doors: Doors { graph: true, ..Doors::default() },
        ..Settings::default()
    };
    let (active, status) = (Arc::new(Active::empty()), Arc::new(Status::new()));
    let running = serve::start(settings, Arc::clone(&active), Arc::clone(&status)).map_err(anyhow::Error::from)?;
    let loader = reload::start_with_graph(Source::new(&args.bundle), active, status, |_| {});
    let loader = loader.context("cannot start the loader")?;
    loader.wait_first().map_err(|error| refused(&args.bundle, error))?;
    let ended = accompany(&args.command, running.addresses())?;
    running.stop();
    loader.stop();
    Ok(code(ended))
}

/// As shells have it: the command's own code, or 128 and the signal.
fn code(ended: ExitStatus) -> ExitCode {
    let code = ended.code().or_else(|| ended.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1).into()
}

/// Starts the command and waits for its end.
fn accompany(command: &[OsString], addresses: &Addresses) -> Result<ExitStatus, Stop> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start a runtime for signals")?;
    runtime.block_on(async {
        // WHY: before the command starts, so that there is no moment in which a signal would leave it alone.
        let ignored = ignored();
        let listen = |kind| Listener::new(kind, ignored).context("cannot listen for signals");
        let (mut terminate, mut hangup) = (listen(SignalKind::terminate())?, listen(SignalKind::hangup())?);
        // A terminal sends them to the command too, whose answer it is to end.
        let (mut interrupt, mut quit) = (listen(SignalKind::interrupt())?, listen(SignalKind::quit())?);
        let child = start(command, addresses)?;
        let pid = i32::try_from(child.id()).ok().map(Pid::from_raw);
        let mut ended = end_of(child);
        loop {
            tokio::select! {
                outcome = &mut ended => {
                    let outcome = outcome.map_err(|_| anyhow!("nobody waits for the command"))?;
                    return Ok(outcome.context("cannot wait for the command")?);
                }
                () = interrupt.comes() => {}
                () = quit.comes() => {}
                () = terminate.comes() => pass(pid, Signal::SIGTERM),
                // WHY: the end of this process alone would leave the command without its sidecar, and the folder behind.
                () = hangup.comes() => pass(pid, Signal::SIGHUP),
            }
        }
    })
}

/// A signal that is listened for; none that was ignored when the process began, as by `nohup`, so that it stays ignored,
/// here and by the command.
struct Listener(Option<unix::Signal>);

impl Listener {
    fn new(kind: SignalKind, ignored: u64) -> io::Result<Self> {
        let is_ignored = ignored >> (kind.as_raw_value() - 1) & 1 == 1;
        (!is_ignored).then(|| signal(kind)).transpose().map(Self)
    }

    async fn comes(&mut self) {
        match &mut self.0 {
            Some(signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        }
    }
}

/// The signals that this process ignores, a bit for each from 1; none where the system does not say.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let bits = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    bits.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()).unwrap_or_default()
}

fn pass(command: Option<Pid>, signal: Signal) {
    // One that has just ended needs no signal.
    let _ = command.map(|pid| kill(pid, signal));
}

fn start(command: &[OsString], addresses: &Addresses) -> Result<Child, Stop> {
    let (program, arguments) = command.split_first().ok_or_else(|| Stop::usage("name a command behind `--`"))?;
    let mut child = Command::new(program);
    child.args(arguments);
    let url = |address| format!("http://{address}");
    child.envs(addresses.tcp.map(|address| ("DOORWARD_URL", url(address))));
    child.envs(addresses.ops.map(|address| ("DOORWARD_OPS_URL", url(address))));
    child.envs(addresses.unix.as_ref().map(|path| ("DOORWARD_SOCKET", path)));
    Ok(child.spawn().with_context(|| format!("cannot start `{}`", program.display()))?)
}

/// A thread waits, since nothing else here can.
fn end_of(mut child: Child) -> oneshot::Receiver<io::Result<ExitStatus>> {
    let (sender, receiver) = oneshot::channel();
    std::thread::spawn(move || {
        let _ = sender.send(child.wait());
    });
    receiver
}

/// A folder that nobody else may look into; gone when dropped.
pub(super) fn folder() -> io::Result<TempDir> {
    tempfile::Builder::new().prefix("doorward-").permissions(Permissions::from_mode(0o700)).tempdir()
}
