//! Whether the kernel tries to join neighbouring requests to a disk.

use crate::change::Change;
use crate::check::{About, Check, Tunable, Verdict};
use crate::disk;
use crate::host::Host;
use crate::root::Obstacle;

static ABOUT: About = About {
    name: "disk-nomerges",
    why: "a commit is one large write already; looking for neighbours to join it with only costs time, on a disk that does not turn",
    effect: "about a microsecond less for each write",
};

/// The tunable.
pub const TUNABLE: Tunable = Tunable { about: &ABOUT, look };

fn look(host: &Host) -> Result<Check, Obstacle> {
    let mut current = Vec::new();
    let mut changes = Vec::new();
    for name in disk::names(host)? {
        let path = disk::queue(&name, "nomerges");
        let value = host.root.number(&path)?;
        current.push(format!("{name}: {value}"));
        let turns = disk::is_rotational(host, &name) && !disk::is_virtual(&name);
        if value != 2 && !turns {
            changes.push(Change::of_queue(host, &name, "nomerges", "2")?);
        }
    }
    let check =
        Check::judged(&ABOUT, changes.is_empty(), Verdict::Improvable, current.join(", "), "2 (any if it turns)");
    Ok(changes.into_iter().fold(check, Check::change))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::fake::sda;

    #[test]
    fn only_disks_that_do_not_turn_are_changed() {
        for (rotational, nomerges, verdict) in [
            ("0", "0", Verdict::Improvable),
            ("0", "2", Verdict::Good),
            ("1", "0", Verdict::Good),
            ("0", "", Verdict::Unknown),
        ] {
            let tree = sda(&[("rotational", rotational), ("nomerges", nomerges)]);
            assert_eq!(TUNABLE.check(&Host::at(&tree)).verdict, verdict, "{rotational} {nomerges}");
        }
    }
}
