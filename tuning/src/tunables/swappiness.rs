//! `vm.swappiness`: how readily the kernel puts a broker's memory on a disk.

use crate::change::Change;
use crate::check::{About, Check, Tunable, Verdict};
use crate::host::Host;
use crate::root::Obstacle;

static ABOUT: About = About {
    name: "swappiness",
    why: "a broker's memory is its cache of the tail; on a disk it is worse than none",
    effect: "no pauses of tens of milliseconds when something else on the host wants memory",
};
const KEY: &str = "vm.swappiness";
const MOST: u64 = 10;

/// The tunable.
pub const TUNABLE: Tunable = Tunable { about: &ABOUT, look };

fn look(host: &Host) -> Result<Check, Obstacle> {
    let value = host.root.number("/proc/sys/vm/swappiness")?;
    let wanted = format!("at most {MOST}, or no swap");
    // One line of headings, then one a device. Where the kernel has no swap at all the file is missing.
    let devices = host.root.read("/proc/swaps").map_or(0, |text| text.lines().skip(1).count());
    if devices == 0 {
        return Ok(Check::good(&ABOUT, format!("{value}, no swap"), wanted));
    }
    let check = Check::judged(&ABOUT, value <= MOST, Verdict::Poor, format!("{value}, with swap"), wanted);
    if value <= MOST { Ok(check) } else { Ok(check.change(Change::sysctl(host, KEY, "1")?)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::tree::Tree;

    #[test]
    fn it_matters_only_where_there_is_swap() {
        let tree = Tree::new(&[("/proc/sys/vm/swappiness", "60"), ("/proc/swaps", "Filename Type\n")]);
        assert_eq!(TUNABLE.check(&Host::at(&tree)).verdict, Verdict::Good);
        tree.write("/proc/swaps", "Filename Type\n/dev/sdb partition\n");
        let check = TUNABLE.check(&Host::at(&tree));
        assert_eq!((check.verdict, check.how()), (Verdict::Poor, vec!["sudo sysctl -w vm.swappiness=1".to_owned()]));
    }
}
