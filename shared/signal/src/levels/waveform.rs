//! Levels of the waveform itself, by periods of the clock: mean square and greatest excursion.

use spyhop_api::Timestamp;

use super::periods::Periods;
use super::{exposure_db, level_db};

/// One period's waveform. Its mean (DC, which is no sound) is taken off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WaveformRow {
    /// Where the period begins, nanoseconds since 1970.
    pub start_ns: i64,
    /// How much of the period was recorded: the averaging time of the level.
    pub recorded_s: f64,
    /// Mean square, FS².
    pub mean_square: f64,
    /// Greatest excursion from the mean, FS.
    pub zero_to_peak: f64,
}

impl WaveformRow {
    /// RMS level, dB re FS.
    pub fn rms_db(&self) -> f64 {
        level_db(self.mean_square)
    }

    /// Zero-to-peak level, dB re FS: 20·lg.
    pub fn zero_to_peak_db(&self) -> f64 {
        2.0 * level_db(self.zero_to_peak)
    }

    /// Exposure level over what was recorded, dB re FS²·s.
    pub fn exposure_db(&self) -> f64 {
        exposure_db(self.mean_square, self.recorded_s)
    }
}

/// Measures the waveform of a stream of samples by periods of the clock. All frequencies count: where a
/// calibration depends on frequency, band levels come from spectra instead.
pub struct WaveformMeter {
    sample_rate_hz: f64,
    periods: Periods,
    start_ns: i64,
    samples: u64,
    /// Sums of what is left when the period's first sample is taken off: with a large DC the squares
    /// themselves would leave nothing to subtract from.
    origin: f64,
    sum: f64,
    square_sum: f64,
    lowest: f64,
    highest: f64,
}

impl WaveformMeter {
    /// Periods of `period_ns`, counted from 1970.
    pub fn new(sample_rate_hz: f64, period_ns: i64) -> WaveformMeter {
        let mut meter = WaveformMeter {
            sample_rate_hz,
            periods: Periods::new(sample_rate_hz, period_ns),
            start_ns: 0,
            samples: 0,
            origin: 0.0,
            sum: 0.0,
            square_sum: 0.0,
            lowest: 0.0,
            highest: 0.0,
        };
        meter.clear();
        meter
    }

    /// A run of samples without a gap begins. Runs come in the order of the clock.
    pub fn begin(&mut self, start: Timestamp) {
        self.periods.begin(start);
    }

    /// The next samples of the run; rows of periods that end before them are added to `rows`. Samples
    /// that are not a number were not recorded.
    pub fn push(&mut self, mut samples: &[f32], rows: &mut Vec<WaveformRow>) {
        while !samples.is_empty() {
            let (start_ns, taken) = self.periods.take(samples.len());
            if start_ns != self.start_ns {
                self.end_period(rows);
                self.start_ns = start_ns;
            }
            let (piece, rest) = samples.split_at(taken);
            for x in piece.iter().filter(|x| x.is_finite()).map(|x| f64::from(*x)) {
                if self.samples == 0 {
                    self.origin = x;
                }
                let moved = x - self.origin;
                self.samples += 1;
                self.sum += moved;
                self.square_sum += moved * moved;
                self.lowest = self.lowest.min(x);
                self.highest = self.highest.max(x);
            }
            samples = rest;
        }
    }

    /// Adds the row of the last period.
    pub fn finish(mut self, rows: &mut Vec<WaveformRow>) {
        self.end_period(rows);
    }

    fn end_period(&mut self, rows: &mut Vec<WaveformRow>) {
        if self.samples > 0 {
            let count = self.samples as f64;
            let moved_mean = self.sum / count;
            let mean = self.origin + moved_mean;
            rows.push(WaveformRow {
                start_ns: self.start_ns,
                recorded_s: count / self.sample_rate_hz,
                mean_square: (self.square_sum / count - moved_mean * moved_mean).max(0.0),
                zero_to_peak: (self.highest - mean).max(mean - self.lowest),
            });
        }
        self.clear();
    }

    fn clear(&mut self) {
        self.samples = 0;
        (self.sum, self.square_sum) = (0.0, 0.0);
        (self.lowest, self.highest) = (f64::INFINITY, f64::NEG_INFINITY);
    }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    #[test]
    fn a_sine_of_a_tenth_reads_the_levels_of_the_test_vectors_whatever_its_dc() {
        for dc in [0.0, 0.4] {
            let sine = |n: u32| (dc + 0.1 * (TAU * f64::from(n) / 48.0).sin()) as f32;
            let samples: Vec<f32> = (0..96_000).map(sine).collect();
            let mut meter = WaveformMeter::new(48_000.0, 1_000_000_000);
            let mut rows = Vec::new();
            meter.begin(Timestamp(5_000_000_000));
            samples.chunks(777).for_each(|part| meter.push(part, &mut rows));
            meter.finish(&mut rows);
            assert_eq!(
                rows.iter().map(|r| r.start_ns).collect::<Vec<_>>(),
                [5_000_000_000, 6_000_000_000]
            );
            for row in &rows {
                // Samples of f32 with a DC of 0.4 are exact to 3e-8 of it.
                assert!((row.rms_db() + 23.0103).abs() < 1e-4, "{row:?}");
                assert!((row.zero_to_peak_db() + 20.0).abs() < 1e-4, "{row:?}");
                assert!((row.exposure_db() - row.rms_db()).abs() < 1e-9, "one second");
            }
        }
    }

    #[test]
    fn gaps_and_nonsense_count_for_nothing() {
        let mut meter = WaveformMeter::new(10.0, 60_000_000_000);
        let mut rows = Vec::new();
        meter.begin(Timestamp(0));
        meter.push(&[0.5, f32::NAN, -0.5, f32::INFINITY], &mut rows);
        meter.begin(Timestamp(30_000_000_000));
        meter.push(&[0.5, -0.5], &mut rows);
        meter.begin(Timestamp(120_000_000_000));
        meter.push(&[f32::NAN], &mut rows);
        meter.finish(&mut rows);
        let row =
            WaveformRow { start_ns: 0, recorded_s: 0.4, mean_square: 0.25, zero_to_peak: 0.5 };
        assert_eq!(rows, [row]);
    }
}
