//! Served decisions against hello in the same library: ratios of one sitting, never absolute numbers.
//!
//! Server on one core, load on the other, one after the other in the order A B B A, so that what drifts falls on both.
//! Every answer's decision is checked. `cargo bench --bench serve -- [--pairs N] [NAME]`

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a measurement that goes wrong should stop"
)]

#[path = "serve/load.rs"]
mod load;
#[path = "serve/servers.rs"]
mod servers;
#[path = "serve/workload.rs"]
mod workload;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use load::{Load, Protocol, Target};
use workload::Workload;

const SLICE: Duration = Duration::from_millis(350);
const PAIRS: usize = 15;
const SERVER_CORE: &str = "0";
const LOAD_CORE: &str = "1";
/// Marks the process that loads, so that it starts itself on its core only once.
const PINNED: &str = "DOORWARD_BENCH_PINNED";

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [mark, kind, bundle, socket, bytes] = &arguments[..]
        && mark == "--serve"
    {
        return servers::serve(kind, Path::new(bundle), PathBuf::from(socket), bytes.parse().unwrap());
    }
    if std::env::var_os(PINNED).is_none() {
        let status = on_core(LOAD_CORE).args(&arguments).env(PINNED, "1").status().unwrap();
        return assert!(status.success());
    }
    let value_of = |name: &str| arguments.iter().skip_while(|argument| *argument != name).nth(1);
    let pairs = value_of("--pairs").map_or(PAIRS, |pairs| pairs.parse().unwrap());
    let only = arguments.last().filter(|last| last.parse::<usize>().is_err());
    measure(pairs, only.map_or("", String::as_str));
}

/// This program on one core.
fn on_core(core: &str) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", core]).arg(std::env::current_exe().unwrap());
    command
}

/// A server in a process of its own; it ends when this is dropped.
struct Server {
    child: Child,
    address: String,
    socket: PathBuf,
}

impl Server {
    fn start(kind: &str, folder: &Path, answer_bytes: usize) -> Self {
        let socket = folder.join(format!("{kind}-{answer_bytes}.sock"));
        let mut child = on_core(SERVER_CORE)
            .args(["--serve", kind])
            .args([&folder.join("bundle"), &socket])
            .arg(answer_bytes.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut address).unwrap();
        Self { child, address: address.trim().to_owned(), socket }
    }

    /// CPU time of all its threads so far, nanoseconds.
    fn cpu(&self) -> u64 {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let of = |task: std::fs::DirEntry| {
            let text = std::fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
            text.split(' ').next().and_then(|first| first.parse::<u64>().ok()).unwrap_or(0)
        };
        tasks.map(|task| of(task.unwrap())).sum()
    }

    fn load(&self, shape: Shape, is_checked: bool) -> Load {
        let target = if shape.is_unix { Target::Unix(self.socket.clone()) } else { Target::Tcp(self.address.clone()) };
        Load { target, protocol: shape.protocol, connections: shape.connections, is_checked }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

#[derive(Clone, Copy)]
struct Shape {
    protocol: Protocol,
    connections: usize,
    is_unix: bool,
}

/// One side of a comparison.
struct Side<'a> {
    server: &'a Server,
    load: Load,
}

fn measure(pairs: usize, only: &str) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("bundle")).unwrap();
    let workload = Arc::new(workload::prepare(&folder.path().join("bundle")));
    let allowed = workload.requests.iter().filter(|request| request.is_allowed).count();
    let bytes =
        |of: fn(&workload::Request) -> usize| workload.requests.iter().map(of).sum::<usize>() / workload.requests.len();
    println!(
        "{} requests, {} % allowed; JSON {} B in, {} B out; protobuf {} B in, {} B out",
        workload.requests.len(),
        allowed * 100 / workload.requests.len(),
        bytes(|request| request.json.len()),
        workload.json_answer_bytes,
        bytes(|request| request.protobuf.len()),
        workload.protobuf_answer_bytes,
    );
    let doorward = Server::start("doorward", folder.path(), 0);
    let hyper = Server::start("hyper", folder.path(), workload.json_answer_bytes);
    let tonic = Server::start("tonic", folder.path(), workload.protobuf_answer_bytes);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!("{:<34} {:>22} {:>22} {:>9} {:>9}", "hello -> decision", "throughput", "CPU/request", "hello/s", "us CPU");
    let compare = |name: &str, a: Side<'_>, b: Side<'_>| {
        if name.contains(only) {
            println!("{name:<34} {}", runtime.block_on(ratio(&a, &b, &workload, pairs)));
        }
    };
    for is_unix in [false, true] {
        let over = if is_unix { "unix" } else { "tcp" };
        for (protocol, connections) in [
            (Protocol::Http, 1),
            (Protocol::Http, 16),
            (Protocol::Http, 64),
            (Protocol::Unary(1), 1),
            (Protocol::Unary(1), 16),
            (Protocol::Unary(16), 4),
            (Protocol::Stream(1), 1),
            (Protocol::Stream(16), 4),
        ] {
            let shape = Shape { protocol, connections, is_unix };
            let hello = if protocol == Protocol::Http { &hyper } else { &tonic };
            let name = format!("{over} {} {connections}x{}", kind(protocol), depth(protocol));
            let a = Side { server: hello, load: hello.load(shape, false) };
            let b = Side { server: &doorward, load: doorward.load(shape, true) };
            compare(&name, a, b);
        }
    }
    for (protocol, connections) in [(Protocol::Http, 16), (Protocol::Unary(1), 1)] {
        let side = |is_unix| {
            let load = doorward.load(Shape { protocol, connections, is_unix }, true);
            Side { server: &doorward, load }
        };
        compare(&format!("own tcp -> unix, {} {connections}x1", kind(protocol)), side(false), side(true));
    }
    let side = |protocol| {
        let load = doorward.load(Shape { protocol, connections: 4, is_unix: false }, true);
        Side { server: &doorward, load }
    };
    compare("own unary -> stream, 4x16", side(Protocol::Unary(16)), side(Protocol::Stream(16)));
}

const fn kind(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Http => "http",
        Protocol::Unary(_) => "grpc unary",
        Protocol::Stream(_) => "grpc stream",
    }
}

const fn depth(protocol: Protocol) -> usize {
    match protocol {
        Protocol::Http => 1,
        Protocol::Unary(depth) | Protocol::Stream(depth) => depth,
    }
}

/// Loads both sides in the order A B B A, `pairs` times, and tells the median and quartiles of B to A.
async fn ratio(a: &Side<'_>, b: &Side<'_>, workload: &Arc<Workload>, pairs: usize) -> String {
    let (mut throughput, mut cpu, mut rates, mut costs) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    a.load.run(workload, SLICE).await;
    b.load.run(workload, SLICE).await;
    for _ in 0..pairs {
        let mut sums = [(0, 0); 2];
        for (side, place) in [(a, 0), (b, 1), (b, 1), (a, 0)] {
            let before = side.server.cpu();
            let answers = side.load.run(workload, SLICE).await;
            sums[place].0 += answers;
            sums[place].1 += side.server.cpu() - before;
        }
        let [(answers_a, cpu_a), (answers_b, cpu_b)] = sums.map(|(answers, cpu)| (answers as f64, cpu as f64));
        throughput.push(answers_b / answers_a);
        cpu.push((cpu_b / answers_b) / (cpu_a / answers_a));
        rates.push(answers_a / (2.0 * SLICE.as_secs_f64()));
        costs.push(cpu_b / answers_b / 1e3);
    }
    format!(
        "{:>22} {:>22} {:>9.0} {:>9.2}",
        quartiles(&mut throughput),
        quartiles(&mut cpu),
        at(&mut rates, 0.5),
        at(&mut costs, 0.5)
    )
}

fn quartiles(values: &mut [f64]) -> String {
    format!("{:.3} [{:.3}-{:.3}]", at(values, 0.5), at(values, 0.25), at(values, 0.75))
}

fn at(values: &mut [f64], quantile: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    values[((values.len() - 1) as f64 * quantile).round() as usize]
}
