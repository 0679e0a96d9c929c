//! What became of every record: what was sent, compared with what arrived.

use std::collections::BTreeMap;

use super::checker::{Findings, Stream};
use super::producer::Sent;

/// Both ends of a run, by topic.
#[derive(Default)]
pub struct Ledger {
    sent: Vec<(usize, Sent)>,
    /// By group, topic, partition and producer.
    arrived: BTreeMap<(usize, usize, i32, u32), Stream>,
}

impl Ledger {
    /// Notes what a producer sent to a partition of a topic.
    pub fn send(&mut self, topic: usize, sent: Sent) {
        self.sent.push((topic, sent));
    }

    /// Notes what arrived of a producer in a partition of a topic at a group.
    pub fn arrive(&mut self, group: usize, topic: usize, partition: i32, producer: u32, stream: Stream) {
        self.arrived.insert((group, topic, partition, producer), stream);
    }

    /// Compares both ends. `groups_following`: as many groups read while producers wrote, so what was sent must have arrived
    /// at each; of the others only what arrived is judged. Streams of producers that are not of this run are judged alone.
    pub fn findings(mut self, groups_following: usize) -> Findings {
        let mut findings = Findings::default();
        for group in 0..groups_following {
            for (topic, sent) in &self.sent {
                let stream = self.arrived.remove(&(group, *topic, sent.partition, sent.producer)).unwrap_or_default();
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
        ledger.arrive(0, 0, 0, 1, arrived(0..10));
        assert_eq!(ledger.findings(1), Findings { lost: 7, ..Findings::default() });
    }

    #[test]
    fn the_same_partition_of_another_topic_is_another() {
        let mut ledger = Ledger::default();
        ledger.send(0, sent(0, 10));
        ledger.arrive(0, 1, 0, 1, arrived(0..10));
        assert_eq!(ledger.findings(1), Findings { lost: 10, ..Findings::default() });
    }

    #[test]
    fn without_consumers_nothing_is_missed() {
        let mut ledger = Ledger::default();
        ledger.send(0, sent(0, 10));
        assert!(ledger.findings(0).is_clean());
    }

    #[test]
    fn every_group_must_have_everything() {
        let mut ledger = Ledger::default();
        ledger.send(0, sent(0, 10));
        ledger.arrive(0, 0, 0, 1, arrived(0..10));
        ledger.arrive(1, 0, 0, 1, arrived(0..9));
        assert_eq!(ledger.findings(2), Findings { lost: 1, ..Findings::default() });
    }
}
