//! What a broker says once it serves: where, with which durability, with how much of the machine.
//!
//! Pure text; written once by `start::run`, when every shard is ready.

use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;

use corelog_tuning::check::bytes_text;
use corelog_tuning::cpu_list;

use super::preflight::Disk;
use crate::cli::tune::probe::settings_text;
use crate::config::endpoint::host_and_port;
use crate::config::error::Origin;
use crate::config::settings::{DATA_DIR_DEFAULT, LISTENERS_DEFAULT, Settings};

/// What is known once the broker serves.
#[derive(Debug)]
pub struct Facts<'a> {
    /// What was asked for.
    pub settings: &'a Settings,
    /// The data directory, absolute.
    pub data_dir: &'a Path,
    /// Bytes free there.
    pub free_bytes: u64,
    /// How the disk is used.
    pub disk: &'a Disk,
    /// The addresses of each listener, in the order of the settings, with the ports that the system chose.
    pub addresses: &'a [Vec<SocketAddr>],
    /// The addresses on which metrics are served.
    pub metrics: &'a [SocketAddr],
    /// Why they are not served where they are by default.
    pub metrics_gave_way: Option<&'a str>,
    /// The cpu of each shard; empty if the shards are not pinned.
    pub cpus: &'a [usize],
    /// The cluster's id.
    pub cluster_id: &'a str,
    /// Whether acks=all waits for the write alone on topics that do not say otherwise.
    pub write_caching: bool,
    /// Time from the start of the process to here.
    pub start_ms: u128,
}

/// The banner, with a newline at its end; coloured if `color`.
pub fn text(facts: &Facts<'_>, color: bool) -> String {
    let settings = facts.settings;
    let (bold, dim, off) = if color { ("\u{1b}[1;36m", "\u{1b}[2m", "\u{1b}[0m") } else { ("", "", "") };
    let mut out =
        format!("\n  {bold}corelog {}{off} is ready after {} ms\n\n", env!("CARGO_PKG_VERSION"), facts.start_ms);
    let mut row = |name: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "  {dim}{name:<11}{off} {value}");
    };
    for (listener, addresses) in settings.listeners.iter().zip(facts.addresses) {
        let bound = addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
        let port_bound = addresses.first().map_or(0, SocketAddr::port);
        let port = if listener.advertised_port == 0 { port_bound } else { listener.advertised_port };
        let told = host_and_port(&listener.advertised_host, port);
        row("listening", &format!("{} on {bound}, clients are told {told}", listener.bind.name));
    }
    if let Some(offset) = settings.direct_port_offset {
        row("direct", &format!("each shard is a broker to clients, on ports {offset} and its number behind those"));
    }
    row("metrics", &metrics(facts));
    row("durability", durability(facts.write_caching));
    row("shards", &format!("{}{}", settings.shards, pinned(facts.cpus)));
    row("memory", &format!("at most {}", bytes_text(settings.memory_bytes)));
    row("data", &format!("{}, {} free", facts.data_dir.display(), bytes_text(facts.free_bytes)));
    let how = if facts.disk.is_measured { "measured" } else { "not measured" };
    row("disk", &format!("{}; {how}", settings_text(&facts.disk.settings)));
    row("cluster", &format!("{}, node {}", facts.cluster_id, settings.node_id));
    row("process", &std::process::id().to_string());
    for hint in hints(settings) {
        let _ = writeln!(out, "\n  {dim}{hint}{off}");
    }
    out.push('\n');
    out
}

fn metrics(facts: &Facts<'_>) -> String {
    match (facts.metrics, facts.metrics_gave_way) {
        ([], Some(why)) => format!("not served: {why}; choose with --set corelog.metrics.listen=localhost:PORT"),
        ([], None) => "not served".to_owned(),
        (addresses, _) => {
            let urls: Vec<String> = addresses.iter().map(|address| format!("http://{address}/metrics")).collect();
            format!("{}, beside it /health and /ready", urls.join(" and "))
        }
    }
}

fn durability(write_caching: bool) -> &'static str {
    if write_caching {
        "write caching is on: acks=all and acks=1 are answered once written (survive a killed process), acks=0 not at all"
    } else {
        "acks=all is answered once synced to the device (survives power loss), acks=1 once written, acks=0 not at all"
    }
}

fn pinned(cpus: &[usize]) -> String {
    match cpus {
        [] => ", not pinned: there are fewer cpus than shards".to_owned(),
        [cpu] => format!(", pinned to cpu {cpu}"),
        cpus => format!(", pinned to cpus {}", cpu_list::text(cpus)),
    }
}

fn hints(settings: &Settings) -> Vec<String> {
    let mut hints = Vec::new();
    if settings.data_dir_origin == Origin::Default {
        hints.push(format!("nobody said where the data goes, so it is in {DATA_DIR_DEFAULT}; choose with --data DIR"));
    }
    if settings.listeners.iter().any(|listener| listener.bind.to_string() == LISTENERS_DEFAULT) {
        hints.push("only this host can connect; open it with --listen :9092".to_owned());
    }
    hints
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::layers::Layers;
    use crate::config::settings::Host;

    fn banner(sets: &[&str], cpus: &[usize], write_caching: bool) -> String {
        let mut layers = Layers::new();
        for set in sets {
            layers.add_set(set).unwrap();
        }
        let host = Host { cores: 2, memory_bytes: 4 << 30, name: "box".to_owned() };
        let settings = Settings::new(&layers, &host).unwrap();
        let facts = Facts {
            settings: &settings,
            data_dir: Path::new("/data"),
            free_bytes: 3 << 30,
            disk: &Disk { settings: corelog_tuning::probe::choose::Settings::default(), is_measured: true },
            metrics: &["127.0.0.1:9644".parse().unwrap()],
            metrics_gave_way: None,
            addresses: &[vec!["127.0.0.1:9092".parse().unwrap(), "[::1]:9092".parse().unwrap()]],
            cpus,
            cluster_id: "AAAAAAAAAAAAAAAAAAAAAA",
            write_caching,
            start_ms: 12,
        };
        text(&facts, false)
    }

    #[test]
    fn the_banner_says_everything() {
        let text = banner(&[], &[0, 1], false);
        for part in [
            "is ready after 12 ms",
            "PLAINTEXT on 127.0.0.1:9092 and [::1]:9092, clients are told localhost:9092",
            "http://127.0.0.1:9644/metrics, beside it /health and /ready",
            "acks=all is answered once synced to the device",
            "2, pinned to cpus 0-1",
            "at most 1 GiB",
            "/data, 3 GiB free",
            "O_DSYNC, commits up to 1 MiB, 4 at once, reads of 256 KiB, 2 read ahead (the defaults); measured",
            "AAAAAAAAAAAAAAAAAAAAAA, node 1",
            "choose with --data DIR",
            "only this host can connect",
        ] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
    }

    #[test]
    fn what_was_chosen_needs_no_hint_and_caching_is_told() {
        let text = banner(&["log.dirs=/data", "listeners=PLAINTEXT://:9092"], &[], true);
        assert!(!text.contains("choose with") && !text.contains("only this host"), "{text}");
        assert!(text.contains("write caching is on") && text.contains("not pinned"), "{text}");
    }

    #[test]
    fn cpus_are_joined_to_ranges() {
        assert_eq!(cpu_list::text(&[0, 1, 2, 5, 4, 7]), "0-2,5,4,7");
    }
}
