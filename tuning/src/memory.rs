//! The memory and the name of this host, as far as this process may use it.

use crate::control_group;
use crate::root::Root;

/// Bytes of memory that this process may use: of the machine, or of its control group if that has less.
pub fn available_bytes(root: &Root) -> u64 {
    let machine = root.read("/proc/meminfo").ok().and_then(|text| machine_bytes(&text)).unwrap_or(1 << 30);
    machine.min(group_bytes(root).unwrap_or(u64::MAX))
}

/// Bytes of the machine's memory.
pub fn machine_bytes(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// The least limit of memory on the way from our control group up to the root; none if nothing limits it.
pub fn group_bytes(root: &Root) -> Option<u64> {
    let limits = control_group::values(root, "memory", "memory.max", "memory.limit_in_bytes");
    // Version 1 says "none" with the largest number of whole pages.
    limits.iter().filter_map(|limit| limit.text.trim().parse().ok()).filter(|&bytes: &u64| bytes < 1 << 60).min()
}

/// The name that clients elsewhere know this host by.
pub fn host_name(root: &Root) -> String {
    root.read("/proc/sys/kernel/hostname")
        .ok()
        .filter(|name| !name.is_empty() && name != "(none)")
        .unwrap_or_else(|| "localhost".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::tree::Tree;

    #[test]
    fn the_machine_has_memory() {
        assert_eq!(machine_bytes("MemFree: 1 kB\nMemTotal:   24684092 kB\n"), Some(24_684_092 * 1024));
        assert_eq!(machine_bytes(""), None);
        assert!(available_bytes(&Root::real()) > 1 << 26);
    }

    #[test]
    fn the_least_limit_on_the_way_up_holds() {
        let tree = Tree::new(&[
            ("/proc/meminfo", "MemTotal: 8388608 kB\n"),
            ("/proc/self/cgroup", "0::/a/b\nnonsense\n"),
            ("/sys/fs/cgroup/a/b/memory.max", "max\n"),
            ("/sys/fs/cgroup/a/memory.max", "1048576\n"),
        ]);
        assert_eq!(available_bytes(&tree.root()), 1 << 20);
        tree.write("/sys/fs/cgroup/a/memory.max", "max\n");
        assert_eq!(available_bytes(&tree.root()), 8 << 30);
    }
}
