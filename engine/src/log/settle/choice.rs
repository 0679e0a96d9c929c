//! Owns the choice of the segments to settle. Pure code.

/// A sealed segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    /// Bytes of its file.
    pub file_bytes: u64,
    /// Bytes of batches in it that can still be asked for.
    pub live_bytes: u64,
}

impl Candidate {
    /// What could be had back: dead batches, padding, tables, and room that was never filled.
    fn waste_bytes(&self) -> u64 {
        self.file_bytes.saturating_sub(self.live_bytes)
    }

    fn waste_share(&self) -> f64 {
        self.waste_bytes() as f64 / self.file_bytes.max(1) as f64
    }
}

/// Of each new segment, what its own header, tables and padding may take at most.
const OVERHEAD_DIVISOR: u64 = 16;
/// Segments settled at once at most.
const SEGMENTS_MAX: usize = 16;

/// The segments whose settling frees at least one file of `file_bytes`, those that waste most, by their index. Empty if none do: moving
/// bytes that free nothing is never worth it. Segments that waste less than `share_min` are left alone, so every byte freed costs at most
/// `(1 - share_min) / share_min` bytes moved.
pub(super) fn choose(candidates: &[Candidate], file_bytes: u64, share_min: f64) -> Vec<usize> {
    let mut wasteful: Vec<(usize, &Candidate)> =
        candidates.iter().enumerate().filter(|(_, candidate)| candidate.waste_share() >= share_min).collect();
    wasteful.sort_by(|(_, left), (_, right)| right.waste_share().total_cmp(&left.waste_share()));
    let mut chosen = Vec::new();
    let (mut taken_bytes, mut live_bytes) = (0, 0);
    for (index, candidate) in wasteful.into_iter().take(SEGMENTS_MAX) {
        chosen.push(index);
        taken_bytes += candidate.file_bytes;
        live_bytes += candidate.live_bytes;
        let usable_bytes = file_bytes - file_bytes / OVERHEAD_DIVISOR;
        let needed_bytes = live_bytes.div_ceil(usable_bytes.max(1)) * file_bytes;
        if needed_bytes + file_bytes <= taken_bytes {
            chosen.sort_unstable();
            return chosen;
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(live: &[u64]) -> Vec<Candidate> {
        live.iter().map(|live| Candidate { file_bytes: 1000, live_bytes: *live }).collect()
    }

    #[test]
    fn full_segments_are_left_alone() {
        assert!(choose(&segments(&[990, 980, 1000, 900]), 1000, 0.33).is_empty());
    }

    #[test]
    fn waste_that_is_no_whole_file_is_left_alone() {
        assert!(choose(&segments(&[500]), 1000, 0.33).is_empty());
        assert!(choose(&segments(&[500, 600]), 1000, 0.33).is_empty());
    }

    #[test]
    fn those_that_waste_most_come_first_and_no_more_than_needed() {
        assert_eq!(choose(&segments(&[660, 100, 400, 990, 300]), 1000, 0.33), [1, 4]);
        assert_eq!(choose(&segments(&[600, 650, 600]), 1000, 0.33), [0, 1, 2]);
    }

    #[test]
    fn what_was_settled_is_not_settled_again_for_nothing() {
        // A new segment that is only partly filled, alone or beside full ones.
        assert!(choose(&segments(&[400, 930, 930]), 1000, 0.33).is_empty());
    }
}
