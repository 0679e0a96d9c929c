//! Produce: order, acknowledgements, refusals.

use corelog_protocol::ErrorCode;
use corelog_protocol::messages::produce_request::ProduceRequest;
use corelog_protocol::messages::produce_response::PartitionProduceResponse;

use super::client::{Client, batch, broker, produce};

async fn ask(client: &mut Client, request: &ProduceRequest) -> Vec<PartitionProduceResponse> {
    let answer = client.ask(request, 9).await;
    answer.responses.into_iter().flat_map(|topic| topic.partition_responses).collect()
}

#[test]
fn pipelined_appends_keep_their_order_on_every_shard() {
    broker(2, &[], |address| async move {
        let mut client = Client::connect(address).await;
        client.create_topic("t", 4).await;
        let count = 50;
        for number in 0..count {
            let value = format!("{number}");
            let partitions = [0, 1, 2, 3].map(|partition| (partition, batch(2, value.as_bytes())));
            client.send(&produce("t", -1, &partitions), 9).await;
        }
        for number in 0..count {
            let answer = client.receive::<ProduceRequest>().await;
            for partition in &answer.responses[0].partition_responses {
                assert_eq!((partition.error_code, partition.base_offset), (0, number * 2));
            }
        }
    });
}

#[test]
fn acks_of_one_are_answered_and_acks_of_none_are_not() {
    broker(2, &[], |address| async move {
        let mut client = Client::connect(address).await;
        client.create_topic("t", 2).await;
        client.send_one_way(&produce("t", 0, &[(0, batch(3, b"x")), (1, batch(3, b"x"))]), 9).await;
        let answers = ask(&mut client, &produce("t", 1, &[(0, batch(1, b"x")), (1, batch(1, b"x"))])).await;
        let found: Vec<_> = answers.iter().map(|answer| (answer.error_code, answer.base_offset)).collect();
        assert_eq!(found, [(0, 3), (0, 3)]);
    });
}

#[test]
fn failure_without_acknowledgement_ends_the_connection() {
    broker(1, &[], |address| async move {
        let mut client = Client::connect(address).await;
        client.send_one_way(&produce("missing", 0, &[(0, batch(1, b"x"))]), 9).await;
        assert!(client.answer().await.is_none());
    });
}

#[test]
fn every_partition_gets_its_own_error() {
    broker(2, &[], |address| async move {
        let mut client = Client::connect(address).await;
        client.create_topic("t", 2).await;
        let mut corrupt = batch(1, b"x").to_vec();
        corrupt[30] ^= 1;
        let mut old = batch(1, b"x").to_vec();
        old[16] = 1;
        let large = batch(1, &vec![0; 2 << 20]);
        let partitions = [
            (0, batch(1, b"x")),
            (7, batch(1, b"x")),
            (1, corrupt.into()),
            (1, old.into()),
            (1, large),
            (0, "x".into()),
        ];
        let answers = ask(&mut client, &produce("t", -1, &partitions)).await;
        let codes: Vec<i16> = answers.iter().map(|answer| answer.error_code).collect();
        let expected = [
            ErrorCode::None,
            ErrorCode::UnknownTopicOrPartition,
            ErrorCode::CorruptMessage,
            ErrorCode::UnsupportedForMessageFormat,
            ErrorCode::MessageTooLarge,
            ErrorCode::InvalidRecord,
        ];
        assert_eq!(codes, expected.map(ErrorCode::code));
        assert!(answers.iter().skip(1).all(|answer| answer.base_offset == -1));
    });
}

#[test]
fn whole_requests_are_refused_partition_by_partition() {
    broker(1, &[], |address| async move {
        let mut client = Client::connect(address).await;
        client.create_topic("t", 1).await;
        let answers = ask(&mut client, &produce("t", 3, &[(0, batch(1, b"x"))])).await;
        assert_eq!(answers[0].error_code, ErrorCode::InvalidRequiredAcks.code());
        let transactional =
            ProduceRequest { transactional_id: Some("tx".into()), ..produce("t", -1, &[(0, batch(1, b"x"))]) };
        let answers = ask(&mut client, &transactional).await;
        assert_eq!(answers[0].error_code, ErrorCode::TransactionalIdAuthorizationFailed.code());
        let unknown_id = client.ask(&produce("", -1, &[(0, batch(1, b"x"))]), 13).await;
        let code = unknown_id.responses[0].partition_responses[0].error_code;
        assert_eq!(code, ErrorCode::UnknownTopicId.code());
    });
}
