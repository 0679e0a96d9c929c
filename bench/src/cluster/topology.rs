//! Who leads which partition, and at which address.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use corelog_protocol::messages::metadata_request::{MetadataRequest, MetadataRequestTopic};
use corelog_protocol::messages::metadata_response::{MetadataResponse, MetadataResponseTopic};
use corelog_protocol::{Text, Uuid};

use super::control::{Control, error_name};

/// How long partitions may take to get their leaders.
const LEADER_TIME_MAX: Duration = Duration::from_mins(2);
/// Between two questions.
const PAUSE: Duration = Duration::from_millis(100);

/// One topic whose partitions all have leaders.
#[derive(Clone, Debug)]
pub struct Topic {
    /// Its name.
    pub name: Text,
    /// Its id; zero where the broker gives none.
    pub id: Uuid,
    /// The node that leads each partition, by the partition's number.
    pub leaders: Vec<i32>,
}

/// Topics and brokers.
#[derive(Clone, Debug)]
pub struct Topology {
    /// The topics that were asked for, in that order.
    pub topics: Vec<Topic>,
    /// Host and port of each node.
    pub addresses: BTreeMap<i32, String>,
}

impl Topology {
    /// Asks until every partition of every one of `names` has a leader.
    pub fn ask(control: &mut Control, names: &[String]) -> Result<Topology> {
        let began = Instant::now();
        loop {
            match Topology::ask_once(control, names) {
                Ok(topology) => return Ok(topology),
                Err(error) if began.elapsed() > LEADER_TIME_MAX => return Err(error),
                Err(_) => std::thread::sleep(PAUSE),
            }
        }
    }

    fn ask_once(control: &mut Control, names: &[String]) -> Result<Topology> {
        let topics = names.iter().map(|name| MetadataRequestTopic { name: Some(name.into()), ..Default::default() });
        let request =
            MetadataRequest { topics: Some(topics.collect()), allow_auto_topic_creation: false, ..Default::default() };
        let response: MetadataResponse = control.call(&request, i16::MAX)?;
        let addresses =
            response.brokers.iter().map(|broker| (broker.node_id, format!("{}:{}", broker.host, broker.port)));
        let addresses: BTreeMap<i32, String> = addresses.collect();
        let mut found = Vec::new();
        for name in names {
            let topic = response.topics.iter().find(|topic| topic.name.as_deref() == Some(name.as_str()));
            found.push(led(topic.with_context(|| format!("no topic {name}"))?)?);
        }
        Ok(Topology { topics: found, addresses })
    }

    /// Host and port of a node.
    pub fn address(&self, node: i32) -> Result<&str> {
        self.addresses.get(&node).map(String::as_str).with_context(|| format!("no address of node {node}"))
    }

    /// The nodes that lead partitions of a topic, each with its partitions.
    pub fn partitions_by_leader(topic: &Topic) -> BTreeMap<i32, Vec<i32>> {
        let mut leaders: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
        for (partition, leader) in topic.leaders.iter().enumerate() {
            leaders.entry(*leader).or_default().push(partition as i32);
        }
        leaders
    }
}

fn led(topic: &MetadataResponseTopic) -> Result<Topic> {
    let name = topic.name.clone().unwrap_or_default();
    if topic.error_code != 0 {
        bail!("topic {name}: {}", error_name(topic.error_code));
    }
    let mut partitions: Vec<_> = topic.partitions.iter().collect();
    partitions.sort_by_key(|partition| partition.partition_index);
    let mut leaders = Vec::with_capacity(partitions.len());
    for (index, partition) in partitions.iter().enumerate() {
        if partition.leader_id < 0 || partition.partition_index != index as i32 {
            bail!("topic {name}: no leader of partition {index}");
        }
        leaders.push(partition.leader_id);
    }
    if leaders.is_empty() {
        bail!("topic {name} has no partitions");
    }
    Ok(Topic { name, id: topic.topic_id, leaders })
}
