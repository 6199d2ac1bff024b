//! The binary as a process, on free ports.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

/// `doorward serve`; killed when a test ends early.
pub struct Process {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub decisions: SocketAddr,
    pub operators: SocketAddr,
}

impl Process {
    /// Starts and waits until it is ready.
    pub fn start(bundle: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_doorward"))
            .arg("serve")
            .arg(bundle)
            .args(["--listen", "127.0.0.1:0", "--ops", "127.0.0.1:0", "--threads", "2"])
            .args(arguments)
            .env_remove("CLICOLOR_FORCE")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let (mut decisions, mut operators) = (None, None);
        while decisions.is_none() || operators.is_none() {
            let mut line = String::new();
            assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "the server ended: {:?}", child.wait());
            let address = line.split_once("http://").and_then(|(_, rest)| rest.split('/').next()?.parse().ok());
            if line.contains("/v1/decide") {
                decisions = address;
            } else if line.contains("/metrics") {
                operators = address;
            }
        }
        Self { child, stdout, decisions: decisions.unwrap(), operators: operators.unwrap() }
    }

    /// Sends a signal, `TERM` or `HUP`.
    pub fn signal(&self, name: &str) {
        let process = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &process]).status().unwrap().success());
    }

    /// Waits for the end, and gives the exit code and what was written to standard error.
    pub fn end(mut self) -> (Option<i32>, String) {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        self.stdout.read_to_string(&mut stdout).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        (self.child.wait().unwrap().code(), stderr)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
