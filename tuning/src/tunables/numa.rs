//! Memory that is near to some cores and far from others.

use crate::change::{Change, sysctl_path};
use crate::check::{About, Check, Tunable, Verdict};
use crate::cpu_list;
use crate::host::Host;
use crate::root::Obstacle;

static ABOUT: About = About {
    name: "numa",
    why: "a shard's memory is placed where its core is and stays; moving pages about stops the shard",
    effect: "fewer pauses; 10 to 30 % less time in memory where shards lay on two nodes",
};
/// What moves pages, or throws them away, because of the node they lie on.
const SWITCHES: [&str; 2] = ["kernel.numa_balancing", "vm.zone_reclaim_mode"];

/// The tunable.
pub const TUNABLE: Tunable = Tunable { about: &ABOUT, look };

fn look(host: &Host) -> Result<Check, Obstacle> {
    const PATH: &str = "/sys/devices/system/node/online";
    let text = host.root.read(PATH)?;
    let nodes = cpu_list::parse(&text).filter(|nodes| !nodes.is_empty());
    let nodes = nodes.ok_or_else(|| Obstacle::unparsable(PATH, &text))?;
    if nodes.len() == 1 {
        return Ok(Check::good(&ABOUT, "one node".to_owned(), "no moving of pages"));
    }
    let mut used = Vec::new();
    for node in &nodes {
        let cpus = host.root.read(&format!("/sys/devices/system/node/node{node}/cpulist"))?;
        let cpus = cpu_list::parse(&cpus).ok_or_else(|| Obstacle::unparsable("cpulist", &cpus))?;
        if host.cpus.iter().any(|cpu| cpus.contains(cpu)) {
            used.push(*node);
        }
    }
    let mut changes = Vec::new();
    for key in SWITCHES {
        match host.root.number(&sysctl_path(key)) {
            Ok(0) | Err(Obstacle::Missing(_)) => {}
            Ok(_) => changes.push(Change::sysctl(host, key, "0")?),
            Err(obstacle) => return Err(obstacle),
        }
    }
    let on = if changes.is_empty() { "off" } else { "on" };
    let current = format!("{} nodes, shards on {}, moving of pages {on}", nodes.len(), cpu_list::text(&used));
    let verdict = if changes.is_empty() { Verdict::Good } else { Verdict::Poor };
    let mut check = Check::new(&ABOUT, verdict, current, "no moving of pages");
    if used.len() > 1 {
        check = check.advise("shards on one node hand work to each other faster: --set corelog.cpus=LIST");
    }
    Ok(changes.into_iter().fold(check, Check::change))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::tree::Tree;

    #[test]
    fn several_nodes_want_their_pages_left_alone() {
        let tree = Tree::new(&[
            ("/sys/devices/system/node/online", "0-1"),
            ("/sys/devices/system/node/node0/cpulist", "0"),
            ("/sys/devices/system/node/node1/cpulist", "1-3"),
            ("/proc/sys/kernel/numa_balancing", "1"),
        ]);
        let check = TUNABLE.check(&Host::at(&tree));
        assert_eq!(check.current, "2 nodes, shards on 0-1, moving of pages on");
        assert_eq!((check.verdict, check.changes.len()), (Verdict::Poor, 1));
        tree.write("/sys/devices/system/node/online", "0");
        assert_eq!(TUNABLE.check(&Host::at(&tree)).verdict, Verdict::Good);
    }
}
