//! What became of every record: what was sent, compared with what arrived.

use std::collections::BTreeMap;

use super::checker::{Findings, Stream};
use super::producer::Sent;

/// Both ends of a run, by topic.
#[derive(Default)]
pub struct Ledger {
    sent: Vec<(usize, Sent)>,
    arrived: BTreeMap<(usize, i32, u32), Stream>,
}

impl Ledger {
    /// Notes what a producer sent to a partition of a topic.
    pub fn send(&mut self, topic: usize, sent: Sent) {
        self.sent.push((topic, sent));
    }

    /// Notes what arrived of a producer in a partition of a topic.
    pub fn arrive(&mut self, topic: usize, partition: i32, producer: u32, stream: Stream) {
        self.arrived.insert((topic, partition, producer), stream);
    }

    /// Compares both ends. `is_followed`: consumers read while producers wrote, so what was sent must have arrived; otherwise only
    /// what arrived is judged. Streams of producers that are not of this run are judged alone.
    pub fn findings(mut self, is_followed: bool) -> Findings {
        let mut findings = Findings::default();
        if is_followed {
            for (topic, sent) in &self.sent {
                let stream = self.arrived.remove(&(*topic, sent.partition, sent.producer)).unwrap_or_default();
                findings.add(stream.findings(sent.sequence, &sent.unconfirmed));
            }
        }
        for stream in self.arrived.values() {
            findings.add(stream.findings_alone());
        }
        findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(partition: i32, sequence: u64) -> Sent {
        Sent { producer: 1, partition, sequence, unconfirmed: Vec::new() }
    }

    fn arrived(sequences: impl IntoIterator<Item = u64>) -> Stream {
        let mut stream = Stream::default();
        sequences.into_iter().for_each(|sequence| {
            stream.see(sequence);
        });
        stream
    }

    #[test]
    fn a_partition_of_which_nothing_arrived_is_lost_whole() {
        let mut ledger = Ledger::default();
        ledger.send(0, sent(0, 10));
        ledger.send(0, sent(1, 7));
        ledger.arrive(0, 0, 1, arrived(0..10));
        assert_eq!(ledger.findings(true), Findings { lost: 7, ..Findings::default() });
    }

    #[test]
    fn the_same_partition_of_another_topic_is_another() {
        let mut ledger = Ledger::default();
        ledger.send(0, sent(0, 10));
        ledger.arrive(1, 0, 1, arrived(0..10));
        assert_eq!(ledger.findings(true), Findings { lost: 10, ..Findings::default() });
    }

    #[test]
    fn without_consumers_nothing_is_missed() {
        let mut ledger = Ledger::default();
        ledger.send(0, sent(0, 10));
        assert!(ledger.findings(false).is_clean());
    }
}
