//! Samples of a line around where the transform is, read in large pieces.

use std::ops::Range;

/// How samples are had: fills the vector with the samples of a range of positions, zeros where
/// nothing was recorded; the message is for a person.
pub type ReadSamples<'a> = dyn FnMut(Range<i64>, &mut Vec<f32>) -> Result<(), String> + 'a;

/// Samples that were read last.
pub(super) struct SampleBuffer {
    start: i64,
    samples: Vec<f32>,
    piece: i64,
}

impl SampleBuffer {
    /// Reads `piece` samples at a time, more where more is asked for at once.
    pub fn new(piece: usize) -> SampleBuffer {
        SampleBuffer { start: 0, samples: Vec::new(), piece: i64::try_from(piece).unwrap_or(1) }
    }

    /// The samples of `range`; where they have to be read, what follows up to `limit` is read along.
    pub fn get(
        &mut self,
        range: Range<i64>,
        limit: i64,
        recorded_end: i64,
        read: &mut ReadSamples<'_>,
    ) -> Result<&[f32], String> {
        let held = self.start..self.start + self.samples.len() as i64;
        if range.start < held.start || range.end > held.end {
            let end = range.end.max(limit.min(range.start.saturating_add(self.piece)));
            self.fill(range.start..end, recorded_end, read)?;
        }
        let from = (range.start - self.start) as usize;
        let to = (range.end - self.start) as usize;
        Ok(&self.samples[from..to])
    }

    /// Reads a range; before the line's beginning and after its end there are zeros.
    fn fill(
        &mut self,
        range: Range<i64>,
        recorded_end: i64,
        read: &mut ReadSamples<'_>,
    ) -> Result<(), String> {
        let wanted = (range.end - range.start) as usize;
        let inside = range.start.clamp(0, recorded_end)..range.end.clamp(0, recorded_end);
        self.samples.clear();
        if !inside.is_empty() {
            read(inside.clone(), &mut self.samples)?;
            self.samples.resize((inside.end - inside.start) as usize, 0.0);
            let before = (inside.start - range.start) as usize;
            if before > 0 {
                self.samples.splice(0..0, std::iter::repeat_n(0.0, before));
            }
        }
        self.samples.resize(wanted, 0.0);
        // A float recording may hold NaN; one of them must not blank a column.
        for x in &mut self.samples {
            *x = if x.is_finite() { *x } else { 0.0 };
        }
        self.start = range.start;
        Ok(())
    }
}
