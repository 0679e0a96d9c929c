//! `net.core.netdev_max_backlog`: packets that wait for a core.

use super::sysctl;
use crate::check::{About, Check, Tunable, Verdict};
use crate::host::Host;
use crate::root::Obstacle;

static ABOUT: About = About {
    name: "device-backlog",
    why: "packets that one core has not yet looked at wait in this queue; what does not fit is dropped",
    effect: "fewer dropped packets in bursts, seen as retransmissions at the 99.9th percentile",
};

/// The tunable.
pub const TUNABLE: Tunable = Tunable { about: &ABOUT, look };

fn look(host: &Host) -> Result<Check, Obstacle> {
    sysctl::at_least(host, &ABOUT, Verdict::Improvable, &[("net.core.netdev_max_backlog", 4096)])
}
