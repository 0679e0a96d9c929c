//! The names of a disk, and which of them a loss of power would leave.
//!
//! Changes become durable in the order they were made, as in a journal: a sync of one directory makes durable
//! everything up to the last change in it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

/// Directories directly below it always exist.
pub(crate) const ROOT: &str = "/sim";

#[derive(Clone, Default)]
struct Tree {
    files: BTreeMap<PathBuf, u64>,
    directories: BTreeSet<PathBuf>,
}

enum Change {
    File(PathBuf, u64),
    Directory(PathBuf),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

/// The names now, and as far as they are durable.
#[derive(Default)]
pub(crate) struct Names {
    now: Tree,
    durable: Tree,
    /// What leads from `durable` to `now`.
    changes: Vec<Change>,
}

impl Tree {
    fn is_directory(&self, path: &Path) -> bool {
        let root = Path::new(ROOT);
        path == root || path == Path::new("/") || path.parent() == Some(root) || self.directories.contains(path)
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::File(path, inode) => {
                self.files.insert(path.clone(), *inode);
            }
            Change::Directory(path) => {
                self.directories.insert(path.clone());
            }
            Change::Rename(from, to) => self.rename(from, to),
            Change::Remove(path) => {
                self.files.retain(|name, _| !name.starts_with(path));
                self.directories.retain(|name| !name.starts_with(path));
            }
        }
    }

    fn rename(&mut self, from: &Path, to: &Path) {
        let moved = |name: &Path| match name.strip_prefix(from) {
            Ok(rest) if rest.as_os_str().is_empty() => to.to_owned(),
            Ok(rest) => to.join(rest),
            Err(_) => name.to_owned(),
        };
        self.files.remove(to);
        self.files = std::mem::take(&mut self.files).into_iter().map(|(name, inode)| (moved(&name), inode)).collect();
        self.directories = std::mem::take(&mut self.directories).into_iter().map(|name| moved(&name)).collect();
    }
}

impl Change {
    fn is_in(&self, directory: &Path) -> bool {
        match self {
            Change::File(path, _) | Change::Directory(path) | Change::Remove(path) => path.parent() == Some(directory),
            Change::Rename(from, to) => from.parent() == Some(directory) || to.parent() == Some(directory),
        }
    }
}

impl Names {
    fn change(&mut self, change: Change) {
        self.now.apply(&change);
        self.changes.push(change);
    }

    pub(crate) fn inode(&self, path: &Path) -> io::Result<u64> {
        if self.now.is_directory(path) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        self.now.files.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(crate) fn exists(&self, path: &Path) -> bool {
        self.now.files.contains_key(path) || self.now.is_directory(path)
    }

    pub(crate) fn check_directory(&self, path: &Path) -> io::Result<()> {
        if self.now.is_directory(path) {
            Ok(())
        } else if self.now.files.contains_key(path) {
            Err(io::ErrorKind::NotADirectory.into())
        } else {
            Err(io::ErrorKind::NotFound.into())
        }
    }

    /// Names `inode` in an existing directory, in the place of any file of that name.
    pub(crate) fn put_file(&mut self, path: &Path, inode: u64) -> io::Result<()> {
        self.check_directory(path.parent().ok_or(io::ErrorKind::InvalidInput)?)?;
        if self.now.is_directory(path) {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        self.change(Change::File(path.to_owned(), inode));
        Ok(())
    }

    /// Makes the directory and those above it; durable at once, as the real one syncs each.
    pub(crate) fn create_all(&mut self, path: &Path) -> io::Result<()> {
        let mut missing = Vec::new();
        let mut at = path;
        while !self.now.is_directory(at) {
            if self.now.files.contains_key(at) {
                return Err(io::ErrorKind::NotADirectory.into());
            }
            missing.push(at.to_owned());
            at = at.parent().ok_or(io::ErrorKind::NotFound)?;
        }
        for path in missing.into_iter().rev() {
            self.change(Change::Directory(path.clone()));
            if let Some(parent) = path.parent() {
                self.sync(parent)?;
            }
        }
        Ok(())
    }

    pub(crate) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        if !self.exists(from) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.check_directory(to.parent().ok_or(io::ErrorKind::InvalidInput)?)?;
        self.change(Change::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    pub(crate) fn remove(&mut self, path: &Path) -> io::Result<()> {
        if !self.exists(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.change(Change::Remove(path.to_owned()));
        Ok(())
    }

    pub(crate) fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        self.check_directory(directory)?;
        let paths = self.now.files.keys().chain(&self.now.directories);
        let inside = paths.filter(|path| path.parent() == Some(directory));
        Ok(inside.filter_map(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned()).collect())
    }

    pub(crate) fn sync(&mut self, directory: &Path) -> io::Result<()> {
        self.check_directory(directory)?;
        let last = self.changes.iter().rposition(|change| change.is_in(directory));
        self.keep(last.map_or(0, |last| last + 1));
        Ok(())
    }

    /// How many changes are not durable.
    pub(crate) fn unsynced(&self) -> usize {
        self.changes.len()
    }

    fn keep(&mut self, count: usize) {
        for change in self.changes.drain(..count) {
            self.durable.apply(&change);
        }
    }

    /// Loses all changes but the first `count`.
    pub(crate) fn lose(&mut self, count: usize) {
        self.keep(count.min(self.changes.len()));
        self.changes.clear();
        self.now = self.durable.clone();
    }

    /// Every file that has a name now.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&PathBuf, u64)> {
        self.now.files.iter().map(|(path, inode)| (path, *inode))
    }

    /// Whether a name leads to `inode`, now or after a loss of power.
    pub(crate) fn refers_to(&self, inode: u64) -> bool {
        let in_change = |change: &Change| matches!(change, Change::File(_, named) if *named == inode);
        self.now.files.values().chain(self.durable.files.values()).any(|named| *named == inode)
            || self.changes.iter().any(in_change)
    }
}
