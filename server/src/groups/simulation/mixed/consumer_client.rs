//! Owns what a member of the consumer protocol sends, and what it makes of the answers.

use corelog_protocol::Text;
use corelog_protocol::messages::consumer_group_heartbeat_request::ConsumerGroupHeartbeatRequest;
use corelog_protocol::messages::consumer_group_heartbeat_response::ConsumerGroupHeartbeatResponse;

use super::network::Request;
use super::world::World;
use crate::groups::consumer::ConsumerGroupError;
use crate::groups::consumer::tests::world::{given, heartbeat, join};

impl World {
    /// The next heartbeat.
    pub fn act_consumer(&mut self, index: usize) {
        let request = self.consumer_request(index);
        self.send(index, Request::ConsumerHeartbeat(request));
    }

    fn consumer_request(&mut self, index: usize) -> ConsumerGroupHeartbeatRequest {
        let is_full = self.is_rough && self.dice.one_in(3);
        let client = &mut self.clients[index];
        let mut request = if client.epoch == 0 {
            join(&client.id, &client.topics)
        } else {
            heartbeat(&client.id, client.epoch, Some(&client.owned))
        };
        if client.epoch == 0 || client.has_news || is_full {
            request.rebalance_timeout_ms = 20_000;
            request.subscribed_topic_names = Some(client.topics.iter().map(|name| Text::from(*name)).collect());
            // Empty for none: where nothing is said, a static member has the pattern of its former self.
            request.subscribed_topic_regex = Some(client.pattern.unwrap_or_default().into());
            request.server_assignor = client.assignor.map(Text::from);
        }
        client.has_news = false;
        request.instance_id.clone_from(&client.instance);
        request
    }

    /// What a member makes of the answer.
    pub fn consumer_heard(&mut self, index: usize, answer: Result<ConsumerGroupHeartbeatResponse, ConsumerGroupError>) {
        let client = &mut self.clients[index];
        match answer {
            Ok(answer) => {
                client.epoch = answer.member_epoch;
                if let Some(given) = given(&answer) {
                    client.owned = given;
                }
            }
            // Its former self is not known to be dead yet.
            Err(ConsumerGroupError::UnreleasedInstance { .. }) => client.has_news = true,
            Err(
                ConsumerGroupError::FencedEpoch { .. }
                | ConsumerGroupError::UnknownMember { .. }
                | ConsumerGroupError::UnknownInstance(_)
                | ConsumerGroupError::FencedInstance { .. }
                // The group is a classic one again, or gone: it has lost this member.
                | ConsumerGroupError::NotConsumerGroup(_)
                | ConsumerGroupError::GroupNotFound(_),
            ) => client.reset(),
            Err(error) => panic!("{error}"),
        }
    }

    /// A member says that it goes; a static one perhaps for a moment only.
    pub fn leave_consumer(&mut self, index: usize) {
        let is_static = self.clients[index].instance.is_some();
        let epoch = if is_static && self.dice.one_in(2) { -2 } else { -1 };
        let client = &self.clients[index];
        let mut request = heartbeat(&client.id, epoch, None);
        request.instance_id.clone_from(&client.instance);
        let (number, delay_ms) = (client.number, client.last_arrival_ms.saturating_sub(self.now.ticks_ms));
        self.send_aside(number, Request::ConsumerHeartbeat(request), delay_ms);
    }
}
