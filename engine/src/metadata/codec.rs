//! Owns the form of metadata records on disk: one record is the value of one record of a Kafka batch in the metadata log.
//!
//! Pure functions, run on shard 0. What is read is hostile: every count is bounded by the bytes that remain.
//!
//! ```text
//! version u8 = 1 | kind u8 | fields, little endian
//!   1 cluster          id [16]
//!   2 broker started   broker i32
//!   3 topic            number u32, id [16], name text
//!   4 partitions       topic u32, first u32, term base i32, replicas (count u16, i32 ...), logs (count u32, u32 ...)
//!   5 topic deleted    number u32
//!   6 config           scope u8 (1 topic, 2 broker, 3 group, 4 client metrics), resource text, name text, set u8, value text if set
//!   7 producer ids     next i64
//!   8 counters         topic number next u32, term i32
//!   9 snapshot part    part u32, last u8
//!  10 client quota     entity (count u8, (type u8 (1 client id, 2 user, 3 address), set u8, name text if set) ...), key text, set u8,
//!                      value f64 if set
//!  11 credential       user text, mechanism u8 (1 SHA-256, 2 SHA-512), set u8, if set: iterations i32, salt bytes, stored key bytes,
//!                      server key bytes
//!  12 feature          name text, level i16, epoch i64
//!  13 replicas         topic u32, partition u32, replicas (count u16, i32 ...)
//!  14 unregistered     broker i32
//! bytes = length u32, bytes; text = the same, in UTF-8
//! ```

use std::sync::Arc;

use thiserror::Error;

use super::credentials::{ScramCredential, ScramMechanism};
use super::quotas::{QuotaEntity, QuotaEntityType, QuotaValue};
use super::record::MetadataRecord;
use super::topic_id::TopicId;
use crate::config::ConfigScope;
use crate::ids::{LogId, TopicNumber};

/// The version that is written. A record of a newer one is refused: an older binary must not run on a newer log.
pub const RECORD_VERSION: u8 = 1;

/// Why a record cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RecordError {
    /// It ends before its fields do.
    #[error("the record ends within a field")]
    Truncated,
    /// Bytes follow its last field.
    #[error("the record is longer than its fields")]
    Trailing,
    /// A newer version wrote it.
    #[error("the record has version {0}, which a newer Corelog wrote")]
    NewerVersion(u8),
    /// No such kind of record.
    #[error("the record has the unknown kind {0}")]
    UnknownKind(u8),
    /// A field holds what it cannot.
    #[error("the record holds an invalid {0}")]
    InvalidField(&'static str),
}

/// The record's bytes.
pub fn encode(record: &MetadataRecord) -> Vec<u8> {
    let mut out = vec![RECORD_VERSION];
    match record {
        MetadataRecord::Cluster { id } => {
            out.push(1);
            out.extend_from_slice(&id.0);
        }
        MetadataRecord::BrokerStarted { broker } => {
            out.push(2);
            out.extend_from_slice(&broker.to_le_bytes());
        }
        MetadataRecord::Topic { number, id, name } => {
            out.push(3);
            out.extend_from_slice(&number.0.to_le_bytes());
            out.extend_from_slice(&id.0);
            put_text(&mut out, name);
        }
        MetadataRecord::Partitions { topic, first, replicas, logs, term_base } => {
            out.push(4);
            out.extend_from_slice(&topic.0.to_le_bytes());
            out.extend_from_slice(&first.to_le_bytes());
            out.extend_from_slice(&term_base.to_le_bytes());
            put_replicas(&mut out, replicas);
            out.extend_from_slice(&(logs.len() as u32).to_le_bytes());
            out.extend(logs.iter().flat_map(|log| log.0.to_le_bytes()));
        }
        MetadataRecord::TopicDeleted { number } => {
            out.push(5);
            out.extend_from_slice(&number.0.to_le_bytes());
        }
        MetadataRecord::Config { scope, resource, name, value } => {
            out.push(6);
            out.push(scope_byte(*scope));
            put_text(&mut out, resource);
            put_text(&mut out, name);
            out.push(u8::from(value.is_some()));
            if let Some(value) = value {
                put_text(&mut out, value);
            }
        }
        MetadataRecord::ProducerIds { next } => {
            out.push(7);
            out.extend_from_slice(&next.to_le_bytes());
        }
        MetadataRecord::Counters { topic_number_next, term } => {
            out.push(8);
            out.extend_from_slice(&topic_number_next.to_le_bytes());
            out.extend_from_slice(&term.to_le_bytes());
        }
        MetadataRecord::SnapshotPart { part, last } => {
            out.push(9);
            out.extend_from_slice(&part.to_le_bytes());
            out.push(u8::from(*last));
        }
        _ => encode_further(record, &mut out),
    }
    out
}

/// The kinds from 10 on.
fn encode_further(record: &MetadataRecord, out: &mut Vec<u8>) {
    match record {
        MetadataRecord::ClientQuota { entity, key, value } => {
            out.push(10);
            put_entity(out, entity);
            put_text(out, key);
            out.push(u8::from(value.is_some()));
            out.extend(value.iter().flat_map(|value| value.0.to_le_bytes()));
        }
        MetadataRecord::Credential { user, mechanism, credential } => {
            out.push(11);
            put_text(out, user);
            out.push(*mechanism as u8);
            out.push(u8::from(credential.is_some()));
            if let Some(credential) = credential {
                out.extend_from_slice(&credential.iterations.to_le_bytes());
                for bytes in [&credential.salt, &credential.stored_key, &credential.server_key] {
                    put_bytes(out, bytes);
                }
            }
        }
        MetadataRecord::Feature { name, level, epoch } => {
            out.push(12);
            put_text(out, name);
            out.extend_from_slice(&level.to_le_bytes());
            out.extend_from_slice(&epoch.to_le_bytes());
        }
        MetadataRecord::Replicas { topic, partition, replicas } => {
            out.push(13);
            out.extend_from_slice(&topic.0.to_le_bytes());
            out.extend_from_slice(&partition.to_le_bytes());
            put_replicas(out, replicas);
        }
        MetadataRecord::BrokerUnregistered { broker } => {
            out.push(14);
            out.extend_from_slice(&broker.to_le_bytes());
        }
        _ => unreachable!("kinds below 10 are encoded by the caller"),
    }
}

/// Reads what `encode` wrote, all of it.
pub fn decode(bytes: &[u8]) -> Result<MetadataRecord, RecordError> {
    let mut input = Input { rest: bytes };
    let version = input.byte()?;
    if version > RECORD_VERSION {
        return Err(RecordError::NewerVersion(version));
    }
    if version != RECORD_VERSION {
        return Err(RecordError::InvalidField("version"));
    }
    let record = decode_fields(&mut input)?;
    if input.rest.is_empty() { Ok(record) } else { Err(RecordError::Trailing) }
}

fn decode_fields(input: &mut Input<'_>) -> Result<MetadataRecord, RecordError> {
    Ok(match input.byte()? {
        1 => MetadataRecord::Cluster { id: input.id()? },
        2 => MetadataRecord::BrokerStarted { broker: input.int()? },
        3 => {
            let number = TopicNumber(input.count()?);
            let id = input.id()?;
            MetadataRecord::Topic { number, id, name: input.text()? }
        }
        4 => decode_partitions(input)?,
        5 => MetadataRecord::TopicDeleted { number: TopicNumber(input.count()?) },
        6 => {
            let scope = match input.byte()? {
                1 => ConfigScope::Topic,
                2 => ConfigScope::Broker,
                3 => ConfigScope::Group,
                4 => ConfigScope::ClientMetrics,
                _ => return Err(RecordError::InvalidField("scope")),
            };
            let (resource, name) = (input.text()?, input.text()?);
            let value = if input.flag()? { Some(input.text()?) } else { None };
            MetadataRecord::Config { scope, resource, name, value }
        }
        7 => {
            let next = i64::from_le_bytes(input.array()?);
            if next < 0 {
                return Err(RecordError::InvalidField("producer id"));
            }
            MetadataRecord::ProducerIds { next }
        }
        8 => MetadataRecord::Counters { topic_number_next: input.count()?, term: input.int()? },
        9 => MetadataRecord::SnapshotPart { part: input.count()?, last: input.flag()? },
        10 => {
            let (entity, key) = (decode_entity(input)?, input.text()?);
            let value = if input.flag()? { Some(QuotaValue(f64::from_le_bytes(input.array()?))) } else { None };
            MetadataRecord::ClientQuota { entity, key, value }
        }
        11 => decode_credential(input)?,
        12 => {
            let (name, level) = (input.text()?, i16::from_le_bytes(input.array()?));
            MetadataRecord::Feature { name, level, epoch: i64::from_le_bytes(input.array()?) }
        }
        13 => {
            let (topic, partition) = (TopicNumber(input.count()?), input.count()?);
            MetadataRecord::Replicas { topic, partition, replicas: input.replicas()? }
        }
        14 => MetadataRecord::BrokerUnregistered { broker: input.int()? },
        kind => return Err(RecordError::UnknownKind(kind)),
    })
}

fn decode_partitions(input: &mut Input<'_>) -> Result<MetadataRecord, RecordError> {
    let topic = TopicNumber(input.count()?);
    let first = input.count()?;
    let term_base = input.int()?;
    let replicas = input.replicas()?;
    let logs_count = input.count()? as usize;
    let logs = input.take_words(logs_count)?.map(|word| LogId(u32::from_le_bytes(word))).collect();
    Ok(MetadataRecord::Partitions { topic, first, replicas, logs, term_base })
}

fn decode_entity(input: &mut Input<'_>) -> Result<QuotaEntity, RecordError> {
    let mut entity = QuotaEntity::new();
    for _ in 0..input.byte()? {
        let kind = match input.byte()? {
            1 => QuotaEntityType::ClientId,
            2 => QuotaEntityType::User,
            3 => QuotaEntityType::Ip,
            _ => return Err(RecordError::InvalidField("entity type")),
        };
        if entity.last_key_value().is_some_and(|(last, _)| *last >= kind) {
            return Err(RecordError::InvalidField("order of entity types"));
        }
        let name = if input.flag()? { Some(input.text()?) } else { None };
        entity.insert(kind, name);
    }
    Ok(entity)
}

fn decode_credential(input: &mut Input<'_>) -> Result<MetadataRecord, RecordError> {
    let user = input.text()?;
    let mechanism = match input.byte()? {
        1 => ScramMechanism::Sha256,
        2 => ScramMechanism::Sha512,
        _ => return Err(RecordError::InvalidField("mechanism")),
    };
    let credential = if input.flag()? {
        let iterations = input.int()?;
        let (salt, stored_key, server_key) = (input.bytes()?.into(), input.bytes()?.into(), input.bytes()?.into());
        Some(Arc::new(ScramCredential { iterations, salt, stored_key, server_key }))
    } else {
        None
    };
    Ok(MetadataRecord::Credential { user, mechanism, credential })
}

fn scope_byte(scope: ConfigScope) -> u8 {
    match scope {
        ConfigScope::Topic => 1,
        ConfigScope::Broker => 2,
        ConfigScope::Group => 3,
        ConfigScope::ClientMetrics => 4,
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_bytes(out, text.as_bytes());
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}

fn put_replicas(out: &mut Vec<u8>, replicas: &[i32]) {
    out.extend_from_slice(&(replicas.len() as u16).to_le_bytes());
    out.extend(replicas.iter().flat_map(|replica| replica.to_le_bytes()));
}

fn put_entity(out: &mut Vec<u8>, entity: &QuotaEntity) {
    out.push(entity.len() as u8);
    for (kind, name) in entity {
        out.push(match kind {
            QuotaEntityType::ClientId => 1,
            QuotaEntityType::User => 2,
            QuotaEntityType::Ip => 3,
        });
        out.push(u8::from(name.is_some()));
        if let Some(name) = name {
            put_text(out, name);
        }
    }
}

/// What is left to read.
struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    fn take(&mut self, bytes: usize) -> Result<&'a [u8], RecordError> {
        let (taken, rest) = self.rest.split_at_checked(bytes).ok_or(RecordError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const BYTES: usize>(&mut self) -> Result<[u8; BYTES], RecordError> {
        self.take(BYTES)?.try_into().map_err(|_| RecordError::Truncated)
    }

    /// `count` words of four bytes, known to be there before anything is allocated for them.
    fn take_words(&mut self, count: usize) -> Result<impl Iterator<Item = [u8; 4]> + 'a, RecordError> {
        let bytes = count.checked_mul(4).ok_or(RecordError::Truncated)?;
        Ok(self.take(bytes)?.as_chunks().0.iter().copied())
    }

    fn byte(&mut self) -> Result<u8, RecordError> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    fn flag(&mut self) -> Result<bool, RecordError> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(RecordError::InvalidField("flag")),
        }
    }

    fn count(&mut self) -> Result<u32, RecordError> {
        self.array().map(u32::from_le_bytes)
    }

    fn int(&mut self) -> Result<i32, RecordError> {
        self.array().map(i32::from_le_bytes)
    }

    fn id(&mut self) -> Result<TopicId, RecordError> {
        self.array().map(TopicId)
    }

    fn replicas(&mut self) -> Result<Arc<[i32]>, RecordError> {
        let count = usize::from(u16::from_le_bytes(self.array()?));
        Ok(self.take_words(count)?.map(i32::from_le_bytes).collect())
    }

    fn bytes(&mut self) -> Result<&'a [u8], RecordError> {
        let bytes = self.count()? as usize;
        self.take(bytes)
    }

    fn text(&mut self) -> Result<Arc<str>, RecordError> {
        let text = std::str::from_utf8(self.bytes()?).map_err(|_| RecordError::InvalidField("text"))?;
        Ok(Arc::from(text))
    }
}
