//! Owns the description of a metric: its name, what kind of number it is, in which unit, and what it says.

/// What kind of number a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows while the process lives.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts how often a quantity fell below which bounds.
    Histogram,
}

/// What a metric counts in. Names end with the unit, as the conventions of Prometheus have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// Things, which the name says.
    Count,
    /// Offsets of a partition.
    Offset,
    /// A state of which the labels tell; the value is 1.
    Info,
}

/// One metric, with all its series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// What kind of number it is.
    pub kind: Kind,
    /// What it counts in.
    pub unit: Unit,
    /// What it says, in a line.
    pub help: &'static str,
}

impl Kind {
    /// The word for it in the text format.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}

impl Family {
    /// A counter; its name ends with `_total`.
    pub const fn counter(name: &'static str, unit: Unit, help: &'static str) -> Family {
        Family { name, kind: Kind::Counter, unit, help }
    }

    /// A gauge.
    pub const fn gauge(name: &'static str, unit: Unit, help: &'static str) -> Family {
        Family { name, kind: Kind::Gauge, unit, help }
    }

    /// A histogram.
    pub const fn histogram(name: &'static str, unit: Unit, help: &'static str) -> Family {
        Family { name, kind: Kind::Histogram, unit, help }
    }
}
