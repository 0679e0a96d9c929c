//! Which keys records have, and how often each comes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The most different keys.
const KEYS_MAX: usize = 1_000_000;

/// So many different keys, numbered from 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum KeyDistribution {
    /// Each is as frequent.
    Uniform(usize),
    /// The key of number N is as frequent as 1 / (N + 1) to the power of the exponent: a few hot ones, a long tail.
    Zipf(usize, f64),
    /// One after the other.
    RoundRobin(usize),
}

/// What is no distribution.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no distribution of keys: uniform:N, zipf:N:EXPONENT or round-robin:N, with 1 to {KEYS_MAX} keys")]
pub struct KeyError(String);

impl KeyDistribution {
    /// How many different keys there are.
    pub fn count(&self) -> usize {
        match self {
            KeyDistribution::Uniform(count) | KeyDistribution::Zipf(count, _) | KeyDistribution::RoundRobin(count) => {
                *count
            }
        }
    }

    /// How frequent a key is, next to the others.
    pub fn weight(&self, key: usize) -> f64 {
        match self {
            KeyDistribution::Uniform(_) | KeyDistribution::RoundRobin(_) => 1.0,
            KeyDistribution::Zipf(_, exponent) => ((key + 1) as f64).powf(-exponent),
        }
    }
}

impl FromStr for KeyDistribution {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<KeyDistribution, KeyError> {
        let parts: Vec<&str> = text.split(':').collect();
        let count = |text: &str| text.parse::<usize>().ok().filter(|count| (1..=KEYS_MAX).contains(count));
        let exponent = |text: &str| text.parse::<f64>().ok().filter(|exponent| (0.0..=10.0).contains(exponent));
        let found = match parts.as_slice() {
            ["uniform", number] => count(number).map(KeyDistribution::Uniform),
            ["round-robin", number] => count(number).map(KeyDistribution::RoundRobin),
            ["zipf", number, power] => {
                count(number).zip(exponent(power)).map(|(count, exponent)| KeyDistribution::Zipf(count, exponent))
            }
            _ => None,
        };
        found.ok_or_else(|| KeyError(text.to_owned()))
    }
}

impl fmt::Display for KeyDistribution {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyDistribution::Uniform(count) => write!(out, "uniform:{count}"),
            KeyDistribution::Zipf(count, exponent) => write!(out, "zipf:{count}:{exponent}"),
            KeyDistribution::RoundRobin(count) => write!(out, "round-robin:{count}"),
        }
    }
}

impl TryFrom<String> for KeyDistribution {
    type Error = KeyError;

    fn try_from(text: String) -> Result<KeyDistribution, KeyError> {
        text.parse()
    }
}

impl From<KeyDistribution> for String {
    fn from(keys: KeyDistribution) -> String {
        keys.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distributions_are_written_as_they_are_read() {
        for text in ["uniform:1000", "zipf:50:0.99", "round-robin:7"] {
            assert_eq!(text.parse::<KeyDistribution>().unwrap().to_string(), text);
        }
        for text in ["uniform:0", "uniform", "zipf:5", "zipf:5:x", "zipf:5:-1", "some:5", "uniform:99999999999", ""] {
            assert!(text.parse::<KeyDistribution>().is_err(), "{text}");
        }
    }
}
