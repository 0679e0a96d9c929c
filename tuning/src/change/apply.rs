//! Makes changes and takes them back, one file at a time, and says what became of each.
//!
//! Called by `corelog tune apply` and `undo`. A change that fails leaves the others alone; nothing is written that was not
//! recorded first.

use std::io::{self, Write};

use super::keep::Kept;
use super::record::{Entry, Record};
use super::write::{Change, same};
use crate::root::Root;

/// What became of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It holds what it should now.
    Done,
    /// It held that already.
    AsWas,
    /// This process has no right to.
    NotPermitted(String),
    /// It was written, and shows something else.
    NotTaken(String),
    /// Somebody else has changed it since; it holds this.
    ChangedSince(String),
    /// It cannot be written, for this reason.
    Failed(String),
}

impl Outcome {
    /// Whether the file holds what it should.
    pub fn is_done(&self) -> bool {
        matches!(self, Outcome::Done | Outcome::AsWas)
    }

    fn of_io(error: &io::Error) -> Outcome {
        match error.kind() {
            io::ErrorKind::PermissionDenied => Outcome::NotPermitted(error.to_string()),
            io::ErrorKind::ReadOnlyFilesystem => Outcome::NotPermitted("it is mounted read-only".to_owned()),
            _ => Outcome::Failed(error.to_string()),
        }
    }
}

/// Writes a value of the kernel.
pub fn change(root: &Root, record: &mut Record, tunable: &str, change: &Change) -> Outcome {
    let mut write = || -> io::Result<()> {
        // Asks for the right before anything is recorded.
        std::fs::OpenOptions::new().write(true).open(root.path(&change.path))?;
        let (path, after) = (change.path.clone(), change.to.clone());
        record.add(Entry { tunable: tunable.to_owned(), path, before: Some(change.from.clone()), after })?;
        put(root, &change.path, &change.to)
    };
    match write() {
        Ok(()) => taken(root, &change.path, &change.to),
        Err(error) => Outcome::of_io(&error),
    }
}

/// Writes a file that keeps changes over a restart of the machine.
pub fn keep(root: &Root, record: &mut Record, kept: &Kept) -> Outcome {
    let mut write = || -> io::Result<()> {
        let path = root.path(kept.path);
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir)?;
        }
        let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(false).open(&path)?;
        let (path, before) = (kept.path.to_owned(), kept.before.clone());
        record.add(Entry { tunable: "persist".to_owned(), path, before, after: kept.after.clone() })?;
        file.set_len(0)?;
        file.write_all(kept.after.as_bytes())?;
        file.sync_all()
    };
    write().map_or_else(|error| Outcome::of_io(&error), |()| Outcome::Done)
}

/// Takes back one entry of the record. What somebody else has changed since is left alone unless `force`.
pub fn undo(root: &Root, record: &mut Record, entry: &Entry, force: bool) -> Outcome {
    let outcome = if entry.is_of_kernel() { undo_value(root, entry, force) } else { undo_file(root, entry, force) };
    if outcome.is_done()
        && let Err(error) = record.forget(&entry.path)
    {
        return Outcome::Failed(format!("it is as it was, but the record cannot be written: {error}"));
    }
    outcome
}

fn undo_value(root: &Root, entry: &Entry, force: bool) -> Outcome {
    let (Some(before), path) = (&entry.before, &entry.path) else {
        return Outcome::Failed("the record does not say what it was".to_owned());
    };
    match root.read(path) {
        Ok(now) if same(path, &now, before) => Outcome::AsWas,
        Ok(now) if !same(path, &now, &entry.after) && !force => Outcome::ChangedSince(super::write::shown(&now)),
        Ok(_) => match put(root, path, before) {
            Ok(()) => taken(root, path, before),
            Err(error) => Outcome::of_io(&error),
        },
        Err(obstacle) => Outcome::Failed(obstacle.to_string()),
    }
}

fn undo_file(root: &Root, entry: &Entry, force: bool) -> Outcome {
    let now = root.read(&entry.path).ok();
    let is = |text: Option<&String>| now.as_deref().map(str::trim_end) == text.map(|text| text.trim_end());
    if is(entry.before.as_ref()) {
        return Outcome::AsWas;
    }
    if !is(Some(&entry.after)) && !force {
        return Outcome::ChangedSince("other lines".to_owned());
    }
    let restored = match &entry.before {
        Some(before) => put_file(root, &entry.path, before),
        None => remove(root, &entry.path),
    };
    restored.map_or_else(|error| Outcome::of_io(&error), |()| Outcome::Done)
}

fn taken(root: &Root, path: &str, wanted: &str) -> Outcome {
    match root.read(path) {
        Ok(now) if same(path, &now, wanted) => Outcome::Done,
        Ok(now) => Outcome::NotTaken(super::write::shown(&now)),
        Err(obstacle) => Outcome::Failed(obstacle.to_string()),
    }
}

fn put(root: &Root, path: &str, value: &str) -> io::Result<()> {
    put_file(root, path, &format!("{value}\n"))
}

fn put_file(root: &Root, path: &str, text: &str) -> io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).truncate(true).open(root.path(path))?;
    // In one piece: the kernel takes each write as a value of its own.
    file.write_all(text.as_bytes())
}

#[expect(clippy::disallowed_methods, reason = "a small file of a tool, which has no shard")]
fn remove(root: &Root, path: &str) -> io::Result<()> {
    std::fs::remove_file(root.path(path))
}

#[cfg(test)]
mod tests {
    use super::super::keep::{self, SnippetFile};
    use super::*;
    use crate::host::Host;
    use crate::root::tree::Tree;

    const SWAPPINESS: &str = "/proc/sys/vm/swappiness";

    fn tree() -> (Tree, Record) {
        let tree = Tree::new(&[(SWAPPINESS, "60\n"), ("/sys/block/sda/queue/scheduler", "mq-deadline\n")]);
        let record = Record::load(&tree.root().path("/var/undo.json")).unwrap();
        (tree, record)
    }

    fn undo_all(tree: &Tree, record: &mut Record, force: bool) -> Vec<Outcome> {
        let entries: Vec<Entry> = record.entries.iter().rev().cloned().collect();
        entries.iter().map(|entry| undo(&tree.root(), record, entry, force)).collect()
    }

    #[test]
    fn apply_then_undo_leaves_every_file_as_it_was() {
        let (tree, mut record) = tree();
        let host = Host::at(&tree);
        let before = tree.all();
        let changes = [
            Change::sysctl(&host, "vm.swappiness", "1").unwrap(),
            Change::of_queue(&host, "sda", "scheduler", "none").unwrap(),
        ];
        for one in &changes {
            assert_eq!(change(&host.root, &mut record, "x", one), Outcome::Done);
        }
        let snippets: Vec<_> = changes.iter().filter_map(|change| change.keep.clone()).collect();
        for kept in keep::files(&host.root, &snippets).unwrap() {
            assert_eq!(super::keep(&host.root, &mut record, &kept), Outcome::Done);
        }
        assert_eq!(host.root.number(SWAPPINESS), Ok(1));
        assert!(host.root.read(SnippetFile::Udev.path()).unwrap().contains("ATTR{queue/scheduler}=\"none\""));
        assert_eq!(undo_all(&tree, &mut record, false), vec![Outcome::Done; 4]);
        assert_eq!(tree.all(), before);
    }

    #[test]
    fn what_somebody_else_changed_since_is_left_alone() {
        let (tree, mut record) = tree();
        let host = Host::at(&tree);
        let one = Change::sysctl(&host, "vm.swappiness", "1").unwrap();
        assert_eq!(change(&host.root, &mut record, "x", &one), Outcome::Done);
        tree.write(SWAPPINESS, "30\n");
        assert_eq!(undo_all(&tree, &mut record, false), [Outcome::ChangedSince("30".to_owned())]);
        assert_eq!((host.root.number(SWAPPINESS), record.entries.len()), (Ok(30), 1));
        assert_eq!(undo_all(&tree, &mut record, true), [Outcome::Done]);
        assert_eq!((host.root.number(SWAPPINESS), record.entries.len()), (Ok(60), 0));
    }

    #[test]
    fn what_cannot_be_written_is_said_and_not_recorded() {
        let (tree, mut record) = tree();
        let host = Host::at(&tree);
        let one = Change { path: "/proc/sys/none".to_owned(), from: "1".into(), to: "2".into(), keep: None };
        assert!(matches!(change(&host.root, &mut record, "x", &one), Outcome::Failed(_)));
        assert!(record.entries.is_empty());
        let denied = io::Error::from_raw_os_error(libc::EROFS);
        assert!(matches!(Outcome::of_io(&denied), Outcome::NotPermitted(_)));
    }
}
