//! The decision log: one JSON line for each request, enough to decide it again.
//!
//! A request moves its record into a bounded queue and goes on; it never waits. What finds no place is dropped and
//! counted. One thread encodes and writes. The request is logged as the caller sent it, so a record holds ids and
//! addresses: the log is as confidential as the requests are.

mod names;

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;

pub use self::names::Names;
use crate::limits;

/// Who may read a new log: its owner and group. Records hold ids and addresses.
const FILE_MODE: u32 = 0o640;

/// Where the decision log goes.
#[derive(Default)]
pub enum Target {
    /// Nowhere.
    #[default]
    Off,
    /// Standard output.
    Stdout,
    /// The end of a file, which is created if it is not there.
    File(PathBuf),
    /// Any writer.
    Writer(Box<dyn Write + Send>),
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Off => f.write_str("Off"),
            Self::Stdout => f.write_str("Stdout"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Writer(_) => f.write_str("Writer"),
        }
    }
}

/// One request and what became of it. `I` is the request as the caller sent it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record<I> {
    /// When it was decided.
    #[serde(serialize_with = "rfc3339")]
    pub time: Timestamp,
    /// The request's id.
    pub request_id: String,
    /// The door it came through.
    pub surface: &'static str,
    /// The policy enforcement point: the caller that asked, if it is authenticated, not whom it asks about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pep: Option<String>,
    /// The request; its own id is left out.
    pub input: I,
    /// The country that the bundle's database found for the request's address, `ZZ` for none; left out when the bundle
    /// has no database or the request no address. Deciding again with another bundle needs no look-up then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// `allow`, `block`, or `error` for a request that was refused.
    pub decision: &'static str,
    /// Why.
    pub reason: &'static str,
    /// The field that could not be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Whether what it was refused for stands outside the request: in the door's own words, or in the message around it.
    /// Deciding the request again does not come to that. Left out when it does not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub outside: bool,
    /// Ids of the policies that decided, in bundle order.
    pub policies: Names,
    /// Ids of the report-only policies that would have blocked or asked for more, in bundle order.
    pub report_only: Names,
    /// Controls that would turn the block into an allow.
    pub unmet_controls: Names,
    /// What the policies say of the token, as answers have it; left out when that is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<Box<RawValue>>,
    /// What the caller owes, as answers have it; left out when that is nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub obligations: Option<Box<RawValue>>,
    /// The bundle it was decided with.
    pub bundle: Bundle,
    /// Whether that had expired; left out when it had not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub stale: bool,
    /// How long deciding took, nanoseconds.
    pub duration_ns: u64,
}

impl<I> Record<I> {
    /// Memory without what the request holds, bytes.
    fn bytes(&self) -> usize {
        let Self { policies, report_only, unmet_controls, bundle, .. } = self;
        let texts = [&bundle.name, &bundle.revision, &bundle.digest, &self.request_id].map(String::len);
        let more = [&self.pep, &self.country, &self.field].map(|text| text.as_ref().map_or(0, String::len));
        let names = [policies, report_only, unmet_controls].map(Names::bytes);
        let beside = [&self.token, &self.obligations].map(|json| json.as_ref().map_or(0, |json| json.get().len()));
        size_of::<Self>() + [&texts[..], &more, &names, &beside].into_iter().flatten().sum::<usize>()
    }
}

/// The bundle of a record.
#[derive(Debug, Serialize)]
pub struct Bundle {
    /// Its name.
    pub name: String,
    /// Its revision.
    pub revision: String,
    /// Its digest.
    pub digest: String,
}

/// What became of the records so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Written, and flushed as far as the writer can.
    pub written: u64,
    /// Found no place in the queue.
    pub dropped: u64,
    /// The writer failed; some of them may have got through.
    pub failed: u64,
}

#[derive(Debug, Default)]
struct Shared {
    written: AtomicU64,
    dropped: AtomicU64,
    failed: AtomicU64,
    /// Handed over to the writer, which has not said yet that they got through. The log's thread alone changes it.
    unflushed: AtomicU64,
    /// Whether the file may have been moved away, and is to be opened by its name before the next record.
    is_moved: AtomicBool,
    waiting: Waiting,
}

/// How many records wait, and how many bytes.
///
/// WHY both in one number: a request steps it once.
#[derive(Debug, Default)]
struct Waiting(AtomicU64);

impl Waiting {
    const RECORD: u64 = 1 << 40;

    /// Adds a record, unless there are too many bytes.
    fn add(&self, bytes: usize) -> bool {
        let is_full = self.bytes().saturating_add(bytes) > limits::LOG_QUEUE_BYTES_MAX;
        if !is_full {
            self.0.fetch_add(Self::RECORD | bytes as u64, Relaxed);
        }
        !is_full
    }

    fn take(&self, bytes: usize) {
        self.0.fetch_sub(Self::RECORD | bytes as u64, Relaxed);
    }

    fn records(&self) -> u64 {
        self.0.load(Relaxed) / Self::RECORD
    }

    fn bytes(&self) -> usize {
        usize::try_from(self.0.load(Relaxed) % Self::RECORD).unwrap_or(usize::MAX)
    }
}

const _: () = assert!(limits::LOG_QUEUE_BYTES_MAX < Waiting::RECORD as usize / 2, "both have room in one number");

/// The end of the queue that requests put records into; clones share it.
#[derive(Debug)]
pub struct Sender<I> {
    queue: SyncSender<(Record<I>, usize)>,
    shared: Arc<Shared>,
}

impl<I> Clone for Sender<I> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone(), shared: Arc::clone(&self.shared) }
    }
}

impl<I> Sender<I> {
    /// Hands a record over, or drops and counts it: it never waits. `bytes` is what its request holds.
    pub fn send(&self, record: Record<I>, bytes: usize) {
        let bytes = record.bytes() + bytes;
        if !self.shared.waiting.add(bytes) {
            self.shared.dropped.fetch_add(1, Relaxed);
            return;
        }
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) = self.queue.try_send((record, bytes)) {
            self.shared.waiting.take(bytes);
            self.shared.dropped.fetch_add(1, Relaxed);
        }
    }
}

/// A running decision log. Dropping it without [`Log::finish`] lets its thread end by itself.
#[derive(Debug)]
pub struct Log {
    shared: Arc<Shared>,
    /// Closed when its thread has ended.
    ended: Receiver<()>,
}

/// Starts the thread of the log; `None` when the target is [`Target::Off`].
///
/// # Errors
/// The file cannot be opened, or the system gives no thread.
pub fn start<I: Serialize + Send + 'static>(target: Target) -> io::Result<Option<(Log, Sender<I>)>> {
    let output = match target {
        Target::Off => return Ok(None),
        Target::Stdout => Output::of(Box::new(io::stdout()), None),
        Target::File(path) => Output::of(Box::new(opened(&path)?), Some(path)),
        Target::Writer(writer) => Output::of(writer, None),
    };
    let (queue, records) = mpsc::sync_channel(limits::LOG_QUEUE_MAX);
    let shared = Arc::new(Shared::default());
    let theirs = Arc::clone(&shared);
    let (end, ended) = mpsc::sync_channel(0);
    thread::Builder::new().name("decision-log".to_owned()).spawn(move || {
        let _end: SyncSender<()> = end;
        run(&records, output, &theirs);
    })?;
    let sender = Sender { queue, shared: Arc::clone(&shared) };
    Ok(Some((Log { shared, ended }, sender)))
}

/// Reads the counters of a log.
#[derive(Clone, Debug)]
pub struct Meter(Arc<Shared>);

impl Meter {
    /// What became of the records so far.
    pub fn counts(&self) -> Counts {
        Counts {
            written: self.0.written.load(Relaxed),
            dropped: self.0.dropped.load(Relaxed),
            failed: self.0.failed.load(Relaxed),
        }
    }
}

impl Log {
    /// The counters, to read while it runs.
    pub fn meter(&self) -> Meter {
        Meter(Arc::clone(&self.shared))
    }

    /// Opens the file again by its name before the next record, if the log is a file: whoever keeps old logs moves it
    /// away first. When it cannot be opened, the log goes on where it was, and one event says so.
    pub fn reopen(&self) {
        self.shared.is_moved.store(true, Relaxed);
    }

    /// Waits until everything is written, but no longer than `within`: whoever reads the log may have stalled. What is left
    /// then is dropped and counted. All senders must be gone, or it waits for them.
    pub fn finish(self, within: Duration) -> Counts {
        let has_ended = self.ended.recv_timeout(within) != Err(RecvTimeoutError::Timeout);
        let counts = self.meter().counts();
        if has_ended {
            return counts;
        }
        let left = self.shared.waiting.records() + self.shared.unflushed.load(Relaxed);
        tracing::error!(records = left, "the decision log could not be written in time; its last records are lost");
        Counts { dropped: counts.dropped + left, ..counts }
    }
}

/// How often a busy log looks for records, and how many empty looks make it idle.
const LOOK: Duration = Duration::from_millis(5);
const LOOKS_UNTIL_IDLE: u32 = 40;
/// Records after which a log that is never idle is flushed.
const RECORDS_UNTIL_FLUSH: u64 = 256;

/// Where lines go.
struct Output {
    writer: BufWriter<Box<dyn Write + Send>>,
    /// Of a file, to open it again.
    path: Option<PathBuf>,
}

impl Output {
    fn of(writer: Box<dyn Write + Send>, path: Option<PathBuf>) -> Self {
        Self { writer: BufWriter::with_capacity(64 << 10, writer), path }
    }

    fn reopen(&mut self) {
        let Some(path) = &self.path else { return };
        match opened(path) {
            Ok(file) => *self = Self::of(Box::new(file), self.path.take()),
            Err(error) => {
                tracing::error!(%error, "the decision log cannot be opened again, and goes on where it was");
            }
        }
    }
}

/// The end of a file, which is created if it is not there.
fn opened(path: &Path) -> io::Result<File> {
    // WHY: opened for writing alone, a pipe that nobody reads yet would hold up the start, deaf to every signal.
    let is_pipe = fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo());
    OpenOptions::new().read(is_pipe).create(true).append(true).mode(FILE_MODE).open(path)
}

fn run<I: Serialize>(records: &Receiver<(Record<I>, usize)>, mut output: Output, shared: &Shared) {
    let mut line = Vec::with_capacity(1 << 10);
    let mut empty_looks = 0;
    loop {
        // WHY: a sender that must wake a waiting thread pays for a system call. A busy log looks every few milliseconds
        // instead of waiting; only an idle one waits, and then a single request pays.
        let next = if empty_looks < LOOKS_UNTIL_IDLE {
            records.try_recv()
        } else {
            records.recv().map_err(|_| TryRecvError::Disconnected)
        };
        match next {
            Ok((record, bytes)) => {
                empty_looks = 0;
                if shared.is_moved.swap(false, Relaxed) {
                    flush(&mut output.writer, shared);
                    output.reopen();
                }
                let counter =
                    if write(&record, &mut line, &mut output.writer) { &shared.unflushed } else { &shared.failed };
                counter.fetch_add(1, Relaxed);
                shared.waiting.take(bytes);
                if shared.unflushed.load(Relaxed) >= RECORDS_UNTIL_FLUSH {
                    flush(&mut output.writer, shared);
                }
            }
            Err(TryRecvError::Empty) => {
                if empty_looks == 0 {
                    flush(&mut output.writer, shared);
                }
                empty_looks += 1;
                thread::sleep(LOOK);
            }
            Err(TryRecvError::Disconnected) => return flush(&mut output.writer, shared),
        }
    }
}

/// Whether the writer took the record.
fn write<I: Serialize>(record: &Record<I>, line: &mut Vec<u8>, writer: &mut impl Write) -> bool {
    line.clear();
    serde_json::to_writer(&mut *line, record).is_ok() && {
        line.push(b'\n');
        writer.write_all(line).is_ok()
    }
}

/// Only what is flushed counts as written: until then it is in a buffer, and the disk may be full.
fn flush(writer: &mut impl Write, shared: &Shared) {
    let counter = match writer.flush() {
        Ok(()) => &shared.written,
        Err(error) => {
            tracing::error!(%error, "the decision log cannot be written");
            &shared.failed
        }
    };
    counter.fetch_add(shared.unflushed.swap(0, Relaxed), Relaxed);
}

fn rfc3339<S: serde::Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

#[cfg(test)]
mod tests;
