//! `corelog group reset-offsets`: what the offsets would be, and, if asked, making it so.
//!
//! Runs on the tool's shard. The plan is made by pure functions from what the group and its partitions have now.

use corelog_protocol::ErrorCode;
use corelog_rt::map::HashMap;
use corelog_rt::time;
use serde::Serialize;

use super::arguments::GroupResetArguments;
use super::target::Target;
use crate::cli::client::cluster::Cluster;
use crate::cli::client::groups::{self, Place};
use crate::cli::client::offsets;
use crate::cli::failure::Failure;
use crate::cli::output::{Output, table};

/// What a partition has and what it gets.
#[derive(Debug, Serialize)]
struct Row {
    topic: String,
    partition: i32,
    current: Option<i64>,
    new: i64,
    start: i64,
    end: i64,
}

/// What is known of a partition.
#[derive(Debug, Clone, Copy, Default)]
struct Bounds {
    current: Option<i64>,
    start: i64,
    end: i64,
    /// The first offset at or after the asked time; -1 without one.
    by_time: i64,
}

/// Shows the new offsets of a group and sets them if asked.
pub async fn reset(
    cluster: &mut Cluster,
    arguments: &GroupResetArguments,
    target: &Target,
    output: &mut Output,
) -> Result<(), Failure> {
    let group = &arguments.group;
    refuse_members(cluster, group).await?;
    let current: HashMap<Place, i64> =
        groups::offsets(cluster, group).await?.into_iter().map(|known| (known.place, known.offset)).collect();
    let wanted = wanted(cluster, arguments, target, &current).await?;
    if wanted.is_empty() {
        return Err(Failure::new(format!("group \"{group}\" has no offsets")).advise("name topics with --topic"));
    }
    let timestamp_ms = match target {
        Target::Time(timestamp_ms) => Some(*timestamp_ms),
        Target::Age(age_ms) => Some(time::unix_ms().saturating_sub(*age_ms)),
        _ => None,
    };
    let bounds = bounds(cluster, &wanted, timestamp_ms, &current).await?;
    let mut rows = Vec::new();
    for (place, bounds) in wanted.iter().zip(&bounds) {
        let new = new_offset(target, place, bounds).ok_or_else(|| no_offset(group, place))?;
        let Bounds { current, start, end, .. } = *bounds;
        rows.push(Row { topic: place.0.clone(), partition: place.1, current, new, start, end });
    }
    if arguments.execute {
        let offsets: Vec<(Place, i64)> = wanted.into_iter().zip(rows.iter().map(|row| row.new)).collect();
        groups::commit(cluster, group, &offsets).await?;
    }
    print(&rows, arguments, output)
}

fn no_offset(group: &str, (topic, partition): &Place) -> Failure {
    Failure::new(format!("group \"{group}\" has no offset of topic \"{topic}\", partition {partition}, to shift"))
        .advise("give it one with --to-earliest, --to-latest or --to-offset")
}

/// Only a group without members takes offsets from outside.
async fn refuse_members(cluster: &mut Cluster, group: &str) -> Result<(), Failure> {
    let described = match groups::describe(cluster, group).await {
        // A group comes into being with its first offset.
        Err(error) if error.code() == Some(ErrorCode::GroupIdNotFound) => return Ok(()),
        described => described?,
    };
    if described.members.is_empty() {
        return Ok(());
    }
    let (state, count) = (&described.state, described.members.len());
    Err(Failure::new(format!("group \"{group}\" is in use: it is {state} and has {count} members"))
        .advise("stop its members; their own commits would undo the change"))
}

/// The partitions to move, sorted.
async fn wanted(
    cluster: &mut Cluster,
    arguments: &GroupResetArguments,
    target: &Target,
    current: &HashMap<Place, i64>,
) -> Result<Vec<Place>, Failure> {
    let mut wanted: Vec<Place> = match target {
        Target::Listed(listed) => listed.iter().map(|(place, _)| place.clone()).collect(),
        _ if arguments.all_topics => current.keys().cloned().collect(),
        _ => Vec::new(),
    };
    for selection in &arguments.topics {
        let partitions = match &selection.partitions {
            Some(partitions) => partitions.clone(),
            None => {
                cluster.topic(&selection.topic, false).await?.partitions.iter().map(|p| p.partition_index).collect()
            }
        };
        wanted.extend(partitions.into_iter().map(|partition| (selection.topic.clone(), partition)));
    }
    wanted.sort();
    wanted.dedup();
    Ok(wanted)
}

/// What is known of each of `wanted`, which is sorted.
async fn bounds(
    cluster: &mut Cluster,
    wanted: &[Place],
    timestamp_ms: Option<i64>,
    current: &HashMap<Place, i64>,
) -> Result<Vec<Bounds>, Failure> {
    let mut found = Vec::new();
    for places in wanted.chunk_by(|left, right| left.0 == right.0) {
        let Some((name, _)) = places.first() else { continue };
        let topic = cluster.topic(name, false).await?;
        let partitions: Vec<i32> = places.iter().map(|place| place.1).collect();
        let starts = offsets::list(cluster, &topic, &partitions, offsets::EARLIEST, false).await?;
        let ends = offsets::list(cluster, &topic, &partitions, offsets::LATEST, false).await?;
        let times = match timestamp_ms {
            Some(timestamp_ms) => offsets::list(cluster, &topic, &partitions, timestamp_ms, false).await?,
            None => HashMap::default(),
        };
        for place in places {
            let (Some(&start), Some(&end)) = (starts.get(&place.1), ends.get(&place.1)) else {
                return Err(Failure::new(format!("topic \"{name}\" has no partition {}", place.1)));
            };
            let by_time = times.get(&place.1).copied().unwrap_or(-1);
            found.push(Bounds { current: current.get(place).copied(), start, end, by_time });
        }
    }
    Ok(found)
}

/// The new offset of a partition, never outside of what is there; `None` where there is nothing to shift.
fn new_offset(target: &Target, place: &Place, bounds: &Bounds) -> Option<i64> {
    let wanted = match target {
        Target::Earliest => bounds.start,
        Target::Latest => bounds.end,
        Target::Current => bounds.current.unwrap_or(bounds.end),
        Target::Offset(offset) => *offset,
        Target::Shift(count) => bounds.current?.saturating_add(*count),
        Target::Time(_) | Target::Age(_) if bounds.by_time < 0 => bounds.end,
        Target::Time(_) | Target::Age(_) => bounds.by_time,
        Target::Listed(listed) => listed.iter().rev().find(|(listed, _)| listed == place)?.1,
    };
    // A commit may lie outside of what retention left; moving it to where it is must not change it.
    if *target == Target::Current {
        Some(wanted)
    } else {
        Some(wanted.clamp(bounds.start, bounds.end.max(bounds.start)))
    }
}

fn print(rows: &[Row], arguments: &GroupResetArguments, output: &mut Output) -> Result<(), Failure> {
    if arguments.json {
        return output.json(&rows);
    }
    let mut shown = table(&["topic", "partition", "current", "new", "start", "end"]);
    for row in rows {
        shown.add_row([
            row.topic.clone(),
            row.partition.to_string(),
            row.current.map_or("-".to_owned(), |offset| offset.to_string()),
            row.new.to_string(),
            row.start.to_string(),
            row.end.to_string(),
        ]);
    }
    output.table(&shown)?;
    output.line("")?;
    let group = &arguments.group;
    if arguments.execute {
        output.line(format_args!("group {group}: {} offsets set", rows.len()))
    } else {
        output.line(format_args!("group {group}: nothing was changed; --execute does it"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_offsets_stay_within_what_is_there() {
        let bounds = Bounds { current: Some(15), start: 10, end: 20, by_time: 12 };
        let place = ("t".to_owned(), 0);
        let listed = vec![(place.clone(), 13), (("u".to_owned(), 0), 14)];
        for (target, offset) in [
            (Target::Earliest, 10),
            (Target::Latest, 20),
            (Target::Current, 15),
            (Target::Offset(5), 10),
            (Target::Offset(17), 17),
            (Target::Offset(99), 20),
            (Target::Shift(-3), 12),
            (Target::Shift(-30), 10),
            (Target::Shift(i64::MAX), 20),
            (Target::Time(1), 12),
            (Target::Age(1), 12),
            (Target::Listed(listed), 13),
        ] {
            assert_eq!(new_offset(&target, &place, &bounds), Some(offset), "{target:?}");
        }
    }

    #[test]
    fn without_an_offset_or_a_record_so_late_the_end_is_taken() {
        let bounds = Bounds { current: None, start: 10, end: 20, by_time: -1 };
        let place = ("t".to_owned(), 0);
        assert_eq!(new_offset(&Target::Current, &place, &bounds), Some(20));
        assert_eq!(new_offset(&Target::Time(1), &place, &bounds), Some(20));
        assert_eq!(new_offset(&Target::Shift(1), &place, &bounds), None);
    }

    #[test]
    fn a_current_offset_outside_of_what_is_there_stays() {
        let bounds = Bounds { current: Some(3), start: 10, end: 20, by_time: -1 };
        assert_eq!(new_offset(&Target::Current, &("t".to_owned(), 0), &bounds), Some(3));
    }
}
