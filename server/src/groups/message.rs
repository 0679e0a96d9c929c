//! Owns the texts that explain a refusal: what a client sent and gets back in one is cut to what the wire takes.
//!
//! Pure; called by coordinators and handlers on any shard.

use corelog_protocol::Text;

/// Bytes of such a text at most; a string on the wire takes a few more.
const MESSAGE_BYTES_MAX: usize = 32_000;

/// The text, or as much of its beginning as fits.
pub fn message(mut text: String) -> Text {
    text.truncate(text.floor_char_boundary(MESSAGE_BYTES_MAX));
    Text::from(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_messages_are_cut_between_characters() {
        assert_eq!(message("short".to_owned()).as_str(), "short");
        let cut = message(format!("x{}", "ä".repeat(MESSAGE_BYTES_MAX)));
        assert_eq!(cut.len(), MESSAGE_BYTES_MAX - 1);
    }
}
