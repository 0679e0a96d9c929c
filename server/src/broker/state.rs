//! What handlers are given: one value per shard.
//!
//! Made when the shard serves, shared by all its connections. It holds no partition and no log: those are the engine's.

use std::cell::{Ref, RefCell, RefMut};
use std::ops::Range;
use std::rc::Rc;

use corelog_engine::config::{BrokerLayers, ConfigMap};
use corelog_engine::ids::ShardId;
use corelog_engine::metadata::{
    CreatedTopic, DeletedTopic, MetadataError, MetadataImage, NewPartitions, NewTopic, PartitionImage, ResourceUpdate,
    TopicReference,
};
use corelog_engine::shard::Shard;
use corelog_protocol::{Text, Uuid};
use corelog_rt::sync::Turns;
use corelog_rt::task;

use super::endpoints::{Endpoints, Entrance};
use crate::groups::service::GroupService;
use crate::handlers::fetch::FetchMemory;
use crate::handlers::fetch::session::FetchSessions;
use crate::metrics::meters::Meters;
use crate::net::input::ReadBudget;
use crate::net::registry::Registry;
use crate::telemetry::{self, Clients, Subscriptions, Telemetry};

/// The broker as one shard sees it.
pub struct Broker {
    shard: Rc<Shard>,
    endpoints: Endpoints,
    rack: Option<Text>,
    registry: Rc<Registry>,
    meters: Rc<Meters>,
    requests_memory: ReadBudget,
    fetch_sessions: Rc<FetchSessions>,
    fetch_memory: FetchMemory,
    fetch_bytes_max: usize,
    groups: Rc<GroupService>,
    produce_turns: Turns,
    telemetry: RefCell<Telemetry>,
}

/// What a broker is made of.
pub struct Parts {
    /// The engine's shard.
    pub shard: Rc<Shard>,
    /// What clients are told.
    pub endpoints: Endpoints,
    /// The rack that clients are told.
    pub rack: Option<Text>,
    /// The connections of this shard.
    pub registry: Rc<Registry>,
    /// What this shard counts.
    pub meters: Rc<Meters>,
    /// Memory of this shard for requests.
    pub requests_memory: ReadBudget,
    /// Fetch sessions that this shard keeps at most.
    pub fetch_sessions_max: usize,
    /// Memory of this shard for answers of fetches, in bytes.
    pub fetch_memory_bytes: u64,
    /// `fetch.max.bytes`.
    pub fetch_bytes_max: usize,
    /// Memory of this shard for groups, in bytes.
    pub groups_memory_bytes: usize,
    /// What bounds the telemetry of this shard.
    pub telemetry: telemetry::clients::Limits,
}

impl Broker {
    /// The broker of one shard.
    pub fn new(parts: Parts) -> Broker {
        let groups = Rc::new(GroupService::new(&parts.shard, parts.groups_memory_bytes));
        Broker {
            groups,
            produce_turns: Turns::new(),
            shard: parts.shard,
            endpoints: parts.endpoints,
            rack: parts.rack,
            registry: parts.registry,
            meters: parts.meters,
            requests_memory: parts.requests_memory,
            fetch_sessions: Rc::new(FetchSessions::new(parts.fetch_sessions_max)),
            fetch_memory: FetchMemory::new(parts.fetch_memory_bytes),
            fetch_bytes_max: parts.fetch_bytes_max,
            telemetry: RefCell::new(Telemetry {
                subscriptions: Subscriptions::default(),
                clients: Clients::new(parts.telemetry),
            }),
        }
    }

    /// The engine's shard.
    pub fn shard(&self) -> &Rc<Shard> {
        &self.shard
    }

    /// This broker's id.
    pub fn node_id(&self) -> i32 {
        self.shard.broker_id()
    }

    /// The rack that clients are told.
    pub fn rack(&self) -> Option<&Text> {
        self.rack.as_ref()
    }

    /// What clients are told.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// The replicas of a partition as clients are told, the leader first.
    pub fn told_replicas(&self, partition: &PartitionImage) -> Vec<i32> {
        let (own, shard) = (self.node_id(), self.shard.owner_of_log(partition.log));
        let told = |id: &i32| if *id == own { self.endpoints.id_of_shard(shard) } else { *id };
        partition.replicas.iter().map(told).collect()
    }

    /// The brokers that a client means by ids that it was told.
    pub fn meant_replicas(&self, ids: &[i32]) -> Vec<i32> {
        ids.iter().map(|id| self.endpoints.node_id_of(*id)).collect()
    }

    /// The shards that a client means which asks one broker for all that it has: the one behind a port of its own, or all.
    pub fn shards_behind(&self, entrance: Entrance) -> Range<usize> {
        let own = usize::from(self.shard.id().0);
        if entrance.is_direct { own..own + 1 } else { 0..self.shard.shards() }
    }

    /// The metadata as this shard knows it. Let go of it before an await.
    pub fn image(&self) -> Ref<'_, MetadataImage> {
        self.shard.image()
    }

    /// The broker's configs that were set at start.
    pub fn statics(&self) -> &ConfigMap {
        self.shard.statics()
    }

    /// The connections of this shard.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The line of those who append here for connections of other shards: each takes its place as its work arrives.
    pub fn produce_turns(&self) -> &Turns {
        &self.produce_turns
    }

    /// What this shard counts.
    pub fn meters(&self) -> &Meters {
        &self.meters
    }

    /// The memory of this shard for requests.
    pub fn requests_memory(&self) -> &ReadBudget {
        &self.requests_memory
    }

    /// The fetch sessions of this shard.
    pub fn fetch_sessions(&self) -> &Rc<FetchSessions> {
        &self.fetch_sessions
    }

    /// The memory of this shard for answers of fetches.
    pub fn fetch_memory(&self) -> &FetchMemory {
        &self.fetch_memory
    }

    /// `fetch.max.bytes`: the most bytes of records in one answer.
    pub fn fetch_bytes_max(&self) -> usize {
        self.fetch_bytes_max
    }

    /// The coordinators of the groups whose partitions of `__consumer_offsets` this shard owns.
    pub fn groups(&self) -> &Rc<GroupService> {
        &self.groups
    }

    /// The telemetry of this shard. Let go of it before an await.
    pub fn telemetry(&self) -> RefMut<'_, Telemetry> {
        self.telemetry.borrow_mut()
    }

    /// Whether a topic that a client asks for comes into being by that (`auto.create.topics.enable`).
    pub fn creates_topics_on_demand(&self) -> bool {
        self.with_layers(|layers| layers.value("auto.create.topics.enable").and_then(|value| value.as_boolean()))
            .unwrap_or(true)
    }

    /// Looks at the layers of the broker's configs.
    pub fn with_layers<T>(&self, look: impl FnOnce(&BrokerLayers<'_>) -> T) -> T {
        let image = self.image();
        look(&image.broker_layers(self.node_id(), self.statics()))
    }

    /// Creates topics, or only says whether it would; one answer each, in order.
    pub async fn create_topics(
        &self,
        topics: Vec<NewTopic>,
        validate_only: bool,
    ) -> Vec<Result<CreatedTopic, MetadataError>> {
        self.shard.create_topics(topics, validate_only).await
    }

    /// Deletes topics; one answer each, in order.
    pub async fn delete_topics(&self, topics: Vec<TopicReference>) -> Vec<Result<DeletedTopic, MetadataError>> {
        let results = self.shard.delete_topics(topics).await;
        let deleted = results.iter().filter_map(|result| result.as_ref().ok());
        let deleted: Vec<_> = deleted.map(|topic| (Text::from(&*topic.name), Uuid(topic.id.0))).collect();
        if !deleted.is_empty() {
            self.forget_offsets(&deleted);
        }
        results
    }

    /// Lets the groups of all shards forget their offsets of deleted topics. Nobody waits for it: a crash before it is done is made up
    /// for when the groups are loaded.
    fn forget_offsets(&self, deleted: &[(Text, Uuid)]) {
        for target in 0..self.shard.shards() {
            let (shard, deleted) = (Rc::clone(&self.shard), deleted.to_vec());
            task::spawn(async move {
                let forget = |shard: Rc<Shard>| async move {
                    if let Some(broker) = shard.attached::<Broker>() {
                        broker.groups.forget_topics(&deleted).await;
                    }
                };
                // A shard that stops does it when it starts.
                let _ = shard.run(ShardId(target as u16), forget).await;
            });
        }
    }

    /// Adds partitions to topics; one answer each, in order.
    pub async fn create_partitions(
        &self,
        topics: Vec<NewPartitions>,
        validate_only: bool,
    ) -> Vec<Result<(), MetadataError>> {
        self.shard.create_partitions(topics, validate_only).await
    }

    /// Changes configs; one answer for each resource, in order.
    pub async fn alter_configs(
        &self,
        resources: Vec<ResourceUpdate>,
        replace_all: bool,
        validate_only: bool,
    ) -> Vec<Result<(), MetadataError>> {
        self.shard.alter_configs(resources, replace_all, validate_only).await
    }

    /// A producer id that nobody was given before.
    pub async fn next_producer_id(&self) -> Result<i64, MetadataError> {
        self.shard.next_producer_id().await
    }
}
