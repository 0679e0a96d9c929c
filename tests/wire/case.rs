//! The questions: drawn messages as bytes and as JSON, with unknown tagged fields, cut short, and with bytes changed; and
//! what must hold between Kafka's answer and ours.

use std::collections::BTreeSet;

use bytes::Bytes;
use corelog_protocol::catalog::{ENTRIES, Entry, Role};
use corelog_protocol::json::JsonError;
use corelog_protocol::random::Source;
use corelog_protocol::{ApiKey, Reason};
use serde_json::{Value, json};

use crate::oracle::Answer;

/// How the question was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Bytes that we wrote.
    Bytes,
    /// JSON that we wrote.
    Json,
    /// Bytes with a tagged field that nobody knows.
    UnknownTag,
    /// Bytes cut short.
    Cut,
    /// Bytes with one of them changed.
    Changed,
}

pub struct Case {
    entry: &'static Entry,
    key: ApiKey,
    version: i16,
    pub origin: Origin,
    bytes: Bytes,
    json: Value,
}

/// `rounds` messages of every API, role and version, each as several questions.
pub fn draw_all(seed: u64, rounds: u64) -> Vec<Case> {
    let mut cases = Vec::new();
    for entry in ENTRIES {
        let Some(key) = entry.key else { continue };
        for version in entry.version_min..=entry.version_max {
            for round in 0..rounds {
                let place = (key.code() as u64) << 32 | (version as u64) << 8 | u64::from(entry.role == Role::Request);
                let mut source = Source::new(seed.wrapping_mul(1 << 48) ^ place.wrapping_mul(1 << 8) ^ round);
                draw(entry, key, version, &mut source, &mut cases);
            }
        }
    }
    cases
}

fn draw(entry: &'static Entry, key: ApiKey, version: i16, source: &mut Source, cases: &mut Vec<Case>) {
    let (json, bytes) = (entry.random)(source, version)
        .unwrap_or_else(|error| panic!("{} version {version}: a drawn message: {error}", entry.name));
    let case = |origin, bytes: Bytes| Case { entry, key, version, origin, bytes, json: json.clone() };
    if let Some(bytes) = with_unknown_tag(entry, key, version, &bytes, &json) {
        cases.push(case(Origin::UnknownTag, bytes));
    }
    if !bytes.is_empty() {
        cases.push(case(Origin::Cut, bytes.slice(..source.below(bytes.len()))));
        let mut changed = bytes.to_vec();
        let place = source.below(changed.len());
        changed[place] = if source.coin() { changed[place] ^ 1 << source.below(8) } else { source.bits() as u8 };
        cases.push(case(Origin::Changed, changed.into()));
    }
    cases.push(case(Origin::Bytes, bytes.clone()));
    cases.push(case(Origin::Json, bytes));
}

/// A flexible message ends with its number of tagged fields. Where it has none, one that nobody knows goes in.
fn with_unknown_tag(entry: &Entry, key: ApiKey, version: i16, bytes: &Bytes, json: &Value) -> Option<Bytes> {
    let (last, body) = bytes.split_last()?;
    if !key.is_flexible(version) || *last != 0 {
        return None;
    }
    let tagged = Bytes::from([body, &[1, 0xb9, 0x60, 3, 1, 2, 3]].concat());
    // A message whose last tagged field ends with a zero looks the same from here; it then no longer reads as itself.
    matches!((entry.to_json)(&tagged, version), Ok((read, 0)) if read == *json).then_some(tagged)
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Kafka's converters write records as empty and both sides round the last digits of fractions in their own way.
fn normal(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let member = |(key, value): (&String, &Value)| match (key.as_str(), value) {
                ("records", Value::String(_)) => (key.clone(), Value::from("")),
                _ => (key.clone(), normal(value)),
            };
            object.iter().map(member).collect()
        }
        Value::Array(items) => items.iter().map(normal).collect(),
        Value::Number(number) if number.is_f64() => number.as_f64().map(|number| format!("{number:.9e}")).into(),
        other => other.clone(),
    }
}

impl Case {
    pub fn question(&self) -> Value {
        let kind = if self.entry.role == Role::Request { "request" } else { "response" };
        let mut question = json!({ "api": self.key.code(), "version": self.version, "kind": kind });
        match self.origin {
            Origin::Json => question["json"] = self.json.clone(),
            _ => question["hex"] = hex(&self.bytes).into(),
        }
        question
    }

    fn fault(&self, what: &str, details: &dyn std::fmt::Display) -> String {
        let Case { entry, version, origin, json, bytes, .. } = self;
        format!("{} version {version}, {origin:?}: {what}: {details}\n    {json}\n    {}", entry.name, hex(bytes))
    }

    /// Compares Kafka's answer with ours.
    pub fn check(&self, answer: &Answer) -> Result<(), String> {
        match (self.origin, answer) {
            (Origin::Bytes | Origin::Json | Origin::UnknownTag, Answer::Refused(error)) => {
                Err(self.fault("Kafka refuses it", error))
            }
            (Origin::Bytes | Origin::Json | Origin::UnknownTag, Answer::Accepted { json, hex: written, rest }) => {
                self.check_equal(json, written, *rest)?;
                self.check_own()
            }
            (Origin::Cut | Origin::Changed, answer) => self.check_same_verdict(answer),
        }
    }

    fn check_equal(&self, json: &Value, written: &str, rest: u64) -> Result<(), String> {
        if normal(json) != normal(&self.json) {
            return Err(self.fault("Kafka reads", json));
        }
        if rest != 0 {
            return Err(self.fault("Kafka leaves bytes over", &rest));
        }
        // Unknown tagged fields stay with Kafka's classes and not with ours, so all that was sent comes back.
        if written != hex(&self.bytes) {
            return Err(self.fault("Kafka writes", &written));
        }
        Ok(())
    }

    /// The other direction: what Kafka wrote is what we have, so our reader and our JSON reader are held to it.
    fn check_own(&self) -> Result<(), String> {
        let read = (self.entry.to_json)(&self.bytes, self.version);
        if read != Ok((self.json.clone(), 0)) {
            return Err(self.fault("we read", &format!("{read:?}")));
        }
        let written = (self.entry.from_json)(&self.json, self.version);
        if self.origin != Origin::UnknownTag && written != Ok(self.bytes.clone()) {
            return Err(self.fault("we write from JSON", &format!("{written:?}")));
        }
        Ok(())
    }

    /// Damaged bytes: we never take what Kafka refuses, read the same where both take it, and refuse more only where we
    /// mean to be stricter.
    fn check_same_verdict(&self, answer: &Answer) -> Result<(), String> {
        match ((self.entry.to_json)(&self.bytes, self.version), answer) {
            (Ok((json, rest)), Answer::Accepted { json: theirs, rest: left, .. }) => {
                if normal(&json) == normal(theirs) && rest as u64 == *left {
                    Ok(())
                } else {
                    Err(self.fault("Kafka reads damaged bytes as", theirs))
                }
            }
            (Ok((json, _)), Answer::Refused(error)) => {
                Err(self.fault(&format!("Kafka refuses with {error}, we read"), &json))
            }
            (Err(error), Answer::Accepted { .. }) if is_stricter(&error) => Ok(()),
            (Err(error), Answer::Accepted { json, .. }) => {
                Err(self.fault(&format!("we refuse with {error}, Kafka reads"), json))
            }
            (Err(_), Answer::Refused(_)) => Ok(()),
        }
    }
}

/// Kafka replaces what is not UTF-8, does not compare the announced size of a tagged field that it knows, and takes any
/// negative length for null.
fn is_stricter(error: &JsonError) -> bool {
    let JsonError::Decode(error) = error else { return false };
    matches!(
        error.reason(),
        Reason::Utf8 | Reason::TagSize { .. } | Reason::BeyondTag { .. } | Reason::Length(_) | Reason::Varint
    )
}

/// Every API, role and version was asked in every way and taken; every flexible one with an unknown tag as well.
pub fn assert_covered(cases: &[Case], answers: &[Answer]) {
    let taken: BTreeSet<(i16, bool, i16, Origin)> = cases
        .iter()
        .zip(answers)
        .filter(|(_, answer)| matches!(answer, Answer::Accepted { .. }))
        .map(|(case, _)| (case.key.code(), case.entry.role == Role::Request, case.version, case.origin))
        .collect();
    for key in ApiKey::ALL {
        for version in key.decodable_min()..=key.decodable_max() {
            for request in [true, false] {
                for origin in [Origin::Bytes, Origin::Json] {
                    let place = (key.code(), request, version, origin);
                    assert!(taken.contains(&place), "{key} version {version} request {request}: no {origin:?}");
                }
            }
        }
    }
    let tagged = taken.iter().filter(|place| place.3 == Origin::UnknownTag).count();
    let flexible = taken.iter().filter(|place| place.3 == Origin::Bytes);
    let flexible =
        flexible.filter(|place| ApiKey::from_code(place.0).is_some_and(|key| key.is_flexible(place.2))).count();
    assert!(tagged * 10 > flexible * 9, "unknown tags reached {tagged} of {flexible} flexible versions");
}
