//! A deployment to be synthesised: what sounds, and which files record it.

use std::ops::Range;
use std::sync::Arc;

use spyhop_api::view::{Scaling, SpectrumSettings, View, Window};
use spyhop_api::{Calibration, Deployment, Moment, Timestamp};

use super::sea::Sea;
use super::stretch::{Source, Stretch};
use super::truth::Truth;

/// A deployment before it is made.
pub struct Scene {
    /// Its description, as it goes into `deployment.toml`.
    pub deployment: Deployment,
    /// Samples a second.
    pub rate_hz: f64,
    /// Level of a full-scale RMS of 1, dB re 1 µPa.
    pub full_scale_db: f64,
    /// Offset of the converter, as a part of full scale.
    pub dc: f64,
    /// Clock time of position 0.
    pub origin: Timestamp,
    /// The sea.
    pub sea: Arc<Sea>,
    /// What sounds in it.
    pub sources: Vec<Box<dyn Source>>,
    /// What sounds in one recording only, planned when that recording is made.
    pub visitors: Option<Box<Visitors>>,
    /// The recordings.
    pub recordings: Vec<Plan>,
    /// How they are stored.
    pub container: Container,
    /// Seconds east of UTC of the clock in their names, where it is not UTC's.
    pub zone_offset_s: Option<i32>,
    /// A table (CSV) of the sea's conditions; empty where there is none.
    pub conditions: String,
}

/// Plans what sounds in a recording, by its index and the seconds it covers.
pub type Visitors = dyn Fn(usize, Range<f64>) -> Vec<Box<dyn Source>> + Send + Sync;

/// How recordings are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// Records of an EARS buoy.
    Ears,
    /// PCM16, the description in a LIST chunk.
    Wav,
    /// PCM16, the description and the start in a GUANO chunk.
    WavGuano,
}

/// One recording to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// File name.
    pub name: String,
    /// Runs of samples: first position and number of frames. More than one where records are missing.
    pub runs: Vec<(i64, usize)>,
}

impl Plan {
    /// Frames in all runs.
    pub fn frames(&self) -> usize {
        self.runs.iter().map(|r| r.1).sum()
    }

    /// Seconds since the origin between its first and its last sample.
    pub fn span_s(&self, rate_hz: f64) -> Range<f64> {
        let first = self.runs.first().map_or(0, |r| r.0);
        let end = self.runs.last().map_or(0, |r| r.0 + r.1 as i64);
        first as f64 / rate_hz..end as f64 / rate_hz
    }

    /// Seconds into the file of a time since the origin; what was not recorded takes no time.
    pub fn offset_s(&self, time_s: f64, rate_hz: f64) -> f64 {
        let position = time_s * rate_hz;
        let before =
            |&(first, frames): &(i64, usize)| (position - first as f64).clamp(0.0, frames as f64);
        self.runs.iter().map(before).sum::<f64>() / rate_hz
    }
}

/// A recording that has been synthesised.
pub struct Made {
    /// 16-bit samples of all runs.
    pub samples: Vec<i16>,
    /// What is in it, in seconds since the origin.
    pub truths: Vec<Truth>,
}

impl Scene {
    /// Synthesises one recording.
    pub fn make(&self, index: usize) -> Made {
        let Some(plan) = self.recordings.get(index) else {
            return Made { samples: Vec::new(), truths: Vec::new() };
        };
        let span = plan.span_s(self.rate_hz);
        let visitors = self.visitors.as_ref().map_or(Vec::new(), |v| v(index, span.clone()));
        let sources = || self.sources.iter().chain(&visitors);
        let mut samples = Vec::with_capacity(plan.frames());
        let counts = 32_768.0 / super::level::amplitude(self.full_scale_db);
        let offset = self.dc * 32_768.0;
        for &(first, frames) in &plan.runs {
            let mut stretch = Stretch::new(self.rate_hz, first, frames);
            stretch.hear(self.sea.as_ref());
            for source in sources() {
                stretch.hear(source.as_ref());
            }
            samples.extend(
                stretch
                    .samples
                    .iter()
                    .map(|p| (p * counts + offset).round().clamp(-32_768.0, 32_767.0) as i16),
            );
        }
        let truths = sources()
            .filter_map(|s| s.truth())
            .filter(|t| t.start_s < span.end && t.end_s > span.start)
            .collect();
        Made { samples, truths }
    }

    /// Clock time of a position.
    pub fn clock(&self, position: i64) -> Timestamp {
        Timestamp::of_frame(self.origin, position, self.rate_hz)
    }

    /// Everything that would be marked, except by visitors.
    pub fn truths(&self) -> Vec<Truth> {
        self.sources.iter().filter_map(|s| s.truth()).collect()
    }

    /// Sets the view that shows it best: `span_s` seconds from the start that `score` likes most,
    /// among the starts of marked sounds.
    pub fn show_best(&mut self, span_s: f64, look: Look, score: impl Fn(&[&Truth]) -> f64) {
        let truths = self.truths();
        let mut best: Option<(f64, f64)> = None;
        for candidate in &truths {
            let window = candidate.start_s - 0.05 * span_s..candidate.start_s + 0.95 * span_s;
            if !self.is_recorded(&window) {
                continue;
            }
            let inside: Vec<&Truth> = truths
                .iter()
                .filter(|t| t.start_s >= window.start && t.end_s <= window.end)
                .collect();
            let points = score(&inside);
            if best.is_none_or(|(most, _)| points > most) {
                best = Some((points, window.start));
            }
        }
        // Links are kept short: tenths of a second are exact enough to begin at.
        let start_s = best.map_or(0.0, |(_, start)| (start * 10.0).floor() / 10.0);
        self.deployment.best_view = self.view(start_s..start_s + span_s, look).to_query();
    }

    /// The view of a span of seconds since the origin, of whatever is open.
    pub fn view(&self, span_s: Range<f64>, look: Look) -> View {
        let mut view = View {
            start: Some(self.moment(span_s.start)),
            span_ns: Some(((span_s.end - span_s.start) * 1e9).round() as i64),
            band_hz: Some(look.band_hz),
            spectrum: look.spectrum,
            ..View::default()
        };
        view.colour.range_db = Some(look.range_db);
        view.listening.rate = look.speed;
        view
    }

    /// The clock time of a time since the origin.
    pub fn moment(&self, time_s: f64) -> Moment {
        Moment::Clock(self.clock((time_s * self.rate_hz).round() as i64))
    }

    /// Whether a span of seconds since the origin lies in one run of samples.
    pub fn is_recorded(&self, span_s: &Range<f64>) -> bool {
        self.recordings.iter().flat_map(|plan| &plan.runs).any(|&(first, frames)| {
            let (start_s, end_s) =
                (first as f64 / self.rate_hz, (first + frames as i64) as f64 / self.rate_hz);
            start_s <= span_s.start && span_s.end <= end_s
        })
    }
}

/// How a deployment looks and sounds best.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Band shown.
    pub band_hz: (f64, f64),
    /// Transform.
    pub spectrum: SpectrumSettings,
    /// Contrast in the calibrated unit.
    pub range_db: (f64, f64),
    /// Speed of playback.
    pub speed: f64,
}

/// A Hann transform in calibrated density.
pub const fn hann(fft_size: u32, window_samples: u32, hop_samples: u32) -> SpectrumSettings {
    let (window, scaling) = (Window::Hann, Scaling::Density);
    SpectrumSettings { fft_size, window_samples, hop_samples, window, scaling }
}

/// What all deployments say of themselves in the same words.
pub fn described(
    id: &str,
    name: &str,
    about: &str,
    place: Place,
    full_scale_db: f64,
) -> Deployment {
    Deployment {
        id: id.into(),
        name: name.into(),
        description: format!("{about} Synthesised by Spyhop: no animal was recorded."),
        credit: "Synthesised by spyhop demo".into(),
        licence: "CC0-1.0".into(),
        position: place.in_words(),
        latitude: Some(place.latitude),
        longitude: Some(place.longitude),
        depth_m: Some(place.depth_m),
        time_zone: place.time_zone.into(),
        synthesised: true,
        calibration: Some(Calibration::UpaPerFullscale { db: full_scale_db.into() }),
        ..Deployment::default()
    }
}

/// Where a hydrophone lay.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// Below the surface, m.
    pub depth_m: f64,
    /// The zone of its clocks on land.
    pub time_zone: &'static str,
}

impl Place {
    /// `28.3° N, 88.4° W, hydrophone at 260 m`.
    fn in_words(self) -> String {
        let north = if self.latitude < 0.0 { "S" } else { "N" };
        let east = if self.longitude < 0.0 { "W" } else { "E" };
        let (latitude, longitude) = (self.latitude.abs(), self.longitude.abs());
        format!("{latitude}° {north}, {longitude}° {east}, hydrophone at {} m", self.depth_m)
    }
}

/// Boxes sources of one kind for a scene.
pub fn boxed<S: Source + 'static>(sources: Vec<S>) -> impl Iterator<Item = Box<dyn Source>> {
    sources.into_iter().map(|s| Box::new(s) as Box<dyn Source>)
}
