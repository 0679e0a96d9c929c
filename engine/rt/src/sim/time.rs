//! The virtual clock.

use super::world::{TimerKey, World, world};
use crate::time::ClockState;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

pub(crate) fn now_nanoseconds() -> u64 {
    world().now.get()
}

pub(crate) fn unix_ms() -> i64 {
    world().unix_ms()
}

#[expect(clippy::unnecessary_wraps, reason = "the other backend fails")]
/// A simulated clock is as right as the simulation wants it.
pub(crate) fn clock_state() -> io::Result<ClockState> {
    Ok(ClockState { is_synchronised: true, error_us_max: 0 })
}

pub(crate) fn sleep(duration: Duration) -> Sleep {
    Sleep::until(now_nanoseconds().saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
}

/// Ready when the clock has reached a point.
pub(crate) struct Sleep {
    world: Rc<World>,
    when: u64,
    timer: Option<TimerKey>,
    yielded: bool,
}

impl Sleep {
    pub(crate) fn until(when: u64) -> Sleep {
        Sleep { world: world(), when, timer: None, yielded: false }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        // Even no time at all lets others run, as a timer of the kernel does.
        if self.world.now.get() >= self.when && self.yielded {
            return Poll::Ready(());
        }
        self.yielded = true;
        match self.timer {
            Some(key) => self.world.rewake_timer(key, context.waker()),
            None => self.timer = Some(self.world.set_timer(self.when, context.waker().clone())),
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(key) = self.timer {
            self.world.clear_timer(key);
        }
    }
}
