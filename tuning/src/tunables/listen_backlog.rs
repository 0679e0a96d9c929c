//! `net.core.somaxconn` and `net.ipv4.tcp_max_syn_backlog`: connections that wait to be accepted.

use super::sysctl;
use crate::check::{About, Check, Tunable, Verdict};
use crate::host::Host;
use crate::root::Obstacle;

static ABOUT: About = About {
    name: "listen-backlog",
    why: "clients that connect at the same moment wait in this queue; what does not fit is dropped and tried again a second later",
    effect: "no refused or delayed connections when many clients come back at once",
};

/// The tunable.
pub const TUNABLE: Tunable = Tunable { about: &ABOUT, look };

fn look(host: &Host) -> Result<Check, Obstacle> {
    sysctl::at_least(
        host,
        &ABOUT,
        Verdict::Poor,
        &[("net.core.somaxconn", 4096), ("net.ipv4.tcp_max_syn_backlog", 4096)],
    )
}
