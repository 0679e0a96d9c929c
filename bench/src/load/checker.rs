//! Follows the order of one producer in one partition, and notices what is missing, twice there, or out of order.

/// Ranges of missing records that are remembered; those beyond are lost even if they come later.
const RANGES_MAX: usize = 10_000;

/// Half-open ranges of sequences.
pub type Ranges = Vec<(u64, u64)>;

/// What arrived of one stream of records.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    /// The sequence after the largest one seen.
    next: u64,
    /// Below `next` and not seen, in rising order.
    missing: Ranges,
    /// Records below `next` that were not seen and are not remembered.
    forgotten: u64,
    duplicated: u64,
    reordered: u64,
}

/// What is wrong with a stream, or with many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Records that were acknowledged and never came.
    pub lost: u64,
    /// Records that came again.
    pub duplicated: u64,
    /// Records that came after one that they belong before.
    pub reordered: u64,
    /// Records that nobody sent.
    pub invented: u64,
}

impl Findings {
    /// Adds another stream's.
    pub fn add(&mut self, other: Findings) {
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.reordered += other.reordered;
        self.invented += other.invented;
    }

    /// Whether nothing is wrong.
    pub fn is_clean(&self) -> bool {
        *self == Findings::default()
    }
}

impl Stream {
    /// A stream of which nothing before `sequence` is expected.
    pub fn starting_at(sequence: u64) -> Stream {
        Stream { next: sequence, ..Stream::default() }
    }

    /// Takes note of a record. Says whether it was seen for the first time.
    pub fn see(&mut self, sequence: u64) -> bool {
        if sequence == self.next {
            self.next += 1;
            return true;
        }
        self.see_out_of_order(sequence)
    }

    #[cold]
    fn see_out_of_order(&mut self, sequence: u64) -> bool {
        if sequence > self.next {
            if self.missing.len() < RANGES_MAX {
                self.missing.push((self.next, sequence));
            } else {
                self.forgotten += sequence - self.next;
            }
            self.next = sequence + 1;
            return true;
        }
        let at = self.missing.partition_point(|(_, end)| *end <= sequence);
        match self.missing.get(at).copied() {
            Some((start, end)) if start <= sequence => {
                let rest = [(start, sequence), (sequence + 1, end)];
                self.missing.splice(at..=at, rest.into_iter().filter(|(start, end)| start < end));
                self.reordered += 1;
                true
            }
            _ => {
                self.duplicated += 1;
                false
            }
        }
    }

    /// Compares with what was sent: the sequences below `sent`, of which those in `unconfirmed` (rising) may or may not be there.
    pub fn findings(&self, sent: u64, unconfirmed: &[(u64, u64)]) -> Findings {
        let excused = |start: u64, end: u64| -> u64 {
            unconfirmed.iter().map(|(from, to)| end.min(*to).saturating_sub(start.max(*from))).sum()
        };
        let tail = (self.next < sent).then_some((self.next, sent));
        let gaps = self.missing.iter().copied().chain(tail);
        let lost: u64 = gaps.map(|(start, end)| end - start - excused(start, end)).sum();
        Findings {
            lost: lost + self.forgotten,
            duplicated: self.duplicated,
            reordered: self.reordered,
            invented: self.next.saturating_sub(sent),
        }
    }

    /// As [`Stream::findings`], where nobody knows what was sent.
    pub fn findings_alone(&self) -> Findings {
        self.findings(self.next, &[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(sequences: impl IntoIterator<Item = u64>) -> Stream {
        let mut stream = Stream::default();
        sequences.into_iter().for_each(|sequence| {
            stream.see(sequence);
        });
        stream
    }

    #[test]
    fn a_whole_stream_is_clean() {
        assert!(after(0..1000).findings(1000, &[]).is_clean());
        assert!(Stream::default().findings(0, &[]).is_clean());
    }

    #[test]
    fn lost_records_are_counted_in_the_middle_and_at_the_end() {
        let stream = after((0..10).chain(13..20).chain(25..30));
        assert_eq!(stream.findings(30, &[]), Findings { lost: 8, ..Findings::default() });
        assert_eq!(stream.findings(40, &[]), Findings { lost: 18, ..Findings::default() });
        assert_eq!(after([]).findings(5, &[]).lost, 5);
    }

    #[test]
    fn unconfirmed_records_are_not_lost() {
        let stream = after((0..10).chain(13..20));
        assert!(stream.findings(25, &[(10, 13), (20, 25)]).is_clean());
        assert_eq!(stream.findings(25, &[(11, 12), (21, 100)]).lost, 3);
    }

    #[test]
    fn duplicated_records_are_counted_once_each_time() {
        let stream = after((0..10).chain(5..7).chain(10..12).chain([11]));
        assert_eq!(stream.findings(12, &[]), Findings { duplicated: 3, ..Findings::default() });
    }

    #[test]
    fn reordered_records_are_neither_lost_nor_duplicated() {
        let stream = after([0, 1, 5, 3, 2, 4, 6]);
        assert_eq!(stream.findings(7, &[]), Findings { reordered: 3, ..Findings::default() });
        let again = after([0, 1, 5, 3, 3, 2, 4, 6]);
        assert_eq!(again.findings(7, &[]), Findings { reordered: 3, duplicated: 1, ..Findings::default() });
    }

    #[test]
    fn a_record_that_nobody_sent_is_found() {
        assert_eq!(after(0..5).findings(3, &[]).invented, 2);
    }

    #[test]
    fn more_gaps_than_are_remembered_are_still_lost() {
        let gaps = 2 * RANGES_MAX as u64;
        let stream = after((0..=gaps).map(|index| index * 2));
        assert_eq!(stream.findings(gaps * 2 + 1, &[]).lost, gaps);
    }
}
