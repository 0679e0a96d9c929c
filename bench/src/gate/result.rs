//! A gate as it is stored: the answer, and the turns that it rests on, which can be the baseline of a later gate.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::judge::{Finding, Line, Pairing};
use super::plan::GatePlan;
use super::sample::{Sample, Side};
use super::session::Taken;
use crate::measure::process::Host;

/// Version of this layout.
pub const FORMAT: u32 = 1;

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// There was no baseline: the turns are kept for a later gate.
    Recorded,
    /// Nothing is worse beyond its bound.
    Passed,
    /// Something is, or records of the candidate went wrong.
    Regressed,
    /// Nobody can say.
    Unmeasured,
}

/// One gate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GateResult {
    /// [`FORMAT`].
    pub format: u32,
    /// Version of the tool.
    pub tool_version: String,
    /// The day, as 2026-07-31.
    pub date: String,
    /// Where it ran.
    pub host: Host,
    /// The answer.
    pub outcome: Outcome,
    /// How the baseline was measured; none where there was none.
    pub pairing: Option<Pairing>,
    /// What was measured and judged.
    pub plan: GatePlan,
    /// What was found.
    pub lines: Vec<Line>,
    /// What weakens it.
    pub warnings: Vec<String>,
    /// The turns.
    pub samples: Vec<Sample>,
}

impl GateResult {
    /// Draws the answer from what was taken.
    pub fn of(plan: GatePlan, pairing: Option<Pairing>, taken: Taken, host: Host, date: String) -> GateResult {
        let outcome = outcome(pairing, &taken);
        GateResult {
            format: FORMAT,
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            date,
            host,
            outcome,
            pairing,
            plan,
            lines: taken.lines,
            warnings: Vec::new(),
            samples: taken.samples,
        }
    }

    /// Reads an earlier one.
    ///
    /// # Errors
    /// A file that cannot be read, or that is none.
    pub fn read(path: &Path) -> Result<GateResult> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let found: GateResult =
            serde_json::from_str(&text).with_context(|| format!("{} is no result of a gate", path.display()))?;
        if found.format != FORMAT {
            bail!("{} has format {}, this tool reads {FORMAT}", path.display(), found.format);
        }
        Ok(found)
    }

    /// The turns that a gate with this plan takes as its baseline: those of what was the candidate then. With them, what is different
    /// about the machine.
    ///
    /// # Errors
    /// A result that did not pass, or without one of the workloads, or with other options of one.
    pub fn as_baseline(&self, plan: &GatePlan, host: &Host) -> Result<(Vec<Sample>, Vec<String>)> {
        if matches!(self.outcome, Outcome::Regressed | Outcome::Unmeasured) {
            bail!("the baseline is the result of a gate that did not pass");
        }
        let mut samples = Vec::new();
        for named in &plan.workloads {
            let before = self.plan.workloads.iter().find(|before| before.name == named.name);
            let before = before.with_context(|| format!("the baseline has no workload {}", named.name))?;
            if before.resolve()? != named.resolve()? {
                bail!("the baseline was measured with other options of workload {}: record it again", named.name);
            }
            let of_workload =
                self.samples.iter().filter(|sample| sample.side == Side::Candidate && sample.workload == named.name);
            samples.extend(of_workload.map(|sample| Sample { side: Side::Baseline, ..sample.clone() }));
        }
        let mut warnings = Vec::new();
        let machine = |host: &Host| format!("{} cores, {}, Linux {}", host.cores, host.processor, host.kernel);
        if machine(&self.host) != machine(host) {
            warnings.push(format!("the baseline was measured on another machine: {}", machine(&self.host)));
        }
        Ok((samples, warnings))
    }
}

fn outcome(pairing: Option<Pairing>, taken: &Taken) -> Outcome {
    let is_unsound = |side: Side| taken.samples.iter().any(|sample| sample.side == side && sample.unsound.is_some());
    let any = |finding: Finding| taken.lines.iter().any(|line| line.finding == finding);
    let is_one_sided =
        |line: &Line| line.finding == Finding::Absent && line.baseline.is_some() != line.candidate.is_some();
    if is_unsound(Side::Candidate) || any(Finding::Regression) {
        return if pairing.is_none() { Outcome::Unmeasured } else { Outcome::Regressed };
    }
    if pairing.is_none() {
        return Outcome::Recorded;
    }
    let is_judged =
        |workload: &str| taken.lines.iter().any(|line| line.workload == workload && line.finding != Finding::Absent);
    let all_judged = taken.samples.iter().all(|sample| is_judged(&sample.workload));
    if is_unsound(Side::Baseline) || any(Finding::Unclear) || taken.lines.iter().any(is_one_sided) || !all_judged {
        return Outcome::Unmeasured;
    }
    Outcome::Passed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::calibration::Calibration;
    use crate::measure::statistics::Estimate;
    use std::collections::BTreeMap;

    fn sample(side: Side, unsound: Option<&str>) -> Sample {
        Sample {
            workload: "a".into(),
            side,
            round: 0,
            calibration: Calibration { wall_seconds: 1.0, cpu_seconds: 1.0 },
            values: BTreeMap::new(),
            instructions_absent: None,
            unsound: unsound.map(str::to_owned),
        }
    }

    fn line(finding: Finding) -> Line {
        let some = Some(Estimate { value: 1.0, low: 1.0, high: 1.0, count: 5 });
        Line {
            workload: "a".into(),
            metric: "m".into(),
            is_more_better: false,
            bound: "10%".parse().unwrap(),
            baseline: some,
            candidate: some,
            ratio: some,
            finding,
            absent: None,
        }
    }

    fn answer(findings: &[Finding], unsound: Option<Side>) -> Outcome {
        let samples = [Side::Baseline, Side::Candidate]
            .map(|side| sample(side, unsound.filter(|which| *which == side).map(|_| "lost")));
        let lines = findings.iter().copied().map(line).collect();
        outcome(Some(Pairing::Interleaved), &Taken { samples: samples.to_vec(), lines })
    }

    #[test]
    fn one_regression_outweighs_all_else_and_doubt_outweighs_a_pass() {
        assert_eq!(answer(&[Finding::Within, Finding::Better, Finding::Near, Finding::Absent], None), Outcome::Passed);
        assert_eq!(answer(&[Finding::Unclear, Finding::Regression], None), Outcome::Regressed);
        assert_eq!(answer(&[Finding::Within, Finding::Unclear], None), Outcome::Unmeasured);
        assert_eq!(answer(&[Finding::Absent], None), Outcome::Unmeasured);
        assert_eq!(answer(&[Finding::Within], Some(Side::Candidate)), Outcome::Regressed);
        assert_eq!(answer(&[Finding::Within], Some(Side::Baseline)), Outcome::Unmeasured);
    }

    #[test]
    fn a_stored_result_is_a_baseline_for_the_same_options_only() {
        let plan = |options: &str| -> GatePlan {
            serde_saphyr::from_str(&format!("candidate: {{}}\nworkloads: [{{ name: a{options} }}]")).unwrap()
        };
        let taken = Taken { samples: vec![sample(Side::Candidate, None)], lines: Vec::new() };
        let host = Host { cores: 2, ..Host::default() };
        let mut stored = GateResult::of(plan(""), None, taken, host.clone(), "2026-01-01".into());
        assert_eq!(stored.outcome, Outcome::Recorded);
        // Options that say what the defaults say are the same options.
        let (samples, warnings) = stored.as_baseline(&plan(", partitions: 1"), &host).unwrap();
        assert_eq!((samples.len(), samples[0].side, warnings.len()), (1, Side::Baseline, 0));
        assert_eq!(stored.as_baseline(&plan(""), &Host { cores: 8, ..host.clone() }).unwrap().1.len(), 1);
        assert!(stored.as_baseline(&plan(", partitions: 2"), &host).is_err());
        stored.outcome = Outcome::Regressed;
        assert!(stored.as_baseline(&plan(""), &host).is_err());
    }
}
