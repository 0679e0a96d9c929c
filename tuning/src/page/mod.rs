//! Pages for people: plots as SVG, and what the tuner found as one HTML file that needs no other.

pub mod plot;
pub mod report;
pub mod style;
