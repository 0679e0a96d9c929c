//! What a benchmark's result should know about the host and the disk that it was taken on.
//!
//! Small enough to lie in every result. Called by tools outside a broker.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::host::Host;
use crate::probe::choose::{Flush, Knee, Settings};
use crate::probe::properties::{Device, Properties};
use crate::tunables::list;

/// The most open files of a process that are looked at.
const DESCRIPTORS_MAX: usize = 4096;

/// What is known of a host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Whether anything is wrong.
    pub wrong: bool,
    /// Every check by its name.
    pub checks: BTreeMap<String, Found>,
    /// The disk of the broker's data; none if it was not measured, or if nobody knows where the data is.
    pub disk: Option<DiskFacts>,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The verdict's word.
    pub verdict: String,
    /// What is there.
    pub current: String,
}

/// What the probe found, without each measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DiskFacts {
    /// When it was measured, in milliseconds since 1970.
    pub measured_ms: i64,
    /// The disk.
    pub device: Device,
    /// How the broker uses it.
    pub settings: Settings,
    /// What a sync seems to do.
    pub flush: Option<Flush>,
    /// The knee of throughput against latency.
    pub knee: Option<Knee>,
}

impl Facts {
    /// Looks at this host, with the data of a broker in `data_dir`.
    pub fn here(data_dir: Option<&Path>) -> Self {
        let host = Host::here(data_dir, None);
        let checks = list::check_all(&host);
        let disk = Properties::load(&host).ok().map(|properties| DiskFacts {
            measured_ms: properties.measured_ms,
            device: properties.device,
            settings: properties.settings,
            flush: properties.flush,
            knee: properties.knee,
        });
        let found = |check: &crate::check::Check| Found {
            verdict: check.verdict.word().to_owned(),
            current: check.current.clone(),
        };
        Self {
            wrong: checks.iter().any(|check| check.verdict.is_wrong()),
            checks: checks.iter().map(|check| (check.about.name.to_owned(), found(check))).collect(),
            disk,
        }
    }
}

/// The data directory of a broker of ours that runs, found by the segments that it has open; none if it is no such broker, or
/// somebody else's.
pub fn data_dir_of(pid: u32) -> Option<PathBuf> {
    let descriptors = Path::new("/proc").join(pid.to_string()).join("fd").read_dir().ok()?;
    descriptors.take(DESCRIPTORS_MAX).find_map(|entry| {
        let file = entry.ok()?.path().read_link().ok()?;
        let is_segment = file.extension().is_some_and(|extension| extension == "segment");
        if is_segment { file.parent()?.parent().map(Path::to_owned) } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_come_back_as_they_were_stored() {
        let facts = Facts::here(None);
        let text = serde_json::to_string(&facts).unwrap();
        assert_eq!(serde_json::from_str::<Facts>(&text).unwrap(), facts);
        assert_eq!(facts.checks.len(), list::ALL.len());
        assert!(text.len() < 8192, "{}", text.len());
    }

    #[test]
    fn the_data_directory_of_a_process_is_found_by_its_segments() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(data_dir_of(u32::MAX), None);
        let log = dir.path().join("log-0");
        crate::data_dir::create(&log).unwrap();
        let path = log.join("1.segment");
        let _open = std::fs::OpenOptions::new().write(true).create_new(true).open(path).unwrap();
        assert_eq!(data_dir_of(std::process::id()), Some(dir.path().canonicalize().unwrap()));
    }
}
