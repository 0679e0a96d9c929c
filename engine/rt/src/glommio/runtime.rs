//! Starts and joins the executors.
//!
//! Owns the threads of the shards, from the calling thread, which waits. Every shard waits at a gate until all of them
//! have started, so that a failed start leaves nothing behind.
#![expect(unsafe_code, reason = "asks the kernel for the cores and for the thread's handle")]

use super::watchdog::{Patient, Pulse, Watchdog};
use super::{preflight, shard};
use crate::runtime::{Config, RunError};
use glommio::{ExecutorJoinHandle, LocalExecutorBuilder, Placement, PoolPlacement};
use std::cell::RefCell;
use std::future::Future;
use std::mem::MaybeUninit;
use std::sync::Arc;

pub(crate) fn shard() -> usize {
    shard::current().expect("inside a runtime")
}

pub(crate) fn available_cpus() -> Vec<usize> {
    // SAFETY: all zeroes is the empty set.
    let mut set: libc::cpu_set_t = unsafe { MaybeUninit::zeroed().assume_init() };
    // SAFETY: the kernel writes at most the length given.
    let result = unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut set) };
    if result != 0 {
        return Vec::new();
    }
    let count = 8 * size_of::<libc::cpu_set_t>();
    let contains = |cpu: &usize| {
        // SAFETY: the set has a bit for every number below `count`.
        unsafe { libc::CPU_ISSET(*cpu, &set) }
    };
    (0..count).filter(contains).collect()
}

pub(crate) fn check(config: &Config) -> Result<(), RunError> {
    preflight::check(config)
}

/// Runs all shards; a panic of one ends the process.
pub(crate) fn run<F, Fut>(config: &Config, main: F) -> Result<(), RunError>
where
    F: Fn(usize) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + 'static,
{
    let shards = Shards::start(config, main)?;
    if shards.join().is_err() {
        // The panic has been reported where it happened.
        std::process::abort();
    }
    Ok(())
}

/// What a shard's thread says when it is about to exist no more.
struct Ended {
    shard: usize,
    finished: bool,
}

/// Lives in a thread-local of the shard's thread, so that it speaks however the thread ends.
struct LastWord {
    shard: usize,
    finished: bool,
    ended: flume::Sender<Ended>,
}

thread_local! {
    static LAST_WORD: RefCell<Option<LastWord>> = const { RefCell::new(None) };
}

impl Drop for LastWord {
    fn drop(&mut self) {
        // Nobody listens if another shard has panicked already.
        let _ = self.ended.send(Ended { shard: self.shard, finished: self.finished });
    }
}

/// A shard panicked.
pub(crate) struct Panicked(pub(crate) Box<dyn std::any::Any + Send>);

/// The running threads.
pub(crate) struct Shards {
    threads: Vec<Option<ExecutorJoinHandle<()>>>,
    ended: flume::Receiver<Ended>,
    watchdog: Watchdog,
}

impl Shards {
    pub(crate) fn start<F, Fut>(config: &Config, main: F) -> Result<Shards, RunError>
    where
        F: Fn(usize) -> Fut + Clone + Send + 'static,
        Fut: Future<Output = ()> + 'static,
    {
        preflight::check(config)?;
        let (started, patients) = flume::unbounded();
        let (ended_sender, ended) = flume::unbounded();
        let mut threads = Vec::new();
        let mut gates = Vec::new();
        for shard in 0..config.shards {
            let (gate, open) = flume::bounded::<()>(1);
            let (main, started, ended) = (main.clone(), started.clone(), ended_sender.clone());
            let body = move || body(shard, main, started, ended, open);
            let thread = builder(config, shard).spawn(body).map_err(|error| executor_error(shard, &error))?;
            gates.push(gate);
            threads.push(Some(thread));
        }
        drop(started);
        let patients: Vec<Patient> = patients.into_iter().collect();
        if patients.len() < config.shards {
            drop(gates);
            return Err(first_error(threads));
        }
        let watchdog = Watchdog::start(patients, config.watchdog_interval, config.stall_report_after);
        for gate in gates {
            gate.send(()).expect("the shard waits at its gate");
        }
        Ok(Shards { threads, ended, watchdog })
    }

    /// Waits until all have finished, or until one has panicked; the others then run on.
    pub(crate) fn join(mut self) -> Result<(), Panicked> {
        for _ in 0..self.threads.len() {
            let ended = self.ended.recv().expect("every shard has a last word");
            if !ended.finished {
                let thread = self.threads.get_mut(ended.shard).and_then(Option::take).expect("it ends once");
                return Err(Panicked(panic_payload(thread)));
            }
        }
        drop(self.watchdog);
        for thread in self.threads.into_iter().flatten() {
            thread.join().expect("it said that it had finished");
        }
        Ok(())
    }
}

fn builder(config: &Config, shard: usize) -> LocalExecutorBuilder {
    let cpus = config.cpus.clone().unwrap_or_else(available_cpus);
    let placement = match cpus.get(shard) {
        Some(cpu) if cpus.len() >= config.shards => Placement::Fixed(*cpu),
        _ => Placement::Unbound,
    };
    LocalExecutorBuilder::new(placement)
        .name("shard")
        .io_memory(config.io_memory_bytes)
        .ring_depth(config.ring_depth)
        .preempt_timer(config.preempt_timer)
        .spin_before_park(config.spin_before_park)
        .blocking_thread_pool_placement(PoolPlacement::Unbound(1))
}

/// What runs on a shard's executor, first to last.
async fn body<F, Fut>(
    shard: usize,
    main: F,
    started: flume::Sender<Patient>,
    ended: flume::Sender<Ended>,
    open: flume::Receiver<()>,
) where
    F: Fn(usize) -> Fut,
    Fut: Future<Output = ()> + 'static,
{
    LAST_WORD.with_borrow_mut(|word| *word = Some(LastWord { shard, finished: false, ended }));
    let pulse = Arc::new(Pulse::default());
    // SAFETY: has no preconditions.
    let thread = unsafe { libc::pthread_self() };
    // The receiver waits until every sender is gone.
    let _ = started.send(Patient { shard, pulse: Arc::clone(&pulse), thread });
    drop(started);
    if open.recv_async().await.is_ok() {
        shard::enter(shard);
        let answering = crate::task::spawn(Arc::clone(&pulse).answer());
        main(shard).await;
        pulse.stop();
        answering.await;
        pulse.forget_waker();
        shard::leave();
    }
    LAST_WORD.with_borrow_mut(|word| {
        if let Some(word) = word {
            word.finished = true;
        }
    });
}

fn executor_error(shard: usize, error: &glommio::GlommioError<()>) -> RunError {
    RunError::Executor { shard, error: error.to_string() }
}

/// Joins what has started, whose gates are closed, and returns why another did not.
fn first_error(threads: Vec<Option<ExecutorJoinHandle<()>>>) -> RunError {
    let mut first = None;
    for (shard, thread) in threads.into_iter().flatten().enumerate() {
        if let Err(error) = thread.join() {
            first.get_or_insert(executor_error(shard, &error));
        }
    }
    first.unwrap_or_else(|| RunError::BadConfiguration("a shard ended before it began".to_owned()))
}

fn panic_payload(thread: ExecutorJoinHandle<()>) -> Box<dyn std::any::Any + Send> {
    use glommio::{BuilderErrorKind, GlommioError};
    match thread.join() {
        Err(GlommioError::BuilderError(BuilderErrorKind::ThreadPanic(payload))) => payload,
        Err(error) => Box::new(error.to_string()),
        Ok(()) => Box::new("a shard ended without finishing"),
    }
}
