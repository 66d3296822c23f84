//! The time axis below the picture.

use spyhop_api::View;
use spyhop_paint::parts::{AxisStyle, axis_breaks, time_axis};
use spyhop_paint::scene::Area;
use spyhop_paint::{Anchor, Item, Theme, TimeAxis, folded_time_ticks};
use spyhop_words::viewer::time_axis as words;

use super::axes::FONT_PX;
use super::canvas::Surface;
use super::daylight;
use crate::clock::Telling;
use crate::frame::Frame;
use crate::session::OpenSet;
use crate::wording;

/// How far time labels may reach beyond the picture, CSS pixels.
const OVERHANG_PX: f64 = 0.0;
/// From here on an axis has room for the picture's width between date and zone, CSS pixels.
const ROOMY_PX: f64 = 520.0;
/// Part of the picture's width to both sides of a fold in which the crosshair tells of it.
const SEAM_REACH: f64 = 0.004;

/// Draws the axis.
pub fn draw(view: &View, open: &OpenSet, frame: &Frame, theme: &Theme, surface: &Surface) {
    let telling = Telling::of(view.clock, open);
    let axis = TimeAxis {
        positions: frame.places.clone(),
        sample_rate_hz: telling.rate_hz,
        labels: telling.labels.clone(),
    };
    let ticks = folded_time_ticks(&axis, &frame.fold, surface.width, FONT_PX, OVERHANG_PX);
    let plot = Area::new(0.0, 0.0, surface.width, 0.0);
    let style = AxisStyle { theme: *theme, font_px: FONT_PX, grid: false };
    let mut items = daylight::strip(open, frame, false, Area::new(0.0, 1.0, surface.width, 0.0));
    items.extend(time_axis(&ticks, plot, OVERHANG_PX, &style));
    items.extend(axis_breaks(&frame.fold, &frame.places, plot, theme));
    // On a phone the date and the zone take the whole line.
    if surface.width >= ROOMY_PX {
        let below = (surface.width / 2.0, surface.height - 5.0);
        let told = width_words(view, frame, &telling);
        items.push(Item::text(below, told, FONT_PX, Anchor::Middle, theme.text_dim));
    }
    surface.items(&items);
}

/// How wide the picture is, how long that is heard, and what is folded away.
fn width_words(view: &View, frame: &Frame, telling: &Telling) -> String {
    let span_s = frame.span() / telling.rate_hz;
    let mut told = vec![words::wide(wording::duration(span_s))];
    let speed = view.listening.rate;
    if speed != 1.0 {
        told.push(words::heard_in(wording::duration(span_s / speed), wording::speed(speed)));
    }
    match frame.fold.seams(&frame.places).len() {
        0 => {}
        n => told.push(words::gaps_folded(n)),
    }
    told.join(", ")
}

/// The fold near a place of the picture (fraction of its width): how long the gap is, samples.
pub fn fold_at(frame: &Frame, x: f64) -> Option<f64> {
    let reach = SEAM_REACH * frame.span();
    let place = frame.place_at(x);
    let seams = frame.fold.seams(&(place - reach..place + reach));
    seams.first().map(|s| (s.end - s.start) as f64)
}
