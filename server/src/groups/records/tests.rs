//! The format against bytes that Kafka 4.3.1 wrote, round trips, and damage.

use bytes::Bytes;
use corelog_engine::batch::Compression;
use corelog_protocol::messages::consumer_group_metadata_key::ConsumerGroupMetadataKey;
use corelog_protocol::messages::consumer_group_metadata_value::ConsumerGroupMetadataValue;
use corelog_protocol::messages::group_metadata_key::GroupMetadataKey;
use corelog_protocol::messages::group_metadata_value::{GroupMetadataValue, MemberMetadata};
use corelog_protocol::messages::offset_commit_key::OffsetCommitKey;
use corelog_protocol::messages::offset_commit_value::OffsetCommitValue;
use corelog_protocol::{Text, Uuid};

use super::{GroupRecord, RecordError, batch_of, records_of};

fn offset(value: Option<OffsetCommitValue>) -> GroupRecord {
    GroupRecord::OffsetCommit(OffsetCommitKey { group: "g".into(), topic: "t".into(), partition: 7 }, value)
}

fn samples() -> Vec<GroupRecord> {
    let commit = OffsetCommitValue { offset: 42, metadata: "m".into(), commit_timestamp: 1000, ..Default::default() };
    let member = MemberMetadata {
        member_id: "a-1".into(),
        group_instance_id: Some("i".into()),
        client_id: "a".into(),
        client_host: "/127.0.0.1".into(),
        rebalance_timeout: 300_000,
        session_timeout: 10_000,
        subscription: Bytes::from_static(b"sub"),
        assignment: Bytes::from_static(b"own"),
    };
    let group = GroupMetadataValue {
        protocol_type: "consumer".into(),
        generation: 3,
        protocol: Some("range".into()),
        leader: Some("a-1".into()),
        current_state_timestamp: 5,
        members: vec![member],
    };
    vec![
        offset(Some(OffsetCommitValue { topic_id: Uuid([7; 16]), ..commit.clone() })),
        offset(Some(OffsetCommitValue { expire_timestamp: 9, ..commit })),
        offset(None),
        GroupRecord::GroupMetadata(GroupMetadataKey { group: "g".into() }, Some(group)),
        GroupRecord::ConsumerGroupMetadata(
            ConsumerGroupMetadataKey { group_id: "g".into() },
            Some(ConsumerGroupMetadataValue { epoch: 2, metadata_hash: 77 }),
        ),
    ]
}

#[test]
fn offset_commit_has_kafkas_bytes() {
    let commit = OffsetCommitValue { offset: 42, metadata: "m".into(), commit_timestamp: 1000, ..Default::default() };
    let encoded = offset(Some(commit.clone())).encode().unwrap();
    assert_eq!(&encoded.key[..], [0, 1, 0, 1, b'g', 0, 1, b't', 0, 0, 0, 7]);
    let value = [&[0u8, 4][..], &42i64.to_be_bytes(), &(-1i32).to_be_bytes(), &[2, b'm'], &1000i64.to_be_bytes(), &[0]];
    assert_eq!(encoded.value.unwrap(), value.concat());
    let expiring = offset(Some(OffsetCommitValue { expire_timestamp: 9, ..commit })).encode().unwrap();
    assert_eq!(expiring.value.unwrap()[..2], [0, 1]);
}

#[test]
fn records_come_back_from_a_batch_in_order() {
    let batch = batch_of(&samples(), Compression::default(), 1).unwrap();
    let mut read = Vec::new();
    records_of(&batch, |record| read.push(record)).unwrap();
    assert_eq!(read, samples());
}

#[test]
fn unknown_kinds_are_passed_over_and_damage_is_told() {
    let key = |bytes: &'static [u8]| Bytes::from_static(bytes);
    assert_eq!(GroupRecord::decode(&key(&[0, 11, 0, 1, b'g']), None), Ok(None));
    assert_eq!(GroupRecord::decode(&key(&[0]), None), Err(RecordError::Short));
    assert!(matches!(GroupRecord::decode(&key(&[0, 2, 0, 9, b'g']), None), Err(RecordError::Decode(_))));
    let value = key(&[0, 99, 1, 2, 3]);
    assert!(matches!(GroupRecord::decode(&key(&[0, 2, 0, 1, b'g']), Some(&value)), Err(RecordError::Decode(_))));
}

#[test]
fn records_cut_anywhere_never_panic() {
    for record in samples() {
        let encoded = record.encode().unwrap();
        for end in 0..encoded.key.len() {
            assert!(GroupRecord::decode(&encoded.key.slice(..end), encoded.value.as_ref()).is_err());
        }
        let Some(value) = encoded.value else { continue };
        for end in 0..value.len() {
            assert!(GroupRecord::decode(&encoded.key, Some(&value.slice(..end))).is_err());
        }
    }
}

#[test]
fn strings_beyond_the_format_are_refused() {
    let key = GroupMetadataKey { group: Text::from("g".repeat(40_000)) };
    assert!(matches!(GroupRecord::GroupMetadata(key, None).encode(), Err(RecordError::Encode(_))));
}
