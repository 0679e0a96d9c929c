//! Kafka's own classes as an oracle for messages: what `peer wire` makes of them.

use corelog_tests::peer;
use serde_json::Value;

/// What Kafka's classes made of one question.
pub enum Answer {
    /// They read it: its JSON form, the bytes that they write for it, and how many bytes were left over.
    Accepted { json: Value, hex: String, rest: u64 },
    /// They refused it.
    Refused(String),
}

/// Asks all questions at once; the answers come in their order.
pub fn ask(questions: impl Iterator<Item = Value>) -> Vec<Answer> {
    peer::ask("wire", questions).iter().map(read).collect()
}

fn read(value: &Value) -> Answer {
    match value.get("error") {
        Some(error) => Answer::Refused(error.to_string()),
        None => Answer::Accepted {
            json: value["json"].clone(),
            hex: value["hex"].as_str().expect("the oracle writes hex").to_owned(),
            rest: value["rest"].as_u64().unwrap_or(0),
        },
    }
}
