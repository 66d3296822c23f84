//! What can be set of the detectors. Every value is a number with its unit in the name; presets fill
//! them in, a configuration may change them.

use serde::{Deserialize, Serialize};

/// How the noise floor is tracked.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct NoiseFloor {
    /// The floor is a percentile of the levels of so many seconds around.
    pub window_s: f64,
    /// It is found anew every so many seconds.
    pub update_s: f64,
    /// Which percentile: 50 is the median, less where calls fill most of the time.
    pub percentile: f64,
}

/// A detector of energy in a band.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EnergySettings {
    /// The band whose energy is summed.
    pub low_hz: f64,
    /// Its upper edge.
    pub high_hz: f64,
    /// Length of a frame.
    pub window_s: f64,
    /// Noise that the energy is held against.
    pub noise: NoiseFloor,
    /// A call goes on for as long as its frames stand so far over the noise, dB.
    pub edge_db: f64,
    /// Its best frame stands so far over the noise at least, dB: calls below are not kept.
    pub keep_from: f64,
    /// Calls at least so far over the noise count as found, dB.
    pub threshold: f64,
    /// Frames that are no farther apart are one call.
    pub gap_s: f64,
    /// Shorter calls are none.
    pub least_s: f64,
    /// Longer ones are told in pieces.
    pub longest_s: f64,
}

/// A detector of calls that look like a template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CorrelationSettings {
    /// The band that is looked at.
    pub low_hz: f64,
    /// Its upper edge.
    pub high_hz: f64,
    /// Length of a frame.
    pub window_s: f64,
    /// Noise that the spectrogram is whitened by.
    pub noise: NoiseFloor,
    /// What stands higher over the noise counts as this high, dB: a loud click must not outweigh a call.
    pub ceiling_db: f64,
    /// Width of a template about its contour.
    pub width_hz: f64,
    /// Templates: a call is what looks like any of them.
    pub sweeps: Sweeps,
    /// Calls that correlate less are not kept, 0 to 1.
    pub keep_from: f64,
    /// Calls that correlate at least so well count as found.
    pub threshold: f64,
    /// Of calls that lie closer, the best is told.
    pub apart_s: f64,
}

/// Sweeps of every listed duration, first and last frequency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sweeps {
    /// Durations.
    pub duration_s: Vec<f64>,
    /// Frequencies at which they begin.
    pub start_hz: Vec<f64>,
    /// Frequencies at which they end.
    pub end_hz: Vec<f64>,
    /// How the frequency moves on the way: 1 evenly, more ever faster, less ever slower.
    pub bend: f64,
    /// Sweeps that move by less are left out.
    pub least_sweep_hz: f64,
}

/// A detector of tonal contours.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContourSettings {
    /// The band that is looked at.
    pub low_hz: f64,
    /// Its upper edge.
    pub high_hz: f64,
    /// Length of a frame.
    pub window_s: f64,
    /// Noise that the spectrogram is whitened by.
    pub noise: NoiseFloor,
    /// What is broader than about half of this is no contour: the median over so many hertz is taken off.
    pub flat_hz: f64,
    /// A contour is made of what stands so far over noise and neighbourhood, dB.
    pub edge_db: f64,
    /// Contours whose mean ridge stands less high are not kept, dB.
    pub keep_from: f64,
    /// Contours at least so high count as found, dB.
    pub threshold: f64,
    /// Pieces of a contour that are no farther apart in time belong together.
    pub gap_s: f64,
    /// Shorter ones are none.
    pub least_s: f64,
    /// Longer ones are none: a machine's line.
    pub longest_s: f64,
}

/// A detector of clicks, grouped into trains.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClickSettings {
    /// Only what is above is listened to.
    pub low_hz: f64,
    /// And below this.
    pub high_hz: f64,
    /// Energy is averaged over so long: about the length of a click.
    pub click_s: f64,
    /// Noise that a click is held against.
    pub noise: NoiseFloor,
    /// A click stands so far over the median, dB of Teager–Kaiser energy.
    pub click_db: f64,
    /// And so far over its own neighbourhood, dB: a tone does not.
    pub crest_db: f64,
    /// The mean frequency of a click's spectrum is at least this: clicks of others are higher or lower.
    pub lowest_mean_hz: f64,
    /// And at most this.
    pub highest_mean_hz: f64,
    /// Of clicks that lie closer, the strongest is told: the others are its echoes.
    pub refractory_s: f64,
    /// Clicks no farther apart are one train.
    pub longest_interval_s: f64,
    /// Fewer clicks are no train.
    pub least_clicks: u32,
    /// Trains whose median click stands less far over the noise are not kept, dB.
    pub keep_from: f64,
    /// Trains at least so far over the noise count as found, dB.
    pub threshold: f64,
    /// Longer trains are told in pieces.
    pub longest_s: f64,
}

/// Why settings make no detector.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{key} is {value}, where {allowed} is possible")]
pub struct SettingsError {
    /// The key.
    pub key: &'static str,
    /// What stands there.
    pub value: f64,
    /// What may stand there.
    pub allowed: &'static str,
}

/// A value must lie in a range, ends included.
struct Allowed(&'static str, f64, std::ops::RangeInclusive<f64>, &'static str);

fn check(all: &[Allowed]) -> Result<(), SettingsError> {
    let wrong = all.iter().find(|Allowed(_, value, range, _)| !range.contains(value));
    match wrong {
        Some(&Allowed(key, value, _, allowed)) => Err(SettingsError { key, value, allowed }),
        None => Ok(()),
    }
}

fn seconds(key: &'static str, value: f64, longest: f64, allowed: &'static str) -> Allowed {
    Allowed(key, value, 0.0..=longest, allowed)
}

fn decibels(key: &'static str, value: f64) -> Allowed {
    Allowed(key, value, -20.0..=120.0, "-20 to 120 dB")
}

fn band(low_hz: f64, high_hz: f64) -> [Allowed; 2] {
    [
        Allowed("low_hz", low_hz, 0.0..=1e6, "0 to 1000000"),
        Allowed("high_hz", high_hz, low_hz * 1.01 + 1.0..=1e6, "more than low_hz, at most 1000000"),
    ]
}

fn thresholds(keep_from: f64, threshold: f64, most: f64, allowed: &'static str) -> [Allowed; 2] {
    [
        Allowed("keep_from", keep_from, -20.0..=most, allowed),
        Allowed("threshold", threshold, keep_from..=most, "keep_from or more"),
    ]
}

impl NoiseFloor {
    fn check(&self) -> Result<(), SettingsError> {
        check(&[
            Allowed("noise.window_s", self.window_s, 0.1..=120.0, "0.1 to 120"),
            Allowed("noise.update_s", self.update_s, 0.05..=self.window_s, "0.05 to window_s"),
            Allowed("noise.percentile", self.percentile, 0.0..=100.0, "0 to 100"),
        ])
    }
}

/// A frame is no longer than this.
const LONGEST_WINDOW: &str = "0.0001 to 10";

impl EnergySettings {
    /// # Errors
    /// When a value can't be.
    pub fn check(&self) -> Result<(), SettingsError> {
        check(&band(self.low_hz, self.high_hz))?;
        check(&thresholds(self.keep_from, self.threshold, 120.0, "-20 to 120 dB"))?;
        self.noise.check()?;
        check(&[
            Allowed("window_s", self.window_s, 1e-4..=10.0, LONGEST_WINDOW),
            decibels("edge_db", self.edge_db),
            seconds("gap_s", self.gap_s, 60.0, "0 to 60"),
            seconds("least_s", self.least_s, self.longest_s, "0 to longest_s"),
            Allowed("longest_s", self.longest_s, 1e-3..=600.0, "0.001 to 600"),
        ])
    }
}

impl CorrelationSettings {
    /// # Errors
    /// When a value can't be.
    pub fn check(&self) -> Result<(), SettingsError> {
        check(&band(self.low_hz, self.high_hz))?;
        check(&thresholds(self.keep_from, self.threshold, 1.0, "0 to 1"))?;
        self.noise.check()?;
        check(&[
            Allowed("window_s", self.window_s, 1e-4..=10.0, LONGEST_WINDOW),
            Allowed("ceiling_db", self.ceiling_db, 1.0..=200.0, "1 to 200 dB"),
            Allowed("width_hz", self.width_hz, 1e-3..=1e5, "more than 0"),
            seconds("apart_s", self.apart_s, 60.0, "0 to 60"),
            Allowed("sweeps.bend", self.sweeps.bend, 0.05..=20.0, "0.05 to 20"),
        ])?;
        let lists = [
            ("sweeps.duration_s", &self.sweeps.duration_s, 1e-3..=60.0),
            ("sweeps.start_hz", &self.sweeps.start_hz, self.low_hz..=self.high_hz),
            ("sweeps.end_hz", &self.sweeps.end_hz, self.low_hz..=self.high_hz),
        ];
        for (key, list, range) in lists {
            let allowed = "at least one value, at most 16, within the band or up to 60 s";
            // What is not there is no number.
            let fits = (1..=16).contains(&list.len());
            let first = if fits { list.first().copied() } else { None }.unwrap_or(f64::NAN);
            for value in list.iter().copied().chain([first]) {
                check(&[Allowed(key, value, range.clone(), allowed)])?;
            }
        }
        Ok(())
    }
}

impl ContourSettings {
    /// # Errors
    /// When a value can't be.
    pub fn check(&self) -> Result<(), SettingsError> {
        check(&band(self.low_hz, self.high_hz))?;
        check(&thresholds(self.keep_from, self.threshold, 120.0, "-20 to 120 dB"))?;
        self.noise.check()?;
        check(&[
            Allowed("window_s", self.window_s, 1e-4..=10.0, LONGEST_WINDOW),
            Allowed("flat_hz", self.flat_hz, 1e-3..=1e6, "more than 0"),
            decibels("edge_db", self.edge_db),
            seconds("gap_s", self.gap_s, self.longest_s, "0 to longest_s"),
            seconds("least_s", self.least_s, self.longest_s, "0 to longest_s"),
            Allowed("longest_s", self.longest_s, 1e-3..=60.0, "0.001 to 60"),
        ])
    }
}

impl ClickSettings {
    /// # Errors
    /// When a value can't be.
    pub fn check(&self) -> Result<(), SettingsError> {
        check(&band(self.low_hz, self.high_hz))?;
        check(&thresholds(self.keep_from, self.threshold, 120.0, "-20 to 120 dB"))?;
        self.noise.check()?;
        check(&[
            Allowed("low_hz", self.low_hz, 10.0..=1e6, "10 to 1000000"),
            Allowed("click_s", self.click_s, 1e-6..=0.1, "0.000001 to 0.1"),
            decibels("click_db", self.click_db),
            decibels("crest_db", self.crest_db),
            Allowed("lowest_mean_hz", self.lowest_mean_hz, 0.0..=1e6, "0 to 1000000"),
            Allowed(
                "highest_mean_hz",
                self.highest_mean_hz,
                self.lowest_mean_hz..=1e6,
                "lowest_mean_hz to 1000000",
            ),
            Allowed(
                "refractory_s",
                self.refractory_s,
                1e-6..=self.noise.update_s.min(1.0),
                "0.000001 to noise.update_s",
            ),
            seconds("longest_interval_s", self.longest_interval_s, 60.0, "0 to 60"),
            Allowed("longest_s", self.longest_s, 1e-2..=600.0, "0.01 to 600"),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Method, call_types};

    #[test]
    fn presets_are_sound_and_what_makes_no_sense_is_named() {
        for call in call_types() {
            assert_eq!(call.method.check(), Ok(()), "{}", call.id);
        }
        let upcall = call_types().into_iter().find(|c| c.id == "upcall").expect("known");
        let Method::Correlation(sound) = upcall.method else { panic!("templates") };
        for (key, change) in [
            (
                "threshold",
                Box::new(|s: &mut super::CorrelationSettings| s.threshold = 1.5)
                    as Box<dyn Fn(&mut super::CorrelationSettings)>,
            ),
            ("high_hz", Box::new(|s| s.high_hz = 20.0)),
            ("noise.percentile", Box::new(|s| s.noise.percentile = f64::NAN)),
            ("sweeps.start_hz", Box::new(|s| s.sweeps.start_hz.clear())),
            ("sweeps.end_hz", Box::new(|s| s.sweeps.end_hz.push(5000.0))),
        ] {
            let mut settings = sound.clone();
            change(&mut settings);
            let error = settings.check().expect_err(key);
            assert_eq!(error.key, key, "{error}");
        }
    }
}
