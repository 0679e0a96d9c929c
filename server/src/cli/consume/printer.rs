//! Records on standard output: by a format, as lines of JSON, or as a table.
//!
//! Runs on the tool's shard; owns standard output while a `consume` runs.

use comfy_table::Table;
use serde::Serialize;

use super::format::{Format, push_bytes};
use crate::cli::arguments::{Bytes, ConsumeArguments};
use crate::cli::failure::Failure;
use crate::cli::output::{Output, table};
use crate::cli::{moment, text};

/// Characters of a key, a value or headers in a table.
const CELL_CHARACTERS_MAX: usize = 60;
/// Rows of one table; columns are aligned among these.
const TABLE_ROWS_MAX: usize = 500;

/// One record as it is shown.
#[derive(Debug)]
pub struct Shown<'a> {
    /// Its topic.
    pub topic: &'a str,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Milliseconds since 1970, -1 for none.
    pub timestamp_ms: i64,
    /// The key.
    pub key: Option<&'a [u8]>,
    /// The value.
    pub value: Option<&'a [u8]>,
    /// Name and value of each header.
    pub headers: Vec<(&'a [u8], Option<&'a [u8]>)>,
}

/// Prints records as the arguments say.
pub struct Printer {
    output: Output,
    style: Style,
    buffer: Vec<u8>,
}

enum Style {
    Format(Format, Bytes),
    Json(Bytes),
    Table(Box<Table>, Bytes),
}

impl Printer {
    /// A printer; fails if the format makes no sense.
    pub fn new(arguments: &ConsumeArguments) -> Result<Self, Failure> {
        let mode = arguments.bytes.unwrap_or(Bytes::Escape);
        let style = match &arguments.format {
            _ if arguments.json => Style::Json(mode),
            _ if arguments.table => Style::Table(Box::new(new_table()), mode),
            Some(format) => Style::Format(parse(format)?, mode),
            None => Style::Format(parse("%s\\n")?, arguments.bytes.unwrap_or(Bytes::Raw)),
        };
        Ok(Self { output: Output::new(), style, buffer: Vec::new() })
    }

    /// Prints one record.
    pub fn print(&mut self, record: &Shown<'_>) -> Result<(), Failure> {
        match &mut self.style {
            Style::Format(format, mode) => {
                self.buffer.clear();
                format.write(record, *mode, &mut self.buffer);
                self.output.bytes(&self.buffer)
            }
            Style::Json(mode) => self.output.json_line(&json(record, *mode)),
            Style::Table(rows, mode) => {
                rows.add_row(row(record, *mode));
                if rows.row_count() >= TABLE_ROWS_MAX { self.flush() } else { Ok(()) }
            }
        }
    }

    /// Hands everything to the reader.
    pub fn flush(&mut self) -> Result<(), Failure> {
        if let Style::Table(rows, _) = &mut self.style
            && rows.row_count() > 0
        {
            self.output.table(rows)?;
            **rows = new_table();
        }
        self.output.flush()
    }
}

fn parse(format: &str) -> Result<Format, Failure> {
    Format::parse(format).map_err(|what| Failure::usage(format!("--format: {what}")))
}

fn new_table() -> Table {
    table(&["partition", "offset", "time", "key", "value", "headers"])
}

fn row(record: &Shown<'_>, mode: Bytes) -> [String; 6] {
    // A table must not be broken by what it shows.
    let mode = if mode == Bytes::Raw { Bytes::Escape } else { mode };
    let cell = |bytes: Option<&[u8]>| match bytes {
        None => "-".to_owned(),
        Some(bytes) => {
            let mut out = Vec::new();
            push_bytes(Some(bytes), mode, &mut out);
            text::shorten(String::from_utf8_lossy(&out).into_owned(), CELL_CHARACTERS_MAX)
        }
    };
    let header = |(name, value): &(&[u8], Option<&[u8]>)| format!("{}={}", text::escape(name), cell(*value));
    let headers = record.headers.iter().map(header).collect::<Vec<_>>().join(",");
    [
        record.partition.to_string(),
        record.offset.to_string(),
        if record.timestamp_ms < 0 { "-".to_owned() } else { moment::format_ms(record.timestamp_ms) },
        cell(record.key),
        cell(record.value),
        text::shorten(headers, CELL_CHARACTERS_MAX),
    ]
}

/// A record in JSON. What is no text, or everything if asked, stands in base64 under a name of its own.
#[derive(Debug, Serialize)]
struct Json<'a> {
    topic: &'a str,
    partition: i32,
    offset: i64,
    timestamp: i64,
    #[serde(flatten)]
    key: Key<'a>,
    #[serde(flatten)]
    value: Value<'a>,
    headers: Vec<Header<'a>>,
}

#[derive(Debug, Serialize)]
enum Key<'a> {
    #[serde(rename = "key")]
    Text(Option<&'a str>),
    #[serde(rename = "key_base64")]
    Base64(String),
}

#[derive(Debug, Serialize)]
enum Value<'a> {
    #[serde(rename = "value")]
    Text(Option<&'a str>),
    #[serde(rename = "value_base64")]
    Base64(String),
}

#[derive(Debug, Serialize)]
struct Header<'a> {
    name: std::borrow::Cow<'a, str>,
    #[serde(flatten)]
    value: Value<'a>,
}

/// The text, or else what must be in base64.
fn as_text(bytes: Option<&[u8]>, mode: Bytes) -> Result<Option<&str>, String> {
    match bytes {
        None => Ok(None),
        Some(bytes) if mode == Bytes::Base64 => Err(text::base64(bytes)),
        Some(bytes) => std::str::from_utf8(bytes).map(Some).map_err(|_| text::base64(bytes)),
    }
}

fn json<'a>(record: &'a Shown<'a>, mode: Bytes) -> Json<'a> {
    let value = |bytes| as_text(bytes, mode).map_or_else(Value::Base64, Value::Text);
    let header = |(name, bytes): &(&'a [u8], Option<&'a [u8]>)| Header {
        name: String::from_utf8_lossy(name),
        value: value(*bytes),
    };
    Json {
        topic: record.topic,
        partition: record.partition,
        offset: record.offset,
        timestamp: record.timestamp_ms,
        key: as_text(record.key, mode).map_or_else(Key::Base64, Key::Text),
        value: value(record.value),
        headers: record.headers.iter().map(header).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown() -> Shown<'static> {
        Shown {
            topic: "t",
            partition: 0,
            offset: 1,
            timestamp_ms: -1,
            key: None,
            value: Some(b"\xff"),
            headers: vec![(b"h", Some(b"x")), (b"n", None)],
        }
    }

    #[test]
    fn json_tells_null_text_and_bytes_apart() {
        let text = serde_json::to_string(&json(&shown(), Bytes::Escape)).unwrap();
        assert_eq!(
            text,
            r#"{"topic":"t","partition":0,"offset":1,"timestamp":-1,"key":null,"value_base64":"/w==","headers":[{"name":"h","value":"x"},{"name":"n","value":null}]}"#
        );
        let text = serde_json::to_string(&json(&shown(), Bytes::Base64)).unwrap();
        assert!(text.contains(r#""value_base64":"eA==""#), "{text}");
    }

    #[test]
    fn rows_show_what_is_missing_and_cut_what_is_long() {
        assert_eq!(row(&shown(), Bytes::Raw), ["0", "1", "-", "-", "\\xff", "h=x,n=-"]);
        let long = vec![b'a'; 100];
        let record = Shown { value: Some(&long), ..shown() };
        assert_eq!(row(&record, Bytes::Escape)[4].chars().count(), CELL_CHARACTERS_MAX);
    }
}
