//! Owns client quotas: the entities that have any, their values, and the command that changes them.
//!
//! The image part is plain data on every shard; the command is a pure function of the state, on shard 0. Quotas are stored and described;
//! nothing here holds a client to them.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use thiserror::Error;

use super::error::{MetadataError, RequestError};
use super::record::MetadataRecord;
use super::state::{Decision, MetadataState};
use crate::limits::QUOTA_ENTITIES_MAX;

/// What a part of an entity names. In the order in which answers tell an entity's parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum QuotaEntityType {
    /// What a client calls itself.
    ClientId,
    /// A principal.
    User,
    /// An address.
    Ip,
}

impl QuotaEntityType {
    /// The type of this name.
    pub fn from_name(name: &str) -> Option<QuotaEntityType> {
        [QuotaEntityType::ClientId, QuotaEntityType::User, QuotaEntityType::Ip].into_iter().find(|of| of.name() == name)
    }

    /// Kafka's name for it.
    pub fn name(self) -> &'static str {
        match self {
            QuotaEntityType::ClientId => "client-id",
            QuotaEntityType::User => "user",
            QuotaEntityType::Ip => "ip",
        }
    }
}

/// Whom a quota is for: a name of each type that counts; `None` stands for all that have no quota by name.
pub type QuotaEntity = BTreeMap<QuotaEntityType, Option<Arc<str>>>;

/// A quota's value, compared bit by bit.
#[derive(Clone, Copy, Debug)]
pub struct QuotaValue(pub f64);

impl PartialEq for QuotaValue {
    fn eq(&self, other: &QuotaValue) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for QuotaValue {}

/// An entity's quotas, by their key.
pub type QuotaValues = BTreeMap<Arc<str>, QuotaValue>;

/// Every entity that has quotas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientQuotas {
    entities: BTreeMap<QuotaEntity, Arc<QuotaValues>>,
}

impl ClientQuotas {
    /// Every entity with its quotas.
    pub fn entities(&self) -> impl Iterator<Item = (&QuotaEntity, &Arc<QuotaValues>)> {
        self.entities.iter()
    }

    /// How many entities there are.
    pub fn len(&self) -> usize {
        self.entities.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entities.is_empty()
    }

    /// The quotas of an entity.
    pub fn of(&self, entity: &QuotaEntity) -> Option<&Arc<QuotaValues>> {
        self.entities.get(entity)
    }

    pub(super) fn apply(&mut self, entity: &QuotaEntity, key: &Arc<str>, value: Option<QuotaValue>) {
        let values = Arc::make_mut(self.entities.entry(entity.clone()).or_default());
        match value {
            Some(value) => values.insert(Arc::clone(key), value),
            None => values.remove(key),
        };
        if values.is_empty() {
            self.entities.remove(entity);
        }
    }

    pub(super) fn absorb(&mut self, entity: &QuotaEntity, values: Option<&Arc<QuotaValues>>) {
        match values {
            Some(values) => self.entities.insert(entity.clone(), Arc::clone(values)),
            None => self.entities.remove(entity),
        };
    }
}

/// An entity as a request names it: types and names unchecked.
pub type NamedEntity = BTreeMap<String, Option<String>>;

/// Changes of one entity's quotas.
#[derive(Clone, Debug)]
pub struct QuotaAlteration {
    /// The entity.
    pub entity: NamedEntity,
    /// Keys, each with its new value; `None` takes it back.
    pub operations: Vec<(String, Option<f64>)>,
}

/// What is wrong with a change of quotas.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum QuotaError {
    /// The entity, or a key of it, comes twice.
    #[error("Ignoring duplicate entity {0}")]
    Repeated(String),
    /// The entity names nothing.
    #[error("Invalid empty client quota entity")]
    EmptyEntity,
    /// No such type of entity.
    #[error("Unhandled client quota entity type: {0}")]
    UnknownType(String),
    /// An empty name.
    #[error("Empty {0} not supported")]
    EmptyName(&'static str),
    /// An address together with something else.
    #[error("Invalid quota entity combination, IP entity should not be combined with User or ClientId")]
    Combination,
    /// Not an address.
    #[error("{0} is not a valid IP or resolvable host.")]
    NotAnAddress(String),
    /// No such key for this entity.
    #[error("Invalid configuration key {0}")]
    UnknownKey(String),
    /// Not positive.
    #[error("Quota {0} must be greater than 0")]
    NotPositive(String),
    /// More than its type holds.
    #[error("Proposed value for {key} is too large for {kind}.")]
    TooLarge {
        /// The key.
        key: String,
        /// Kafka's name of the type, with its article.
        kind: &'static str,
    },
    /// A fraction where a whole number must be.
    #[error("{0} cannot be a fractional value.")]
    Fraction(String),
}

/// Which numbers a key takes.
#[derive(Clone, Copy)]
enum QuotaKind {
    Any,
    Whole { max: f64, kind: &'static str },
}

/// Largest share of a whole number that counts as rounding.
const ROUNDING: f64 = 1e-6;

impl MetadataState {
    /// Changes quotas; one answer for each entity that is named, in the order in which they first are.
    pub fn alter_client_quotas(
        &self,
        alterations: &[QuotaAlteration],
        validate_only: bool,
    ) -> Decision<Vec<(NamedEntity, Result<(), MetadataError>)>> {
        let mut records = Vec::new();
        let mut answer: Vec<(NamedEntity, Result<(), MetadataError>)> = Vec::new();
        let mut indexes: BTreeMap<&NamedEntity, usize> = BTreeMap::new();
        let mut room = QUOTA_ENTITIES_MAX.saturating_sub(self.image.quotas().len());
        for alteration in alterations {
            let mut wanted: BTreeMap<&str, Option<f64>> = BTreeMap::new();
            let is_repeated = alteration.operations.iter().any(|(key, value)| wanted.insert(key, *value).is_some());
            let known = indexes.get(&alteration.entity).copied();
            let result = if is_repeated || known.is_some() {
                Err(QuotaError::Repeated(shown(&alteration.entity)).into())
            } else {
                self.alter_entity(&alteration.entity, &wanted, &mut room, &mut records)
            };
            if let Some(answered) = known.and_then(|index| answer.get_mut(index)) {
                answered.1 = result;
            } else {
                indexes.insert(&alteration.entity, answer.len());
                answer.push((alteration.entity.clone(), result));
            }
        }
        if validate_only {
            records.clear();
        }
        Decision { records, answer }
    }

    fn alter_entity(
        &self,
        named: &NamedEntity,
        wanted: &BTreeMap<&str, Option<f64>>,
        room: &mut usize,
        records: &mut Vec<MetadataRecord>,
    ) -> Result<(), MetadataError> {
        let entity = checked_entity(named)?;
        let current = self.image.quotas().of(&entity);
        let mut changes = Vec::new();
        for (key, value) in wanted {
            let set = current.and_then(|values| values.get(*key)).copied();
            let value = value.map(QuotaValue);
            if let Some(value) = value {
                check_value(&entity, key, value.0)?;
            }
            if set != value {
                changes.push(MetadataRecord::ClientQuota { entity: entity.clone(), key: Arc::from(*key), value });
            }
        }
        if current.is_none() && !changes.is_empty() {
            *room = room.checked_sub(1).ok_or(MetadataError::PolicyViolation)?;
        }
        records.append(&mut changes);
        Ok(())
    }
}

fn checked_entity(named: &NamedEntity) -> Result<QuotaEntity, QuotaError> {
    if named.is_empty() {
        return Err(QuotaError::EmptyEntity);
    }
    let mut entity = QuotaEntity::new();
    for (kind, name) in named {
        let kind = QuotaEntityType::from_name(kind).ok_or_else(|| QuotaError::UnknownType(kind.clone()))?;
        if name.as_deref() == Some("") {
            return Err(QuotaError::EmptyName(kind.name()));
        }
        entity.insert(kind, name.as_deref().map(Arc::from));
    }
    if let Some(address) = entity.get(&QuotaEntityType::Ip) {
        if entity.len() > 1 {
            return Err(QuotaError::Combination);
        }
        // Names are not looked up: an answer must not wait for somebody's name server.
        let is_address = |name: &Arc<str>| name.parse::<IpAddr>().is_ok() || &**name == "localhost";
        if let Some(name) = address.as_ref().filter(|name| !is_address(name)) {
            return Err(QuotaError::NotAnAddress(name.to_string()));
        }
    }
    Ok(entity)
}

fn quota_kind(entity: &QuotaEntity, key: &str) -> Option<QuotaKind> {
    let whole = QuotaKind::Whole { max: i64::MAX as f64, kind: "a LONG" };
    match (entity.contains_key(&QuotaEntityType::Ip), key) {
        (true, "connection_creation_rate") => Some(QuotaKind::Whole { max: f64::from(i32::MAX), kind: "an INT" }),
        (false, "producer_byte_rate" | "consumer_byte_rate") => Some(whole),
        (false, "request_percentage" | "controller_mutation_rate") => Some(QuotaKind::Any),
        _ => None,
    }
}

fn check_value(entity: &QuotaEntity, key: &str, value: f64) -> Result<(), QuotaError> {
    let kind = quota_kind(entity, key).ok_or_else(|| QuotaError::UnknownKey(key.to_owned()))?;
    if value <= 0.0 {
        return Err(QuotaError::NotPositive(key.to_owned()));
    }
    match kind {
        QuotaKind::Whole { max, kind } if value > max => Err(QuotaError::TooLarge { key: key.to_owned(), kind }),
        QuotaKind::Whole { .. } if value % 1.0 > ROUNDING => Err(QuotaError::Fraction(key.to_owned())),
        _ => Ok(()),
    }
}

fn shown(entity: &NamedEntity) -> String {
    let part = |(kind, name): (&String, &Option<String>)| format!("{kind}={}", name.as_deref().unwrap_or("<default>"));
    entity.iter().map(part).collect::<Vec<_>>().join(", ")
}

impl From<QuotaError> for MetadataError {
    fn from(error: QuotaError) -> MetadataError {
        MetadataError::InvalidRequest(RequestError::Quota(error))
    }
}
