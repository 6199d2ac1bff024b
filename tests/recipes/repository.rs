//! A git repository with the sample bundle in `policies`, and commands that run in it.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

use super::found::program;

/// A change of the sample bundle: a file of it, what is in it, and what takes its place.
pub type Change = (&'static str, &'static str, &'static str);

/// Spaces where none belong.
pub const UNTIDY: Change = ("policies/payroll.yaml", "state: enabled", "state:   enabled");
/// A location that does not exist.
pub const INVALID: Change = ("policies/payroll.yaml", "[Data centre]", "[Data center]");
/// A condition that a test case notices.
pub const UNTESTED: Change = ("policies/high-risk.yaml", "[high]", "[low]");
/// A network more, which no test case knows.
pub const OPENS: Change = ("locations.yaml", "[198.51.100.0/25]", "[198.51.100.0/25, 198.18.0.0/24]");
/// A network with a gap, of which the test cases know the beginning and the end only.
pub const CLOSES: Change =
    ("locations.yaml", "- 2001:db8:10::/48", "- 2001:db8:10::/49\n      - 2001:db8:10:c000::/50");

/// The repository; it goes with the value. Beside it there is room for other files.
pub struct Repository {
    folder: TempDir,
}

impl Repository {
    /// The sample bundle, committed on the branch `main`; `None`, and told, where git is not installed.
    pub fn new() -> Option<Self> {
        program("DOORWARD_GIT", "git")?;
        let repository = Self { folder: tempfile::tempdir().unwrap() };
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/workload"), &repository.path().join("policies"));
        repository.git(&["init", "--quiet", "--initial-branch", "main"]);
        repository.commit();
        Some(repository)
    }

    /// Where it is.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("repository")
    }

    /// A folder beside it.
    pub fn beside(&self, name: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(&path).unwrap();
        path
    }

    /// Writes a file of it.
    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path().join(name), text).unwrap();
    }

    /// Makes a change, and commits nothing.
    pub fn change(&self, (name, is, becomes): Change) {
        let path = self.path().join("policies").join(name);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(is), "{name} has no `{is}`");
        fs::write(path, text.replacen(is, becomes, 1)).unwrap();
    }

    /// Commits everything.
    pub fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "change"]);
    }

    /// Runs git, which must succeed.
    pub fn git(&self, arguments: &[&str]) {
        let output = self.command("git").args(arguments).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// `program`, to be run in the repository: it finds `doorward`, and no settings of the person who runs the tests.
    pub fn command(&self, program: impl Into<OsString>) -> Command {
        let binary = Path::new(env!("CARGO_BIN_EXE_doorward")).parent().unwrap();
        let paths = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::iter::once(binary.to_owned()).chain(std::env::split_paths(&paths));
        let mut command = Command::new(program.into());
        command
            .current_dir(self.path())
            .env("PATH", std::env::join_paths(paths).unwrap())
            .env("HOME", self.folder.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs([("GIT_AUTHOR_NAME", "author"), ("GIT_AUTHOR_EMAIL", "author@example.org")])
            .envs([("GIT_COMMITTER_NAME", "author"), ("GIT_COMMITTER_EMAIL", "author@example.org")]);
        for name in ["GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"] {
            command.env_remove(name);
        }
        command
    }
}

/// Everything that was printed.
pub fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
