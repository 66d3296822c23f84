//! The axes around the picture, and the colour bar.

use spyhop_api::View;
use spyhop_paint::scene::Area;
use spyhop_paint::{
    Anchor, Item, Lut, Stroke, Theme, Ticks, TimeAxis, frequency_ticks, level_ticks, time_ticks,
};

use super::canvas::Surface;
use crate::clock::Telling;
use crate::frame::Frame;
use crate::session::OpenSet;

/// Size of an axis's labels, CSS pixels.
pub const FONT_PX: f64 = 12.0;
/// How far time labels may reach beyond the picture, CSS pixels.
const OVERHANG_PX: f64 = 30.0;
/// Lengths of ticks with and without a label, CSS pixels.
const TICKS_PX: (f64, f64) = (7.0, 3.0);

/// The frequency axis at the left of the picture.
pub fn frequency(frame: &Frame, theme: &Theme, surface: &Surface) {
    let ticks = frequency_ticks(&frame.scale(), surface.height, FONT_PX);
    let right = surface.width;
    let mut items = Vec::new();
    for tick in &ticks.ticks {
        let y = surface.crisp((1.0 - tick.at) * (surface.height - 1.0));
        let length = if tick.label.is_empty() { TICKS_PX.1 } else { TICKS_PX.0 };
        items.push(Item::Line {
            from: (right - length, y),
            to: (right, y),
            stroke: Stroke::solid(theme.axis, 1.0),
        });
        if !tick.label.is_empty() {
            let y = y.clamp(FONT_PX * 0.6, surface.height - FONT_PX * 0.5) + FONT_PX * 0.36;
            items.push(Item::text(
                (right - TICKS_PX.0 - 3.0, y),
                tick.label.clone(),
                FONT_PX,
                Anchor::End,
                theme.text,
            ));
        }
    }
    items.push(upright((12.0, surface.height / 2.0), &ticks.unit, theme));
    surface.items(&items);
}

/// The time axis below the picture.
pub fn time(view: &View, open: &OpenSet, frame: &Frame, theme: &Theme, surface: &Surface) {
    let telling = Telling::of(view.clock, open);
    let axis = TimeAxis {
        positions: frame.positions.clone(),
        sample_rate_hz: telling.rate_hz,
        labels: telling.labels.clone(),
    };
    let ticks = time_ticks(&axis, surface.width, FONT_PX, OVERHANG_PX);
    let mut items = Vec::new();
    for tick in &ticks.ticks {
        let x = surface.crisp(tick.at * (surface.width - 1.0));
        let length = if tick.label.is_empty() { TICKS_PX.1 } else { TICKS_PX.0 };
        items.push(Item::Line {
            from: (x, 0.0),
            to: (x, length),
            stroke: Stroke::solid(theme.axis, if tick.strong { 2.0 } else { 1.0 }),
        });
        if !tick.label.is_empty() {
            let half = spyhop_paint::text::text_width(
                &tick.label,
                FONT_PX,
                spyhop_paint::Weight::SemiBold,
            ) / 2.0;
            let x = x.clamp(half, (surface.width - half).max(half));
            items.push(Item::text(
                (x, TICKS_PX.0 + FONT_PX + 1.0),
                tick.label.clone(),
                FONT_PX,
                Anchor::Middle,
                theme.text,
            ));
        }
    }
    let below = surface.height - 4.0;
    let said = [ticks.context.as_str(), ticks.unit.as_str()];
    let said = said.into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>().join(" · ");
    items.push(Item::text((0.0, below), said, FONT_PX - 0.5, Anchor::Start, theme.text_dim));
    let span_s = frame.span() / telling.rate_hz;
    let wide = format!("{} wide", crate::wording::duration(span_s));
    items.push(Item::text((surface.width, below), wide, FONT_PX - 0.5, Anchor::End, theme.text_dim));
    surface.items(&items);
}

/// The colour bar at the right of the picture, with its limits as handles.
pub fn colours(
    view: &View,
    open: &OpenSet,
    (floor_db, ceiling_db): (f64, f64),
    theme: &Theme,
    surface: &Surface,
) {
    const BAR: (f64, f64) = (6.0, 14.0);
    let lut = Lut::new(view.colour.map);
    let mut items = Vec::new();
    let steps = surface.height.max(1.0) as usize;
    for i in 0..steps {
        let colour = lut.at(1.0 - i as f64 / steps as f64);
        items.push(Item::fill(Area::new(BAR.0, i as f64, BAR.1, 1.5), colour));
    }
    let ticks: Ticks = level_ticks(floor_db, ceiling_db, surface.height, FONT_PX);
    let left = BAR.0 + BAR.1;
    for tick in &ticks.ticks {
        let y = surface.crisp((1.0 - tick.at) * (surface.height - 1.0));
        let length = if tick.label.is_empty() { TICKS_PX.1 } else { TICKS_PX.0 - 1.0 };
        items.push(Item::Line {
            from: (left, y),
            to: (left + length, y),
            stroke: Stroke::solid(theme.axis, 1.0),
        });
        if !tick.label.is_empty() {
            let y = y.clamp(FONT_PX * 0.9, surface.height - FONT_PX * 0.8) + FONT_PX * 0.36;
            let at = (left + TICKS_PX.0 + 2.0, y);
            items.push(Item::text(at, tick.label.clone(), FONT_PX, Anchor::Start, theme.text));
        }
    }
    // The limits can be dragged: a grip at either end says so.
    for y in [2.0, surface.height - 2.0] {
        let area = Area::new(BAR.0 - 3.0, y - 2.0, BAR.1 + 6.0, 4.0);
        items.push(Item::Rect { area, radius: 2.0, fill: Some(theme.text), stroke: None });
    }
    let unit = match view.flatten_s {
        Some(_) => "dB above each band's median",
        None => open.unit(view.spectrum.scaling),
    };
    items.push(upright((surface.width - 3.0, surface.height / 2.0), unit, theme));
    surface.items(&items);
}

fn upright((x, y): (f64, f64), text: &str, theme: &Theme) -> Item {
    Item::Text {
        x,
        y,
        text: text.to_owned(),
        size: FONT_PX,
        weight: spyhop_paint::Weight::Regular,
        anchor: Anchor::Middle,
        colour: theme.text_dim,
        upwards: true,
    }
}
