//! Wakes shards that may have gone to sleep with work to do, and reports those that do not answer.
//!
//! Owns one thread per process and one small task per shard. The runtime underneath can park for good although tasks
//! are ready; a waker called from another thread gets it going again. An idle shard must stay asleep: a shard is woken
//! only if its thread used the processor since the last look, and now and then to be sure.
#![expect(unsafe_code, reason = "the processor time of another thread has no safe wrapper")]

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

/// An idle shard is woken all the same after this many looks.
const LOOKS_PER_ROUTINE_WAKE: u64 = 10;
/// While every shard is idle, the watchdog looks this many times less often.
const IDLE_SLOWDOWN: u32 = 4;

/// What the watchdog and one shard share.
#[derive(Default)]
#[expect(clippy::disallowed_types, reason = "the waker is called from the watchdog's thread, again and again")]
pub(crate) struct Pulse {
    waker: std::sync::Mutex<Option<Waker>>,
    /// Wakes asked for.
    asked: AtomicU64,
    /// The last wake that the shard answered.
    answered: AtomicU64,
    stop: AtomicBool,
}

/// The watchdog's own notes on one shard.
struct Watched {
    shard: usize,
    pulse: Arc<Pulse>,
    clock: libc::clockid_t,
    used_nanoseconds: u64,
    /// Looks since the shard was last woken.
    looks: u64,
    /// How long it has not answered.
    silent: Duration,
    reported: bool,
}

/// A shard's thread, as the watchdog needs it.
pub(crate) struct Patient {
    pub(crate) shard: usize,
    pub(crate) pulse: Arc<Pulse>,
    pub(crate) thread: libc::pthread_t,
}

/// Ends the watchdog when dropped.
pub(crate) struct Watchdog {
    stop: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Pulse {
    /// The task that answers; runs until `stop`.
    pub(crate) async fn answer(self: Arc<Self>) {
        poll_fn(|context| {
            match &mut *self.waker.lock().unwrap_or_else(PoisonError::into_inner) {
                Some(waker) => waker.clone_from(context.waker()),
                none => *none = Some(context.waker().clone()),
            }
            self.answered.store(self.asked.load(Ordering::Acquire), Ordering::Release);
            if self.stop.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.wake();
    }

    fn wake(&self) {
        if let Some(waker) = &*self.waker.lock().unwrap_or_else(PoisonError::into_inner) {
            waker.wake_by_ref();
        }
    }

    /// The task has ended: its waker must not outlive the executor.
    pub(crate) fn forget_waker(&self) {
        drop(self.waker.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

impl Watchdog {
    /// Watches the threads of `patients`, which must outlive the watchdog.
    #[expect(clippy::disallowed_methods, reason = "the watchdog must not run on what it watches")]
    pub(crate) fn start(patients: Vec<Patient>, interval: Duration, report_after: Duration) -> Watchdog {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let mut watched: Vec<Watched> = patients.into_iter().filter_map(Watched::new).collect();
        let thread = thread::spawn(move || {
            let mut pause = interval;
            while !stopped.load(Ordering::Acquire) {
                thread::park_timeout(pause);
                let mut any_busy = false;
                for watched in &mut watched {
                    any_busy |= watched.look(pause, report_after);
                }
                pause = if any_busy { interval } else { interval * IDLE_SLOWDOWN };
            }
        });
        Watchdog { stop, thread: Some(thread) }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // A watchdog that panicked has been reported by the panic.
            let _ = thread.join();
        }
    }
}

impl Watched {
    fn new(patient: Patient) -> Option<Watched> {
        let mut clock = 0;
        // SAFETY: the thread lives, because it is joined after the watchdog ended; the kernel writes one clock id.
        let result = unsafe { libc::pthread_getcpuclockid(patient.thread, &raw mut clock) };
        let Patient { shard, pulse, .. } = patient;
        let silent = Duration::ZERO;
        let watched = Watched { shard, pulse, clock, used_nanoseconds: 0, looks: 0, silent, reported: false };
        (result == 0).then_some(watched)
    }

    /// Looks once, `pause` after the last time. Returns whether the shard had anything to do since.
    fn look(&mut self, pause: Duration, report_after: Duration) -> bool {
        self.looks += 1;
        let asked = self.pulse.asked.load(Ordering::Relaxed);
        if self.pulse.answered.load(Ordering::Acquire) != asked {
            self.insist(pause, report_after);
            return true;
        }
        if self.reported {
            tracing::warn!(shard = self.shard, "the shard answers again after {:?}", self.silent);
            self.reported = false;
        }
        self.silent = Duration::ZERO;
        let used_nanoseconds = processor_nanoseconds(self.clock);
        let busy = used_nanoseconds != self.used_nanoseconds;
        self.used_nanoseconds = used_nanoseconds;
        // The answer to the last wake uses the processor too: one look without a wake comes in between.
        let busy = busy && self.looks > 1;
        if busy || self.looks >= LOOKS_PER_ROUTINE_WAKE {
            self.looks = 0;
            self.pulse.asked.store(asked.wrapping_add(1), Ordering::Release);
            self.pulse.wake();
        }
        busy
    }

    fn insist(&mut self, pause: Duration, report_after: Duration) {
        self.silent += pause;
        if self.silent >= report_after && !self.reported {
            self.reported = true;
            tracing::error!(shard = self.shard, "the shard has not answered for {:?}", self.silent);
        }
        self.pulse.wake();
    }
}

fn processor_nanoseconds(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the kernel writes one structure of this type.
    let result = unsafe { libc::clock_gettime(clock, &raw mut time) };
    if result != 0 {
        return 0;
    }
    (time.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watched() -> Watched {
        // SAFETY: has no preconditions.
        let thread = unsafe { libc::pthread_self() };
        Watched::new(Patient { shard: 3, pulse: Arc::default(), thread }).expect("this thread has a clock")
    }

    /// Uses the processor until its clock shows it.
    fn work(watched: &Watched) {
        let before = processor_nanoseconds(watched.clock);
        while processor_nanoseconds(watched.clock) == before {}
    }

    const PAUSE: Duration = Duration::from_millis(50);
    const REPORT_AFTER: Duration = Duration::from_millis(200);

    #[test]
    fn silent_shard_is_woken_again_and_again_and_reported_once() {
        let mut watched = watched();
        work(&watched);
        watched.look(PAUSE, REPORT_AFTER);
        work(&watched);
        assert!(watched.look(PAUSE, REPORT_AFTER), "it was busy, so it is asked");
        assert_eq!(watched.pulse.asked.load(Ordering::Relaxed), 1);
        for _ in 0..3 {
            watched.look(PAUSE, REPORT_AFTER);
            assert!(!watched.reported);
        }
        watched.look(PAUSE, REPORT_AFTER);
        assert!(watched.reported);
        watched.pulse.answered.store(1, Ordering::Relaxed);
        watched.look(PAUSE, REPORT_AFTER);
        assert!(!watched.reported && watched.silent.is_zero(), "an answer settles it");
    }

    #[test]
    fn answering_task_answers_and_ends() {
        crate::testing::run(|| async {
            let pulse = Arc::new(Pulse::default());
            let answering = crate::task::spawn(Arc::clone(&pulse).answer());
            crate::task::yield_now().await;
            pulse.asked.store(1, Ordering::Release);
            pulse.wake();
            crate::task::yield_now().await;
            assert_eq!(pulse.answered.load(Ordering::Acquire), 1);
            pulse.stop();
            answering.await;
        });
    }
}
