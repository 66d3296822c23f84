//! Plots as SVG inside a page: their colours are the page's, so that they follow its dark and its light.

use std::fmt::Write as _;

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 300.0;
/// Room for axes: left, top, right, bottom.
const LEFT: f64 = 54.0;
const TOP: f64 = 12.0;
const RIGHT: f64 = 14.0;
const BOTTOM: f64 = 44.0;
/// A row of the legend.
const LEGEND: f64 = 17.0;
/// Colours that a page has.
pub const COLOURS: usize = 6;

/// A plot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// What its horizontal axis is.
    pub x_label: String,
    /// What its vertical axis is.
    pub y_label: String,
    /// From where to where.
    pub x: (f64, f64),
    /// Likewise.
    pub y: (f64, f64),
    /// Whether the horizontal axis is in powers.
    pub is_log_x: bool,
    /// Whether a line from corner to corner shows what chance, or a perfect probability, gives.
    pub has_diagonal: bool,
    /// What is drawn, the last on top.
    pub series: Vec<Series>,
}

/// A line, or points.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// For the legend.
    pub name: String,
    /// Which of the page's colours.
    pub colour: usize,
    /// Points, in order.
    pub points: Vec<(f64, f64)>,
    /// Intervals, as x, low and high.
    pub intervals: Vec<(f64, f64, f64)>,
    /// How it is drawn.
    pub mark: Mark,
}

/// How a series is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mark {
    /// A line from point to point.
    #[default]
    Line,
    /// The same, with its points.
    LineAndPoints,
    /// Points alone.
    Points,
}

impl Chart {
    /// The plot. Series without a point are not in it.
    pub fn svg(&self) -> String {
        let series: Vec<&Series> = self.series.iter().filter(|s| !s.points.is_empty()).collect();
        let legend = if series.len() > 1 { series.len() as f64 * LEGEND + 6.0 } else { 0.0 };
        let height = HEIGHT + legend;
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">\n",
            escaped(&self.title)
        );
        // Writing to a String cannot fail, here and below.
        let out = &mut svg;
        for at in self.ticks(self.x, self.is_log_x) {
            let x = self.x_px(at);
            let _ = writeln!(
                out,
                "<path class=\"grid\" d=\"M{x:.1} {TOP}V{:.1}\"/><text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                HEIGHT - BOTTOM,
                HEIGHT - BOTTOM + 15.0,
                number(at)
            );
        }
        for at in self.ticks(self.y, false) {
            let y = self.y_px(at);
            let _ = writeln!(
                out,
                "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{:.1}\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 6.0,
                y + 4.0,
                number(at)
            );
        }
        if self.has_diagonal {
            let _ = writeln!(
                out,
                "<path class=\"chance\" d=\"M{LEFT} {:.1}L{:.1} {TOP}\"/>",
                HEIGHT - BOTTOM,
                WIDTH - RIGHT
            );
        }
        for one in &series {
            self.draw(one, out);
        }
        let middle = (LEFT + WIDTH - RIGHT) / 2.0;
        let _ = writeln!(
            out,
            "<text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            HEIGHT - 8.0,
            escaped(&self.x_label)
        );
        let middle = (TOP + HEIGHT - BOTTOM) / 2.0;
        let _ = writeln!(
            out,
            "<text transform=\"translate(14 {middle:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            escaped(&self.y_label)
        );
        if series.len() > 1 {
            for (row, one) in series.iter().enumerate() {
                let y = HEIGHT + 8.0 + row as f64 * LEGEND;
                let colour = one.colour % COLOURS;
                let _ = writeln!(
                    out,
                    "<path class=\"c{colour}\" d=\"M{LEFT} {y:.1}h24\"/><text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                    LEFT + 32.0,
                    y + 4.0,
                    escaped(&one.name)
                );
            }
        }
        svg + "</svg>\n"
    }

    fn draw(&self, one: &Series, out: &mut String) {
        let colour = one.colour % COLOURS;
        let at = |(x, y): &(f64, f64)| format!("{:.1} {:.1}", self.x_px(*x), self.y_px(*y));
        for (x, low, high) in &one.intervals {
            let (x, low, high) = (self.x_px(*x), self.y_px(*low), self.y_px(*high));
            let _ = writeln!(
                out,
                "<path class=\"c{colour} thin\" d=\"M{x:.1} {low:.1}V{high:.1}M{:.1} {low:.1}h6M{:.1} {high:.1}h6\"/>",
                x - 3.0,
                x - 3.0
            );
        }
        if one.mark != Mark::Points && one.points.len() > 1 {
            let line = one.points.iter().map(at).collect::<Vec<_>>().join("L");
            let _ = writeln!(out, "<path class=\"c{colour}\" d=\"M{line}\"/>");
        }
        if one.mark != Mark::Line || one.points.len() == 1 {
            for (x, y) in &one.points {
                let _ = writeln!(
                    out,
                    "<circle class=\"c{colour} dot\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3.5\"><title>{}: {}, {}</title></circle>",
                    self.x_px(*x),
                    self.y_px(*y),
                    escaped(&one.name),
                    number(*x),
                    number(*y)
                );
            }
        }
    }

    fn x_px(&self, x: f64) -> f64 {
        let along = |x: f64| if self.is_log_x { x.max(1e-300).log10() } else { x };
        let (from, to) = (along(self.x.0), along(self.x.1));
        LEFT + share(along(x), from, to) * (WIDTH - LEFT - RIGHT)
    }

    fn y_px(&self, y: f64) -> f64 {
        HEIGHT - BOTTOM - share(y, self.y.0, self.y.1) * (HEIGHT - TOP - BOTTOM)
    }

    /// Round numbers along an axis.
    fn ticks(&self, (from, to): (f64, f64), is_log: bool) -> Vec<f64> {
        if !(from.is_finite() && to.is_finite() && to > from) {
            return vec![from];
        }
        if is_log && from > 0.0 {
            let decades = from.log10().floor() as i32..=to.log10().ceil() as i32;
            let few = to / from > 300.0;
            let steps: &[f64] = if few { &[1.0] } else { &[1.0, 2.0, 5.0] };
            let all = decades.flat_map(|d| steps.iter().map(move |step| step * 10f64.powi(d)));
            return all.filter(|at| *at >= from * 0.999 && *at <= to * 1.001).collect();
        }
        let rough = (to - from) / 5.0;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 3.0, 5.0, 10.0].map(|s| s * power);
        let step = step.into_iter().find(|s| *s >= rough * 0.999).unwrap_or(rough);
        let first = (from / step - 1e-9).ceil() as i64;
        let last = (to / step + 1e-9).floor() as i64;
        (first..=last).map(|i| i as f64 * step).collect()
    }
}

/// Where a value lies between two others, 0 to 1.
fn share(value: f64, from: f64, to: f64) -> f64 {
    if to == from { 0.5 } else { ((value - from) / (to - from)).clamp(0.0, 1.0) }
}

/// As few digits as tell it.
fn number(value: f64) -> String {
    let size = value.abs();
    match size {
        0.0 => "0".to_owned(),
        s if !(1e-3..1e5).contains(&s) => format!("{value:.0e}"),
        s => {
            let digits = (2 - s.log10().floor() as i32).clamp(0, 5) as usize;
            let text = format!("{value:.digits$}");
            match text.contains('.') {
                true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
                false => text,
            }
        }
    }
}

/// A text inside HTML.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_has_its_points_where_they_belong_and_its_names_are_harmless() {
        let chart = Chart {
            title: "a < b".into(),
            x: (0.0, 1.0),
            y: (0.0, 1.0),
            series: vec![
                Series {
                    name: "<one>".into(),
                    points: vec![(0.0, 0.0), (1.0, 1.0)],
                    ..Series::default()
                },
                Series { name: "two".into(), points: vec![(0.5, 0.5)], ..Series::default() },
                Series { name: "none".into(), ..Series::default() },
            ],
            ..Chart::default()
        };
        let svg = chart.svg();
        assert!(svg.contains("M54.0 256.0L406.0 12.0"), "{svg}");
        assert!(svg.contains("cx=\"230.0\" cy=\"134.0\""), "{svg}");
        assert!(svg.contains("&lt;one&gt;") && !svg.contains("<one>") && !svg.contains("none"));
    }

    #[test]
    fn ticks_are_round_and_within_the_axis() {
        let chart = Chart::default();
        assert_eq!(chart.ticks((-6.0, 18.0), false), [-5.0, 0.0, 5.0, 10.0, 15.0]);
        assert_eq!(chart.ticks((0.001, 0.01), true), [0.001, 0.002, 0.005, 0.01]);
        assert_eq!([0.25, -6.0, 120.0, 0.0005].map(number), ["0.25", "-6", "120", "5e-4"]);
    }
}
