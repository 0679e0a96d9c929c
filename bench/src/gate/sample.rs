//! What one turn gave: its numbers, and how fast the machine was beside it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::compare::metric::{METRICS, Metric, Pace};
use crate::measure::calibration::Calibration;
use crate::measure::counter::InstructionCount;
use crate::report::result::RunResult;

/// Whose turn it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// What the candidate is measured against.
    Baseline,
    /// What is judged.
    Candidate,
}

/// One turn.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sample {
    /// Name of the workload.
    pub workload: String,
    /// Whose turn it was.
    pub side: Side,
    /// The round, from 0.
    pub round: usize,
    /// The loop, halfway between the one before the turn and the one after it.
    pub calibration: Calibration,
    /// Every number that the turn has, by the metric's name.
    pub values: BTreeMap<String, f64>,
    /// Why instructions were not counted, if they were not.
    pub instructions_absent: Option<String>,
    /// What was wrong with the records, if anything was.
    pub unsound: Option<String>,
}

impl Sample {
    /// Takes the numbers of a run.
    pub fn of(workload: &str, side: Side, round: usize, calibration: Calibration, result: &RunResult) -> Sample {
        let values = METRICS.iter().filter_map(|metric| Some((metric.name.to_owned(), metric.of(result)?))).collect();
        let instructions_absent = match &result.instructions {
            Some(InstructionCount::Absent(words)) => Some(words.clone()),
            Some(InstructionCount::Counted(_)) => None,
            None => Some("no process of the broker is known".to_owned()),
        };
        let integrity = &result.integrity;
        let unsound =
            (!integrity.is_clean()).then(|| serde_json::to_string(integrity).unwrap_or_else(|error| error.to_string()));
        Sample { workload: workload.to_owned(), side, round, calibration, values, instructions_absent, unsound }
    }

    /// One of its numbers; no number where it has none.
    pub fn value(&self, metric: &Metric) -> f64 {
        self.values.get(metric.name).copied().unwrap_or(f64::NAN)
    }

    /// One of its numbers, as it would be on a machine that does the calibration loop in one second.
    pub fn normalized(&self, metric: &Metric, pace: Pace) -> f64 {
        let value = self.value(metric);
        match pace {
            Pace::Rate => value * self.calibration.wall_seconds,
            Pace::Time => value / self.calibration.wall_seconds,
            Pace::Cpu => value / self.calibration.cpu_seconds,
            Pace::Count => value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::metric::by_name;

    #[test]
    fn a_machine_of_half_the_speed_gives_the_same_normalized_numbers() {
        let sample = |speed: f64| Sample {
            workload: "a".into(),
            side: Side::Candidate,
            round: 0,
            calibration: Calibration { wall_seconds: 0.02 / speed, cpu_seconds: 0.01 / speed },
            values: BTreeMap::from([
                ("produced MB/s".to_owned(), 100.0 * speed),
                ("broker CPU s per GB".to_owned(), 0.5 / speed),
                ("acknowledged p50 ms".to_owned(), 3.0 / speed),
                ("peak memory MB".to_owned(), 70.0),
            ]),
            instructions_absent: None,
            unsound: None,
        };
        for (name, _) in sample(1.0).values {
            let metric = by_name(&name).unwrap();
            let (whole, half) =
                (sample(1.0).normalized(metric, metric.pace), sample(0.5).normalized(metric, metric.pace));
            assert!((whole / half - 1.0).abs() < 1e-9, "{name}: {whole} and {half}");
        }
        assert!(sample(1.0).value(by_name("context switches/s").unwrap()).is_nan());
    }
}
