//! Groups that are drawn, and change: members come, go and subscribe to something else, topics grow, and what was assigned before is
//! sometimes not what an assignor would have given.

use std::collections::{BTreeMap, BTreeSet};

use corelog::groups::consumer::assignment::Assignment;
use corelog::groups::consumer::assignors::{Assignor, GroupSpec, MemberSpec};
use corelog_protocol::Uuid;
use serde_json::{Map, Value, json};

/// How often a group changes.
const CHANGES: usize = 8;

#[derive(Clone, Debug, Default)]
struct Member {
    instance: Option<String>,
    topics: BTreeSet<Uuid>,
    assigned: Assignment,
}

/// A group at one moment, to be assigned.
#[derive(Clone, Debug)]
pub struct Drawn {
    assignor: Assignor,
    counts: BTreeMap<Uuid, i32>,
    members: BTreeMap<String, Member>,
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    fn count(&mut self, bound: u64) -> i32 {
        i32::try_from(self.below(bound)).expect("a small number")
    }
}

/// The moments of one group.
pub fn draw(seed: u64) -> Vec<Drawn> {
    let mut dice = Dice(seed);
    let assignor = if dice.one_in(3) { Assignor::Range } else { Assignor::Uniform };
    let is_mixed = dice.one_in(2);
    let most = [3, 12, 60][usize::try_from(dice.below(3)).expect("a place")];
    let topics = 1 + dice.below(8);
    let counts = (0..topics).map(|number| (topic(number, is_mixed), 1 + dice.count(most))).collect();
    let mut group = Drawn { assignor, counts, members: BTreeMap::new() };
    let mut moments = Vec::with_capacity(CHANGES);
    for _ in 0..CHANGES {
        group.change(&mut dice, is_mixed);
        // By luck all may subscribe alike: then the order of these ids is not that of Kafka's hash sets.
        if !is_mixed || group.is_mixed() {
            moments.push(group.clone());
        }
        // Sometimes a target was never computed, or was by another assignor.
        let by = [group.assignor, Assignor::Range, Assignor::Uniform][usize::try_from(dice.below(3)).expect("a place")];
        if dice.one_in(6) {
            group.shuffle(&mut dice);
        } else {
            let targets = group.assign(by);
            group.members.values_mut().zip(targets).for_each(|(member, target)| member.assigned = target);
        }
    }
    moments
}

/// Ids in whose order Kafka's hash sets have them; where it sorts them, also some that are negative as Kafka compares them.
fn topic(number: u64, is_mixed: bool) -> Uuid {
    let top = if is_mixed && number % 2 == 1 { 1 << 127 } else { 0 };
    Uuid((u128::from(number + 1) | top).to_be_bytes())
}

impl Drawn {
    fn change(&mut self, dice: &mut Dice, is_mixed: bool) {
        for _ in 0..=dice.below(4) {
            let id = format!("member-{:02}", dice.below(16));
            match dice.below(8) {
                0 | 1 => drop(self.members.remove(&id)),
                2 => {
                    let grown = usize::try_from(dice.below(self.counts.len() as u64)).expect("a place");
                    if let Some(count) = self.counts.values_mut().nth(grown) {
                        *count += 1 + dice.count(5);
                    }
                }
                _ => {
                    let assigned = self.members.remove(&id).map(|member| member.assigned).unwrap_or_default();
                    let topics = self.counts.keys().copied().filter(|_| !is_mixed || dice.one_in(2)).collect();
                    let instance = dice.one_in(3).then(|| format!("instance-{:02}-{id}", dice.below(90)));
                    self.members.insert(id, Member { instance, topics, assigned });
                }
            }
        }
    }

    /// Gives partitions to whoever luck has, or to nobody.
    fn shuffle(&mut self, dice: &mut Dice) {
        self.members.values_mut().for_each(|member| member.assigned.clear());
        for (topic, count) in &self.counts {
            for partition in 0..*count {
                let place = usize::try_from(dice.below(self.members.len() as u64 + 2)).expect("a place");
                if let Some(member) = self.members.values_mut().nth(place) {
                    member.assigned.entry(*topic).or_default().insert(partition);
                }
            }
        }
    }

    fn assign(&self, assignor: Assignor) -> Vec<Assignment> {
        let members = self.members.iter().map(|(id, member)| MemberSpec {
            id,
            instance_id: member.instance.as_deref(),
            topics: &member.topics,
            assigned: &member.assigned,
        });
        assignor.assign(&GroupSpec { members: members.collect(), partition_counts: self.counts.clone() })
    }

    fn is_mixed(&self) -> bool {
        self.members.values().map(|member| &member.topics).collect::<BTreeSet<_>>().len() > 1
    }

    /// The assignor, and whether the members subscribe alike.
    pub fn kind(&self) -> String {
        format!("{} {}", self.assignor.name(), if self.is_mixed() { "mixed" } else { "alike" })
    }

    /// What Kafka is asked.
    pub fn question(&self) -> Value {
        let members: Vec<Value> = self
            .members
            .iter()
            .map(|(id, member)| {
                let topics: Vec<String> = member.topics.iter().map(hex).collect();
                // Kafka knows the racks of members and does not look at them.
                let rack = format!("rack-{}", id.len() + member.topics.len() % 3);
                let assigned = written(&member.assigned);
                json!({"id": id, "instance": member.instance, "rack": rack, "topics": topics, "assigned": assigned})
            })
            .collect();
        let topics: Map<String, Value> = self.counts.iter().map(|(id, count)| (hex(id), json!(count))).collect();
        json!({"assignor": self.assignor.name(), "topics": topics, "members": members})
    }

    /// Our target, as Kafka's is written: members without partitions may be left out of it where nobody subscribes to anything.
    pub fn target(&self) -> Value {
        let subscribes = self.members.values().any(|member| !member.topics.is_empty());
        let targets = self.assign(self.assignor);
        let is_written = subscribes || self.assignor == Assignor::Range;
        let members = self.members.keys().zip(targets).filter(|_| is_written);
        Value::Object(members.map(|(id, target)| (id.clone(), written(&target))).collect())
    }
}

fn hex(id: &Uuid) -> String {
    format!("{:032x}", u128::from_be_bytes(id.0))
}

fn written(assignment: &Assignment) -> Value {
    Value::Object(assignment.iter().map(|(topic, partitions)| (hex(topic), json!(partitions))).collect())
}
