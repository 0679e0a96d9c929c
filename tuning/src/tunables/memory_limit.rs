//! The memory limit of the control group: a container's size.

use crate::check::{About, Check, Tunable, Verdict, bytes_text};
use crate::host::Host;
use crate::memory;
use crate::root::Obstacle;

static ABOUT: About = About {
    name: "memory-limit",
    why: "the broker takes a quarter of the memory that it may use; a limit that is near makes the kernel end the process",
    effect: "the process is not killed for memory",
};
/// What a shard and the process around it need at least.
const BYTES_PER_SHARD_MIN: u64 = 256 << 20;

/// The tunable.
pub const TUNABLE: Tunable = Tunable { about: &ABOUT, look };

fn look(host: &Host) -> Result<Check, Obstacle> {
    const PATH: &str = "/proc/meminfo";
    let text = host.root.read(PATH)?;
    let machine = memory::machine_bytes(&text).ok_or_else(|| Obstacle::unparsable(PATH, &text))?;
    let limit = memory::group_bytes(&host.root).filter(|&limit| limit < machine);
    let usable = limit.unwrap_or(machine);
    let wanted_bytes = BYTES_PER_SHARD_MIN.saturating_mul(host.cpus.len() as u64);
    let current = match limit {
        Some(limit) => format!("{} of the machine's {}", bytes_text(limit), bytes_text(machine)),
        None => format!("no limit below the machine's {}", bytes_text(machine)),
    };
    let wanted = format!("at least {}", bytes_text(wanted_bytes));
    let check = Check::judged(&ABOUT, usable >= wanted_bytes, Verdict::Poor, current, wanted);
    if usable >= wanted_bytes {
        return Ok(check);
    }
    Ok(check
        .advise(format!("give the container more: --memory {}m", wanted_bytes >> 20))
        .advise("or use fewer shards: --set corelog.shards=N"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::tree::Tree;

    #[test]
    fn the_limit_of_the_group_counts() {
        let tree = Tree::new(&[("/proc/meminfo", "MemTotal: 8388608 kB"), ("/proc/self/cgroup", "0::/\n")]);
        assert_eq!(TUNABLE.check(&Host::at(&tree)).verdict, Verdict::Good);
        tree.write("/sys/fs/cgroup/memory.max", "134217728\n");
        let check = TUNABLE.check(&Host::at(&tree));
        assert_eq!((check.verdict, check.current.as_str()), (Verdict::Poor, "128 MiB of the machine's 8 GiB"));
    }
}
