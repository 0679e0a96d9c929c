//! A full disk: what is deleted, expired or superseded comes back as space without a restart, because settling keeps back the files that it needs.

use crate::compaction::{Compacted, append_batch, random_batch};
use crate::fixture::{Collector, batch, key, meta, open, read_all, small_options, try_append};
use corelog_engine::ids::{Offset, PartitionKey, TopicNumber};
use corelog_engine::log::inspect::SegmentReport;
use corelog_engine::log::{AppendRefused, LogOptions, ShardLog};
use corelog_rt::sim::Sim;
use corelog_rt::time;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

const DIRECTORY: &str = "/sim/log";
const PARTITIONS: u32 = 12;
const DELETED: u32 = 4;
const EXPIRED: u32 = 8;
const PAYLOAD: usize = 3000;

fn options(reserve_files: usize) -> LogOptions {
    let mut options = small_options();
    options.segment_bytes = 256 << 10;
    options.commit_bytes_max = 32 << 10;
    options.settle.interval = Duration::from_millis(100);
    options.settle.reserve_files = reserve_files;
    options.compaction.interval = Duration::from_millis(200);
    options
}

fn full_disk(sim: &Sim, segments: u64) {
    sim.disk().set_bytes_max(Some(segments * options(0).segment_bytes + 100_000));
}

/// Appends to all partitions in turn until the disk is full. `ends` are theirs.
async fn fill(log: &ShardLog, ends: &mut [i64]) {
    loop {
        let mut last = None;
        for (partition, end) in (0..).zip(ends.iter_mut()) {
            match try_append(log, key(partition), *end, 1, PAYLOAD) {
                Ok(sequence) => {
                    *end += 1;
                    last = Some(sequence);
                }
                Err(AppendRefused::Busy) => log.admission().await,
                Err(AppendRefused::DiskFull) => return,
                Err(refused) => panic!("{refused}"),
            }
        }
        if let Some(sequence) = last {
            log.durable(sequence).await.unwrap();
        }
    }
}

/// Waits until a batch is taken, for so many seconds at most.
async fn resumes(log: &ShardLog, partition: u32, end: &mut i64, seconds: u64) -> bool {
    for _ in 0..seconds * 10 {
        if let Ok(sequence) = try_append(log, key(partition), *end, 1, PAYLOAD) {
            log.durable(sequence).await.unwrap();
            *end += 1;
            return true;
        }
        time::sleep(Duration::from_millis(100)).await;
    }
    false
}

/// Moves a partition's start up. On a full disk there is room for it, if not at once.
async fn move_start(log: &ShardLog, partition: u32, start: i64) {
    let mut tries = 0;
    let sequence = loop {
        match log.log_start(key(partition), Offset(start)) {
            Ok(sequence) => break sequence,
            Err(_) if tries < 20 => time::sleep(Duration::from_millis(100)).await,
            Err(refused) => panic!("{partition} to {start}: {refused}"),
        }
        tries += 1;
    };
    log.durable(sequence).await.unwrap();
}

/// Deletes a third of the partitions and the older half of another third: every segment keeps something.
async fn let_go(log: &ShardLog, ends: &[i64]) {
    let mut last = None;
    for (partition, end) in (0..EXPIRED).zip(ends) {
        last = Some(if partition < DELETED {
            log.delete_partition(key(partition)).unwrap()
        } else {
            log.log_start(key(partition), Offset(end / 2)).unwrap()
        });
    }
    log.durable(last.unwrap()).await.unwrap();
}

/// Appends until the disk is full and nothing that segments waste is left to gain.
async fn fill_wholly(log: &ShardLog, ends: &mut [i64]) {
    let last = PARTITIONS as usize - 1;
    loop {
        fill(log, ends).await;
        if !resumes(log, last as u32, &mut ends[last], 5).await {
            return;
        }
    }
}

async fn check_kept(log: &ShardLog, ends: &[i64]) {
    for (partition, end) in (EXPIRED..PARTITIONS).zip(ends.iter().skip(EXPIRED as usize)) {
        let bases = read_all(log, key(partition), 0, *end, 50_000, PAYLOAD).await;
        assert_eq!(bases, (0..*end).collect::<Vec<_>>(), "partition {partition}");
    }
}

#[test]
fn writes_resume_on_a_full_disk_once_enough_was_deleted_in_between() {
    for reserve_files in [2, 0] {
        let sim = Sim::new(7);
        full_disk(&sim, 20);
        sim.run(async move {
            let (log, _) = open(Path::new(DIRECTORY), &options(reserve_files)).await;
            let mut ends = [0; PARTITIONS as usize];
            fill_wholly(&log, &mut ends).await;
            let last = PARTITIONS - 1;
            let_go(&log, &ends).await;
            let is_dead = |segment: &SegmentReport| segment.extents.is_some() && segment.live_bytes == 0;
            assert!(!log.segments().iter().any(is_dead), "no segment is wholly dead");
            let resumed = resumes(&log, last, &mut ends[last as usize], 60).await;
            assert_eq!(resumed, reserve_files > 0, "only with a reserve");
            check_kept(&log, &ends).await;
            log.close().await;
        })
        .done();
    }
}

#[test]
fn a_full_disk_serves_for_ever_as_long_as_retention_goes_on() {
    let sim = Sim::new(8);
    full_disk(&sim, 20);
    sim.run(async move {
        let (log, _) = open(Path::new(DIRECTORY), &options(2)).await;
        let mut ends = [0; PARTITIONS as usize];
        for _ in 0..60 {
            fill(&log, &mut ends).await;
            // Most of them keep their last few batches, the others everything.
            for (partition, end) in (0..EXPIRED).zip(&ends) {
                move_start(&log, partition, end - 3).await;
            }
            let before: i64 = ends.iter().sum();
            if !resumes(&log, 0, &mut ends[0], 60).await {
                break;
            }
            fill(&log, &mut ends).await;
            assert!(ends.iter().sum::<i64>() > before);
        }
        // In the end those that keep everything take all of the disk but the reserve and what cannot be gained.
        let sent_bytes = ends.iter().sum::<i64>() as u64 * PAYLOAD as u64;
        assert!(sent_bytes > 30 * options(2).segment_bytes, "{sent_bytes} bytes went through");
        let (live, files) = log
            .segments()
            .iter()
            .fold((0, 0), |(live, files), segment| (live + segment.live_bytes, files + segment.file_bytes));
        assert!(live * 5 > files * 3, "{live} of {files} bytes are live and nothing more is gained");
        for partition in EXPIRED..PARTITIONS {
            let end = ends[partition as usize];
            assert_eq!(read_all(&log, key(partition), 0, end, 50_000, PAYLOAD).await.len() as i64, end);
        }
        log.close().await;
    })
    .done();
}

#[test]
fn compaction_makes_room_on_a_full_disk() {
    let sim = Sim::new(9);
    full_disk(&sim, 20);
    sim.run(async move {
        let mut settings = options(2);
        // Filled first: then it must go on without any room.
        settings.compaction.interval = Duration::from_secs(20);
        let mut sink = Collector::default();
        let log = ShardLog::open(PathBuf::from(DIRECTORY), settings, &mut sink).await.unwrap();
        let observer = Compacted::new(0..8, 1000);
        log.set_observer(Rc::<Compacted>::clone(&observer));
        log.start();
        let mut ends = [0; 12];
        'full: loop {
            for partition in 0..12 {
                let end = &mut ends[partition as usize];
                let (bytes, contents) = random_batch(*end, 40, 2000);
                match append_batch(&log, key(partition), &bytes) {
                    Ok(sequence) => {
                        *end += contents.len() as i64;
                        log.durable(sequence).await.unwrap();
                    }
                    Err(AppendRefused::Busy) => log.admission().await,
                    Err(AppendRefused::DiskFull) => break 'full,
                    Err(refused) => panic!("{refused}"),
                }
            }
        }
        assert_eq!(log.sample().compaction.passes, 0, "it was filled before compaction came");
        time::sleep(Duration::from_mins(1)).await;
        assert!(log.sample().compaction.passes > 0, "{:?} {:#?}", log.sample(), log.segments());
        let (bytes, _) = random_batch(ends[0], 40, 2000);
        let sequence = append_batch(&log, key(0), &bytes).expect("what was superseded made room");
        log.durable(sequence).await.unwrap();
        assert!(log.verify().await.flaws.is_empty());
        log.close().await;
    })
    .done();
}

#[test]
fn log_starts_and_metadata_go_on_on_a_full_disk() {
    let sim = Sim::new(10);
    full_disk(&sim, 20);
    sim.run(async move {
        let (log, _) = open(Path::new(DIRECTORY), &options(2)).await;
        let mut ends = [0; PARTITIONS as usize];
        fill_wholly(&log, &mut ends).await;
        let metadata = PartitionKey { topic: TopicNumber::METADATA, partition: 0 };
        for round in 0..40 {
            // Each in a commit of its own, and nothing is gained by them.
            move_start(&log, 0, 1 + round % 2).await;
            if round % 10 == 0 {
                let bytes = batch(round / 10, 1, 500, 1);
                let append = || {
                    log.append(metadata, bytes.len(), |space| {
                        space.copy_from_slice(&bytes);
                        Ok::<_, AppendRefused>(meta(round / 10, 1, 1))
                    })
                };
                let mut appended = append();
                if appended.is_err() {
                    time::sleep(Duration::from_millis(100)).await;
                    appended = append();
                }
                log.durable(appended.expect("topics can be deleted")).await.unwrap();
            }
            assert_eq!(try_append(&log, key(1), ends[1], 1, PAYLOAD), Err(AppendRefused::DiskFull));
        }
        let_go(&log, &ends).await;
        let last = PARTITIONS - 1;
        assert!(resumes(&log, last, &mut ends[last as usize], 60).await);
        check_kept(&log, &ends).await;
        log.close().await;
    })
    .done();
}

#[test]
fn a_full_disk_resumes_after_a_loss_of_power_at_any_step() {
    for step in 0..90 {
        let sim = Sim::new(100 + step);
        full_disk(&sim, 14);
        let ends = sim
            .run(async {
                let (log, _) = open(Path::new(DIRECTORY), &options(2)).await;
                let mut ends = [0; PARTITIONS as usize];
                fill(&log, &mut ends).await;
                let_go(&log, &ends).await;
                ends
            })
            .done();
        sim.disk().crash_at_step(step);
        let outcome = sim.run(async {
            let (log, _) = open(Path::new(DIRECTORY), &options(2)).await;
            time::sleep(Duration::from_secs(30)).await;
            log.close().await;
        });
        assert!(step > 60 || outcome.is_crash(), "step {step}: {outcome:?}");
        sim.disk().cancel_crash();
        sim.run(async move {
            let (log, _) = open(Path::new(DIRECTORY), &options(2)).await;
            let mut ends = ends;
            let last = PARTITIONS - 1;
            assert!(resumes(&log, last, &mut ends[last as usize], 60).await, "step {step}");
            check_kept(&log, &ends).await;
            assert!(log.verify().await.flaws.is_empty(), "step {step}");
            log.close().await;
        })
        .done();
    }
}
