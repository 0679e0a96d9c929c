//! Whether a candidate is worse: the interval of its ratio to the baseline, held against the bound. Pure.
//!
//! ```text
//!              better        within        regression
//!            |--------|   |----------|     |--------|            intervals of "less is better"
//! -----------+------------+-----+----------+-------------> candidate / baseline
//!         1 - bound             1      1 + bound
//!                                   |------|----|                near (narrow) or unclear (wide)
//! ```

use serde::{Deserialize, Serialize};

use super::bound::Bound;
use super::plan::{GatePlan, pace};
use super::sample::{Sample, Side};
use crate::compare::metric::Metric;
use crate::measure::statistics::{Estimate, estimate, estimate_ratio, estimate_ratio_of_medians};
use crate::workload::Workload;

/// What a ratio's interval says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// All of it is better by more than the bound.
    Better,
    /// None of it is worse by more than the bound.
    Within,
    /// It lies across the bound and is narrower than it: a regression of that size is not shown.
    Near,
    /// It lies across the bound and is too wide to say anything.
    Unclear,
    /// All of it is worse by more than the bound.
    Regression,
    /// There are no numbers.
    Absent,
}

/// How values of both sides belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pairing {
    /// Both sides took turns: ratios are taken round by round, of the numbers as they are.
    Interleaved,
    /// The baseline was measured before: ratios are of medians, of numbers set against the calibration loop.
    Stored,
}

/// One metric under one workload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    /// Name of the workload.
    pub workload: String,
    /// Name of the metric.
    pub metric: String,
    /// Whether more is better.
    pub is_more_better: bool,
    /// How much worse is too much.
    pub bound: Bound,
    /// The baseline's median, as measured.
    pub baseline: Option<Estimate>,
    /// The candidate's median, as measured.
    pub candidate: Option<Estimate>,
    /// The candidate's ratio to the baseline.
    pub ratio: Option<Estimate>,
    /// What it says.
    pub finding: Finding,
    /// Why there are no numbers.
    pub absent: Option<String>,
}

/// Holds an interval against a bound.
pub fn find(ratio: Estimate, bound: Bound, is_more_better: bool) -> Finding {
    // As if less were better: how far each end is on the bad side of 1.
    let (worst, best) =
        if is_more_better { (1.0 - ratio.low, 1.0 - ratio.high) } else { (ratio.high - 1.0, ratio.low - 1.0) };
    let bound = bound.share();
    if best > bound {
        Finding::Regression
    } else if worst < -bound {
        Finding::Better
    } else if worst <= bound {
        Finding::Within
    } else if worst - best <= bound {
        Finding::Near
    } else {
        Finding::Unclear
    }
}

/// Judges what was measured under one workload.
pub fn judge(plan: &GatePlan, name: &str, workload: &Workload, samples: &[Sample], pairing: Pairing) -> Vec<Line> {
    let of_side = |side: Side| -> Vec<&Sample> {
        let mut found: Vec<&Sample> =
            samples.iter().filter(|sample| sample.workload == name && sample.side == side).collect();
        found.sort_by_key(|sample| sample.round);
        found
    };
    let (baseline, candidate) = (of_side(Side::Baseline), of_side(Side::Candidate));
    let line = |(metric, bound): (&'static Metric, Bound)| {
        let values = |side: &[&Sample]| side.iter().map(|sample| sample.value(metric)).collect::<Vec<f64>>();
        let ratio = ratio(metric, workload, &baseline, &candidate, pairing);
        Line {
            workload: name.to_owned(),
            metric: metric.name.to_owned(),
            is_more_better: metric.is_more_better,
            bound,
            baseline: estimate(&present(&values(&baseline))),
            candidate: estimate(&present(&values(&candidate))),
            ratio,
            finding: ratio.map_or(Finding::Absent, |ratio| find(ratio, bound, metric.is_more_better)),
            absent: if ratio.is_some() { None } else { Some(reason(metric, &baseline, &candidate)) },
        }
    };
    plan.judged(workload).into_iter().map(line).collect()
}

fn ratio(
    metric: &Metric,
    workload: &Workload,
    baseline: &[&Sample],
    candidate: &[&Sample],
    pairing: Pairing,
) -> Option<Estimate> {
    let read = |side: &[&Sample]| -> Vec<f64> {
        let read = |sample: &&Sample| match pairing {
            Pairing::Interleaved => sample.value(metric),
            Pairing::Stored => sample.normalized(metric, pace(metric, workload)),
        };
        side.iter().map(read).collect()
    };
    let (below, above) = (read(baseline), read(candidate));
    match pairing {
        Pairing::Interleaved => {
            let pairs = above.iter().zip(&below).filter(|(above, below)| !above.is_nan() && !below.is_nan());
            let (above, below): (Vec<f64>, Vec<f64>) = pairs.unzip();
            estimate_ratio(&above, &below)
        }
        Pairing::Stored => estimate_ratio_of_medians(&present(&above), &present(&below)),
    }
}

fn reason(metric: &Metric, baseline: &[&Sample], candidate: &[&Sample]) -> String {
    let sides = || candidate.iter().chain(baseline);
    if metric.name == "broker instructions per record"
        && let Some(words) = sides().find_map(|sample| sample.instructions_absent.clone())
    {
        return words;
    }
    let lacks = |side: &[&Sample]| side.iter().all(|sample| sample.value(metric).is_nan());
    let who = match (lacks(baseline), lacks(candidate)) {
        (true, true) => "neither side has",
        (true, false) => "the baseline does not have",
        (false, true) => "the candidate does not have",
        (false, false) => "no round has on both sides",
    };
    format!("{who} this number")
}

fn present(values: &[f64]) -> Vec<f64> {
    values.iter().copied().filter(|value| !value.is_nan()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::metric::by_name;
    use crate::measure::calibration::Calibration;
    use crate::measure::random::Random;
    use std::collections::BTreeMap;

    const BOUND: &str = "10%";

    /// Gates of each kind.
    const RUNS: usize = 15;

    fn ratio(low: f64, high: f64) -> Estimate {
        Estimate { value: f64::midpoint(low, high), low, high, count: 9 }
    }

    #[test]
    fn an_interval_is_held_against_the_bound_in_the_bad_direction() {
        let bound = BOUND.parse().unwrap();
        let cases = [
            ((0.95, 1.05), Finding::Within, Finding::Within),
            ((1.11, 1.30), Finding::Regression, Finding::Better),
            ((0.70, 0.89), Finding::Better, Finding::Regression),
            ((1.06, 1.14), Finding::Near, Finding::Within),
            ((0.86, 0.94), Finding::Within, Finding::Near),
            ((0.80, 1.40), Finding::Unclear, Finding::Unclear),
            ((1.00, 1.099), Finding::Within, Finding::Within),
        ];
        for ((low, high), less, more) in cases {
            assert_eq!(find(ratio(low, high), bound, false), less, "{low} to {high}, less is better");
            assert_eq!(find(ratio(low, high), bound, true), more, "{low} to {high}, more is better");
        }
    }

    /// Turns of both sides: the candidate's broker spends `slower` times as much, every turn is off by up to `noise`, and from round to
    /// round the machine is up to twice as slow, which the calibration loop sees.
    fn samples(random: &mut Random, rounds: usize, slower: f64, noise: f64) -> Vec<Sample> {
        let mut samples = Vec::new();
        for round in 0..rounds {
            let machine = 1.0 + random.share();
            for (side, factor) in [(Side::Baseline, 1.0), (Side::Candidate, slower)] {
                // The sum of three draws: nearly normal, with a third of `noise` as its deviation.
                let off = (0..3).map(|_| random.share() * 2.0 - 1.0).sum::<f64>() / 3.0;
                let cpu = 0.4 * factor * machine * (1.0 + off * noise);
                samples.push(Sample {
                    workload: "a".into(),
                    side,
                    round,
                    calibration: Calibration { wall_seconds: machine / 40.0, cpu_seconds: machine / 50.0 },
                    values: BTreeMap::from([("broker CPU s per GB".to_owned(), cpu)]),
                    instructions_absent: Some("no counter".into()),
                    unsound: None,
                });
            }
        }
        samples
    }

    fn findings(slower: f64, noise: f64, rounds: usize, pairing: Pairing) -> BTreeMap<String, usize> {
        let plan: GatePlan = serde_saphyr::from_str(
            "bound: 10%\njudge: { broker CPU s per GB: }\ncandidate: {}\nworkloads: [{ name: a }]",
        )
        .unwrap();
        let mut random = Random::new(11);
        let mut found = BTreeMap::new();
        for _ in 0..RUNS {
            let samples = samples(&mut random, rounds, slower, noise);
            let lines = judge(&plan, "a", &Workload::default(), &samples, pairing);
            assert_eq!(lines.len(), 1);
            *found.entry(format!("{:?}", lines[0].finding)).or_default() += 1;
        }
        found
    }

    #[test]
    fn equal_sides_are_quiet_and_a_fifth_more_is_caught() {
        for pairing in [Pairing::Interleaved, Pairing::Stored] {
            // Turns are off by up to 10 %; the machine by up to half.
            let equal = findings(1.0, 0.1, 7, pairing);
            assert!(!equal.contains_key("Regression"), "{pairing:?}: {equal:?}");
            assert!(equal.get("Within").is_some_and(|count| *count >= 13), "{pairing:?}: {equal:?}");
            let slower = findings(1.2, 0.1, 7, pairing);
            assert!(slower.get("Regression").is_some_and(|count| *count >= 11), "{pairing:?}: {slower:?}");
            let more = findings(1.2, 0.1, 15, pairing);
            assert!(more.get("Regression").is_some_and(|count| *count >= 14), "{pairing:?}: {more:?}");
        }
    }

    #[test]
    fn a_machine_that_is_too_noisy_is_called_so_and_never_a_regression() {
        let found = findings(1.0, 0.9, 5, Pairing::Interleaved);
        assert!(!found.contains_key("Regression"), "{found:?}");
        assert!(found.get("Unclear").is_some_and(|count| *count > 7), "{found:?}");
    }

    #[test]
    fn what_cannot_be_counted_says_why() {
        let mut plan: GatePlan = serde_saphyr::from_str(
            "candidate: {}\nworkloads: [{ name: a }]\njudge: { broker instructions per record: }",
        )
        .unwrap();
        plan.check().unwrap();
        let samples = samples(&mut Random::new(3), 5, 1.0, 0.1);
        let lines = judge(&plan, "a", &Workload::default(), &samples, Pairing::Interleaved);
        assert_eq!((lines[0].finding, lines[0].absent.as_deref()), (Finding::Absent, Some("no counter")));
        assert_eq!(reason(by_name("produced MB/s").unwrap(), &[], &[]), "neither side has this number");
    }
}
