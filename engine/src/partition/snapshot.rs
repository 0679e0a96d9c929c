//! Owns the bytes by which a partition finds its state again: its part of a checkpoint.
//!
//! ```text
//! version u16 = 1
//! epoch count u32 | (leader epoch i32 | start offset i64)*
//! producer count u32 | producers:
//!   id i64 | epoch i16 | coordinator epoch i32 | last timestamp i64 | seen i64 | batch count u8 |
//!   (last sequence i32 | last offset i64 | offset delta i32 | timestamp i64)*
//! ```
//! Big-endian. Log start and end are the log's own part of the checkpoint. The log guards the bytes by a checksum; still nothing in them is
//! trusted as a size to allocate. A later version is an error, never a guess.

use super::leader_epochs::LeaderEpochs;
use super::producer::{ProducerBatch, ProducerState};
use super::producers::Producers;
use crate::ids::{CommitSequence, LeaderEpoch, Offset};
use crate::limits::PRODUCER_BATCHES_MAX;
use smallvec::SmallVec;
use thiserror::Error;

const VERSION: u16 = 1;

/// Why a checkpoint's bytes are not a partition's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SnapshotError {
    /// A newer version of the software wrote it.
    #[error("partition state of version {version} was written by a newer version of the software")]
    Version {
        /// The version as read.
        version: u16,
    },
    /// It ends early, or contradicts itself.
    #[error("partition state is malformed")]
    Malformed,
}

/// Writes epochs and producers.
pub fn encode(epochs: &LeaderEpochs, producers: &Producers) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + epochs.iter().len() * 12 + producers.len() * 64);
    out.extend(VERSION.to_be_bytes());
    out.extend((epochs.iter().len() as u32).to_be_bytes());
    for (leader_epoch, start) in epochs.iter() {
        out.extend(leader_epoch.0.to_be_bytes());
        out.extend(start.0.to_be_bytes());
    }
    out.extend((producers.len() as u32).to_be_bytes());
    for (id, state) in producers.sorted() {
        out.extend(id.to_be_bytes());
        out.extend(state.epoch.to_be_bytes());
        out.extend(state.coordinator_epoch.to_be_bytes());
        out.extend(state.last_timestamp_ms.to_be_bytes());
        out.extend(state.seen_ms.to_be_bytes());
        out.push(state.batches.len() as u8);
        for batch in &state.batches {
            out.extend(batch.last_sequence.to_be_bytes());
            out.extend(batch.last_offset.0.to_be_bytes());
            out.extend(batch.offset_delta.to_be_bytes());
            out.extend(batch.timestamp_ms.to_be_bytes());
        }
    }
    out
}

/// Reads what [`encode`] wrote.
///
/// # Errors
/// [`SnapshotError`].
pub fn decode(bytes: &[u8]) -> Result<(LeaderEpochs, Producers), SnapshotError> {
    let mut rest = bytes;
    let version = u16::from_be_bytes(take(&mut rest)?);
    if version > VERSION {
        return Err(SnapshotError::Version { version });
    }
    let mut epochs = LeaderEpochs::default();
    for _ in 0..u32::from_be_bytes(take(&mut rest)?) {
        let leader_epoch = LeaderEpoch(i32::from_be_bytes(take(&mut rest)?));
        epochs.assign(leader_epoch, Offset(i64::from_be_bytes(take(&mut rest)?)));
    }
    let mut producers = Producers::default();
    for _ in 0..u32::from_be_bytes(take(&mut rest)?) {
        let id = i64::from_be_bytes(take(&mut rest)?);
        producers.restore(id, decode_producer(&mut rest)?);
    }
    if rest.is_empty() { Ok((epochs, producers)) } else { Err(SnapshotError::Malformed) }
}

fn decode_producer(rest: &mut &[u8]) -> Result<ProducerState, SnapshotError> {
    let mut state = ProducerState {
        epoch: i16::from_be_bytes(take(rest)?),
        coordinator_epoch: i32::from_be_bytes(take(rest)?),
        last_timestamp_ms: i64::from_be_bytes(take(rest)?),
        seen_ms: i64::from_be_bytes(take(rest)?),
        batches: SmallVec::new(),
    };
    let [batch_count] = take(rest)?;
    if usize::from(batch_count) > PRODUCER_BATCHES_MAX {
        return Err(SnapshotError::Malformed);
    }
    for _ in 0..batch_count {
        state.batches.push(ProducerBatch {
            last_sequence: i32::from_be_bytes(take(rest)?),
            last_offset: Offset(i64::from_be_bytes(take(rest)?)),
            offset_delta: i32::from_be_bytes(take(rest)?),
            timestamp_ms: i64::from_be_bytes(take(rest)?),
            commit: CommitSequence(0),
        });
    }
    Ok(state)
}

fn take<const BYTES: usize>(rest: &mut &[u8]) -> Result<[u8; BYTES], SnapshotError> {
    let (field, after) = rest.split_first_chunk().ok_or(SnapshotError::Malformed)?;
    *rest = after;
    Ok(*field)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn batch() -> impl Strategy<Value = ProducerBatch> {
        (0i32.., 0i64.., 0i32.., any::<i64>()).prop_map(|(last_sequence, offset, offset_delta, timestamp_ms)| {
            ProducerBatch {
                last_sequence,
                last_offset: Offset(offset),
                offset_delta,
                timestamp_ms,
                commit: CommitSequence(0),
            }
        })
    }

    fn producer() -> impl Strategy<Value = ProducerState> {
        (any::<i16>(), any::<i32>(), any::<i64>(), any::<i64>(), prop::collection::vec(batch(), 0..=5)).prop_map(
            |(epoch, coordinator_epoch, last_timestamp_ms, seen_ms, batches)| ProducerState {
                epoch,
                coordinator_epoch,
                last_timestamp_ms,
                seen_ms,
                batches: batches.into(),
            },
        )
    }

    proptest! {
        #[test]
        fn state_round_trips_and_its_prefixes_are_malformed(
            terms in prop::collection::btree_map(0i32..100, 0i64..50, 0..8),
            known in prop::collection::vec((any::<i64>(), producer()), 0..6),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut epochs = LeaderEpochs::default();
            for (leader_epoch, start) in terms {
                epochs.assign(LeaderEpoch(leader_epoch), Offset(start));
            }
            let mut producers = Producers::default();
            for (id, state) in known {
                producers.restore(id, state);
            }
            let bytes = encode(&epochs, &producers);
            prop_assert_eq!(decode(&bytes[..cut.index(bytes.len())]), Err(SnapshotError::Malformed));
            prop_assert_eq!(decode(&bytes), Ok((epochs, producers)));
        }

        #[test]
        fn garbage_never_panics(mut bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            if let [high, low, ..] = bytes.as_mut_slice() {
                (*high, *low) = (0, 1);
            }
            let _ = decode(&bytes);
        }
    }

    #[test]
    fn newer_version_is_told_apart() {
        assert_eq!(decode(&[0, 2, 0]), Err(SnapshotError::Version { version: 2 }));
    }
}
