//! What compaction took stays away after a crash that leaves any of its sources behind: the ranges that it recorded say so.

use crate::compaction::{Compacted, Keyed, append_random, read_records};
use crate::fixture::{Collector, key, small_options, until};
use bytes::Bytes;
use corelog_engine::ids::Offset;
use corelog_engine::log::{LogOptions, ShardLog};
use corelog_rt::buffer::DirectBuffer;
use corelog_rt::file::DirectFile;
use corelog_rt::{dir, testing};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

const KEYS: u64 = 40;
const TRAILER_BYTES: usize = 4096;

fn options(is_compacted: bool) -> LogOptions {
    let mut options = small_options();
    options.segment_bytes = 128 << 10;
    options.commit_bytes_max = 16 << 10;
    options.settle.is_on = is_compacted;
    options.settle.interval = Duration::from_millis(1);
    options.compaction.interval = Duration::from_millis(5);
    options
}

async fn open(directory: &Path, is_compacted: bool, observer: &Rc<Compacted>) -> ShardLog {
    let mut collector = Collector::default();
    let opened = ShardLog::open(directory.to_owned(), options(is_compacted), &mut collector).await;
    let log = opened.expect("opens");
    observer.found(&log);
    log.set_observer(Rc::<Compacted>::clone(observer));
    log.start();
    log
}

async fn check(log: &ShardLog, keyed: &RefCell<Keyed>) -> usize {
    let (start, end) = log.partition_range(key(0)).expect("it is known");
    let (found, _) = read_records(log, key(0), start, end).await.expect("reads");
    keyed.borrow_mut().check(start.0, end.0, &found).expect("what is left is right");
    found.len()
}

async fn segments(directory: &Path) -> Vec<PathBuf> {
    let names = dir::list(directory).await.unwrap();
    names.iter().filter(|name| name.ends_with(".segment")).map(|name| directory.join(name)).collect()
}

async fn content(path: &Path) -> Bytes {
    let file = DirectFile::open(path).await.unwrap();
    file.read_at(0, file.bytes() as usize).await.unwrap()
}

async fn write(file: &DirectFile, position: u64, content: &[u8]) {
    let mut buffer = DirectBuffer::new(content.len());
    buffer.copy_from_slice(content);
    file.write_at(buffer, position).await.0.unwrap();
    file.sync_data().await.unwrap();
}

/// Damages the footers of settled segments: their ranges must be found in their commits.
async fn damage_settled(directory: &Path) -> usize {
    let mut damaged = 0;
    for path in segments(directory).await {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.trim_end_matches(".segment").parse::<u64>().unwrap() >= 1 << 63 {
            let file = DirectFile::open(&path).await.unwrap();
            write(&file, file.bytes() - TRAILER_BYTES as u64, &[0; TRAILER_BYTES]).await;
            damaged += 1;
        }
    }
    damaged
}

#[test]
fn no_source_that_a_crash_leaves_brings_back_what_compaction_took() {
    for has_footers in [true, false] {
        testing::run(move || async move {
            let directory = testing::temp_dir();
            let observer = Compacted::new([0], 3_600_000);
            let keyed = RefCell::new(Keyed::default());
            let log = open(&directory, false, &observer).await;
            for _ in 0..1500 {
                append_random(&log, key(0), &keyed, KEYS).await;
            }
            log.durable(log.log_start(key(0), Offset(0)).unwrap()).await.unwrap();
            log.close().await;
            let mut sources = Vec::new();
            for path in segments(&directory).await {
                let bytes = content(&path).await;
                sources.push((path, bytes));
            }
            let log = open(&directory, true, &observer).await;
            until("superseded records go", async || check(&log, &keyed).await as u64 <= KEYS).await;
            assert_eq!(check(&log, &keyed).await as u64, KEYS);
            log.close().await;
            // A crash gives back the files of sources that were not used again.
            let mut returned = 0;
            for (path, bytes) in &sources {
                if !dir::exists(path).await.unwrap() {
                    let file = DirectFile::create(path, bytes.len() as u64).await.unwrap();
                    write(&file, 0, bytes).await;
                    returned += 1;
                }
            }
            assert!(returned > 2, "{returned} sources were gone");
            assert!(has_footers || damage_settled(&directory).await > 0);
            let log = open(&directory, false, &observer).await;
            assert_eq!(check(&log, &keyed).await as u64, KEYS, "footers are whole: {has_footers}");
            assert!(log.verify().await.flaws.is_empty());
            log.close().await;
        });
    }
}
