//! The colour bar: which colour is which level.

use std::sync::Arc;

use spyhop_api::view::{ColourMap, Scaling};

use super::axis::{AxisStyle, Side, value_axis, value_axis_width_px};
use crate::colour::Lut;
use crate::scene::{Anchor, Area, Item, Pixels, Weight};
use crate::ticks::level_ticks;

/// Width of the bar itself, CSS pixels.
pub const BAR_PX: f64 = 14.0;

/// A bar of the map's colours from `floor_db` (below) to `ceiling_db`, its labels at its right and
/// beyond them the unit, which is always stated, running upwards.
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
    items.extend(value_axis(&ticks, bar, Side::Right, &AxisStyle { grid: false, ..*style }));
    items.push(Item::Text {
        x: bar.right() + value_axis_width_px(&ticks, style.font_px) + style.font_px * 1.3,
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

/// Width that a colour bar takes with its labels and its unit, CSS pixels.
pub fn colour_bar_width_px(
    (floor_db, ceiling_db): (f64, f64),
    height_px: f64,
    font_px: f64,
) -> f64 {
    let ticks = level_ticks(floor_db, ceiling_db, height_px, font_px);
    BAR_PX + value_axis_width_px(&ticks, font_px) + font_px * 1.6
}

/// The unit of a level, as the colour bar and readouts state it. FS is a sample of 1.
pub const fn level_unit(scaling: Scaling, calibrated: bool, flattened: bool) -> &'static str {
    match (flattened, calibrated, scaling) {
        (true, ..) => "dB above the band’s median",
        (_, true, Scaling::Density) => "dB re 1 µPa²/Hz",
        (_, true, Scaling::Spectrum) => "dB re 1 µPa²",
        (_, false, Scaling::Density) => "dB re FS²/Hz",
        (_, false, Scaling::Spectrum) => "dB re FS²",
    }
}
