//! The loader's thread and the handle to it.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};

use super::machine::{Input, Pace};
use super::outcome::{Built, Loaded, Rejection};
use super::sequence::KeptSequence;
use super::snapshot::Active;
use super::status::{Status, View};
use super::watch::Bell;
use super::work::Work;
use crate::source::Source;
use crate::text::RawBundle;

/// A running loader. Dropping it stops it.
#[derive(Debug)]
pub struct Loader {
    messages: Sender<Message>,
    status: Arc<Status>,
    thread: Option<JoinHandle<()>>,
}

/// Why no bundle came into force at the start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FirstLoadError {
    /// The first bundle was refused. The loader goes on and takes the next good one.
    #[error("{}", .0.message)]
    Rejected(Rejection),
    /// The loader ended first.
    #[error("the loader has ended")]
    Stopped,
}

#[derive(Debug)]
enum Message {
    Changed,
    Reload,
    Stop,
}

impl Loader {
    /// Starts a loader. It begins to load at once; [`Loader::wait_first`] waits for the outcome.
    ///
    /// `kept` says which sequences are too low, and is brought up to date. `build` makes a bundle of files. `on_load` is called after each load, when `active` and `status` are up to date.
    /// `build` runs on the loader's threads, on each of them at once when one of them gets no turn; `on_load` on one.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start<B: Loaded>(
        source: Source,
        pace: Pace,
        active: Arc<Active<B>>,
        status: Arc<Status>,
        kept: Option<KeptSequence>,
        build: impl Fn(&RawBundle) -> Built<B> + Send + Sync + 'static,
        on_load: impl FnMut(&View) + Send + 'static,
    ) -> io::Result<Self> {
        let (messages, inbox) = mpsc::channel();
        let event = messages.clone();
        let bell = Bell::new(move || {
            // A closed channel means that the thread has ended: nobody is left to hear of changes.
            let _ = event.send(Message::Changed);
        });
        let work = Work::new(source, pace, active, Arc::clone(&status), bell.clone(), build, on_load).keeping(kept);
        let stopped = StoppedOnDrop(Arc::clone(&status));
        let thread = thread::Builder::new().name("loader".to_owned()).spawn(move || {
            let _stopped = stopped;
            run(work, &inbox, &bell);
        })?;
        Ok(Self { messages, status, thread: Some(thread) })
    }

    /// Asks for a load now, as SIGHUP does. A bundle that was refused before is tried and reported again.
    pub fn reload(&self) {
        let _ = self.messages.send(Message::Reload);
    }

    /// Waits until the first load has ended.
    ///
    /// # Errors
    /// No bundle came into force, with the reason.
    pub fn wait_first(&self) -> Result<(), FirstLoadError> {
        let view = self.status.wait(|view| view.active.is_some() || view.rejected.is_some() || view.has_stopped);
        match (&view.active, &view.rejected) {
            (Some(_), _) => Ok(()),
            (None, Some(rejected)) => Err(FirstLoadError::Rejected(rejected.rejection.clone())),
            (None, None) => Err(FirstLoadError::Stopped),
        }
    }

    /// Stops the loader and waits for its thread. A load that runs is finished first. What is active stays active.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let _ = self.messages.send(Message::Stop);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("loader ended by a bug");
        }
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.end();
    }
}

fn run<B: Loaded>(mut work: Work<B>, inbox: &Receiver<Message>, bell: &Bell) {
    work.step(Input::Tick);
    loop {
        let message = match work.wait() {
            Some(wait) => inbox.recv_timeout(wait),
            None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match message {
            Ok(Message::Changed) => {
                bell.hear();
                work.step(Input::Changed);
            }
            Ok(Message::Reload) => work.step(Input::Reload),
            Err(RecvTimeoutError::Timeout) => work.step(Input::Tick),
            Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// However the thread ends, nobody waits for it for ever.
struct StoppedOnDrop(Arc<Status>);

impl Drop for StoppedOnDrop {
    fn drop(&mut self) {
        self.0.update(|view| view.has_stopped = true);
    }
}
