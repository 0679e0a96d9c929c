//! What processes and the whole machine spent, read from `/proc` of Linux.
//!
//! Called by the thread that steers a run, at the first and the last moment of the measurement.

use std::fs;
use std::io;

use serde::{Deserialize, Serialize};

/// Clock ticks of `/proc` in a second: fixed by the kernel's interface on every architecture that Corelog runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// Totals of one or several processes since they started, or the difference of two samples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// CPU seconds in user mode.
    pub user_seconds: f64,
    /// CPU seconds in the kernel.
    pub system_seconds: f64,
    /// Context switches because it waited.
    pub voluntary_switches: u64,
    /// Context switches because another was let run.
    pub involuntary_switches: u64,
    /// Bytes that it caused to be written to devices.
    pub device_write_bytes: u64,
    /// Bytes that it caused to be read from devices.
    pub device_read_bytes: u64,
    /// Memory in RAM now; not a difference.
    pub resident_bytes: u64,
    /// The most memory in RAM since it started; not a difference.
    pub resident_bytes_max: u64,
    /// Threads now; not a difference.
    pub threads: u64,
}

impl Usage {
    /// Reads the totals of `pids` together.
    ///
    /// # Errors
    /// Those of the file system: a process that is gone, or that may not be looked into.
    pub fn of(pids: &[u32]) -> io::Result<Usage> {
        let mut sum = Usage::default();
        for pid in pids {
            sum.add(&Usage::of_one(*pid)?);
        }
        Ok(sum)
    }

    fn of_one(pid: u32) -> io::Result<Usage> {
        let mut usage = Usage::default();
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        (usage.user_seconds, usage.system_seconds) = cpu_seconds(&stat).ok_or(io::ErrorKind::InvalidData)?;
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        usage.resident_bytes = field(&status, "VmRSS:") << 10;
        usage.resident_bytes_max = field(&status, "VmHWM:") << 10;
        usage.threads = field(&status, "Threads:");
        let io = fs::read_to_string(format!("/proc/{pid}/io"))?;
        usage.device_read_bytes = field(&io, "read_bytes:");
        usage.device_write_bytes = field(&io, "write_bytes:");
        for task in fs::read_dir(format!("/proc/{pid}/task"))? {
            // A thread may end between the listing and the look.
            let Ok(status) = fs::read_to_string(task?.path().join("status")) else { continue };
            usage.voluntary_switches += field(&status, "voluntary_ctxt_switches:");
            usage.involuntary_switches += field(&status, "nonvoluntary_ctxt_switches:");
        }
        Ok(usage)
    }

    fn add(&mut self, other: &Usage) {
        self.user_seconds += other.user_seconds;
        self.system_seconds += other.system_seconds;
        self.voluntary_switches += other.voluntary_switches;
        self.involuntary_switches += other.involuntary_switches;
        self.device_write_bytes += other.device_write_bytes;
        self.device_read_bytes += other.device_read_bytes;
        self.resident_bytes += other.resident_bytes;
        self.resident_bytes_max += other.resident_bytes_max;
        self.threads += other.threads;
    }

    /// What was spent since `earlier`; memory and threads as they are now.
    pub fn since(&self, earlier: &Usage) -> Usage {
        Usage {
            user_seconds: self.user_seconds - earlier.user_seconds,
            system_seconds: self.system_seconds - earlier.system_seconds,
            // Switches of threads that have ended are gone from the sum.
            voluntary_switches: self.voluntary_switches.saturating_sub(earlier.voluntary_switches),
            involuntary_switches: self.involuntary_switches.saturating_sub(earlier.involuntary_switches),
            device_write_bytes: self.device_write_bytes.saturating_sub(earlier.device_write_bytes),
            device_read_bytes: self.device_read_bytes.saturating_sub(earlier.device_read_bytes),
            ..*self
        }
    }

    /// CPU seconds together.
    pub fn cpu_seconds(&self) -> f64 {
        self.user_seconds + self.system_seconds
    }
}

/// User and system seconds of a `/proc/PID/stat` line. The name in parentheses may hold anything.
fn cpu_seconds(stat: &str) -> Option<(f64, f64)> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user / TICKS_PER_SECOND, system / TICKS_PER_SECOND))
}

/// The number behind a name at the start of a line; 0 where there is none.
fn field(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_ascii_whitespace().next()).and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// CPU seconds of the whole machine, over all cores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MachineUsage {
    /// Anything but idle and waiting for devices.
    pub busy_seconds: f64,
    /// Taken by the host of a virtual machine.
    pub stolen_seconds: f64,
    /// All of it.
    pub total_seconds: f64,
}

impl MachineUsage {
    /// Reads the totals since boot.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn now() -> io::Result<MachineUsage> {
        let stat = fs::read_to_string("/proc/stat")?;
        machine(&stat).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// What was spent since `earlier`.
    pub fn since(&self, earlier: &MachineUsage) -> MachineUsage {
        MachineUsage {
            busy_seconds: self.busy_seconds - earlier.busy_seconds,
            stolen_seconds: self.stolen_seconds - earlier.stolen_seconds,
            total_seconds: self.total_seconds - earlier.total_seconds,
        }
    }

    /// What the host took, in percent of all.
    pub fn stolen_percent(&self) -> f64 {
        100.0 * self.stolen_seconds / self.total_seconds.max(1e-9)
    }
}

fn machine(stat: &str) -> Option<MachineUsage> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    // user nice system idle iowait irq softirq steal; guest time is part of user.
    let ticks: Vec<f64> = line.split_ascii_whitespace().take(8).filter_map(|ticks| ticks.parse().ok()).collect();
    let [user, nice, system, idle, waiting, interrupts, soft_interrupts, stolen] = ticks.try_into().ok()?;
    let busy = user + nice + system + interrupts + soft_interrupts;
    Some(MachineUsage {
        busy_seconds: busy / TICKS_PER_SECOND,
        stolen_seconds: stolen / TICKS_PER_SECOND,
        total_seconds: (busy + idle + waiting + stolen) / TICKS_PER_SECOND,
    })
}

/// The machine, in words: cores, processor, kernel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Host {
    /// Its name.
    pub name: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// The processor's own name.
    pub processor: String,
    /// The kernel's release.
    pub kernel: String,
    /// Bytes of memory.
    pub memory_bytes: u64,
}

impl Host {
    /// Looks at this machine; what cannot be read stays empty.
    pub fn here() -> Host {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let processors = read("/proc/cpuinfo");
        let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        Host {
            name: read("/proc/sys/kernel/hostname").trim().to_owned(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            processor: model.map_or("", |(_, name)| name.trim()).to_owned(),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            memory_bytes: field(&read("/proc/meminfo"), "MemTotal:") << 10,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_parentheses_and_spaces_does_not_shift_the_fields() {
        let stat = "42 (a) b (c)) S 1 42 42 0 -1 4194560 9 0 0 0 250 75 0 0 20 0 3 0 100 1 1 1";
        assert_eq!(cpu_seconds(stat), Some((2.5, 0.75)));
        assert_eq!(cpu_seconds("42 (x"), None);
    }

    #[test]
    fn the_machine_is_busy_where_it_is_not_idle() {
        let usage = machine("cpu  100 0 50 1000 200 10 40 30 5 0\ncpu0 1 1 1").unwrap();
        assert_eq!(usage, MachineUsage { busy_seconds: 2.0, stolen_seconds: 0.3, total_seconds: 14.3 });
        assert_eq!(machine("cpu  1 2 3"), None);
    }

    #[test]
    fn this_process_has_memory_and_threads() {
        let usage = Usage::of(&[std::process::id()]).unwrap();
        assert!(usage.resident_bytes > 0 && usage.resident_bytes_max >= usage.resident_bytes && usage.threads > 0);
        assert!(Usage::of(&[u32::MAX]).is_err());
    }
}
