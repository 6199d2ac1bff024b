//! Clients that ask without an end over one connection each, check every answer, and tell how far they are.

use std::net::SocketAddr;
use std::time::Duration;

use doorward::serve::wire::v1::decisions_client::DecisionsClient;
use doorward::serve::wire::v1::{self, decide_result};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;
use tonic::transport::Channel;

use crate::bundle::{ADDRESSES, request, revision_of};
use crate::support::PATIENCE;
use crate::support::http::Http;
use crate::support::server::channel;

/// How often a client asks. Without a pause the clients would take the whole machine, and the loader, which gives way to
/// requests, would get little of it.
const PACE: Duration = Duration::from_millis(1);
/// Requests in a batch.
const BATCH: usize = 60;

/// How a client asks.
#[derive(Clone, Copy, Debug)]
pub enum Protocol {
    Http,
    HttpBatch,
    Grpc,
    GrpcBatch,
    GrpcStream,
}

const ALL: [Protocol; 5] =
    [Protocol::Http, Protocol::HttpBatch, Protocol::Grpc, Protocol::GrpcBatch, Protocol::GrpcStream];

/// What a client has seen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    pub answers: u64,
    /// The revision of the last answer; 0 before the first.
    pub revision: u64,
    /// How often an answer had another revision than the one before.
    pub changes: u64,
    /// How often it had a lower one.
    pub steps_back: u64,
}

/// One client of each protocol.
pub struct Clients {
    stop: watch::Sender<bool>,
    running: Vec<(Protocol, watch::Receiver<Progress>, JoinHandle<()>)>,
}

impl Clients {
    pub async fn start(address: SocketAddr) -> Self {
        let stop = watch::Sender::new(false);
        let mut running = Vec::new();
        for protocol in ALL {
            let (sender, progress) = watch::channel(Progress::default());
            let connection = Connection::open(protocol, address).await;
            let task = tokio::spawn(ask(connection, sender, stop.subscribe()));
            running.push((protocol, progress, task));
        }
        Self { stop, running }
    }

    /// What each client has seen so far. Panics where one has failed.
    pub async fn progress(&mut self) -> Vec<Progress> {
        self.wait("to go on", |_, _| true).await
    }

    /// Waits until every client has named revision `number`, last.
    pub async fn wait_for_revision(&mut self, number: u64) {
        self.wait(&format!("to name revision {number}"), |_, progress| progress.revision == number).await;
    }

    /// Waits until every client has `count` answers more than now.
    pub async fn wait_for_answers(&mut self, count: u64) {
        let before = self.progress().await;
        self.wait("to get answers", |index, progress| progress.answers >= before[index].answers + count).await;
    }

    /// Lets every client finish what it asks, and gives what they saw.
    pub async fn end(mut self) -> Vec<Progress> {
        let seen = self.progress().await;
        self.stop.send_replace(true);
        for (protocol, _, task) in self.running {
            task.await.unwrap_or_else(|error| panic!("{protocol:?}: {error}"));
        }
        seen
    }

    async fn wait(&mut self, what: &str, is_wanted: impl Fn(usize, &Progress) -> bool) -> Vec<Progress> {
        let mut seen = Vec::new();
        for (index, (protocol, progress, _)) in self.running.iter_mut().enumerate() {
            let wanted = timeout(PATIENCE, progress.wait_for(|progress| is_wanted(index, progress))).await;
            let wanted = wanted.map(|wanted| wanted.map(|progress| *progress));
            match wanted {
                Ok(Ok(progress)) => seen.push(progress),
                Ok(Err(_)) => panic!("the client over {protocol:?} failed"),
                Err(_) => panic!("{protocol:?} is waited for {what}, and is at {:?}", *progress.borrow()),
            }
        }
        seen
    }
}

async fn ask(mut connection: Connection, sender: watch::Sender<Progress>, stop: watch::Receiver<bool>) {
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut progress = Progress::default();
    let mut addresses = ADDRESSES.iter().map(|(address, _)| *address).cycle();
    while !*stop.borrow() {
        pace.tick().await;
        let revision = connection.ask(&mut addresses).await;
        progress.answers += 1;
        progress.changes += u64::from(progress.revision != 0 && revision != progress.revision);
        progress.steps_back += u64::from(revision < progress.revision);
        progress.revision = revision;
        sender.send_replace(progress);
    }
}

enum Connection {
    Http(Http),
    HttpBatch(Http),
    Grpc(DecisionsClient<Channel>),
    GrpcBatch(DecisionsClient<Channel>),
    GrpcStream { requests: mpsc::Sender<v1::DecideRequest>, answers: Streaming<v1::DecideResult> },
}

impl Connection {
    async fn open(protocol: Protocol, address: SocketAddr) -> Self {
        match protocol {
            Protocol::Http => Self::Http(Http::connect(address).await),
            Protocol::HttpBatch => Self::HttpBatch(Http::connect(address).await),
            Protocol::Grpc => Self::Grpc(grpc(address).await),
            Protocol::GrpcBatch => Self::GrpcBatch(grpc(address).await),
            Protocol::GrpcStream => {
                let (requests, messages) = mpsc::channel(1);
                let stream = grpc(address).await.decide_stream(ReceiverStream::new(messages)).await.unwrap();
                Self::GrpcStream { requests, answers: stream.into_inner() }
            }
        }
    }

    /// Asks once from the next of `addresses`, and gives the revision that answered.
    async fn ask(&mut self, addresses: &mut impl Iterator<Item = &'static str>) -> u64 {
        let mut next = || addresses.next().unwrap();
        match self {
            Self::Http(http) => {
                let address = next();
                let body = serde_json::to_string(&request(address)).unwrap();
                let answer = http.post("/v1/decide", &body).await.sound();
                revision_of(&serde_json::from_str(&answer.text).unwrap(), address)
            }
            Self::Grpc(client) => {
                let address = next();
                revision_of(client.decide(request(address)).await.unwrap().get_ref(), address)
            }
            Self::GrpcStream { requests, answers } => {
                let address = next();
                requests.send(request(address)).await.unwrap();
                revision_of(&answered(answers.message().await.unwrap().expect("the stream goes on")), address)
            }
            Self::HttpBatch(http) => {
                let addresses: Vec<_> = std::iter::repeat_with(next).take(BATCH).collect();
                let body = serde_json::to_string(&batch(&addresses)).unwrap();
                let answer = http.post("/v1/decide/batch", &body).await.sound();
                revision_of_batch(&serde_json::from_str(&answer.text).unwrap(), &addresses)
            }
            Self::GrpcBatch(client) => {
                let addresses: Vec<_> = std::iter::repeat_with(next).take(BATCH).collect();
                revision_of_batch(client.decide_batch(batch(&addresses)).await.unwrap().get_ref(), &addresses)
            }
        }
    }
}

pub async fn grpc(address: SocketAddr) -> DecisionsClient<Channel> {
    DecisionsClient::new(channel(address).await)
}

fn batch(addresses: &[&str]) -> v1::DecideBatchRequest {
    v1::DecideBatchRequest { requests: addresses.iter().map(|address| request(address)).collect() }
}

fn answered(result: v1::DecideResult) -> v1::DecideResponse {
    match result.result {
        Some(decide_result::Result::Answer(answer)) => answer,
        other => panic!("no answer: {other:?}"),
    }
}

/// The one revision that the batch and all of its answers name.
fn revision_of_batch(answer: &v1::DecideBatchResponse, addresses: &[&str]) -> u64 {
    let whole = answer.bundle.as_ref().expect("a batch names its bundle").revision.parse().unwrap();
    assert_eq!(answer.results.len(), addresses.len());
    for (result, address) in answer.results.iter().zip(addresses) {
        assert_eq!(revision_of(&answered(result.clone()), address), whole, "a batch has one revision");
    }
    whole
}
