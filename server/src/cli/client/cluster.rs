//! The brokers of a cluster, who leads what, and the way of a request to its broker.
//!
//! Runs on the tool's shard; owned by one command.

use std::time::Duration;

use corelog_protocol::messages::metadata_request::{MetadataRequest, MetadataRequestTopic};
use corelog_protocol::messages::metadata_response::{MetadataResponse, MetadataResponseTopic};
use corelog_protocol::{ApiKey, ErrorCode, Request};
use corelog_rt::map::HashMap;
use corelog_rt::time;
use futures_util::future::join_all;

use super::connection::Connection;
use super::error::{ClientError, check};
use crate::config::endpoint::parse_host_and_port;

/// Pause between two tries.
pub const RETRY_PAUSE: Duration = Duration::from_millis(100);
/// How long a topic may take to get a leader for every partition.
const LEADER_TIME_MAX: Duration = Duration::from_secs(15);

/// The id under which the connection to the first broker that answered is kept.
const BOOTSTRAP: i32 = -1;

/// A cluster, as far as this tool has asked.
pub struct Cluster {
    bootstrap: Vec<(String, u16)>,
    brokers: HashMap<i32, (String, u16)>,
    connections: HashMap<i32, Connection>,
}

impl Cluster {
    /// Connects to the first broker of `bootstrap` (`HOST:PORT`, several with commas) that answers.
    pub async fn connect(bootstrap: &str) -> Result<Self, ClientError> {
        let bootstrap = parse_bootstrap(bootstrap)?;
        let mut cluster = Self { bootstrap, brokers: HashMap::default(), connections: HashMap::default() };
        cluster.reach(BOOTSTRAP).await?;
        Ok(cluster)
    }

    /// Asks any broker, in the newest version.
    pub async fn call<R: Request>(&mut self, request: &R) -> Result<R::Response, ClientError> {
        self.call_node(BOOTSTRAP, request, i16::MAX).await
    }

    /// Asks the broker `node`, in a version up to `version_max`.
    pub async fn call_node<R: Request>(
        &mut self,
        node: i32,
        request: &R,
        version_max: i16,
    ) -> Result<R::Response, ClientError> {
        let mut connection = self.take(node).await?;
        let answer = connection.call(request, version_max).await;
        self.put_back(node, connection, &answer);
        answer
    }

    /// Tells the broker `node` something that it does not answer.
    pub async fn tell_node<R: Request>(&mut self, node: i32, request: &R, version_max: i16) -> Result<(), ClientError> {
        let mut connection = self.take(node).await?;
        let sent = connection.tell(request, version_max).await;
        self.put_back(node, connection, &sent);
        sent
    }

    /// Asks several brokers at the same time; the answers come in the order of the requests.
    pub async fn call_each<R: Request>(
        &mut self,
        requests: &[(i32, R)],
        version_max: i16,
    ) -> Vec<(i32, Result<R::Response, ClientError>)> {
        let mut calls = Vec::new();
        for (node, request) in requests {
            let connection = self.take(*node).await;
            calls.push(async move {
                match connection {
                    Ok(mut connection) => {
                        let answer = connection.call(request, version_max).await;
                        (*node, Some(connection), answer)
                    }
                    Err(error) => (*node, None, Err(error)),
                }
            });
        }
        let mut answers = Vec::new();
        for (node, connection, answer) in join_all(calls).await {
            if let Some(connection) = connection {
                self.put_back(node, connection, &answer);
            }
            answers.push((node, answer));
        }
        answers
    }

    /// Whether the broker `node` knows an API.
    pub async fn supports(&mut self, node: i32, key: ApiKey) -> Result<bool, ClientError> {
        self.reach(node).await?;
        Ok(self.connections.get(&node).is_some_and(|connection| connection.supports(key)))
    }

    /// Metadata of `topics`, of all if `None`; remembers the brokers. Topics that are missing carry their error.
    pub async fn metadata(
        &mut self,
        topics: Option<&[String]>,
        may_create: bool,
    ) -> Result<MetadataResponse, ClientError> {
        let named = |name: &String| MetadataRequestTopic { name: Some(name.into()), ..Default::default() };
        let request = MetadataRequest {
            topics: topics.map(|names| names.iter().map(named).collect()),
            allow_auto_topic_creation: may_create,
            ..Default::default()
        };
        let response = self.call(&request).await?;
        for broker in &response.brokers {
            let Ok(port) = u16::try_from(broker.port) else { continue };
            let address = (broker.host.to_string(), port);
            if self.brokers.get(&broker.node_id) != Some(&address) {
                self.connections.remove(&broker.node_id);
                self.brokers.insert(broker.node_id, address);
            }
        }
        Ok(response)
    }

    /// Metadata of one topic, once every partition of it has a leader; made by the broker if `may_create`.
    pub async fn topic(&mut self, name: &str, may_create: bool) -> Result<MetadataResponseTopic, ClientError> {
        let began = time::now();
        loop {
            let found = self.one_topic(name, may_create).await;
            let must_wait = match &found {
                Ok(_) => false,
                // Without the wish to create it a topic that is missing stays missing.
                Err(error) if error.code() == Some(ErrorCode::UnknownTopicOrPartition) => may_create,
                Err(error) => error.is_retriable() && error.code().is_some(),
            };
            if !must_wait || began.elapsed() > LEADER_TIME_MAX {
                return found;
            }
            time::sleep(RETRY_PAUSE).await;
        }
    }

    async fn one_topic(&mut self, name: &str, may_create: bool) -> Result<MetadataResponseTopic, ClientError> {
        let response = self.metadata(Some(&[name.to_owned()]), may_create).await?;
        let unknown = ErrorCode::UnknownTopicOrPartition.code();
        let mut topic = response.topics.into_iter().next().unwrap_or_default();
        let code = if topic.error_code == 0 && topic.partitions.is_empty() { unknown } else { topic.error_code };
        check(code, None, || format!("topic \"{name}\""))?;
        for partition in &topic.partitions {
            // A replica that is down is no error here, as long as the partition has a leader.
            let code = if partition.leader_id >= 0 { 0 } else { partition.error_code };
            check(code, None, || format!("topic \"{name}\", partition {}", partition.partition_index))?;
        }
        topic.partitions.sort_by_key(|partition| partition.partition_index);
        Ok(topic)
    }

    async fn take(&mut self, node: i32) -> Result<Connection, ClientError> {
        self.reach(node).await?;
        Ok(self.connections.remove(&node).expect("reach leaves a connection"))
    }

    fn put_back<T>(&mut self, node: i32, connection: Connection, result: &Result<T, ClientError>) {
        if result.is_ok() {
            self.connections.insert(node, connection);
        }
    }

    /// Makes sure that there is a connection to `node`.
    async fn reach(&mut self, node: i32) -> Result<(), ClientError> {
        if self.connections.contains_key(&node) {
            return Ok(());
        }
        let candidates = match self.brokers.get(&node) {
            Some(address) => vec![address.clone()],
            None => self.bootstrap.clone(),
        };
        let mut failed = None;
        for (host, port) in &candidates {
            match Connection::open(host, *port).await {
                Ok(connection) => {
                    self.connections.insert(node, connection);
                    return Ok(());
                }
                Err(error) => failed = Some(error),
            }
        }
        Err(failed.expect("there is at least one address"))
    }
}

fn parse_bootstrap(text: &str) -> Result<Vec<(String, u16)>, ClientError> {
    const PORT_DEFAULT: u16 = 9092;
    let refuse = |why: &str| ClientError::Connect {
        address: text.to_owned(),
        source: std::io::Error::new(std::io::ErrorKind::InvalidInput, why.to_owned()),
    };
    let mut addresses = Vec::new();
    for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        let address = if item.contains(':') {
            parse_host_and_port(item).map_err(|_| refuse("expected HOST:PORT"))?
        } else {
            (item, PORT_DEFAULT)
        };
        let host = if address.0.is_empty() { "localhost" } else { address.0 };
        addresses.push((host.to_owned(), address.1));
    }
    if addresses.is_empty() { Err(refuse("expected HOST:PORT")) } else { Ok(addresses) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bootstrap_takes_several_and_defaults() {
        let parsed = parse_bootstrap("a:1, b,[::1]:3,:4").unwrap();
        let expected = [("a", 1), ("b", 9092), ("::1", 3), ("localhost", 4)];
        assert_eq!(parsed, expected.map(|(host, port)| (host.to_owned(), port)));
        for text in ["", "a:x", "a:70000"] {
            assert!(parse_bootstrap(text).is_err(), "{text}");
        }
    }
}
