//! The wave form of columns.

use spyhop_api::ColumnSamples;

/// Wave form of one column. Where nothing was recorded all three are NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WaveColumn {
    /// Smallest sample, in full scale.
    pub min: f32,
    /// Largest sample.
    pub max: f32,
    /// Mean of the squared samples.
    pub mean_square: f32,
}

/// Gathers a [`WaveColumn`] from samples, in any order.
#[derive(Clone, Debug)]
pub struct Wave {
    min: f32,
    max: f32,
    squares: f64,
    samples: u64,
}

impl Default for Wave {
    fn default() -> Self {
        Wave { min: f32::INFINITY, max: f32::NEG_INFINITY, squares: 0.0, samples: 0 }
    }
}

/// Lanes that are gathered side by side, for SIMD.
const LANES: usize = 16;
/// Samples summed in f32 before the sum goes into f64.
const BLOCK: usize = 256 * LANES;

impl Wave {
    /// Adds samples.
    pub fn add(&mut self, samples: &[f32]) {
        for block in samples.chunks(BLOCK) {
            let mut min = [f32::INFINITY; LANES];
            let mut max = [f32::NEG_INFINITY; LANES];
            let mut squares = [0.0f32; LANES];
            let (whole, rest) = block.as_chunks::<LANES>();
            for lanes in whole {
                for i in 0..LANES {
                    let x = lanes[i];
                    min[i] = if x < min[i] { x } else { min[i] };
                    max[i] = if x > max[i] { x } else { max[i] };
                    squares[i] += x * x;
                }
            }
            for (i, &x) in rest.iter().enumerate() {
                min[i] = min[i].min(x);
                max[i] = max[i].max(x);
                squares[i] += x * x;
            }
            self.min = min.into_iter().fold(self.min, f32::min);
            self.max = max.into_iter().fold(self.max, f32::max);
            self.squares += squares.iter().map(|s| f64::from(*s)).sum::<f64>();
        }
        self.samples += samples.len() as u64;
    }

    /// What was gathered.
    pub fn column(&self) -> WaveColumn {
        if self.samples == 0 {
            return WaveColumn { min: f32::NAN, max: f32::NAN, mean_square: f32::NAN };
        }
        let mean_square = (self.squares / self.samples as f64) as f32;
        WaveColumn { min: self.min, max: self.max, mean_square }
    }

    /// The same as a pyramid has it.
    pub fn column_samples(&self) -> ColumnSamples {
        let WaveColumn { min, max, mean_square } = self.column();
        match self.samples {
            0 => ColumnSamples::default(),
            count => ColumnSamples { count, min, max, mean_square },
        }
    }
}
