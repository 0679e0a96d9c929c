//! What a version has and lacks: headers, advertised ranges, fields that may be left out and fields that may not.

use bytes::Bytes;
use corelog_protocol::messages::fetch_request::{FetchRequest, ForgottenTopic};
use corelog_protocol::messages::fetch_response::{FetchResponse, FetchableTopicResponse, PartitionData};
use corelog_protocol::messages::join_group_response::JoinGroupResponse;
use corelog_protocol::messages::produce_request::ProduceRequest;
use corelog_protocol::{
    ApiKey, Decoder, EncodeError, Encoded, Encoder, ErrorCode, Message, Reason, Records, Request, Text, header,
};

fn encode<M: Message>(message: &M, version: i16) -> Result<Encoded, EncodeError> {
    let mut encoder = Encoder::new();
    message.encode(&mut encoder, version).map(|()| encoder.finish())
}

#[test]
fn a_field_that_may_be_ignored_is_left_out_where_the_version_lacks_it() {
    let request = FetchRequest { rack_id: Text::from("rack"), session_epoch: 5, ..Default::default() };
    let bytes = encode(&request, 4).expect("both may be ignored").into_contiguous();
    let read = FetchRequest::decode(&mut Decoder::new(bytes), 4).expect("what was written");
    assert_eq!(read, FetchRequest::default());
}

#[test]
fn a_field_that_may_not_be_ignored_is_refused_where_the_version_lacks_it() {
    let request = FetchRequest { forgotten_topics_data: vec![ForgottenTopic::default()], ..Default::default() };
    let refused =
        EncodeError::NotInVersion { message: "FetchRequest", version: 6, field: "FetchRequest.ForgottenTopicsData" };
    assert_eq!(encode(&request, 6), Err(refused));
    assert!(encode(&request, 7).is_ok());
}

#[test]
fn null_is_refused_where_the_version_has_none() {
    let response = JoinGroupResponse { protocol_name: None, ..Default::default() };
    let refused =
        EncodeError::Null { message: "JoinGroupResponse", version: 6, field: "JoinGroupResponse.ProtocolName" };
    assert_eq!(encode(&response, 6), Err(refused));
    assert!(encode(&response, 7).is_ok());
}

#[test]
fn a_version_that_does_not_exist_is_refused() {
    assert!(matches!(encode(&FetchRequest::default(), 3), Err(EncodeError::NotInVersion { version: 3, .. })));
    assert!(matches!(encode(&FetchRequest::default(), 19), Err(EncodeError::NotInVersion { version: 19, .. })));
}

#[test]
fn produce_is_advertised_below_what_can_be_decoded() {
    assert_eq!((ApiKey::Produce.min_version(), ApiKey::Produce.decodable_min()), (0, 3));
    assert!(!ApiKey::Produce.can_decode(2) && ApiKey::Produce.can_decode(3) && !ApiKey::Produce.can_decode(14));
    let reason = ProduceRequest::decode(&mut Decoder::new(Bytes::new()), 2).expect_err("gone").reason();
    assert_eq!(reason, Reason::Version { min: 3, max: 13 });
    assert_eq!(ProduceRequest::KEY, ApiKey::Produce);
}

#[test]
fn header_versions_follow_the_flexible_versions() {
    let versions = |key: ApiKey, version| (key.request_header_version(version), key.response_header_version(version));
    assert_eq!(versions(ApiKey::Fetch, 11), (1, 0));
    assert_eq!(versions(ApiKey::Fetch, 12), (2, 1));
    assert_eq!(versions(ApiKey::SaslHandshake, 1), (1, 0));
    assert_eq!(versions(ApiKey::ApiVersions, 2), (1, 0));
    assert_eq!(versions(ApiKey::ApiVersions, 3), (2, 0));
    assert_eq!(versions(ApiKey::ApiVersions, i16::MAX), (2, 0));
}

#[test]
fn short_and_unknown_headers_are_refused_with_their_field() {
    let refused = |bytes: &'static [u8]| {
        let error = header::decode_request_header(&mut Decoder::new(Bytes::from_static(bytes))).expect_err("refused");
        (error.path().to_owned(), error.reason())
    };
    assert_eq!(refused(&[]), ("RequestApiKey".to_owned(), Reason::Truncated { needed: 2, remaining: 0 }));
    assert_eq!(refused(&[0, 1, 0]), ("RequestApiVersion".to_owned(), Reason::Truncated { needed: 2, remaining: 1 }));
    assert_eq!(refused(&[0, 4, 0, 0]), ("RequestApiKey".to_owned(), Reason::UnknownApi(4)));
    assert_eq!(refused(&[0, 1, 0, 4, 0]), ("CorrelationId".to_owned(), Reason::Truncated { needed: 4, remaining: 1 }));
}

#[test]
fn an_unknown_version_of_api_versions_still_has_a_header() {
    let frame = Bytes::from_static(&[0, 18, 0x7f, 0xff, 0, 0, 0, 9, 0xff, 0xff, 0, 1, 2, 3]);
    let mut decoder = Decoder::new(frame);
    let (key, header) = header::decode_request_header(&mut decoder).expect("a header");
    assert_eq!((key, header.request_api_version, header.correlation_id), (ApiKey::ApiVersions, i16::MAX, 9));
    assert_eq!(decoder.remaining(), 3);
}

#[test]
fn fetched_records_go_out_by_reference() {
    let log = Bytes::from(vec![3; 5000]);
    let records = Records::from(vec![log.slice(..2000), log.slice(2000..)]);
    let partition = PartitionData { records: Some(records), ..Default::default() };
    let topic = FetchableTopicResponse { topic: "t".into(), partitions: vec![partition], ..Default::default() };
    let response = FetchResponse { responses: vec![topic], ..Default::default() };
    let encoded = header::encode_response(ApiKey::Fetch, 12, 7, &response).expect("a response");
    let shared: Vec<*const u8> = encoded.slices.iter().skip(1).take(2).map(|slice| slice.as_ptr()).collect();
    assert_eq!(shared, [log.as_ptr(), log.slice(2000..).as_ptr()]);
    assert_eq!(encoded.bytes, encoded.slices.iter().map(Bytes::len).sum::<usize>());
}

#[test]
fn error_codes_have_their_numbers_and_names() {
    assert_eq!(ErrorCode::from_code(-1), Some(ErrorCode::UnknownServerError));
    assert_eq!((ErrorCode::NotLeaderOrFollower.code(), ErrorCode::NotLeaderOrFollower.is_retriable()), (6, true));
    assert_eq!((ErrorCode::None.name(), ErrorCode::None.is_error()), ("NONE", false));
    assert_eq!(ErrorCode::from_code(1000), None);
    for code in ErrorCode::ALL {
        assert_eq!(ErrorCode::from_code(code.code()), Some(*code));
    }
}
