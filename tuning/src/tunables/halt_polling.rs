//! How long an idle core of a virtual machine waits before it hands itself back to the host.

use crate::change::Change;
use crate::check::{About, Check, Tunable, Verdict};
use crate::host::Host;
use crate::root::Obstacle;

static ABOUT: About = About {
    name: "halt-polling",
    why: "a core that halts must be woken by the host, which takes longer than the device's write, and each commit sleeps several times",
    effect: "a lone write with its sync in half the time (measured: 270 to 120-170 us); an idle core looks busy to the host",
};
const DRIVER: &str = "/sys/devices/system/cpu/cpuidle/current_driver";
const LIMIT: &str = "/sys/module/haltpoll/parameters/guest_halt_poll_ns";
/// The least that is wanted: the kernel gives up polling where sleeps are longer than that, and those between
/// the requests of a few megabytes a second are some hundred microseconds.
const LEAST_NS: u64 = 1_000_000;

/// The tunable.
pub const TUNABLE: Tunable = Tunable { about: &ABOUT, look };

fn look(host: &Host) -> Result<Check, Obstacle> {
    let driver = host.root.read(DRIVER)?;
    if driver.trim() != "haltpoll" {
        return Err(Obstacle::NotHere(format!("{} puts cores to sleep here, not haltpoll", driver.trim())));
    }
    let limit_ns = host.root.number(LIMIT)?;
    let is_enough = limit_ns >= LEAST_NS;
    let wanted = format!("guest_halt_poll_ns >= {LEAST_NS}");
    let check = Check::judged(&ABOUT, is_enough, Verdict::Improvable, format!("guest_halt_poll_ns {limit_ns}"), wanted);
    if is_enough { Ok(check) } else { Ok(check.change(Change::at_boot(host, LIMIT, LEAST_NS.to_string())?)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::tree::Tree;

    #[test]
    fn a_guest_that_halts_at_once_may_wait_first() {
        let tree = Tree::new(&[(DRIVER, "haltpoll\n"), (LIMIT, "0\n")]);
        let check = TUNABLE.check(&Host::at(&tree));
        assert_eq!((check.verdict, check.current.as_str()), (Verdict::Improvable, "guest_halt_poll_ns 0"));
        assert_eq!(check.changes[0].path, LIMIT);
        tree.write(&check.changes[0].path, &check.changes[0].to);
        assert_eq!(TUNABLE.check(&Host::at(&tree)).verdict, Verdict::Good);
        tree.write(LIMIT, "long");
        assert_eq!(TUNABLE.check(&Host::at(&tree)).verdict, Verdict::Unknown);
        tree.write(DRIVER, "intel_idle");
        assert_eq!(TUNABLE.check(&Host::at(&tree)).verdict, Verdict::NotSupported);
    }
}
