//! Our assignors against Kafka's own classes: drawn groups, their members alike or not, static or not, with what they held before; the
//! targets must be the same to the last partition.
//!
//! Run by `cargo test -p corelog-tests --test assignors`. Needs Java 17 or later; one process of `tests/peer/peer assign` answers all
//! questions. `ASSIGNOR_SEED` and `ASSIGNOR_GROUPS` (default 1 and 400) draw others and more of them.
//!
//! Kafka's `uniform` goes through members, and through topics where all subscribe alike, in the order of its hash maps, which decides who
//! gets a larger share where shares differ by one. Here both are given the order of the ids, which ours always has: the groups' sizes and
//! the number of partitions that move are those of Kafka in any order.

#![allow(clippy::indexing_slicing, reason = "a test that should stop where its own place is wrong")]

mod group;

use std::collections::BTreeMap;

use corelog_tests::peer;
use group::Drawn;
use serde_json::Value;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}: not a number")))
}

#[test]
fn targets_are_those_of_kafkas_assignors() {
    let (seed, groups) = (number("ASSIGNOR_SEED", 1), number("ASSIGNOR_GROUPS", 400));
    let drawn: Vec<Drawn> = (0..groups).flat_map(|group| group::draw(seed + group)).collect();
    let answers = peer::ask("assign", drawn.iter().map(Drawn::question));
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut faults = Vec::new();
    for (drawn, answer) in drawn.iter().zip(&answers) {
        *counts.entry(drawn.kind()).or_default() += 1;
        let ours = drawn.target();
        if *answer != ours {
            faults.push(format!("{}\nKafka {answer}\nours  {ours}", drawn.question()));
        }
    }
    println!("{counts:?}");
    let shown: Vec<String> = faults.iter().take(5).cloned().collect();
    assert!(faults.is_empty(), "seed {seed}: {} of {} differ\n{}", faults.len(), drawn.len(), shown.join("\n"));
    assert_eq!(counts.len(), 4, "both assignors, for members that subscribe alike and for others: {counts:?}");
    let moved = answers.iter().filter(|answer| answer.as_object().is_some_and(|members| members.values().any(has_any)));
    assert!(moved.count() * 2 > answers.len(), "most groups have something to assign");
}

fn has_any(member: &Value) -> bool {
    member.as_object().is_some_and(|topics| !topics.is_empty())
}
