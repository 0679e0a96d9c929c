//! The memory and the name of this host, as far as this process may use it.

use crate::kernel_file;

/// Bytes of memory that this process may use: of the machine, or of its control group if that has less.
pub fn available_bytes() -> u64 {
    let machine = kernel_file::read("/proc/meminfo").and_then(|text| machine_bytes(&text)).unwrap_or(1 << 30);
    let group = kernel_file::read("/proc/self/cgroup").map_or(u64::MAX, |text| group_bytes(&text));
    machine.min(group)
}

fn machine_bytes(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// The least limit on the way from our control group up to the root, of version 2 or 1.
fn group_bytes(cgroup: &str) -> u64 {
    let mut least = u64::MAX;
    for line in cgroup.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let (root, file) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max"),
            _ if controllers.split(',').any(|name| name == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let mut path = path.trim_end_matches('/');
        loop {
            if let Some(limit) = kernel_file::read_number(&format!("{root}{path}/{file}")) {
                least = least.min(limit);
            }
            match path.rsplit_once('/') {
                Some((parent, _)) => path = parent,
                None => break,
            }
        }
    }
    least
}

/// The name that clients elsewhere know this host by.
pub fn host_name() -> String {
    kernel_file::read("/proc/sys/kernel/hostname")
        .filter(|name| !name.is_empty() && name != "(none)")
        .unwrap_or_else(|| "localhost".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_has_memory() {
        assert_eq!(machine_bytes("MemFree: 1 kB\nMemTotal:   24684092 kB\n"), Some(24_684_092 * 1024));
        assert_eq!(machine_bytes(""), None);
        assert!(available_bytes() > 1 << 26);
    }

    #[test]
    fn a_group_without_limit_limits_nothing() {
        assert_eq!(group_bytes("0::/no-such-group-of-ours\n1:cpu:/\nnonsense"), group_bytes("0::/"));
    }
}
