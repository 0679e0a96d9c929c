//! Receives, and does with what came as much as the step says. Only its own thread's CPU counts.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::time::{ClockId, clock_gettime};

use super::sender;
use super::target::{BLOCK_BYTES, Block, Target};

/// What runs before the clock starts.
const WARM_UP: Duration = Duration::from_millis(500);

/// How much of the work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Receive, into the same memory again and again.
    Receive,
    /// And copy once.
    Copy,
    /// And write and sync each MiB.
    Write,
    /// The same without the copy: receive into the memory that is written.
    Land,
}

impl Step {
    /// Its name in the table.
    pub fn words(self) -> &'static str {
        match self {
            Step::Receive => "receive",
            Step::Copy => "receive, copy",
            Step::Write => "receive, copy, write and sync each MiB",
            Step::Land => "receive into place, write and sync each MiB",
        }
    }
}

/// What a step found.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    bytes: u64,
    seconds: f64,
    cpu_seconds: f64,
}

impl Measured {
    /// Millions of bytes a second.
    pub fn megabytes_per_second(&self) -> f64 {
        self.bytes as f64 / 1e6 / self.seconds
    }

    /// CPU seconds of the receiving thread for 10^9 bytes.
    pub fn cpu_seconds_per_gigabyte(&self) -> f64 {
        self.cpu_seconds / (self.bytes as f64 / 1e9)
    }
}

/// How it is measured.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'a> {
    /// Where the file lies.
    pub directory: &'a Path,
    /// How long, after the warm-up.
    pub duration: Duration,
    /// Bytes received at once at most.
    pub receive_bytes: usize,
    /// Bytes of the file.
    pub file_bytes: u64,
    /// Cores of receiver and sender.
    pub cores: Option<(usize, usize)>,
}

/// Measures one step.
///
/// # Errors
/// Of sockets, files and cores.
pub fn measure(step: Step, setup: &Setup<'_>) -> Result<Measured> {
    if let Some((core, _)) = setup.cores {
        sender::pin(core).with_context(|| format!("cannot run on core {core}"))?;
    }
    let writes = matches!(step, Step::Write | Step::Land);
    let target = if writes { Some(Target::new(setup.directory, setup.file_bytes)?) } else { None };
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let other_end = TcpStream::connect(listener.local_addr()?)?;
    let (stream, _) = listener.accept()?;
    let sender = sender::start(other_end, setup.cores.map(|(_, core)| core));
    let mut pipe =
        Pipe { stream, received: vec![0; setup.receive_bytes.max(1)], block: Block::new(), filled: 0, target, step };
    let measured = pipe.measure(setup.duration);
    drop(pipe);
    match sender.join() {
        Ok(sent) => sent.context("the sender")?,
        Err(_) => bail!("the sender panicked"),
    }
    measured
}

/// CPU seconds of the calling thread.
fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

struct Pipe {
    stream: TcpStream,
    received: Vec<u8>,
    block: Block,
    filled: usize,
    target: Option<Target>,
    step: Step,
}

impl Pipe {
    fn measure(&mut self, duration: Duration) -> Result<Measured> {
        self.run(WARM_UP)?;
        let (began, cpu_before) = (Instant::now(), cpu_seconds());
        let bytes = self.run(duration)?;
        Ok(Measured { bytes, seconds: began.elapsed().as_secs_f64(), cpu_seconds: cpu_seconds() - cpu_before })
    }

    /// Runs for `duration`. Gives the bytes that came.
    fn run(&mut self, duration: Duration) -> Result<u64> {
        let began = Instant::now();
        let mut bytes = 0;
        while began.elapsed() < duration {
            let count = if self.step == Step::Land {
                let bytes_max = self.received.len();
                let room = self.block.bytes_mut().get_mut(self.filled..).expect("a full block was written");
                let end = room.len().min(bytes_max);
                self.stream.read(room.get_mut(..end).expect("it was cut to the room"))?
            } else {
                self.stream.read(&mut self.received)?
            };
            if count == 0 {
                bail!("the sender hung up");
            }
            bytes += count as u64;
            match self.step {
                Step::Receive => {}
                Step::Copy | Step::Write => self.copy(count)?,
                Step::Land => self.filled_by(count)?,
            }
        }
        Ok(bytes)
    }

    /// So much more of the block is filled: when it is full, it is written.
    fn filled_by(&mut self, count: usize) -> Result<()> {
        self.filled += count;
        if self.filled == BLOCK_BYTES {
            if let Some(target) = &mut self.target {
                target.write(&self.block)?;
            }
            self.filled = 0;
        }
        Ok(())
    }

    fn copy(&mut self, count: usize) -> Result<()> {
        let mut copied = 0;
        while copied < count {
            let rest = self.received.get(copied..count).expect("no more comes than there is room for");
            let room = self.block.bytes_mut().get_mut(self.filled..).expect("a full block was written");
            let now = rest.len().min(room.len());
            let (to, from) = room.get_mut(..now).zip(rest.get(..now)).expect("it was cut to both");
            to.copy_from_slice(from);
            copied += now;
            self.filled_by(now)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_moves_bytes_and_costs_something() {
        let directory = std::env::temp_dir();
        let setup = Setup {
            directory: &directory,
            duration: Duration::from_millis(50),
            receive_bytes: 64 << 10,
            file_bytes: 2 << 20,
            cores: None,
        };
        for step in [Step::Receive, Step::Copy, Step::Write, Step::Land] {
            let measured = measure(step, &setup).unwrap();
            assert!(measured.megabytes_per_second() > 0.0, "{step:?}");
            assert!(measured.cpu_seconds_per_gigabyte() > 0.0, "{step:?}");
        }
    }
}
