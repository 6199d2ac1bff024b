//! Running the binary, and bundles to run it on.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A sample bundle.
pub const WORKLOAD: &str = "policies/workload";
/// `Payroll sync` of the sample bundle.
pub const PAYROLL: &str = "5b0f4a86-1f0e-4d55-8a77-2f6f3c9d1e01";
/// `Invoice export` of the sample bundle.
pub const INVOICE: &str = "5b0f4a86-1f0e-4d55-8a77-2f6f3c9d1e02";

/// The binary, at the root of the project, with the environment of a script.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR"));
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS"] {
        command.env_remove(name);
    }
    command
}

/// What a run came to.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Run {
    /// Everything, for a snapshot.
    pub fn told(&self) -> String {
        let part = |name, text: &str| if text.is_empty() { String::new() } else { format!("--- {name}\n{text}") };
        format!("exit {}\n{}{}", self.code, part("stdout", &self.stdout), part("stderr", &self.stderr))
    }
}

pub fn doorward(arguments: &[&str]) -> Run {
    command(arguments).output().unwrap().into()
}

/// As [`doorward`], with `input` on standard input.
pub fn doorward_reading(input: &str, arguments: &[&str]) -> Run {
    let mut child =
        command(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap().into()
}

/// A bundle of these files in a folder of its own.
pub fn bundle(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        write(folder.path(), name, text);
    }
    folder
}

pub fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// A named pipe that nobody writes into.
pub fn mkfifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// A policy that blocks every workload.
pub const BLOCK: (&str, &str) = (
    "block.yaml",
    "displayName: Block\nstate: enabled\nconditions: { clientApplications: { includeServicePrincipals: [ServicePrincipalsInMyTenant] } }\ngrantControls: { builtInControls: [block] }\n",
);
