//! From positions on a line to frames for a sound card.

use std::f64::consts::PI;
use std::ops::Range;

use spyhop_api::view::Listening;

use super::chain::Chain;
use super::limiter::Limiter;

/// Edges of what is heard fade over this time, seconds.
const FADE_S: f64 = 0.005;
/// A loop of at most so many frames,
const KEPT_FRAMES: u64 = 1 << 19;
/// made from at most so many samples, is rendered once and kept, and its end is crossfaded into its
/// beginning. Longer ones fade out and in.
const KEPT_SAMPLES: f64 = 4e6;

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
    /// Nothing above the mixer's frequency.
    #[error(
        "nothing lies above {0} Hz to be mixed down: choose a lower frequency, or another band"
    )]
    Heterodyne(f64),
}

/// Frames that were rendered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Block {
    /// How many frames were appended; fewer than asked for only at the end of the range.
    pub frames: usize,
    /// Position that the first of them stands for.
    pub position: f64,
    /// Positions from one frame to the next.
    pub step: f64,
    /// Whether the range has come to its end (never when looped).
    pub ended: bool,
    loop_end: f64,
    loop_length: f64,
}

impl Block {
    /// The position that a frame of the block stands for, round the loop where there is one.
    pub fn position_of(&self, frame: usize) -> f64 {
        let position = self.position + frame as f64 * self.step;
        if self.loop_length > 0.0 && position >= self.loop_end {
            let past = (position - self.loop_end) % self.loop_length;
            self.loop_end - self.loop_length + past
        } else {
            position
        }
    }
}

/// Renders a range, block by block.
pub struct Renderer {
    spec: ListenSpec,
    chain: Chain,
    limiter: Limiter,
    step: f64,
    /// Frames of one pass through the range.
    pass: u64,
    /// Frames of a fade.
    fade: u64,
    /// The pass, as far as it was rendered, where it is short enough to be kept.
    kept: Option<Vec<f32>>,
    /// Frame of the pass that the chain gives next, where the pass is not kept.
    chain_at: Option<u64>,
    /// Frame of the pass that goes into the limiter next.
    next: u64,
    /// Frame of the pass that leaves next.
    leaving: u64,
    /// Frames since the beginning or the last seek.
    since_start: u64,
    gain: f32,
    raw: Vec<f32>,
}

/// Reads samples at positions into a cleared vector; zeros where nothing was recorded.
pub type Read<'a> = dyn FnMut(Range<i64>, &mut Vec<f32>) -> Result<(), String> + 'a;

impl ListenSpec {
    /// Positions from one frame to the next.
    pub fn step(&self) -> f64 {
        self.listening.rate * self.source_rate_hz / self.device_rate_hz
    }

    /// Frames of one pass through the range.
    pub(super) fn frames(&self) -> u64 {
        let length = self.range.end.saturating_sub(self.range.start).max(0);
        ((length as f64 / self.step()).ceil() as u64).max(1)
    }

    pub(super) fn check(&self) -> Result<(), ListenError> {
        for rate in [self.source_rate_hz, self.device_rate_hz] {
            if !(1.0..=1e7).contains(&rate) {
                return Err(ListenError::Rate(rate));
            }
        }
        if !(0.01..=1800.0).contains(&self.listening.rate) {
            return Err(ListenError::Speed(self.listening.rate));
        }
        if self.range.is_empty() {
            return Err(ListenError::Empty);
        }
        Ok(())
    }
}

impl Renderer {
    /// Prepares to play from the beginning of the range.
    ///
    /// # Errors
    /// When the spec can't be played.
    pub fn new(spec: &ListenSpec) -> Result<Renderer, ListenError> {
        spec.check()?;
        let pass = spec.frames();
        let short = pass <= KEPT_FRAMES && pass as f64 * spec.step() <= KEPT_SAMPLES;
        let mut renderer = Renderer {
            spec: spec.clone(),
            chain: Chain::new(spec)?,
            limiter: Limiter::new(spec.device_rate_hz),
            step: spec.step(),
            pass,
            fade: ((FADE_S * spec.device_rate_hz).round() as u64).min(pass / 2),
            kept: (spec.listening.looped && short).then(Vec::new),
            chain_at: None,
            next: 0,
            leaving: 0,
            since_start: 0,
            gain: 0.0,
            raw: Vec::new(),
        };
        if renderer.kept.is_some() {
            renderer.fade = renderer.fade.min(pass / 4);
        }
        renderer.gain = renderer.wanted_gain();
        Ok(renderer)
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
        let position = self.position(self.leaving);
        let from = out.len();
        while out.len() - from < frames {
            if self.next >= self.pass {
                // All has gone in; silence drives out what the limiter still holds.
                if self.limiter.held() == 0 || self.leaving >= self.pass {
                    break;
                }
                self.leave(0.0, out);
                continue;
            }
            let room = (frames - (out.len() - from)) as u64;
            let count = room.min(self.pass - self.next) as usize;
            let mut raw = std::mem::take(&mut self.raw);
            raw.clear();
            let filled = self.fill(read, count, &mut raw);
            let wanted = self.wanted_gain();
            let slew = 1.0 / self.fade.max(1) as f32;
            for x in &raw {
                self.gain += (wanted - self.gain) * slew;
                self.leave(x * self.gain, out);
            }
            self.raw = raw;
            filled?;
            self.next += count as u64;
            if self.next >= self.pass && self.spec.listening.looped {
                self.next = self.loop_start();
            }
        }
        let looped = self.spec.listening.looped;
        let loop_frames = if looped { self.pass - self.loop_start() } else { 0 };
        Ok(Block {
            frames: out.len() - from,
            position,
            step: self.step,
            ended: !looped && self.leaving >= self.pass,
            loop_end: self.position(self.pass),
            loop_length: loop_frames as f64 * self.step,
        })
    }

    /// Goes on from another position inside the range.
    pub fn seek(&mut self, position: f64) {
        let frame = (position - self.spec.range.start as f64) / self.step;
        self.next = (frame.round().max(0.0) as u64).min(self.pass - 1);
        self.leaving = self.next;
        self.since_start = 0;
        self.chain_at = None;
        self.limiter.reset();
    }

    /// Changes the extra gain without a click.
    pub fn set_gain_db(&mut self, gain_db: f64) {
        self.spec.listening.gain_db = gain_db;
    }

    fn wanted_gain(&self) -> f32 {
        10f64.powf((self.spec.auto_gain_db + self.spec.listening.gain_db) / 20.0) as f32
    }

    fn position(&self, frame: u64) -> f64 {
        self.spec.range.start as f64 + frame as f64 * self.step
    }

    /// Where a loop goes on after its end: a kept one has heard its beginning in the crossfade.
    fn loop_start(&self) -> u64 {
        if self.kept.is_some() { self.fade } else { 0 }
    }

    /// Sends a frame through the limiter and counts what leaves.
    fn leave(&mut self, frame: f32, out: &mut Vec<f32>) {
        if let Some(frame) = self.limiter.push(frame) {
            out.push(frame);
            self.leaving += 1;
            if self.leaving >= self.pass && self.spec.listening.looped {
                self.leaving = self.loop_start();
            }
        }
    }

    /// Appends `count` frames from `next` on, with all fades.
    fn fill(
        &mut self,
        read: &mut Read<'_>,
        count: usize,
        out: &mut Vec<f32>,
    ) -> Result<(), String> {
        let frames = self.next..self.next + count as u64;
        if let Some(mut kept) = self.kept.take() {
            let missing = frames.end.saturating_sub(kept.len() as u64) as usize;
            let rendered = self.render(read, kept.len() as u64, missing, &mut kept);
            out.extend(frames.map(|frame| self.looped(&kept, frame)));
            self.kept = Some(kept);
            rendered?;
        } else {
            self.render(read, self.next, count, out)?;
            for (x, frame) in out.iter_mut().zip(frames) {
                *x *= ramp(frame.min(self.pass - 1 - frame), self.fade);
            }
        }
        // Sound begins gently wherever it begins; at the range's own edge it does so already.
        let faded = self.kept.is_none() && self.next == self.since_start;
        for x in out.iter_mut().take(self.fade.saturating_sub(self.since_start) as usize) {
            if !faded {
                *x *= ramp(self.since_start, self.fade);
            }
            self.since_start += 1;
        }
        Ok(())
    }

    /// Appends `count` frames of the pass from `frame` on, faded to the edges of what was recorded.
    fn render(
        &mut self,
        read: &mut Read<'_>,
        frame: u64,
        count: usize,
        out: &mut Vec<f32>,
    ) -> Result<(), String> {
        if count == 0 {
            return Ok(());
        }
        if self.chain_at != Some(frame) {
            self.chain.seek(self.position(frame));
        }
        self.chain_at = None;
        let from = out.len();
        self.chain.render(read, out, count)?;
        self.chain_at = Some(frame + count as u64);
        self.fade_gaps(frame, &mut out[from..]);
        Ok(())
    }

    /// A frame of the kept pass; its last ones are crossfaded into its first (equal power: the two
    /// are not alike).
    fn looped(&self, kept: &[f32], frame: u64) -> f32 {
        let at = |k: u64| kept.get(k as usize).copied().unwrap_or(0.0);
        let tail = self.pass - self.fade;
        if frame < tail || self.fade == 0 {
            return at(frame);
        }
        let angle = (frame - tail) as f64 / self.fade as f64 * PI / 2.0;
        at(frame) * angle.cos() as f32 + at(frame - tail) * angle.sin() as f32
    }

    /// Fades frames to the edges of what was recorded, with silence between; the first of them is
    /// `frame` of the pass.
    fn fade_gaps(&self, frame: u64, frames: &mut [f32]) {
        if self.spec.recorded.is_empty() {
            return;
        }
        let fade = (FADE_S * self.spec.device_rate_hz).max(1.0);
        let start = self.position(frame);
        let mut run = self.spec.recorded.partition_point(|r| (r.end as f64) <= start);
        for (i, x) in frames.iter_mut().enumerate() {
            let position = start + i as f64 * self.step;
            while self.spec.recorded.get(run).is_some_and(|r| r.end as f64 <= position) {
                run += 1;
            }
            let inside = self.spec.recorded.get(run).map_or(-1.0, |r| {
                (position - r.start as f64).min(r.end as f64 - position) / self.step
            });
            if inside < fade {
                *x *= (0.5 - 0.5 * (PI * inside.max(0.0) / fade).cos()) as f32;
            }
        }
    }
}

/// A raised cosine from 0 to 1 over `fade` frames.
fn ramp(frames: u64, fade: u64) -> f32 {
    if frames >= fade { 1.0 } else { (0.5 - 0.5 * (PI * frames as f64 / fade as f64).cos()) as f32 }
}
