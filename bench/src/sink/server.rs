//! The sink's sockets: one thread for each connection, which blocks.

use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};

use bytes::Bytes;
use corelog_protocol::Encoded;

use super::answers::Face;
use crate::wire::inbound::Inbound;

/// Where a sink of this process listens.
pub const HOST: &str = "127.0.0.1";

/// Says what is answered to a request (without its length); none where it wants none.
pub type Answer<'a> = dyn Fn(Bytes) -> io::Result<Option<Encoded>> + Sync + 'a;

/// Accepts connections until the listener fails.
///
/// # Errors
/// Those of the listener.
pub fn serve(listener: &TcpListener, answer: &Answer<'_>) -> io::Result<()> {
    std::thread::scope(|scope| {
        loop {
            let (stream, _) = listener.accept()?;
            scope.spawn(move || {
                // The peer hears of it: its connection is closed.
                let _ = converse(answer, &stream);
            });
        }
    })
}

/// Serves on a port of its own until the process ends. What answers is made with the sink's face, which has that port.
///
/// # Errors
/// Those of the listener.
pub fn start<A>(partitions: i32, make: impl FnOnce(Face) -> A) -> io::Result<u16>
where
    A: Fn(Bytes) -> io::Result<Option<Encoded>> + Send + Sync + 'static,
{
    let listener = TcpListener::bind((HOST, 0))?;
    let port = listener.local_addr()?.port();
    let answer = make(Face { host: HOST.to_owned(), port, partitions });
    std::thread::spawn(move || serve(&listener, &answer));
    Ok(port)
}

fn converse(answer: &Answer<'_>, stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut inbound = Inbound::default();
    loop {
        inbound.receive(&mut &*stream, |frame| match answer(frame)? {
            Some(encoded) => (&mut &*stream).write_all(&encoded.into_contiguous()),
            None => Ok(()),
        })?;
    }
}

#[cfg(test)]
mod tests {
    use super::super::answers::answer;
    use super::*;
    use crate::load::observer::Deaf;
    use crate::load::run::{Target, run};
    use crate::report::result::IntervalResult;
    use crate::workload::{Acks, Compression, RecordSize, Workload};

    fn sink(partitions: i32) -> String {
        let port = start(partitions, |face| move |frame| answer(&face, frame)).unwrap();
        format!("{HOST}:{port}")
    }

    fn target(bootstrap: String) -> Target {
        Target {
            bootstrap,
            topic: "t".into(),
            create: true,
            topic_configs: Vec::new(),
            delete: true,
            pids: vec![std::process::id()],
            cores: Vec::new(),
        }
    }

    #[test]
    fn a_whole_run_is_acknowledged_in_every_way_of_producing() {
        let small = Workload {
            partitions: 3,
            record_bytes: RecordSize::Fixed(100),
            batch_bytes: 5_000,
            warm_up: 0.05,
            duration: 0.1,
            ..Workload::default()
        };
        let ways = [
            small.clone(),
            Workload { acks: Acks::None, ..small.clone() },
            Workload { connections: 8, threads: 2, batches_per_request: 3, idempotent: true, ..small.clone() },
            Workload { rate: Some(3_000.0), connections: 2, topics: 2, linger_ms: 1.0, ..small.clone() },
        ];
        for workload in ways {
            let mut intervals = 0;
            let result = run(&target(sink(3)), &workload, &mut |_: &IntervalResult| intervals += 1).unwrap();
            assert!(result.integrity.is_clean(), "{workload:?}: {:?}", result.integrity);
            assert!(result.produced.records > 0 && intervals > 0, "{workload:?}");
            assert_eq!(result.produced.records, result.acknowledgement.count);
            assert_eq!(result.produced.bytes, result.produced.records * 100);
            assert!(result.broker.is_some());
        }
    }

    #[test]
    fn sizes_keys_and_codecs_are_produced_too() {
        let small = Workload {
            partitions: 3,
            record_bytes: "50..500".parse().unwrap(),
            batch_bytes: 5_000,
            warm_up: 0.05,
            duration: 0.1,
            idle_connections: 5,
            ..Workload::default()
        };
        let keys = Some("zipf:100:1".parse().unwrap());
        let ways = [
            small.clone(),
            Workload { keys, connections: 2, idempotent: true, ..small.clone() },
            Workload { keys, rate: Some(2_000.0), compression: Compression::Snappy, ..small.clone() },
            Workload { compression: Compression::Gzip, random_bytes_ratio: Some(0.0), ..small.clone() },
            Workload { compression: Compression::Zstd, rate: Some(2_000.0), linger_ms: 5.0, ..small.clone() },
            Workload { compression: Compression::Lz4, record_bytes: RecordSize::Fixed(100), ..small.clone() },
        ];
        for workload in ways {
            let result = run(&target(sink(3)), &workload, &mut Deaf).unwrap();
            assert!(result.integrity.is_clean(), "{workload:?}: {:?}", result.integrity);
            let produced = result.produced;
            assert!(produced.records > 0 && produced.bytes >= produced.records * 50, "{workload:?}: {produced:?}");
            assert_eq!(produced.records, result.acknowledgement.count);
            // At a rate, batches are too small to shrink.
            let shrinks = workload.compression != Compression::None && workload.rate.is_none();
            assert!(!shrinks || produced.batch_bytes < produced.bytes * 3 / 4, "{workload:?}: {produced:?}");
        }
    }

    #[test]
    fn a_fixed_rate_is_kept() {
        let workload = Workload {
            rate: Some(2_000.0),
            record_bytes: RecordSize::Fixed(100),
            warm_up: 0.1,
            duration: 0.5,
            connections: 3,
            ..Workload::default()
        };
        let result = run(&target(sink(1)), &workload, &mut Deaf).unwrap();
        // Every record due by the end is sent, however slow this machine is; the first interval's are not measured.
        let sent = result.intervals.iter().map(|interval| interval.produced.records).sum::<u64>();
        assert!((1_190..=1_210).contains(&sent), "{sent} of 1200");
    }

    #[test]
    fn a_broker_that_hangs_up_makes_the_run_unsound() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let face = Face { host: "127.0.0.1".into(), port, partitions: 1 };
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut inbound, mut requests, stream) = (Inbound::default(), 0, stream.unwrap());
                let face = face.clone();
                std::thread::spawn(move || {
                    let mut outcome = Ok(());
                    while outcome.is_ok() {
                        outcome = inbound.receive(&mut &stream, |frame| {
                            requests += 1;
                            if requests > 20 {
                                return Err(io::ErrorKind::ConnectionAborted.into());
                            }
                            let encoded = answer(&face, frame)?.unwrap();
                            (&mut &stream).write_all(&encoded.into_contiguous())
                        });
                    }
                });
            }
        });
        let workload = Workload { warm_up: 0.0, duration: 0.2, batch_bytes: 5_000, ..Workload::default() };
        let result = run(&target(format!("127.0.0.1:{port}")), &workload, &mut Deaf).unwrap();
        assert!(!result.integrity.is_clean(), "{:?}", result.integrity);
        assert!(result.integrity.faults.keys().any(|words| words.starts_with("connection: ")));
    }
}
