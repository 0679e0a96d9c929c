//! How much worse is too much: a percentage, written `10%`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A share of the baseline, above 0 and below 100 %.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Bound(f64);

/// What is no bound.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no bound: a percentage above 0% and below 100% is, such as 10%")]
pub struct BoundError(String);

impl Bound {
    /// Where a plan says nothing.
    pub const DEFAULT: Bound = Bound(0.1);

    /// The share: 0.1 of 10%.
    pub fn share(self) -> f64 {
        self.0
    }
}

impl FromStr for Bound {
    type Err = BoundError;

    fn from_str(text: &str) -> Result<Bound, BoundError> {
        let percent = text.trim().strip_suffix('%').and_then(|number| number.trim_end().parse::<f64>().ok());
        percent
            .filter(|percent| *percent > 0.0 && *percent < 100.0)
            .map(|percent| Bound(percent / 100.0))
            .ok_or_else(|| BoundError(text.to_owned()))
    }
}

impl TryFrom<String> for Bound {
    type Error = BoundError;

    fn try_from(text: String) -> Result<Bound, BoundError> {
        text.parse()
    }
}

impl From<Bound> for String {
    fn from(bound: Bound) -> String {
        bound.to_string()
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Seven digits are enough to read back what was written, without the noise of the division.
        let text = format!("{:.5}", self.0 * 100.0);
        write!(out, "{}%", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_bounds_and_nothing_else_is() {
        for (text, share) in [("10%", 0.1), (" 2.5 % ", 0.025), ("99%", 0.99)] {
            let bound: Bound = text.parse().unwrap();
            assert!((bound.share() - share).abs() < 1e-12);
            assert_eq!(bound.to_string().parse::<Bound>().unwrap().to_string(), bound.to_string());
        }
        for text in ["10", "0%", "100%", "-3%", "NaN%", "%", "", "1e9%"] {
            assert!(text.parse::<Bound>().is_err(), "{text}");
        }
    }
}
