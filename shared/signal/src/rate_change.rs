//! Samples at another rate: what a detector or a model listens to.
//!
//! rubato's FFT resampler does the work: the usual library for it, fast, and without audible aliases. It
//! goes by blocks, and blocks here begin at multiples of their length since the clock's zero. So a sample
//! at the new rate is the same to the last bit wherever reading began, as long as that was a little
//! before it: pieces of a long recording can be listened to apart, and nothing shows where they meet.

use std::collections::VecDeque;
use std::ops::Range;

use rubato::audioadapter_buffers::direct::SequentialSlice;
use rubato::{Fft, FixedSync, Resampler, WindowFunction};

/// Samples of a block at the slower of both rates, at least: the filter is as long, so that 0.9 of the
/// lower Nyquist frequency passes.
const BLOCK_SAMPLES: u64 = 512;
/// Terms of a ratio beyond this would take blocks of many millions of samples.
const MOST_TERM: u64 = 1 << 20;

/// Changes the rate of a stream of samples that lie on positions: samples since the clock's zero.
///
/// What is no number was not recorded. There, and beyond either end of what was recorded, the sample
/// beside it is held: the filter sees no edge that the sea had not.
pub struct RateChange {
    up: i64,
    down: i64,
    /// `None` where the rate stays.
    blocks: Option<Blocks>,
}

/// Why a rate can't be changed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error(
    "{from_hz} samples a second can't be turned into {to_hz}: the ratio of the two has no small terms"
)]
pub struct RateError {
    /// The recording's rate.
    pub from_hz: f64,
    /// The rate that was wanted.
    pub to_hz: f64,
}

/// Takes samples at the new rate: the position of the first one, and some that follow it.
pub type GiveSamples<'a> = dyn FnMut(i64, &[f32]) + 'a;

impl RateChange {
    /// From one rate to another, exactly. Rates are taken to the micro-hertz.
    ///
    /// # Errors
    /// When a rate is none, or their ratio has terms beyond a million.
    pub fn to(from_hz: f64, to_hz: f64) -> Result<RateChange, RateError> {
        let error = RateError { from_hz, to_hz };
        let micro = |hz: f64| Some((hz * 1e6).round()).filter(|hz| *hz >= 1.0 && *hz < 1e15);
        let (from, to) = micro(from_hz).zip(micro(to_hz)).ok_or(error.clone())?;
        let (from, to) = (from as u64, to as u64);
        let common = greatest_common_divisor(from, to);
        RateChange::by(to / common, from / common).ok_or(error)
    }

    /// Every `factor`-th sample, after a low pass.
    pub fn down(factor: u32) -> RateChange {
        let changed = RateChange::by(1, u64::from(factor.max(1)));
        changed.unwrap_or(RateChange { up: 1, down: 1, blocks: None })
    }

    fn by(up: u64, down: u64) -> Option<RateChange> {
        let fits = up.max(down) <= MOST_TERM;
        let blocks = match up == down {
            true => None,
            false => Some(fits.then(|| Blocks::new(up, down)).flatten()?),
        };
        Some(RateChange { up: up as i64, down: down as i64, blocks })
    }

    /// The new rate by the old one.
    pub fn ratio(&self) -> f64 {
        self.up as f64 / self.down as f64
    }

    /// When a position at the new rate is, nanoseconds since the clock's zero; `from_hz` is the old rate. By
    /// whole numbers: 2000 Hz by eleven is no number of micro-hertz, and half a micro-hertz is a second and
    /// more since 1970.
    pub fn nanos(&self, position: i64, from_hz: f64) -> i64 {
        let micro = (from_hz * 1e6).round() as i128;
        let whole = i128::from(position) * i128::from(self.down) * 1_000_000_000_000_000;
        let by = (i128::from(self.up) * micro).max(1);
        let nanos = (whole + by / 2).div_euclid(by);
        i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
    }

    /// How far around a sample at the new rate those at the old one matter, in samples of the old one.
    pub fn reach_samples(&self) -> i64 {
        self.blocks.as_ref().map_or(0, |blocks| 3 * blocks.inside as i64)
    }

    /// Takes samples that were recorded from a position on; positions that are left out were not recorded.
    pub fn push(&mut self, position: i64, samples: &[f32], give: &mut GiveSamples<'_>) {
        match &mut self.blocks {
            Some(blocks) => blocks.push(position, samples, give),
            None => give_numbers(position, samples, give),
        }
    }

    /// Gives what is still inside. The same samples may then begin anew.
    pub fn finish(&mut self, give: &mut GiveSamples<'_>) {
        if let Some(blocks) = &mut self.blocks {
            blocks.end(give);
        }
    }
}

/// Gives runs without what is no number.
fn give_numbers(position: i64, samples: &[f32], give: &mut GiveSamples<'_>) {
    let mut at = position;
    for run in samples.split(|x| !x.is_finite()) {
        if !run.is_empty() {
            give(at, run);
        }
        at += run.len() as i64 + 1;
    }
}

/// Blocks on the grid of the clock.
struct Blocks {
    fft: Fft<f32>,
    up: i128,
    down: i128,
    /// Samples of a block at the old rate and at the new.
    inside: usize,
    outside: usize,
    /// By how much the resampler is late, at the new rate.
    delay: i64,
    /// Samples of the block that is being filled.
    input: Vec<f32>,
    output: Vec<f32>,
    /// Which block that is; `None` before anything was recorded.
    block: Option<i64>,
    /// Stands where nothing was recorded: the sample before.
    held: f32,
    /// Positions at the old rate that were not recorded.
    blanks: VecDeque<Range<i64>>,
}

impl Blocks {
    fn new(up: u64, down: u64) -> Option<Blocks> {
        // Even lengths: the middle of the filter then lies on a sample.
        let multiple = BLOCK_SAMPLES.div_ceil(up.min(down)).next_multiple_of(2);
        let (inside, outside) = ((down * multiple) as usize, (up * multiple) as usize);
        let window = WindowFunction::BlackmanHarris2;
        let (from, to) = (down as usize, up as usize);
        let fft = Fft::new_custom(from, to, inside, 1, 1, window, FixedSync::Both).ok()?;
        let sizes = (fft.input_frames_next(), fft.output_frames_next());
        (sizes == (inside, outside)).then(|| Blocks {
            delay: fft.output_delay() as i64,
            fft,
            up: i128::from(up),
            down: i128::from(down),
            inside,
            outside,
            input: Vec::with_capacity(inside),
            output: vec![0.0; outside],
            block: None,
            held: 0.0,
            blanks: VecDeque::new(),
        })
    }

    fn push(&mut self, position: i64, samples: &[f32], give: &mut GiveSamples<'_>) {
        let (mut position, mut samples) = (position, samples);
        if let Some(next) = self.next() {
            // What begins in the next block at the latest goes on; all else begins anew.
            let may_follow = next..(self.block_of(next - 1) + 2) * self.inside as i64;
            if may_follow.contains(&position) {
                self.blank(next..position, give);
            } else {
                self.end(give);
            }
        }
        if self.block.is_none() {
            let Some(first) = samples.iter().position(|x| x.is_finite()) else { return };
            position += first as i64;
            samples = &samples[first..];
            self.begin(position, samples[0], give);
        }
        let mut at = position;
        for run in samples.chunk_by(|a, b| a.is_finite() == b.is_finite()) {
            let end = at + run.len() as i64;
            if run[0].is_finite() {
                self.fill(run, give);
                self.held = run[run.len() - 1];
            } else {
                self.blank(at..end, give);
            }
            at = end;
        }
    }

    /// The position after the last that was taken.
    fn next(&self) -> Option<i64> {
        self.block.map(|block| block * self.inside as i64 + self.input.len() as i64)
    }

    fn block_of(&self, position: i64) -> i64 {
        position.div_euclid(self.inside as i64)
    }

    /// Begins one block before the first sample, as if that had stood there all the time: a constant has
    /// no edge.
    fn begin(&mut self, position: i64, first: f32, give: &mut GiveSamples<'_>) {
        self.fft.reset();
        self.blanks.clear();
        let block = self.block_of(position) - 1;
        self.block = Some(block);
        self.held = first;
        self.blanks.push_back(i64::MIN..position);
        self.repeat(position - block * self.inside as i64, give);
    }

    /// Ends one block after the last sample, so that all that comes of it is given.
    fn end(&mut self, give: &mut GiveSamples<'_>) {
        let Some(next) = self.next() else { return };
        self.blanks.push_back(next..i64::MAX);
        let until = (self.block_of(next - 1) + 2) * self.inside as i64;
        self.repeat(until - next, give);
        self.block = None;
        self.input.clear();
    }

    /// Positions that were not recorded.
    fn blank(&mut self, positions: Range<i64>, give: &mut GiveSamples<'_>) {
        if !positions.is_empty() {
            self.blanks.push_back(positions.clone());
            self.repeat(positions.end - positions.start, give);
        }
    }

    fn repeat(&mut self, mut count: i64, give: &mut GiveSamples<'_>) {
        let held = vec![self.held; self.inside];
        while count > 0 {
            let part = count.min(self.inside as i64);
            self.fill(&held[..part as usize], give);
            count -= part;
        }
    }

    fn fill(&mut self, mut samples: &[f32], give: &mut GiveSamples<'_>) {
        while !samples.is_empty() {
            let (part, rest) = samples.split_at(samples.len().min(self.inside - self.input.len()));
            self.input.extend_from_slice(part);
            samples = rest;
            if self.input.len() == self.inside {
                self.process(give);
            }
        }
    }

    /// Turns a block that is full.
    fn process(&mut self, give: &mut GiveSamples<'_>) {
        let Some(block) = self.block else { return };
        self.block = Some(block + 1);
        let input = SequentialSlice::new(&self.input[..], 1, self.inside);
        let output = SequentialSlice::new_mut(&mut self.output[..], 1, self.outside);
        let done = match (input, output) {
            (Ok(input), Ok(mut output)) => {
                self.fft.process_into_buffer(&input, &mut output, None).is_ok()
            }
            _ => false,
        };
        if !done {
            // The lengths are those that it asked for; if it refuses all the same, nothing was heard.
            self.output.fill(f32::NAN);
        }
        self.input.clear();
        let first = block * self.outside as i64 - self.delay;
        self.leave_out(first);
        give_numbers(first, &self.output, give);
    }

    /// Takes out of the output, whose first sample lies at a position, what blanks touch.
    fn leave_out(&mut self, first: i64) {
        // The first sample at the new rate that was taken no earlier.
        let place = |blank: i64| {
            let at = -(-i128::from(blank) * self.up).div_euclid(self.down);
            i64::try_from(at).unwrap_or(if blank < 0 { i64::MIN } else { i64::MAX })
        };
        let end = first.saturating_add(self.outside as i64);
        while self.blanks.front().is_some_and(|blank| place(blank.end) <= first) {
            self.blanks.pop_front();
        }
        for blank in &self.blanks {
            let (from, to) = (place(blank.start).max(first), place(blank.end).min(end));
            if from < to {
                self.output[(from - first) as usize..(to - first) as usize].fill(f32::NAN);
            }
        }
    }
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    /// What comes of runs that were pushed in pieces: positions and samples.
    fn changed(mut change: RateChange, runs: &[(i64, Vec<f32>)], piece: usize) -> Vec<(i64, f32)> {
        let mut all = Vec::new();
        let mut give = |position: i64, samples: &[f32]| {
            all.extend(samples.iter().enumerate().map(|(i, x)| (position + i as i64, *x)));
        };
        for (position, samples) in runs {
            let mut at = *position;
            for part in samples.chunks(piece) {
                change.push(at, part, &mut give);
                at += part.len() as i64;
            }
        }
        change.finish(&mut give);
        all
    }

    fn tone(hz: f64, rate: f64, from: i64, count: i64) -> Vec<f32> {
        (from..from + count)
            .map(|n| (0.3 + 0.5 * (TAU * hz * n as f64 / rate).sin()) as f32)
            .collect()
    }

    #[test]
    fn a_tone_stays_where_it_was_at_every_ratio() {
        for (from_hz, to_hz, tone_hz) in [
            (192_000.0, 2000.0, 333.0),
            (44_100.0, 16_000.0, 5000.0),
            (11_718.75, 16_000.0, 1234.5),
            (2000.0, 16_000.0, 700.0),
            (48_000.0, 2000.0, 890.0),
        ] {
            let change = RateChange::to(from_hz, to_hz).expect("small terms");
            let first = 1_000_003;
            let count = (3.0 * from_hz) as i64 + 2 * change.reach_samples();
            let runs = [(first, tone(tone_hz, from_hz, first, count))];
            let out = changed(change, &runs, 10_007);
            let expected = count as f64 * to_hz / from_hz;
            assert!((out.len() as f64 - expected).abs() <= 1.0, "{from_hz} to {to_hz}");
            // At the ends the filter rings.
            let ends = (30.0 * (to_hz / from_hz).max(1.0)) as usize;
            for (position, x) in &out[ends..out.len() - ends] {
                let (position, x) = (*position, *x);
                let expected = tone(tone_hz, to_hz, position, 1)[0];
                assert!((x - expected).abs() < 0.01, "{from_hz} to {to_hz} at {position}: {x}");
            }
        }
    }

    #[test]
    fn nothing_above_the_new_nyquist_frequency_is_folded_down() {
        let runs = [(0, tone(1300.0, 48_000.0, 0, 480_000))];
        let out = changed(RateChange::down(24), &runs, 4096);
        let inner = &out[500..out.len() - 500];
        let worst = inner.iter().fold(0.0f32, |m, (_, x)| m.max((x - 0.3).abs()));
        assert!(worst < 0.5e-4, "{worst}");
    }

    #[test]
    fn a_sample_is_the_same_to_the_bit_wherever_reading_began_and_however_it_came() {
        let noise = |n: i64| ((n * n * 7919 + n * 104_729).rem_euclid(8191) as f32 / 8191.0) - 0.5;
        let samples: Vec<f32> = (0..400_000).map(noise).collect();
        let whole = changed(RateChange::down(12), &[(77, samples.clone())], usize::MAX);
        let pieces = changed(RateChange::down(12), &[(77, samples.clone())], 997);
        assert_eq!(whole, pieces);
        let reach = RateChange::down(12).reach_samples();
        let late = changed(RateChange::down(12), &[(100_077, samples[100_000..].to_vec())], 4096);
        let from = (100_077 + reach) / 12;
        let tail = |all: &[(i64, f32)]| -> Vec<(i64, f32)> {
            all.iter().filter(|(p, _)| *p >= from).copied().collect()
        };
        assert!(tail(&late).len() > 10_000);
        assert_eq!(tail(&late), tail(&whole));
    }

    #[test]
    fn what_was_not_recorded_is_left_out() {
        let mut samples = tone(100.0, 8000.0, 0, 80_000);
        samples[30_000..30_010].fill(f32::NAN);
        let after = (200_000, tone(100.0, 8000.0, 200_000, 40_000));
        let out = changed(RateChange::down(4), &[(0, samples), after], 1000);
        let is_there = |position: i64| out.iter().any(|(p, _)| *p == position);
        for (position, there) in [
            (-1, false),
            (0, true),
            (7499, true),
            (7500, false),
            (7502, false),
            (7503, true),
            (19_999, true),
            (20_000, false),
            (49_999, false),
            (50_000, true),
            (59_999, true),
            (60_000, false),
        ] {
            assert_eq!(is_there(position), there, "{position}");
        }
        assert!(out.iter().all(|(_, x)| x.is_finite()));
        let same = changed(
            RateChange::to(8000.0, 8000.0).expect("one"),
            &[(5, vec![1.0, f32::NAN, 2.0])],
            9,
        );
        assert_eq!(same, [(5, 1.0), (7, 2.0)]);
    }

    #[test]
    fn a_position_of_today_is_told_to_the_nanosecond_at_rates_that_have_no_last_decimal() {
        let change = RateChange::down(11);
        // A sample of the 29th of March 2009, 17:15 UTC, at 2000 Hz, and its place after the change.
        let start_ns = 1_238_346_900_000_000_000i64;
        let position = start_ns / 500_000 / 11;
        assert_eq!(change.nanos(position, 2000.0), position * 11 * 500_000);
        assert_eq!(change.nanos(-3, 2000.0), -16_500_000);
        let up = RateChange::to(2000.0, 16_000.0).expect("eight for one");
        assert_eq!(up.nanos(16_000 * 7 + 1, 2000.0), 7_000_062_500);
    }

    #[test]
    fn rates_without_a_small_ratio_are_refused() {
        let error = RateChange::to(191_999.123, 16_000.0).map(|_| ()).expect_err("no small terms");
        assert!(error.to_string().contains("191999.123"), "{error}");
        assert!(RateChange::to(f64::NAN, 16_000.0).is_err());
        assert!(RateChange::to(0.0, 16_000.0).is_err());
    }
}
