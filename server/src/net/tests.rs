//! Connections driven over real sockets by a service that answers every request with its own number.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use corelog_protocol::client::Session;
use corelog_protocol::frame;
use corelog_protocol::messages::metadata_request::MetadataRequest;
use corelog_protocol::messages::metadata_response::MetadataResponse;
use corelog_rt::net::{Listener, ReadHalf, Stream, WriteHalf};
use corelog_rt::sync::Notify;
use corelog_rt::{task, testing, time};
use futures_util::future::LocalBoxFuture;

use super::answers::Pending;
use super::close::CloseReason;
use super::connection::Shared;
use super::input::ReadBudget;
use super::listener;
use super::quota::{self, ConnectionLimits};
use super::registry::Registry;
use super::request::{Request, Service};
use crate::broker::endpoints::Entrance;
use crate::limits::REQUESTS_IN_FLIGHT_MAX;

/// Answers Metadata with the correlation id as controller; version 0 waits for `release`.
#[derive(Default)]
struct Numbering {
    dispatched: Cell<usize>,
    release: Notify,
}

impl Service for Rc<Numbering> {
    fn dispatch(&self, request: Request) -> LocalBoxFuture<'static, Result<Pending, CloseReason>> {
        let numbering = Rc::clone(self);
        Box::pin(async move {
            numbering.dispatched.set(numbering.dispatched.get() + 1);
            let (call, _) = request.decode::<MetadataRequest>()?;
            let released = numbering.release.notified();
            Ok(Box::pin(async move {
                if call.version == 0 {
                    released.await;
                }
                let body = MetadataResponse { controller_id: call.correlation_id, ..Default::default() };
                call.reply_to().answer(&body)
            }) as Pending)
        })
    }
}

struct Server {
    numbering: Rc<Numbering>,
    registry: Rc<Registry>,
    budget: ReadBudget,
    listener: Rc<Listener>,
}

impl Server {
    fn start(idle_max: Duration, limits: ConnectionLimits) -> Server {
        let numbering = Rc::new(Numbering::default());
        let registry = Rc::new(Registry::new(idle_max));
        let budget = ReadBudget::new(1 << 20);
        let listener = Rc::new(Listener::bind("127.0.0.1:0".parse().unwrap()).unwrap());
        let shared = Shared {
            service: Rc::new(Rc::clone(&numbering)),
            registry: Rc::clone(&registry),
            budget: budget.clone(),
            request_bytes_max: 4 << 20,
            meters: Rc::default(),
        };
        let (quota, counting) = quota::quota();
        task::spawn(counting.run(move || limits.clone()));
        task::spawn(listener::accept(Rc::clone(&listener), Entrance { listener: 0, is_direct: false }, shared, quota));
        let sweeping = Rc::clone(&registry);
        task::spawn(async move { sweeping.sweep().await });
        Server { numbering, registry, budget, listener }
    }

    async fn connect(&self) -> Client {
        let (read, write) = Stream::connect(self.listener.local_addr()).await.unwrap().split();
        Client { read, write, session: Session::new("tests"), buffer: BytesMut::new() }
    }

    async fn stop(self) {
        self.listener.stop();
        self.registry.stop(Duration::ZERO).await;
    }
}

fn unlimited() -> ConnectionLimits {
    ConnectionLimits { total_max: u32::MAX, per_address_max: u32::MAX, overrides: Vec::new() }
}

const LONG: Duration = Duration::from_mins(10);

struct Client {
    read: ReadHalf,
    write: WriteHalf,
    session: Session,
    buffer: BytesMut,
}

impl Client {
    async fn ask(&mut self, version: i16) -> i32 {
        let (id, encoded) =
            self.session.request(&MetadataRequest { topics: Some(vec![]), ..Default::default() }, version).unwrap();
        self.write.write_all(&mut encoded.slices.clone()).await.unwrap();
        id
    }

    async fn send(&mut self, bytes: &[u8]) {
        // The broker may have closed the connection already: the test looks at what it answers.
        let _ = self.write.write_all(&mut vec![Bytes::copy_from_slice(bytes)]).await;
    }

    async fn answer(&mut self) -> Option<i32> {
        loop {
            if let Some(frame) = frame::split(&mut self.buffer, usize::MAX).unwrap() {
                let response: MetadataResponse = self.session.answer(frame).unwrap().decode().unwrap();
                return Some(response.controller_id);
            }
            self.buffer.reserve(4096);
            match self.read.read(&mut self.buffer).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }
}

#[test]
fn answers_keep_the_order_of_the_requests() {
    testing::run(|| async {
        let server = Server::start(LONG, unlimited());
        let mut client = server.connect().await;
        client.ask(0).await;
        for _ in 0..10 {
            client.ask(9).await;
        }
        while server.numbering.dispatched.get() < 11 {
            time::sleep(Duration::from_millis(1)).await;
        }
        server.numbering.release.notify_all();
        // Version 0 has no controller id.
        assert_eq!(client.answer().await, Some(MetadataResponse::default().controller_id));
        for id in 1..=10 {
            assert_eq!(client.answer().await, Some(id));
        }
        server.stop().await;
    });
}

#[test]
fn a_full_pipeline_stops_reading_and_goes_on() {
    testing::run(|| async {
        let server = Server::start(LONG, unlimited());
        let mut client = server.connect().await;
        client.ask(0).await;
        for _ in 0..REQUESTS_IN_FLIGHT_MAX + 50 {
            client.ask(9).await;
        }
        while server.numbering.dispatched.get() < REQUESTS_IN_FLIGHT_MAX {
            time::sleep(Duration::from_millis(1)).await;
        }
        time::sleep(Duration::from_millis(100)).await;
        assert_eq!(server.numbering.dispatched.get(), REQUESTS_IN_FLIGHT_MAX);
        server.numbering.release.notify_all();
        for _ in 0..REQUESTS_IN_FLIGHT_MAX + 51 {
            assert!(client.answer().await.is_some());
        }
        server.stop().await;
    });
}

#[test]
fn bad_input_ends_its_own_connection_after_the_answers_before_it() {
    testing::run(|| async {
        let server = Server::start(LONG, unlimited());
        let mut bystander = server.connect().await;
        bystander.ask(9).await;
        assert_eq!(bystander.answer().await, Some(0));
        let unknown_api = b"\0\0\0\x0c\x03\xe7\0\0\0\0\0\x07\0\x01x\0";
        let metadata_of_two_billion = b"\0\0\0\x0f\0\x03\0\x01\0\0\0\x07\0\x01x\x7f\xff\xff\xff";
        let inputs: [&[u8]; 7] = [
            b"\xff\xff\xff\xff",
            b"\x7f\xff\xff\xff",
            b"\0\0\0\0",
            b"\0\0\0\x02ab",
            b"\0\0\0\x0a\0\x03\0\x01\0\0\0\x07\0\x09",
            unknown_api,
            metadata_of_two_billion,
        ];
        for bad in inputs {
            let mut client = server.connect().await;
            client.ask(9).await;
            client.send(bad).await;
            client.ask(9).await;
            assert_eq!(client.answer().await, Some(0), "{bad:?}");
            assert_eq!(client.answer().await, None, "{bad:?}");
        }
        bystander.ask(9).await;
        assert_eq!(bystander.answer().await, Some(1));
        server.stop().await;
    });
}

#[test]
fn random_bytes_disturb_nobody_and_leave_no_memory_taken() {
    testing::run(|| async {
        let server = Server::start(LONG, unlimited());
        let budget_bytes = server.budget.available_bytes();
        let mut bystander = server.connect().await;
        for round in 0..50 {
            let mut noise = vec![0; 1 + round * 97];
            corelog_rt::rand::fill(&mut noise);
            if round % 2 == 0 {
                // A plausible length, so that the noise is taken for a request.
                let length = (noise.len() as u32).to_be_bytes();
                noise.splice(0..0, length);
            }
            let mut client = server.connect().await;
            client.send(&noise).await;
            client.write.shutdown();
            bystander.ask(9).await;
            assert_eq!(bystander.answer().await, Some(round as i32));
        }
        while server.registry.len() > 1 {
            time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(server.budget.available_bytes(), budget_bytes);
        server.stop().await;
    });
}

#[test]
fn an_announced_length_takes_no_memory_before_the_bytes_come() {
    testing::run(|| async {
        let server = Server::start(LONG, unlimited());
        let budget_bytes = server.budget.available_bytes();
        let mut clients = Vec::new();
        for _ in 0..100 {
            let mut client = server.connect().await;
            client.send(&(3_u32 << 20).to_be_bytes()).await;
            clients.push(client);
        }
        time::sleep(Duration::from_millis(100)).await;
        let taken_bytes = budget_bytes - server.budget.available_bytes();
        assert!(taken_bytes <= 100 * (8 << 10), "{taken_bytes} bytes held for four bytes from each of 100 peers");
        let mut bystander = server.connect().await;
        bystander.ask(9).await;
        assert_eq!(bystander.answer().await, Some(0));
        server.stop().await;
    });
}

#[test]
fn frames_beyond_the_budget_arrive_one_after_the_other() {
    testing::run(|| async {
        let server = Server::start(LONG, unlimited());
        let budget_bytes = server.budget.available_bytes();
        let mut tasks = Vec::new();
        for _ in 0..4 {
            let mut client = server.connect().await;
            tasks.push(task::spawn(async move {
                // A null topic list, then ballast that Kafka would ignore too: three times the shard's budget.
                let mut request = b"\0\x03\0\x01\0\0\0\0\0\x01x\xff\xff\xff\xff".to_vec();
                request.resize(3 << 20, 0);
                let mut bytes = (request.len() as u32).to_be_bytes().to_vec();
                bytes.extend(request);
                let sent = client.session.request(&MetadataRequest::default(), 1);
                assert!(sent.is_ok());
                client.send(&bytes).await;
                client.answer().await
            }));
        }
        for answered in tasks {
            assert_eq!(answered.await, Some(0));
        }
        while !server.registry.is_empty() {
            time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(server.budget.available_bytes(), budget_bytes);
        server.stop().await;
    });
}

#[test]
fn idle_connections_are_ended() {
    testing::run(|| async {
        let server = Server::start(Duration::from_millis(200), unlimited());
        let mut client = server.connect().await;
        client.ask(9).await;
        assert_eq!(client.answer().await, Some(0));
        assert_eq!(client.answer().await, None);
        while !server.registry.is_empty() {
            time::sleep(Duration::from_millis(1)).await;
        }
        server.stop().await;
    });
}

#[test]
fn connections_above_the_limit_of_their_address_are_refused() {
    testing::run(|| async {
        let limits = ConnectionLimits { total_max: 10, per_address_max: 1, overrides: Vec::new() };
        let server = Server::start(LONG, limits);
        let mut first = server.connect().await;
        first.ask(9).await;
        assert_eq!(first.answer().await, Some(0));
        let mut second = server.connect().await;
        assert_eq!(second.answer().await, None);
        drop(first);
        while !server.registry.is_empty() {
            time::sleep(Duration::from_millis(1)).await;
        }
        let mut third = server.connect().await;
        third.ask(9).await;
        assert_eq!(third.answer().await, Some(0));
        server.stop().await;
    });
}
