//! The socket calls that glommio does not wrap.
//!
//! Owns no state. Each function is one system call, with its arguments made and its result checked.
#![expect(unsafe_code, reason = "these are system calls")]

use bytes::Bytes;
use std::io;
use std::mem::{MaybeUninit, size_of};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// Slices that one `sendmsg` takes.
const GATHER_MAX: usize = 1024;
const BACKLOG: i32 = 4096;

/// A socket address as the kernel reads it.
pub(crate) struct RawAddress {
    storage: libc::sockaddr_storage,
    bytes: libc::socklen_t,
}

impl RawAddress {
    pub(crate) fn new(address: SocketAddr) -> RawAddress {
        // SAFETY: all zeroes is a valid, if empty, address.
        let mut storage: libc::sockaddr_storage = unsafe { MaybeUninit::zeroed().assume_init() };
        let bytes = match address {
            SocketAddr::V4(address) => {
                let raw = libc::sockaddr_in {
                    sin_family: libc::AF_INET as libc::sa_family_t,
                    sin_port: address.port().to_be(),
                    sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(address.ip().octets()) },
                    sin_zero: [0; 8],
                };
                // SAFETY: the storage is larger than any address and aligned for it.
                unsafe { (&raw mut storage).cast::<libc::sockaddr_in>().write(raw) };
                size_of::<libc::sockaddr_in>()
            }
            SocketAddr::V6(address) => {
                let raw = libc::sockaddr_in6 {
                    sin6_family: libc::AF_INET6 as libc::sa_family_t,
                    sin6_port: address.port().to_be(),
                    sin6_flowinfo: address.flowinfo(),
                    sin6_addr: libc::in6_addr { s6_addr: address.ip().octets() },
                    sin6_scope_id: address.scope_id(),
                };
                // SAFETY: the storage is larger than any address and aligned for it.
                unsafe { (&raw mut storage).cast::<libc::sockaddr_in6>().write(raw) };
                size_of::<libc::sockaddr_in6>()
            }
        };
        RawAddress { storage, bytes: bytes as libc::socklen_t }
    }

    fn into_address(self) -> io::Result<SocketAddr> {
        let pointer = &raw const self.storage;
        match i32::from(self.storage.ss_family) {
            libc::AF_INET => {
                // SAFETY: the family says that the storage holds an IPv4 address.
                let raw = unsafe { pointer.cast::<libc::sockaddr_in>().read() };
                let ip = raw.sin_addr.s_addr.to_ne_bytes().into();
                Ok(SocketAddrV4::new(ip, u16::from_be(raw.sin_port)).into())
            }
            libc::AF_INET6 => {
                // SAFETY: the family says that the storage holds an IPv6 address.
                let raw = unsafe { pointer.cast::<libc::sockaddr_in6>().read() };
                let port = u16::from_be(raw.sin6_port);
                let address =
                    SocketAddrV6::new(raw.sin6_addr.s6_addr.into(), port, raw.sin6_flowinfo, raw.sin6_scope_id);
                Ok(address.into())
            }
            family => Err(io::Error::new(io::ErrorKind::InvalidData, format!("address family {family}"))),
        }
    }
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// A TCP socket for addresses of the kind of `address`.
fn new_socket(address: SocketAddr) -> io::Result<OwnedFd> {
    let family = if address.is_ipv6() { libc::AF_INET6 } else { libc::AF_INET };
    // SAFETY: touches no memory of ours.
    let result = unsafe { libc::socket(family, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0) };
    let descriptor = check(result)?;
    // SAFETY: the descriptor is new and owned by nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

pub(crate) fn enable(socket: RawFd, level: libc::c_int, option: libc::c_int) -> io::Result<()> {
    let one: libc::c_int = 1;
    let bytes = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the pointer is to an integer of the length given.
    let result = unsafe { libc::setsockopt(socket, level, option, (&raw const one).cast(), bytes) };
    check(result).map(|_| ())
}

fn bind(socket: &OwnedFd, address: SocketAddr) -> io::Result<()> {
    let raw = RawAddress::new(address);
    // SAFETY: the address is as long as it says.
    let result = unsafe { libc::bind(socket.as_raw_fd(), (&raw const raw.storage).cast(), raw.bytes) };
    check(result).map(|_| ())
}

/// Whether nobody, this process included, listens on `address`.
pub(crate) fn check_free(address: SocketAddr) -> io::Result<()> {
    let socket = new_socket(address)?;
    // Connections that are closing must not count; listeners do, whatever they allow.
    enable(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_REUSEADDR)?;
    bind(&socket, address)
}

/// A socket that listens on `address` beside others of this user.
pub(crate) fn listen(address: SocketAddr) -> io::Result<OwnedFd> {
    let socket = new_socket(address)?;
    enable(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_REUSEADDR)?;
    enable(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_REUSEPORT)?;
    bind(&socket, address)?;
    // SAFETY: touches no memory of ours.
    let result = unsafe { libc::listen(socket.as_raw_fd(), BACKLOG) };
    check(result)?;
    Ok(socket)
}

type NameCall = unsafe extern "C" fn(libc::c_int, *mut libc::sockaddr, *mut libc::socklen_t) -> libc::c_int;

/// The address of this end.
pub(crate) fn local_address(socket: RawFd) -> io::Result<SocketAddr> {
    name(socket, libc::getsockname)
}

/// The address of the other end.
pub(crate) fn peer_address(socket: RawFd) -> io::Result<SocketAddr> {
    name(socket, libc::getpeername)
}

fn name(socket: RawFd, call: NameCall) -> io::Result<SocketAddr> {
    // SAFETY: all zeroes is a valid, if empty, address.
    let storage: libc::sockaddr_storage = unsafe { MaybeUninit::zeroed().assume_init() };
    let mut raw = RawAddress { storage, bytes: size_of::<libc::sockaddr_storage>() as libc::socklen_t };
    // SAFETY: the storage is as long as `bytes` says, and the kernel writes no more.
    let result = unsafe { call(socket, (&raw mut raw.storage).cast(), &raw mut raw.bytes) };
    check(result)?;
    raw.into_address()
}

/// Ends one direction or both.
pub(crate) fn shutdown(socket: RawFd, how: libc::c_int) -> io::Result<()> {
    // SAFETY: touches no memory of ours.
    let result = unsafe { libc::shutdown(socket, how) };
    check(result).map(|_| ())
}

/// Sends what the socket takes now of `first`, then of `rest`, without waiting. `None` if it takes nothing.
pub(crate) fn send_gather(socket: RawFd, first: &[u8], rest: &[Bytes]) -> Option<io::Result<usize>> {
    let mut vectors = [libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }; GATHER_MAX];
    let slices = std::iter::once(first).chain(rest.iter().map(|slice| &slice[..]));
    let mut count = 0;
    for (vector, slice) in vectors.iter_mut().zip(slices) {
        *vector = libc::iovec { iov_base: slice.as_ptr().cast_mut().cast(), iov_len: slice.len() };
        count += 1;
    }
    // SAFETY: all zeroes is a message without address, vectors or control data.
    let mut message: libc::msghdr = unsafe { MaybeUninit::zeroed().assume_init() };
    message.msg_iov = vectors.as_mut_ptr();
    message.msg_iovlen = count;
    loop {
        // SAFETY: the vectors point to slices that live through the call, which only reads them.
        let result = unsafe { libc::sendmsg(socket, &raw const message, libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT) };
        if let Ok(sent) = usize::try_from(result) {
            return Some(Ok(sent));
        }
        let error = io::Error::last_os_error();
        match error.kind() {
            io::ErrorKind::Interrupted => {}
            io::ErrorKind::WouldBlock => return None,
            _ => return Some(Err(error)),
        }
    }
}
