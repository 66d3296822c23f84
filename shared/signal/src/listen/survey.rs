//! What must be known of a range before it is played: its DC and its level.

use super::renderer::{ListenError, ListenSpec, Read};

/// The level that a range is brought to, dB re full scale (RMS).
pub const TARGET_RMS_DBFS: f64 = -20.0;
/// No range is amplified more than this, dB.
pub const MAX_GAIN_DB: f64 = 70.0;

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

/// Samples of a range read in advance.
const BLOCKS: i64 = 16;
const BLOCK_SAMPLES: i64 = 4096;

/// Surveys the range of `spec` (whose own `dc` and `auto_gain_db` are not looked at).
///
/// # Errors
/// When the spec can't be played, or what `read` says.
pub fn survey(spec: &ListenSpec, read: &mut Read<'_>) -> Result<Survey, String> {
    if spec.range.is_empty() {
        return Err(ListenError::Empty.to_string());
    }
    let (mut sum, mut squares, mut count) = (0.0, 0.0, 0u64);
    let mut samples = Vec::new();
    let length = spec.range.end - spec.range.start;
    for block in 0..BLOCKS {
        let start = spec.range.start + (length / BLOCKS) * block;
        read(start..spec.range.end.min(start + BLOCK_SAMPLES), &mut samples)?;
        for x in samples.iter().map(|x| f64::from(*x)).filter(|x| x.is_finite()) {
            sum += x;
            squares += x * x;
            count += 1;
        }
    }
    let dc = sum / count.max(1) as f64;
    let power = squares / count.max(1) as f64 - dc * dc;
    let rms_dbfs = (power > 0.0).then(|| 10.0 * power.log10());
    let auto_gain_db = rms_dbfs.map_or(0.0, |level| (TARGET_RMS_DBFS - level).min(MAX_GAIN_DB));
    Ok(Survey { dc, rms_dbfs, auto_gain_db })
}
