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

/// While space is no issue, a byte moved must free at least so many.
const FREED_PER_MOVED: u64 = 4;
/// Files in use beyond so many tenths of what is live are an issue, if there are more than a few of them.
const FILES_PER_LIVE_TENTHS: u64 = 14;
const FILES_FEW: u64 = 3;

/// The segments whose settling frees most, by their index; empty if none is worth it. What is freed are whole files of `file_bytes`.
///
/// While files take little more than what is live in them, a byte moved must free several: survivors of a few segments are
/// moved soon, a settled segment that is fuller waits until enough others are like it. Beyond that whatever frees a file is worth it.
/// Segments that waste less than `share_min` are always left alone, so a byte freed never costs more than `(1 - share_min) /
/// share_min` bytes moved.
pub(super) fn choose(candidates: &[Candidate], file_bytes: u64, share_min: f64) -> Vec<usize> {
    let mut wasteful: Vec<(usize, &Candidate)> =
        candidates.iter().enumerate().filter(|(_, candidate)| candidate.waste_share() >= share_min).collect();
    wasteful.sort_by(|(_, left), (_, right)| right.waste_share().total_cmp(&left.waste_share()));
    let files: u64 = candidates.iter().map(|candidate| candidate.file_bytes).sum();
    let live: u64 = candidates.iter().map(|candidate| candidate.live_bytes).sum();
    let is_issue = files > live / 10 * FILES_PER_LIVE_TENTHS + FILES_FEW * file_bytes;
    let usable_bytes = (file_bytes - file_bytes / OVERHEAD_DIVISOR).max(1);
    let (mut taken_bytes, mut moved_bytes) = (0, 0);
    let mut best = (0, 0);
    for (count, (_, candidate)) in (1..=SEGMENTS_MAX).zip(&wasteful) {
        taken_bytes += candidate.file_bytes;
        moved_bytes += candidate.live_bytes;
        let freed_bytes = taken_bytes.saturating_sub(moved_bytes.div_ceil(usable_bytes) * file_bytes);
        let is_worth_it = freed_bytes >= file_bytes && (is_issue || freed_bytes >= moved_bytes * FREED_PER_MOVED);
        if is_worth_it && freed_bytes > best.0 {
            best = (freed_bytes, count);
        }
    }
    let mut chosen: Vec<usize> = wasteful.iter().take(best.1).map(|(index, _)| *index).collect();
    chosen.sort_unstable();
    chosen
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
    fn few_survivors_are_moved_soon() {
        assert_eq!(choose(&segments(&[990, 100, 980, 100]), 1000, 0.33), [1, 3]);
        assert_eq!(choose(&segments(&[100, 980, 100, 50, 990]), 1000, 0.33), [0, 2, 3]);
    }

    #[test]
    fn many_survivors_wait_until_space_is_an_issue() {
        assert!(choose(&segments(&[990, 980, 450, 450]), 1000, 0.33).is_empty());
        let full = [450; 12];
        let chosen = choose(&segments(&full), 1000, 0.33);
        assert!(chosen.len() >= 10, "{chosen:?}");
    }

    #[test]
    fn what_was_settled_is_not_settled_again_for_nothing() {
        // A new segment that is only partly filled, alone or beside full ones.
        assert!(choose(&segments(&[400, 930, 930]), 1000, 0.33).is_empty());
    }
}
