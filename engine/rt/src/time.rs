//! Clocks and timers.
//!
//! Owns the monotonic instant, the wall clock and sleeping. Every shard uses it. In simulation time is virtual and
//! jumps to the next timer when nothing can run. The wall clock may jump; it must never be used to measure.

use crate::backend;
use std::future::Future;
use std::io;
use std::ops::{Add, AddAssign, Sub};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

/// A point on the monotonic clock, in nanoseconds since an origin that differs from process to process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant {
    nanoseconds: u64,
}

impl Instant {
    pub(crate) fn from_nanoseconds(nanoseconds: u64) -> Instant {
        Instant { nanoseconds }
    }

    /// Nanoseconds since the origin of the clock.
    pub fn as_nanoseconds(self) -> u64 {
        self.nanoseconds
    }

    /// Time from `earlier` to here, zero if it lies ahead.
    pub fn saturating_since(self, earlier: Instant) -> Duration {
        Duration::from_nanos(self.nanoseconds.saturating_sub(earlier.nanoseconds))
    }

    /// Time that passed since this instant.
    pub fn elapsed(self) -> Duration {
        now().saturating_since(self)
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    fn add(self, duration: Duration) -> Instant {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Instant { nanoseconds: self.nanoseconds.saturating_add(nanoseconds) }
    }
}

impl AddAssign<Duration> for Instant {
    fn add_assign(&mut self, duration: Duration) {
        *self = *self + duration;
    }
}

impl Sub<Instant> for Instant {
    type Output = Duration;

    /// Zero if `earlier` lies ahead.
    fn sub(self, earlier: Instant) -> Duration {
        self.saturating_since(earlier)
    }
}

impl Sub<Duration> for Instant {
    type Output = Instant;

    fn sub(self, duration: Duration) -> Instant {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        Instant { nanoseconds: self.nanoseconds.saturating_sub(nanoseconds) }
    }
}

/// The time did not suffice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the time limit passed")]
pub struct Elapsed;

/// The monotonic clock.
pub fn now() -> Instant {
    Instant::from_nanoseconds(backend::time::now_nanoseconds())
}

/// The wall clock, in milliseconds since 1970-01-01 UTC.
pub fn unix_ms() -> i64 {
    backend::time::unix_ms()
}

/// What the kernel knows about its wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockState {
    /// Whether a time service keeps it right.
    pub is_synchronised: bool,
    /// How far it is off at most, in microseconds, by the word of that service.
    pub error_us_max: u64,
}

/// What the kernel knows about its wall clock. Fails where a filter forbids to ask.
pub fn clock_state() -> io::Result<ClockState> {
    backend::time::clock_state()
}

/// Sleeps for at least `duration`.
pub async fn sleep(duration: Duration) {
    backend::time::sleep(duration).await;
}

/// Sleeps until `deadline` has passed; does not yield if it has.
pub async fn sleep_until(deadline: Instant) {
    let left = deadline.saturating_since(now());
    if !left.is_zero() {
        sleep(left).await;
    }
}

/// Runs `future` for at most `limit`, then drops it.
pub async fn timeout<T>(limit: Duration, future: impl Future<Output = T>) -> Result<T, Elapsed> {
    let mut future = pin!(future);
    let mut timer = pin!(sleep(limit));
    std::future::poll_fn(|context| {
        if let Poll::Ready(value) = future.as_mut().poll(context) {
            return Poll::Ready(Ok(value));
        }
        timer.as_mut().poll(context).map(|()| Err(Elapsed))
    })
    .await
}
