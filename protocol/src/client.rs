//! One connection seen from the client, without I/O: numbers requests, frames them, and matches answers to them in order.
//! Used by the command line tools and the load generator.

use std::collections::VecDeque;

use crate::messages::request_header::RequestHeader;
use crate::{
    ApiKey, Bytes, DecodeError, Decoder, EncodeError, Encoded, ErrorCode, Message, Reason, Request, Text, header,
};

/// The requests of one connection.
#[derive(Debug, Default)]
pub struct Session {
    client_id: Option<Text>,
    correlation_id_next: i32,
    waiting: VecDeque<Waiting>,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    key: ApiKey,
    version: i16,
    correlation_id: i32,
}

/// An answer whose body is not read yet.
pub struct Answer {
    /// The API that was asked.
    pub key: ApiKey,
    /// The version that was asked.
    pub version: i16,
    /// The number that [`Session::request`] gave the request.
    pub correlation_id: i32,
    body: Decoder,
}

impl Session {
    /// A new connection; the name goes into every header.
    pub fn new(client_id: impl Into<Text>) -> Session {
        Session { client_id: Some(client_id.into()), ..Session::default() }
    }

    /// Requests that wait for an answer.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Frames a request that will be answered. The number of the request comes with the bytes to send.
    pub fn request<R: Request>(&mut self, request: &R, version: i16) -> Result<(i32, Encoded), EncodeError> {
        let (correlation_id, encoded) = self.one_way(request, version)?;
        self.waiting.push_back(Waiting { key: R::KEY, version, correlation_id });
        Ok((correlation_id, encoded))
    }

    /// Frames a request that will not be answered: a Produce with `acks=0`.
    pub fn one_way<R: Request>(&mut self, request: &R, version: i16) -> Result<(i32, Encoded), EncodeError> {
        let correlation_id = self.correlation_id_next;
        let header = RequestHeader {
            request_api_key: R::KEY.code(),
            request_api_version: version,
            correlation_id,
            client_id: self.client_id.clone(),
        };
        let encoded = header::encode_request(R::KEY, &header, request)?;
        self.correlation_id_next = correlation_id.wrapping_add(1);
        Ok((correlation_id, encoded))
    }

    /// Matches a frame (without its length) to the oldest request that waits. After an error the connection is of no more
    /// use.
    pub fn answer(&mut self, frame: Bytes) -> Result<Answer, DecodeError> {
        let Some(Waiting { key, version, correlation_id }) = self.waiting.pop_front() else {
            return Err(Decoder::new(frame).fail("", Reason::Unasked));
        };
        let (found, body) = header::decode_response_header(frame, key, version)?;
        if found != correlation_id {
            return Err(body.fail("CorrelationId", Reason::Correlation { wanted: correlation_id, found }));
        }
        Ok(Answer { key, version, correlation_id, body })
    }
}

impl Answer {
    /// Reads the body, which must be the response to what was asked. A broker that does not know the version of an
    /// `ApiVersions` request answers it in version 0, with its error code first: read as such.
    pub fn decode<M: Message>(mut self) -> Result<M, DecodeError> {
        let mut version = self.version;
        let refusal = ErrorCode::UnsupportedVersion.code().to_be_bytes();
        if self.key == ApiKey::ApiVersions && self.body.rest().starts_with(&refusal) {
            version = 0;
        }
        let body = M::decode(&mut self.body, version)?;
        self.body.finish()?;
        Ok(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::api_versions_request::ApiVersionsRequest;
    use crate::messages::api_versions_response::{ApiVersion, ApiVersionsResponse};
    use crate::messages::metadata_request::MetadataRequest;
    use crate::messages::metadata_response::MetadataResponse;
    use bytes::BytesMut;

    fn body(encoded: Encoded) -> Bytes {
        let mut buffer = BytesMut::from(&encoded.into_contiguous()[..]);
        crate::frame::split(&mut buffer, usize::MAX).unwrap().unwrap()
    }

    #[test]
    fn answers_match_requests_in_order() {
        let mut session = Session::new("tool");
        for expected in 0..2 {
            let (correlation_id, encoded) = session.request(&MetadataRequest::default(), 12).unwrap();
            assert_eq!(correlation_id, expected);
            let mut decoder = Decoder::new(body(encoded));
            let (key, header) = header::decode_request_header(&mut decoder).unwrap();
            assert_eq!((key, header.request_api_version, header.correlation_id), (ApiKey::Metadata, 12, expected));
            assert_eq!(header.client_id.as_deref(), Some("tool"));
            assert_eq!(MetadataRequest::decode(&mut decoder, 12).unwrap(), MetadataRequest::default());
        }
        let response = MetadataResponse { controller_id: 3, ..Default::default() };
        let mut reply =
            |id| session.answer(body(header::encode_response(ApiKey::Metadata, 12, id, &response).unwrap()));
        assert_eq!(reply(0).unwrap().decode::<MetadataResponse>().unwrap(), response);
        assert_eq!(reply(5).err().unwrap().reason(), Reason::Correlation { wanted: 1, found: 5 });
        assert_eq!(reply(5).err().unwrap().reason(), Reason::Unasked);
    }

    #[test]
    fn refused_api_versions_is_read_in_version_0() {
        let mut session = Session::default();
        session.request(&ApiVersionsRequest::default(), 4).unwrap();
        let refusal = ApiVersionsResponse {
            error_code: ErrorCode::UnsupportedVersion.code(),
            api_keys: vec![ApiVersion { api_key: 18, max_version: 3, ..Default::default() }],
            ..Default::default()
        };
        let frame = body(header::encode_response(ApiKey::ApiVersions, 0, 0, &refusal).unwrap());
        let read: ApiVersionsResponse = session.answer(frame).unwrap().decode().unwrap();
        assert_eq!(read.api_keys, refusal.api_keys);
    }
}
