//! The waveform: the extremes and the RMS of each pixel's samples, single samples when close.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use leptos::task::spawn_local;
use spyhop_paint::scene::Area;
use spyhop_paint::{Anchor, Colour, Item, Stroke, Theme};

use super::axes::FONT_PX;
use super::canvas::Surface;
use crate::engine::{Engine, Wanted, WaveFound};
use crate::frame::Frame;
use crate::session::Session;

/// From this many pixels a sample on, samples are drawn as dots.
const DOTS_FROM_PX: f64 = 4.0;
/// Up to this many samples a pixel the samples themselves are drawn.
const SAMPLES_UP_TO: f64 = 2.0;

/// Samples that were fetched for a close picture; clones share them.
#[derive(Clone, Default)]
pub struct Fetched(Rc<RefCell<Stretch>>);

#[derive(Default)]
struct Stretch {
    positions: Range<i64>,
    channel: u32,
    samples: Vec<f32>,
    /// What is being fetched.
    asked: Option<(Range<i64>, u32)>,
}

/// All that drawing takes.
pub struct Job<'a> {
    pub session: Session,
    pub engine: &'a Engine,
    pub wanted: &'a Wanted,
    pub frame: &'a Frame,
    pub theme: &'a Theme,
    pub surface: &'a Surface,
    pub axis: &'a Surface,
    pub fetched: &'a Fetched,
}

/// Draws the waveform and its axis.
pub fn draw(job: &Job<'_>) {
    let per_pixel = job.frame.span() / job.surface.width;
    let close = per_pixel <= SAMPLES_UP_TO;
    let peak = if close { draw_samples(job) } else { None };
    let peak = peak.unwrap_or_else(|| draw_columns(job, per_pixel));
    draw_axis(job, peak);
}

/// One pixel after another: extremes and RMS. Gives the half height that was drawn.
fn draw_columns(job: &Job<'_>, per_pixel: f64) -> (f64, f64) {
    let width = job.surface.width as usize;
    let found: Vec<WaveFound> = (0..width)
        .map(|x| {
            let from = job.frame.positions.start + x as f64 * per_pixel;
            job.engine.wave(job.wanted, from..from + per_pixel)
        })
        .collect();
    let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
    for f in &found {
        if let WaveFound::Data { min, max, .. } = f {
            (low, high) = (low.min(*min), high.max(*max));
        }
    }
    let (centre, half) = fitted(low, high);
    let y = |v: f64| job.surface.height / 2.0 * (1.0 - (v - centre) / half);
    let mut items = Vec::with_capacity(2 * width);
    for (x, f) in found.iter().enumerate() {
        let x = x as f64;
        match f {
            WaveFound::Data { min, max, rms } => {
                let (top, bottom) = (y(f64::from(*max)), y(f64::from(*min)));
                items.push(bar(x, top, bottom, job.theme.wave));
                let middle = f64::from(*min + *max) / 2.0;
                let rms = f64::from(*rms).min(f64::from(*max - *min) / 2.0);
                items.push(bar(x, y(middle + rms), y(middle - rms), job.theme.wave_rms));
            }
            WaveFound::Gap => items.push(gap(x, 1.0, job)),
            WaveFound::Pending => {}
        }
    }
    job.surface.items(&items);
    (centre, half)
}

/// Single samples, joined; `None` until they are there.
fn draw_samples(job: &Job<'_>) -> Option<(f64, f64)> {
    let frame = job.frame;
    let need = (frame.positions.start.floor() as i64 - 1).max(0)
        ..(frame.positions.end.ceil() as i64 + 2).min(frame.end as i64);
    let mut stretch = job.fetched.0.borrow_mut();
    let here = stretch.channel == job.wanted.channel
        && stretch.positions.start <= need.start
        && stretch.positions.end >= need.end;
    if !here {
        fetch(job, &mut stretch, need);
        return None;
    }
    let first = usize::try_from(need.start - stretch.positions.start).ok()?;
    let count = usize::try_from(need.end - need.start).ok()?;
    let samples = stretch.samples.get(first..(first + count).min(stretch.samples.len()))?;
    let finite = samples.iter().filter(|v| v.is_finite());
    let (low, high) = finite
        .fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), v| (low.min(*v), high.max(*v)));
    let (centre, half) = fitted(low, high);
    let x = |i: usize| {
        // A sample stands for the time around it: its dot is in the middle of its column.
        frame.x_of((need.start + i as i64) as f64 + 0.5) * job.surface.width
    };
    let y = |v: f32| job.surface.height / 2.0 * (1.0 - (f64::from(v) - centre) / half);
    let pixels = job.surface.width / frame.span();
    let mut items = Vec::new();
    let mut points: Vec<(f64, f64)> = Vec::new();
    let line = |points: &mut Vec<(f64, f64)>, items: &mut Vec<Item>| {
        if !points.is_empty() {
            let points = std::mem::take(points);
            if pixels >= DOTS_FROM_PX {
                let fill = job.theme.wave_rms;
                items.push(Item::Dots { points: points.clone(), radius: 2.2, fill });
            }
            items.push(Item::Polyline { points, stroke: Stroke::solid(job.theme.wave_rms, 1.2) });
        }
    };
    for (i, v) in samples.iter().enumerate() {
        if v.is_finite() {
            points.push((x(i), y(*v)));
        } else {
            line(&mut points, &mut items);
            items.push(gap(x(i) - pixels / 2.0, pixels, job));
        }
    }
    line(&mut points, &mut items);
    job.surface.items(&items);
    Some((centre, half))
}

/// Fetches what is needed and as much on either side, once.
fn fetch(job: &Job<'_>, stretch: &mut Stretch, need: Range<i64>) {
    let channel = job.wanted.channel;
    let covered = |(asked, of): &(Range<i64>, u32)| {
        *of == channel && asked.start <= need.start && asked.end >= need.end
    };
    if stretch.asked.as_ref().is_some_and(covered) {
        return;
    }
    let more = need.end - need.start;
    let range = (need.start - more).max(0)..(need.end + more).min(job.frame.end as i64);
    stretch.asked = Some((range.clone(), channel));
    let (engine, fetched, session) = (job.engine.clone(), job.fetched.clone(), job.session);
    spawn_local(async move {
        let samples = engine.samples(range.clone(), channel).await;
        let mut stretch = fetched.0.borrow_mut();
        if stretch.asked.as_ref() == Some(&(range.clone(), channel)) {
            // What can't be read is drawn from the columns; reading them says why.
            stretch.asked = None;
            if let Ok(samples) = samples {
                *stretch = Stretch { positions: range, channel, samples, asked: None };
                drop(stretch);
                session.redraw();
            }
        }
    });
}

/// Centre and half height that show everything from `low` to `high` (DC drawn in the middle).
fn fitted(low: f32, high: f32) -> (f64, f64) {
    if low > high {
        return (0.0, 1.0);
    }
    let (low, high) = (f64::from(low), f64::from(high));
    ((low + high) / 2.0, ((high - low) / 2.0 * 1.08).max(1e-7))
}

fn bar(x: f64, top: f64, bottom: f64, colour: Colour) -> Item {
    Item::fill(Area::new(x, top, 1.0, (bottom - top).max(1.0)), colour)
}

fn gap(x: f64, width: f64, job: &Job<'_>) -> Item {
    Item::fill(Area::new(x, 0.0, width, job.surface.height), job.theme.gap)
}

fn draw_axis(job: &Job<'_>, (centre, half): (f64, f64)) {
    let surface = job.axis;
    let right = surface.width;
    let colour = job.theme.text_dim;
    let mut items = Vec::new();
    for (at, value) in [(0.0, centre + half), (0.5, centre), (1.0, centre - half)] {
        let y = surface.crisp(at * (surface.height - 1.0));
        let (from, to) = ((right - 5.0, y), (right, y));
        items.push(Item::Line { from, to, stroke: Stroke::solid(job.theme.axis, 1.0) });
        let y = y.clamp(FONT_PX * 0.7, surface.height - FONT_PX * 0.3) + FONT_PX * 0.3;
        let text = (right - 8.0, y.min(surface.height - 1.0));
        items.push(Item::text(text, amplitude(value), FONT_PX - 1.0, Anchor::End, colour));
    }
    surface.items(&items);
}

/// Amplitude as a part of full scale, with as many digits as tell.
fn amplitude(v: f64) -> String {
    let text = match v.abs() {
        a if a >= 0.1 => format!("{a:.2}"),
        a if a >= 0.001 => format!("{a:.4}"),
        a if a == 0.0 => "0".to_owned(),
        a => format!("{a:.0e}"),
    };
    if v < 0.0 { format!("−{text}") } else { text }
}
