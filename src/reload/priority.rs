//! The priority of the thread that does the loader's heavy work: it works only when nobody else wants the processor.

/// Lowers the priority of the calling thread and of the threads it starts from now on.
///
/// Linux: `SCHED_IDLE`; merely the lowest nice value still takes whole slices of time from a server on the same core.
/// Where idle scheduling is refused or unknown, the lowest normal priority. There is no way back: Linux lets no thread
/// without privileges raise itself again.
///
/// # Errors
/// What the system said if it refused both.
pub(super) fn lower() -> Result<(), thread_priority::Error> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use thread_priority::unix::{
            NormalThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy, thread_native_id,
            thread_schedule_policy,
        };
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        let set = set_thread_priority_and_policy(thread_native_id(), thread_priority::ThreadPriority::Min, idle);
        // WHY: the call also sets the nice value, which means nothing to an idle thread but may be refused.
        if set.is_ok() || thread_schedule_policy().is_ok_and(|policy| policy == idle) {
            return Ok(());
        }
    }
    thread_priority::ThreadPriority::Min.set_for_current()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use thread_priority::unix::{NormalThreadSchedulePolicy, ThreadSchedulePolicy, thread_schedule_policy};

    #[test]
    fn the_loader_gives_way_to_everybody_else() {
        let policy = std::thread::spawn(|| {
            super::lower().unwrap();
            thread_schedule_policy().unwrap()
        });
        assert_eq!(policy.join().unwrap(), ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle));
    }
}
