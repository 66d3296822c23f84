//! The axes around the picture, and the colour bar.

use spyhop_api::View;
use spyhop_paint::parts::{AxisStyle, Side, frequency_axis, value_axis};
use spyhop_paint::scene::Area;
use spyhop_paint::{Anchor, Item, Lut, Theme, Weight, frequency_ticks, level_ticks};
use spyhop_words::viewer::viewer as words;

use super::canvas::Surface;
use crate::frame::Frame;
use crate::session::OpenSet;

/// Size of an axis's labels, CSS pixels.
pub const FONT_PX: f64 = 12.0;
/// How far upright axes reach above and below the picture, so that labels at its edges are whole,
/// CSS pixels. The style sheet has the same.
pub const MARGIN_PX: f64 = 18.0;
/// The colour bar's left edge and width, CSS pixels.
const BAR_PX: (f64, f64) = (8.0, 14.0);

fn style(theme: &Theme) -> AxisStyle {
    AxisStyle { theme: *theme, font_px: FONT_PX, grid: false }
}

/// The frequency axis at the left of the picture.
pub fn frequency(frame: &Frame, theme: &Theme, surface: &Surface) {
    let height = surface.height - 2.0 * MARGIN_PX;
    let ticks = frequency_ticks(&frame.scale(), height, FONT_PX);
    let plot = Area::new(surface.width - 1.0, MARGIN_PX, 0.0, height);
    surface.items(&frequency_axis(&ticks, plot, &style(theme)));
}

/// The amplitude axis at the left of the waveform, around the middle that is drawn.
pub fn amplitude((middle, half): (f64, f64), theme: &Theme, surface: &Surface) {
    let ticks = level_ticks(middle - half, middle + half, surface.height, FONT_PX * 1.1);
    let plot = Area::new(surface.width - 1.0, 0.0, 0.0, surface.height);
    let style = AxisStyle { font_px: FONT_PX - 1.0, ..style(theme) };
    let mut items = value_axis(&ticks, plot, Side::Left, &style);
    // Labels at the edges would be cut in half: the ticks say enough there.
    items.retain(|item| match item {
        Item::Text { y, .. } => (FONT_PX * 0.7..=surface.height).contains(y),
        _ => true,
    });
    surface.items(&items);
}

/// The colour bar at the right of the picture, with its limits as grips.
pub fn colours(
    view: &View,
    open: &OpenSet,
    (floor_db, ceiling_db): (f64, f64),
    theme: &Theme,
    surface: &Surface,
) {
    let height = surface.height - 2.0 * MARGIN_PX;
    let bar = Area::new(BAR_PX.0, MARGIN_PX, BAR_PX.1, height);
    let lut = Lut::new(view.colour.map);
    let steps = height.max(1.0) as usize;
    let mut items: Vec<Item> = (0..steps)
        .map(|i| {
            let colour = lut.at(1.0 - i as f64 / steps as f64);
            Item::fill(Area::new(bar.x, bar.y + i as f64, bar.w, 1.5), colour)
        })
        .collect();
    let ticks = level_ticks(floor_db, ceiling_db, height, FONT_PX);
    items.extend(value_axis(&ticks, bar, Side::Right, &style(theme)));
    // The limits can be dragged: a grip at either end says so.
    for y in [bar.y - 1.0, bar.bottom() + 1.0] {
        let area = Area::new(bar.x - 3.0, y - 2.5, bar.w + 6.0, 5.0);
        items.push(Item::Rect { area, radius: 2.5, fill: Some(theme.text), stroke: None });
    }
    let unit = match view.flatten_s {
        Some(_) => words::ABOVE_MEDIAN,
        None => open.unit(view.spectrum.scaling),
    };
    items.push(Item::Text {
        x: surface.width - 5.0,
        y: surface.height / 2.0,
        text: unit.to_owned(),
        size: FONT_PX,
        weight: Weight::Regular,
        anchor: Anchor::Middle,
        colour: theme.text_dim,
        upwards: true,
    });
    surface.items(&items);
}
