//! Which cores take the interrupts of the network cards.

use crate::change::Change;
use crate::check::{About, Check, Tunable, Verdict};
use crate::cpu_list;
use crate::host::Host;
use crate::network;
use crate::root::Obstacle;

static ABOUT: About = About {
    name: "interrupt-affinity",
    why: "a core that takes the interrupts of every queue has less time for its shard, and its clients wait for it",
    effect: "the load of the network spread over the cores; lower latency of the busiest shard",
};
/// The most interrupts that are looked at.
const INTERRUPTS_MAX: usize = 1024;

/// The tunable.
pub const TUNABLE: Tunable = Tunable { about: &ABOUT, look };

fn look(host: &Host) -> Result<Check, Obstacle> {
    let mut current = Vec::new();
    let mut changes = Vec::new();
    for card in network::cards(host)? {
        let numbers = queue_interrupts(host, &card)?;
        let mut places = Vec::new();
        for number in numbers.iter().take(INTERRUPTS_MAX) {
            let path = affinity(*number);
            let text = host.root.read(&path)?;
            let cpus = cpu_list::parse(&text).filter(|cpus| !cpus.is_empty());
            places.push(cpus.ok_or_else(|| Obstacle::unparsable(&path, &text))?);
        }
        let mut used: Vec<usize> = places.iter().flatten().copied().collect();
        used.sort_unstable();
        used.dedup();
        current.push(format!("{card}: {} interrupts on cpus {}", numbers.len(), cpu_list::text(&used)));
        // One interrupt lies on one core in any case.
        let is_crowded = numbers.len() > 1 && used.len() == 1 && host.cpus.len() > 1;
        if is_crowded {
            for (number, cpu) in numbers.iter().zip(host.cpus.iter().cycle()) {
                let change = Change::new(host, &affinity(*number), cpu.to_string())?;
                if change.from != change.to {
                    changes.push(change);
                }
            }
        }
    }
    let wanted = "spread over the cores";
    let check = Check::judged(&ABOUT, changes.is_empty(), Verdict::Poor, current.join("; "), wanted);
    if changes.is_empty() {
        return Ok(check);
    }
    let check = check.advise("irqbalance, where it runs, puts them elsewhere again: stop it, or let it do this");
    Ok(changes.into_iter().fold(check, Check::change))
}

fn affinity(number: u64) -> String {
    format!("/proc/irq/{number}/smp_affinity_list")
}

/// The interrupts of a card that can be placed; those that the kernel has not set up have no directory.
fn queue_interrupts(host: &Host, card: &str) -> Result<Vec<u64>, Obstacle> {
    let numbers = network::interrupts(host, card)?;
    Ok(numbers.into_iter().filter(|number| host.root.exists(&affinity(*number))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::tree::Tree;

    #[test]
    fn interrupts_on_one_core_are_spread() {
        let tree = Tree::new(&[
            ("/sys/class/net/eth0/device/msi_irqs/40", "msix"),
            ("/sys/class/net/eth0/device/msi_irqs/41", "msix"),
            ("/proc/irq/40/smp_affinity_list", "0"),
            ("/proc/irq/41/smp_affinity_list", "0"),
        ]);
        let check = TUNABLE.check(&Host::at(&tree));
        assert_eq!((check.verdict, check.current.as_str()), (Verdict::Poor, "eth0: 2 interrupts on cpus 0"));
        let [change] = check.changes.as_slice() else { panic!("{:?}", check.changes) };
        assert_eq!((change.path.as_str(), change.to.as_str()), ("/proc/irq/41/smp_affinity_list", "1"));
        tree.write("/proc/irq/41/smp_affinity_list", "0-1");
        assert_eq!(TUNABLE.check(&Host::at(&tree)).verdict, Verdict::Good);
        tree.write("/proc/irq/41/smp_affinity_list", "x");
        assert_eq!(TUNABLE.check(&Host::at(&tree)).verdict, Verdict::Unknown);
    }
}
