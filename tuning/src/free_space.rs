//! Free space of the data directory: enough for the first segments of every log.

use std::io;
use std::path::Path;

use corelog_rt::fatal::Reason;

use crate::check::{Check, Verdict, bytes_text};

const NAME: &str = "free space";

/// Bytes that an ordinary user can still write to the file system of `dir`.
pub fn free_bytes(dir: &Path) -> io::Result<u64> {
    let space = rustix::fs::statvfs(dir)?;
    Ok(space.f_bavail.saturating_mul(space.f_frsize))
}

/// Judges what is free against what a start writes at once.
pub fn check(dir: &Path, free_bytes: u64, wanted_bytes: u64) -> Check {
    let (current, wanted) = (bytes_text(free_bytes), bytes_text(wanted_bytes));
    if free_bytes >= wanted_bytes {
        return Check::good(NAME, current, wanted);
    }
    let how = vec![
        format!("free {} on the file system of {}", bytes_text(wanted_bytes - free_bytes), dir.display()),
        "or take another directory: --data DIR".to_owned(),
        "or fewer shards or smaller segments: --set corelog.shards=N, --set corelog.segment.bytes=N".to_owned(),
    ];
    Check { name: NAME, supported: true, current, wanted, verdict: Verdict::Refused(Reason::DiskFullAtStart), how }
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
