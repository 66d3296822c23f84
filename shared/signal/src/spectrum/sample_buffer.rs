//! Samples of a line around where the transform is, read in large pieces.

use std::ops::Range;

/// How samples are had: fills the vector with the samples of a range of positions, zeros where
/// nothing was recorded; the message is for a person.
pub type ReadSamples<'a> = dyn FnMut(Range<i64>, &mut Vec<f32>) -> Result<(), String> + 'a;

/// Samples that were read last.
pub(crate) struct SampleBuffer {
    start: i64,
    samples: Vec<f32>,
    fresh: Vec<f32>,
    piece: i64,
    line_end: i64,
}

impl SampleBuffer {
    /// Reads `piece` samples at a time, more where more is asked for at once.
    pub fn new(piece: usize, line_end: i64) -> SampleBuffer {
        let piece = i64::try_from(piece).unwrap_or(1);
        SampleBuffer { start: 0, samples: Vec::new(), fresh: Vec::new(), piece, line_end }
    }

    /// The samples of `range`; where they have to be read, what follows up to `limit` is read along.
    pub fn get(
        &mut self,
        range: Range<i64>,
        limit: i64,
        read: &mut ReadSamples<'_>,
    ) -> Result<&[f32], String> {
        let held = self.start..self.start + self.samples.len() as i64;
        if range.start < held.start || range.end > held.end {
            let end = range.end.max(limit.min(range.start.saturating_add(self.piece)));
            let kept = if held.contains(&range.start) { held.end - range.start } else { 0 };
            self.samples.drain(..self.samples.len() - kept as usize);
            self.start = range.start;
            if kept == 0 {
                read_positions(range.start..end, self.line_end, read, &mut self.samples)?;
            } else {
                self.fresh.clear();
                read_positions(range.start + kept..end, self.line_end, read, &mut self.fresh)?;
                self.samples.extend_from_slice(&self.fresh);
            }
        }
        let from = (range.start - self.start) as usize;
        let to = (range.end - self.start) as usize;
        Ok(&self.samples[from..to])
    }
}

/// Reads a range that may reach beyond the line (where there are zeros) into an empty vector. What is
/// no number becomes zero: a float recording may hold NaN, and one of them must not blank a column.
///
/// # Errors
/// With the message of `read`.
pub fn read_positions(
    range: Range<i64>,
    line_end: i64,
    read: &mut ReadSamples<'_>,
    out: &mut Vec<f32>,
) -> Result<(), String> {
    let inside = range.start.clamp(0, line_end)..range.end.clamp(0, line_end);
    if !inside.is_empty() {
        read(inside.clone(), out)?;
        out.resize((inside.end - inside.start) as usize, 0.0);
        let before = (inside.start - range.start) as usize;
        if before > 0 {
            out.splice(0..0, std::iter::repeat_n(0.0, before));
        }
    }
    out.resize((range.end - range.start) as usize, 0.0);
    for x in out {
        *x = if x.is_finite() { *x } else { 0.0 };
    }
    Ok(())
}
