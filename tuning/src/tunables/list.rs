//! All tunables, in the order of the table: what a start needs, memory, cores, network, disk, neighbours.

use super::{
    aio_requests, clock_source, cpu_governor, cpu_idle, cpu_quota, device_backlog, direct_io, disk_merges,
    disk_scheduler, file_system, free_space, halt_polling, huge_pages, interrupt_affinity, io_uring, kernel_version,
    listen_backlog, locked_memory, memory_limit, numa, open_files, packet_steering, pinned_tasks, receive_buffers,
    slow_start, smt_siblings, socket_buffers, steal_time, swappiness, time_sync, transmit_buffers, write_cache,
};
use crate::check::{Check, Tunable};
use crate::host::Host;

/// All tunables.
pub const ALL: [Tunable; 32] = [
    io_uring::TUNABLE,
    kernel_version::TUNABLE,
    locked_memory::TUNABLE,
    open_files::TUNABLE,
    aio_requests::TUNABLE,
    huge_pages::TUNABLE,
    swappiness::TUNABLE,
    memory_limit::TUNABLE,
    numa::TUNABLE,
    cpu_governor::TUNABLE,
    cpu_idle::TUNABLE,
    halt_polling::TUNABLE,
    cpu_quota::TUNABLE,
    smt_siblings::TUNABLE,
    clock_source::TUNABLE,
    time_sync::TUNABLE,
    interrupt_affinity::TUNABLE,
    packet_steering::TUNABLE,
    socket_buffers::TUNABLE,
    receive_buffers::TUNABLE,
    transmit_buffers::TUNABLE,
    listen_backlog::TUNABLE,
    device_backlog::TUNABLE,
    slow_start::TUNABLE,
    file_system::TUNABLE,
    direct_io::TUNABLE,
    free_space::TUNABLE,
    disk_scheduler::TUNABLE,
    disk_merges::TUNABLE,
    write_cache::TUNABLE,
    steal_time::TUNABLE,
    pinned_tasks::TUNABLE,
];

/// The tunable of a name.
pub fn find(name: &str) -> Option<&'static Tunable> {
    ALL.iter().find(|tunable| tunable.about.name == name)
}

/// Looks at everything.
pub fn check_all(host: &Host) -> Vec<Check> {
    ALL.iter().map(|tunable| tunable.check(host)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Verdict;
    use crate::root::tree::Tree;

    #[test]
    fn names_are_unique_and_say_why() {
        let mut names: Vec<&str> = ALL.iter().map(|tunable| tunable.about.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
        for about in ALL.map(|tunable| tunable.about) {
            assert!(!about.why.is_empty() && !about.effect.is_empty(), "{}", about.name);
            assert!(about.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-' || byte == b'_'));
        }
    }

    #[test]
    fn this_host_gets_an_answer_from_every_check() {
        let dir = tempfile::tempdir().unwrap();
        let host = Host::here(Some(dir.path()), None);
        for check in check_all(&host) {
            assert!(!check.current.is_empty(), "{}", check.about.name);
            assert!(check.verdict != Verdict::Unknown, "{}: {}", check.about.name, check.current);
        }
    }

    #[test]
    fn a_host_without_any_file_gets_an_answer_from_every_check() {
        let tree = Tree::new(&[]);
        for check in check_all(&Host::at(&tree)) {
            assert!(!check.current.is_empty(), "{}", check.about.name);
        }
    }

    #[test]
    fn a_host_whose_every_value_is_nonsense_gets_an_answer_from_every_check() {
        let real = Tree::new(PLACES.map(|path| (path, "1")).as_slice());
        crate::disk::fake::link(&real, "/sys/dev/block/8:0", "../../block/sda");
        for nonsense in
            ["", "\u{0}", "-1", "99999999999999999999999", "a [b", "[]", ":::", "max max", "0-", "\u{fffd}\n\n\n"]
        {
            for path in PLACES {
                real.write(path, nonsense);
            }
            for check in check_all(&Host::at(&real)) {
                assert!(!check.current.is_empty(), "{} with {nonsense:?}", check.about.name);
            }
        }
    }

    /// Files that the checks read.
    const PLACES: [&str; 44] = [
        "/proc/cpuinfo",
        "/proc/interrupts",
        "/proc/irq/9/smp_affinity_list",
        "/proc/meminfo",
        "/proc/self/cgroup",
        "/proc/self/mountinfo",
        "/proc/stat",
        "/proc/swaps",
        "/proc/uptime",
        "/proc/7/status",
        "/proc/7/stat",
        "/proc/7/comm",
        "/proc/sys/fs/aio-max-nr",
        "/proc/sys/fs/aio-nr",
        "/proc/sys/kernel/io_uring_disabled",
        "/proc/sys/kernel/numa_balancing",
        "/proc/sys/kernel/osrelease",
        "/proc/sys/net/core/netdev_max_backlog",
        "/proc/sys/net/core/rmem_max",
        "/proc/sys/net/core/somaxconn",
        "/proc/sys/net/core/wmem_max",
        "/proc/sys/net/ipv4/tcp_max_syn_backlog",
        "/proc/sys/net/ipv4/tcp_rmem",
        "/proc/sys/net/ipv4/tcp_slow_start_after_idle",
        "/proc/sys/net/ipv4/tcp_wmem",
        "/proc/sys/vm/swappiness",
        "/proc/sys/vm/zone_reclaim_mode",
        "/sys/block/sda/queue/nomerges",
        "/sys/block/sda/queue/rotational",
        "/sys/block/sda/queue/scheduler",
        "/sys/block/sda/queue/write_cache",
        "/sys/block/sda/size",
        "/sys/class/net/eth0/device/irq",
        "/sys/class/net/eth0/queues/rx-0/rps_cpus",
        "/sys/class/net/eth0/queues/tx-0/xps_cpus",
        "/sys/devices/system/clocksource/clocksource0/available_clocksource",
        "/sys/devices/system/clocksource/clocksource0/current_clocksource",
        "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
        "/sys/devices/system/cpu/cpu0/cpuidle/state1/latency",
        "/sys/devices/system/cpu/cpu0/topology/thread_siblings_list",
        "/sys/devices/system/cpu/cpuidle/current_driver",
        "/sys/devices/system/node/online",
        "/sys/kernel/mm/transparent_hugepage/enabled",
        "/sys/module/haltpoll/parameters/guest_halt_poll_ns",
    ];
}
