//! The life of a broker: shards started, listeners opened, connections served, everything ended in order.
//!
//! Called by the command line on the first thread of the process; the rest runs on every shard. Shard 0 opens the listeners
//! first, because the system may choose their ports; the others follow on the same ones.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use corelog_engine::ids::LogId;
use corelog_engine::log::LogOptions;
use corelog_engine::shard::{BootError, Engine, EngineSettings, Shard};
use corelog_protocol::Text;
use corelog_rt::net::Listener;
use corelog_rt::runtime::Config;
use corelog_rt::{fatal, runtime, signal, task, time};
use futures_util::future::{Either, select};

use super::endpoints::{Endpoint, Endpoints, Entrance};
use super::options::{Options, connection_limits};
use super::state::{Broker, Parts};
use crate::config::settings::Settings;
use crate::handlers::dispatch::Dispatch;
use crate::metrics::http::port::Port;
use crate::metrics::http::routes::Routes;
use crate::metrics::meters::Meters;
use crate::metrics::sample::Bounds;
use crate::net::connection::Shared;
use crate::net::input::ReadBudget;
use crate::net::listener;
use crate::net::quota::{self, Counting, Quota};
use crate::net::registry::Registry;

/// How long requests in flight may take when the broker stops.
const STOP_GRACE: Duration = Duration::from_millis(1500);
/// How long an idle connection may live where nobody limits it: longer than any machine.
const IDLE_FOR_EVER: Duration = Duration::from_hours(24 * 365 * 100);
/// How often a shard looks whether shard 0 has opened the listeners.
const OPENING_LOOK: Duration = Duration::from_millis(1);

/// What is known once every shard listens.
#[derive(Clone, Debug)]
pub struct Ready {
    /// The addresses of each listener, in the order of the settings, with the ports that the system chose.
    pub addresses: Vec<Vec<SocketAddr>>,
    /// The addresses on which metrics are served; none where they are not.
    pub metrics: Vec<SocketAddr>,
    /// The cluster's id, as Kafka prints it.
    pub cluster_id: String,
    /// Whether acks=all waits for the write alone on topics that do not say otherwise.
    pub write_caching: bool,
}

/// The listeners of one shard, each with where it leads in.
type Listeners = Vec<(Entrance, Rc<Listener>)>;

/// What the shards of one start share until they listen.
pub(super) struct Start {
    settings: Settings,
    /// Each listener's addresses, before the system has chosen ports.
    wanted: Vec<Vec<SocketAddr>>,
    /// Where metrics are served.
    metrics: Vec<SocketAddr>,
    opened: OnceLock<Opened>,
    listening: AtomicUsize,
    ready: Box<dyn Fn(Ready) + Send + Sync>,
}

/// What shard 0 opened.
struct Opened {
    addresses: Vec<Vec<SocketAddr>>,
    metrics: Vec<SocketAddr>,
    quota: Quota,
}

/// Runs a broker with `settings` on `addresses` (each listener's, in the order of the settings; `metrics` for who measures)
/// until the process is asked to end. Calls `ready` once, when every shard listens. A start that fails on a shard ends the process, with the exit
/// code of its reason and the words that `explain` finds for it.
pub fn run(
    settings: Settings,
    addresses: Vec<Vec<SocketAddr>>,
    metrics: Vec<SocketAddr>,
    config: &Config,
    ready: impl Fn(Ready) + Send + Sync + 'static,
    explain: fn(&BootError, &Path) -> String,
) -> Result<(), BootError> {
    let engine = Engine::new(engine_settings(&settings));
    let start = Arc::new(Start::new(settings, addresses, metrics, ready));
    let config = Config { shards: start.settings.shards, ..config.clone() };
    runtime::run(&config, move |shard| {
        let (engine, start) = (engine.clone(), Arc::clone(&start));
        async move {
            let data_dir = start.settings.data_dir.clone();
            match engine.run(shard, move |shard| serve(shard, start)).await {
                // Shard 0 says why.
                Ok(()) | Err(BootError::Stopped) => {}
                Err(error) => fatal::exit(error.reason(), explain(&error, &data_dir)),
            }
        }
    })?;
    Ok(())
}

/// What the engine is started with.
pub(super) fn engine_settings(settings: &Settings) -> EngineSettings {
    let disk = &settings.disk;
    let log = LogOptions {
        write_mode: disk.write_mode.into(),
        commit_bytes_max: disk.commit_bytes_max,
        writes_in_flight_max: disk.writes_in_flight_max,
        read_block_bytes: disk.read_block_bytes,
        read_ahead_blocks: disk.read_ahead_blocks,
        ..LogOptions::new(LogId(0))
    };
    EngineSettings {
        log,
        shards: settings.shards,
        memory_bytes: settings.memory_bytes,
        segment_bytes: settings.segment_bytes,
        statics: Arc::new(settings.statics.clone()),
        ..EngineSettings::new(settings.data_dir.clone(), settings.node_id)
    }
}

impl Start {
    /// A start that has not begun.
    pub(super) fn new(
        settings: Settings,
        wanted: Vec<Vec<SocketAddr>>,
        metrics: Vec<SocketAddr>,
        ready: impl Fn(Ready) + Send + Sync + 'static,
    ) -> Start {
        let (opened, listening) = (OnceLock::new(), AtomicUsize::new(0));
        Start { settings, wanted, metrics, opened, listening, ready: Box::new(ready) }
    }
}

/// Serves on one shard until the broker stops.
pub(super) async fn serve(shard: Rc<Shard>, start: Arc<Start>) {
    let options = Options::new(shard.statics(), shard.shards(), shard.settings().shard_memory_bytes());
    let (listeners, metrics, counting) = open(&shard, &start).await;
    let opened = start.opened.get().expect("opened by shard 0 above or before");
    let registry = Rc::new(Registry::new(options.idle_max.unwrap_or(IDLE_FOR_EVER)));
    let meters: Rc<Meters> = Rc::default();
    let budget = ReadBudget::new(options.requests_memory_bytes);
    let broker = Rc::new(Broker::new(Parts {
        shard: Rc::clone(&shard),
        endpoints: endpoints(&start.settings, &opened.addresses),
        rack: start.settings.rack.as_deref().map(Text::from),
        registry: Rc::clone(&registry),
        meters: Rc::clone(&meters),
        requests_memory: budget.clone(),
        fetch_sessions_max: options.fetch_sessions_max,
        fetch_memory_bytes: options.answers_memory_bytes,
        fetch_bytes_max: options.fetch_bytes_max,
        groups_memory_bytes: options.groups_memory_bytes,
        telemetry: options.telemetry,
    }));
    shard.attach(&broker);
    broker.groups().start();
    if let Some(counting) = counting {
        let broker = Rc::clone(&broker);
        task::spawn(counting.run(move || broker.with_layers(connection_limits)));
    }
    let shared = Shared {
        service: Rc::new(Dispatch::new(Rc::clone(&broker))),
        registry: Rc::clone(&registry),
        budget,
        request_bytes_max: options.request_bytes_max,
        meters,
    };
    let sweeping = Rc::clone(&registry);
    task::spawn(async move { sweeping.sweep().await });
    let accepting = |(entrance, listener): &(Entrance, Rc<Listener>)| {
        task::spawn(listener::accept(Rc::clone(listener), *entrance, shared.clone(), opened.quota.clone()))
    };
    let accepting: Vec<_> = listeners.iter().map(accepting).collect();
    let port = serve_metrics(&broker, &start, options.metrics, metrics);
    start.listening.fetch_add(1, Ordering::AcqRel);
    if shard.id().0 == 0 {
        conduct(&shard, &broker, &start).await;
    }
    shard.stopped().await;
    for (_, listener) in &listeners {
        listener.stop();
    }
    for accepting in accepting {
        accepting.await;
    }
    registry.stop(STOP_GRACE).await;
    if let Some(port) = port {
        port.close().await;
    }
}

/// On shard 0: opens the window into the broker, if anybody wants one.
fn serve_metrics(
    broker: &Rc<Broker>,
    start: &Arc<Start>,
    bounds: Bounds,
    listeners: Vec<Rc<Listener>>,
) -> Option<Port> {
    if listeners.is_empty() {
        return None;
    }
    let (shard, start) = (Rc::clone(broker.shard()), Arc::clone(start));
    let unready = move || {
        let (serving, shards) = (start.listening.load(Ordering::Acquire), shard.shards());
        if shard.is_stopping() {
            return Some("the broker stops".to_owned());
        }
        (serving < shards).then(|| format!("{serving} of {shards} shards serve"))
    };
    Some(Port::serve(listeners, &Rc::new(Routes::new(Rc::clone(broker), bounds, unready))))
}

/// On shard 0: says that the broker is ready when it is, and stops it when it shall.
async fn conduct(shard: &Rc<Shard>, broker: &Broker, start: &Start) {
    while start.listening.load(Ordering::Acquire) < shard.shards() {
        time::sleep(OPENING_LOOK).await;
    }
    let write_caching = |layers: &corelog_engine::config::BrokerLayers<'_>| {
        layers.value("write.caching").and_then(|value| value.as_boolean()).unwrap_or(false)
    };
    // Whoever is told that the broker is ready may ask it to end at once.
    let termination = signal::termination();
    (start.ready)(Ready {
        addresses: start.opened.get().map(|opened| opened.addresses.clone()).unwrap_or_default(),
        metrics: start.opened.get().map(|opened| opened.metrics.clone()).unwrap_or_default(),
        cluster_id: broker.image().cluster_id().to_string(),
        write_caching: broker.with_layers(write_caching),
    });
    // The engine may be stopped by other means than a signal.
    if let Either::Left(_) = select(pin!(termination), pin!(shard.stopped())).await {
        tracing::info!("stopping: no more connections, requests in flight are finished, logs are synced");
        shard.stop().await;
    }
}

/// Opens this shard's listeners. What cannot be opened ends the process. Shard 0 counts the connections of all, and has the metrics port.
async fn open(shard: &Rc<Shard>, start: &Start) -> (Listeners, Vec<Rc<Listener>>, Option<Counting>) {
    if shard.id().0 == 0 {
        let (addresses, mut listeners) = listen(&start.wanted, false);
        let metrics = listen_for_metrics(start);
        let (quota, counting) = quota::quota();
        listeners.extend(listen_directly(shard, start, &addresses));
        let opened =
            Opened { addresses, metrics: metrics.iter().map(|listener| listener.local_addr()).collect(), quota };
        let is_first = start.opened.set(opened).is_ok();
        assert!(is_first, "shard 0 opens the listeners once");
        return (listeners, metrics, Some(counting));
    }
    let opened = loop {
        match start.opened.get() {
            Some(opened) => break opened,
            None => time::sleep(OPENING_LOOK).await,
        }
    };
    let (_, mut listeners) = listen(&opened.addresses, false);
    listeners.extend(listen_directly(shard, start, &opened.addresses));
    (listeners, Vec::new(), None)
}

/// Opens the shard's own ports, if shards have any: as far behind those of the listeners as the settings say.
fn listen_directly(shard: &Shard, start: &Start, addresses: &[Vec<SocketAddr>]) -> Listeners {
    let Some(offset) = start.settings.direct_port_offset else { return Vec::new() };
    let own = |mut address: SocketAddr| {
        let Some(port) = start.settings.direct_port(address.port(), shard.id().0.into()) else {
            let message = format_args!("shard {} has no port: {offset} behind {address} is beyond 65535", shard.id().0);
            fatal::exit(fatal::Reason::of_start_error(&io::ErrorKind::InvalidInput.into()), message);
        };
        address.set_port(port);
        address
    };
    let wanted: Vec<Vec<_>> = addresses.iter().map(|all| all.iter().copied().map(own).collect()).collect();
    listen(&wanted, true).1
}

/// Opens the metrics port. What nobody asked for gives way if somebody was faster.
fn listen_for_metrics(start: &Start) -> Vec<Rc<Listener>> {
    let gives_way = start.settings.metrics.as_ref().is_some_and(|port| port.is_default);
    let bound: io::Result<Vec<Listener>> = start.metrics.iter().map(|address| Listener::bind(*address)).collect();
    match bound {
        Ok(listeners) => listeners.into_iter().map(Rc::new).collect(),
        Err(error) if gives_way => {
            tracing::warn!("metrics are not served: {error}");
            Vec::new()
        }
        Err(error) => {
            let reason = fatal::Reason::of_start_error(&error);
            fatal::exit(reason, format_args!("cannot listen for metrics: {error}"));
        }
    }
}

/// Opens all listeners; says on which addresses.
fn listen(wanted: &[Vec<SocketAddr>], is_direct: bool) -> (Vec<Vec<SocketAddr>>, Listeners) {
    let mut listeners = Vec::new();
    let mut all = Vec::new();
    for (listener, addresses) in wanted.iter().enumerate() {
        let entrance = Entrance { listener, is_direct };
        let mut bound: Vec<SocketAddr> = Vec::new();
        for address in addresses {
            let mut address = *address;
            if address.port() == 0 {
                // A name with several addresses has one port on all of them.
                address.set_port(bound.first().map_or(0, SocketAddr::port));
            }
            match Listener::bind(address) {
                Ok(listener) => {
                    bound.push(listener.local_addr());
                    listeners.push((entrance, Rc::new(listener)));
                }
                Err(error) => {
                    let reason = fatal::Reason::of_start_error(&error);
                    fatal::exit(reason, format_args!("cannot listen on {address}: {error}"));
                }
            }
        }
        all.push(bound);
    }
    (all, listeners)
}

fn endpoints(settings: &Settings, addresses: &[Vec<SocketAddr>]) -> Endpoints {
    let told = |(listener, addresses): (&crate::config::settings::Listener, &Vec<SocketAddr>)| {
        let bound = addresses.first().map_or(0, SocketAddr::port);
        let port = if listener.advertised_port == 0 { bound } else { listener.advertised_port };
        let name = Text::from(listener.bind.name.as_str());
        Endpoint { name, host: Text::from(listener.advertised_host.as_str()), port: i32::from(port) }
    };
    let listeners = settings.listeners.iter().zip(addresses).map(told).collect();
    match settings.direct_port_offset {
        None => Endpoints::shared(settings.node_id, listeners),
        Some(offset) => Endpoints::direct(settings.node_id, listeners, settings.shards, offset),
    }
}
