//! What suits which animals: window, band, speed and lens.

use spyhop_api::view::{Lens, Scaling, SpectrumSettings, Window};

/// Settings for a group of animals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Preset {
    /// Stable name; what a person reads is the page's.
    pub id: &'static str,
    /// Shortest and longest good window, seconds.
    pub window_s: (f64, f64),
    /// Lower edge of the band, Hz.
    pub low_hz: f64,
    /// Upper edge of the band, Hz; `None` is Nyquist.
    pub high_hz: Option<f64>,
    /// Speed: 16 is sixteen times faster, 0.1 ten times slower.
    pub speed: f64,
    /// How it is heard.
    pub lens: Lens,
    /// Least sampling rate at which there is something to see, Hz.
    pub needs_rate_hz: f64,
    /// Frames per window: 2 is half overlapped, 4 three quarters.
    pub frames_per_window: u32,
}

/// A preset at a sampling rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PresetSettings {
    /// The transform.
    pub spectrum: SpectrumSettings,
    /// The band, within Nyquist, Hz.
    pub band_hz: (f64, f64),
    /// Speed.
    pub speed: f64,
    /// How it is heard.
    pub lens: Lens,
}

/// A recording whose sampling rate leaves nothing of the sounds of a group.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error(
    "a sampling rate of {needs_rate_hz} Hz or more is needed, and the recording has {sample_rate_hz} Hz"
)]
pub struct TooSlow {
    /// Least sampling rate, Hz.
    pub needs_rate_hz: f64,
    /// What the recording has, Hz.
    pub sample_rate_hz: f64,
}

/// All groups, from the lowest voices to the highest.
pub const PRESETS: [Preset; 8] = [
    Preset {
        id: "blue-fin",
        window_s: (1.0, 2.0),
        low_hz: 10.0,
        high_hz: Some(120.0),
        speed: 16.0,
        lens: Lens::AsIs,
        needs_rate_hz: 60.0,
        frames_per_window: 4,
    },
    Preset {
        id: "right-bowhead",
        window_s: (0.128, 0.256),
        low_hz: 20.0,
        high_hz: Some(500.0),
        speed: 4.0,
        lens: Lens::AsIs,
        needs_rate_hz: 400.0,
        frames_per_window: 4,
    },
    Preset {
        id: "humpback-minke",
        window_s: (0.05, 0.1),
        low_hz: 20.0,
        high_hz: Some(4000.0),
        speed: 1.0,
        lens: Lens::AsIs,
        needs_rate_hz: 1000.0,
        frames_per_window: 4,
    },
    Preset {
        id: "sperm",
        window_s: (0.002, 0.005),
        low_hz: 500.0,
        high_hz: Some(24_000.0),
        speed: 1.0,
        lens: Lens::AsIs,
        needs_rate_hz: 8000.0,
        frames_per_window: 2,
    },
    Preset {
        id: "whistles",
        window_s: (0.005, 0.01),
        low_hz: 1000.0,
        high_hz: Some(30_000.0),
        speed: 0.125,
        lens: Lens::AsIs,
        needs_rate_hz: 16_000.0,
        frames_per_window: 4,
    },
    Preset {
        id: "clicks",
        window_s: (0.0003, 0.0013),
        low_hz: 10_000.0,
        high_hz: None,
        speed: 0.1,
        lens: Lens::AsIs,
        needs_rate_hz: 40_000.0,
        frames_per_window: 2,
    },
    Preset {
        id: "clicks-envelope",
        window_s: (0.0003, 0.0013),
        low_hz: 10_000.0,
        high_hz: None,
        speed: 1.0,
        lens: Lens::Envelope,
        needs_rate_hz: 40_000.0,
        frames_per_window: 2,
    },
    Preset {
        id: "porpoise",
        window_s: (0.000_25, 0.0005),
        low_hz: 100_000.0,
        high_hz: Some(180_000.0),
        speed: 0.02,
        lens: Lens::AsIs,
        needs_rate_hz: 300_000.0,
        frames_per_window: 2,
    },
];

/// Powers of two that the page's transform takes.
const FFT_SIZES: std::ops::RangeInclusive<u32> = 64..=65_536;

impl Preset {
    /// The preset's settings for recordings of a rate.
    ///
    /// # Errors
    /// Where the recording can't hold these sounds.
    pub fn at(&self, sample_rate_hz: f64) -> Result<PresetSettings, TooSlow> {
        if !(sample_rate_hz >= self.needs_rate_hz) {
            return Err(TooSlow { needs_rate_hz: self.needs_rate_hz, sample_rate_hz });
        }
        let nyquist = sample_rate_hz / 2.0;
        // The power of two nearest to the middle (geometric: windows are judged by their ratio).
        let middle = (self.window_s.0 * self.window_s.1).sqrt() * sample_rate_hz;
        let window_samples = (middle.log2().round().clamp(1.0, 16.0)).exp2() as u32;
        Ok(PresetSettings {
            spectrum: SpectrumSettings {
                fft_size: window_samples.clamp(*FFT_SIZES.start(), *FFT_SIZES.end()),
                window_samples,
                hop_samples: (window_samples / self.frames_per_window).max(1),
                window: Window::Hann,
                scaling: Scaling::Density,
            },
            band_hz: (self.low_hz, self.high_hz.map_or(nyquist, |high| high.min(nyquist))),
            speed: self.speed,
            lens: self.lens,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preset_takes_the_window_that_the_field_uses_at_every_rate() {
        for preset in PRESETS {
            for rate in [2000.0, 11_718.75, 48_000.0, 192_000.0, 500_000.0] {
                let Ok(settings) = preset.at(rate) else { continue };
                let s = settings.spectrum;
                let seconds = f64::from(s.window_samples) / rate;
                // A power of two may miss a narrow range (an octave wide at least) by its half.
                let (least, most) = (preset.window_s.0 / 1.5, preset.window_s.1 * 1.5);
                let longest = s.window_samples == 65_536;
                assert!((least..=most).contains(&seconds) || longest, "{} at {rate}", preset.id);
                assert!(s.fft_size.is_power_of_two() && FFT_SIZES.contains(&s.fft_size));
                assert!(s.hop_samples >= 1 && s.window_samples <= s.fft_size);
                assert!(settings.band_hz.0 < settings.band_hz.1, "{} at {rate}", preset.id);
                assert!(settings.band_hz.1 <= rate / 2.0);
            }
        }
    }

    #[test]
    fn porpoises_are_greyed_below_300_khz_with_the_reason() {
        let porpoise = PRESETS.iter().find(|p| p.id == "porpoise").expect("in the table");
        let reason = porpoise.at(192_000.0).expect_err("nothing of a porpoise is in 192 kHz");
        assert_eq!((reason.needs_rate_hz, reason.sample_rate_hz), (300e3, 192e3));
        assert!(porpoise.at(384_000.0).is_ok());
        assert!(porpoise.at(f64::NAN).is_err());
    }
}
