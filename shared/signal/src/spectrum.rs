//! Spectra: windows, the short-time transform, and the columns that every picture is made of.
//!
//! A [`SpectrumSpec`] says how samples become power; [`Stft`] does it for whole recordings as
//! `scipy.signal.spectrogram(..., detrend=False)` would; [`columns()`] does it for a picture, with as
//! many frames pooled in a column as the zoom asks for.

mod columns;
mod flatten;
mod peak;
mod plan;
mod pool;
mod sample_buffer;
pub mod scale;
mod spec;
mod stft;
mod wave;
mod window;

pub use columns::{Columns, ColumnsSpec, Effort, columns};
pub use flatten::{MedianColumns, row_medians};
pub use peak::peak_threshold_db;
pub use plan::{ColumnPlan, FrameRun, plan_column};
pub(crate) use pool::Pool;
pub(crate) use sample_buffer::SampleBuffer;
pub use sample_buffer::{ReadSamples, read_positions};
pub use scale::FrequencyScale;
pub use spec::{MAX_FFT_SIZE, SpecError, SpectrumSpec};
pub use stft::{Spectrogram, Stft};
pub use wave::{Wave, WaveColumn};
pub use window::window_coefficients;
