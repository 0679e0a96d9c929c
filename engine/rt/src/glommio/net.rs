//! Sockets over glommio.
//!
//! Owns the descriptors. The reading and the writing task of a connection share one glommio stream, which keeps a
//! separate wait for each direction and is borrowed only while it is polled. What is sent goes from the caller's slices
//! straight to the kernel.
#![expect(unsafe_code, reason = "reads into memory not yet initialised, gives descriptors to glommio")]

use super::{file, shard, socket};
use bytes::buf::BufMut;
use bytes::{Buf, Bytes, BytesMut};
use futures_io::{AsyncRead, AsyncWrite};
use glommio::net::{AcceptedTcpStream, TcpListener, TcpStream};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, RawFd};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::PoisonError;
use std::time::Duration;

/// How long a connect may take.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(30);

/// How many listeners of this process share each address. An address that is not in here must be free: the option to
/// share a port would let a second broker of the same user take half of the first one's connections.
#[expect(clippy::disallowed_types, reason = "the addresses belong to the process, not to a shard")]
static BOUND: std::sync::Mutex<BTreeMap<SocketAddr, usize>> = std::sync::Mutex::new(BTreeMap::new());

pub(crate) struct Listener {
    listener: TcpListener,
    descriptor: RawFd,
    address: SocketAddr,
    stopped: Cell<bool>,
}

impl Listener {
    pub(crate) fn bind(address: SocketAddr) -> io::Result<Listener> {
        let mut bound = BOUND.lock().unwrap_or_else(PoisonError::into_inner);
        if address.port() != 0 && !bound.contains_key(&address) {
            socket::check_free(address)?;
        }
        let socket = socket::listen(address)?;
        let descriptor = socket.as_raw_fd();
        let address = socket::local_address(descriptor)?;
        *bound.entry(address).or_default() += 1;
        // SAFETY: the descriptor is given up here, and glommio closes it.
        let listener = unsafe { TcpListener::from_raw_fd(socket.into_raw_fd()) };
        Ok(Listener { listener, descriptor, address, stopped: Cell::new(false) })
    }

    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.address
    }

    pub(crate) async fn accept(&self) -> io::Result<Accepted> {
        loop {
            if self.stopped.get() {
                return Err(io::ErrorKind::NotConnected.into());
            }
            match self.listener.shared_accept().await.map_err(file::io_error) {
                Ok(raw) => {
                    let accepted = Accepted { peer: raw.peer_addr().ok(), raw: Some(raw) };
                    // A connection that ended already has no peer, and nobody misses it.
                    if accepted.peer.is_some() {
                        return Ok(accepted);
                    }
                }
                Err(error) if is_passing(&error) => {}
                Err(_) if self.stopped.get() => {}
                Err(error) => return Err(error),
            }
        }
    }

    pub(crate) fn stop(&self) {
        if !self.stopped.replace(true) {
            // Shutting down what listens ends an accept in the kernel. It can only fail if it has ended already.
            let _ = socket::shutdown(self.descriptor, libc::SHUT_RDWR);
        }
    }
}

/// Errors that concern a connection which is gone already.
fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted | io::ErrorKind::WouldBlock)
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut bound = BOUND.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = bound.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                bound.remove(&self.address);
            }
        }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Listener").field("address", &self.address).finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub(crate) struct Accepted {
    /// Present until bound.
    raw: Option<AcceptedTcpStream>,
    peer: Option<SocketAddr>,
}

impl Accepted {
    pub(crate) fn peer(&self) -> SocketAddr {
        self.peer.expect("accept keeps only connections with a peer")
    }

    pub(crate) fn bind(mut self) -> io::Result<Stream> {
        let raw = self.raw.take().expect("bound once");
        Stream::new(raw.bind_to_executor(), self.peer())
    }
}

impl Drop for Accepted {
    fn drop(&mut self) {
        // Only an executor can close it. Elsewhere the process is about to end.
        if let Some(raw) = self.raw.take()
            && shard::current().is_some()
        {
            drop(raw.bind_to_executor());
        }
    }
}

#[derive(Clone)]
pub(crate) struct Stream {
    shared: Rc<SharedStream>,
}

struct SharedStream {
    stream: RefCell<TcpStream>,
    descriptor: RawFd,
    peer: SocketAddr,
}

impl Stream {
    fn new(stream: TcpStream, peer: SocketAddr) -> io::Result<Stream> {
        let descriptor = stream.as_raw_fd();
        socket::enable(descriptor, libc::IPPROTO_TCP, libc::TCP_NODELAY)?;
        Ok(Stream { shared: Rc::new(SharedStream { stream: RefCell::new(stream), descriptor, peer }) })
    }

    pub(crate) async fn connect(address: SocketAddr) -> io::Result<Stream> {
        let stream = TcpStream::connect_timeout(address, CONNECT_TIME_MAX).await.map_err(file::io_error)?;
        let peer = socket::peer_address(stream.as_raw_fd())?;
        Stream::new(stream, peer)
    }

    pub(crate) fn peer(&self) -> SocketAddr {
        self.shared.peer
    }

    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        socket::local_address(self.shared.descriptor)
    }

    pub(crate) async fn read(&self, buffer: &mut BytesMut) -> io::Result<usize> {
        loop {
            let result = std::future::poll_fn(|context| {
                let spare = buffer.spare_capacity_mut();
                let (pointer, bytes) = (spare.as_mut_ptr().cast::<u8>(), spare.len());
                // SAFETY: the memory is exclusively ours; glommio gives it to recv(2), which only writes to it.
                let spare = unsafe { std::slice::from_raw_parts_mut(pointer, bytes) };
                let mut stream = self.shared.stream.borrow_mut();
                Pin::new(&mut *stream).poll_read(context, spare)
            })
            .await;
            match result {
                Ok(count) => {
                    // SAFETY: the kernel wrote this many bytes to the start of the spare capacity.
                    unsafe { buffer.advance_mut(count) };
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    pub(crate) async fn write_all(&self, slices: &mut [Bytes]) -> io::Result<()> {
        let mut left = Some(slices);
        while let Some((first, rest)) = left.as_deref().and_then(<[Bytes]>::split_first) {
            let mut sent = if first.is_empty() { 0 } else { self.write_some(first, rest).await? };
            let mut done = 0;
            let slices = left.take().expect("it was split above");
            for slice in slices.iter_mut() {
                let count = sent.min(slice.len());
                slice.advance(count);
                sent -= count;
                if !slice.is_empty() {
                    break;
                }
                done += 1;
            }
            left = slices.get_mut(done..);
        }
        Ok(())
    }

    /// Sends at least one byte of `first`, and what else the socket takes of it and of `rest`.
    async fn write_some(&self, first: &[u8], rest: &[Bytes]) -> io::Result<usize> {
        let sent = match socket::send_gather(self.shared.descriptor, first, rest) {
            Some(result) => result?,
            None => self.write_when_ready(first).await?,
        };
        if sent == 0 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(sent) }
    }

    /// Waits until the socket takes something, and sends what it takes of `slice`.
    async fn write_when_ready(&self, slice: &[u8]) -> io::Result<usize> {
        loop {
            let result = std::future::poll_fn(|context| {
                let mut stream = self.shared.stream.borrow_mut();
                Pin::new(&mut *stream).poll_write(context, slice)
            })
            .await;
            match result {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    pub(crate) fn finish(&self) -> io::Result<()> {
        socket::shutdown(self.shared.descriptor, libc::SHUT_WR)
    }

    pub(crate) fn shutdown(&self) {
        // It fails only if the connection has ended already.
        let _ = socket::shutdown(self.shared.descriptor, libc::SHUT_RDWR);
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Stream").field("peer", &self.shared.peer).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::OwnedFd;

    #[test]
    fn port_that_another_process_shares_counts_as_in_use() {
        crate::testing::run(|| async {
            let stranger: OwnedFd = socket::listen("127.0.0.1:0".parse().unwrap()).unwrap();
            let address = socket::local_address(stranger.as_raw_fd()).unwrap();
            let error = Listener::bind(address).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
            assert_eq!(crate::fatal::Reason::of_start_error(&error), crate::fatal::Reason::PortInUse);
            drop(stranger);
            Listener::bind(address).unwrap();
        });
    }

    #[test]
    fn addresses_survive_the_way_through_the_kernel() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(socket) = socket::listen(address.parse().unwrap()) else {
                assert_eq!(address, "[::1]:0", "only IPv6 may be missing");
                continue;
            };
            let local = socket::local_address(socket.as_raw_fd()).unwrap();
            assert_eq!(local.ip().to_string(), address.parse::<SocketAddr>().unwrap().ip().to_string());
            assert_ne!(local.port(), 0);
        }
    }
}
