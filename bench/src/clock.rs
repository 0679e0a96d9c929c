//! The one clock of a run: nanoseconds since 1970 that never go back.
//!
//! Read by every thread of the generator. It takes the wall clock once and counts monotonically from there, so that stamps in records
//! compare between the threads of a process, and between processes of one machine as well as their wall clocks do.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Nanoseconds in a second.
pub const SECOND_NS: u64 = 1_000_000_000;

/// A point in time and what it was called.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
    origin_unix_ns: u64,
}

impl Clock {
    /// Takes the wall clock.
    pub fn start() -> Clock {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Clock { origin: Instant::now(), origin_unix_ns: nanoseconds(unix) }
    }

    /// Nanoseconds since 1970.
    pub fn now_ns(&self) -> u64 {
        self.origin_unix_ns + nanoseconds(self.origin.elapsed())
    }

    /// Blocks the thread until `time_ns`; returns at once if it has passed.
    pub fn sleep_until(&self, time_ns: u64) {
        let now_ns = self.now_ns();
        if time_ns > now_ns {
            std::thread::sleep(Duration::from_nanos(time_ns - now_ns));
        }
    }
}

/// Whole nanoseconds, at most what fits.
pub fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The day of a time in seconds since 1970, as `2026-07-31` (UTC).
pub fn day_of(unix_seconds: u64) -> String {
    let mut days = unix_seconds / 86_400;
    let mut year = 1970;
    loop {
        let year_days = if is_leap(year) { 366 } else { 365 };
        if days < year_days {
            break;
        }
        days -= year_days;
        year += 1;
    }
    let february = if is_leap(year) { 29 } else { 28 };
    let mut month = 1;
    for month_days in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < month_days {
            break;
        }
        days -= month_days;
        month += 1;
    }
    format!("{year}-{month:02}-{:02}", days + 1)
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (seconds, day) in [
            (0, "1970-01-01"),
            (951_782_400, "2000-02-29"),
            (951_868_800, "2000-03-01"),
            (1_798_761_599, "2026-12-31"),
            (1_798_761_600, "2027-01-01"),
        ] {
            assert_eq!(day_of(seconds), day);
        }
    }

    #[test]
    fn the_clock_never_goes_back() {
        let clock = Clock::start();
        let times: Vec<u64> = (0..1000).map(|_| clock.now_ns()).collect();
        assert!(times.is_sorted());
    }
}
