//! The binary as a process, on free ports.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use super::found::root;

/// `doorward serve`; killed when a test ends early.
pub struct Process {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// What it says when it is ready.
    pub greeting: String,
    pub decisions: SocketAddr,
    pub operators: SocketAddr,
}

/// The command that serves a bundle, of which a path may be below the root of the project, and listens on free ports.
pub fn serve(bundle: &Path, listen: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
    command.arg("serve").arg(bundle).args(["--listen", listen, "--ops", "127.0.0.1:0"]).current_dir(root());
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS", "SSL_CERT_DIR", "SSL_CERT_FILE"] {
        command.env_remove(name);
    }
    command
}

impl Process {
    /// Starts and waits until it is ready.
    pub fn start(bundle: &Path, arguments: &[&str]) -> Self {
        Self::of(serve(bundle, "127.0.0.1:0").args(["--threads", "2"]).args(arguments))
    }

    /// The same, of a command that serves.
    pub fn of(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut greeting = String::new();
        while !greeting.contains("/metrics\n") {
            assert_ne!(stdout.read_line(&mut greeting).unwrap(), 0, "the server ended: {:?}", child.wait());
        }
        let address = |path: &str| {
            let line = greeting.lines().find(|line| line.contains(path)).unwrap();
            let address = line.split("://").nth(1).unwrap().split('/').next().unwrap();
            address.replace("0.0.0.0", "127.0.0.1").to_socket_addrs().unwrap().next().unwrap()
        };
        Self { decisions: address("/v1/decide"), operators: address("/metrics"), child, stdout, greeting }
    }

    /// Sends a signal, `TERM`, `INT` or `HUP`.
    pub fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Waits for the end, and gives the exit code and what was written to standard error.
    pub fn end(mut self) -> (Option<i32>, String) {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.stdout.read_to_string(&mut stdout).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        (self.child.wait().unwrap().code(), stderr)
    }

    /// Ends it at once, and gives what was written to standard error.
    pub fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.end().1
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
