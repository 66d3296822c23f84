//! Percentiles and probability densities of one-minute spectra: of each day, and of the whole.

use std::path::PathBuf;

use anyhow::Context;
use spyhop_signal::levels::{LevelDistribution, PERCENTILES, ProbabilityDensity, percentiles};

use super::plan::DAY_NS;
use super::rows::Rows;
use super::table::read;

/// Steps of the probability density: 1 dB.
pub const STEP_TENTHS: u32 = 10;

/// What was counted of a span of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// Where its first day begins, nanoseconds since 1970.
    pub start_ns: i64,
    /// Minutes that were counted: short ones are not.
    pub minutes: u32,
}

/// The levels of all minutes, counted.
pub struct Whole {
    pub span: Span,
    pub counted: LevelDistribution,
    /// The days that have any.
    pub days: usize,
}

/// Counts the levels of all days.
///
/// # Errors
/// When a unit's file can't be read, or no minute counts.
pub fn whole(files: &[PathBuf], bands: usize) -> anyhow::Result<Whole> {
    let mut counted = LevelDistribution::new(bands);
    let mut span: Option<Span> = None;
    let mut days = 0;
    for file in files {
        let rows = read(file)?;
        let Some(day) = span_of(&rows) else { continue };
        days += 1;
        span = Some(match span {
            Some(before) => Span { minutes: before.minutes + day.minutes, ..before },
            None => day,
        });
        full(&rows).for_each(|index| counted.push(rows.row(index)));
    }
    let span =
        span.context("no minute was recorded for 30 s or more: statistics are of such minutes")?;
    Ok(Whole { span, counted, days })
}

/// The minutes of a day that count; `None` without any.
pub fn span_of(rows: &Rows) -> Option<Span> {
    let start_ns = full(rows).next().and_then(|first| rows.start_ns.get(first))?;
    let minutes = u32::try_from(full(rows).count()).unwrap_or(u32::MAX);
    Some(Span { start_ns: start_ns.div_euclid(DAY_NS).saturating_mul(DAY_NS), minutes })
}

/// Percentiles of a day's levels: [`PERCENTILES`] of the first band, of the second, …
pub fn day_percentiles(rows: &Rows) -> Vec<f64> {
    let mut of_band = Vec::new();
    let mut all = Vec::with_capacity(rows.columns * PERCENTILES.len());
    for band in 0..rows.columns {
        of_band.clear();
        of_band.extend(full(rows).filter_map(|index| rows.row(index).get(band)));
        all.extend(percentiles(&mut of_band, &PERCENTILES));
    }
    all
}

/// The probability density of a day's levels on the steps of the whole: `density[band * steps + step]`.
pub fn day_density(rows: &Rows, whole: &ProbabilityDensity) -> Vec<f32> {
    let mut counted = LevelDistribution::new(rows.columns);
    full(rows).for_each(|index| counted.push(rows.row(index)));
    let day = counted.probability_density(STEP_TENTHS);
    let steps = whole.edges_db.len().saturating_sub(1);
    let day_steps = day.edges_db.len().saturating_sub(1);
    let mut density = vec![0f32; steps * rows.columns];
    let (Some(day_low), Some(low)) = (day.edges_db.first(), whole.edges_db.first()) else {
        return density;
    };
    // Steps of both begin at whole multiples of their width.
    let shift = ((day_low - low) * 10.0 / f64::from(STEP_TENTHS)).round() as usize;
    for (to, from) in density.chunks_mut(steps).zip(day.density.chunks(day_steps)) {
        if let Some(to) = to.get_mut(shift..shift + from.len()) {
            to.copy_from_slice(from);
        }
    }
    density
}

/// Rows that are not short.
fn full(rows: &Rows) -> impl Iterator<Item = usize> + '_ {
    (0..rows.len()).filter(|index| !rows.short[*index])
}
