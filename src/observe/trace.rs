//! Events of the process on standard error: starts, stops, loads, failures. Never the contents of a request.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// How events are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    #[default]
    Json,
    /// One line a person reads.
    Human,
}

/// Writes events of this process to standard error from now on.
///
/// `filter` is in the syntax of `tracing_subscriber::EnvFilter`, for example `info` or `doorward=debug`.
///
/// # Errors
/// The filter is not understood, or the process has chosen where events go before.
pub fn start(format: Format, filter: &str) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let filter = EnvFilter::try_new(filter)?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        Format::Json => builder.json().flatten_event(true).with_current_span(false).try_init(),
        Format::Human => builder.compact().with_ansi(is_coloured()).try_init(),
    }
}

/// Colour is for terminals only, and `NO_COLOR` takes it away.
fn is_coloured() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
