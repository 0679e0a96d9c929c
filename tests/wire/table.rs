//! Our API table against the one that a Kafka broker prints.

#![allow(clippy::disallowed_methods, reason = "a test that reads its fixture")]

use std::path::Path;

use corelog_protocol::ApiKey;

#[test]
fn versions_are_those_that_kafka_advertises() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("peer/api-versions-4.3.1.txt");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut listed = 0;
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [name, numbers @ ..] = words.as_slice() else { panic!("{line}") };
        let numbers: Vec<i16> = numbers.iter().map(|word| word.parse().expect("a number")).collect();
        let key = ApiKey::from_code(numbers[0]).unwrap_or_else(|| panic!("{line}: no such API here"));
        assert_eq!(
            (key.name(), key.code(), key.min_version(), key.max_version()),
            (*name, numbers[0], numbers[1], numbers[2])
        );
        listed += 1;
    }
    // Client telemetry is answered only once a receiver is configured, so the printed table lacks its two APIs.
    assert_eq!(listed + 2, ApiKey::ALL.len());
}
