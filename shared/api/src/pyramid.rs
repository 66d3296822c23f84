//! What a server says of a deployment's pyramids, so that a page knows which tiles to ask for.

use serde::{Deserialize, Serialize};

use crate::view::SpectrumSettings;

/// What `GET …/pyramid` answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PyramidList {
    /// One for each channel of which there are tiles.
    pub pyramids: Vec<PyramidInfo>,
}

/// One pyramid. Its tiles are at `…/tiles/{product}/{version}/{level}/{tile}`, each 256 columns of one
/// level ([`crate::tile`]); a column of level L lasts `column_ns · 2^L`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PyramidInfo {
    /// Its name in addresses: `spectrum`, `spectrum.ch1`.
    pub product: String,
    /// Channel, counted from 0.
    pub channel: u32,
    /// Names its content: tiles of one version never change, except those that say they are unfinished.
    pub version: String,
    /// The transform.
    pub spectrum: SpectrumSettings,
    /// Samples a second of the recordings it is made of.
    pub sample_rate_hz: f64,
    /// What a column of level 0 lasts, nanoseconds.
    pub column_ns: i64,
    /// The finest level that is given; below 0 it is computed when it is asked for.
    pub finest_level: i32,
    /// The coarsest level that is given.
    pub coarsest_level: i32,
    /// Whether column 0 begins at 1970; else at the first sample.
    pub dated: bool,
    /// How much of it is built, 0 to 1.
    pub built: f64,
}
