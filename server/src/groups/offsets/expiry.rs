//! Owns the expiry of offsets, and of groups that have none left (`offsets.retention.minutes`).

use corelog_protocol::Text;

use super::committed::CommittedOffset;
use super::store::tombstone;
use crate::groups::coordinator::Coordinator;
use crate::groups::moment::Moment;
use crate::limits::{GROUP_TOMBSTONES_MAX, GROUPS_PER_SLICE};

/// What a group's offsets are counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiryCondition {
    /// They do not expire now.
    Never,
    /// Since when the group is empty, in ms since 1970.
    Since(i64),
    /// Since each was committed.
    SinceCommit,
}

impl ExpiryCondition {
    fn is_expired(self, offset: &CommittedOffset, now_ms: i64, retention_ms: i64) -> bool {
        let from_ms = match self {
            ExpiryCondition::Never => return false,
            _ if offset.expires_ms >= 0 => return now_ms >= offset.expires_ms,
            ExpiryCondition::Since(since_ms) => since_ms,
            ExpiryCondition::SinceCommit => offset.committed_ms,
        };
        now_ms.saturating_sub(from_ms) >= retention_ms
    }
}

impl Coordinator {
    /// Lets offsets go that nobody needs any more, and groups that hold none, group by group from `from` on. Call again from where it came
    /// to, once the records are replayed; it is done where that is nowhere.
    pub fn expire(&mut self, from: Option<&Text>, now: Moment) -> Option<Text> {
        let retention_ms = self.settings().offsets_retention_ms;
        let room = 2 * GROUP_TOMBSTONES_MAX;
        let mut records = Vec::new();
        let mut came_to = None;
        for (seen, (id, entry)) in self.entries_from(from).enumerate() {
            if records.len() >= GROUP_TOMBSTONES_MAX || seen >= GROUPS_PER_SLICE {
                came_to = Some(id.clone());
                break;
            }
            let condition = entry.group.expiry_condition();
            let expired = entry.offsets.iter().filter(|(topic, _, offset)| {
                !entry.group.is_subscribed_to(topic) && condition.is_expired(offset, now.unix_ms, retention_ms)
            });
            let before = records.len();
            records.extend(expired.take(room).map(|(topic, partition, _)| tombstone(id, topic, partition)));
            let gone = records.len() - before;
            if gone == entry.offsets.len() && entry.group.is_idle() {
                records.extend(entry.group.tombstones());
            } else if gone == room {
                came_to = Some(id.clone());
                break;
            }
        }
        self.effects_mut().records = records;
        came_to
    }
}
