//! Where `/proc`, `/sys` and `/etc` lie: the real ones, or a tree that a test has made.
//!
//! The only way into the small files of the kernel. Every value is read as if an enemy had written it: bounded, perhaps
//! missing, perhaps no text, perhaps not ours to read.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The most that is read of one file, in bytes. The largest, a table of interrupts of many cores, stays below.
const FILE_BYTES_MAX: u64 = 4 << 20;
/// The most entries of one directory that are looked at.
const ENTRIES_MAX: usize = 65_536;
/// What an error shows of a text, in characters.
const SHOWN_CHARACTERS_MAX: usize = 40;

/// Why something could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// There is no such file: the kernel does not know the thing.
    #[error("there is no {0}")]
    Missing(String),
    /// The thing does not exist on this host, in these words.
    #[error("{0}")]
    NotHere(String),
    /// This process may not read it.
    #[error("{0} may not be read")]
    Denied(String),
    /// It cannot be read.
    #[error("{path} cannot be read: {why}")]
    Unreadable {
        /// The file.
        path: String,
        /// What the operating system said.
        why: String,
    },
    /// It holds something else than expected.
    #[error("{path} makes no sense: \"{text}\"")]
    Unparsable {
        /// The file.
        path: String,
        /// Its beginning.
        text: String,
    },
}

impl Obstacle {
    /// A file that holds something else than expected.
    pub fn unparsable(path: &str, text: &str) -> Self {
        let shown = text.chars().map(|character| if character.is_control() { ' ' } else { character });
        Self::Unparsable { path: path.to_owned(), text: shown.take(SHOWN_CHARACTERS_MAX).collect() }
    }

    /// What the operating system said about a file.
    pub fn of_io(path: &str, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Self::Missing(path.to_owned()),
            io::ErrorKind::PermissionDenied => Self::Denied(path.to_owned()),
            _ => Self::Unreadable { path: path.to_owned(), why: error.to_string() },
        }
    }
}

/// The directory that holds `proc`, `sys` and `etc`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root(PathBuf);

impl Default for Root {
    fn default() -> Self {
        Self::real()
    }
}

impl Root {
    /// That of this host.
    pub fn real() -> Self {
        Self(PathBuf::from("/"))
    }

    /// A tree of its own.
    pub fn at(dir: &Path) -> Self {
        Self(dir.to_owned())
    }

    /// Whether this is the host's own.
    pub fn is_real(&self) -> bool {
        self.0 == Path::new("/")
    }

    /// Where the file of an absolute path lies.
    pub fn path(&self, path: &str) -> PathBuf {
        self.0.join(path.trim_start_matches('/'))
    }

    /// The text of a file, without blanks at its end.
    pub fn read(&self, path: &str) -> Result<String, Obstacle> {
        let io = |error: io::Error| Obstacle::of_io(path, &error);
        let file = std::fs::OpenOptions::new().read(true).open(self.path(path)).map_err(io)?;
        let mut bytes = Vec::new();
        file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(io)?;
        let text = String::from_utf8(bytes)
            .map_err(|error| Obstacle::unparsable(path, &String::from_utf8_lossy(error.as_bytes())))?;
        Ok(text.trim_end().to_owned())
    }

    /// The only number of a file.
    pub fn number(&self, path: &str) -> Result<u64, Obstacle> {
        let text = self.read(path)?;
        text.trim().parse().map_err(|_| Obstacle::unparsable(path, &text))
    }

    /// Whether there is a file or directory.
    pub fn exists(&self, path: &str) -> bool {
        self.path(path).exists()
    }

    /// Names in a directory, sorted.
    pub fn list(&self, dir: &str) -> Result<Vec<String>, Obstacle> {
        let entries = self.path(dir).read_dir().map_err(|error| Obstacle::of_io(dir, &error))?;
        let mut names: Vec<String> =
            entries.take(ENTRIES_MAX).filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        names.sort();
        Ok(names)
    }

    /// Names in a directory that are numbers, in rising order.
    pub fn list_numbers(&self, dir: &str) -> Result<Vec<u64>, Obstacle> {
        let mut numbers: Vec<u64> = self.list(dir)?.iter().filter_map(|name| name.parse().ok()).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// The directory that a path leads to once all links are followed, as an absolute path below this root.
    pub fn resolve(&self, path: &str) -> Result<String, Obstacle> {
        let io = |error: io::Error| Obstacle::of_io(path, &error);
        let resolved = self.path(path).canonicalize().map_err(io)?;
        let root = self.0.canonicalize().map_err(io)?;
        let below =
            resolved.strip_prefix(&root).map_err(|_| Obstacle::unparsable(path, &resolved.to_string_lossy()))?;
        Ok(format!("/{}", below.to_string_lossy()))
    }
}

#[cfg(test)]
pub(crate) mod tree {
    //! Trees of small files for tests.

    use super::*;

    /// A tree that is removed when dropped.
    pub(crate) struct Tree {
        dir: tempfile::TempDir,
    }

    impl Tree {
        /// A tree with these files.
        pub(crate) fn new(files: &[(&str, &str)]) -> Tree {
            let tree = Tree { dir: tempfile::tempdir().unwrap() };
            for (path, text) in files {
                tree.write(path, text);
            }
            tree
        }

        pub(crate) fn root(&self) -> Root {
            Root::at(self.dir.path())
        }

        #[expect(clippy::disallowed_methods, reason = "a tree for a test")]
        pub(crate) fn write(&self, path: &str, text: &str) {
            let path = self.root().path(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }

        /// All files with their texts.
        pub(crate) fn all(&self) -> std::collections::BTreeMap<String, String> {
            let mut found = std::collections::BTreeMap::new();
            let mut left = vec![self.dir.path().to_owned()];
            while let Some(path) = left.pop() {
                if path.is_dir() {
                    left.extend(path.read_dir().unwrap().map(|entry| entry.unwrap().path()));
                } else {
                    let name = path.strip_prefix(self.dir.path()).unwrap().to_string_lossy().into_owned();
                    let text = self.root().read(&name).unwrap();
                    found.insert(name, text);
                }
            }
            found
        }
    }
}

#[cfg(test)]
mod tests {
    use super::tree::Tree;
    use super::*;

    #[test]
    fn hostile_files_are_obstacles() {
        let tree = Tree::new(&[("/proc/a", "12\n"), ("/proc/words", "many\u{7}"), ("/proc/empty", "")]);
        let root = tree.root();
        assert_eq!(root.number("/proc/a"), Ok(12));
        assert_eq!(root.number("/proc/none"), Err(Obstacle::Missing("/proc/none".to_owned())));
        assert_eq!(root.number("/proc/a/b"), Err(Obstacle::Missing("/proc/a/b".to_owned())));
        let sense = |path| root.number(path).unwrap_err().to_string();
        assert_eq!(sense("/proc/words"), "/proc/words makes no sense: \"many \"");
        assert_eq!(sense("/proc/empty"), "/proc/empty makes no sense: \"\"");
        assert!(matches!(root.read("/proc"), Err(Obstacle::Unreadable { .. })));
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_far_as_they_are() {
        let tree = Tree::new(&[]);
        tree.write("/sys/x", "");
        #[expect(clippy::disallowed_methods, reason = "a tree for a test")]
        std::fs::write(tree.root().path("/sys/x"), [b'a', 0xff, 0xfe]).unwrap();
        assert!(matches!(tree.root().read("/sys/x"), Err(Obstacle::Unparsable { .. })));
    }

    #[test]
    fn what_may_not_be_read_is_denied() {
        let denied = Obstacle::of_io("/sys/x", &io::Error::from(io::ErrorKind::PermissionDenied));
        assert_eq!(denied, Obstacle::Denied("/sys/x".to_owned()));
    }
}
