//! The governor of the shards' cores: who decides how fast they run.

use crate::change::{Change, shown};
use crate::check::{About, Check, Tunable, Verdict};
use crate::host::Host;
use crate::root::Obstacle;

static ABOUT: About = About {
    name: "cpu-governor",
    why: "a core that sleeps between requests is slowed down, and runs slowly when the next request comes",
    effect: "up to twice the speed at low load, where latency is measured; more power",
};

/// The tunable.
pub const TUNABLE: Tunable = Tunable { about: &ABOUT, look };

fn look(host: &Host) -> Result<Check, Obstacle> {
    let mut found = Vec::new();
    let mut changes = Vec::new();
    for cpu in &host.cpus {
        let path = format!("/sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor");
        let governor = match host.root.read(&path) {
            Ok(text) => shown(&text),
            Err(Obstacle::Missing(_)) => continue,
            Err(obstacle) => return Err(obstacle),
        };
        if governor.is_empty() {
            return Err(Obstacle::unparsable(&path, &governor));
        }
        if governor != "performance" {
            changes.push(Change::at_boot(host, &path, "performance")?);
        }
        if !found.contains(&governor) {
            found.push(governor);
        }
    }
    if found.is_empty() {
        return Err(Obstacle::NotHere(
            "the speed of cores cannot be chosen here, as on most virtual machines".to_owned(),
        ));
    }
    let check = Check::judged(&ABOUT, changes.is_empty(), Verdict::Poor, found.join(", "), "performance");
    Ok(changes.into_iter().fold(check, Check::change))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::tree::Tree;

    #[test]
    fn only_cores_that_are_slowed_are_changed() {
        let tree = Tree::new(&[
            ("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n"),
            ("/sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "powersave\n"),
        ]);
        let check = TUNABLE.check(&Host::at(&tree));
        assert_eq!((check.verdict, check.current.as_str()), (Verdict::Poor, "performance, powersave"));
        assert_eq!(check.changes.len(), 1);
        assert!(check.changes[0].path.contains("cpu1"));
        assert_eq!(TUNABLE.check(&Host::at(&Tree::new(&[]))).verdict, Verdict::NotSupported);
    }
}
