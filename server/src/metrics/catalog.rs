//! Every metric of the broker, by name. Constants; a test holds them against the page and the dashboard.

use super::family::{Family, Unit};

macro_rules! catalog {
    ($($constant:ident = $kind:ident($name:literal, $unit:ident, $help:literal);)*) => {
        $(
            #[doc = $help]
            pub const $constant: Family = Family::$kind($name, Unit::$unit, $help);
        )*
        /// Every metric there is.
        pub const ALL: &[Family] = &[$($constant),*];
    };
}

catalog! {
    PROCESS_CPU = counter("process_cpu_seconds_total", Seconds, "Time on a cpu, in the program and in the kernel for it.");
    PROCESS_RESIDENT = gauge("process_resident_memory_bytes", Bytes, "Memory of the process that is in the machine's memory.");
    PROCESS_VIRTUAL = gauge("process_virtual_memory_bytes", Bytes, "Addresses that the process has mapped.");
    PROCESS_START = gauge("process_start_time_seconds", Seconds, "When the broker started, since 1970.");
    PROCESS_FILES_MAX = gauge("process_max_fds", Count, "How many files and sockets the process may have open.");
    BUILD = gauge("corelog_build_info", Info, "The version that runs; always 1.");
    SHARDS = gauge("corelog_shards", Count, "Shards, each one thread with its own connections, partitions and logs.");

    CONNECTIONS = gauge("corelog_connections", Count, "Connections of clients, by the shard that serves them.");
    CONNECTIONS_OPENED = counter("corelog_connections_opened_total", Count, "Connections of clients that were accepted.");
    CONNECTIONS_CLOSED = counter("corelog_connections_closed_total", Count, "Connections of clients that ended, by reason; all but ended, socket and stopping are the client's fault.");

    REQUESTS = counter("corelog_requests_total", Count, "Requests that were handled, by API.");
    REQUEST_BYTES = counter("corelog_request_bytes_total", Bytes, "Bytes of requests that were handled, by API.");
    RESPONSE_BYTES = counter("corelog_response_bytes_total", Bytes, "Bytes of answers, by API.");
    RESPONSE_ERRORS = counter("corelog_response_errors_total", Count, "Error codes in answers, by API and Kafka's name of the error; one answer may carry many.");
    REQUEST_DURATION = histogram("corelog_request_duration_seconds", Seconds, "From the last byte of a request to the first of its answer, by API; with the time that a client asked to wait.");
    STAGE_DURATION = histogram("corelog_stage_duration_seconds", Seconds, "Stages of a write: append (decode, check, copy), admission (wait for a busy log), queue (a commit waits for its write), write (on the device), sync (behind writes that do not sync themselves), reply (into the socket).");

    PRODUCED_RECORDS = counter("corelog_produced_records_total", Count, "Records that clients produced; duplicates of idempotent producers are not counted.");
    PRODUCED_BYTES = counter("corelog_produced_bytes_total", Bytes, "Bytes of record batches that clients produced, as they sent them.");
    FETCHED_RECORDS = counter("corelog_fetched_records_total", Count, "Offsets that the answers to fetches went forward by.");
    FETCHED_BYTES = counter("corelog_fetched_bytes_total", Bytes, "Bytes of record batches in the answers to fetches.");

    LOG_BATCHES = counter("corelog_log_batches_total", Count, "Record batches that were appended to the logs, the broker's own among them.");
    LOG_RECORDS = counter("corelog_log_records_total", Count, "Records that were appended to the logs, the broker's own among them.");
    LOG_BATCH_BYTES = counter("corelog_log_batch_bytes_total", Bytes, "Bytes of record batches that were appended to the logs.");
    COMMIT_SIZE = histogram("corelog_commit_size_bytes", Bytes, "Commits that were written, by their bytes on the device.");
    SHARD_QUEUE = gauge("corelog_shard_queue_requests", Count, "Work that other shards passed on and a shard has not begun, by shard.");
    COMMITS_WAITING = gauge("corelog_commits_waiting", Count, "Commits that are being filled or wait for their write, by shard.");
    COMMITS_IN_FLIGHT = gauge("corelog_commits_in_flight", Count, "Commits that are being written, by shard.");

    MEMORY_USED = gauge("corelog_memory_used_bytes", Bytes, "Memory in use, by shard and by what for.");
    MEMORY_LIMIT = gauge("corelog_memory_limit_bytes", Bytes, "The most memory that may be in use, by shard and by what for.");
    TAIL_LOOKUPS = counter("corelog_tail_lookups_total", Count, "Pieces of the log that readers asked for, by whether the tail cache had them.");
    BLOCK_HITS = counter("corelog_block_cache_hits_total", Count, "Blocks that readers found already read.");
    DEVICE_READS = counter("corelog_device_reads_total", Count, "Blocks that were read from the device for readers.");
    DEVICE_READ_BYTES = counter("corelog_device_read_bytes_total", Bytes, "Bytes that were read from the device for readers.");

    SEGMENTS = gauge("corelog_segments", Count, "Segment files, by state: current takes commits, sealed and settled are never written again, free waits for its next use, reserve for settling on a full disk.");
    LOG_DISK = gauge("corelog_log_disk_bytes", Bytes, "Bytes of all segment files.");
    LOG_LIVE = gauge("corelog_log_live_bytes", Bytes, "Bytes of record batches that can be asked for.");
    LOG_DEAD = gauge("corelog_log_dead_bytes", Bytes, "Bytes of sealed segments in which nothing is live.");
    LOG_FULL = gauge("corelog_logs_full", Count, "Logs that refuse writes because no further segment can be made.");
    SEGMENTS_RECYCLED = counter("corelog_segments_recycled_total", Count, "Files of dead segments that were kept for their next use.");
    SEGMENTS_REMOVED = counter("corelog_segments_removed_total", Count, "Files of dead segments that were removed.");
    PREWRITTEN = counter("corelog_prewritten_bytes_total", Bytes, "Bytes of zeros that were written before the first use of their blocks: ahead of small commits, and while a log was idle.");
    SETTLE_PASSES = counter("corelog_settle_passes_total", Count, "Settling passes that ended well, by reason: waste, disk-full, fragments.");
    SETTLE_SOURCES = counter("corelog_settle_sources_total", Count, "Segments whose live batches were moved elsewhere by settling.");
    SETTLE_SEGMENTS = counter("corelog_settle_segments_total", Count, "Segments that settling wrote.");
    SETTLE_BYTES = counter("corelog_settle_moved_bytes_total", Bytes, "Bytes that settling wrote.");
    COMPACTION_PASSES = counter("corelog_compaction_passes_total", Count, "Passes of log compaction over partitions.");
    COMPACTION_READ = counter("corelog_compaction_read_bytes_total", Bytes, "Bytes of record batches that log compaction went over.");
    COMPACTION_WRITTEN = counter("corelog_compaction_written_bytes_total", Bytes, "Bytes of record batches that log compaction wrote.");
    COMPACTION_REMOVED = counter("corelog_compaction_removed_records_total", Count, "Records that log compaction left out.");

    TOPICS = gauge("corelog_topics", Count, "Topics.");
    PARTITIONS = gauge("corelog_partitions", Count, "Partitions, by the shard that owns them.");
    PARTITION_PRODUCED_RECORDS = counter("corelog_partition_produced_records_total", Count, "Records that were appended to a partition; those beyond the bound together as (other).");
    PARTITION_PRODUCED_BYTES = counter("corelog_partition_produced_bytes_total", Bytes, "Bytes of record batches that were appended to a partition.");
    PARTITION_READ_RECORDS = counter("corelog_partition_read_records_total", Count, "Offsets that readers of a partition went forward by.");
    PARTITION_READ_BYTES = counter("corelog_partition_read_bytes_total", Bytes, "Bytes of record batches that were read from a partition for fetches; what a long poll reads and does not send among them.");
    PARTITION_SIZE = gauge("corelog_partition_size_bytes", Bytes, "Bytes of a partition in the log.");
    PARTITION_LOG_START = gauge("corelog_partition_log_start_offset", Offset, "The first offset of a partition.");
    PARTITION_HIGH_WATERMARK = gauge("corelog_partition_high_watermark_offset", Offset, "Where the readers of a partition stop.");

    GROUPS = gauge("corelog_groups", Count, "Consumer groups, by state.");
    GROUP_LAG = gauge("corelog_group_lag_records", Count, "Records of a topic that a group has not committed yet; groups and topics beyond the bound together as (other).");

    CLIENTS = gauge("corelog_telemetry_clients", Count, "Clients that take part in telemetry (KIP-714).");
    CLIENT_PUSHES = counter("corelog_telemetry_pushes_total", Count, "Pushes of metrics that were taken from clients.");
    CLIENT_PUSHES_UNREADABLE = counter("corelog_telemetry_pushes_unreadable_total", Count, "Pushes among them that are not in OTLP's form, or too large.");
    CLIENT_SERIES_UNTOLD = gauge("corelog_telemetry_series_untold", Count, "Series of clients beyond the bound, which are not on this page.");
    CLIENT_GAUGE = gauge("corelog_telemetry_client_gauge", Count, "A number that a client pushed of itself, the latest; metric and attributes in its own words.");
    CLIENT_SUM = counter("corelog_telemetry_client_sum_total", Count, "A sum that a client pushed of itself, added up; metric and attributes in its own words.");

    SCRAPE_DURATION = gauge("corelog_scrape_duration_seconds", Seconds, "How long it took to gather this page from all shards.");
}
