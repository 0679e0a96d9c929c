//! The processor time that the control group may use: a container's share.

use crate::check::{About, Check, Tunable, Verdict};
use crate::control_group;
use crate::host::Host;
use crate::root::Obstacle;

static ABOUT: About = About {
    name: "cpu-quota",
    why: "a group that has used its share is stopped until the next tenth of a second, whatever it was doing",
    effect: "no pauses of up to 100 ms under load",
};

/// The tunable.
pub const TUNABLE: Tunable = Tunable { about: &ABOUT, look };

/// Cores that a group may use, without end if it has no limit; nothing for nonsense.
fn cores(text: &str, period_text: Option<&str>) -> Option<f64> {
    let mut words = text.split_whitespace().chain(period_text);
    let quota = words.next()?;
    if quota == "max" || quota == "-1" {
        return Some(f64::INFINITY);
    }
    let (quota, period): (f64, f64) = (quota.parse().ok()?, words.next()?.trim().parse().ok()?);
    (quota > 0.0 && period > 0.0).then_some(quota / period)
}

fn look(host: &Host) -> Result<Check, Obstacle> {
    // `/proc/self/cgroup` is missing where the kernel has no groups.
    host.root.read("/proc/self/cgroup")?;
    let settings = control_group::values(&host.root, "cpu", "cpu.max", "cpu.cfs_quota_us");
    let mut cores_least = f64::INFINITY;
    for setting in &settings {
        let period = host.root.read(&format!("{}/cpu.cfs_period_us", setting.dir)).ok();
        let cores = cores(&setting.text, period.as_deref())
            .ok_or_else(|| Obstacle::unparsable(&format!("{}/cpu.max", setting.dir), &setting.text))?;
        cores_least = cores_least.min(cores);
    }
    let throttled = throttled(host);
    let wanted = format!("no limit, or {} cores", host.cpus.len());
    if cores_least.is_infinite() {
        return Ok(Check::good(&ABOUT, "no limit".to_owned(), wanted));
    }
    let times = throttled.map_or(String::new(), |times| format!(", stopped {times} times"));
    let is_good = cores_least + 0.01 >= host.cpus.len() as f64 && throttled.unwrap_or(0) == 0;
    let check = Check::judged(&ABOUT, is_good, Verdict::Poor, format!("{cores_least:.2} cores{times}"), wanted);
    if is_good {
        return Ok(check);
    }
    Ok(check
        .advise("give whole cores instead of a share of all: --cpuset-cpus LIST, and no --cpus")
        .advise("or use no more shards than the share: --set corelog.shards=N"))
}

/// How often our group was stopped, if it says so.
fn throttled(host: &Host) -> Option<u64> {
    let settings = control_group::values(&host.root, "cpu", "cpu.stat", "cpu.stat");
    let text = &settings.first()?.text;
    text.lines().find_map(|line| line.strip_prefix("nr_throttled "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::tree::Tree;

    #[test]
    fn a_share_below_the_shards_is_poor() {
        let tree = Tree::new(&[("/proc/self/cgroup", "0::/c\n"), ("/sys/fs/cgroup/c/cpu.max", "150000 100000\n")]);
        let check = TUNABLE.check(&Host::at(&tree));
        assert_eq!((check.verdict, check.current.as_str()), (Verdict::Poor, "1.50 cores"));
        tree.write("/sys/fs/cgroup/c/cpu.max", "200000 100000\n");
        assert_eq!(TUNABLE.check(&Host::at(&tree)).verdict, Verdict::Good);
        tree.write("/sys/fs/cgroup/c/cpu.stat", "usage_usec 1\nnr_throttled 12\n");
        let check = TUNABLE.check(&Host::at(&tree));
        assert_eq!((check.verdict, check.current.as_str()), (Verdict::Poor, "2.00 cores, stopped 12 times"));
        tree.write("/sys/fs/cgroup/c/cpu.max", "max 100000\n");
        assert_eq!(TUNABLE.check(&Host::at(&tree)).verdict, Verdict::Good);
        for nonsense in ["-5 100000", "1 0", "many", ""] {
            tree.write("/sys/fs/cgroup/c/cpu.max", nonsense);
            assert_eq!(TUNABLE.check(&Host::at(&tree)).verdict, Verdict::Unknown, "{nonsense}");
        }
    }

    #[test]
    fn version_1_is_understood() {
        let tree = Tree::new(&[
            ("/proc/self/cgroup", "4:cpu,cpuacct:/c\n"),
            ("/sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_quota_us", "50000\n"),
            ("/sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_period_us", "100000\n"),
        ]);
        assert_eq!(TUNABLE.check(&Host::at(&tree)).current, "0.50 cores");
        tree.write("/sys/fs/cgroup/cpu,cpuacct/c/cpu.cfs_quota_us", "-1");
        assert_eq!(TUNABLE.check(&Host::at(&tree)).current, "no limit");
    }
}
