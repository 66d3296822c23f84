//! Measures as a person reads them: the quantity's name (ISO 18405), its value and its unit.

use super::BoxMeasures;

/// What a level is relative to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LevelReference {
    /// Full scale: nothing is known of pressure.
    FullScale,
    /// Micropascal, by a calibration's constant in dB.
    Micropascal {
        /// Added to dB re full scale.
        offset_db: f64,
    },
}

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

impl LevelReference {
    fn offset_db(self) -> f64 {
        match self {
            LevelReference::FullScale => 0.0,
            LevelReference::Micropascal { offset_db } => offset_db,
        }
    }

    fn unit(self, full_scale: &'static str, micropascal: &'static str) -> &'static str {
        match self {
            LevelReference::FullScale => full_scale,
            LevelReference::Micropascal { .. } => micropascal,
        }
    }
}

impl BoxMeasures {
    /// All measures by name, value and unit. Levels hold for the band [`BoxMeasures::band_hz`] and
    /// are averaged over [`BoxMeasures::recorded_s`]; a page says so beside them.
    pub fn readings(&self, reference: LevelReference) -> Vec<Reading> {
        let c = reference.offset_db();
        let pressure = |fs, upa| reference.unit(fs, upa);
        let calibrated = matches!(reference, LevelReference::Micropascal { .. });
        let named = |plain, iso| if calibrated { iso } else { plain };
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
            (
                named("band RMS level", "band sound pressure level"),
                self.rms_db.map(|l| l + c),
                pressure("dB re FS", "dB re 1 µPa"),
                1,
            ),
            (
                "zero-to-peak level",
                self.peak_db.map(|l| l + c),
                pressure("dB re FS", "dB re 1 µPa"),
                1,
            ),
            (
                named("exposure level", "sound exposure level"),
                self.exposure_db.map(|l| l + c),
                pressure("dB re FS²·s", "dB re 1 µPa²·s"),
                1,
            ),
            (
                named("peak spectral density level", "peak sound pressure spectral density level"),
                self.peak_density_db.map(|l| l + c),
                pressure("dB re FS²/Hz", "dB re 1 µPa²/Hz"),
                1,
            ),
            ("signal-to-noise ratio", self.snr_db, "dB", 1),
        ];
        all.into_iter()
            .filter_map(|(name, value, unit, decimals)| {
                Some(Reading { name, value: value.filter(|v| v.is_finite())?, unit, decimals })
            })
            .collect()
    }
}
