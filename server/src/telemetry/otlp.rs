//! Reading metrics in OpenTelemetry's form (OTLP, protobuf) as clients push them: gauges and sums, one number each.
//!
//! Pure. A reader for the few messages that matter takes less than a generated one for all of them, and knows its bounds: nesting is fixed,
//! nothing is allocated for what is skipped, and no length is trusted. Histograms and summaries are skipped: Kafka's clients push none.

use std::borrow::Cow;

use crate::limits::TELEMETRY_POINTS_MAX;

/// What is pushed is not OTLP, or too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no metrics in OTLP's form")]
pub struct Unreadable;

/// How a number is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// As it is now.
    Gauge,
    /// What was added since the last push.
    Delta {
        /// It only grows.
        is_monotonic: bool,
    },
    /// All that was added.
    Cumulative {
        /// It only grows.
        is_monotonic: bool,
    },
}

/// One number.
#[derive(Clone, Debug, PartialEq)]
pub struct Point<'a> {
    /// The metric's name.
    pub name: Cow<'a, str>,
    /// What it is about, `name=value` joined by commas, sorted.
    pub attributes: String,
    /// How it is meant.
    pub meaning: Meaning,
    /// The number.
    pub value: f64,
}

/// The value of a field, by its wire type.
enum Value<'a> {
    Varint(u64),
    Fixed(u64),
    Bytes(&'a [u8]),
    /// 32 bits, which nothing that matters has.
    Short,
}

/// Reads the fields of one message.
struct Fields<'a> {
    rest: &'a [u8],
}

/// Bytes of a metric's name at most; it is kept for each of its numbers.
const NAME_BYTES_MAX: usize = 256;
/// OTLP's number for sums since the last push.
const AGGREGATION_DELTA: u64 = 1;

/// Calls `take` for each number in `bytes`.
///
/// # Errors
/// [`Unreadable`]; what came before was taken.
pub fn read<'a>(bytes: &'a [u8], mut take: impl FnMut(Point<'a>)) -> Result<(), Unreadable> {
    let mut points_left = TELEMETRY_POINTS_MAX;
    each(bytes, 1, |resource| {
        each(resource, 2, |scope| each(scope, 2, |metric| read_metric(metric, &mut points_left, &mut take)))
    })
}

/// Calls `inner` for each message in the field `number`.
fn each<'a>(
    bytes: &'a [u8],
    number: u64,
    mut inner: impl FnMut(&'a [u8]) -> Result<(), Unreadable>,
) -> Result<(), Unreadable> {
    let mut fields = Fields { rest: bytes };
    while let Some((field, value)) = fields.next()? {
        if let (true, Value::Bytes(message)) = (field == number, value) {
            inner(message)?;
        }
    }
    Ok(())
}

fn read_metric<'a>(
    bytes: &'a [u8],
    points_left: &mut usize,
    take: &mut impl FnMut(Point<'a>),
) -> Result<(), Unreadable> {
    let (mut name, mut data) = (Cow::Borrowed(""), None);
    let mut fields = Fields { rest: bytes };
    while let Some((field, value)) = fields.next()? {
        match (field, value) {
            (1, Value::Bytes(text)) => name = String::from_utf8_lossy(text),
            (5, Value::Bytes(gauge)) => data = Some((gauge, Meaning::Gauge)),
            (7, Value::Bytes(sum)) => data = Some((sum, meaning_of_sum(sum)?)),
            _ => {}
        }
    }
    let Some((data, meaning)) = data else { return Ok(()) };
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return Ok(());
    }
    each(data, 1, |point| {
        *points_left = points_left.checked_sub(1).ok_or(Unreadable)?;
        let (attributes, value) = read_point(point)?;
        if let Some(value) = value {
            take(Point { name: name.clone(), attributes, meaning, value });
        }
        Ok(())
    })
}

fn meaning_of_sum(bytes: &[u8]) -> Result<Meaning, Unreadable> {
    let (mut temporality, mut is_monotonic) = (0, false);
    let mut fields = Fields { rest: bytes };
    while let Some((field, value)) = fields.next()? {
        match (field, value) {
            (2, Value::Varint(number)) => temporality = number,
            (3, Value::Varint(flag)) => is_monotonic = flag != 0,
            _ => {}
        }
    }
    Ok(if temporality == AGGREGATION_DELTA {
        Meaning::Delta { is_monotonic }
    } else {
        Meaning::Cumulative { is_monotonic }
    })
}

fn read_point(bytes: &[u8]) -> Result<(String, Option<f64>), Unreadable> {
    let (mut attributes, mut number) = (Vec::new(), None);
    let mut fields = Fields { rest: bytes };
    while let Some((field, value)) = fields.next()? {
        match (field, value) {
            (4, Value::Fixed(bits)) => number = Some(f64::from_bits(bits)),
            (6, Value::Fixed(bits)) => number = Some(bits.cast_signed() as f64),
            (7, Value::Bytes(pair)) => attributes.push(read_attribute(pair)?),
            _ => {}
        }
    }
    attributes.sort_unstable();
    Ok((attributes.join(","), number))
}

fn read_attribute(bytes: &[u8]) -> Result<String, Unreadable> {
    let (mut name, mut text) = (Cow::Borrowed(""), String::new());
    let mut fields = Fields { rest: bytes };
    while let Some((field, value)) = fields.next()? {
        match (field, value) {
            (1, Value::Bytes(key)) => name = String::from_utf8_lossy(key),
            (2, Value::Bytes(any)) => text = read_any(any)?,
            _ => {}
        }
    }
    Ok(format!("{name}={text}"))
}

/// A value of any simple type as text; nothing of others.
fn read_any(bytes: &[u8]) -> Result<String, Unreadable> {
    let mut text = String::new();
    let mut fields = Fields { rest: bytes };
    while let Some((field, value)) = fields.next()? {
        match (field, value) {
            (1, Value::Bytes(string)) => text = String::from_utf8_lossy(string).into_owned(),
            (2, Value::Varint(flag)) => text = (flag != 0).to_string(),
            (3, Value::Varint(number)) => text = number.cast_signed().to_string(),
            (4, Value::Fixed(bits)) => text = f64::from_bits(bits).to_string(),
            _ => {}
        }
    }
    Ok(text)
}

impl<'a> Fields<'a> {
    /// The next field's number and value; none at the end.
    fn next(&mut self) -> Result<Option<(u64, Value<'a>)>, Unreadable> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => Value::Varint(self.varint()?),
            1 => Value::Fixed(u64::from_le_bytes(self.take(8)?.try_into().map_err(|_| Unreadable)?)),
            2 => {
                let bytes = usize::try_from(self.varint()?).map_err(|_| Unreadable)?;
                Value::Bytes(self.take(bytes)?)
            }
            5 => {
                self.take(4)?;
                Value::Short
            }
            _ => return Err(Unreadable),
        };
        match tag >> 3 {
            0 => Err(Unreadable),
            number => Ok(Some((number, value))),
        }
    }

    fn take(&mut self, bytes: usize) -> Result<&'a [u8], Unreadable> {
        let (head, rest) = self.rest.split_at_checked(bytes).ok_or(Unreadable)?;
        self.rest = rest;
        Ok(head)
    }

    fn varint(&mut self) -> Result<u64, Unreadable> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.rest.split_first().ok_or(Unreadable)?;
            self.rest = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Unreadable)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A field that holds bytes.
    pub fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        let mut out = vec![number << 3 | 2];
        let mut length = bytes.len();
        while length >= 0x80 {
            out.push((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        out.push(length as u8);
        out.extend(bytes);
        out
    }

    /// A point with a number and one attribute.
    fn point(value: f64, attribute: (&str, &str)) -> Vec<u8> {
        let any = field(1, attribute.1.as_bytes());
        let pair = [field(1, attribute.0.as_bytes()), field(2, &any)].concat();
        [&[4 << 3 | 1][..], &value.to_le_bytes(), &field(7, &pair)].concat()
    }

    /// Metrics of one scope.
    pub fn pushed(metrics: &[Vec<u8>]) -> Vec<u8> {
        let scope: Vec<u8> = metrics.iter().flat_map(|metric| field(2, metric)).collect();
        field(1, &field(2, &scope))
    }

    /// A gauge.
    pub fn gauge(name: &str, value: f64) -> Vec<u8> {
        [field(1, name.as_bytes()), field(5, &field(1, &point(value, ("node", "1"))))].concat()
    }

    /// A sum that only grows: since the last push, or in all.
    pub fn sum(name: &str, value: f64, is_delta: bool) -> Vec<u8> {
        let points = field(1, &point(value, ("node", "1")));
        let body = [points, vec![2 << 3, if is_delta { 1 } else { 2 }, 3 << 3, 1]].concat();
        [field(1, name.as_bytes()), field(7, &body)].concat()
    }

    fn points(bytes: &[u8]) -> Result<Vec<Point<'_>>, Unreadable> {
        let mut points = Vec::new();
        read(bytes, |point| points.push(point)).map(|()| points)
    }

    #[test]
    fn gauges_and_sums_are_read_with_their_attributes() {
        let bytes = pushed(&[gauge("a", 1.5), sum("b", 2.0, true), sum("c", 3.0, false)]);
        let point = |name: &'static str, meaning, value| Point {
            name: name.into(),
            attributes: "node=1".to_owned(),
            meaning,
            value,
        };
        let expected = [
            point("a", Meaning::Gauge, 1.5),
            point("b", Meaning::Delta { is_monotonic: true }, 2.0),
            point("c", Meaning::Cumulative { is_monotonic: true }, 3.0),
        ];
        assert_eq!(points(&bytes), Ok(expected.to_vec()));
    }

    #[test]
    fn more_numbers_than_there_may_be_are_refused() {
        let many = field(1, &[]).repeat(TELEMETRY_POINTS_MAX + 1);
        let metric = [field(1, b"a"), field(5, &many)].concat();
        assert_eq!(points(&pushed(&[metric])), Err(Unreadable));
    }

    proptest! {
        #[test]
        fn no_bytes_do_any_harm(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = points(&bytes);
        }

        #[test]
        fn what_is_cut_or_changed_does_no_harm(place in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
            let mut bytes = pushed(&[gauge("a", 1.5), sum("b", 2.0, true)]);
            let place = place.index(bytes.len());
            bytes[place] = byte;
            if cut {
                bytes.truncate(place);
            }
            let _ = points(&bytes);
        }
    }
}
