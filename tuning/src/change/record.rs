//! What was changed on this host, and what it was before: the file that `undo` reads.
//!
//! Written before each change, as a whole and synced, so that a crash between the two leaves one entry too many and never one
//! too few. Its paths are checked when it is read: it tells a privileged process what to write.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::keep::SnippetFile;

/// Where it lies when nobody says where.
pub const RECORD_DEFAULT: &str = "/var/lib/corelog/tune-undo.json";
/// Version of its layout.
const FORMAT: u32 = 1;
/// What a change may touch beside the files of [`SnippetFile`].
const KERNEL_PLACES: [&str; 3] = ["/proc/sys/", "/proc/irq/", "/sys/"];
/// The most that is read, in bytes.
const BYTES_MAX: u64 = 8 << 20;

/// One file that was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Name of the tunable.
    pub tunable: String,
    /// The file.
    pub path: String,
    /// What it held; none if it was not there.
    pub before: Option<String>,
    /// What was written.
    pub after: String,
}

impl Entry {
    /// Whether it is a value of the kernel rather than a file of ours.
    pub fn is_of_kernel(&self) -> bool {
        KERNEL_PLACES.iter().any(|place| self.path.starts_with(place))
    }

    fn is_allowed(&self) -> bool {
        let is_ours = SnippetFile::ALL.iter().any(|file| file.path() == self.path);
        let is_plain = !self.path.split('/').any(|part| part == "..");
        is_plain && (is_ours || (self.is_of_kernel() && self.before.is_some()))
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    format: u32,
    entries: Vec<Entry>,
}

/// The record of this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    path: PathBuf,
    /// What was changed, oldest first; one entry a file.
    pub entries: Vec<Entry>,
}

impl Record {
    /// Reads the record at `path`; nothing was changed where there is none.
    pub fn load(path: &Path) -> io::Result<Self> {
        let file = match std::fs::OpenOptions::new().read(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { path: path.to_owned(), entries: Vec::new() });
            }
            Err(error) => return Err(error),
        };
        let stored: Stored = serde_json::from_reader(io::Read::take(file, BYTES_MAX))?;
        if stored.format != FORMAT {
            let message = format!("it has format {}, this version reads {FORMAT}", stored.format);
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        if let Some(entry) = stored.entries.iter().find(|entry| !entry.is_allowed()) {
            let message = format!("it names {}, which is nothing that the tuner changes", entry.path);
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        Ok(Self { path: path.to_owned(), entries: stored.entries })
    }

    /// Remembers a change that is about to be made. What was there before the first change of a file stays what it was.
    pub fn add(&mut self, entry: Entry) -> io::Result<()> {
        match self.entries.iter_mut().find(|known| known.path == entry.path) {
            Some(known) => known.after = entry.after,
            None => self.entries.push(entry),
        }
        self.store()
    }

    /// Forgets a change that was taken back.
    pub fn forget(&mut self, path: &str) -> io::Result<()> {
        self.entries.retain(|entry| entry.path != path);
        self.store()
    }

    fn store(&self) -> io::Result<()> {
        if self.entries.is_empty() {
            return remove(&self.path);
        }
        if let Some(dir) = self.path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
            std::fs::create_dir_all(dir)?;
        }
        let unfinished = self.path.with_extension("unfinished");
        let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).open(&unfinished)?;
        serde_json::to_writer_pretty(&mut file, &Stored { format: FORMAT, entries: self.entries.clone() })?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        rename(&unfinished, &self.path)
    }
}

#[expect(clippy::disallowed_methods, reason = "a small file of a tool, which has no shard")]
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)
}

#[expect(clippy::disallowed_methods, reason = "a small file of a tool, which has no shard")]
fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, before: &str, after: &str) -> Entry {
        let tunable = "swappiness".to_owned();
        Entry { tunable, path: path.to_owned(), before: Some(before.to_owned()), after: after.to_owned() }
    }

    #[test]
    fn the_first_value_is_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/undo.json");
        let mut record = Record::load(&path).unwrap();
        record.add(entry("/proc/sys/vm/swappiness", "60", "10")).unwrap();
        record.add(entry("/proc/sys/vm/swappiness", "10", "1")).unwrap();
        let mut again = Record::load(&path).unwrap();
        assert_eq!(again.entries, [entry("/proc/sys/vm/swappiness", "60", "1")]);
        again.forget("/proc/sys/vm/swappiness").unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_record_that_names_other_files_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("undo.json");
        for bad in ["/etc/passwd", "/sys/../etc/passwd", "/proc/self/mem", "relative"] {
            let stored = Stored { format: FORMAT, entries: vec![entry(bad, "x", "y")] };
            let file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).open(&path).unwrap();
            serde_json::to_writer(file, &stored).unwrap();
            assert_eq!(Record::load(&path).unwrap_err().kind(), io::ErrorKind::InvalidData, "{bad}");
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a damaged file for a test")]
    fn a_damaged_record_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("undo.json");
        for bad in ["", "{", "[]", "{\"format\":2,\"entries\":[]}"] {
            std::fs::write(&path, bad).unwrap();
            assert!(Record::load(&path).is_err(), "{bad}");
        }
    }
}
