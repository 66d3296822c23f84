//! How well the recordings of hosted deployments were made: measured as units of work, one for each
//! recording, and summed up by recording and by hour.
//!
//! ```text
//! <state>/quality/<key>.json     what was measured of one recording, and of each hour of it
//! ```

mod keeper;
mod measured;
mod sums;

pub use keeper::QualityKeeper;
