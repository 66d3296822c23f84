//! Mean power spectra of periods of the clock: minutes for hybrid millidecades, seconds for an LTSA.

use spyhop_api::Timestamp;
use spyhop_api::time::NANOS_PER_S;
use spyhop_api::view::{Scaling, Window};

use super::periods::Periods;
use crate::spectrum::{SpecError, SpectrumSpec, Stft};

/// A row that was recorded for less than this share of its period is flagged: MANTA's 30 s of a minute.
const SHORT_SHARE: f64 = 0.5;
/// Samples of overlapping frames are carried on in pieces of this many at least.
const PIECE_SAMPLES: usize = 1 << 14;

/// How spectra are averaged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AverageSpec {
    /// The transform of a frame.
    pub spectrum: SpectrumSpec,
    /// Nanoseconds of a period; periods are counted from 1970.
    pub period_ns: i64,
}

/// Why spectra can't be averaged.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum AverageError {
    /// The transform can't be made.
    #[error(transparent)]
    Spectrum(#[from] SpecError),
    /// No frame fits in a period.
    #[error(
        "an averaging time of {average_s} s is shorter than the {window_s} s of samples that one spectrum takes: average over more, or take a coarser frequency step"
    )]
    Period {
        /// The averaging time.
        average_s: f64,
        /// The length of the window.
        window_s: f64,
    },
}

/// The mean spectrum of one period.
#[derive(Clone, Debug, PartialEq)]
pub struct AverageRow {
    /// Where the period begins, nanoseconds since 1970.
    pub start_ns: i64,
    /// How much of the period was recorded.
    pub recorded_s: f64,
    /// Frames that were averaged, at least 1.
    pub frames: u32,
    /// Whether less than half of the period was recorded.
    pub short: bool,
    /// Mean power of each bin from 0 Hz to Nyquist, FS²/Hz.
    pub density: Vec<f64>,
}

impl AverageSpec {
    /// One-minute spectra as MANTA makes them (Martin et al. 2021, doi:10.1121/10.0003324;
    /// Miksis-Olds et al. 2021, doi:10.3389/fmars.2021.703650): one second under a Hann window, 50 %
    /// overlap, mean power of the 119 frames that lie in a full minute of the clock. Bins are 1 Hz wide
    /// (within 10⁻⁴ where the rate is no whole number of hertz).
    pub fn minute(sample_rate_hz: f64) -> AverageSpec {
        AverageSpec::of(sample_rate_hz, 60.0, 1.0, 2)
    }

    /// A long-term spectral average as Triton makes it: Hann windows without overlap, whose length
    /// gives the frequency step, averaged over a time (5 s and 100 Hz at 200 kHz are usual).
    pub fn ltsa(sample_rate_hz: f64, average_s: f64, step_hz: f64) -> AverageSpec {
        AverageSpec::of(sample_rate_hz, average_s, step_hz.recip(), 1)
    }

    /// Spectra for band levels over an averaging time: windows of one second, or of the averaging time
    /// where that is shorter, 50 % overlap.
    pub fn band_levels(sample_rate_hz: f64, average_s: f64) -> AverageSpec {
        AverageSpec::of(sample_rate_hz, average_s, average_s.min(1.0), 2)
    }

    /// The averaging time.
    pub fn average_s(&self) -> f64 {
        self.period_ns as f64 / NANOS_PER_S as f64
    }

    fn of(sample_rate_hz: f64, average_s: f64, window_s: f64, overlap: usize) -> AverageSpec {
        let samples = (window_s * sample_rate_hz).round() as usize;
        AverageSpec {
            spectrum: SpectrumSpec {
                fft_size: samples,
                window_samples: samples,
                hop_samples: samples / overlap,
                window: Window::Hann,
                scaling: Scaling::Density,
                sample_rate_hz,
            },
            period_ns: (average_s * NANOS_PER_S as f64).round() as i64,
        }
    }
}

/// Averages the spectra of a stream of samples by periods of the clock.
///
/// Frames lie wholly within one period and within one run: the first one begins at the first sample of
/// the run in the period. So a period's spectrum depends on its own samples alone, whatever way they
/// were pushed. Samples that are not a number were not recorded; frames that hold one do not count.
/// A period without a frame has no row. Memory: a few frames and one row.
pub struct SpectrumAverager {
    spec: AverageSpec,
    stft: Stft,
    periods: Periods,
    /// Samples of the run in the period, from where the next frame begins.
    pending: Vec<f32>,
    pending_holds_nan: bool,
    power: [Vec<f32>; 2],
    sum: Vec<f64>,
    /// The period that is being summed.
    start_ns: i64,
    recorded: u64,
    frames: u32,
}

impl SpectrumAverager {
    /// Plans the transform.
    ///
    /// # Errors
    /// When it can't be made, or a period is shorter than its window.
    pub fn new(spec: &AverageSpec) -> Result<SpectrumAverager, AverageError> {
        let mut spec = *spec;
        // Every sample counts: frames touch at least.
        spec.spectrum.hop_samples = spec.spectrum.hop_samples.min(spec.spectrum.window_samples);
        let stft = Stft::new(&spec.spectrum)?;
        let rate = spec.spectrum.sample_rate_hz;
        let window_s = spec.spectrum.window_samples as f64 / rate;
        // Half a sample: a period's border falls on the nearest one.
        if spec.average_s() < window_s - 0.5 / rate {
            return Err(AverageError::Period { average_s: spec.average_s(), window_s });
        }
        let bins = stft.bins();
        Ok(SpectrumAverager {
            spec,
            stft,
            periods: Periods::new(rate, spec.period_ns),
            pending: Vec::new(),
            pending_holds_nan: false,
            power: [vec![0.0; bins], vec![0.0; bins]],
            sum: vec![0.0; bins],
            start_ns: 0,
            recorded: 0,
            frames: 0,
        })
    }

    /// What it computes.
    pub fn spec(&self) -> &AverageSpec {
        &self.spec
    }

    /// A run of samples without a gap begins. Runs come in the order of the clock; several may lie in
    /// one period.
    pub fn begin(&mut self, start: Timestamp) {
        self.end_piece();
        self.periods.begin(start);
    }

    /// The next samples of the run; rows of periods that end before them are added to `rows`.
    pub fn push(&mut self, mut samples: &[f32], rows: &mut Vec<AverageRow>) {
        while !samples.is_empty() {
            let (start_ns, taken) = self.periods.take(samples.len());
            if start_ns != self.start_ns {
                self.end_period(rows);
                self.start_ns = start_ns;
            }
            let (piece, rest) = samples.split_at(taken);
            let piece_samples = PIECE_SAMPLES.max(self.spec.spectrum.hop_samples);
            for part in piece.chunks(piece_samples) {
                self.take_in(part);
            }
            samples = rest;
        }
    }

    /// Adds the row of the last period.
    pub fn finish(mut self, rows: &mut Vec<AverageRow>) {
        self.end_period(rows);
    }

    fn take_in(&mut self, samples: &[f32]) {
        let finite = samples.iter().filter(|x| x.is_finite()).count();
        self.recorded += finite as u64;
        self.pending_holds_nan |= finite < samples.len();
        self.pending.extend_from_slice(samples);
        let (width, hop) = (self.spec.spectrum.window_samples, self.spec.spectrum.hop_samples);
        let mut at = 0;
        while self.pending.len() >= at + hop + width {
            let frames = [at, at + hop].map(|from| &self.pending[from..from + width]);
            if self.pending_holds_nan && frames.iter().any(|f| !f.iter().all(|x| x.is_finite())) {
                self.add_frame(at);
                self.add_frame(at + hop);
            } else {
                let [first, second] = &mut self.power;
                self.stft.pair(frames, [first, second]);
                for (sum, (p, q)) in self.sum.iter_mut().zip(first.iter().zip(second.iter())) {
                    *sum += f64::from(*p) + f64::from(*q);
                }
                self.frames += 2;
            }
            at += 2 * hop;
        }
        self.pending.drain(..at.min(self.pending.len()));
    }

    /// One frame, if it is in the pending samples and all of it was recorded.
    fn add_frame(&mut self, from: usize) {
        let width = self.spec.spectrum.window_samples;
        let Some(frame) = self.pending.get(from..from + width) else { return };
        if !frame.iter().all(|x| x.is_finite()) {
            return;
        }
        let [power, _] = &mut self.power;
        self.stft.frame(frame, power);
        for (sum, p) in self.sum.iter_mut().zip(power.iter()) {
            *sum += f64::from(*p);
        }
        self.frames += 1;
    }

    /// The run or the period ends: at most one frame is left.
    fn end_piece(&mut self) {
        self.add_frame(0);
        self.pending.clear();
        self.pending_holds_nan = false;
    }

    fn end_period(&mut self, rows: &mut Vec<AverageRow>) {
        self.end_piece();
        if self.frames > 0 {
            let frames = f64::from(self.frames);
            let recorded_s = self.recorded as f64 / self.spec.spectrum.sample_rate_hz;
            rows.push(AverageRow {
                start_ns: self.start_ns,
                recorded_s,
                frames: self.frames,
                short: recorded_s < SHORT_SHARE * self.spec.average_s(),
                density: self.sum.iter().map(|s| s / frames).collect(),
            });
        }
        self.sum.fill(0.0);
        (self.recorded, self.frames) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = NANOS_PER_S;
    const RATE: f64 = 100.0;

    /// A sine with an offset, and its averages when it is pushed in pieces of `piece` samples.
    fn averages(runs: &[(i64, Vec<f32>)], spec: &AverageSpec, piece: usize) -> Vec<AverageRow> {
        let mut averager = SpectrumAverager::new(spec).expect("a sound spec");
        let mut rows = Vec::new();
        for (start_ns, samples) in runs {
            averager.begin(Timestamp(*start_ns));
            for part in samples.chunks(piece) {
                averager.push(part, &mut rows);
            }
        }
        averager.finish(&mut rows);
        rows
    }

    fn wave(samples: usize) -> Vec<f32> {
        (0..samples).map(|n| 0.1 + (n as f32 * 0.7).sin() + (n as f32).sqrt().cos()).collect()
    }

    #[test]
    fn a_row_is_the_same_however_the_samples_came() {
        let spec = AverageSpec::minute(RATE);
        let runs = [(50 * SECOND, wave(9_050)), (200 * SECOND, wave(777))];
        let whole = averages(&runs, &spec, usize::MAX);
        for piece in [1, 37, 100, 6_000] {
            assert_eq!(averages(&runs, &spec, piece), whole, "in pieces of {piece}");
        }
        let shape: Vec<_> = whole.iter().map(|r| (r.start_ns / SECOND, r.frames)).collect();
        // 10 s of the first minute, the whole second one, 20.5 s of the third, 7.77 s of the fourth.
        assert_eq!(shape, [(0, 19), (60, 119), (120, 40), (180, 14)]);
        let flags: Vec<_> = whole.iter().map(|r| (r.recorded_s, r.short)).collect();
        assert_eq!(flags, [(10.0, true), (60.0, false), (20.5, true), (7.77, true)]);
    }

    #[test]
    fn runs_of_one_period_share_a_row_and_no_frame_spans_their_gap() {
        let spec = AverageSpec::minute(RATE);
        let runs = [(0, wave(250)), (30 * SECOND, wave(250))];
        let rows = averages(&runs, &spec, 100);
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].frames, rows[0].recorded_s), (8, 5.0));
        // Both runs are the same samples: so is their mean.
        let alone = averages(&runs[..1], &spec, 100);
        for (a, b) in rows[0].density.iter().zip(&alone[0].density) {
            // Power of f32 from pairs of frames that are not the same.
            assert!((a - b).abs() <= 1e-6 * b.abs() + 1e-9, "{a} for {b}");
        }
    }

    #[test]
    fn what_is_no_number_was_not_recorded() {
        let spec = AverageSpec::band_levels(RATE, 10.0);
        let mut samples = wave(1000);
        samples[520] = f32::NAN;
        let rows = averages(&[(0, samples)], &spec, 64);
        // Two frames of 19 hold sample 520.
        assert_eq!((rows[0].frames, rows[0].recorded_s), (17, 9.99));
        assert!(rows[0].density.iter().all(|p| p.is_finite()));
    }

    #[test]
    fn a_period_without_a_whole_frame_has_no_row() {
        let spec = AverageSpec::minute(RATE);
        assert_eq!(averages(&[(59_500_000_000, wave(150))], &spec, 100).len(), 1);
        assert!(averages(&[(0, wave(99))], &spec, 100).is_empty());
    }

    #[test]
    fn an_average_shorter_than_its_window_is_refused() {
        let error = SpectrumAverager::new(&AverageSpec::ltsa(200e3, 0.001, 100.0)).map(|_| ());
        assert!(error.is_err_and(|e| e.to_string().contains("average over more")));
        assert!(SpectrumAverager::new(&AverageSpec::ltsa(200e3, 5.0, 0.0)).is_err());
        assert!(SpectrumAverager::new(&AverageSpec::minute(f64::NAN)).is_err());
        assert_eq!(AverageSpec::ltsa(200e3, 5.0, 100.0).spectrum.fft_size, 2000);
    }
}
