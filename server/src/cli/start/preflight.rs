//! Checks of the host before a start: refuses what cannot work, says what will work badly.
//!
//! Runs on the first thread of the process, before any shard exists; called by `start::run` alone.

use std::net::SocketAddr;
use std::path::PathBuf;

use corelog_engine::ids::LogId;
use corelog_engine::log::LogOptions;
use corelog_tuning::check::{Check, Verdict};
use corelog_tuning::probe::choose::Settings as DiskSettings;
use corelog_tuning::probe::properties::{PROPERTIES_FILE, Properties, Unusable};
use corelog_tuning::tunables::{direct_io, free_space, io_uring, locked_memory, open_files};
use corelog_tuning::{data_dir, port};

use super::refusal;
use crate::cli::failure::Failure;
use crate::config::endpoint::Endpoint;
use crate::config::settings::Settings;

/// Name of the file that is locked, in a data directory.
const LOCK_FILE: &str = "lock";

/// What the checks found.
#[derive(Debug)]
pub struct Host {
    /// The data directory, absolute, made.
    pub data_dir: PathBuf,
    /// Bytes free there.
    pub free_bytes: u64,
    /// Each listener's addresses, in the order of the settings.
    pub addresses: Vec<Vec<SocketAddr>>,
    /// Where metrics are served.
    pub metrics: MetricsAddresses,
    /// How to use the disk.
    pub disk: Disk,
}

/// Where metrics are served, or why nowhere.
#[derive(Debug, Clone)]
pub enum MetricsAddresses {
    /// On these addresses.
    Served(Vec<SocketAddr>),
    /// Nobody wants them.
    Off,
    /// Nobody asked for the default, and it cannot be had.
    GaveWay(String),
}

/// How to use the disk, and how that is known.
#[derive(Debug, Clone)]
pub struct Disk {
    /// What is used.
    pub settings: DiskSettings,
    /// Whether the disk was measured.
    pub is_measured: bool,
}

/// Checks everything that a start needs, `io_memory_bytes` of locked memory per ring included.
pub fn check(settings: &Settings, io_memory_bytes: u64) -> Result<Host, Failure> {
    judge(&io_uring::check())?;
    let wanted_bytes = locked_memory::wanted_bytes(settings.shards, io_memory_bytes);
    judge(&locked_memory::check(locked_memory::raise(), wanted_bytes))?;
    judge(&open_files::check(open_files::raise(), settings.shards))?;
    let addresses = check_listeners(settings)?;
    let metrics = check_metrics(settings)?;
    let data_dir =
        data_dir::create(&settings.data_dir).map_err(|error| refusal::of_data_dir(&settings.data_dir, &error))?;
    let of_dir = |error: &std::io::Error| refusal::of_data_dir(&data_dir, error);
    let free_bytes = free_space::free_bytes(&data_dir).map_err(|error| of_dir(&error))?;
    let is_new = is_new(&data_dir).map_err(|error| of_dir(&error))?;
    // Let go at once: the engine takes it for good, and this says better who has it.
    drop(corelog_rt::dir::lock(&data_dir).map_err(|error| refusal::of_lock(&error))?);
    if is_new {
        let segment_bytes = settings.segment_bytes.unwrap_or_else(|| LogOptions::new(LogId(0)).segment_bytes);
        let wanted_bytes = segment_bytes * free_space::SEGMENTS_AT_START * settings.shards as u64;
        judge(&free_space::check(&data_dir, free_bytes, wanted_bytes))?;
    }
    judge(&direct_io::check(&data_dir).map_err(|error| of_dir(&error))?)?;
    let disk = disk(&data_dir);
    Ok(Host { data_dir, free_bytes, addresses, metrics, disk })
}

/// What the probe found about this disk. Without that, and with what cannot be used, the defaults.
fn disk(data_dir: &std::path::Path) -> Disk {
    let advice = format!("measure it with the broker stopped: corelog tune probe {}", data_dir.display());
    match Properties::load(&corelog_tuning::host::Host::here(Some(data_dir), None)) {
        Ok(properties) => {
            if let Some(suspicion) = properties.suspicion() {
                tracing::warn!("{suspicion}; acknowledged records may not survive a power loss");
            }
            return Disk { settings: properties.settings, is_measured: true };
        }
        Err(unusable @ Unusable::Missing) => tracing::warn!("{unusable}, so defaults are used; {advice}"),
        Err(unusable) => tracing::warn!("{unusable}; defaults are used instead; {advice}"),
    }
    Disk { settings: DiskSettings::default(), is_measured: false }
}

/// A directory that has logs has its space already: it starts on a full disk too.
fn is_new(data_dir: &std::path::Path) -> std::io::Result<bool> {
    // What the probe leaves behind.
    let is_of_probe = |name: &std::ffi::OsStr| name == PROPERTIES_FILE || name == LOCK_FILE;
    for entry in data_dir.read_dir()? {
        if !is_of_probe(&entry?.file_name()) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn judge(check: &Check) -> Result<(), Failure> {
    match check.verdict {
        Verdict::Refused(reason) => Err(refusal::of_check(check, reason)),
        Verdict::Poor => {
            let how = check.how().into_iter().next().unwrap_or_default();
            tracing::warn!("{} is {}, better is {}: {how}", check.about.title(), check.current, check.wanted);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The addresses of each listener, free to listen on.
fn check_listeners(settings: &Settings) -> Result<Vec<Vec<SocketAddr>>, Failure> {
    for listener in settings.listeners.iter().filter(|listener| listener.bind.port != 0) {
        // Two brokers would share a shard's port unnoticed, as the shards of one share the listener's.
        for port in (0..settings.shards).filter_map(|shard| settings.direct_port(listener.bind.port, shard)) {
            free_addresses(&Endpoint { port, ..listener.bind.clone() }, "--listen ")?;
        }
    }
    settings.listeners.iter().map(|listener| free_addresses(&listener.bind, "--listen ")).collect()
}

/// The addresses of the metrics port. The default gives way to whoever was there first, most likely another broker.
fn check_metrics(settings: &Settings) -> Result<MetricsAddresses, Failure> {
    let Some(port) = &settings.metrics else { return Ok(MetricsAddresses::Off) };
    match free_addresses(&port.bind, "--set corelog.metrics.listen=") {
        Ok(addresses) => Ok(MetricsAddresses::Served(addresses)),
        Err(failure) if port.is_default => Ok(MetricsAddresses::GaveWay(failure.message().to_owned())),
        Err(failure) => Err(failure),
    }
}

/// The addresses of an endpoint, free to listen on. Of a name with several addresses those that this host lacks are left out.
fn free_addresses(endpoint: &Endpoint, flag: &str) -> Result<Vec<SocketAddr>, Failure> {
    let candidates = endpoint.addresses().map_err(|error| refusal::of_listener(endpoint, None, &error, flag))?;
    let mut addresses = Vec::new();
    let mut missing = None;
    for address in candidates {
        match port::probe_after_leftovers(address) {
            Ok(()) => addresses.push(address),
            Err(error) if error.kind() == std::io::ErrorKind::AddrNotAvailable => missing = Some((address, error)),
            Err(error) => return Err(refusal::of_listener(endpoint, Some(address), &error, flag)),
        }
    }
    match (missing, addresses.is_empty()) {
        (Some((address, error)), true) => Err(refusal::of_listener(endpoint, Some(address), &error, flag)),
        _ => Ok(addresses),
    }
}

#[cfg(all(test, not(sim)))]
mod tests {
    use super::*;
    use crate::config::layers::Layers;
    use crate::config::settings;

    #[test]
    fn a_port_of_a_shard_that_is_taken_stops_the_start() {
        corelog_rt::testing::run(|| async {
            let holder = corelog_rt::net::Listener::bind(([127, 0, 0, 1], 0).into()).unwrap();
            let port = holder.local_addr().port();
            let mut layers = Layers::new();
            layers.add_set(&format!("listeners=PLAINTEXT://127.0.0.1:{}", port - 2001)).unwrap();
            layers.add_set("corelog.direct.port.offset=2000").unwrap();
            let host = settings::Host { cores: 2, memory_bytes: 1 << 30, name: "box".to_owned() };
            let refused = check_listeners(&Settings::new(&layers, &host).unwrap()).unwrap_err();
            assert_eq!(refused.status(), 11);
            assert!(refused.to_string().contains(&format!("port {port} is in use by process")), "{refused}");
        });
    }

    #[test]
    fn a_metrics_port_that_is_taken_stops_only_who_asked_for_it() {
        corelog_rt::testing::run(|| async {
            let holder = corelog_rt::net::Listener::bind(([127, 0, 0, 1], 0).into()).unwrap();
            let mut layers = Layers::new();
            layers.add_set(&format!("corelog.metrics.listen={}", holder.local_addr())).unwrap();
            let host = settings::Host { cores: 1, memory_bytes: 1 << 30, name: "box".to_owned() };
            let mut settings = Settings::new(&layers, &host).unwrap();
            let refused = check_metrics(&settings).unwrap_err();
            assert_eq!(refused.status(), 11);
            assert!(refused.to_string().contains("--set corelog.metrics.listen=localhost:PORT"), "{refused}");
            settings.metrics.as_mut().unwrap().is_default = true;
            let gave_way = check_metrics(&settings).unwrap();
            assert!(matches!(gave_way, MetricsAddresses::GaveWay(why) if why.contains("is in use")));
        });
    }
}
