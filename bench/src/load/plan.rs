//! Which connection goes to which broker and has which partitions.

use anyhow::{Result, bail};
use corelog_protocol::{Text, Uuid};

use crate::cluster::topology::Topology;

/// One connection's share.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    /// Host and port of the leader.
    pub address: String,
    /// Which of the topics.
    pub topic: usize,
    /// Its name.
    pub topic_name: Text,
    /// Its id.
    pub topic_id: Uuid,
    /// The partitions: all led by that broker.
    pub partitions: Vec<i32>,
}

/// Shares out all partitions to `connections`. With fewer connections than partitions of a leader each partition has one; with more,
/// connections share them, or, where a partition is to have one alone, there are as many connections as partitions.
///
/// # Errors
/// Fewer connections than pairs of topic and leader: some partitions would have none.
pub fn share_out(topology: &Topology, connections: usize, alone: bool) -> Result<Vec<Share>> {
    let mut groups = Vec::new();
    for (index, topic) in topology.topics.iter().enumerate() {
        for (node, partitions) in Topology::partitions_by_leader(topic) {
            let address = topology.address(node)?.to_owned();
            groups.push(Share {
                address,
                topic: index,
                topic_name: topic.name.clone(),
                topic_id: topic.id,
                partitions,
            });
        }
    }
    if connections < groups.len() {
        bail!("{connections} connections for {} pairs of topic and leader: at least one each is needed", groups.len());
    }
    let mut shares = Vec::with_capacity(connections);
    for (index, group) in groups.iter().enumerate() {
        let members = connections / groups.len() + usize::from(index < connections % groups.len());
        let count = group.partitions.len();
        let members = if alone { members.min(count) } else { members };
        for member in 0..members {
            let partitions = if members <= count {
                group.partitions.iter().skip(member).step_by(members).copied().collect()
            } else {
                group.partitions.iter().skip(member % count).take(1).copied().collect()
            };
            shares.push(Share { partitions, ..group.clone() });
        }
    }
    Ok(shares)
}
