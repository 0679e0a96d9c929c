//! Owns the selection of client quotas: which entities a filter wants.
//!
//! A pure function over the image, called by handlers on any shard.

use std::collections::BTreeMap;
use std::sync::Arc;

use thiserror::Error;

use super::quotas::{ClientQuotas, QuotaEntity, QuotaEntityType, QuotaValues};

/// What a filter wants of one type of entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuotaMatch {
    /// Entities with this name.
    Exact(String),
    /// Those that stand for all without a quota by name.
    Default,
    /// Entities that name anything, or the default, of this type.
    Any,
}

/// Why a filter is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum QuotaFilterError {
    /// A type without a name.
    #[error("Invalid empty entity type.")]
    EmptyType,
    /// A type comes twice.
    #[error("Entity type {0} cannot appear more than once in the filter.")]
    RepeatedType(String),
    /// No such type.
    #[error("Unsupported entity type {0}")]
    UnknownType(String),
    /// No such way to match.
    #[error("Unknown match type {0}")]
    UnknownMatch(i8),
    /// A way to match that needs a text.
    #[error("Request specified MATCH_TYPE_EXACT, but set match string to null.")]
    MissingText,
    /// A way to match that has no use for a text.
    #[error("Request specified {0}, but also specified a match string.")]
    UselessText(&'static str),
    /// Addresses together with something else.
    #[error(
        "Invalid entity filter component combination. IP filter component should not be used with user or clientId filter component."
    )]
    Combination,
}

/// Which entities are wanted: those that match every part, and where it is strict have no other.
#[derive(Clone, Debug, Default)]
pub struct QuotaFilter {
    parts: BTreeMap<QuotaEntityType, QuotaMatch>,
}

impl QuotaFilter {
    /// Wants a further part, as the wire gives it.
    pub fn add(&mut self, kind: &str, match_type: i8, text: Option<&str>) -> Result<(), QuotaFilterError> {
        if kind.is_empty() {
            return Err(QuotaFilterError::EmptyType);
        }
        let of = QuotaEntityType::from_name(kind).ok_or_else(|| QuotaFilterError::UnknownType(kind.to_owned()))?;
        if self.parts.contains_key(&of) {
            return Err(QuotaFilterError::RepeatedType(kind.to_owned()));
        }
        let wanted = match (match_type, text) {
            (0, Some(name)) => QuotaMatch::Exact(name.to_owned()),
            (0, None) => return Err(QuotaFilterError::MissingText),
            (1, None) => QuotaMatch::Default,
            (1, Some(_)) => return Err(QuotaFilterError::UselessText("MATCH_TYPE_DEFAULT")),
            (2, None) => QuotaMatch::Any,
            (2, Some(_)) => return Err(QuotaFilterError::UselessText("MATCH_TYPE_SPECIFIED")),
            _ => return Err(QuotaFilterError::UnknownMatch(match_type)),
        };
        self.parts.insert(of, wanted);
        Ok(())
    }

    /// The entities that it wants, with their quotas.
    pub fn select<'a>(
        &'a self,
        quotas: &'a ClientQuotas,
        strict: bool,
    ) -> Result<impl Iterator<Item = (&'a QuotaEntity, &'a Arc<QuotaValues>)>, QuotaFilterError> {
        if self.parts.contains_key(&QuotaEntityType::Ip) && self.parts.len() > 1 {
            return Err(QuotaFilterError::Combination);
        }
        Ok(quotas.entities().filter(move |(entity, _)| self.wants(entity, strict)))
    }

    fn wants(&self, entity: &QuotaEntity, strict: bool) -> bool {
        let fits = |(kind, wanted): (&QuotaEntityType, &QuotaMatch)| match (entity.get(kind), wanted) {
            (Some(_), QuotaMatch::Any) | (Some(None), QuotaMatch::Default) => true,
            (Some(Some(name)), QuotaMatch::Exact(text)) => **name == **text,
            _ => false,
        };
        (!strict || entity.len() == self.parts.len()) && self.parts.iter().all(fits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::quotas::QuotaValue;

    fn quotas() -> ClientQuotas {
        let mut quotas = ClientQuotas::default();
        let (user, client) = (QuotaEntityType::User, QuotaEntityType::ClientId);
        let name = |text: &str| Some(Arc::from(text));
        for entity in [
            QuotaEntity::from([(user, name("u"))]),
            QuotaEntity::from([(user, None)]),
            QuotaEntity::from([(user, name("u")), (client, name("c"))]),
            QuotaEntity::from([(client, name("c"))]),
            QuotaEntity::from([(QuotaEntityType::Ip, name("::1"))]),
        ] {
            quotas.apply(&entity, &Arc::from("producer_byte_rate"), Some(QuotaValue(1.0)));
        }
        quotas
    }

    fn count(parts: &[(&str, i8, Option<&str>)], strict: bool) -> Result<usize, QuotaFilterError> {
        let mut filter = QuotaFilter::default();
        parts.iter().try_for_each(|(kind, match_type, text)| filter.add(kind, *match_type, *text))?;
        filter.select(&quotas(), strict).map(Iterator::count)
    }

    #[test]
    fn filter_selects_what_matches_every_part() {
        assert_eq!(count(&[], false), Ok(5));
        assert_eq!(count(&[], true), Ok(0));
        assert_eq!(count(&[("user", 0, Some("u"))], false), Ok(2));
        assert_eq!(count(&[("user", 0, Some("u"))], true), Ok(1));
        assert_eq!(count(&[("user", 1, None)], false), Ok(1));
        assert_eq!(count(&[("user", 2, None)], false), Ok(3));
        assert_eq!(count(&[("user", 2, None), ("client-id", 0, Some("c"))], true), Ok(1));
        assert_eq!(count(&[("ip", 2, None)], false), Ok(1));
    }

    #[test]
    fn malformed_filter_is_refused() {
        use QuotaFilterError as Refused;
        assert_eq!(count(&[("", 0, Some("u"))], false), Err(Refused::EmptyType));
        assert_eq!(count(&[("x", 0, Some("u"))], false), Err(Refused::UnknownType("x".to_owned())));
        assert_eq!(count(&[("user", 0, None)], false), Err(Refused::MissingText));
        assert_eq!(count(&[("user", 1, Some("u"))], false), Err(Refused::UselessText("MATCH_TYPE_DEFAULT")));
        assert_eq!(count(&[("user", 3, None)], false), Err(Refused::UnknownMatch(3)));
        let twice = [("user", 1, None), ("user", 2, None)];
        assert_eq!(count(&twice, false), Err(Refused::RepeatedType("user".to_owned())));
        assert_eq!(count(&[("user", 1, None), ("ip", 2, None)], false), Err(Refused::Combination));
    }
}
