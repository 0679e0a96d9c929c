//! Owns the tables of facts: read once from the text that is compiled in, looked up by name ever after.
//!
//! Every shard reads it; nobody changes it. The facts files hold one config a line, in the columns that their second line names.

use std::sync::OnceLock;

use super::definition::{ConfigDefinition, ConfigScope, ConfigType, Effect, Importance, Preset, UpdateMode};
use super::validator::Validator;

static TOPIC: OnceLock<Vec<ConfigDefinition>> = OnceLock::new();
static BROKER: OnceLock<Vec<ConfigDefinition>> = OnceLock::new();
static GROUP: OnceLock<Vec<ConfigDefinition>> = OnceLock::new();
static CLIENT_METRICS: OnceLock<Vec<ConfigDefinition>> = OnceLock::new();

/// Every config of a kind of resource, sorted by name.
pub fn definitions(scope: ConfigScope) -> &'static [ConfigDefinition] {
    let (table, facts) = match scope {
        ConfigScope::Topic => (&TOPIC, include_str!("facts/topic.facts")),
        ConfigScope::Broker => (&BROKER, include_str!("facts/broker.facts")),
        ConfigScope::Group => (&GROUP, include_str!("facts/group.facts")),
        ConfigScope::ClientMetrics => (&CLIENT_METRICS, include_str!("facts/client_metrics.facts")),
    };
    table.get_or_init(|| read(facts))
}

/// The facts of the config `name`, if there is one.
pub fn definition(scope: ConfigScope, name: &str) -> Option<&'static ConfigDefinition> {
    let table = definitions(scope);
    table.binary_search_by(|definition| definition.name.cmp(name)).ok().and_then(|index| table.get(index))
}

/// The known name that is nearest to `name`, if one is near enough to have been meant.
pub fn nearest(scope: ConfigScope, name: &str) -> Option<&'static str> {
    let bound = (name.chars().count() / 3).max(2);
    definitions(scope)
        .iter()
        .filter(|definition| definition.update != UpdateMode::Internal)
        .map(|definition| (edit_distance(name, definition.name), definition.name))
        .min()
        .filter(|(distance, _)| *distance <= bound)
        .map(|(_, near)| near)
}

/// How many letters must be put in, taken out, replaced or swapped with their neighbour to get from one text to the other.
fn edit_distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    let mut from_before = None;
    for (row, letter) in from.chars().enumerate() {
        let mut current = Vec::with_capacity(last.len());
        current.push(row + 1);
        for (column, other) in to.iter().enumerate() {
            let at = |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX - 1);
            let mut cost = (at(&last, column) + usize::from(letter != *other))
                .min(at(&last, column + 1) + 1)
                .min(at(&current, column) + 1);
            let swapped = column > 0 && from_before == Some(*other) && to.get(column - 1) == Some(&letter);
            if swapped {
                cost = cost.min(at(&before_last, column - 1) + 1);
            }
            current.push(cost);
        }
        before_last = std::mem::replace(&mut last, current);
        from_before = Some(letter);
    }
    last.last().copied().unwrap_or(0)
}

fn read(facts: &'static str) -> Vec<ConfigDefinition> {
    facts
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| read_line(line).expect("every line of the compiled-in facts is well-formed, which a test checks"))
        .collect()
}

/// One line of facts; `None` where it is malformed.
fn read_line(line: &'static str) -> Option<ConfigDefinition> {
    let mut columns = line.splitn(8, '|').map(str::trim);
    Some(ConfigDefinition {
        name: columns.next()?,
        kind: match columns.next()? {
            "boolean" => ConfigType::Boolean,
            "string" => ConfigType::String,
            "int" => ConfigType::Int,
            "short" => ConfigType::Short,
            "long" => ConfigType::Long,
            "double" => ConfigType::Double,
            "list" => ConfigType::List,
            "class" => ConfigType::Class,
            "password" => ConfigType::Password,
            _ => return None,
        },
        preset: match columns.next()? {
            "required" => Preset::Required,
            "null" => Preset::Null,
            "\"\"" => Preset::Value(""),
            text => Preset::Value(text),
        },
        valid: read_validator(columns.next()?)?,
        importance: match columns.next()? {
            "high" => Importance::High,
            "medium" => Importance::Medium,
            "low" => Importance::Low,
            _ => return None,
        },
        update: match columns.next()? {
            "read-only" => UpdateMode::ReadOnly,
            "per-broker" => UpdateMode::PerBroker,
            "cluster-wide" => UpdateMode::ClusterWide,
            "dynamic-only" => UpdateMode::DynamicOnly,
            "any" => UpdateMode::Any,
            "internal" => UpdateMode::Internal,
            _ => return None,
        },
        effect: match columns.next()? {
            "acts" => Effect::Acts,
            "stored" => Effect::Stored,
            _ => return None,
        },
        summary: columns.next().unwrap_or(""),
    })
}

fn read_validator(text: &'static str) -> Option<Validator> {
    let mut words = text.split(' ');
    Some(match words.next()? {
        "-" => Validator::Anything,
        ">=" => Validator::Range(words.next()?.parse().ok()?, None),
        "in" => Validator::OneOf(words.collect()),
        "in-any-case" => Validator::OneOfInAnyCase(words.collect()),
        "list" => Validator::List { choices: words.collect(), may_be_empty: true },
        "list+" => Validator::List { choices: words.collect(), may_be_empty: false },
        "gzip-level" => Validator::GzipLevel,
        "replicas" => Validator::Replicas,
        "non-empty" => Validator::NonEmpty,
        "voters" => Validator::Voters,
        "servers" => Validator::Servers,
        "offset-reset" => Validator::OffsetReset,
        "interval" => Validator::Interval,
        "match" => Validator::ClientMatch,
        low => match (words.next()?, words.next()?) {
            ("..=", high) => Validator::Range(low.parse().ok()?, Some(high.parse().ok()?)),
            _ => return None,
        },
    })
}
