//! Owns the coordinators of one shard.
//!
//! Made when the shard serves. A coordinator comes into being when its partition is first asked for, at the latest when the shard starts to
//! serve, and goes with the partition.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use corelog_engine::ids::PartitionKey;
use corelog_engine::log::BytesInUse;
use corelog_engine::shard::Shard;
use corelog_protocol::{ErrorCode, Text, Uuid};
use corelog_rt::map::HashMap;

use super::cluster::ShardCluster;
use super::slot::Slot;
use super::topic::OFFSETS_TOPIC;
use crate::groups::cluster::Cluster;
use crate::groups::coordinator::Coordinator;
use crate::groups::settings::GroupSettings;

/// What all coordinators of a shard share.
pub(super) struct Common {
    pub(super) shard: Rc<Shard>,
    pub(super) settings: Rc<GroupSettings>,
    pub(super) cluster: Rc<ShardCluster>,
    pub(super) compression: corelog_engine::batch::Compression,
    /// Memory of all groups of the shard, in bytes, about.
    pub(super) memory_bytes: Cell<usize>,
    pub(super) memory_bytes_max: usize,
}

impl Common {
    /// A coordinator that knows nothing yet.
    pub(super) fn coordinator(&self) -> Coordinator {
        Coordinator::new(Rc::clone(&self.settings)).over(Rc::clone(&self.cluster) as Rc<dyn Cluster>)
    }
}

/// The coordinators of one shard.
pub struct GroupService {
    common: Rc<Common>,
    slots: RefCell<HashMap<PartitionKey, Rc<Slot>>>,
}

impl GroupService {
    /// The service of a shard, which loads nothing yet. All groups of the shard may take about `memory_bytes_max`.
    pub fn new(shard: &Rc<Shard>, memory_bytes_max: usize) -> GroupService {
        let (settings, compression) = {
            let image = shard.image();
            let layers = image.broker_layers(shard.broker_id(), shard.statics());
            (Rc::new(GroupSettings::of(&layers)), super::topic::compression(&layers))
        };
        let cluster = Rc::new(ShardCluster(Rc::clone(shard)));
        let (shard, memory_bytes) = (Rc::clone(shard), Cell::new(0));
        let common = Rc::new(Common { shard, settings, cluster, compression, memory_bytes, memory_bytes_max });
        GroupService { common, slots: RefCell::default() }
    }

    /// What coordinators obey.
    pub fn settings(&self) -> &GroupSettings {
        &self.common.settings
    }

    /// Begins to load every coordinator of this shard, and the periodic work. Called once, when the shard serves.
    pub fn start(self: &Rc<Self>) {
        for key in self.own_keys() {
            // A partition that is gone meanwhile needs no coordinator.
            let _ = self.slot(key);
        }
        super::background::start(self);
    }

    /// The partitions of `__consumer_offsets` that this shard owns.
    fn own_keys(&self) -> Vec<PartitionKey> {
        let shard = &self.common.shard;
        let image = shard.image();
        let Some(topic) = image.topic(OFFSETS_TOPIC) else { return Vec::new() };
        let keys = (0..topic.partitions.len() as i32).filter_map(|index| topic.key(index));
        keys.filter(|key| shard.partition(*key).is_some()).collect()
    }

    /// The coordinator of a partition; it begins to load if it was not there.
    ///
    /// # Errors
    /// `NOT_COORDINATOR` where this shard does not own the partition.
    pub fn slot(&self, key: PartitionKey) -> Result<Rc<Slot>, ErrorCode> {
        let Some(partition) = self.common.shard.partition(key) else {
            if let Some(slot) = self.slots.borrow_mut().remove(&key) {
                slot.close();
            }
            return Err(ErrorCode::NotCoordinator);
        };
        if let Some(slot) = self.slots.borrow().get(&key).filter(|slot| slot.is_of(&partition)) {
            return Ok(Rc::clone(slot));
        }
        let slot = Slot::start(&self.common, partition);
        if let Some(former) = self.slots.borrow_mut().insert(key, Rc::clone(&slot)) {
            former.close();
        }
        Ok(slot)
    }

    /// Every coordinator that was asked for.
    pub fn slots(&self) -> Vec<Rc<Slot>> {
        let mut slots: Vec<_> = self.slots.borrow().iter().map(|(key, slot)| (*key, Rc::clone(slot))).collect();
        slots.sort_unstable_by_key(|(key, _)| *key);
        slots.into_iter().map(|(_, slot)| slot).collect()
    }

    /// Lets the offsets of topics go that were deleted.
    pub async fn forget_topics(&self, topics: &[(Text, Uuid)]) {
        for slot in self.slots() {
            let is_gone = |name: &Text, id: Uuid| {
                topics.iter().any(|(gone, gone_id)| gone == name && (id.is_zero() || id == *gone_id))
            };
            slot.forget_topics(is_gone).await;
        }
    }

    /// Memory of all groups of the shard, in bytes, about.
    pub fn memory_bytes(&self) -> usize {
        self.common.memory_bytes.get()
    }

    /// Memory of all groups of the shard, about, and the bound.
    pub fn memory_in_use(&self) -> BytesInUse {
        let common = &self.common;
        BytesInUse { used: common.memory_bytes.get() as u64, limit: common.memory_bytes_max as u64 }
    }

    pub(super) fn common(&self) -> &Rc<Common> {
        &self.common
    }
}
