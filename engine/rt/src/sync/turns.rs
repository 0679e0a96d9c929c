//! Lets tasks go on in the order in which they were announced, whatever order they are run in.
//!
//! Owns nothing but the end of the line: each turn waits for the one before it.

use std::cell::RefCell;
use std::fmt;

use super::oneshot;

/// A line of tasks of one shard.
#[derive(Default)]
pub struct Turns {
    last: RefCell<Option<oneshot::Receiver<()>>>,
}

/// A place in the line. The next one comes when it is dropped, whether it came itself or not.
#[must_use = "dropping it gives the turn away"]
pub struct Turn {
    before: Option<oneshot::Receiver<()>>,
    _done: oneshot::Sender<()>,
}

impl Turns {
    /// A line with nobody in it.
    pub fn new() -> Turns {
        Turns::default()
    }

    /// Takes the last place.
    pub fn take(&self) -> Turn {
        let (done, finished) = oneshot::channel();
        Turn { before: self.last.replace(Some(finished)), _done: done }
    }
}

impl Turn {
    /// Waits until everybody before is done.
    pub async fn come(&mut self) {
        if let Some(before) = &mut self.before {
            // No value is ever sent: the turn before is over when its end is gone.
            let _ = before.await;
            self.before = None;
        }
    }
}

impl fmt::Debug for Turns {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Turns").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn a_turn_comes_when_all_before_it_are_done() {
        let turns = Turns::new();
        let (mut first, mut second, mut third) = (turns.take(), turns.take(), turns.take());
        assert!(first.come().now_or_never().is_some());
        {
            let mut coming = Box::pin(third.come());
            assert!(coming.as_mut().now_or_never().is_none(), "two are before it");
            drop(first);
            assert!(coming.as_mut().now_or_never().is_none(), "one is before it");
            assert!(second.come().now_or_never().is_some());
            drop(second);
            assert!(coming.as_mut().now_or_never().is_some());
        }
        drop(third);
        assert!(turns.take().come().now_or_never().is_some(), "the line is empty again");
    }
}
