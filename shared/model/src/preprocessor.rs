//! `preprocessor_config.json`: how Hugging Face's `ASTFeatureExtractor` was set up.

use spyhop_api::FrontEnd;

use crate::json::JsonFile;
use crate::{ModelError, ModelFiles};

/// Its name in a model folder.
pub const FILE_NAME: &str = "preprocessor_config.json";

/// Kaldi's: frames of 25 ms every 10 ms, filters from 20 Hz up.
const FRAME_S: f64 = 0.025;
const HOP_S: f64 = 0.010;
const LOW_HZ: f64 = 20.0;
/// Of AudioSet, which the extractor takes where nothing else is said.
const AUDIOSET_MEAN: f64 = -4.2677393;
const AUDIOSET_STD: f64 = 4.5689974;

const MOST_RATE_HZ: usize = 100_000_000;
const MOST: usize = 1 << 16;

/// The front end that a folder's `preprocessor_config.json` describes; `None` where there is none.
///
/// # Errors
/// When it is another extractor's, and when a key is missing or can't be meant.
pub fn read(files: &dyn ModelFiles) -> Result<Option<FrontEnd>, ModelError> {
    let Some(json) = JsonFile::read(files, FILE_NAME)? else { return Ok(None) };
    let kind = json.word("feature_extractor_type", "ASTFeatureExtractor")?;
    if kind != "ASTFeatureExtractor" {
        return Err(json.refuse("feature_extractor_type", "ASTFeatureExtractor is expected"));
    }
    let rate_hz = json.count("sampling_rate", MOST_RATE_HZ)? as f64;
    // (x − 0) / (2 · 0.5) leaves everything as it is.
    let (mean, std) = match json.flag("do_normalize", true)? {
        true => (json.number("mean", AUDIOSET_MEAN)?, json.number("std", AUDIOSET_STD)?),
        false => (0.0, 0.5),
    };
    let frames = json.count("max_length", MOST)? as u32;
    let mels = json.count("num_mel_bins", MOST)? as u32;
    Ok(Some(FrontEnd { mels, frames, mean, std, ..of_rate(rate_hz) }))
}

/// The front end of AudioSet's networks at another rate: frames and hops of the same seconds.
pub fn of_rate(rate_hz: f64) -> FrontEnd {
    let frame_samples = (rate_hz * FRAME_S) as u32;
    FrontEnd {
        rate_hz,
        low_hz: LOW_HZ,
        high_hz: rate_hz / 2.0,
        mels: 128,
        frame_samples,
        hop_samples: (rate_hz * HOP_S) as u32,
        fft_size: frame_samples.max(2).next_power_of_two(),
        frames: 1024,
        mean: AUDIOSET_MEAN,
        std: AUDIOSET_STD,
    }
}
