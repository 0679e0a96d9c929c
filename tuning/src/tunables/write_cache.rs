//! The write cache of the disks, and whether a sync reaches what lies behind it.

use crate::check::{About, Check, Tunable, Verdict};
use crate::disk;
use crate::host::Host;
use crate::root::Obstacle;

static ABOUT: About = About {
    name: "write-cache",
    why: "acks=all means that power may fail: a sync must empty the disk's cache, and the kernel must know that there is one",
    effect: "acknowledged records survive a power loss",
};

/// The tunable.
pub const TUNABLE: Tunable = Tunable { about: &ABOUT, look };

fn look(host: &Host) -> Result<Check, Obstacle> {
    let mut current = Vec::new();
    let mut advice = Vec::new();
    for name in disk::names(host)? {
        let path = disk::queue(&name, "write_cache");
        let mode = host.root.read(&path)?;
        match mode.trim() {
            "write back" => current.push(format!("{name}: write back, syncs are sent")),
            "write through" => {
                current.push(format!("{name}: write through, syncs are not sent"));
                advice.push(format!(
                    "{name} says that it has no cache that a power loss empties: make sure of it, or set it right: \
                     echo 'write back' | sudo tee {path}"
                ));
            }
            _ => return Err(Obstacle::unparsable(&path, &mode)),
        }
    }
    // A disk without such a cache is good too, but its word is all that there is.
    let verdict = if advice.is_empty() { Verdict::Good } else { Verdict::Improvable };
    let wanted = "write back, or a disk without a volatile cache";
    let mut check = Check::new(&ABOUT, verdict, current.join(", "), wanted);
    if let Some(suspicion) = crate::probe::properties::suspicion(host) {
        check.verdict = Verdict::Poor;
        check.current = format!("{}; {suspicion}", check.current);
        check = check.advise(
            "a controller or a virtual disk may keep back what a sync should bring to the device: look at its settings",
        );
    }
    Ok(advice.into_iter().fold(check, Check::advise))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::fake::sda;

    #[test]
    fn the_mode_decides() {
        for (mode, verdict) in
            [("write back", Verdict::Good), ("write through", Verdict::Improvable), ("write around", Verdict::Unknown)]
        {
            assert_eq!(TUNABLE.check(&Host::at(&sda(&[("write_cache", mode)]))).verdict, verdict, "{mode}");
        }
    }
}
