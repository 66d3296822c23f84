//! Candidates on the picture as boxes, and on the overview as counts.

use leptos::prelude::*;
use spyhop_api::detection::{CallDensity, DetectedCall};
use spyhop_paint::parts::{candidate_box, class_colour};
use spyhop_paint::scene::Area;
use spyhop_paint::{Colour, Item, Theme};
use spyhop_words::viewer::readout;

use super::layout::Layout;
use crate::calls::verdict_words;
use crate::frame::{Frame, position_of};
use crate::session::{OpenSet, Point, Session};

const FONT_PX: f64 = 12.0;
/// Narrower boxes have no words: they would hide what they name.
const WORDS_FROM_PX: f64 = 26.0;
/// Height of the counts on the overview.
const COUNTS_PX: f64 = 9.0;
/// Boxes of the candidates in the picture that pass; the one that is looked at whether it passes or not.
pub fn boxes(
    session: Session,
    open: &OpenSet,
    frame: &Frame,
    theme: &Theme,
    layout: &Layout,
) -> Vec<Item> {
    let calls = session.calls;
    let chosen = calls.chosen.get_untracked();
    let is_chosen = |call: &DetectedCall| chosen.as_ref().is_some_and(|c| c.id == call.id);
    let mut items = Vec::new();
    calls.in_view.with_untracked(|shown| {
        for call in shown.calls.iter().filter(|c| !is_chosen(c) && calls.passes(c)) {
            let colour = class_colour(calls.class_of(call).unwrap_or_default(), theme);
            items.extend(box_of(call, colour, false, open, frame, theme, layout));
        }
    });
    // On top of all others.
    if let Some(call) = chosen {
        items.extend(box_of(&call, theme.selection, true, open, frame, theme, layout));
    }
    items
}

fn box_of(
    call: &DetectedCall,
    colour: Colour,
    is_chosen: bool,
    open: &OpenSet,
    frame: &Frame,
    theme: &Theme,
    layout: &Layout,
) -> Option<Item> {
    let start = position_of(call.start, &open.line);
    let end = start + call.span_ns as f64 * 1e-9 * open.line.sample_rate_hz;
    let area = layout.box_area(frame, &(start..end), (call.low_hz, call.high_hz), 2.0)?;
    let (mark, _) = verdict_words(call.review.verdict);
    let words = match is_chosen || area.w >= WORDS_FROM_PX {
        true => call.words(mark),
        false => String::new(),
    };
    let look = call.review.verdict.into();
    Some(candidate_box(area, layout.picture(), (&words, look), colour, FONT_PX, theme))
}

/// The smallest candidate in the picture that passes and lies under a point, with its run.
pub fn call_at(session: Session, point: &Point, open: &OpenSet) -> Option<(i64, DetectedCall)> {
    let hz = point.hz?;
    let ns = open.line.nanos_at(point.position as i64);
    let origin_ns = open.line.origin.map_or(0, |origin| origin.0);
    session.calls.in_view.with_untracked(|shown| {
        let under = shown.calls.iter().filter(|call| {
            let start = call.start.nanos().saturating_sub(origin_ns);
            (start..=start.saturating_add(call.span_ns)).contains(&ns)
                && (call.low_hz..=call.high_hz).contains(&hz)
                && session.calls.passes(call)
        });
        under.min_by_key(|call| call.span_ns).map(|call| (shown.run, call.clone()))
    })
}

/// Counts of a density as bars that stand on the foot of an area, one class on the other; `x_of` gives the
/// fraction of the width at a position.
pub fn counts(
    density: &CallDensity,
    area: Area,
    open: &OpenSet,
    theme: &Theme,
    x_of: impl Fn(f64) -> f64,
) -> Vec<Item> {
    let Some(start) = density.start else { return Vec::new() };
    let bins = density.classes.iter().map(|class| class.counts.len()).max().unwrap_or(0);
    let count = |class: usize, bin: usize| {
        density.classes.get(class).and_then(|c| c.counts.get(bin)).copied().unwrap_or(0)
    };
    let all = |bin: usize| (0..density.classes.len()).map(|class| count(class, bin)).sum::<u32>();
    let most = (0..bins).map(all).max().unwrap_or(0).max(1);
    let rate = open.line.sample_rate_hz;
    let first = position_of(start, &open.line);
    let step = density.bin_ns as f64 * 1e-9 * rate;
    let mut items = Vec::new();
    for bin in 0..bins {
        let total = all(bin);
        if total == 0 {
            continue;
        }
        let left = x_of(first + bin as f64 * step) * area.w;
        let right = x_of(first + (bin + 1) as f64 * step) * area.w;
        if right < 0.0 || left > area.w {
            continue;
        }
        // The square root keeps a lone candidate visible beside a chorus.
        let height = area.h * (f64::from(total) / f64::from(most)).sqrt();
        let mut foot = area.bottom();
        for class in 0..density.classes.len() {
            let part = height * f64::from(count(class, bin)) / f64::from(total);
            let bar = Area::new(area.x + left, foot - part, (right - left).max(1.5), part);
            if part > 0.0 {
                items.push(Item::fill(bar, class_colour(class, theme)));
            }
            foot -= part;
        }
    }
    items
}

/// Counts at the head of the overview.
pub fn overview(
    session: Session,
    open: &OpenSet,
    frame: &Frame,
    theme: &Theme,
    width: f64,
) -> Vec<Item> {
    session.calls.overview.with_untracked(|density| {
        let area = Area::new(0.0, 0.0, width, COUNTS_PX);
        let mut items = counts(density, area, open, theme, |at| frame.whole_x_of(at));
        if !items.is_empty() {
            items.insert(0, Item::fill(area, theme.background.with_alpha(150)));
        }
        items
    })
}

/// What a screen reader is told of the candidates in the picture.
pub fn described(session: Session) -> Option<String> {
    let run = session.calls.run.with(|run| run.as_ref().map(|run| run.title.clone()))?;
    Some(session.calls.in_view.with(|shown| match &shown.density {
        Some(density) => {
            let all = density.classes.iter().flat_map(|class| &class.counts);
            readout::candidates(all.map(|n| *n as usize).sum(), run)
        }
        None => readout::candidates(shown.calls.len(), run),
    }))
}
