//! Every bound of the server by name. Read by connections and handlers on every shard; holds no state.

use std::time::Duration;

/// Bytes of a connection's buffer while it waits for a request: idle connections cost little more than this.
pub const READ_BUFFER_BYTES_IDLE: usize = 1 << 10;
/// Bytes that a connection may ask to read at once before it has shown that it sends as much.
pub const READ_BUFFER_BYTES_STEP: usize = 4 << 10;
/// Bytes of one read that runs ahead of the frame being received.
pub const READ_AHEAD_BYTES_MAX: usize = 256 << 10;
/// Requests of one connection that are dispatched and not answered; more stay in the socket.
pub const REQUESTS_IN_FLIGHT_MAX: usize = 256;
/// Bytes of one connection's requests that are dispatched and not answered; more stay in the socket.
pub const REQUEST_BYTES_IN_FLIGHT_MAX: usize = 32 << 20;
/// Bytes of answers gathered for one send; a larger answer goes out alone.
pub const WRITE_BYTES_MAX: usize = 1 << 20;
/// Slices of answers gathered for one send.
pub const WRITE_SLICES_MAX: usize = 512;
/// How often a sender must have made progress inside a frame for which memory beyond the idle buffer is held.
pub const FRAME_PROGRESS_INTERVAL: Duration = Duration::from_secs(30);
/// Bytes that are progress: a sender that is slower than this gives its memory to others.
pub const FRAME_PROGRESS_BYTES_MIN: u64 = 64 << 10;
/// How often the connections of a shard are looked at for idleness and pauses.
pub const SWEEP_INTERVAL_MAX: Duration = Duration::from_secs(5);
/// Memory that a decoded request may take, as a multiple of its bytes on the wire.
pub const DECODED_BYTES_PER_WIRE_BYTE: usize = 64;
/// Memory that any decoded request may take, however short it is.
pub const DECODED_BYTES_MIN: usize = 64 << 10;
/// How long `accept` rests after an error such as no file descriptors left.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long a fetch session must rest before another may take its place, as Kafka's
/// `min.incremental.fetch.session.eviction.ms`.
pub const FETCH_SESSION_REST_MIN: Duration = Duration::from_mins(2);
/// Partitions in all fetch sessions of a shard together; a session that would exceed it is not kept.
pub const FETCH_SESSION_PARTITIONS_MAX: usize = 500_000;
/// Bytes that a fetch may take at least, however little memory for answers is left.
pub const FETCH_BYTES_GRANTED_MIN: usize = 64 << 10;
/// What part of the memory that is left for answers one fetch may take.
pub const FETCH_MEMORY_DIVISOR: u64 = 4;
/// How long a fetch waits for memory before a reader that does not read is ended for it.
pub const FETCH_MEMORY_PATIENCE: Duration = Duration::from_secs(1);
/// How long a reader must not have read before it may be ended to free the memory of its answer.
pub const SLOW_READER_AGE_MIN: Duration = Duration::from_secs(10);
/// Members of one group at most, whatever `group.max.size` says.
pub const GROUP_MEMBERS_MAX: usize = 10_000;
/// Bytes of one batch of group records at most: what a topic takes unless it is told otherwise.
pub const GROUP_RECORD_BYTES_MAX: usize = 1_000_000;
/// Bytes of records that describe live groups, written in one piece while a coordinator rewrites its state.
pub const GROUP_REWRITE_BYTES: usize = 64 << 10;
/// Bytes of history, below which a coordinator never rewrites its state.
pub const GROUP_HISTORY_BYTES_MIN: u64 = 4 << 20;
/// Tombstones of expired offsets and groups that are written in one piece.
pub const GROUP_TOMBSTONES_MAX: usize = 1_000;
/// Groups that are looked at in one piece for expired offsets, or for topics that are gone.
pub const GROUPS_PER_SLICE: usize = 256;
/// Bytes of `__consumer_offsets` that are read at once while a coordinator loads.
pub const GROUP_LOAD_BYTES: usize = 512 << 10;
/// What part of a shard's memory groups and their offsets may take.
pub const GROUPS_MEMORY_DIVISOR: u64 = 8;
/// How long a member that has no id yet may wait for its group, as Kafka's brokers have it.
pub const GROUP_NEW_MEMBER_JOIN_MS: i64 = 5 * 60 * 1000;
/// Memory that one compiled pattern may take, in bytes: larger ones are refused as invalid.
pub const PATTERN_BYTES_MAX: usize = 1 << 20;
/// Connections of the metrics port; further ones are closed at once.
pub const METRICS_CONNECTIONS_MAX: u64 = 16;
/// How long a client of the metrics port may take for its request.
pub const METRICS_REQUEST_TIME_MAX: Duration = Duration::from_secs(5);
/// How long a client of the metrics port may take to read its answer.
pub const METRICS_SEND_TIME_MAX: Duration = Duration::from_secs(30);
/// How long what a client of the metrics port still says is read before its connection is closed.
pub const METRICS_FAREWELL: Duration = Duration::from_secs(1);
/// How long the shards rest between two pages of metrics.
pub const METRICS_PAUSE: Duration = Duration::from_millis(10);
/// Partitions that are looked at in one piece for a page of metrics.
pub const METRICS_PARTITIONS_PER_SLICE: usize = 1_000;
/// Committed offsets or ends of partitions that are looked at in one piece for a page of metrics.
pub const METRICS_OFFSETS_PER_SLICE: usize = 2_000;
/// Clients whose pushed metrics are looked at in one piece for a page of metrics.
pub const METRICS_CLIENTS_PER_SLICE: usize = 8;
/// Bytes that one push of a client's metrics may inflate to; more of it is not read.
pub const TELEMETRY_INFLATED_BYTES_MAX: usize = 1 << 20;
/// Numbers that are read of one push.
pub const TELEMETRY_POINTS_MAX: usize = 10_000;
/// Numbers that are kept of one client.
pub const TELEMETRY_SERIES_PER_CLIENT_MAX: usize = 500;
/// After how many of its intervals without a push a client's numbers are told no more.
pub const TELEMETRY_INTERVALS_TOLD: u32 = 3;
/// Clients of a broker whose telemetry is remembered, as many as Kafka's.
pub const TELEMETRY_CLIENTS_MAX: usize = 16_384;
/// Client-metrics subscriptions that are matched against clients; further ones are not.
pub const SUBSCRIPTIONS_MAX: usize = 1_000;

/// Between the ids that clients are told of two shards with ports of their own. The first shard has the broker's own id, which must be smaller.
pub const SHARD_ID_STEP: i32 = 10_000;
