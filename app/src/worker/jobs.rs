//! What a worker does when it is told to.

use std::cell::Cell;
use std::ops::Range;
use std::rc::Rc;

use spyhop_signal::Line;
use spyhop_signal::measure::{BoxSpec, CONTEXT_S};
use spyhop_signal::spectrum::{
    Columns, ColumnsSpec, Effort, SpectrumSpec, Stft, WaveColumn, columns, plan_column,
};
use spyhop_words::page::engine as words;
use spyhop_workers::{Message, Recordings, float_buffer, now_ms};

use super::graphics::Graphics;
use super::kept::Kept;
use super::playback::{Player, Submit};
use super::speed;
use crate::engine::wire::{Answer, ColumnsWire, Cost, Order};
use crate::parts;

/// Samples that are given out at once, and measured.
pub const MOST_SAMPLES: i64 = 4 << 20;
/// Samples that are fetched at once before they are transformed; more are read piece by piece.
const FETCHED_SAMPLES: i64 = 16 << 20;
/// Samples that the CPU transforms between two reads: what a browser has ready of a file meanwhile,
/// about 2 MB, is then taken up at once.
const PART_SAMPLES: u64 = 1 << 20;

/// A worker's state.
pub struct Jobs {
    recordings: Recordings,
    line: Rc<Line>,
    /// Planning a large transform takes a while.
    planned: Kept<Stft>,
    graphics: Graphics,
    dropped: Rc<Cell<u32>>,
    player: Player,
}

impl Jobs {
    /// Jobs up to the number in `dropped` are not wanted any more; `submit` gives this worker orders.
    pub fn new(dropped: Rc<Cell<u32>>, submit: Submit) -> Jobs {
        Jobs {
            recordings: Recordings::default(),
            line: Rc::new(Line { sample_rate_hz: 0.0, origin: None, runs: Vec::new() }),
            planned: Kept::default(),
            graphics: Graphics::default(),
            dropped,
            player: Player::new(submit),
        }
    }

    /// Does what it is told, and gives the answer.
    pub async fn carry_out(&mut self, order: Order, message: Message) -> Option<Message> {
        let job = order.job();
        if job.is_some_and(|job| job <= self.dropped.get()) {
            return job.map(|job| Message::new(&Answer::Dropped { job }));
        }
        match self.answer(order, message).await {
            Ok(answer) => answer,
            Err(message) => job.map(|job| Message::new(&Answer::Failed { job, message })),
        }
    }

    async fn answer(&mut self, order: Order, message: Message) -> Result<Option<Message>, String> {
        Ok(Some(match order {
            Order::Sources(sources) => {
                self.recordings.replace(sources, &message);
                self.player.stop();
                return Ok(None);
            }
            Order::Line(line) => {
                let line = Line::from(line);
                self.line = Rc::new(line.clone());
                self.recordings.set_line(line);
                return Ok(None);
            }
            Order::Gpu { force } => {
                self.graphics.open(force).await;
                return Ok(None);
            }
            Order::Drop { .. } => return Ok(None),
            Order::Open { job, source } => {
                let info = self.recordings.describe(source).map_err(|e| e.to_string())?;
                Message::new(&Answer::Info { job, info: Box::new(info) })
            }
            Order::Columns { job, columns } => return self.columns(job, &columns).await,
            Order::Wave { job, channel, column_samples, first_column, columns } => {
                let start = now_ms();
                let wave = self.wave(channel, column_samples, first_column, columns)?;
                Message::with(&Answer::Wave { job, cost: self.cost(start) }, vec![wave])
            }
            Order::Samples { job, start, end, channel } => {
                let samples = self.samples(start..end, channel)?;
                Message::with(&Answer::Samples { job }, vec![float_buffer(&samples)])
            }
            Order::Measure { job, start, end, channel, band_hz, spectrum, calibration } => {
                let sample_rate_hz = self.line.sample_rate_hz;
                let spec = BoxSpec { sample_rate_hz, band_hz, spectrum, calibration };
                let measures = self.measure(start..end, channel, &spec)?;
                Message::new(&Answer::Measures { job, measures: Box::new(measures) })
            }
            Order::Slice { job, start, end, channel, spectrum } => {
                let samples = self.samples(start..end, channel)?;
                let slice = parts::slice(&samples, self.line.sample_rate_hz, &spectrum)?;
                let answer = Answer::Slice { job, bin_hz: slice.bin_hz, frames: slice.frames };
                Message::with(&answer, vec![float_buffer(&slice.mean), float_buffer(&slice.max)])
            }
            Order::Speed { job, spectrum, duration_ms } => {
                let samples_per_s = speed::in_memory(&spectrum, duration_ms)?;
                Message::new(&Answer::Speed { job, samples_per_s })
            }
            Order::Play(play) => {
                self.player.play(&mut self.recordings, &self.line, play, &message);
                return Ok(None);
            }
            Order::Render { frames } => {
                self.player.render(&mut self.recordings, frames);
                return Ok(None);
            }
        }))
    }

    /// Columns of a picture, or that they are not wanted any more.
    async fn columns(&mut self, job: u32, wire: &ColumnsWire) -> Result<Option<Message>, String> {
        let start = now_ms();
        let whole = self.columns_spec(wire);
        let line = self.line.clone();
        let mut all: Option<Columns> = None;
        let mut on_gpu = false;
        for spec in self.parts(&whole) {
            self.fetch(&spec, &line).await?;
            let (recordings, dropped) = (&mut self.recordings, self.dropped.clone());
            let read = &mut |range, out: &mut Vec<f32>| recordings.read(range, wire.channel, out);
            let cancelled = &mut || job <= dropped.get();
            let made = match self.graphics.columns(&spec, &line, read, cancelled).await? {
                Some(made) => {
                    on_gpu = true;
                    made
                }
                None => self.on_cpu(&spec, &line, wire.channel, cancelled)?,
            };
            let Some(made) = made else {
                return Ok(Some(Message::new(&Answer::Dropped { job })));
            };
            match &mut all {
                Some(all) => all.append(made),
                None => all = Some(made),
            }
        }
        let Some(Columns { mean, max, frames, wave, exact }) = all else {
            return Ok(Some(Message::new(&Answer::Dropped { job })));
        };
        let cost = self.cost(start);
        let answer = Answer::Columns { job, frames, exact, on_gpu, cost };
        let wave: Vec<f32> = wave.iter().flat_map(|w| [w.min, w.max, w.mean_square]).collect();
        let buffers = [&mean, &max, &wave].map(|v| float_buffer(v)).to_vec();
        Ok(Some(Message::with(&answer, buffers)))
    }

    fn on_cpu(
        &mut self,
        spec: &ColumnsSpec,
        line: &Line,
        channel: u32,
        cancelled: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Columns>, String> {
        let fits = |stft: &Stft| *stft.spec() == spec.spectrum;
        let planned = self.planned.take(fits, || Stft::new(&spec.spectrum));
        let mut stft = planned.map_err(|e| e.to_string())?;
        let recordings = &mut self.recordings;
        let read = &mut |range, out: &mut Vec<f32>| recordings.read(range, channel, out);
        let made = columns(spec, &mut stft, line, read, cancelled);
        self.planned.put(stft);
        made
    }

    /// Columns in parts, each of which is read before it is transformed. A GPU gets all at once.
    fn parts(&self, whole: &ColumnsSpec) -> Vec<ColumnsSpec> {
        let most = (PART_SAMPLES / whole.column_samples.max(1)).max(1) as usize;
        let at_once = self.graphics.is_open() || whole.effort != Effort::Exact;
        let most = if at_once { whole.columns.max(1) } else { most };
        let firsts = (0..whole.columns).step_by(most);
        firsts
            .map(|first| ColumnsSpec {
                first_column: whole.first_column + first as i64,
                columns: most.min(whole.columns - first),
                ..*whole
            })
            .collect()
    }

    /// Fetches what columns will read all at once, where it is known without reading it.
    async fn fetch(&mut self, spec: &ColumnsSpec, line: &Line) -> Result<(), String> {
        let columns = spec.first_column..spec.first_column + spec.columns as i64;
        let inside = |range: Range<i64>| range.start.max(0)..range.end.min(line.end());
        if spec.effort != Effort::Exact {
            let plans = columns.map(|column| plan_column(spec, line, column));
            let ranges = plans.flat_map(|plan| {
                let frames: Vec<_> = plan.runs.iter().map(|run| run.positions(spec)).collect();
                frames.into_iter().chain(plan.wave)
            });
            let ranges: Vec<_> = ranges.map(inside).collect();
            return self.recordings.fetch(&ranges).await;
        }
        let around = spec.spectrum.window_samples as i64;
        let range = spec.positions(columns.start).start..spec.positions(columns.end).start;
        let range = inside(range.start - around..range.end + around);
        if range.end - range.start > FETCHED_SAMPLES {
            return Ok(());
        }
        self.recordings.fetch(&[range]).await
    }

    fn columns_spec(&self, wire: &ColumnsWire) -> ColumnsSpec {
        ColumnsSpec {
            spectrum: SpectrumSpec::from((&wire.spectrum, self.line.sample_rate_hz)),
            column_samples: wire.column_samples,
            first_column: wire.first_column,
            columns: wire.columns,
            first_row: wire.first_row,
            rows: wire.rows,
            bins_per_row: wire.bins_per_row,
            effort: match wire.sampled {
                Some(frames_per_column) => Effort::Sampled { frames_per_column },
                None => Effort::Exact,
            },
        }
    }

    /// Minimum, maximum and mean square of columns, as a buffer.
    fn wave(
        &mut self,
        channel: u32,
        column_samples: u64,
        first_column: i64,
        columns: usize,
    ) -> Result<wasm_bindgen::JsValue, String> {
        let size = column_samples.max(1) as i64;
        let start = first_column * size;
        let mut samples = Vec::new();
        self.recordings.read(start..start + columns as i64 * size, channel, &mut samples)?;
        self.blank_gaps(start, &mut samples);
        let wave: Vec<f32> = samples
            .chunks(size as usize)
            .map(wave_column)
            .flat_map(|w| [w.min, w.max, w.mean_square])
            .collect();
        Ok(float_buffer(&wave))
    }

    /// Samples of a range, NaN where nothing was recorded.
    fn samples(&mut self, range: Range<i64>, channel: u32) -> Result<Vec<f32>, String> {
        let range = range.start..range.end.min(range.start.saturating_add(MOST_SAMPLES));
        let start = range.start;
        let mut samples = Vec::new();
        self.recordings.read(range, channel, &mut samples)?;
        self.blank_gaps(start, &mut samples);
        Ok(samples)
    }

    fn blank_gaps(&self, start: i64, samples: &mut [f32]) {
        let mut at = 0;
        for run in self.line.parts(start..start + samples.len() as i64) {
            let recorded = (run.position - start) as usize;
            samples[at..recorded].fill(f32::NAN);
            at = recorded + run.frames as usize;
        }
        if let Some(rest) = samples.get_mut(at..) {
            rest.fill(f32::NAN);
        }
    }

    fn measure(
        &mut self,
        range: Range<i64>,
        channel: u32,
        spec: &BoxSpec,
    ) -> Result<spyhop_signal::measure::BoxMeasures, String> {
        let context = (CONTEXT_S * spec.sample_rate_hz).round() as i64;
        let around = (range.start - context).max(0)..(range.end + context).min(self.line.end());
        if around.end - around.start > MOST_SAMPLES {
            return Err(words::box_too_long(MOST_SAMPLES, CONTEXT_S));
        }
        let samples = self.samples(around.clone(), channel)?;
        let inside = (range.start - around.start).max(0) as usize
            ..(range.end - around.start).max(0) as usize;
        parts::measured(&samples, inside, spec)
    }

    fn cost(&self, start: f64) -> Cost {
        let (bytes_read, read_ms) = self.recordings.take_read();
        Cost { elapsed_ms: now_ms() - start, bytes_read, read_ms }
    }
}

/// The wave form of a few samples; those that are not a number were not recorded.
fn wave_column(samples: &[f32]) -> WaveColumn {
    let (mut min, mut max, mut squares, mut count) = (f32::NAN, f32::NAN, 0.0f64, 0u32);
    for &x in samples.iter().filter(|x| x.is_finite()) {
        min = min.min(x);
        max = max.max(x);
        squares += f64::from(x) * f64::from(x);
        count += 1;
    }
    let mean_square = if count == 0 { f32::NAN } else { (squares / f64::from(count)) as f32 };
    WaveColumn { min, max, mean_square }
}
