//! Files below `/etc` that keep changes over a restart of the machine.
//!
//! Each is ours alone: it opens with a line that says so, and a file of the same name that does not is never touched.

use crate::root::{Obstacle, Root};

/// How a file of ours opens.
const OPENING: &str = "# Written by `corelog tune apply --persist`; `corelog tune undo` takes it back.";

/// The files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SnippetFile {
    /// Settings of `sysctl`.
    Sysctl,
    /// Values that systemd writes when the machine starts.
    Tmpfiles,
    /// Rules for disks, applied when one appears.
    Udev,
    /// Limits of users that log in.
    Limits,
    /// Limits of a service called `corelog`.
    Unit,
}

impl SnippetFile {
    /// Every file.
    pub const ALL: [SnippetFile; 5] = [Self::Sysctl, Self::Tmpfiles, Self::Udev, Self::Limits, Self::Unit];

    /// Where it lies.
    pub fn path(self) -> &'static str {
        match self {
            Self::Sysctl => "/etc/sysctl.d/60-corelog.conf",
            Self::Tmpfiles => "/etc/tmpfiles.d/60-corelog.conf",
            Self::Udev => "/etc/udev/rules.d/60-corelog.rules",
            Self::Limits => "/etc/security/limits.d/60-corelog.conf",
            Self::Unit => "/etc/systemd/system/corelog.service.d/60-limits.conf",
        }
    }

    fn opening(self) -> String {
        let section = if self == Self::Unit { "[Service]\n" } else { "" };
        format!("{OPENING}\n{section}")
    }
}

/// One line of such a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    /// The file.
    pub file: SnippetFile,
    /// What the line starts with; a line of the same start is replaced.
    pub key: String,
    /// What stands behind it.
    pub value: String,
}

impl Snippet {
    /// The line.
    pub fn line(&self) -> String {
        let blank = if self.key.ends_with('=') && self.file != SnippetFile::Sysctl { "" } else { " " };
        format!("{}{blank}{}", self.key, self.value)
    }
}

/// A file to write, and what it held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Where.
    pub path: &'static str,
    /// Its text so far; none if there is no such file.
    pub before: Option<String>,
    /// Its text to be.
    pub after: String,
}

/// The files that `snippets` make, those that would stay as they are left out. A file that is not ours is an obstacle.
pub fn files(root: &Root, snippets: &[Snippet]) -> Result<Vec<Kept>, Obstacle> {
    let mut files = Vec::new();
    for file in SnippetFile::ALL {
        let wanted: Vec<&Snippet> = snippets.iter().filter(|snippet| snippet.file == file).collect();
        if wanted.is_empty() {
            continue;
        }
        let path = file.path();
        let before = match root.read(path) {
            Ok(text) if text.starts_with(OPENING) => Some(text + "\n"),
            Ok(_) => return Err(Obstacle::NotHere(format!("{path} is there already and somebody else's"))),
            Err(Obstacle::Missing(_)) => None,
            Err(obstacle) => return Err(obstacle),
        };
        let after = merged(file, before.as_deref(), &wanted);
        if before.as_ref() != Some(&after) {
            files.push(Kept { path, before, after });
        }
    }
    Ok(files)
}

fn merged(file: SnippetFile, before: Option<&str>, snippets: &[&Snippet]) -> String {
    let mut lines: Vec<String> = before.map_or_else(
        || file.opening().lines().map(ToOwned::to_owned).collect(),
        |text| text.lines().map(ToOwned::to_owned).collect(),
    );
    for snippet in snippets {
        match lines.iter_mut().find(|line| line.starts_with(&snippet.key)) {
            Some(line) => *line = snippet.line(),
            None => lines.push(snippet.line()),
        }
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::tree::Tree;

    fn sysctl(key: &str, value: &str) -> Snippet {
        Snippet { file: SnippetFile::Sysctl, key: format!("{key} ="), value: value.to_owned() }
    }

    #[test]
    fn lines_are_replaced_or_added() {
        let tree = Tree::new(&[]);
        let made = files(&tree.root(), &[sysctl("vm.swappiness", "1"), sysctl("a.b", "2")]).unwrap();
        assert_eq!(made.len(), 1);
        assert_eq!(made[0].after, format!("{OPENING}\nvm.swappiness = 1\na.b = 2\n"));
        tree.write(made[0].path, &made[0].after);
        let again = files(&tree.root(), &[sysctl("vm.swappiness", "0")]).unwrap();
        assert_eq!(again[0].after, format!("{OPENING}\nvm.swappiness = 0\na.b = 2\n"));
        assert_eq!(again[0].before.as_ref(), Some(&made[0].after));
        assert!(files(&tree.root(), &[sysctl("a.b", "2")]).unwrap().is_empty());
    }

    #[test]
    fn a_file_of_somebody_else_is_never_touched() {
        let tree = Tree::new(&[("/etc/sysctl.d/60-corelog.conf", "vm.swappiness = 30\n")]);
        assert!(files(&tree.root(), &[sysctl("vm.swappiness", "1")]).is_err());
    }

    #[test]
    fn a_unit_has_its_section() {
        let limit = Snippet { file: SnippetFile::Unit, key: "LimitNOFILE=".to_owned(), value: "1048576".to_owned() };
        let made = files(&Tree::new(&[]).root(), &[limit]).unwrap();
        assert!(made[0].after.ends_with("[Service]\nLimitNOFILE=1048576\n"), "{}", made[0].after);
    }
}
