//! Whether the wall clock is kept right.

use corelog_rt::time::{self, ClockState};

use crate::check::{About, Check, Tunable, Verdict};
use crate::host::Host;
use crate::root::Obstacle;

static ABOUT: About = About {
    name: "time-synchronisation",
    why: "retention by time, lookups by time and the timestamps of records are read from this clock on every machine",
    effect: "records expire when they should; times of several brokers can be compared",
};

/// The tunable.
pub const TUNABLE: Tunable = Tunable { about: &ABOUT, look };

fn look(_: &Host) -> Result<Check, Obstacle> {
    let state = time::clock_state().map_err(|error| Obstacle::of_io("the state of the clock", &error))?;
    Ok(judge(state))
}

fn judge(state: ClockState) -> Check {
    let wanted = "synchronised";
    if state.is_synchronised {
        let error_ms = state.error_us_max / 1000;
        return Check::good(&ABOUT, format!("synchronised, at most {error_ms} ms off"), wanted);
    }
    Check::new(&ABOUT, Verdict::Poor, "not synchronised".to_owned(), wanted)
        .advise("run a time service: chrony, ntpd or systemd-timesyncd; in a container it runs on the host")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_word_decides() {
        let state = |is_synchronised| ClockState { is_synchronised, error_us_max: 16_000 };
        assert_eq!(judge(state(true)).current, "synchronised, at most 16 ms off");
        assert_eq!(judge(state(false)).verdict, Verdict::Poor);
    }
}
