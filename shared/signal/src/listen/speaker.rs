//! When a small speaker would play silence.

/// Below this a laptop or a tablet plays nothing, Hz.
const SPEAKER_FROM_HZ: f64 = 300.0;
/// How much faster is offered, gentlest first: right whales need 4, blue and fin whales 16 to 20.
const FACTORS: [f64; 3] = [4.0, 16.0, 20.0];

/// The speed to offer where most of `band_hz`, played at `rate`, would be heard below 300 Hz: the
/// gentlest of 4, 16 and 20 times `rate` that lifts half of the band above it. `None` where a small
/// speaker already plays most of the band.
pub fn small_speaker_speed(band_hz: (f64, f64), rate: f64) -> Option<f64> {
    let (low, high) = band_hz;
    let lost = |speed: f64| ((SPEAKER_FROM_HZ / speed).min(high) - low) / (high - low);
    if !(high > low && low >= 0.0 && rate > 0.0) || lost(rate) <= 0.5 {
        return None;
    }
    let [.., fastest] = FACTORS;
    let factor = FACTORS.into_iter().find(|f| lost(rate * f) <= 0.5).unwrap_or(fastest);
    Some(rate * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_speaker_is_offered_what_it_can_play() {
        assert_eq!(small_speaker_speed((20.0, 500.0), 1.0), Some(4.0), "right whales");
        assert_eq!(small_speaker_speed((10.0, 120.0), 1.0), Some(16.0), "blue whales");
        assert_eq!(small_speaker_speed((10.0, 30.0), 1.0), Some(16.0), "fin whales");
        assert_eq!(small_speaker_speed((5.0, 25.0), 1.0), Some(20.0), "the deepest of blue whales");
        assert_eq!(small_speaker_speed((20.0, 4000.0), 1.0), None, "humpback song");
        assert_eq!(small_speaker_speed((20.0, 500.0), 4.0), None, "already fast enough");
        assert_eq!(small_speaker_speed((1000.0, 2000.0), 0.1), Some(0.4), "slowed down too far");
        assert_eq!(small_speaker_speed((0.0, 0.0), 1.0), None);
        assert_eq!(small_speaker_speed((f64::NAN, 10.0), 1.0), None);
    }
}
