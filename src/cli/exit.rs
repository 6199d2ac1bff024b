//! Exit codes: the part of the command line that scripts read.

use std::fmt::Write;
use std::process::ExitCode;

/// How the process ends. The numbers are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done; of a decision: allow.
    Success = 0,
    /// The tool failed: a file cannot be read, an address cannot be listened on. Or whom it asked is not well.
    Failure = 1,
    /// The command line or the token request cannot be used.
    Usage = 2,
    /// The bundle has errors.
    BundleInvalid = 3,
    /// A test of the bundle failed, or it has none; or a statement of a bundle that is to be used is not proved.
    TestsFailed = 4,
    /// Decisions change, and the command line asked to fail then; `prove` has a statement that is not proved.
    Changed = 5,
    /// The decision is block. Not 0, so that `doorward decide ... && issue` never opens.
    Blocked = 6,
    /// Done in part: something could not be written or read, and was told.
    Partial = 7,
}

impl Exit {
    /// Every code with its meaning, ascending.
    pub const ALL: [(Self, &str); 8] = [
        (Self::Success, "done; of `decide`: allow"),
        (Self::Failure, "a file, address or other resource cannot be used; of `healthcheck`: it is not well"),
        (Self::Usage, "the command line or the token request cannot be used"),
        (Self::BundleInvalid, "the bundle has errors; of `fmt`: a file cannot be laid out"),
        (
            Self::TestsFailed,
            "a test of the bundle failed, it has none, too little is covered, or a statement is not proved; of \
             `authzen-selftest`: an answer is not the expected one",
        ),
        (
            Self::Changed,
            "decisions change, and `--fail-on` said not to, or nothing was compared; of `prove`: a statement is not proved, or there is none; of \
             `fmt --check`: a file would be laid out anew",
        ),
        (Self::Blocked, "of `decide`: block"),
        (Self::Partial, "done in part: something could not be written or read, and was told"),
    ];
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// The codes as `--help` shows them.
pub fn table() -> String {
    let mut table = "Exit codes:".to_owned();
    for (exit, meaning) in Exit::ALL {
        // Writing to a `String` cannot fail.
        let _ = write!(table, "\n  {}  {meaning}", exit as u8);
    }
    table
}
