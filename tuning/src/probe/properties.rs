//! `io-properties.toml`: what the probe found, beside the data that it is about.
//!
//! Written by `corelog tune probe`, read by `corelog start`, shown by `corelog tune report`. A person may have changed it, or copied it
//! from another host: every setting is checked against its bounds, and the disk against the one that was measured.

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::choose::{Flush, Knee, Settings};
use super::others::OTHERS_CORES_MAX;
use super::sample::Sample;
use crate::disk;
use crate::host::Host;
use crate::root::{Obstacle, Root};

/// The file's name in the data directory.
pub const PROPERTIES_FILE: &str = "io-properties.toml";
/// Version of its layout.
const FORMAT: u32 = 1;
/// How it opens.
const OPENING: &str = "# Measured by `corelog tune probe`, read by `corelog start`. Change [settings] as you like; remove the file to\n\
# go back to the defaults.\n\n";
/// The least and the most bytes of a commit, as the log takes them.
const COMMIT_BYTES: std::ops::RangeInclusive<usize> = 64 << 10..=16 << 20;
/// The most writes in flight.
const WRITES_MAX: usize = 64;
/// The least and the most bytes of a block.
const BLOCK_BYTES: std::ops::RangeInclusive<usize> = 4 << 10..=8 << 20;
/// The most blocks read ahead.
const AHEAD_MAX: usize = 4;

/// What the probe found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Properties {
    /// [`FORMAT`].
    pub format: u32,
    /// Version of the tool that measured.
    pub version: String,
    /// When, in milliseconds since 1970.
    pub measured_ms: i64,
    /// Name of the host.
    pub host: String,
    /// The kernel's release.
    pub kernel: String,
    /// Cores that other processes used meanwhile, on average; none if that is not known.
    pub others_cores: Option<f64>,
    /// How a broker uses the disk.
    pub settings: Settings,
    /// The disk that was measured.
    pub device: Device,
    /// What a sync seems to do.
    pub flush: Option<Flush>,
    /// The knee of throughput against latency.
    pub knee: Option<Knee>,
    /// Everything that was measured.
    pub samples: Vec<Sample>,
}

/// A disk, told apart from others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// What the kernel derives from the file system's own id, as 16 hexadecimal digits.
    pub file_system: String,
    /// Bytes of all its disks together; 0 if they do not say.
    pub bytes: u64,
    /// Names and models of the disks, for people.
    pub disks: Vec<String>,
}

/// Why properties cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// Nobody has measured here.
    #[error("the disk was not measured")]
    Missing,
    /// The file cannot be read.
    #[error("{0}")]
    Unreadable(Obstacle),
    /// The file makes no sense, for this reason.
    #[error("{}: {why}", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Another disk was measured.
    #[error("{} is about another disk ({measured}, this is {here})", file.display())]
    Stale {
        /// The file.
        file: PathBuf,
        /// The disk that was measured.
        measured: String,
        /// The disk that holds the data.
        here: String,
    },
}

impl Device {
    /// The disk below the data directory of `host`.
    pub fn of(host: &Host) -> Result<Self, Obstacle> {
        let dir = host.data_dir()?;
        let id = disk::file_system_id(dir).ok_or_else(|| Obstacle::NotHere("the file system has no id".to_owned()))?;
        let mut device = Self { file_system: format!("{id:016x}"), bytes: 0, disks: Vec::new() };
        // A file system without a disk of its own has an id all the same.
        for name in disk::names(host).unwrap_or_default() {
            let (text, bytes) = disk::describe(host, &name);
            device.bytes = device.bytes.saturating_add(bytes);
            device.disks.push(text);
        }
        Ok(device)
    }

    /// Names may change with each start of a machine; ids and sizes do not.
    fn is_same(&self, other: &Device) -> bool {
        self.file_system == other.file_system && self.bytes == other.bytes
    }

    fn text(&self) -> String {
        format!("{} {}", self.disks.join(", "), self.file_system)
    }
}

impl Properties {
    /// What was measured on `host` at `measured_ms`, with the settings that follow from it.
    pub fn new(host: &Host, samples: Vec<Sample>, measured_ms: i64) -> Result<Self, Obstacle> {
        let settings = super::choose::settings(&samples);
        let names = disk::names(host).unwrap_or_default();
        let turns = names.iter().any(|name| disk::is_rotational(host, name) && !disk::is_virtual(name));
        let mode = |name: &String| host.root.read(&disk::queue(name, "write_cache")).unwrap_or_default();
        let empties = names.iter().any(|name| mode(name) == "write back");
        Ok(Self {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            measured_ms,
            host: crate::memory::host_name(&host.root),
            kernel: host.root.read("/proc/sys/kernel/osrelease").unwrap_or_else(|_| "unknown".to_owned()),
            others_cores: None,
            settings,
            device: Device::of(host)?,
            flush: super::choose::flush(&samples, turns, empties),
            knee: super::choose::knee(&samples, settings.write_mode),
            samples,
        })
    }

    /// The file's text.
    pub fn text(&self) -> io::Result<String> {
        let body = toml::to_string(self).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        Ok(format!("{OPENING}{body}"))
    }

    /// What the data directory of `host` holds, whatever disk it is about.
    pub fn read(host: &Host) -> Result<Self, Unusable> {
        let dir = host.data_dir().map_err(Unusable::Unreadable)?;
        let file = dir.join(PROPERTIES_FILE);
        let text = match Root::real().read(&file.to_string_lossy()) {
            Ok(text) => text,
            Err(Obstacle::Missing(_)) => return Err(Unusable::Missing),
            Err(obstacle) => return Err(Unusable::Unreadable(obstacle)),
        };
        parse(&text).map_err(|why| Unusable::Damaged { file, why })
    }

    /// What the data directory of `host` holds about the disk that it lies on.
    pub fn load(host: &Host) -> Result<Self, Unusable> {
        let found = Self::read(host)?;
        let here = Device::of(host).map_err(Unusable::Unreadable)?;
        if found.device.is_same(&here) {
            return Ok(found);
        }
        let file = host.data_dir().map_err(Unusable::Unreadable)?.join(PROPERTIES_FILE);
        Err(Unusable::Stale { file, measured: found.device.text(), here: here.text() })
    }

    /// Others used so many cores while it was measured. With too many, what was measured is theirs too, and the defaults stay.
    pub fn shared_with(mut self, others_cores: f64) -> Self {
        self.others_cores = Some(others_cores);
        if self.disturbance().is_some() {
            self.settings = Settings::default();
            self.knee = super::choose::knee(&self.samples, self.settings.write_mode);
        }
        self
    }

    /// Why the measurement itself cannot be trusted, if it cannot.
    pub fn disturbance(&self) -> Option<String> {
        let cores = self.others_cores.filter(|cores| *cores > OTHERS_CORES_MAX)?;
        Some(format!(
            "other processes used {cores:.1} cores while it was measured, so the defaults stay; measure again when they do not"
        ))
    }

    /// Why a sync cannot be trusted, if it cannot.
    pub fn suspicion(&self) -> Option<String> {
        let flush = self.flush.filter(|flush| flush.is_implausible)?;
        Some(format!(
            "a sync takes implausibly little time: {:.0} us with it, {:.0} us without",
            flush.synced_us, flush.write_us
        ))
    }
}

fn parse(text: &str) -> Result<Properties, String> {
    let found: Properties = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    if found.format != FORMAT {
        return Err(format!("it has format {}, this version reads {FORMAT}", found.format));
    }
    let Settings { commit_bytes_max, writes_in_flight_max, read_block_bytes, read_ahead_blocks, .. } = found.settings;
    if !COMMIT_BYTES.contains(&commit_bytes_max) {
        return Err(format!("commit_bytes_max is {commit_bytes_max}, expected 65536 to 16777216"));
    }
    if writes_in_flight_max == 0 || writes_in_flight_max > WRITES_MAX {
        return Err(format!("writes_in_flight_max is {writes_in_flight_max}, expected 1 to {WRITES_MAX}"));
    }
    if !BLOCK_BYTES.contains(&read_block_bytes) || !read_block_bytes.is_multiple_of(4096) {
        return Err(format!("read_block_bytes is {read_block_bytes}, expected a multiple of 4096 up to 8388608"));
    }
    if read_ahead_blocks > AHEAD_MAX {
        return Err(format!("read_ahead_blocks is {read_ahead_blocks}, expected 0 to {AHEAD_MAX}"));
    }
    Ok(found)
}

/// What the probe of this host's data said against its syncs, if there was one.
pub fn suspicion(host: &Host) -> Option<String> {
    Properties::load(host).ok()?.suspicion()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn properties(dir: &Path) -> (Host, Properties) {
        let host = Host::here(Some(dir), None);
        let found = Properties::new(&host, Vec::new(), 1).unwrap();
        (host, found)
    }

    #[expect(clippy::disallowed_methods, reason = "a file for a test")]
    fn write(dir: &Path, text: &str) {
        std::fs::write(dir.join(PROPERTIES_FILE), text).unwrap();
    }

    #[test]
    fn what_is_written_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let (host, made) = properties(dir.path());
        assert!(matches!(Properties::load(&host), Err(Unusable::Missing)));
        write(dir.path(), &made.text().unwrap());
        assert_eq!(Properties::load(&host).unwrap(), made);
    }

    #[test]
    fn what_others_disturbed_changes_no_setting() {
        let dir = tempfile::tempdir().unwrap();
        let (_, mut made) = properties(dir.path());
        made.settings.writes_in_flight_max = 7;
        let alone = made.clone().shared_with(0.1);
        assert_eq!((alone.settings.writes_in_flight_max, alone.disturbance()), (7, None));
        let disturbed = made.shared_with(1.5);
        assert_eq!(disturbed.settings, Settings::default());
        assert!(disturbed.disturbance().unwrap().contains("1.5 cores"));
    }

    #[test]
    fn another_disk_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let (host, mut made) = properties(dir.path());
        made.device.bytes += 1;
        write(dir.path(), &made.text().unwrap());
        assert!(matches!(Properties::load(&host), Err(Unusable::Stale { .. })));
        made.device.bytes -= 1;
        made.device.disks = vec!["renamed".to_owned()];
        write(dir.path(), &made.text().unwrap());
        assert!(Properties::load(&host).is_ok());
    }

    #[test]
    fn hostile_files_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (host, made) = properties(dir.path());
        let good = made.text().unwrap();
        for (from, to) in [
            ("commit_bytes_max = 1048576", "commit_bytes_max = 99999999999"),
            ("commit_bytes_max = 1048576", "commit_bytes_max = 0"),
            ("commit_bytes_max = 1048576", "commit_bytes_max = -1"),
            ("writes_in_flight_max = 4", "writes_in_flight_max = 0"),
            ("writes_in_flight_max = 4", "writes_in_flight_max = 65"),
            ("read_block_bytes = 262144", "read_block_bytes = 262145"),
            ("read_ahead_blocks = 2", "read_ahead_blocks = 200"),
            ("write_mode = \"through\"", "write_mode = \"hope\""),
            ("format = 1", "format = 2"),
            ("[settings]", "[settings"),
        ] {
            assert!(good.contains(from), "{from}");
            write(dir.path(), &good.replace(from, to));
            assert!(matches!(Properties::load(&host), Err(Unusable::Damaged { .. })), "{to}");
        }
        write(dir.path(), "");
        assert!(matches!(Properties::load(&host), Err(Unusable::Damaged { .. })));
    }
}
