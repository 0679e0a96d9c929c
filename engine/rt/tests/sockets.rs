//! Listeners and streams, on whichever backend is compiled in.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use bytes::{Bytes, BytesMut};
use corelog_rt::net::{Accepted, Listener, ReadHalf, Stream, WriteHalf};
use corelog_rt::{mesh, task, testing, time};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::Duration;

fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

async fn pair() -> (Stream, Stream) {
    let listener = Listener::bind(any_port()).unwrap();
    let address = listener.local_addr();
    let client = task::spawn(async move { Stream::connect(address).await.unwrap() });
    let server = listener.accept().await.unwrap().bind().unwrap();
    (client.await, server)
}

async fn read_exactly(reader: &mut ReadHalf, bytes: usize) -> BytesMut {
    let mut buffer = BytesMut::with_capacity(bytes);
    while buffer.len() < bytes {
        buffer.reserve(1);
        assert!(reader.read(&mut buffer).await.unwrap() > 0, "the stream ended after {} bytes", buffer.len());
    }
    assert_eq!(buffer.len(), bytes, "more came than was sent");
    buffer
}

async fn echo(mut reader: ReadHalf, mut writer: WriteHalf) {
    let mut buffer = BytesMut::with_capacity(4096);
    while reader.read(&mut buffer).await.unwrap_or(0) > 0 {
        let received = buffer.split().freeze();
        if writer.write_all(&mut vec![received]).await.is_err() {
            return;
        }
        buffer.reserve(4096);
    }
}

#[test]
fn many_connections_at_once_are_echoed() {
    testing::run(|| async {
        let listener = Rc::new(Listener::bind(any_port()).unwrap());
        let address = listener.local_addr();
        let accepting = Rc::clone(&listener);
        let server = task::spawn(async move {
            let mut served = Vec::new();
            while let Ok(accepted) = accepting.accept().await {
                let (reader, writer) = accepted.bind().unwrap().split();
                served.push(task::spawn(echo(reader, writer)));
            }
            let count = served.len();
            for connection in served {
                connection.await;
            }
            count
        });
        let clients: Vec<_> = (0..300_u32)
            .map(|number| {
                task::spawn(async move {
                    let (mut reader, mut writer) = Stream::connect(address).await.unwrap().split();
                    for round in 0..3_u32 {
                        let message = Bytes::from(format!("{number}/{round};").repeat(20));
                        writer.write_all(&mut vec![message.clone()]).await.unwrap();
                        assert_eq!(read_exactly(&mut reader, message.len()).await, message);
                    }
                    writer.shutdown();
                })
            })
            .collect();
        for client in clients {
            client.await;
        }
        listener.stop();
        assert_eq!(server.await, 300);
    });
}

#[test]
fn gather_lists_of_any_shape_arrive_whole_and_in_order() {
    testing::run(|| async {
        let (client, server) = pair().await;
        let shapes: Vec<Vec<usize>> =
            vec![vec![0, 1, 0, 2], vec![65_536], vec![1; 3000], vec![70_000, 0, 65_535, 3, 1 << 20, 17], vec![]];
        let mut expected = Vec::new();
        let mut lists = Vec::new();
        for (shape_index, shape) in shapes.iter().enumerate() {
            let mut list = Vec::new();
            for (index, bytes) in shape.iter().enumerate() {
                let slice: Vec<u8> = (0..*bytes).map(|byte| (byte * 7 + index + shape_index) as u8).collect();
                expected.extend_from_slice(&slice);
                list.push(Bytes::from(slice));
            }
            lists.push(list);
        }
        let total = expected.len();
        let sending = task::spawn(async move {
            let (_reader, mut writer) = client.split();
            for mut list in lists {
                writer.write_all(&mut list).await.unwrap();
                assert!(list.is_empty());
            }
            writer.finish().unwrap();
        });
        let (mut reader, _writer) = server.split();
        let received = read_exactly(&mut reader, total).await;
        assert!(received == expected, "the bytes differ");
        assert_eq!(reader.read(&mut BytesMut::with_capacity(1)).await.unwrap(), 0, "finish ends the stream");
        sending.await;
    });
}

#[test]
fn slow_reader_holds_the_writer_back() {
    testing::run(|| async {
        const MIB: usize = 1 << 20;
        let (client, server) = pair().await;
        let (mut reader, _writer) = server.split();
        let (_client_reader, mut writer) = client.split();
        let mut sent = Box::pin(async {
            for _ in 0..64 {
                writer.write_all(&mut vec![Bytes::from(vec![3; MIB])]).await.unwrap();
            }
        });
        let early = time::timeout(Duration::from_millis(200), &mut sent).await;
        assert!(early.is_err(), "64 MiB cannot vanish into a socket that nobody reads");
        let reading = task::spawn(async move { read_exactly(&mut reader, 64 * MIB).await.len() });
        sent.await;
        assert_eq!(reading.await, 64 * MIB);
    });
}

#[test]
fn shutdown_wakes_the_waiting_reader_and_writer() {
    testing::run(|| async {
        let (client, server) = pair().await;
        let handle = client.shutdown_handle();
        let (mut reader, mut writer) = client.split();
        let reading = task::spawn(async move { reader.read(&mut BytesMut::with_capacity(10)).await });
        let writing =
            task::spawn(async move { writer.write_all(&mut vec![Bytes::from(vec![0; 64 << 20])]).await.is_err() });
        time::sleep(Duration::from_millis(20)).await;
        handle.shutdown();
        assert_eq!(reading.await.unwrap(), 0);
        assert!(writing.await, "a writer must not wait for ever on an ended connection");
        drop(server);
    });
}

#[test]
fn dropped_halves_close_the_connection() {
    testing::run(|| async {
        let (client, server) = pair().await;
        let (reader, writer) = client.split();
        drop(reader);
        drop(writer);
        let (mut reader, _writer) = server.split();
        assert_eq!(reader.read(&mut BytesMut::with_capacity(10)).await.unwrap(), 0);
    });
}

#[test]
fn stopped_listener_ends_its_accept_and_refuses_connections() {
    testing::run(|| async {
        let listener = Rc::new(Listener::bind(any_port()).unwrap());
        let address = listener.local_addr();
        let accepting = Rc::clone(&listener);
        let accept = task::spawn(async move { accepting.accept().await.map(|accepted| accepted.peer()) });
        time::sleep(Duration::from_millis(20)).await;
        listener.stop();
        assert_eq!(accept.await.unwrap_err().kind(), ErrorKind::NotConnected);
        assert_eq!(listener.accept().await.unwrap_err().kind(), ErrorKind::NotConnected);
        drop(listener);
        assert_eq!(Stream::connect(address).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
    });
}

#[test]
fn listeners_of_one_process_share_a_port() {
    testing::run(|| async {
        let first = Listener::bind(any_port()).unwrap();
        let second = Listener::bind(first.local_addr()).unwrap();
        assert_eq!(first.local_addr(), second.local_addr());
        let address = first.local_addr();
        drop(first);
        let client = task::spawn(async move { Stream::connect(address).await.is_ok() });
        second.accept().await.unwrap();
        assert!(client.await);
    });
}

#[test]
fn accepted_connection_is_served_by_another_shard() {
    testing::run_shards(2, |shard| async move {
        static QUEUES: OnceLock<(mesh::Sender<Accepted>, flume::Receiver<mesh::Receiver<Accepted>>)> = OnceLock::new();
        let (sender, receivers) = QUEUES.get_or_init(|| {
            let (sender, receiver) = mesh::channel(1);
            let (give, take) = flume::bounded(1);
            give.send(receiver).unwrap();
            (sender, take)
        });
        if shard == 0 {
            let listener = Listener::bind(any_port()).unwrap();
            let address = listener.local_addr();
            let client = task::spawn(async move {
                let (mut reader, mut writer) = Stream::connect(address).await.unwrap().split();
                writer.write_all(&mut vec![Bytes::from_static(b"hello")]).await.unwrap();
                assert_eq!(read_exactly(&mut reader, 5).await, b"hello"[..]);
            });
            sender.send(listener.accept().await.unwrap()).await.unwrap();
            client.await;
        } else {
            let mut receiver = receivers.recv_async().await.unwrap();
            let (reader, writer) = receiver.recv().await.unwrap().bind().unwrap().split();
            echo(reader, writer).await;
        }
    });
}
