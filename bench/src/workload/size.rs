//! How many bytes the values of records have: all the same, or drawn from a distribution.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::measure::random::Random;
use crate::wire::stamp::STAMP_BYTES;

/// How many deviations above its median 99 of 100 normally distributed values end.
const DEVIATIONS_TO_P99: f64 = 2.326_347_874_040_840_8;
/// Draws above this many times the 99th percentile are cut to it: a broker takes batches up to a limit.
const P99_TIMES_MAX: f64 = 10.0;
/// The largest value.
const VALUE_BYTES_MAX: usize = 1 << 30;

/// The sizes of values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub enum RecordSize {
    /// Each has so many bytes.
    Fixed(usize),
    /// Each size from the first to the last is as frequent.
    Uniform {
        /// The smallest.
        min: usize,
        /// The largest.
        max: usize,
    },
    /// The logarithms are normally distributed: many small ones and a long tail, as sizes of real records are.
    LogNormal {
        /// Half are at or below.
        median: usize,
        /// 99 of 100 are at or below.
        p99: usize,
    },
}

/// A size in a file: a number, or the text of the command line.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    Number(usize),
    Text(String),
}

/// What is no size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no size: N, MIN..MAX or lognormal:MEDIAN:P99, each from {STAMP_BYTES} (a record's stamp) to 2^30 bytes"
)]
pub struct SizeError(String);

impl RecordSize {
    /// The average.
    pub fn mean_bytes(&self) -> f64 {
        match self {
            RecordSize::Fixed(bytes) => *bytes as f64,
            RecordSize::Uniform { min, max } => f64::midpoint(*min as f64, *max as f64),
            RecordSize::LogNormal { median, .. } => *median as f64 * (self.deviation().powi(2) / 2.0).exp(),
        }
    }

    /// One of them.
    pub fn draw(&self, random: &mut Random) -> usize {
        match self {
            RecordSize::Fixed(bytes) => *bytes,
            RecordSize::Uniform { min, max } => min + random.below(max - min + 1),
            RecordSize::LogNormal { median, p99 } => {
                let drawn = *median as f64 * (self.deviation() * random.normal()).exp();
                (drawn.min(*p99 as f64 * P99_TIMES_MAX) as usize).clamp(STAMP_BYTES, VALUE_BYTES_MAX)
            }
        }
    }

    /// The deviation of the logarithms.
    fn deviation(&self) -> f64 {
        match self {
            RecordSize::LogNormal { median, p99 } => (*p99 as f64 / *median as f64).ln() / DEVIATIONS_TO_P99,
            RecordSize::Fixed(_) | RecordSize::Uniform { .. } => 0.0,
        }
    }

    fn is_possible(&self) -> bool {
        let possible = |bytes: usize| (STAMP_BYTES..=VALUE_BYTES_MAX).contains(&bytes);
        match self {
            RecordSize::Fixed(bytes) => possible(*bytes),
            RecordSize::Uniform { min, max } => possible(*min) && possible(*max) && min <= max,
            RecordSize::LogNormal { median, p99 } => possible(*median) && possible(*p99) && median <= p99,
        }
    }
}

impl FromStr for RecordSize {
    type Err = SizeError;

    fn from_str(text: &str) -> Result<RecordSize, SizeError> {
        let number = |text: &str| text.trim().parse::<usize>().ok();
        let pair = |first: &str, second: &str| number(first).zip(number(second));
        let found = if let Some(rest) = text.strip_prefix("lognormal:") {
            rest.split_once(':')
                .and_then(|(median, p99)| pair(median, p99))
                .map(|(median, p99)| RecordSize::LogNormal { median, p99 })
        } else if let Some((min, max)) = text.split_once("..") {
            pair(min, max).map(|(min, max)| RecordSize::Uniform { min, max })
        } else {
            number(text).map(RecordSize::Fixed)
        };
        found.filter(RecordSize::is_possible).ok_or_else(|| SizeError(text.to_owned()))
    }
}

impl fmt::Display for RecordSize {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecordSize::Fixed(bytes) => write!(out, "{bytes}"),
            RecordSize::Uniform { min, max } => write!(out, "{min}..{max}"),
            RecordSize::LogNormal { median, p99 } => write!(out, "lognormal:{median}:{p99}"),
        }
    }
}

impl TryFrom<Written> for RecordSize {
    type Error = SizeError;

    fn try_from(written: Written) -> Result<RecordSize, SizeError> {
        match written {
            Written::Number(bytes) => bytes.to_string().parse(),
            Written::Text(text) => text.parse(),
        }
    }
}

impl From<RecordSize> for Written {
    fn from(size: RecordSize) -> Written {
        match size {
            RecordSize::Fixed(bytes) => Written::Number(bytes),
            drawn => Written::Text(drawn.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(text: &str) -> Vec<usize> {
        let size: RecordSize = text.parse().unwrap();
        let mut random = Random::new(5);
        let mut sizes: Vec<usize> = (0..100_000).map(|_| size.draw(&mut random)).collect();
        let mean = sizes.iter().sum::<usize>() as f64 / sizes.len() as f64;
        assert!((mean / size.mean_bytes() - 1.0).abs() < 0.03, "{text}: {mean}, not {}", size.mean_bytes());
        sizes.sort_unstable();
        sizes
    }

    #[test]
    fn sizes_are_distributed_as_they_say() {
        assert_eq!(drawn("100").iter().collect::<std::collections::BTreeSet<_>>().len(), 1);
        let uniform = drawn("100..2000");
        assert_eq!((uniform[0], uniform[uniform.len() - 1]), (100, 2000));
        assert!((1020..1080).contains(&uniform[uniform.len() / 2]), "{}", uniform[uniform.len() / 2]);
        let tailed = drawn("lognormal:512:8192");
        assert!((490..535).contains(&tailed[50_000]), "{}", tailed[50_000]);
        assert!((7_400..9_000).contains(&tailed[99_000]), "{}", tailed[99_000]);
        assert!(tailed[0] >= STAMP_BYTES && tailed[99_999] <= 81_920);
    }

    #[test]
    fn sizes_are_written_as_they_are_read() {
        for text in ["1024", "\"100..2000\"", "\"lognormal:500:4000\""] {
            let size: RecordSize = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&size).unwrap(), text);
        }
        for text in ["23", "5..10", "100..50", "lognormal:500", "lognormal:500:400", "big", "", "1073741825"] {
            assert!(text.parse::<RecordSize>().is_err(), "{text}");
        }
    }
}
