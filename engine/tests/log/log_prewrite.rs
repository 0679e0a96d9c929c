//! Zeros written over blocks before their first use: where they go, and that nothing is lost under them.

use crate::fixture::{append, key, open, read_all, small_options, until};
#[cfg(sim)]
use corelog_engine::ids::Offset;
use corelog_engine::log::{LogOptions, ShardLog};
use corelog_rt::testing;
#[cfg(sim)]
use corelog_rt::time;
#[cfg(sim)]
use std::time::Duration;

const PAYLOAD: usize = 2_000;

fn options() -> LogOptions {
    LogOptions { prewrite: true, ..small_options() }
}

/// Appends batches of `payload` bytes one by one, each durable before the next.
async fn append_each(log: &ShardLog, bases: std::ops::Range<i64>, payload: usize) {
    for base in bases {
        let sequence = append(log, key(0), base, 1, payload).await;
        log.durable(sequence).await.unwrap();
    }
}

#[test]
fn idle_log_prewrites_what_it_has_once() {
    testing::run(|| async {
        let (directory, options) = (testing::temp_dir(), options());
        let (log, _) = open(&directory, &options).await;
        append_each(&log, 0..3, PAYLOAD).await;
        // Of the current segment and the next one each all but a few blocks at the start.
        let wanted = 2 * options.segment_bytes - (64 << 10);
        until("two segments are prewritten", async || log.sample().prewritten_bytes >= wanted).await;
        append_each(&log, 3..6, PAYLOAD).await;
        log.close().await;

        let (log, _) = open(&directory, &options).await;
        append_each(&log, 6..9, PAYLOAD).await;
        assert_eq!(log.sample().prewritten_bytes, 0, "what was prewritten in a former life is known");
        assert_eq!(read_all(&log, key(0), 0, 9, 1 << 20, PAYLOAD).await, (0..9).collect::<Vec<_>>());
        log.close().await;
    });
}

#[cfg(sim)]
#[test]
fn log_that_is_read_from_the_device_is_not_idle() {
    testing::run(|| async {
        let (directory, options) = (testing::temp_dir(), LogOptions { read_ahead_blocks: 0, ..options() });
        let (log, _) = open(&directory, &LogOptions { prewrite: false, ..options }).await;
        append_each(&log, 0..20, 20_000).await;
        log.close().await;

        let (log, _) = open(&directory, &options).await;
        for base in 0..20 {
            let records = log.read(key(0), Offset(base), Offset(20), 1, true).await.unwrap();
            assert_eq!(records.next_offset, Offset(base + 1));
            time::sleep(Duration::from_millis(150)).await;
        }
        let prewritten_bytes = log.sample().prewritten_bytes;
        assert!(prewritten_bytes <= 512 << 10, "{prewritten_bytes} bytes of zeros were in the way of reads");
        until("what is left is prewritten", async || log.sample().prewritten_bytes > options.segment_bytes).await;
        log.close().await;
    });
}

#[test]
fn small_commits_find_zeros_ahead_of_them_through_several_segments() {
    testing::run(|| async {
        let (directory, options) = (testing::temp_dir(), options());
        let (log, _) = open(&directory, &options).await;
        append_each(&log, 0..600, PAYLOAD).await;
        let found = log.sample();
        assert!(found.segments_sealed > 1, "600 commits of at least a block fill two segments");
        assert!(found.prewritten_bytes > options.segment_bytes, "{} bytes of zeros", found.prewritten_bytes);
        log.close().await;

        let (log, _) = open(&directory, &options).await;
        assert_eq!(read_all(&log, key(0), 0, 600, 1 << 20, PAYLOAD).await, (0..600).collect::<Vec<_>>());
        log.close().await;
    });
}

#[test]
fn commits_that_are_filled_while_zeros_are_written_lose_nothing() {
    testing::run(|| async {
        let (directory, options) = (testing::temp_dir(), options());
        let (log, _) = open(&directory, &options).await;
        let mut last = None;
        // Nobody waits, so that commits of all sizes meet the zeros, and the ends of segments too.
        for base in 0..2_000 {
            last = Some(append(&log, key(0), base, 1, PAYLOAD).await);
        }
        log.durable(last.unwrap()).await.unwrap();
        assert_eq!(read_all(&log, key(0), 0, 2_000, 1 << 20, PAYLOAD).await, (0..2_000).collect::<Vec<_>>());
        log.close().await;
    });
}

#[cfg(sim)]
#[test]
fn large_commits_under_load_are_written_once() {
    testing::run(|| async {
        let large =
            LogOptions { segment_bytes: 8 << 20, commit_bytes_max: 1 << 20, queued_bytes_max: 2 << 20, ..options() };
        let (log, _) = open(&testing::temp_dir(), &large).await;
        append_each(&log, 0..20, 300_000).await;
        // At the start the log does not know yet what commits it will have.
        assert!(log.sample().prewritten_bytes <= 512 << 10, "{}", log.sample().prewritten_bytes);
        log.close().await;
    });
}
