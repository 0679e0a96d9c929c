//! Shards that share a core of the machine: two threads of one core do not do the work of two.

use crate::check::{About, Check, Tunable, Verdict};
use crate::cpu_list;
use crate::host::Host;
use crate::root::Obstacle;

static ABOUT: About = About {
    name: "smt-siblings",
    why: "two shards on the two threads of one core share its units and its caches and slow each other down",
    effect: "steadier latency; with one shard a core 10 to 30 % less throughput of the machine, more of each shard",
};

/// The tunable.
pub const TUNABLE: Tunable = Tunable { about: &ABOUT, look };

fn look(host: &Host) -> Result<Check, Obstacle> {
    let mut first_threads: Vec<usize> = Vec::new();
    let mut sharing = 0;
    for &cpu in &host.cpus {
        let path = format!("/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list");
        let text = host.root.read(&path)?;
        let siblings = cpu_list::parse(&text).filter(|siblings| siblings.contains(&cpu));
        let siblings = siblings.ok_or_else(|| Obstacle::unparsable(&path, &text))?;
        if siblings.iter().any(|sibling| first_threads.contains(sibling)) {
            sharing += 1;
        } else {
            first_threads.push(cpu);
        }
    }
    let wanted = "a core for each shard";
    if sharing == 0 {
        return Ok(Check::good(&ABOUT, format!("{} shards on as many cores", host.cpus.len()), wanted));
    }
    let current = format!("{} shards on {} cores", host.cpus.len(), first_threads.len());
    let advice = format!(
        "one shard a core: --set corelog.cpus={} --set corelog.shards={}; measure both, many small requests gain from all threads",
        cpu_list::text(&first_threads),
        first_threads.len()
    );
    Ok(Check::new(&ABOUT, Verdict::Improvable, current, wanted).advise(advice))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::tree::Tree;

    #[test]
    fn threads_of_one_core_are_found() {
        let dir = "/sys/devices/system/cpu";
        let tree = Tree::new(&[
            (&format!("{dir}/cpu0/topology/thread_siblings_list"), "0-1"),
            (&format!("{dir}/cpu1/topology/thread_siblings_list"), "0-1"),
        ]);
        let check = TUNABLE.check(&Host::at(&tree));
        assert_eq!((check.verdict, check.current.as_str()), (Verdict::Improvable, "2 shards on 1 cores"));
        assert!(check.how[0].contains("corelog.cpus=0 "), "{:?}", check.how);
        tree.write(&format!("{dir}/cpu1/topology/thread_siblings_list"), "1");
        tree.write(&format!("{dir}/cpu0/topology/thread_siblings_list"), "0");
        assert_eq!(TUNABLE.check(&Host::at(&tree)).verdict, Verdict::Good);
        tree.write(&format!("{dir}/cpu0/topology/thread_siblings_list"), "7");
        assert_eq!(TUNABLE.check(&Host::at(&tree)).verdict, Verdict::Unknown);
    }
}
