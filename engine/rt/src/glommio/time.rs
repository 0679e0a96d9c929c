//! The clocks of the kernel, the timers of the executor.

use glommio::timer::Timer;
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

pub(crate) async fn sleep(duration: Duration) {
    Timer::new(duration).await;
}
