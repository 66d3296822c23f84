//! Spectrogram correlation: calls that look like a template.

use std::collections::VecDeque;
use std::ops::Range;

use super::curve::Curve;
use super::energy_band::energy_band;
use super::frames::FrameSpec;
use super::settings::CorrelationSettings;
use super::template::Template;
use super::whitened::{Levels, Whitened};
use super::{Detector, Found, FoundCall};
use crate::fir::dot;
use crate::spectrum::SpecError;

/// Frames in a window.
const PER_WINDOW: usize = 4;
/// The transform is longer than the window: templates want to be laid finely.
const ZERO_PADDING: usize = 2;
/// A cell of the curve.
const CELL_S: f64 = 0.25;

/// The detector.
pub(super) struct CorrelationDetector {
    whitened: Whitened,
    rest: Rest,
}

/// What is done with the frames.
struct Rest {
    settings: CorrelationSettings,
    frames: FrameSpec,
    bins: Range<usize>,
    templates: Vec<Template>,
    /// Frames of the longest template after its middle.
    after: i64,
    /// Frames within which the best score is told.
    apart: i64,
    /// Mean noise by the floor.
    mean_of_floor: f64,
    /// Frames that were heard last, without a hole.
    heard: VecDeque<Row>,
    /// Number of the first of them.
    first: i64,
    /// Scores that are not yet told, by the frame in the middle.
    scores: VecDeque<Best>,
    curve: Curve,
    reach: i64,
}

/// A frame, prepared.
struct Row {
    /// Levels over the floor, between 0 and the ceiling.
    levels: Vec<f32>,
    /// Sums of the levels, and of their squares, of all rows before one.
    sums: Vec<(f64, f64)>,
    /// Power over the noise.
    excess: Vec<f32>,
    was_recorded: bool,
}

/// The best template about a frame.
#[derive(Clone, Copy)]
struct Best {
    middle: i64,
    score: f32,
    template: usize,
}

impl CorrelationDetector {
    /// For samples at a rate that holds its band.
    ///
    /// # Errors
    /// When the transform can't be made.
    pub fn new(
        settings: &CorrelationSettings,
        rate_hz: f64,
    ) -> Result<CorrelationDetector, SpecError> {
        let mut frames = FrameSpec::of(rate_hz, settings.window_s, PER_WINDOW);
        frames.fft_size *= ZERO_PADDING;
        let bins = frames.bins_in(settings.low_hz, settings.high_hz);
        let templates = Template::all(settings, &frames, &bins);
        let longest = templates.iter().map(|t| t.frames).max().unwrap_or(1) as i64;
        let apart = frames.frames_in(settings.apart_s);
        let floor = settings.noise.in_frames(&frames, 1);
        let share = (settings.noise.percentile / 100.0).clamp(0.01, 0.99);
        let reach = floor.reach() + 2 * (longest + apart) + 2;
        Ok(CorrelationDetector {
            whitened: Whitened::new(&frames, bins.clone(), &settings.noise)?,
            rest: Rest {
                settings: settings.clone(),
                frames,
                bins,
                templates,
                after: longest - longest / 2,
                apart,
                mean_of_floor: -1.0 / (1.0 - share).ln(),
                heard: VecDeque::new(),
                first: 0,
                scores: VecDeque::new(),
                curve: Curve::new((CELL_S * rate_hz).round() as i64),
                reach: reach * frames.hop as i64 + frames.window as i64,
            },
        })
    }
}

impl Detector for CorrelationDetector {
    fn push(&mut self, position: i64, samples: &[f32], found: &mut Found) {
        let rest = &mut self.rest;
        self.whitened.push(position, samples, &mut |levels| rest.frame(&levels, found));
    }

    fn finish(&mut self, found: &mut Found) {
        let rest = &mut self.rest;
        self.whitened.finish(&mut |levels| rest.frame(&levels, found));
        rest.rest_in_silence(found);
        rest.curve.finish(&mut found.scores);
    }

    fn reach_samples(&self) -> i64 {
        self.rest.reach
    }

    fn cell_samples(&self) -> i64 {
        self.rest.curve.cell()
    }
}

impl Rest {
    fn frame(&mut self, levels: &Levels<'_>, found: &mut Found) {
        if self.heard.is_empty() {
            self.first = levels.frame;
        }
        // What was not recorded is silence: enough of it, and nothing before matters any more.
        let missing = levels.frame - self.first - self.heard.len() as i64;
        if missing > self.kept() {
            self.rest_in_silence(found);
            self.first = levels.frame;
        } else {
            for _ in 0..missing {
                self.take(Row::silent(self.bins.len()), found);
            }
        }
        let row = Row::of(levels, self.bins.len(), self.settings.ceiling_db, self.mean_of_floor);
        self.take(row, found);
    }

    /// Frames that are looked back on.
    fn kept(&self) -> i64 {
        2 * self.after + self.apart + 2
    }

    fn rest_in_silence(&mut self, found: &mut Found) {
        if !self.heard.is_empty() {
            for _ in 0..self.kept() {
                self.take(Row::silent(self.bins.len()), found);
            }
        }
        self.heard.clear();
        self.scores.clear();
    }

    fn take(&mut self, row: Row, found: &mut Found) {
        self.heard.push_back(row);
        let newest = self.first + self.heard.len() as i64 - 1;
        let middle = newest - self.after;
        if middle >= self.first {
            let at = usize::try_from(middle - self.first).unwrap_or(0);
            let mut best = Best { middle, score: 0.0, template: 0 };
            if self.heard.get(at).is_some_and(|row| row.was_recorded) {
                best = self.best(middle);
                self.curve.add(self.frames.middle(middle), best.score, &mut found.scores);
            }
            self.scores.push_back(best);
            self.tell(middle - self.apart, found);
        }
        while self.heard.len() as i64 > self.kept() + self.after {
            self.heard.pop_front();
            self.first += 1;
        }
    }

    /// The best template with its middle at a frame.
    fn best(&self, middle: i64) -> Best {
        let mut best = Best { middle, score: 0.0, template: 0 };
        for (index, template) in self.templates.iter().enumerate() {
            let first = middle - template.frames as i64 / 2 - self.first;
            let score = self.correlation(template, first);
            if score > best.score {
                best = Best { middle, score, template: index };
            }
        }
        best
    }

    /// Pearson's correlation of a template with what was heard from a frame on (an index into `heard`,
    /// before which there was silence): −1 to 1.
    fn correlation(&self, template: &Template, first: i64) -> f32 {
        let rows = template.rows.clone();
        let (mut product, mut sum, mut squares) = (0.0f32, 0.0f64, 0.0f64);
        for (t, weights) in template.weights.chunks_exact(rows.len()).enumerate() {
            let heard = usize::try_from(first + t as i64).ok().and_then(|at| self.heard.get(at));
            let Some(row) = heard else { continue };
            product += dot(&row.levels[rows.clone()], weights);
            let (from, to) = (row.sums[rows.start], row.sums[rows.end]);
            sum += to.0 - from.0;
            squares += to.1 - from.1;
        }
        let spread = squares - sum * sum / template.weights.len() as f64;
        // The weights' mean is 0 and their norm 1.
        if spread > 1e-6 { (f64::from(product) / spread.sqrt()) as f32 } else { 0.0 }
    }

    /// Tells the score of a frame if it is the best around.
    fn tell(&mut self, middle: i64, found: &mut Found) {
        while self.scores.front().is_some_and(|s| s.middle < middle - self.apart) {
            self.scores.pop_front();
        }
        let Some(this) = self.scores.iter().find(|s| s.middle == middle).copied() else { return };
        let is_best = self.scores.iter().all(|other| match other.middle.cmp(&middle) {
            std::cmp::Ordering::Less => other.score < this.score,
            _ => other.score <= this.score,
        });
        if is_best && f64::from(this.score) >= self.settings.keep_from {
            found.calls.extend(self.call(this));
        }
    }

    fn call(&self, best: Best) -> Option<FoundCall> {
        let template = self.templates.get(best.template)?;
        let begin = best.middle - template.frames as i64 / 2;
        let half_hop = self.frames.hop as i64 / 2;
        let mut energy = vec![0.0f64; self.bins.len()];
        // At the end of what was recorded a template may reach beyond it.
        let (mut first, mut last) = (best.middle, best.middle);
        for frame in begin..begin + template.frames as i64 {
            let heard = usize::try_from(frame - self.first).ok().and_then(|at| self.heard.get(at));
            let Some(row) = heard.filter(|row| row.was_recorded) else { continue };
            (first, last) = (first.min(frame), last.max(frame));
            for (sum, excess) in energy.iter_mut().zip(&row.excess) {
                *sum += f64::from(*excess);
            }
        }
        let band = (self.settings.low_hz, self.settings.high_hz);
        Some(FoundCall {
            span: self.frames.middle(first) - half_hop..self.frames.middle(last) + half_hop,
            band_hz: energy_band(&energy, self.bins.start, self.frames.bin_hz(), band),
            score: best.score,
            train: None,
        })
    }
}

impl Row {
    fn silent(rows: usize) -> Row {
        Row {
            levels: vec![0.0; rows],
            sums: vec![(0.0, 0.0); rows + 1],
            excess: vec![0.0; rows],
            was_recorded: false,
        }
    }

    fn of(levels: &Levels<'_>, rows: usize, ceiling_db: f64, mean_of_floor: f64) -> Row {
        let above: Vec<f32> =
            levels.above_db[..rows].iter().map(|db| db.clamp(0.0, ceiling_db as f32)).collect();
        let mut sums = Vec::with_capacity(rows + 1);
        let (mut sum, mut squares) = (0.0, 0.0);
        sums.push((sum, squares));
        for level in &above {
            let level = f64::from(*level);
            sum += level;
            squares += level * level;
            sums.push((sum, squares));
        }
        let power = |db: f32| 10f64.powf(f64::from(db) / 10.0);
        let excess = levels.level_db[..rows].iter().zip(levels.floor_db);
        let excess = excess.map(|(l, f)| (power(*l) - mean_of_floor * power(*f)) as f32);
        Row { excess: excess.collect(), levels: above, sums, was_recorded: true }
    }
}

#[cfg(test)]
mod tests {
    use super::super::settings::{NoiseFloor, Sweeps};
    use super::super::whitened::tests::{fixture, sea};
    use super::*;

    fn settings() -> CorrelationSettings {
        CorrelationSettings {
            low_hz: 50.0,
            high_hz: 400.0,
            window_s: 0.128,
            noise: NoiseFloor { window_s: 15.0, update_s: 1.0, percentile: 50.0 },
            ceiling_db: 25.0,
            width_hz: 18.0,
            sweeps: Sweeps {
                duration_s: vec![0.65, 1.2],
                start_hz: vec![70.0, 120.0],
                end_hz: vec![150.0, 225.0],
                bend: 1.8,
                least_sweep_hz: 30.0,
            },
            keep_from: 0.3,
            threshold: 0.4,
            apart_s: 0.6,
        }
    }

    fn heard(pieces: usize) -> Found {
        let mut detector = CorrelationDetector::new(&settings(), 1000.0).expect("a transform");
        let mut found = Found::default();
        for (at, part) in sea().chunks(pieces).enumerate() {
            detector.push((pieces * at) as i64, part, &mut found);
        }
        detector.finish(&mut found);
        found
    }

    #[test]
    fn scores_are_numpys_correlation_with_the_best_template() {
        let ours = heard(1009).scores;
        let fixture = fixture();
        let theirs = fixture["curve"].as_array().expect("a list");
        for pair in theirs {
            let (cell, score) =
                (pair[0].as_i64().expect("a number"), pair[1].as_f64().expect("a number"));
            let found = ours.iter().find(|(number, _)| *number == cell);
            let (_, found) = found.unwrap_or_else(|| panic!("no score in cell {cell}"));
            // Levels agree to 0.01 dB of some 10.
            assert!((f64::from(*found) - score).abs() < 1e-3, "{cell}: {found} for {score}");
        }
    }

    #[test]
    fn both_sweeps_are_found_where_they_are_and_nothing_else() {
        let calls = heard(40_000).calls;
        let starts: Vec<i64> = calls.iter().map(|c| c.span.start).collect();
        assert_eq!(calls.len(), 2, "{starts:?}");
        for (call, expected_s) in calls.iter().zip([12.3, 31.1]) {
            let (start_s, end_s) = (call.span.start as f64 / 1000.0, call.span.end as f64 / 1000.0);
            // Templates last 0.65 or 1.2 s, the sweeps 1 s.
            assert!((start_s - expected_s).abs() < 0.4, "{start_s}");
            assert!((end_s - expected_s - 1.0).abs() < 0.4, "{end_s}");
        }
        let (low, high) = calls[0].band_hz;
        assert!((75.0..110.0).contains(&low) && (160.0..205.0).contains(&high), "{low} {high}");
        assert!(calls[0].score > calls[1].score && calls[0].score > 0.6);
    }

    #[test]
    fn however_the_samples_come_the_scores_are_the_same_to_the_bit() {
        let whole = heard(usize::MAX / 2);
        for pieces in [100, 4096] {
            let again = heard(pieces);
            assert_eq!(again.scores, whole.scores);
            assert_eq!(again.calls.len(), whole.calls.len());
        }
    }
}
