//! Owns the checks on a parsed value: ranges, choices, the shapes of lists.
//!
//! Pure functions; the messages are those that Kafka's clients know.

use super::client_match::ClientPattern;
use super::duration::is_iso_duration;
use super::error::ConfigError;
use super::value::ConfigValue;

/// Which values of a config are valid.
#[derive(Clone, Debug, PartialEq)]
pub enum Validator {
    /// Every value of the type.
    Anything,
    /// Numbers from the first to the second bound, both included, where given.
    Range(f64, Option<f64>),
    /// One of these texts.
    OneOf(Vec<&'static str>),
    /// One of these texts, in any case.
    OneOfInAnyCase(Vec<&'static str>),
    /// A list without empty elements, each one of these (any, where none is named); duplicates are dropped.
    List {
        /// The choices; empty for any.
        choices: Vec<&'static str>,
        /// Whether the list may be empty.
        may_be_empty: bool,
    },
    /// A gzip level: 1 to 9, or -1 for the default.
    GzipLevel,
    /// `*`, or pairs of partition and broker.
    Replicas,
    /// A text that is not empty.
    NonEmpty,
    /// Entries `id@host:port`.
    Voters,
    /// Entries `host:port`.
    Servers,
    /// `earliest`, `latest` or `by_duration:` and an ISO 8601 duration.
    OffsetReset,
    /// 100 ms to 1 hour.
    Interval,
    /// `attribute=pattern` pairs that select clients.
    ClientMatch,
}

impl Validator {
    /// Checks `value` for the config `name`; gives it back, its duplicates dropped where a list must not have any.
    pub(crate) fn check(&self, name: &str, value: ConfigValue) -> Result<ConfigValue, ConfigError> {
        let invalid = |reason: String| Err(ConfigError::invalid(name, value.to_string(), reason));
        match (self, &value) {
            (Validator::Range(low, high), ConfigValue::Integer(_) | ConfigValue::Double(_)) => {
                if let Some(reason) = out_of_range(&value, *low, *high) {
                    return invalid(reason);
                }
            }
            (Validator::GzipLevel, ConfigValue::Integer(level)) if !(*level == -1 || (1..=9).contains(level)) => {
                return invalid("Value must be between 1 and 9 or equal to -1".to_owned());
            }
            (Validator::OneOf(choices), ConfigValue::Text(text)) if !choices.contains(&text.as_str()) => {
                return invalid(format!("String must be one of: {}", choices.join(", ")));
            }
            (Validator::OneOfInAnyCase(choices), ConfigValue::Text(text))
                if !choices.iter().any(|choice| choice.eq_ignore_ascii_case(text)) =>
            {
                return invalid(format!("String must be one of (case insensitive): {}", choices.join(", ")));
            }
            (Validator::NonEmpty, ConfigValue::Text(text)) if text.is_empty() => {
                return invalid("String must be non-empty".to_owned());
            }
            (Validator::OffsetReset, ConfigValue::Text(text)) if !is_offset_reset(text) => {
                return invalid(format!(
                    "Invalid value `{text}` for configuration {name}. The value must be either 'earliest', 'latest' or of the \
                     format 'by_duration:<PnDTnHnMn.nS>'."
                ));
            }
            (Validator::Interval, ConfigValue::Integer(interval)) if !(100..=3_600_000).contains(interval) => {
                return Err(ConfigError::InvalidInterval(interval.to_string()));
            }
            (_, ConfigValue::List(_)) => return self.check_list(name, value),
            _ => {}
        }
        Ok(value)
    }

    fn check_list(&self, name: &str, value: ConfigValue) -> Result<ConfigValue, ConfigError> {
        let ConfigValue::List(elements) = value else { return Ok(value) };
        match self {
            Validator::List { choices, may_be_empty } => {
                return check_elements(name, elements, choices, *may_be_empty).map(ConfigValue::List);
            }
            Validator::Replicas if !is_replica_list(&elements) => {
                let reason = format!(
                    "{name} must be the literal '*' or a list of replicas in the following format: \
                     [partitionId]:[brokerId],[partitionId]:[brokerId],..."
                );
                return Err(ConfigError::invalid(name, format!("[{}]", elements.join(", ")), reason));
            }
            Validator::Voters if !elements.iter().all(|entry| is_voter(entry)) => {
                return Err(ConfigError::InvalidVoter(name.to_owned()));
            }
            Validator::Servers => {
                if let Some(entry) = elements.iter().find(|entry| !is_server(entry)) {
                    return Err(ConfigError::InvalidServer { name: name.to_owned(), entry: entry.clone() });
                }
            }
            Validator::ClientMatch => {
                if let Some(entry) = elements.iter().find(|entry| ClientPattern::parse(entry).is_none()) {
                    return Err(ConfigError::IllegalMatch(entry.clone()));
                }
            }
            _ => {}
        }
        Ok(ConfigValue::List(elements))
    }
}

/// What is wrong with a number, compared as Kafka compares it: as a double.
fn out_of_range(value: &ConfigValue, low: f64, high: Option<f64>) -> Option<String> {
    let number = match value {
        ConfigValue::Integer(number) => *number as f64,
        ConfigValue::Double(number) => *number,
        _ => return None,
    };
    if number < low {
        return Some(format!("Value must be at least {low}"));
    }
    high.filter(|high| number > *high).map(|high| format!("Value must be no more than {high}"))
}

fn check_elements(
    name: &str,
    elements: Vec<String>,
    choices: &[&'static str],
    may_be_empty: bool,
) -> Result<Vec<String>, ConfigError> {
    if elements.is_empty() && !may_be_empty {
        let valid =
            if choices.is_empty() { "any non-empty value".to_owned() } else { format!("[{}]", choices.join(", ")) };
        return Err(ConfigError::EmptyList { name: name.to_owned(), valid });
    }
    let mut kept: Vec<String> = Vec::with_capacity(elements.len());
    for element in elements {
        if element.is_empty() {
            return Err(ConfigError::EmptyElement(name.to_owned()));
        }
        if !choices.is_empty() && !choices.contains(&element.as_str()) {
            return Err(ConfigError::invalid(name, element, format!("String must be one of: {}", choices.join(", "))));
        }
        if !kept.contains(&element) {
            kept.push(element);
        }
    }
    Ok(kept)
}

fn is_replica_list(elements: &[String]) -> bool {
    let is_pair = |element: &String| {
        element
            .split_once(':')
            .is_some_and(|(partition, broker)| [partition, broker].iter().all(|part| part.parse::<u32>().is_ok()))
    };
    elements.iter().all(is_pair) || matches!(elements, [only] if only == "*")
}

fn is_voter(entry: &str) -> bool {
    entry.split_once('@').is_some_and(|(id, server)| id.parse::<u32>().is_ok() && is_server(server))
}

fn is_server(entry: &str) -> bool {
    entry.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}

fn is_offset_reset(text: &str) -> bool {
    matches!(text, "earliest" | "latest") || text.strip_prefix("by_duration:").is_some_and(is_iso_duration)
}
