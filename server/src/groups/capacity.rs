//! What many groups cost, in memory and in the log: the figures that ARCHITECTURE.md gives. How long they take to load is measured over the
//! wire, by `tests/faults/run many`.

use std::rc::Rc;

use corelog_engine::batch::Compression;
use corelog_protocol::messages::offset_commit_key::OffsetCommitKey;
use corelog_protocol::messages::offset_commit_value::OffsetCommitValue;
use corelog_protocol::{Text, Uuid};

use super::coordinator::Coordinator;
use super::records::{GroupRecord, batch_of, records_of};
use super::rewrite::RewriteCursor;
use super::settings::GroupSettings;

const GROUPS: usize = 500;
const OFFSETS: i32 = 10;
/// Bytes that a group of so many offsets takes at most.
const MEMORY_BYTES_MAX: usize = 1_300;
const LOG_BYTES_MAX: usize = 900;

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
fn many_groups_take_little_memory_and_log() {
    let pack = |records: &[GroupRecord]| batch_of(records, Compression::default(), 1).unwrap();
    let mut coordinator = Coordinator::new(Rc::new(GroupSettings::default()));
    let mut log_bytes = 0;
    for group in 0..GROUPS {
        let batch = pack(&commits(group));
        log_bytes += batch.len();
        records_of(&batch, |record| coordinator.replay(&record)).unwrap();
    }
    let (mut cursor, mut rewritten_bytes): (Option<RewriteCursor>, usize) = (None, 0);
    loop {
        cursor = coordinator.rewrite(cursor.as_ref());
        rewritten_bytes += pack(&coordinator.take_effects().records).len();
        if cursor.is_none() {
            break;
        }
    }
    let each = |bytes: usize| bytes / GROUPS;
    let memory_bytes = each(coordinator.memory_bytes());
    assert_eq!(coordinator.len(), GROUPS);
    assert!(memory_bytes <= MEMORY_BYTES_MAX, "{memory_bytes} bytes of memory a group");
    assert!(each(log_bytes) <= LOG_BYTES_MAX, "{} bytes of log a group", each(log_bytes));
    assert!(rewritten_bytes <= log_bytes, "{rewritten_bytes} bytes rewritten of {log_bytes}");
}
