//! Which cores look at packets (RPS) and send them (XPS), where a card has fewer queues than the machine has cores.

use crate::change::Change;
use crate::check::{About, Check, Tunable, Verdict};
use crate::cpu_list;
use crate::host::Host;
use crate::network;
use crate::root::Obstacle;

static ABOUT: About = About {
    name: "packet-steering",
    why: "a card with one queue has all its packets looked at by one core; steering shares that work among all",
    effect: "more throughput with many connections where one core is busy with packets; a little more work in all",
};

/// The tunable.
pub const TUNABLE: Tunable = Tunable { about: &ABOUT, look };

fn look(host: &Host) -> Result<Check, Obstacle> {
    let mut current = Vec::new();
    let mut changes = Vec::new();
    for card in network::cards(host)? {
        let receiving = network::queues(host, &card, "rx")?;
        let sending = network::queues(host, &card, "tx")?;
        let mut steered = 0;
        for queue in &receiving {
            let cpus = mask(host, &rps(&card, queue))?.unwrap_or_default();
            steered += usize::from(!cpus.is_empty());
        }
        // A queue a core needs no steering: the card does it.
        let is_short = receiving.len() < host.cpus.len();
        if is_short && steered < receiving.len() {
            for queue in &receiving {
                changes.push(Change::at_boot(host, &rps(&card, queue), cpu_list::mask(&host.cpus))?);
            }
        }
        // A card with one queue has nothing to choose from, and refuses even to say so.
        let chosen = if sending.len() > 1 { sent_from(host, &card, &sending)? } else { String::new() };
        current.push(format!("{card}: {} receive queues, {steered} steered{chosen}", receiving.len()));
    }
    let check = Check::judged(
        &ABOUT,
        changes.is_empty(),
        Verdict::Improvable,
        current.join("; "),
        "a queue a core, or steering",
    );
    Ok(changes.into_iter().fold(check, Check::change))
}

fn rps(card: &str, queue: &str) -> String {
    format!("/sys/class/net/{card}/queues/{queue}/rps_cpus")
}

/// How many of a card's send queues have cores of their own.
fn sent_from(host: &Host, card: &str, queues: &[String]) -> Result<String, Obstacle> {
    let mut chosen = 0;
    for queue in queues {
        let cpus = mask(host, &format!("/sys/class/net/{card}/queues/{queue}/xps_cpus"))?;
        chosen += usize::from(cpus.is_some_and(|cpus| !cpus.is_empty()));
    }
    Ok(format!(", {chosen} of {} send queues with cores of their own", queues.len()))
}

/// The cores of a mask; none where the kernel knows no steering.
fn mask(host: &Host, path: &str) -> Result<Option<Vec<usize>>, Obstacle> {
    match host.root.read(path) {
        Ok(text) => cpu_list::parse_mask(&text).map(Some).ok_or_else(|| Obstacle::unparsable(path, &text)),
        Err(Obstacle::Missing(_)) => Ok(None),
        Err(obstacle) => Err(obstacle),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::tree::Tree;

    #[test]
    fn one_queue_for_two_cores_is_steered() {
        let path = "/sys/class/net/eth0/queues/rx-0/rps_cpus";
        let tree = Tree::new(&[(path, "0"), ("/sys/class/net/eth0/device/irq", "1")]);
        let check = TUNABLE.check(&Host::at(&tree));
        assert_eq!((check.verdict, check.changes[0].to.as_str()), (Verdict::Improvable, "3"));
        tree.write(path, "3");
        assert_eq!(TUNABLE.check(&Host::at(&tree)).verdict, Verdict::Good);
        tree.write(path, "0");
        tree.write("/sys/class/net/eth0/queues/rx-1/rps_cpus", "0");
        assert_eq!(TUNABLE.check(&Host::at(&tree)).verdict, Verdict::Good);
        tree.write(path, "zz");
        assert_eq!(TUNABLE.check(&Host::at(&tree)).verdict, Verdict::Unknown);
    }
}
