//! `preprocessor_config.json`: how Hugging Face's `ASTFeatureExtractor` was set up.

use spyhop_api::FrontEnd;

use crate::json::JsonFile;
use crate::{ModelError, ModelFiles};

/// Its name in a model folder.
pub const FILE_NAME: &str = "preprocessor_config.json";

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
        true => (
            json.number("mean", FrontEnd::AUDIOSET_MEAN)?,
            json.number("std", FrontEnd::AUDIOSET_STD)?,
        ),
        false => (0.0, 0.5),
    };
    let frames = json.count("max_length", MOST)? as u32;
    let mels = json.count("num_mel_bins", MOST)? as u32;
    Ok(Some(FrontEnd { mels, frames, mean, std, ..FrontEnd::of_rate(rate_hz) }))
}
