//! A commit that was written behind one that was lost, and never acknowledged, must never come back to life.

use crate::fixture::{Collector, append, batch, key, open, small_options, try_append};
use corelog_engine::ids::Offset;
use corelog_engine::log::dump::{DumpEvent, dump};
use corelog_engine::log::{Defects, LogOptions, ShardLog};
use corelog_rt::buffer::DirectBuffer;
use corelog_rt::file::DirectFile;
use corelog_rt::sim::Sim;
use std::ops::ControlFlow;
use std::path::PathBuf;

const DIRECTORY: &str = "/sim/log";
/// Each append has a commit of its own.
const PAYLOAD: usize = 70_000;

async fn commit_positions() -> Vec<(u64, u32)> {
    let mut found = Vec::new();
    let mut visit = |event: &DumpEvent<'_>| {
        if let DumpEvent::Commit { position, header } = event {
            found.push((*position, header.bytes));
        }
        ControlFlow::Continue(())
    };
    dump(&PathBuf::from(DIRECTORY), &mut visit).await.unwrap();
    found
}

async fn overwrite(position: u64, bytes: &[u8]) {
    let file = DirectFile::open(&PathBuf::from(DIRECTORY).join("00000000000000000001.segment")).await.unwrap();
    let mut buffer = DirectBuffer::new(bytes.len());
    buffer.copy_from_slice(bytes);
    file.write_at(buffer, position).await.0.unwrap();
    file.sync_data().await.unwrap();
}

/// Leaves the log as a crash may: commit N lost, N + 1 there; then N anew, of the same length, and another crash. Gives back what the
/// log holds then: end, and the batch behind N.
async fn resurrect(options: LogOptions) -> (Offset, Vec<u8>) {
    let (first, second) = {
        let positions = commit_positions().await;
        (positions[2], positions[3])
    };
    let file = DirectFile::open(&PathBuf::from(DIRECTORY).join("00000000000000000001.segment")).await.unwrap();
    let stale = file.read_at(second.0, second.1 as usize).await.unwrap();
    drop(file);
    overwrite(first.0, &vec![0; first.1 as usize]).await;
    let mut collector = Collector::default();
    let log = ShardLog::open(PathBuf::from(DIRECTORY), options.clone(), &mut collector).await.unwrap();
    assert_eq!(log.partition_range(key(0)), Some((Offset(0), Offset(1))), "the log ends at the hole");
    log.start();
    let last = append(&log, key(0), 1, 1, PAYLOAD).await;
    log.durable(last).await.unwrap();
    assert_eq!(commit_positions().await[2], first, "the new commit fills the hole exactly");
    overwrite(second.0, &stale).await;
    let again = ShardLog::open(PathBuf::from(DIRECTORY), options, &mut Collector::default()).await.unwrap();
    let (_, end) = again.partition_range(key(0)).unwrap();
    let records = again.read(key(0), Offset(2), end, 1 << 20, true).await.unwrap();
    (end, records.slices.concat())
}

fn prepared() -> Sim {
    let sim = Sim::new(11);
    sim.run(async {
        let (log, _) = open(&PathBuf::from(DIRECTORY), &small_options()).await;
        let first = append(&log, key(0), 0, 1, PAYLOAD).await;
        log.durable(first).await.unwrap();
        // In flight together: neither says that the other is durable.
        try_append(&log, key(0), 1, 1, PAYLOAD).unwrap();
        let last = try_append(&log, key(0), 2, 1, PAYLOAD).unwrap();
        log.durable(last).await.unwrap();
    })
    .done();
    sim
}

#[test]
fn stale_commit_behind_a_filled_hole_stays_dead() {
    let (end, bytes) = prepared().run(resurrect(small_options())).done();
    assert_eq!((end, bytes.len()), (Offset(2), 0));
}

#[test]
fn without_the_chain_it_would_come_back() {
    let mut options = small_options();
    options.defects = Defects { unchecked_chain: true, ..Defects::default() };
    let (end, bytes) = prepared().run(resurrect(options)).done();
    assert_eq!((end, bytes), (Offset(3), batch(2, 1, PAYLOAD, 1_000_002)));
}
