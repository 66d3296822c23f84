//! The numbers of a view: what the page measures of its selection, measured here.

use spyhop_signal::measure::{BoxMeasures, BoxSpec, CONTEXT_S, measure_box};
use spyhop_signal::spectrum::SpectrumSpec;

use super::{Viewed, ViewedError};

/// A longer selection is not measured: it would not fit into memory.
const MOST_SAMPLES: i64 = 1 << 24;
/// Nor is one whose transforms have more points than this together: a hop of one sample makes hours of a
/// minute.
const MOST_POINTS: f64 = (1u64 << 28) as f64;

/// Measures the selection, or all that is shown where there is none; `None` where that is too much, or no one
/// stretch of sound.
///
/// # Errors
/// When the samples can't be read.
pub fn measure(viewed: &Viewed) -> Result<Option<BoxMeasures>, ViewedError> {
    let failed = |error: String| ViewedError::Failed(error);
    let Some((samples, band_hz)) = viewed.measured() else { return Ok(None) };
    let rate = viewed.line.sample_rate_hz;
    let length = samples.end - samples.start;
    let transform = SpectrumSpec::from((&viewed.view.spectrum, rate));
    let points = transform.frames_in(length as usize) as f64 * transform.fft_size as f64;
    if length > MOST_SAMPLES || points > MOST_POINTS {
        return Ok(None);
    }
    let around = (CONTEXT_S * rate).round() as i64;
    let wide = (samples.start - around).max(0)..(samples.end + around).min(viewed.line.end());
    let mut read = Vec::new();
    let mut reader = viewed.reader();
    reader.read(wide.clone(), viewed.view.channel, &mut read).map_err(|e| failed(e.to_string()))?;
    // What was not recorded is no number.
    let mut at = wide.start;
    for run in viewed.line.parts(wide.clone()).collect::<Vec<_>>() {
        blank(&mut read, at - wide.start, run.position - wide.start);
        at = run.end();
    }
    blank(&mut read, at - wide.start, wide.end - wide.start);
    let inside = (samples.start - wide.start) as usize..(samples.end - wide.start) as usize;
    let spec = BoxSpec {
        sample_rate_hz: rate,
        band_hz,
        spectrum: viewed.view.spectrum,
        calibration: viewed.deployment.calibration.clone(),
    };
    measure_box(&read, inside, &spec).map(Some).map_err(|e| failed(e.to_string()))
}

fn blank(samples: &mut [f32], from: i64, to: i64) {
    let (from, to) = (from.max(0) as usize, to.max(0) as usize);
    if let Some(gap) = samples.get_mut(from..to.max(from)) {
        gap.fill(f32::NAN);
    }
}
