//! What clients are told of this broker: one broker on each listener's port, or, with core-direct listeners, a broker for each shard, on ports of its own.
//!
//! Built once at start; every shard has its own copy, because the texts are shared by counting. With core-direct listeners clients connect to the shard that
//! leads a partition or coordinates a group, and no request of theirs is passed on between shards. The metadata log knows one broker all the same:
//! ids of shards are made here for answers, and what clients send with such an id is taken for that broker.

use corelog_engine::ids::ShardId;
use corelog_protocol::Text;

use crate::limits::SHARD_ID_STEP;

/// Name, host and port that clients are told.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The listener's name.
    pub name: Text,
    /// Host name or address.
    pub host: Text,
    /// Port.
    pub port: i32,
}

/// Where a connection came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entrance {
    /// Index of the listener in the settings.
    pub listener: usize,
    /// Through a port of the shard's own: its client takes the shard for a broker.
    pub is_direct: bool,
}

/// What clients are told of one broker.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// Its id.
    pub id: i32,
    /// Where it is.
    pub endpoint: &'a Endpoint,
}

/// What the clients of all listeners are told.
#[derive(Clone, Debug)]
pub struct Endpoints {
    node_id: i32,
    /// How many brokers clients see.
    brokers: usize,
    /// Of each listener, one endpoint for each of them.
    listeners: Vec<Vec<Endpoint>>,
}

impl Endpoints {
    /// One broker on `listeners`.
    pub fn shared(node_id: i32, listeners: Vec<Endpoint>) -> Endpoints {
        Endpoints { node_id, brokers: 1, listeners: listeners.into_iter().map(|endpoint| vec![endpoint]).collect() }
    }

    /// As many brokers as there are shards, each on its own port: that of the listener and `offset` and the number of the shard.
    pub fn direct(node_id: i32, listeners: Vec<Endpoint>, shards: usize, offset: u16) -> Endpoints {
        let of_shard = |endpoint: &Endpoint, shard: usize| Endpoint {
            port: endpoint.port + i32::from(offset) + shard as i32,
            ..endpoint.clone()
        };
        let of_shards = |endpoint: Endpoint| (0..shards).map(|shard| of_shard(&endpoint, shard)).collect();
        Endpoints { node_id, brokers: shards, listeners: listeners.into_iter().map(of_shards).collect() }
    }

    /// All brokers that the clients of a listener are told of, the controller first.
    pub fn all(&self, listener: usize) -> impl Iterator<Item = Told<'_>> {
        let endpoints = self.listeners.get(listener).map_or(&[][..], Vec::as_slice);
        endpoints.iter().enumerate().map(|(index, endpoint)| Told { id: self.id(index), endpoint })
    }

    /// The broker that serves what a shard owns.
    pub fn of_shard(&self, listener: usize, shard: ShardId) -> Told<'_> {
        let index = self.index(shard);
        let endpoint = self.listeners.get(listener).and_then(|endpoints| endpoints.get(index));
        Told { id: self.id(index), endpoint: endpoint.expect("connections carry the index of a listener") }
    }

    /// The id of the broker that serves what a shard owns.
    pub fn id_of_shard(&self, shard: ShardId) -> i32 {
        self.id(self.index(shard))
    }

    /// The broker's own id for one that clients were told of one of its shards; any other as it is.
    pub fn node_id_of(&self, id: i32) -> i32 {
        let is_own = (0..self.brokers).any(|index| self.id(index) == id);
        if is_own { self.node_id } else { id }
    }

    fn index(&self, shard: ShardId) -> usize {
        usize::from(shard.0).min(self.brokers - 1)
    }

    fn id(&self, index: usize) -> i32 {
        self.node_id + SHARD_ID_STEP * index as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listener(port: i32) -> Endpoint {
        Endpoint { name: "PLAINTEXT".into(), host: "here".into(), port }
    }

    fn told(endpoints: &Endpoints, listener: usize) -> Vec<(i32, i32)> {
        endpoints.all(listener).map(|told| (told.id, told.endpoint.port)).collect()
    }

    #[test]
    fn shared_listeners_show_one_broker() {
        let endpoints = Endpoints::shared(7, vec![listener(9092), listener(9093)]);
        assert_eq!((told(&endpoints, 0), told(&endpoints, 1)), (vec![(7, 9092)], vec![(7, 9093)]));
        let last = endpoints.of_shard(1, ShardId(3));
        assert_eq!((last.id, last.endpoint.port), (7, 9093));
        assert_eq!((endpoints.node_id_of(7), endpoints.node_id_of(10_007)), (7, 10_007));
    }

    #[test]
    fn direct_listeners_show_a_broker_for_each_shard() {
        let endpoints = Endpoints::direct(7, vec![listener(9092)], 3, 100);
        assert_eq!(told(&endpoints, 0), [(7, 9192), (10_007, 9193), (20_007, 9194)]);
        let second = endpoints.of_shard(0, ShardId(1));
        assert_eq!((second.id, second.endpoint.port, endpoints.id_of_shard(ShardId(1))), (10_007, 9193, 10_007));
        let ids = [7, 10_007, 20_007, 30_007, 8, -1].map(|id| endpoints.node_id_of(id));
        assert_eq!(ids, [7, 7, 7, 30_007, 8, -1]);
    }
}
