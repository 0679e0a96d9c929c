//! Owns the numbers that one client pushed: the latest of each gauge, and sums added up over its pushes.
//!
//! Bounded in series; what a client pushes beyond that is left out. Names and attributes are the client's own words.

use std::collections::BTreeMap;

use corelog_engine::batch::Codec;
use corelog_engine::batch::compression::decompress;

use super::otlp::{self, Meaning, Point, Unreadable};
use crate::limits::{TELEMETRY_INFLATED_BYTES_MAX, TELEMETRY_SERIES_PER_CLIENT_MAX};

/// Bytes of a number's attributes at most; numbers with more are left out.
const ATTRIBUTES_BYTES_MAX: usize = 256;
/// Memory that a series takes beside its words, in bytes, about.
const SERIES_BYTES: usize = 128;

/// One number, and whether it only grows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure {
    /// The number.
    pub value: f64,
    /// It only grows.
    pub is_counter: bool,
}

/// The numbers of one client, by metric and attributes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    series: BTreeMap<(String, String), Figure>,
    bytes: usize,
}

impl Figures {
    /// Takes in a push, compressed as Kafka's number says.
    ///
    /// # Errors
    /// [`Unreadable`]; what could be read is taken in.
    pub fn absorb(&mut self, compression: i8, pushed: &[u8]) -> Result<(), Unreadable> {
        let codec = Codec::from_id(i16::from(compression)).ok_or(Unreadable)?;
        let bytes = decompress(codec, pushed, TELEMETRY_INFLATED_BYTES_MAX).map_err(|_| Unreadable)?;
        otlp::read(&bytes, |point| self.take(point))
    }

    fn take(&mut self, point: Point<'_>) {
        if point.attributes.len() > ATTRIBUTES_BYTES_MAX {
            return;
        }
        let is_counter = match point.meaning {
            Meaning::Gauge => false,
            Meaning::Delta { is_monotonic } | Meaning::Cumulative { is_monotonic } => is_monotonic,
        };
        // A counter that goes back, or nowhere, says nothing.
        if is_counter && !(point.value.is_finite() && point.value >= 0.0) {
            return;
        }
        let is_full = self.series.len() >= TELEMETRY_SERIES_PER_CLIENT_MAX;
        let key = (point.name.into_owned(), point.attributes);
        if let Some(figure) = self.series.get_mut(&key) {
            let added = matches!(point.meaning, Meaning::Delta { .. });
            figure.value = if added { figure.value + point.value } else { point.value };
            figure.is_counter = is_counter;
        } else if !is_full {
            self.bytes += key.0.len() + key.1.len() + SERIES_BYTES;
            self.series.insert(key, Figure { value: point.value, is_counter });
        }
    }

    /// Every number, by metric and attributes.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, Figure)> {
        self.series.iter().map(|((name, attributes), figure)| (name.as_str(), attributes.as_str(), *figure))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// Memory that they take, in bytes, about.
    pub fn memory_bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::otlp::tests::{gauge, pushed, sum};
    use corelog_engine::batch::Compression;
    use corelog_engine::batch::compression::compress;

    fn values(figures: &Figures) -> Vec<(String, f64, bool)> {
        figures.iter().map(|(name, _, figure)| (name.to_owned(), figure.value, figure.is_counter)).collect()
    }

    #[test]
    fn sums_add_up_and_gauges_are_the_latest() {
        let mut figures = Figures::default();
        for (codec, number) in
            [(Codec::None, 1.0), (Codec::Gzip, 2.0), (Codec::Snappy, 3.0), (Codec::Lz4, 4.0), (Codec::Zstd, 5.0)]
        {
            let bytes = pushed(&[gauge("g", number), sum("delta", number, true), sum("all", number, false)]);
            let mut out = Vec::new();
            compress(Compression { codec, level: None }, &bytes, &mut out);
            figures.absorb(codec.id() as i8, &out).expect("readable");
        }
        let all = [("all".to_owned(), 5.0, true), ("delta".to_owned(), 15.0, true), ("g".to_owned(), 5.0, false)];
        assert_eq!(values(&figures), all);
    }

    #[test]
    fn what_no_counter_can_be_is_left_out() {
        let mut figures = Figures::default();
        figures
            .absorb(0, &pushed(&[sum("a", 3.0, true), sum("a", -1.0, true), sum("a", f64::NAN, true)]))
            .expect("readable");
        assert_eq!(values(&figures), [("a".to_owned(), 3.0, true)]);
    }

    #[test]
    fn series_are_bounded_and_what_inflates_too_far_is_refused() {
        let many: Vec<Vec<u8>> =
            (0..TELEMETRY_SERIES_PER_CLIENT_MAX + 50).map(|number| gauge(&format!("m{number}"), 1.0)).collect();
        let mut figures = Figures::default();
        figures.absorb(0, &pushed(&many)).expect("readable");
        assert_eq!(figures.len(), TELEMETRY_SERIES_PER_CLIENT_MAX);
        let mut bomb = Vec::new();
        let zeros = vec![0; TELEMETRY_INFLATED_BYTES_MAX + 1];
        compress(Compression { codec: Codec::Zstd, level: None }, &zeros, &mut bomb);
        assert_eq!(figures.absorb(4, &bomb), Err(Unreadable));
        assert_eq!(figures.absorb(9, b""), Err(Unreadable));
    }
}
