//! The course of a start: settings, checks, shards, and the way out.
//!
//! Runs on the first thread of the process, which waits for the shards; called by `cli::entry`.

use std::io::Write;
use std::path::Path;

use corelog_engine::shard::BootError;
use corelog_rt::{runtime, time};
use corelog_tuning::memory;
use corelog_tuning::root::Root;

use super::preflight::MetricsAddresses;
use super::{banner, preflight, refusal};
use crate::broker::{self, Ready};
use crate::cli::arguments::StartArguments;
use crate::cli::failure::Failure;
use crate::cli::logging::Logs;
use crate::config::endpoint::parse_host_and_port;
use crate::config::error::{ConfigError, Origin};
use crate::config::layers::{ENVIRONMENT_PREFIX, Layers};
use crate::config::settings::{Host, Settings};

/// Starts a broker and returns once it has stopped in good order.
pub fn run(arguments: &StartArguments, logs: &Logs) -> Result<(), Failure> {
    let started_ms = time::unix_ms();
    let mut settings = settings(arguments)?;
    for note in &settings.notes {
        tracing::info!("{note}");
    }
    let (shards, cpus) = (settings.shards, settings.cpus.clone());
    let config = runtime::Config { shards, cpus, spin_before_park: settings.spin, ..Default::default() };
    let host = preflight::check(&settings, config.io_memory_bytes as u64)?;
    settings.data_dir.clone_from(&host.data_dir);
    settings.disk = host.disk.settings;
    let dir = host.data_dir.clone();
    let (told, writer, color) = (settings.clone(), logs.writer.clone(), logs.color);
    let cpus = pinned(&config);
    let preflight::Host { data_dir, free_bytes, addresses, metrics, disk } = host;
    let metrics_wanted = match &metrics {
        MetricsAddresses::Served(addresses) => addresses.clone(),
        MetricsAddresses::Off | MetricsAddresses::GaveWay(_) => Vec::new(),
    };
    let announce = move |ready: Ready| {
        let facts = banner::Facts {
            settings: &told,
            data_dir: &data_dir,
            free_bytes,
            disk: &disk,
            addresses: &ready.addresses,
            metrics: &ready.metrics,
            metrics_gave_way: match &metrics {
                MetricsAddresses::GaveWay(why) => Some(why),
                MetricsAddresses::Served(_) | MetricsAddresses::Off => None,
            },
            cpus: &cpus,
            cluster_id: &ready.cluster_id,
            write_caching: ready.write_caching,
            start_ms: u128::try_from(time::unix_ms() - started_ms).unwrap_or(0),
        };
        // A terminal that is gone needs no banner.
        let _ = writer.clone().write_all(banner::text(&facts, color).as_bytes());
    };
    let explain = |error: &BootError, data_dir: &Path| refusal::of_boot(error, data_dir).to_string();
    broker::run(settings, addresses, metrics_wanted, &config, announce, explain)
        .map_err(|error| refusal::of_boot(&error, &dir))
}

/// The cpu of each shard; none if there are fewer cpus than shards.
fn pinned(config: &runtime::Config) -> Vec<usize> {
    let mut cpus = config.cpus.clone().unwrap_or_else(runtime::available_cpus);
    if cpus.len() < config.shards {
        return Vec::new();
    }
    cpus.truncate(config.shards);
    cpus
}

fn settings(arguments: &StartArguments) -> Result<Settings, Failure> {
    let layers = layers(arguments, environment())?;
    let cores = runtime::available_cpus().len().max(1);
    let root = Root::real();
    let host = Host { cores, memory_bytes: memory::available_bytes(&root), name: memory::host_name(&root) };
    Ok(Settings::new(&layers, &host)?)
}

/// The variables that may be settings; others need not be text.
fn environment() -> Vec<(String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())))
        .filter(|(name, _)| name.starts_with(ENVIRONMENT_PREFIX))
        .collect()
}

fn layers(arguments: &StartArguments, environment: Vec<(String, String)>) -> Result<Layers, ConfigError> {
    let mut layers = Layers::new();
    if let Some(file) = &arguments.config {
        layers.add_file(file)?;
    }
    layers.add_environment(environment)?;
    for set in &arguments.sets {
        layers.add_set(set)?;
    }
    if let Some(dir) = &arguments.data {
        layers.add_flag("--data", "log.dirs", &dir.to_string_lossy())?;
    }
    if let Some(listen) = &arguments.listen {
        layers.add_flag("--listen", "listeners", &listener(listen)?)?;
    }
    Ok(layers)
}

/// `ADDR:PORT` as a listener; a full `NAME://host:port` is taken as it is.
fn listener(listen: &str) -> Result<String, ConfigError> {
    if listen.contains("://") {
        return Ok(listen.to_owned());
    }
    parse_host_and_port(listen).map_err(|error| ConfigError::BadValue {
        name: "listeners".to_owned(),
        value: listen.to_owned(),
        why: format!("{error}; expected ADDR:PORT, e.g. localhost:9092, 0.0.0.0:9092, [::1]:9092 or :9092"),
        origin: Origin::Flag("--listen"),
    })?;
    Ok(format!("PLAINTEXT://{listen}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_stand_for_settings() {
        let arguments = StartArguments {
            config: None,
            sets: vec!["log.dirs=/set".to_owned(), "node.id=3".to_owned()],
            data: Some("/flag".into()),
            listen: Some("[::1]:0".to_owned()),
        };
        let layers = layers(&arguments, vec![("CORELOG_NODE_ID".to_owned(), "4".to_owned())]).unwrap();
        let text = |name: &str| layers.get(name).unwrap().text.clone();
        assert_eq!(text("log.dirs"), "/flag");
        assert_eq!(text("node.id"), "3");
        assert_eq!(text("listeners"), "PLAINTEXT://[::1]:0");
    }

    #[test]
    fn a_listen_without_a_port_is_refused() {
        let error = listener("localhost").unwrap_err().to_string();
        assert!(error.contains("(--listen)") && error.contains("expected ADDR:PORT"), "{error}");
        assert_eq!(listener("IN://x:1").unwrap(), "IN://x:1");
    }
}
