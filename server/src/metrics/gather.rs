//! Gathering: asking every shard, all at once, and waiting no longer than a bound.
//!
//! On shard 0, for the connections of the metrics port. A shard that does not answer fails the question: half a page would look as if
//! counters had gone back.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use corelog_engine::ids::ShardId;
use corelog_engine::shard::Shard;
use corelog_rt::time;
use futures_util::future::join_all;

use super::lag::{self, LagSample};
use super::sample::{self, Bounds, ShardSample};
use super::segments::{self, SegmentRow};

/// How long a shard may take for its sample.
const SAMPLE_TIME_MAX: Duration = Duration::from_secs(5);
/// How long a shard may take to say that it is there.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(1);

/// A shard that did not do what was asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Silent {
    /// It took too long.
    #[error("shard {shard} did not answer within {seconds} s")]
    Slow {
        /// Which.
        shard: usize,
        /// How long it had.
        seconds: u64,
    },
    /// It does not serve yet, or no more.
    #[error("shard {0} does not serve")]
    Idle(usize),
}

/// The samples of all shards.
///
/// # Errors
/// [`Silent`] with the first shard that gave none.
pub async fn samples(shard: &Rc<Shard>, bounds: Bounds) -> Result<Vec<ShardSample>, Silent> {
    // Before each shard is sent one piece of work more.
    let queued: Vec<usize> = shard.queued().collect();
    let mut samples = ask(shard, SAMPLE_TIME_MAX, move |shard| sample::take(shard, bounds)).await?;
    for (sample, queued) in samples.iter_mut().zip(queued) {
        sample.queued = queued as u64;
    }
    Ok(samples)
}

/// How far the groups of all shards are behind.
///
/// # Errors
/// [`Silent`] with the first shard that did not say.
pub async fn lag(shard: &Rc<Shard>, bounds: Bounds) -> Result<LagSample, Silent> {
    let marks = ask(shard, SAMPLE_TIME_MAX, lag::high_watermarks).await?;
    let marks = Arc::new(lag::by_partition(marks).await);
    let told_max = bounds.groups_max;
    let shards = ask(shard, SAMPLE_TIME_MAX, move |shard| lag::take(shard, Arc::clone(&marks), told_max)).await?;
    let mut all = LagSample::default();
    for shard in shards {
        all.merge(shard, told_max);
    }
    Ok(all)
}

/// The segments of all shards' logs, by log.
///
/// # Errors
/// [`Silent`] with the first shard that did not say.
pub async fn segments(shard: &Rc<Shard>) -> Result<Vec<SegmentRow>, Silent> {
    let shards = ask(shard, SAMPLE_TIME_MAX, segments::take).await?;
    let mut all: Vec<SegmentRow> = shards.into_iter().flatten().collect();
    // A stable sort: each log's own order stays.
    all.sort_by_key(|row| row.log);
    Ok(all)
}

/// Whether every shard runs what it is given.
///
/// # Errors
/// [`Silent`] with the first shard that does not.
pub async fn answers(shard: &Rc<Shard>) -> Result<(), Silent> {
    ask(shard, ANSWER_TIME_MAX, |_| async { Some(()) }).await.map(drop)
}

async fn ask<T: Send + 'static, F: Future<Output = Option<T>> + 'static>(
    shard: &Rc<Shard>,
    limit: Duration,
    question: impl Fn(Rc<Shard>) -> F + Clone + Send + 'static,
) -> Result<Vec<T>, Silent> {
    let one = |target: usize| {
        let answer = shard.run(ShardId(target as u16), question.clone());
        async move {
            match time::timeout(limit, answer).await {
                Ok(Ok(Some(answer))) => Ok(answer),
                Ok(_) => Err(Silent::Idle(target)),
                Err(_) => Err(Silent::Slow { shard: target, seconds: limit.as_secs() }),
            }
        }
    };
    join_all((0..shard.shards()).map(one)).await.into_iter().collect()
}
