//! Owns what coordinators do by themselves: timers, the expiry of offsets, the rolling rewrite.
//!
//! Tasks of the shard; they end with their coordinator or with the engine.

use std::pin::pin;
use std::rc::{Rc, Weak};
use std::time::Duration;

use corelog_engine::log::AppendRefused;
use corelog_engine::partition::DeleteRecordsError;
use corelog_protocol::Text;
use corelog_rt::sync::Notify;
use corelog_rt::{task, time};
use futures_util::future::select;

use super::places::GroupService;
use super::slot::{Done, Phase, Slot};
use crate::groups::coordinator::Coordinator;
use crate::groups::rewrite::RewriteCursor;
use crate::limits::GROUP_HISTORY_BYTES_MIN;

/// How long the timer task sleeps where there is nothing to wait for; it is woken when there is.
const IDLE_SLEEP: Duration = Duration::from_hours(1);
/// How long it waits before it tries again what the log refused.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// Runs the timers of one coordinator.
pub(super) async fn run_timers(slot: Weak<Slot>, changed: Notify) {
    loop {
        let changed = changed.notified();
        let Some(slot) = slot.upgrade().filter(|slot| !slot.is_closed() && !slot.common.shard.is_stopping()) else {
            return;
        };
        let deadline_ms = match &*slot.phase.borrow() {
            Phase::Ready(coordinator) => coordinator.next_deadline_ms(),
            Phase::Loading | Phase::Closed => None,
        };
        slot.sleeps_until_ms.set(deadline_ms.unwrap_or(u64::MAX));
        let now_ms = Slot::now().ticks_ms;
        if deadline_ms.is_some_and(|deadline_ms| deadline_ms <= now_ms) {
            if slot.event(Coordinator::on_timers).await.is_err() {
                time::sleep(RETRY_PAUSE).await;
            }
            task::yield_to_ready().await;
            continue;
        }
        let wait = deadline_ms.map_or(IDLE_SLEEP, |deadline_ms| Duration::from_millis(deadline_ms - now_ms));
        let shard = Rc::clone(&slot.common.shard);
        drop(slot);
        let stopped = pin!(shard.stopped());
        let woken = select(changed, stopped);
        // Either is a reason to look again.
        let _ = time::timeout(wait, woken).await;
    }
}

/// Starts the expiry of offsets on one shard.
pub(super) fn start(service: &Rc<GroupService>) {
    let (service, common) = (Rc::downgrade(service), Rc::clone(service.common()));
    task::spawn(async move {
        let interval = Duration::from_millis(common.settings.offsets_check_interval_ms);
        while time::timeout(interval, common.shard.stopped()).await.is_err() {
            let Some(service) = service.upgrade() else { return };
            for slot in service.slots() {
                slot.expire().await;
            }
        }
    });
}

impl Slot {
    /// Lets offsets go that nobody needs any more, and groups that hold none.
    pub(super) async fn expire(self: &Rc<Self>) {
        let mut from: Option<Text> = None;
        // The next round tries again what the log refused.
        while let Ok(Done { value: Some(came_to), .. }) =
            self.event(|coordinator, now| coordinator.expire(from.as_ref(), now)).await
        {
            from = Some(came_to);
            task::yield_now().await;
        }
    }

    /// Begins a rewrite if the history is long for what it tells.
    pub(super) fn rewrite_if_due(self: &Rc<Self>) {
        let Phase::Ready(coordinator) = &*self.phase.borrow() else { return };
        let bound = GROUP_HISTORY_BYTES_MIN.max(2 * coordinator.memory_bytes() as u64);
        if self.history_bytes.get() > bound && !self.is_rewriting.replace(true) {
            task::spawn(Rc::clone(self).rewrite());
        }
    }

    async fn rewrite(self: Rc<Self>) {
        let start = self.partition.watermarks().end();
        let history_before = self.history_bytes.get();
        let mut cursor: Option<RewriteCursor> = None;
        let commit = loop {
            match self.event(|coordinator, _| coordinator.rewrite(cursor.as_ref())).await {
                Ok(Done { value: Some(came_to), .. }) => cursor = Some(came_to),
                Ok(Done { value: None, commit }) => break commit,
                // Refused, or loaded anew meanwhile: it begins again when history has grown.
                Err(_) => return self.is_rewriting.set(false),
            }
            task::yield_now().await;
        };
        // Before the former history goes, the new one must be safe.
        if self.durable(commit).await.is_ok() && self.forget_before(start).await {
            self.history_bytes.set(self.history_bytes.get().saturating_sub(history_before));
            tracing::debug!(partition = %self.partition.key(), %start, "groups were rewritten");
        }
        self.is_rewriting.set(false);
    }

    async fn forget_before(&self, start: corelog_engine::ids::Offset) -> bool {
        loop {
            match self.partition.delete_records(Some(start)) {
                Ok(_) => return true,
                Err(DeleteRecordsError::Log(AppendRefused::Busy)) => self.partition.log().admission().await,
                Err(error) => {
                    tracing::warn!(partition = %self.partition.key(), %error, "the history of groups stays");
                    return false;
                }
            }
        }
    }
}
