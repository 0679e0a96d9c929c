//! `consume --format`: percent fields and escapes.
//!
//! Pure; runs on the tool's shard, once per record.

use super::printer::Shown;
use crate::cli::arguments::Bytes;
use crate::cli::{moment, text};

/// A format, ready to use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(Vec<u8>),
    Topic,
    Partition,
    Offset,
    Timestamp,
    Date,
    Key,
    Value,
    Headers,
    KeyBytes,
    ValueBytes,
}

impl Format {
    /// Reads a format.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find('%') {
            let (literal, field) = rest.split_at(at);
            push_literal(&mut pieces, &text::unescape(literal)?);
            let mut characters = field.chars();
            characters.next();
            let piece = match characters.next() {
                Some('t') => Piece::Topic,
                Some('p') => Piece::Partition,
                Some('o') => Piece::Offset,
                Some('T') => Piece::Timestamp,
                Some('D') => Piece::Date,
                Some('k') => Piece::Key,
                Some('s') => Piece::Value,
                Some('h') => Piece::Headers,
                Some('K') => Piece::KeyBytes,
                Some('S') => Piece::ValueBytes,
                Some('%') => Piece::Literal(b"%".to_vec()),
                Some(other) => return Err(format!("%{other} is no field; there are %t %p %o %T %D %k %s %h %K %S %%")),
                None => return Err("the format ends in a single %; write %%".to_owned()),
            };
            pieces.push(piece);
            rest = characters.as_str();
        }
        push_literal(&mut pieces, &text::unescape(rest)?);
        Ok(Self(pieces))
    }

    /// Appends a record.
    pub fn write(&self, record: &Shown<'_>, mode: Bytes, out: &mut Vec<u8>) {
        for piece in &self.0 {
            match piece {
                Piece::Literal(bytes) => out.extend_from_slice(bytes),
                Piece::Topic => out.extend_from_slice(record.topic.as_bytes()),
                Piece::Partition => out.extend_from_slice(record.partition.to_string().as_bytes()),
                Piece::Offset => out.extend_from_slice(record.offset.to_string().as_bytes()),
                Piece::Timestamp => out.extend_from_slice(record.timestamp_ms.to_string().as_bytes()),
                Piece::Date => out.extend_from_slice(moment::format_ms(record.timestamp_ms).as_bytes()),
                Piece::Key => push_bytes(record.key, mode, out),
                Piece::Value => push_bytes(record.value, mode, out),
                Piece::Headers => push_headers(record, mode, out),
                Piece::KeyBytes => push_length(record.key, out),
                Piece::ValueBytes => push_length(record.value, out),
            }
        }
    }
}

fn push_literal(pieces: &mut Vec<Piece>, literal: &[u8]) {
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal.to_vec()));
    }
}

/// Appends bytes as `mode` says; null as nothing.
pub fn push_bytes(bytes: Option<&[u8]>, mode: Bytes, out: &mut Vec<u8>) {
    let Some(bytes) = bytes else { return };
    match mode {
        Bytes::Raw => out.extend_from_slice(bytes),
        Bytes::Escape => out.extend_from_slice(text::escape(bytes).as_bytes()),
        Bytes::Base64 => out.extend_from_slice(text::base64(bytes).as_bytes()),
    }
}

fn push_headers(record: &Shown<'_>, mode: Bytes, out: &mut Vec<u8>) {
    for (index, (name, value)) in record.headers.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        push_bytes(Some(name), if mode == Bytes::Base64 { Bytes::Escape } else { mode }, out);
        out.push(b'=');
        match value {
            Some(value) => push_bytes(Some(value), mode, out),
            None => out.extend_from_slice(b"null"),
        }
    }
}

fn push_length(bytes: Option<&[u8]>, out: &mut Vec<u8>) {
    match bytes {
        Some(bytes) => out.extend_from_slice(bytes.len().to_string().as_bytes()),
        None => out.extend_from_slice(b"-1"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: &str, mode: Bytes) -> Vec<u8> {
        let record = Shown {
            topic: "t",
            partition: 3,
            offset: 42,
            timestamp_ms: 1000,
            key: None,
            value: Some(b"v\n\xff"),
            headers: vec![(b"a", Some(b"1")), (b"b", None)],
        };
        let mut out = Vec::new();
        Format::parse(format).unwrap().write(&record, mode, &mut out);
        out
    }

    #[test]
    fn every_field_is_written() {
        let text = written("%t/%p@%o %T %D [%k]=%s %h %K %S 100%%\\n", Bytes::Escape);
        let expected = b"t/3@42 1000 1970-01-01T00:00:01.000Z []=v\\n\\xff a=1,b=null -1 3 100%\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn bytes_are_shown_as_asked() {
        assert_eq!(written("%s", Bytes::Raw), b"v\n\xff");
        assert_eq!(written("%s", Bytes::Base64), b"dgr/");
    }

    #[test]
    fn unknown_fields_are_refused() {
        for format in ["%x", "100%", "\\q"] {
            assert!(Format::parse(format).is_err(), "{format}");
        }
    }
}
