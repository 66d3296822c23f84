//! What must be known of a range before it is played: its DC and its level.

use std::ops::Range;

use super::chain::Chain;
use super::renderer::{ListenError, ListenSpec, Read};

/// The level that a range is brought to, dB re full scale (RMS).
pub const TARGET_RMS_DBFS: f64 = -20.0;
/// No range is amplified more than this, dB.
pub const MAX_GAIN_DB: f64 = 70.0;

/// Up to so many frames made from up to so many samples, a range is surveyed whole;
const WHOLE_FRAMES: u64 = 1 << 16;
const MOST_SAMPLES: f64 = 4e6;
/// else in so many stretches, evenly over it.
const STRETCHES: u64 = 32;
/// Samples that the DC is taken from, in all stretches together.
const DC_SAMPLES: i64 = 1 << 20;
/// Frames of a stretch at the least, however many samples they are made of.
const LEAST_FRAMES: u64 = 32;

/// What a survey found.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Survey {
    /// Mean of the samples.
    pub dc: f64,
    /// RMS after all filters, dB re full scale; `None` where all is silent.
    pub rms_dbfs: Option<f64>,
    /// Gain to [`TARGET_RMS_DBFS`], at most [`MAX_GAIN_DB`].
    pub auto_gain_db: f64,
}

/// Surveys the range of `spec` (whose own `dc` and `auto_gain_db` are not looked at): the whole of a
/// short range, stretches of a long one, of what was recorded.
///
/// # Errors
/// When the spec can't be played, or what `read` says.
pub fn survey(spec: &ListenSpec, read: &mut Read<'_>) -> Result<Survey, String> {
    spec.check().map_err(|e| e.to_string())?;
    let stretches = stretches(spec);
    let dc = mean(&stretches, read)?;
    let spec = ListenSpec { dc, ..spec.clone() };
    let mut chain = Chain::new(&spec).map_err(|e: ListenError| e.to_string())?;
    let (mut sum, mut count) = (0.0, 0usize);
    let mut frames = Vec::new();
    for stretch in stretches {
        frames.clear();
        chain.seek(stretch.start as f64);
        let length = (stretch.end - stretch.start) as f64 / spec.step();
        chain.render(read, &mut frames, (length.round() as usize).max(1))?;
        sum += frames.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>();
        count += frames.len();
    }
    let power = sum / count.max(1) as f64;
    // Below the last bit of any recording there is only rounding.
    let rms_dbfs = (power > 1e-18).then(|| 10.0 * power.log10());
    let auto_gain_db = rms_dbfs.map_or(0.0, |level| (TARGET_RMS_DBFS - level).min(MAX_GAIN_DB));
    Ok(Survey { dc, rms_dbfs, auto_gain_db })
}

/// The parts of the range that are listened to: recorded ones only.
fn stretches(spec: &ListenSpec) -> Vec<Range<i64>> {
    let everywhere = [spec.range.clone()];
    let recorded = if spec.recorded.is_empty() { &everywhere } else { spec.recorded.as_slice() };
    let inside: Vec<Range<i64>> = recorded
        .iter()
        .map(|r| r.start.max(spec.range.start)..r.end.min(spec.range.end))
        .filter(|r| !r.is_empty())
        .collect();
    let total: i64 = inside.iter().map(|r| r.end - r.start).sum();
    let step = spec.step();
    if total as f64 / step <= WHOLE_FRAMES as f64 && total as f64 <= MOST_SAMPLES {
        return inside;
    }
    let affordable = MOST_SAMPLES / STRETCHES as f64 / step;
    let frames = (affordable as u64).clamp(LEAST_FRAMES, WHOLE_FRAMES / STRETCHES);
    let length = ((frames as f64 * step).ceil() as i64).max(1);
    (0..STRETCHES as i64)
        .filter_map(|i| {
            // The i-th of equal shares of the recorded time; its middle.
            let mut at =
                (i128::from(total) * i128::from(2 * i + 1) / i128::from(2 * STRETCHES)) as i64;
            for run in &inside {
                let run_length = run.end - run.start;
                if at < run_length {
                    let start = (run.start + at - length / 2).max(run.start);
                    return Some(start..(start + length).min(run.end));
                }
                at -= run_length;
            }
            None
        })
        .filter(|stretch| !stretch.is_empty())
        .collect()
}

/// Mean of the samples, from the beginning of each stretch.
fn mean(stretches: &[Range<i64>], read: &mut Read<'_>) -> Result<f64, String> {
    let (mut sum, mut count) = (0.0, 0u64);
    let mut samples = Vec::new();
    let share = 1 + DC_SAMPLES / (stretches.len().max(1) as i64);
    for stretch in stretches {
        samples.clear();
        read(stretch.start..stretch.end.min(stretch.start + share), &mut samples)?;
        for x in samples.iter().filter(|x| x.is_finite()) {
            sum += f64::from(*x);
            count += 1;
        }
    }
    Ok(sum / count.max(1) as f64)
}
