//! How frequency runs along an axis: linear, logarithmic or mel.

use spyhop_api::view::FrequencyAxis;

/// Ratio between the lowest frequency that a logarithmic axis shows and its upper end, where the
/// band begins at 0 Hz (which a logarithm can't show).
const LOG_RATIO_FROM_ZERO: f64 = 1e-3;

/// A band laid on an axis of unit length, low frequencies at 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrequencyScale {
    axis: FrequencyAxis,
    low_hz: f64,
    high_hz: f64,
    low_warped: f64,
    high_warped: f64,
}

impl FrequencyScale {
    /// Lays the band `low_hz..high_hz` on an axis. On a logarithmic axis a band from 0 Hz begins at
    /// a thousandth of its upper end; a band that is empty or upside down is widened to 1 Hz.
    pub fn new(axis: FrequencyAxis, low_hz: f64, high_hz: f64) -> FrequencyScale {
        let mut low_hz = if low_hz.is_finite() { low_hz } else { 0.0 };
        let mut high_hz = if high_hz.is_finite() { high_hz } else { low_hz + 1.0 };
        if axis != FrequencyAxis::Linear {
            low_hz = low_hz.max(0.0);
        }
        if high_hz <= low_hz {
            high_hz = low_hz + 1.0;
        }
        if axis == FrequencyAxis::Log && low_hz <= 0.0 {
            low_hz = high_hz * LOG_RATIO_FROM_ZERO;
        }
        let (low_warped, high_warped) = (warp(axis, low_hz), warp(axis, high_hz));
        FrequencyScale { axis, low_hz, high_hz, low_warped, high_warped }
    }

    /// How the axis runs.
    pub fn axis(&self) -> FrequencyAxis {
        self.axis
    }

    /// Frequency at 0, hertz.
    pub fn low_hz(&self) -> f64 {
        self.low_hz
    }

    /// Frequency at 1, hertz.
    pub fn high_hz(&self) -> f64 {
        self.high_hz
    }

    /// Where a frequency lies: 0 at the lower end, 1 at the upper; outside the band beyond them.
    pub fn to_unit(&self, hz: f64) -> f64 {
        let floor = if self.axis == FrequencyAxis::Log { f64::MIN_POSITIVE } else { f64::MIN };
        (warp(self.axis, hz.max(floor)) - self.low_warped) / (self.high_warped - self.low_warped)
    }

    /// The frequency in hertz at a place on the axis; the inverse of [`FrequencyScale::to_unit`].
    pub fn to_hz(&self, unit: f64) -> f64 {
        unwarp(self.axis, self.low_warped + unit * (self.high_warped - self.low_warped))
    }
}

fn warp(axis: FrequencyAxis, hz: f64) -> f64 {
    match axis {
        FrequencyAxis::Linear => hz,
        FrequencyAxis::Log => hz.ln(),
        // Odd about 0 Hz, so that a place below the axis still has a frequency.
        FrequencyAxis::Mel => hz.signum() * 1127.0 * (hz.abs() / 700.0).ln_1p(),
    }
}

fn unwarp(axis: FrequencyAxis, warped: f64) -> f64 {
    match axis {
        FrequencyAxis::Linear => warped,
        FrequencyAxis::Log => warped.exp(),
        FrequencyAxis::Mel => warped.signum() * 700.0 * (warped.abs() / 1127.0).exp_m1(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AXES: [FrequencyAxis; 3] =
        [FrequencyAxis::Linear, FrequencyAxis::Log, FrequencyAxis::Mel];

    #[test]
    fn every_axis_begins_at_its_low_end_and_ends_at_its_high_end() {
        for axis in AXES {
            let scale = FrequencyScale::new(axis, 20.0, 24_000.0);
            assert!(scale.to_unit(20.0).abs() < 1e-12);
            assert!((scale.to_unit(24_000.0) - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn a_frequency_survives_the_way_to_the_axis_and_back() {
        for axis in AXES {
            for (low, high) in [(0.0, 1000.0), (10.0, 96_000.0), (12_000.0, 12_010.0)] {
                let scale = FrequencyScale::new(axis, low, high);
                for unit in [0.0, 0.123, 0.5, 0.999, 1.0] {
                    assert!((scale.to_unit(scale.to_hz(unit)) - unit).abs() < 1e-9);
                }
            }
        }
    }

    #[test]
    fn mel_is_1000_at_1000_hz() {
        // 1127·ln(1 + 1000/700) = 999.99: the scale is made to meet there.
        assert!((warp(FrequencyAxis::Mel, 1000.0) - 1000.0).abs() < 0.02);
    }

    #[test]
    fn a_logarithmic_axis_from_zero_spans_three_decades() {
        let scale = FrequencyScale::new(FrequencyAxis::Log, 0.0, 96_000.0);
        assert!((scale.low_hz() - 96.0).abs() < 1e-9);
        assert!((scale.to_hz(1.0 / 3.0) - 960.0).abs() < 1e-6);
        assert!(scale.to_unit(0.0) < 0.0);
    }
}
