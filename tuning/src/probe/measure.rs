//! Measures one cell: as many workers as operations are to be in flight, each starting the next when its last is done.
//!
//! Runs on the tool's one shard. Positions run through the file in order, as a log does.

use std::cell::{Cell as Slot, RefCell};
use std::io;
use std::rc::Rc;
use std::time::Duration;

use corelog_rt::buffer::DirectBuffer;
use corelog_rt::file::DirectFile;
use corelog_rt::time::{self, Instant};
use corelog_rt::{rand, task};

use super::plan::{Cell, Operation};
use super::sample::Gathered;

/// How much of the time passes before anything counts.
const WARM_UP_DIVISOR: u32 = 8;

/// What the workers of one cell share.
struct Shared {
    file: Rc<DirectFile>,
    cell: Cell,
    /// Bytes of the file that may be touched.
    bytes: u64,
    /// Whether it ends where the file ends, instead of beginning anew.
    once: bool,
    position: Slot<u64>,
    counts_from: Instant,
    ends: Instant,
    gathered: RefCell<Gathered>,
}

/// Measures `cell` for `time` in the first `bytes` of `file`. With `once` each place is touched at most once.
pub async fn measure(
    file: &Rc<DirectFile>,
    cell: Cell,
    bytes: u64,
    once: bool,
    time: Duration,
) -> io::Result<Gathered> {
    let begun = time::now();
    // Space that is written once is too short to throw any of it away.
    let counts_from = if once { begun } else { begun + time / WARM_UP_DIVISOR };
    let shared = Rc::new(Shared {
        file: Rc::clone(file),
        cell,
        bytes,
        once,
        position: Slot::new(0),
        counts_from,
        ends: begun + time,
        gathered: RefCell::default(),
    });
    let workers: Vec<_> = (0..cell.depth).map(|_| task::spawn(work(Rc::clone(&shared)))).collect();
    let mut result = Ok(());
    for worker in workers {
        result = result.and(worker.await);
    }
    result?;
    let mut gathered = shared.gathered.take();
    gathered.took(time::now().saturating_since(counts_from));
    Ok(gathered)
}

async fn work(shared: Rc<Shared>) -> io::Result<()> {
    let mut buffer = (shared.cell.operation != Operation::Read).then(|| random_buffer(shared.cell.bytes));
    while time::now() < shared.ends {
        let Some(position) = next_position(&shared) else { break };
        let begun = time::now();
        match buffer.take() {
            Some(filled) => {
                let (written, same) = shared.file.write_at(filled, position).await;
                buffer = Some(same);
                written?;
                if shared.cell.operation == Operation::WriteSync {
                    shared.file.sync_data().await?;
                }
            }
            None => drop(shared.file.read_at(position, shared.cell.bytes).await?),
        }
        let ended = time::now();
        if begun >= shared.counts_from {
            shared.gathered.borrow_mut().add(ended.saturating_since(begun));
        }
    }
    Ok(())
}

fn next_position(shared: &Shared) -> Option<u64> {
    let bytes = shared.cell.bytes as u64;
    let mut position = shared.position.get();
    if position + bytes > shared.bytes {
        if shared.once {
            return None;
        }
        position = 0;
    }
    shared.position.set(position + bytes);
    Some(position)
}

/// Bytes that no device can make smaller.
pub fn random_buffer(bytes: usize) -> DirectBuffer {
    let mut buffer = DirectBuffer::unzeroed(bytes);
    rand::fill(&mut buffer);
    buffer
}
