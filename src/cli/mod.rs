//! The command line: one file for each verb.
//!
//! A verb takes its arguments and gives an [`Outcome`] (what to print, how to end) or a [`Stop`] (why there is none);
//! only this file prints them. A verb decides nothing itself: `compile`, `evaluate`, `review` and `serve` do. Start with
//! [`main`], then the verb that interests you.

mod answer;
mod aside;
mod authzen_selftest;
mod beside;
mod check;
mod condition;
mod decide;
mod diff;
mod exit;
mod explain;
mod export;
mod fix;
mod fmt;
mod gaps;
mod github;
mod healthcheck;
mod impact;
mod load;
mod paint;
mod prove;
mod replay;
mod request;
mod rule;
mod run;
mod sarif;
mod schema;
mod serve;
mod test;
mod turn;
mod write;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

pub use exit::Exit;

/// Decides, beside a token service, whether an identity may have a token: conditional access for any issuer.
///
/// A bundle is a folder, or a `.tar.gz` of one, with policies, named locations and service principals in the shapes of
/// Microsoft Graph, as YAML or JSON.
#[derive(Debug, Parser)]
#[command(name = "doorward", version, max_term_width = 120)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Serve decisions over gRPC and HTTP, and take up changes of the bundle.
    Serve(serve::Args),
    /// Ask a sidecar whether it is well, for containers. Ends with 0 if it is.
    Healthcheck(healthcheck::Args),
    /// Run a command beside a sidecar of its own, for integration tests.
    Run(run::Args),
    /// Report every problem of a bundle, with file, line, reason and remedy.
    #[command(visible_alias = "lint")]
    Check(check::Args),
    /// Lay out the files of a bundle alike; comments stay.
    Fmt(fmt::Args),
    /// Ask a bundle for one decision. Ends with 0 for allow and 6 for block.
    Decide(decide::Args),
    /// Ask for one decision and show which policies and conditions led to it.
    Explain(explain::Args),
    /// Compare two bundles: every request whose decision changes, in regions, each with a request that shows it.
    Diff(diff::Args),
    /// Say which requests no policy applies to, and which policies do nothing.
    Gaps(gaps::Args),
    /// Say what depends on a location or policy, or on an edit: policies, requests, test cases.
    Impact(impact::Args),
    /// Prove what must never be: statements, for every request, or a counterexample.
    Prove(prove::Args),
    /// Run the tests that a bundle carries in its `tests/` folder.
    Test(test::Args),
    /// Decide a decision log again with another bundle, and show what changes.
    Replay(replay::Args),
    /// Write a bundle in another language.
    Export(export::Args),
    /// Print a schema, for editors and other tools.
    Schema(schema::Args),
    /// Ask a built-in bundle the questions of AuthZEN's certification, over HTTP.
    AuthzenSelftest(authzen_selftest::Args),
}

/// What a verb has to say, and how the process then ends.
#[derive(Debug)]
struct Outcome {
    /// For standard output; styled, the printer takes the styles out where no terminal reads them.
    text: String,
    exit: Exit,
}

/// Why a verb could not do its work.
#[derive(Debug)]
struct Stop {
    /// For standard error, with its final line break.
    message: String,
    exit: Exit,
}

impl Stop {
    /// The command line or the request cannot be used.
    fn usage(message: impl AsRef<str>) -> Self {
        Self { message: format!("{} {}\n", paint::error_label(), message.as_ref()), exit: Exit::Usage }
    }
}

impl From<anyhow::Error> for Stop {
    fn from(error: anyhow::Error) -> Self {
        Self { message: format!("{} {error:#}\n", paint::error_label()), exit: Exit::Failure }
    }
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let verb = match parse(std::env::args_os()) {
        Ok(verb) => verb,
        Err(error) => {
            // A closed pipe is no reason to complain: nobody is left to read it.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Success }.into();
        }
    };
    run(verb)
}

fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Verb, clap::Error> {
    let command = Cli::command().after_long_help(exit::table());
    Cli::from_arg_matches(&command.try_get_matches_from(arguments)?).map(|cli| cli.verb)
}

fn run(verb: Verb) -> ExitCode {
    let outcome = match verb {
        Verb::Serve(args) => serve::run(&args),
        // The command's own exit code is the result, whatever it is.
        Verb::Run(args) => match run::run(&args) {
            Ok(code) => return code,
            Err(stop) => Err(stop),
        },
        Verb::Healthcheck(args) => healthcheck::run(&args),
        Verb::Check(args) => check::run(&args),
        Verb::Fmt(args) => fmt::run(&args),
        Verb::Decide(args) => decide::run(&args),
        Verb::Explain(args) => explain::run(&args),
        Verb::Diff(args) => diff::run(&args),
        Verb::Gaps(args) => gaps::run(&args),
        Verb::Impact(args) => impact::run(&args),
        Verb::Prove(args) => prove::run(&args),
        Verb::Test(args) => test::run(&args),
        Verb::Replay(args) => replay::run(&args),
        Verb::Export(args) => export::run(&args),
        Verb::Schema(args) => schema::run(&args),
        Verb::AuthzenSelftest(args) => authzen_selftest::run(&args),
    };
    let exit = match outcome {
        Ok(outcome) => print(&mut anstream::stdout(), &outcome.text, outcome.exit),
        Err(stop) => print(&mut anstream::stderr(), &stop.message, stop.exit),
    };
    exit.into()
}

/// Prints, and ends as the verb said also when nobody reads: a closed pipe must not turn a block into anything else.
fn print(stream: &mut impl Write, text: &str, exit: Exit) -> Exit {
    match stream.write_all(paint::harmless(text).as_bytes()).and_then(|()| stream.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Exit::Failure,
        _ => exit,
    }
}
