//! When records are due in an open loop: at fixed times that do not wait for the broker.
//!
//! Latency counts from these times, so a broker that stands still for a second makes every record that was due in that second late, as
//! it would for the people who wait for them: coordinated omission cannot happen.

/// Nanoseconds in a second, as a factor.
const SECOND_NS: f64 = 1e9;

/// The records of one connection, evenly spaced.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    start_ns: u64,
    step_ns: f64,
    next: u64,
}

impl Schedule {
    /// `rate` records a second, the first at `start_ns`.
    pub fn new(start_ns: u64, rate: f64) -> Schedule {
        assert!(rate > 0.0, "a schedule has a rate");
        Schedule { start_ns, step_ns: SECOND_NS / rate, next: 0 }
    }

    /// When the record `index` is due.
    pub fn time_of(&self, index: u64) -> u64 {
        self.start_ns + (index as f64 * self.step_ns) as u64
    }

    /// From one record to the next.
    pub fn step_ns(&self) -> f64 {
        self.step_ns
    }

    /// The first record that was not taken.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// When the first record that was not taken is due.
    pub fn next_ns(&self) -> u64 {
        self.time_of(self.next)
    }

    /// Records due at `now_ns` and not taken.
    pub fn due(&self, now_ns: u64) -> u64 {
        if now_ns < self.next_ns() {
            return 0;
        }
        let mut until = ((now_ns - self.start_ns) as f64 / self.step_ns) as u64 + 1;
        // Rounding may be off by one either way.
        while until > self.next && self.time_of(until - 1) > now_ns {
            until -= 1;
        }
        until.saturating_sub(self.next).max(1)
    }

    /// Takes the first `count` of them.
    pub fn take(&mut self, count: u64) {
        self.next += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::latency;

    #[test]
    fn records_are_due_at_their_times() {
        let mut schedule = Schedule::new(1_000, 1e6);
        assert_eq!((schedule.due(999), schedule.due(1_000), schedule.due(1_999), schedule.due(2_000)), (0, 1, 1, 2));
        schedule.take(2);
        assert_eq!((schedule.due(2_999), schedule.next_ns(), schedule.due(3_000)), (0, 3_000, 1));
    }

    #[test]
    fn odd_rates_lose_and_gain_nothing_over_an_hour() {
        for rate in [3.0, 7.7, 333.3, 123_456.7] {
            let mut schedule = Schedule::new(1_700_000_000_000_000_000, rate);
            for second in 1..=3600_u64 {
                let now_ns = 1_700_000_000_000_000_000 + second * 1_000_000_000;
                let due = schedule.due(now_ns);
                schedule.take(due);
                assert!(schedule.next_ns() > now_ns);
                assert!(schedule.time_of(schedule.next() - 1) <= now_ns);
            }
            assert!((schedule.next() as f64 - rate * 3600.0).abs() < 2.0);
        }
    }

    #[test]
    fn a_standstill_is_charged_to_every_record_that_was_due() {
        // 1000 records a second; the broker answers at once but for one second in which it stands still.
        let mut schedule = Schedule::new(0, 1000.0);
        let mut latencies = latency::histogram();
        let mut now_ns = 0;
        while now_ns < 10_000_000_000 {
            let due = schedule.due(now_ns);
            for index in schedule.next()..schedule.next() + due {
                latencies.saturating_record(now_ns - schedule.time_of(index));
            }
            schedule.take(due);
            now_ns += if now_ns == 5_000_000_000 { 1_000_000_000 } else { 1_000_000 };
        }
        assert_eq!(latencies.len(), 10_000);
        let late = latencies.len() - latencies.count_between(0, 500_000);
        assert!((990..=1000).contains(&late), "{late} of the 1000 due in the standstill are late");
        let p95_ms = latencies.value_at_quantile(0.95) as f64 / 1e6;
        assert!((490.0..510.0).contains(&p95_ms), "half of a tenth waited half a second: {p95_ms}");
    }
}
