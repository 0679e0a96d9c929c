//! Owns the way to Kafka's own classes: one Java process reads questions and writes answers, a JSON object a line each.
//!
//! Tests alone; needs Java 17 or later.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "a test that drives another process")]

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// Asks all questions of `peer COMMAND` at once; the answers come in their order.
///
/// # Panics
/// Where Java is missing, or an answer.
pub fn ask(command: &str, questions: impl Iterator<Item = Value>) -> Vec<Value> {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let path = dir.path().join("questions");
    let mut count = 0;
    let mut file = BufWriter::new(File::create(&path).expect("a temporary file"));
    for question in questions {
        writeln!(file, "{question}").expect("a temporary file takes the questions");
        count += 1;
    }
    file.into_inner().expect("a temporary file takes the questions");

    let peer = Path::new(env!("CARGO_MANIFEST_DIR")).join("peer/peer");
    let java = Command::new("java").arg("-version").stderr(Stdio::null()).status();
    assert!(java.is_ok_and(|status| status.success()), "this test needs Java 17 or later on the path");
    let output = Command::new(&peer)
        .arg(command)
        .stdin(File::open(&path).expect("written above"))
        .stderr(Stdio::inherit())
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", peer.display()));
    assert!(output.status.success(), "{} {command}: {}", peer.display(), output.status);
    let text = String::from_utf8(output.stdout).expect("the oracle writes UTF-8");
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
    let answers: Vec<Value> = text.lines().filter(|line| line.starts_with('{')).map(parse).collect();
    assert_eq!(answers.len(), count, "the oracle left questions without an answer");
    answers
}
