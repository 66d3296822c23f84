//! Levels as ISO 18405:2017 names them: quantities with their units, bands, and a level that says what
//! it holds for.

use serde::{Deserialize, Serialize};

/// What a level is a level of. Without a calibration it has another name and is relative to full scale,
/// never to a micropascal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// Mean-square sound pressure spectral density level.
    SpectralDensity,
    /// Sound pressure level (SPL) of everything that was recorded.
    SoundPressure,
    /// SPL in a band.
    BandSoundPressure,
    /// SPL in a decidecade, a tenth of a decade (close to a third of an octave).
    DecidecadeBand,
    /// Sound exposure level (SEL).
    SoundExposure,
    /// Zero-to-peak sound pressure level.
    ZeroToPeak,
}

/// A frequency band.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Band {
    /// Lower edge.
    pub low_hz: f64,
    /// Nominal centre: the name of the band.
    pub centre_hz: f64,
    /// Upper edge.
    pub high_hz: f64,
}

/// A level with everything that a readout of it says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Level {
    /// What it is a level of.
    pub quantity: Quantity,
    /// Whether a calibration was added, so that it is relative to a micropascal.
    pub calibrated: bool,
    /// The level.
    pub level_db: f64,
    /// Lower and upper edge of the band that it holds for.
    pub band_hz: (f64, f64),
    /// Recorded time that it is an average over; for an exposure, the time it was summed over.
    pub averaging_s: f64,
}

impl Quantity {
    /// Its name.
    pub fn name(self, calibrated: bool) -> &'static str {
        match (self, calibrated) {
            (Quantity::SpectralDensity, true) => {
                "mean-square sound pressure spectral density level"
            }
            (Quantity::SpectralDensity, false) => "power spectral density level",
            (Quantity::SoundPressure, true) => "sound pressure level",
            (Quantity::SoundPressure, false) => "RMS level",
            (Quantity::BandSoundPressure, true) => "band sound pressure level",
            (Quantity::BandSoundPressure, false) => "band RMS level",
            (Quantity::DecidecadeBand, true) => "decidecade band sound pressure level",
            (Quantity::DecidecadeBand, false) => "decidecade band RMS level",
            (Quantity::SoundExposure, true) => "sound exposure level",
            (Quantity::SoundExposure, false) => "exposure level",
            (Quantity::ZeroToPeak, _) => "zero-to-peak level",
        }
    }

    /// Its unit, with the reference.
    pub fn unit(self, calibrated: bool) -> &'static str {
        match (self, calibrated) {
            (Quantity::SpectralDensity, true) => "dB re 1 µPa²/Hz",
            (Quantity::SpectralDensity, false) => "dB re FS²/Hz",
            (Quantity::SoundExposure, true) => "dB re 1 µPa²·s",
            (Quantity::SoundExposure, false) => "dB re FS²·s",
            (_, true) => "dB re 1 µPa",
            (_, false) => "dB re FS",
        }
    }

    /// The label of an axis: `sound pressure level (dB re 1 µPa)`.
    pub fn label(self, calibrated: bool) -> String {
        format!("{} ({})", self.name(calibrated), self.unit(calibrated))
    }
}

impl Band {
    /// Hertz from edge to edge.
    pub fn width_hz(&self) -> f64 {
        self.high_hz - self.low_hz
    }
}

impl std::fmt::Display for Level {
    /// `band sound pressure level 101.3 dB re 1 µPa, 100 to 1000 Hz, averaged over 60 s`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (name, unit) =
            (self.quantity.name(self.calibrated), self.quantity.unit(self.calibrated));
        let level = format!("{:.1}", self.level_db).replace('-', "−");
        let (low_hz, high_hz) = (significant(self.band_hz.0), significant(self.band_hz.1));
        let over = match self.quantity {
            Quantity::SoundExposure | Quantity::ZeroToPeak => "over",
            _ => "averaged over",
        };
        let time = significant(self.averaging_s);
        write!(f, "{name} {level} {unit}, {low_hz} to {high_hz} Hz, {over} {time} s")
    }
}

/// A positive number to four significant digits, or to one where it is large.
fn significant(value: f64) -> f64 {
    if !(value > 0.0 && value.is_finite()) {
        return value;
    }
    let scale = 10f64.powf((3.0 - value.log10().floor()).max(0.0));
    (value * scale).round() / scale
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Quantity; 6] = [
        Quantity::SpectralDensity,
        Quantity::SoundPressure,
        Quantity::BandSoundPressure,
        Quantity::DecidecadeBand,
        Quantity::SoundExposure,
        Quantity::ZeroToPeak,
    ];

    #[test]
    fn nothing_is_in_pascals_without_a_calibration() {
        for quantity in ALL {
            assert!(!quantity.label(false).contains("µPa"), "{quantity:?}");
            assert!(!quantity.name(false).contains("pressure"), "{quantity:?}");
            assert!(quantity.unit(true).contains("1 µPa"), "{quantity:?}");
        }
        assert_eq!(
            Quantity::SpectralDensity.label(true),
            "mean-square sound pressure spectral density level (dB re 1 µPa²/Hz)"
        );
    }

    #[test]
    fn a_level_says_its_unit_its_band_and_its_averaging_time() {
        let level = Level {
            quantity: Quantity::DecidecadeBand,
            calibrated: true,
            level_db: 101.26,
            band_hz: (56.234_132_5, 70.794_578_4),
            averaging_s: 60.0,
        };
        assert_eq!(
            level.to_string(),
            "decidecade band sound pressure level 101.3 dB re 1 µPa, 56.23 to 70.79 Hz, averaged over 60 s"
        );
        let exposure = Level {
            quantity: Quantity::SoundExposure,
            calibrated: false,
            level_db: -23.01,
            band_hz: (0.0, 24_000.0),
            averaging_s: 0.0123,
        };
        assert_eq!(
            exposure.to_string(),
            "exposure level −23.0 dB re FS²·s, 0 to 24000 Hz, over 0.0123 s"
        );
    }
}
