//! The colour bar: which colour is which level.

use std::sync::Arc;

use spyhop_api::view::ColourMap;

use super::axis::{AxisStyle, value_axis};
use crate::colour::Lut;
use crate::scene::{Anchor, Area, Item, Pixels, Weight};
use crate::ticks::level_ticks;

/// A bar of the map's colours from `floor_db` (below) to `ceiling_db`, its labels at its left and the
/// unit, which is always stated, running upwards at its right.
pub fn colour_bar(
    bar: Area,
    map: ColourMap,
    (floor_db, ceiling_db): (f64, f64),
    unit: &str,
    style: &AxisStyle,
) -> Vec<Item> {
    let ramp = Lut::new(map).entries().iter().rev().flatten().copied().collect();
    let pixels = Arc::new(Pixels { width: 1, height: 256, rgba: ramp });
    let mut items = vec![Item::Image { area: bar, pixels, smooth: true }];
    let ticks = level_ticks(floor_db, ceiling_db, bar.h, style.font_px);
    items.extend(value_axis(&ticks, bar, &AxisStyle { grid: false, ..*style }));
    items.push(Item::Text {
        x: bar.right() + style.font_px * 1.2,
        y: bar.y + bar.h / 2.0,
        text: unit.to_owned(),
        size: style.font_px,
        weight: Weight::Regular,
        anchor: Anchor::Middle,
        colour: style.theme.text_dim,
        upwards: true,
    });
    items
}
