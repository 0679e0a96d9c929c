//! Owns the choice of who gets the next partition of a topic, and who gives one.
//!
//! Pure; for `uniform_mixed`. The subscribers are sorted once, by how much they hold. Those that hold least are served in turn, all of them
//! once before any of them again, and so are those that hold most, from the other end; each turn takes in those that hold as much by then.

/// The subscribers of one topic, between those that hold least and those that hold most.
pub(super) struct Balance {
    sorted: Vec<usize>,
    /// What each of the emptiest holds before its turn: one less than any where none was served yet.
    least: i64,
    emptiest_end: usize,
    next_emptiest: usize,
    /// What each of the fullest holds before its turn: one more than any where none was served yet.
    most: i64,
    fullest_start: usize,
    /// Behind it are those that have nothing left to give.
    fullest_end: usize,
    next_fullest_end: usize,
}

impl Balance {
    /// The subscribers by what each holds; nothing where there are none.
    pub(super) fn new(subscribers: &[usize], sizes: &[usize]) -> Option<Balance> {
        let mut sorted = subscribers.to_vec();
        sorted.sort_by_key(|index| (size(sizes, *index), *index));
        let (first, last) = (*sorted.first()?, *sorted.last()?);
        let count = sorted.len();
        Some(Balance {
            sorted,
            least: size(sizes, first) - 1,
            emptiest_end: 0,
            next_emptiest: 0,
            most: size(sizes, last) + 1,
            fullest_start: count,
            fullest_end: count,
            next_fullest_end: count,
        })
    }

    /// Whether nothing is left to even out.
    pub(super) fn is_even(&self) -> bool {
        self.most - self.least <= 1
    }

    /// Who gets the next partition.
    pub(super) fn next_emptiest(&mut self, sizes: &[usize]) -> Option<usize> {
        if self.next_emptiest >= self.emptiest_end {
            self.least += 1;
            while self.size_at(self.emptiest_end, sizes) == Some(self.least) {
                self.emptiest_end += 1;
            }
            self.next_emptiest = 0;
        }
        let found = self.sorted.get(self.next_emptiest).copied();
        self.next_emptiest += 1;
        found
    }

    /// Who gives the next partition, among those that have any.
    pub(super) fn next_fullest(&mut self, sizes: &[usize], has_any: impl Fn(usize) -> bool) -> Option<usize> {
        loop {
            if self.next_fullest_end <= self.fullest_start {
                self.begin_turn_of_fullest(sizes);
            }
            let place = self.next_fullest_end.checked_sub(1)?;
            self.next_fullest_end = place;
            let found = self.sorted.get(place).copied()?;
            if has_any(found) {
                return Some(found);
            }
            let last = self.fullest_end.checked_sub(1)?;
            self.sorted.swap(place, last);
            self.fullest_end = last;
        }
    }

    fn begin_turn_of_fullest(&mut self, sizes: &[usize]) {
        let before = |start: usize| start.checked_sub(1);
        let below = before(self.fullest_start).and_then(|place| self.size_at(place, sizes));
        match below {
            Some(below) if self.fullest_end <= self.fullest_start => self.most = below,
            _ => self.most -= 1,
        }
        while let Some(place) = before(self.fullest_start)
            && self.size_at(place, sizes) == Some(self.most)
        {
            self.fullest_start = place;
        }
        self.next_fullest_end = self.fullest_end;
    }

    fn size_at(&self, place: usize, sizes: &[usize]) -> Option<i64> {
        self.sorted.get(place).map(|index| size(sizes, *index))
    }
}

fn size(sizes: &[usize], index: usize) -> i64 {
    sizes.get(index).and_then(|size| i64::try_from(*size).ok()).unwrap_or_default()
}
