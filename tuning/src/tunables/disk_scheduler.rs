//! The scheduler of the disks that hold the data.

use crate::change::{Change, shown};
use crate::check::{About, Check, Tunable, Verdict};
use crate::disk;
use crate::host::Host;
use crate::root::Obstacle;

static ABOUT: About = About {
    name: "disk-scheduler",
    why: "a log is written in order already; a scheduler holds writes back to sort them, which only a turning disk repays",
    effect: "a few microseconds less for each write, less processor time",
};

/// The tunable.
pub const TUNABLE: Tunable = Tunable { about: &ABOUT, look };

fn look(host: &Host) -> Result<Check, Obstacle> {
    let mut current = Vec::new();
    let mut changes = Vec::new();
    for name in disk::names(host)? {
        let path = disk::queue(&name, "scheduler");
        let text = host.root.read(&path)?;
        let offered: Vec<&str> =
            text.split_whitespace().map(|word| word.trim_start_matches('[').trim_end_matches(']')).collect();
        let chosen = shown(&text);
        // Old kernels without any scheduler show `none` without brackets.
        if chosen.is_empty() || chosen.contains(' ') {
            return Err(Obstacle::unparsable(&path, &text));
        }
        let turns = disk::is_rotational(host, &name) && !disk::is_virtual(&name);
        let is_good = if turns { chosen != "none" } else { chosen == "none" };
        let wanted = if turns { "mq-deadline" } else { "none" };
        if !is_good && offered.contains(&wanted) {
            changes.push(Change::of_queue(host, &name, "scheduler", wanted)?);
        }
        current.push(format!("{name}: {chosen}"));
    }
    let wanted = "none (mq-deadline if it turns)";
    let check = Check::judged(&ABOUT, changes.is_empty(), Verdict::Improvable, current.join(", "), wanted);
    Ok(changes.into_iter().fold(check, Check::change))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::fake::sda;

    #[test]
    fn the_kind_of_disk_decides() {
        for (rotational, scheduler, wanted) in [
            ("0", "[none] mq-deadline", None),
            ("0", "none [mq-deadline] bfq", Some("none")),
            ("1", "none [mq-deadline]", None),
            ("1", "[none] mq-deadline", Some("mq-deadline")),
            ("0", "none", None),
        ] {
            let tree = sda(&[("rotational", rotational), ("scheduler", scheduler)]);
            let check = TUNABLE.check(&Host::at(&tree));
            assert_eq!(check.changes.first().map(|change| change.to.as_str()), wanted, "{rotational} {scheduler}");
            assert_eq!(check.verdict == Verdict::Good, wanted.is_none());
        }
        let tree = sda(&[("scheduler", "none mq-deadline")]);
        assert_eq!(TUNABLE.check(&Host::at(&tree)).verdict, Verdict::Unknown);
    }
}
