//! Owns the deadlines of one coordinator: one ordered map, however many groups and members there are.
//!
//! Pure code, called by the coordinator. The service sleeps until the first deadline.

use std::collections::BTreeMap;

use corelog_protocol::Text;

/// What happens at a deadline.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TimerKind {
    /// The time to join is over.
    Join,
    /// The time to sync is over.
    Sync,
    /// The first deadline of a consumer group.
    Wake,
    /// A member, known or still to join, was not heard of.
    Session(Text),
}

/// A timer's name. There is one of each name at most.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimerKey {
    /// The group.
    pub group: Text,
    /// What happens to it.
    pub kind: TimerKind,
}

/// Deadlines in their order; of two at the same tick, the one that was set first.
#[derive(Debug, Default)]
pub struct Timers {
    by_deadline: BTreeMap<(u64, u64), TimerKey>,
    places: BTreeMap<TimerKey, (u64, u64)>,
    set_count: u64,
}

impl Timers {
    /// Sets a timer; one of the same name is replaced.
    pub fn schedule(&mut self, key: TimerKey, deadline_ms: u64) {
        let place = (deadline_ms, self.set_count);
        self.set_count += 1;
        if let Some(before) = self.places.insert(key.clone(), place) {
            self.by_deadline.remove(&before);
        }
        self.by_deadline.insert(place, key);
    }

    /// Sets a timer unless it is set for an earlier time.
    pub fn schedule_earlier(&mut self, key: TimerKey, deadline_ms: u64) {
        if self.places.get(&key).is_none_or(|place| deadline_ms < place.0) {
            self.schedule(key, deadline_ms);
        }
    }

    /// Takes a timer back, if it is set.
    pub fn cancel(&mut self, key: &TimerKey) {
        if let Some(place) = self.places.remove(key) {
            self.by_deadline.remove(&place);
        }
    }

    /// Takes back all timers of a group.
    pub fn cancel_group(&mut self, group: &Text) {
        let first = TimerKey { group: group.clone(), kind: TimerKind::Join };
        let own = self.places.range(first..).take_while(|(key, _)| key.group == *group);
        let keys: Vec<TimerKey> = own.map(|(key, _)| key.clone()).collect();
        for key in &keys {
            self.cancel(key);
        }
    }

    /// The first deadline.
    pub fn next_deadline_ms(&self) -> Option<u64> {
        self.by_deadline.first_key_value().map(|((deadline_ms, _), _)| *deadline_ms)
    }

    /// Takes the first timer whose deadline has come.
    pub fn pop_due(&mut self, now_ms: u64) -> Option<TimerKey> {
        let first = self.by_deadline.first_entry().filter(|first| first.key().0 <= now_ms)?;
        let key = first.remove();
        self.places.remove(&key);
        Some(key)
    }

    /// How many are set.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether none is set.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(group: &str, kind: TimerKind) -> TimerKey {
        TimerKey { group: group.into(), kind }
    }

    #[test]
    fn timers_come_in_the_order_of_their_deadlines() {
        let mut timers = Timers::default();
        timers.schedule(key("a", TimerKind::Join), 20);
        timers.schedule(key("b", TimerKind::Join), 10);
        timers.schedule(key("c", TimerKind::Session("m".into())), 10);
        timers.schedule(key("a", TimerKind::Join), 5);
        assert_eq!(timers.next_deadline_ms(), Some(5));
        assert_eq!(timers.pop_due(4), None);
        let order: Vec<_> = std::iter::from_fn(|| timers.pop_due(10)).map(|key| key.group).collect();
        assert_eq!(order, ["a", "b", "c"]);
        assert!(timers.is_empty() && timers.by_deadline.is_empty());
    }

    #[test]
    fn timers_of_a_group_go_together() {
        let mut timers = Timers::default();
        for group in ["a", "ab", "b"] {
            timers.schedule(key(group, TimerKind::Sync), 1);
            timers.schedule(key(group, TimerKind::Session("m".into())), 1);
        }
        timers.cancel_group(&"ab".into());
        assert_eq!(timers.len(), 4);
        timers.cancel(&key("a", TimerKind::Sync));
        let rest: Vec<_> = std::iter::from_fn(|| timers.pop_due(1)).map(|key| key.group).collect();
        assert_eq!(rest, ["a", "b", "b"]);
    }
}
