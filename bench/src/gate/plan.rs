//! What a gate measures and what it judges. Read from a YAML file.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::bound::Bound;
use crate::compare::metric::{METRICS, Metric, Pace, by_name};
use crate::compare::plan::{NamedWorkload, System};
use crate::workload::{Mode, Workload};

/// The fewest rounds that say anything: with five, the interval is from the smallest ratio to the largest.
pub const ROUNDS_MIN: usize = 5;
/// The most rounds.
pub const ROUNDS_MAX: usize = 100;

/// A gate.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct GatePlan {
    /// How much worse is too much, of metrics that name no bound of their own.
    #[serde(default = "bound_default")]
    pub bound: Bound,
    /// Rounds that are always taken.
    #[serde(default = "rounds_default")]
    pub rounds: usize,
    /// Rounds that are taken at most, while the answer is not clear.
    #[serde(default = "rounds_max_default")]
    pub rounds_max: usize,
    /// The metrics that are judged, by their names in reports, each with its bound or with none. Empty: those of [`judged`].
    #[serde(default)]
    pub judge: BTreeMap<String, Option<Bound>>,
    /// What the candidate is measured against; none where a stored result is.
    pub baseline: Option<System>,
    /// What is judged.
    pub candidate: System,
    /// The workloads.
    pub workloads: Vec<NamedWorkload>,
}

fn bound_default() -> Bound {
    Bound::DEFAULT
}

fn rounds_default() -> usize {
    ROUNDS_MIN
}

fn rounds_max_default() -> usize {
    15
}

impl GatePlan {
    /// Checks what no single field can, and gives the systems their names.
    ///
    /// # Errors
    /// The first thing that cannot be, in words.
    pub fn check(&mut self) -> Result<()> {
        if !(ROUNDS_MIN..=ROUNDS_MAX).contains(&self.rounds) || !(self.rounds..=ROUNDS_MAX).contains(&self.rounds_max) {
            bail!(
                "a gate takes {ROUNDS_MIN} to {ROUNDS_MAX} rounds, not {} and at most {}",
                self.rounds,
                self.rounds_max
            );
        }
        if self.workloads.is_empty() {
            bail!("a gate has at least one workload");
        }
        for name in self.judge.keys() {
            if by_name(name).is_none() {
                let known = METRICS.iter().map(|metric| metric.name).collect::<Vec<_>>().join(", ");
                bail!("no metric {name:?}; there are: {known}");
            }
        }
        for (index, named) in self.workloads.iter().enumerate() {
            if self.workloads.iter().take(index).any(|earlier| earlier.name == named.name) {
                bail!("two workloads are called {}", named.name);
            }
            let workload = named.resolve().with_context(|| format!("workload {}", named.name))?;
            workload.check().with_context(|| format!("workload {}", named.name))?;
        }
        let names = [("baseline", self.baseline.as_mut()), ("candidate", Some(&mut self.candidate))];
        for (name, system) in names {
            if let Some(system) = system.filter(|system| system.name.is_empty()) {
                name.clone_into(&mut system.name);
            }
        }
        Ok(())
    }

    /// The metrics that are judged under a workload, each with its bound.
    pub fn judged(&self, workload: &Workload) -> Vec<(&'static Metric, Bound)> {
        let named = |metric: &'static Metric| {
            let bound = match self.judge.get(metric.name) {
                Some(bound) => bound.unwrap_or(self.bound),
                None if self.judge.is_empty() && is_judged(metric, workload) => self.bound,
                None => return None,
            };
            applies(metric, workload).then_some((metric, bound))
        };
        METRICS.iter().filter_map(named).collect()
    }
}

/// What is judged where a plan names nothing: throughput of a closed loop, the median latency of an open one, and what the broker spends.
/// The tails of latency need bounds of their own.
fn is_judged(metric: &Metric, workload: &Workload) -> bool {
    match metric.name {
        "produced MB/s" | "consumed MB/s" => workload.rate.is_none(),
        "acknowledged p50 ms" | "end to end p50 ms" => workload.rate.is_some(),
        "broker CPU s per GB" | "broker instructions per record" => true,
        _ => false,
    }
}

/// Whether a run under this workload has such a number.
fn applies(metric: &Metric, workload: &Workload) -> bool {
    match metric.name.split(' ').next() {
        Some("produced" | "acknowledged") => workload.produces(),
        Some("consumed") => workload.consumes(),
        Some("end") => workload.mode == Mode::EndToEnd,
        _ => true,
    }
}

/// How a metric follows the machine under a workload: what a fixed rate asks for is no measure of speed.
pub fn pace(metric: &Metric, workload: &Workload) -> Pace {
    if metric.pace == Pace::Rate && workload.rate.is_some() { Pace::Count } else { metric.pace }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str) -> Result<GatePlan> {
        let mut plan: GatePlan = serde_saphyr::from_str(text)?;
        plan.check()?;
        Ok(plan)
    }

    #[test]
    fn a_plan_is_read_and_its_gaps_are_filled() {
        let plan = plan(
            "bound: 8%\njudge: { broker CPU s per GB: , acknowledged p99 ms: 30% }\ncandidate: { start: run }\n\
             workloads: [{ name: a, rate: 100 }]\n",
        )
        .unwrap();
        assert_eq!((plan.rounds, plan.rounds_max, plan.candidate.name.as_str()), (5, 15, "candidate"));
        let judged = plan.judged(&Workload::default());
        let found: Vec<(&str, String)> =
            judged.iter().map(|(metric, bound)| (metric.name, bound.to_string())).collect();
        assert_eq!(found, [("broker CPU s per GB", "8%".to_owned()), ("acknowledged p99 ms", "30%".to_owned())]);
        let reading = Workload { mode: Mode::Consume, ..Workload::default() };
        assert_eq!(plan.judged(&reading).len(), 1);
    }

    #[test]
    fn what_is_judged_depends_on_the_loop() {
        let plan = plan("candidate: { start: run }\nworkloads: [{ name: a }]\n").unwrap();
        let names = |workload: &Workload| -> Vec<&str> {
            plan.judged(workload).iter().map(|(metric, _)| metric.name).collect()
        };
        let closed = Workload::default();
        assert_eq!(names(&closed), ["produced MB/s", "broker CPU s per GB", "broker instructions per record"]);
        let open = Workload { rate: Some(10.0), ..closed.clone() };
        assert_eq!(names(&open), ["broker CPU s per GB", "broker instructions per record", "acknowledged p50 ms"]);
        let produced = by_name("produced MB/s").unwrap();
        assert_eq!((pace(produced, &closed), pace(produced, &open)), (Pace::Rate, Pace::Count));
    }

    #[test]
    fn contradictions_are_named() {
        let refused = |text: &str| format!("{:#}", plan(text).unwrap_err());
        let rest = "candidate: { start: run }\nworkloads: [{ name: a }]\n";
        assert!(refused(&format!("rounds: 2\n{rest}")).contains("5 to 100 rounds"));
        assert!(refused(&format!("rounds-max: 3\n{rest}")).contains("at most 3"));
        assert!(refused(&format!("judge: {{ speed: 5% }}\n{rest}")).contains("no metric \"speed\""));
        assert!(refused("candidate: { start: run }\nworkloads: []\n").contains("one workload"));
        assert!(refused("candidate: {}\nworkloads: [{ name: a }, { name: a }]\n").contains("two workloads"));
        assert!(refused("candidate: {}\nworkloads: [{ name: a, sped: 1 }]\n").contains("sped"));
        assert!(refused(&format!("bound: fast\n{rest}")).contains("no bound"));
    }
}
