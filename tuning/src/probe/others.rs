//! What else used the machine while the disk was measured: with others on it, a probe measures them too.

use crate::root::{Obstacle, Root};

/// Ticks of a second in `/proc`: fixed by the kernel's interface.
const TICKS_PER_SECOND: f64 = 100.0;
/// Cores that others may use before the probe says something about them.
pub const OTHERS_CORES_MAX: f64 = 0.3;

/// Processor time since the machine started, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usage {
    /// Of all.
    all_seconds: f64,
    /// Of this process.
    own_seconds: f64,
    /// Since the machine started.
    uptime_seconds: f64,
}

impl Usage {
    /// Until now.
    pub fn now(root: &Root) -> Result<Self, Obstacle> {
        let read = |path: &str, parse: fn(&str) -> Option<f64>| {
            let text = root.read(path)?;
            parse(&text).ok_or_else(|| Obstacle::unparsable(path, &text))
        };
        Ok(Self {
            all_seconds: read("/proc/stat", all)?,
            own_seconds: read("/proc/self/stat", own)?,
            uptime_seconds: read("/proc/uptime", |text| text.split_whitespace().next()?.parse().ok())?,
        })
    }

    /// Cores that others used since `earlier`, on average.
    pub fn others_cores(&self, earlier: &Usage) -> f64 {
        let others = (self.all_seconds - earlier.all_seconds) - (self.own_seconds - earlier.own_seconds);
        (others / (self.uptime_seconds - earlier.uptime_seconds).max(0.01)).max(0.0)
    }
}

/// User, nice, system, interrupts and time stolen by the host; neither idle nor waiting for the disk.
fn all(stat: &str) -> Option<f64> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Option<Vec<f64>> = line.split_whitespace().take(8).map(|word| word.parse().ok()).collect();
    let [user, nice, system, _, _, interrupts, soft_interrupts, stolen] = ticks?.try_into().ok()?;
    Some((user + nice + system + interrupts + soft_interrupts + stolen) / TICKS_PER_SECOND)
}

fn own(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let (user, system): (f64, f64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((user + system) / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root::tree::Tree;

    #[test]
    fn what_others_used_is_what_we_did_not() {
        let tree = Tree::new(&[
            ("/proc/stat", "cpu  100 0 0 900 0 0 0 0 0 0\n"),
            ("/proc/self/stat", "1 (a) b) S 1 7 7 0 -1 4194560 9 0 0 0 50 0 0 0 20 0"),
            ("/proc/uptime", "10.0 9.0"),
        ]);
        let earlier = Usage::now(&tree.root()).unwrap();
        tree.write("/proc/stat", "cpu  400 0 0 1600 0 0 0 0 0 0\n");
        tree.write("/proc/self/stat", "1 (a) b) S 1 7 7 0 -1 4194560 9 0 0 0 150 0 0 0 20 0");
        tree.write("/proc/uptime", "20.0 9.0");
        let cores = Usage::now(&tree.root()).unwrap().others_cores(&earlier);
        assert!((cores - 0.2).abs() < 1e-9, "{cores}");
        tree.write("/proc/stat", "cpu x");
        assert!(Usage::now(&tree.root()).is_err());
    }
}
