//! Raven's measurement columns: short names, their longer and older spellings, and our values.

use crate::measure::BoxMeasures;

/// Short names as tables carry them, with the other spellings in use.
const SPELLINGS: &[(&str, &[&str])] = &[
    ("Low Freq (Hz)", &["Low Frequency (Hz)"]),
    ("High Freq (Hz)", &["High Frequency (Hz)"]),
    ("Peak Freq (Hz)", &["Peak Frequency (Hz)", "Max Freq (Hz)", "Max Frequency (Hz)"]),
    ("Center Freq (Hz)", &["Center Frequency (Hz)", "Centre Frequency (Hz)"]),
    ("Freq 5% (Hz)", &["Frequency 5% (Hz)"]),
    (
        "Freq 25% (Hz)",
        &["Frequency 25% (Hz)", "1st Quartile Freq (Hz)", "1st Quartile Frequency (Hz)"],
    ),
    (
        "Freq 75% (Hz)",
        &["Frequency 75% (Hz)", "3rd Quartile Freq (Hz)", "3rd Quartile Frequency (Hz)"],
    ),
    ("Freq 95% (Hz)", &["Frequency 95% (Hz)"]),
    ("BW 50% (Hz)", &["Bandwidth 50% (Hz)", "Inter-quartile Range Bandwidth (Hz)", "IQR BW (Hz)"]),
    ("BW 90% (Hz)", &["Bandwidth 90% (Hz)"]),
    ("Delta Freq (Hz)", &["Delta Frequency (Hz)"]),
    ("Delta Time (s)", &["Delta Time"]),
    ("Dur 50% (s)", &["Duration 50% (s)", "IQR Dur (s)", "Inter-quartile Range Duration (s)"]),
    ("Dur 90% (s)", &["Duration 90% (s)"]),
    ("Center Time (s)", &["Centre Time (s)"]),
    ("Peak Time (s)", &["Max Time (s)"]),
    ("Avg Power Density (dB FS)", &["Average Power Density (dB FS)"]),
    ("Peak Power Density (dB FS)", &["Max Power Density (dB FS)"]),
    ("Inband Power (dB FS)", &["In-band Power (dB FS)"]),
    ("RMS Amp (U)", &["RMS Amplitude (U)", "RMS Amp (u)"]),
    ("Peak Amp (U)", &["Peak Amplitude (U)", "Peak Amp (u)"]),
    (
        "Agg Entropy (bits)",
        &["Aggregate Entropy (bits)", "Agg Entropy (u)", "Aggregate Entropy (u)"],
    ),
    ("Avg Entropy (bits)", &["Average Entropy (bits)", "Avg Entropy (u)", "Average Entropy (u)"]),
    ("Peak Freq Contour (Hz)", &["Peak Frequency Contour (Hz)"]),
    ("PFC Max Freq (Hz)", &["PFC Max Frequency (Hz)"]),
    ("PFC Num Inf Pts", &["PFC Number of Inflection Points"]),
    ("Begin Sample (samples)", &["Begin Sample"]),
];

/// The short name of a column of a Raven table; a column that is not Raven's keeps its own.
pub fn short_name(column: &str) -> &str {
    SPELLINGS
        .iter()
        .find(|(short, others)| *short == column || others.contains(&column))
        .map_or(column, |(short, _)| short)
}

/// Measures as columns of a Raven table, for an annotation's `extra`. Raven's full scale is a peak of
/// 1, as ours: levels are dB re full scale.
pub fn raven_measures(measures: &BoxMeasures) -> Vec<(String, String)> {
    let m = measures;
    let difference = |high: Option<f64>, low: Option<f64>| Some(high? - low?);
    let amplitude = |level: Option<f64>| level.map(|db| 10f64.powf(db / 20.0));
    [
        ("Delta Time (s)", Some(m.duration_s), 4),
        ("Delta Freq (Hz)", Some(m.band_hz.1 - m.band_hz.0), 1),
        ("Peak Freq (Hz)", m.peak_hz, 1),
        ("Center Freq (Hz)", m.centre_hz, 1),
        ("Freq 5% (Hz)", m.low_5_hz, 1),
        ("Freq 25% (Hz)", m.low_25_hz, 1),
        ("Freq 75% (Hz)", m.high_75_hz, 1),
        ("Freq 95% (Hz)", m.high_95_hz, 1),
        ("BW 50% (Hz)", difference(m.high_75_hz, m.low_25_hz), 1),
        ("BW 90% (Hz)", difference(m.high_95_hz, m.low_5_hz), 1),
        ("Dur 50% (s)", m.duration_50_s, 4),
        ("Dur 90% (s)", m.duration_90_s, 4),
        ("Avg Power Density (dB FS)", m.mean_density_db, 2),
        ("Peak Power Density (dB FS)", m.peak_density_db, 2),
        ("Inband Power (dB FS)", m.rms_db, 2),
        ("SEL (dB FS)", m.exposure_db, 2),
        ("RMS Amp (U)", amplitude(m.rms_db), 6),
        ("Peak Amp (U)", amplitude(m.peak_db), 6),
    ]
    .into_iter()
    .filter_map(|(name, value, decimals)| {
        let value = value.filter(|v| v.is_finite())?;
        Some((name.to_owned(), format!("{value:.decimals$}")))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_and_older_spellings_are_read_as_the_short_name() {
        assert_eq!(short_name("Low Frequency (Hz)"), "Low Freq (Hz)");
        assert_eq!(short_name("1st Quartile Frequency (Hz)"), "Freq 25% (Hz)");
        assert_eq!(short_name("Peak Freq (Hz)"), "Peak Freq (Hz)");
        assert_eq!(short_name("Sound type"), "Sound type");
    }
}
