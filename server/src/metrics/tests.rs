//! What the metrics port tells of a broker, and what it does with those who misbehave.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use corelog_engine::shard::{Engine, EngineSettings, Shard};
use corelog_protocol::messages::fetch_request::{FetchPartition, FetchRequest, FetchTopic};
use corelog_protocol::messages::find_coordinator_request::FindCoordinatorRequest;
use corelog_protocol::messages::get_telemetry_subscriptions_request::GetTelemetrySubscriptionsRequest;
use corelog_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig, IncrementalAlterConfigsRequest,
};
use corelog_protocol::messages::offset_commit_request::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use corelog_protocol::messages::push_telemetry_request::PushTelemetryRequest;
use corelog_rt::net::Stream;
use corelog_rt::testing::{run_shards, temp_dir};
use corelog_rt::time;

use super::catalog;
use super::family::{Kind, Unit};
use super::gather::{self, Silent};
use super::sample::Bounds;
use super::segments::SegmentRow;
use crate::broker::tests::client::{Client, batch, produce, watched_broker};
use crate::limits::METRICS_CONNECTIONS_MAX;
use crate::telemetry::otlp::tests::{gauge, pushed, sum};

/// Sends bytes and gives everything that comes back; none where the connection breaks instead.
async fn exchange(address: SocketAddr, request: &[u8]) -> String {
    let (mut read, mut write) = Stream::connect(address).await.expect("a port that listens").split();
    let _ = write.write_all(&mut vec![Bytes::copy_from_slice(request)]).await;
    let mut answer = BytesMut::new();
    loop {
        answer.reserve(64 << 10);
        match read.read(&mut answer).await {
            Ok(0) | Err(_) => return String::from_utf8(answer.to_vec()).expect("text"),
            Ok(_) => {}
        }
    }
}

/// The body of a page that must be there.
async fn page(address: SocketAddr, path: &str) -> String {
    let answer = exchange(address, format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).await;
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", body.len())), "{head}");
    body.to_owned()
}

/// The value of a series, by its exact name and labels.
fn value(page: &str, series: &str) -> u64 {
    let line = page.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{series} is missing in {page}")).parse().expect("a whole number")
}

#[test]
fn names_follow_the_conventions() {
    let mut names: Vec<&str> = catalog::ALL.iter().map(|family| family.name).collect();
    for family in catalog::ALL {
        let bare = family.name.strip_suffix("_total");
        assert_eq!(bare.is_some(), family.kind == Kind::Counter, "{}", family.name);
        let bare = bare.unwrap_or(family.name);
        let ends = |unit: &str| bare.ends_with(unit);
        match family.unit {
            Unit::Seconds => assert!(ends("_seconds"), "{}", family.name),
            Unit::Bytes => assert!(ends("_bytes"), "{}", family.name),
            Unit::Info => assert!(ends("_info"), "{}", family.name),
            Unit::Count | Unit::Offset => assert!(!ends("_seconds") && !ends("_bytes"), "{}", family.name),
        }
        assert!(family.help.ends_with('.') && !family.help.contains(['\n', '\\']), "{}", family.name);
        assert!(family.name.starts_with("corelog_") || family.name.starts_with("process_"), "{}", family.name);
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), catalog::ALL.len(), "each name stands for one metric");
}

#[test]
fn the_page_counts_what_clients_did() {
    watched_broker(2, &[], |clients, metrics| async move {
        let mut client = Client::connect(clients).await;
        client.create_topic("t", 2).await;
        for _ in 0..3 {
            let answer = client.ask(&produce("t", -1, &[(0, batch(5, b"x")), (1, batch(2, b"x"))]), 9).await;
            assert!(answer.responses[0].partition_responses.iter().all(|partition| partition.error_code == 0));
        }
        let refused = client.ask(&produce("missing", -1, &[(0, batch(1, b"x"))]), 9).await;
        assert_ne!(refused.responses[0].partition_responses[0].error_code, 0);
        let partition = FetchPartition { partition_max_bytes: 1 << 20, ..Default::default() };
        let topic = FetchTopic { topic: "t".into(), partitions: vec![partition], ..Default::default() };
        let fetch = FetchRequest { max_bytes: 1 << 20, topics: vec![topic], ..Default::default() };
        let fetched = client.ask(&fetch, 12).await;
        let bytes = fetched.responses[0].partitions[0].records.as_ref().expect("records").len();
        let page = page(metrics, "/metrics").await;
        assert_eq!(value(&page, "corelog_requests_total{api=\"Produce\"}"), 4);
        let errors = "corelog_response_errors_total{api=\"Produce\",error=\"UNKNOWN_TOPIC_OR_PARTITION\"}";
        assert_eq!(value(&page, errors), 1);
        assert_eq!(value(&page, "corelog_produced_records_total"), 21);
        assert_eq!(value(&page, "corelog_fetched_records_total"), 15);
        assert_eq!(value(&page, "corelog_fetched_bytes_total"), bytes as u64);
        assert_eq!(value(&page, "corelog_request_duration_seconds_count{api=\"Produce\"}"), 4);
        assert!(value(&page, "corelog_stage_duration_seconds_count{stage=\"write\"}") >= 3);
        assert!(value(&page, "corelog_stage_duration_seconds_count{stage=\"append\"}") >= 3);
        let commits = value(&page, "corelog_commit_size_bytes_count");
        assert_eq!(value(&page, "corelog_commit_size_bytes_bucket{le=\"+Inf\"}"), commits);
        assert!(value(&page, "corelog_commit_size_bytes_sum") >= 4096 * commits);
        let connections: u64 =
            (0..2).map(|shard| value(&page, &format!("corelog_connections{{shard=\"{shard}\"}}"))).sum();
        assert_eq!(connections, 1);
        assert!(page.contains("corelog_memory_used_bytes{shard=\"1\",for=\"tail\"}"), "{page}");
    });
}

#[test]
fn every_metric_of_the_page_is_of_the_catalogue_and_comes_once() {
    watched_broker(1, &[], |clients, metrics| async move {
        let mut client = Client::connect(clients).await;
        client.create_topic("t", 1).await;
        let page = page(metrics, "/metrics").await;
        let began: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
        for family in catalog::ALL {
            let line = format!("{} {}", family.name, family.kind.word());
            assert_eq!(began.iter().filter(|began| **began == line).count(), 1, "{line}");
            assert!(page.contains(&format!("# HELP {} {}\n", family.name, family.help)), "{}", family.name);
        }
        assert_eq!(began.len(), catalog::ALL.len());
    });
}

#[test]
fn segments_of_all_logs_are_told() {
    watched_broker(2, &[], |clients, metrics| async move {
        let mut client = Client::connect(clients).await;
        client.create_topic("t", 2).await;
        let answer = client.ask(&produce("t", -1, &[(0, batch(5, b"x")), (1, batch(2, b"x"))]), 9).await;
        assert!(answer.responses[0].partition_responses.iter().all(|partition| partition.error_code == 0));
        let told: Vec<SegmentRow> = serde_json::from_str(&page(metrics, "/segments").await).expect("rows");
        assert_eq!(told.iter().map(|row| row.log).collect::<Vec<_>>(), [0, 1]);
        for row in told {
            assert_eq!((row.state.as_str(), row.settled, row.extents), ("current", false, None));
            assert!(row.live_bytes > 0 && row.file_bytes == 4 << 20, "{row:?}");
        }
    });
}

#[test]
fn a_broker_that_serves_is_healthy_and_ready() {
    watched_broker(2, &[], |_, metrics| async move {
        assert_eq!(page(metrics, "/health").await, "every shard answers\n");
        assert_eq!(page(metrics, "/ready").await, "every shard serves\n");
        let head = exchange(metrics, b"HEAD /ready HTTP/1.1\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    });
}

#[test]
fn whoever_asks_wrongly_is_told_so_and_hurts_nobody() {
    watched_broker(1, &[], |_, metrics| async move {
        for (request, status) in [
            ("GET /other HTTP/1.1\r\n\r\n".to_owned(), "404"),
            ("POST /metrics HTTP/1.1\r\nContent-Length: 1\r\n\r\nx".to_owned(), "405"),
            ("GET /metrics HTTP/1.1\r\nContent-Length: 1\r\n\r\nx".to_owned(), "413"),
            (format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(20 << 10)), "431"),
            (format!("GET / HTTP/1.1\r\n{}", "a: b\r\n".repeat(5_000)), "431"),
            ("\0\0\0\x10\0\x12\0\0\0\0\0\0\0\0".to_owned(), "400"),
        ] {
            let answer = exchange(metrics, request.as_bytes()).await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{request:.40}: {answer:.80}");
        }
        let silent = Stream::connect(metrics).await.expect("a port that listens");
        page(metrics, "/health").await;
        drop(silent);
    });
}

#[test]
fn as_many_as_there_may_be_keep_the_others_out_for_a_while_only() {
    watched_broker(1, &[], |_, metrics| async move {
        let mut silent = Vec::new();
        for _ in 0..METRICS_CONNECTIONS_MAX {
            silent.push(Stream::connect(metrics).await.expect("a port that listens"));
        }
        // Accepted in turn, so the last one finds no place.
        time::sleep(Duration::from_millis(100)).await;
        assert_eq!(exchange(metrics, b"GET /health HTTP/1.1\r\n\r\n").await, "");
        drop(silent);
        while exchange(metrics, b"GET /health HTTP/1.1\r\n\r\n").await.is_empty() {
            time::sleep(Duration::from_millis(10)).await;
        }
    });
}

/// Every metric that the expressions of a dashboard name.
fn named(dashboard: &serde_json::Value, names: &mut Vec<String>) {
    match dashboard {
        serde_json::Value::Array(items) => items.iter().for_each(|item| named(item, names)),
        serde_json::Value::Object(fields) => {
            for (field, value) in fields {
                match value.as_str().filter(|_| field == "expr" || field == "query") {
                    Some(expression) => names.extend(
                        expression
                            .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
                            .filter(|word| word.starts_with("corelog_") || word.starts_with("process_"))
                            .map(str::to_owned),
                    ),
                    None => named(value, names),
                }
            }
        }
        _ => {}
    }
}

#[test]
fn every_metric_of_the_dashboard_is_of_the_catalogue_and_the_other_way_round() {
    let dashboard = serde_json::from_str(include_str!("../../grafana/corelog.json")).expect("JSON");
    let mut names = Vec::new();
    named(&dashboard, &mut names);
    let bare = |name: &str| {
        let histogram = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
        let is = |wanted: &str| catalog::ALL.iter().find(|family| family.name == wanted);
        is(name).filter(|family| family.kind != Kind::Histogram).or_else(|| is(histogram?)).map(|family| family.name)
    };
    let known: Vec<&str> =
        names.iter().map(|name| bare(name).unwrap_or_else(|| panic!("there is no metric {name}"))).collect();
    for family in
        catalog::ALL.iter().filter(|family| !["process_virtual_memory_bytes", "process_max_fds"].contains(&family.name))
    {
        assert!(known.contains(&family.name), "no panel shows {}", family.name);
    }
}

#[test]
fn partitions_and_groups_beyond_their_bounds_are_added_up() {
    let sets = ["corelog.metrics.partitions.max=3", "corelog.metrics.groups.max=1", "offsets.topic.num.partitions=2"];
    watched_broker(2, &sets, |clients, metrics| async move {
        let mut client = Client::connect(clients).await;
        client.create_topic("t", 5).await;
        let batches: Vec<_> = (0..5).map(|partition| (partition, batch(partition as usize + 1, b"x"))).collect();
        let answer = client.ask(&produce("t", -1, &batches), 9).await;
        assert!(answer.responses[0].partition_responses.iter().all(|partition| partition.error_code == 0));
        for (group, offset) in [("a", 0), ("b", 1)] {
            while commit(&mut client, group, 4, offset).await != 0 {
                time::sleep(Duration::from_millis(10)).await;
            }
        }
        let page = page(metrics, "/metrics").await;
        let records = |topic: &str, partition: &str| {
            let series =
                format!("corelog_partition_produced_records_total{{topic=\"{topic}\",partition=\"{partition}\"}}");
            value(&page, &series)
        };
        assert_eq!((records("t", "0"), records("t", "1"), records("t", "2")), (1, 2, 3));
        assert!(records("(other)", "") >= 4 + 5, "two partitions, and those of the offsets");
        assert_eq!(value(&page, "corelog_partition_high_watermark_offset{topic=\"t\",partition=\"2\"}"), 3);
        assert_eq!(value(&page, "corelog_group_lag_records{group=\"a\",topic=\"t\"}"), 5);
        assert_eq!(value(&page, "corelog_group_lag_records{group=\"(other)\",topic=\"\"}"), 4);
        assert_eq!(value(&page, "corelog_groups{state=\"Empty\"}"), 2);
    });
}

/// Commits an offset for a group without members; gives back the error code.
async fn commit(client: &mut Client, group: &str, partition: i32, offset: i64) -> i16 {
    // Asking for the coordinator brings the topic of the offsets into being.
    let find = FindCoordinatorRequest { key: group.into(), ..Default::default() };
    let found = client.ask(&find, 2).await;
    if found.error_code != 0 {
        return found.error_code;
    }
    let one = OffsetCommitRequestPartition {
        partition_index: partition,
        committed_offset: offset,
        committed_leader_epoch: -1,
        ..Default::default()
    };
    let topic = OffsetCommitRequestTopic { name: "t".into(), partitions: vec![one], ..Default::default() };
    let request = OffsetCommitRequest {
        group_id: group.into(),
        generation_id_or_member_epoch: -1,
        topics: vec![topic],
        ..Default::default()
    };
    client.ask(&request, 7).await.topics[0].partitions[0].error_code
}

#[test]
fn what_clients_push_of_themselves_is_on_the_page() {
    watched_broker(1, &[], |clients, metrics| async move {
        let mut client = Client::connect(clients).await;
        let config = AlterableConfig { name: "interval.ms".into(), config_operation: 0, value: Some("100000".into()) };
        let resource = AlterConfigsResource { resource_type: 16, resource_name: "all".into(), configs: vec![config] };
        let altered =
            client.ask(&IncrementalAlterConfigsRequest { resources: vec![resource], validate_only: false }, 1).await;
        assert_eq!(altered.responses[0].error_code, 0);
        let told = client.ask(&GetTelemetrySubscriptionsRequest::default(), 0).await;
        let pushes = PushTelemetryRequest {
            client_instance_id: told.client_instance_id,
            subscription_id: told.subscription_id,
            metrics: Bytes::from(pushed(&[gauge("a.gauge", 1.5), sum("a\"sum", 2.0, true)])),
            ..Default::default()
        };
        assert_eq!(client.ask(&pushes, 0).await.error_code, 0);
        let page = page(metrics, "/metrics").await;
        let line = |start: &str| {
            page.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{start} is missing in {page}"))
        };
        let gauge = line("corelog_telemetry_client_gauge{metric=\"a.gauge\",client_id=\"tests\",");
        assert!(gauge.ends_with(",attributes=\"node=1\"} 1.5"), "{gauge}");
        let sum = line("corelog_telemetry_client_sum_total{metric=\"a\\\"sum\",client_id=\"tests\",");
        assert!(sum.ends_with(",attributes=\"node=1\"} 2"), "{sum}");
        assert_eq!(value(&page, "corelog_telemetry_pushes_total"), 1);
        assert_eq!(value(&page, "corelog_telemetry_clients"), 1);
    });
}

#[test]
fn a_shard_that_does_not_serve_fails_the_question() {
    let settings = EngineSettings {
        shards: 2,
        memory_bytes: 64 << 20,
        segment_bytes: Some(4 << 20),
        ..EngineSettings::new(temp_dir(), 1)
    };
    let engine = Engine::new(settings);
    run_shards(2, move |index| {
        let engine = engine.clone();
        async move {
            let main = |shard: Rc<Shard>| async move {
                if index == 0 {
                    let bounds = Bounds { partitions_max: 1, groups_max: 1, clients_max: 1 };
                    assert_eq!(gather::samples(&shard, bounds).await.err(), Some(Silent::Idle(0)));
                    assert_eq!(gather::answers(&shard).await, Ok(()));
                    shard.stop().await;
                }
                shard.stopped().await;
            };
            engine.run(index, main).await.expect("an engine that starts");
        }
    });
}
