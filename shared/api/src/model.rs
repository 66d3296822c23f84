//! What a network says of itself: its model card.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A network's card, whole: what its `spyhop-model.toml` leaves out is filled in from the network's
/// other files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ModelCard {
    /// What it is called: the folder's name where the card gives none.
    pub name: String,
    /// One or two sentences: what it finds, in what.
    pub description: String,
    /// Version of the weights, as its maker counts.
    pub version: String,
    /// Licence of the weights.
    pub licence: String,
    /// What it was trained on.
    pub training_data: String,
    /// How it wants to be cited.
    pub citation: String,
    /// How many times faster than real a recording is handed to the front end: 8 makes 2 kHz audio look
    /// like 16 kHz (low calls), 0.1 slows ultrasound down.
    pub time_compression: f64,
    /// Lowest and highest frequency it listens to, hertz of the recording.
    pub band_hz: (f64, f64),
    /// Samples from one window to the next, at [`ModelCard::rate_hz`].
    pub hop_samples: u32,
    /// How a window of samples becomes the picture that the network sees.
    pub front_end: FrontEnd,
    /// How logits become scores.
    pub scores: Scores,
    /// What it tells apart, in the order of its logits.
    pub classes: Vec<ModelClass>,
    /// How well it does, by whatever name: numbers or text.
    pub metrics: BTreeMap<String, Metric>,
}

/// One thing that a network tells from others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ModelClass {
    /// Its name, which stands in tables and links.
    pub name: String,
    /// Lowest and highest frequency that its calls have, hertz of the recording.
    pub band_hz: (f64, f64),
    /// A window counts as holding a call when its score is at least this, 0–1.
    pub threshold: f64,
    /// False for what is no call (noise, ships, "none"): it is scored, and never becomes a detection.
    pub is_call: bool,
}

/// A Kaldi filter bank, and how its picture is cut and scaled for the network.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FrontEnd {
    /// Samples a second as the front end counts them: the recording's after
    /// [`ModelCard::time_compression`].
    pub rate_hz: f64,
    /// Lower edge of the lowest filter, hertz of the front end.
    pub low_hz: f64,
    /// Upper edge of the highest filter, hertz of the front end.
    pub high_hz: f64,
    /// Filters.
    pub mels: u32,
    /// Samples of a frame.
    pub frame_samples: u32,
    /// Samples from one frame to the next.
    pub hop_samples: u32,
    /// Points of the FFT, at least `frame_samples`; the rest is zeros.
    pub fft_size: u32,
    /// Frames of a window: what is longer is cut, what is shorter filled with 0.
    pub frames: u32,
    /// Mean of the training data's log energies, which is subtracted.
    pub mean: f64,
    /// Their standard deviation; the difference is divided by twice this.
    pub std: f64,
}

/// How logits become scores of 0–1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Scores {
    /// Each class for itself: several may be heard at once.
    #[default]
    Sigmoid,
    /// One class of all: the scores of a window add up to 1.
    Softmax,
}

/// One figure of a card.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum Metric {
    /// A number.
    Number(f64),
    /// Words: on what it was measured, for instance.
    Text(String),
}

/// Which stretches of a recording a network is given. Samples are counted at `rate_hz`, to which the
/// recording is resampled first; nothing else has to be done to them, as the network's own front end
/// takes care of time compression.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WindowPlan {
    /// Samples a second that the recording is resampled to.
    pub rate_hz: f64,
    /// Samples of a window.
    pub window_samples: usize,
    /// Samples from one window to the next.
    pub hop_samples: usize,
    /// Fewer samples than this fill no frame of the front end: there is nothing to see in them.
    pub least_samples: usize,
}

impl ModelCard {
    /// A card that says no more than by which front end a network listens: to all that this hears of a
    /// recording as fast as it is, one window after the other.
    pub fn new(name: impl Into<String>, front_end: FrontEnd) -> ModelCard {
        ModelCard {
            name: name.into(),
            description: String::new(),
            version: String::new(),
            licence: String::new(),
            training_data: String::new(),
            citation: String::new(),
            time_compression: 1.0,
            band_hz: (front_end.low_hz, front_end.high_hz),
            hop_samples: u32::try_from(front_end.window_samples()).unwrap_or(u32::MAX),
            front_end,
            scores: Scores::default(),
            classes: Vec::new(),
            metrics: BTreeMap::new(),
        }
    }

    /// Samples a second that a recording is resampled to.
    pub fn rate_hz(&self) -> f64 {
        self.front_end.rate_hz / self.time_compression
    }

    /// Which stretches of a recording it is given.
    pub fn window(&self) -> WindowPlan {
        WindowPlan {
            rate_hz: self.rate_hz(),
            window_samples: self.front_end.window_samples(),
            hop_samples: self.hop_samples as usize,
            least_samples: self.front_end.frame_samples as usize,
        }
    }
}

impl FrontEnd {
    /// Of AudioSet, which its extractor takes where nothing else is said.
    pub const AUDIOSET_MEAN: f64 = -4.2677393;
    /// The same.
    pub const AUDIOSET_STD: f64 = 4.5689974;

    /// The front end of AudioSet's networks at another rate, as Kaldi has it: frames of 25 ms every 10 ms,
    /// filters from 20 Hz up.
    pub fn of_rate(rate_hz: f64) -> FrontEnd {
        let frame_samples = (rate_hz * 0.025) as u32;
        FrontEnd {
            rate_hz,
            low_hz: 20.0,
            high_hz: rate_hz / 2.0,
            mels: 128,
            frame_samples,
            hop_samples: (rate_hz * 0.010) as u32,
            fft_size: frame_samples.max(2).next_power_of_two(),
            frames: 1024,
            mean: FrontEnd::AUDIOSET_MEAN,
            std: FrontEnd::AUDIOSET_STD,
        }
    }

    /// Samples that fill a window's frames exactly.
    pub fn window_samples(&self) -> usize {
        let hops = (self.frames as usize).saturating_sub(1);
        self.frame_samples as usize + hops * self.hop_samples as usize
    }

    /// Frames that lie wholly in `samples` samples.
    pub fn frames_in(&self, samples: usize) -> usize {
        match samples.checked_sub(self.frame_samples as usize) {
            Some(rest) => rest / (self.hop_samples as usize).max(1) + 1,
            None => 0,
        }
    }
}

impl Scores {
    /// Scores of a window's logits.
    pub fn of(self, logits: &[f32]) -> Vec<f32> {
        match self {
            Scores::Sigmoid => logits.iter().map(|x| 1.0 / (1.0 + (-x).exp())).collect(),
            Scores::Softmax => {
                let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let powers: Vec<f32> = logits.iter().map(|x| (x - most).exp()).collect();
                let sum: f32 = powers.iter().sum();
                powers.iter().map(|p| p / sum).collect()
            }
        }
    }
}

impl WindowPlan {
    /// Where the windows of `samples` samples begin: one every hop, until each sample has been in one.
    /// The last window may reach beyond the end, and is then given what there is; it is left out where
    /// that fills no frame.
    pub fn starts(&self, samples: usize) -> impl Iterator<Item = usize> + use<> {
        let hop = self.hop_samples.max(1);
        let seen = 1 + samples.saturating_sub(self.window_samples).div_ceil(hop);
        let filled =
            samples.checked_sub(self.least_samples.max(1)).map_or(0, |rest| 1 + rest / hop);
        (0..seen.min(filled)).map(move |i| i * hop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_in_a_window_and_none_is_without_need() {
        let plan =
            WindowPlan { rate_hz: 16e3, window_samples: 100, hop_samples: 90, least_samples: 30 };
        let starts = |samples| plan.starts(samples).collect::<Vec<_>>();
        assert_eq!(starts(29), [0usize; 0]);
        assert_eq!(starts(30), [0]);
        assert_eq!(starts(100), [0]);
        assert_eq!(starts(119), [0], "29 samples from 90 on fill no frame");
        assert_eq!(starts(120), [0, 90]);
        assert_eq!(starts(190), [0, 90]);
        assert_eq!(starts(210), [0, 90, 180]);
    }

    #[test]
    fn scores_lie_between_0_and_1_however_large_the_logits_are() {
        assert_eq!(Scores::Sigmoid.of(&[0.0, 1000.0, -1000.0]), [0.5, 1.0, 0.0]);
        assert_eq!(Scores::Softmax.of(&[1000.0, 1000.0]), [0.5, 0.5]);
        // scipy.special.softmax([1, 2, 3]), expit(-2.5)
        let softmax = Scores::Softmax.of(&[1.0, 2.0, 3.0]);
        for (ours, theirs) in softmax.iter().zip([0.09003057, 0.24472848, 0.66524094]) {
            assert!((ours - theirs).abs() < 1e-7, "{ours} {theirs}");
        }
        assert!((Scores::Sigmoid.of(&[-2.5])[0] - 0.07585818).abs() < 1e-8);
    }
}
