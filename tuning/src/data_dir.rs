//! The data directory: there, or made; a directory; ours to write.
//!
//! Blocking; called before any shard exists.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Makes `dir` and what is missing above it. Returns its absolute path without links.
pub fn create(dir: &Path) -> io::Result<PathBuf> {
    std::fs::create_dir_all(dir)?;
    dir.canonicalize()
}

/// Replaces a small file as a whole: after a crash it holds the old bytes or the new.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().map(std::ffi::OsStr::to_os_string).unwrap_or_default();
    name.push(corelog_rt::dir::TEMPORARY_SUFFIX);
    let unfinished = path.with_file_name(name);
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    rename(&unfinished, path)
}

#[expect(clippy::disallowed_methods, reason = "before any shard exists, or in a tool that has none")]
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_parents_are_made() {
        let parent = tempfile::tempdir().unwrap();
        let dir = create(&parent.path().join("a/b")).unwrap();
        assert!(dir.is_dir());
        assert_eq!(create(&dir).unwrap(), dir);
    }

    #[test]
    fn a_file_in_the_way_is_an_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(create(file.path()).is_err());
        assert!(create(&file.path().join("below")).is_err());
    }
}
