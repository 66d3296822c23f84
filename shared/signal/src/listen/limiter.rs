//! A look-ahead limiter: nothing leaves above the ceiling, and the gain moves without a click.

use std::collections::VecDeque;

/// No frame leaves above this, dB re full scale.
pub const CEILING_DBFS: f64 = -1.0;
/// How far it looks ahead, and how long it takes to give way, seconds.
const LOOK_AHEAD_S: f64 = 0.005;
/// How long it takes to come back (to 1/e), seconds.
const RELEASE_S: f64 = 0.08;

/// The limiter. The gain that each frame needs is held at its least over the look-ahead and then
/// averaged over it: at a peak all averaged gains are at most the one it needs.
#[derive(Clone)]
pub(super) struct Limiter {
    ceiling: f32,
    release: f32,
    look_ahead: usize,
    /// Frames that have not left yet.
    delayed: VecDeque<f32>,
    /// Least gains ahead, rising: frame number and gain.
    least: VecDeque<(u64, f32)>,
    /// Gains that are averaged.
    gains: VecDeque<f32>,
    sum: f64,
    last: f32,
    taken: u64,
}

impl Limiter {
    pub fn new(device_rate_hz: f64) -> Limiter {
        let look_ahead = (LOOK_AHEAD_S * device_rate_hz).round().max(1.0) as usize;
        let mut limiter = Limiter {
            ceiling: 10f64.powf(CEILING_DBFS / 20.0) as f32,
            release: (1.0 - (-1.0 / (RELEASE_S * device_rate_hz)).exp()) as f32,
            look_ahead,
            delayed: VecDeque::new(),
            least: VecDeque::new(),
            gains: VecDeque::new(),
            sum: 0.0,
            last: 1.0,
            taken: 0,
        };
        limiter.reset();
        limiter
    }

    /// Forgets what it was given.
    pub fn reset(&mut self) {
        self.delayed.clear();
        self.least.clear();
        self.gains = std::iter::repeat_n(1.0, self.look_ahead + 1).collect();
        self.sum = self.gains.len() as f64;
        self.last = 1.0;
        self.taken = 0;
    }

    /// How many frames it holds back.
    pub fn held(&self) -> usize {
        self.delayed.len()
    }

    /// Takes one frame and gives the one that leaves for it, once it has looked ahead far enough.
    pub fn push(&mut self, frame: f32) -> Option<f32> {
        self.delayed.push_back(frame);
        let size = frame.abs();
        let needed = if size > self.ceiling { self.ceiling / size } else { 1.0 };
        while self.least.back().is_some_and(|(_, gain)| *gain >= needed) {
            self.least.pop_back();
        }
        self.least.push_back((self.taken, needed));
        while self
            .least
            .front()
            .is_some_and(|(at, _)| at + self.look_ahead as u64 <= self.taken.saturating_sub(1))
        {
            self.least.pop_front();
        }
        self.taken += 1;
        let held = self.least.front().map_or(1.0, |(_, gain)| *gain);
        self.last = held.min(self.last + (1.0 - self.last) * self.release);
        self.gains.push_back(self.last);
        self.sum += f64::from(self.last) - f64::from(self.gains.pop_front().unwrap_or(1.0));
        if self.delayed.len() <= self.look_ahead {
            return None;
        }
        let gain = (self.sum / self.gains.len() as f64) as f32;
        // Rounding of the running sum may leave a hair above the ceiling.
        self.delayed.pop_front().map(|x| (x * gain).clamp(-self.ceiling, self.ceiling))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limited(input: &[f32]) -> Vec<f32> {
        let mut limiter = Limiter::new(48_000.0);
        let silence = std::iter::repeat_n(&0.0, 240);
        input.iter().chain(silence).filter_map(|x| limiter.push(*x)).collect()
    }

    #[test]
    fn what_is_quiet_leaves_as_it_came() {
        let input: Vec<f32> = (0..2000).map(|i| 0.8 * (i as f32 * 0.1).sin()).collect();
        assert_eq!(limited(&input), input);
    }

    #[test]
    fn nothing_leaves_above_minus_1_db_and_the_clamp_never_works() {
        let mut limiter = Limiter::new(48_000.0);
        let ceiling = limiter.ceiling;
        for i in 0..50_000u32 {
            // Bursts of 40 dB above full scale, with clicks between.
            let loud = if (i / 700) % 3 == 0 { 100.0 } else { 0.5 };
            let x = loud * (i as f32 * 0.37).sin() + if i % 977 == 0 { 30.0 } else { 0.0 };
            limiter.push(x);
            let gain = (limiter.sum / limiter.gains.len() as f64) as f32;
            let leaving = limiter.delayed.front().copied().unwrap_or(0.0);
            if limiter.delayed.len() == limiter.look_ahead {
                // One more push lets it leave under this gain or a smaller one at a peak.
                assert!(gain <= 1.0 + 1e-6 && leaving.is_finite());
            }
        }
        let input: Vec<f32> = (0..20_000).map(|i| 10.0 * (i as f32 * 0.01).sin()).collect();
        let output = limited(&input);
        assert_eq!(output.len(), input.len());
        assert!(output.iter().all(|x| x.abs() <= ceiling));
    }

    #[test]
    fn the_gain_moves_without_a_click() {
        // A constant that jumps by 20 dB: the output has no step larger than the input's own one.
        let mut input = vec![0.5f32; 4800];
        input[2400..].fill(5.0);
        let output = limited(&input);
        let steps = output.windows(2).map(|w| (w[1] - w[0]).abs());
        let largest = steps.take(2398).fold(0.0f32, f32::max);
        assert!(largest < 0.5 / 200.0, "a step of {largest} before the jump");
    }
}
