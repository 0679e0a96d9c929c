//! Sockets.
//!
//! Owns listeners and byte streams. Each shard has its own listener on the shared port; an accepted connection may be
//! handed to another shard before it is bound to one. A stream is split between one reading and one writing task; it
//! is ended by [`Shutdown::shutdown`], which wakes both. A read may be dropped and begun again; an accept may not.

use crate::backend;
use bytes::{Bytes, BytesMut};
use std::io;
use std::net::SocketAddr;

/// Accepts connections on a port that the listeners of all shards share.
#[derive(Debug)]
pub struct Listener {
    listener: backend::net::Listener,
}

/// A connection that belongs to no shard yet.
#[derive(Debug)]
pub struct Accepted {
    accepted: backend::net::Accepted,
}

/// A connection of this shard.
#[derive(Debug)]
pub struct Stream {
    stream: backend::net::Stream,
}

/// What one task reads from.
#[derive(Debug)]
pub struct ReadHalf {
    stream: backend::net::Stream,
}

/// What one task writes to.
#[derive(Debug)]
pub struct WriteHalf {
    stream: backend::net::Stream,
}

/// Ends a connection from outside its two tasks. Holding it keeps the socket open.
#[derive(Clone, Debug)]
pub struct Shutdown {
    stream: backend::net::Stream,
}

impl Listener {
    /// Listens on `address`; port 0 lets the system choose. Several listeners of this process may share an address;
    /// fails with `AddrInUse` if another process listens there.
    pub fn bind(address: SocketAddr) -> io::Result<Listener> {
        backend::net::Listener::bind(address).map(|listener| Listener { listener })
    }

    /// The address it listens on.
    pub fn local_addr(&self) -> SocketAddr {
        self.listener.local_addr()
    }

    /// Waits for a connection; one task at a time, which never drops the future. After [`Listener::stop`] it fails
    /// with `NotConnected`. Other errors (no file descriptors left, say) concern one connection: wait, then go on.
    pub async fn accept(&self) -> io::Result<Accepted> {
        self.listener.accept().await.map(|accepted| Accepted { accepted })
    }

    /// Refuses further connections and ends the waiting `accept`.
    pub fn stop(&self) {
        self.listener.stop();
    }
}

impl Accepted {
    /// The other end.
    pub fn peer(&self) -> SocketAddr {
        self.accepted.peer()
    }

    /// Makes this shard the owner.
    pub fn bind(self) -> io::Result<Stream> {
        self.accepted.bind().map(|stream| Stream { stream })
    }
}

impl Stream {
    /// Connects to `address`.
    pub async fn connect(address: SocketAddr) -> io::Result<Stream> {
        backend::net::Stream::connect(address).await.map(|stream| Stream { stream })
    }

    /// The other end.
    pub fn peer(&self) -> SocketAddr {
        self.stream.peer()
    }

    /// The address of this end.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.stream.local_addr()
    }

    /// Divides it between a reading and a writing task. The socket closes when both halves and every [`Shutdown`]
    /// are gone.
    pub fn split(self) -> (ReadHalf, WriteHalf) {
        (ReadHalf { stream: self.stream.clone() }, WriteHalf { stream: self.stream })
    }

    /// A handle that ends the connection.
    pub fn shutdown_handle(&self) -> Shutdown {
        Shutdown { stream: self.stream.clone() }
    }
}

impl ReadHalf {
    /// Appends what has arrived, waiting for at least one byte, to the spare capacity of `buffer`, which is never
    /// grown and must not be full. Returns how many bytes; zero at the end of the stream or after a shutdown.
    pub async fn read(&mut self, buffer: &mut BytesMut) -> io::Result<usize> {
        assert!(buffer.capacity() > buffer.len(), "reading needs room to read into");
        self.stream.read(buffer).await
    }

    /// A handle that ends the connection.
    pub fn shutdown_handle(&self) -> Shutdown {
        Shutdown { stream: self.stream.clone() }
    }
}

impl WriteHalf {
    /// Sends all of `slices` in order, without copying them, and empties the list. Waits while the other end does not
    /// read. After an error an unknown part has been sent.
    pub async fn write_all(&mut self, slices: &mut Vec<Bytes>) -> io::Result<()> {
        let result = self.stream.write_all(slices).await;
        slices.clear();
        result
    }

    /// Tells the other end that nothing more comes; reading goes on.
    pub fn finish(&mut self) -> io::Result<()> {
        self.stream.finish()
    }

    /// Ends both directions: our reader sees the end of the stream, and so does the other side.
    pub fn shutdown(&self) {
        self.stream.shutdown();
    }

    /// A handle that ends the connection.
    pub fn shutdown_handle(&self) -> Shutdown {
        Shutdown { stream: self.stream.clone() }
    }
}

impl Shutdown {
    /// Ends both directions: the reader sees the end of the stream, the writer an error.
    pub fn shutdown(&self) {
        self.stream.shutdown();
    }
}
