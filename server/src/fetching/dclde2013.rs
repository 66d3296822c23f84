//! The North Atlantic right whale recordings of the DCLDE workshop of 2013, in NOAA's public archive.
//!
//! ```text
//! gs://noaa-passive-bioacoustic/dclde/2013/nefsc_sbnms_200903_nopp6_ch10/
//!   source-audio/NOPP6_EST_20090328_000000_CH10.wav   96 a day, 15 minutes each, 2 kHz, 3.6 MB
//!   detections/NEFSC_SBNMS_200903_NOPP6_CH10_upcall-detection-log.csv
//! ```
//! Other sets of the archive lie beside it in the same way and are fetched by their address.

/// What it is called on the command line.
pub const NAME: &str = "dclde2013";

/// Where it is.
pub const ADDRESS: &str = "gs://noaa-passive-bioacoustic/dclde/2013/nefsc_sbnms_200903_nopp6_ch10";
