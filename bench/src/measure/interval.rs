//! What happened in one interval (a second, as a rule) on one thread, and the sum over threads and intervals.

use hdrhistogram::Histogram;

use super::latency;

/// Records on their way in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// Records acknowledged or received.
    pub records: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
    /// Bytes of their batches, as they were sent.
    pub batch_bytes: u64,
    /// Requests answered.
    pub requests: u64,
    /// Batches in them.
    pub batches: u64,
}

impl Flow {
    /// Adds another.
    pub fn add(&mut self, other: Flow) {
        self.records += other.records;
        self.bytes += other.bytes;
        self.batch_bytes += other.batch_bytes;
        self.requests += other.requests;
        self.batches += other.batches;
    }
}

/// One interval.
#[derive(Clone, Debug)]
pub struct Interval {
    /// Its number: 0 from the start of the load.
    pub index: usize,
    /// Acknowledged.
    pub produced: Flow,
    /// Received.
    pub consumed: Flow,
    /// From when a record was due (open loop) or sent (closed loop) to its acknowledgement, in ns.
    pub acknowledgement: Histogram<u64>,
    /// From when a record was due or sent to its arrival at a consumer, in ns.
    pub end_to_end: Histogram<u64>,
    /// How late the generator itself was: from when a request could and should have been sent to when it was, in ns.
    pub lateness: Histogram<u64>,
}

impl Interval {
    /// An empty one.
    pub fn new(index: usize) -> Interval {
        Interval {
            index,
            produced: Flow::default(),
            consumed: Flow::default(),
            acknowledgement: latency::histogram(),
            end_to_end: latency::histogram(),
            lateness: latency::histogram(),
        }
    }

    /// Adds what another thread, or another interval, has.
    pub fn add(&mut self, other: &Interval) {
        self.produced.add(other.produced);
        self.consumed.add(other.consumed);
        let pairs = [
            (&mut self.acknowledgement, &other.acknowledgement),
            (&mut self.end_to_end, &other.end_to_end),
            (&mut self.lateness, &other.lateness),
        ];
        for (to, from) in pairs {
            to.add(from).expect("all histograms have the same bounds");
        }
    }
}
