//! Owns what a case is: something to prepare once and to run any number of times, doing the same each time.

use std::hint::black_box;
use std::time::Duration;

use corelog_rt::runtime::{self, Config};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

/// Longer than any case takes.
const SPIN: Duration = Duration::from_mins(10);

/// The work of a case. Everything that only one run can use is made by `reset`, which is neither timed nor counted.
pub trait Work {
    /// Makes the next `run` possible.
    fn reset(&mut self) {}

    /// Does it once, and says how much it did: bytes or things, as the case says.
    fn run(&mut self) -> u64;
}

/// What a case works through in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// Bytes of batches or of a message.
    Bytes(u64),
    /// Look-ups, partitions, entries.
    Things(u64),
}

impl Amount {
    /// The number, whatever it counts.
    pub fn number(self) -> u64 {
        match self {
            Amount::Bytes(number) | Amount::Things(number) => number,
        }
    }
}

type Preparation = fn() -> LocalBoxFuture<'static, Box<dyn Work>>;

/// One hot function, or a few that belong together, on one input.
#[derive(Clone, Copy)]
pub struct Case {
    /// Its name in reports and in the baseline.
    pub name: &'static str,
    /// What one run works through.
    pub amount: Amount,
    /// Whether it needs a log, and so a shard to run on.
    pub needs_shard: bool,
    prepare: Preparation,
}

impl Case {
    /// A case that runs anywhere.
    pub const fn anywhere(name: &'static str, amount: Amount, prepare: Preparation) -> Case {
        Case { name, amount, needs_shard: false, prepare }
    }

    /// A case that runs on a shard.
    pub const fn on_shard(name: &'static str, amount: Amount, prepare: Preparation) -> Case {
        Case { name, amount, needs_shard: true, prepare }
    }

    /// Prepares it, warm: it has run before, so what the first run alone does is done. Waits for the device where it needs a shard.
    ///
    /// # Panics
    /// If a run does not do what the case says.
    pub async fn prepare(&self) -> Box<dyn Work> {
        let mut work = (self.prepare)().await;
        for _ in 0..2 {
            work.reset();
            assert_eq!(work.run(), self.amount.number(), "{} does all of it", self.name);
        }
        work.reset();
        work
    }

    /// Calls `body` with the case's work, on a shard of its own where it needs one. That shard never sleeps: valgrind lets no other thread
    /// run while one waits in `io_uring_enter`.
    pub fn with_work(self, body: fn(Case, &mut dyn Work)) {
        if self.needs_shard {
            // Only a shard that is bound to a core spins; another process takes another core.
            let cpus = runtime::available_cpus();
            let cpu = cpus.get(std::process::id() as usize % cpus.len().max(1)).copied();
            let config = Config { cpus: cpu.map(|cpu| vec![cpu]), spin_before_park: SPIN, ..Config::default() };
            runtime::run(&config, move |_shard| async move { body(self, &mut *self.prepare().await) })
                .expect("a machine that can run a shard");
        } else {
            let mut work = self.prepare().now_or_never().expect("it waits for nothing");
            body(self, &mut *work);
        }
    }
}

/// One run, in a function of its own: the instruction counts are those inside it.
#[inline(never)]
pub fn measured(work: &mut dyn Work) {
    black_box(work.run());
}
