//! One consuming connection: fetches its own partitions over and over, and checks every record.
//!
//! Owned by one worker. It works as clients do: one fetch at a time in an incremental session, naming only the partitions that moved, and the
//! next one on its way before the records of the last are looked at.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Write};
use std::net::TcpStream;

use bytes::Bytes;
use corelog_protocol::client::Session;
use corelog_protocol::messages::fetch_request::{FetchPartition, FetchRequest, FetchTopic};
use corelog_protocol::messages::fetch_response::FetchResponse;
use corelog_protocol::{ErrorCode, Text, Uuid};

use super::checker::Stream;
use super::faults::Faults;
use super::recorder::Recorder;
use super::shared::Shared;
use crate::cluster::control::error_name;
use crate::measure::interval::{Flow, Interval};
use crate::wire::batch::{Batch, BatchFlaw};
use crate::wire::compression::decompress;
use crate::wire::inbound::Inbound;
use crate::wire::stamp::Stamp;
use crate::workload::Workload;

/// Orders that are followed in one partition.
const STREAMS_MAX: usize = 100_000;

/// What the fetches of one connection ask for.
#[derive(Clone, Debug)]
pub struct FetchShape {
    /// The version, at most the newest that both ends know.
    pub version: i16,
    /// The topic's name.
    pub name: Text,
    /// The topic's id, where the version has ids.
    pub id: Uuid,
    /// Bytes of one partition.
    pub partition_bytes: i32,
    /// Bytes of an answer.
    pub bytes: i32,
    /// How long to wait for records, in ms.
    pub wait_ms: i32,
}

impl FetchShape {
    /// Takes what the workload says.
    pub fn new(workload: &Workload, version: i16, name: &Text, id: Uuid) -> FetchShape {
        FetchShape {
            version,
            name: name.clone(),
            id,
            partition_bytes: workload.fetch_partition_bytes,
            bytes: workload.fetch_bytes,
            wait_ms: workload.fetch_wait_ms,
        }
    }
}

/// One partition.
pub struct Lane {
    /// Its number.
    pub partition: i32,
    /// The next record's offset.
    pub offset: i64,
    /// Where the next fetch begins: behind what has arrived.
    fetch_offset: i64,
    /// Where reading ends, if it does.
    pub end: Option<i64>,
    /// Moved since the broker was told.
    has_moved: bool,
    streams: Streams,
}

/// The orders of one partition, one per producer.
#[derive(Default)]
struct Streams {
    streams: Vec<(u32, Stream)>,
    places: BTreeMap<u32, usize>,
    /// The one that was used last: records of one batch come from one producer.
    last: usize,
}

impl Streams {
    /// The order of a producer, which begins at `first` where it is new. None where too many are followed.
    fn of(&mut self, producer: u32, first: u64) -> Option<&mut Stream> {
        if self.streams.get(self.last).is_none_or(|(of, _)| *of != producer) {
            self.last = match self.places.get(&producer) {
                Some(at) => *at,
                None if self.streams.len() >= STREAMS_MAX => return None,
                None => {
                    self.streams.push((producer, Stream::starting_at(first)));
                    self.places.insert(producer, self.streams.len() - 1);
                    self.streams.len() - 1
                }
            };
        }
        self.streams.get_mut(self.last).map(|(_, stream)| stream)
    }
}

impl Lane {
    /// Reads from `offset` on, to `end` if there is one.
    pub fn new(partition: i32, offset: i64, end: Option<i64>) -> Lane {
        Lane { partition, offset, fetch_offset: offset, end, has_moved: true, streams: Streams::default() }
    }

    /// The orders that were followed, with the stamps of their producers.
    pub fn into_streams(self) -> Vec<(u32, Stream)> {
        self.streams.streams
    }

    fn is_at_end(&self) -> bool {
        self.end.is_some_and(|end| self.fetch_offset >= end)
    }

    /// Puts the next fetch behind the whole batches that arrived.
    fn arrived(&mut self, records: &[u8]) {
        let mut rest = records;
        // What is no batch is found, and counted, when the records are looked at.
        while let Ok(Some(batch)) = Batch::cut(&mut rest) {
            let next = batch.last_offset().saturating_add(1);
            if next > self.fetch_offset {
                self.fetch_offset = next;
                self.has_moved = true;
            }
        }
    }
}

/// One consuming connection.
pub struct Consumer {
    stream: TcpStream,
    inbound: Inbound,
    fetches: Fetches,
    /// The group that it reads for.
    group: usize,
    is_done: bool,
}

/// What is asked for and what came of it.
struct Fetches {
    session: Session,
    shape: FetchShape,
    lanes: Vec<Lane>,
    /// Where in `lanes` each partition is.
    places: BTreeMap<i32, usize>,
    /// The fetch session that the broker gave, and the number of its next request.
    fetch_session: (i32, i32),
    request: Bytes,
    taken_bytes: usize,
    /// Orders begin at 0; where they do not, at the first record seen.
    from_zero: bool,
}

impl Consumer {
    /// A connection that is open and does not block, of one of several groups. `from_zero`: the producers begin while it reads.
    pub fn new(stream: TcpStream, shape: FetchShape, lanes: Vec<Lane>, group: usize, from_zero: bool) -> Consumer {
        let places = lanes.iter().enumerate().map(|(at, lane)| (lane.partition, at)).collect();
        let fetches = Fetches {
            session: Session::new("corelog-bench"),
            shape,
            lanes,
            places,
            fetch_session: (0, 0),
            request: Bytes::new(),
            taken_bytes: 0,
            from_zero,
        };
        Consumer { stream, inbound: Inbound::default(), fetches, group, is_done: false }
    }

    /// Its socket.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// The group that it reads for.
    pub fn group(&self) -> usize {
        self.group
    }

    /// Whether nothing more will come of it.
    pub fn is_done(&self) -> bool {
        self.is_done
    }

    /// Ends it.
    pub fn give_up(&mut self) {
        self.is_done = true;
    }

    /// Its partitions.
    pub fn into_lanes(self) -> Vec<Lane> {
        self.fetches.lanes
    }

    /// Sends a fetch if none is under way. True if the socket takes no more for now.
    pub fn pump(&mut self) -> io::Result<bool> {
        let is_blocked = self.fetches.send(&self.stream)?;
        self.is_done |= !is_blocked && self.fetches.are_over();
        Ok(is_blocked)
    }

    /// Reads what is there.
    pub fn receive(&mut self, shared: &Shared, recorder: &mut Recorder, faults: &mut Faults) -> io::Result<()> {
        let (stream, fetches) = (&self.stream, &mut self.fetches);
        self.inbound.receive(&mut &*stream, |frame| fetches.answer(frame, stream, shared, recorder, faults))
    }
}

impl Fetches {
    /// Everything was read, or is here.
    fn are_over(&self) -> bool {
        self.session.waiting() == 0 && self.lanes.iter().all(Lane::is_at_end)
    }

    /// Sends the next one if none is under way and there is more to read. True if the socket takes no more for now.
    fn send(&mut self, mut stream: &TcpStream) -> io::Result<bool> {
        if self.request.is_empty() {
            if self.session.waiting() > 0 || self.are_over() {
                return Ok(false);
            }
            self.make_request()?;
        }
        while let Some(rest) = self.request.get(self.taken_bytes..).filter(|rest| !rest.is_empty()) {
            match stream.write(rest) {
                Ok(written) => self.taken_bytes += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        (self.request, self.taken_bytes) = (Bytes::new(), 0);
        Ok(false)
    }

    fn make_request(&mut self) -> io::Result<()> {
        let (session_id, session_epoch) = self.fetch_session;
        let is_full = session_epoch == 0;
        let partition = |lane: &Lane| FetchPartition {
            partition: lane.partition,
            fetch_offset: lane.fetch_offset,
            partition_max_bytes: self.shape.partition_bytes,
            ..Default::default()
        };
        let partitions: Vec<_> = self.lanes.iter().filter(|lane| is_full || lane.has_moved).map(partition).collect();
        let topic = FetchTopic { topic: self.shape.name.clone(), topic_id: self.shape.id, partitions };
        let request = FetchRequest {
            max_wait_ms: self.shape.wait_ms,
            min_bytes: 1,
            max_bytes: self.shape.bytes,
            session_id,
            session_epoch,
            topics: if topic.partitions.is_empty() { Vec::new() } else { vec![topic] },
            ..Default::default()
        };
        self.lanes.iter_mut().for_each(|lane| lane.has_moved = false);
        let encoded = self.session.request(&request, self.shape.version);
        self.request = encoded.map_err(|error| invalid(&error))?.1.into_contiguous();
        Ok(())
    }

    /// Sends the next fetch, then looks at the records that came.
    fn answer(
        &mut self,
        frame: Bytes,
        stream: &TcpStream,
        shared: &Shared,
        recorder: &mut Recorder,
        faults: &mut Faults,
    ) -> io::Result<()> {
        let answer = self.session.answer(frame).map_err(|error| invalid(&error))?;
        let response: FetchResponse = answer.decode().map_err(|error| invalid(&error))?;
        let now_ns = shared.clock.now_ns();
        recorder.turn(now_ns);
        recorder.current.consumed.requests += 1;
        self.fetch_session = next_session(&response, self.fetch_session, faults);
        let mut arrived = Vec::new();
        for data in response.responses.into_iter().flat_map(|topic| topic.partitions) {
            let lane = self.places.get(&data.partition_index).and_then(|at| self.lanes.get_mut(*at));
            let lane = lane.ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "a partition that was not asked"))?;
            if data.error_code != 0 {
                faults.note(format!("fetch: {}", error_name(data.error_code)));
                lane.has_moved = true;
            } else if let Some(records) = data.records {
                let records = records.into_contiguous();
                lane.arrived(&records);
                arrived.push((data.partition_index, records));
            }
        }
        // A socket that takes no more is waited for by the worker.
        self.send(stream)?;
        let mut view = View { now_ns, from_zero: self.from_zero, interval: &mut recorder.current, faults, fresh: 0 };
        for (partition, records) in arrived {
            if let Some(lane) = self.places.get(&partition).and_then(|at| self.lanes.get_mut(*at)) {
                view.partition(lane, &records);
            }
        }
        shared.arrive(view.fresh);
        Ok(())
    }
}

/// The session of the next request.
fn next_session(response: &FetchResponse, session: (i32, i32), faults: &mut Faults) -> (i32, i32) {
    match ErrorCode::from_code(response.error_code) {
        Some(ErrorCode::None) if response.session_id != 0 => (response.session_id, session.1 % i32::MAX + 1),
        Some(ErrorCode::None | ErrorCode::FetchSessionIdNotFound | ErrorCode::InvalidFetchSessionEpoch) => (0, 0),
        _ => {
            faults.note(format!("fetch: {}", error_name(response.error_code)));
            (0, 0)
        }
    }
}

/// One answer being looked at.
struct View<'a> {
    now_ns: u64,
    from_zero: bool,
    interval: &'a mut Interval,
    faults: &'a mut Faults,
    fresh: u64,
}

impl View<'_> {
    fn partition(&mut self, lane: &mut Lane, records: &[u8]) {
        let mut rest = records;
        loop {
            match Batch::cut(&mut rest) {
                Ok(Some(batch)) => self.batch(lane, batch),
                Ok(None) => return,
                Err(flaw) => {
                    self.faults.note(format!("fetch: {flaw}"));
                    return;
                }
            }
        }
    }

    fn batch(&mut self, lane: &mut Lane, batch: Batch<'_>) {
        if batch.last_offset() < lane.offset {
            return;
        }
        let skip = (lane.offset - batch.base_offset()).max(0);
        lane.offset = batch.last_offset().saturating_add(1);
        if batch.is_control() {
            return;
        }
        let checked = batch.verify().and_then(|()| match batch.codec() {
            0 => self.records(lane, batch, batch.records(), skip),
            code => self.records(lane, batch, &decompress(code, batch.records())?, skip),
        });
        if let Err(flaw) = checked {
            self.faults.note(format!("fetch: {flaw}"));
        }
    }

    fn records(&mut self, lane: &mut Lane, batch: Batch<'_>, records: &[u8], skip: i64) -> Result<(), BatchFlaw> {
        let mut flow = Flow { batches: 1, batch_bytes: batch.bytes() as u64, ..Flow::default() };
        let mut index = 0;
        let walked = batch.each_value(records, |key_bytes, value| {
            index += 1;
            if index <= skip {
                return;
            }
            flow.records += 1;
            flow.bytes += (key_bytes + value.len()) as u64;
            let Some(stamp) = Stamp::read(value) else { return };
            self.interval.end_to_end.saturating_record(self.now_ns.saturating_sub(stamp.time_ns));
            let first = if self.from_zero { 0 } else { stamp.sequence };
            if let Some(stream) = lane.streams.of(stamp.producer, first) {
                self.fresh += u64::from(stream.see(stamp.sequence));
            }
        });
        self.interval.consumed.add(flow);
        walked
    }
}

fn invalid(error: &dyn std::error::Error) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error.to_string())
}
