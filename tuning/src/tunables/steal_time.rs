//! Time that the host of this virtual machine gave to others while a shard's core wanted to run.

use crate::check::{About, Check, Tunable, Verdict};
use crate::host::Host;
use crate::root::Obstacle;

static ABOUT: About = About {
    name: "steal-time",
    why: "while the host runs somebody else, a shard stands still without knowing, and so do its clients",
    effect: "no pauses that nothing on this machine explains",
};
/// Percent since the machine started.
const GOOD_MAX: f64 = 1.0;
const IMPROVABLE_MAX: f64 = 5.0;

/// The tunable.
pub const TUNABLE: Tunable = Tunable { about: &ABOUT, look };

fn look(host: &Host) -> Result<Check, Obstacle> {
    const PATH: &str = "/proc/stat";
    let text = host.root.read(PATH)?;
    let mut worst: Option<(f64, usize)> = None;
    for &cpu in &host.cpus {
        let percent = percent(&text, cpu).ok_or_else(|| Obstacle::unparsable(PATH, &text))?;
        if worst.is_none_or(|(known, _)| percent > known) {
            worst = Some((percent, cpu));
        }
    }
    let (percent, cpu) = worst.ok_or_else(|| Obstacle::NotHere("no cores are named".to_owned()))?;
    let verdict = if percent <= GOOD_MAX {
        Verdict::Good
    } else if percent <= IMPROVABLE_MAX {
        Verdict::Improvable
    } else {
        Verdict::Poor
    };
    let current = format!("{percent:.2} % since start, at most (cpu {cpu})");
    let check = Check::new(&ABOUT, verdict, current, format!("at most {GOOD_MAX} %"));
    if verdict == Verdict::Good {
        return Ok(check);
    }
    Ok(check.advise("ask for a virtual machine with cores of its own, or move it to another host"))
}

/// Stolen time of a core in percent of all.
fn percent(stat: &str, cpu: usize) -> Option<f64> {
    let name = format!("cpu{cpu} ");
    let line = stat.lines().find_map(|line| line.strip_prefix(&name))?;
    // user nice system idle iowait irq softirq steal; what guests use is part of user.
    let ticks: Option<Vec<u64>> = line.split_whitespace().take(8).map(|word| word.parse().ok()).collect();
    let ticks = ticks?;
    let total: u64 = ticks.iter().fold(0, |sum, ticks| sum.saturating_add(*ticks));
    let stolen = *ticks.get(7)?;
    Some(if total == 0 { 0.0 } else { stolen as f64 * 100.0 / total as f64 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::tree::Tree;

    #[test]
    fn the_worst_core_counts() {
        let tree = Tree::new(&[("/proc/stat", "cpu  1 1\ncpu0 50 0 0 50 0 0 0 0 0 0\ncpu1 45 0 0 45 0 0 0 10 0 0\n")]);
        let check = TUNABLE.check(&Host::at(&tree));
        assert_eq!((check.verdict, check.current.as_str()), (Verdict::Poor, "10.00 % since start, at most (cpu 1)"));
        for nonsense in ["", "cpu0 1 2 3", "cpu0 x 0 0 0 0 0 0 0"] {
            tree.write("/proc/stat", nonsense);
            assert_eq!(TUNABLE.check(&Host::at(&tree)).verdict, Verdict::Unknown, "{nonsense}");
        }
    }
}
