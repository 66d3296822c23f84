//! The power under a view, as fine as a picture of some size shows it.

use std::ops::Range;

use spyhop_api::View;
use spyhop_paint::{Flatten, FrequencyScale};
use spyhop_signal::Line;
use spyhop_signal::line_reader::LineReader;
use spyhop_signal::spectrum::{
    Columns, ColumnsSpec, Effort, SpectrumSpec, Stft, columns, row_medians,
};

use super::{Viewed, ViewedError};
use crate::figure::{FLATTENED_DB, columns_spec, contrast_as_drawn, quiet_db};

/// A preview transforms no more frames than this exactly: it is to be there within the time that a chat
/// waits for it.
pub const MOST_PREVIEW_FRAMES: f64 = 20_000.0;
/// Points of a transform that a limit of frames is meant for: of a longer one there are fewer.
const USUAL_FFT: f64 = 2048.0;
/// Frames of a column of a longer stretch, at most.
const FRAMES_PER_COLUMN: usize = 6;
/// Rows and columns of a picture are summed until there are no more cells than these.
const MAX_CELLS: usize = 8 << 20;
/// Columns that medians are taken over.
const MEDIAN_COLUMNS: usize = 160;

/// What a picture is painted of.
pub struct ViewPower {
    /// Frequency from the lower edge to the upper.
    pub scale: FrequencyScale,
    /// What was computed.
    pub spec: ColumnsSpec,
    /// The power.
    pub power: Columns,
    /// Floor and ceiling of the colours, dB.
    pub range_db: (f64, f64),
    /// What flattening takes away.
    medians: Option<Vec<f32>>,
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
        let mut spec = columns_spec(spectrum, &viewed.positions, &scale, (width_px, height_px))
            .map_err(|error| failed(error.to_string()))?;
        coarsen(&mut spec);
        let frames = (viewed.positions.end - viewed.positions.start) / spectrum.hop_samples as f64;
        let points = spectrum.fft_size as f64;
        let most_points = most_frames * USUAL_FFT;
        if frames > most_frames || frames * points > most_points {
            let affordable = most_points / (points * spec.columns.max(1) as f64);
            let frames_per_column = (affordable as usize).clamp(1, FRAMES_PER_COLUMN);
            spec.effort = Effort::Sampled { frames_per_column };
        }
        let mut reader = viewed.reader();
        let power = read(&mut reader, line, &spec, view.channel).map_err(failed)?;
        let medians = match view.flatten_s {
            Some(seconds) => {
                let around = around(&viewed.positions, seconds * line.sample_rate_hz, line);
                let samples = ((around.end - around.start) / MEDIAN_COLUMNS as f64).max(1.0);
                let over = ColumnsSpec {
                    column_samples: samples as u64,
                    first_column: (around.start / samples) as i64,
                    columns: MEDIAN_COLUMNS,
                    effort: Effort::Sampled { frames_per_column: FRAMES_PER_COLUMN },
                    ..spec
                };
                let wide = read(&mut reader, line, &over, view.channel).map_err(failed)?;
                Some(medians(&wide, spec.rows))
            }
            None => None,
        };
        let calibration = viewed.deployment.calibration.as_ref();
        let range_db = view.colour.range_db.unwrap_or_else(|| match medians {
            Some(_) => FLATTENED_DB,
            None => contrast_as_drawn(&power.mean, &spec, &scale, calibration)
                .map(|(low, high)| (low.round(), high.round()))
                .unwrap_or_else(|| quiet_db(calibration, &scale)),
        });
        Ok(ViewPower { scale, spec, power, range_db, medians })
    }

    /// What is taken away from each row.
    pub fn flatten(&self) -> Option<Flatten<'_>> {
        self.medians.as_ref().map(|median| Flatten {
            median,
            first_bin: (self.spec.first_row * self.spec.bins_per_row) as f64,
            bins_per_row: self.spec.bins_per_row as f64,
            bin_hz: self.spec.spectrum.bin_hz(),
        })
    }

    /// Whether every frame was transformed.
    pub fn is_exact(&self) -> bool {
        self.power.exact
    }
}

impl Viewed {
    /// The power of some columns of the line of the view's channel.
    ///
    /// # Errors
    /// As [`ViewPower::of`].
    pub fn columns(&self, spec: &ColumnsSpec) -> Result<Columns, ViewedError> {
        read(&mut self.reader(), &self.line, spec, self.view.channel).map_err(ViewedError::Failed)
    }
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

fn medians(power: &Columns, rows: usize) -> Vec<f32> {
    let recorded = power.mean.chunks(rows).zip(&power.frames);
    row_medians(recorded.filter(|(_, frames)| **frames > 0).map(|(column, _)| column), rows)
}

/// The stretch around what is shown that medians are taken over, inside what there is.
fn around(shown: &Range<f64>, samples: f64, line: &Line) -> Range<f64> {
    let end = (line.end() as f64).max(1.0);
    let span = samples.clamp(64.0_f64.min(end), end);
    let start = ((shown.start + shown.end - span) / 2.0).clamp(0.0, end - span);
    start..start + span
}

fn read(
    reader: &mut LineReader,
    line: &Line,
    spec: &ColumnsSpec,
    channel: u32,
) -> Result<Columns, String> {
    let mut stft = Stft::new(&spec.spectrum).map_err(|e| e.to_string())?;
    let mut read = |range: Range<i64>, out: &mut Vec<f32>| {
        reader.read(range, channel, out).map(drop).map_err(|e| e.to_string())
    };
    columns(spec, &mut stft, line, &mut read, &mut || false)?
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
