//! Keys, values and headers as text for people, whatever bytes they hold.
//!
//! Pure; called by `consume`, `topic` and `log dump`.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Bytes as they are where they are printable UTF-8; `\n`, `\t`, `\r`, `\\` and `\xNN` elsewhere.
pub fn escape(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\\' => out.push_str("\\\\"),
                control if control.is_control() => {
                    let mut encoded = [0; 4];
                    control.encode_utf8(&mut encoded).bytes().for_each(|byte| push_hex(&mut out, byte));
                }
                other => out.push(other),
            }
        }
        chunk.invalid().iter().for_each(|&byte| push_hex(&mut out, byte));
    }
    out
}

fn push_hex(out: &mut String, byte: u8) {
    // Writing to a string cannot fail.
    let _ = write!(out, "\\x{byte:02x}");
}

/// Undoes `\n`, `\t`, `\r`, `\0`, `\\` and `\xNN` of an argument.
pub fn unescape(text: &str) -> Result<Vec<u8>, String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(next) = rest.next() {
        if next != '\\' {
            out.extend_from_slice(next.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        match rest.next() {
            Some('n') => out.push(b'\n'),
            Some('t') => out.push(b'\t'),
            Some('r') => out.push(b'\r'),
            Some('0') => out.push(0),
            Some('\\') => out.push(b'\\'),
            Some('x') => {
                let digits: String = rest.by_ref().take(2).collect();
                let byte =
                    u8::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 2 && !digits.starts_with('+'));
                out.push(byte.ok_or_else(|| format!("\\x{digits} in \"{text}\" needs two hexadecimal digits"))?);
            }
            Some(other) => {
                return Err(format!("\\{other} in \"{text}\" is unknown; there are \\n \\t \\r \\0 \\\\ \\xNN"));
            }
            None => return Err(format!("\"{text}\" ends in a single backslash; write \\\\")),
        }
    }
    Ok(out)
}

/// Standard base64 with padding.
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// At most `characters_max` characters, the last one `…` where some were left out.
pub fn shorten(text: String, characters_max: usize) -> String {
    if text.chars().nth(characters_max).is_none() {
        return text;
    }
    text.chars().take(characters_max.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_and_bytes_are_shown() {
        for (bytes, text) in [
            (&b"plain"[..], "plain"),
            ("Grüße 😀".as_bytes(), "Grüße 😀"),
            (b"a\nb\tc\\", "a\\nb\\tc\\\\"),
            (b"\x00\xff\xc3", "\\x00\\xff\\xc3"),
            ("\u{85}".as_bytes(), "\\xc2\\x85"),
        ] {
            assert_eq!(escape(bytes), text);
            assert_eq!(unescape(text).unwrap(), bytes);
        }
    }

    #[test]
    fn wrong_escapes_are_refused() {
        for text in ["\\q", "\\", "\\x1", "\\xzz", "\\x+1"] {
            assert!(unescape(text).is_err(), "{text}");
        }
    }

    #[test]
    fn long_text_is_cut_at_characters() {
        assert_eq!(shorten("äöü".to_owned(), 3), "äöü");
        assert_eq!(shorten("äöüx".to_owned(), 3), "äö…");
    }
}
