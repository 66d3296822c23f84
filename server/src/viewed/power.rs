//! The power under a view, as fine as a picture of some size shows it.

use std::ops::Range;

use rayon::prelude::*;
use spyhop_api::View;
use spyhop_paint::{Flatten, FrequencyScale, GridSource, Grids};
use spyhop_signal::Fold;
use spyhop_signal::spectrum::{
    Columns, ColumnsSpec, Effort, MedianColumns, SpectrumSpec, Stft, columns, row_medians,
};

use super::{Viewed, ViewedError};
use crate::figure::{FLATTENED_DB, columns_spec, contrast_as_drawn, quiet_db};

/// A preview transforms no more frames than this exactly: it is to be there within the time that a chat
/// waits for it.
pub const MOST_PREVIEW_FRAMES: f64 = 20_000.0;
/// Points of a transform that a limit of frames is meant for: of a longer one there are fewer.
const USUAL_FFT: f64 = 2048.0;
/// Columns of medians that are read in one piece.
const MEDIANS_AT_ONCE: usize = 64;
/// Frames of a column of a longer stretch, at most.
const FRAMES_PER_COLUMN: usize = 6;
/// Rows and columns of a picture are summed until there are no more cells than these.
const MAX_CELLS: usize = 8 << 20;
/// Frames of a column that medians are taken over: with fewer the median of noise lies further below its
/// mean, and the page's, of all frames, does not.
pub const FRAMES_PER_MEDIAN: usize = 16;

/// Stretches between folds that are transformed each by itself; where there are more the line is
/// transformed as if its gaps were open, in no more than [`MOST_OPEN_COLUMNS`] columns.
const MOST_STRETCHES: usize = 1500;
/// See [`MOST_STRETCHES`].
const MOST_OPEN_COLUMNS: f64 = 16_384.0;
/// Pieces of a picture for each thread: they take unlike long.
const PIECES_A_THREAD: usize = 2;

/// What a picture is painted of.
pub struct ViewPower {
    /// Frequency from the lower edge to the upper.
    pub scale: FrequencyScale,
    /// What was computed, in the order of time.
    pub pieces: Vec<Piece>,
    /// Floor and ceiling of the colours, dB.
    pub range_db: (f64, f64),
    /// What flattening takes away.
    medians: Option<Vec<f32>>,
}

/// Columns of a part of what is shown. All pieces have the same transform and rows.
pub struct Piece {
    /// What was computed.
    pub spec: ColumnsSpec,
    /// The power.
    pub power: Columns,
}

impl ViewPower {
    /// Computes what a picture of so many pixels shows; exactly where that is no more than `most_frames`
    /// transforms of [`USUAL_FFT`] points, else from samples of each column.
    ///
    /// # Errors
    /// When the transform makes no sense, or a recording can't be read.
    pub fn of(
        viewed: &Viewed,
        (width_px, height_px): (f64, f64),
        most_frames: f64,
    ) -> Result<ViewPower, ViewedError> {
        let (view, line) = (&viewed.view, &viewed.line);
        let failed = |error: String| ViewedError::Failed(error);
        let spectrum = SpectrumSpec::from((&view.spectrum, line.sample_rate_hz));
        let (low_hz, high_hz) = viewed.band_hz();
        let scale = FrequencyScale::new(view.frequency_axis, low_hz, high_hz);
        let mut spec = columns_spec(spectrum, &viewed.places, &scale, (width_px, height_px))
            .map_err(|error| failed(error.to_string()))?;
        coarsen(&mut spec);
        let frames = (viewed.places.end - viewed.places.start) / spectrum.hop_samples as f64;
        let points = spectrum.fft_size as f64;
        // Those of a shorter transform than the usual count as many.
        let frames = frames * (USUAL_FFT / points).max(1.0);
        spec.effort = effort(&spec, frames, most_frames * USUAL_FFT);
        let wanted = pieces(viewed, &spec);
        // Each piece is read by itself: recordings are opened anew, and threads don't wait for each other.
        let made: Result<Vec<Piece>, String> = wanted
            .into_par_iter()
            .map(|spec| Ok(Piece { power: read(viewed, &spec)?, spec }))
            .collect();
        let pieces = made.map_err(failed)?;
        let medians = match view.flatten_s {
            Some(seconds) => {
                let over = median_columns(viewed, seconds);
                Some(medians(viewed, &over, &spec).map_err(failed)?)
            }
            None => None,
        };
        let calibration = viewed.deployment.calibration.as_ref();
        let range_db = view.colour.range_db.unwrap_or_else(|| match medians {
            Some(_) => FLATTENED_DB,
            None => {
                let drawn = pieces.iter().flat_map(|piece| piece.power.mean.chunks(spec.rows));
                contrast_as_drawn(drawn, &spec, &scale, calibration)
                    .map(|(low, high)| (low.round(), high.round()))
                    .unwrap_or_else(|| quiet_db(calibration, &scale))
            }
        });
        Ok(ViewPower { scale, pieces, range_db, medians })
    }

    /// The power by positions on the line.
    pub fn source(&self) -> Grids<'_> {
        Grids::new(self.pieces.iter().map(|piece| GridSource::new(&piece.spec, &piece.power)))
    }

    /// What is taken away from each row.
    pub fn flatten(&self) -> Option<Flatten<'_>> {
        let (median, spec) = (self.medians.as_ref()?, self.pieces.first()?.spec);
        Some(Flatten {
            median,
            first_bin: (spec.first_row * spec.bins_per_row) as f64,
            bins_per_row: spec.bins_per_row as f64,
            bin_hz: spec.spectrum.bin_hz(),
        })
    }

    /// Whether every frame was transformed.
    pub fn is_exact(&self) -> bool {
        self.pieces.iter().all(|piece| piece.power.exact)
    }
}

impl Viewed {
    /// The power of some columns of the line of the view's channel.
    ///
    /// # Errors
    /// As [`ViewPower::of`].
    pub fn columns(&self, spec: &ColumnsSpec) -> Result<Columns, ViewedError> {
        read(self, spec).map_err(ViewedError::Failed)
    }
}

/// How many frames of each column are looked at: all of what are `frames` in all columns where these and
/// the transform's points multiply to no more than `most_points`, else as many as that pays for.
pub fn effort(spec: &ColumnsSpec, frames: f64, most_points: f64) -> Effort {
    let points = spec.spectrum.fft_size as f64;
    if frames * points <= most_points {
        return Effort::Exact;
    }
    let affordable = most_points / (points * spec.columns.max(1) as f64);
    Effort::Sampled { frames_per_column: (affordable as usize).clamp(1, FRAMES_PER_COLUMN) }
}

/// Sums neighbouring rows until the picture fits into memory.
fn coarsen(spec: &mut ColumnsSpec) {
    while spec.columns.saturating_mul(spec.rows) > MAX_CELLS && spec.rows > 2 {
        spec.bins_per_row *= 2;
        spec.first_row /= 2;
        let all = spec.spectrum.rows(spec.bins_per_row);
        spec.rows = (spec.rows / 2 + 1).min(all.saturating_sub(spec.first_row)).max(1);
    }
}

/// The columns that medians are taken over: the page's.
pub fn median_columns(viewed: &Viewed, seconds: f64) -> MedianColumns {
    let middle = viewed.fold.position_at((viewed.places.start + viewed.places.end) / 2.0);
    let recorded = match viewed.fold.is_flat() {
        true => &Fold::of(&viewed.line),
        false => &viewed.fold,
    };
    let window = viewed.view.spectrum.window_samples as usize;
    MedianColumns::around(middle, seconds, &viewed.line, recorded, window)
}

/// What flattening takes away of each bin.
///
/// # Errors
/// When the recordings can't be read.
pub fn bin_medians(viewed: &Viewed, over: &MedianColumns) -> Result<Vec<f32>, ViewedError> {
    let spectrum = SpectrumSpec::from((&viewed.view.spectrum, viewed.line.sample_rate_hz));
    let (column_samples, first_column, columns) = (over.column_samples, 0, 0);
    let (first_row, rows, bins_per_row) = (0, spectrum.bins(), 1);
    let effort = Effort::Exact;
    let bins = ColumnsSpec {
        spectrum,
        column_samples,
        first_column,
        columns,
        first_row,
        rows,
        bins_per_row,
        effort,
    };
    medians(viewed, over, &bins).map_err(ViewedError::Failed)
}

/// The median power over columns of each row of `of`.
fn medians(viewed: &Viewed, over: &MedianColumns, of: &ColumnsSpec) -> Result<Vec<f32>, String> {
    let pieces: Vec<ColumnsSpec> = over
        .runs
        .iter()
        .flat_map(|run| {
            run.clone().step_by(MEDIANS_AT_ONCE).map(|first_column| ColumnsSpec {
                column_samples: over.column_samples,
                first_column,
                columns: MEDIANS_AT_ONCE.min((run.end - first_column) as usize),
                effort: Effort::Sampled { frames_per_column: FRAMES_PER_MEDIAN },
                ..*of
            })
        })
        .collect();
    let made: Result<Vec<Columns>, String> =
        pieces.into_par_iter().map(|piece| read(viewed, &piece)).collect();
    let made = made?;
    let columns = made.iter().flat_map(|power| power.mean.chunks(of.rows).zip(&power.frames));
    let recorded = columns.filter(|(_, frames)| **frames > 0).map(|(column, _)| column);
    Ok(row_medians(recorded, of.rows))
}

/// What is to be computed of a view: `spec` has its rows, and how wide a column is in a picture without
/// gaps.
fn pieces(viewed: &Viewed, spec: &ColumnsSpec) -> Vec<ColumnsSpec> {
    let stretches: Vec<Range<f64>> = match viewed.fold.seams(&viewed.places).len() {
        0..MOST_STRETCHES => {
            viewed.fold.stretches(&viewed.places).into_iter().map(|s| s.1).collect()
        }
        _ => vec![viewed.positions.clone()],
    };
    let open = viewed.positions.end - viewed.positions.start;
    let column_samples = match stretches.len() {
        1 => spec.column_samples.max((open / MOST_OPEN_COLUMNS) as u64),
        _ => spec.column_samples,
    };
    let width = column_samples as f64;
    let all = stretches.iter().map(|s| (s.end / width).ceil() - (s.start / width).floor());
    let pieces = (PIECES_A_THREAD * rayon::current_num_threads()) as f64;
    // An even number of columns: neighbours share a transform.
    let at_once = (((all.sum::<f64>() / pieces).ceil() as usize).max(2) + 1) & !1;
    let mut wanted = Vec::new();
    let mut done = i64::MIN;
    for stretch in stretches {
        // A column that the stretch before had the other part of is there already.
        let first = ((stretch.start / width).floor() as i64).max(done);
        let end = (stretch.end / width).ceil() as i64;
        done = end.max(done);
        for first_column in (first..end).step_by(at_once) {
            let columns = at_once.min((end - first_column) as usize);
            wanted.push(ColumnsSpec { column_samples, first_column, columns, ..*spec });
        }
    }
    wanted
}

fn read(viewed: &Viewed, spec: &ColumnsSpec) -> Result<Columns, String> {
    let mut stft = Stft::new(&spec.spectrum).map_err(|e| e.to_string())?;
    let mut reader = viewed.reader();
    let channel = viewed.view.channel;
    let mut read = |range: Range<i64>, out: &mut Vec<f32>| {
        reader.read(range, channel, out).map(drop).map_err(|e| e.to_string())
    };
    columns(spec, &mut stft, &viewed.line, &mut read, &mut || false)?
        .ok_or_else(|| "there is nothing to transform".to_owned())
}

/// The transform in words.
pub fn transform_words(view: &View, sample_rate_hz: f64) -> String {
    let s = &view.spectrum;
    format!(
        "{} window of {} samples ({}), FFT {}, hop {}",
        s.window,
        s.window_samples,
        crate::figure::seconds(f64::from(s.window_samples) / sample_rate_hz),
        s.fft_size,
        s.hop_samples
    )
}
