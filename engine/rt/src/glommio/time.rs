//! The clocks of the kernel, the timers of the executor.
#![expect(unsafe_code, reason = "asks the kernel about its clock")]

use crate::time::ClockState;
use glommio::timer::Timer;
use std::io;
use std::mem::MaybeUninit;
use std::sync::OnceLock;
use std::time::Duration;

#[expect(clippy::disallowed_types, reason = "the seam is where the clock is read")]
static ORIGIN: OnceLock<std::time::Instant> = OnceLock::new();

#[expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "the seam is where the clock is read")]
pub(crate) fn now_nanoseconds() -> u64 {
    let origin = ORIGIN.get_or_init(std::time::Instant::now);
    u64::try_from(origin.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

#[expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "the seam is where the clock is read")]
pub(crate) fn unix_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

pub(crate) fn clock_state() -> io::Result<ClockState> {
    // SAFETY: all zeroes is a valid structure, and one that asks for no change.
    let mut state: libc::timex = unsafe { MaybeUninit::zeroed().assume_init() };
    // SAFETY: the kernel reads and writes one structure of this type.
    let result = unsafe { libc::adjtimex(&raw mut state) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    let is_synchronised = result != libc::TIME_ERROR && state.status & libc::STA_UNSYNC == 0;
    Ok(ClockState { is_synchronised, error_us_max: u64::try_from(state.maxerror).unwrap_or(u64::MAX) })
}

pub(crate) async fn sleep(duration: Duration) {
    Timer::new(duration).await;
}
