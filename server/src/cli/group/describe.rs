//! `corelog group describe`: members, committed offsets and lag, once or again and again.
//!
//! Runs on the tool's shard.

use std::collections::BTreeMap;
use std::time::Duration;

use corelog_rt::map::HashMap;
use corelog_rt::time;
use serde::Serialize;

use super::arguments::GroupDescribeArguments;
use super::table;
use crate::cli::client::cluster::Cluster;
use crate::cli::client::error::ClientError;
use crate::cli::client::groups::{self, Committed, Group, Place};
use crate::cli::client::offsets;
use crate::cli::failure::Failure;
use crate::cli::output::Output;

/// A group with everything that is shown of it.
#[derive(Debug, Serialize)]
pub struct Described {
    /// Its name.
    pub group: String,
    /// `classic` or `consumer`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Kafka's word for what it is doing.
    pub state: String,
    /// How partitions are assigned; empty without members.
    pub assignor: String,
    /// Number of its newest change, where it is told.
    pub epoch: Option<i32>,
    /// Id of the broker that coordinates it.
    pub coordinator: i32,
    /// Records that are yet to be read, over all partitions with an offset.
    pub lag: i64,
    /// Its members.
    pub members: Vec<Member>,
    /// Every partition that it owns or has an offset of.
    pub partitions: Vec<Partition>,
}

/// A member as it is shown.
#[derive(Debug, Serialize)]
#[expect(missing_docs, reason = "as in `groups::Member`")]
pub struct Member {
    pub member: String,
    pub instance: Option<String>,
    pub client: String,
    pub host: String,
    /// Number of partitions that it owns.
    pub partitions: usize,
}

/// A partition as it is shown; offsets are missing where the topic is gone or nothing is committed.
#[derive(Debug, Serialize)]
pub struct Partition {
    /// Its topic.
    pub topic: String,
    /// Its number.
    pub partition: i32,
    /// Offset of the next record to read.
    pub committed: Option<i64>,
    /// What the member wrote beside it.
    pub metadata: String,
    /// Offset of the first record there is.
    pub start: Option<i64>,
    /// Offset after the last record.
    pub end: Option<i64>,
    /// Records that are yet to be read.
    pub lag: Option<i64>,
    /// Id of the member that owns it.
    pub member: Option<String>,
    /// What that client calls itself.
    pub client: Option<String>,
    /// Where it connects from.
    pub host: Option<String>,
}

/// Prints the named groups, or all; with `--watch` until the process is ended.
pub async fn describe(
    cluster: &mut Cluster,
    arguments: &GroupDescribeArguments,
    output: &mut Output,
) -> Result<(), Failure> {
    loop {
        let described = look(cluster, &arguments.groups).await?;
        if arguments.watch {
            output.begin_frame()?;
        }
        if arguments.json {
            output.json(&described)?;
        } else if described.is_empty() {
            output.line("there are no groups")?;
        } else {
            table::print(&described, arguments.members, output)?;
        }
        if !arguments.watch {
            return Ok(());
        }
        output.flush()?;
        time::sleep(Duration::from_millis(arguments.interval_ms)).await;
    }
}

async fn look(cluster: &mut Cluster, names: &[String]) -> Result<Vec<Described>, Failure> {
    let mut names = names.to_vec();
    if names.is_empty() {
        names = groups::list(cluster, &[], &[]).await?.iter().map(|group| group.group_id.to_string()).collect();
        names.sort();
    }
    let mut described = Vec::new();
    for name in &names {
        let group = groups::describe(cluster, name).await?;
        let committed = groups::offsets(cluster, name).await?;
        described.push(one(cluster, group, committed).await?);
    }
    Ok(described)
}

async fn one(cluster: &mut Cluster, group: Group, committed: Vec<Committed>) -> Result<Described, Failure> {
    let mut owners: BTreeMap<Place, Option<usize>> = BTreeMap::new();
    owners.extend(committed.iter().map(|known| (known.place.clone(), None)));
    for (index, member) in group.members.iter().enumerate() {
        owners.extend(member.places.iter().map(|place| (place.clone(), Some(index))));
    }
    let committed: HashMap<Place, Committed> =
        committed.into_iter().map(|known| (known.place.clone(), known)).collect();
    let bounds = bounds(cluster, owners.keys()).await?;
    let mut partitions = Vec::new();
    for (place, owner) in owners {
        let known = committed.get(&place);
        let (start, end) = bounds.get(&place).map_or((None, None), |&(start, end)| (Some(start), Some(end)));
        let offset = known.map(|known| known.offset);
        let member = owner.and_then(|index| group.members.get(index));
        partitions.push(Partition {
            topic: place.0,
            partition: place.1,
            committed: offset,
            metadata: known.map(|known| known.metadata.clone()).unwrap_or_default(),
            start,
            end,
            // What was read may have been cut off the end since.
            lag: end.zip(offset).map(|(end, offset)| end.saturating_sub(offset).max(0)),
            member: member.map(|member| member.id.clone()),
            client: member.map(|member| member.client.clone()),
            host: member.map(|member| member.host.clone()),
        });
    }
    let lag = partitions.iter().filter_map(|partition| partition.lag).fold(0, i64::saturating_add);
    let member = |member: groups::Member| Member {
        partitions: member.places.len(),
        member: member.id,
        instance: member.instance,
        client: member.client,
        host: member.host,
    };
    let Group { name, kind, state, assignor, epoch, coordinator, members } = group;
    let members = members.into_iter().map(member).collect();
    Ok(Described { group: name, kind, state, assignor, epoch, coordinator, lag, members, partitions })
}

/// Start and end of each of `places`, which are sorted; nothing of topics that are gone.
async fn bounds<'a>(
    cluster: &mut Cluster,
    places: impl Iterator<Item = &'a Place>,
) -> Result<HashMap<Place, (i64, i64)>, ClientError> {
    let places: Vec<&Place> = places.collect();
    let mut names: Vec<String> = places.iter().map(|place| place.0.clone()).collect();
    names.dedup();
    let mut found = HashMap::default();
    if names.is_empty() {
        return Ok(found);
    }
    for topic in cluster.metadata(Some(&names), false).await?.topics {
        let name = topic.name.as_deref().unwrap_or_default().to_owned();
        let led = |partition: i32| {
            topic.partitions.iter().any(|known| known.partition_index == partition && known.leader_id >= 0)
        };
        let partitions: Vec<i32> =
            places.iter().filter(|place| place.0 == name && led(place.1)).map(|place| place.1).collect();
        let starts = offsets::list(cluster, &topic, &partitions, offsets::EARLIEST, false).await?;
        let ends = offsets::list(cluster, &topic, &partitions, offsets::LATEST, false).await?;
        for (partition, start) in starts {
            if let Some(&end) = ends.get(&partition) {
                found.insert((name.clone(), partition), (start, end));
            }
        }
    }
    Ok(found)
}
