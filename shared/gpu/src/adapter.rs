//! Finding a GPU, and knowing a software one when it answers.

use std::sync::{Arc, Mutex, PoisonError};

use futures_channel::oneshot;

use crate::device_caps::{DeviceCaps, Tier};

/// Which adapters are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdapterChoice {
    /// Real GPUs only: for speed.
    Hardware,
    /// Also one that computes on the CPU: for tests of the kernels.
    Any,
}

/// The adapter behind a [`Gpu`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adapter {
    /// As the driver or browser calls it; browsers may say nothing.
    pub name: String,
    /// Whether it computes on the CPU.
    pub is_software: bool,
    /// What it can do.
    pub caps: DeviceCaps,
}

/// An open device; clones share it.
#[derive(Clone)]
pub struct Gpu {
    pub(crate) device: wgpu::Device,
    pub(crate) queue: wgpu::Queue,
    adapter: Adapter,
    /// The first thing that went wrong on the device, outside any call that could return it.
    failure: Arc<Mutex<Option<String>>>,
}

/// Why a GPU does not compute. Callers take the CPU instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GpuError {
    /// There is none, or none that may be used.
    #[error("no GPU: {0}")]
    NoAdapter(String),
    /// It can't do this transform.
    #[error(
        "an FFT of {fft_size} points does not run on this GPU (powers of two from 64 to {longest_fft} do)"
    )]
    FftSize {
        /// What was asked for.
        fft_size: usize,
        /// What would go.
        longest_fft: usize,
    },
    /// The picture does not fit its buffers.
    #[error(
        "{columns} columns of {rows} rows do not fit the GPU's buffers; ask for fewer at a time"
    )]
    TooLarge {
        /// Columns asked for.
        columns: usize,
        /// Rows asked for.
        rows: usize,
    },
    /// The spec can't be computed by anyone.
    #[error("{0}")]
    Spec(String),
    /// Samples could not be read.
    #[error("{0}")]
    Read(String),
    /// The device failed or was lost.
    #[error("the GPU failed: {0}")]
    Device(String),
}

/// How software adapters are called: Mesa's, Chromium's, Windows's.
const SOFTWARE_NAMES: [&str; 5] =
    ["llvmpipe", "lavapipe", "swiftshader", "microsoft basic render", "softpipe"];

impl Gpu {
    /// Opens the fastest adapter of the kind chosen.
    ///
    /// # Errors
    /// When there is none, or its device does not open.
    pub async fn open(choice: AdapterChoice) -> Result<Gpu, GpuError> {
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
        let options = wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            ..Default::default()
        };
        let fallback =
            wgpu::RequestAdapterOptions { force_fallback_adapter: true, ..options.clone() };
        let found = match (instance.request_adapter(&options).await, choice) {
            (Err(_), AdapterChoice::Any) => instance.request_adapter(&fallback).await,
            (found, _) => found,
        };
        let found = found.map_err(|e| GpuError::NoAdapter(e.to_string()))?;
        let limits = wgpu::Limits::default().or_worse_values_from(&found.limits());
        let adapter = describe(&found.get_info(), &limits);
        if adapter.is_software && choice == AdapterChoice::Hardware {
            let reason = format!("{} computes on the CPU", adapter.name);
            return Err(GpuError::NoAdapter(reason));
        }
        if adapter.caps.tier == Tier::Unsuitable {
            let reason = format!("{} has too little workgroup memory", adapter.name);
            return Err(GpuError::NoAdapter(reason));
        }
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("spyhop"),
            required_limits: limits,
            ..Default::default()
        };
        let (device, queue) = found
            .request_device(&descriptor)
            .await
            .map_err(|e| GpuError::NoAdapter(e.to_string()))?;
        let failure = Arc::new(Mutex::new(None));
        let note = |failure: Arc<Mutex<Option<String>>>| {
            move |message: String| {
                failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(message);
            }
        };
        let failed = note(failure.clone());
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| failed(error.to_string())));
        let lost = note(failure.clone());
        device.set_device_lost_callback(move |_, message| {
            lost(format!("the device was lost ({message})"));
        });
        Ok(Gpu { device, queue, adapter, failure })
    }

    /// What was opened.
    pub fn adapter(&self) -> &Adapter {
        &self.adapter
    }

    /// The first thing that went wrong so far.
    pub(crate) fn check(&self) -> Result<(), GpuError> {
        match &*self.failure.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(message) => Err(GpuError::Device(message.clone())),
            None => Ok(()),
        }
    }

    /// Waits for an answer of the device. Browsers poll by themselves.
    pub(crate) async fn wait<T>(&self, answer: oneshot::Receiver<T>) -> Result<T, GpuError> {
        self.device
            .poll(wgpu::PollType::wait_indefinitely())
            .map_err(|e| GpuError::Device(e.to_string()))?;
        let answer = answer.await.map_err(|_| GpuError::Device("it gave no answer".into()));
        self.check()?;
        answer
    }
}

fn describe(info: &wgpu::AdapterInfo, limits: &wgpu::Limits) -> Adapter {
    let lower = format!("{} {}", info.name, info.driver).to_lowercase();
    let is_software = info.device_type == wgpu::DeviceType::Cpu
        || SOFTWARE_NAMES.iter().any(|name| lower.contains(name));
    let name = if info.name.is_empty() { "unnamed adapter".into() } else { info.name.clone() };
    Adapter { name, is_software, caps: DeviceCaps::of(limits) }
}
