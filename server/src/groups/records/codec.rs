//! Owns the frame of keys and values: two bytes of kind or version, then the message.
//!
//! Pure functions. What is read may come from a damaged log: it becomes a record or an error, never a panic.

use bytes::{Bytes, BytesMut};
use corelog_protocol::{DecodeError, Decoder, EncodeError, Encoder, Message};
use thiserror::Error;

/// The version of every key.
const KEY_VERSION: i16 = 0;

/// A record as it lies in a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedRecord {
    /// Its key.
    pub key: Bytes,
    /// Its value; `None` for a tombstone.
    pub value: Option<Bytes>,
}

impl EncodedRecord {
    /// Bytes of key and value together.
    pub fn bytes(&self) -> usize {
        self.key.len() + self.value.as_ref().map_or(0, Bytes::len)
    }
}

/// Why a record cannot be read or written.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RecordError {
    /// It has no key, or a key of less than two bytes; or such a value.
    #[error("a group record without kind or version")]
    Short,
    /// Its key or value is damaged, or of a version that is not known.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It holds more than its format can carry.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

pub(super) fn encode<K: Message, V: Message>(
    kind: i16,
    key: &K,
    value: Option<(&V, i16)>,
) -> Result<EncodedRecord, RecordError> {
    let key = framed(kind, key, KEY_VERSION)?;
    let value = value.map(|(value, version)| framed(version, value, version)).transpose()?;
    Ok(EncodedRecord { key, value })
}

fn framed<M: Message>(prefix: i16, message: &M, version: i16) -> Result<Bytes, RecordError> {
    let mut encoder = Encoder::new();
    encoder.int16(prefix);
    message.encode(&mut encoder, version)?;
    let encoded = encoder.finish();
    if let [slice] = encoded.slices.as_slice() {
        return Ok(slice.clone());
    }
    let mut whole = BytesMut::with_capacity(encoded.bytes);
    encoded.slices.iter().for_each(|slice| whole.extend_from_slice(slice));
    Ok(whole.freeze())
}

/// A key's kind, and what follows it.
pub(super) fn decode_key(key: &Bytes) -> Result<(i16, Decoder), RecordError> {
    let mut decoder = Decoder::new(key.clone());
    let kind = decoder.int16("kind").map_err(|_| RecordError::Short)?;
    Ok((kind, decoder))
}

/// The key that follows the kind, to the end.
pub(super) fn whole<K: Message>(decoder: &mut Decoder) -> Result<K, RecordError> {
    let key = K::decode(decoder, KEY_VERSION)?;
    decoder.finish()?;
    Ok(key)
}

/// A value. Bytes after it are passed over, as Kafka does.
pub(super) fn decode_value<V: Message>(value: &Bytes) -> Result<V, RecordError> {
    let mut decoder = Decoder::new(value.clone());
    let version = decoder.int16("version").map_err(|_| RecordError::Short)?;
    Ok(V::decode(&mut decoder, version)?)
}
