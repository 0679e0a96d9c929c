//! What many groups cost: ten thousand of them, each with ten offsets, in memory, in the log, and to load.
//!
//! Figures for people, from `cargo test --release -- --ignored --nocapture ten_thousand`; the bounds are generous.

use std::rc::Rc;

use corelog_engine::batch::Compression;
use corelog_protocol::messages::offset_commit_key::OffsetCommitKey;
use corelog_protocol::messages::offset_commit_value::OffsetCommitValue;
use corelog_protocol::{Text, Uuid};
use corelog_rt::time;

use super::coordinator::Coordinator;
use super::records::{GroupRecord, batch_of, records_of};
use super::rewrite::RewriteCursor;
use super::settings::GroupSettings;

const GROUPS: usize = 10_000;
const OFFSETS: i32 = 10;

fn commits(group: usize) -> Vec<GroupRecord> {
    let commit = |partition| {
        let key =
            OffsetCommitKey { group: Text::from(format!("group-{group}")), topic: "some-topic".into(), partition };
        let value = OffsetCommitValue {
            offset: 1_000_000,
            metadata: "".into(),
            commit_timestamp: 1,
            topic_id: Uuid([1; 16]),
            ..Default::default()
        };
        GroupRecord::OffsetCommit(key, Some(value))
    };
    (0..OFFSETS).map(commit).collect()
}

#[test]
#[ignore = "figures for people"]
fn ten_thousand_groups_load_fast_and_take_little() {
    corelog_rt::testing::run(|| async {
        let pack = |records: &[GroupRecord]| batch_of(records, Compression::default(), 1).unwrap();
        let log: Vec<Vec<u8>> = (0..GROUPS).map(|group| pack(&commits(group))).collect();
        let log_bytes: usize = log.iter().map(Vec::len).sum();
        let mut coordinator = Coordinator::new(Rc::new(GroupSettings::default()));
        let began = time::now();
        for batch in &log {
            records_of(batch, |record| coordinator.replay(&record)).unwrap();
        }
        let load = began.elapsed();
        let began = time::now();
        let (mut cursor, mut rewritten_bytes): (Option<RewriteCursor>, usize) = (None, 0);
        loop {
            cursor = coordinator.rewrite(cursor.as_ref());
            rewritten_bytes += pack(&coordinator.take_effects().records).len();
            if cursor.is_none() {
                break;
            }
        }
        println!(
            "{GROUPS} groups of {OFFSETS} offsets: {} bytes of memory each, {} in the log, {} rewritten; loaded in {load:?}, rewritten in {:?}",
            coordinator.memory_bytes() / GROUPS,
            log_bytes / GROUPS,
            rewritten_bytes / GROUPS,
            began.elapsed(),
        );
        assert_eq!(coordinator.len(), GROUPS);
        assert!(coordinator.memory_bytes() / GROUPS < 2048);
    });
}
