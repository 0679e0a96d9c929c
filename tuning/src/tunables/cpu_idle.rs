//! How deeply the shards' cores sleep: a deep sleep takes long to wake from.

use crate::change::Change;
use crate::check::{About, Check, Tunable, Verdict};
use crate::host::Host;
use crate::root::Obstacle;

static ABOUT: About = About {
    name: "cpu-idle-states",
    why: "every request to an idle shard first wakes its core, from a deep sleep that takes longer than the device's write",
    effect: "tens to hundreds of microseconds less for a request to an idle broker; more power",
};
/// The longest wake-up that is not worth its loss of time, in microseconds.
const WAKE_UP_US_MAX: u64 = 50;
/// The most states of a core that are looked at.
const STATES_MAX: usize = 16;

/// The tunable.
pub const TUNABLE: Tunable = Tunable { about: &ABOUT, look };

fn look(host: &Host) -> Result<Check, Obstacle> {
    let mut deepest: Option<(u64, String)> = None;
    let mut changes = Vec::new();
    for cpu in &host.cpus {
        let dir = format!("/sys/devices/system/cpu/cpu{cpu}/cpuidle");
        let states = match host.root.list(&dir) {
            Ok(states) => states,
            Err(Obstacle::Missing(_)) => continue,
            Err(obstacle) => return Err(obstacle),
        };
        for state in states.iter().filter(|name| name.starts_with("state")).take(STATES_MAX) {
            let latency_us = host.root.number(&format!("{dir}/{state}/latency"))?;
            let switch = format!("{dir}/{state}/disable");
            if host.root.number(&switch).unwrap_or(0) != 0 {
                continue;
            }
            if deepest.as_ref().is_none_or(|(known_us, _)| latency_us > *known_us) {
                let name = host.root.read(&format!("{dir}/{state}/name")).unwrap_or_else(|_| state.clone());
                deepest = Some((latency_us, name));
            }
            if latency_us > WAKE_UP_US_MAX {
                changes.push(Change::at_boot(host, &switch, "1")?);
            }
        }
    }
    let Some((latency_us, name)) = deepest else {
        return Err(Obstacle::NotHere("the kernel does not choose how cores sleep here".to_owned()));
    };
    let current = format!("{name} wakes up in {latency_us} us");
    let wanted = format!("at most {WAKE_UP_US_MAX} us");
    let check = Check::judged(&ABOUT, changes.is_empty(), Verdict::Poor, current, wanted);
    Ok(changes.into_iter().fold(check, Check::change))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::tree::Tree;

    #[test]
    fn deep_states_are_switched_off() {
        let dir = "/sys/devices/system/cpu/cpu0/cpuidle";
        let tree = Tree::new(&[
            (&format!("{dir}/state0/latency"), "2"),
            (&format!("{dir}/state1/latency"), "133"),
            (&format!("{dir}/state1/name"), "C6"),
            (&format!("{dir}/state1/disable"), "0"),
        ]);
        let check = TUNABLE.check(&Host::at(&tree));
        assert_eq!((check.verdict, check.current.as_str()), (Verdict::Poor, "C6 wakes up in 133 us"));
        tree.write(&check.changes[0].path, "1");
        assert_eq!(TUNABLE.check(&Host::at(&tree)).verdict, Verdict::Good);
        tree.write(&format!("{dir}/state0/latency"), "soon");
        assert_eq!(TUNABLE.check(&Host::at(&tree)).verdict, Verdict::Unknown);
    }
}
