//! `healthcheck`: asks a sidecar how it is, for containers that hold nothing but this program.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::anyhow;

use super::{Exit, Outcome, Stop, paint};

/// Longest answer that is read, bytes; a probe's has some hundred.
const ANSWER_BYTES_MAX: usize = 4 << 10;

/// Arguments of `healthcheck`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Example:
  $ doorward healthcheck --help

In a container file: HEALTHCHECK CMD [\"doorward\", \"healthcheck\"]

Asks the listener of `serve --ops`, prints what it says, and ends with 0 if it is well: ready to decide, also when it is \
degraded. Ends with 1 if it is not, or does not answer.")]
pub struct Args {
    /// What to ask.
    #[arg(value_enum, default_value_t)]
    probe: Probe,
    /// Where operators find probes, as `serve --ops` says.
    #[arg(long, value_name = "ADDRESS", default_value = super::serve::OPS)]
    ops: SocketAddr,
    /// How long to wait for the answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=60))]
    timeout: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Probe {
    /// Whether requests should be sent there.
    #[default]
    Ready,
    /// Whether the process works at all.
    Live,
    /// Whether a bundle has ever been in force.
    Startup,
}

impl Probe {
    const fn path(self) -> &'static str {
        match self {
            Self::Ready => "/readyz",
            Self::Live => "/livez",
            Self::Startup => "/startupz",
        }
    }
}

/// Asks.
pub fn run(args: &Args) -> Result<Outcome, Stop> {
    let answer = ask(args).map_err(|error| match error.kind() {
        // WHY both: a socket whose time is over says that it would block.
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            let time = paint::counted(usize::try_from(args.timeout).unwrap_or(usize::MAX), "second");
            anyhow!("`{}` does not answer within {time}", args.ops)
        }
        _ => anyhow::Error::new(error).context(format!("`{}` does not answer", args.ops)),
    })?;
    let (head, body) =
        answer.split_once("\r\n\r\n").ok_or_else(|| anyhow!("`{}` is no operators' listener", args.ops))?;
    let is_well = head.split(' ').nth(1) == Some("200");
    Ok(Outcome { text: body.to_owned(), exit: if is_well { Exit::Success } else { Exit::Failure } })
}

fn ask(args: &Args) -> std::io::Result<String> {
    let deadline = Instant::now() + Duration::from_secs(args.timeout);
    // Zero would mean to wait for ever.
    let left = || deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1));
    let mut stream = TcpStream::connect_timeout(&args.ops, left())?;
    stream.set_write_timeout(Some(left()))?;
    let request = format!("GET {} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", args.probe.path(), args.ops);
    stream.write_all(request.as_bytes())?;
    let (mut answer, mut piece) = (Vec::new(), [0; 1024]);
    // WHY a bound on the whole: a listener that trickles would keep each single read within its time.
    while answer.len() < ANSWER_BYTES_MAX {
        stream.set_read_timeout(Some(left()))?;
        match stream.read(&mut piece)? {
            0 => break,
            read => answer.extend_from_slice(piece.get(..read).unwrap_or_default()),
        }
        if Instant::now() >= deadline {
            return Err(ErrorKind::TimedOut.into());
        }
    }
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
