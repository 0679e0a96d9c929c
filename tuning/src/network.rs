//! The network cards of the host: interfaces with a device behind them.

use crate::host::Host;
use crate::root::Obstacle;

/// The most cards that are looked at.
const CARDS_MAX: usize = 64;

/// Names of the interfaces that have a device, as in `/sys/class/net`.
pub fn cards(host: &Host) -> Result<Vec<String>, Obstacle> {
    let names = host.root.list("/sys/class/net")?;
    let has_device = |name: &String| host.root.exists(&format!("/sys/class/net/{name}/device"));
    let cards: Vec<String> = names.into_iter().filter(has_device).take(CARDS_MAX).collect();
    if cards.is_empty() {
        return Err(Obstacle::NotHere("there is no network card, only virtual interfaces".to_owned()));
    }
    Ok(cards)
}

/// Names of a card's queues in one direction (`rx` or `tx`), in the order of their numbers.
pub fn queues(host: &Host, card: &str, direction: &str) -> Result<Vec<String>, Obstacle> {
    let names = host.root.list(&format!("/sys/class/net/{card}/queues"))?;
    let number = |name: &String| name.strip_prefix(direction)?.strip_prefix('-')?.parse::<u32>().ok();
    let mut queues: Vec<(u32, String)> = names.into_iter().filter_map(|name| Some((number(&name)?, name))).collect();
    queues.sort();
    Ok(queues.into_iter().map(|(_, name)| name).collect())
}

/// Numbers of a card's interrupts.
pub fn interrupts(host: &Host, card: &str) -> Result<Vec<u64>, Obstacle> {
    let device = format!("/sys/class/net/{card}/device");
    // A card of a virtual machine has them one level up, where the bus knows the device.
    for place in [device.clone(), format!("{device}/..")] {
        match host.root.list_numbers(&format!("{place}/msi_irqs")) {
            Ok(numbers) if !numbers.is_empty() => return Ok(numbers),
            Ok(_) | Err(Obstacle::Missing(_)) => {}
            Err(obstacle) => return Err(obstacle),
        }
    }
    host.root.number(&format!("{device}/irq")).map(|number| vec![number])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::tree::Tree;

    #[test]
    fn queues_are_in_the_order_of_their_numbers() {
        let tree = Tree::new(&[
            ("/sys/class/net/eth0/device/irq", "9"),
            ("/sys/class/net/eth0/queues/rx-10/rps_cpus", "0"),
            ("/sys/class/net/eth0/queues/rx-2/rps_cpus", "0"),
            ("/sys/class/net/eth0/queues/tx-0/xps_cpus", "0"),
            ("/sys/class/net/lo/mtu", "1"),
        ]);
        let host = Host::at(&tree);
        assert_eq!(cards(&host).unwrap(), ["eth0"]);
        assert_eq!(queues(&host, "eth0", "rx").unwrap(), ["rx-2", "rx-10"]);
        assert_eq!(interrupts(&host, "eth0").unwrap(), [9]);
    }

    #[test]
    fn a_host_without_cards_is_an_obstacle() {
        let tree = Tree::new(&[("/sys/class/net/lo/mtu", "1")]);
        assert!(matches!(cards(&Host::at(&tree)), Err(Obstacle::NotHere(_))));
    }
}
