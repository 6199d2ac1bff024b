//! Bundles that are swapped ten times a second while five clients ask.

use std::time::{Duration, Instant};

use doorward::reload::LoadResult;
use tokio::time::interval;

use crate::bundle::Place;
use crate::client::{Clients, Progress};
use crate::server::Live;
use crate::support::PATIENCE;

/// Time between two swaps.
const TICK: Duration = Duration::from_millis(100);
/// Fewest swaps.
const SWAPS_MIN: u64 = 25;
/// Fewest changes that each client sees while swaps go on. Far fewer than there are on a quiet machine: the loader gives
/// way to everybody, and on a busy one it takes seconds to get at a bundle.
const CHANGES_MIN: u64 = 3;

/// Swaps bundles on a ticker until every client has seen enough changes, and then at rest, each in its turn. `next`
/// gives the bundle after another. No request fails and no answer is wrong: a client that meets either has panicked.
async fn swap_under_load(live: &Live, next: fn(u64) -> u64) -> Vec<Progress> {
    let mut clients = Clients::start(live.server.tcp()).await;
    clients.wait_for_revision(1).await;
    let started = Instant::now();
    let mut ticker = interval(TICK);
    let (mut number, mut swaps) = (1, 0);
    let mut seen = clients.progress().await;
    while swaps < SWAPS_MIN || seen.iter().any(|progress| progress.changes < CHANGES_MIN) {
        assert!(started.elapsed() < PATIENCE, "after {swaps} swaps the clients saw {seen:?}");
        ticker.tick().await;
        number = next(number);
        live.put(number);
        swaps += 1;
        seen = clients.progress().await;
    }
    clients.wait_for_revision(number).await;
    for _ in 0..2 {
        number = next(number);
        live.put(number);
        clients.wait_for_revision(number).await;
    }
    // A loader that gets no time may meet a new swap in every reading, and say so; half of one bundle and half of
    // another it never takes for a bundle, good or bad.
    for result in [LoadResult::RejectedInvalid, LoadResult::RejectedInvariant, LoadResult::RejectedRollback] {
        assert_eq!(
            live.server.view().loads.of(result),
            0,
            "no swap is taken for a bad bundle: {:?}",
            live.server.view()
        );
    }
    assert!(live.server.view().loads.of(LoadResult::Activated) > CHANGES_MIN);
    clients.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_bundles_swapped_by_a_renamed_link_answer_each_for_itself_and_no_request_fails() {
    let live = Live::start(Place::Link);
    swap_under_load(&live, |number| 3 - number).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn updates_of_a_kubernetes_volume_reach_every_client_in_order_and_no_request_fails() {
    let live = Live::start(Place::Volume);
    let seen = swap_under_load(&live, |number| number + 1).await;
    for progress in seen {
        assert_eq!(progress.steps_back, 0, "a connection never goes back to an older bundle: {progress:?}");
    }
}
