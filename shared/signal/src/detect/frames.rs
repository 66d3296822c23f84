//! Spectra of a stream, on a grid of the clock: frame `i` begins at position `i · hop`.

use spyhop_api::view::{Scaling, Window};

use crate::spectrum::{SpecError, SpectrumSpec, Stft};

/// A stream of samples as frames of power.
///
/// Frames lie wholly in what was recorded; others are left out, and nothing is shifted. Two neighbours,
/// an even one and the odd one after it, go through one transform where both are there: so the numbers of
/// a frame do not depend on where the stream began.
pub(super) struct Frames {
    stft: Stft,
    window: i64,
    hop: i64,
    pending: Vec<f32>,
    /// Position of the first pending sample.
    first: i64,
    power: [Vec<f32>; 2],
}

/// Takes a frame's number and its power, one value a bin.
pub(super) type TakeFrame<'a> = dyn FnMut(i64, &[f32]) + 'a;

/// How samples are cut into frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct FrameSpec {
    pub rate_hz: f64,
    /// Samples under the Hann window, and from one frame to the next.
    pub window: usize,
    pub hop: usize,
    /// Points of the transform, `window` at least.
    pub fft_size: usize,
}

impl FrameSpec {
    /// Windows of about `window_s`, a power of two of samples, `per_window` frames in each.
    pub fn of(rate_hz: f64, window_s: f64, per_window: usize) -> FrameSpec {
        let window = ((window_s * rate_hz).log2().round().clamp(4.0, 20.0)).exp2() as usize;
        FrameSpec { rate_hz, window, hop: (window / per_window.max(1)).max(1), fft_size: window }
    }

    /// Frames a second.
    pub fn frames_per_s(&self) -> f64 {
        self.rate_hz / self.hop as f64
    }

    /// So many frames as last about this long, 1 at least.
    pub fn frames_in(&self, seconds: f64) -> i64 {
        (seconds * self.frames_per_s()).round().max(1.0) as i64
    }

    /// Hertz from one bin to the next.
    pub fn bin_hz(&self) -> f64 {
        self.rate_hz / self.fft_size as f64
    }

    /// The bins whose centres lie in a band, without that of 0 Hz.
    pub fn bins_in(&self, low_hz: f64, high_hz: f64) -> std::ops::Range<usize> {
        let first = (low_hz / self.bin_hz()).ceil().max(1.0) as usize;
        let last = (high_hz / self.bin_hz()).floor().max(0.0) as usize;
        let end = (last + 1).min(self.fft_size / 2 + 1);
        first.min(end)..end
    }

    /// Position of the middle of a frame.
    pub fn middle(&self, frame: i64) -> i64 {
        frame * self.hop as i64 + self.window as i64 / 2
    }
}

impl Frames {
    /// # Errors
    /// When the transform can't be made.
    pub fn new(spec: &FrameSpec) -> Result<Frames, SpecError> {
        let stft = Stft::new(&SpectrumSpec {
            fft_size: spec.fft_size,
            window_samples: spec.window,
            hop_samples: spec.hop,
            window: Window::Hann,
            scaling: Scaling::Density,
            sample_rate_hz: spec.rate_hz,
        })?;
        let bins = stft.bins();
        Ok(Frames {
            stft,
            window: spec.window as i64,
            hop: spec.hop as i64,
            pending: Vec::new(),
            first: 0,
            power: [vec![0.0; bins], vec![0.0; bins]],
        })
    }

    /// Takes samples from a position on; what lies between them and those before was not recorded.
    pub fn push(&mut self, position: i64, samples: &[f32], take: &mut TakeFrame<'_>) {
        if position != self.first + self.pending.len() as i64 {
            self.end(take);
            self.first = position;
        }
        self.pending.extend_from_slice(samples);
        let end = self.first + self.pending.len() as i64;
        let mut frame = div_ceil(self.first, self.hop);
        loop {
            let is_even = frame.rem_euclid(2) == 0;
            let needed = frame * self.hop + self.window + if is_even { self.hop } else { 0 };
            if needed > end {
                break;
            }
            if is_even {
                self.pair(frame, take);
                frame += 2;
            } else {
                self.single(frame, take);
                frame += 1;
            }
        }
        let done = (frame * self.hop - self.first).clamp(0, self.pending.len() as i64);
        self.pending.drain(..done as usize);
        self.first += done;
    }

    /// The run ends: an even frame may be left whose neighbour is not there.
    pub fn end(&mut self, take: &mut TakeFrame<'_>) {
        let frame = div_ceil(self.first, self.hop);
        if frame * self.hop + self.window <= self.first + self.pending.len() as i64 {
            self.single(frame, take);
        }
        self.pending.clear();
    }

    fn under(&self, frame: i64) -> &[f32] {
        let from = usize::try_from(frame * self.hop - self.first).unwrap_or(0);
        self.pending.get(from..from + self.window as usize).unwrap_or_default()
    }

    fn single(&mut self, frame: i64, take: &mut TakeFrame<'_>) {
        let mut power = std::mem::take(&mut self.power[0]);
        let under = self.under(frame).to_vec();
        self.stft.frame(&under, &mut power);
        take(frame, &power);
        self.power[0] = power;
    }

    fn pair(&mut self, frame: i64, take: &mut TakeFrame<'_>) {
        let [mut one, mut two] = std::mem::take(&mut self.power);
        let from = usize::try_from(frame * self.hop - self.first).unwrap_or(0);
        let (window, hop) = (self.window as usize, self.hop as usize);
        if let Some(under) = self.pending.get(from..from + hop + window) {
            self.stft.pair([&under[..window], &under[hop..]], [&mut one, &mut two]);
            take(frame, &one);
            take(frame + 1, &two);
        }
        self.power = [one, two];
    }
}

fn div_ceil(a: i64, b: i64) -> i64 {
    a.div_euclid(b) + i64::from(a.rem_euclid(b) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(runs: &[(i64, &[f32])], piece: usize) -> Vec<(i64, Vec<f32>)> {
        let spec = FrameSpec { rate_hz: 1000.0, window: 64, hop: 16, fft_size: 128 };
        let mut frames = Frames::new(&spec).expect("a transform");
        let mut all = Vec::new();
        let mut take = |frame: i64, power: &[f32]| all.push((frame, power.to_vec()));
        for (position, samples) in runs {
            let mut at = *position;
            for part in samples.chunks(piece) {
                frames.push(at, part, &mut take);
                at += part.len() as i64;
            }
        }
        frames.end(&mut take);
        all
    }

    #[test]
    fn frames_lie_on_the_clock_and_do_not_depend_on_where_the_stream_began() {
        let samples: Vec<f32> = (0..2000).map(|n| ((n * n) as f32 * 0.37).sin()).collect();
        let whole = frames(&[(5, &samples)], usize::MAX);
        assert_eq!(whole[0].0, 1, "the first that lies wholly in the run begins at 16");
        assert_eq!(whole.len(), (5 + 2000 - 64) / 16);
        for piece in [1, 33, 500] {
            assert_eq!(frames(&[(5, &samples)], piece), whole);
        }
        let later = frames(&[(5 + 333, &samples[333..])], 100);
        // The first of them may be half of a pair that is not whole here.
        let same = whole.iter().filter(|(i, _)| *i > later[0].0);
        assert!(later[1..].iter().eq(same));
    }

    #[test]
    fn no_frame_spans_a_gap() {
        let samples = [0.5f32; 200];
        let all = frames(&[(0, &samples), (210, &samples)], 50);
        let numbers: Vec<i64> = all.iter().map(|(i, _)| *i).collect();
        let before = 0..=(200 - 64) / 16;
        let after = 14..=(410 - 64) / 16;
        assert_eq!(numbers, before.chain(after).collect::<Vec<i64>>());
    }
}
