//! Logs written by former versions stay readable for ever.
//!
//! `fixtures/format-1/` holds the files of a small log as the first version wrote them, each compressed with zstd. They are never changed: a newer format
//! gets a fixture of its own, made by running `write_fixture` with its directory in `CORELOG_FIXTURE`.

use crate::fixture::{Said, append, batch, key, open, read_all, small_options};
use corelog_engine::ids::{LeaderEpoch, Offset, PartitionKey};
use corelog_engine::log::dump::{DumpEvent, dump};
use corelog_engine::log::{EntryProgress, LogObserver, LogOptions, ReadError, ShardLog};
use corelog_rt::buffer::DirectBuffer;
use corelog_rt::file::DirectFile;
use corelog_rt::testing;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::rc::Rc;

const FORMAT_1: [(&str, &[u8]); 3] = [
    ("00000000000000000001.segment", include_bytes!("fixtures/format-1/00000000000000000001.segment.zst")),
    ("00000000000000000002.segment", include_bytes!("fixtures/format-1/00000000000000000002.segment.zst")),
    ("00000000000000000003.segment", include_bytes!("fixtures/format-1/00000000000000000003.segment.zst")),
];

fn options() -> LogOptions {
    let mut options = small_options();
    options.segment_bytes = 128 << 10;
    options.commit_bytes_max = 16 << 10;
    options
}

/// Gives partition 3 a state of two chunks.
struct StateOfThree;

impl LogObserver for StateOfThree {
    fn written(&self, _: &[EntryProgress]) {}
    fn durable(&self, _: &[EntryProgress]) {}
    fn space(&self, _: bool) {}
    fn checkpoint(&self, out: &mut dyn FnMut(PartitionKey, &[u8])) {
        out(key(3), &state_of_three());
    }
}

fn state_of_three() -> Vec<u8> {
    (0..9000u32).map(|byte| byte as u8).collect()
}

/// Writes the log that the fixture is.
async fn write_log(directory: &Path) {
    let (log, _) = open(directory, &options()).await;
    for base in 0..12 {
        append(&log, key(0), base * 2, 2, 300).await;
        append(&log, key(1), base, 1, 50).await;
        let last = append(&log, key(3), base, 1, 1200).await;
        log.durable(last).await.unwrap();
    }
    log.log_start(key(1), Offset(5)).unwrap();
    log.close().await;
    let mut said = crate::fixture::Collector::default();
    let log = ShardLog::open(directory.to_owned(), options(), &mut said).await.unwrap();
    log.set_observer(Rc::new(StateOfThree));
    log.start();
    append(&log, key(2), 0, 1, 10).await;
    // Into the second segment.
    for base in 12..30 {
        let last = append(&log, key(3), base, 1, 4000).await;
        log.durable(last).await.unwrap();
    }
    // Cuts what lies in the first one.
    log.truncate(key(0), Offset(10), LeaderEpoch(1)).unwrap();
    for base in [14, 16] {
        append(&log, key(0), base, 2, 300).await;
    }
    let last = log.delete_partition(key(2)).unwrap();
    log.durable(last).await.unwrap();
    log.close().await;
}

async fn place(directory: &Path) {
    for (name, compressed) in FORMAT_1 {
        let bytes = zstd::stream::decode_all(compressed).unwrap();
        let file = DirectFile::create(&directory.join(name), bytes.len() as u64).await.unwrap();
        let mut buffer = DirectBuffer::new(bytes.len());
        buffer.copy_from_slice(&bytes);
        file.write_at(buffer, 0).await.0.unwrap();
        file.sync_data().await.unwrap();
        file.close().await.unwrap();
    }
}

#[test]
fn log_of_format_1_opens_reads_and_goes_on() {
    testing::run(|| async {
        let directory = testing::temp_dir();
        corelog_rt::dir::create_all(&directory).await.unwrap();
        place(&directory).await;
        let mut kinds: BTreeMap<u8, u32> = BTreeMap::new();
        let report = dump(&directory, &mut |event| {
            if let DumpEvent::Entry { entry, .. } = event {
                *kinds.entry(entry.kind.code()).or_default() += 1;
            }
            ControlFlow::Continue(())
        })
        .await
        .unwrap();
        assert_eq!((report.segments, report.damaged, report.batches), (3, 0, 12 * 3 + 1 + 18 + 2));
        assert_eq!(kinds.keys().copied().collect::<Vec<_>>(), [1, 2, 3, 4, 5, 7, 8], "{kinds:?}");
        let (log, said) = open(&directory, &options()).await;
        check(&log).await;
        assert!(said.contains(&Said::Truncate(key(0), 10)) && said.contains(&Said::Delete(key(2))), "{said:?}");
        let states = said.iter().filter_map(|said| match said {
            Said::Checkpoint(found, _, _, state) if *found == key(3) => Some(state.clone()),
            _ => None,
        });
        assert_eq!(states.collect::<Vec<_>>(), [state_of_three()]);
        // It goes on, through a roll, and says the same.
        for base in 18..60 {
            let last = append(&log, key(0), base, 1, 4000).await;
            log.durable(last).await.unwrap();
        }
        log.close().await;
        let (log, _) = open(&directory, &options()).await;
        check(&log).await;
        log.close().await;
    });
}

async fn check(log: &ShardLog) {
    assert_eq!(read_all(log, key(0), 0, 18, 2000, 300).await, [0, 2, 4, 6, 8, 14, 16]);
    assert_eq!(read_all(log, key(1), 5, 12, 2000, 50).await, (5..12).collect::<Vec<_>>());
    assert!(matches!(log.read(key(1), Offset(4), Offset(12), 1, true).await, Err(ReadError::OutOfRange { .. })));
    assert!(matches!(log.read(key(2), Offset(0), Offset(1), 1, true).await, Err(ReadError::UnknownPartition)));
    assert_eq!(read_all(log, key(3), 0, 12, 4000, 1200).await, (0..12).collect::<Vec<_>>());
    assert_eq!(read_all(log, key(3), 12, 30, 4000, 4000).await, (12..30).collect::<Vec<_>>());
    let found = log.first_batch_at_or_after(key(3), 1_000_007, Offset(30)).await.unwrap().unwrap();
    assert_eq!(found.base_offset, Offset(7));
    assert_eq!(batch(0, 1, 10, 1).len(), 71);
}

#[test]
#[ignore = "writes a fixture; a fixture that is committed never changes"]
fn write_fixture() {
    let target = PathBuf::from(std::env::var("CORELOG_FIXTURE").unwrap());
    testing::run(|| async move {
        let directory = testing::temp_dir();
        write_log(&directory).await;
        corelog_rt::dir::create_all(&target).await.unwrap();
        for name in corelog_rt::dir::list(&directory).await.unwrap() {
            if name.ends_with(".segment") {
                let bytes = corelog_rt::dir::read_small(&directory.join(&name)).await.unwrap();
                let compressed = zstd::stream::encode_all(bytes.as_slice(), 19).unwrap();
                corelog_rt::dir::write_small(&target.join(format!("{name}.zst")), &compressed).await.unwrap();
            }
        }
    });
}
