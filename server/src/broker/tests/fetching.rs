//! Fetch: limits, sessions, long polls, over one shard and over several.

use std::time::Duration;

use corelog_protocol::messages::fetch_request::{FetchPartition, FetchRequest, FetchTopic};
use corelog_protocol::messages::fetch_response::{FetchResponse, PartitionData};
use corelog_protocol::messages::metadata_request::{MetadataRequest, MetadataRequestTopic};
use corelog_protocol::messages::produce_request::ProduceRequest;
use corelog_protocol::{ErrorCode, Uuid};
use corelog_rt::{task, time};

use super::client::{Client, batch, broker, produce};

fn fetch(topic: &str, partitions: &[(i32, i64)]) -> FetchRequest {
    let partition = |(partition, fetch_offset): &(i32, i64)| FetchPartition {
        partition: *partition,
        fetch_offset: *fetch_offset,
        partition_max_bytes: 1 << 20,
        ..Default::default()
    };
    let topic = FetchTopic {
        topic: topic.into(),
        partitions: partitions.iter().map(partition).collect(),
        ..Default::default()
    };
    FetchRequest {
        max_wait_ms: 100,
        min_bytes: 1,
        max_bytes: 10 << 20,
        session_epoch: -1,
        topics: vec![topic],
        ..Default::default()
    }
}

fn partitions(response: &FetchResponse) -> Vec<&PartitionData> {
    let mut all: Vec<&PartitionData> = response.responses.iter().flat_map(|topic| &topic.partitions).collect();
    all.sort_by_key(|partition| partition.partition_index);
    all
}

fn bytes(partition: &PartitionData) -> usize {
    partition.records.as_ref().expect("records are never null").len()
}

#[test]
fn what_was_produced_comes_back_from_all_shards() {
    broker(2, &[], |address| async move {
        let mut client = Client::connect(address).await;
        client.create_topic("t", 4).await;
        let sent = batch(3, b"value");
        let all = [0, 1, 2, 3].map(|partition| (partition, sent.clone()));
        client.ask(&produce("t", -1, &all), 9).await;
        client.ask(&produce("t", -1, &all), 9).await;
        let answer = client.ask(&fetch("t", &[(0, 0), (1, 3), (2, 4), (3, 6), (9, 0)]), 12).await;
        let found: Vec<_> =
            partitions(&answer).iter().map(|data| (data.error_code, bytes(data), data.high_watermark)).collect();
        let unknown = ErrorCode::UnknownTopicOrPartition.code();
        let expected = [(0, 2 * sent.len(), 6), (0, sent.len(), 6), (0, sent.len(), 6), (0, 0, 6), (unknown, 0, -1)];
        assert_eq!(found, expected);
    });
}

#[test]
fn limits_hold_but_the_first_batch_always_comes() {
    broker(2, &[], |address| async move {
        let mut client = Client::connect(address).await;
        client.create_topic("t", 4).await;
        let large = batch(1, &[7; 10_000]);
        client.ask(&produce("t", -1, &[0, 1, 2, 3].map(|partition| (partition, large.clone()))), 9).await;
        let mut request = fetch("t", &[(0, 0), (1, 0), (2, 0), (3, 0)]);
        request.max_bytes = 1;
        let answer = client.ask(&request, 12).await;
        let total: usize = partitions(&answer).iter().map(|data| bytes(data)).sum();
        assert_eq!(total, large.len());
        request.max_bytes = 1 << 20;
        for partition in &mut request.topics[0].partitions {
            partition.partition_max_bytes = 1;
        }
        let answer = client.ask(&request, 12).await;
        assert!(partitions(&answer).iter().any(|data| bytes(data) == large.len()));
    });
}

#[test]
fn sessions_tell_only_what_is_new() {
    broker(2, &[], |address| async move {
        let mut client = Client::connect(address).await;
        client.create_topic("t", 4).await;
        let first =
            client.ask(&FetchRequest { session_epoch: 0, ..fetch("t", &[(0, 0), (1, 0), (2, 0), (3, 0)]) }, 12).await;
        assert_ne!(first.session_id, 0);
        assert_eq!(partitions(&first).len(), 4);
        let incremental = |session_epoch| FetchRequest {
            session_id: first.session_id,
            session_epoch,
            max_wait_ms: 0,
            min_bytes: 1,
            max_bytes: 10 << 20,
            ..Default::default()
        };
        assert!(partitions(&client.ask(&incremental(1), 12).await).is_empty());
        client.ask(&produce("t", -1, &[(2, batch(1, b"x"))]), 9).await;
        let news = client.ask(&incremental(2), 12).await;
        let indexes: Vec<i32> = partitions(&news).iter().map(|data| data.partition_index).collect();
        assert_eq!((news.session_id, indexes), (first.session_id, vec![2]));
        let wrong = client.ask(&incremental(9), 12).await;
        assert_eq!(wrong.error_code, ErrorCode::InvalidFetchSessionEpoch.code());
        let unknown = client.ask(&FetchRequest { session_id: first.session_id ^ 1, ..incremental(3) }, 12).await;
        assert_eq!(unknown.error_code, ErrorCode::FetchSessionIdNotFound.code());
    });
}

#[test]
fn long_polls_are_woken_by_appends_on_any_shard() {
    broker(2, &[], |address| async move {
        let mut client = Client::connect(address).await;
        client.create_topic("t", 2).await;
        for (partition, watched) in [(0, &[(0, 0), (1, 0)][..]), (1, &[(0, 1), (1, 0)]), (0, &[(0, 1)]), (1, &[(1, 1)])]
        {
            let mut consumer = Client::connect(address).await;
            let request = FetchRequest { max_wait_ms: 60_000, ..fetch("t", watched) };
            let began = time::now();
            consumer.send(&request, 12).await;
            let polling = task::spawn(async move { consumer.receive::<FetchRequest>().await });
            time::sleep(Duration::from_millis(50)).await;
            client.ask(&produce("t", -1, &[(partition, batch(1, b"x"))]), 9).await;
            let answer = polling.await;
            assert!(began.elapsed() < Duration::from_secs(30));
            let got: Vec<i32> = partitions(&answer)
                .into_iter()
                .filter(|data| bytes(data) > 0)
                .map(|data| data.partition_index)
                .collect();
            assert_eq!(got, [partition]);
        }
    });
}

#[test]
fn long_poll_waits_for_min_bytes_and_gives_what_there_is_in_the_end() {
    broker(1, &[], |address| async move {
        let mut client = Client::connect(address).await;
        client.create_topic("t", 1).await;
        let sent = batch(1, b"x");
        client.ask(&produce("t", -1, &[(0, sent.clone())]), 9).await;
        let began = time::now();
        let request = FetchRequest { max_wait_ms: 200, min_bytes: 100_000, ..fetch("t", &[(0, 0)]) };
        let answer = client.ask(&request, 12).await;
        assert!(began.elapsed() >= Duration::from_millis(200));
        assert_eq!(bytes(partitions(&answer)[0]), sent.len());
    });
}

#[test]
fn offsets_and_epochs_that_cannot_be_are_refused_at_once() {
    broker(1, &[], |address| async move {
        let mut client = Client::connect(address).await;
        client.create_topic("t", 1).await;
        let code = |answer: &FetchResponse| partitions(answer)[0].error_code;
        let far = client.ask(&FetchRequest { max_wait_ms: 60_000, ..fetch("t", &[(0, 5)]) }, 12).await;
        assert_eq!(code(&far), ErrorCode::OffsetOutOfRange.code());
        let mut newer = fetch("t", &[(0, 0)]);
        newer.topics[0].partitions[0].current_leader_epoch = 99;
        assert_eq!(code(&client.ask(&newer, 12).await), ErrorCode::UnknownLeaderEpoch.code());
        let replica = FetchRequest { replica_id: 7, ..fetch("t", &[(0, 0)]) };
        assert_eq!(code(&client.ask(&replica, 12).await), ErrorCode::NotLeaderOrFollower.code());
    });
}

#[test]
fn topics_are_found_by_id() {
    broker(1, &[], |address| async move {
        let mut client = Client::connect(address).await;
        let wanted = MetadataRequestTopic { name: Some("made.on.demand".into()), ..Default::default() };
        let request =
            MetadataRequest { topics: Some(vec![wanted]), allow_auto_topic_creation: true, ..Default::default() };
        let metadata = client.ask(&request, 13).await;
        let id = metadata.topics[0].topic_id;
        assert!(metadata.topics[0].error_code == 0 && !id.is_zero());
        let sent = batch(1, b"x");
        let mut produce: ProduceRequest = produce("", -1, &[(0, sent.clone())]);
        produce.topic_data[0].topic_id = id;
        assert_eq!(client.ask(&produce, 13).await.responses[0].partition_responses[0].error_code, 0);
        let mut request = fetch("", &[(0, 0)]);
        request.topics[0].topic_id = id;
        let answer = client.ask(&request, 18).await;
        assert_eq!((answer.responses[0].topic_id, bytes(partitions(&answer)[0])), (id, sent.len()));
        request.topics[0].topic_id = Uuid([9; 16]);
        let answer = client.ask(&request, 18).await;
        assert_eq!(partitions(&answer)[0].error_code, ErrorCode::UnknownTopicId.code());
    });
}
