//! `fs.aio-max-nr`: requests of the older asynchronous interface that all processes may hold together.

use crate::change::Change;
use crate::check::{About, Check, Tunable, Verdict};
use crate::host::Host;
use crate::root::Obstacle;

static ABOUT: About = About {
    name: "aio-max-nr",
    why: "the broker itself uses io_uring and takes none; databases and brokers beside it fail to start when these run out",
    effect: "none on this broker; neighbours start",
};
/// Requests that should be left for others.
const FREE_MIN: u64 = 32_768;
const WANTED: u64 = 1 << 20;

/// The tunable.
pub const TUNABLE: Tunable = Tunable { about: &ABOUT, look };

fn look(host: &Host) -> Result<Check, Obstacle> {
    let limit = host.root.number("/proc/sys/fs/aio-max-nr")?;
    let used = host.root.number("/proc/sys/fs/aio-nr")?;
    let is_good = limit.saturating_sub(used) >= FREE_MIN;
    let current = format!("{limit}, {used} in use");
    let check = Check::judged(&ABOUT, is_good, Verdict::Improvable, current, format!("at least {FREE_MIN} free"));
    if is_good {
        return Ok(check);
    }
    let wanted = used.saturating_add(WANTED).to_string();
    Ok(check.change(Change::sysctl(host, "fs.aio-max-nr", wanted)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::tree::Tree;

    #[test]
    fn what_is_left_counts() {
        let tree = Tree::new(&[("/proc/sys/fs/aio-max-nr", "65536"), ("/proc/sys/fs/aio-nr", "0")]);
        assert_eq!(TUNABLE.check(&Host::at(&tree)).verdict, Verdict::Good);
        tree.write("/proc/sys/fs/aio-nr", "60000");
        let check = TUNABLE.check(&Host::at(&tree));
        assert_eq!((check.verdict, check.changes[0].to.as_str()), (Verdict::Improvable, "1108576"));
    }
}
