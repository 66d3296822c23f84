//! Making the rows of a unit.

use spyhop_api::time::{NANOS_PER_S, frames_to_nanos};
use spyhop_api::{Calibration, Timestamp};
use spyhop_signal::Recording;
use spyhop_signal::levels::{
    AverageError, AverageRow, BandPower, SpectrumAverager, WaveformMeter, WaveformRow, level_db,
    power_gains,
};

use super::plan::{Plan, PlannedUnit};
use super::product::Measure;
use super::rows::Rows;
use crate::catalogue::Recordings;

/// Samples that are read at a time.
const PIECE_SAMPLES: u64 = 1 << 18;
/// Waveforms of less than this share of their period are flagged, as spectra are.
const SHORT_SHARE: f64 = 0.5;

/// Why there are no rows.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// Someone said so.
    #[error("it was stopped")]
    Stopped,
    /// A recording could not be read.
    #[error("{message}")]
    Unreadable {
        /// Its index.
        recording: usize,
        /// What happened, to which file, and what to do.
        message: String,
    },
    /// The spectra can't be made.
    #[error(transparent)]
    Spectra(#[from] AverageError),
}

/// Makes the rows of a unit: a pure function of what its key is a hash of. Memory: the rows and a piece of
/// samples. `go_on` is told how much is done, 0 to 1, and says whether to go on.
///
/// # Errors
/// When a recording can't be read, or it was stopped.
pub fn measure(
    plan: &Plan,
    unit: &PlannedUnit,
    recordings: &Recordings,
    go_on: &mut dyn FnMut(f64) -> bool,
) -> Result<Rows, MeasureError> {
    let mut meter = Meter::new(plan)?;
    let mut rows = Rows::new(plan.columns());
    let all_frames: u64 = unit.runs.iter().map(|run| run.frames).sum();
    let mut done_frames = 0;
    let mut opener = recordings.opener();
    let mut open: Option<(usize, Recording)> = None;
    let mut samples = Vec::new();
    let rate_hz = plan.recorded.sample_rate_hz;
    // The clock of the first of several runs that follow one another.
    let mut anchor: Option<(i64, u64)> = None;
    for run in &unit.runs {
        let unreadable = |error: spyhop_signal::OpenError| MeasureError::Unreadable {
            recording: run.recording,
            message: error.to_string(),
        };
        let goes_on = anchor.is_some_and(|(start_ns, frames)| {
            let end_ns = start_ns + frames_to_nanos(frames as i64, rate_hz);
            let off_ns = (run.start_ns - end_ns).abs();
            // Half a sample at each border adds up.
            run.follows && off_ns as f64 <= 0.5 * NANOS_PER_S as f64 / rate_hz
        });
        if !goes_on {
            meter.begin(Timestamp(run.start_ns));
            anchor = Some((run.start_ns, 0));
        }
        if open.as_ref().is_none_or(|(index, _)| *index != run.recording) {
            open = Some((run.recording, opener(run.recording).map_err(unreadable)?));
        }
        let Some((_, recording)) = &mut open else { continue };
        let mut at = 0;
        while at < run.frames {
            if !go_on(done_frames as f64 / all_frames.max(1) as f64) {
                return Err(MeasureError::Stopped);
            }
            let count = PIECE_SAMPLES.min(run.frames - at);
            let first = run.first_frame + at;
            recording
                .read_channel(first, count as usize, plan.channel, &mut samples)
                .map_err(unreadable)?;
            if (samples.len() as u64) < count {
                return Err(MeasureError::Unreadable {
                    recording: run.recording,
                    message: format!(
                        "it ends before the length that its header tells: {}",
                        recording.info.name
                    ),
                });
            }
            meter.push(&samples, &mut rows);
            at += count;
            done_frames += count;
        }
        if let Some((_, frames)) = &mut anchor {
            *frames += run.frames;
        }
    }
    meter.finish(&mut rows);
    keep_within(&mut rows, unit);
    Ok(rows)
}

/// A run that follows another by a fraction of a sample may have its last sample in the next unit.
fn keep_within(rows: &mut Rows, unit: &PlannedUnit) {
    if rows.start_ns.iter().all(|start| unit.span_ns.contains(start)) {
        return;
    }
    let mut kept = Rows::new(rows.columns);
    for (index, start) in rows.start_ns.iter().enumerate() {
        if unit.span_ns.contains(start) {
            let levels = rows.row(index).iter().map(|level| f64::from(*level));
            kept.push(*start, f64::from(rows.recorded_s[index]), rows.short[index], levels);
        }
    }
    *rows = kept;
}

/// Turns samples into rows of levels.
enum Meter {
    Spectra {
        averager: Box<SpectrumAverager>,
        /// What turns the power of a bin into pressure.
        gains: Vec<f64>,
        levels: Levels,
        pending: Vec<AverageRow>,
    },
    Waveform {
        meter: WaveformMeter,
        offset_db: f64,
        average_s: f64,
        pending: Vec<WaveformRow>,
    },
}

/// What of a spectrum a row holds.
enum Levels {
    Bins,
    Densities(BandPower),
    Bands(BandPower),
}

impl Meter {
    fn new(plan: &Plan) -> Result<Meter, AverageError> {
        let spec = &plan.spectra;
        let (bins, bin_hz) = (spec.spectrum.bins(), spec.spectrum.bin_hz());
        let levels = match &plan.measure {
            Measure::Bins => Levels::Bins,
            Measure::Densities(bands) => Levels::Densities(BandPower::new(bands, bin_hz, bins)),
            Measure::Bands(bands) => Levels::Bands(BandPower::new(bands, bin_hz, bins)),
            Measure::Waveform => {
                let rate_hz = plan.recorded.sample_rate_hz;
                // A table by frequency has levels of bands instead.
                let offset_db = plan.calibration.as_ref().and_then(Calibration::offset_db);
                return Ok(Meter::Waveform {
                    meter: WaveformMeter::new(rate_hz, spec.period_ns),
                    offset_db: offset_db.unwrap_or(0.0),
                    average_s: spec.average_s(),
                    pending: Vec::new(),
                });
            }
        };
        Ok(Meter::Spectra {
            averager: Box::new(SpectrumAverager::new(spec)?),
            gains: power_gains(plan.calibration.as_ref(), bin_hz, bins),
            levels,
            pending: Vec::new(),
        })
    }

    fn begin(&mut self, start: Timestamp) {
        match self {
            Meter::Spectra { averager, .. } => averager.begin(start),
            Meter::Waveform { meter, .. } => meter.begin(start),
        }
    }

    fn push(&mut self, samples: &[f32], rows: &mut Rows) {
        match self {
            Meter::Spectra { averager, pending, gains, levels } => {
                averager.push(samples, pending);
                add_spectra(pending, gains, levels, rows);
            }
            Meter::Waveform { meter, pending, offset_db, average_s } => {
                meter.push(samples, pending);
                add_waveforms(pending, *offset_db, *average_s, rows);
            }
        }
    }

    fn finish(self, rows: &mut Rows) {
        match self {
            Meter::Spectra { averager, mut pending, gains, levels } => {
                averager.finish(&mut pending);
                add_spectra(&mut pending, &gains, &levels, rows);
            }
            Meter::Waveform { meter, mut pending, offset_db, average_s } => {
                meter.finish(&mut pending);
                add_waveforms(&mut pending, offset_db, average_s, rows);
            }
        }
    }
}

fn add_spectra(pending: &mut Vec<AverageRow>, gains: &[f64], levels: &Levels, rows: &mut Rows) {
    for mut row in pending.drain(..) {
        row.density.iter_mut().zip(gains).for_each(|(power, gain)| *power *= gain);
        let power = match levels {
            Levels::Bins => row.density,
            Levels::Densities(bands) => bands.mean_densities(&row.density),
            Levels::Bands(bands) => bands.powers(&row.density),
        };
        rows.push(row.start_ns, row.recorded_s, row.short, power.into_iter().map(level_db));
    }
}

fn add_waveforms(pending: &mut Vec<WaveformRow>, offset_db: f64, average_s: f64, rows: &mut Rows) {
    for row in pending.drain(..) {
        let levels = [row.rms_db(), row.zero_to_peak_db(), row.exposure_db()];
        let short = row.recorded_s < SHORT_SHARE * average_s;
        rows.push(row.start_ns, row.recorded_s, short, levels.map(|level| level + offset_db));
    }
}
