//! One request of a connection, its header decoded, and how its answer is encoded.
//!
//! Made by the connection, consumed by a handler, on the shard that owns the connection.

use std::rc::Rc;

use bytes::Bytes;
use corelog_protocol::{ApiKey, Decoder, Message, Text, header};
use corelog_rt::sync::Permit;
use corelog_rt::time::{self, Instant};
use futures_util::future::LocalBoxFuture;

use super::answers::{Answer, Outcome, Pending};
use super::close::CloseReason;
use super::input::{Frame, FrameMemory};
use super::registry::Connection;
use crate::limits::{DECODED_BYTES_MIN, DECODED_BYTES_PER_WIRE_BYTE};
use crate::metrics::meters::Mark;

/// What serves the requests of a connection.
pub trait Service {
    /// The first stage of a request, in the order of arrival: the next request of the connection is not looked at before
    /// it is done. What it returns runs when all answers before it are given.
    fn dispatch(&self, request: Request) -> LocalBoxFuture<'static, Result<Pending, CloseReason>>;
}

/// One request whose body is not read yet.
pub struct Request {
    call: Call,
    decoder: Decoder,
}

/// What is known of a request beside its body. It must live as long as anything of the body does.
pub struct Call {
    /// The API.
    pub key: ApiKey,
    /// Its version, known or not.
    pub version: i16,
    /// What the answer must carry.
    pub correlation_id: i32,
    /// What the client calls itself.
    pub client_id: Option<Text>,
    /// When it was received.
    pub received: Instant,
    /// Where it came from.
    pub connection: Rc<Connection>,
    memory: Option<FrameMemory>,
}

/// What an answer needs of its request, once the request itself is gone.
#[derive(Clone, Copy, Debug)]
pub struct ReplyTo {
    /// The API.
    pub key: ApiKey,
    /// The version of the answer.
    pub version: i16,
    /// The request's number.
    pub correlation_id: i32,
}

impl Request {
    /// Reads the header of a frame.
    pub fn new(frame: Frame, connection: &Rc<Connection>) -> Result<Request, CloseReason> {
        let Frame { bytes, memory } = frame;
        let decoded_bytes_max = decoded_bytes_max(&bytes);
        let mut decoder = Decoder::with_memory_limit(bytes, decoded_bytes_max);
        let (key, header) = header::decode_request_header(&mut decoder).map_err(CloseReason::Malformed)?;
        let call = Call {
            key,
            version: header.request_api_version,
            correlation_id: header.correlation_id,
            client_id: header.client_id,
            received: time::now(),
            connection: Rc::clone(connection),
            memory,
        };
        Ok(Request { call, decoder })
    }

    /// What is counted of it once it is answered; `bytes` is what it took on the wire.
    pub fn mark(&self, bytes: usize) -> Mark {
        Mark { key: Some(self.call.key), received: self.call.received, bytes }
    }

    /// Reads the body. Bytes after it are ignored, as Kafka does.
    pub fn decode<M: corelog_protocol::Request>(mut self) -> Result<(Call, M), CloseReason> {
        assert!(M::KEY == self.call.key, "the table names the handler of another API");
        match M::decode(&mut self.decoder, self.call.version) {
            Ok(body) => Ok((self.call, body)),
            Err(error) => Err(CloseReason::Malformed(error)),
        }
    }
}

impl std::ops::Deref for Request {
    type Target = Call;

    fn deref(&self) -> &Call {
        &self.call
    }
}

impl Call {
    /// What the answer will need.
    pub fn reply_to(&self) -> ReplyTo {
        ReplyTo { key: self.key, version: self.version, correlation_id: self.correlation_id }
    }

    /// The memory of the request, for what holds parts of it longer than itself.
    pub fn into_memory(self) -> Option<FrameMemory> {
        self.memory
    }

    /// The error that closes the connection because the request asks for what no client may.
    pub fn refused(&self, why: &'static str) -> CloseReason {
        CloseReason::Refused { key: self.key, version: self.version, why }
    }
}

impl ReplyTo {
    /// Encodes the answer.
    pub fn answer<M: Message>(self, body: &M) -> Outcome {
        self.answer_holding(body, None)
    }

    /// Encodes an answer that holds memory of the shard until it is sent.
    pub fn answer_holding<M: Message>(self, body: &M, memory: Option<Permit>) -> Outcome {
        match header::encode_response(self.key, self.version, self.correlation_id, body) {
            Ok(encoded) => {
                Outcome::Answer(Answer { slices: encoded.slices, bytes: encoded.bytes, memory, errors: encoded.errors })
            }
            Err(error) => Outcome::Close(CloseReason::Encode(error)),
        }
    }
}

fn decoded_bytes_max(frame: &Bytes) -> usize {
    let bytes = frame.len().saturating_mul(DECODED_BYTES_PER_WIRE_BYTE).saturating_add(DECODED_BYTES_MIN);
    bytes.min(corelog_protocol::decode::MEMORY_BYTES_MAX)
}
