//! Owns the time that a coordinator is told: it reads no clock.
//!
//! Plain values, made by the service from the shard's clocks, and by simulations from their own.

/// When something happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// Milliseconds of a clock that never jumps, for timers.
    pub ticks_ms: u64,
    /// Milliseconds since 1970 by the wall clock, for what is stored.
    pub unix_ms: i64,
}

impl Moment {
    /// The tick `wait_ms` from now; a negative wait is none.
    pub fn after_ms(self, wait_ms: i64) -> u64 {
        self.ticks_ms.saturating_add(u64::try_from(wait_ms).unwrap_or(0))
    }
}
