//! Every message of the crate behind one set of functions, so that the fuzz targets, the cross-check with Kafka's classes
//! and other tools reach them all by API and version. The broker itself does not use it.

use bytes::Bytes;

use crate::{ApiKey, DecodeError, Decoder, EncodeError, Encoded, Encoder, Message};

#[cfg(feature = "json")]
use crate::{
    json::{JsonError, JsonValue},
    random::{Random, Source},
};

include!(concat!(env!("OUT_DIR"), "/catalog.rs"));

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// From the client.
    Request,
    /// From the broker.
    Response,
    /// Inside another message, or a header.
    Data,
}

/// One message.
#[derive(Clone, Copy)]
pub struct Entry {
    /// Kafka's name.
    pub name: &'static str,
    /// The API, where it belongs to one.
    pub key: Option<ApiKey>,
    /// What it is for.
    pub role: Role,
    /// The first version.
    pub version_min: i16,
    /// The last version.
    pub version_max: i16,
    /// Decodes and encodes again.
    pub recode: Recode,
    /// Decodes into Kafka's JSON form, and says how many bytes are left over.
    #[cfg(feature = "json")]
    pub to_json: ToJson,
    /// Encodes from Kafka's JSON form.
    #[cfg(feature = "json")]
    pub from_json: FromJson,
    /// A random message: its JSON form and its bytes.
    #[cfg(feature = "json")]
    pub random: Draw,
}

/// Decodes one message of a version and encodes it again.
pub type Recode = fn(&Bytes, i16) -> Result<Recoded, DecodeError>;

/// Decodes one message into JSON.
#[cfg(feature = "json")]
pub type ToJson = fn(&Bytes, i16) -> Result<(serde_json::Value, usize), JsonError>;

/// Encodes one message from JSON.
#[cfg(feature = "json")]
pub type FromJson = fn(&serde_json::Value, i16) -> Result<Bytes, JsonError>;

/// Draws one message.
#[cfg(feature = "json")]
pub type Draw = fn(&mut Source, i16) -> Result<(serde_json::Value, Bytes), JsonError>;

/// A message that was decoded and encoded again.
pub struct Recoded {
    /// What the encoder made of it.
    pub encoded: Result<Encoded, EncodeError>,
    /// Whether the encoded bytes decode to a message that encodes to the same bytes.
    pub stable: bool,
    /// Bytes left after the message.
    pub rest: usize,
}

/// The entry of an API's request or response.
pub fn find(key: ApiKey, role: Role) -> Option<&'static Entry> {
    ENTRIES.iter().find(|entry| entry.key == Some(key) && entry.role == role)
}

fn recode<M: Message>(bytes: &Bytes, version: i16) -> Result<Recoded, DecodeError> {
    let mut decoder = Decoder::new(bytes.clone());
    let message = M::decode(&mut decoder, version)?;
    let rest = decoder.remaining();
    let mut encoder = Encoder::new();
    let encoded = message.encode(&mut encoder, version).map(|()| encoder.finish());
    let stable = encoded.clone().is_ok_and(|encoded| encodes_to_itself::<M>(&encoded.into_contiguous(), version));
    Ok(Recoded { encoded, stable, rest })
}

fn encodes_to_itself<M: Message>(bytes: &Bytes, version: i16) -> bool {
    let mut decoder = Decoder::new(bytes.clone());
    let Ok(message) = M::decode(&mut decoder, version) else { return false };
    let mut encoder = Encoder::new();
    decoder.finish().is_ok()
        && message.encode(&mut encoder, version).is_ok()
        && encoder.finish().into_contiguous() == *bytes
}

#[cfg(not(feature = "json"))]
impl Entry {
    const fn of<M: Message>(key: Option<ApiKey>, role: Role) -> Entry {
        Entry {
            name: M::NAME,
            key,
            role,
            version_min: M::VERSION_MIN,
            version_max: M::VERSION_MAX,
            recode: recode::<M>,
        }
    }
}

#[cfg(feature = "json")]
impl Entry {
    const fn of<M: Message + JsonValue + Random>(key: Option<ApiKey>, role: Role) -> Entry {
        Entry {
            name: M::NAME,
            key,
            role,
            version_min: M::VERSION_MIN,
            version_max: M::VERSION_MAX,
            recode: recode::<M>,
            to_json: |bytes, version| {
                let mut decoder = Decoder::new(bytes.clone());
                let message = M::decode(&mut decoder, version)?;
                Ok((message.to_json(version)?, decoder.remaining()))
            },
            from_json: |value, version| encode(&M::from_json(value, version, M::NAME)?, version),
            random: |source, version| {
                let message = M::random(source, version);
                Ok((message.to_json(version)?, encode(&message, version)?))
            },
        }
    }
}

#[cfg(feature = "json")]
fn encode<M: Message>(message: &M, version: i16) -> Result<Bytes, JsonError> {
    let mut encoder = Encoder::new();
    message.encode(&mut encoder, version)?;
    Ok(encoder.finish().into_contiguous())
}
