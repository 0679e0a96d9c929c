//! Owns the judgement: which counts grew beyond the bound, which shrank, which are new or gone, and whether that fails.

use std::fmt::Write as _;

use comfy_table::{CellAlignment, Table, presets};

use super::baseline::Baseline;

/// What became of one case.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// Within the bound.
    Same,
    /// More instructions than the bound allows.
    Slower,
    /// Fewer by more than the bound: worth accepting, so that it is not lost again unnoticed.
    Faster,
    /// Not in the baseline.
    New,
    /// In the baseline and not counted.
    Gone,
}

/// One case.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its name.
    pub case: String,
    /// Instructions that were accepted.
    pub before: Option<u64>,
    /// Instructions now.
    pub now: Option<u64>,
    /// What that means.
    pub change: Change,
}

/// All cases.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// By name.
    pub rows: Vec<Row>,
    /// Both were counted with the same tools: only then do the numbers judge the code.
    pub is_judged: bool,
    /// Cases that only one side has fail.
    wants_same_cases: bool,
    bound_percent: f64,
}

impl Comparison {
    /// Holds `counted` against `accepted`.
    pub fn new(accepted: &Baseline, counted: &Baseline, bound_percent: f64) -> Comparison {
        let mut names: Vec<&String> = accepted.instructions.keys().chain(counted.instructions.keys()).collect();
        names.sort_unstable();
        names.dedup();
        let row = |case: &String| {
            let (before, now) = (accepted.instructions.get(case).copied(), counted.instructions.get(case).copied());
            let change = match (before, now) {
                (Some(before), Some(now)) => judge(before, now, bound_percent),
                (None, _) => Change::New,
                (_, None) => Change::Gone,
            };
            Row { case: case.clone(), before, now, change }
        };
        let rows = names.into_iter().map(row).collect();
        Comparison { rows, is_judged: accepted.tools == counted.tools, wants_same_cases: true, bound_percent }
    }

    /// The same between two commits: cases come and go with commits, so that only those of both are judged.
    #[must_use]
    pub fn between_commits(self) -> Comparison {
        Comparison { wants_same_cases: false, ..self }
    }

    /// Whether somebody must look: a count grew, or the list of cases is not that of the baseline. Counts of other tools do not fail.
    pub fn is_failed(&self) -> bool {
        self.rows.iter().any(|row| match row.change {
            Change::Same | Change::Faster => false,
            Change::Slower => self.is_judged,
            Change::New | Change::Gone => self.wants_same_cases,
        })
    }

    /// For people: every case, then what is to be said of it.
    pub fn render(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        table.set_header(["case", "accepted", "now", "change", ""]);
        for row in &self.rows {
            let number = |count: Option<u64>| count.map_or_else(|| "-".to_owned(), |count| count.to_string());
            let change = row
                .before
                .zip(row.now)
                .map_or_else(String::new, |(before, now)| format!("{:+.2} %", percent(before, now)));
            table.add_row([row.case.clone(), number(row.before), number(row.now), change, self.remark(row).to_owned()]);
        }
        for column in table.column_iter_mut().skip(1).take(3) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
        let mut text = lines.join("\n");
        let count = |change: Change| self.rows.iter().filter(|row| row.change == change).count();
        let _ = write!(
            text,
            "\n{} cases: {} beyond +{} %, {} beyond -{} %, {} new, {} gone",
            self.rows.len(),
            count(Change::Slower),
            self.bound_percent,
            count(Change::Faster),
            self.bound_percent,
            count(Change::New),
            count(Change::Gone)
        );
        text
    }

    fn remark(&self, row: &Row) -> &'static str {
        match row.change {
            Change::Same => "",
            Change::Slower if self.is_judged => "SLOWER",
            Change::Slower => "more, with other tools",
            Change::Faster if self.is_judged && !self.wants_same_cases => "faster",
            Change::Faster if self.is_judged => "faster: accept it",
            Change::Faster => "fewer, with other tools",
            Change::New if self.wants_same_cases => "NOT IN THE BASELINE",
            Change::New => "not in that commit",
            Change::Gone if self.wants_same_cases => "NOT COUNTED",
            Change::Gone => "only in that commit",
        }
    }
}

fn percent(before: u64, now: u64) -> f64 {
    (now as f64 / before.max(1) as f64 - 1.0) * 100.0
}

fn judge(before: u64, now: u64, bound_percent: f64) -> Change {
    let (before, now, bound) = (before as f64, now as f64, bound_percent / 100.0);
    if now > before * (1.0 + bound) {
        Change::Slower
    } else if now < before * (1.0 - bound) {
        Change::Faster
    } else {
        Change::Same
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counts::baseline::Tools;

    fn counts(rustc: &str, instructions: &[(&str, u64)]) -> Baseline {
        let tools = Tools { rustc: rustc.to_owned(), ..Tools::default() };
        let instructions = instructions.iter().map(|(case, count)| ((*case).to_owned(), *count)).collect();
        Baseline { tools, instructions }
    }

    fn changes(before: &[(&str, u64)], now: &[(&str, u64)]) -> (Vec<Change>, bool) {
        let comparison = Comparison::new(&counts("1", before), &counts("1", now), 5.0);
        (comparison.rows.iter().map(|row| row.change).collect(), comparison.is_failed())
    }

    #[test]
    fn growth_beyond_the_bound_fails_and_up_to_it_does_not() {
        assert_eq!(changes(&[("a", 1000)], &[("a", 1050)]), (vec![Change::Same], false));
        assert_eq!(changes(&[("a", 1000)], &[("a", 1051)]), (vec![Change::Slower], true));
        assert_eq!(changes(&[("a", 1000)], &[("a", 949)]), (vec![Change::Faster], false));
        assert_eq!(changes(&[("a", 1000), ("b", 10)], &[("a", 900), ("b", 11)]).0, [Change::Faster, Change::Slower]);
    }

    #[test]
    fn cases_that_are_new_or_gone_fail() {
        assert_eq!(changes(&[("a", 1)], &[("a", 1), ("b", 1)]), (vec![Change::Same, Change::New], true));
        assert_eq!(changes(&[("a", 1), ("b", 1)], &[("b", 1)]), (vec![Change::Gone, Change::Same], true));
    }

    #[test]
    fn between_commits_cases_come_and_go_and_growth_fails() {
        let compare = |before: &[(&str, u64)], now: &[(&str, u64)]| {
            Comparison::new(&counts("1", before), &counts("1", now), 5.0).between_commits()
        };
        let other_cases = compare(&[("a", 100), ("b", 1)], &[("a", 100), ("c", 1)]);
        assert!(!other_cases.is_failed() && other_cases.render().contains("not in that commit"));
        assert!(compare(&[("a", 100), ("b", 1)], &[("a", 106)]).is_failed());
    }

    #[test]
    fn counts_of_other_tools_are_told_and_not_judged() {
        let before = counts("1", &[("a", 1000)]);
        let other = Comparison::new(&before, &counts("2", &[("a", 2000)]), 5.0);
        assert!(!other.is_judged && !other.is_failed());
        assert!(other.render().contains("+100.00 %"));
        let missing = Comparison::new(&before, &counts("2", &[]), 5.0);
        assert!(missing.is_failed());
    }
}
