//! Owns the patterns that select clients for a client-metrics subscription (KIP-714): `attribute=pattern`.
//!
//! Pure code, on every shard: a change of a subscription is checked with it, and clients are matched with it. Patterns run in linear time
//! and take bounded memory, whatever they are. They are RE2's: what only Java's have (look-around, back-references) is refused.

use regex::{Regex, RegexBuilder};

/// Memory that one compiled pattern may take, in bytes.
const PATTERN_BYTES_MAX: usize = 256 << 10;

/// What of a client is matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClientAttribute {
    /// Its instance id, as Kafka prints ids.
    InstanceId,
    /// What it calls itself.
    ClientId,
    /// Its library.
    SoftwareName,
    /// Its library's version.
    SoftwareVersion,
    /// Where it connects from.
    SourceAddress,
    /// The port it connects from.
    SourcePort,
}

impl ClientAttribute {
    fn from_name(name: &str) -> Option<ClientAttribute> {
        Some(match name {
            "client_instance_id" => ClientAttribute::InstanceId,
            "client_id" => ClientAttribute::ClientId,
            "client_software_name" => ClientAttribute::SoftwareName,
            "client_software_version" => ClientAttribute::SoftwareVersion,
            "client_source_address" => ClientAttribute::SourceAddress,
            "client_source_port" => ClientAttribute::SourcePort,
            _ => return None,
        })
    }
}

/// A pattern that the whole of an attribute must match.
#[derive(Clone, Debug)]
pub struct ClientPattern {
    /// The attribute.
    pub attribute: ClientAttribute,
    pattern: Regex,
}

impl ClientPattern {
    /// Reads one entry of a subscription's `match`; `None` where it is malformed.
    pub fn parse(entry: &str) -> Option<ClientPattern> {
        // Nothing behind the last equals sign counts as if the sign were not there.
        let (attribute, pattern) = entry.trim_end_matches('=').split_once('=')?;
        if pattern.contains('=') {
            return None;
        }
        let attribute = ClientAttribute::from_name(attribute.trim())?;
        // On its own first: brackets of it must not pair with ours.
        let build = |text: &str| RegexBuilder::new(text).size_limit(PATTERN_BYTES_MAX).build().ok();
        build(pattern.trim())?;
        let pattern = build(&format!("^(?:{})$", pattern.trim()))?;
        Some(ClientPattern { attribute, pattern })
    }

    /// Whether a client's attribute matches.
    pub fn matches(&self, value: &str) -> bool {
        self.pattern.is_match(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_as_kafka_reads_them() {
        for good in ["client_id=a.*", " client_id = a ", "client_source_port=90\\d\\d", "client_id=a="] {
            assert!(ClientPattern::parse(good).is_some(), "{good}");
        }
        for bad in [
            "client_id",
            "client_id=",
            "=a",
            "bogus=a",
            "client_id=a=b",
            "client_id=(",
            "client_id=[a",
            "client_id=*",
            "",
            "client_id=a)(b",
        ] {
            assert!(ClientPattern::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn the_whole_attribute_must_match() {
        let pattern = ClientPattern::parse("client_id=a|bc").expect("a pattern");
        assert_eq!(pattern.attribute, ClientAttribute::ClientId);
        assert!(pattern.matches("a") && pattern.matches("bc"));
        assert!(!pattern.matches("ac") && !pattern.matches("abc") && !pattern.matches(""));
    }

    #[test]
    fn patterns_built_to_blow_up_are_refused_or_harmless() {
        assert!(ClientPattern::parse("client_id=(a{1000}){1000}").is_none());
        let nested = ClientPattern::parse("client_id=(a+)+b").expect("a pattern");
        assert!(!nested.matches(&"a".repeat(50_000)));
    }
}
