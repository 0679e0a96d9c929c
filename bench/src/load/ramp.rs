//! Raises the rate step by step until the broker no longer keeps up, then closes in on the highest that it sustained.
//!
//! Runs on the thread of its caller; each step is a run of its own.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::observer::Observer;
use super::run::{Target, run};
use crate::report::result::RunResult;
use crate::workload::{Mode, Workload};

/// Steps at most.
const STEPS_MAX: usize = 60;
/// Steps that close in after the first rate that was too high.
const STEPS_CLOSING: usize = 3;
/// The share of the rate that must arrive for it to be kept.
const SHARE_MIN: f64 = 0.98;
/// Seconds of warm-up of every step but the first, at most.
const WARM_UP_SECONDS: f64 = 1.0;

/// How the rate is raised.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct RampPlan {
    /// The first rate, in records a second.
    pub rate: f64,
    /// What each rate is multiplied with to have the next.
    pub factor: f64,
    /// The highest 99th percentile that is still called sustained, in ms.
    pub p99_ms_max: f64,
}

/// What the steps gave.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RampResult {
    /// How the rate was raised.
    pub plan: RampPlan,
    /// The highest rate that was sustained, in records a second; none where not even the first was.
    pub sustained_rate: Option<f64>,
    /// Each step, in the order in which it was taken.
    pub steps: Vec<RunResult>,
}

/// Takes the steps. `told` hears of each.
///
/// # Errors
/// As a run.
pub fn ramp(
    target: &Target,
    workload: &Workload,
    plan: RampPlan,
    observer: &mut dyn Observer,
    told: &mut dyn FnMut(f64, &RunResult, bool),
) -> Result<RampResult> {
    let mut result = RampResult { plan, sustained_rate: None, steps: Vec::new() };
    let (mut rate, mut broken, mut closing) = (plan.rate, None, 0);
    while result.steps.len() < STEPS_MAX {
        let is_first = result.steps.is_empty();
        let warm_up = if is_first { workload.warm_up } else { workload.warm_up.min(WARM_UP_SECONDS) };
        let step = Workload { rate: Some(rate), warm_up, ..workload.clone() };
        let found = run(&Target { delete: false, ..target.clone() }, &step, observer)?;
        let is_sustained = sustains(&found, plan.p99_ms_max);
        told(rate, &found, is_sustained);
        let is_clean = found.integrity.is_clean();
        result.steps.push(found);
        if !is_clean {
            break;
        }
        if is_sustained {
            result.sustained_rate = Some(rate);
        } else {
            broken = Some(rate);
        }
        match next(plan, result.sustained_rate, broken) {
            Some(higher) if broken.is_none() => rate = higher,
            Some(between) if closing < STEPS_CLOSING => (rate, closing) = (between, closing + 1),
            _ => break,
        }
    }
    if target.delete {
        super::run::remove(target, workload)?;
    }
    Ok(result)
}

/// The next rate: higher until one was too high, then between the highest that was sustained and the lowest that was not.
fn next(plan: RampPlan, sustained: Option<f64>, broken: Option<f64>) -> Option<f64> {
    match (sustained, broken) {
        (Some(sustained), None) => Some(sustained * plan.factor),
        (Some(sustained), Some(broken)) => Some((sustained * broken).sqrt()),
        (None, _) => None,
    }
}

/// Whether a run kept its rate, in both directions, and its latency in bounds.
fn sustains(run: &RunResult, p99_ms_max: f64) -> bool {
    let rate = run.workload.rate.unwrap_or(0.0);
    let is_followed = run.workload.mode == Mode::EndToEnd;
    let latency = if is_followed { &run.end_to_end } else { &run.acknowledgement };
    let groups = run.workload.groups as f64;
    let consumed = !is_followed || run.consumed.records_per_second >= SHARE_MIN * rate * groups;
    run.produced.records_per_second >= SHARE_MIN * rate && consumed && latency.p99_us <= p99_ms_max * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_rises_until_it_breaks_and_then_closes_in() {
        let plan = RampPlan { rate: 100.0, factor: 2.0, p99_ms_max: 10.0 };
        assert_eq!(next(plan, Some(100.0), None), Some(200.0));
        assert_eq!(next(plan, Some(200.0), Some(800.0)), Some(400.0));
        assert_eq!(next(plan, None, Some(100.0)), None);
    }
}
