//! Work that gives way to requests, and is done all the same where they leave it nothing.
//!
//! A thread at idle priority gets what nobody else wants, which on a machine that is busy for good is next to nothing: a
//! bundle would never come into force, and nobody would know. No thread may raise its own priority again. So heavy work goes
//! to a thread that gives way, while the loader's own, at normal priority, waits; when it has waited long enough it does the
//! work once more itself; two loads then take memory at once, and never more. Otherwise all of it is done by one thread, or the memory that one frees would not be there for
//! the next. Knows nothing of bundles. Start with [`Gently::run`].

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use super::priority;

/// Work for the other thread, and whether it gives way from here on.
struct Job {
    gives_way: bool,
    work: Box<dyn FnOnce() + Send>,
}

/// A thread that gives way, and the patience with it. It ends with this.
#[derive(Debug)]
pub(super) struct Gently {
    patience: Duration,
    /// `None` when there is no such thread: all work is then done by the caller's.
    jobs: Option<Sender<Job>>,
    /// Jobs that the thread has not done with.
    open: Arc<AtomicUsize>,
    /// Closed when the thread has ended.
    ended: Receiver<()>,
    /// It has been waited for in vain, and works on that job still.
    is_late: bool,
}

impl Gently {
    /// Starts the thread, which is waited for no longer than `patience` once it gives way.
    pub(super) fn new(patience: Duration) -> Self {
        let (jobs, inbox) = mpsc::channel();
        let (ends, ended) = mpsc::channel();
        let open = Arc::new(AtomicUsize::new(0));
        let left = Arc::clone(&open);
        let thread = thread::Builder::new().name("loader-work".to_owned()).spawn(move || {
            let _ends: Sender<()> = ends;
            work(&inbox, &left);
        });
        let told = |error: &_| tracing::warn!(%error, "loader gives way to nobody");
        let jobs = thread.inspect_err(told).is_ok().then_some(jobs);
        Self { patience, jobs, open, ended, is_late: false }
    }

    /// What `job` gives, done by the other thread while nobody has to give way yet: as soon as it can be.
    pub(super) fn run_first<T: Send + 'static>(&mut self, job: impl Fn() -> T + Send + Sync + 'static) -> T {
        self.send(false, job).unwrap_or_else(|(job, _)| job())
    }

    /// What `job` gives. It is done by the thread that gives way, and once more here when that takes longer than the
    /// patience lasts; `job` must not mind. While that thread is late, only here.
    pub(super) fn run<T: Send + 'static>(&mut self, job: impl Fn() -> T + Send + Sync + 'static) -> T {
        self.is_late &= self.open.load(SeqCst) > 0;
        if self.is_late {
            return job();
        }
        self.send(true, job).unwrap_or_else(|(job, is_late)| {
            self.is_late = is_late;
            job()
        })
    }

    /// What `job` gives on the other thread; `Err` with the job when that has ended, or is late, which the second says.
    fn send<T: Send + 'static, J: Fn() -> T + Send + Sync + 'static>(
        &self,
        gives_way: bool,
        job: J,
    ) -> Result<T, (Arc<J>, bool)> {
        let job = Arc::new(job);
        let theirs = Arc::clone(&job);
        let (answer, answers) = mpsc::channel();
        // A closed channel: nobody waits any more.
        let work = Box::new(move || drop(answer.send(theirs())));
        self.hand_over(Job { gives_way, work });
        let done = match gives_way {
            true => answers.recv_timeout(self.patience),
            false => answers.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        done.map_err(|error| {
            let is_late = error == RecvTimeoutError::Timeout;
            if is_late {
                tracing::warn!(
                    waited_ms = u64::try_from(self.patience.as_millis()).unwrap_or(u64::MAX),
                    "loader got too little of the processor at idle priority, it goes on at normal priority"
                );
            }
            (job, is_late)
        })
    }

    /// Leaves `job` to the thread that gives way. While that is late it is done here, or what waits to be freed would pile
    /// up.
    pub(super) fn leave(&mut self, job: impl FnOnce() + Send + 'static) {
        self.is_late &= self.open.load(SeqCst) > 0;
        if self.is_late { job() } else { self.hand_over(Job { gives_way: true, work: Box::new(job) }) }
    }

    fn hand_over(&self, job: Job) {
        self.open.fetch_add(1, SeqCst);
        let job = match &self.jobs {
            Some(jobs) => jobs.send(job).err().map(|unsent| unsent.0),
            None => Some(job),
        };
        // WHY: the thread has ended, by a bug in a job; what it would have done is done here.
        if let Some(job) = job {
            (job.work)();
            self.open.fetch_sub(1, SeqCst);
        }
    }
}

fn work(inbox: &Receiver<Job>, open: &AtomicUsize) {
    let mut has_given_way = false;
    for Job { gives_way, work } in inbox {
        if gives_way
            && !std::mem::replace(&mut has_given_way, true)
            && let Err(error) = priority::lower()
        {
            tracing::warn!(%error, "loader keeps its normal priority");
        }
        work();
        open.fetch_sub(1, SeqCst);
    }
}

impl Drop for Gently {
    fn drop(&mut self) {
        drop(self.jobs.take());
        // A thread that is late may take for ever; nothing that it does matters any more.
        if !self.is_late {
            let _ = self.ended.recv_timeout(self.patience);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::thread::ThreadId;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    fn here() -> ThreadId {
        thread::current().id()
    }

    #[test]
    fn first_work_is_waited_for_and_done_by_the_same_thread_as_later_work() {
        let mut gently = Gently::new(Duration::ZERO);
        let by = gently.run_first(here);
        assert_ne!(by, here());
        gently.patience = PATIENCE;
        assert_eq!(gently.run(here), by);
    }

    #[test]
    fn work_is_done_once_by_the_thread_that_gives_way() {
        let mut gently = Gently::new(PATIENCE);
        let done = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&done);
        let by = gently.run(move || {
            count.fetch_add(1, SeqCst);
            here()
        });
        assert_ne!(by, here());
        assert_eq!(done.load(SeqCst), 1);
        assert_eq!(gently.run(here), by, "always the same one");
        let (told, left) = mpsc::channel();
        gently.leave(move || told.send(here()).unwrap());
        assert_eq!(left.recv().unwrap(), by);
    }

    /// With all cores taken a new bundle never came into force: nothing gave the loader's thread a turn.
    #[test]
    fn work_for_which_nothing_is_left_is_done_here_and_gives_way_again_later() {
        let mut gently = Gently::new(Duration::ZERO);
        let (go_on, wait) = mpsc::channel::<()>();
        let (wait, caller) = (Mutex::new(wait), here());
        // The other thread gets no turn before it is told to go on.
        let by = gently.run(move || {
            if here() != caller {
                wait.lock().unwrap().recv().unwrap_err();
            }
            here()
        });
        assert_eq!(by, caller);
        assert_eq!(gently.run(here), caller, "it is late, and not waited for again");
        gently.leave(move || assert_eq!(here(), caller));
        drop(go_on);
        while gently.open.load(SeqCst) > 0 {
            thread::yield_now();
        }
        gently.patience = PATIENCE;
        assert_ne!(gently.run(here), caller);
    }

    #[test]
    fn work_is_done_although_the_thread_that_gives_way_has_ended() {
        let mut gently = Gently::new(PATIENCE);
        let caller = here();
        let by = gently.run(move || {
            assert_eq!(here(), caller, "a bug, there only");
            here()
        });
        assert_eq!((by, gently.run(here)), (caller, caller));
        let (told, left) = mpsc::channel();
        gently.leave(move || told.send(here()).unwrap());
        assert_eq!(left.recv().unwrap(), caller);
    }
}
