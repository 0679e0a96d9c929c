//! `net.core.rmem_max` and `wmem_max`: the largest socket buffer that a program may ask for.

use super::sysctl;
use crate::check::{About, Check, Tunable, Verdict};
use crate::host::Host;
use crate::root::Obstacle;

static ABOUT: About = About {
    name: "socket-buffers",
    why: "programs that set their socket buffers, as Kafka's clients do, are cut down to this",
    effect: "more throughput on links with a long round trip, none on a local network",
};

/// The tunable.
pub const TUNABLE: Tunable = Tunable { about: &ABOUT, look };

fn look(host: &Host) -> Result<Check, Obstacle> {
    sysctl::at_least(
        host,
        &ABOUT,
        Verdict::Improvable,
        &[("net.core.rmem_max", 2 << 20), ("net.core.wmem_max", 2 << 20)],
    )
}
