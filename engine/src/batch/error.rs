//! Owns the one error of this module: why bytes are not an acceptable batch.

use thiserror::Error;

/// Why a batch was refused. One variant per distinct reaction of a caller; details are for logs and for the client's message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BatchError {
    /// Fewer bytes than the header, or than the batch's own length, are there.
    #[error("batch needs {needed} bytes, {available} are there")]
    Truncated {
        /// Bytes that the batch says it has (or that its header has).
        needed: usize,
        /// Bytes that are there.
        available: usize,
    },
    /// The length field is negative, smaller than a header, or larger than any batch may be.
    #[error("batch length field {length} is impossible")]
    Length {
        /// The field as read.
        length: i32,
    },
    /// Message format 0 or 1, which Kafka 4 no longer takes.
    #[error("message format {magic} is no longer supported")]
    OldFormat {
        /// The magic byte as read.
        magic: i8,
    },
    /// A magic byte that no Kafka version ever wrote.
    #[error("unknown message format {magic}")]
    UnknownFormat {
        /// The magic byte as read.
        magic: i8,
    },
    /// The batch's CRC-32C does not match its bytes.
    #[error("checksum is {computed:#010x}, batch says {stored:#010x}")]
    Checksum {
        /// What the batch says.
        stored: u32,
        /// What its bytes give.
        computed: u32,
    },
    /// The batch is larger than its topic allows.
    #[error("batch of {bytes} bytes exceeds the limit of {bytes_max}")]
    TooLarge {
        /// Bytes of the batch as it would be stored.
        bytes: usize,
        /// `max.message.bytes`.
        bytes_max: usize,
    },
    /// A record's timestamp lies outside the topic's bounds.
    #[error("timestamp {timestamp_ms} of record {record} is outside the topic's bounds")]
    Timestamp {
        /// The timestamp.
        timestamp_ms: i64,
        /// Index of the first such record; of a batch that was not looked into, 0 or the last.
        record: i32,
    },
    /// A client stamped its batch as only a broker may.
    #[error("a client's batch says LogAppendTime")]
    TimestampType,
    /// A record without key in a compacted topic.
    #[error("record {record} has no key, which a compacted topic needs")]
    MissingKey {
        /// Index of the first such record.
        record: i32,
    },
    /// The batch, its header or its records contradict themselves.
    #[error("invalid batch: {0}")]
    Invalid(Flaw),
    /// Compressed records do not decompress, or to more than the cap.
    #[error("records do not decompress: {0}")]
    Compression(CompressionFlaw),
}

/// What is wrong with a batch whose bytes are intact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Flaw {
    /// No whole batch where one is due.
    #[error("no whole batch")]
    NoBatch,
    /// More than one batch for one partition in one request.
    #[error("more than one batch for a partition in one request")]
    SeveralBatches,
    /// A base offset other than 0 in a batch from a client.
    #[error("offsets of a client's batch do not start at 0")]
    BaseOffset,
    /// The batch says that it has no records, or a negative number of them.
    #[error("no records")]
    NoRecords,
    /// The offsets span another number of records than the batch says it holds.
    #[error("record count does not match the offset range")]
    CountAgainstOffsets,
    /// The records end before, or go on after, their number is reached.
    #[error("number of records differs from the record count")]
    CountAgainstRecords,
    /// A record's offset delta is not its index.
    #[error("record offset deltas are not consecutive")]
    RecordOffsetDelta,
    /// A record's own encoding is broken.
    #[error("malformed record")]
    Record,
    /// A client sent a control batch.
    #[error("control batch from a client")]
    ControlBatch,
    /// A producer id without a sequence.
    #[error("producer id without a sequence")]
    Sequence,
    /// A compression id that Kafka does not have.
    #[error("unknown compression id")]
    UnknownCodec,
    /// More records, or more bytes, than one batch can hold.
    #[error("batch is full")]
    Full,
}

/// Why records do not decompress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CompressionFlaw {
    /// The compressed bytes of this codec are broken.
    #[error("corrupt {0}")]
    Corrupt(&'static str),
    /// They inflate beyond this many bytes.
    #[error("more than {0} bytes")]
    TooLarge(usize),
}
