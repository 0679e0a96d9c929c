//! Identifiers of 16 bytes, printed as Kafka prints them: URL-safe base64 without padding.

use std::fmt;
use std::str::FromStr;

/// A topic, directory or cluster identifier.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Uuid(pub [u8; 16]);

/// The text is not 22 letters of URL-safe base64 that hold 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier: 22 letters of URL-safe base64 wanted")]
pub struct ParseUuidError;

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

impl Uuid {
    /// All zero: stands for "none" on the wire.
    pub const ZERO: Uuid = Uuid([0; 16]);

    /// Whether this stands for "none".
    pub fn is_zero(&self) -> bool {
        *self == Uuid::ZERO
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = u128::from_be_bytes(self.0);
        let mut text = String::with_capacity(22);
        for index in 0..22 {
            // 128 bits are 21 letters of six bits and one of two, padded on the right.
            let bits = if index < 21 { number >> (122 - 6 * index) } else { number << 4 };
            let letter = LETTERS.get((bits & 63) as usize).expect("six bits name one of 64 letters");
            text.push(char::from(*letter));
        }
        formatter.pad(&text)
    }
}

impl fmt::Debug for Uuid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for Uuid {
    type Err = ParseUuidError;

    fn from_str(text: &str) -> Result<Uuid, ParseUuidError> {
        if text.len() != 22 {
            return Err(ParseUuidError);
        }
        let mut number = 0u128;
        for (index, letter) in text.bytes().enumerate() {
            let value = LETTERS.iter().position(|&known| known == letter).ok_or(ParseUuidError)? as u128;
            if index < 21 {
                number = number << 6 | value;
            } else if value.trailing_zeros() >= 4 {
                number = number << 2 | value >> 4;
            } else {
                return Err(ParseUuidError);
            }
        }
        Ok(Uuid(number.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips() {
        for id in [Uuid::ZERO, Uuid([255; 16]), Uuid(*b"0123456789abcdef")] {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        assert_eq!(Uuid::ZERO.to_string(), "AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(Uuid([255; 16]).to_string(), "_____________________w");
    }

    #[test]
    fn wrong_text_is_refused() {
        for text in ["", "AAAA", "AAAAAAAAAAAAAAAAAAAAAB", "AAAAAAAAAAAAAAAAAAAAA=", "AAAAAAAAAAAAAAAAAAAAAé"] {
            assert_eq!(text.parse::<Uuid>(), Err(ParseUuidError), "{text}");
        }
    }
}
