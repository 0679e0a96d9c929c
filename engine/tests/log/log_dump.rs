//! The dump: sees everything, names what is damaged.

use crate::fixture::{append, key, open, segment_count, small_options};
use corelog_engine::log::dump::{DumpEvent, DumpReport, dump};
use corelog_engine::log::{Damage, Flaw};
use corelog_rt::buffer::DirectBuffer;
use corelog_rt::file::DirectFile;
use corelog_rt::testing;
use std::ops::ControlFlow;
use std::path::Path;

async fn dumped(directory: &Path) -> (DumpReport, Vec<Damage>, Vec<u64>) {
    let mut damages = Vec::new();
    let mut commits = Vec::new();
    let report = dump(directory, &mut |event| {
        match event {
            DumpEvent::Damaged(damage) => damages.push((*damage).clone()),
            DumpEvent::Commit { position, .. } => commits.push(*position),
            _ => {}
        }
        ControlFlow::Continue(())
    })
    .await
    .unwrap();
    assert_eq!(report.damaged as usize, damages.len());
    (report, damages, commits)
}

/// Inverts one bit of a file.
async fn flip(path: &Path, position: u64) {
    let file = DirectFile::open(path).await.unwrap();
    let block = position / 4096 * 4096;
    let old = file.read_at(block, 4096).await.unwrap();
    let mut buffer = DirectBuffer::new(4096);
    buffer.copy_from_slice(&old);
    buffer[(position - block) as usize] ^= 1;
    file.write_at(buffer, block).await.0.unwrap();
    file.sync_data().await.unwrap();
    file.close().await.unwrap();
}

#[test]
fn sound_log_dumps_without_damage() {
    testing::run(|| async {
        let directory = testing::temp_dir();
        let (log, _) = open(&directory, &small_options()).await;
        let mut bytes = 0;
        for base in 0..600 {
            append(&log, key(base as u32 % 7), base / 7, 1, 4000).await;
            bytes += 4061;
        }
        let segments = segment_count(&log);
        log.close().await;
        let (report, damages, _) = dumped(&directory).await;
        assert_eq!(damages, []);
        assert_eq!((report.batches, report.batch_bytes), (600, bytes));
        assert!(report.segments >= segments);
    });
}

#[test]
fn every_kind_of_damage_is_named_with_its_place() {
    testing::run(|| async {
        let directory = testing::temp_dir();
        let (log, _) = open(&directory, &small_options()).await;
        for base in 0..600 {
            let last = append(&log, key(0), base, 1, 4000).await;
            log.durable(last).await.unwrap();
        }
        log.close().await;
        let first = directory.join("00000000000000000001.segment");
        let (_, _, commits) = dumped(&directory).await;
        let commit = commits[10];
        // The batch's body, its prefix, the commit's header, the table, the segment's header.
        for (position, check) in [
            (commit + 2000, (|flaw| matches!(flaw, Flaw::BatchChecksum { .. })) as fn(&Flaw) -> bool),
            (commit + 96 + 3, |flaw| matches!(flaw, Flaw::EntryAgainstBatches { .. })),
            (commit + 96 + 13, |flaw| matches!(flaw, Flaw::PrefixChecksum { .. })),
            (commit + 40, |flaw| matches!(flaw, Flaw::Checksum { .. })),
            (commit + 8000, |flaw| matches!(flaw, Flaw::Checksum { .. })),
            (50, |flaw| matches!(flaw, Flaw::Checksum { .. })),
        ] {
            let position = if position == commit + 8000 { table_of(&first, commit).await } else { position };
            flip(&first, position).await;
            let (_, damages, _) = dumped(&directory).await;
            assert!(damages.len() == 1 && check(&damages[0].flaw), "{position}: {damages:?}");
            assert_eq!(damages[0].file, first);
            if position > 4096 {
                assert!(damages[0].position >= commit && damages[0].position <= position, "{damages:?}");
            }
            flip(&first, position).await;
        }
        assert_eq!(dumped(&directory).await.1, []);
    });
}

async fn table_of(path: &Path, commit: u64) -> u64 {
    let file = DirectFile::open(path).await.unwrap();
    let block = file.read_at(commit, 4096).await.unwrap();
    let header = corelog_engine::log::commit::CommitHeader::decode(&block).unwrap();
    file.close().await.unwrap();
    commit + u64::from(header.table_position) + 5
}
