//! A decision served over gRPC allocates no more than hello of the same library: a claim without noise, so it is asserted.
//!
//! Everything of the process is counted, the client too; it is the same for both servers and allocates next to nothing.
#![cfg(feature = "serve")]
#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected must fail")]

#[expect(dead_code, clippy::indexing_slicing, clippy::panic, reason = "written for the benches, which use more of it")]
#[path = "../benches/serve/load.rs"]
mod load;
#[expect(dead_code, clippy::panic, reason = "as above")]
#[path = "../benches/serve/servers.rs"]
mod servers;
#[expect(dead_code, clippy::panic, clippy::indexing_slicing, reason = "as above")]
#[path = "../benches/serve/workload.rs"]
mod workload;

use std::alloc::System;
use std::sync::Arc;
use std::time::Duration;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

use load::{Load, Protocol, Target};
use servers::Hello;
use workload::Workload;

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Long enough for thousands of requests, so that what is allocated once for a connection does not show.
const TIME: Duration = Duration::from_millis(700);

/// Allocations for each answer.
async fn per_answer(address: &str, protocol: Protocol, is_checked: bool, workload: &Arc<Workload>) -> f64 {
    let load = Load { target: Target::Tcp(address.to_owned()), protocol, connections: 4, is_checked };
    load.run(workload, TIME / 4).await;
    let region = Region::new(GLOBAL);
    let answers = load.run(workload, TIME).await;
    let stats = region.change();
    assert!(answers > 500, "{answers} answers are too few to tell");
    (stats.allocations + stats.reallocations) as f64 / answers as f64
}

#[test]
fn a_decision_served_over_grpc_allocates_no_more_than_hello() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("bundle");
    std::fs::create_dir(&bundle).unwrap();
    let workload = Arc::new(workload::prepare(&bundle));
    let doorward = servers::doorward(&bundle, folder.path().join("doorward.sock"));
    let hello = servers::hello(folder.path().join("hello.sock"), workload.protobuf_answer_bytes, Hello::Tonic);
    let address = doorward.addresses().tcp.unwrap().to_string();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for protocol in [Protocol::Unary(1), Protocol::Unary(16), Protocol::Stream(16)] {
        let (ours, theirs) = runtime.block_on(async {
            let theirs = per_answer(&hello, protocol, false, &workload).await;
            (per_answer(&address, protocol, true, &workload).await, theirs)
        });
        println!("{protocol:?}: {ours:.2} allocations for a decision, {theirs:.2} for hello");
        assert!(ours <= theirs + 0.1, "{protocol:?}: {ours:.2} allocations for a decision, {theirs:.2} for hello");
    }
}
