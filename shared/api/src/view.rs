//! The view: one value that says everything that is on the screen and in the ears.
//!
//! It has one URL form, all of it in the query of one page (see [`link`]), which the app writes, the
//! server reads to paint a preview, and which stays readable to later versions.

mod link;

pub use link::{KEYS, LinkError};

use serde::{Deserialize, Serialize};

use crate::time::{Moment, Timestamp};

/// Version of the link form that this build writes, as `v=`.
pub const LINK_VERSION: u32 = 1;

/// What a person looks at and how.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// What is open.
    pub source: Source,
    /// How the clocks of its files are read.
    pub reading: Reading,
    /// Left edge of the picture; `None` means "from the beginning".
    pub start: Option<Moment>,
    /// Width of the picture in nanoseconds; `None` means "all of it".
    pub span_ns: Option<i64>,
    /// Band shown; `None` means zero to Nyquist.
    pub band_hz: Option<(f64, f64)>,
    /// How the frequency axis runs.
    pub frequency_axis: FrequencyAxis,
    /// Channel shown, counted from 0.
    pub channel: u32,
    /// The transform.
    pub spectrum: SpectrumSettings,
    /// Colours.
    pub colour: ColourSettings,
    /// Box that is selected.
    pub selection: Option<Selection>,
    /// The ears.
    pub listening: Listening,
    /// Which clock the time axis shows.
    pub clock: Clock,
    /// Seconds of recording over which each band's median is taken and subtracted (*flatten*).
    pub flatten_s: Option<f64>,
    /// What of a pixel's power is drawn.
    pub statistic: Statistic,
    /// Whether gaps are folded away, so that what was recorded stands side by side.
    pub gaps_collapsed: bool,
    /// The candidates that are shown.
    pub calls: Option<ShownCalls>,
}

/// Which candidates of detectors and networks are shown.
#[derive(Clone, Debug, PartialEq)]
pub struct ShownCalls {
    /// The run's number: one of the server's above zero, one that was made in the browser below, which
    /// no link names.
    pub run: i64,
    /// Thresholds by class, in the run's order; those of the run where there are none.
    pub thresholds: Vec<f64>,
}

/// What a person says about the clocks of files, against what the files say themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// How EARS clocks are read: `unophysics`, `readEARS` or `legacy`; the usual way if empty.
    pub ears_convention: String,
    /// Where the time stands in file names, in strftime's letters.
    pub name_pattern: Option<String>,
    /// Offset from UTC, seconds east, of times without a zone.
    pub zone_offset_s: Option<i32>,
    /// When the recording began.
    pub start: Option<Timestamp>,
}

/// What a view is of.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Source {
    /// Nothing yet: the first page.
    #[default]
    None,
    /// A deployment of the server: all recordings, or one of them.
    Deployment {
        /// The deployment's id.
        id: String,
        /// One recording's name, or all.
        recording: Option<String>,
    },
    /// Files at public addresses.
    Urls(Vec<String>),
    /// Files on a person's disk, named so that a link can ask for them: name and fingerprint.
    Local(Vec<LocalFile>),
}

/// A file on somebody's disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalFile {
    /// File name, without a path.
    pub name: String,
    /// Content fingerprint as in [`crate::RecordingInfo`].
    pub fingerprint: String,
}

/// What is drawn of the power under a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Statistic {
    /// Its mean: the level is the same at every zoom.
    Mean,
    /// Its mean, and its maximum where the mean would hide it.
    #[default]
    Both,
    /// Its maximum.
    Max,
}

/// How frequency maps to height.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum FrequencyAxis {
    /// Hertz.
    #[default]
    Linear,
    /// Logarithm of hertz.
    Log,
    /// mel = 1127·ln(1 + f/700).
    Mel,
}

/// Window functions, by the names that scipy gives them.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize, Deserialize)]
pub enum Window {
    /// Periodic Hann, `hann`.
    #[default]
    Hann,
    /// Symmetric Hann, `hann-sym`.
    HannSymmetric,
    /// Periodic Hamming.
    Hamming,
    /// Periodic Blackman.
    Blackman,
    /// Periodic four-term Blackman–Harris, `blackmanharris`.
    BlackmanHarris,
    /// Periodic Kaiser with β, `kaiser8.6`.
    Kaiser(f64),
    /// Rectangular, `boxcar`.
    Rectangular,
}

/// How power is normalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Scaling {
    /// Power spectral density: noise keeps its level when the window changes.
    #[default]
    Density,
    /// Power spectrum: a sine keeps its level; dB per bin.
    Spectrum,
}

/// The transform of a view.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpectrumSettings {
    /// Points of the FFT, a power of two from 64 to 65 536.
    pub fft_size: u32,
    /// Samples under the window, at most `fft_size`; the rest is zeros.
    pub window_samples: u32,
    /// Samples from one frame to the next.
    pub hop_samples: u32,
    /// The window.
    pub window: Window,
    /// Normalisation.
    pub scaling: Scaling,
}

impl Default for SpectrumSettings {
    fn default() -> Self {
        SpectrumSettings {
            fft_size: 1024,
            window_samples: 1024,
            hop_samples: 512,
            window: Window::Hann,
            scaling: Scaling::Density,
        }
    }
}

/// Colour maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ColourMap {
    /// viridis.
    Viridis,
    /// cividis: the same to people with colour-blindness.
    Cividis,
    /// magma.
    Magma,
    /// inferno.
    #[default]
    Inferno,
    /// White on black.
    Grey,
    /// Black on white, as printed.
    GreyInverted,
}

/// Colour of a level.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct ColourSettings {
    /// The map.
    pub map: ColourMap,
    /// Floor and ceiling in dB (of the unit on the colour bar); `None` means "by contrast".
    pub range_db: Option<(f64, f64)>,
}

/// A box of time and frequency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Selection {
    /// Left edge.
    pub start: Moment,
    /// Width in nanoseconds.
    pub span_ns: i64,
    /// Lower and upper edge in hertz.
    pub band_hz: (f64, f64),
}

/// What is heard.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listening {
    /// Speed: 0.1 is ten times slower (and lower), 16 is sixteen times faster.
    pub rate: f64,
    /// What is done to ultrasound.
    pub lens: Lens,
    /// Band passed, or everything.
    pub band_hz: Option<(f64, f64)>,
    /// Gain on top of the automatic one, dB.
    pub gain_db: f64,
    /// Whether the end joins the beginning.
    pub looped: bool,
}

impl Default for Listening {
    fn default() -> Self {
        Listening { rate: 1.0, lens: Lens::AsIs, band_hz: None, gain_db: 0.0, looped: false }
    }
}

/// Ways to hear what ears can't.
#[derive(Clone, Copy, Debug, PartialEq, Default, Serialize, Deserialize)]
pub enum Lens {
    /// As it is (at [`Listening::rate`]).
    #[default]
    AsIs,
    /// Mixed down by a frequency in hertz.
    Heterodyne(f64),
    /// The envelope of the band.
    Envelope,
}

/// Clock of the time axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Clock {
    /// Seconds since the beginning.
    Elapsed,
    /// Coordinated universal time; elapsed where the recording has no date.
    #[default]
    Utc,
    /// The recorder's own clock, as its files say it.
    Recorder,
    /// The zone of the person looking.
    Local,
}

impl Default for View {
    fn default() -> Self {
        View {
            source: Source::None,
            reading: Reading::default(),
            start: None,
            span_ns: None,
            band_hz: None,
            frequency_axis: FrequencyAxis::Linear,
            channel: 0,
            spectrum: SpectrumSettings::default(),
            colour: ColourSettings::default(),
            selection: None,
            listening: Listening::default(),
            clock: Clock::Utc,
            flatten_s: None,
            statistic: Statistic::Both,
            gaps_collapsed: false,
            calls: None,
        }
    }
}
