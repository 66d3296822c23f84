//! The GPU of a worker, where there is one that may be used.

use std::cell::RefCell;
use std::rc::Rc;

use spyhop_gpu::{AdapterChoice, Gpu, GpuError, GpuStft, Output};
use spyhop_signal::Line;
use spyhop_signal::spectrum::{Columns, ColumnsSpec, ReadSamples};
use spyhop_workers::{Message, post};

use super::kept::Kept;
use crate::engine::wire::Answer;

/// Transforms on the GPU for as long as it works.
#[derive(Default)]
pub struct Graphics {
    gpu: Rc<RefCell<Option<Gpu>>>,
    compiled: Kept<GpuStft>,
}

impl Graphics {
    /// Looks for a GPU. If a software adapter will do, jobs wait for it, so that all of them are done
    /// there; otherwise the CPU begins meanwhile.
    pub async fn open(&mut self, force: bool) {
        let choice = if force { AdapterChoice::Any } else { AdapterChoice::Hardware };
        let home = self.gpu.clone();
        let opening = async move {
            // Without one the CPU computes, as it does until there is one.
            if let Ok(gpu) = Gpu::open(choice).await {
                let adapter = Some(gpu.adapter().name.clone());
                home.replace(Some(gpu));
                post(&Message::new(&Answer::Gpu { adapter }));
            }
        };
        if force {
            opening.await;
        } else {
            wasm_bindgen_futures::spawn_local(opening);
        }
    }

    /// Whether there is one.
    pub fn is_open(&self) -> bool {
        self.gpu.borrow().is_some()
    }

    /// Columns, or `None` where the CPU has to compute them.
    ///
    /// # Errors
    /// When samples can't be read.
    pub async fn columns(
        &mut self,
        spec: &ColumnsSpec,
        line: &Line,
        read: &mut ReadSamples<'_>,
        cancelled: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Option<Columns>>, String> {
        let Some(gpu) = self.gpu.borrow().clone() else { return Ok(None) };
        if !gpu.adapter().caps.can_transform(spec.spectrum.fft_size) {
            return Ok(None);
        }
        let fits = |stft: &GpuStft| *stft.spec() == spec.spectrum;
        let made = match self.compiled.take(fits, || GpuStft::new(&gpu, &spec.spectrum)) {
            Ok(stft) => {
                let made = stft.columns(spec, line, Output::Power, read, cancelled).await;
                self.compiled.put(stft);
                made
            }
            Err(error) => Err(error),
        };
        match made {
            Ok(columns) => Ok(Some(columns)),
            Err(GpuError::Read(problem)) => Err(problem),
            Err(error) => {
                // A device that failed once is not asked again; a picture that did not fit it is small
                // change.
                if let GpuError::Device(_) = error {
                    self.gpu.replace(None);
                    self.compiled.clear();
                    post(&Message::new(&Answer::Gpu { adapter: None }));
                }
                Ok(None)
            }
        }
    }
}
