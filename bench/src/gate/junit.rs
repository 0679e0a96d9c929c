//! A gate as `JUnit` XML: a suite for each workload, a case for each metric, one more for the records.

use anyhow::{Context, Result};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::judge::{Finding, Line};
use super::result::GateResult;
use super::sample::Side;
use super::summary;

/// The whole report.
///
/// # Errors
/// Those of the writer.
pub fn render(result: &GateResult) -> Result<String> {
    let mut report = Report::new("corelog-bench gate");
    for named in &result.plan.workloads {
        let mut suite = TestSuite::new(named.name.as_str());
        for line in result.lines.iter().filter(|line| line.workload == named.name) {
            suite.add_test_case(case(&named.name, &line.metric, status(line)));
        }
        suite.add_test_case(case(&named.name, "records", records(result, &named.name)));
        report.add_test_suite(suite);
    }
    report.to_string().context("JUnit XML")
}

/// A report of a gate that did not come to measure.
///
/// # Errors
/// Those of the writer.
pub fn render_failure(words: &str) -> Result<String> {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_message(words);
    let mut suite = TestSuite::new("gate");
    suite.add_test_case(case("gate", "measurement", status));
    let mut report = Report::new("corelog-bench gate");
    report.add_test_suite(suite);
    report.to_string().context("JUnit XML")
}

fn case(workload: &str, name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(format!("gate.{workload}"));
    case
}

fn status(line: &Line) -> TestCaseStatus {
    let mut status = match line.finding {
        Finding::Better | Finding::Within | Finding::Near => return TestCaseStatus::success(),
        Finding::Regression => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Finding::Unclear => TestCaseStatus::non_success(NonSuccessKind::Error),
        Finding::Absent => TestCaseStatus::skipped(),
    };
    let ratio = line.ratio.map_or_else(String::new, |ratio| {
        format!(
            "{:.3} of the baseline (95 %: {:.3} to {:.3}), the bound is {} {}: ",
            ratio.value,
            ratio.low,
            ratio.high,
            if line.is_more_better { "-" } else { "+" },
            line.bound
        )
    });
    status.set_message(format!("{ratio}{}", summary::finding(line).replace("**", "")));
    status
}

/// What became of the records of all turns.
fn records(result: &GateResult, workload: &str) -> TestCaseStatus {
    let mut unsound = result.samples.iter().filter(|sample| sample.workload == workload && sample.unsound.is_some());
    let Some(sample) = unsound.next() else { return TestCaseStatus::success() };
    let kind = if sample.side == Side::Candidate { NonSuccessKind::Failure } else { NonSuccessKind::Error };
    let mut status = TestCaseStatus::non_success(kind);
    let words = sample.unsound.as_deref().unwrap_or_default();
    status.set_message(format!("{:?}, round {}: {words}", sample.side, sample.round + 1));
    status
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::plan::GatePlan;
    use crate::gate::session::Taken;
    use crate::measure::process::Host;
    use crate::measure::statistics::Estimate;

    #[test]
    fn findings_become_cases_and_odd_names_stay_whole() {
        let plan: GatePlan = serde_saphyr::from_str("candidate: {}\nworkloads: [{ name: 'a <b> & \"c\"' }]").unwrap();
        let line = |metric: &str, finding: Finding| Line {
            workload: "a <b> & \"c\"".into(),
            metric: metric.into(),
            is_more_better: false,
            bound: "10%".parse().unwrap(),
            baseline: None,
            candidate: None,
            ratio: Some(Estimate { value: 1.3, low: 1.2, high: 1.4, count: 5 }),
            finding,
            absent: Some("no counter".into()),
        };
        let lines =
            [("m1", Finding::Within), ("m2", Finding::Regression), ("m3", Finding::Unclear), ("m4", Finding::Absent)];
        let lines = lines.map(|(metric, finding)| line(metric, finding)).to_vec();
        let taken = Taken { samples: Vec::new(), lines };
        let result = GateResult::of(plan, None, taken, Host::default(), "2026-01-01".into());
        let xml = render(&result).unwrap();
        for piece in [
            "tests=\"5\"",
            "failures=\"1\"",
            "errors=\"1\"",
            "a &lt;b&gt; &amp; &quot;c&quot;",
            "1.300 of the baseline (95 %: 1.200 to 1.400), the bound is + 10%: regression",
            "not judged: no counter",
        ] {
            assert!(xml.contains(piece), "{piece} is not in {xml}");
        }
        assert!(render_failure("no <broker>").unwrap().contains("no &lt;broker&gt;"));
    }
}
