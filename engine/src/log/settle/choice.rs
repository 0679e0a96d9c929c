//! Owns the choice of the segments to settle, and why. Pure code.

use std::fmt;

/// A sealed segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    /// Bytes of its file.
    pub file_bytes: u64,
    /// Bytes of batches in it that can still be asked for.
    pub live_bytes: u64,
    /// Parts of partitions in it that can still be asked for.
    pub spans: u32,
    /// Pieces in which its batches lie.
    pub extents: u32,
    /// It may be settled for its waste now.
    pub is_ripe: bool,
    /// It may be sorted: it was not before, its records are no news any more, and they are not about to die.
    pub is_sortable: bool,
    /// It has waited long enough for others to be sorted with.
    pub is_overdue: bool,
}

/// Why segments are settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// What they waste is worth a file.
    Waste,
    /// They waste something, and the disk is full.
    DiskFull,
    /// The parts of their partitions are small and far apart.
    Fragments,
}

impl Reason {
    /// All of them.
    pub const ALL: [Reason; 3] = [Reason::Waste, Reason::DiskFull, Reason::Fragments];

    /// What metrics call it.
    pub fn name(self) -> &'static str {
        match self {
            Reason::Waste => "waste",
            Reason::DiskFull => "disk-full",
            Reason::Fragments => "fragments",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Reason::Waste => "what they waste is worth a file",
            Reason::DiskFull => "the disk is full, and they waste something",
            Reason::Fragments => "readers of a partition would have to read its neighbours too",
        })
    }
}

impl Candidate {
    /// What could be had back: dead batches, padding, tables, and room that was never filled.
    fn waste_bytes(&self) -> u64 {
        self.file_bytes.saturating_sub(self.live_bytes)
    }

    fn waste_share(&self) -> f64 {
        self.waste_bytes() as f64 / self.file_bytes.max(1) as f64
    }

    /// How much the device reads for a byte that the reader of one partition wants, in blocks of `block_bytes`: of a block he wants an extent or two, or
    /// his share of all.
    fn read_per_wanted(&self, block_bytes: u64) -> u64 {
        let by_extents = u64::from(self.extents) * block_bytes / self.live_bytes.max(1);
        by_extents.min(self.spans.into())
    }
}

/// Of each new segment, what its own header, tables and padding may take at most.
const OVERHEAD_DIVISOR: u64 = 16;
/// What header, footer and the last commit take of it beyond that, where files are small.
const FRAME_BYTES: u64 = 24 << 10;
/// Segments settled at once at most.
const SEGMENTS_MAX: usize = 16;

/// While space is no issue, a byte moved must free at least so many.
const FREED_PER_MOVED: u64 = 4;
/// Files in use beyond so many tenths of what is live are an issue, if there are more than a few of them.
const FILES_PER_LIVE_TENTHS: u64 = 14;
const FILES_FEW: u64 = 3;

/// On a full disk, what share of a segment must be free for other batches before it is looked at.
const SHORT_WASTE_SHARE_MIN: f64 = 0.125;

/// Segments sorted at once: they take as many files again for a while. Parts of partitions become so many times as long.
const SORTED_MAX: usize = 8;
const SORTED_MIN: usize = 2;
/// Segments are sorted if readers of one partition read so many times what they want, and afterwards at most a quarter of that.
const READ_PER_WANTED_MIN: u64 = 8;
const READ_PER_WANTED_GAIN: u64 = 4;

/// The segments whose settling for their waste frees most, by their index; empty if none is worth it. What is freed are whole files of `file_bytes`.
///
/// While files take little more than what is live in them, a byte moved must free several: survivors of a few segments are
/// moved soon, a settled segment that is fuller waits until enough others are like it. Beyond that whatever frees a file is worth it.
/// Segments that waste less than `share_min` are always left alone, so a byte freed never costs more than `(1 - share_min) /
/// share_min` bytes moved.
pub(super) fn choose(candidates: &[Candidate], file_bytes: u64, share_min: f64) -> Vec<usize> {
    let wasteful = most_wasteful(candidates, share_min, |candidate| candidate.is_ripe);
    let ripe = || candidates.iter().filter(|candidate| candidate.is_ripe);
    let files: u64 = ripe().map(|candidate| candidate.file_bytes).sum();
    let live: u64 = ripe().map(|candidate| candidate.live_bytes).sum();
    let is_issue = files > live / 10 * FILES_PER_LIVE_TENTHS + FILES_FEW * file_bytes;
    let (mut taken_bytes, mut moved_bytes) = (0, 0);
    let mut best = (0, 0);
    for (count, (_, candidate)) in (1..=SEGMENTS_MAX).zip(&wasteful) {
        taken_bytes += candidate.file_bytes;
        moved_bytes += candidate.live_bytes;
        let freed_bytes = freed_bytes(taken_bytes, moved_bytes, file_bytes);
        let is_worth_it = freed_bytes >= file_bytes && (is_issue || freed_bytes >= moved_bytes * FREED_PER_MOVED);
        if is_worth_it && freed_bytes > best.0 {
            best = (freed_bytes, count);
        }
    }
    let mut chosen: Vec<usize> = wasteful.iter().take(best.1).map(|(index, _)| *index).collect();
    chosen.sort_unstable();
    chosen
}

/// On a full disk: as few segments as free a file between them, what wastes most first. There may be room for one new segment only, which
/// takes the first of them wholly and what it can of the others: the file of the first is there for the next.
pub(super) fn choose_for_room(candidates: &[Candidate], file_bytes: u64) -> Vec<usize> {
    let room_bytes = room_bytes(file_bytes);
    let fits = |candidate: &Candidate| candidate.live_bytes as f64 <= room_bytes as f64 * (1.0 - SHORT_WASTE_SHARE_MIN);
    let wasteful = most_wasteful(candidates, 0.0, fits);
    let mut moved_bytes = 0;
    for (count, (_, candidate)) in (1..=SEGMENTS_MAX as u64).zip(&wasteful) {
        moved_bytes += candidate.live_bytes;
        if moved_bytes.div_ceil(room_bytes) < count {
            return wasteful.iter().take(count as usize).map(|(index, _)| *index).collect();
        }
    }
    Vec::new()
}

/// Segments that follow each other in which the partitions' parts are small and far apart, the oldest first, by their index; empty if there are
/// none. `candidates` are in the order of their age, `block_bytes` is what readers read at once.
///
/// Where a few partitions share a segment, or each has large pieces in it, nothing is gained by sorting.
pub(super) fn choose_fragmented(candidates: &[Candidate], block_bytes: u64) -> Vec<usize> {
    let is_fragmented =
        |candidate: &Candidate| candidate.is_sortable && candidate.read_per_wanted(block_bytes) >= READ_PER_WANTED_MIN;
    let mut run: Vec<usize> = Vec::new();
    for (index, candidate) in candidates.iter().enumerate() {
        if is_fragmented(candidate) {
            run.push(index);
            if run.len() == SORTED_MAX {
                break;
            }
        } else if run.len() >= SORTED_MIN {
            break;
        } else {
            run.clear();
        }
    }
    let sources: Vec<&Candidate> = run.iter().filter_map(|index| candidates.get(*index)).collect();
    let live_bytes: u64 = sources.iter().map(|source| source.live_bytes).sum();
    let spans = sources.iter().map(|source| source.spans).max().unwrap_or(0);
    let before = sources.iter().map(|source| source.read_per_wanted(block_bytes)).min().unwrap_or(0);
    let sorted = sources.first().map(|first| Candidate { live_bytes, spans, extents: spans, ..**first });
    let pays = sorted.is_some_and(|sorted| before >= READ_PER_WANTED_GAIN * sorted.read_per_wanted(block_bytes));
    let is_due = run.len() == SORTED_MAX || sources.first().is_some_and(|first| first.is_overdue);
    if run.len() >= SORTED_MIN && pays && is_due { run } else { Vec::new() }
}

fn most_wasteful(
    candidates: &[Candidate],
    share_min: f64,
    takes: impl Fn(&Candidate) -> bool,
) -> Vec<(usize, &Candidate)> {
    let is_wasteful = |(_, candidate): &(usize, &Candidate)| candidate.waste_share() >= share_min && takes(candidate);
    let mut wasteful: Vec<(usize, &Candidate)> = candidates.iter().enumerate().filter(is_wasteful).collect();
    wasteful.sort_by(|(_, left), (_, right)| right.waste_share().total_cmp(&left.waste_share()));
    wasteful
}

fn freed_bytes(taken_bytes: u64, moved_bytes: u64, file_bytes: u64) -> u64 {
    taken_bytes.saturating_sub(moved_bytes.div_ceil(usable_bytes(file_bytes)) * file_bytes)
}

/// What a new segment surely has room for, of batches, however small it is.
pub(super) fn room_bytes(file_bytes: u64) -> u64 {
    usable_bytes(file_bytes).saturating_sub(FRAME_BYTES.min(file_bytes / 8)).max(1)
}

/// What a new segment holds of batches.
fn usable_bytes(file_bytes: u64) -> u64 {
    (file_bytes - file_bytes / OVERHEAD_DIVISOR).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segments(live: &[u64]) -> Vec<Candidate> {
        let segment = |live: &u64| Candidate {
            file_bytes: 1000,
            live_bytes: *live,
            spans: 1,
            extents: 1,
            is_ripe: true,
            is_sortable: true,
            is_overdue: true,
        };
        live.iter().map(segment).collect()
    }

    const KIB: u64 = 1 << 10;
    const BLOCK_BYTES: u64 = 256 * KIB;

    /// A full segment of 256 MiB with `spans` partitions in pieces of `piece_bytes`.
    fn interleaved(spans: u32, piece_bytes: u64) -> Candidate {
        let live_bytes = 250 << 20;
        let extents = (live_bytes / piece_bytes) as u32;
        Candidate {
            file_bytes: 256 << 20,
            live_bytes,
            spans,
            extents,
            is_ripe: true,
            is_sortable: true,
            is_overdue: true,
        }
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

    #[test]
    fn full_disk_takes_the_fewest_that_free_a_file() {
        assert_eq!(choose_for_room(&segments(&[990, 400, 300, 500, 100]), 1000), [4, 2]);
        // No two fit into one: what wastes most moves wholly, the rest as far as there is room.
        assert_eq!(choose_for_room(&segments(&[510, 990, 500, 520]), 1000), [2, 0, 3]);
        assert!(choose_for_room(&segments(&[990, 950, 750, 750, 750, 750, 750, 750, 750]), 1000).is_empty());
        assert!(choose_for_room(&segments(&[500]), 1000).is_empty());
    }

    #[test]
    fn what_is_about_to_die_by_itself_is_not_looked_at_for_its_waste() {
        let mut found = segments(&[100, 100]);
        assert_eq!(choose(&found, 1000, 0.33), [0, 1]);
        found[1].is_ripe = false;
        assert!(choose(&found, 1000, 0.33).is_empty());
    }

    #[test]
    fn many_partitions_in_small_pieces_are_sorted() {
        let found = [interleaved(1000, 4 * KIB); 11];
        assert_eq!(choose_fragmented(&found, BLOCK_BYTES), (0..8).collect::<Vec<_>>());
        assert!(choose_fragmented(&found[..1], BLOCK_BYTES).is_empty());
    }

    #[test]
    fn few_partitions_or_large_pieces_are_not_sorted() {
        assert!(choose_fragmented(&[interleaved(4, 4 * KIB); 10], BLOCK_BYTES).is_empty());
        assert!(choose_fragmented(&[interleaved(1000, 256 * KIB); 10], BLOCK_BYTES).is_empty());
        // Twice as long as tiny is still tiny.
        assert!(choose_fragmented(&[interleaved(60_000, 4 * KIB); 2], BLOCK_BYTES).is_empty());
    }

    #[test]
    fn a_few_wait_for_more_to_be_sorted_with() {
        let mut found = [interleaved(1000, 4 * KIB); 5];
        for candidate in &mut found {
            candidate.is_overdue = false;
        }
        assert!(choose_fragmented(&found, BLOCK_BYTES).is_empty());
        found[0].is_overdue = true;
        assert_eq!(choose_fragmented(&found, BLOCK_BYTES), (0..5).collect::<Vec<_>>());
    }

    #[test]
    fn only_neighbours_that_may_be_sorted_are() {
        let mut found = [interleaved(1000, 4 * KIB); 6];
        found[0].is_sortable = false;
        found[2].is_sortable = false;
        assert_eq!(choose_fragmented(&found, BLOCK_BYTES), [3, 4, 5]);
        found[4].is_sortable = false;
        assert!(choose_fragmented(&found, BLOCK_BYTES).is_empty());
    }
}
