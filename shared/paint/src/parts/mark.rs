//! Marks over a plot: cursors, crosshair, play head, and the overview's brush.

use crate::colour::Colour;
use crate::scene::{Anchor, Area, Item, Stroke, Weight};
use crate::text::{CAP_HEIGHT, text_width};
use crate::theme::Theme;

/// A cursor across the height of a plot with its name on a flag at the upper end.
pub fn cursor(x: f64, plot: Area, name: &str, colour: Colour, theme: &Theme) -> Vec<Item> {
    if x < plot.x || x > plot.right() {
        return Vec::new();
    }
    let size = 11.0;
    let width = text_width(name, size, Weight::SemiBold) + 8.0;
    let flag = Area::new((x).min(plot.right() - width), plot.y, width, 16.0);
    vec![
        upright(x, plot, Stroke::solid(theme.background.with_alpha(150), 3.0)),
        upright(x, plot, Stroke::solid(colour, 1.25)),
        Item::fill(flag, colour),
        Item::Text {
            x: flag.x + 4.0,
            y: flag.y + (flag.h + size * CAP_HEIGHT) / 2.0,
            text: name.to_owned(),
            size,
            weight: Weight::SemiBold,
            anchor: Anchor::Start,
            colour: theme.background,
            upwards: false,
        },
    ]
}

/// Lines through the pointer; `y` is absent on plots without a frequency axis.
pub fn crosshair(x: f64, y: Option<f64>, plot: Area, theme: &Theme) -> Vec<Item> {
    let stroke = Stroke::dashed(theme.crosshair, 1.0, 4.0, 3.0);
    let inside = x >= plot.x && x <= plot.right();
    let mut items: Vec<Item> = inside.then(|| upright(x, plot, stroke)).into_iter().collect();
    if let Some(y) = y.filter(|y| (plot.y..=plot.bottom()).contains(y)) {
        items.push(Item::Line { from: (plot.x, y), to: (plot.right(), y), stroke });
    }
    items
}

/// The play head: a line with a triangle at its upper end.
pub fn playhead(x: f64, plot: Area, theme: &Theme) -> Vec<Item> {
    if x < plot.x || x > plot.right() {
        return Vec::new();
    }
    vec![
        upright(x, plot, Stroke::solid(theme.background.with_alpha(160), 3.5)),
        upright(x, plot, Stroke::solid(theme.playhead, 1.5)),
        Item::Polygon {
            points: vec![(x - 5.0, plot.y), (x + 5.0, plot.y), (x, plot.y + 8.0)],
            fill: theme.playhead,
        },
    ]
}

/// The view on the overview bar: what lies outside it is dimmed. `view` is its left and right edge.
pub fn brush(view: (f64, f64), bar: Area, theme: &Theme) -> Vec<Item> {
    let left = view.0.clamp(bar.x, bar.right());
    // A view of milliseconds in a month is still visible.
    let right = view.1.clamp(left, bar.right()).max((left + 3.0).min(bar.right()));
    let left = left.min(right - 3.0).max(bar.x);
    let shade = theme.background.with_alpha(150);
    vec![
        Item::fill(Area::new(bar.x, bar.y, left - bar.x, bar.h), shade),
        Item::fill(Area::new(right, bar.y, bar.right() - right, bar.h), shade),
        Item::outline(
            Area::new(left, bar.y + 0.5, right - left, bar.h - 1.0),
            Stroke::solid(theme.selection, 1.5),
        ),
    ]
}

fn upright(x: f64, plot: Area, stroke: Stroke) -> Item {
    Item::Line { from: (x, plot.y), to: (x, plot.bottom()), stroke }
}
