//! Full disks, failing devices, decay: in simulation.

use crate::fixture::{Collector, append, key, open, read_all, small_options, try_append};
use corelog_engine::ids::Offset;
use corelog_engine::log::{AppendRefused, Flaw, OpenError, ReadError, ShardLog};
use corelog_rt::fatal::Reason;
use corelog_rt::sim::{Outcome, Sim};
use corelog_rt::time;
use std::path::PathBuf;
use std::time::Duration;

const DIRECTORY: &str = "/sim/log";

#[test]
fn full_disk_refuses_and_recovers_by_itself() {
    let sim = Sim::new(1);
    let disk = sim.disk();
    let options = small_options();
    // Four, and those that are kept for settling.
    let segments = 4 + options.settle.reserve_files as u64;
    disk.set_bytes_max(Some(segments * options.segment_bytes + 100_000));
    sim.run(async move {
        let (log, _) = open(&PathBuf::from(DIRECTORY), &options).await;
        let mut base = 0;
        let refused = loop {
            match try_append(&log, key(0), base, 1, 5000) {
                Ok(sequence) => {
                    log.durable(sequence).await.unwrap();
                    base += 1;
                }
                Err(AppendRefused::Busy) => log.admission().await,
                Err(refused) => break refused,
            }
        };
        assert_eq!(refused, AppendRefused::DiskFull);
        assert!(base > 400, "{base}");
        assert_eq!(read_all(&log, key(0), 0, base, 50_000, 5000).await.len(), base as usize);
        time::sleep(Duration::from_secs(5)).await;
        assert_eq!(try_append(&log, key(0), base, 1, 5000), Err(AppendRefused::DiskFull));
        // Control entries still have room, and free a segment.
        for _ in 0..2 {
            let last = log.log_start(key(0), Offset(base - 100)).unwrap();
            log.durable(last).await.unwrap();
        }
        time::sleep(Duration::from_secs(2)).await;
        for _ in 0..100 {
            let last = append(&log, key(0), base, 1, 5000).await;
            log.durable(last).await.unwrap();
            base += 1;
        }
        // Somebody else frees space: it goes on without a restart.
        while try_append(&log, key(0), base, 1, 5000) != Err(AppendRefused::DiskFull) {
            log.admission().await;
            if let Ok(last) =
                try_append(&log, key(1), log.partition_range(key(1)).map_or(0, |range| range.1.0), 1, 5000)
            {
                log.durable(last).await.unwrap();
            }
            base = log.partition_range(key(0)).unwrap().1.0;
        }
        Sim::current().disk().set_bytes_max(None);
        time::sleep(Duration::from_secs(2)).await;
        let last = append(&log, key(0), base, 1, 5000).await;
        log.durable(last).await.unwrap();
        log.close().await;
    })
    .done();
}

#[test]
fn failed_write_or_sync_ends_the_process() {
    for (seed, sync) in [(1, true), (2, false)] {
        let sim = Sim::new(seed);
        let outcome = sim.run(async move {
            let (log, _) = open(&PathBuf::from(DIRECTORY), &small_options()).await;
            let first = append(&log, key(0), 0, 1, 100).await;
            log.durable(first).await.unwrap();
            let disk = Sim::current().disk();
            if sync {
                disk.fail_sync(0);
            } else {
                disk.fail_write(0);
            }
            let last = append(&log, key(0), 1, 1, 100).await;
            let acknowledged = log.durable(last).await;
            panic!("acknowledged {acknowledged:?} past a failure");
        });
        let expected = if sync { Reason::DeviceSyncFailed } else { Reason::DeviceWriteFailed };
        assert!(matches!(&outcome, Outcome::Exited(reason, _) if *reason == expected), "{outcome:?}");
    }
}

#[test]
fn decay_of_acknowledged_data_refuses_the_start() {
    let sim = Sim::new(3);
    sim.run(async {
        let (log, _) = open(&PathBuf::from(DIRECTORY), &small_options()).await;
        for base in 0..20 {
            let last = append(&log, key(0), base, 1, 3000).await;
            log.durable(last).await.unwrap();
        }
    })
    .done();
    let file = PathBuf::from(DIRECTORY).join("00000000000000000001.segment");
    // The checkpoint takes one block; the third commit behind it.
    sim.disk().decay(&file, 4096 + 4096 + 2 * 4096 + 1000, &[4]).unwrap();
    let error = sim
        .run(async { ShardLog::open(PathBuf::from(DIRECTORY), small_options(), &mut Collector::default()).await.err() })
        .done();
    let Some(OpenError::Damaged(damage)) = error else { panic!("{error:?}") };
    assert_eq!(damage.file, file);
    assert!(matches!(damage.flaw, Flaw::DurableLost { .. }), "{damage}");
}

#[test]
fn decay_of_sealed_data_is_an_error_of_the_read_alone() {
    let sim = Sim::new(4);
    sim.run(async {
        let (log, _) = open(&PathBuf::from(DIRECTORY), &small_options()).await;
        for base in 0..600 {
            let last = append(&log, key(0), base, 1, 5000).await;
            log.durable(last).await.unwrap();
        }
        log.close().await;
    })
    .done();
    let file = PathBuf::from(DIRECTORY).join("00000000000000000001.segment");
    sim.disk().decay(&file, 300_000, &[1]).unwrap();
    sim.run(async {
        let (log, _) = open(&PathBuf::from(DIRECTORY), &small_options()).await;
        let mut damaged = 0;
        for base in 0..600 {
            match log.read(key(0), Offset(base), Offset(600), 1, true).await {
                Ok(records) => assert_eq!(records.next_offset, Offset(base + 1)),
                Err(ReadError::Damaged(_)) => damaged += 1,
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(damaged, 1);
        log.close().await;
    })
    .done();
    // A footer is rebuilt from the commits when it is damaged, as long as they are sound.
    sim.disk().decay(&file, 300_000, &[1]).unwrap();
    let length = small_options().segment_bytes;
    for position in [length - 4096 + 50, length - 4096 - 20] {
        sim.disk().decay(&file, position, &[1]).unwrap();
        sim.run(async {
            let (log, _) = open(&PathBuf::from(DIRECTORY), &small_options()).await;
            assert_eq!(read_all(&log, key(0), 0, 600, 70_000, 5000).await.len(), 600);
            log.close().await;
        })
        .done();
    }
    // Damage in a commit's table and in the footer at once: refused, with the place.
    sim.disk().decay(&file, length - 4096 + 50, &[1]).unwrap();
    sim.disk().decay(&file, 8192 + 10, &[1]).unwrap();
    let error = sim
        .run(async { ShardLog::open(PathBuf::from(DIRECTORY), small_options(), &mut Collector::default()).await.err() })
        .done();
    let Some(OpenError::Damaged(damage)) = error else { panic!("{error:?}") };
    assert_eq!((damage.file, damage.position), (file, 8192));
}

#[test]
fn decay_of_the_only_checkpoint_refuses_the_start() {
    let sim = Sim::new(5);
    sim.run(async {
        let (log, _) = open(&PathBuf::from(DIRECTORY), &small_options()).await;
        for base in 0..3 {
            let last = append(&log, key(0), base, 1, 3000).await;
            log.durable(last).await.unwrap();
        }
    })
    .done();
    let file = PathBuf::from(DIRECTORY).join("00000000000000000001.segment");
    sim.disk().decay(&file, 4096 + 20, &[1]).unwrap();
    let error = sim
        .run(async { ShardLog::open(PathBuf::from(DIRECTORY), small_options(), &mut Collector::default()).await.err() })
        .done();
    let Some(OpenError::Damaged(damage)) = error else { panic!("{error:?}") };
    assert_eq!((damage.file, damage.position, damage.flaw), (file, 4096, Flaw::NoCheckpoint));
}
