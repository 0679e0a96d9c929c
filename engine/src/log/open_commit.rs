//! Owns a commit while it is filled: the aligned buffer, its entries, its place in the log.
//!
//! The queue opens one, appends copy into it, closing fixes its length, finishing writes header, table and padding. Its place (segment, position,
//! sequence) is fixed when it is opened, so an append knows at once where its bytes will lie. The buffer has the size that is expected, and
//! moves into a larger one where that was too little.

use super::commit::{COMMIT_HEADER_BYTES, CommitHeader, commit_bytes, table_position};
use super::entry::{BATCH_UNCHECKED_BYTES, Entry, EntryKind};
use super::interface::{BatchMeta, EntryProgress};
use super::segment_file::SegmentFile;
use crate::batch::Batches;
use crate::ids::{CommitSequence, Offset, PartitionKey};
use corelog_rt::buffer::{ALIGNMENT, DirectBuffer};
use corelog_rt::time::Instant;
use std::rc::Rc;

/// Where a commit goes.
#[derive(Clone, Debug)]
pub struct CommitPlace {
    /// The segment.
    pub segment: Rc<SegmentFile>,
    /// Bytes from the start of the file.
    pub position: u64,
    /// Its sequence.
    pub sequence: CommitSequence,
    /// The commit that must be durable before this one is written.
    pub after: CommitSequence,
}

/// What the header says beyond the commit's own content.
#[derive(Clone, Copy, Debug)]
pub struct CommitStamp {
    /// `FLAG_LIFE_START` or nothing.
    pub flags: u16,
    /// This process's life.
    pub life: u64,
    /// Checksum of the commit before.
    pub chain: u32,
    /// The last durable commit.
    pub durable: CommitSequence,
    /// Wall clock in ms.
    pub wall_ms: i64,
}

/// A commit that is being filled.
#[derive(Debug)]
pub struct OpenCommit {
    /// Where it goes.
    pub place: CommitPlace,
    /// When the first batch of a client was added.
    pub began: Option<Instant>,
    flags: u16,
    buffer: DirectBuffer,
    bytes_max: usize,
    data_end: usize,
    entries: Vec<Entry>,
    joining: Joining,
}

/// Which batches of one partition share an entry, if they come one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joining {
    /// Those whose offsets do.
    Adjacent,
    /// None: a span of a settled segment begins.
    Apart,
    /// All: offsets between them that are missing are nowhere else, within a span of a settled segment.
    Gaps,
}

impl Joining {
    fn allows(self, last: Offset, next: Offset) -> bool {
        match self {
            Joining::Adjacent => last.plus(1) == next,
            Joining::Apart => false,
            Joining::Gaps => last < next,
        }
    }
}

/// A commit ready to be written.
#[derive(Debug)]
pub struct FinishedCommit {
    /// Exactly the bytes to write.
    pub buffer: DirectBuffer,
    /// Its checksum.
    pub crc: u32,
    /// Bytes of its batches.
    pub batch_bytes: usize,
    /// What it does for each partition.
    pub progress: Vec<EntryProgress>,
}

/// Where an append landed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Landed {
    /// Bytes from the start of the segment file.
    pub position: u32,
    /// It joined the entry of the append before it.
    pub joins: bool,
}

impl OpenCommit {
    /// An empty commit that takes up to `bytes_max` and is expected to take `bytes_expected`.
    pub fn new(place: CommitPlace, flags: u16, bytes_expected: usize, bytes_max: usize) -> OpenCommit {
        let mut buffer = DirectBuffer::unzeroed(bytes_expected.clamp(ALIGNMENT, bytes_max));
        buffer.restore();
        let data_end = COMMIT_HEADER_BYTES;
        OpenCommit {
            place,
            began: None,
            flags,
            buffer,
            bytes_max,
            data_end,
            entries: Vec::new(),
            joining: Joining::Adjacent,
        }
    }

    /// Which batches share an entry from now on.
    pub fn set_joining(&mut self, joining: Joining) {
        self.joining = joining;
    }

    /// Bytes of buffer that a commit with one append of `bytes` needs.
    pub fn bytes_for(bytes: usize) -> usize {
        commit_bytes(bytes, 1)
    }

    /// Nothing was appended to it.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes that it takes on disk as it is.
    pub fn disk_bytes(&self) -> usize {
        commit_bytes(self.data_end - COMMIT_HEADER_BYTES, self.entries.len())
    }

    /// Bytes that it would take on disk with `bytes` more in an entry of their own.
    pub fn disk_bytes_with(&self, bytes: usize) -> usize {
        commit_bytes(self.data_end - COMMIT_HEADER_BYTES + bytes, self.entries.len() + 1)
    }

    /// Whether it takes `bytes` more.
    pub fn fits(&self, bytes: usize) -> bool {
        self.disk_bytes_with(bytes) <= self.bytes_max
    }

    /// The next `bytes` of the buffer. They count only once an entry is added.
    pub fn space(&mut self, bytes: usize) -> &mut [u8] {
        self.hold(self.disk_bytes_with(bytes));
        let from = self.data_end;
        self.buffer.get_mut(from..from + bytes).expect("the caller saw that it fits")
    }

    /// The next `bytes` of the buffer were filled with batches.
    ///
    /// # Panics
    /// If they are no whole batches or not those that `meta` says.
    pub fn add_batches(&mut self, key: PartitionKey, meta: &BatchMeta, bytes: usize) -> Landed {
        let position = self.data_end;
        let joined = self.entries.last().filter(|last| {
            last.kind == EntryKind::Batches
                && last.key == key
                && last.leader_epoch == meta.leader_epoch
                && self.joining.allows(last.last_offset, meta.base_offset)
        });
        let mut entry = joined.copied().unwrap_or_else(|| {
            let mut entry = Entry::new(EntryKind::Batches, key);
            entry.leader_epoch = meta.leader_epoch;
            entry.base_offset = meta.base_offset;
            entry.max_timestamp_ms = -1;
            entry.position = position as u32;
            entry
        });
        let joins = joined.is_some();
        let data = self.buffer.get(position..position + bytes).expect("the caller saw that it fits");
        let mut prefixes = crc32fast::Hasher::new_with_initial(entry.prefix_crc);
        let (mut first, mut last) = (None, None);
        for batch in Batches::new(data) {
            let (header, batch) = batch.expect("an append consists of whole batches");
            let (prefix, _) = batch.split_at(BATCH_UNCHECKED_BYTES);
            prefixes.update(prefix);
            entry.batch_count += 1;
            first.get_or_insert(header.base_offset);
            last = Some(header.last_offset());
        }
        assert_eq!((first, last), (Some(meta.base_offset), Some(meta.last_offset)), "{key}: batches are as said");
        entry.prefix_crc = prefixes.finalize();
        entry.last_offset = meta.last_offset;
        entry.max_timestamp_ms = entry.max_timestamp_ms.max(meta.max_timestamp_ms);
        entry.bytes += bytes as u32;
        if joins {
            self.entries.pop();
        }
        self.entries.push(entry);
        self.data_end = position + bytes;
        Landed { position: (self.place.position + position as u64) as u32, joins }
    }

    /// Adds an entry of another kind with its data.
    pub fn add_entry(&mut self, mut entry: Entry, data: &[u8]) {
        if !data.is_empty() {
            entry.position = self.data_end as u32;
            entry.bytes = data.len() as u32;
            self.space(data.len()).copy_from_slice(data);
            self.data_end += data.len();
        }
        self.entries.push(entry);
    }

    /// Moves into a larger buffer if its own is shorter than `bytes`.
    fn hold(&mut self, bytes: usize) {
        if bytes > self.buffer.len() {
            self.move_into(bytes.max((2 * self.buffer.len()).min(self.bytes_max)));
        }
    }

    fn move_into(&mut self, bytes: usize) {
        let mut buffer = DirectBuffer::unzeroed(bytes);
        buffer.restore();
        let data = self.buffer.get(..self.data_end).expect("data lies in its buffer");
        buffer.get_mut(..self.data_end).expect("a commit holds its data").copy_from_slice(data);
        self.buffer = buffer;
    }

    /// Writes header, table and padding. A commit that fills less than a quarter of its buffer moves into one of its own size.
    pub fn finish(mut self, stamp: CommitStamp) -> FinishedCommit {
        let disk_bytes = self.disk_bytes();
        self.hold(disk_bytes);
        if disk_bytes < self.buffer.len() / 4 {
            self.move_into(disk_bytes);
        }
        let data_bytes = self.data_end - COMMIT_HEADER_BYTES;
        let header = CommitHeader {
            crc: 0,
            flags: self.flags | stamp.flags,
            nonce: self.place.segment.header.nonce,
            life: stamp.life,
            sequence: self.place.sequence,
            durable: stamp.durable,
            wall_ms: stamp.wall_ms,
            chain: stamp.chain,
            bytes: disk_bytes as u32,
            data_bytes: data_bytes as u32,
            entry_count: self.entries.len() as u32,
            table_position: table_position(data_bytes) as u32,
        };
        let mut buffer = self.buffer;
        buffer.truncate(disk_bytes);
        let crc = header.seal(&mut buffer, &self.entries);
        let batches = self.entries.iter().filter(|entry| entry.kind == EntryKind::Batches);
        let batch_bytes = batches.clone().map(|entry| entry.bytes as usize).sum();
        let progress = batches.map(|entry| EntryProgress { key: entry.key, last_offset: entry.last_offset }).collect();
        FinishedCommit { buffer, crc, batch_bytes, progress }
    }
}
