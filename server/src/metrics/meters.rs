//! Owns what the connections and handlers of one shard count.
//!
//! One value per shard, made with the broker, touched by that shard alone: to count is to add to a cell. What the engine counts is in its
//! own logs and partitions. Nothing here is ever read by a handler.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use corelog_engine::measure::{Counter, Histogram, HistogramSample, Scale};
use corelog_protocol::ApiKey;
use corelog_rt::time::Instant;

use crate::net::answers::Outcome;
use crate::net::close::CloseReason;

/// What is remembered of a request until it is answered.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    /// Its API; none where no request could be read.
    pub key: Option<ApiKey>,
    /// When it was whole.
    pub received: Instant,
    /// What it took on the wire.
    pub bytes: usize,
}

/// What one shard counts.
#[derive(Debug)]
pub struct Meters {
    apis: Vec<ApiMeter>,
    connections_opened: Counter,
    connections_closed: [Counter; CloseReason::LABELS.len()],
    produced_records: Counter,
    produced_bytes: Counter,
    fetched_records: Counter,
    fetched_bytes: Counter,
    append_ns: Histogram,
    admission_ns: Histogram,
    reply_ns: Histogram,
}

#[derive(Debug)]
struct ApiMeter {
    key: ApiKey,
    requests: Counter,
    request_bytes: Counter,
    answer_bytes: Counter,
    /// By code; as many as there are codes, at most.
    errors: RefCell<BTreeMap<i16, u64>>,
    duration_ns: Histogram,
}

/// What one API has come to.
#[derive(Clone, Debug)]
pub struct ApiSample {
    /// Which.
    pub key: ApiKey,
    /// Requests that were handled.
    pub requests: u64,
    /// Bytes of them.
    pub request_bytes: u64,
    /// Bytes of their answers.
    pub answer_bytes: u64,
    /// Error codes in their answers, by code.
    pub errors: Vec<(i16, u64)>,
    /// From the whole request to the answer's way into the socket, in ns.
    pub duration_ns: HistogramSample,
}

/// What the connections and handlers of a shard have come to. May go to another shard.
#[derive(Clone, Debug)]
pub struct MetersSample {
    /// The APIs that were asked for.
    pub apis: Vec<ApiSample>,
    /// Connections that were accepted.
    pub connections_opened: u64,
    /// Connections that ended, in the order of [`CloseReason::LABELS`].
    pub connections_closed: Vec<u64>,
    /// Records that clients produced.
    pub produced_records: u64,
    /// Bytes of their batches.
    pub produced_bytes: u64,
    /// Offsets that fetches went forward by.
    pub fetched_records: u64,
    /// Bytes of batches in their answers.
    pub fetched_bytes: u64,
    /// From a whole Produce request until its batches lie checked in open commits, waiting aside, in ns.
    pub append_ns: HistogramSample,
    /// How long such requests waited for a log that was too busy, in ns.
    pub admission_ns: HistogramSample,
    /// From an answer's way into the socket until it is there, in ns.
    pub reply_ns: HistogramSample,
}

impl Mark {
    /// The mark of what ends a connection without being a request.
    pub fn of_no_request() -> Mark {
        Mark { key: None, received: corelog_rt::time::now(), bytes: 0 }
    }
}

impl Default for Meters {
    fn default() -> Meters {
        let duration = || Histogram::new(Scale::DURATION_NS);
        let last = ApiKey::ALL.iter().map(|key| key.code()).max().unwrap_or(0);
        let meter = |key: ApiKey| ApiMeter {
            key,
            requests: Counter::default(),
            request_bytes: Counter::default(),
            answer_bytes: Counter::default(),
            errors: RefCell::default(),
            duration_ns: duration(),
        };
        // By number, so that counting needs no search; a number that names no API stands for the first one and is never looked up.
        let key = |code| ApiKey::from_code(code).unwrap_or(ApiKey::Produce);
        Meters {
            apis: (0..=last).map(|code| meter(key(code))).collect(),
            connections_opened: Counter::default(),
            connections_closed: std::array::from_fn(|_| Counter::default()),
            produced_records: Counter::default(),
            produced_bytes: Counter::default(),
            fetched_records: Counter::default(),
            fetched_bytes: Counter::default(),
            append_ns: duration(),
            admission_ns: duration(),
            reply_ns: duration(),
        }
    }
}

impl Meters {
    fn api(&self, key: ApiKey) -> Option<&ApiMeter> {
        usize::try_from(key.code()).ok().and_then(|index| self.apis.get(index))
    }

    /// A request was handled, with this outcome.
    pub fn handled(&self, mark: &Mark, outcome: &Outcome) {
        let Some(api) = mark.key.and_then(|key| self.api(key)) else { return };
        api.requests.add(1);
        api.request_bytes.add(mark.bytes as u64);
        if let Outcome::Answer(answer) = outcome {
            api.answer_bytes.add(answer.bytes as u64);
            for (code, count) in &answer.errors {
                *api.errors.borrow_mut().entry(*code).or_default() += u64::from(*count);
            }
        }
    }

    /// The answers of these requests go into the socket `now`.
    pub fn answered(&self, marks: &[Mark], now: Instant) {
        for mark in marks {
            if let Some(api) = mark.key.and_then(|key| self.api(key)) {
                api.duration_ns.record(now.as_nanoseconds().saturating_sub(mark.received.as_nanoseconds()));
            }
        }
    }

    /// Answers are in the socket, after so long.
    pub fn sent(&self, duration: Duration) {
        self.reply_ns.record_duration(duration);
    }

    /// A connection was accepted.
    pub fn connection_opened(&self) {
        self.connections_opened.add(1);
    }

    /// A connection ended.
    pub fn connection_closed(&self, reason: &CloseReason) {
        if let Some(counter) = self.connections_closed.get(reason.index()) {
            counter.add(1);
        }
    }

    /// A client's batch was appended.
    pub fn produced(&self, records: u64, bytes: u64) {
        self.produced_records.add(records);
        self.produced_bytes.add(bytes);
    }

    /// The batches of a Produce request were appended in `took`, and `waited` for room beside.
    pub fn appended(&self, took: Duration, waited: Duration) {
        self.append_ns.record_duration(took);
        if !waited.is_zero() {
            self.admission_ns.record_duration(waited);
        }
    }

    /// A fetch was answered.
    pub fn fetched(&self, records: u64, bytes: u64) {
        self.fetched_records.add(records);
        self.fetched_bytes.add(bytes);
    }

    /// As they are now.
    pub fn sample(&self) -> MetersSample {
        let asked = self.apis.iter().filter(|api| api.requests.get() > 0);
        MetersSample {
            apis: asked.map(ApiMeter::sample).collect(),
            connections_opened: self.connections_opened.get(),
            connections_closed: self.connections_closed.iter().map(Counter::get).collect(),
            produced_records: self.produced_records.get(),
            produced_bytes: self.produced_bytes.get(),
            fetched_records: self.fetched_records.get(),
            fetched_bytes: self.fetched_bytes.get(),
            append_ns: self.append_ns.sample(),
            admission_ns: self.admission_ns.sample(),
            reply_ns: self.reply_ns.sample(),
        }
    }
}

impl ApiMeter {
    fn sample(&self) -> ApiSample {
        ApiSample {
            key: self.key,
            requests: self.requests.get(),
            request_bytes: self.request_bytes.get(),
            answer_bytes: self.answer_bytes.get(),
            errors: self.errors.borrow().iter().map(|(code, count)| (*code, *count)).collect(),
            duration_ns: self.duration_ns.sample(),
        }
    }
}

impl MetersSample {
    /// Adds what another shard counted.
    pub fn add(&mut self, other: MetersSample) {
        for api in other.apis {
            match self.apis.iter_mut().find(|own| own.key == api.key) {
                Some(own) => own.add(api),
                None => self.apis.push(api),
            }
        }
        self.connections_opened += other.connections_opened;
        for (own, more) in self.connections_closed.iter_mut().zip(other.connections_closed) {
            *own += more;
        }
        self.produced_records += other.produced_records;
        self.produced_bytes += other.produced_bytes;
        self.fetched_records += other.fetched_records;
        self.fetched_bytes += other.fetched_bytes;
        self.append_ns.add(&other.append_ns);
        self.admission_ns.add(&other.admission_ns);
        self.reply_ns.add(&other.reply_ns);
    }
}

impl ApiSample {
    fn add(&mut self, other: ApiSample) {
        self.requests += other.requests;
        self.request_bytes += other.request_bytes;
        self.answer_bytes += other.answer_bytes;
        for (code, count) in other.errors {
            match self.errors.iter_mut().find(|(own, _)| *own == code) {
                Some((_, own)) => *own += count,
                None => self.errors.push((code, count)),
            }
        }
        self.duration_ns.add(&other.duration_ns);
    }
}
