//! Real programs between a client and an upstream: started with a configuration that we ship, its addresses replaced.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use socket2::{Domain, Socket, Type};

use crate::support::PATIENCE;
use crate::support::found::root;
use crate::support::raw::{Answer, ask};

/// In the office, as the bundle has it.
pub const OFFICE: [u8; 4] = [127, 0, 0, 6];
/// Not in the office.
pub const ELSEWHERE: [u8; 4] = [127, 0, 0, 5];
/// A proxy that stands before the one that is tested, and is trusted.
pub const BALANCER: [u8; 4] = [127, 0, 0, 7];

/// The text of a file of `deploy` with parts replaced, each of which must be there.
pub fn deployed(name: &str, replacements: &[(&str, &str)]) -> String {
    let text = std::fs::read_to_string(root().join("deploy").join(name)).unwrap();
    replacements.iter().fold(text, |text, (shipped, ours)| {
        assert!(text.contains(shipped), "{name} has no `{shipped}`");
        text.replace(shipped, ours)
    })
}

/// Answers every request with its own head, and counts them.
pub struct Upstream {
    pub address: SocketAddr,
    count: Arc<AtomicUsize>,
}

impl Upstream {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let upstream = Self { address: listener.local_addr().unwrap(), count: Arc::default() };
        let count = Arc::clone(&upstream.count);
        // It ends with the process.
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let count = Arc::clone(&count);
                thread::spawn(move || echo(stream, &count));
            }
        });
        upstream
    }

    /// How many requests have come through.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

fn echo(mut stream: TcpStream, count: &AtomicUsize) {
    let mut head = String::new();
    for line in BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok) {
        if line.is_empty() {
            break;
        }
        head += &line.to_ascii_lowercase();
        head.push('\n');
    }
    if !head.is_empty() {
        count.fetch_add(1, Ordering::SeqCst);
        let answer = format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{head}", head.len());
        let _ = stream.write_all(answer.as_bytes());
    }
}

/// A connection from an address of this machine.
pub fn connect(from: [u8; 4], to: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((IpAddr::from(from), 0)).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    socket.into()
}

/// A running program; killed when a test ends.
pub struct Program {
    child: Child,
    pub port: u16,
}

impl Program {
    /// Starts it and waits until it takes connections; what it writes is shown when it does not.
    pub fn start(command: &mut Command, folder: &Path, port: u16) -> Self {
        let log = folder.join("log");
        let out = File::create(&log).unwrap();
        let command = command.stdin(Stdio::null()).stdout(out.try_clone().unwrap()).stderr(out);
        let mut program = Self { child: command.spawn().unwrap(), port };
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            let told = || std::fs::read_to_string(&log).unwrap_or_default();
            assert!(program.child.try_wait().unwrap().is_none(), "{command:?} ended: {}", told());
            assert!(Instant::now() < deadline, "{command:?} takes no connections: {}", told());
            thread::yield_now();
        }
        program
    }

    /// Sends a request from an address of this machine.
    pub fn ask(&self, from: [u8; 4], method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        ask(connect(from, SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))), method, path, headers)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
