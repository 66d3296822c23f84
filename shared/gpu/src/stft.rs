//! Columns of power, computed on the device from samples to dB.

use std::f64::consts::TAU;

use futures_channel::oneshot;
use spyhop_signal::Line;
use spyhop_signal::spectrum::{Columns, ColumnsSpec, ReadSamples, SpectrumSpec, Wave};

use crate::adapter::{Gpu, GpuError};
use crate::batch::{Batch, Plan};
use crate::pipelines::Pipelines;

/// What `mean` and `max` of the columns hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Power, as the CPU gives it.
    Power,
    /// 10·lg(power); silence is −379 dB, the smallest number in full precision.
    Decibels,
}

/// Transforms columns of one [`SpectrumSpec`] on a GPU; keeps its kernels and tables.
pub struct GpuStft {
    gpu: Gpu,
    spec: SpectrumSpec,
    pipelines: Pipelines,
    window: wgpu::Buffer,
    twiddles: wgpu::Buffer,
}

/// Sum and maximum of power in one buffer cell.
const CELL_BYTES: u64 = 8;
/// Bytes of partial results that a batch may have.
const POOLED_BYTES: u64 = 64 << 20;
/// Invocations of a workgroup of `pool.wgsl`.
const POOL_THREADS: usize = 64;

impl GpuStft {
    /// Compiles the kernels and computes window and twiddle factors in f64.
    ///
    /// # Errors
    /// When the spec can't be computed, or not on this device.
    pub fn new(gpu: &Gpu, spec: &SpectrumSpec) -> Result<GpuStft, GpuError> {
        let caps = gpu.adapter().caps;
        let mut window = spec.scaled_window().map_err(|e| GpuError::Spec(e.to_string()))?;
        if !caps.can_transform(spec.fft_size) {
            let (fft_size, longest_fft) = (spec.fft_size, caps.longest_fft);
            return Err(GpuError::FftSize { fft_size, longest_fft });
        }
        window.resize(spec.fft_size, 0.0);
        let twiddles: Vec<[f32; 2]> = (0..spec.fft_size)
            .map(|k| {
                let (sin, cos) = (-TAU * k as f64 / spec.fft_size as f64).sin_cos();
                [cos as f32, sin as f32]
            })
            .collect();
        let pipelines = Pipelines::new(&gpu.device, spec.fft_size);
        let table = |label, bytes: &[u8]| filled(gpu, label, wgpu::BufferUsages::STORAGE, bytes);
        Ok(GpuStft {
            window: table("window", bytemuck::cast_slice(&window)),
            twiddles: table("twiddles", bytemuck::cast_slice(&twiddles)),
            gpu: gpu.clone(),
            spec: *spec,
            pipelines,
        })
    }

    /// What it transforms.
    pub fn spec(&self) -> &SpectrumSpec {
        &self.spec
    }

    /// The same columns as [`spyhop_signal::spectrum::columns`], with the same meaning of all that it
    /// is given. `cancelled` is asked before each batch of about four million samples.
    ///
    /// # Errors
    /// When the picture does not fit, samples can't be read, or the device fails.
    pub async fn columns(
        &self,
        spec: &ColumnsSpec,
        line: &Line,
        output: Output,
        read: &mut ReadSamples<'_>,
        cancelled: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Columns>, GpuError> {
        spec.check().map_err(GpuError::Spec)?;
        if spec.spectrum != self.spec {
            let reason = "the columns ask for another transform than the one compiled";
            return Err(GpuError::Spec(reason.into()));
        }
        let caps = self.gpu.adapter().caps;
        let cells = (spec.columns as u64).saturating_mul(spec.rows as u64);
        let bytes = cells.saturating_mul(CELL_BYTES);
        if bytes > caps.largest_buffer || spec.columns as u64 > u64::from(caps.workgroups) {
            return Err(GpuError::TooLarge { columns: spec.columns, rows: spec.rows });
        }
        let plan = Plan::new(spec, line);
        let mut waves = vec![Wave::default(); spec.columns];
        let picture = (cells > 0).then(|| Picture::new(self, spec, output, &plan, bytes));

        let slot_bytes = self.spec.bins() as u64 * CELL_BYTES;
        let most_slots = (POOLED_BYTES.min(caps.largest_buffer) / slot_bytes).max(1) as usize;
        let mut at = 0;
        let mut running: Option<oneshot::Receiver<()>> = None;
        while at < plan.items.len() {
            if cancelled() {
                return Ok(None);
            }
            let items = plan.batch_after(at, most_slots);
            at = items.end;
            // The device computes the batch before while this one is read.
            let batch = Batch::read(&plan.items[items], spec, line, read, &mut waves)
                .map_err(GpuError::Read)?;
            if let Some(running) = running.take() {
                self.gpu.wait(running).await?;
            }
            if let Some(picture) = picture.as_ref().filter(|_| !batch.slots.is_empty()) {
                running = Some(picture.submit(&batch));
            }
        }
        let (mean, mut max) = match picture {
            Some(picture) => picture.finish().await?,
            None => (Vec::new(), Vec::new()),
        };
        if plan.frames.iter().all(|&frames| frames <= 1) {
            max = Vec::new();
        }
        Ok(Some(Columns {
            mean,
            max,
            frames: plan.frames,
            wave: waves.iter().map(Wave::column).collect(),
            exact: plan.exact,
        }))
    }
}

/// A picture in the making on the device.
struct Picture<'a> {
    stft: &'a GpuStft,
    spec: &'a ColumnsSpec,
    output: Output,
    frames: wgpu::Buffer,
    /// Sum and maximum of each cell.
    cells: wgpu::Buffer,
}

impl<'a> Picture<'a> {
    fn new(
        stft: &'a GpuStft,
        spec: &'a ColumnsSpec,
        output: Output,
        plan: &Plan,
        bytes: u64,
    ) -> Picture<'a> {
        let storage = wgpu::BufferUsages::STORAGE;
        let frames = filled(&stft.gpu, "frames", storage, bytemuck::cast_slice(&plan.frames));
        let cells = empty(&stft.gpu, "cells", storage | wgpu::BufferUsages::COPY_SRC, bytes);
        Picture { stft, spec, output, frames, cells }
    }

    /// Starts a batch; the receiver hears when it is done.
    fn submit(&self, batch: &Batch) -> oneshot::Receiver<()> {
        let gpu = &self.stft.gpu;
        let storage = wgpu::BufferUsages::STORAGE;
        let slots = batch.slots.len() as u32;
        let row = slots.min(gpu.adapter().caps.workgroups);
        let params = [self.spec.spectrum.hop_samples as u32, slots, row, 0];
        let params = filled(gpu, "frame params", wgpu::BufferUsages::UNIFORM, words(&params));
        let samples = filled(gpu, "samples", storage, bytemuck::cast_slice(&batch.samples));
        let slot_table = filled(gpu, "slots", storage, bytemuck::cast_slice(&batch.slots));
        let parts = filled(gpu, "parts", storage, bytemuck::cast_slice(&batch.parts));
        let pooled_bytes = u64::from(slots) * self.spec.spectrum.bins() as u64 * CELL_BYTES;
        let pooled = empty(gpu, "pooled", storage, pooled_bytes);

        let frames_to_power = &self.stft.pipelines.frames_to_power;
        let transform = bind(
            gpu,
            &frames_to_power.get_bind_group_layout(0),
            &[&params, &samples, &self.stft.window, &self.stft.twiddles, &slot_table, &pooled],
        );
        let pool = self.bind_pool(&pooled, &parts, batch.parts.len());
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            pass.set_pipeline(frames_to_power);
            pass.set_bind_group(0, &transform, &[]);
            pass.dispatch_workgroups(row, slots.div_ceil(row), 1);
            pass.set_pipeline(&self.stft.pipelines.gather);
            pass.set_bind_group(0, &pool, &[]);
            pass.dispatch_workgroups(self.row_groups(), batch.parts.len() as u32, 1);
        }
        gpu.queue.submit([encoder.finish()]);
        let (done, heard) = oneshot::channel();
        // Nobody listens any more when the work was cancelled.
        gpu.queue.on_submitted_work_done(move || {
            let _ = done.send(());
        });
        heard
    }

    /// Mean and maximum of all cells.
    async fn finish(self) -> Result<(Vec<f32>, Vec<f32>), GpuError> {
        let gpu = &self.stft.gpu;
        let none = empty(gpu, "nothing", wgpu::BufferUsages::STORAGE, 16);
        let pool = self.bind_pool(&none, &none, self.spec.columns);
        let read_back = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST;
        let bytes = self.cells.size();
        let home = empty(gpu, "read back", read_back, bytes);
        let mut encoder = gpu.device.create_command_encoder(&Default::default());
        {
            let mut pass = encoder.begin_compute_pass(&Default::default());
            pass.set_pipeline(&self.stft.pipelines.finish);
            pass.set_bind_group(0, &pool, &[]);
            pass.dispatch_workgroups(self.row_groups(), self.spec.columns as u32, 1);
        }
        encoder.copy_buffer_to_buffer(&self.cells, 0, &home, 0, bytes);
        gpu.queue.submit([encoder.finish()]);
        let (mapped, heard) = oneshot::channel();
        home.slice(..).map_async(wgpu::MapMode::Read, move |result| {
            let _ = mapped.send(result);
        });
        gpu.wait(heard).await?.map_err(|e| GpuError::Device(e.to_string()))?;
        let view =
            home.slice(..).get_mapped_range().map_err(|e| GpuError::Device(e.to_string()))?;
        let cells: &[[f32; 2]] = bytemuck::cast_slice(&view);
        Ok(cells.iter().map(|[mean, max]| (*mean, *max)).unzip())
    }

    fn row_groups(&self) -> u32 {
        self.spec.rows.div_ceil(POOL_THREADS) as u32
    }

    fn bind_pool(
        &self,
        pooled: &wgpu::Buffer,
        parts: &wgpu::Buffer,
        columns: usize,
    ) -> wgpu::BindGroup {
        let spec = self.spec;
        let decibels = u32::from(self.output == Output::Decibels);
        let params = [
            spec.spectrum.bins() as u32,
            spec.first_row as u32,
            spec.rows as u32,
            u32::try_from(spec.bins_per_row).unwrap_or(u32::MAX),
            columns as u32,
            decibels,
            0,
            0,
        ];
        let gpu = &self.stft.gpu;
        let params = filled(gpu, "pool params", wgpu::BufferUsages::UNIFORM, words(&params));
        let layout = &self.stft.pipelines.pool_layout;
        bind(gpu, layout, &[&params, pooled, parts, &self.frames, &self.cells])
    }
}

fn words(params: &[u32]) -> &[u8] {
    bytemuck::cast_slice(params)
}

fn empty(gpu: &Gpu, label: &str, usage: wgpu::BufferUsages, size: u64) -> wgpu::Buffer {
    let label = Some(label);
    let descriptor = wgpu::BufferDescriptor { label, size, usage, mapped_at_creation: false };
    gpu.device.create_buffer(&descriptor)
}

fn filled(gpu: &Gpu, label: &str, usage: wgpu::BufferUsages, bytes: &[u8]) -> wgpu::Buffer {
    let buffer = empty(gpu, label, usage | wgpu::BufferUsages::COPY_DST, bytes.len() as u64);
    gpu.queue.write_buffer(&buffer, 0, bytes);
    buffer
}

/// A bind group of whole buffers, bound from 0 on.
fn bind(gpu: &Gpu, layout: &wgpu::BindGroupLayout, buffers: &[&wgpu::Buffer]) -> wgpu::BindGroup {
    let entries: Vec<_> = buffers
        .iter()
        .zip(0..)
        .map(|(buffer, binding)| wgpu::BindGroupEntry {
            binding,
            resource: buffer.as_entire_binding(),
        })
        .collect();
    gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: None,
        layout,
        entries: &entries,
    })
}
