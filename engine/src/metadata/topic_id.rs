//! Owns the 128-bit ids of topics and clusters, in the form that Kafka prints: URL-safe base64 without padding.
//!
//! Plain values.

use std::fmt;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A topic's or a cluster's id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicId(pub [u8; 16]);

impl TopicId {
    /// Stands for "none" on the wire.
    pub const ZERO: TopicId = TopicId([0; 16]);

    /// The id that 16 random bytes give: a version 4 UUID. `None` for one whose text would begin with a dash, which command lines
    /// take for an option: draw again.
    pub fn from_random(mut bytes: [u8; 16]) -> Option<TopicId> {
        let [.., sixth, _, eighth, _, _, _, _, _, _, _] = &mut bytes;
        *sixth = (*sixth & 0x0f) | 0x40;
        *eighth = (*eighth & 0x3f) | 0x80;
        let id = TopicId(bytes);
        if id.to_string().starts_with('-') { None } else { Some(id) }
    }

    /// Reads the 22 characters that `Display` prints.
    pub fn parse(text: &str) -> Option<TopicId> {
        if text.len() != 22 {
            return None;
        }
        let mut bits: u128 = 0;
        for (index, letter) in text.bytes().enumerate() {
            let value = ALPHABET.iter().position(|known| *known == letter)? as u128;
            bits = if index < 21 { bits << 6 | value } else { bits << 2 | value >> 4 };
        }
        Some(TopicId(bits.to_be_bytes()))
    }
}

impl fmt::Display for TopicId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = u128::from_be_bytes(self.0);
        for index in 0..22 {
            let value = if index < 21 { bits >> (122 - 6 * index) } else { bits << 4 } & 0x3f;
            let letter = ALPHABET.get(value as usize).copied().unwrap_or(b'A');
            write!(out, "{}", char::from(letter))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::TopicId;

    #[test]
    fn ids_print_as_kafka_prints_them_and_read_back() {
        assert_eq!(TopicId::ZERO.to_string(), "AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(TopicId([0xff; 16]).to_string(), "_____________________w");
        let id = TopicId([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255]);
        assert_eq!(TopicId::parse(&id.to_string()), Some(id));
        assert_eq!(TopicId::parse("short"), None);
        assert_eq!(TopicId::parse("!!!!!!!!!!!!!!!!!!!!!!"), None);
    }

    #[test]
    fn random_id_is_version_4_and_never_begins_with_a_dash() {
        let id = TopicId::from_random([0x55; 16]).expect("no dash");
        assert_eq!((id.0[6] >> 4, id.0[8] >> 6), (4, 2));
        assert_eq!(TopicId::from_random([0xf8; 16]), None);
    }
}
