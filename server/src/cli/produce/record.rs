//! From an input line to a record.
//!
//! Pure; runs on the tool's shard.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;

use crate::cli::arguments::ProduceArguments;
use crate::cli::text;

/// One record to send.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewRecord {
    /// The key.
    pub key: Option<Bytes>,
    /// The value.
    pub value: Option<Bytes>,
    /// Name and value of each header.
    pub headers: Vec<(Bytes, Option<Bytes>)>,
    /// Milliseconds since 1970; the time of sending if nobody says.
    pub timestamp_ms: Option<i64>,
}

/// How lines become records.
#[derive(Debug)]
pub struct Recipe {
    json: bool,
    key_separator: Option<Vec<u8>>,
    key: Option<Bytes>,
    headers: Vec<(Bytes, Option<Bytes>)>,
    null_marker: Option<Vec<u8>>,
    timestamp_ms: Option<i64>,
}

impl Recipe {
    /// What the arguments say.
    pub fn new(arguments: &ProduceArguments) -> Result<Self, String> {
        let key_separator = arguments.key_separator.as_deref().map(text::unescape).transpose()?;
        if key_separator.as_ref().is_some_and(Vec::is_empty) {
            return Err("the key separator is empty".to_owned());
        }
        let header = |(name, value): &(String, String)| {
            (Bytes::copy_from_slice(name.as_bytes()), Some(Bytes::copy_from_slice(value.as_bytes())))
        };
        Ok(Self {
            json: arguments.json,
            key_separator,
            key: arguments.key.as_ref().map(|key| Bytes::copy_from_slice(key.as_bytes())),
            headers: arguments.headers.iter().map(header).collect(),
            null_marker: arguments.null_marker.as_ref().map(|marker| marker.clone().into_bytes()),
            timestamp_ms: arguments.timestamp,
        })
    }

    /// The record of a line.
    pub fn record(&self, line: &Bytes) -> Result<NewRecord, String> {
        if self.json {
            return self.json_record(line);
        }
        let (key, value) = match &self.key_separator {
            None => (self.key.clone(), line.clone()),
            Some(separator) => {
                let at = find(line, separator).ok_or("the key separator is missing")?;
                (Some(line.slice(..at)), line.slice(at + separator.len()..))
            }
        };
        Ok(NewRecord {
            key: key.filter(|key| !self.is_null(key)),
            value: (!self.is_null(&value)).then_some(value),
            headers: self.headers.clone(),
            timestamp_ms: self.timestamp_ms,
        })
    }

    fn is_null(&self, bytes: &[u8]) -> bool {
        self.null_marker.as_deref() == Some(bytes)
    }

    fn json_record(&self, line: &[u8]) -> Result<NewRecord, String> {
        let parsed: JsonRecord = serde_json::from_slice(line).map_err(|error| error.to_string())?;
        let mut headers = Vec::new();
        for header in parsed.headers {
            headers.push((Bytes::from(header.name), bytes_of(header.value, header.value_base64)?));
        }
        headers.extend(self.headers.iter().cloned());
        Ok(NewRecord {
            key: bytes_of(parsed.key, parsed.key_base64)?,
            value: bytes_of(parsed.value, parsed.value_base64)?,
            headers,
            timestamp_ms: self.timestamp_ms.or(parsed.timestamp.filter(|&timestamp| timestamp >= 0)),
        })
    }
}

/// What `consume --json` prints, as far as a new record takes it over.
#[derive(Debug, Deserialize)]
struct JsonRecord {
    #[serde(default)]
    key: Option<serde_json::Value>,
    #[serde(default)]
    key_base64: Option<String>,
    #[serde(default)]
    value: Option<serde_json::Value>,
    #[serde(default)]
    value_base64: Option<String>,
    #[serde(default)]
    headers: Vec<JsonHeader>,
    #[serde(default)]
    timestamp: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct JsonHeader {
    name: String,
    #[serde(default)]
    value: Option<serde_json::Value>,
    #[serde(default)]
    value_base64: Option<String>,
}

/// A string as its bytes, other JSON as its text, base64 decoded.
fn bytes_of(text: Option<serde_json::Value>, base64: Option<String>) -> Result<Option<Bytes>, String> {
    match (text, base64) {
        (_, Some(base64)) => STANDARD.decode(base64).map(|bytes| Some(bytes.into())).map_err(|error| error.to_string()),
        (None | Some(serde_json::Value::Null), None) => Ok(None),
        (Some(serde_json::Value::String(text)), None) => Ok(Some(text.into())),
        (Some(other), None) => Ok(Some(other.to_string().into())),
    }
}

fn find(line: &[u8], separator: &[u8]) -> Option<usize> {
    line.windows(separator.len()).position(|window| window == separator)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::arguments::{Arguments, Command};
    use clap::Parser;

    fn record(flags: &[&str], line: &str) -> Result<NewRecord, String> {
        let arguments = ["corelog", "produce", "t"].iter().chain(flags);
        let Command::Produce(produce) = Arguments::try_parse_from(arguments).unwrap().command else { panic!() };
        Recipe::new(&produce)?.record(&Bytes::copy_from_slice(line.as_bytes()))
    }

    #[expect(clippy::unnecessary_wraps, reason = "keys and values are nullable")]
    fn bytes(text: &str) -> Option<Bytes> {
        Some(Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn a_line_is_a_value() {
        let expected = NewRecord { value: bytes(" a:b "), ..Default::default() };
        assert_eq!(record(&[], " a:b "), Ok(expected));
        assert_eq!(record(&[], "").unwrap().value, bytes(""));
    }

    #[test]
    fn the_separator_splits_once() {
        let found = record(&["-K", "\\t"], "k\tv\tw").unwrap();
        assert_eq!((found.key, found.value), (bytes("k"), bytes("v\tw")));
        assert!(record(&["-K", ":"], "no separator").is_err());
        assert!(record(&["-K", ""], "x").is_err());
    }

    #[test]
    fn markers_are_null_and_flags_are_on_every_record() {
        let flags =
            ["-K", ":", "--null-marker", "NULL", "-H", "a=1", "-H", "a=2", "--timestamp", "1970-01-01T00:00:01Z"];
        let found = record(&flags, "NULL:NULL").unwrap();
        assert_eq!((found.key, found.value, found.timestamp_ms), (None, None, Some(1000)));
        assert_eq!(found.headers, [("a".into(), bytes("1")), ("a".into(), bytes("2"))]);
        assert_eq!(record(&["-k", "key"], "v").unwrap().key, bytes("key"));
    }

    #[test]
    fn json_takes_text_bytes_and_objects() {
        let line = r#"{"topic":"x","offset":3,"timestamp":7,"key_base64":"/w==","value":{"a":[1,null]},
            "headers":[{"name":"h","value":"v"},{"name":"n","value":null}]}"#;
        let found = record(&["--json"], line).unwrap();
        assert_eq!(found.key.as_deref(), Some(&b"\xff"[..]));
        assert_eq!(found.value, bytes(r#"{"a":[1,null]}"#));
        assert_eq!(found.headers, [("h".into(), bytes("v")), ("n".into(), None)]);
        assert_eq!(found.timestamp_ms, Some(7));
        assert!(record(&["--json"], "{").is_err());
        assert_eq!(record(&["--json"], "{}").unwrap(), NewRecord::default());
    }
}
