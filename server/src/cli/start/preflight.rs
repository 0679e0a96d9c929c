//! Checks of the host before a start: refuses what cannot work, says what will work badly.
//!
//! Runs on the first thread of the process, before any shard exists; called by `start::run` alone.

use std::net::SocketAddr;
use std::path::PathBuf;

use corelog_engine::ids::LogId;
use corelog_engine::log::LogOptions;
use corelog_tuning::check::{Check, Verdict};
use corelog_tuning::{data_dir, direct_io, free_space, io_uring, locked_memory, open_files, port};

use super::refusal;
use crate::cli::failure::Failure;
use crate::config::settings::Settings;

/// Rings of one shard, each of which locks memory.
const RINGS_PER_SHARD: u64 = 3;
/// The least that the runtime locks.
const LOCKED_BYTES_MIN: u64 = 512 << 10;
/// Space that a log writes at once when it is new, in segments.
const SEGMENTS_AT_START: u64 = 2;

/// What the checks found.
#[derive(Debug)]
pub struct Host {
    /// The data directory, absolute, made.
    pub data_dir: PathBuf,
    /// Bytes free there.
    pub free_bytes: u64,
    /// Each listener's addresses, in the order of the settings.
    pub addresses: Vec<Vec<SocketAddr>>,
}

/// Checks everything that a start needs, `io_memory_bytes` of locked memory per ring included.
pub fn check(settings: &Settings, io_memory_bytes: u64) -> Result<Host, Failure> {
    judge(&io_uring::check())?;
    let wanted_bytes = (RINGS_PER_SHARD * settings.shards as u64 * io_memory_bytes).max(LOCKED_BYTES_MIN);
    judge(&locked_memory::check(locked_memory::raise(), wanted_bytes))?;
    judge(&open_files::check(open_files::raise(), settings.shards))?;
    let addresses = check_listeners(settings)?;
    let data_dir =
        data_dir::create(&settings.data_dir).map_err(|error| refusal::of_data_dir(&settings.data_dir, &error))?;
    let of_dir = |error: &std::io::Error| refusal::of_data_dir(&data_dir, error);
    let free_bytes = free_space::free_bytes(&data_dir).map_err(|error| of_dir(&error))?;
    let is_new = is_new(&data_dir).map_err(|error| of_dir(&error))?;
    // Let go at once: the engine takes it for good, and this says better who has it.
    drop(corelog_rt::dir::lock(&data_dir).map_err(|error| refusal::of_lock(&error))?);
    if is_new {
        let segment_bytes = settings.segment_bytes.unwrap_or_else(|| LogOptions::new(LogId(0)).segment_bytes);
        let wanted_bytes = segment_bytes * SEGMENTS_AT_START * settings.shards as u64;
        judge(&free_space::check(&data_dir, free_bytes, wanted_bytes))?;
    }
    judge(&direct_io::check(&data_dir).map_err(|error| of_dir(&error))?)?;
    Ok(Host { data_dir, free_bytes, addresses })
}

/// A directory that has logs has its space already: it starts on a full disk too.
fn is_new(data_dir: &std::path::Path) -> std::io::Result<bool> {
    Ok(data_dir.read_dir()?.next().is_none())
}

fn judge(check: &Check) -> Result<(), Failure> {
    match check.verdict {
        Verdict::Good => Ok(()),
        Verdict::Refused(reason) => Err(refusal::of_check(check, reason)),
        Verdict::Poor => {
            let how = check.how.first().map_or("", String::as_str);
            tracing::warn!("{} is {}, better is {}: {how}", check.name, check.current, check.wanted);
            Ok(())
        }
    }
}

/// The addresses of each listener, free to listen on. Of a name with several addresses those that this host lacks are
/// left out.
fn check_listeners(settings: &Settings) -> Result<Vec<Vec<SocketAddr>>, Failure> {
    let mut listeners = Vec::new();
    for listener in &settings.listeners {
        let endpoint = &listener.bind;
        let candidates = endpoint.addresses().map_err(|error| refusal::of_listener(endpoint, None, &error))?;
        let mut addresses = Vec::new();
        let mut missing = None;
        for address in candidates {
            match port::probe(address) {
                Ok(()) => addresses.push(address),
                Err(error) if error.kind() == std::io::ErrorKind::AddrNotAvailable => missing = Some((address, error)),
                Err(error) => return Err(refusal::of_listener(endpoint, Some(address), &error)),
            }
        }
        match (missing, addresses.is_empty()) {
            (Some((address, error)), true) => return Err(refusal::of_listener(endpoint, Some(address), &error)),
            _ => listeners.push(addresses),
        }
    }
    Ok(listeners)
}
