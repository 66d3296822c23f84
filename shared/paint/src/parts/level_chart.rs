//! A chart of levels: curves, ribbons between two levels, and bars, over frequency or over time.

use super::axis::{AxisStyle, Side, time_axis, value_axis};
use crate::colour::Colour;
use crate::scene::{Anchor, Area, Item, Stroke};
use crate::ticks::{Ticks, level_ticks};

/// What a chart shows. Places across it run from 0 (left) to 1; levels are dB in the unit below.
#[derive(Clone, Debug)]
pub struct LevelChart<'a> {
    /// Marks of the axis below.
    pub across: Ticks,
    /// Floor and ceiling of the level axis.
    pub range_db: (f64, f64),
    /// What the levels are, with their unit.
    pub label: &'a str,
    /// Drawn first.
    pub ribbons: &'a [Ribbon],
    /// Drawn over the ribbons.
    pub bars: &'a [Bar],
    /// Drawn over everything.
    pub curves: &'a [Curve],
}

/// What lies between two levels.
#[derive(Clone, Debug, PartialEq)]
pub struct Ribbon {
    /// Place, lower and upper level.
    pub points: Vec<(f64, f64, f64)>,
    /// Its colour.
    pub fill: Colour,
}

/// A level over a stretch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// Left and right edge.
    pub places: (f64, f64),
    /// The level; nothing is drawn where it is no number.
    pub level_db: f64,
    /// Its colour.
    pub fill: Colour,
}

/// A level from place to place.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Place and level; the curve is broken where the level is no number.
    pub points: Vec<(f64, f64)>,
    /// How it is drawn.
    pub stroke: Stroke,
}

/// The chart with its two axes. `plot` is the area of the curves: levels stand at its left, what runs
/// across below it.
pub fn level_chart(chart: &LevelChart<'_>, plot: Area, style: &AxisStyle) -> Vec<Item> {
    let theme = &style.theme;
    let (floor, ceiling) = chart.range_db;
    let x = |place: f64| plot.x + place * plot.w;
    // Far beyond the edges a canvas loses its precision.
    let part = |db: f64| ((db - floor) / (ceiling - floor).max(1e-9)).clamp(-1.0, 2.0);
    let y = |db: f64| plot.bottom() - part(db) * plot.h;
    let mut inside = Vec::new();
    for ribbon in chart.ribbons {
        for run in ribbon.points.split(|(_, low, high)| !(low + high).is_finite()) {
            let upper = run.iter().map(|(at, _, high)| (x(*at), y(*high)));
            let lower = run.iter().rev().map(|(at, low, _)| (x(*at), y(*low)));
            let points: Vec<(f64, f64)> = upper.chain(lower).collect();
            if points.len() > 2 {
                inside.push(Item::Polygon { points, fill: ribbon.fill });
            }
        }
    }
    for bar in chart.bars.iter().filter(|bar| bar.level_db.is_finite()) {
        let (left, right, top) = (x(bar.places.0), x(bar.places.1), y(bar.level_db));
        let area = Area::new(left, top, (right - left - 1.0).max(1.0), plot.bottom() - top);
        inside.push(Item::fill(area, bar.fill));
    }
    for curve in chart.curves {
        for run in curve.points.split(|(_, db)| !db.is_finite()) {
            let points: Vec<(f64, f64)> = run.iter().map(|(at, db)| (x(*at), y(*db))).collect();
            match points.as_slice() {
                [] => {}
                // A single value between two gaps is a dot.
                [only] => inside.push(Item::Dots {
                    points: vec![*only],
                    radius: curve.stroke.width,
                    fill: curve.stroke.colour,
                }),
                _ => inside.push(Item::Polyline { points, stroke: curve.stroke }),
            }
        }
    }
    let mut items = vec![Item::fill(plot, theme.panel), Item::Clip { area: plot, items: inside }];
    let levels = level_ticks(floor, ceiling, plot.h, style.font_px);
    items.extend(value_axis(&levels, plot, Side::Left, style));
    let at = (plot.x, plot.y - style.font_px * 0.5);
    items.push(Item::text(at, chart.label, style.font_px, Anchor::Start, theme.text_dim));
    items.extend(time_axis(&chart.across, plot, style.font_px, style));
    items
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::Theme;

    fn drawn(curves: &[Curve], ribbons: &[Ribbon], bars: &[Bar]) -> Vec<Item> {
        let across = Ticks::default();
        let range_db = (0.0, 100.0);
        let chart = LevelChart { across, range_db, label: "dB", ribbons, bars, curves };
        let style = AxisStyle { theme: Theme::dark(), font_px: 11.0, grid: false };
        let items = level_chart(&chart, Area::new(10.0, 20.0, 200.0, 100.0), &style);
        let inside = items.into_iter().find_map(|item| match item {
            Item::Clip { items, .. } => Some(items),
            _ => None,
        });
        inside.expect("what is inside of the axes")
    }

    #[test]
    fn a_curve_is_broken_where_nothing_was_recorded() {
        let stroke = Stroke::solid(Theme::dark().text, 1.5);
        let points = vec![(0.0, 10.0), (0.25, 50.0), (0.5, f64::NAN), (0.75, 100.0)];
        let items = drawn(&[Curve { points, stroke }], &[], &[]);
        let line = Item::Polyline { points: vec![(10.0, 110.0), (60.0, 70.0)], stroke };
        let dot = Item::Dots { points: vec![(160.0, 20.0)], radius: 1.5, fill: stroke.colour };
        assert_eq!(items, [line, dot]);
    }

    #[test]
    fn bars_stand_on_the_floor_and_ribbons_go_there_and_back() {
        let fill = Theme::dark().text;
        let bars = [Bar { places: (0.5, 0.6), level_db: 25.0, fill }];
        let ribbons = [Ribbon { points: vec![(0.0, 20.0, 40.0), (1.0, 30.0, 60.0)], fill }];
        let items = drawn(&[], &ribbons, &bars);
        let corners = vec![(10.0, 80.0), (210.0, 60.0), (210.0, 90.0), (10.0, 100.0)];
        assert_eq!(items[0], Item::Polygon { points: corners, fill });
        assert_eq!(items[1], Item::fill(Area::new(110.0, 95.0, 19.0, 25.0), fill));
    }
}
