//! Owns what administrators ask of a coordinator: list, describe, delete.

use corelog_protocol::messages::delete_groups_response::DeletableGroupResult;
use corelog_protocol::messages::describe_groups_response::DescribedGroup;
use corelog_protocol::messages::list_groups_response::ListedGroup;
use corelog_protocol::{ErrorCode, Text};

use super::coordinator::Coordinator;
use super::offsets::store::tombstone;

/// The first version of `DescribeGroups` that says that a group is not there.
const VERSION_GROUP_ID_NOT_FOUND: i16 = 6;

impl Coordinator {
    /// What is told of each of these groups.
    pub fn describe(&self, ids: &[Text], version: i16) -> Vec<DescribedGroup> {
        ids.iter().map(|id| self.describe_one(id, version)).collect()
    }

    fn describe_one(&self, id: &Text, version: i16) -> DescribedGroup {
        if let Some(group) = self.group(id)
            && let Some(described) = group.describe()
        {
            return described;
        }
        let missing =
            DescribedGroup { group_id: id.clone(), group_state: Text::from_static("Dead"), ..Default::default() };
        if version < VERSION_GROUP_ID_NOT_FOUND {
            return missing;
        }
        let message = match self.group(id) {
            Some(_) => format!("Group {} is not a classic group.", id.as_str()),
            None => format!("Group {} not found.", id.as_str()),
        };
        let error_code = ErrorCode::GroupIdNotFound.code();
        DescribedGroup { error_code, error_message: Some(super::message::message(message)), ..missing }
    }

    /// The groups in one of these states and of one of these types, both without regard to case; of all where none is given.
    pub fn list(&self, states: &[Text], types: &[Text]) -> Vec<ListedGroup> {
        let is_among = |wanted: &[Text], own: &Text| {
            wanted.is_empty() || wanted.iter().any(|wanted| wanted.as_str().eq_ignore_ascii_case(own.as_str()))
        };
        let listed = self.entries_from(None).map(|(_, entry)| entry.group.list());
        listed.filter(|group| is_among(states, &group.group_state) && is_among(types, &group.group_type)).collect()
    }

    /// Deletes one group with its offsets, if it has no members.
    pub fn delete_group(&mut self, id: &Text) -> DeletableGroupResult {
        let mut records = Vec::new();
        let verdict = match self.entry(id) {
            None => Err(ErrorCode::GroupIdNotFound),
            Some(entry) => entry.group.may_delete().map(|()| {
                records.extend(entry.offsets.iter().map(|(topic, partition, _)| tombstone(id, topic, partition)));
                records.extend(entry.group.tombstones());
            }),
        };
        self.effects_mut().records = records;
        let error_code = verdict.err().unwrap_or(ErrorCode::None).code();
        DeletableGroupResult { group_id: id.clone(), error_code }
    }
}
