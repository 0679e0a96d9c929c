//! Free space of the data directory: enough for the first segments of every log.

use std::io;
use std::path::Path;

use corelog_rt::fatal::Reason;

use crate::check::{About, Check, Tunable, Verdict, bytes_text};
use crate::host::Host;
use crate::root::Obstacle;

static ABOUT: About = About {
    name: "free-space",
    why: "a log takes two segments at once when it is new; on a full disk appends are refused",
    effect: "the broker starts, and goes on taking records",
};
/// Bytes of a segment where nobody has set another size.
const SEGMENT_BYTES: u64 = 256 << 20;
/// Segments that a new log makes at once.
pub const SEGMENTS_AT_START: u64 = 2;

/// The tunable.
pub const TUNABLE: Tunable = Tunable { about: &ABOUT, look };

fn look(host: &Host) -> Result<Check, Obstacle> {
    let dir = host.data_dir()?;
    let free_bytes = free_bytes(dir).map_err(|error| Obstacle::of_io(&dir.to_string_lossy(), &error))?;
    Ok(check(dir, free_bytes, SEGMENT_BYTES * SEGMENTS_AT_START * host.cpus.len() as u64))
}

/// Bytes that an ordinary user can still write to the file system of `dir`.
pub fn free_bytes(dir: &Path) -> io::Result<u64> {
    let space = rustix::fs::statvfs(dir)?;
    Ok(space.f_bavail.saturating_mul(space.f_frsize))
}

/// Judges what is free against what a start writes at once.
pub fn check(dir: &Path, free_bytes: u64, wanted_bytes: u64) -> Check {
    let (current, wanted) = (bytes_text(free_bytes), bytes_text(wanted_bytes));
    if free_bytes >= wanted_bytes {
        return Check::good(&ABOUT, current, wanted);
    }
    Check::new(&ABOUT, Verdict::Refused(Reason::DiskFullAtStart), current, wanted)
        .advise(format!("free {} on the file system of {}", bytes_text(wanted_bytes - free_bytes), dir.display()))
        .advise("or take another directory: --data DIR")
        .advise("or fewer shards or smaller segments: --set corelog.shards=N, --set corelog.segment.bytes=N")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_is_refused() {
        let dir = Path::new("/");
        assert_eq!(check(dir, 10, 10).verdict, Verdict::Good);
        let check = check(dir, 10, 1034);
        assert_eq!(check.verdict, Verdict::Refused(Reason::DiskFullAtStart));
        assert!(check.how[0].starts_with("free 1 KiB"), "{:?}", check.how);
    }

    #[test]
    fn space_of_a_directory_is_known() {
        assert!(free_bytes(Path::new("/")).is_ok());
        assert!(free_bytes(Path::new("/no/such/directory")).is_err());
    }
}
