//! Ticks of a time axis, elapsed or on the clock, from years to single samples.

mod label;
mod step;

use std::ops::Range;

use spyhop_api::Timestamp;
use spyhop_api::time::frames_to_nanos;

use super::{Tick, Ticks, apart};
use crate::scene::Weight;
use crate::text::text_width;
use label::Style;
use step::{Step, ladder};

/// Least space between two labels, in font sizes.
const LABEL_GAP: f64 = 1.4;

/// Least distance between two fine ticks, CSS pixels.
const FINE_DISTANCE_PX: f64 = 4.0;

/// A stretch of a line as an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct TimeAxis {
    /// Positions on the line from the left edge to the right, samples.
    pub positions: Range<f64>,
    /// Samples a second.
    pub sample_rate_hz: f64,
    /// What the labels count.
    pub labels: TimeLabels,
}

/// What the labels of a time axis count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeLabels {
    /// Time since the line's origin.
    Elapsed,
    /// Time on a clock.
    Clock {
        /// Clock time (UTC) of the line's origin.
        origin: Timestamp,
        /// What the clock shown is ahead of UTC, seconds.
        offset_s: i32,
        /// What the clock is called: `UTC`, `UTC−05:00`, `recorder's clock`.
        zone: String,
    },
}

impl TimeLabels {
    /// A time as a readout shows it: nanoseconds since the line's origin, with so many decimals of a
    /// second. On a clock it carries the date, not the zone.
    pub fn text(&self, nanos: i64, decimals: usize) -> String {
        match self {
            TimeLabels::Elapsed => label::elapsed(nanos, decimals, nanos),
            TimeLabels::Clock { .. } => {
                let shown = self.shown(nanos);
                format!("{} {}", label::date(shown), label::clock(shown, decimals))
            }
        }
    }

    /// What the axis shows for nanoseconds since the line's origin: the same, or nanoseconds since
    /// 1970 on the clock's own face.
    fn shown(&self, nanos: i64) -> i64 {
        match self {
            TimeLabels::Elapsed => nanos,
            TimeLabels::Clock { origin, offset_s, .. } => origin
                .0
                .saturating_add(i64::from(*offset_s).saturating_mul(1_000_000_000))
                .saturating_add(nanos),
        }
    }
}

/// Where an axis begins, to the fraction of a nanosecond, and how long it is.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    /// What the axis shows at the last sample at or before its left edge, nanoseconds.
    start: i64,
    /// From there to the left edge.
    rest: f64,
    /// Nanoseconds from the left edge to the right.
    span: f64,
}

impl Stretch {
    fn of(axis: &TimeAxis) -> Option<Stretch> {
        let span = (axis.positions.end - axis.positions.start) / axis.sample_rate_hz * 1e9;
        let whole = axis.positions.start.floor();
        if !(span > 0.0 && span.is_finite() && whole.is_finite()) {
            return None;
        }
        let start = axis.labels.shown(frames_to_nanos(whole as i64, axis.sample_rate_hz));
        let rest = (axis.positions.start - whole) / axis.sample_rate_hz * 1e9;
        Some(Stretch { start, rest, span })
    }

    /// Where a time lies on the axis, 0 to 1.
    fn at(&self, nanos: i64) -> f64 {
        // Differences of i64 are exact; only what is left of them becomes a float.
        ((nanos.saturating_sub(self.start)) as f64 - self.rest) / self.span
    }

    fn end(&self) -> i64 {
        self.start.saturating_add((self.rest + self.span).min(9e18) as i64)
    }
}

/// Ticks of a time axis that is `length_px` long, for labels of `font_px` below it that may reach
/// `overhang_px` beyond its ends. Labels nearer to an end than that are to be drawn at
/// [`label_centre_px`].
pub fn time_ticks(axis: &TimeAxis, length_px: f64, font_px: f64, overhang_px: f64) -> Ticks {
    let Some(stretch) = Stretch::of(axis).filter(|_| length_px > 0.0) else {
        return Ticks::default();
    };
    let clock = matches!(axis.labels, TimeLabels::Clock { .. });
    let width = |text: &str| text_width(text, font_px, Weight::SemiBold);
    let place = |tick: &Tick| {
        let width = width(&tick.label);
        (label_centre_px(tick.at * length_px, width, length_px, overhang_px), width)
    };
    let stands = |ticks: &[Tick]| {
        let labels: Vec<(f64, f64)> = ticks.iter().map(place).collect();
        apart(&labels, font_px * LABEL_GAP)
    };
    let mut coarsest = None;
    for step in ladder(clock) {
        if step.nanos() as f64 / stretch.span * length_px < 2.0 * font_px {
            continue;
        }
        let style = Style::of(&axis.labels, &stretch, step);
        let ticks = labelled(&stretch, step, &style);
        if ticks.len() < 2 {
            break;
        }
        let fits = stands(&ticks);
        coarsest = Some((step, style, ticks));
        if fits {
            break;
        }
    }
    let Some((step, style, mut ticks)) = coarsest else {
        return Ticks {
            unit: Style::of(&axis.labels, &stretch, Step::Nanos(1, 1)).unit,
            ..Ticks::default()
        };
    };
    thin(&mut ticks, |a, b| stands(&[a.clone(), b.clone()]));
    let mut all = fine(&stretch, step, length_px);
    all.retain(|f| ticks.iter().all(|t| (t.at - f.at).abs() * length_px > 1.0));
    all.extend(ticks);
    all.sort_by(|a, b| a.at.total_cmp(&b.at));
    Ticks { ticks: all, unit: style.unit, context: style.context }
}

/// Where the middle of a label goes so that it reaches no more than `overhang_px` beyond an end.
pub fn label_centre_px(tick_px: f64, width_px: f64, length_px: f64, overhang_px: f64) -> f64 {
    let low = width_px / 2.0 - overhang_px;
    tick_px.clamp(low, (length_px - low).max(low))
}

/// Leaves out labels that collide with the one before (only on axes too short for any step).
fn thin(ticks: &mut Vec<Tick>, stands: impl Fn(&Tick, &Tick) -> bool) {
    let mut kept: Vec<Tick> = Vec::new();
    for tick in ticks.drain(..) {
        if kept.last().is_none_or(|last| stands(last, &tick)) {
            kept.push(tick);
        }
    }
    *ticks = kept;
}

fn labelled(stretch: &Stretch, step: Step, style: &Style) -> Vec<Tick> {
    on_axis(stretch, step)
        .map(|nanos| {
            let (label, strong) = style.label(nanos);
            Tick { at: stretch.at(nanos).clamp(0.0, 1.0), label, strong }
        })
        .collect()
}

fn fine(stretch: &Stretch, step: Step, length_px: f64) -> Vec<Tick> {
    let Some(fine) = step.fine() else { return Vec::new() };
    if fine.nanos() as f64 / stretch.span * length_px < FINE_DISTANCE_PX {
        return Vec::new();
    }
    on_axis(stretch, fine)
        .map(|nanos| Tick::new(stretch.at(nanos).clamp(0.0, 1.0), String::new()))
        .collect()
}

fn on_axis(stretch: &Stretch, step: Step) -> impl Iterator<Item = i64> + '_ {
    step.from(stretch.start)
        .skip_while(|nanos| stretch.at(*nanos) < -1e-9)
        .take_while(|nanos| stretch.at(*nanos) <= 1.0 + 1e-9)
        // Far more than a screen has pixels.
        .take(20_000)
}
