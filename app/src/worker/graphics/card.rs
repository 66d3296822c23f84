//! A GPU by WebGPU.

use std::future::Future;
use std::pin::Pin;

use spyhop_gpu::{AdapterChoice, Gpu, GpuError, GpuStft, Output};
use spyhop_signal::Line;
use spyhop_signal::spectrum::{ColumnsSpec, ReadSamples};

use super::{Card, Opening, Outcome};
use crate::worker::kept::Kept;

struct WebGpu {
    gpu: Gpu,
    compiled: Kept<GpuStft>,
}

/// Opens a GPU; with `force` also one that computes on the CPU.
pub fn open(force: bool) -> Opening {
    let choice = if force { AdapterChoice::Any } else { AdapterChoice::Hardware };
    Box::pin(async move {
        let gpu = Gpu::open(choice).await.ok()?;
        Some(Box::new(WebGpu { gpu, compiled: Kept::default() }) as Box<dyn Card>)
    })
}

impl Card for WebGpu {
    fn name(&self) -> String {
        self.gpu.adapter().name.clone()
    }

    fn columns<'a>(
        &'a mut self,
        spec: &'a ColumnsSpec,
        line: &'a Line,
        read: &'a mut ReadSamples<'_>,
        cancelled: &'a mut dyn FnMut() -> bool,
    ) -> Pin<Box<dyn Future<Output = Result<Outcome, String>> + 'a>> {
        Box::pin(async move {
            let WebGpu { gpu, compiled } = self;
            if !gpu.adapter().caps.can_transform(spec.spectrum.fft_size) {
                return Ok(Outcome::Refused);
            }
            let fits = |stft: &GpuStft| *stft.spec() == spec.spectrum;
            let made = match compiled.take(fits, || GpuStft::new(gpu, &spec.spectrum)) {
                Ok(stft) => {
                    let made = stft.columns(spec, line, Output::Power, read, cancelled).await;
                    compiled.put(stft);
                    made
                }
                Err(error) => Err(error),
            };
            match made {
                Ok(columns) => Ok(Outcome::Made(columns)),
                Err(GpuError::Read(problem)) => Err(problem),
                // A device that failed once is not asked again; a picture that did not fit it is small
                // change.
                Err(GpuError::Device(_)) => Ok(Outcome::Failed),
                Err(_) => Ok(Outcome::Refused),
            }
        })
    }
}
