//! Builds batches record by record: of different sizes, with chosen keys, compressed. Costs more than a template, as it does clients.
//!
//! Owned by one worker, or, for batches that are made ready before the run, by the thread that steers.

use std::sync::Arc;

use corelog_protocol::varint::{bytes_of, write_i64};

use super::compression::compress;
use super::part::{Author, Part};
use super::payload::Payload;
use super::stamp::{STAMP_BYTES, Stamp};
use super::template::{
    ATTRIBUTES_AT, HEADER_BYTES, LAST_OFFSET_DELTA_AT, LENGTH_AT, LENGTH_EXCLUDES_BYTES, RECORD_COUNT_AT, put, seal,
    write_header,
};
use crate::load::key_table::write_key;
use crate::workload::options::RECORD_BYTES_AROUND;
use crate::workload::{Compression, Workload};

/// Bytes of values in the batches that are ready, together.
const READY_BYTES: usize = 32 << 20;
/// The fewest and the most batches that are ready.
const READY_BATCHES: (usize, usize) = (4, 256);

/// Builds batches.
pub struct Composer {
    payload: Arc<Payload>,
    codec: Compression,
    key_bytes: Option<usize>,
    batch_bytes: usize,
    records_per_batch: Option<usize>,
    /// Where in the payload the last value ended.
    cursor: usize,
    key: Vec<u8>,
    records: Vec<u8>,
    batch: Vec<u8>,
}

impl Composer {
    /// Takes what the workload says.
    pub fn new(workload: &Workload, payload: Arc<Payload>) -> Composer {
        Composer {
            payload,
            codec: workload.compression,
            key_bytes: workload.key_length(),
            batch_bytes: workload.batch_bytes,
            records_per_batch: workload.records_per_batch,
            cursor: 0,
            key: vec![0; workload.key_length().unwrap_or(0)],
            records: Vec::new(),
            batch: Vec::new(),
        }
    }

    /// Records of the batch that begins with the one that is drawn as number `drawn`: at least 1, at most `most`, which is above 0.
    pub fn count(&self, drawn: u64, most: usize) -> usize {
        match self.records_per_batch {
            Some(count) => count.min(most),
            None => self.fit(drawn, most),
        }
    }

    /// How many records from `drawn` on fit the bytes of a batch, before they are compressed: at least 1, at most `most`.
    pub fn fit(&self, drawn: u64, most: usize) -> usize {
        let mut room = self.batch_bytes.saturating_sub(HEADER_BYTES);
        let mut count = 0;
        while count < most {
            let value_bytes = self.payload.value_bytes(drawn + count as u64);
            let record_bytes = value_bytes + self.key_bytes.unwrap_or(0) + RECORD_BYTES_AROUND;
            if record_bytes > room {
                break;
            }
            room -= record_bytes;
            count += 1;
        }
        count.max(1)
    }

    /// Builds the batch of a part, and notes its bytes there.
    pub fn compose(&mut self, author: Author, part: &mut Part) -> &[u8] {
        self.build(part, Some(author.stamp));
        author_and_seal(&mut self.batch, author, part);
        part.batch_bytes = self.batch.len() as u64;
        &self.batch
    }

    /// Lays out the whole batch but for what depends on its author. Without a stamp, records hold payload alone.
    fn build(&mut self, part: &mut Part, stamp: Option<u32>) {
        self.batch.clear();
        write_header(&mut self.batch);
        self.records.clear();
        part.payload_bytes = 0;
        for index in 0..part.count {
            let drawn = part.drawn + part.place_of(index) as u64;
            let key_bytes = self.take_key(part, index);
            let value_bytes = self.payload.value_bytes(drawn);
            let (key_length, value_length) = (key_bytes.map_or(-1, |bytes| bytes as i64), value_bytes as i64);
            // Attributes, timestamp delta and the count of headers take a byte each.
            let bytes = 3
                + bytes_of(index as i64)
                + bytes_of(key_length)
                + bytes_of(value_length)
                + key_bytes.unwrap_or(0)
                + value_bytes;
            let out = &mut self.records;
            write_i64(out, bytes as i64);
            out.extend_from_slice(&[0, 0]);
            write_i64(out, index as i64);
            write_i64(out, key_length);
            out.extend_from_slice(self.key.get(..key_bytes.unwrap_or(0)).unwrap_or_default());
            write_i64(out, value_length);
            let stamp_at = out.len();
            out.resize(stamp_at + STAMP_BYTES, 0);
            if let Some(producer) = stamp {
                let stamp = Stamp { producer, sequence: part.sequence + index as u64, time_ns: part.time_of(index) };
                stamp.write(out.get_mut(stamp_at..).expect("room was made for the stamp"));
            }
            out.extend_from_slice(self.payload.piece(drawn, &mut self.cursor));
            out.push(0);
            part.payload_bytes += (key_bytes.unwrap_or(0) + value_bytes) as u64;
        }
        compress(self.codec, &self.records, &mut self.batch);
        let length = (self.batch.len() - LENGTH_EXCLUDES_BYTES) as i32;
        put(&mut self.batch, LENGTH_AT, length.to_be_bytes());
        put(&mut self.batch, ATTRIBUTES_AT, i16::from(self.codec.code()).to_be_bytes());
        put(&mut self.batch, LAST_OFFSET_DELTA_AT, (part.count as i32 - 1).to_be_bytes());
        put(&mut self.batch, RECORD_COUNT_AT, (part.count as i32).to_be_bytes());
    }

    /// Puts the key of a record into `key`; none where records have none.
    fn take_key(&mut self, part: &Part, index: usize) -> Option<usize> {
        let bytes = self.key_bytes?;
        if let Some(keyed) = part.keyed.get(index) {
            write_key(keyed.key, &mut self.key);
        } else {
            let filler = self.payload.filler(bytes, &mut self.cursor);
            self.key.iter_mut().zip(filler).for_each(|(to, from)| *to = *from);
        }
        Some(bytes)
    }
}

fn author_and_seal(batch: &mut [u8], author: Author, part: &Part) {
    super::template::put_author(batch, author, part);
    seal(batch);
}

/// Batches that were compressed before the run: a generator that compressed while it measures how fast a broker takes what is compressed
/// would measure itself. Their records carry no stamps, so who reads them later counts them and cannot follow them.
pub struct Ready {
    batches: Vec<ReadyBatch>,
}

struct ReadyBatch {
    bytes: Vec<u8>,
    count: usize,
    payload_bytes: u64,
}

impl Ready {
    /// Compresses as many as a run turns over.
    pub fn new(workload: &Workload, payload: Arc<Payload>) -> Ready {
        let mut composer = Composer::new(workload, payload);
        let (fewest, most) = READY_BATCHES;
        let (mut batches, mut drawn, mut bytes) = (Vec::new(), 0, 0);
        while batches.len() < fewest || (batches.len() < most && bytes < READY_BYTES as u64) {
            let count = composer.count(drawn, usize::MAX);
            let mut part = Part { count, drawn, ..Part::default() };
            composer.build(&mut part, None);
            batches.push(ReadyBatch { bytes: composer.batch.clone(), count, payload_bytes: part.payload_bytes });
            drawn += count as u64;
            bytes += part.payload_bytes;
        }
        Ready { batches }
    }

    fn at(&self, place: u64) -> &ReadyBatch {
        let at = (place % self.batches.len() as u64) as usize;
        self.batches.get(at).expect("there are batches, and the place was wrapped")
    }

    /// Records of the batch at a place.
    pub fn count(&self, place: u64) -> usize {
        self.at(place).count
    }

    /// Appends the batch at the part's place to `out`, as its author's, and notes its bytes.
    pub fn append(&self, author: Author, part: &mut Part, out: &mut Vec<u8>) {
        let ready = self.at(part.drawn);
        let start = out.len();
        out.extend_from_slice(&ready.bytes);
        author_and_seal(out.get_mut(start..).expect("it was appended just now"), author, part);
        part.payload_bytes = ready.payload_bytes;
        part.batch_bytes = ready.bytes.len() as u64;
    }

    /// Bytes of the batch at a place.
    pub fn bytes(&self, place: u64) -> usize {
        self.at(place).bytes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::batch::Batch;
    use crate::wire::compression::decompress;
    use crate::wire::part::Keyed;

    const AUTHOR: Author = Author { stamp: 9, idempotent: Some((5, 2)) };

    fn workload(compression: Compression) -> Workload {
        Workload {
            compression,
            record_bytes: "100..500".parse().unwrap(),
            batch_bytes: 20_000,
            key_bytes: Some(16),
            ..Workload::default()
        }
    }

    #[test]
    fn batches_of_every_codec_are_read_back_whole() {
        for codec in [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd] {
            let workload = workload(codec);
            let mut composer = Composer::new(&workload, Arc::new(Payload::new(&workload).unwrap()));
            let count = composer.count(3, usize::MAX);
            assert!((20_000 / 530..20_000 / 120).contains(&count), "{count}");
            let keyed = (0..count as u32).map(|index| Keyed { key: 77, place: index * 2 }).collect();
            let mut part =
                Part { count, sequence: 40, time_ns: 5_000_000, step_ns: 10.0, drawn: 3, keyed, ..Part::default() };
            let bytes = composer.compose(AUTHOR, &mut part).to_vec();
            let batch = Batch::cut(&mut &bytes[..]).unwrap().unwrap();
            assert_eq!((batch.verify(), batch.codec(), batch.bytes() as u64), (Ok(()), codec.code(), part.batch_bytes));
            let records = decompress(batch.codec(), batch.records()).unwrap();
            let (mut seen, mut payload_bytes) = (Vec::new(), 0);
            batch
                .each_value(&records, |key_bytes, value| {
                    payload_bytes += (key_bytes + value.len()) as u64;
                    seen.push(Stamp::read(value).unwrap());
                })
                .unwrap();
            assert_eq!((seen.len(), payload_bytes), (count, part.payload_bytes));
            let last = seen[count - 1];
            assert_eq!((last.sequence, last.time_ns), (39 + count as u64, 5_000_000 + (count as u64 - 1) * 20));
        }
    }

    #[test]
    fn batches_that_are_ready_become_their_senders() {
        let workload = workload(Compression::Lz4);
        let ready = Ready::new(&workload, Arc::new(Payload::new(&workload).unwrap()));
        for place in 0..300 {
            let mut part =
                Part { count: ready.count(place), sequence: 7, time_ns: 9_000_000, drawn: place, ..Part::default() };
            let mut out = vec![1, 2, 3];
            ready.append(AUTHOR, &mut part, &mut out);
            assert_eq!(out.len() - 3, ready.bytes(place));
            let batch = Batch::cut(&mut &out[3..]).unwrap().unwrap();
            assert_eq!(
                (batch.verify(), batch.base_timestamp_ms(), batch.record_count()),
                (Ok(()), 9, part.count as i32)
            );
            let records = decompress(batch.codec(), batch.records()).unwrap();
            batch.each_value(&records, |_, value| assert_eq!(Stamp::read(value), None)).unwrap();
        }
    }

    #[test]
    fn a_record_that_is_too_large_for_a_batch_has_one_alone() {
        let workload = Workload { batch_bytes: 50, ..workload(Compression::None) };
        let composer = Composer::new(&workload, Arc::new(Payload::new(&workload).unwrap()));
        assert_eq!(composer.count(0, 10), 1);
        let fixed = Workload { records_per_batch: Some(7), ..workload };
        let composer = Composer::new(&fixed, Arc::new(Payload::new(&fixed).unwrap()));
        assert_eq!((composer.count(0, 100), composer.count(0, 3)), (7, 3));
    }
}
