//! One value of the kernel to write, and what it was.
//!
//! Pure but for the reading that finds out what it was.

use super::keep::{Snippet, SnippetFile};
use super::script::quoted;
use crate::cpu_list;
use crate::host::Host;
use crate::root::Obstacle;

/// One value to write to a file of the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The file, below `/proc` or `/sys`.
    pub path: String,
    /// What is there.
    pub from: String,
    /// What is wanted.
    pub to: String,
    /// What keeps it over a restart of the machine, if anything can.
    pub keep: Option<Snippet>,
}

impl Change {
    /// Writes `to` to the file, whose present value is read.
    pub fn new(host: &Host, path: &str, to: impl Into<String>) -> Result<Self, Obstacle> {
        let from = shown(&host.root.read(path)?);
        Ok(Self { path: path.to_owned(), from, to: to.into(), keep: None })
    }

    /// Sets a setting of `sysctl`, by its name with dots.
    pub fn sysctl(host: &Host, key: &str, to: impl Into<String>) -> Result<Self, Obstacle> {
        Self::at_boot(host, &sysctl_path(key), to)
    }

    /// Sets a setting of a disk's queue.
    pub fn of_queue(host: &Host, disk: &str, setting: &str, to: &str) -> Result<Self, Obstacle> {
        Self::at_boot(host, &crate::disk::queue(disk, setting), to)
    }

    /// Writes to a file whose value can be kept over a restart of the machine.
    pub fn at_boot(host: &Host, path: &str, to: impl Into<String>) -> Result<Self, Obstacle> {
        let change = Self::new(host, path, to)?;
        let keep = Self::keep_of(path, &change.to);
        Ok(Self { keep, ..change })
    }

    /// What keeps a value over a restart of the machine; nothing for what has another name after it.
    pub fn keep_of(path: &str, to: &str) -> Option<Snippet> {
        if let Some(key) = path.strip_prefix("/proc/sys/") {
            let key = format!("{} =", key.replace('/', "."));
            return Some(Snippet { file: SnippetFile::Sysctl, key, value: to.to_owned() });
        }
        if let Some((disk, setting)) = path.strip_prefix("/sys/block/").and_then(|rest| rest.split_once("/queue/")) {
            // A disk may appear after the start, and others may set it then.
            let key =
                format!("ACTION==\"add|change\", SUBSYSTEM==\"block\", KERNEL==\"{disk}\", ATTR{{queue/{setting}}}=");
            return Some(Snippet { file: SnippetFile::Udev, key, value: format!("\"{to}\"") });
        }
        let is_boot_time = path.starts_with("/sys/");
        is_boot_time.then(|| Snippet {
            file: SnippetFile::Tmpfiles,
            key: format!("w {path} - - - -"),
            value: to.to_owned(),
        })
    }

    /// The command that an administrator would type.
    pub fn command(&self) -> String {
        match self.path.strip_prefix("/proc/sys/") {
            Some(key) => format!("sudo sysctl -w {}", quoted(&format!("{}={}", key.replace('/', "."), self.to))),
            None => format!("echo {} | sudo tee {}", quoted(&self.to), quoted(&self.path)),
        }
    }

    /// The change that takes this one back.
    pub fn reversed(&self) -> Self {
        Self { path: self.path.clone(), from: self.to.clone(), to: self.from.clone(), keep: None }
    }
}

/// The file of a setting of `sysctl`.
pub fn sysctl_path(key: &str) -> String {
    format!("/proc/sys/{}", key.replace('.', "/"))
}

/// A value as it would be written: the chosen one of `a [b] c`, else all words with one blank between them.
pub fn shown(text: &str) -> String {
    let chosen = text.split_whitespace().find_map(|word| word.strip_prefix('[')?.strip_suffix(']'));
    chosen.map_or_else(|| text.split_whitespace().collect::<Vec<_>>().join(" "), ToOwned::to_owned)
}

/// Whether two values of a file mean the same.
pub fn same(path: &str, one: &str, other: &str) -> bool {
    let (one, other) = (shown(one), shown(other));
    let are_masks = path.ends_with("_cpus");
    one == other
        || (are_masks && cpu_list::parse_mask(&one).is_some_and(|cpus| Some(cpus) == cpu_list::parse_mask(&other)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::tree::Tree;

    #[test]
    fn a_change_knows_the_command_and_the_way_back() {
        let tree = Tree::new(&[
            ("/proc/sys/net/ipv4/tcp_rmem", "4096\t131072\t6291456\n"),
            ("/sys/block/sda/queue/scheduler", "none [mq-deadline] kyber\n"),
        ]);
        let host = Host::at(&tree);
        let sysctl = Change::sysctl(&host, "net.ipv4.tcp_rmem", "4096 131072 16777216").unwrap();
        assert_eq!(sysctl.command(), "sudo sysctl -w 'net.ipv4.tcp_rmem=4096 131072 16777216'");
        assert_eq!(sysctl.reversed().command(), "sudo sysctl -w 'net.ipv4.tcp_rmem=4096 131072 6291456'");
        assert_eq!(sysctl.keep.unwrap().line(), "net.ipv4.tcp_rmem = 4096 131072 16777216");
        let queue = Change::of_queue(&host, "sda", "scheduler", "none").unwrap();
        assert_eq!(queue.command(), "echo none | sudo tee /sys/block/sda/queue/scheduler");
        assert_eq!(queue.from, "mq-deadline");
    }

    #[test]
    fn values_that_mean_the_same_are_the_same() {
        assert!(same("/x", "1\t2", "1 2\n") && same("/x", "a [b] c", "b") && !same("/x", "0x1", "1"));
        assert!(same("/q/rps_cpus", "00000000,00000003", "3") && !same("/q/rps_cpus", "3", "7"));
    }
}
