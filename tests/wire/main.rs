//! Our messages against Kafka's own classes: every API, every version, requests and responses, in both directions, with
//! drawn values; and what either side refuses.
//!
//! Run by `cargo test -p corelog-tests --test wire`. Needs Java 17 or later; one process of `tests/peer/peer wire` answers
//! all questions. `WIRE_SEED` and `WIRE_ROUNDS` (default 1 and 6) draw other values and more of them.

#![allow(clippy::indexing_slicing, reason = "a test that should stop where its own place is wrong")]

mod case;
mod oracle;
mod table;

use case::{Case, Origin};
use oracle::Answer;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}: not a number")))
}

#[test]
fn kafka_reads_and_writes_what_we_do() {
    let (seed, rounds) = (number("WIRE_SEED", 1), number("WIRE_ROUNDS", 6));
    let cases = case::draw_all(seed, rounds);
    let answers = oracle::ask(cases.iter().map(Case::question));
    let mut faults: Vec<String> = Vec::new();
    let mut accepted = std::collections::BTreeMap::<Origin, (usize, usize)>::new();
    for (case, answer) in cases.iter().zip(&answers) {
        let counts = accepted.entry(case.origin).or_default();
        counts.0 += 1;
        counts.1 += usize::from(matches!(answer, Answer::Accepted { .. }));
        if let Err(fault) = case.check(answer) {
            faults.push(fault);
        }
    }
    for (origin, (asked, accepted)) in &accepted {
        println!("{origin:?}: {asked} asked, Kafka accepted {accepted}");
    }
    let shown: Vec<String> = faults.iter().take(20).cloned().collect();
    assert!(faults.is_empty(), "seed {seed}: {} of {} differ\n{}", faults.len(), cases.len(), shown.join("\n"));
    case::assert_covered(&cases, &answers);
}
