//! Instructions that processes execute in user mode, from the processor's own counters, where the kernel lets one read them.
//!
//! Called by the thread that steers a run. A count hardly depends on what else the machine does, so it shows small changes of code that
//! times hide. Virtual machines often have no counters; that is said, never guessed around.

use std::fs;
use std::io;

use perf_event::events::{Event, Hardware};
use perf_event::{Builder, Counter};
use serde::{Deserialize, Serialize};

/// Instructions, or why there are none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstructionCount {
    /// So many, of all threads together.
    Counted(u64),
    /// Why they cannot be counted.
    Absent(String),
}

impl InstructionCount {
    /// What was executed since `earlier`.
    pub fn since(&self, earlier: &InstructionCount) -> InstructionCount {
        match (self, earlier) {
            (InstructionCount::Counted(now), InstructionCount::Counted(then)) => {
                InstructionCount::Counted(now.saturating_sub(*then))
            }
            (InstructionCount::Absent(words), _) | (_, InstructionCount::Absent(words)) => {
                InstructionCount::Absent(words.clone())
            }
        }
    }
}

/// Counts all threads of some processes, and the threads that they start.
pub struct InstructionCounter {
    counters: Result<Vec<Counter>, String>,
}

impl InstructionCounter {
    /// Begins to count. Never fails: where there is nothing to count with, that is the answer of [`InstructionCounter::read`].
    pub fn open(pids: &[u32]) -> InstructionCounter {
        InstructionCounter { counters: open_all(pids, &Hardware::INSTRUCTIONS).map_err(|error| in_words(&error)) }
    }

    /// The count so far.
    pub fn read(&mut self) -> InstructionCount {
        let counters = match &mut self.counters {
            Ok(counters) => counters,
            Err(words) => return InstructionCount::Absent(words.clone()),
        };
        let mut sum = 0;
        for counter in counters {
            match counter.read() {
                Ok(count) => sum += count,
                Err(error) => return InstructionCount::Absent(in_words(&error)),
            }
        }
        InstructionCount::Counted(sum)
    }
}

fn open_all<E: Event + Clone>(pids: &[u32], event: &E) -> io::Result<Vec<Counter>> {
    let mut counters = Vec::new();
    for pid in pids {
        for task in fs::read_dir(format!("/proc/{pid}/task"))? {
            let Some(thread) = task?.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
            let mut builder = Builder::new(event.clone());
            // Without the kernel it needs the least rights; threads that start later are counted with the one that starts them.
            builder.observe_pid(thread).any_cpu().inherit(true).exclude_kernel(true).exclude_hv(true);
            let mut counter = builder.build()?;
            counter.enable()?;
            counters.push(counter);
        }
    }
    Ok(counters)
}

fn in_words(error: &io::Error) -> String {
    let reason = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::Unsupported => "this machine shows no instruction counter",
        io::ErrorKind::PermissionDenied => "the kernel does not allow it (sysctl kernel.perf_event_paranoid)",
        _ => "the counter cannot be read",
    };
    format!("{reason}: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use perf_event::events::Software;

    #[test]
    fn a_process_is_counted_or_the_reason_is_said() {
        let mut counter = InstructionCounter::open(&[std::process::id()]);
        let first = counter.read();
        let spent = counter.read().since(&first);
        match spent {
            InstructionCount::Counted(count) => assert!(count > 0),
            InstructionCount::Absent(words) => assert!(!words.is_empty()),
        }
        assert!(matches!(InstructionCounter::open(&[u32::MAX]).read(), InstructionCount::Absent(_)));
    }

    /// The kernel's own clock counts where no hardware does: every thread is found, and more is counted later.
    #[test]
    fn what_a_thread_does_is_added() {
        let Ok(mut counters) = open_all(&[std::process::id()], &Software::TASK_CLOCK) else { return };
        let mut sum = || counters.iter_mut().map(|counter| counter.read().unwrap()).sum::<u64>();
        let first = sum();
        let mut value = 0_u64;
        while sum() == first {
            value = std::hint::black_box(value.wrapping_add(1));
        }
    }
}
