//! The options of a load, with the defaults of the command line, and what contradicts what.

use std::path::PathBuf;

use clap::{Args, Parser, ValueEnum};
use serde::{Deserialize, Serialize};

use super::compression::Compression;
use super::key::KeyDistribution;
use super::size::RecordSize;

/// How long it may take at most to write what is then read, in seconds.
const FILL_SECONDS_MAX: f64 = 3600.0;

/// Bytes of a record around its key and value, at most, but for very large ones.
pub const RECORD_BYTES_AROUND: usize = 12;
/// The shortest chosen key: it holds the key's number.
const KEY_BYTES_MIN: usize = 8;
/// Bytes of a chosen key where nothing is said.
const KEY_BYTES_DEFAULT: usize = 16;
/// Where records are compressed and nothing is said: zstd makes a third or so of them.
const RANDOM_SHARE_COMPRESSED: f64 = 0.2;

/// Which side is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Producers alone.
    Produce,
    /// Consumers alone, over what is there.
    Consume,
    /// Producers and consumers; every record is followed from one to the other.
    EndToEnd,
}

/// How records that are due go to partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Spread {
    /// All that are due go to one partition as one batch, the next ones to the next partition: what clients do without keys.
    Sticky,
    /// One record to each partition in turn, and one request with a batch for each: what clients do with keys.
    Even,
}

/// How a file of payloads is cut into records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PayloadSplit {
    /// A record for each line that is not empty; --record-bytes says nothing then.
    Line,
    /// Pieces of the sizes that --record-bytes says.
    Size,
}

/// When the broker answers a produce request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Acks {
    /// No answer.
    #[value(name = "0")]
    #[serde(rename = "0")]
    None,
    /// The leader has it.
    #[value(name = "1")]
    #[serde(rename = "1")]
    Leader,
    /// All in-sync replicas have it.
    #[value(name = "all")]
    All,
}

impl Acks {
    /// The value on the wire.
    pub fn code(self) -> i16 {
        match self {
            Acks::None => 0,
            Acks::Leader => 1,
            Acks::All => -1,
        }
    }
}

/// The load. Defaults are those of the command line.
#[derive(Clone, Debug, PartialEq, Args, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Workload {
    /// Which side is loaded
    #[arg(long, value_enum, default_value = "produce")]
    pub mode: Mode,
    /// Topics; with more than one their names end in -0, -1, ...
    #[arg(long, default_value_t = 1)]
    pub topics: usize,
    /// Partitions of each topic that is made
    #[arg(long, default_value_t = 1)]
    pub partitions: usize,
    /// Replicas of each topic that is made
    #[arg(long, default_value_t = 1)]
    pub replication_factor: i16,
    /// Bytes of a record's value, at least 24: N, MIN..MAX (uniform) or lognormal:MEDIAN:P99
    #[arg(long, default_value = "1024", value_name = "SIZE")]
    pub record_bytes: RecordSize,
    /// Bytes of a record's key; records have none without it and without --keys
    #[arg(long)]
    pub key_bytes: Option<usize>,
    /// Keys that choose the partition as Kafka's clients do (murmur2): uniform:N, zipf:N:EXPONENT or round-robin:N
    #[arg(long, value_name = "DISTRIBUTION")]
    pub keys: Option<KeyDistribution>,
    /// What batches are compressed with
    #[arg(long, value_enum, default_value = "none")]
    pub compression: Compression,
    /// Share of random bytes in a value, 0 to 1; the rest is phrases. Without it 1, or 0.2 with --compression
    #[arg(long, value_name = "SHARE")]
    pub random_bytes_ratio: Option<f64>,
    /// A file with real payloads; each value is a stamp of 24 bytes and one of them
    #[arg(long, value_name = "FILE")]
    pub payload_file: Option<PathBuf>,
    /// How that file is cut into records
    #[arg(long, value_enum, default_value = "line")]
    pub payload_split: PayloadSplit,
    /// Records of a full batch; without it as many as fit --batch-bytes
    #[arg(long)]
    pub records_per_batch: Option<usize>,
    /// Bytes of a full batch
    #[arg(long, default_value_t = 1_000_000)]
    pub batch_bytes: usize,
    /// Batches of a request, each for another partition of its connection
    #[arg(long, default_value_t = 1)]
    pub batches_per_request: usize,
    /// Producer connections, of all topics together
    #[arg(long, default_value_t = 1)]
    pub connections: usize,
    /// Consumer connections of each group, of all topics together
    #[arg(long, default_value_t = 1)]
    pub consumers: usize,
    /// Groups of consumers, each of which reads everything; partitions are given to them by hand, no coordinator is asked
    #[arg(long, default_value_t = 1)]
    pub groups: usize,
    /// Further connections that ask for the broker's versions and then say nothing
    #[arg(long, default_value_t = 0)]
    pub idle_connections: usize,
    /// Requests without an answer on each connection
    #[arg(long, default_value_t = 5)]
    pub in_flight: usize,
    /// When the broker answers
    #[arg(long, value_enum, default_value = "all")]
    pub acks: Acks,
    /// Idempotent producers, as clients have them by default
    #[arg(long)]
    pub idempotent: bool,
    /// Records a second, of all connections together, each due at its own time; without it every connection sends as fast as answers come
    #[arg(long)]
    pub rate: Option<f64>,
    /// How long a record waits for others of its batch, in ms (with --rate)
    #[arg(long, default_value_t = 0.0)]
    pub linger_ms: f64,
    /// How records go to partitions (with --rate)
    #[arg(long, value_enum, default_value = "sticky")]
    pub spread: Spread,
    /// Seconds before the measurement
    #[arg(long, default_value_t = 5.0)]
    pub warm_up: f64,
    /// Seconds of the measurement
    #[arg(long, default_value_t = 20.0)]
    pub duration: f64,
    /// Bytes of one partition in a fetch
    #[arg(long, default_value_t = 1 << 20)]
    pub fetch_partition_bytes: i32,
    /// Bytes of one fetch
    #[arg(long, default_value_t = 50 << 20)]
    pub fetch_bytes: i32,
    /// How long a fetch waits for records, in ms
    #[arg(long, default_value_t = 500)]
    pub fetch_wait_ms: i32,
    /// Records of all producers together: a run that has so many acknowledged ends before its time
    #[arg(long)]
    pub records: Option<u64>,
    /// Megabytes (10^6 bytes of values and keys) that are written before they are read (with --mode consume)
    #[arg(long, default_value_t = 0)]
    pub fill_megabytes: u64,
    /// Threads of the generator
    #[arg(long, default_value_t = 1)]
    pub threads: usize,
}

#[derive(Parser)]
struct Alone {
    #[command(flatten)]
    workload: Workload,
}

impl Default for Workload {
    fn default() -> Workload {
        Alone::parse_from(["workload"]).workload
    }
}

/// What in a workload cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct WorkloadError(pub &'static str);

impl Workload {
    /// Checks what no single option can.
    ///
    /// # Errors
    /// The first contradiction, in words.
    pub fn check(&self) -> Result<(), WorkloadError> {
        let positive = |value: f64| value.is_finite() && value > 0.0;
        let rules = [
            (self.topics > 0 && self.partitions > 0, "there is at least one topic with one partition"),
            (
                self.connections > 0 && self.consumers > 0 && self.in_flight > 0,
                "there is at least one connection with one request",
            ),
            (
                self.groups > 0 && (self.groups == 1 || self.consumes()),
                "there is at least one group, and more only where records are consumed",
            ),
            (
                self.connections.saturating_add(self.consumers.saturating_mul(self.groups)) <= 60_000
                    && self.idle_connections <= 60_000,
                "there are at most 60000 connections",
            ),
            (
                self.keys.is_none() || self.key_bytes.is_none_or(|bytes| bytes >= KEY_BYTES_MIN),
                "a chosen key has at least 8 bytes",
            ),
            (self.key_bytes.is_none_or(|bytes| bytes <= 1 << 20), "a key has at most 1 MiB"),
            (
                self.random_bytes_ratio.is_none_or(|share| (0.0..=1.0).contains(&share)),
                "a share of random bytes is from 0 to 1",
            ),
            (self.threads > 0, "there is at least one thread"),
            (self.records_per_batch != Some(0) && self.batches_per_request > 0, "a request has at least one record"),
            (self.rate.is_none_or(positive), "a rate is above zero"),
            (self.fill_megabytes == 0 || self.mode == Mode::Consume, "only what is then read is written first"),
            (self.records != Some(0), "a run has at least one record"),
            (positive(self.duration) && self.warm_up.is_finite() && self.warm_up >= 0.0, "a run has a duration"),
            (self.linger_ms.is_finite() && self.linger_ms >= 0.0, "a linger is not negative"),
            (
                !self.idempotent || (self.acks == Acks::All && self.in_flight <= 5),
                "idempotent producers need --acks all and at most 5 in flight",
            ),
        ];
        rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, words)| Err(WorkloadError(words)))
    }

    /// Records of a full batch, where all have one size.
    pub fn records_max(&self) -> usize {
        let record_bytes = self.payload_bytes() as usize + RECORD_BYTES_AROUND;
        self.records_per_batch.unwrap_or_else(|| ((self.batch_bytes.saturating_sub(61)) / record_bytes).max(1))
    }

    /// Bytes that count of each record, on average.
    pub fn payload_bytes(&self) -> f64 {
        self.record_bytes.mean_bytes() + self.key_length().unwrap_or(0) as f64
    }

    /// Bytes of a key, where there are keys.
    pub fn key_length(&self) -> Option<usize> {
        self.key_bytes.or_else(|| self.keys.map(|_| KEY_BYTES_DEFAULT))
    }

    /// The size of every value, where batches can be built once and patched: of one size, neither compressed nor of chosen keys.
    pub fn template_bytes(&self) -> Option<usize> {
        match self.record_bytes {
            RecordSize::Fixed(bytes)
                if self.keys.is_none() && self.compression == Compression::None && self.payload_file.is_none() =>
            {
                Some(bytes)
            }
            _ => None,
        }
    }

    /// Whether batches come from a pool that was compressed before the run: else the codec on this side would be what is measured.
    pub fn is_compressed_before(&self) -> bool {
        self.mode == Mode::Produce
            && self.rate.is_none()
            && self.keys.is_none()
            && self.compression != Compression::None
    }

    /// Share of random bytes in a value.
    pub fn random_share(&self) -> f64 {
        self.random_bytes_ratio.unwrap_or(if self.compression == Compression::None {
            1.0
        } else {
            RANDOM_SHARE_COMPRESSED
        })
    }

    /// What writes the records that this one reads, if it reads its own.
    pub fn filling(&self) -> Option<Workload> {
        let records = (self.fill_megabytes as f64 * 1e6 / self.payload_bytes()).ceil() as u64;
        (records > 0).then(|| Workload {
            mode: Mode::Produce,
            rate: None,
            warm_up: 0.0,
            duration: FILL_SECONDS_MAX,
            records: Some(records),
            fill_megabytes: 0,
            groups: 1,
            idle_connections: 0,
            ..self.clone()
        })
    }

    /// Whether producers run.
    pub fn produces(&self) -> bool {
        self.mode != Mode::Consume
    }

    /// Whether consumers run.
    pub fn consumes(&self) -> bool {
        self.mode != Mode::Produce
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_hold_and_contradictions_are_named() {
        assert_eq!(Workload::default().check(), Ok(()));
        let refused = |change: fn(&mut Workload)| {
            let mut workload = Workload::default();
            change(&mut workload);
            workload.check().is_err()
        };
        assert!(refused(|workload| workload.groups = 2));
        assert!(refused(|workload| workload.rate = Some(0.0)));
        assert!(refused(|workload| workload.duration = f64::NAN));
        assert!(refused(|workload| (workload.idempotent, workload.acks) = (true, Acks::Leader)));
    }

    #[test]
    fn what_is_read_is_written_first() {
        let workload = Workload {
            mode: Mode::Consume,
            fill_megabytes: 3,
            record_bytes: RecordSize::Fixed(1000),
            ..Workload::default()
        };
        assert_eq!(workload.check(), Ok(()));
        let filling = workload.filling().unwrap();
        assert_eq!((filling.check(), filling.records, filling.mode), (Ok(()), Some(3000), Mode::Produce));
        assert_eq!(filling.filling(), None);
        assert!(Workload { mode: Mode::Produce, ..workload }.check().is_err());
    }

    #[test]
    fn a_batch_takes_what_fits() {
        let workload = Workload { batch_bytes: 1061, record_bytes: RecordSize::Fixed(88), ..Workload::default() };
        assert_eq!(workload.records_max(), 10);
        assert_eq!(Workload { batch_bytes: 10, ..workload }.records_max(), 1);
    }
}
