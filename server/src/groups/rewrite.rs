//! Owns the rolling rewrite: a coordinator's state written anew, piece by piece, while it works on.
//!
//! Once every group was written, nothing before the first piece is needed any more, and the partition's start moves up to there. So what a
//! start has to read is bounded by the state, whatever the history, without any pause or copy of the state.

use corelog_protocol::Text;

use super::coordinator::Coordinator;
use super::effects::Standing;
use super::offsets::store::record;
use super::records::GroupRecord;
use crate::limits::GROUP_REWRITE_BYTES;

/// Where a rewrite came to: the group, and the last offset of it that was written, if not all were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RewriteCursor {
    group: Text,
    place: Option<(Text, i32)>,
}

impl Coordinator {
    /// Writes the next piece; says where it came to, and is done where that is nowhere. A group that is new since the rewrite began need not
    /// be met: its records came after that anyway.
    pub fn rewrite(&mut self, from: Option<&RewriteCursor>) -> Option<RewriteCursor> {
        let (records, came_to) = self.next_piece(from);
        self.effects_mut().records = records;
        self.effects_mut().standing = Standing::Restated;
        came_to
    }

    fn next_piece(&self, from: Option<&RewriteCursor>) -> (Vec<GroupRecord>, Option<RewriteCursor>) {
        let mut records = Vec::new();
        let mut bytes = 0;
        for (id, entry) in self.entries_from(from.map(|cursor| &cursor.group)) {
            let resumed = from.filter(|cursor| cursor.group == *id).and_then(|cursor| cursor.place.as_ref());
            if bytes >= GROUP_REWRITE_BYTES {
                return (records, Some(RewriteCursor { group: id.clone(), place: None }));
            }
            let stands_alone = !entry.group.is_simple() || entry.offsets.is_empty();
            if resumed.is_none() && stands_alone {
                records.extend(entry.group.records());
                bytes += entry.group.memory_bytes();
            }
            for (topic, partition, offset) in entry.offsets.after(resumed.map(|(topic, last)| (topic, *last))) {
                records.push(record(id, topic, partition, offset));
                bytes += id.len() + topic.len() + offset.metadata.len() + size_of::<GroupRecord>();
                if bytes >= GROUP_REWRITE_BYTES {
                    let place = Some((topic.clone(), partition));
                    return (records, Some(RewriteCursor { group: id.clone(), place }));
                }
            }
        }
        (records, None)
    }
}
