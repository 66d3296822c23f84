//! Axes: lines, ticks and labels beside a plot.

use crate::scene::{Anchor, Area, Item, Stroke, Weight};
use crate::text::{CAP_HEIGHT, text_width};
use crate::theme::Theme;
use crate::ticks::{Ticks, label_centre_px};

/// Length of a labelled tick, CSS pixels.
const TICK_PX: f64 = 6.0;

/// Length of a fine tick, CSS pixels.
const FINE_TICK_PX: f64 = 3.0;

/// Space between a tick and its label, CSS pixels.
const LABEL_SPACE_PX: f64 = 4.0;

/// How axes look.
#[derive(Clone, Copy, Debug)]
pub struct AxisStyle {
    /// Colours.
    pub theme: Theme,
    /// Font size of the labels, CSS pixels.
    pub font_px: f64,
    /// Whether lines cross the plot at the labels.
    pub grid: bool,
}

/// On which side of a plot an axis of values stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// At its left edge.
    Left,
    /// At its right edge.
    Right,
}

/// Width that an axis of values takes beside the plot, CSS pixels.
pub fn value_axis_width_px(ticks: &Ticks, font_px: f64) -> f64 {
    let width = |text: &str| text_width(text, font_px, Weight::Regular);
    let widest = ticks.labelled().map(|t| width(&t.label)).fold(width(&ticks.unit), f64::max);
    TICK_PX + LABEL_SPACE_PX + widest
}

/// A frequency axis at the left edge of a plot, its unit at the upper end, above the labels.
pub fn frequency_axis(ticks: &Ticks, plot: Area, style: &AxisStyle) -> Vec<Item> {
    let mut items = value_axis(ticks, plot, Side::Left, style);
    let at = (plot.x - TICK_PX - LABEL_SPACE_PX, plot.y - style.font_px * 0.65);
    items.push(Item::text(at, &ticks.unit, style.font_px, Anchor::End, style.theme.text_dim));
    items
}

/// An axis of values beside a plot, low ones below; the unit is left to the caller.
pub fn value_axis(ticks: &Ticks, plot: Area, side: Side, style: &AxisStyle) -> Vec<Item> {
    let theme = &style.theme;
    let (edge, out, anchor) = match side {
        Side::Left => (crisp(plot.x), -1.0, Anchor::End),
        Side::Right => (crisp(plot.right()), 1.0, Anchor::Start),
    };
    let mut items = Vec::new();
    for tick in &ticks.ticks {
        let y = crisp(plot.bottom() - tick.at * plot.h);
        let labelled = !tick.label.is_empty();
        let length = if labelled { TICK_PX } else { FINE_TICK_PX };
        if labelled && style.grid && tick.at > 0.002 && tick.at < 0.998 {
            items.push(line((plot.x, y), (plot.right(), y), Stroke::solid(theme.grid, 1.0)));
        }
        items.push(line((edge, y), (edge + out * length, y), Stroke::solid(theme.axis, 1.0)));
        if labelled {
            let x = edge + out * (TICK_PX + LABEL_SPACE_PX);
            let at = (x, y + style.font_px * CAP_HEIGHT / 2.0);
            items.push(Item::text(at, &tick.label, style.font_px, anchor, theme.text_dim));
        }
    }
    items.push(line((edge, plot.y), (edge, plot.bottom()), Stroke::solid(theme.axis, 1.0)));
    items
}

/// A time axis at the lower edge of a plot: labels on one line, below it what they leave out (date,
/// base time) at the left and the unit or zone at the right. `overhang_px` as for
/// [`crate::time_ticks`]. It takes 3.4 font sizes of height.
pub fn time_axis(ticks: &Ticks, plot: Area, overhang_px: f64, style: &AxisStyle) -> Vec<Item> {
    let theme = &style.theme;
    let edge = crisp(plot.bottom());
    let baseline = edge + TICK_PX + LABEL_SPACE_PX + style.font_px * CAP_HEIGHT;
    let mut items = Vec::new();
    for tick in &ticks.ticks {
        let x = crisp(plot.x + tick.at * plot.w);
        let labelled = !tick.label.is_empty();
        let length = if labelled { TICK_PX } else { FINE_TICK_PX };
        if labelled && style.grid && tick.at > 0.001 && tick.at < 0.999 {
            items.push(line((x, plot.y), (x, plot.bottom()), Stroke::solid(theme.grid, 1.0)));
        }
        items.push(line((x, edge), (x, edge + length), Stroke::solid(theme.axis, 1.0)));
        if labelled {
            let (weight, colour) = if tick.strong {
                (Weight::SemiBold, theme.text)
            } else {
                (Weight::Regular, theme.text_dim)
            };
            let width = text_width(&tick.label, style.font_px, weight);
            let centre = label_centre_px(tick.at * plot.w, width, plot.w, overhang_px);
            items.push(Item::Text {
                x: plot.x + centre,
                y: baseline,
                text: tick.label.clone(),
                size: style.font_px,
                weight,
                anchor: Anchor::Middle,
                colour,
                upwards: false,
            });
        }
    }
    items.push(line((plot.x, edge), (plot.right(), edge), Stroke::solid(theme.axis, 1.0)));
    let below = baseline + style.font_px * 1.35;
    for (x, text, anchor) in
        [(plot.x, &ticks.context, Anchor::Start), (plot.right(), &ticks.unit, Anchor::End)]
    {
        if !text.is_empty() {
            items.push(Item::text((x, below), text, style.font_px, anchor, theme.text_dim));
        }
    }
    items
}

fn line(from: (f64, f64), to: (f64, f64), stroke: Stroke) -> Item {
    Item::Line { from, to, stroke }
}

/// The middle of the pixel that a coordinate lies in: a line one pixel wide is sharp there.
fn crisp(at: f64) -> f64 {
    at.floor() + 0.5
}
