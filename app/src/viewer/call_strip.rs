//! Below the time axis: how many candidates there are while the picture is too wide for boxes, the score
//! over time, and the threshold as a line that can be dragged.

use leptos::html;
use leptos::prelude::*;
use spyhop_api::detection::ScoreCurves;
use spyhop_paint::parts::class_colour;
use spyhop_paint::scene::Area;
use spyhop_paint::{Anchor, Item, Stroke, Theme, Weight};
use spyhop_words::viewer::call_strip as words;
use web_sys::PointerEvent;
use web_sys::wasm_bindgen::JsCast;

use super::call_marks::counts;
use super::canvas::Surface;
use super::draw::theme;
use super::side_gestures::capture;
use crate::calls::score_words;
use crate::frame::{Frame, position_of};
use crate::session::{OpenSet, Session, use_session};

/// Height of the counts, CSS pixels.
const COUNTS_PX: f64 = 26.0;
/// The pointer takes the threshold's line within so many CSS pixels.
const REACH_PX: f64 = 10.0;
/// Part of the range of kept scores that is shown below them.
const BELOW: f64 = 0.35;
const FONT_PX: f64 = 11.0;

/// The strip; it is there while a run is shown.
#[component]
pub fn CallStrip() -> impl IntoView {
    let session = use_session();
    let shown = Memo::new(move |_| session.calls.run.with(Option::is_some));
    view! { <Show when=move || shown.get()><Strip/></Show> }
}

#[component]
fn Strip() -> impl IntoView {
    let session = use_session();
    let calls = session.calls;
    let canvas = NodeRef::<html::Canvas>::new();
    let resized = Trigger::new();
    leptos_use::use_resize_observer(canvas, move |_, _| resized.notify());
    Effect::new(move |_| {
        resized.track();
        session.prefs.brightness.track();
        calls.in_view.track();
        calls.thresholds.track();
        calls.histograms.track();
        calls.tuned.track();
        let (Some(frame), Some(open)) = (session.frame(), session.open.get()) else { return };
        if let Some(surface) = canvas.get().and_then(|canvas| Surface::of(&canvas)) {
            surface.items(&items(session, &open, &frame, &theme(session), &surface));
        }
    });
    let dragged = StoredValue::new(false);
    let place = move |ev: &PointerEvent| {
        let strip: web_sys::Element = ev.current_target()?.dyn_into().ok()?;
        let place = strip.get_bounding_client_rect();
        let y = f64::from(ev.client_y()) - place.top();
        Some((y, place.height(), Scale::of(session, place.height())))
    };
    let threshold = move || {
        calls.thresholds.with(|all| all.get(calls.tuned.get()).copied()).unwrap_or_default()
    };
    let move_to = move |score: f64| {
        // As fine as the histogram is told.
        let step = Scale::step(session);
        let digits = 10f64.powf((1.0 - step.log10().floor()).clamp(0.0, 9.0));
        calls.set_threshold(calls.tuned.get_untracked(), (score * digits).round() / digits);
    };
    let set = move |ev: &PointerEvent| {
        if let Some((y, _, scale)) = place(ev) {
            move_to(scale.score_at(y));
        }
    };
    let class = move || {
        let tuned = calls.tuned.get();
        calls
            .run
            .with(|run| Some(run.as_ref()?.classes.get(tuned)?.name.clone()))
            .unwrap_or_default()
    };
    view! {
        <canvas id="call-strip" node_ref=canvas tabindex="0" role="slider"
            aria-label=move || words::label(class())
            aria-orientation="vertical" aria-valuenow=move || threshold().to_string()
            aria-valuetext=move || words::threshold(score_words(threshold()))
            title=words::ABOUT
            data-boxes=move || calls.in_view.with(|v| v.calls.len()).to_string()
            data-density=move || calls.in_view.with(|v| v.density.is_some()).to_string()
            on:pointerdown=move |ev: PointerEvent| {
                let Some((y, _, scale)) = place(&ev) else { return };
                if (scale.y_of(threshold()) - y).abs() <= REACH_PX {
                    capture(&ev);
                    dragged.set_value(true);
                }
            }
            on:pointermove=move |ev: PointerEvent| if dragged.get_value() { set(&ev) }
            on:pointerup=move |_| dragged.set_value(false)
            on:pointercancel=move |_| dragged.set_value(false)
            on:keydown=move |ev| {
                let steps = match ev.key().as_str() {
                    "ArrowUp" | "ArrowRight" => 1.0,
                    "ArrowDown" | "ArrowLeft" => -1.0,
                    "PageUp" => 10.0,
                    "PageDown" => -10.0,
                    _ => return,
                };
                ev.prevent_default();
                move_to(threshold() + steps * Scale::step(session));
            }
        ></canvas>
    }
}

/// From scores of the tuned class to heights. Does not track.
struct Scale {
    low: f64,
    high: f64,
    top: f64,
    height: f64,
}

impl Scale {
    fn of(session: Session, height: f64) -> Scale {
        let calls = session.calls;
        let tuned = calls.tuned.get_untracked();
        let held = calls.histograms.with_untracked(|all| {
            all.classes.get(tuned).map(|h| (h.first, h.first + h.step * h.candidates.len() as f64))
        });
        let (first, high) = held.unwrap_or((0.0, 1.0));
        // The score of a candidate may be less than the best of its pieces of time.
        let high = calls.in_view.with_untracked(|shown| {
            let scores = shown.curves.classes.get(tuned).map(|c| c.scores.iter().flatten());
            scores.into_iter().flatten().fold(high, |high, score| high.max(f64::from(*score)))
        });
        let low = first - BELOW * (high - first);
        // What can't be below zero is not shown there.
        let low = if first >= 0.0 { low.max(0.0) } else { low };
        let has_counts = calls.in_view.with_untracked(|v| v.density.is_some());
        let top = if has_counts { COUNTS_PX + 4.0 } else { 3.0 };
        Scale { low, high: high.max(low + 1e-9), top, height: (height - top - 2.0).max(1.0) }
    }

    /// Width of a bin of scores.
    fn step(session: Session) -> f64 {
        let tuned = session.calls.tuned.get_untracked();
        session
            .calls
            .histograms
            .with_untracked(|all| all.classes.get(tuned).map_or(0.01, |h| h.step))
    }

    fn y_of(&self, score: f64) -> f64 {
        let part = ((score - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        self.top + self.height * (1.0 - part)
    }

    fn score_at(&self, y: f64) -> f64 {
        let part = (1.0 - (y - self.top) / self.height).clamp(0.0, 1.0);
        self.low + part * (self.high - self.low)
    }
}

fn items(
    session: Session,
    open: &OpenSet,
    frame: &Frame,
    theme: &Theme,
    surface: &Surface,
) -> Vec<Item> {
    let calls = session.calls;
    let (width, height) = (surface.width, surface.height);
    let scale = Scale::of(session, height);
    let tuned = calls.tuned.get_untracked();
    let mut items = vec![Item::fill(Area::new(0.0, 0.0, width, height), theme.panel)];
    calls.in_view.with_untracked(|shown| {
        if let Some(density) = &shown.density {
            let area = Area::new(0.0, 1.0, width, COUNTS_PX);
            items.extend(counts(density, area, open, theme, |at| frame.x_of(at)));
            let y = surface.crisp(COUNTS_PX + 2.0);
            let stroke = Stroke::solid(theme.axis, 1.0);
            items.push(Item::Line { from: (0.0, y), to: (width, y), stroke });
        }
        for class in 0..shown.curves.classes.len() {
            let colour = class_colour(class, theme);
            let colour = if class == tuned { colour } else { colour.with_alpha(90) };
            let stroke = Stroke::solid(colour, if class == tuned { 1.5 } else { 1.0 });
            for points in lines(&shown.curves, class, open, frame, width, &scale) {
                items.push(Item::Polyline { points, stroke });
            }
        }
    });
    let threshold = calls.thresholds.with_untracked(|all| all.get(tuned).copied());
    if let Some(threshold) = threshold {
        let y = surface.crisp(scale.y_of(threshold));
        let stroke = Stroke::dashed(theme.text, 1.25, 6.0, 3.0);
        items.push(Item::Line { from: (0.0, y), to: (width, y), stroke });
        let y = if y < scale.top + FONT_PX + 4.0 { y + FONT_PX + 2.0 } else { y - 4.0 };
        let text = words::threshold(score_words(threshold));
        // Over the curve, and on the left: on the right it says where recordings are synthesised.
        let about_px = 0.62 * FONT_PX * text.chars().count() as f64 + 8.0;
        let behind = Area::new(0.0, y - FONT_PX, about_px, FONT_PX + 4.0);
        items.push(Item::fill(behind, theme.panel.with_alpha(200)));
        items.push(Item::Text {
            x: 4.0,
            y,
            text,
            size: FONT_PX,
            weight: Weight::SemiBold,
            anchor: Anchor::Start,
            colour: theme.text,
            upwards: false,
        });
    }
    items
}

/// A curve in pieces: where nothing was listened to it breaks off.
fn lines(
    curves: &ScoreCurves,
    class: usize,
    open: &OpenSet,
    frame: &Frame,
    width: f64,
    scale: &Scale,
) -> Vec<Vec<(f64, f64)>> {
    let (Some(start), Some(curve)) = (curves.start, curves.classes.get(class)) else {
        return Vec::new();
    };
    let step = curves.bin_ns as f64 * 1e-9 * open.line.sample_rate_hz;
    let first = position_of(start, &open.line);
    let mut lines: Vec<Vec<(f64, f64)>> = Vec::new();
    let mut last = None;
    for (bin, score) in curve.scores.iter().enumerate() {
        let Some(score) = score else { continue };
        let x = frame.x_of(first + (bin as f64 + 0.5) * step) * width;
        let point = (x.clamp(-1e4, width + 1e4), scale.y_of(f64::from(*score)));
        // Pieces of time do not lie on the bins' grid: one bin may be passed over.
        match last.is_some_and(|last| bin - last <= 2) {
            true => {
                if let Some(line) = lines.last_mut() {
                    line.push(point);
                }
            }
            false => lines.push(vec![point]),
        }
        last = Some(bin);
    }
    lines
}
