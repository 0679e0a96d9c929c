//! What a look at the host is told: where the kernel's files lie, which disk and which cores the broker will use.
//!
//! Built once by the tool that looks.

use std::path::{Path, PathBuf};

use corelog_rt::runtime;

use crate::root::{Obstacle, Root};

/// What a look at the host is told.
#[derive(Debug, Clone)]
pub struct Host {
    /// Where the kernel's files lie.
    pub root: Root,
    /// An existing directory on the file system that holds the data; none if nobody knows where it will be.
    pub data_dir: Option<PathBuf>,
    /// Major and minor number of the device of that file system.
    pub device: Option<(u32, u32)>,
    /// Cores of the shards, in their order; at least one.
    pub cpus: Vec<usize>,
}

impl Host {
    /// This host, with data in `data_dir` or, where that does not exist yet, in the nearest directory above it.
    pub fn here(data_dir: Option<&Path>, cpus: Option<Vec<usize>>) -> Self {
        let data_dir = data_dir.and_then(existing);
        let device = data_dir.as_deref().and_then(|dir| {
            let device = rustix::fs::stat(dir).ok()?.st_dev;
            Some((rustix::fs::major(device), rustix::fs::minor(device)))
        });
        let cpus = cpus.filter(|cpus| !cpus.is_empty()).unwrap_or_else(runtime::available_cpus);
        Self { root: Root::real(), data_dir, device, cpus: if cpus.is_empty() { vec![0] } else { cpus } }
    }

    /// The directory that holds the data, or will.
    pub fn data_dir(&self) -> Result<&Path, Obstacle> {
        self.data_dir.as_deref().ok_or_else(|| Obstacle::NotHere("no data directory was named".to_owned()))
    }
}

/// The nearest directory at or above `dir` that exists, absolute.
fn existing(dir: &Path) -> Option<PathBuf> {
    let dir = std::path::absolute(dir).ok()?;
    dir.ancestors().find(|dir| dir.is_dir()).map(Path::to_owned)
}

#[cfg(test)]
impl Host {
    /// A host of a test: a tree of files, two cores, one disk of number 8:0.
    pub(crate) fn at(tree: &crate::root::tree::Tree) -> Host {
        Host { root: tree.root(), data_dir: None, device: Some((8, 0)), cpus: vec![0, 1] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_to_come_lies_on_the_disk_above_it() {
        let dir = tempfile::tempdir().unwrap();
        let host = Host::here(Some(&dir.path().join("not/yet")), None);
        assert_eq!(host.data_dir.as_deref(), Some(dir.path()));
        assert!(host.device.is_some() && !host.cpus.is_empty());
        assert!(Host::here(None, Some(Vec::new())).data_dir().is_err());
    }
}
