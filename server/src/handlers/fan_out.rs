//! A request's partitions, grouped by the shard that owns them: one message per shard, answers in the order of the request.
//!
//! Called by handlers on the shard that owns the connection. Shards work at the same time; the partitions of one shard are
//! worked on one after the other, in the order of the request.

use std::future::Future;
use std::rc::Rc;

use corelog_engine::ids::{PartitionKey, ShardId};
use corelog_engine::metadata::TopicImage;
use corelog_engine::shard::Shard;
use futures_util::future::join_all;

use crate::broker::Broker;

/// A partition that a request names, found in the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Located {
    /// The engine's name of it.
    pub key: PartitionKey,
    /// Which shard owns it.
    pub shard: ShardId,
}

/// Row and column of a partition in a request: its topic and its place there.
type Place = (usize, usize);

/// Finds partition `index` of `topic`.
pub fn locate(broker: &Broker, topic: &TopicImage, index: i32) -> Option<Located> {
    let key = topic.key(index)?;
    let shard = broker.shard().owner_of_log(topic.partition(index)?.log);
    Some(Located { key, shard })
}

/// Runs `work` for every partition of every topic, on the shard that owns it. Answers topic by topic, partition by
/// partition as asked; nothing for a partition that does not exist or whose shard stops.
pub async fn by_name<'a, I, T, W, F>(
    broker: &Rc<Broker>,
    topics: impl Iterator<Item = (&'a str, &'a [I])>,
    index_of: impl Fn(&I) -> i32,
    work: W,
) -> Vec<Vec<Option<T>>>
where
    I: Clone + Send + 'static,
    T: Send + 'static,
    W: Fn(Rc<Shard>, PartitionKey, I) -> F + Clone + Send + 'static,
    F: Future<Output = T> + 'static,
{
    let mut answers: Vec<Vec<Option<T>>> = Vec::new();
    let mut found = Vec::new();
    {
        let image = broker.image();
        for (row, (name, items)) in topics.enumerate() {
            answers.push(items.iter().map(|_| None).collect());
            let Some(topic) = image.topic(name) else { continue };
            for (column, item) in items.iter().enumerate() {
                if let Some(at) = locate(broker, topic, index_of(item)) {
                    found.push((at.shard, ((row, column), at.key, item.clone())));
                }
            }
        }
    }
    let ask = |(shard, group): (ShardId, Vec<(Place, PartitionKey, I)>)| {
        let work = work.clone();
        broker.shard().run(shard, move |shard: Rc<Shard>| async move {
            let mut done = Vec::with_capacity(group.len());
            for (place, key, item) in group {
                done.push((place, work(Rc::clone(&shard), key, item).await));
            }
            done
        })
    };
    let groups = by_shard(found.into_iter());
    for ((row, column), answer) in join_all(groups.into_iter().map(ask)).await.into_iter().flatten().flatten() {
        if let Some(slot) = answers.get_mut(row).and_then(|row| row.get_mut(column)) {
            *slot = Some(answer);
        }
    }
    answers
}

/// Groups items by shard, keeping their order.
pub fn by_shard<I>(items: impl Iterator<Item = (ShardId, I)>) -> Vec<(ShardId, Vec<I>)> {
    let mut groups: Vec<(ShardId, Vec<I>)> = Vec::new();
    for (shard, item) in items {
        match groups.iter_mut().find(|(known, _)| *known == shard) {
            Some((_, group)) => group.push(item),
            None => groups.push((shard, vec![item])),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_keep_the_order_of_the_request() {
        let items = [(1, 'a'), (0, 'b'), (1, 'c'), (2, 'd'), (0, 'e')];
        let groups = by_shard(items.into_iter().map(|(shard, item)| (ShardId(shard), item)));
        let expected = vec![(ShardId(1), vec!['a', 'c']), (ShardId(0), vec!['b', 'e']), (ShardId(2), vec!['d'])];
        assert_eq!(groups, expected);
    }
}
