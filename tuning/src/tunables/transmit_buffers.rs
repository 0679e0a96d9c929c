//! `net.ipv4.tcp_wmem`: how far a send buffer may grow by itself.

use super::sysctl;
use crate::check::{About, Check, Tunable};
use crate::host::Host;
use crate::root::Obstacle;

static ABOUT: About = About {
    name: "tcp-send-buffers",
    why: "the kernel grows a connection's send buffer up to this; below it a consumer far away cannot fill its link",
    effect: "more throughput on links with a long round trip, none on a local network",
};
/// What 1 Gbit/s over 130 ms holds in flight.
const BYTES_MIN: u64 = 16 << 20;

/// The tunable.
pub const TUNABLE: Tunable = Tunable { about: &ABOUT, look };

fn look(host: &Host) -> Result<Check, Obstacle> {
    sysctl::third_at_least(host, &ABOUT, "net.ipv4.tcp_wmem", BYTES_MIN)
}
