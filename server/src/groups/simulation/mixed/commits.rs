//! Owns the offsets: who commits them, what the coordinator must still know of them, and how they go.

use std::collections::BTreeSet;

use corelog_protocol::messages::offset_commit_request::{
    OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use corelog_protocol::messages::offset_delete_request::{
    OffsetDeleteRequest, OffsetDeleteRequestPartition, OffsetDeleteRequestTopic,
};
use corelog_protocol::messages::offset_fetch_request::OffsetFetchRequestGroup;
use corelog_protocol::{ErrorCode, Text, Uuid};

use super::client::Mood;
use super::network::Request;
use super::world::World;
use crate::groups::consumer::assignment::holds;
use crate::groups::group::Group;

/// An offset that was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    pub offset: i64,
    pub at_ms: i64,
    pub topic: Uuid,
}

/// A commit of one partition.
#[derive(Clone, Debug)]
pub struct Commit {
    /// The member that sends it; `None` for a stranger, or an administrator.
    pub client: Option<u64>,
    pub member: Text,
    pub instance: Option<Text>,
    pub epoch: i32,
    pub topic: (Text, Uuid),
    pub partition: i32,
    pub offset: i64,
    /// Whether the topic is named by its id.
    pub by_id: bool,
}

impl World {
    /// A member commits something that it owns, as far as it knows.
    pub fn act_commit(&mut self, index: usize) {
        let client = &self.clients[index];
        // A classic member does not commit while it joins again.
        if client.is_classic && client.mood != Mood::Beat {
            return;
        }
        let names: Vec<(Text, Uuid)> = self.topics.all().map(|(name, id, _)| (name.clone(), id)).collect();
        let mut owned = Vec::new();
        for topic in names {
            let partitions = client.owned.get(&topic.1).into_iter().flatten();
            owned.extend(partitions.map(|partition| (topic.clone(), *partition)));
        }
        if owned.is_empty() {
            return;
        }
        let place = usize::try_from(self.dice.roll(owned.len() as u64)).unwrap();
        let (topic, partition) = owned.swap_remove(place);
        let (member, instance, epoch, number) =
            (client.id.clone(), client.instance.clone(), client.epoch, client.number);
        let commit = Commit { client: Some(number), member, instance, epoch, ..self.anything(topic, partition) };
        let delay_ms = if self.is_rough && self.dice.one_in(4) { self.dice.roll(20_000) } else { 0 };
        self.send_aside(number, Request::Commit(commit), delay_ms);
    }

    /// Somebody who is no member commits.
    pub fn intrude(&mut self) {
        let topics: Vec<(Text, Uuid)> = self.topics.all().map(|(name, id, _)| (name.clone(), id)).collect();
        let Some(topic) = topics.first().cloned() else { return };
        let (member, epoch) = if self.dice.one_in(2) { ("", -1) } else { ("stranger", 3) };
        let commit = Commit { member: member.into(), epoch, ..self.anything(topic, 0) };
        self.send_aside(0, Request::Commit(commit), 0);
    }

    fn anything(&mut self, topic: (Text, Uuid), partition: i32) -> Commit {
        let offset = i64::try_from(self.dice.roll(1 << 40)).unwrap();
        let by_id = self.dice.one_in(2);
        Commit { client: None, member: Text::default(), instance: None, epoch: -1, topic, partition, offset, by_id }
    }

    /// A commit arrives. Whether it is accepted is checked against what the members believe.
    pub fn commit(&mut self, commit: &Commit) {
        if self.topics.all().all(|(_, id, _)| id != commit.topic.1) {
            return;
        }
        let partition = OffsetCommitRequestPartition {
            partition_index: commit.partition,
            committed_offset: commit.offset,
            ..Default::default()
        };
        let topic = OffsetCommitRequestTopic {
            name: commit.topic.0.clone(),
            topic_id: commit.topic.1,
            partitions: vec![partition],
        };
        let request = OffsetCommitRequest {
            group_id: self.group.clone(),
            generation_id_or_member_epoch: commit.epoch,
            member_id: commit.member.clone(),
            group_instance_id: commit.instance.clone(),
            topics: vec![topic],
            ..Default::default()
        };
        let answer = self.coordinator.commit(&request, if commit.by_id { 10 } else { 9 }, self.now);
        let error = ErrorCode::from_code(answer.topics[0].partitions[0].error_code).unwrap();
        if error != ErrorCode::None {
            self.check_refused(commit, error);
            assert!(self.settle());
            return;
        }
        self.check_accepted(commit);
        if self.settle() {
            self.counts.commits += 1;
            let key = (commit.topic.0.clone(), commit.partition);
            let acknowledged = Acknowledged { offset: commit.offset, at_ms: self.now.unix_ms, topic: commit.topic.1 };
            self.acknowledged.insert(key, acknowledged);
        }
    }

    /// Who is accepted is a member, or nobody is; and what it commits is nobody else's.
    fn check_accepted(&self, commit: &Commit) {
        let mut is_late = false;
        let is_member = match self.coordinator.group(&self.group) {
            None => false,
            Some(Group::Classic(group)) => {
                assert!(
                    group.members().is_empty() || commit.epoch == group.generation(),
                    "an old generation: {commit:?}"
                );
                group.members().contains_key(&commit.member)
            }
            Some(Group::Consumer(group)) => group.members().get(commit.member.as_str()).is_some_and(|member| {
                let position = &member.position;
                let has = |holding| holds(holding, commit.topic.1, commit.partition);
                let is_older = commit.epoch < position.epoch;
                assert!(commit.epoch <= position.epoch, "a later epoch: {commit:?}");
                assert!(!is_older || has(&position.assigned) || has(&position.revoking), "an older epoch: {commit:?}");
                assert!(!is_older || commit.by_id, "an older epoch, by name: {commit:?}");
                // As in Kafka, a member in its epoch is not asked what it owns: a late commit may be of what it has just given up.
                is_late = !has(&position.assigned) && !has(&position.revoking);
                true
            }),
        };
        let is_empty = self.coordinator.group(&self.group).is_none_or(|group| group.may_delete().is_ok());
        assert!(is_member || commit.epoch < 0 && is_empty, "a commit of a stranger: {commit:?}");
        let others = self.clients.iter().filter(|client| Some(client.number) != commit.client);
        for client in others.filter(|client| !is_late && self.is_counted_in(client)) {
            let owns = client.owned.get(&commit.topic.1).is_some_and(|owned| owned.contains(&commit.partition));
            assert!(!owns, "{commit:?} is {client:?}'s, in {:?}", self.coordinator.group(&self.group));
        }
    }

    /// Nobody is refused who is a member in its epoch.
    fn check_refused(&mut self, commit: &Commit, error: ErrorCode) {
        self.counts.refused_commits += 1;
        let is_good = match self.coordinator.group(&self.group) {
            None => commit.epoch < 0,
            Some(Group::Classic(_)) => false,
            Some(Group::Consumer(group)) => {
                let member = group.members().get(commit.member.as_str());
                member.is_some_and(|member| member.position.epoch == commit.epoch)
            }
        };
        assert!(!is_good, "{error:?} to {commit:?}");
        let known = [
            ErrorCode::UnknownMemberId,
            ErrorCode::IllegalGeneration,
            ErrorCode::StaleMemberEpoch,
            ErrorCode::FencedInstanceId,
            ErrorCode::RebalanceInProgress,
            ErrorCode::GroupIdNotFound,
        ];
        assert!(known.contains(&error), "{error:?} to {commit:?}");
    }

    /// What was acknowledged is what the coordinator tells.
    pub fn check_offsets(&self) {
        let asked = OffsetFetchRequestGroup {
            group_id: self.group.clone(),
            topics: None,
            member_epoch: -1,
            ..Default::default()
        };
        let told = self.coordinator.fetch(&asked);
        assert_eq!(told.error_code, 0);
        let mut found = std::collections::BTreeMap::new();
        for topic in &told.topics {
            for partition in &topic.partitions {
                found.insert((topic.name.clone(), partition.partition_index), partition.committed_offset);
            }
        }
        let wanted = self.acknowledged.iter().map(|(key, acknowledged)| (key.clone(), acknowledged.offset)).collect();
        assert_eq!(found, wanted, "what is told, and what was acknowledged");
    }

    /// Offsets of topics that are gone go too.
    pub fn forget_topics(&mut self) {
        let alive: BTreeSet<Uuid> = self.topics.all().map(|(_, id, _)| id).collect();
        let mut from = None;
        loop {
            let came_to = self.coordinator.forget_topics(from.as_ref(), |_, id| !alive.contains(&id));
            if !self.settle() {
                continue;
            }
            from = came_to;
            if from.is_none() {
                break;
            }
        }
        self.acknowledged.retain(|_, acknowledged| alive.contains(&acknowledged.topic));
    }

    /// Old offsets go; those that are young, or of a topic that somebody reads, stay.
    pub fn expire(&mut self) {
        let mut from = None;
        loop {
            let came_to = self.coordinator.expire(from.as_ref(), self.now);
            if !self.settle() {
                continue;
            }
            from = came_to;
            if from.is_none() {
                break;
            }
        }
        let entry = self.coordinator.entry(&self.group);
        let is_there = |key: &(Text, i32)| entry.is_some_and(|entry| entry.offsets.get(&key.0, key.1).is_some());
        let retention_ms = self.coordinator.settings().offsets_retention_ms;
        for (key, acknowledged) in &self.acknowledged {
            let is_young = self.now.unix_ms - acknowledged.at_ms < retention_ms;
            let is_read = entry.is_some_and(|entry| entry.group.is_subscribed_to(&key.0));
            assert!(is_there(key) || !(is_young || is_read), "{key:?} expired too early: {acknowledged:?}");
        }
        let gone: Vec<_> = self.acknowledged.keys().filter(|key| !is_there(key)).cloned().collect();
        for key in gone {
            self.counts.expired += 1;
            self.acknowledged.remove(&key);
        }
    }

    /// An administrator deletes offsets, or the group.
    pub fn delete(&mut self) {
        if self.dice.one_in(3) {
            let answer = self.coordinator.delete_group(&self.group.clone());
            if self.settle() && answer.error_code == 0 {
                assert!(self.coordinator.entry(&self.group).is_none());
                self.acknowledged.clear();
            }
            return;
        }
        let Some((name, partition_index)) = self.acknowledged.keys().next().cloned() else { return };
        let partitions = vec![OffsetDeleteRequestPartition { partition_index }];
        let topics = vec![OffsetDeleteRequestTopic { name: name.clone(), partitions }];
        let request = OffsetDeleteRequest { group_id: self.group.clone(), topics };
        let answer = self.coordinator.delete_offsets(&request);
        let is_read = self.coordinator.group(&self.group).is_some_and(|group| group.is_subscribed_to(&name));
        let is_done = answer.error_code == 0 && answer.topics[0].partitions[0].error_code == 0;
        assert!(!(is_done && is_read), "{name} is read");
        if self.settle() && is_done {
            self.acknowledged.remove(&(name, partition_index));
        }
    }
}
