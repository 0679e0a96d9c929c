//! Writing the page: samples of all shards, added up, in the order of the catalogue.
//!
//! On shard 0, for one question at a time.

use std::time::Duration;

use bytes::Bytes;
use corelog_engine::log::{BytesInUse, LogSample};
use corelog_engine::measure::HistogramSample;
use corelog_protocol::ErrorCode;
use corelog_rt::process;

use super::catalog as metric;
use super::clients::{self, ClientsSample};
use super::lag::{self, LagSample};
use super::meters::{ApiSample, MetersSample};
use super::page::Page;
use super::partitions::{self, PartitionsSample};
use super::sample::{Bounds, ShardSample};
use crate::broker::Broker;
use crate::net::close::CloseReason;

/// What is told beside the samples.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// When the broker started, in ms since 1970.
    pub started_ms: i64,
    /// What bounds the page.
    pub bounds: Bounds,
    /// How long the samples took.
    pub gathered_in: Duration,
}

/// The page.
pub async fn write(broker: &Broker, facts: Facts, mut shards: Vec<ShardSample>, lag: LagSample) -> Vec<Bytes> {
    let mut page = Page::default();
    process_metrics(&mut page, facts);
    page.single(metric::SHARDS, shards.len() as f64);
    per_shard(&mut page, &shards);
    let logs: Vec<&LogSample> = shards.iter().flat_map(|shard| &shard.logs).collect();
    if let Some(meters) = added_up(&shards) {
        connection_metrics(&mut page, &meters);
        request_metrics(&mut page, &meters).await;
        stages(&mut page, &meters, &logs);
        page.single(metric::PRODUCED_RECORDS, meters.produced_records as f64);
        page.single(metric::PRODUCED_BYTES, meters.produced_bytes as f64);
        page.single(metric::FETCHED_RECORDS, meters.fetched_records as f64);
        page.single(metric::FETCHED_BYTES, meters.fetched_bytes as f64);
    }
    page.breathe().await;
    log_metrics(&mut page, &logs);
    segment_metrics(&mut page, &logs);
    page.single(metric::TOPICS, broker.image().topics().count() as f64);
    let told = shards.iter_mut().map(|shard| std::mem::take(&mut shard.partitions));
    let told = PartitionsSample::of_all(told, facts.bounds.partitions_max);
    partitions::write(&mut page, told, |key| partitions::topic_name(&broker.image(), key)).await;
    lag::write(&mut page, &lag).await;
    let mut pushed = ClientsSample::default();
    for shard in shards {
        pushed.merge(shard.clients, facts.bounds.clients_max);
    }
    clients::write(&mut page, &pushed).await;
    page.single(metric::SCRAPE_DURATION, facts.gathered_in.as_secs_f64());
    page.finish()
}

fn process_metrics(page: &mut Page, facts: Facts) {
    // What the kernel does not tell is left out.
    if let Ok(usage) = process::usage() {
        page.single(metric::PROCESS_CPU, usage.cpu.as_secs_f64());
        page.single(metric::PROCESS_RESIDENT, usage.resident_bytes as f64);
        page.single(metric::PROCESS_VIRTUAL, usage.virtual_bytes as f64);
        page.single(metric::PROCESS_FILES_MAX, usage.open_files_max as f64);
    }
    page.single(metric::PROCESS_START, facts.started_ms as f64 / 1000.0);
    page.begin(metric::BUILD);
    page.value(&[("version", env!("CARGO_PKG_VERSION"))], 1.0);
}

fn added_up(shards: &[ShardSample]) -> Option<MetersSample> {
    let mut meters = shards.iter().map(|shard| shard.meters.clone());
    let mut all = meters.next()?;
    meters.for_each(|more| all.add(more));
    all.apis.sort_by_key(|api| api.key);
    Some(all)
}

/// What is told of each shard by itself: where load lies unevenly, and what fills up.
fn per_shard(page: &mut Page, shards: &[ShardSample]) {
    let names: Vec<String> = shards.iter().map(|shard| shard.shard.to_string()).collect();
    let mut gauge = |family, value: fn(&ShardSample) -> u64| {
        page.begin(family);
        for (name, shard) in names.iter().zip(shards) {
            page.value(&[("shard", name)], value(shard) as f64);
        }
    };
    gauge(metric::CONNECTIONS, |shard| shard.connections);
    gauge(metric::PARTITIONS, |shard| shard.partition_count);
    gauge(metric::SHARD_QUEUE, |shard| shard.queued);
    gauge(metric::COMMITS_WAITING, |shard| shard.logs.iter().map(|log| log.commits_waiting).sum());
    gauge(metric::COMMITS_IN_FLIGHT, |shard| shard.logs.iter().map(|log| log.commits_in_flight).sum());
    let mut memory = |family, value: fn(&BytesInUse) -> u64| {
        page.begin(family);
        for (name, shard) in names.iter().zip(shards) {
            for (kind, bytes) in &shard.memory {
                page.value(&[("shard", name), ("for", kind)], value(bytes) as f64);
            }
        }
    };
    memory(metric::MEMORY_USED, |bytes| bytes.used);
    memory(metric::MEMORY_LIMIT, |bytes| bytes.limit);
}

fn connection_metrics(page: &mut Page, meters: &MetersSample) {
    page.single(metric::CONNECTIONS_OPENED, meters.connections_opened as f64);
    page.begin(metric::CONNECTIONS_CLOSED);
    for (reason, count) in CloseReason::LABELS.iter().zip(&meters.connections_closed) {
        page.value(&[("reason", reason)], *count as f64);
    }
}

async fn request_metrics(page: &mut Page, meters: &MetersSample) {
    let mut counter = |family, value: fn(&ApiSample) -> u64| {
        page.begin(family);
        for api in &meters.apis {
            page.value(&[("api", api.key.name())], value(api) as f64);
        }
    };
    counter(metric::REQUESTS, |api| api.requests);
    counter(metric::REQUEST_BYTES, |api| api.request_bytes);
    counter(metric::RESPONSE_BYTES, |api| api.answer_bytes);
    page.begin(metric::RESPONSE_ERRORS);
    for api in &meters.apis {
        for (code, count) in &api.errors {
            let name = ErrorCode::from_code(*code).unwrap_or(ErrorCode::UnknownServerError).name();
            page.value(&[("api", api.key.name()), ("error", name)], *count as f64);
        }
    }
    page.begin(metric::REQUEST_DURATION);
    for api in &meters.apis {
        page.histogram(&[("api", api.key.name())], &api.duration_ns);
        page.breathe().await;
    }
}

fn stages(page: &mut Page, meters: &MetersSample, logs: &[&LogSample]) {
    page.begin(metric::STAGE_DURATION);
    let mut stage = |name, sample: &HistogramSample| page.histogram(&[("stage", name)], sample);
    stage("append", &meters.append_ns);
    stage("admission", &meters.admission_ns);
    if let Some(queue) = histogram_of(logs, |log| &log.queue_ns) {
        stage("queue", &queue);
    }
    if let Some(write) = histogram_of(logs, |log| &log.write_ns) {
        stage("write", &write);
    }
    if let Some(sync) = histogram_of(logs, |log| &log.sync_ns) {
        stage("sync", &sync);
    }
    stage("reply", &meters.reply_ns);
}

/// A histogram of all logs; none where there is no log.
fn histogram_of(logs: &[&LogSample], of: fn(&LogSample) -> &HistogramSample) -> Option<HistogramSample> {
    let mut samples = logs.iter().map(|log| of(log));
    let mut all = samples.next()?.clone();
    samples.for_each(|more| all.add(more));
    Some(all)
}

fn log_metrics(page: &mut Page, logs: &[&LogSample]) {
    let sum = |value: fn(&LogSample) -> u64| logs.iter().map(|log| value(log)).sum::<u64>() as f64;
    page.single(metric::LOG_BATCHES, sum(|log| log.batches));
    page.single(metric::LOG_RECORDS, sum(|log| log.records));
    page.single(metric::LOG_BATCH_BYTES, sum(|log| log.batch_bytes));
    if let Some(sizes) = histogram_of(logs, |log| &log.commit_bytes) {
        page.begin(metric::COMMIT_SIZE);
        page.histogram(&[], &sizes);
    }
    page.begin(metric::TAIL_LOOKUPS);
    page.value(&[("result", "hit")], sum(|log| log.tail_hits));
    page.value(&[("result", "miss")], sum(|log| log.tail_misses));
    page.single(metric::BLOCK_HITS, sum(|log| log.block_hits));
    page.single(metric::DEVICE_READS, sum(|log| log.device_reads));
    page.single(metric::DEVICE_READ_BYTES, sum(|log| log.device_read_bytes));
}

fn segment_metrics(page: &mut Page, logs: &[&LogSample]) {
    let sum = |value: fn(&LogSample) -> u64| logs.iter().map(|log| value(log)).sum::<u64>() as f64;
    page.begin(metric::SEGMENTS);
    page.value(&[("state", "current")], sum(|log| log.segments_current));
    page.value(&[("state", "sealed")], sum(|log| log.segments_sealed - log.segments_settled));
    page.value(&[("state", "settled")], sum(|log| log.segments_settled));
    page.value(&[("state", "free")], sum(|log| log.segments_free));
    page.value(&[("state", "reserve")], sum(|log| log.segments_reserve));
    page.single(metric::LOG_DISK, sum(|log| log.disk_bytes));
    page.single(metric::LOG_LIVE, sum(|log| log.live_bytes));
    page.single(metric::LOG_DEAD, sum(|log| log.dead_bytes));
    page.single(metric::LOG_FULL, sum(|log| u64::from(log.is_disk_full)));
    page.single(metric::SEGMENTS_RECYCLED, sum(|log| log.recycled));
    page.single(metric::SEGMENTS_REMOVED, sum(|log| log.removed));
    page.single(metric::PREWRITTEN, sum(|log| log.prewritten_bytes));
    page.begin(metric::SETTLE_PASSES);
    for (index, (reason, _)) in logs.first().map(|log| log.settle_passes).into_iter().flatten().enumerate() {
        let passes = logs.iter().filter_map(|log| log.settle_passes.get(index)).map(|(_, passes)| passes);
        page.value(&[("reason", reason)], passes.sum::<u64>() as f64);
    }
    page.single(metric::SETTLE_SOURCES, sum(|log| log.settle_sources));
    page.single(metric::SETTLE_SEGMENTS, sum(|log| log.settle_segments));
    page.single(metric::SETTLE_BYTES, sum(|log| log.settle_bytes));
    page.single(metric::COMPACTION_PASSES, sum(|log| log.compaction.passes));
    page.single(metric::COMPACTION_READ, sum(|log| log.compaction.bytes_read));
    page.single(metric::COMPACTION_WRITTEN, sum(|log| log.compaction.bytes_written));
    page.single(metric::COMPACTION_REMOVED, sum(|log| log.compaction.records_removed));
}
