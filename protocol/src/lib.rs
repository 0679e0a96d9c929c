//! Kafka's wire protocol, without I/O: every message of every API and version, generated from the facts in `schema/`,
//! with the frames, headers and error codes around them.
//!
//! Runs on any shard; called by the server (requests in, responses out) and by clients (the other way round). Never
//! reads a clock, a socket or a file, never allocates from a count on the wire, and never panics on what it decodes.
//!
//! ```
//! use corelog_protocol::messages::metadata_request::{MetadataRequest, MetadataRequestTopic};
//! use corelog_protocol::{Decoder, Encoder, Message};
//!
//! let topic = MetadataRequestTopic { name: Some("orders".into()), ..Default::default() };
//! let request = MetadataRequest { topics: Some(vec![topic]), ..Default::default() };
//! let mut encoder = Encoder::new();
//! request.encode(&mut encoder, 12)?;
//! let mut decoder = Decoder::new(encoder.finish().into_contiguous());
//! assert_eq!(MetadataRequest::decode(&mut decoder, 12)?, request);
//! decoder.finish()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod api;
pub mod catalog;
pub mod client;
pub mod decode;
pub mod decode_error;
pub mod encode;
pub mod error_code;
pub mod frame;
pub mod header;
#[cfg(feature = "json")]
pub mod json;
pub mod message;
pub mod messages;
pub mod partition;
#[cfg(feature = "json")]
pub mod random;
pub mod records;
pub mod text;
pub mod uuid;
pub mod varint;

pub use api::ApiKey;
pub use bytes::Bytes;
pub use decode::Decoder;
pub use decode_error::{DecodeError, Reason};
pub use encode::{EncodeError, Encoded, Encoder};
pub use error_code::ErrorCode;
pub use message::{Message, Request};
pub use records::Records;
pub use text::Text;
pub use uuid::Uuid;
