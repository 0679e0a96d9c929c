//! Owns the way of a coordinator's records into its partition.
//!
//! They go in as one ordinary batch. Where the log is busy the event keeps its turn and waits; nothing may cancel it then, or the coordinator
//! would know more than its log: `ask` and the background tasks see to that.

use std::rc::Rc;

use corelog_engine::ids::CommitSequence;
use corelog_engine::log::AppendRefused;
use corelog_engine::partition::AppendError;
use corelog_protocol::ErrorCode;
use corelog_rt::{task, time};

use super::slot::{Phase, Slot};
use crate::groups::effects::{Effects, Standing};
use crate::groups::records::{GroupRecord, batch_of};
use crate::limits::GROUP_RECORD_BYTES_MAX;

impl Slot {
    /// Writes the records of an event, whose turn it is.
    pub(super) async fn write(self: &Rc<Self>, effects: &Effects) -> Result<(), ErrorCode> {
        let written = self.write_pieces(&effects.records, effects.standing).await;
        if let Err(error) = &written
            && effects.standing == Standing::Applied
        {
            tracing::warn!(partition = %self.partition.key(), error = error.name(), "a group's record was refused: its coordinator is loaded anew");
            self.reload();
        }
        written
    }

    async fn write_pieces(&self, records: &[GroupRecord], standing: Standing) -> Result<(), ErrorCode> {
        for piece in pieces(records) {
            let now_ms = time::unix_ms();
            let batch = batch_of(piece, self.common.compression, now_ms).map_err(|_| ErrorCode::UnknownServerError)?;
            let appended = loop {
                match self.partition.append(&batch, now_ms) {
                    Err(AppendError::Log(AppendRefused::Busy)) => self.partition.log().admission().await,
                    result => break result,
                }
            };
            self.appended(appended.map(|appended| appended.commit), &batch, piece, standing)?;
        }
        Ok(())
    }

    /// The records are in the log, or refused.
    fn appended(
        &self,
        done: Result<CommitSequence, AppendError>,
        batch: &[u8],
        records: &[GroupRecord],
        standing: Standing,
    ) -> Result<(), ErrorCode> {
        let commit = match done {
            Ok(commit) => commit,
            Err(
                AppendError::Batch(_) | AppendError::Producer(_) | AppendError::Log(AppendRefused::TooLarge { .. }),
            ) => {
                return Err(ErrorCode::UnknownServerError);
            }
            Err(AppendError::Log(AppendRefused::DiskFull | AppendRefused::Busy)) => {
                return Err(ErrorCode::NotCoordinator);
            }
            Err(AppendError::Log(AppendRefused::Closed) | AppendError::Deleted) => {
                self.close();
                return Err(ErrorCode::NotCoordinator);
            }
        };
        self.last_commit.set(Some(commit));
        self.history_bytes.set(self.history_bytes.get() + batch.len() as u64);
        if standing == Standing::Decided
            && let Phase::Ready(coordinator) = &mut *self.phase.borrow_mut()
        {
            for record in records {
                coordinator.replay(record);
            }
        }
        Ok(())
    }

    /// Forgets the state and reads it from the log again.
    pub(super) fn reload(self: &Rc<Self>) {
        if self.is_closed() {
            return;
        }
        *self.phase.borrow_mut() = Phase::Loading;
        self.waiting.drop_all();
        self.count_memory(0);
        task::spawn(Rc::clone(self).load());
    }
}

/// Cuts tombstones, which need not go in together, into runs that a batch takes. Anything else is one run.
fn pieces(records: &[GroupRecord]) -> Vec<&[GroupRecord]> {
    let only_offset_tombstones = |records: &[GroupRecord]| {
        records
            .iter()
            .all(|record| matches!(record, GroupRecord::OffsetCommit(_, None) | GroupRecord::GroupMetadata(_, None)))
    };
    let bytes = |record: &GroupRecord| record.encode().map_or(0, |encoded| encoded.bytes() + 32);
    if records.len() < 256 || !only_offset_tombstones(records) {
        return vec![records];
    }
    let mut runs = Vec::new();
    let (mut start, mut run_bytes) = (0, 0);
    for (index, record) in records.iter().enumerate() {
        let record_bytes = bytes(record);
        if run_bytes + record_bytes > GROUP_RECORD_BYTES_MAX / 2 && index > start {
            runs.extend(records.get(start..index));
            (start, run_bytes) = (index, 0);
        }
        run_bytes += record_bytes;
    }
    runs.extend(records.get(start..));
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use corelog_protocol::messages::offset_commit_key::OffsetCommitKey;

    #[test]
    fn many_tombstones_are_cut_into_batches_that_the_topic_takes() {
        let tombstone = |partition| {
            let key = OffsetCommitKey { group: "g".repeat(1000).into(), topic: "t".into(), partition };
            GroupRecord::OffsetCommit(key, None)
        };
        let records: Vec<GroupRecord> = (0..2000).map(tombstone).collect();
        let cut = pieces(&records);
        assert_eq!(cut.concat(), records);
        assert!(cut.len() > 3);
        for piece in cut {
            let batch = batch_of(piece, corelog_engine::batch::Compression::default(), 0).unwrap();
            assert!(batch.len() <= GROUP_RECORD_BYTES_MAX);
        }
    }
}
