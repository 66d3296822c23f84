//! Which frames and samples a column is made of.

use std::ops::Range;

use super::columns::{ColumnsSpec, Effort};
use crate::line::Line;

/// What a column is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnPlan {
    /// Frames to pool, in order.
    pub runs: Vec<FrameRun>,
    /// Positions whose samples make the wave form, in order: recorded ones inside the column.
    pub wave: Vec<Range<i64>>,
    /// Whether these are all frames and samples of the column.
    pub exact: bool,
}

/// Frames that follow each other by one hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameRun {
    /// Position of the first sample under the first frame's window.
    pub start: i64,
    /// How many frames.
    pub frames: u64,
}

impl FrameRun {
    /// Positions under the windows of all its frames.
    pub fn positions(&self, spec: &ColumnsSpec) -> Range<i64> {
        let hops = self.frames.saturating_sub(1) as i64 * spec.spectrum.hop_samples as i64;
        self.start..self.start + hops + spec.spectrum.window_samples as i64
    }
}

/// Plans a column. Frame `i` is centred on position `i * hop`; a column longer than a hop has the
/// frames whose centres it covers and were recorded, a shorter one a frame centred on itself.
/// `column` must be one of those that `spec` names.
///
/// A window that reached over the end of what was recorded would see the step to silence as a click of
/// every frequency: such frames are left out, and where a column has no other, one is moved inwards.
/// Only what is shorter than a window is transformed with silence around it.
pub fn plan_column(spec: &ColumnsSpec, line: &Line, column: i64) -> ColumnPlan {
    let range = spec.positions(column);
    let window = spec.spectrum.window_samples as i64;
    let half_window = window / 2;
    let hop = spec.spectrum.hop_samples as i64;
    let recorded: Vec<Range<i64>> =
        line.parts(range.clone()).map(|part| part.position..part.end()).collect();
    let stretches = stretches(line, range.start - window..range.end + window);
    let stretch_of = |position: i64| {
        // They are in order: a column over thousands of recordings asks for each of them.
        let found = stretches.get(stretches.partition_point(|s| s.end <= position));
        found.filter(|s| s.start <= position && s.end - s.start >= window).cloned()
    };
    let moved_inwards = |centre: i64| {
        let start = centre - half_window;
        let start = stretch_of(centre).map_or(start, |s| start.clamp(s.start, s.end - window));
        FrameRun { start, frames: 1 }
    };
    if range.end - range.start <= hop {
        let centre = range.start + (range.end - range.start) / 2;
        let is_recorded = recorded.iter().any(|part| part.contains(&centre));
        let runs = if is_recorded { vec![moved_inwards(centre)] } else { Vec::new() };
        return ColumnPlan { runs, wave: recorded, exact: true };
    }
    // Indices of frames.
    let mut all: Vec<Range<i64>> = Vec::new();
    let mut straddling = None;
    for part in &recorded {
        let frames = frames_centred_in(part, hop);
        let whole = match stretch_of(part.start) {
            // The centres whose windows lie inside.
            Some(s) => s.start + half_window..s.end - (window - half_window) + 1,
            None => part.clone(),
        };
        let inside = part.start.max(whole.start)..part.end.min(whole.end);
        let kept = frames_centred_in(&inside, hop);
        if !kept.is_empty() {
            all.push(kept);
        } else if !frames.is_empty() {
            straddling.get_or_insert(frames.start * hop);
        }
    }
    if let Some(centre) = straddling.filter(|_| all.is_empty()) {
        return ColumnPlan { runs: vec![moved_inwards(centre)], wave: recorded, exact: true };
    }
    let run = |frames: &Range<i64>| FrameRun {
        start: frames.start * hop - half_window,
        frames: (frames.end - frames.start) as u64,
    };
    match sampled(spec.effort, &all) {
        None => ColumnPlan { runs: all.iter().map(run).collect(), wave: recorded, exact: true },
        Some(bursts) => {
            let runs: Vec<FrameRun> = bursts.iter().map(run).collect();
            let mut wave: Vec<Range<i64>> = Vec::new();
            for run in &runs {
                let under = run.positions(spec);
                let from = wave.last().map_or(range.start, |w| w.end).max(under.start);
                let seen = from..under.end.min(range.end);
                wave.extend(line.parts(seen).map(|part| part.position..part.end()));
            }
            ColumnPlan { runs, wave, exact: false }
        }
    }
}

/// Frames to look at, spread evenly in bursts of up to two neighbours (which share what has to be
/// read); `None` when all of them are.
fn sampled(effort: Effort, runs: &[Range<i64>]) -> Option<Vec<Range<i64>>> {
    let Effort::Sampled { frames_per_column } = effort else { return None };
    let total: i64 = runs.iter().map(|r| r.end - r.start).sum();
    let wanted = i64::try_from(frames_per_column.max(1)).unwrap_or(i64::MAX);
    if wanted >= total {
        return None;
    }
    let burst = wanted.min(2);
    let bursts = wanted / burst;
    let burst_at = |j: i64| {
        // The middle of the j-th of `bursts` equal parts of the recorded frames.
        let middle = (2 * i128::from(j) + 1) * i128::from(total) / (2 * i128::from(bursts));
        let mut nth = i64::try_from(middle).ok()?;
        for run in runs {
            let length = run.end - run.start;
            if nth < length {
                let first = (run.start + nth).min(run.end - burst).max(run.start);
                return Some(first..run.end.min(first + burst));
            }
            nth -= length;
        }
        None
    };
    Some((0..bursts).filter_map(burst_at).collect())
}

/// What was recorded without a gap in a range; recordings that touch are one stretch.
fn stretches(line: &Line, range: Range<i64>) -> Vec<Range<i64>> {
    let mut all: Vec<Range<i64>> = Vec::new();
    for part in line.parts(range) {
        match all.last_mut() {
            Some(last) if last.end == part.position => last.end = part.end(),
            _ => all.push(part.position..part.end()),
        }
    }
    all
}

/// Indices `i` with `i * hop` in a range of positions.
fn frames_centred_in(positions: &Range<i64>, hop: i64) -> Range<i64> {
    let at_or_after = |p: i64| p.div_euclid(hop) + i64::from(p.rem_euclid(hop) != 0);
    at_or_after(positions.start)..at_or_after(positions.end)
}
