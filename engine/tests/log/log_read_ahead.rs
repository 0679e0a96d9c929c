//! Reading ahead: what a reader in order asks for next is on its way when it asks.

use crate::fixture::{append, key, open, segment_count, small_options};
use corelog_engine::ids::Offset;
use corelog_engine::log::{LogOptions, ReadRecords, ShardLog};
use corelog_rt::{testing, time};
use std::time::Duration;

const BATCHES: i64 = 40;
const PAYLOAD: usize = 12_000;
const READ_BYTES: usize = 40_000;

/// A log that holds batches of two partitions in turns, none of them in memory.
async fn cold(options: &LogOptions) -> ShardLog {
    cold_in_runs(options, 1).await
}

/// A log that holds so many batches of one partition, then as many of another, and so on, none of them in memory.
async fn cold_in_runs(options: &LogOptions, run: i64) -> ShardLog {
    let directory = testing::temp_dir();
    let (log, _) = open(&directory, options).await;
    let mut last = None;
    for first in (0..BATCHES).step_by(run as usize) {
        for partition in 0..2 {
            for base in first..first + run {
                last = last.max(Some(append(&log, key(partition), base, 1, PAYLOAD).await));
            }
        }
    }
    log.durable(last.unwrap()).await.unwrap();
    log.close().await;
    let (log, _) = open(&directory, options).await;
    log
}

async fn read(log: &ShardLog, from: Offset) -> ReadRecords {
    let records = log.read(key(0), from, Offset(BATCHES), READ_BYTES, true).await.unwrap();
    assert_eq!(records.next_offset, from.plus(3), "as much as was asked for");
    records
}

async fn settled_device_reads(log: &ShardLog) -> u64 {
    time::sleep(Duration::from_secs(1)).await;
    log.sample().device_reads
}

/// Reads on in `log`: what comes after the first read was on its way in time.
async fn assert_reads_ahead(log: ShardLog) {
    let mut from = read(&log, Offset(0)).await.next_offset;
    for _ in 0..5 {
        let before = settled_device_reads(&log).await;
        from = read(&log, from).await.next_offset;
        assert_eq!(log.sample().device_reads, before, "nothing was waited for");
    }
    log.close().await;
}

#[test]
fn next_read_finds_all_of_it_in_memory() {
    testing::run(|| async {
        assert_reads_ahead(cold(&LogOptions { block_cache_bytes: 1 << 20, ..small_options() }).await).await;
    });
}

#[test]
fn next_read_finds_all_of_it_in_memory_beyond_the_end_of_a_segment() {
    testing::run(|| async {
        let log = cold(&LogOptions { segment_bytes: 256 << 10, block_cache_bytes: 1 << 20, ..small_options() }).await;
        assert!(segment_count(&log) > 3, "ten of the batches in each, eighteen are read");
        assert_reads_ahead(log).await;
    });
}

#[test]
fn long_runs_are_read_to_their_ends_not_to_those_of_their_blocks() {
    testing::run(|| async {
        let options = LogOptions { block_cache_bytes: 1 << 20, ..small_options() };
        let log = cold_in_runs(&options, 4).await;
        let (mut from, mut bytes) = (Offset(0), 0);
        while from < Offset(BATCHES) {
            let records = log.read(key(0), from, Offset(BATCHES), READ_BYTES, true).await.unwrap();
            (from, bytes) = (records.next_offset, bytes + records.bytes as u64);
        }
        let read_bytes = log.sample().device_read_bytes;
        // Runs of 48 KB begin and end anywhere in blocks of 16 KiB: to the ends of those it were 1.33 times as much.
        assert!(read_bytes < bytes * 6 / 5, "{read_bytes} bytes for {bytes}");
        log.close().await;
    });
}

#[test]
fn runs_that_meet_in_a_block_are_read_by_their_readers_each() {
    testing::run(|| async {
        let log = cold_in_runs(&LogOptions { block_cache_bytes: 1 << 20, ..small_options() }, 4).await;
        let (mut from, mut bytes) = ([Offset(0); 2], 0);
        for turn in 0.. {
            let partition = turn % 2;
            if from[partition] == Offset(BATCHES) {
                break;
            }
            let records =
                log.read(key(partition as u32), from[partition], Offset(BATCHES), READ_BYTES, true).await.unwrap();
            from[partition] = records.next_offset;
            bytes += records.bytes as u64;
        }
        let read_bytes = log.sample().device_read_bytes;
        // Two sectors more for a run of 48 KB, of which one has both its neighbours in it, are 1.09 times as much: whole blocks for who comes second are 1.2 times.
        assert!(read_bytes < bytes * 23 / 20, "{read_bytes} bytes for {bytes}");
        log.close().await;
    });
}

#[test]
fn reading_ahead_goes_on_when_there_was_no_room_for_all() {
    testing::run(|| async {
        let (payload, batches, read_bytes) = (400_000, 40, 1_700_000);
        let options = LogOptions {
            segment_bytes: 64 << 20,
            commit_bytes_max: 1 << 20,
            queued_bytes_max: 2 << 20,
            block_cache_bytes: 64 << 20,
            read_block_bytes: 256 << 10,
            ..small_options()
        };
        let directory = testing::temp_dir();
        let (log, _) = open(&directory, &options).await;
        for base in 0..batches {
            for partition in 0..2 {
                let sequence = append(&log, key(partition), base, 1, payload).await;
                log.durable(sequence).await.unwrap();
            }
        }
        log.close().await;

        let (log, _) = open(&directory, &options).await;
        let mut from = Offset(0);
        for _ in 0..2 {
            for partition in 0..2 {
                let records = log.read(key(partition), from, Offset(batches), read_bytes, true).await.unwrap();
                assert_eq!(records.next_offset, from.plus(4));
            }
            from = from.plus(4);
            settled_device_reads(&log).await;
        }
        let bytes = log.sample().device_read_bytes;
        let wanted = 2 * (2 * 4 * payload + 4 * read_bytes) as u64;
        assert!(
            bytes >= wanted,
            "{bytes} bytes: two reads of each and four more ahead, 13.6 MB with 8 MiB on their way at most, are {wanted}"
        );
        log.close().await;
    });
}

#[test]
fn last_read_reads_nothing_ahead() {
    testing::run(|| async {
        let log = cold(&small_options()).await;
        log.read(key(0), Offset(0), Offset(BATCHES), 1 << 20, true).await.unwrap();
        let read = log.sample().device_reads;
        assert_eq!(settled_device_reads(&log).await, read);
        log.close().await;
    });
}

#[test]
fn no_read_ahead_is_wanted_nothing_is_read_ahead() {
    testing::run(|| async {
        let log = cold(&LogOptions { read_ahead_blocks: 0, ..small_options() }).await;
        let from = read(&log, Offset(0)).await.next_offset;
        let before = log.sample().device_reads;
        assert_eq!(settled_device_reads(&log).await, before);
        read(&log, from).await;
        assert!(log.sample().device_reads > before);
        log.close().await;
    });
}

#[test]
fn what_is_on_its_way_stays_within_a_part_of_the_cache() {
    testing::run(|| async {
        let options = LogOptions { read_ahead_blocks: 4, block_cache_bytes: 64 << 10, ..small_options() };
        let log = cold(&options).await;
        read(&log, Offset(0)).await;
        let now = log.sample().device_reads;
        let ahead = settled_device_reads(&log).await - now;
        assert!((1..=2).contains(&ahead), "{ahead} blocks of 16 KiB in a cache of 64 KiB");
        log.close().await;
    });
}
