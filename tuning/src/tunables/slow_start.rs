//! `net.ipv4.tcp_slow_start_after_idle`: whether a connection forgets its speed when it pauses.

use crate::change::{Change, sysctl_path};
use crate::check::{About, Check, Tunable, Verdict};
use crate::host::Host;
use crate::root::Obstacle;

static ABOUT: About = About {
    name: "slow-start-after-idle",
    why: "after a short pause a connection starts slowly again, as if its link were unknown; consumers pause all the time",
    effect: "one to three round trips less for the first large answer after a pause",
};
const KEY: &str = "net.ipv4.tcp_slow_start_after_idle";

/// The tunable.
pub const TUNABLE: Tunable = Tunable { about: &ABOUT, look };

fn look(host: &Host) -> Result<Check, Obstacle> {
    let value = host.root.number(&sysctl_path(KEY))?;
    let check = Check::judged(&ABOUT, value == 0, Verdict::Improvable, value.to_string(), "0");
    if value == 0 { Ok(check) } else { Ok(check.change(Change::sysctl(host, KEY, "0")?)) }
}
