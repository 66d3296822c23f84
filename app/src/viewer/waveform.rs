//! The waveform: the extremes and the RMS of each pixel's samples, single samples when close.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use leptos::task::spawn_local;
use spyhop_paint::Theme;
use spyhop_paint::parts::{WavePixel, wave_columns, wave_samples};
use spyhop_paint::scene::Area;

use super::axes;
use super::canvas::Surface;
use super::folded;
use crate::engine::{Engine, Wanted, WaveFound};
use crate::frame::Frame;
use crate::session::Session;

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
    let folds = !job.frame.fold.seams(&job.frame.places).is_empty();
    let close = per_pixel <= SAMPLES_UP_TO && !folds;
    let peak = if close { draw_samples(job) } else { None };
    let peak = peak.unwrap_or_else(|| draw_columns(job, per_pixel));
    axes::amplitude(peak, job.theme, job.axis);
}

/// One pixel after another: extremes and RMS. Gives the middle and the half height.
fn draw_columns(job: &Job<'_>, per_pixel: f64) -> (f64, f64) {
    let width = job.surface.width as usize;
    let wave = job.engine.wave(job.wanted);
    let found: Vec<WaveFound> = (0..width)
        .map(|x| {
            let from = job.frame.places.start + x as f64 * per_pixel;
            folded::wave(&job.frame.fold, &(from..from + per_pixel), &wave)
        })
        .collect();
    let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
    for f in &found {
        if let WaveFound::Data { min, max, .. } = f {
            (low, high) = (low.min(*min), high.max(*max));
        }
    }
    let (middle, half) = fitted(low, high);
    // The middle is drawn as zero: a recording's DC would put its sound out of sight.
    let dc = middle as f32;
    let pixels: Vec<WavePixel> = found
        .into_iter()
        .map(|f| match f {
            WaveFound::Data { min, max, rms } => {
                let rms = (rms * rms - dc * dc).max(0.0).sqrt();
                WavePixel::Data { min: min - dc, max: max - dc, rms }
            }
            WaveFound::Gap => WavePixel::Gap,
            WaveFound::Pending => WavePixel::Pending,
        })
        .collect();
    job.surface.items(&wave_columns(&pixels, area(job), half, job.theme));
    (middle, half)
}

/// Single samples, joined; `None` until they are there.
fn draw_samples(job: &Job<'_>) -> Option<(f64, f64)> {
    let frame = job.frame;
    let positions = frame.positions();
    let need = (positions.start.floor() as i64 - 1).max(0)
        ..(positions.end.ceil() as i64 + 2).min(end_of_line(frame));
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
    let (middle, half) = fitted(low, high);
    let samples: Vec<f32> = samples.iter().map(|v| v - middle as f32).collect();
    let items = wave_samples(&samples, need.start, positions, area(job), half, job.theme);
    job.surface.items(&items);
    Some((middle, half))
}

fn area(job: &Job<'_>) -> Area {
    Area::new(0.0, 0.0, job.surface.width, job.surface.height)
}

fn end_of_line(frame: &Frame) -> i64 {
    frame.fold.end_at(frame.end) as i64
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
    let range = (need.start - more).max(0)..(need.end + more).min(end_of_line(job.frame));
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

/// Half the height that silence is drawn in: a few steps of 16 bits.
const SILENT_HALF: f64 = 1e-4;

/// Middle and half height that show everything from `low` to `high`.
fn fitted(low: f32, high: f32) -> (f64, f64) {
    if low > high {
        return (0.0, 1.0);
    }
    let (low, high) = (f64::from(low), f64::from(high));
    let half = if high > low { (high - low) / 2.0 * 1.08 } else { SILENT_HALF };
    ((low + high) / 2.0, half)
}
