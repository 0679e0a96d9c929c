//! Processes that are bound to the cores of the shards and use them.

use crate::check::{About, Check, Tunable, Verdict};
use crate::cpu_list;
use crate::host::Host;
use crate::root::{Obstacle, Root};

static ABOUT: About = About {
    name: "pinned-tasks",
    why: "the kernel cannot move a bound process aside, so a shard on the same core waits whenever it runs",
    effect: "no pauses of a time slice (1 to 4 ms) while the other one runs",
};
/// Processor time of a process below which it disturbs nobody, in percent of its life.
const BUSY_PERCENT_MIN: f64 = 1.0;
/// Ticks of a second in `/proc`: fixed by the kernel's interface.
const TICKS_PER_SECOND: f64 = 100.0;
/// The most processes that are looked at.
const PROCESSES_MAX: usize = 16_384;
/// The most that are named.
const NAMED_MAX: usize = 4;

/// The tunable.
pub const TUNABLE: Tunable = Tunable { about: &ABOUT, look };

fn look(host: &Host) -> Result<Check, Obstacle> {
    const PATH: &str = "/proc/uptime";
    let text = host.root.read(PATH)?;
    let uptime: Option<f64> = text.split_whitespace().next().and_then(|word| word.parse().ok());
    let uptime = uptime.ok_or_else(|| Obstacle::unparsable(PATH, &text))?;
    let mut found = Vec::new();
    for pid in host.root.list_numbers("/proc")?.into_iter().take(PROCESSES_MAX) {
        // A process may end between the listing and the look.
        if let Some(name) = neighbour(&host.root, pid, &host.cpus, uptime) {
            found.push(format!("{name} ({pid})"));
        }
    }
    if found.is_empty() {
        return Ok(Check::good(&ABOUT, "none".to_owned(), "none"));
    }
    let more = found.len().saturating_sub(NAMED_MAX);
    found.truncate(NAMED_MAX);
    let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
    Ok(Check::new(&ABOUT, Verdict::Poor, format!("{}{rest}", found.join(", ")), "none")
        .advise("bind them elsewhere: taskset -p -c LIST PID; or keep the shards away: --set corelog.cpus=LIST"))
}

/// The name of a process that is bound to cores of ours, to fewer than all, and busy.
fn neighbour(root: &Root, pid: u64, cpus: &[usize], uptime: f64) -> Option<String> {
    let status = root.read(&format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let is_of_kernel = field("PPid:") == Some("2") || pid == 2;
    let name = field("Name:")?;
    // Brokers of ours are pinned by design; those that share cores with this one are the owner's choice.
    if is_of_kernel || name == "corelog" {
        return None;
    }
    let allowed = cpu_list::parse(field("Cpus_allowed_list:")?)?;
    let online = cpu_list::parse(&root.read("/sys/devices/system/cpu/online").ok()?)?;
    let is_bound = online.iter().any(|cpu| !allowed.contains(cpu));
    let touches = cpus.iter().any(|cpu| allowed.contains(cpu));
    let is_busy = busy_percent(&root.read(&format!("/proc/{pid}/stat")).ok()?, uptime)? >= BUSY_PERCENT_MIN;
    (is_bound && touches && is_busy).then(|| name.to_owned())
}

/// Processor time in percent of a process's life. The name in parentheses may hold anything.
fn busy_percent(stat: &str, uptime: f64) -> Option<f64> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<f64>().ok();
    let (used, started) = ((number(11)? + number(12)?) / TICKS_PER_SECOND, number(19)? / TICKS_PER_SECOND);
    Some(used * 100.0 / (uptime - started).max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::tree::Tree;

    fn stat(ticks: u64) -> String {
        format!("7 (a) b) S 1 7 7 0 -1 4194560 9 0 0 0 {ticks} 0 0 0 20 0 3 0 100 1 1 1")
    }

    #[test]
    fn busy_processes_on_our_cores_are_named() {
        let tree = Tree::new(&[
            ("/proc/uptime", "101.0 5"),
            ("/sys/devices/system/cpu/online", "0-3"),
            ("/proc/7/status", "Name:\tnoisy\nPPid:\t1\nCpus_allowed_list:\t1\n"),
            ("/proc/7/stat", &stat(5000)),
        ]);
        let host = Host::at(&tree);
        let check = TUNABLE.check(&host);
        assert_eq!((check.verdict, check.current.as_str()), (Verdict::Poor, "noisy (7)"));
        tree.write("/proc/7/stat", &stat(1));
        assert_eq!(TUNABLE.check(&host).verdict, Verdict::Good);
        tree.write("/proc/7/stat", &stat(5000));
        for status in [
            "Name:\tx\nPPid:\t1\nCpus_allowed_list:\t0-3\n",
            "Name:\tx\nPPid:\t1\nCpus_allowed_list:\t2\n",
            "Name:\tkworker\nPPid:\t2\nCpus_allowed_list:\t1\n",
            "",
        ] {
            tree.write("/proc/7/status", status);
            assert_eq!(TUNABLE.check(&host).verdict, Verdict::Good, "{status}");
        }
    }
}
