//! A run's latencies as an interval log in the format of `HdrHistogram` (V2, compressed), which its own tools read, merge and plot.
//!
//! A line for each second and kind of latency, tagged `acknowledgement` or `end-to-end`; values in nanoseconds, the largest of each line
//! in milliseconds, as people read it.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use anyhow::{Result, anyhow};
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};

use crate::load::watch::{Times, is_measured};
use crate::measure::interval::Interval;

/// Nanoseconds in what the largest value of a line is shown in.
const MILLISECOND_NS: f64 = 1e6;

/// The log of all measured intervals.
///
/// # Errors
/// Those of the serializer.
pub fn render(times: &Times, intervals: &BTreeMap<usize, Interval>) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let start = Duration::from_nanos(times.start_ns);
    let mut log = IntervalLogWriterBuilder::new()
        .add_comment("[Histogram log format version 1.3]")
        .add_comment("[corelog-bench: latencies in nanoseconds, from when a record was due]")
        .with_start_time(UNIX_EPOCH + start)
        .with_max_value_divisor(MILLISECOND_NS)
        .begin_log_with(&mut out, &mut serializer)?;
    let length = Duration::from_nanos(times.interval_ns);
    for (index, interval) in intervals.iter().filter(|(index, _)| is_measured(times, **index)) {
        let began = start + length * u32::try_from(*index)?;
        let kinds = [("acknowledgement", &interval.acknowledgement), ("end-to-end", &interval.end_to_end)];
        for (name, histogram) in kinds.into_iter().filter(|(_, histogram)| !histogram.is_empty()) {
            log.write_histogram(histogram, began, length, Tag::new(name))
                .map_err(|error| anyhow!("the histogram log: {error:?}"))?;
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hdrhistogram::Histogram;
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    #[test]
    fn what_was_logged_is_read_back_second_by_second() {
        let times = Times {
            start_ns: 5_000_000_000,
            measure_ns: 6_000_000_000,
            stop_ns: 8_000_000_000,
            interval_ns: 1_000_000_000,
        };
        let mut intervals = BTreeMap::new();
        for index in 0..4_usize {
            let mut interval = Interval::new(index);
            for value_ms in 1..=100_u64 {
                interval.acknowledgement.saturating_record(value_ms * 1_000_000 * (index as u64 + 1));
            }
            intervals.insert(index, interval);
        }
        let log = render(&times, &intervals).unwrap();
        let text = String::from_utf8(log.clone()).unwrap();
        assert!(text.starts_with("#[Histogram log format version 1.3]\n"), "{text}");
        let mut found = Vec::new();
        for entry in IntervalLogIterator::new(&log) {
            if let LogEntry::Interval(line) = entry.unwrap() {
                let bytes = base64_bytes(line.encoded_histogram());
                let histogram: Histogram<u64> = Deserializer::new().deserialize(&mut &bytes[..]).unwrap();
                let tag = line.tag().map(|tag| tag.as_str().to_owned());
                found.push((tag, line.start_timestamp().as_secs(), line.duration().as_secs(), histogram.len()));
                let p50_ms = histogram.value_at_quantile(0.5) / 1_000_000;
                assert!((49..=51).contains(&(p50_ms / (found.len() as u64 + 1))), "{p50_ms}");
            }
        }
        let tag = Some("acknowledgement".to_owned());
        assert_eq!(found, [(tag.clone(), 6, 1, 100), (tag, 7, 1, 100)]);
    }

    fn base64_bytes(text: &str) -> Vec<u8> {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let (mut out, mut bits, mut count) = (Vec::new(), 0_u32, 0);
        for value in text.bytes().filter_map(|byte| alphabet.iter().position(|letter| *letter == byte)) {
            bits = bits << 6 | value as u32;
            count += 6;
            if count >= 8 {
                count -= 8;
                out.push((bits >> count) as u8);
            }
        }
        out
    }
}
