//! `max.connections` and `max.connections.per.ip` over all shards.
//!
//! The counts live on shard 0, in one task; the other shards ask it through a queue, once per connection accepted and
//! once per connection closed. The limits may change at any time; they are looked up for every new connection. It never
//! sees a connection itself.

use std::net::IpAddr;

use corelog_rt::map::HashMap;
use corelog_rt::mesh;
use corelog_rt::sync::cross;

/// Questions that may wait for the counting task.
const QUESTIONS_MAX: usize = 1024;

/// The limits as configured now.
#[derive(Clone, Debug)]
pub struct ConnectionLimits {
    /// `max.connections`: connections of the whole broker.
    pub total_max: u32,
    /// `max.connections.per.ip`: connections of one address.
    pub per_address_max: u32,
    /// `max.connections.per.ip.overrides`.
    pub overrides: Vec<(IpAddr, u32)>,
}

/// What is asked of the counting task.
enum Question {
    Open(IpAddr, cross::Sender<Verdict>),
    Closed(IpAddr),
}

/// Whether a connection may stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is counted from now on.
    Admitted,
    /// The broker has as many as it may have: wait, as Kafka does.
    BrokerFull,
    /// Its address has as many as it may have: close it.
    AddressFull,
}

/// The asking end; one per shard.
#[derive(Clone, Debug)]
pub struct Quota {
    questions: mesh::Sender<Question>,
}

/// The counting end, run on shard 0.
pub struct Counting {
    questions: mesh::Receiver<Question>,
    total: u32,
    per_address: HashMap<IpAddr, u32>,
}

/// One counted connection; gives its place back when dropped.
#[derive(Debug)]
pub struct Place {
    questions: Option<mesh::Sender<Question>>,
    address: IpAddr,
}

/// Both ends.
pub fn quota() -> (Quota, Counting) {
    let (sender, questions) = mesh::channel(QUESTIONS_MAX);
    (Quota { questions: sender }, Counting { questions, total: 0, per_address: HashMap::default() })
}

impl Quota {
    /// Asks for a place for a connection from `address`.
    pub async fn open(&self, address: IpAddr) -> Result<Place, Verdict> {
        let (sender, answer) = cross::channel();
        if self.questions.send(Question::Open(address, sender)).await.is_err() {
            return Err(Verdict::BrokerFull);
        }
        match answer.await {
            Ok(Verdict::Admitted) => Ok(Place { questions: Some(self.questions.clone()), address }),
            Ok(refused) => Err(refused),
            // The counting task ends only with the broker.
            Err(_) => Err(Verdict::BrokerFull),
        }
    }
}

impl Counting {
    /// Counts until every shard has stopped, by the limits that hold when a connection comes.
    pub async fn run(mut self, limits: impl Fn() -> ConnectionLimits) {
        while let Some(question) = self.questions.recv().await {
            match question {
                Question::Open(address, answer) => {
                    let verdict = self.open(address, &limits());
                    if answer.send(verdict).is_err() && verdict == Verdict::Admitted {
                        self.closed(address);
                    }
                }
                Question::Closed(address) => self.closed(address),
            }
        }
    }

    fn open(&mut self, address: IpAddr, limits: &ConnectionLimits) -> Verdict {
        if self.total >= limits.total_max {
            return Verdict::BrokerFull;
        }
        let exception = limits.overrides.iter().find(|(named, _)| *named == address);
        let per_address_max = exception.map_or(limits.per_address_max, |(_, most)| *most);
        let count = self.per_address.entry(address).or_insert(0);
        if *count >= per_address_max {
            return Verdict::AddressFull;
        }
        *count += 1;
        self.total += 1;
        Verdict::Admitted
    }

    fn closed(&mut self, address: IpAddr) {
        self.total -= 1;
        let count = self.per_address.get_mut(&address).expect("only counted connections are closed");
        *count -= 1;
        if *count == 0 {
            self.per_address.remove(&address);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(questions) = self.questions.take() else { return };
        let question = Question::Closed(self.address);
        if let Err(mesh::TrySendError::Full(question)) = questions.try_send(question) {
            corelog_rt::task::spawn(async move {
                // A queue without its receiver belongs to a broker that has stopped counting.
                let _ = questions.send(question).await;
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_back_when_connections_close() {
        let (one, two) = (IpAddr::from([1, 1, 1, 1]), IpAddr::from([2, 2, 2, 2]));
        let (_quota, mut counting) = quota();
        let limits = ConnectionLimits { total_max: 3, per_address_max: 2, overrides: vec![(two, 1)] };
        assert_eq!(counting.open(one, &limits), Verdict::Admitted);
        assert_eq!(counting.open(one, &limits), Verdict::Admitted);
        assert_eq!(counting.open(one, &limits), Verdict::AddressFull);
        assert_eq!(counting.open(two, &limits), Verdict::Admitted);
        assert_eq!(counting.open(two, &limits), Verdict::BrokerFull);
        counting.closed(one);
        assert_eq!(counting.open(two, &limits), Verdict::AddressFull);
        let raised = ConnectionLimits { overrides: Vec::new(), ..limits };
        assert_eq!(counting.open(two, &raised), Verdict::Admitted);
    }
}
