//! Connections that say hello and then nothing: what a broker with many quiet clients carries around.
//!
//! Opened and looked at by the thread that steers, before and after the load.

use std::io::ErrorKind;
use std::net::TcpStream;

use anyhow::{Context, Result};

use crate::cluster::control::Control;
use crate::cluster::topology::Topology;

/// Connections that are opened at the same time.
const OPENERS: usize = 64;

/// Open connections.
pub struct Idle {
    streams: Vec<TcpStream>,
}

impl Idle {
    /// Opens `count` connections to the brokers in turn; each asks for the broker's versions, as clients do.
    ///
    /// # Errors
    /// A connection that does not come about.
    pub fn open(topology: &Topology, count: usize) -> Result<Idle> {
        let addresses: Vec<&str> = topology.addresses.values().map(String::as_str).collect();
        let opened = std::thread::scope(|scope| {
            let openers: Vec<_> = (0..OPENERS.min(count))
                .map(|opener| {
                    let addresses = addresses.iter().cycle().take(count).skip(opener).step_by(OPENERS);
                    scope.spawn(move || addresses.map(|address| open(address)).collect::<Result<Vec<_>>>())
                })
                .collect();
            openers.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Vec<_>>()
        });
        let mut streams = Vec::with_capacity(count);
        for part in opened {
            match part {
                Ok(part) => streams.extend(part?),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(Idle { streams })
    }

    /// How many the broker has closed.
    pub fn closed(&self) -> u64 {
        let is_open =
            |stream: &TcpStream| matches!(stream.peek(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock);
        self.streams.iter().filter(|stream| !is_open(stream)).count() as u64
    }
}

fn open(address: &str) -> Result<TcpStream> {
    let stream = Control::connect(address).map(Control::into_stream).context("an idle connection")?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn closed_connections_are_counted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let connect = || {
            let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            stream.set_nonblocking(true).unwrap();
            stream
        };
        let idle = Idle { streams: vec![connect(), connect(), connect()] };
        let mut accepted: Vec<_> = (0..3).map(|_| listener.accept().unwrap().0).collect();
        assert_eq!(idle.closed(), 0);
        accepted.pop();
        while idle.closed() == 0 {
            std::thread::yield_now();
        }
        assert_eq!(idle.closed(), 1);
    }
}
