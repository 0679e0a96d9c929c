//! Line plots as SVG. Pure; knows nothing of what is plotted.

use std::fmt::Write as _;

const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 280.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 80.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 42.0;
const COLORS: [&str; 4] = ["#c0392b", "#d68910", "#1f618d", "#1e8449"];
/// Lines across, on a linear scale.
const STEPS: usize = 5;
/// From one name at the end of a line to the next.
const NAME_HEIGHT: f64 = 13.0;

/// How values are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// From zero.
    Linear,
    /// By powers of ten; values at or below zero are left out.
    Logarithmic,
}

/// One line.
pub struct Line {
    /// What it shows.
    pub name: &'static str,
    /// Its points, from left to right.
    pub points: Vec<(f64, f64)>,
}

/// A plot of several lines with the same axes.
pub struct Plot<'a> {
    /// The lines.
    pub lines: Vec<Line>,
    /// What the horizontal axis shows.
    pub x_name: &'a str,
    /// Names of places on the horizontal axis; numbers without.
    pub x_ticks: Option<&'a [(f64, &'a str)]>,
    /// The vertical axis.
    pub y_scale: Scale,
}

impl Plot<'_> {
    /// The plot as an `svg` element.
    pub fn render(&self) -> String {
        let shown = |value: f64| value.is_finite() && (self.y_scale == Scale::Linear || value > 0.0);
        let points: Vec<(f64, f64)> =
            self.lines.iter().flat_map(|line| &line.points).copied().filter(|(_, y)| shown(*y)).collect();
        if points.is_empty() {
            return "<p>nothing to show</p>".to_owned();
        }
        let x_max = points.iter().map(|(x, _)| *x).fold(f64::MIN_POSITIVE, f64::max);
        let (y_low, y_high) = self.bounds(&points);
        let x_of = |x: f64| LEFT + (WIDTH - LEFT - RIGHT) * x / x_max;
        let y_of = |y: f64| TOP + (HEIGHT - TOP - BOTTOM) * (1.0 - (self.place(y) - y_low) / (y_high - y_low));
        let mut out = format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">");
        for value in self.levels(y_low, y_high) {
            let y = y_of(value);
            let _ = write!(
                out,
                "<line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#ddd\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 8.0,
                y + 4.0,
                number(value)
            );
        }
        for (x, name) in self.places(x_max) {
            let _ = write!(
                out,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{name}</text>",
                x_of(x),
                HEIGHT - BOTTOM + 18.0
            );
        }
        let middle = f64::midpoint(LEFT, WIDTH - RIGHT);
        let _ = write!(
            out,
            "<text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            HEIGHT - 6.0,
            self.x_name
        );
        let mut names = Vec::new();
        for (line, color) in self.lines.iter().zip(COLORS.iter().cycle()) {
            let kept: Vec<(f64, f64)> =
                line.points.iter().filter(|(_, y)| shown(*y)).map(|(x, y)| (x_of(*x), y_of(*y))).collect();
            let path: Vec<String> = kept.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
            let _ = write!(
                out,
                "<polyline fill=\"none\" stroke=\"{color}\" stroke-width=\"2\" points=\"{}\"/>",
                path.join(" ")
            );
            names.extend(kept.last().map(|(x, y)| (*x, *y, line.name, *color)));
        }
        for (x, y, name, color) in apart(names) {
            let (x, y) = (x + 6.0, y + 4.0);
            let _ = write!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\" style=\"fill:{color}\">{name}</text>");
        }
        out.push_str("</svg>");
        out
    }

    fn place(&self, value: f64) -> f64 {
        if self.y_scale == Scale::Linear { value } else { value.log10() }
    }

    /// Both ends of the vertical axis, as places.
    fn bounds(&self, points: &[(f64, f64)]) -> (f64, f64) {
        let places = || points.iter().map(|(_, y)| self.place(*y));
        let high = places().fold(f64::MIN, f64::max);
        if self.y_scale == Scale::Linear {
            return (0.0, if high > 0.0 { high * 1.05 } else { 1.0 });
        }
        let (low, high) = (places().fold(f64::MAX, f64::min).floor(), high.ceil());
        (low, if high > low { high } else { low + 1.0 })
    }

    /// Values with a line across.
    fn levels(&self, low: f64, high: f64) -> Vec<f64> {
        if self.y_scale == Scale::Logarithmic {
            let factors: &[f64] = if high - low <= 2.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
            let powers = (low as i32..=high as i32).map(|power| 10_f64.powi(power));
            let levels = powers.flat_map(|power| factors.iter().map(move |factor| factor * power));
            return levels.filter(|value| value.log10() <= high).collect();
        }
        steps(high)
    }

    /// Named places of the horizontal axis.
    fn places(&self, x_max: f64) -> Vec<(f64, String)> {
        match self.x_ticks {
            Some(ticks) => {
                ticks.iter().filter(|(x, _)| *x <= x_max).map(|(x, name)| (*x, (*name).to_owned())).collect()
            }
            None => steps(x_max).into_iter().map(|x| (x, number(x))).collect(),
        }
    }
}

/// Round values from zero up to `high`, a handful.
fn steps(high: f64) -> Vec<f64> {
    let rough = high / STEPS as f64;
    let power = 10_f64.powf(rough.log10().floor());
    let step =
        [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|step| *step >= rough).unwrap_or(rough);
    (0..=STEPS).map(|index| index as f64 * step).filter(|value| *value <= high).collect()
}

/// The names of lines, each with its place and colour, moved down where they would lie on each other.
fn apart<'a>(mut names: Vec<(f64, f64, &'a str, &'a str)>) -> Vec<(f64, f64, &'a str, &'a str)> {
    names.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut above = f64::MIN;
    for (_, y, _, _) in &mut names {
        *y = y.max(above + NAME_HEIGHT);
        above = *y;
    }
    names
}

fn number(value: f64) -> String {
    let digits = if value == 0.0 || value >= 10.0 { 0 } else { (1.0 - value.log10().floor()).max(0.0) as usize };
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(points: Vec<(f64, f64)>, y_scale: Scale) -> String {
        Plot { lines: vec![Line { name: "a", points }], x_name: "x", x_ticks: None, y_scale }.render()
    }

    #[test]
    fn all_points_lie_inside_whatever_the_scale() {
        for scale in [Scale::Linear, Scale::Logarithmic] {
            let svg = plot(vec![(1.0, 0.003), (2.0, 1234.5), (10.0, 7.0), (11.0, 0.0)], scale);
            let points = svg.split("points=\"").nth(1).unwrap().split('"').next().unwrap();
            let count = points.split(' ').count();
            assert_eq!(count, if scale == Scale::Linear { 4 } else { 3 });
            for pair in points.split(' ') {
                let (x, y) = pair.split_once(',').unwrap();
                let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
                assert!((LEFT..=WIDTH - RIGHT).contains(&x) && (TOP..=HEIGHT - BOTTOM).contains(&y), "{pair}");
            }
        }
    }

    #[test]
    fn nothing_and_one_value_can_be_shown() {
        assert!(plot(Vec::new(), Scale::Linear).contains("nothing"));
        for scale in [Scale::Linear, Scale::Logarithmic] {
            assert!(!plot(vec![(1.0, 10.0)], scale).contains("NaN"));
        }
    }

    #[test]
    fn names_do_not_lie_on_each_other() {
        let places: Vec<f64> = apart(vec![(0.0, 50.0, "a", ""), (0.0, 49.0, "b", ""), (0.0, 90.0, "c", "")])
            .iter()
            .map(|it| it.1)
            .collect();
        assert_eq!(places, [49.0, 49.0 + NAME_HEIGHT, 90.0]);
        assert_eq!(steps(13.0), [0.0, 5.0, 10.0]);
    }

    #[test]
    fn numbers_are_short() {
        assert_eq!([0.0, 0.001, 0.25, 5.0, 12_345.6].map(number), ["0", "0.001", "0.25", "5", "12346"]);
    }
}
