//! Floor and ceiling of the colours: from what the picture shows, and what flattening subtracts.

use leptos::prelude::*;
use spyhop_api::View;
use spyhop_api::view::{SpectrumSettings, Statistic};
use spyhop_paint::{Column, ColumnSource, Flatten};
use spyhop_signal::measure::contrast;
use spyhop_signal::spectrum::{MedianColumns, peak_threshold_db, row_medians};

use crate::engine::Wanted;
use crate::frame::Frame;
use crate::session::{OpenSet, Session};

/// Columns of the picture that are looked at.
const COLUMNS: usize = 160;
/// Rows that a column is reduced to.
const ROWS: usize = 128;
/// The lowest share of the whole band that is left out: DC stands there.
const DC_SHARE: f64 = 0.004;
/// Range shown before anything is known, dB re full scale.
const FIRST_RANGE_DB: (f64, f64) = (-110.0, -50.0);
/// Part of the sampling rate at which a calibration by frequency moves that range.
const GUESSED_SHARE: f64 = 0.1;
/// Range of a flattened picture, dB above each band's median.
pub const FLAT_RANGE_DB: (f64, f64) = (0.0, 30.0);

/// Sets floor and ceiling from what the picture shows now.
pub fn set_from_picture(session: Session) {
    if session.view.with_untracked(|v| v.flatten_s.is_some()) {
        session.view.update(|v| v.colour.range_db = Some(FLAT_RANGE_DB));
    } else if let Some(range) = of_picture(session) {
        session.automatic_range_db.set_value(Some(range));
        session.view.update(|v| v.colour.range_db = Some(range));
    }
}

/// Lets the next picture set its contrast anew, unless a person or a link has chosen one: another
/// axis or channel shows other levels.
pub fn renew(session: Session) {
    let automatic = session.automatic_range_db.get_value();
    session.view.update(|v| {
        if v.flatten_s.is_none() && v.colour.range_db == automatic {
            v.colour.range_db = None;
        }
    });
}

/// Switches flattening; the range changes its meaning with it.
pub fn set_flatten(session: Session, seconds: Option<f64>) {
    let was = session.view.with_untracked(|v| v.flatten_s.is_some());
    session.view.update(|v| {
        v.flatten_s = seconds;
        if seconds.is_some() && !was {
            v.colour.range_db = Some(FLAT_RANGE_DB);
        }
    });
    if seconds.is_none() && was {
        set_from_picture(session);
    }
}

/// The range to draw with: the view's own, or a guess until one is set.
pub fn shown_range(session: Session, open: &OpenSet) -> (f64, f64) {
    let offset = open.offset_db_near(open.line.sample_rate_hz * GUESSED_SHARE);
    session.view.with_untracked(|v| match (v.colour.range_db, v.flatten_s) {
        (Some(range), _) => range,
        (None, Some(_)) => FLAT_RANGE_DB,
        (None, None) => (FIRST_RANGE_DB.0 + offset, FIRST_RANGE_DB.1 + offset),
    })
}

/// Floor and ceiling of what the picture shows; `None` until there is something.
fn of_picture(session: Session) -> Option<(f64, f64)> {
    let open = session.open.get_untracked()?;
    let frame = session.frame_now()?;
    let wanted = session.wanted.get_value()?;
    let engine = session.engine();
    let statistic = session.view.with_untracked(|v| v.statistic);
    let power = cells(&engine.power(&wanted), &frame, statistic, |hz| open.offset_db_near(hz));
    contrast(&power, ROWS, 0).map(|(low, high)| (low.round(), high.round()))
}

/// What is drawn of a coarse grid over the frame, column by column, its rows as the axis draws them: on
/// a logarithmic one the low bands fill most of the picture. Zero where nothing is, and where DC is.
/// `offset_db` is the calibration.
fn cells(
    source: &impl ColumnSource,
    frame: &Frame,
    statistic: Statistic,
    offset_db: impl Fn(f64) -> f64,
) -> Vec<f32> {
    let mut power = vec![0.0f32; COLUMNS * ROWS];
    let rows_hz = rows_hz(frame);
    let gains = rows_hz.map(|band| {
        band.map_or(1.0, |(low, high)| 10f64.powf(offset_db((low + high) / 2.0) / 10.0) as f32)
    });
    for (c, column) in power.chunks_mut(ROWS).enumerate() {
        let at = frame.position_at((c as f64 + 0.5) / COLUMNS as f64);
        let pixel = frame.span() / 1024.0;
        source.columns(at..at + pixel, &mut |_, found: Column<'_>| {
            for ((cell, band_hz), gain) in column.iter_mut().zip(&rows_hz).zip(gains) {
                let power = band_hz.and_then(|band| drawn_between(&found, band, statistic));
                *cell = power.unwrap_or(0.0) * gain;
            }
        });
    }
    power
}

/// Bands of the grid's rows; `None` where DC would speak for the picture, unless that is all there is to
/// see.
fn rows_hz(frame: &Frame) -> [Option<(f64, f64)>; ROWS] {
    let dc_hz = (frame.nyquist_hz * DC_SHARE).min(frame.band_hz.1 * 0.5);
    std::array::from_fn(|r| {
        let [a, middle, b] =
            [0.0, 0.5, 1.0].map(|in_row| frame.hz_at((r as f64 + in_row) / ROWS as f64));
        (middle >= dc_hz).then_some((a.min(b), a.max(b)))
    })
}

/// What is drawn of a column's rows from one frequency to another, of one at least: a line that is thinner
/// than a row of the grid has its say. Where clicks are everywhere what is drawn lies far above the mean.
fn drawn_between(
    column: &Column<'_>,
    (low_hz, high_hz): (f64, f64),
    statistic: Statistic,
) -> Option<f32> {
    let (first, last) = (row_at(column, low_hz)?, row_at(column, high_hz));
    let here = first..=last.unwrap_or(column.mean.len().checked_sub(1)?);
    let rows = column.mean.get(here.clone())?;
    let mean = rows.iter().sum::<f32>() / rows.len() as f32;
    let max = column.max.get(here).map_or(mean, |max| max.iter().copied().fold(0.0, f32::max));
    let frames = f64::from(column.frames) * rows.len() as f64 * column.bins_per_row;
    let least = match statistic {
        Statistic::Mean => return Some(mean),
        Statistic::Both => mean * 10f64.powf(peak_threshold_db(frames) / 10.0) as f32,
        Statistic::Max => 0.0,
    };
    Some(if max > least { max } else { mean })
}

/// Row of a column that holds a frequency.
pub fn row_at(column: &Column<'_>, hz: f64) -> Option<usize> {
    let row = ((hz / column.bin_hz + 0.5 - column.first_bin) / column.bins_per_row).floor();
    (row >= 0.0 && (row as usize) < column.mean.len()).then_some(row as usize)
}

/// The columns whose medians are taken away: around the middle of the picture.
pub fn median_columns(
    frame: &Frame,
    seconds: f64,
    open: &OpenSet,
    spectrum: &SpectrumSettings,
) -> MedianColumns {
    let window = spectrum.window_samples as usize;
    MedianColumns::around(frame.position_at(0.5), seconds, &open.line, open.recorded(), window)
}

/// Medians of each row over a stretch.
#[derive(Clone, Debug, Default)]
pub struct Medians {
    median: Vec<f32>,
    first_bin: f64,
    bins_per_row: f64,
    bin_hz: f64,
}

impl Medians {
    /// Takes them from what the engine has; `None` where it has nothing yet.
    pub fn of(source: &impl ColumnSource, over: &MedianColumns) -> Option<Medians> {
        let samples = over.column_samples as f64;
        let mut columns: Vec<Vec<f32>> = Vec::new();
        let mut shape: Option<(f64, f64, f64)> = None;
        for column in over.columns() {
            let from = column as f64 * samples;
            let mut first = true;
            source.columns(from..from + samples, &mut |_, column: Column<'_>| {
                let this = (column.first_bin, column.bins_per_row, column.bin_hz);
                if std::mem::take(&mut first) && *shape.get_or_insert(this) == this {
                    columns.push(column.mean.to_vec());
                }
            });
        }
        let (first_bin, bins_per_row, bin_hz) = shape?;
        let rows = columns.iter().map(Vec::len).min()?;
        let median = row_medians(columns.iter().map(Vec::as_slice), rows);
        Some(Medians { median, first_bin, bins_per_row, bin_hz })
    }

    /// As the painter takes it.
    pub fn flatten(&self) -> Flatten<'_> {
        Flatten {
            median: &self.median,
            first_bin: self.first_bin,
            bins_per_row: self.bins_per_row,
            bin_hz: self.bin_hz,
        }
    }
}

/// The picture that has the columns over which medians are taken.
pub fn flatten_wanted(over: &MedianColumns, nyquist_hz: f64, view: &View) -> Wanted {
    let positions = over.positions();
    let columns = (positions.end - positions.start) as u64 / over.column_samples;
    Wanted {
        positions: positions.start as f64..positions.end as f64,
        width_px: u32::try_from(columns).unwrap_or(u32::MAX),
        height_px: 512,
        band_hz: (0.0, nyquist_hz),
        spectrum: view.spectrum,
        channel: view.channel,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spyhop_api::view::FrequencyAxis;

    fn frame(axis: FrequencyAxis, band_hz: (f64, f64)) -> Frame {
        let fold = std::sync::Arc::default();
        Frame { places: 0.0..1e6, band_hz, axis, end: 1e6, nyquist_hz: 1000.0, fold }
    }

    #[test]
    fn contrast_looks_at_the_rows_that_the_axis_draws() {
        let below_100_hz = |axis| {
            let rows = rows_hz(&frame(axis, (10.0, 1000.0)));
            rows.iter().flatten().filter(|band| (band.0 + band.1) / 2.0 < 100.0).count()
        };
        // A decade of two fills half of a logarithmic axis and a tenth of a linear one.
        assert_eq!(below_100_hz(FrequencyAxis::Log), ROWS / 2);
        assert!((ROWS / 12..=ROWS / 10).contains(&below_100_hz(FrequencyAxis::Linear)));
    }

    #[test]
    fn the_contrast_is_of_what_is_drawn() {
        let mean = [1e-8f32; 100];
        let mut max = [1e-7f32; 100];
        max[50] = 1e-4;
        let (frames, first_bin, bins_per_row, bin_hz) = (100.0, 0.0, 1.0, 10.0);
        let column = Column { mean: &mean, max: &max, frames, first_bin, bins_per_row, bin_hz };
        let drawn = |low_hz, statistic| drawn_between(&column, (low_hz, low_hz + 5.0), statistic);
        // The greatest of a hundred frames lies 7 dB above their mean by chance: 10 dB are none yet.
        for (statistic, quiet, click) in [
            (Statistic::Mean, 1e-8, 1e-8),
            (Statistic::Both, 1e-8, 1e-4),
            (Statistic::Max, 1e-7, 1e-4),
        ] {
            let near =
                |found: Option<f32>, power: f32| (found.unwrap_or(0.0) / power - 1.0).abs() < 1e-3;
            assert!(near(drawn(200.0, statistic), quiet), "{statistic:?}");
            assert!(near(drawn(498.0, statistic), click), "{statistic:?}");
        }
        assert_eq!(drawn(2000.0, Statistic::Max), None);
    }

    #[test]
    fn dc_has_no_say_unless_nothing_else_is_shown() {
        let rows = rows_hz(&frame(FrequencyAxis::Linear, (0.0, 1000.0)));
        assert!(rows.iter().flatten().all(|band| band.1 >= 4.0) && rows.contains(&None));
        assert!(rows_hz(&frame(FrequencyAxis::Linear, (0.0, 3.0))).iter().any(Option::is_some));
    }
}
