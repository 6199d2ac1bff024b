//! The log when its writer is slow, broken or gone.

use std::sync::{Condvar, Mutex};

use super::*;

const PATIENCE: Duration = Duration::from_secs(60);

/// A writer that does not return from its first write until it is opened.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<GateState>, Condvar)>);

#[derive(Default)]
struct GateState {
    is_entered: bool,
    is_open: bool,
    text: Vec<u8>,
}

impl Gate {
    fn wait_for_writer(&self) {
        let (state, changed) = &*self.0;
        drop(changed.wait_while(state.lock().unwrap(), |state| !state.is_entered).unwrap());
    }

    fn open(&self) {
        self.0.0.lock().unwrap().is_open = true;
        self.0.1.notify_all();
    }
}

impl Write for Gate {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (state, changed) = &*self.0;
        let mut state = state.lock().unwrap();
        state.is_entered = true;
        changed.notify_all();
        let mut state = changed.wait_while(state, |state| !state.is_open).unwrap();
        state.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn record(request_id: String) -> Record<&'static str> {
    Record {
        pep: None,
        time: Timestamp::UNIX_EPOCH,
        request_id,
        surface: "grpc",
        input: "the request",
        decision: "block",
        reason: "blocked_by_policy",
        field: None,
        outside: false,
        policies: ["p1"].iter().collect(),
        report_only: Names::default(),
        unmet_controls: Names::default(),
        token: None,
        obligations: None,
        bundle: Bundle { name: "b".to_owned(), revision: "1".to_owned(), digest: "d".to_owned() },
        stale: false,
        duration_ns: 7,
        country: None,
    }
}

#[test]
fn a_blocked_sink_drops_and_counts_records_and_never_blocks_the_sender() {
    let gate = Gate::default();
    let (log, sender) = start(Target::Writer(Box::new(gate.clone()))).unwrap().unwrap();
    // The first flush enters the gate; from then on nothing leaves the queue.
    sender.send(record("first".to_owned()), 100);
    gate.wait_for_writer();
    let sent = limits::LOG_QUEUE_MAX + 10;
    for number in 0..sent {
        sender.send(record(number.to_string()), 100);
    }
    assert_eq!(log.meter().counts().dropped, 10);
    gate.open();
    drop(sender);
    let counts = log.finish(PATIENCE);
    assert_eq!(counts, Counts { written: 1 + limits::LOG_QUEUE_MAX as u64, dropped: 10, failed: 0 });
    let text = String::from_utf8(gate.0.0.lock().unwrap().text.clone()).unwrap();
    assert_eq!(text.lines().count() as u64, counts.written);
}

/// A server was told to end, and did not for as long as whoever read its log had stalled.
#[test]
fn a_blocked_sink_keeps_nobody_from_ending_and_what_is_left_is_counted() {
    let gate = Gate::default();
    let (log, sender) = start(Target::Writer(Box::new(gate.clone()))).unwrap().unwrap();
    for number in 0..10 {
        sender.send(record(number.to_string()), 100);
    }
    gate.wait_for_writer();
    drop(sender);
    assert_eq!(log.finish(Duration::from_millis(1)), Counts { written: 0, dropped: 10, failed: 0 });
    gate.open();
}

#[test]
fn waiting_records_are_bounded_in_bytes_too() {
    let gate = Gate::default();
    let (log, sender) = start(Target::Writer(Box::new(gate.clone()))).unwrap().unwrap();
    sender.send(record("first".to_owned()), 1);
    gate.wait_for_writer();
    let large = limits::LOG_QUEUE_BYTES_MAX / 4 - 4096;
    for number in 0..6 {
        sender.send(record(number.to_string()), large);
    }
    assert_eq!(log.meter().counts().dropped, 2);
    gate.open();
    drop(sender);
    assert_eq!(log.finish(PATIENCE).failed, 0);
}

/// Only the request was counted: a thousand policies that would have blocked made sixty times as much of it.
#[test]
fn names_of_policies_count_as_bytes_that_wait() {
    let gate = Gate::default();
    let (log, sender) = start(Target::Writer(Box::new(gate.clone()))).unwrap().unwrap();
    sender.send(record("first".to_owned()), 1);
    gate.wait_for_writer();
    let ids: Vec<_> = (0..1_000).map(|number| format!("cccccccc-0000-4000-8000-{number:012}")).collect();
    let text: usize = ids.iter().map(String::len).sum();
    let sent = 2 * limits::LOG_QUEUE_BYTES_MAX / text;
    for number in 0..sent {
        sender.send(Record { report_only: ids.iter().collect(), ..record(number.to_string()) }, 1);
    }
    let kept = sent - usize::try_from(log.meter().counts().dropped).unwrap();
    assert!(kept * text <= limits::LOG_QUEUE_BYTES_MAX && kept * text > limits::LOG_QUEUE_BYTES_MAX / 2, "{kept}");
    gate.open();
    drop(sender);
    assert_eq!(log.finish(PATIENCE).written, 1 + kept as u64);
}

#[test]
fn a_failing_sink_is_counted_and_does_not_stop_the_log() {
    struct Failing;
    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::other("full"))
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (log, sender) = start(Target::Writer(Box::new(Failing))).unwrap().unwrap();
    for number in 0..3 {
        sender.send(record(number.to_string()), 1);
    }
    drop(sender);
    assert_eq!(log.finish(PATIENCE), Counts { written: 0, dropped: 0, failed: 3 });
}

#[test]
fn nothing_counts_as_written_on_a_full_disk() {
    let (log, sender) = start(Target::File("/dev/full".into())).unwrap().unwrap();
    for number in 0..1_000 {
        sender.send(record(number.to_string()), 1);
    }
    drop(sender);
    assert_eq!(log.finish(PATIENCE), Counts { written: 0, dropped: 0, failed: 1_000 });
}

#[test]
fn a_new_log_is_not_for_everyone_to_read() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("decisions.jsonl");
    let (log, sender) = start::<&str>(Target::File(path.clone())).unwrap().unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o137, 0);
    drop(sender);
    log.finish(PATIENCE);
}

#[test]
fn a_record_is_one_line_of_json() {
    let line = serde_json::to_string(&record("a\nb".to_owned())).unwrap();
    insta::assert_snapshot!(line, @r#"{"time":"1970-01-01T00:00:00Z","requestId":"a\nb","surface":"grpc","input":"the request","decision":"block","reason":"blocked_by_policy","policies":["p1"],"reportOnly":[],"unmetControls":[],"bundle":{"name":"b","revision":"1","digest":"d"},"durationNs":7}"#);
}
