//! How fast this worker transforms samples that are in its memory: what reading is measured against.

use spyhop_api::view::SpectrumSettings;
use spyhop_signal::Line;
use spyhop_signal::line::Run;
use spyhop_signal::spectrum::{ColumnsSpec, Effort, SpectrumSpec, Stft, columns};

use spyhop_workers::now_ms;

/// Samples of a column: those of a pixel of a long recording.
const COLUMN_SAMPLES: u64 = 1 << 18;
/// Columns transformed between two looks at the clock.
const COLUMNS: usize = 4;
/// Any rate: it only scales power.
const RATE_HZ: f64 = 192e3;

/// Samples a second, of exact columns.
///
/// # Errors
/// When the transform can't be made.
pub fn in_memory(spectrum: &SpectrumSettings, duration_ms: f64) -> Result<f64, String> {
    let spectrum = SpectrumSpec::from((spectrum, RATE_HZ));
    let mut stft = Stft::new(&spectrum).map_err(|e| e.to_string())?;
    let frames = COLUMN_SAMPLES * COLUMNS as u64;
    let run = Run { position: 0, frames, recording: 0, first_frame: 0 };
    let line = Line { sample_rate_hz: RATE_HZ, origin: None, runs: vec![run] };
    let mut state = 1u32;
    let noise: Vec<f32> = (0..frames)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect();
    let spec = ColumnsSpec {
        spectrum,
        column_samples: COLUMN_SAMPLES,
        first_column: 0,
        columns: COLUMNS,
        first_row: 0,
        rows: spectrum.rows(1),
        bins_per_row: 1,
        effort: Effort::Exact,
    };
    let start = now_ms();
    let (mut done, mut elapsed_ms) = (0u64, 0.0);
    while elapsed_ms < duration_ms {
        let mut read = |range: std::ops::Range<i64>, out: &mut Vec<f32>| {
            out.extend_from_slice(&noise[range.start as usize..range.end as usize]);
            Ok(())
        };
        columns(&spec, &mut stft, &line, &mut read, &mut || false)?;
        done += frames;
        elapsed_ms = now_ms() - start;
    }
    Ok(done as f64 / elapsed_ms.max(1e-3) * 1e3)
}
