//! Owns how the pass keeps out of the way: it yields after each piece of work, and pauses while the log is busy.

use super::pass::SettleError;
use crate::ids::CommitSequence;
use crate::log::core::Core;
use corelog_rt::{task, time};

/// After so much work without I/O other tasks run, in bytes of records looked into.
const YIELD_BYTES: usize = 64 << 10;

/// Counts work that writes nothing.
pub(super) struct Pace {
    appended: CommitSequence,
    bytes: usize,
    unyielded: usize,
}

impl Pace {
    /// Begins to count.
    pub fn new(core: &Core) -> Pace {
        Pace { appended: appended(core), bytes: 0, unyielded: 0 }
    }

    /// So many bytes were worked on: gives way when it is time to.
    ///
    /// # Errors
    /// `Stopping`.
    pub async fn worked(&mut self, core: &Core, bytes: usize) -> Result<(), SettleError> {
        self.bytes += bytes;
        self.unyielded += bytes;
        if self.bytes >= core.options.commit_bytes_max {
            task::yield_now().await;
            give_way(core, self.appended).await?;
            *self = Pace::new(core);
        } else if self.unyielded >= YIELD_BYTES {
            self.unyielded = 0;
            task::yield_now().await;
        }
        Ok(())
    }
}

/// The last commit that anything was appended to.
pub(super) fn appended(core: &Core) -> CommitSequence {
    core.queue.borrow().sequence_appended()
}

/// Pauses if the log had something else to do since `before`.
///
/// # Errors
/// `Stopping`.
pub(super) async fn give_way(core: &Core, before: CommitSequence) -> Result<(), SettleError> {
    if core.stopping.get() {
        return Err(SettleError::Stopping);
    }
    if appended(core) != before && !core.queue.borrow().is_disk_full() {
        let stopping = core.signals.settle.notified();
        let _ = time::timeout(core.options.settle.busy_pause, stopping).await;
    }
    Ok(())
}
