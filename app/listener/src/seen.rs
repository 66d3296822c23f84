//! What a network sees of a span of the clock.

use std::ops::Range;

use spyhop_api::Timestamp;
use spyhop_signal::detect::listen::{Found, Listen, ListenError};
use spyhop_signal::detect::{HeardWindow, RunWindows};

/// Keeps the windows that speak for a span of the clock: it listens as a network does, to the same windows
/// of the same samples.
pub struct Looker {
    windows: RunWindows,
    span_ns: Range<i64>,
    cut: Vec<HeardWindow>,
    /// Those that were wanted.
    pub kept: Vec<HeardWindow>,
}

impl Looker {
    /// Of a span, nanoseconds.
    pub fn new(windows: RunWindows, span_ns: Range<i64>) -> Looker {
        Looker { windows, span_ns, cut: Vec::new(), kept: Vec::new() }
    }

    fn keep(&mut self) {
        let Looker { windows, span_ns, cut, kept } = self;
        kept.extend(cut.drain(..).filter(|window| {
            let speaks_ns = windows.span_ns(&window.speaks_for);
            speaks_ns.start < span_ns.end && span_ns.start < speaks_ns.end
        }));
    }
}

impl Listen for Looker {
    fn reach_ns(&self) -> i64 {
        self.windows.reach_ns()
    }

    fn score_s(&self) -> f64 {
        let plan = self.windows.plan();
        plan.hop_samples as f64 / plan.rate_hz
    }

    fn begin(
        &mut self,
        start: Timestamp,
        skipped: u64,
        _found: &mut Found,
    ) -> Result<(), ListenError> {
        self.windows.begin(start, skipped, &mut self.cut);
        self.keep();
        Ok(())
    }

    fn push(&mut self, samples: &[f32], _found: &mut Found) -> Result<(), ListenError> {
        self.windows.push(samples, &mut self.cut);
        self.keep();
        Ok(())
    }

    fn finish(&mut self, _found: &mut Found) -> Result<(), ListenError> {
        self.windows.finish(&mut self.cut);
        self.keep();
        Ok(())
    }
}
