//! Owns a partition's four offsets and their order.

use crate::ids::Offset;

/// `log start <= stable <= high watermark <= end`, checked after every change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watermarks {
    log_start: Offset,
    stable: Offset,
    high: Offset,
    end: Offset,
}

impl Watermarks {
    /// A partition of which everything up to `end` is durable.
    pub fn settled(log_start: Offset, end: Offset) -> Watermarks {
        let marks = Watermarks { log_start, stable: end, high: end, end };
        marks.check();
        marks
    }

    /// First offset that can be read.
    pub fn log_start(&self) -> Offset {
        self.log_start
    }

    /// Where readers of committed transactions stop.
    pub fn stable(&self) -> Offset {
        self.stable
    }

    /// Where all readers stop.
    pub fn high(&self) -> Offset {
        self.high
    }

    /// The offset that the next record gets.
    pub fn end(&self) -> Offset {
        self.end
    }

    /// Records were appended up to, without, `end`.
    pub fn append_to(&mut self, end: Offset) {
        assert!(end > self.end, "an append moves the end");
        self.end = end;
        self.check();
    }

    /// Readers may see what lies before `high`. Says whether that is news; never goes back, never beyond the end.
    pub fn raise_high(&mut self, high: Offset) -> bool {
        let high = high.min(self.end);
        if high <= self.high {
            return false;
        }
        self.high = high;
        // Without open transactions everything visible is stable.
        self.stable = high;
        self.check();
        true
    }

    /// What lies before `start` is gone. Says whether that is news. `start` must not lie beyond the high watermark.
    pub fn raise_log_start(&mut self, start: Offset) -> bool {
        assert!(start <= self.high, "only what was visible can go");
        if start <= self.log_start {
            return false;
        }
        self.log_start = start;
        self.check();
        true
    }

    /// What lies at or after `end` is gone, on a change of leader.
    pub fn truncate_to(&mut self, end: Offset) {
        self.end = self.end.min(end);
        self.high = self.high.min(self.end);
        self.stable = self.stable.min(self.high);
        self.log_start = self.log_start.min(self.stable);
        self.check();
    }

    fn check(&self) {
        assert!(
            Offset::ZERO <= self.log_start
                && self.log_start <= self.stable
                && self.stable <= self.high
                && self.high <= self.end,
            "offsets out of order: {self:?}"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn high_watermark_follows_but_never_passes_the_end() {
        let mut marks = Watermarks::settled(Offset(0), Offset(0));
        marks.append_to(Offset(10));
        assert_eq!((marks.high(), marks.end()), (Offset(0), Offset(10)));
        assert!(marks.raise_high(Offset(4)));
        assert!(!marks.raise_high(Offset(3)));
        assert!(marks.raise_high(Offset(99)));
        assert_eq!((marks.stable(), marks.high()), (Offset(10), Offset(10)));
        assert!(marks.raise_log_start(Offset(10)));
        assert!(!marks.raise_log_start(Offset(2)));
    }

    #[test]
    #[should_panic(expected = "only what was visible can go")]
    fn log_start_beyond_the_high_watermark_is_a_bug() {
        let mut marks = Watermarks::settled(Offset(0), Offset(0));
        marks.append_to(Offset(10));
        marks.raise_log_start(Offset(1));
    }
}
