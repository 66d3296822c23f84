//! Dropouts and stuck values: samples that do not change.

use spyhop_api::quality::RunCount;

/// Equal samples that are no sound: noise of half a quantisation step, the quietest that dithers a
/// converter at all, repeats a value 64 times once in 10¹⁰ samples (0.68⁶⁴).
const STILL_SAMPLES: u64 = 64;

/// Counts runs of samples that do not change in a stream.
#[derive(Clone, Debug)]
pub(super) struct Runs {
    full_scale: f32,
    value: f32,
    length: u64,
    dropouts: RunCount,
    stuck: RunCount,
}

impl Runs {
    /// For samples whose coding has steps of `step` of full scale.
    pub fn new(step: f64) -> Runs {
        Runs {
            full_scale: (1.0 - 1.5 * step) as f32,
            value: f32::NAN,
            length: 0,
            dropouts: RunCount::default(),
            stuck: RunCount::default(),
        }
    }

    /// The next sample.
    #[inline]
    pub fn push(&mut self, x: f32) {
        if x == self.value {
            self.length += 1;
            return;
        }
        self.end_run();
        (self.value, self.length) = (x, 1);
    }

    /// What follows is not the next sample.
    pub fn gap(&mut self) {
        self.end_run();
        (self.value, self.length) = (f32::NAN, 0);
    }

    /// Runs of zeros, and of other values but full scale (which is clipping).
    pub fn finish(mut self) -> (RunCount, RunCount) {
        self.gap();
        (self.dropouts, self.stuck)
    }

    fn end_run(&mut self) {
        if self.length < STILL_SAMPLES || self.value.abs() >= self.full_scale {
            return;
        }
        let runs = if self.value == 0.0 { &mut self.dropouts } else { &mut self.stuck };
        runs.count += 1;
        runs.samples += self.length;
        runs.longest = runs.longest.max(self.length);
    }
}
