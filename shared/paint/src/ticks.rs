//! Ticks: where an axis is marked and what the marks say, at every zoom.

mod folded;
mod frequency;
mod level;
mod time;

pub use folded::folded_time_ticks;
pub use frequency::frequency_ticks;
pub use level::level_ticks;
pub use time::{TimeAxis, TimeLabels, label_centre_px, time_ticks};

/// A mark on an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// Where: 0 at the axis's beginning (left, or low), 1 at its end.
    pub at: f64,
    /// What it says; empty for the fine ticks between.
    pub label: String,
    /// Whether it begins something (a day among hours): drawn heavier.
    pub strong: bool,
}

impl Tick {
    fn new(at: f64, label: String) -> Tick {
        Tick { at, label, strong: false }
    }
}

/// The marks of an axis.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ticks {
    /// The marks, in order along the axis.
    pub ticks: Vec<Tick>,
    /// Unit of the labels, as `Hz`, `kHz`, `ms`, `UTC`.
    pub unit: String,
    /// What the labels leave out, for the axis's edge: the date, or the time that they count from.
    pub context: String,
}

impl Ticks {
    /// The marks that have a label.
    pub fn labelled(&self) -> impl Iterator<Item = &Tick> {
        self.ticks.iter().filter(|t| !t.label.is_empty())
    }
}

/// Steps of a decimal axis with the number of fine steps in each: 1, 2 and 5 times a power of ten.
pub(crate) const DECIMAL_STEPS: [(i64, i64); 3] = [(1, 5), (2, 4), (5, 5)];

/// The decimal step that is nearest above `least` and the number of fine steps in it.
pub(crate) fn decimal_step(least: f64) -> (f64, i64) {
    let decade = 10f64.powf(least.max(1e-300).log10().floor());
    let found =
        DECIMAL_STEPS.iter().find(|(step, _)| *step as f64 * decade >= least * (1.0 - 1e-9));
    found.map_or((10.0 * decade, 5), |(step, fine)| (*step as f64 * decade, *fine))
}

/// The decimal step nearest above `least`, but small enough that two of its multiples lie in any
/// `range`, however short the axis.
pub(crate) fn range_step(range: f64, least: f64) -> (f64, i64) {
    let found = decimal_step(least);
    if found.0 > range / 2.0 { decimal_step(range / 5.0) } else { found }
}

/// Decimals that a label needs to tell steps of this size apart.
pub(crate) fn decimals(step: f64) -> usize {
    // A step of 2.5 or 0.25 would need one more; decimal steps never are.
    (-(step * (1.0 + 1e-9)).log10().floor()).clamp(0.0, 12.0) as usize
}

/// A number with a proper minus sign.
pub(crate) fn number(value: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.abs());
    let zero = text.bytes().all(|b| matches!(b, b'0' | b'.'));
    if value < 0.0 && !zero { format!("−{text}") } else { text }
}

/// Whether labels stand apart: `(centre, width)` of each in order along the axis, with `gap` between.
pub(crate) fn apart(labels: &[(f64, f64)], gap: f64) -> bool {
    labels.windows(2).all(|p| p[1].0 - p[0].0 >= (p[0].1 + p[1].1) / 2.0 + gap)
}

/// Ticks at the multiples of `step` from `low` to `high` with `fine` steps in each, laid on an axis
/// by the part of the way from `low` to `high`.
pub(crate) fn linear(
    low: f64,
    high: f64,
    step: f64,
    fine: i64,
    label: impl Fn(f64) -> String,
) -> Vec<Tick> {
    let small = step / fine as f64;
    let slack = 1e-9 * (high - low);
    let (first, last) =
        (((low - slack) / small).ceil() as i64, ((high + slack) / small).floor() as i64);
    // Far more than a screen has pixels: a caller's mistake must not fill the memory.
    let last = last.min(first.saturating_add(20_000));
    (first..=last)
        .map(|i| {
            let value = i as f64 * small;
            let text = if i % fine == 0 { label(value) } else { String::new() };
            Tick::new(((value - low) / (high - low)).clamp(0.0, 1.0), text)
        })
        .collect()
}
