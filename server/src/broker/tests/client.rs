//! A broker for the length of a test, and a client that asks one thing after the other.

use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use corelog_engine::batch::BatchBuilder;
use corelog_engine::shard::{Engine, Shard};
use corelog_protocol::client::{Answer, Session};
use corelog_protocol::messages::create_topics_request::{CreatableTopic, CreateTopicsRequest};
use corelog_protocol::messages::produce_request::{PartitionProduceData, ProduceRequest, TopicProduceData};
use corelog_protocol::{Records, Request, frame};
use corelog_rt::net::{ReadHalf, Stream, WriteHalf};
use corelog_rt::testing::{run_shards, temp_dir};
use corelog_rt::{task, time};

use crate::broker::run::{Start, engine_settings, serve};
use crate::config::layers::Layers;
use crate::config::settings::{Host, Settings};

/// Runs `test` against a broker of `shards` with these settings, started on an empty directory.
pub fn broker<F, Fut>(shards: usize, sets: &[&str], test: F)
where
    F: Fn(SocketAddr) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + 'static,
{
    watched_broker(shards, sets, move |clients, _| test(clients));
}

/// As [`broker`], and gives `test` the address of the metrics port too.
pub fn watched_broker<F, Fut>(shards: usize, sets: &[&str], test: F)
where
    F: Fn(SocketAddr, SocketAddr) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = ()> + 'static,
{
    let mut layers = Layers::new();
    let data_dir = temp_dir();
    let fixed = [
        format!("corelog.shards={shards}"),
        format!("corelog.memory.bytes={}", shards * (32 << 20)),
        "corelog.segment.bytes=4194304".to_owned(),
        format!("log.dirs={}", data_dir.display()),
    ];
    for set in fixed.iter().map(String::as_str).chain(sets.iter().copied()) {
        layers.add_set(set).expect("a setting");
    }
    let host = Host { cores: shards, memory_bytes: 1 << 30, name: "localhost".to_owned() };
    let settings = Settings::new(&layers, &host).expect("good settings");
    let engine = Engine::new(engine_settings(&settings));
    let address: Arc<OnceLock<(SocketAddr, SocketAddr)>> = Arc::default();
    let told = Arc::clone(&address);
    let any: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    let start = Arc::new(Start::new(settings, vec![vec![any]], vec![any], move |ready| {
        let first = ready.addresses.first().and_then(|addresses| addresses.first());
        let addresses = (*first.expect("one listener"), *ready.metrics.first().expect("a metrics port"));
        told.set(addresses).expect("ready once");
    }));
    run_shards(shards, move |index| {
        let (engine, start, test, address) = (engine.clone(), Arc::clone(&start), test.clone(), Arc::clone(&address));
        async move {
            let main = |shard: Rc<Shard>| async move {
                let serving = task::spawn(serve(Rc::clone(&shard), start));
                if index == 0 {
                    let (clients, metrics) = loop {
                        match address.get() {
                            Some(address) => break *address,
                            None => time::sleep(Duration::from_millis(1)).await,
                        }
                    };
                    test(clients, metrics).await;
                    shard.stop().await;
                }
                serving.await;
            };
            engine.run(index, main).await.expect("a broker that starts");
        }
    });
}

/// One connection.
pub struct Client {
    read: ReadHalf,
    write: WriteHalf,
    session: Session,
    buffer: BytesMut,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Client {
        let (read, write) = Stream::connect(address).await.expect("a broker that listens").split();
        Client { read, write, session: Session::new("tests"), buffer: BytesMut::new() }
    }

    /// Sends a request without waiting for its answer.
    pub async fn send<R: Request>(&mut self, request: &R, version: i16) {
        let (_, mut encoded) = self.session.request(request, version).expect("a request that can be encoded");
        self.write.write_all(&mut encoded.slices).await.expect("a connection");
    }

    /// Sends a request that is not answered.
    pub async fn send_one_way<R: Request>(&mut self, request: &R, version: i16) {
        let (_, mut encoded) = self.session.one_way(request, version).expect("a request that can be encoded");
        self.write.write_all(&mut encoded.slices).await.expect("a connection");
    }

    /// Sends bytes as they are. The broker may have closed the connection already.
    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        let _ = self.write.write_all(&mut vec![Bytes::copy_from_slice(bytes)]).await;
    }

    /// The next answer; none once the connection is closed.
    pub async fn answer(&mut self) -> Option<Answer> {
        let frame = self.raw_answer().await?;
        Some(self.session.answer(frame).expect("the answer to what was asked"))
    }

    /// The next answer as bytes, without its length; none once the connection is closed.
    pub async fn raw_answer(&mut self) -> Option<Bytes> {
        loop {
            if let Some(frame) = frame::split(&mut self.buffer, usize::MAX).expect("a frame") {
                return Some(frame);
            }
            self.buffer.reserve(64 << 10);
            match self.read.read(&mut self.buffer).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Ends the connection.
    pub fn shut_down(&mut self) {
        self.write.shutdown();
    }

    /// Asks and waits.
    pub async fn ask<R: Request>(&mut self, request: &R, version: i16) -> R::Response {
        self.send(request, version).await;
        self.receive::<R>().await
    }

    /// The answer to the oldest request, which must be an `R`.
    pub async fn receive<R: Request>(&mut self) -> R::Response {
        let answer = self.answer().await.expect("an answer, not the end of the connection");
        answer.decode().expect("an answer that can be decoded")
    }

    pub async fn create_topic(&mut self, name: &str, partitions: i32) {
        let topic = CreatableTopic {
            name: name.into(),
            num_partitions: partitions,
            replication_factor: 1,
            ..Default::default()
        };
        let request = CreateTopicsRequest { topics: vec![topic], ..Default::default() };
        let answer = self.ask(&request, 7).await;
        assert_eq!(answer.topics[0].error_code, 0, "{:?}", answer.topics[0].error_message);
    }
}

/// A batch of `count` records with these bytes as value.
pub fn batch(count: usize, value: &[u8]) -> Bytes {
    let mut builder = BatchBuilder::new();
    for _ in 0..count {
        builder.push(time::unix_ms(), Some(b"key"), Some(value), &[]).expect("room in the batch");
    }
    builder.build().expect("a batch").into()
}

/// A request with one batch for each of these partitions of a topic.
pub fn produce(topic: &str, acks: i16, partitions: &[(i32, Bytes)]) -> ProduceRequest {
    let data = |(index, records): &(i32, Bytes)| PartitionProduceData {
        index: *index,
        records: Some(Records::from(records.clone())),
    };
    let topic = TopicProduceData {
        name: topic.into(),
        partition_data: partitions.iter().map(data).collect(),
        ..Default::default()
    };
    ProduceRequest { acks, timeout_ms: 10_000, topic_data: vec![topic], ..Default::default() }
}
