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

/// How the partitions of a leader go to its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Each to one connection, and, with more connections than partitions, to several.
    Split,
    /// Each to one connection: there are at most as many connections as partitions.
    Alone,
    /// All to every connection.
    Whole,
}

/// Shares out all partitions to `connections`.
///
/// # Errors
/// Fewer connections than pairs of topic and leader: some partitions would have none.
pub fn share_out(topology: &Topology, connections: usize, sharing: Sharing) -> Result<Vec<Share>> {
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
        let members = if sharing == Sharing::Alone { members.min(count) } else { members };
        for member in 0..members {
            let partitions = if sharing == Sharing::Whole {
                group.partitions.clone()
            } else if members <= count {
                group.partitions.iter().skip(member).step_by(members).copied().collect()
            } else {
                group.partitions.iter().skip(member % count).take(1).copied().collect()
            };
            shares.push(Share { partitions, ..group.clone() });
        }
    }
    Ok(shares)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::topology::Topic;
    use std::collections::BTreeMap;

    /// One topic of six partitions, led by two brokers in turn.
    fn topology() -> Topology {
        let topic = Topic { name: "t".into(), id: Uuid([1; 16]), leaders: vec![1, 2, 1, 2, 1, 2] };
        let addresses = BTreeMap::from([(1, "a:1".to_owned()), (2, "b:2".to_owned())]);
        Topology { topics: vec![topic], addresses }
    }

    fn shares(connections: usize, sharing: Sharing) -> Vec<(String, Vec<i32>)> {
        let shares = share_out(&topology(), connections, sharing).unwrap();
        shares.into_iter().map(|share| (share.address, share.partitions)).collect()
    }

    #[test]
    fn every_partition_is_led_by_the_broker_of_its_connection() {
        let expected = [("a:1", vec![0, 4]), ("a:1", vec![2]), ("b:2", vec![1, 3, 5])];
        assert_eq!(shares(3, Sharing::Split), expected.map(|(address, partitions)| (address.to_owned(), partitions)));
        assert!(share_out(&topology(), 1, Sharing::Split).is_err());
    }

    #[test]
    fn more_connections_than_partitions_share_them_unless_they_must_not() {
        let shared = shares(10, Sharing::Split);
        assert_eq!((shared.len(), shared.iter().filter(|(_, partitions)| partitions == &[0]).count()), (10, 2));
        let mut alone: Vec<i32> =
            shares(10, Sharing::Alone).into_iter().flat_map(|(_, partitions)| partitions).collect();
        alone.sort_unstable();
        assert_eq!(alone, [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn every_connection_of_a_leader_may_have_all_its_partitions() {
        let expected = [("a:1", vec![0, 2, 4]), ("a:1", vec![0, 2, 4]), ("b:2", vec![1, 3, 5])];
        assert_eq!(shares(3, Sharing::Whole), expected.map(|(address, all)| (address.to_owned(), all)));
    }
}
