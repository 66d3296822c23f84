//! Measures as a person reads them: the quantity's name (ISO 18405), its value and its unit.

use spyhop_api::Quantity;

use super::BoxMeasures;

/// One measure, ready to be shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The quantity's name.
    pub name: &'static str,
    /// The value in `unit`.
    pub value: f64,
    /// The unit, with its reference.
    pub unit: &'static str,
    /// Digits after the decimal point that mean something.
    pub decimals: usize,
}

impl BoxMeasures {
    /// All measures by name, value and unit. Levels hold for the band [`BoxMeasures::band_hz`] and
    /// are averaged over [`BoxMeasures::recorded_s`]; a page says so beside them. `calibrated` says
    /// whether they were measured with a calibration.
    pub fn readings(&self, calibrated: bool) -> Vec<Reading> {
        let level = |quantity: Quantity, level_db: Option<f64>| {
            (quantity.name(calibrated), level_db, quantity.unit(calibrated), 1)
        };
        // The density where it is greatest is no quantity of its own.
        let peak_density = level(Quantity::SpectralDensity, self.peak_density_db);
        let peak_density_name = if calibrated {
            "peak sound pressure spectral density level"
        } else {
            "peak spectral density level"
        };
        let all = [
            ("duration", Some(self.duration_s), "s", 4),
            ("90 % energy duration", self.duration_90_s, "s", 4),
            ("lower edge", Some(self.band_hz.0), "Hz", 1),
            ("upper edge", Some(self.band_hz.1), "Hz", 1),
            ("peak frequency", self.peak_hz, "Hz", 1),
            ("centre frequency", self.centre_hz, "Hz", 1),
            ("5 % frequency", self.low_5_hz, "Hz", 1),
            ("25 % frequency", self.low_25_hz, "Hz", 1),
            ("75 % frequency", self.high_75_hz, "Hz", 1),
            ("95 % frequency", self.high_95_hz, "Hz", 1),
            level(Quantity::BandSoundPressure, self.rms_db),
            level(Quantity::ZeroToPeak, self.peak_db),
            level(Quantity::SoundExposure, self.exposure_db),
            (peak_density_name, peak_density.1, peak_density.2, 1),
            ("signal-to-noise ratio", self.snr_db, "dB", 1),
        ];
        all.into_iter()
            .filter_map(|(name, value, unit, decimals)| {
                Some(Reading { name, value: value.filter(|v| v.is_finite())?, unit, decimals })
            })
            .collect()
    }
}
