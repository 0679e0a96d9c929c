//! One producing connection: keeps requests in flight, matches answers to them, and measures each record.
//!
//! Owned by one worker. A request is made in the connection's only buffer and lives there until the socket took it whole, so what a
//! connection costs in memory is one request however many are in flight. Nothing is retried: what fails is counted and said.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Write};
use std::net::TcpStream;
use std::sync::Arc;

use bytes::Bytes;
use corelog_protocol::messages::produce_response::ProduceResponse;
use corelog_protocol::{ApiKey, Message, header};

use super::checker::Ranges;
use super::faults::Faults;
use super::key_table::KeyTable;
use super::recorder::Recorder;
use super::schedule::Schedule;
use super::shared::Shared;
use crate::cluster::control::error_name;
use crate::measure::interval::Flow;
use crate::measure::random::Random;
use crate::wire::batches::Batches;
use crate::wire::inbound::Inbound;
use crate::wire::outbound::{Outbound, RequestShape};
use crate::wire::part::{Author, Keyed, Part};
use crate::workload::{Acks, Spread, Workload};

/// Requests that are made in one go where no answer holds them back.
const REQUESTS_AT_ONCE: usize = 16;

/// Records that are looked at together where many are due.
const DUE_MAX: usize = 1 << 24;

/// What all producers of a thread have in common.
pub struct ProducerOptions {
    /// The batches.
    pub batches: Batches,
    /// Most batches of a request.
    pub batches_max: usize,
    /// Most unanswered requests.
    pub in_flight_max: usize,
    /// When the broker answers.
    pub acks: Acks,
    /// How records go to partitions in an open loop.
    pub spread: Spread,
    /// How long a record waits for others, in ns.
    pub linger_ns: u64,
}

impl ProducerOptions {
    /// Takes them from the workload.
    pub fn new(workload: &Workload, batches: Batches) -> ProducerOptions {
        ProducerOptions {
            batches,
            batches_max: workload.batches_per_request,
            in_flight_max: workload.in_flight,
            acks: workload.acks,
            spread: workload.spread,
            linger_ns: (workload.linger_ms * 1e6) as u64,
        }
    }
}

/// Records of one partition.
struct Lane {
    partition: i32,
    /// The next record's place in the order.
    sequence: u64,
    /// What may or may not have reached the broker.
    unconfirmed: Ranges,
}

struct Request {
    correlation_id: i32,
    parts: Vec<Part>,
}

/// What a producer wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To be called when the socket takes bytes again.
    Writable,
    /// To be called when an answer has come.
    Answer,
    /// To be called at this time, in ns since 1970.
    Time(u64),
    /// Nothing: it is done.
    Nothing,
}

/// What a producer sent to one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The stamp of its records.
    pub producer: u32,
    /// The partition.
    pub partition: i32,
    /// Records, as sequences from 0.
    pub sequence: u64,
    /// Of these, what may or may not have reached the broker.
    pub unconfirmed: Ranges,
}

/// One producing connection.
pub struct Producer {
    stream: Arc<TcpStream>,
    inbound: Inbound,
    outbound: Outbound,
    /// Bytes of the request in `outbound` that the socket took; none while nothing is being sent.
    taken_bytes: Option<usize>,
    shape: RequestShape,
    version: i16,
    author: Author,
    lanes: Vec<Lane>,
    lane_next: usize,
    /// The keys that go to `lanes`, where keys choose the partition.
    keys: Option<Arc<KeyTable>>,
    random: Random,
    /// While records are dealt out by their keys: for each lane the number of its part, from 1.
    dealt: Vec<usize>,
    /// Records, or batches that are ready, that were drawn.
    drawn: u64,
    in_flight: VecDeque<Request>,
    spare: Vec<Vec<Part>>,
    correlation_next: i32,
    schedule: Option<Schedule>,
    /// Since when nothing but the schedule kept it from sending.
    free_since_ns: u64,
    is_done: bool,
}

impl Producer {
    /// A connection that is open and does not block. `keys` are those of its partitions.
    pub fn new(
        stream: TcpStream,
        shape: RequestShape,
        version: i16,
        author: Author,
        partitions: &[i32],
        keys: Option<Arc<KeyTable>>,
        schedule: Option<Schedule>,
    ) -> Producer {
        let lane = |partition: &i32| Lane { partition: *partition, sequence: 0, unconfirmed: Vec::new() };
        Producer {
            stream: Arc::new(stream),
            inbound: Inbound::default(),
            outbound: Outbound::default(),
            taken_bytes: None,
            shape,
            version,
            author,
            lanes: partitions.iter().map(lane).collect(),
            lane_next: 0,
            keys,
            random: Random::new(u64::from(author.stamp)),
            dealt: vec![0; partitions.len()],
            drawn: 0,
            in_flight: VecDeque::new(),
            spare: Vec::new(),
            correlation_next: 0,
            schedule,
            free_since_ns: 0,
            is_done: false,
        }
    }

    /// Its socket.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// Whether nothing more will come of it.
    pub fn is_done(&self) -> bool {
        self.is_done
    }

    /// Reads the answers that are there.
    pub fn receive(
        &mut self,
        options: &ProducerOptions,
        shared: &Shared,
        recorder: &mut Recorder,
        faults: &mut Faults,
    ) -> io::Result<()> {
        let now_ns = shared.clock.now_ns();
        recorder.turn(now_ns);
        let mut inbound = std::mem::take(&mut self.inbound);
        let stream = Arc::clone(&self.stream);
        let outcome =
            inbound.receive(&mut &*stream, |frame| self.answer(frame, now_ns, options, shared, recorder, faults));
        self.inbound = inbound;
        outcome
    }

    fn answer(
        &mut self,
        frame: Bytes,
        now_ns: u64,
        options: &ProducerOptions,
        shared: &Shared,
        recorder: &mut Recorder,
        faults: &mut Faults,
    ) -> io::Result<()> {
        let invalid = |words: &str| io::Error::new(ErrorKind::InvalidData, words.to_owned());
        let request = self.in_flight.pop_front().ok_or_else(|| invalid("an answer that nobody asked for"))?;
        let (correlation_id, mut decoder) = header::decode_response_header(frame, ApiKey::Produce, self.version)
            .map_err(|error| invalid(&error.to_string()))?;
        if correlation_id != request.correlation_id {
            return Err(invalid("an answer out of order"));
        }
        let response =
            ProduceResponse::decode(&mut decoder, self.version).map_err(|error| invalid(&error.to_string()))?;
        let mut answers = response.responses.iter().flat_map(|topic| &topic.partition_responses);
        recorder.current.produced.requests += 1;
        for part in &request.parts {
            // Brokers answer in the order of the request, as a rule; where one does not, all are looked through.
            let answered = answers.next().filter(|answer| answer.index == part.partition).or_else(|| {
                let all = response.responses.iter().flat_map(|topic| &topic.partition_responses);
                all.into_iter().find(|answer| answer.index == part.partition)
            });
            let code = answered.ok_or_else(|| invalid("an answer without one of the partitions"))?.error_code;
            if code == 0 {
                acknowledge(part, now_ns, shared, recorder);
            } else {
                faults.note_many(format!("produce: {}", error_name(code)), part.count as u64);
                self.leave_unconfirmed(part);
            }
        }
        if self.in_flight.len() + 1 == options.in_flight_max {
            self.free_since_ns = now_ns;
        }
        self.recycle(request.parts);
        Ok(())
    }

    /// Sends what is due and says what it waits for.
    pub fn pump(&mut self, options: &ProducerOptions, shared: &Shared, recorder: &mut Recorder) -> io::Result<Wish> {
        for _ in 0..REQUESTS_AT_ONCE {
            if !self.flush(options, shared, recorder)? {
                return Ok(Wish::Writable);
            }
            let now_ns = shared.clock.now_ns();
            recorder.turn(now_ns);
            if shared.is_over(now_ns) {
                return Ok(self.wind_down());
            }
            if self.in_flight.len() >= options.in_flight_max {
                return Ok(Wish::Answer);
            }
            let mut parts = self.spare.pop().unwrap_or_default();
            if let Some(time_ns) = self.gather(options, now_ns, recorder, &mut parts) {
                self.recycle(parts);
                return Ok(Wish::Time(time_ns.min(shared.stop_ns)));
            }
            let correlation_id = self.correlation_next;
            self.correlation_next = correlation_id.wrapping_add(1);
            self.outbound.fill(&self.shape, &options.batches, self.author, correlation_id, &mut parts);
            self.taken_bytes = Some(0);
            self.in_flight.push_back(Request { correlation_id, parts });
        }
        Ok(if self.flush(options, shared, recorder)? { Wish::Time(shared.clock.now_ns()) } else { Wish::Writable })
    }

    fn wind_down(&mut self) -> Wish {
        if self.in_flight.is_empty() {
            self.is_done = true;
            return Wish::Nothing;
        }
        Wish::Answer
    }

    /// Writes what is left of the request. False if the socket takes no more for now.
    fn flush(&mut self, options: &ProducerOptions, shared: &Shared, recorder: &mut Recorder) -> io::Result<bool> {
        let Some(mut taken_bytes) = self.taken_bytes else { return Ok(true) };
        let bytes = self.outbound.bytes();
        while let Some(rest) = bytes.get(taken_bytes..).filter(|rest| !rest.is_empty()) {
            match (&*self.stream).write(rest) {
                Ok(written) => taken_bytes += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.taken_bytes = Some(taken_bytes);
                    return Ok(false);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.taken_bytes = None;
        self.free_since_ns = shared.clock.now_ns();
        if options.acks == Acks::None
            && let Some(request) = self.in_flight.pop_back()
        {
            recorder.current.produced.requests += 1;
            for part in &request.parts {
                acknowledge(part, self.free_since_ns, shared, recorder);
            }
            self.recycle(request.parts);
        }
        Ok(true)
    }

    /// Fills `parts` with what is to be sent now, or says when there will be something.
    fn gather(
        &mut self,
        options: &ProducerOptions,
        now_ns: u64,
        recorder: &mut Recorder,
        parts: &mut Vec<Part>,
    ) -> Option<u64> {
        let batches_max = options.batches_max.min(self.lanes.len());
        let Some(schedule) = self.schedule else {
            if self.keys.is_some() {
                let count = options.batches.count(self.drawn, usize::MAX);
                self.deal_keyed(options, count, (now_ns, 0.0), parts);
            } else {
                self.deal_sticky(options, usize::MAX, batches_max, |_| (now_ns, 0.0), parts);
            }
            return None;
        };
        let due = usize::try_from(schedule.due(now_ns)).unwrap_or(usize::MAX).min(DUE_MAX);
        if due == 0 {
            return Some(schedule.next_ns());
        }
        let should_ns = schedule.next_ns() + options.linger_ns;
        if should_ns > now_ns && options.batches.count(self.drawn, due + 1) > due {
            return Some(should_ns);
        }
        recorder.current.lateness.saturating_record(now_ns.saturating_sub(should_ns.max(self.free_since_ns)));
        let time_of = |index: usize| (schedule.time_of(schedule.next() + index as u64), schedule.step_ns());
        let count = match options.spread {
            _ if self.keys.is_some() => {
                let count = options.batches.count(self.drawn, due);
                self.deal_keyed(options, count, time_of(0), parts);
                count
            }
            Spread::Sticky => self.deal_sticky(options, due, batches_max, time_of, parts),
            Spread::Even => {
                let count = options.batches.count_dealt(self.drawn, due, batches_max);
                self.deal_even(options, count, count.min(batches_max), time_of, parts);
                count
            }
        };
        if let Some(schedule) = &mut self.schedule {
            schedule.take(count as u64);
        }
        None
    }

    /// Whole batches of up to `left` records, for one lane after the other. Says how many records they have.
    fn deal_sticky(
        &mut self,
        options: &ProducerOptions,
        left: usize,
        batches_max: usize,
        time_of: impl Fn(usize) -> (u64, f64),
        parts: &mut Vec<Part>,
    ) -> usize {
        let mut dealt = 0;
        while dealt < left && parts.len() < batches_max {
            let count = options.batches.count(self.drawn, left - dealt);
            let part = self.take(options, count, time_of(dealt));
            parts.push(part);
            dealt += count;
        }
        dealt
    }

    /// `count` records, one for each of `width` lanes in turn.
    fn deal_even(
        &mut self,
        options: &ProducerOptions,
        count: usize,
        width: usize,
        time_of: impl Fn(usize) -> (u64, f64),
        parts: &mut Vec<Part>,
    ) {
        for at in 0..width {
            let (time_ns, step_ns) = time_of(at);
            let part = self.take(options, (count - at).div_ceil(width), (time_ns, step_ns * width as f64));
            parts.push(part);
        }
    }

    /// `count` records, each for the lane that its key chooses.
    fn deal_keyed(
        &mut self,
        options: &ProducerOptions,
        count: usize,
        (time_ns, step_ns): (u64, f64),
        parts: &mut Vec<Part>,
    ) {
        let keys = Arc::clone(self.keys.as_ref().expect("only producers with keys deal by them"));
        for place in 0..count {
            let (key, at) = keys.draw(&mut self.random, self.drawn + place as u64);
            let lane = self.lanes.get_mut(at as usize).expect("keys are of the lanes");
            let number = self.dealt.get_mut(at as usize).expect("there is a number for every lane");
            if *number == 0 {
                let (partition, sequence, drawn) = (lane.partition, lane.sequence, self.drawn);
                parts.push(Part { partition, sequence, time_ns, step_ns, drawn, ..Part::default() });
                *number = parts.len();
            }
            let part = parts.get_mut(*number - 1).expect("numbers are those of parts");
            part.keyed.push(Keyed { key, place: place as u32 });
            part.count += 1;
            lane.sequence += 1;
        }
        self.dealt.fill(0);
        self.drawn = options.batches.advance(self.drawn, count);
    }

    /// The next batch of the next lane.
    fn take(&mut self, options: &ProducerOptions, count: usize, (time_ns, step_ns): (u64, f64)) -> Part {
        let lane = self.lanes.get_mut(self.lane_next).expect("the next lane is one of the lanes");
        let (partition, sequence, drawn) = (lane.partition, lane.sequence, self.drawn);
        lane.sequence += count as u64;
        self.lane_next = if self.lane_next + 1 == self.lanes.len() { 0 } else { self.lane_next + 1 };
        self.drawn = options.batches.advance(drawn, count);
        Part { partition, count, sequence, time_ns, step_ns, drawn, ..Part::default() }
    }

    fn leave_unconfirmed(&mut self, part: &Part) {
        let lane = self.lanes.iter_mut().find(|lane| lane.partition == part.partition);
        if let Some(lane) = lane {
            lane.unconfirmed.push((part.sequence, part.sequence + part.count as u64));
        }
    }

    fn recycle(&mut self, mut parts: Vec<Part>) {
        parts.clear();
        self.spare.push(parts);
    }

    /// Gives the connection up: what has no answer may or may not have reached the broker.
    pub fn give_up(&mut self) {
        self.is_done = true;
        for request in std::mem::take(&mut self.in_flight) {
            request.parts.iter().for_each(|part| self.leave_unconfirmed(part));
        }
    }

    /// What was sent, partition by partition.
    pub fn sent(self) -> impl Iterator<Item = Sent> {
        let producer = self.author.stamp;
        self.lanes.into_iter().map(move |mut lane| {
            lane.unconfirmed.sort_unstable();
            Sent { producer, partition: lane.partition, sequence: lane.sequence, unconfirmed: lane.unconfirmed }
        })
    }
}

fn acknowledge(part: &Part, now_ns: u64, shared: &Shared, recorder: &mut Recorder) {
    let records = part.count as u64;
    let current = &mut recorder.current;
    current.produced.add(Flow {
        records,
        bytes: part.payload_bytes,
        batch_bytes: part.batch_bytes,
        requests: 0,
        batches: 1,
    });
    if part.step_ns == 0.0 {
        current.acknowledgement.saturating_record_n(now_ns.saturating_sub(part.time_ns), records);
    } else {
        for index in 0..part.count {
            current.acknowledgement.saturating_record(now_ns.saturating_sub(part.time_of(index)));
        }
    }
    shared.acknowledge(records);
}
