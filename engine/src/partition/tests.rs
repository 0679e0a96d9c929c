//! Partitions on a real log: produce, fetch, look up, delete, restart.

use super::*;
use crate::batch::header::TimestampType;
use crate::batch::{
    BatchBuilder, BatchError, BatchHeader, Batches, Codec, Compression, Flaw, Records, record_bytes, verify_checksum,
};
use crate::ids::{CommitSequence, LeaderEpoch, LogId, Offset, PartitionKey, TopicNumber};
use crate::log::{
    AppendRefused, CheckpointedPartition, EntryProgress, LogObserver, LogOptions, RecoverySink, ShardLog,
};
use bytes::Bytes;
use corelog_rt::{task, testing};
use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

const NOW_MS: i64 = 1_700_000_000_000;
const KEY: PartitionKey = PartitionKey { topic: TopicNumber(7), partition: 3 };

/// What the shard does for its partitions, for one.
#[derive(Default)]
struct Observer {
    partition: RefCell<Option<Rc<Partition>>>,
}

impl LogObserver for Observer {
    fn written(&self, progress: &[EntryProgress]) {
        for entry in progress {
            self.partition.borrow().as_ref().unwrap().on_written(entry.last_offset);
        }
    }

    fn durable(&self, progress: &[EntryProgress]) {
        for entry in progress {
            self.partition.borrow().as_ref().unwrap().on_durable(entry.last_offset);
        }
    }

    fn checkpoint(&self, out: &mut dyn FnMut(PartitionKey, &[u8])) {
        if let Some(partition) = self.partition.borrow().as_ref() {
            out(KEY, &partition.snapshot());
        }
    }

    fn space(&self, _full: bool) {}
}

struct Sink {
    recovery: PartitionRecovery,
}

impl RecoverySink for Sink {
    fn checkpoint(&mut self, partition: &CheckpointedPartition, state: &[u8]) {
        self.recovery = PartitionRecovery::from_checkpoint(partition.log_start, partition.end, state, NOW_MS).unwrap();
    }

    fn batch(&mut self, _key: PartitionKey, header: &BatchHeader) {
        self.recovery.batch(header);
    }

    fn log_start(&mut self, _key: PartitionKey, offset: Offset) {
        self.recovery.log_start(offset);
    }

    fn truncate(&mut self, _key: PartitionKey, to: Offset, _leader_epoch: LeaderEpoch) {
        self.recovery.truncate(to);
    }

    fn delete(&mut self, _key: PartitionKey) {
        self.recovery = PartitionRecovery::new(NOW_MS);
    }
}

async fn open(dir: &Path, settings: PartitionSettings) -> Rc<Partition> {
    let options = LogOptions {
        segment_bytes: 1 << 20,
        commit_bytes_max: 128 << 10,
        prewrite: false,
        ..LogOptions::new(LogId(0))
    };
    let mut sink = Sink { recovery: PartitionRecovery::new(NOW_MS) };
    let log = ShardLog::open(dir.to_path_buf(), options, &mut sink).await.unwrap();
    let partition = Rc::new(sink.recovery.finish(KEY, log.clone(), settings));
    partition.become_leader(LeaderEpoch(0));
    let observer = Observer::default();
    *observer.partition.borrow_mut() = Some(Rc::clone(&partition));
    log.set_observer(Rc::new(observer));
    log.start();
    partition
}

fn batch_of(codec: Codec, timestamps: &[i64]) -> Vec<u8> {
    let mut builder = BatchBuilder::new().compression(Compression { codec, level: None });
    for (index, &timestamp_ms) in timestamps.iter().enumerate() {
        builder.push(timestamp_ms, Some(b"key"), Some(format!("value {index}").as_bytes()), &[]).unwrap();
    }
    builder.build().unwrap()
}

fn batch(records: usize) -> Vec<u8> {
    batch_of(Codec::None, &vec![NOW_MS; records])
}

fn sequenced(producer_id: i64, epoch: i16, sequence: i32) -> Vec<u8> {
    let mut builder = BatchBuilder::new().producer(producer_id, epoch, sequence);
    builder.push(NOW_MS, None, Some(b"value"), &[]).unwrap();
    builder.build().unwrap()
}

async fn append(partition: &Partition, records: &[u8]) -> Appended {
    loop {
        match partition.append(records, NOW_MS) {
            Ok(appended) => {
                partition.committed(appended.commit, Acks::All).await.unwrap();
                return appended;
            }
            Err(AppendError::Log(AppendRefused::Busy)) => partition.log().admission().await,
            Err(error) => panic!("append: {error}"),
        }
    }
}

async fn read(partition: &Partition, from: i64) -> Vec<u8> {
    let request = ReadRequest {
        from: Offset(from),
        bytes_max: 64 << 20,
        isolation: Isolation::ReadUncommitted,
        at_least_one: true,
    };
    let mut all = Vec::new();
    let mut next = request;
    loop {
        let fetched = partition.read(next).await.unwrap();
        if fetched.records.bytes == 0 {
            return all;
        }
        fetched.records.slices.iter().for_each(|slice: &Bytes| all.extend_from_slice(slice));
        next.from = fetched.records.next_offset;
    }
}

fn headers(bytes: &[u8]) -> Vec<BatchHeader> {
    Batches::new(bytes)
        .map(|step| {
            let (header, batch) = step.unwrap();
            verify_checksum(&header, batch).unwrap();
            header
        })
        .collect()
}

#[test]
fn batches_get_consecutive_offsets_and_come_back_whole() {
    testing::run(|| async {
        let partition = open(&testing::temp_dir(), PartitionSettings::default()).await;
        for (index, records) in [3usize, 1, 500].into_iter().enumerate() {
            let appended = append(&partition, &batch(records)).await;
            assert_eq!(appended.base_offset, Offset([0, 3, 4][index]));
            assert_eq!((appended.log_append_time_ms, appended.log_start), (-1, Offset(0)));
        }
        assert_eq!((partition.watermarks().high(), partition.watermarks().end()), (Offset(504), Offset(504)));
        let found = headers(&read(&partition, 0).await);
        let ranges: Vec<(i64, i64)> =
            found.iter().map(|header| (header.base_offset.0, header.last_offset().0)).collect();
        assert_eq!(ranges, [(0, 2), (3, 3), (4, 503)]);
        assert!(found.iter().all(|header| header.leader_epoch == LeaderEpoch(0)));
        // An offset inside a batch gives the whole batch.
        assert_eq!(headers(&read(&partition, 2).await).first().unwrap().base_offset, Offset(0));
        assert!(read(&partition, 504).await.is_empty());
        partition.log().clone().close().await;
    });
}

#[test]
fn nothing_is_visible_before_it_is_durable() {
    testing::run(|| async {
        let partition = open(&testing::temp_dir(), PartitionSettings::default()).await;
        let appended = partition.append(&batch(2), NOW_MS).unwrap();
        assert_eq!((partition.watermarks().high(), partition.watermarks().end()), (Offset(0), Offset(2)));
        assert!(read(&partition, 0).await.is_empty());
        assert!(read(&partition, 1).await.is_empty());
        partition.committed(appended.commit, Acks::All).await.unwrap();
        assert_eq!(partition.watermarks().high(), Offset(2));
        let request =
            ReadRequest { from: Offset(3), bytes_max: 1, isolation: Isolation::ReadCommitted, at_least_one: true };
        assert!(matches!(partition.read(request).await, Err(FetchError::OutOfRange { .. })));
        partition.log().clone().close().await;
    });
}

#[test]
fn refused_batches_leave_no_trace() {
    testing::run(|| async {
        let dir = testing::temp_dir();
        let partition = open(&dir, PartitionSettings::default()).await;
        let mut corrupt = batch(5);
        *corrupt.last_mut().unwrap() ^= 1;
        assert!(matches!(partition.append(&corrupt, NOW_MS), Err(AppendError::Batch(BatchError::Checksum { .. }))));
        // A damaged header is told as damage too, not as the bad batch that it looks like.
        let mut corrupt = batch(5);
        corrupt[60] = 9;
        assert!(matches!(partition.append(&corrupt, NOW_MS), Err(AppendError::Batch(BatchError::Checksum { .. }))));
        let late = batch_of(Codec::Lz4, &[NOW_MS, NOW_MS + 4_000_000]);
        assert!(matches!(partition.append(&late, NOW_MS), Err(AppendError::Batch(BatchError::Timestamp { .. }))));
        let large = batch_of(Codec::None, &vec![NOW_MS; 100_000]);
        assert!(matches!(partition.append(&large, NOW_MS), Err(AppendError::Batch(BatchError::TooLarge { .. }))));
        let two = [batch(1), batch(1)].concat();
        assert_eq!(partition.append(&two, NOW_MS), Err(BatchError::Invalid(Flaw::SeveralBatches).into()));
        let mut builder = BatchBuilder::new().producer(1, 0, 0).transactional();
        builder.push(NOW_MS, None, None, &[]).unwrap();
        let outside = partition.append(&builder.build().unwrap(), NOW_MS);
        assert_eq!(outside, Err(ProducerError::NoTransaction.into()));
        assert_eq!(append(&partition, &batch(1)).await.base_offset, Offset(0));
        assert_eq!(headers(&read(&partition, 0).await).len(), 1);
        partition.log().clone().close().await;
    });
}

#[test]
fn duplicates_are_answered_with_the_original_also_after_restart() {
    testing::run(|| async {
        let dir = testing::temp_dir();
        let partition = open(&dir, PartitionSettings::default()).await;
        let first = append(&partition, &sequenced(9, 0, 0)).await;
        append(&partition, &batch(10)).await;
        let second = partition.append(&sequenced(9, 0, 1), NOW_MS).unwrap();
        let again = partition.append(&sequenced(9, 0, 1), NOW_MS).unwrap();
        assert_eq!((again.base_offset, again.commit, again.is_duplicate), (Offset(11), second.commit, true));
        partition.committed(again.commit, Acks::All).await.unwrap();
        let gap = partition.append(&sequenced(9, 0, 5), NOW_MS);
        assert_eq!(gap, Err(ProducerError::OutOfOrder { found: 5, last: 1 }.into()));
        // Enough to begin further segments, so that the state comes from a checkpoint.
        let filler = batch_of(Codec::None, &vec![NOW_MS; 4_000]);
        for _ in 0..40 {
            append(&partition, &filler).await;
        }
        append(&partition, &sequenced(12, 4, 70)).await;
        let end = partition.watermarks().end();
        partition.log().clone().close().await;
        drop(partition);

        let partition = open(&dir, PartitionSettings::default()).await;
        assert_eq!((partition.watermarks().end(), partition.watermarks().high()), (end, end));
        let again = partition.append(&sequenced(9, 0, 0), NOW_MS).unwrap();
        assert_eq!((again.base_offset, again.commit, again.is_duplicate), (first.base_offset, CommitSequence(0), true));
        partition.committed(again.commit, Acks::All).await.unwrap();
        assert!(partition.append(&sequenced(12, 4, 70), NOW_MS).unwrap().is_duplicate);
        let stale = partition.append(&sequenced(12, 3, 71), NOW_MS);
        assert_eq!(stale, Err(ProducerError::StaleEpoch { found: 3, known: 4 }.into()));
        assert_eq!(append(&partition, &sequenced(9, 0, 2)).await.base_offset, end);
        assert_eq!(partition.producers().len(), 2);
        partition.retain(NOW_MS + partition.settings().producer_expiration_ms).unwrap();
        assert!(partition.producers().is_empty());
        partition.log().clone().close().await;
    });
}

#[test]
fn broker_stamps_where_the_topic_says_so() {
    testing::run(|| async {
        let mut settings = PartitionSettings::default();
        settings.rules.timestamp_type = TimestampType::LogAppendTime;
        let partition = open(&testing::temp_dir(), settings).await;
        let appended = append(&partition, &batch_of(Codec::Zstd, &[5, 6])).await;
        assert_eq!(appended.log_append_time_ms, NOW_MS);
        let header = headers(&read(&partition, 0).await)[0];
        assert_eq!(header.attributes.timestamp_type(), TimestampType::LogAppendTime);
        assert_eq!(header.max_timestamp_ms, NOW_MS);
        let found = partition.list_offset(OffsetSpec::AtOrAfter(NOW_MS), Isolation::ReadUncommitted).await.unwrap();
        assert_eq!((found.offset, found.timestamp_ms), (Offset(0), NOW_MS));
        partition.log().clone().close().await;
    });
}

#[test]
fn topic_codec_replaces_the_producers() {
    testing::run(|| async {
        let settings = PartitionSettings {
            compression: Some(Compression { codec: Codec::Gzip, level: Some(9) }),
            ..PartitionSettings::default()
        };
        let partition = open(&testing::temp_dir(), settings).await;
        let plain = batch_of(Codec::None, &vec![NOW_MS; 300]);
        for codec in [Codec::None, Codec::Lz4, Codec::Gzip] {
            append(&partition, &batch_of(codec, &vec![NOW_MS; 300])).await;
        }
        partition.set_settings(PartitionSettings { compression: Some(Compression::default()), ..settings });
        append(&partition, &batch_of(Codec::Snappy, &vec![NOW_MS; 300])).await;
        let bytes = read(&partition, 0).await;
        let codecs: Vec<Codec> = headers(&bytes).iter().map(|header| header.attributes.codec().unwrap()).collect();
        assert_eq!(codecs, [Codec::Gzip, Codec::Gzip, Codec::Gzip, Codec::None]);
        for step in Batches::new(&bytes) {
            let (header, batch) = step.unwrap();
            assert_eq!(record_bytes(&header, batch, 1 << 20).unwrap(), &plain[61..]);
        }
        partition.log().clone().close().await;
    });
}

#[test]
fn long_poll_ends_with_the_append_and_not_before() {
    testing::run(|| async {
        let partition = open(&testing::temp_dir(), PartitionSettings::default()).await;
        let bytes = batch(1).len();
        let wait = FetchWait::new(bytes + 1);
        let watch = partition.watch(&wait, partition.watermarks().high()).unwrap();
        let waiting = task::spawn({
            let wait = wait.clone();
            async move { wait.ready().await }
        });
        append(&partition, &batch(1)).await;
        assert!(!wait.is_ready());
        append(&partition, &batch(1)).await;
        assert!(wait.is_ready());
        waiting.await;
        drop(watch);
        assert_eq!(partition.watch_count(), 0);
        let late = FetchWait::new(1_000_000);
        let _watch = partition.watch(&late, Offset(1)).unwrap();
        assert!(late.is_ready());
        let ended = FetchWait::new(1_000_000);
        let _watch = partition.watch(&ended, partition.watermarks().high()).unwrap();
        partition.delete().unwrap();
        assert!(ended.is_ready());
        assert_eq!(partition.append(&batch(1), NOW_MS), Err(AppendError::Deleted));
        partition.log().clone().close().await;
    });
}

async fn offset_of(partition: &Partition, timestamp: i64) -> (i64, i64) {
    let spec = OffsetSpec::from_timestamp(timestamp).unwrap();
    let found = partition.list_offset(spec, Isolation::ReadUncommitted).await.unwrap();
    (found.offset.0, found.timestamp_ms)
}

#[test]
fn offsets_are_found_by_time_at_the_record() {
    testing::run(|| async {
        let partition = open(&testing::temp_dir(), PartitionSettings::default()).await;
        for timestamp in [-1, -2, -3, -4, -5, -6, 0] {
            let expected = if matches!(timestamp, -1 | -2 | -4) { 0 } else { -1 };
            assert_eq!(offset_of(&partition, timestamp).await, (expected, -1), "{timestamp} of an empty partition");
        }
        append(&partition, &batch_of(Codec::None, &[1_000, 1_500, 1_200])).await;
        append(&partition, &batch_of(Codec::Zstd, &[2_000, 5_000, 5_000])).await;
        append(&partition, &batch_of(Codec::Lz4, &[3_000, 3_100])).await;
        for (timestamp, expected) in [
            (0, (0, 1_000)),
            (1_001, (1, 1_500)),
            (1_501, (3, 2_000)),
            (2_001, (4, 5_000)),
            (5_001, (-1, -1)),
            (-1, (8, -1)),
            (-2, (0, -1)),
            (-3, (4, 5_000)),
        ] {
            assert_eq!(offset_of(&partition, timestamp).await, expected, "{timestamp}");
        }
        assert_eq!(OffsetSpec::from_timestamp(-7), None);
        // With the log start inside a batch, what lies before it is not found.
        let (start, commit) = partition.delete_records(Some(Offset(5))).unwrap();
        assert_eq!(start, Offset(5));
        partition.committed(commit.unwrap(), Acks::All).await.unwrap();
        assert_eq!(offset_of(&partition, 2_001).await, (5, 5_000));
        partition.delete_records(Some(Offset(6))).unwrap();
        assert_eq!(offset_of(&partition, 2_001).await, (6, 3_000));
        assert_eq!(offset_of(&partition, -2).await, (6, -1));
        partition.log().clone().close().await;
    });
}

#[test]
fn deleted_records_are_gone_and_stay_gone() {
    testing::run(|| async {
        let dir = testing::temp_dir();
        let partition = open(&dir, PartitionSettings::default()).await;
        append(&partition, &batch(10)).await;
        append(&partition, &batch(10)).await;
        let beyond = partition.delete_records(Some(Offset(21)));
        assert_eq!(beyond, Err(DeleteRecordsError::OutOfRange { asked: Offset(21), high_watermark: Offset(20) }));
        assert!(partition.delete_records(Some(Offset(-2))).is_err());
        let (start, commit) = partition.delete_records(Some(Offset(10))).unwrap();
        assert_eq!(start, Offset(10));
        partition.committed(commit.unwrap(), Acks::All).await.unwrap();
        assert_eq!(partition.delete_records(Some(Offset(4))).unwrap(), (Offset(10), None));
        let request =
            ReadRequest { from: Offset(9), bytes_max: 1, isolation: Isolation::default(), at_least_one: true };
        assert!(matches!(partition.read(request).await, Err(FetchError::OutOfRange { .. })));
        partition.log().clone().close().await;
        let partition = open(&dir, PartitionSettings::default()).await;
        assert_eq!((partition.watermarks().log_start(), partition.watermarks().end()), (Offset(10), Offset(20)));
        let (start, commit) = partition.delete_records(None).unwrap();
        assert_eq!(start, Offset(20));
        partition.committed(commit.unwrap(), Acks::All).await.unwrap();
        partition.log().clone().close().await;
        let partition = open(&dir, PartitionSettings::default()).await;
        assert_eq!((partition.watermarks().log_start(), partition.watermarks().end()), (Offset(20), Offset(20)));
        assert_eq!(append(&partition, &batch(1)).await.base_offset, Offset(20));
        partition.log().clone().close().await;
    });
}

#[test]
fn retention_by_size_and_time_moves_the_start() {
    testing::run(|| async {
        let settings =
            PartitionSettings { retention_ms: None, retention_bytes: Some(1 << 20), ..PartitionSettings::default() };
        let partition = open(&testing::temp_dir(), settings).await;
        let filler = batch_of(Codec::None, &vec![NOW_MS; 4_000]);
        for _ in 0..40 {
            append(&partition, &filler).await;
        }
        let start = partition.retain(NOW_MS).unwrap().unwrap();
        assert!(start > Offset(0) && start < partition.watermarks().high());
        assert!(!read(&partition, start.0).await.is_empty());
        assert_eq!(partition.retain(NOW_MS).unwrap(), None);
        let week_ms = 7 * 24 * 3_600_000;
        partition.set_settings(PartitionSettings { retention_ms: Some(week_ms), delete: false, ..settings });
        assert_eq!(partition.retain(NOW_MS + week_ms + 1).unwrap(), None);
        partition.set_settings(PartitionSettings { retention_ms: Some(week_ms), ..settings });
        assert_eq!(partition.retain(NOW_MS + week_ms).unwrap(), None);
        assert!(partition.retain(NOW_MS + week_ms + 1).unwrap().unwrap() > start);
        partition.log().clone().close().await;
    });
}

#[test]
fn leader_terms_are_looked_up_and_survive() {
    testing::run(|| async {
        let dir = testing::temp_dir();
        let partition = open(&dir, PartitionSettings::default()).await;
        append(&partition, &batch(4)).await;
        partition.become_leader(LeaderEpoch(3));
        append(&partition, &batch(4)).await;
        assert_eq!(partition.check_epoch(LeaderEpoch(2)), Err(EpochError::Fenced));
        assert_eq!(partition.check_epoch(LeaderEpoch(4)), Err(EpochError::Unknown));
        assert_eq!((partition.check_epoch(LeaderEpoch(3)), partition.check_epoch(LeaderEpoch(-1))), (Ok(()), Ok(())));
        partition.log().clone().close().await;
        let partition = open(&dir, PartitionSettings::default()).await;
        assert_eq!(partition.leader_epoch(), LeaderEpoch(3));
        let end =
            |leader_epoch, offset| Some(EpochEnd { leader_epoch: LeaderEpoch(leader_epoch), end: Offset(offset) });
        assert_eq!(partition.epoch_end(LeaderEpoch(0)), end(0, 4));
        assert_eq!(partition.epoch_end(LeaderEpoch(2)), end(0, 4));
        assert_eq!(partition.epoch_end(LeaderEpoch(3)), end(3, 8));
        assert_eq!(partition.epoch_end(LeaderEpoch(9)), None);
        assert_eq!(partition.diverging(Offset(6), LeaderEpoch(0)).unwrap(), end(0, 4));
        assert_eq!(partition.diverging(Offset(4), LeaderEpoch(0)).unwrap(), None);
        assert_eq!(offset_of(&partition, -1).await, (8, -1));
        partition.log().clone().close().await;
    });
}

#[test]
fn records_of_many_producers_keep_their_order() {
    testing::run(|| async {
        let partition = open(&testing::temp_dir(), PartitionSettings::default()).await;
        let mut tasks = Vec::new();
        for producer_id in 0..8i64 {
            let partition = Rc::clone(&partition);
            tasks.push(task::spawn(async move {
                for sequence in 0..50 {
                    append(&partition, &sequenced(producer_id, 0, sequence)).await;
                }
            }));
        }
        for task in tasks {
            task.await;
        }
        let bytes = read(&partition, 0).await;
        let mut next = [0i32; 8];
        for (offset, header) in headers(&bytes).iter().enumerate() {
            assert_eq!(header.base_offset, Offset(offset as i64));
            let due = &mut next[header.producer_id as usize];
            assert_eq!(header.base_sequence, *due);
            *due += 1;
        }
        assert_eq!(next, [50; 8]);
        let (header, batch) = Batches::new(&bytes).next().unwrap().unwrap();
        assert_eq!(Records::new(&header, &batch[61..]).count(), 1);
        partition.log().clone().close().await;
    });
}
