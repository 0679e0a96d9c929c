//! Request and response headers. The request header's own version depends on the API and version that it names, so these
//! are looked at first.

use crate::messages::request_header::RequestHeader;
use crate::messages::response_header::ResponseHeader;
use crate::{ApiKey, Bytes, DecodeError, Decoder, EncodeError, Encoded, Encoder, Message, Reason, frame};

/// Reads the header of a request; the decoder then stands at the body. An API that is not known is an error, a version
/// that is not known is not: `ApiVersions` is answered all the same, and any other closes the connection (see
/// [`ApiKey::can_decode`]).
pub fn decode_request_header(decoder: &mut Decoder) -> Result<(ApiKey, RequestHeader), DecodeError> {
    decoder.begin("RequestHeader", 0);
    let mut ahead = Decoder::new(decoder.rest());
    ahead.begin("RequestHeader", 0);
    let code = ahead.int16("RequestApiKey")?;
    let version = ahead.int16("RequestApiVersion")?;
    let key = ApiKey::from_code(code).ok_or_else(|| decoder.fail("RequestApiKey", Reason::UnknownApi(code)))?;
    let header = RequestHeader::decode(decoder, key.request_header_version(version))?;
    Ok((key, header))
}

/// Encodes a whole request frame: length, header, body.
pub fn encode_request<M: Message>(key: ApiKey, header: &RequestHeader, body: &M) -> Result<Encoded, EncodeError> {
    let version = header.request_api_version;
    frame::encode(|encoder| {
        header.encode(encoder, key.request_header_version(version))?;
        body.encode(encoder, version)
    })
}

/// Encodes a whole response frame: length, header, body. `version` is that of the request, also where it is not known.
pub fn encode_response<M: Message>(
    key: ApiKey,
    version: i16,
    correlation_id: i32,
    body: &M,
) -> Result<Encoded, EncodeError> {
    frame::encode(|encoder| {
        encode_response_header(encoder, key, version, correlation_id)?;
        body.encode(encoder, version)
    })
}

/// Appends the response header that goes before a body of this version.
pub fn encode_response_header(
    encoder: &mut Encoder,
    key: ApiKey,
    version: i16,
    correlation_id: i32,
) -> Result<(), EncodeError> {
    ResponseHeader { correlation_id }.encode(encoder, key.response_header_version(version))
}

/// Reads the header of a response whose request is known; the decoder then stands at the body.
pub fn decode_response_header(frame: Bytes, key: ApiKey, version: i16) -> Result<(i32, Decoder), DecodeError> {
    let mut decoder = Decoder::new(frame);
    let header = ResponseHeader::decode(&mut decoder, key.response_header_version(version))?;
    Ok((header.correlation_id, decoder))
}
