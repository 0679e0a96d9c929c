//! A comparison as one HTML file that needs no other: what its Markdown says, and its ratios as plots.

use std::fmt::Write as _;

use corelog_tuning::page::style::{STYLE, escaped};

use super::metric::by_name;
use super::plan::Plan;
use super::ratio_plot::{LEGEND, Row, Scale, render as plot};
use super::summary::{Line, Words, cells, doubts, names, note, options};
use super::turns::Turn;
use crate::report::html::tuning;

/// Numbers stand at the right of their columns.
const TABLE_STYLE: &str = "td+td,th+th{text-align:right}p.doubt{color:#c0392b;font-weight:600}\
h3{font-size:1rem;margin:1.2rem 0 .2rem}table.host td,table.host th{text-align:left}";

/// The whole page.
pub fn render(plan: &Plan, words: &Words, turns: &[Turn], lines: &[Line]) -> String {
    let mut out = String::from("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n");
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "<title>{0}</title><style>{STYLE}{TABLE_STYLE}</style></head><body>\n<h1>{0}</h1>\n<p>{1}</p>\n",
        escaped(&words.title),
        escaped(&words.setting)
    );
    if let Some(too_few) = &words.too_few {
        let _ = writeln!(out, "<p class=\"doubt\">{}</p>", escaped(too_few));
    }
    if let Some(again) = &words.again {
        let _ = writeln!(out, "<p>{}</p>", escaped(again));
    }
    let all = lines.iter().flat_map(|line| &line.ratios).filter_map(|(_, ratio)| *ratio);
    let scale = Scale::holding(all);
    let _ = writeln!(out, "<p>The plots show ratios on a logarithmic scale, the same in all of them. {LEGEND}</p>");
    for named in &plan.workloads {
        let of_workload: Vec<&Line> = lines.iter().filter(|line| line.workload == named.name).collect();
        let _ = writeln!(
            out,
            "<h2>{}</h2>\n<p><code>{}</code></p>\n{}",
            escaped(&named.name),
            escaped(&options(&named.workload, "")),
            table(plan, &of_workload)
        );
        for doubt in doubts(turns, &named.name) {
            let _ = writeln!(out, "<p class=\"doubt\">{}</p>", escaped(&doubt));
        }
        if let Some(note) = note(plan, lines, &named.name) {
            let _ = writeln!(out, "<p>{note}</p>");
        }
        out.push_str(&plots(plan, &of_workload, scale));
    }
    let _ =
        writeln!(out, "<h2>Plan</h2><pre>{}</pre>", escaped(&serde_json::to_string_pretty(plan).unwrap_or_default()));
    if let Some(turn) = turns.first() {
        out.push_str(&tuning(&turn.result));
    }
    out + "</body></html>\n"
}

fn table(plan: &Plan, lines: &[&Line]) -> String {
    let names = names(plan);
    let mut heads: Vec<String> = names.iter().map(|name| escaped(name)).collect();
    heads.extend(names.iter().skip(1).map(|name| format!("ratio to {}", escaped(name))));
    let mut out = format!("<table><tr><th></th><th>{}</th></tr>\n", heads.join("</th><th>"));
    for line in lines {
        let cells: Vec<String> = cells(line, plan.rounds).iter().map(|cell| escaped(cell)).collect();
        let _ = writeln!(out, "<tr><td>{}</td><td>{}</td></tr>", escaped(&line.metric), cells.join("</td><td>"));
    }
    out + "</table>"
}

/// A plot for each system that the first is compared with.
fn plots(plan: &Plan, lines: &[&Line], scale: Scale) -> String {
    let mut out = String::new();
    let names = names(plan);
    let Some((first, others)) = names.split_first() else { return out };
    for (index, other) in others.iter().enumerate() {
        let texts: Vec<(&Line, String)> = lines
            .iter()
            .filter_map(|line| Some((*line, cells(line, plan.rounds).into_iter().nth(names.len() + index)?)))
            .collect();
        let rows: Vec<Row<'_>> = texts
            .iter()
            .filter_map(|(line, text)| {
                let ratio = line.ratios.get(index)?.1?;
                let is_of_system = by_name(&line.metric).is_none_or(|metric| metric.is_of_system);
                let is_more_better = is_of_system.then_some(line.is_more_better);
                Some(Row { name: &line.metric, text, is_more_better, ratio })
            })
            .collect();
        let _ =
            writeln!(out, "<h3>{} as a multiple of {}</h3>\n{}", escaped(first), escaped(other), plot(&rows, scale));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::summary::{markdown, summarize};
    use crate::measure::process::Host;
    use crate::report::result::Throughput;
    use std::fs;
    use std::path::Path;

    /// A comparison of three rounds that was stored before: what an older tool wrote can be summed up again.
    fn stored() -> (Plan, Vec<Turn>) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("results/2026-11-22-vm-consumers-2");
        let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
        (serde_json::from_str(&read("plan.json")).unwrap(), serde_json::from_str(&read("runs.json")).unwrap())
    }

    /// As Markdown and as a page.
    fn texts(plan: &Plan, turns: &[Turn]) -> [String; 2] {
        let lines = summarize(plan, turns);
        let words = Words::of(plan, &Host::default(), "2026-11-22", turns);
        let page = render(plan, &words, turns, &lines);
        assert!(!page.contains("NaN") && !page.contains("src=") && !page.contains("href="));
        [markdown(plan, &words, turns, &lines), page]
    }

    #[test]
    fn ratios_with_their_intervals_are_told_and_drawn() {
        let (plan, turns) = stored();
        for text in texts(&plan, &turns) {
            assert!(text.contains("0.715 (0.694 to 0.719)") && text.contains("95 times in 100"), "{text}");
            assert!(!text.contains("too few") && !text.contains("No ratio has this round"), "{text}");
        }
        let [_, page] = texts(&plan, &turns);
        assert_eq!((page.matches("<svg").count(), page.matches("<circle").count()), (1, 17));
    }

    #[test]
    fn too_few_rounds_are_told_and_promise_no_interval() {
        let (mut plan, mut turns) = stored();
        plan.rounds = 2;
        turns.retain(|turn| turn.round < plan.rounds);
        for text in texts(&plan, &turns) {
            assert!(text.contains("2 rounds are too few for intervals") && !text.contains("95 times in 100"), "{text}");
            assert!(!text.contains("0.694"), "{text}");
        }
    }

    #[test]
    fn a_turn_that_moved_next_to_nothing_is_told_and_has_no_ratio() {
        let (plan, mut turns) = stored();
        let still = turns.iter_mut().find(|turn| turn.system == "kafka" && turn.round == 1).unwrap();
        still.result.produced = Throughput { records: 12, megabytes_per_second: 0.001, ..Throughput::default() };
        still.result.broker.as_mut().unwrap().cpu_seconds_per_gigabyte = 99_999.0;
        for text in texts(&plan, &turns) {
            assert!(text.contains("kafka, round 2, moved next to nothing: 12 records, the best turn 160"), "{text}");
            assert!(text.contains("† of fewer rounds"), "{text}");
            let cost = text.lines().find(|line| line.contains("broker CPU s per GB")).unwrap();
            assert!(cost.contains('†') && !cost.contains(" to "), "{cost}");
        }
        for turn in turns.iter_mut().filter(|turn| turn.system == "kafka") {
            turn.result.consumed = Throughput::default();
        }
        let [text, _] = texts(&plan, &turns);
        assert_eq!(text.matches("moved nothing: 0 records").count(), 3, "{text}");
        let cost = text.lines().find(|line| line.contains("broker CPU s per GB")).unwrap();
        assert!(cost.ends_with("| - |"), "{cost}");
    }
}
