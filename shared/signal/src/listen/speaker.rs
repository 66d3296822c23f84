//! When a small speaker would play silence.

/// Below this a laptop or a tablet plays nothing, Hz.
const SPEAKER_FROM_HZ: f64 = 300.0;
/// How much faster right whales and their like are offered.
const GENTLE: f64 = 4.0;
/// How much faster blue and fin whales are offered, gentlest first: ×16–20 is what the field uses.
const FAST: [f64; 5] = [16.0, 17.0, 18.0, 19.0, 20.0];
/// Of the band of blue and fin whales so much may stay below the speaker's reach: with a quarter the
/// whole of a fin whale's pulse (28 to 17 Hz) is heard in a view from 10 to 30 Hz.
const LOST_AT_MOST: f64 = 0.25;

/// The speed to offer where most of `band_hz`, played at `rate`, would be heard below 300 Hz: ×4
/// where that lifts most of the band above it, else the gentlest of ×16–20 that lifts three quarters
/// of it (×20 where none does). They are multiples of the recording's own speed, or of `rate` where
/// that is slowed down. `None` where a small speaker already plays half of the band.
pub fn small_speaker_speed(band_hz: (f64, f64), rate: f64) -> Option<f64> {
    let (low, high) = band_hz;
    let lost = |speed: f64| ((SPEAKER_FROM_HZ / speed).min(high) - low) / (high - low);
    if !(high > low && low >= 0.0 && rate > 0.0) || lost(rate) <= 0.5 {
        return None;
    }
    let speed_of = |factor: f64| factor * rate.min(1.0);
    let gentle = Some(speed_of(GENTLE)).filter(|&speed| lost(speed) < 0.5);
    let mut fast = FAST.into_iter().map(speed_of);
    let [.., fastest] = FAST;
    let speed = gentle
        .or_else(|| fast.find(|&speed| lost(speed) <= LOST_AT_MOST))
        .unwrap_or(speed_of(fastest));
    // What is too low even at ×20 is made faster still.
    Some(if speed > rate { speed } else { rate * GENTLE })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How much of a band is heard above 300 Hz at a speed.
    fn heard((low, high): (f64, f64), speed: f64) -> f64 {
        (high * speed - (low * speed).max(300.0)).max(0.0) / ((high - low) * speed)
    }

    #[test]
    fn views_of_blue_and_fin_whales_are_offered_16_to_20_times_and_most_of_them_is_then_heard() {
        for view in [(10.0, 120.0), (10.0, 30.0), (10.0, 40.0), (15.0, 30.0), (12.0, 100.0)] {
            for rate in [1.0, 2.0, 4.0] {
                let Some(speed) = small_speaker_speed(view, rate) else {
                    assert!(heard(view, rate) >= 0.5, "{view:?} at {rate}");
                    continue;
                };
                assert!((16.0..=20.0).contains(&speed), "{view:?} at {rate}: {speed}");
                assert!(heard(view, speed) > 0.5, "{view:?} at {speed}");
            }
        }
        let fin_pulse = (17.0, 28.0);
        let speed = small_speaker_speed((10.0, 30.0), 1.0).expect("it is all below 300 Hz");
        assert_eq!(heard(fin_pulse, speed), 1.0);
    }

    #[test]
    fn views_of_right_whales_are_offered_4_times() {
        for view in [(20.0, 500.0), (50.0, 350.0), (20.0, 400.0)] {
            assert!(heard(view, 1.0) < 0.5 && heard(view, 4.0) > 0.5);
            assert_eq!(small_speaker_speed(view, 1.0), Some(4.0), "{view:?}");
        }
    }

    #[test]
    fn nothing_is_offered_where_a_small_speaker_plays_half_of_the_band() {
        assert_eq!(small_speaker_speed((20.0, 4000.0), 1.0), None, "humpback song");
        assert_eq!(small_speaker_speed((20.0, 500.0), 4.0), None, "already fast enough");
        assert_eq!(small_speaker_speed((0.0, 0.0), 1.0), None);
        assert_eq!(small_speaker_speed((f64::NAN, 10.0), 1.0), None);
    }

    #[test]
    fn what_is_too_slow_or_too_low_is_offered_faster_than_it_is() {
        assert_eq!(small_speaker_speed((1000.0, 2000.0), 0.1), Some(0.4), "slowed down too far");
        for rate in [1.0, 16.0, 20.0, 100.0] {
            let faster = small_speaker_speed((0.5, 1.0), rate).expect("nothing of it is heard");
            assert!(faster > rate, "{faster} at {rate}");
        }
    }
}
