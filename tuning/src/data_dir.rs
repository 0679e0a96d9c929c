//! The data directory: there, or made; a directory; ours to write.
//!
//! Blocking; called before any shard exists.

use std::io;
use std::path::{Path, PathBuf};

/// Makes `dir` and what is missing above it. Returns its absolute path without links.
pub fn create(dir: &Path) -> io::Result<PathBuf> {
    std::fs::create_dir_all(dir)?;
    dir.canonicalize()
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
