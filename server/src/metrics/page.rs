//! Owns the page while it is written: metrics in the text format of Prometheus.
//!
//! On shard 0. It is written in pieces, and the shard does its other work between them.

use bytes::Bytes;
use corelog_engine::measure::HistogramSample;
use corelog_rt::task;
use std::fmt::Write;

use super::family::{Family, Kind, Unit};

/// What the page is, for whoever asked for it.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// Lines that are written before the shard looks at its other work.
const LINES_PER_SLICE: usize = 500;
/// Bytes of one piece, about.
const PIECE_BYTES: usize = 64 << 10;
/// Bytes of a label's value at most; what is longer is cut.
pub const LABEL_BYTES_MAX: usize = 256;

/// Nanoseconds of a second.
const SECOND_NS: f64 = 1e9;

/// A page that is being written.
#[derive(Debug, Default)]
pub struct Page {
    pieces: Vec<Bytes>,
    text: String,
    lines: usize,
    family: Option<Family>,
}

/// A series' labels: names, and values of any form.
pub type Labels<'a> = &'a [(&'static str, &'a str)];

impl Page {
    /// Begins a metric: its series follow.
    pub fn begin(&mut self, family: Family) {
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(self.text, "# HELP {} {}", family.name, family.help);
        let _ = writeln!(self.text, "# TYPE {} {}", family.name, family.kind.word());
        self.family = Some(family);
        self.lines += 2;
    }

    /// A metric of one series without labels.
    pub fn single(&mut self, family: Family, value: f64) {
        self.begin(family);
        self.value(&[], value);
    }

    /// A series of the metric that was begun. A histogram is written by [`Page::histogram`].
    pub fn value(&mut self, labels: Labels<'_>, value: f64) {
        let Some(family) = self.family else { return };
        debug_assert!(family.kind != Kind::Histogram, "a histogram has more than one value");
        self.line(family.name, "", labels, None, value);
    }

    /// A histogram of the metric that was begun, recorded in nanoseconds where that counts in seconds.
    pub fn histogram(&mut self, labels: Labels<'_>, sample: &HistogramSample) {
        let Some(family) = self.family else { return };
        let scale = if family.unit == Unit::Seconds { SECOND_NS } else { 1.0 };
        for (bound, count) in sample.cumulative() {
            self.line(family.name, "_bucket", labels, Some(bound as f64 / scale), count as f64);
        }
        self.line(family.name, "_bucket", labels, Some(f64::INFINITY), sample.count() as f64);
        self.line(family.name, "_sum", labels, None, sample.sum() as f64 / scale);
        self.line(family.name, "_count", labels, None, sample.count() as f64);
    }

    /// Lets the shard work if much was written since it did.
    pub async fn breathe(&mut self) {
        if self.lines >= LINES_PER_SLICE {
            self.lines = 0;
            self.cut();
            task::yield_now().await;
        }
    }

    /// The page in pieces.
    pub fn finish(mut self) -> Vec<Bytes> {
        if !self.text.is_empty() {
            self.pieces.push(Bytes::from(std::mem::take(&mut self.text)));
        }
        self.pieces
    }

    fn cut(&mut self) {
        if self.text.len() >= PIECE_BYTES {
            let text = std::mem::replace(&mut self.text, String::with_capacity(PIECE_BYTES));
            self.pieces.push(Bytes::from(text));
        }
    }

    fn line(&mut self, name: &str, suffix: &str, labels: Labels<'_>, bound: Option<f64>, value: f64) {
        self.lines += 1;
        self.text.push_str(name);
        self.text.push_str(suffix);
        let mut before = '{';
        for (label, text) in labels {
            self.text.push(before);
            self.text.push_str(label);
            self.text.push_str("=\"");
            escape(text, &mut self.text);
            self.text.push('"');
            before = ',';
        }
        if let Some(bound) = bound {
            let _ = if bound.is_infinite() {
                write!(self.text, "{before}le=\"+Inf\"")
            } else {
                write!(self.text, "{before}le=\"{bound}\"")
            };
            before = ',';
        }
        if before == ',' {
            self.text.push('}');
        }
        let _ = match value {
            value if value.is_nan() => writeln!(self.text, " NaN"),
            value if value.is_infinite() => writeln!(self.text, " {}Inf", if value > 0.0 { '+' } else { '-' }),
            value => writeln!(self.text, " {value}"),
        };
    }
}

/// A label's value: cut to its bound, without what would end it early.
fn escape(text: &str, out: &mut String) {
    let end = text.floor_char_boundary(LABEL_BYTES_MAX);
    for letter in text.get(..end).unwrap_or_default().chars() {
        match letter {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            letter => out.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use corelog_engine::measure::{Histogram, Scale};

    const GAUGE: Family = Family::gauge("a_bytes", Unit::Bytes, "Help.");
    const DURATION: Family = Family::histogram("b_seconds", Unit::Seconds, "Help.");

    fn text(page: Page) -> String {
        let bytes = page.finish().concat();
        String::from_utf8(bytes).expect("text")
    }

    #[test]
    fn labels_are_escaped_and_cut() {
        let mut page = Page::default();
        page.begin(GAUGE);
        page.value(&[("x", "a\"b\\c\nd")], 1.5);
        page.value(&[("x", &"é".repeat(300)), ("y", "")], f64::NAN);
        let text = text(page);
        assert!(text.starts_with("# HELP a_bytes Help.\n# TYPE a_bytes gauge\na_bytes{x=\"a\\\"b\\\\c\\nd\"} 1.5\n"));
        assert!(text.ends_with(&format!("a_bytes{{x=\"{}\",y=\"\"}} NaN\n", "é".repeat(128))));
    }

    #[test]
    fn a_histogram_counts_up_to_infinity_in_base_units() {
        let histogram = Histogram::new(Scale::DURATION_NS);
        histogram.record(1_000_000);
        histogram.record(u64::MAX);
        let mut page = Page::default();
        page.begin(DURATION);
        page.histogram(&[("stage", "x")], &histogram.sample());
        let text = text(page);
        assert!(text.contains("b_seconds_bucket{stage=\"x\",le=\"0.001048576\"} 1\n"), "{text}");
        assert!(text.contains("b_seconds_bucket{stage=\"x\",le=\"0.000786432\"} 0\n"), "{text}");
        assert!(text.contains("b_seconds_bucket{stage=\"x\",le=\"+Inf\"} 2\nb_seconds_sum{stage=\"x\"} "), "{text}");
        assert!(text.ends_with("b_seconds_count{stage=\"x\"} 2\n"), "{text}");
    }

    #[test]
    fn a_long_page_comes_in_pieces() {
        corelog_rt::testing::run(|| async {
            let mut page = Page::default();
            page.begin(GAUGE);
            for number in 0..5_000 {
                page.value(&[("x", "some value of some length")], f64::from(number));
                page.breathe().await;
            }
            let pieces = page.finish();
            assert!(pieces.len() > 2 && pieces.iter().all(|piece| piece.len() < 2 * PIECE_BYTES));
        });
    }
}
