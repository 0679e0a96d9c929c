//! Tasks on the executor of this thread.

use glommio::timer::Timer;
use std::future::Future;
use std::time::Duration;

/// Starts a task that nothing waits for.
pub(crate) fn spawn(future: impl Future<Output = ()> + 'static) {
    glommio::spawn_local(future).detach();
}

/// Looks at the I/O before going on: only an executor without ready tasks does so before its preempt timer fires.
pub(crate) async fn yield_now() {
    Timer::new(Duration::from_micros(1)).await;
}
