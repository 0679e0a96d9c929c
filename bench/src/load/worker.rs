//! One thread of the generator: waits on its sockets and its schedules, and lets each connection do what it can.
//!
//! Shares nothing with other workers but the counters of `shared`. It sleeps in `epoll` until a socket is ready or a record is due, to
//! the microsecond; it never spins.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::net::TcpStream;
use std::num::NonZeroU64;
use std::os::fd::OwnedFd;

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};

use super::consumer::Consumer;
use super::faults::Faults;
use super::producer::{Producer, ProducerOptions, Wish};
use super::recorder::Recorder;
use super::shared::Shared;
use crate::clock::SECOND_NS;

/// Events taken at once.
const EVENTS_MAX: usize = 256;
/// The longest sleep: after it, the end of the run is looked for.
const SLEEP_NS_MAX: u64 = 50_000_000;
/// How long answers, and records on their way to consumers, are waited for after the last request.
const DRAIN_NS_MAX: u64 = 30 * SECOND_NS;

/// A connection of either kind, with the topic that it belongs to.
pub enum Member {
    /// Sends.
    Producer(Box<Producer>),
    /// Fetches.
    Consumer(Box<Consumer>),
}

impl Member {
    fn stream(&self) -> &TcpStream {
        match self {
            Member::Producer(producer) => producer.stream(),
            Member::Consumer(consumer) => consumer.stream(),
        }
    }

    fn is_done(&self) -> bool {
        match self {
            Member::Producer(producer) => producer.is_done(),
            Member::Consumer(consumer) => consumer.is_done(),
        }
    }
}

struct Seat {
    topic: usize,
    member: Member,
    /// The socket is watched for room to write.
    wants_room: bool,
    /// There is an entry for it among the timers.
    has_timer: bool,
    is_counted_out: bool,
}

/// What a thread leaves behind.
pub struct Outcome {
    /// Its connections with their topics.
    pub members: Vec<(usize, Member)>,
    /// What went wrong.
    pub faults: Faults,
}

/// One thread's connections.
pub struct Worker<'a> {
    shared: &'a Shared,
    options: &'a ProducerOptions,
    recorder: Recorder,
    faults: Faults,
    epoll: OwnedFd,
    seats: Vec<Seat>,
    timers: BinaryHeap<Reverse<(u64, usize)>>,
}

impl<'a> Worker<'a> {
    /// A worker of connections that are open and do not block.
    pub fn new(
        shared: &'a Shared,
        options: &'a ProducerOptions,
        recorder: Recorder,
        members: Vec<(usize, Member)>,
    ) -> io::Result<Worker<'a>> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut seats = Vec::with_capacity(members.len());
        for (index, (topic, member)) in members.into_iter().enumerate() {
            epoll::add(&epoll, member.stream(), epoll::EventData::new_u64(index as u64), epoll::EventFlags::IN)?;
            seats.push(Seat { topic, member, wants_room: false, has_timer: false, is_counted_out: false });
        }
        Ok(Worker { shared, options, recorder, faults: Faults::default(), epoll, seats, timers: BinaryHeap::new() })
    }

    /// Runs until all connections are done.
    pub fn run(mut self) -> io::Result<Outcome> {
        // Timers fire when they are due, not up to 50 us later.
        rustix::thread::set_current_timer_slack(NonZeroU64::new(1))?;
        self.shared.clock.sleep_until(self.shared.start_ns);
        for index in 0..self.seats.len() {
            self.attend(index, false);
        }
        let mut events = Vec::with_capacity(EVENTS_MAX);
        while self.seats.iter().any(|seat| !seat.member.is_done()) {
            let timeout = self.sleep_time();
            match epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&timeout)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            for event in events.drain(..) {
                let flags = event.flags;
                let readable = flags.intersects(
                    epoll::EventFlags::IN | epoll::EventFlags::HUP | epoll::EventFlags::ERR | epoll::EventFlags::RDHUP,
                );
                self.attend(event.data.u64() as usize, readable);
            }
            self.run_timers();
            self.end_in_time();
        }
        self.recorder.finish();
        let members = self.seats.into_iter().map(|seat| (seat.topic, seat.member)).collect();
        Ok(Outcome { members, faults: self.faults })
    }

    fn sleep_time(&self) -> Timespec {
        let now_ns = self.shared.clock.now_ns();
        let next_ns = self.timers.peek().map_or(u64::MAX, |Reverse((time_ns, _))| *time_ns);
        let until_ns = next_ns.min(self.recorder.ends_ns()).min(now_ns + SLEEP_NS_MAX);
        let sleep_ns = until_ns.saturating_sub(now_ns);
        Timespec { tv_sec: (sleep_ns / SECOND_NS) as i64, tv_nsec: (sleep_ns % SECOND_NS) as i64 }
    }

    fn run_timers(&mut self) {
        let now_ns = self.shared.clock.now_ns();
        self.recorder.turn(now_ns);
        while let Some(Reverse((time_ns, index))) = self.timers.peek().copied() {
            if time_ns > now_ns {
                break;
            }
            self.timers.pop();
            if let Some(seat) = self.seats.get_mut(index) {
                seat.has_timer = false;
            }
            self.attend(index, false);
        }
    }

    /// Lets a connection read if there is something, and send if it may.
    fn attend(&mut self, index: usize, readable: bool) {
        let Some(seat) = self.seats.get_mut(index) else { return };
        if seat.member.is_done() {
            return;
        }
        let wish = match &mut seat.member {
            Member::Producer(producer) => {
                let received = if readable {
                    producer.receive(self.options, self.shared, &mut self.recorder, &mut self.faults)
                } else {
                    Ok(())
                };
                received.and_then(|()| producer.pump(self.options, self.shared, &mut self.recorder))
            }
            Member::Consumer(consumer) => {
                let received =
                    if readable { consumer.receive(self.shared, &mut self.recorder, &mut self.faults) } else { Ok(()) };
                received
                    .and_then(|()| consumer.pump())
                    .map(|blocked| if blocked { Wish::Writable } else { Wish::Answer })
            }
        };
        match wish {
            Ok(wish) => self.grant(index, wish),
            Err(error) => {
                self.faults.note(format!("connection: {error}"));
                self.give_up(index);
            }
        }
        self.count_out(index);
    }

    fn grant(&mut self, index: usize, wish: Wish) {
        let Some(seat) = self.seats.get_mut(index) else { return };
        let wants_room = wish == Wish::Writable;
        if wants_room != seat.wants_room {
            seat.wants_room = wants_room;
            let out = if wants_room { epoll::EventFlags::OUT } else { epoll::EventFlags::empty() };
            let data = epoll::EventData::new_u64(index as u64);
            if let Err(error) = epoll::modify(&self.epoll, seat.member.stream(), data, epoll::EventFlags::IN | out) {
                self.faults.note(format!("epoll: {error}"));
                self.give_up(index);
                return;
            }
        }
        if let Wish::Time(time_ns) = wish
            && !seat.has_timer
        {
            seat.has_timer = true;
            self.timers.push(Reverse((time_ns, index)));
        }
    }

    fn give_up(&mut self, index: usize) {
        let Some(seat) = self.seats.get_mut(index) else { return };
        // A socket that was closed stays readable for ever: it is not watched any more.
        if epoll::delete(&self.epoll, seat.member.stream()).is_err() {
            self.faults.note("epoll: a socket cannot be left");
        }
        match &mut seat.member {
            Member::Producer(producer) => producer.give_up(),
            Member::Consumer(consumer) => consumer.give_up(),
        }
    }

    /// Tells the others when a producer is done, once.
    fn count_out(&mut self, index: usize) {
        let Some(seat) = self.seats.get_mut(index) else { return };
        if matches!(seat.member, Member::Producer(_)) && seat.member.is_done() && !seat.is_counted_out {
            seat.is_counted_out = true;
            self.shared.finish_producer();
        }
    }

    /// Ends producers whose answers do not come, and consumers that have everything or wait in vain.
    fn end_in_time(&mut self) {
        let now_ns = self.shared.clock.now_ns();
        let produced_ns = self.shared.produced_ns();
        if now_ns < self.shared.stop_ns && produced_ns.is_none() && !self.shared.is_aborted() {
            return;
        }
        let consumers_end = match produced_ns {
            Some(produced_ns) => self.shared.all_arrived() || now_ns > produced_ns + DRAIN_NS_MAX,
            None => self.shared.has_no_producers(),
        };
        let producers_end = now_ns > self.shared.stop_ns + DRAIN_NS_MAX;
        for index in 0..self.seats.len() {
            let Some(seat) = self.seats.get_mut(index).filter(|seat| !seat.member.is_done()) else { continue };
            match &mut seat.member {
                Member::Consumer(consumer) if consumers_end => consumer.give_up(),
                Member::Producer(producer) if producers_end => {
                    self.faults.note("produce: no answer in 30 s");
                    producer.give_up();
                }
                _ => continue,
            }
            self.count_out(index);
        }
    }
}
