//! Reads what gungraun prints: one JSON object a line for each benchmark, version 7 of its summaries.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

#[derive(Deserialize)]
struct Summary {
    id: String,
    profiles: Vec<Profile>,
}

#[derive(Deserialize)]
struct Profile {
    tool: String,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    total: Total,
}

#[derive(Deserialize)]
struct Total {
    metrics: Metrics,
}

#[derive(Deserialize)]
struct Metrics {
    #[serde(rename = "Ir")]
    instructions: Metric,
}

#[derive(Deserialize)]
struct Metric {
    values: Values,
}

#[derive(Deserialize)]
struct Values {
    new: u64,
}

/// Instructions by case.
///
/// # Errors
/// What is not such a summary, has no instructions, or occurs twice.
pub fn parse(text: &str) -> Result<BTreeMap<String, u64>> {
    let mut instructions = BTreeMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let summary: Summary = serde_json::from_str(line).with_context(|| format!("no summary of gungraun: {line}"))?;
        let profile = summary.profiles.into_iter().find(|profile| profile.tool == "Callgrind");
        let count = profile.context("not counted by callgrind")?.data.total.metrics.instructions.values.new;
        if count == 0 {
            bail!("{}: no instruction was counted, so the function that marks the begin was not found", summary.id);
        }
        if instructions.insert(summary.id.clone(), count).is_some() {
            bail!("{} was counted twice", summary.id);
        }
    }
    Ok(instructions)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(id: &str, count: u64) -> String {
        format!(
            r#"{{"version":"7","id":"{id}","profiles":[{{"tool":"Callgrind","data":{{"parts":[],"total":{{"metrics":{{"Dr":{{"values":{{"new":9}}}},"Ir":{{"values":{{"new":{count},"old":3}}}}}}}}}}}}]}}"#
        )
    }

    #[test]
    fn instructions_are_taken_by_case() {
        let counts = parse(&format!("{}\n\n{}\n", line("a", 5), line("b", 7))).unwrap();
        assert_eq!(counts.into_iter().collect::<Vec<_>>(), [("a".to_owned(), 5), ("b".to_owned(), 7)]);
    }

    #[test]
    fn what_counts_nothing_is_an_error() {
        assert!(parse(&line("a", 0)).is_err());
        assert!(parse(&format!("{}\n{}", line("a", 1), line("a", 1))).is_err());
        assert!(parse("warning: something").is_err());
        assert!(parse(r#"{"id":"a","profiles":[]}"#).is_err());
    }
}
