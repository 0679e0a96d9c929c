//! Kafka's own classes as an oracle: one Java process reads questions and writes answers, a JSON object a line each.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "a test that drives another process")]

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

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
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("questions");
    let mut count = 0;
    let mut file = std::io::BufWriter::new(File::create(&path).expect("a temporary file"));
    for question in questions {
        writeln!(file, "{question}").expect("a temporary file takes the questions");
        count += 1;
    }
    file.into_inner().expect("a temporary file takes the questions");

    let peer = Path::new(env!("CARGO_MANIFEST_DIR")).join("peer/peer");
    let java = Command::new("java").arg("-version").stderr(Stdio::null()).status();
    assert!(java.is_ok_and(|status| status.success()), "this test needs Java 17 or later on the path");
    let output = Command::new(&peer)
        .arg("wire")
        .stdin(File::open(&path).expect("written above"))
        .stderr(Stdio::inherit())
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", peer.display()));
    assert!(output.status.success(), "{} wire: {}", peer.display(), output.status);
    let text = String::from_utf8(output.stdout).expect("the oracle writes UTF-8");
    let answers: Vec<Answer> = text.lines().filter(|line| line.starts_with('{')).map(parse).collect();
    assert_eq!(answers.len(), count, "the oracle left questions without an answer");
    answers
}

fn parse(line: &str) -> Answer {
    let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    match value.get("error") {
        Some(error) => Answer::Refused(error.to_string()),
        None => Answer::Accepted {
            json: value["json"].clone(),
            hex: value["hex"].as_str().expect("the oracle writes hex").to_owned(),
            rest: value["rest"].as_u64().unwrap_or(0),
        },
    }
}
