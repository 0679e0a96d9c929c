//! Whether a port is free, and who listens on it.
//!
//! Listens for a moment, without sharing, so that a second broker on the same port is noticed although the shards of
//! one broker share theirs. Processes of other users stay nameless.

use std::io;
use std::net::SocketAddr;
use std::os::linux::fs::MetadataExt;
use std::time::Duration;

use crate::root::Root;

/// How long to wait before looking again whether the sockets of a process that was killed are gone: its rings hold them, which the kernel takes down after it.
const LEFTOVER_LOOK: Duration = Duration::from_millis(20);
const LEFTOVER_LOOKS_MAX: usize = 100;

/// A process that listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its id.
    pub pid: u32,
    /// Its command line.
    pub command: String,
}

/// Listens on `address` and stops at once. Fails as a listener would that shares the port with nobody.
#[expect(clippy::disallowed_types, reason = "no shard exists yet, and theirs share the port")]
pub fn probe(address: SocketAddr) -> io::Result<()> {
    std::net::TcpListener::bind(address).map(drop)
}

/// As [`probe`], but waits up to two seconds for a port that no process is known to have.
#[expect(clippy::disallowed_methods, reason = "no shard exists yet")]
pub fn probe_after_leftovers(address: SocketAddr) -> io::Result<()> {
    for _ in 0..LEFTOVER_LOOKS_MAX {
        match probe(address) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && holder(address).is_none() => {}
            result => return result,
        }
        std::thread::sleep(LEFTOVER_LOOK);
    }
    probe(address)
}

/// The process that listens on the port of `address`, if it can be found out.
pub fn holder(address: SocketAddr) -> Option<Holder> {
    let inodes: Vec<u64> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|path| Root::real().read(path).ok())
        .flat_map(|table| listening_inodes(&table, address.port()))
        .collect();
    let processes = Root::real().list_numbers("/proc").unwrap_or_default();
    processes.into_iter().find(|&pid| holds(pid, &inodes)).and_then(|pid| {
        let pid = u32::try_from(pid).ok()?;
        Some(Holder { pid, command: command_line(pid)? })
    })
}

/// Socket inodes of a table in the form of `/proc/net/tcp` that listen on `port`.
fn listening_inodes(table: &str, port: u16) -> Vec<u64> {
    const STATE_LISTEN: &str = "0A";
    let mut inodes = Vec::new();
    for line in table.lines().skip(1) {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (Some(local), Some(&state), Some(inode)) = (fields.get(1), fields.get(3), fields.get(9)) else { continue };
        let local_port = local.rsplit_once(':').and_then(|(_, port)| u16::from_str_radix(port, 16).ok());
        if state == STATE_LISTEN && local_port == Some(port) {
            inodes.extend(inode.parse::<u64>().ok().filter(|&inode| inode != 0));
        }
    }
    inodes
}

fn holds(pid: u64, inodes: &[u64]) -> bool {
    let descriptors = Root::real().list_numbers(&format!("/proc/{pid}/fd")).unwrap_or_default();
    descriptors.into_iter().any(|descriptor| {
        // Follows the link; a socket's inode is its number in the tables.
        std::path::Path::new(&format!("/proc/{pid}/fd/{descriptor}")).metadata().is_ok_and(|metadata| {
            metadata.st_mode() & libc::S_IFMT == libc::S_IFSOCK && inodes.contains(&metadata.st_ino())
        })
    })
}

/// The command line of a process, arguments apart by blanks.
fn command_line(pid: u32) -> Option<String> {
    let text = Root::real().read(&format!("/proc/{pid}/cmdline")).ok()?;
    let line = text.split('\0').filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    (!line.is_empty()).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_types, reason = "a listener to be found")]
    fn a_listener_of_this_process_is_found() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let holder = holder(listener.local_addr().unwrap()).unwrap();
        assert_eq!(holder.pid, std::process::id());
        assert!(holder.command.contains("corelog_tuning"), "{holder:?}");
        assert_eq!(probe(listener.local_addr().unwrap()).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        let address = listener.local_addr().unwrap();
        drop(listener);
        probe(address).unwrap();
    }

    #[test]
    fn rows_that_make_no_sense_are_skipped() {
        let table = "header\n 0: 0100007F:2384 00000000:0000 0A 0:0 0:0 0 0 0 77 1\n 1: x\n 2: 0100007F:2384 0:0 01 0:0 0:0 0 0 0 78 1\n";
        assert_eq!(listening_inodes(table, 0x2384), [77]);
    }
}
