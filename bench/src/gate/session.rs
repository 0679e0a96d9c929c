//! The turns of a gate: rounds until each workload's answer is clear, or as many as there may be.
//!
//! Runs on the thread of its caller. Between any two turns the calibration loop runs, with no system of the gate alive.

use std::path::Path;

use anyhow::{Context, Result};

use super::judge::{Finding, Line, Pairing, judge};
use super::plan::GatePlan;
use super::sample::{Sample, Side};
use crate::compare::plan::{NamedWorkload, System};
use crate::compare::turns::take_one;
use crate::measure::calibration::Calibration;
use crate::workload::Workload;

/// A gate under way.
pub struct Session<'a> {
    /// What is measured and judged.
    pub plan: &'a GatePlan,
    /// Turns of the baseline that were taken before.
    pub stored: Option<&'a [Sample]>,
    /// Folder for the systems' data.
    pub scratch: &'a Path,
    /// Port of systems that name none.
    pub port: u16,
}

/// What came of it.
#[derive(Default)]
pub struct Taken {
    /// All turns, those of a stored baseline among them.
    pub samples: Vec<Sample>,
    /// What is judged; nothing where there is no baseline.
    pub lines: Vec<Line>,
}

impl Session<'_> {
    /// Takes all turns. `told` hears what happens.
    ///
    /// # Errors
    /// A system that does not start or stop, a run that cannot take place.
    pub fn take(&self, told: &mut dyn FnMut(&str)) -> Result<Taken> {
        let mut taken = Taken::default();
        for named in &self.plan.workloads {
            let workload = named.resolve().with_context(|| format!("workload {}", named.name))?;
            self.take_workload(named, &workload, &mut taken, told)?;
        }
        Ok(taken)
    }

    /// How both sides belong together; none where there is no baseline.
    pub fn pairing(&self) -> Option<Pairing> {
        match (self.stored, &self.plan.baseline) {
            (Some(_), _) => Some(Pairing::Stored),
            (None, Some(_)) => Some(Pairing::Interleaved),
            (None, None) => None,
        }
    }

    fn take_workload(
        &self,
        named: &NamedWorkload,
        workload: &Workload,
        taken: &mut Taken,
        told: &mut dyn FnMut(&str),
    ) -> Result<()> {
        let stored = self.stored.iter().copied().flatten().filter(|sample| sample.workload == named.name);
        taken.samples.extend(stored.cloned());
        let mut before = Calibration::take().context("the calibration loop")?;
        for round in 0..self.plan.rounds_max {
            for side in self.order(round) {
                let system = self.system(side).context("a side without a system has no turn")?;
                let directory = self.scratch.join(format!("{}-{}-{round}", system.name, named.name));
                let result = take_one(system, workload, &directory, system.port.unwrap_or(self.port))
                    .with_context(|| format!("{} under {}", system.name, named.name))?;
                let after = Calibration::take().context("the calibration loop")?;
                let sample = Sample::of(&named.name, side, round, before.midway(&after), &result);
                before = after;
                told(&self.said(named, workload, &sample, &system.name));
                taken.samples.push(sample);
            }
            if round + 1 < self.plan.rounds {
                continue;
            }
            let Some(pairing) = self.pairing() else { return Ok(()) };
            let lines = judge(self.plan, &named.name, workload, &taken.samples, pairing);
            let open: Vec<&str> = lines
                .iter()
                .filter(|line| matches!(line.finding, Finding::Near | Finding::Unclear))
                .map(|line| line.metric.as_str())
                .collect();
            if open.is_empty() || round + 1 == self.plan.rounds_max {
                taken.lines.extend(lines);
                return Ok(());
            }
            told(&format!("{}: {} not clear after {} rounds", named.name, open.join(" and "), round + 1));
        }
        Ok(())
    }

    /// Who has turns in a round, in their order: it turns from round to round, so that a drifting machine favours nobody.
    fn order(&self, round: usize) -> Vec<Side> {
        match self.pairing() {
            Some(Pairing::Interleaved) if round.is_multiple_of(2) => vec![Side::Baseline, Side::Candidate],
            Some(Pairing::Interleaved) => vec![Side::Candidate, Side::Baseline],
            Some(Pairing::Stored) | None => vec![Side::Candidate],
        }
    }

    fn system(&self, side: Side) -> Option<&System> {
        match side {
            Side::Baseline => self.plan.baseline.as_ref(),
            Side::Candidate => Some(&self.plan.candidate),
        }
    }

    fn said(&self, named: &NamedWorkload, workload: &Workload, sample: &Sample, system: &str) -> String {
        let judged = self.plan.judged(workload);
        let numbers = judged.iter().filter_map(|(metric, _)| {
            let value = sample.values.get(metric.name)?;
            Some(format!("{} {value:.digits$}", metric.name, digits = metric.digits))
        });
        let loop_ms = sample.calibration.wall_seconds * 1e3;
        let mut parts: Vec<String> = numbers.collect();
        parts.push(format!("loop {loop_ms:.1} ms"));
        parts.extend(sample.unsound.iter().map(|words| format!("UNSOUND {words}")));
        format!("{}, round {}, {system}: {}", named.name, sample.round + 1, parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_take_turns_and_a_stored_baseline_has_none() {
        let mut plan: GatePlan =
            serde_saphyr::from_str("baseline: {}\ncandidate: {}\nworkloads: [{ name: a }]").unwrap();
        let order = |plan: &GatePlan, stored: Option<&[Sample]>| {
            let session = Session { plan, stored, scratch: Path::new("/"), port: 1 };
            (0..2).map(|round| session.order(round)).collect::<Vec<_>>()
        };
        let (b, c) = (Side::Baseline, Side::Candidate);
        assert_eq!(order(&plan, None), [[b, c], [c, b]]);
        assert_eq!(order(&plan, Some(&[])), [[c], [c]]);
        plan.baseline = None;
        assert_eq!(order(&plan, None), [[c], [c]]);
    }
}
