//! From full scale to pressure, bin by bin.

use spyhop_api::Calibration;

/// What the power of each bin of a spectrum is multiplied by to turn FS² into µPa²: 10^(C/10) at the
/// bin's frequency. Outside of a calibration's table there is no data: NaN, which whatever is summed
/// over such a bin becomes too. Without a calibration all are 1.
pub fn power_gains(calibration: Option<&Calibration>, bin_hz: f64, bins: usize) -> Vec<f64> {
    let gain = |offset_db: f64| 10f64.powf(offset_db / 10.0);
    let Some(calibration) = calibration else { return vec![1.0; bins] };
    match calibration.offset_db() {
        Some(offset_db) => vec![gain(offset_db); bins],
        None => (0..bins)
            .map(|bin| calibration.offset_db_at(bin as f64 * bin_hz).map_or(f64::NAN, gain))
            .collect(),
    }
}
