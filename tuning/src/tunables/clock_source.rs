//! The clock that the kernel reads: one that a program can read by itself, or one that needs a call each time.

use crate::change::Change;
use crate::check::{About, Check, Tunable, Verdict};
use crate::host::Host;
use crate::root::Obstacle;

static ABOUT: About = About {
    name: "clock-source",
    why: "the clock is read several times for each request; a slow one costs a call into the kernel, or a trip to a chip",
    effect: "20 ns instead of 0.2 to 1 us for each look at the clock",
};
const DIR: &str = "/sys/devices/system/clocksource/clocksource0";
/// Those that a program can read without a call, best first.
const FAST: [&str; 4] = ["tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter"];

/// The tunable.
pub const TUNABLE: Tunable = Tunable { about: &ABOUT, look };

fn look(host: &Host) -> Result<Check, Obstacle> {
    let path = format!("{DIR}/current_clocksource");
    let current = host.root.read(&path)?;
    if current.split_whitespace().count() != 1 {
        return Err(Obstacle::unparsable(&path, &current));
    }
    let wanted = FAST.join(", ");
    if FAST.contains(&current.trim()) {
        return Ok(Check::good(&ABOUT, current, wanted));
    }
    let available = host.root.read(&format!("{DIR}/available_clocksource"))?;
    let better = FAST.iter().find(|name| available.split_whitespace().any(|word| word == **name));
    let check = Check::new(&ABOUT, Verdict::Poor, current, wanted);
    Ok(match better {
        Some(name) => check.change(Change::at_boot(host, &path, *name)?),
        None => check.advise("the machine offers no better one; on a virtual machine ask for another type of it"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::tree::Tree;

    #[test]
    fn a_slow_clock_is_changed_if_there_is_another() {
        let current = &format!("{DIR}/current_clocksource");
        let tree = Tree::new(&[(current, "hpet"), (&format!("{DIR}/available_clocksource"), "tsc hpet acpi_pm")]);
        let check = TUNABLE.check(&Host::at(&tree));
        assert_eq!((check.verdict, check.changes[0].to.as_str()), (Verdict::Poor, "tsc"));
        tree.write(&format!("{DIR}/available_clocksource"), "hpet");
        assert!(TUNABLE.check(&Host::at(&tree)).changes.is_empty());
        tree.write(current, "tsc");
        assert_eq!(TUNABLE.check(&Host::at(&tree)).verdict, Verdict::Good);
    }
}
