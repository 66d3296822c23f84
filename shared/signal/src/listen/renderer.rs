//! From positions on a line to frames for a sound card.

use std::ops::Range;

use spyhop_api::view::Listening;

/// What is to be heard.
#[derive(Clone, Debug, PartialEq)]
pub struct ListenSpec {
    /// Samples a second of the recording, 1 Hz to 10 MHz.
    pub source_rate_hz: f64,
    /// Frames a second of the sound card.
    pub device_rate_hz: f64,
    /// Speed, lens, band, extra gain, loop.
    pub listening: Listening,
    /// Positions that are played.
    pub range: Range<i64>,
    /// Where something was recorded, in order; what lies outside is silent. Empty: everywhere.
    pub recorded: Vec<Range<i64>>,
    /// What is taken off every sample first; from a [`super::Survey`].
    pub dc: f64,
    /// Gain in dB that brings the range to −20 dBFS; from a [`super::Survey`].
    pub auto_gain_db: f64,
}

/// Why nothing can be heard.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ListenError {
    /// A rate that is no rate.
    #[error("a sampling rate of {0} Hz can't be played: it must lie between 1 Hz and 10 MHz")]
    Rate(f64),
    /// A speed out of range.
    #[error("a speed of {0} can't be played: it must lie between 0.01 and 1800")]
    Speed(f64),
    /// Nothing to play.
    #[error("the range to play is empty: select something")]
    Empty,
}

/// Frames that were rendered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Block {
    /// How many frames were appended; fewer than asked for at the end of the range.
    pub frames: usize,
    /// Position that the first of them stands for.
    pub position: f64,
    /// Positions from one frame to the next.
    pub step: f64,
    /// Whether the range has come to its end (never when looped).
    pub ended: bool,
}

/// Renders a range, block by block.
pub struct Renderer {
    spec: ListenSpec,
    step: f64,
    next: f64,
}

/// Reads samples at positions into a cleared vector; zeros where nothing was recorded.
pub type Read<'a> = dyn FnMut(Range<i64>, &mut Vec<f32>) -> Result<(), String> + 'a;

impl Renderer {
    /// Prepares to play from the beginning of the range.
    ///
    /// # Errors
    /// When the spec can't be played.
    pub fn new(spec: &ListenSpec) -> Result<Renderer, ListenError> {
        for rate in [spec.source_rate_hz, spec.device_rate_hz] {
            if !(1.0..=1e7).contains(&rate) {
                return Err(ListenError::Rate(rate));
            }
        }
        if !(0.01..=1800.0).contains(&spec.listening.rate) {
            return Err(ListenError::Speed(spec.listening.rate));
        }
        if spec.range.is_empty() {
            return Err(ListenError::Empty);
        }
        let step = spec.listening.rate * spec.source_rate_hz / spec.device_rate_hz;
        Ok(Renderer { spec: spec.clone(), step, next: spec.range.start as f64 })
    }

    /// Appends up to `frames` frames to `out`.
    ///
    /// # Errors
    /// What `read` says.
    pub fn next(
        &mut self,
        read: &mut Read<'_>,
        out: &mut Vec<f32>,
        frames: usize,
    ) -> Result<Block, String> {
        let position = self.next;
        let left = ((self.spec.range.end as f64 - position) / self.step).ceil().max(0.0);
        let count = frames.min(left as usize);
        let start = position.floor() as i64;
        let mut samples = Vec::new();
        read(start..(position + count as f64 * self.step).ceil() as i64 + 1, &mut samples)?;
        let gain = 10f64.powf((self.spec.auto_gain_db + self.spec.listening.gain_db) / 20.0);
        for i in 0..count {
            let at = position + i as f64 * self.step;
            let sample = samples.get((at as i64 - start) as usize).copied().unwrap_or(0.0);
            out.push(((f64::from(sample) - self.spec.dc) * gain).clamp(-0.89, 0.89) as f32);
        }
        self.next += count as f64 * self.step;
        let mut ended = self.next >= self.spec.range.end as f64;
        if ended && self.spec.listening.looped {
            self.next = self.spec.range.start as f64;
            ended = false;
        }
        Ok(Block { frames: count, position, step: self.step, ended })
    }

    /// Goes on from another position inside the range.
    pub fn seek(&mut self, position: f64) {
        let range = &self.spec.range;
        self.next = position.clamp(range.start as f64, range.end as f64);
    }

    /// Changes the extra gain without a click.
    pub fn set_gain_db(&mut self, gain_db: f64) {
        self.spec.listening.gain_db = gain_db;
    }
}
