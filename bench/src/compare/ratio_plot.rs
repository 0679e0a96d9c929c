//! Ratios with their intervals, one below the other, on a logarithmic scale around 1. Pure.

use std::fmt::Write as _;

use corelog_tuning::page::style::escaped;

use super::summary::ROUNDS_MIN;
use crate::measure::statistics::Estimate;

const WIDTH: f64 = 900.0;
/// Where the names end.
const LEFT: f64 = 225.0;
/// What the numbers take at the right.
const RIGHT: f64 = 190.0;
const ROW: f64 = 20.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 26.0;
/// Ratios beyond this factor of 1 lie at the edge.
const FACTOR_MAX: f64 = 10_000.0;
/// The least that the scale shows on either side of 1.
const FACTOR_MIN: f64 = 2.0;
/// A difference that the digits of a summary do not show is none.
const SAME: f64 = 0.0005;
const BETTER: &str = "#1e8449";
const WORSE: &str = "#c0392b";
const OPEN: &str = "#7f8c8d";

/// What the colours say.
pub const LEGEND: &str = "Green: better, the whole interval; red: worse; grey: the interval holds 1, there is none \
(hollow), or the number is not the system's.";

/// One ratio.
pub struct Row<'a> {
    /// Of what.
    pub name: &'a str,
    /// As text.
    pub text: &'a str,
    /// More is better; none where neither is.
    pub is_more_better: Option<bool>,
    /// The ratio with its interval.
    pub ratio: Estimate,
}

/// Both ends of a scale, as powers of ten: the same for all plots of a page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    /// One that holds all of these, and 1. Zero and what is divided by next to it lie at the edge of the others.
    pub fn holding(ratios: impl Iterator<Item = Estimate>) -> Scale {
        let mut scale = Scale { low: -FACTOR_MIN.log10(), high: FACTOR_MIN.log10() };
        for end in ratios.flat_map(ends).filter(|end| (1.0 / FACTOR_MAX..=FACTOR_MAX).contains(end)) {
            let place = place(end);
            scale = Scale { low: scale.low.min(place), high: scale.high.max(place) };
        }
        let edge = (scale.high - scale.low) * 0.03;
        Scale { low: scale.low - edge, high: scale.high + edge }
    }

    fn x_of(self, ratio: f64) -> f64 {
        let share = (place(ratio) - self.low) / (self.high - self.low);
        LEFT + (WIDTH - LEFT - RIGHT) * share.clamp(0.0, 1.0)
    }

    /// Values with a line: 1, 2 and 5 of each power where they have room.
    fn levels(self) -> Vec<f64> {
        let factors: &[f64] = if self.high - self.low <= 3.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let powers = self.low.floor() as i32..=self.high.ceil() as i32;
        let levels = powers.flat_map(|power| factors.iter().map(move |factor| factor * 10_f64.powi(power)));
        levels.filter(|level| (self.low..=self.high).contains(&level.log10())).collect()
    }
}

fn place(ratio: f64) -> f64 {
    ratio.clamp(1.0 / FACTOR_MAX, FACTOR_MAX).log10()
}

/// What is drawn of a ratio: its interval, or itself where too few rounds made it.
fn ends(ratio: Estimate) -> [f64; 2] {
    if has_interval(ratio) { [ratio.low, ratio.high] } else { [ratio.value; 2] }
}

fn has_interval(ratio: Estimate) -> bool {
    ratio.count >= ROUNDS_MIN
}

fn color(row: &Row<'_>) -> &'static str {
    let (is_above, is_below) = (row.ratio.low > 1.0 + SAME, row.ratio.high < 1.0 - SAME);
    match row.is_more_better {
        Some(is_more_better) if has_interval(row.ratio) && (is_above || is_below) => {
            if is_above == is_more_better {
                BETTER
            } else {
                WORSE
            }
        }
        _ => OPEN,
    }
}

/// The plot as an `svg` element.
pub fn render(rows: &[Row<'_>], scale: Scale) -> String {
    if rows.is_empty() {
        return "<p>no ratios</p>".to_owned();
    }
    let bottom = TOP + ROW * rows.len() as f64;
    let mut out = format!("<svg viewBox=\"0 0 {WIDTH} {}\" role=\"img\">", bottom + BOTTOM);
    for level in scale.levels() {
        let x = scale.x_of(level);
        let stroke = if (level - 1.0).abs() < 1e-9 { "#555" } else { "#ddd" };
        // Writing to a string cannot fail.
        let _ = write!(
            out,
            "<line x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{bottom}\" stroke=\"{stroke}\"/>\
             <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            bottom + 16.0,
            (level * 1e4).round() / 1e4
        );
    }
    for (index, row) in rows.iter().enumerate() {
        let y = TOP + ROW * (index as f64 + 0.5);
        let [low, high] = ends(row.ratio).map(|end| scale.x_of(end));
        let (x, color) = (scale.x_of(row.ratio.value), color(row));
        let fill = if has_interval(row.ratio) { color } else { "#fff" };
        let _ = write!(
            out,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
             <line x1=\"{low:.1}\" x2=\"{high:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"{color}\" stroke-width=\"3\"/>\
             <circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{fill}\" stroke=\"{color}\" stroke-width=\"1.5\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            LEFT - 10.0,
            y + 4.0,
            escaped(row.name),
            WIDTH - RIGHT + 10.0,
            y + 4.0,
            escaped(row.text)
        );
    }
    out + "</svg>"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(value: f64, low: f64, high: f64, count: usize) -> Row<'static> {
        Row { name: "a <b>", text: "c", is_more_better: Some(true), ratio: Estimate { value, low, high, count } }
    }

    #[test]
    fn every_ratio_lies_inside_whatever_it_is() {
        let rows = [row(1.2, 1.1, 3.0, 5), row(0.0, 0.0, 0.1, 5), row(f64::INFINITY, 2.0, f64::INFINITY, 3)];
        let svg = render(&rows, Scale::holding(rows.iter().map(|row| row.ratio)));
        assert!(!svg.contains("NaN") && !svg.contains("inf") && !svg.contains("<b>"), "{svg}");
        for x in svg.split("cx=\"").skip(1).map(|rest| rest.split('"').next().unwrap().parse::<f64>().unwrap()) {
            assert!((LEFT..=WIDTH - RIGHT).contains(&x), "{x}");
        }
        assert!(render(&[], Scale::holding(std::iter::empty())).contains("no ratios"));
    }

    #[test]
    fn colours_say_what_the_interval_says() {
        let colors = [row(1.2, 1.1, 1.3, 5), row(0.9, 0.8, 0.95, 5), row(1.2, 0.9, 1.3, 5), row(3.0, 3.0, 3.0, 1)];
        assert_eq!(colors.map(|row| color(&row)), [BETTER, WORSE, OPEN, OPEN]);
        let [better, same] = [row(1.2, 1.1, 1.3, 5), row(0.9999, 0.999, 0.9996, 5)];
        assert_eq!(color(&Row { is_more_better: Some(false), ..better }), WORSE);
        assert_eq!(color(&same), OPEN);
    }

    #[test]
    fn one_is_always_on_the_scale_and_the_scale_is_no_wider_than_it_must_be() {
        let scale = Scale::holding([row(5.0, 4.0, 9.0, 5).ratio].into_iter());
        assert!(scale.x_of(1.0) > LEFT && scale.x_of(9.0) < WIDTH - RIGHT);
        assert_eq!(scale.levels(), [0.5, 1.0, 2.0, 5.0]);
        assert_eq!(Scale::holding([row(5.0, 0.0, 9.0, 5).ratio, row(0.0, 0.0, 0.0, 1).ratio].into_iter()), scale);
    }
}
