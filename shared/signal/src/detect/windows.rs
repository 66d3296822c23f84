//! Cutting a stream into the windows that a network listens to.

use std::ops::Range;

/// Windows of a stream, on a grid of the clock: window `i` begins at position `i · hop`.
///
/// Where a run of samples begins or ends between two of them, what no whole window holds comes as a
/// shorter one.
pub struct Windows {
    window: i64,
    hop: i64,
    /// Shorter windows than this are none.
    least: i64,
    pending: Vec<f32>,
    /// Position of the first pending sample.
    first: i64,
    /// Where the run began.
    begin: i64,
    /// The next window; before a run there is none.
    next: Option<i64>,
}

/// A window.
#[derive(Clone, Debug, PartialEq)]
pub struct Window<'a> {
    /// Position of its first sample.
    pub position: i64,
    /// Its samples.
    pub samples: &'a [f32],
    /// The positions that it speaks for: its middle, one hop long, and at the ends of a run what lies
    /// beyond.
    pub speaks_for: Range<i64>,
}

impl Windows {
    /// Windows of so many samples that begin a hop after one another (a window at most); shorter ones than
    /// `least` are left out.
    pub fn new(window_samples: usize, hop_samples: usize, least_samples: usize) -> Windows {
        let window = window_samples.max(1) as i64;
        Windows {
            window,
            hop: (hop_samples as i64).clamp(1, window),
            least: (least_samples as i64).clamp(1, window),
            pending: Vec::new(),
            first: 0,
            begin: 0,
            next: None,
        }
    }

    /// How far around a window's first sample others matter to what becomes of it.
    pub fn reach_samples(&self) -> i64 {
        2 * self.window
    }

    /// Takes samples from a position on; what lies between them and those before was not recorded.
    pub fn push(&mut self, position: i64, samples: &[f32], give: &mut dyn FnMut(Window<'_>)) {
        if self.next.is_none() || position != self.end_of_pending() {
            self.end(give);
            (self.first, self.begin) = (position, position);
            // The window that begins before the run, or with it.
            self.next = Some(position.div_euclid(self.hop));
        }
        self.pending.extend_from_slice(samples);
        let end = self.end_of_pending();
        while let Some(number) = self.next.filter(|n| n * self.hop + self.window <= end) {
            self.give(number, number * self.hop + self.window, None, give);
            self.next = Some(number + 1);
        }
        if let Some(number) = self.next {
            let done = (number * self.hop - self.first).clamp(0, self.pending.len() as i64);
            // In one go now and then, not a shift for every piece.
            if done as usize > self.pending.len() / 2 {
                self.pending.drain(..done as usize);
                self.first += done;
            }
        }
    }

    /// The run ends: what no whole window held comes as a shorter one.
    pub fn end(&mut self, give: &mut dyn FnMut(Window<'_>)) {
        let end = self.end_of_pending();
        if let Some(number) = self.next {
            let begin = (number * self.hop).max(self.begin);
            // Where the last whole window ended with the run, nothing is left.
            let held = (number - 1) * self.hop + self.window;
            if begin < end && (held < end || begin == self.begin) {
                self.give(number, end, Some(end), give);
            }
        }
        self.next = None;
        self.pending.clear();
    }

    fn end_of_pending(&self) -> i64 {
        self.first + self.pending.len() as i64
    }

    fn give(
        &self,
        number: i64,
        until: i64,
        run_end: Option<i64>,
        give: &mut dyn FnMut(Window<'_>),
    ) {
        let from = (number * self.hop).max(self.begin);
        let inside = |position: i64| usize::try_from(position - self.first).unwrap_or(0);
        let Some(samples) = self.pending.get(inside(from)..inside(until)) else { return };
        if (samples.len() as i64) < self.least {
            return;
        }
        let middle = number * self.hop + (self.window - self.hop) / 2;
        let is_first = number == self.begin.div_euclid(self.hop);
        let start = if is_first { self.begin } else { middle.min(until) };
        let end = run_end.unwrap_or(middle + self.hop);
        give(Window { position: from, samples, speaks_for: start..end.max(start) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Positions, lengths and spans of the windows of runs that were pushed in pieces.
    fn windows(
        sizes: [usize; 3],
        runs: &[Range<i64>],
        piece: usize,
    ) -> Vec<(i64, usize, Range<i64>)> {
        let mut cutter = Windows::new(sizes[0], sizes[1], sizes[2]);
        let mut all = Vec::new();
        let mut give = |w: Window<'_>| {
            // Each sample is its own position.
            assert!(
                w.samples.iter().enumerate().all(|(i, x)| *x == (w.position + i as i64) as f32)
            );
            all.push((w.position, w.samples.len(), w.speaks_for));
        };
        for run in runs {
            let samples: Vec<f32> = run.clone().map(|p| p as f32).collect();
            for (i, part) in samples.chunks(piece).enumerate() {
                cutter.push(run.start + (i * piece) as i64, part, &mut give);
            }
        }
        cutter.end(&mut give);
        all
    }

    #[test]
    fn a_file_from_zero_is_cut_as_one_expects() {
        assert_eq!(
            windows([10, 10, 2], &[0..30], 7),
            [(0, 10, 0..10), (10, 10, 10..20), (20, 10, 20..30)]
        );
        assert_eq!(
            windows([10, 10, 2], &[0..25], 4),
            [(0, 10, 0..10), (10, 10, 10..20), (20, 5, 20..25)]
        );
        assert_eq!(windows([10, 10, 6], &[0..25], 4).len(), 2, "too short to hear anything");
        assert_eq!(windows([10, 10, 2], &[0..6], 4), [(0, 6, 0..6)]);
    }

    #[test]
    fn overlapping_windows_speak_for_their_middles_and_cover_all_of_the_run() {
        let all = windows([10, 4, 2], &[0..24], 5);
        let expected =
            [(0, 10, 0..7), (4, 10, 7..11), (8, 10, 11..15), (12, 10, 15..19), (16, 8, 19..24)];
        assert_eq!(all, expected);
        // Ends with a whole window: nothing is left to hear.
        assert_eq!(windows([10, 4, 2], &[0..22], 5).len(), 4);
    }

    #[test]
    fn windows_lie_on_the_clock_wherever_a_run_begins() {
        let all = windows([10, 10, 2], &[7..33, 40..52], 100);
        let expected = [
            (7, 3, 7..10),
            (10, 10, 10..20),
            (20, 10, 20..30),
            (30, 3, 30..33),
            (40, 10, 40..50),
            (50, 2, 50..52),
        ];
        assert_eq!(all, expected);
        for piece in [1, 3, 11] {
            assert_eq!(windows([10, 10, 2], &[7..33, 40..52], piece), expected);
        }
    }
}
