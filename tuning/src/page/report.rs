//! What the tuner found on a host as a page: the disk, as plots, and the table of the checks.
//!
//! Pure. Every text from the host is escaped.

use std::fmt::Write;

use super::plot::{Line, Plot, Scale};
use super::style::{STYLE, escaped};
use crate::check::{Record, Report, bytes_text};
use crate::probe::choose::operation_of;
use crate::probe::plan::{Area, DEPTHS, Operation};
use crate::probe::properties::Properties;
use crate::probe::sample::Sample;

/// Names of numbers in flight, as those of lines.
const DEPTH_NAMES: [&str; 4] = ["1 at once", "2", "4", "8"];
/// Sizes on the horizontal axis, by the power of two.
const SIZE_TICKS: [(f64, &str); 11] = [
    (0.0, "4 KiB"),
    (1.0, "8"),
    (2.0, "16"),
    (3.0, "32"),
    (4.0, "64"),
    (5.0, "128"),
    (6.0, "256"),
    (7.0, "512"),
    (8.0, "1 MiB"),
    (9.0, "2"),
    (10.0, "4"),
];

/// The whole page.
pub fn render(report: &Report, properties: Option<&Properties>) -> String {
    let mut out = String::from("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n");
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "<title>corelog tune</title><style>{STYLE}</style></head><body>\n<h1>{}</h1>\n<p>Linux {}, corelog {}.</p>\n",
        escaped(&report.host),
        escaped(&report.kernel),
        report.version
    );
    match properties {
        Some(properties) => out.push_str(&disk(properties)),
        None => out.push_str("<h2>Disk</h2><p>Not measured: <code>corelog tune probe DIR</code> does.</p>\n"),
    }
    let _ = write!(out, "<h2>Host</h2>\n{}</body></html>\n", table(&report.checks));
    out
}

/// The table of the checks.
pub fn table(checks: &[Record]) -> String {
    let mut out = String::from(
        "<table><tr><th>name</th><th>now</th><th>wanted</th><th>verdict</th><th>why it matters</th><th>expected effect</th></tr>\n",
    );
    for check in checks {
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"{}\">{}</td><td>{}</td><td>{}</td></tr>",
            check.name,
            escaped(&check.current),
            escaped(&check.wanted),
            check.verdict.split(' ').next().unwrap_or_default(),
            check.verdict,
            escaped(check.why),
            escaped(check.effect)
        );
    }
    out + "</table>\n"
}

fn disk(properties: &Properties) -> String {
    let operation = operation_of(properties.settings.write_mode);
    let settings = toml::to_string(&properties.settings).unwrap_or_default();
    let mut out = format!("<h2>Disk {}</h2>\n", escaped(&properties.device.disks.join(", ")));
    if let Some(suspicion) = properties.suspicion() {
        let _ = writeln!(out, "<p><strong>{}</strong></p>", escaped(&suspicion));
    }
    if let Some(disturbance) = properties.disturbance() {
        let _ = writeln!(out, "<p>{}</p>", escaped(&disturbance));
    }
    if let Some(knee) = &properties.knee {
        let _ = writeln!(
            out,
            "<p>Knee: {} at once of {}, {:.0} MB/s at {:.0} us (99th percentile {:.0} us).</p>",
            knee.depth,
            bytes_text(knee.bytes as u64),
            knee.megabytes_per_second,
            knee.p50_us,
            knee.p99_us
        );
    }
    let _ = writeln!(out, "<pre>{}</pre>", escaped(&settings));
    let mut section = |title: &str, plot: Plot<'_>| {
        let _ = writeln!(out, "<h2>{title}</h2>\n{}", plot.render());
    };
    section("Synced writes, one at a time: median us by size", latency_by_size(&properties.samples));
    section("Synced writes in the chosen mode: MB/s by size", rate_by_size(&properties.samples, operation));
    section("Throughput (MB/s) against median latency (us): the knee", knee(&properties.samples, operation));
    section("Reads in order: MB/s by size", rate_by_size(&properties.samples, Operation::Read));
    out
}

fn place(bytes: usize) -> f64 {
    (bytes as f64 / 4096.0).log2()
}

fn points(samples: &[Sample], is_meant: impl Fn(&Sample) -> bool, value: fn(&Sample) -> f64) -> Vec<(f64, f64)> {
    let meant = samples.iter().filter(|sample| sample.operations > 0 && is_meant(sample));
    meant.map(|sample| (place(sample.cell.bytes), value(sample))).collect()
}

fn latency_by_size(samples: &[Sample]) -> Plot<'static> {
    let line = |name, operation, area| Line {
        name,
        points: points(
            samples,
            |sample| sample.cell.operation == operation && sample.cell.area == area && sample.cell.depth == 1,
            |sample| sample.p50_us,
        ),
    };
    let lines = vec![
        line("fdatasync", Operation::WriteSync, Area::Overwrite),
        line("linked", Operation::WriteLinked, Area::Overwrite),
        line("O_DSYNC", Operation::WriteThrough, Area::Overwrite),
        line("new space", Operation::WriteThrough, Area::Fresh),
    ];
    Plot { lines, x_name: "bytes of a write", x_ticks: Some(&SIZE_TICKS), y_scale: Scale::Logarithmic }
}

fn rate_by_size(samples: &[Sample], operation: Operation) -> Plot<'static> {
    let line = |(depth, name): (usize, &'static str)| Line {
        name,
        points: points(
            samples,
            |sample| {
                sample.cell.operation == operation && sample.cell.area == Area::Overwrite && sample.cell.depth == depth
            },
            |sample| sample.megabytes_per_second,
        ),
    };
    let lines = DEPTHS.into_iter().zip(DEPTH_NAMES).map(line).collect();
    Plot { lines, x_name: "bytes of one", x_ticks: Some(&SIZE_TICKS), y_scale: Scale::Linear }
}

fn knee(samples: &[Sample], operation: Operation) -> Plot<'static> {
    let line = |(depth, name): (usize, &'static str)| {
        let is_meant = |sample: &&Sample| {
            sample.cell.operation == operation
                && sample.cell.area == Area::Overwrite
                && sample.cell.depth == depth
                && sample.operations > 0
        };
        let points =
            samples.iter().filter(is_meant).map(|sample| (sample.megabytes_per_second, sample.p50_us)).collect();
        Line { name, points }
    };
    let lines = DEPTHS.into_iter().zip(DEPTH_NAMES).map(line).collect();
    Plot { lines, x_name: "MB/s", x_ticks: None, y_scale: Scale::Logarithmic }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;
    use crate::probe::plan::cells;
    use crate::probe::sample::Gathered;
    use crate::tunables::list;

    #[test]
    fn a_page_needs_no_other_file_and_escapes_what_the_host_says() {
        let dir = tempfile::tempdir().unwrap();
        let host = Host::here(Some(dir.path()), None);
        let mut gathered = Gathered::default();
        gathered.add(std::time::Duration::from_micros(200));
        gathered.took(std::time::Duration::from_micros(200));
        let samples = cells().into_iter().map(|cell| gathered.sample(cell)).collect();
        let mut report = Report::new(&host, &list::check_all(&host));
        report.host = "<script>".to_owned();
        let mut properties = Properties::new(&host, samples, 0).unwrap();
        properties.device.disks = vec!["<b>".to_owned()];
        let page = render(&report, Some(&properties));
        assert_eq!(page.matches("<svg").count(), 4);
        assert!(!page.contains("<script>") && !page.contains("<b>") && !page.contains("NaN"));
        assert!(!page.contains("src=") && !page.contains("href="));
        assert!(render(&report, None).contains("Not measured"));
    }
}
