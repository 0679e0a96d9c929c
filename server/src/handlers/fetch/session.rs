//! Incremental fetch sessions (KIP-227): the broker remembers what a consumer fetches, so that requests and answers carry
//! only what changed.
//!
//! One cache per shard, asked by the Fetch handler. It is bounded in sessions and in partitions; a consumer that gets no
//! session fetches in full each time. A session is out of the cache while a request uses it.

use std::cell::RefCell;
use std::rc::Rc;

use corelog_protocol::ErrorCode;
use corelog_protocol::messages::fetch_request::FetchRequest;
use corelog_rt::map::HashMap;
use corelog_rt::time::{self, Instant};

use super::interest::Interest;
use crate::limits::{FETCH_SESSION_PARTITIONS_MAX, FETCH_SESSION_REST_MIN};

/// Names no session.
pub const NO_SESSION: i32 = 0;
/// The epoch of a request that begins a session.
const EPOCH_FIRST: i32 = 0;
/// The epoch of a request that wants none, or ends one.
const EPOCH_LAST: i32 = -1;

/// The fetch sessions of one shard.
pub struct FetchSessions {
    sessions_max: usize,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    sessions: HashMap<i32, Session>,
    partitions: usize,
}

struct Session {
    epoch_next: i32,
    by_id: bool,
    used: Instant,
    partitions: usize,
    /// Away while a request uses it.
    interest: Option<Interest>,
}

/// What a request fetches. Gives the session back when dropped.
pub struct Fetching {
    sessions: Rc<FetchSessions>,
    /// What is fetched.
    pub interest: Interest,
    mode: Mode,
    by_id: bool,
}

/// How the answer is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// In full; a session begins with it if there is room.
    Begin,
    /// In full, without a session.
    Alone,
    /// What is new to the session.
    Within(i32),
}

impl FetchSessions {
    /// An empty cache of at most `sessions_max`.
    pub fn new(sessions_max: usize) -> FetchSessions {
        FetchSessions { sessions_max, state: RefCell::default() }
    }

    /// Sessions in the cache.
    pub fn len(&self) -> usize {
        self.state.borrow().sessions.len()
    }

    /// Whether there is no session.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes up what `request` says about sessions and partitions.
    pub fn open(self: &Rc<Self>, request: &FetchRequest, by_id: bool) -> Result<Fetching, ErrorCode> {
        let (id, epoch) = (request.session_id, request.session_epoch);
        if epoch == EPOCH_FIRST || epoch == EPOCH_LAST {
            self.state.borrow_mut().remove(id);
            let mut interest = Interest::default();
            interest.update(&request.topics, by_id);
            let mode = if epoch == EPOCH_FIRST { Mode::Begin } else { Mode::Alone };
            return Ok(Fetching { sessions: Rc::clone(self), interest, mode, by_id });
        }
        let mut state = self.state.borrow_mut();
        let session = state.sessions.get_mut(&id).ok_or(ErrorCode::FetchSessionIdNotFound)?;
        if session.epoch_next != epoch {
            return Err(ErrorCode::InvalidFetchSessionEpoch);
        }
        if session.by_id != by_id {
            return Err(ErrorCode::FetchSessionTopicIdError);
        }
        // Taken by a request that is not answered: two requests of one session are not in order.
        let mut interest = session.interest.take().ok_or(ErrorCode::InvalidFetchSessionEpoch)?;
        session.epoch_next = epoch_after(epoch);
        interest.forget(&request.forgotten_topics_data, by_id);
        interest.update(&request.topics, by_id);
        let mode = if interest.is_empty() {
            state.remove(id);
            Mode::Alone
        } else {
            Mode::Within(id)
        };
        drop(state);
        Ok(Fetching { sessions: Rc::clone(self), interest, mode, by_id })
    }

    fn begin(&self, interest: Interest, by_id: bool) -> i32 {
        let mut state = self.state.borrow_mut();
        let partitions = interest.len();
        if partitions == 0 || state.partitions + partitions > FETCH_SESSION_PARTITIONS_MAX {
            return NO_SESSION;
        }
        let now = time::now();
        if state.sessions.len() >= self.sessions_max && !state.evict(now) {
            return NO_SESSION;
        }
        let id = loop {
            let id = (corelog_rt::rand::u64() & 0x7fff_ffff) as i32;
            if id != NO_SESSION && !state.sessions.contains_key(&id) {
                break id;
            }
        };
        state.partitions += partitions;
        let epoch_next = epoch_after(EPOCH_FIRST);
        state.sessions.insert(id, Session { epoch_next, by_id, used: now, partitions, interest: Some(interest) });
        id
    }

    fn give_back(&self, id: i32, interest: Interest) {
        let mut state = self.state.borrow_mut();
        let Some(session) = state.sessions.get_mut(&id) else { return };
        let partitions_before = std::mem::replace(&mut session.partitions, interest.len());
        session.interest = Some(interest);
        session.used = time::now();
        let partitions_now = session.partitions;
        state.partitions = state.partitions - partitions_before + partitions_now;
        if state.partitions > FETCH_SESSION_PARTITIONS_MAX {
            state.remove(id);
        }
    }
}

impl State {
    fn remove(&mut self, id: i32) {
        if let Some(session) = self.sessions.remove(&id) {
            self.partitions -= session.partitions;
        }
    }

    /// Removes the session that rested longest, if it rested long enough.
    fn evict(&mut self, now: Instant) -> bool {
        let idle = self.sessions.iter().filter(|(_, session)| session.interest.is_some());
        let Some((id, used)) = idle.map(|(id, session)| (*id, session.used)).min_by_key(|(_, used)| *used) else {
            return false;
        };
        let is_resting = now.saturating_since(used) >= FETCH_SESSION_REST_MIN;
        if is_resting {
            self.remove(id);
        }
        is_resting
    }
}

impl Fetching {
    /// Whether the answer carries only what is news to the consumer.
    pub fn is_incremental(&self) -> bool {
        matches!(self.mode, Mode::Within(_))
    }

    /// The request is answered: the session, if there is one, goes on. Returns its id for the answer.
    pub fn finish(mut self) -> i32 {
        match std::mem::replace(&mut self.mode, Mode::Alone) {
            Mode::Begin => self.sessions.begin(std::mem::take(&mut self.interest), self.by_id),
            Mode::Alone => NO_SESSION,
            Mode::Within(id) => {
                self.sessions.give_back(id, std::mem::take(&mut self.interest));
                id
            }
        }
    }
}

impl Drop for Fetching {
    fn drop(&mut self) {
        if let Mode::Within(id) = self.mode {
            self.sessions.give_back(id, std::mem::take(&mut self.interest));
        }
    }
}

fn epoch_after(epoch: i32) -> i32 {
    // Zero begins a session, so counting starts over at one.
    epoch.checked_add(1).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use corelog_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ForgottenTopic};

    fn request(session_id: i32, session_epoch: i32, partitions: &[i32]) -> FetchRequest {
        let partition = |partition: &i32| FetchPartition { partition: *partition, ..Default::default() };
        let topic = FetchTopic {
            topic: "a".into(),
            partitions: partitions.iter().map(partition).collect(),
            ..Default::default()
        };
        let topics = if partitions.is_empty() { Vec::new() } else { vec![topic] };
        FetchRequest { session_id, session_epoch, topics, ..Default::default() }
    }

    fn begin(sessions: &Rc<FetchSessions>, partitions: &[i32]) -> i32 {
        sessions.open(&request(0, 0, partitions), false).unwrap().finish()
    }

    fn open(sessions: &Rc<FetchSessions>, request: &FetchRequest) -> Result<(bool, usize, i32), ErrorCode> {
        sessions.open(request, false).map(|fetching| {
            let (incremental, partitions) = (fetching.is_incremental(), fetching.interest.len());
            (incremental, partitions, fetching.finish())
        })
    }

    #[test]
    fn session_goes_on_while_its_epochs_follow() {
        corelog_rt::testing::run(|| async {
            let sessions = Rc::new(FetchSessions::new(10));
            let id = begin(&sessions, &[0, 1]);
            assert_ne!(id, NO_SESSION);
            assert_eq!(open(&sessions, &request(id, 1, &[])), Ok((true, 2, id)));
            assert_eq!(open(&sessions, &request(id, 2, &[2])), Ok((true, 3, id)));
            assert_eq!(open(&sessions, &request(id, 2, &[])), Err(ErrorCode::InvalidFetchSessionEpoch));
            assert_eq!(open(&sessions, &request(id ^ 1, 3, &[])), Err(ErrorCode::FetchSessionIdNotFound));
            assert!(matches!(sessions.open(&request(id, 3, &[]), true), Err(ErrorCode::FetchSessionTopicIdError)));
            let mut forgetting = request(id, 3, &[]);
            forgetting.forgotten_topics_data =
                vec![ForgottenTopic { topic: "a".into(), partitions: vec![0, 1, 2], ..Default::default() }];
            assert_eq!(open(&sessions, &forgetting), Ok((false, 0, NO_SESSION)), "an empty session ends");
            assert!(sessions.is_empty());
        });
    }

    #[test]
    fn last_epoch_ends_a_session_and_first_epoch_replaces_it() {
        corelog_rt::testing::run(|| async {
            let sessions = Rc::new(FetchSessions::new(10));
            let id = begin(&sessions, &[0]);
            assert_eq!(open(&sessions, &request(id, -1, &[0])), Ok((false, 1, NO_SESSION)));
            assert!(sessions.is_empty());
            let id = begin(&sessions, &[0]);
            let replaced = open(&sessions, &request(id, 0, &[0, 1])).unwrap();
            assert!(replaced.2 != id && sessions.len() == 1);
        });
    }

    #[test]
    fn full_cache_refuses_the_new_until_the_old_have_rested() {
        corelog_rt::testing::run(|| async {
            let sessions = Rc::new(FetchSessions::new(2));
            let (first, second) = (begin(&sessions, &[0]), begin(&sessions, &[0]));
            assert_eq!(begin(&sessions, &[0]), NO_SESSION);
            let later = time::now() + FETCH_SESSION_REST_MIN;
            assert!(sessions.state.borrow_mut().evict(later));
            assert!(
                sessions.state.borrow().sessions.contains_key(&second)
                    != sessions.state.borrow().sessions.contains_key(&first)
            );
            assert_ne!(begin(&sessions, &[0]), NO_SESSION);
        });
    }

    #[test]
    fn abandoned_request_leaves_the_session_usable() {
        corelog_rt::testing::run(|| async {
            let sessions = Rc::new(FetchSessions::new(2));
            let id = begin(&sessions, &[0]);
            let abandoned = sessions.open(&request(id, 1, &[]), false).unwrap();
            assert!(matches!(sessions.open(&request(id, 2, &[]), false), Err(ErrorCode::InvalidFetchSessionEpoch)));
            drop(abandoned);
            assert_eq!(open(&sessions, &request(id, 2, &[])), Ok((true, 1, id)));
        });
    }
}
