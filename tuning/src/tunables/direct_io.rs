//! Direct I/O on the file system of the data directory.
//!
//! Asks twice: file systems in memory take the flag and ignore it, others refuse the flag or the write.

use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use corelog_rt::fatal::Reason;

use crate::check::{About, Check, Tunable, Verdict};
use crate::host::Host;
use crate::root::Obstacle;

static ABOUT: About = About {
    name: "direct-io",
    why: "the broker writes past the kernel's cache; not every file system lets it",
    effect: "the broker starts",
};
/// Size and alignment of the block that is tried.
const BLOCK_BYTES: usize = 4096;
/// Name of the file that is tried; removed at once.
const PROBE_FILE: &str = ".direct-io-probe";
/// File systems that keep everything in memory, by the magic number of statfs(2).
const IN_MEMORY: [(i64, &str); 2] = [(0x0102_1994, "tmpfs"), (0x8584_58f6, "ramfs")];

/// The tunable.
pub const TUNABLE: Tunable = Tunable { about: &ABOUT, look };

fn look(host: &Host) -> Result<Check, Obstacle> {
    let dir = host.data_dir()?;
    check(dir).map_err(|error| match error.kind() {
        io::ErrorKind::ReadOnlyFilesystem => {
            Obstacle::NotHere(format!("{} is on a read-only file system", dir.display()))
        }
        _ => Obstacle::of_io(&dir.to_string_lossy(), &error),
    })
}

/// Tries a direct write and sync in `dir`. An error is one of the directory, not of direct I/O: no permission, say.
pub fn check(dir: &Path) -> io::Result<Check> {
    let kind = rustix::fs::statfs(dir)?.f_type;
    if let Some((_, name)) = IN_MEMORY.iter().find(|(magic, _)| *magic == kind) {
        return Ok(refused(format!("{} is on {name}, which keeps files in memory", dir.display())));
    }
    match probe(dir) {
        Ok(()) => Ok(Check::good(&ABOUT, "supported".to_owned(), "supported".to_owned())),
        Err(error) if is_refusal(&error) => {
            Ok(refused(format!("the file system of {} refuses it ({error})", dir.display())))
        }
        Err(error) => Err(error),
    }
}

fn is_refusal(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EOPNOTSUPP))
}

fn refused(current: String) -> Check {
    Check::new(&ABOUT, Verdict::Refused(Reason::NoDirectIo), current, "a file system with direct I/O")
        .advise("take a directory on XFS (best) or ext4: --data DIR")
}

fn probe(dir: &Path) -> io::Result<()> {
    let path = dir.join(PROBE_FILE);
    let result = write_block(&path);
    #[expect(clippy::disallowed_methods, reason = "the probe runs before any shard exists")]
    let removed = std::fs::remove_file(&path);
    result.and(removed)
}

fn write_block(path: &Path) -> io::Result<()> {
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).custom_flags(libc::O_DIRECT).open(path)?;
    let memory = vec![0_u8; 2 * BLOCK_BYTES];
    let start = memory.as_ptr().align_offset(BLOCK_BYTES);
    let block = memory.get(start..start + BLOCK_BYTES).ok_or_else(|| io::Error::from(io::ErrorKind::OutOfMemory))?;
    file.write_all(block)?;
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_file_systems_are_refused() {
        let dir = tempfile::tempdir_in("/dev/shm").unwrap();
        let check = check(dir.path()).unwrap();
        assert_eq!(check.verdict, Verdict::Refused(Reason::NoDirectIo));
        assert!(check.current.contains("tmpfs"), "{}", check.current);
    }

    #[test]
    fn the_probe_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        check(dir.path()).unwrap();
        assert_eq!(dir.path().read_dir().unwrap().count(), 0);
    }

    #[test]
    fn a_missing_directory_is_an_error() {
        assert!(check(Path::new("/no/such/directory")).is_err());
    }
}
