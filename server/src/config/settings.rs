//! The settings of a broker process, typed and checked.
//!
//! Built once by `cli::start` before any shard exists, then shared unchanged by all. It says what was asked for;
//! whether the host can do it is checked by the crate `corelog-tuning`.

use std::fmt::Display;
use std::path::PathBuf;
use std::time::Duration;

use corelog_engine::config::ConfigMap;
use corelog_tuning::probe::choose::Settings as DiskSettings;

use super::endpoint::{self, Endpoint};
use super::error::{ConfigError, Origin};
use super::layers::{Layers, Value};
use crate::limits::SHARD_ID_STEP;

/// Where data goes when nobody says where.
pub const DATA_DIR_DEFAULT: &str = "./corelog-data";
/// Where the broker listens when nobody says where: without authentication it does not open itself to the network.
pub const LISTENERS_DEFAULT: &str = "PLAINTEXT://localhost:9092";
/// Where metrics are served when nobody says where: on this host alone.
pub const METRICS_LISTEN_DEFAULT: &str = "localhost:9644";
/// The node id when nobody says which.
pub const NODE_ID_DEFAULT: i32 = 1;
/// Most shards of one process.
pub const SHARDS_MAX: usize = 1024;
/// Least memory of one shard in bytes.
pub const SHARD_MEMORY_BYTES_MIN: u64 = 32 << 20;
/// Longest that a shard without work looks for more before it sleeps, in microseconds.
pub const SPIN_US_MAX: u64 = 10_000;
/// Least bytes of one segment.
pub const SEGMENT_BYTES_MIN: u64 = 1 << 20;
/// Most bytes of one segment.
pub const SEGMENT_BYTES_MAX: u64 = 1 << 30;
/// Security protocols that Kafka has; only the first is served.
const PROTOCOLS: [&str; 4] = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"];

/// A listener and what clients are told about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// Where the broker listens.
    pub bind: Endpoint,
    /// The host that clients are told; never empty.
    pub advertised_host: String,
    /// The port that clients are told; 0 means the port that the system chose.
    pub advertised_port: u16,
}

/// Where metrics are served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricsPort {
    /// Where the broker listens for who wants them.
    pub bind: Endpoint,
    /// Nobody asked for it: where the port is taken, the broker does without.
    pub is_default: bool,
}

/// What was asked for, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The id of this broker, from 0.
    pub node_id: i32,
    /// The rack that clients are told.
    pub rack: Option<String>,
    /// At least one.
    pub listeners: Vec<Listener>,
    /// How far behind a listener's port the first shard has one of its own, the others behind it; shards have none if none.
    pub direct_port_offset: Option<u16>,
    /// Where metrics are served; nowhere if none.
    pub metrics: Option<MetricsPort>,
    /// The directory that holds everything.
    pub data_dir: PathBuf,
    /// Who chose the directory.
    pub data_dir_origin: Origin,
    /// Number of shards, from 1 to [`SHARDS_MAX`].
    pub shards: usize,
    /// Memory budget of all shards together in bytes.
    pub memory_bytes: u64,
    /// Cores to pin the shards to, in shard order; those that the process may use if nobody says.
    pub cpus: Option<Vec<usize>>,
    /// How long a shard without work looks for more before it sleeps.
    pub spin: Duration,
    /// Bytes of one segment file; the log's own default if nobody says.
    pub segment_bytes: Option<u64>,
    /// Every setting that somebody set, as given: the broker's static layer of configs.
    pub statics: ConfigMap,
    /// How to use the disk: the defaults until the host was looked at.
    pub disk: DiskSettings,
    /// What the person should know before the start, e.g. a listener that is left out.
    pub notes: Vec<String>,
}

/// What the host offers, for the defaults that depend on it.
#[derive(Debug, Clone)]
pub struct Host {
    /// Cores that this process may use, at least 1.
    pub cores: usize,
    /// Memory that this process may use, in bytes.
    pub memory_bytes: u64,
    /// The host's name, told to clients of a listener on all interfaces.
    pub name: String,
}

impl Settings {
    /// Checks the values of `layers` and fills in defaults.
    pub fn new(layers: &Layers, host: &Host) -> Result<Self, ConfigError> {
        refuse_unsupported(layers)?;
        let mut notes = Vec::new();
        let listeners = listeners(layers, host, &mut notes)?;
        let metrics = metrics(layers, &listeners)?;
        let node_id = node_id(layers)?;
        let (data_dir, data_dir_origin) = data_dir(layers)?;
        let cpus = cpus(layers)?;
        let shards_default = cpus.as_ref().map_or(host.cores, Vec::len).clamp(1, SHARDS_MAX);
        let shards = number_or_auto(layers, "corelog.shards", 1, SHARDS_MAX as u64)?
            .map_or(shards_default, |shards| shards as usize);
        if let (Some(cpus), Some(value)) = (&cpus, layers.get("corelog.cpus"))
            && cpus.len() < shards
        {
            return Err(bad("corelog.cpus", value, format!("there are {shards} shards; each needs a cpu of its own")));
        }
        let memory_bytes_min = SHARD_MEMORY_BYTES_MIN * shards as u64;
        let memory_bytes = number_or_auto(layers, "corelog.memory.bytes", memory_bytes_min, u64::MAX >> 1)?
            .unwrap_or_else(|| (host.memory_bytes / 4).max(memory_bytes_min));
        let statics = layers.iter().map(|(name, value)| (name.into(), value.text.as_str().into())).collect();
        Ok(Self {
            node_id,
            rack: layers.get("broker.rack").map(|value| value.text.clone()).filter(|rack| !rack.is_empty()),
            direct_port_offset: direct_port_offset(layers, node_id, shards, &listeners, metrics.as_ref())?,
            listeners,
            metrics,
            data_dir,
            data_dir_origin,
            shards,
            memory_bytes,
            cpus,
            spin: Duration::from_micros(number(layers, "corelog.spin.us", 0, SPIN_US_MAX)?.unwrap_or(0)),
            segment_bytes: number_or_auto(layers, "corelog.segment.bytes", SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX)?,
            statics,
            disk: DiskSettings::default(),
            notes,
        })
    }

    /// The port that a shard has behind a listener's: none if shards have none, or if it would be beyond 65535.
    pub fn direct_port(&self, port: u16, shard: usize) -> Option<u16> {
        let offset = self.direct_port_offset?;
        u16::try_from(usize::from(port) + usize::from(offset) + shard).ok()
    }
}

fn bad(name: &str, value: &Value, why: impl Display) -> ConfigError {
    ConfigError::BadValue {
        name: name.to_owned(),
        value: value.text.clone(),
        why: why.to_string(),
        origin: value.origin.clone(),
    }
}

fn unsupported(name: &str, value: &Value, why: impl Display) -> ConfigError {
    ConfigError::Unsupported {
        name: name.to_owned(),
        value: value.text.clone(),
        why: why.to_string(),
        origin: value.origin.clone(),
    }
}

/// Settings that would weaken what their owner relies on if they were ignored.
fn refuse_unsupported(layers: &Layers) -> Result<(), ConfigError> {
    if let Some(value) = layers.get("authorizer.class.name").filter(|value| !value.text.is_empty()) {
        return Err(unsupported(
            "authorizer.class.name",
            value,
            "there are no ACLs yet, so access would be open; leave it out",
        ));
    }
    if let Some(value) = layers.get("process.roles")
        && !value.text.split(',').any(|role| role.trim() == "broker")
    {
        return Err(unsupported("process.roles", value, "every node is a broker; set broker or broker,controller"));
    }
    if let Some(value) = layers.get("security.inter.broker.protocol").filter(|value| value.text != "PLAINTEXT") {
        return Err(unsupported("security.inter.broker.protocol", value, "only PLAINTEXT is served"));
    }
    Ok(())
}

fn listeners(layers: &Layers, host: &Host, notes: &mut Vec<String>) -> Result<Vec<Listener>, ConfigError> {
    let default = Value { text: LISTENERS_DEFAULT.to_owned(), origin: Origin::Default };
    let value = layers.get("listeners").unwrap_or(&default);
    let mut binds = endpoint::parse_list(&value.text).map_err(|error| bad("listeners", value, error))?;
    let controllers: Vec<String> = layers
        .get("controller.listener.names")
        .map(|names| names.text.split(',').map(|name| name.trim().to_ascii_uppercase()).collect())
        .unwrap_or_default();
    binds.retain(|bind| {
        let kept = !controllers.contains(&bind.name);
        if !kept {
            notes.push(format!("listener {bind} is left out: the controller needs no port of its own"));
        }
        kept
    });
    if binds.is_empty() {
        return Err(bad("listeners", value, "all of them are controller.listener.names; clients need one"));
    }
    let protocols = Protocols::new(layers)?;
    for bind in &binds {
        protocols.check(&bind.name, value)?;
    }
    let advertised = advertised(layers, &binds, &controllers)?;
    let listener = |bind: Endpoint| {
        let told = advertised.iter().find(|told| told.name == bind.name);
        let port = told.map_or(bind.port, |told| told.port);
        let host = match told {
            Some(told) => told.host.clone(),
            None if bind.is_wildcard() => host.name.clone(),
            None => bind.host.clone(),
        };
        Listener { bind, advertised_host: host, advertised_port: port }
    };
    Ok(binds.into_iter().map(listener).collect())
}

/// `corelog.direct.port.offset`.
fn direct_port_offset(
    layers: &Layers,
    node_id: i32,
    shards: usize,
    listeners: &[Listener],
    metrics: Option<&MetricsPort>,
) -> Result<Option<u16>, ConfigError> {
    const NAME: &str = "corelog.direct.port.offset";
    let Some(value) = layers.get(NAME) else { return Ok(None) };
    let Some(offset) = number_or_auto(layers, NAME, 1, u64::from(u16::MAX))?.map(|offset| offset as u16) else {
        return Ok(None);
    };
    if node_id >= SHARD_ID_STEP {
        let why = format!(
            "clients are told ids of shards from node.id on, in steps of {SHARD_ID_STEP}; node.id is {node_id}"
        );
        return Err(bad(NAME, value, why));
    }
    let shard_ports = |port: u16| {
        let first = usize::from(port) + usize::from(offset);
        first..first + shards
    };
    let advertised = listeners.iter().map(|listener| listener.advertised_port);
    let mut bound: Vec<u16> = listeners.iter().map(|listener| listener.bind.port).filter(|port| *port != 0).collect();
    for ports in bound.iter().copied().chain(advertised).map(shard_ports) {
        if ports.end > 1 + usize::from(u16::MAX) {
            return Err(bad(NAME, value, format!("{shards} ports from {} on are beyond 65535", ports.start)));
        }
    }
    // Listeners on several addresses may have one port. Shards share ports, so what is bound twice would not be noticed later.
    bound.sort_unstable();
    bound.dedup();
    let others = bound.iter().copied().chain(metrics.map(|metrics| metrics.bind.port).filter(|port| *port != 0));
    let mut all: Vec<usize> = others.map(usize::from).chain(bound.iter().copied().flat_map(shard_ports)).collect();
    all.sort_unstable();
    if let Some(port) = all.windows(2).find_map(|pair| pair.first().filter(|first| pair.last() == Some(first))) {
        return Err(bad(
            NAME,
            value,
            format!("port {port} would be used twice: by a shard, and by another or a listener"),
        ));
    }
    Ok(Some(offset))
}

/// `corelog.metrics.listen`.
fn metrics(layers: &Layers, listeners: &[Listener]) -> Result<Option<MetricsPort>, ConfigError> {
    const NAME: &str = "corelog.metrics.listen";
    let default = Value { text: METRICS_LISTEN_DEFAULT.to_owned(), origin: Origin::Default };
    let value = layers.get(NAME).unwrap_or(&default);
    if value.text.is_empty() {
        return Ok(None);
    }
    let (host, port) = endpoint::parse_host_and_port(&value.text).map_err(|error| bad(NAME, value, error))?;
    let is_default = value.origin == Origin::Default;
    if port != 0 && listeners.iter().any(|listener| listener.bind.port == port) {
        if is_default {
            return Ok(None);
        }
        return Err(bad(NAME, value, "clients are served on that port; metrics need one of their own"));
    }
    let bind = Endpoint { name: "METRICS".to_owned(), host: host.to_owned(), port };
    Ok(Some(MetricsPort { bind, is_default }))
}

fn advertised(layers: &Layers, binds: &[Endpoint], controllers: &[String]) -> Result<Vec<Endpoint>, ConfigError> {
    const NAME: &str = "advertised.listeners";
    let Some(value) = layers.get(NAME).filter(|value| !value.text.is_empty()) else { return Ok(Vec::new()) };
    let advertised = endpoint::parse_list(&value.text).map_err(|error| bad(NAME, value, error))?;
    for told in advertised.iter().filter(|told| !controllers.contains(&told.name)) {
        if told.is_wildcard() {
            let why = "clients need an address that they can reach, not all interfaces; name the host";
            return Err(bad(NAME, value, why));
        }
        if !binds.iter().any(|bind| bind.name == told.name) {
            return Err(bad(NAME, value, format!("no listener is called {}; it must be in listeners too", told.name)));
        }
    }
    Ok(advertised)
}

/// `listener.security.protocol.map`.
struct Protocols(Vec<(String, String)>);

impl Protocols {
    fn new(layers: &Layers) -> Result<Self, ConfigError> {
        const NAME: &str = "listener.security.protocol.map";
        let Some(value) = layers.get(NAME) else {
            return Ok(Self(PROTOCOLS.iter().map(|name| ((*name).to_owned(), (*name).to_owned())).collect()));
        };
        let mut pairs = Vec::new();
        for item in value.text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            let (listener, protocol) =
                item.split_once(':').ok_or_else(|| bad(NAME, value, format!("\"{item}\" is not NAME:PROTOCOL")))?;
            let protocol = protocol.trim().to_ascii_uppercase();
            if !PROTOCOLS.contains(&protocol.as_str()) {
                let why = format!("\"{protocol}\" is no security protocol; there are {}", PROTOCOLS.join(", "));
                return Err(bad(NAME, value, why));
            }
            pairs.push((listener.trim().to_ascii_uppercase(), protocol));
        }
        Ok(Self(pairs))
    }

    fn check(&self, listener: &str, listeners: &Value) -> Result<(), ConfigError> {
        match self.0.iter().find(|(name, _)| name == listener) {
            Some((_, protocol)) if protocol == "PLAINTEXT" => Ok(()),
            Some((_, protocol)) => {
                let why = format!("listener {listener} asks for {protocol}, but only PLAINTEXT is served");
                Err(unsupported("listeners", listeners, why))
            }
            None => {
                let why = format!("add {listener}:PLAINTEXT to listener.security.protocol.map");
                Err(bad("listeners", listeners, why))
            }
        }
    }
}

fn data_dir(layers: &Layers) -> Result<(PathBuf, Origin), ConfigError> {
    for name in ["log.dirs", "log.dir"] {
        let Some(value) = layers.get(name) else { continue };
        let mut dirs = value.text.split(',').map(str::trim).filter(|dir| !dir.is_empty());
        let Some(first) = dirs.next() else { return Err(bad(name, value, "expected a directory")) };
        if dirs.next().is_some() {
            let why =
                "one directory holds the logs of all shards; to use several disks, join them below the file system";
            return Err(unsupported(name, value, why));
        }
        return Ok((PathBuf::from(first), value.origin.clone()));
    }
    Ok((PathBuf::from(DATA_DIR_DEFAULT), Origin::Default))
}

fn node_id(layers: &Layers) -> Result<i32, ConfigError> {
    let node = number(layers, "node.id", 0, i32::MAX as u64)?;
    let broker = number(layers, "broker.id", 0, i32::MAX as u64)?;
    if let (Some(node), Some(broker), Some(value)) = (node, broker, layers.get("broker.id"))
        && node != broker
    {
        return Err(bad(
            "broker.id",
            value,
            format!("node.id is {node}; they name the same thing, so set one of them"),
        ));
    }
    Ok(node.or(broker).map_or(NODE_ID_DEFAULT, |id| id as i32))
}

/// The cpus of `corelog.cpus`: numbers and ranges like `0-3`.
fn cpus(layers: &Layers) -> Result<Option<Vec<usize>>, ConfigError> {
    const NAME: &str = "corelog.cpus";
    let Some(value) = layers.get(NAME).filter(|value| !value.text.is_empty()) else { return Ok(None) };
    let mut cpus = Vec::new();
    for item in value.text.split(',').map(str::trim) {
        let (first, last) = item.split_once('-').unwrap_or((item, item));
        match (first.trim().parse::<usize>(), last.trim().parse::<usize>()) {
            (Ok(first), Ok(last)) if first <= last && last < SHARDS_MAX => cpus.extend(first..=last),
            _ => return Err(bad(NAME, value, format!("\"{item}\" is no cpu and no range like 0-3"))),
        }
    }
    let mut sorted = cpus.clone();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() < cpus.len() {
        return Err(bad(NAME, value, "a cpu stands there twice"));
    }
    Ok(Some(cpus))
}

/// Like [`number`], where 0 stands for the default.
fn number_or_auto(layers: &Layers, name: &str, min: u64, max: u64) -> Result<Option<u64>, ConfigError> {
    if layers.get(name).is_some_and(|value| value.text == "0") { Ok(None) } else { number(layers, name, min, max) }
}

fn number(layers: &Layers, name: &str, min: u64, max: u64) -> Result<Option<u64>, ConfigError> {
    let Some(value) = layers.get(name) else { return Ok(None) };
    match value.text.parse::<u64>() {
        Ok(number) if (min..=max).contains(&number) => Ok(Some(number)),
        _ => Err(bad(name, value, format!("expected a whole number from {min} to {max}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = "listener.security.protocol.map=A:PLAINTEXT,B:PLAINTEXT";

    fn settings(sets: &[&str]) -> Result<Settings, String> {
        let mut layers = Layers::new();
        for set in sets {
            layers.add_set(set).unwrap();
        }
        let host = Host { cores: 4, memory_bytes: 8 << 30, name: "box.example".to_owned() };
        Settings::new(&layers, &host).map_err(|error| error.to_string())
    }

    fn told(settings: &Settings) -> Vec<String> {
        let told = |listener: &Listener| {
            format!(
                "{} as {}",
                listener.bind,
                endpoint::host_and_port(&listener.advertised_host, listener.advertised_port)
            )
        };
        settings.listeners.iter().map(told).collect()
    }

    #[test]
    fn nothing_set_gives_a_local_broker() {
        let settings = settings(&[]).unwrap();
        assert_eq!(told(&settings), ["PLAINTEXT://localhost:9092 as localhost:9092"]);
        assert_eq!(settings.data_dir, PathBuf::from("./corelog-data"));
        assert_eq!(settings.data_dir_origin, Origin::Default);
        assert_eq!((settings.node_id, settings.shards, settings.memory_bytes), (1, 4, 2 << 30));
    }

    #[test]
    fn kafkas_own_file_starts_one_listener() {
        let settings = settings(&[
            "process.roles=broker,controller",
            "node.id=7",
            "listeners=PLAINTEXT://:9092,CONTROLLER://:9093",
            "controller.listener.names=CONTROLLER",
            "inter.broker.listener.name=PLAINTEXT",
            "advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093",
            "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL",
        ])
        .unwrap();
        assert_eq!(told(&settings), ["PLAINTEXT://:9092 as localhost:9092"]);
        assert_eq!(settings.node_id, 7);
        assert_eq!(settings.notes.len(), 1);
    }

    #[test]
    fn all_interfaces_are_advertised_by_the_host_name() {
        for listeners in ["listeners=PLAINTEXT://:9092", "listeners=PLAINTEXT://0.0.0.0:9092"] {
            let settings = settings(&[listeners]).unwrap();
            assert_eq!(settings.listeners[0].advertised_host, "box.example");
        }
    }

    #[test]
    fn shards_have_ports_of_their_own_if_somebody_says_so() {
        assert_eq!(settings(&[]).unwrap().direct_port_offset, None);
        assert_eq!(settings(&["corelog.direct.port.offset=0"]).unwrap().direct_port_offset, None);
        for listeners in ["listeners=A://:0", "listeners=A://127.0.0.1:9092,B://127.0.0.2:9092"] {
            let settings = settings(&["corelog.direct.port.offset=100", listeners, MAP]).unwrap();
            assert_eq!(settings.direct_port_offset, Some(100));
        }
    }

    #[test]
    fn what_cannot_work_is_refused_with_a_reason() {
        for (sets, reason) in [
            (&["listeners=SSL://:9093"][..], "asks for SSL, but only PLAINTEXT is served"),
            (&["listeners=IN://:9093"], "add IN:PLAINTEXT to listener.security.protocol.map"),
            (&["listener.security.protocol.map=IN:TLS"], "\"TLS\" is no security protocol"),
            (&["listeners=IN://:9093", "listener.security.protocol.map=IN:SASL_SSL"], "asks for SASL_SSL"),
            (&["advertised.listeners=PLAINTEXT://0.0.0.0:9092"], "clients need an address"),
            (&["advertised.listeners=OTHER://x:9092"], "no listener is called OTHER"),
            (&["log.dirs=/a,/b"], "one directory holds the logs of all shards"),
            (&["node.id=1", "broker.id=2"], "node.id is 1"),
            (&["corelog.metrics.listen=localhost:9092"], "clients are served on that port"),
            (&["corelog.metrics.listen=localhost"], "has no port"),
            (&["corelog.shards=5000"], "from 1 to 1024"),
            (&["corelog.direct.port.offset=70000"], "from 1 to 65535"),
            (&["corelog.direct.port.offset=100", "node.id=10000"], "in steps of 10000"),
            (&["corelog.direct.port.offset=56441"], "4 ports from 65533 on are beyond 65535"),
            (&["corelog.direct.port.offset=549"], "port 9644 would be used twice"),
            (&["corelog.direct.port.offset=9", "listeners=A://:9092,B://:9094", MAP], "port 9103 would be used twice"),
            (&["corelog.direct.port.offset=2", "listeners=A://:9092,B://:9094", MAP], "port 9094 would be used twice"),
            (&["corelog.spin.us=20000"], "from 0 to 10000"),
            (&["corelog.cpus=0,0"], "twice"),
            (&["corelog.cpus=x"], "is no cpu"),
            (&["corelog.cpus=0", "corelog.shards=2"], "there are 2 shards"),
            (&["corelog.shards=2", "corelog.memory.bytes=1000"], "from 67108864 to"),
            (&["authorizer.class.name=x.Y"], "access would be open"),
            (&["broker.id=-5"], "from 0 to 2147483647"),
            (&["process.roles=controller"], "every node is a broker"),
            (&["security.inter.broker.protocol=SSL"], "only PLAINTEXT"),
        ] {
            let error = settings(sets).unwrap_err();
            assert!(error.contains(reason), "{sets:?}: {error}");
            assert!(error.contains("(--set)"), "{sets:?}: {error}");
        }
    }

    #[test]
    fn a_listener_without_a_told_address_tells_its_own() {
        let settings = settings(&[
            "listeners=IN://10.0.0.1:1,OUT://:2",
            "advertised.listeners=OUT://public.example:3",
            "listener.security.protocol.map=IN:PLAINTEXT,OUT:PLAINTEXT",
        ])
        .unwrap();
        assert_eq!(told(&settings), ["IN://10.0.0.1:1 as 10.0.0.1:1", "OUT://:2 as public.example:3"]);
    }

    #[test]
    fn zero_leaves_the_choice_and_cpus_count_shards() {
        let settings = settings(&["corelog.shards=0", "corelog.memory.bytes=0", "corelog.cpus=2-3,0"]).unwrap();
        assert_eq!((settings.shards, settings.memory_bytes), (3, 2 << 30));
        assert_eq!(settings.cpus, Some(vec![2, 3, 0]));
    }

    #[test]
    fn shards_spin_only_where_asked() {
        let spin = |sets: &[&str]| settings(sets).unwrap().spin;
        assert_eq!(spin(&[]), Duration::ZERO);
        assert_eq!(spin(&["corelog.spin.us=50"]), Duration::from_micros(50));
    }

    #[test]
    fn metrics_are_served_where_asked_or_nowhere() {
        let port = |sets: &[&str]| settings(sets).unwrap().metrics.map(|port| (port.bind.port, port.is_default));
        assert_eq!(port(&[]), Some((9644, true)));
        assert_eq!(port(&["corelog.metrics.listen=[::1]:7"]), Some((7, false)));
        assert_eq!(port(&["corelog.metrics.listen="]), None);
    }

    #[test]
    fn log_dirs_wins_over_log_dir() {
        assert_eq!(settings(&["log.dir=/a", "log.dirs=/b"]).unwrap().data_dir, PathBuf::from("/b"));
        assert_eq!(settings(&["log.dir=/a"]).unwrap().data_dir, PathBuf::from("/a"));
    }
}
