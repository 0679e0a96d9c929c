//! Turns in which a system did nothing or next to nothing: a ratio of such a turn says nothing, in either direction.

use super::turns::Turn;
use crate::report::result::RunResult;
use crate::workload::Mode;

/// Less than this share of what the best turn of the workload moved is next to nothing.
const SHARE_MIN: f64 = 0.01;

/// A turn that moved next to nothing.
pub struct Standstill<'a> {
    /// The turn.
    pub turn: &'a Turn,
    /// Records that it moved.
    pub records: u64,
    /// Records of the turn of this workload that moved the most, whoever's it was.
    pub records_best: u64,
}

impl Standstill<'_> {
    /// What a summary says of it.
    pub fn words(&self) -> String {
        let Standstill { turn, records, records_best } = self;
        let much = if *records == 0 { "nothing" } else { "next to nothing" };
        format!(
            "{}, round {}, moved {much}: {records} records, the best turn {records_best}. No ratio has this round.",
            turn.system,
            turn.round + 1
        )
    }
}

/// Those of a workload, in the order of its turns.
pub fn standstills<'a>(turns: &'a [Turn], workload: &str) -> Vec<Standstill<'a>> {
    let of_workload = || turns.iter().filter(|turn| turn.workload == workload);
    let records_best = of_workload().map(|turn| moved(&turn.result)).max().unwrap_or(0);
    of_workload()
        .map(|turn| Standstill { turn, records: moved(&turn.result), records_best })
        .filter(|it| it.records == 0 || (it.records as f64) < SHARE_MIN * it.records_best as f64)
        .collect()
}

/// Records that went all the way that the workload has them go.
fn moved(result: &RunResult) -> u64 {
    match result.workload.mode {
        Mode::Produce => result.produced.records,
        Mode::Consume => result.consumed.records,
        Mode::EndToEnd => result.produced.records.min(result.consumed.records),
    }
}
