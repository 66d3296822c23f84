//! Where there is nothing to show, and where there is nothing yet.

use crate::scene::{Area, Item, Stroke};
use crate::theme::Theme;

/// Distance between stripes, CSS pixels.
const STRIPES_PX: f64 = 9.0;

/// An area in which nothing was recorded: striped. Cut it to what is visible first: it takes a line a
/// stripe.
pub fn gap(area: Area, theme: &Theme) -> Item {
    let mut items = vec![Item::fill(area, theme.gap)];
    let stroke = Stroke::solid(theme.gap_hatch, 1.5);
    // From the left edge's extension above the area on, each stripe falls to the left.
    let mut at = (area.x / STRIPES_PX).floor() * STRIPES_PX;
    while at < area.right() + area.h {
        items.push(Item::Line { from: (at, area.y), to: (at - area.h, area.bottom()), stroke });
        at += STRIPES_PX;
    }
    Item::Clip { area, items }
}

/// An area that was recorded and is being computed: calm and plain.
pub fn pending(area: Area, theme: &Theme) -> Item {
    Item::fill(area, theme.pending)
}
