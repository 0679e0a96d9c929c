//! Every message, one module each, generated at build time from `schema/`. Field names are Kafka's in snake case, the
//! defaults are Kafka's too. Decoding and encoding go through [`crate::Message`].

// Generated code: its shape follows the wire, and the schema is where a person reads it.
#![allow(clippy::pedantic, clippy::style, clippy::complexity, unused_parens, unused_imports, missing_docs)]
#![allow(clippy::float_cmp, clippy::bool_comparison, clippy::needless_update, clippy::collapsible_match)]

mod prelude {
    pub(super) use crate::{
        ApiKey, Bytes, DecodeError, Decoder, EncodeError, Encoder, Message, Records, Request, Text, Uuid,
    };
    #[cfg(feature = "json")]
    pub(super) use crate::{
        json::{self, JsonError, JsonValue},
        random::{Random, Source},
    };
    #[cfg(feature = "json")]
    pub(super) use serde_json::{Map, Value};
}

include!(concat!(env!("OUT_DIR"), "/messages.rs"));
