//! The overview bar: everything at a glance, the view as a brush, labels as ticks, gaps hatched.

use leptos::prelude::*;
use spyhop_api::View;
use spyhop_api::view::{ColourMap, FrequencyAxis};
use spyhop_paint::parts::{brush, playhead};
use spyhop_paint::scene::Area;
use spyhop_paint::{FrequencyScale, Item, Stroke, Theme};

use super::call_marks;
use super::canvas::Surface;
use super::daylight;
use crate::engine::Wanted;
use crate::frame::{Frame, folded_width};
use crate::session::{OpenSet, Session};

/// The brush is never drawn narrower than this, CSS pixels.
const MIN_BRUSH_PX: f64 = 6.0;
/// Reach of the brush's edges, CSS pixels.
const EDGE_PX: f64 = 7.0;

/// What the overview on the screen was drawn from.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    pub wanted: Wanted,
    pub colours: (f32, f32, ColourMap),
    pub axis: FrequencyAxis,
    pub theme: Theme,
    /// What the medians that are taken away come from.
    pub flat: Option<Wanted>,
    pub news: u64,
}

/// What a press on the bar takes hold of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    Left,
    Right,
    Inside,
    Outside,
}

/// The picture of everything.
pub fn wanted(surface: &Surface, frame: &Frame, view: &View) -> Wanted {
    Wanted {
        positions: 0.0..frame.fold.end_at(frame.end),
        width_px: folded_width(surface.width, frame, &(0.0..frame.end)),
        height_px: surface.height as u32,
        band_hz: (0.0, frame.nyquist_hz),
        spectrum: view.spectrum,
        channel: view.channel,
    }
}

/// The overview's frequency axis.
pub fn scale(whole: &Wanted, axis: FrequencyAxis) -> FrequencyScale {
    FrequencyScale::new(axis, whole.band_hz.0, whole.band_hz.1)
}

/// Where the brush is, in CSS pixels.
pub fn brush_edges(frame: &Frame, width: f64) -> (f64, f64) {
    let (a, b) = (frame.places.start / frame.end * width, frame.places.end / frame.end * width);
    let more = ((MIN_BRUSH_PX - (b - a)) / 2.0).max(0.0);
    (a - more, b + more)
}

/// What lies at a place of the bar.
pub fn hold(frame: &Frame, width: f64, x: f64) -> Hold {
    let (a, b) = brush_edges(frame, width);
    let narrow = b - a < 4.0 * EDGE_PX;
    if (a..=b).contains(&x) && (narrow || (a + EDGE_PX..=b - EDGE_PX).contains(&x)) {
        Hold::Inside
    } else if (x - a).abs() <= EDGE_PX {
        Hold::Left
    } else if (x - b).abs() <= EDGE_PX {
        Hold::Right
    } else {
        Hold::Outside
    }
}

/// Brush, labels, play head.
pub fn marks(session: Session, open: &OpenSet, frame: &Frame, theme: &Theme, surface: &Surface) {
    let (w, h) = (surface.width, surface.height);
    let (a, b) = brush_edges(frame, w);
    let mut items = brush((a, b), Area::new(0.0, 0.0, w, h), theme);
    let y = |hz: f64| {
        let scale = FrequencyScale::new(frame.axis, 0.0, frame.nyquist_hz);
        (1.0 - scale.to_unit(hz).clamp(0.0, 1.0)) * h
    };
    let (top, bottom) = (y(frame.band_hz.1), y(frame.band_hz.0));
    if bottom - top < h - 1.0 {
        let band = Area::new(a, top, b - a, bottom - top);
        items.push(Item::outline(band, Stroke::dashed(theme.selection, 1.0, 3.0, 3.0)));
    }
    let strip = Area::new(0.0, h - daylight::HEIGHT_PX, w, daylight::HEIGHT_PX);
    items.extend(daylight::strip(open, frame, true, strip));
    let rate = open.line.sample_rate_hz;
    session.labels.all.with_untracked(|all| {
        for label in all {
            let x = frame.whole_x_of(label.start_ns as f64 * 1e-9 * rate) * w;
            let (from, to) = ((surface.crisp(x), 0.0), (surface.crisp(x), 6.0));
            items.push(Item::Line { from, to, stroke: Stroke::solid(theme.annotation, 2.0) });
        }
    });
    items.extend(call_marks::overview(session, open, frame, theme, w));
    if let Some(at) = session.play_head.get_untracked() {
        items.extend(playhead(frame.whole_x_of(at) * w, Area::new(0.0, 0.0, w, h), theme));
    }
    surface.items(&items);
}
